"""Settings of a mail account: what is refused, and what counts as this machine only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.email.connector import Settings


def settings(**given: Any) -> Settings:
    return Settings(**{"address": "support@shop.test", **given})


@pytest.mark.parametrize(
    ("given", "only_here"),
    [
        ({}, True),
        ({"listen": "127.0.0.1:2525"}, True),
        ({"listen": "[::1]:2525"}, True),
        ({"listen": "0.0.0.0:25"}, False),
        ({"imap_host": "localhost"}, True),
        ({"imap_host": "imap.example.com"}, False),
        ({"smtp_host": "127.0.0.1"}, True),
        ({"smtp_host": "smtp.example.com"}, False),
        ({"listen": "127.0.0.1:2525", "smtp_host": "10.0.0.5"}, False),
    ],
)
def test_loopback_means_every_way_in_and_out(given: dict[str, Any], only_here: bool) -> None:
    assert settings(**given).loopback() is only_here


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({"address": "support"}, "plain mail address"),
        ({"address": "a@b.test, c@d.test"}, "plain mail address"),
        ({"aliases": ["Help <help@shop.test>"]}, "plain mail address"),
        ({"listen": "2525"}, "127.0.0.1:2525"),
        ({"listen": "127.0.0.1:99999"}, "127.0.0.1:2525"),
        ({"imap_hots": "x"}, "imap_hots"),
        ({"smtp_security": "ssl"}, "starttls"),
        ({"smtp_host": "mx.example.com", "smtp_security": "none", "smtp_password": "pw"}, "starttls"),
        ({"imap_host": "mx.example.com", "imap_security": "none", "imap_password": "pw"}, "starttls"),
        ({"ca_file": "/nowhere/ca.pem"}, "no file"),
    ],
)
def test_a_mistake_is_refused_with_the_remedy(given: dict[str, Any], word: str) -> None:
    with pytest.raises(ValidationError, match=word):
        settings(**given)


def test_a_password_in_clear_is_fine_on_this_machine() -> None:
    assert settings(imap_host="127.0.0.1", imap_security="none", imap_password="pw").imap_at == (
        "127.0.0.1",
        143,
    )


@pytest.mark.parametrize(
    ("security", "imap", "smtp"), [("tls", 993, 465), ("starttls", 143, 587), ("none", 143, 25)]
)
def test_ports_follow_the_security(security: str, imap: int, smtp: int) -> None:
    made = settings(imap_host="m", imap_security=security, smtp_host="m", smtp_security=security)
    assert (made.imap_at[1], made.smtp_at[1]) == (imap, smtp)


def test_passwords_are_not_shown() -> None:
    assert "hunter2" not in repr(settings(imap_password="hunter2", smtp_password="hunter2"))


def test_every_setting_is_explained() -> None:
    assert all(field.description for field in Settings.model_fields.values())


def test_addresses_are_lower_cased() -> None:
    made = settings(address="Support@Shop.test", aliases=["HELP@shop.test"], outgoing_folder="out")
    assert made.ours == ("support@shop.test", "help@shop.test")
    assert made.outgoing_folder == Path("out")


def test_the_page_lists_every_setting_as_it_is_described() -> None:
    page = (Path(__file__).parents[2] / "docs" / "email.md").read_text()
    for name, field in Settings.model_fields.items():
        assert f"| `{name}` | {field.description} |" in page


@pytest.mark.parametrize("flag", ["\\Deleted", "\\deleted", "two words", "\\Recent", "x" * 60])
def test_no_flag_that_deletes_or_is_none(flag: str) -> None:
    with pytest.raises(ValidationError):
        Settings(address="a@b.test", imap_flag=flag)


@pytest.mark.parametrize("flag", ["\\Seen", "\\Flagged", "Deskgate", "$Done", ""])
def test_flags_that_a_mail_may_get(flag: str) -> None:
    assert Settings(address="a@b.test", imap_flag=flag).leaves_marks is bool(flag)
