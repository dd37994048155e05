"""What doctor finds, with a remedy for each finding that is no good news; and the settings' own words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.telegram.connector import Settings
from connectors.telegram.doctor import examine, of_bot, of_way, of_webhook
from connectors.telegram.settings import Mode
from gateway.clock import SystemClock
from gateway.operations.findings import Level
from tests.running import free_port
from tests.telegram_standin import running
from tests.telegram_state import TOKEN

OURS = "https://help.example.com/telegram/main"
PAGE = (Path(__file__).parents[2] / "docs" / "telegram.md").read_text()


def settings(**values: Any) -> Settings:
    return Settings.model_validate({"bot_token": TOKEN, **values})


async def test_all_is_well() -> None:
    async with running(SystemClock()) as telegram:
        telegram.private_groups = False
        found = await examine("main", settings(api_url=telegram.api_url), "http://127.0.0.1:8080")
        assert {finding.level for finding in found} == {Level.OK}
        assert "@fox_desk_bot" in found[0].what
        assert set(telegram.methods()) == {"getMe", "getWebhookInfo"}, "looking changes nothing"


async def test_a_wrong_token_and_a_dead_network_are_told_apart() -> None:
    async with running(SystemClock()) as telegram:
        (wrong,) = await examine("main", settings(bot_token="1:x", api_url=telegram.api_url), OURS)
    (dead,) = await examine("main", settings(api_url=f"http://127.0.0.1:{free_port()}"), OURS)
    assert "token" in wrong.what and "BotFather" in wrong.remedy
    assert "does not answer" in dead.what and TOKEN not in str((wrong, dead))


@pytest.mark.parametrize(
    ("me", "level", "word"),
    [
        ({"can_join_groups": True, "can_read_all_group_messages": True}, Level.OK, "privacy is off"),
        ({"can_join_groups": True}, Level.WARNING, "/setprivacy"),
        ({}, Level.WARNING, "/setjoingroups"),
    ],
)
def test_group_privacy_is_explained(me: dict[str, Any], level: Level, word: str) -> None:
    finding = of_bot({"username": "x", **me}, settings())[1]
    assert finding.level is level and word in finding.what + finding.remedy
    assert len(of_bot(me, settings(groups=False))) == 1


@pytest.mark.parametrize(
    ("mode", "url", "ours", "worst"),
    [
        (Mode.POLLING, "", OURS, Level.OK),
        (Mode.POLLING, OURS, OURS, Level.WARNING),
        (Mode.POLLING, "https://elsewhere.example/x", OURS, Level.ERROR),
        (Mode.WEBHOOK, OURS, OURS, Level.OK),
        (Mode.WEBHOOK, "", OURS, Level.ERROR),
        (Mode.WEBHOOK, "https://elsewhere.example/x", OURS, Level.ERROR),
        (Mode.WEBHOOK, "", "http://127.0.0.1:8080/telegram/main", Level.ERROR),
        (Mode.WEBHOOK, "", "https://help.example.com:8080/telegram/main", Level.ERROR),
        (Mode.WEBHOOK, "", "http://help.example.com/telegram/main", Level.ERROR),
    ],
)
def test_webhook_against_polling(mode: Mode, url: str, ours: str, worst: Level) -> None:
    found = of_way({"url": url}, settings(mode=mode), ours)
    assert worst in {finding.level for finding in found}
    assert all(finding.remedy for finding in found if finding.level is not Level.OK)


def test_the_last_error_of_a_webhook_has_a_remedy() -> None:
    said = {"url": OURS, "last_error_date": 1772442000, "pending_update_count": 5000}
    for message in (
        "Wrong response from the webhook: 401 Unauthorized",
        "Connection timed out",
        "Something new",
    ):
        many, last = of_webhook({**said, "last_error_message": message})
        assert "5000" in many.what and "24 hours" in many.remedy
        assert "2026-03-02 09:00 UTC" in last.what and last.remedy
    assert of_webhook({"url": ""}) == []


@pytest.mark.parametrize(
    "values",
    [
        {"bot_token": ""},
        {"bot_token": "no token"},
        {"bot_token": "12:a/b"},
        {"api_url": "ftp://x"},
        {"api_url": "http://api.example.com"},
        {"mode": "both"},
        {"poll_seconds": 51},
        {"file_limit": 20_000_001},
        {"unknown": 1},
    ],
)
def test_settings_that_cannot_work_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        settings(**values)


def test_settings_know_whether_they_stay_on_this_machine() -> None:
    assert not settings().loopback() and settings(api_url="http://127.0.0.1:9/").loopback()
    assert settings().bot_id == 700100 and TOKEN not in repr(settings())


def test_every_setting_and_command_is_explained() -> None:
    assert all(f"`{name}`" in PAGE for name in Settings.model_fields)
    assert all(f"`/{name}`" in PAGE for name in ("start", "help", "human"))
