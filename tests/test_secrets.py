"""No secret in a repr, an error, a dump or a log line, whatever holds it and whatever goes wrong."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from gateway.app import Deskgate
from gateway.errors import SettingsError
from gateway.settings import secret_values
from gateway.startup import read_settings

SECRETS = {
    "DESKGATE_CONNECTORS__SLACK__MAIN__BOT_TOKEN": "xoxb-whisper-1",
    "DESKGATE_CONNECTORS__SLACK__MAIN__SIGNING_SECRET": "whisper-2",
    "DESKGATE_CONNECTORS__EMAIL__SUPPORT__IMAP_PASSWORD": "whisper-3",
    "DESKGATE_CONNECTORS__EMAIL__SUPPORT__SMTP_PASSWORD": "whisper-4",
    "DESKGATE_CONNECTORS__TELEGRAM__MAIN__BOT_TOKEN": "123456:whisper-5-whisper-5-whisper-5-whisper",
    "DESKGATE_ALARMS__SMTP_PASSWORD": "whisper-6",
    "DESKGATE_ALARMS__URL": "https://chat.example.com/hooks/whisper-7",
    "DESKGATE_METRICS__TOKEN": "whisper-8",
    "DESKGATE_KEY": "ab" * 32,
}
CONFIG = """
[site]
public_url = "https://help.example.com"
[bot]
articles = "{folder}"
[desk]
canned = "{folder}"
[store]
database = "sqlite:///{folder}/deskgate.db"
[queues.general]
title = "General"
default = true
[connectors.slack.main]
team_id = "T0123456"
[connectors.email.support]
address = "support@example.com"
imap_host = "imap.example.com"
smtp_host = "smtp.example.com"
smtp_username = "support"
[connectors.telegram.main]
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "config.toml").write_text(CONFIG.format(folder=tmp_path))
    return tmp_path / "config.toml"


def whispers(text: str) -> list[str]:
    return [secret for secret in SECRETS.values() if secret in text] + (
        ["whisper"] if "whisper" in text else []
    )


def test_nothing_that_can_be_printed_holds_a_secret(config: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        settings, accounts = read_settings(config, SECRETS)
        deskgate = Deskgate(settings, accounts, environ=SECRETS)
    held = [secret for each in (settings.alarms, settings.metrics) for secret in secret_values(each)]
    held += [secret for account in accounts for secret in secret_values(account.settings)]
    assert len([secret for secret in held if secret]) >= len(SECRETS) - 1  # they are really there
    shown = [
        repr(settings.alarms),
        str(settings.metrics),
        repr(settings),
        settings.model_dump_json(exclude={"connectors"}),
    ]
    shown += [
        repr(account.settings) + repr(account) + account.settings.model_dump_json() for account in accounts
    ]
    shown += [
        repr(vars(each)) for each in (*deskgate.connectors.values(), deskgate.seal, deskgate.policy.words)
    ]
    shown += [repr(deskgate.operations), repr(deskgate.health), caplog.text]
    deskgate.intake.close()
    assert whispers("\n".join(shown)) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DESKGATE_ALARMS__URL", "gopher://whisper"),
        ("DESKGATE_CONNECTORS__SLACK__MAIN__BOT_TOKEN", "whisper is no token"),
        ("DESKGATE_CONNECTORS__TELEGRAM__MAIN__BOT_TOKEN", "whisper"),
        ("DESKGATE_METRIKS__TOKEN", "whisper"),
    ],
)
def test_a_mistake_in_a_secret_is_named_without_it(config: Path, name: str, value: str) -> None:
    try:
        read_settings(config, {**SECRETS, name: value})
    except SettingsError as error:
        assert whispers(str(error) + repr(error)) == []
        assert name in str(error)
