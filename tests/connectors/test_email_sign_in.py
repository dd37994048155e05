"""Signing in with tokens: asking for them, keeping them, renewing them in time, and what is said when it ends."""

from __future__ import annotations

import asyncio
import base64
import logging
import os
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session
from pydantic import ValidationError

from connectors.email import authorize, oauth
from connectors.email.connector import Email, Settings
from connectors.email.grant import Grant, decoded, encoded, ending, grant_name
from connectors.email.oauth import GrantLost, Tokens
from gateway.app import Deskgate
from gateway.cli import main
from gateway.errors import Retryable
from gateway.startup import read_settings
from gateway.store import grants
from tests.connectors.test_email_servers import into_mailbox, mail
from tests.fakes_email import KEY, NOW, FakeHost, QuickClock, post, running
from tests.fakes_oauth import SECRET, Provider, provider
from tests.mailservers import Servers, mail_servers, self_signed, why_not

NAME = grant_name("support")


def settings(made: Provider, grant: str = "client_credentials", **given: Any) -> Settings:
    return Settings(**{"address": "desk@shop.test", **made.settings(grant), **given})


async def nobody() -> str:
    return await asyncio.get_running_loop().create_future()


def tokens(**given: Any) -> Tokens:
    return Tokens(**{"access": "access-0", "got": NOW, "ends": NOW + timedelta(hours=1), **given})


# ---------------------------------------------------------------- getting one


async def test_the_program_signs_in_for_itself() -> None:
    async with provider() as made:
        found = await authorize.authorize(settings(made), QuickClock(), lambda _: None, nobody)
    assert (found.access, found.refresh, found.ends) == ("access-1", "", NOW + timedelta(hours=1))


async def test_a_person_types_in_a_code() -> None:
    said: list[str] = []
    async with provider() as made:
        found = await authorize.authorize(settings(made, "device_code"), QuickClock(), said.append, nobody)
    assert found.refresh == "refresh-1"
    assert any("ABCD-EFGH" in line for line in said) and any("/device/page" in line for line in said)
    assert made.asked == ["urn:ietf:params:oauth:grant-type:device_code"] * 3


async def _open(said: list[str]) -> str:
    """The browser of the person: follows the address that was shown, to the page it ends at."""
    while not (shown := next((line.strip() for line in said if "/authorize?" in line), "")):
        await asyncio.sleep(0.01)
    async with aiohttp.ClientSession() as browser, browser.get(shown, allow_redirects=False) as answer:
        return answer.headers["Location"]


async def test_a_browser_on_this_machine_comes_back_by_itself() -> None:
    said: list[str] = []

    async def person() -> None:
        back = await _open(said)
        async with aiohttp.ClientSession() as browser, browser.get(back) as answer:
            assert "close this page" in await answer.text()

    async with provider() as made, asyncio.TaskGroup() as group:
        group.create_task(person())
        found = await authorize.authorize(settings(made, "consent"), QuickClock(), said.append, nobody)
    assert found.refresh == "refresh-1"


async def test_from_another_machine_the_address_is_pasted() -> None:
    said: list[str] = []
    async with provider() as made:
        found = await authorize.authorize(
            settings(made, "consent"), QuickClock(), said.append, lambda: _open(said)
        )
    assert found.access == "access-1"


async def test_an_address_of_another_sign_in_is_not_taken() -> None:
    async def other() -> str:
        return "http://127.0.0.1:1/?code=code-1&state=forged"

    async with provider() as made:
        with pytest.raises(GrantLost, match="not the address"):
            await authorize.authorize(settings(made, "consent"), QuickClock(), lambda _: None, other)


@pytest.mark.parametrize(
    ("word", "remedy"),
    [
        ("invalid_client", "make a new one"),
        ("invalid_grant", "deskgate mail authorize desk@shop.test"),
        ("access_denied", "may use the mailbox"),
        ("invalid_scope", "permission for mail"),
        ("something_new", "sign-in log"),
    ],
)
async def test_a_refusal_names_its_remedy_and_no_secret(word: str, remedy: str) -> None:
    async with provider() as made:
        made.refuse = word
        with pytest.raises(GrantLost, match=remedy) as caught:
            await oauth.renew(settings(made), None, NOW)
    assert "hush" not in str(caught.value) and "AADSTS1" in str(caught.value)


async def test_a_provider_that_is_not_there_is_asked_again() -> None:
    async with provider() as made:
        pass
    with pytest.raises(Retryable, match="does not answer"):
        await oauth.renew(settings(made), None, NOW)


def test_the_big_providers_are_known() -> None:
    app = Settings(
        address="a@b.test",
        auth="xoauth2",
        oauth_client_id="c",
        oauth_client_secret="s",
        oauth_tenant="b.test",
    )
    assert oauth.endpoints(app).token == "https://login.microsoftonline.com/b.test/oauth2/v2.0/token"
    assert oauth.endpoints(app).scope == "https://outlook.office365.com/.default"
    person = Settings(address="a@b.test", auth="xoauth2", oauth_client_id="c")
    assert oauth.endpoints(person).sign_in.endswith("/organizations/oauth2/v2.0/devicecode")
    google = Settings(address="a@b.test", auth="xoauth2", oauth_client_id="c", oauth_provider="google")
    url = authorize.consent_url(google, "http://127.0.0.1:1", "state", "verifier")
    assert url.startswith("https://accounts.google.com/") and "access_type=offline" in url


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "oauth_client_id"),
        ({"oauth_client_id": "c", "oauth_grant": "client_credentials"}, "oauth_client_secret"),
        ({"oauth_client_id": "c", "oauth_provider": "google", "oauth_grant": "device_code"}, "consent"),
        ({"oauth_client_id": "c", "oauth_provider": "other"}, "oauth_token_url"),
        ({"oauth_client_id": "c", "oauth_token_url": "http://login.example.com/"}, "https"),
        ({"oauth_client_id": "c", "imap_host": "imap.example.com", "imap_security": "none"}, "readable"),
    ],
)
def test_what_cannot_work_is_said_at_load(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Settings(address="a@b.test", auth="xoauth2", **given)


# ---------------------------------------------------------------- keeping and renewing


@asynccontextmanager
async def owned(made: Provider, host: FakeHost, grant: str = "client_credentials") -> AsyncIterator[Grant]:
    one = Grant("support", settings(made, grant), host)
    task = asyncio.create_task(one.run())
    try:
        yield one
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_the_owner_gets_and_renews_and_everybody_reads() -> None:
    host = FakeHost()
    host.clock = QuickClock(pause=0.02)
    async with provider() as made:
        made.lasts = 900
        async with owned(made, host):
            reader = Grant("support", settings(made), host)
            first = await reader.token()
            async with asyncio.timeout(60):
                while await reader.token() == first:
                    await asyncio.sleep(0.02)
    known = decoded(host.grants[NAME])
    assert known is not None and known.ends > host.clock.now()
    assert host.clock.now() < NOW + timedelta(hours=1)


async def test_a_new_refresh_token_replaces_the_one_before() -> None:
    host = FakeHost()
    host.clock = QuickClock(pause=0.02)
    async with provider() as made:
        made.refresh = "refresh-0"
        host.grants[NAME] = encoded(tokens(refresh="refresh-0", ends=NOW))
        async with owned(made, host, "device_code") as grant:
            assert await grant.token() == "access-1"
    known = decoded(host.grants[NAME])
    assert known is not None and known.refresh == made.refresh


async def test_a_grant_that_was_taken_back_is_said_loudly_and_healed_by_signing_in(
    caplog: pytest.LogCaptureFixture,
) -> None:
    host = FakeHost()
    host.clock = QuickClock(pause=0.02)
    async with provider() as made:
        host.grants[NAME] = encoded(tokens(refresh="spent", ends=NOW))
        async with owned(made, host, "device_code") as grant:
            with pytest.raises(Retryable, match="deskgate mail authorize"):
                await grant.token()
            host.grants[NAME] = encoded(tokens(access="by-hand", ends=host.clock.now() + timedelta(hours=9)))
            assert await grant.token() == "by-hand"
    assert [each.input.what for each in host.kept] == ["sign_in_lost"]
    assert "mail authorize" in caplog.text and "spent" not in caplog.text


async def test_a_token_that_a_server_refused_is_renewed_unless_it_is_new() -> None:
    host = FakeHost()
    async with provider() as made:
        grant = Grant("support", settings(made), host)
        host.grants[NAME] = encoded(tokens())
        await grant.refused()
        assert decoded(host.grants[NAME]) == tokens()
        host.grants[NAME] = encoded(tokens(got=NOW - timedelta(minutes=30)))
        await grant.refused()
    known = decoded(host.grants[NAME])
    assert known is not None and known.ends == NOW


@pytest.mark.parametrize(
    ("refresh_days", "secret_day", "words"),
    [
        (None, None, ""),
        (30, None, ""),
        (6, None, "deskgate mail authorize desk@shop.test"),
        (None, date(2026, 3, 20), "client secret"),
        (None, date(2026, 6, 1), ""),
    ],
)
def test_what_ends_soon_is_said_before(refresh_days: int | None, secret_day: date | None, words: str) -> None:
    ends = NOW + timedelta(days=refresh_days) if refresh_days else None
    given = Settings(
        address="desk@shop.test", auth="xoauth2", oauth_client_id="c", oauth_secret_ends=secret_day
    )
    assert words in ending(given, tokens(refresh_ends=ends), NOW)
    assert bool(words) == bool(ending(given, tokens(refresh_ends=ends), NOW))


async def test_the_warning_comes_once_a_day(caplog: pytest.LogCaptureFixture) -> None:
    host = FakeHost()
    host.clock = QuickClock(pause=0.01)
    async with provider() as made:
        made.refresh_lasts, made.refresh = 3 * 86_400, "r"
        host.grants[NAME] = encoded(tokens(refresh="r", ends=NOW))
        async with owned(made, host, "device_code"), asyncio.timeout(60):
            while host.clock.now() < NOW + timedelta(hours=2):
                await asyncio.sleep(0.02)
    assert [each.input.what for each in host.kept] == ["sign_in_ends"]


# ---------------------------------------------------------------- with real servers


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    if reason := why_not():
        pytest.skip(reason)
    with mail_servers() as started:
        yield started


def reading(servers: Servers) -> dict[str, Any]:
    given = {"imap_host": "127.0.0.1", "imap_port": servers.imaps, "ca_file": str(servers.certificate)}
    return {**given, "imap_security": "tls", "imap_username": "desk"}


@pytest.mark.mailserver
async def test_dovecot_lets_us_in_with_a_token_and_a_revoked_one_is_renewed(servers: Servers) -> None:
    host = FakeHost()
    now = datetime.now(UTC)
    host.clock = QuickClock(now, pause=0.3)
    # As when an admin ends every session: the token looks good, but nobody takes it any more.
    revoked = Tokens(access="revoked", got=now - timedelta(minutes=50), ends=now + timedelta(hours=1))
    host.grants[NAME] = encoded(revoked)
    async with (
        provider("desk", servers.dovecot.tokens) as made,
        running(Email("support", settings(made, **reading(servers)), KEY), host),
    ):
        await host.wait_for_cursor()
        await into_mailbox(servers, "desk", mail("desk@shop.test").as_bytes())
        await host.wait_for(1)
    assert made.asked == ["client_credentials"]


@pytest.mark.mailserver
async def test_what_dovecot_refuses_is_told_to_whoever_signs_in(servers: Servers) -> None:
    async with provider("desk", servers.dovecot.tokens) as made:
        given = settings(made, **reading(servers))
        found = await authorize.authorize(given, QuickClock(), lambda _: None, nobody)
        assert await authorize.try_mailbox(given, found.access) == ""
        assert "refused the token" in await authorize.try_mailbox(given, "another")


class _Relay:
    """A relay that knows XOAUTH2 (developers.google.com/gmail/imap/xoauth2-protocol) and keeps what it gets."""

    def __init__(self, made: Provider) -> None:
        self.made, self.mails = made, list[bytes]()

    async def auth_XOAUTH2(self, server: SMTP, args: list[str]) -> AuthResult:
        user, bearer, *_ = base64.b64decode(args[1]).decode().split("\1")
        token = bearer.removeprefix("auth=Bearer ")
        if user == "user=desk@shop.test" and token in self.made.good:
            return AuthResult(success=True)
        await server.challenge_auth('{"status":"401"}')
        return AuthResult(success=False, handled=False)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.mails.append(bytes(envelope.content or b""))
        return "250 OK"


async def test_mail_is_sent_with_a_token_and_waits_while_it_is_refused(tmp_path: Path) -> None:
    certificate = self_signed(tmp_path)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate)
    host = FakeHost()
    async with provider() as made:
        relay = _Relay(made)
        loop = asyncio.get_running_loop()
        logging.getLogger("mail.log").setLevel(logging.ERROR)
        server = await loop.create_server(
            lambda: SMTP(relay, loop=loop, tls_context=tls, require_starttls=True, auth_required=True),
            "127.0.0.1",
            0,
        )
        port = server.sockets[0].getsockname()[1]
        given = settings(made, smtp_host="127.0.0.1", smtp_port=port, ca_file=str(certificate))
        connector = Email("support", given, KEY)
        async with running(connector, host):
            await connector.send(post())
            assert len(relay.mails) == 1
            await connector._out.close()
            made.good.clear()
            with pytest.raises(Retryable, match="may send by SMTP"):
                await connector.send(post(id=8))
        server.close()


async def test_the_command_line_keeps_the_token_where_a_running_deskgate_finds_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "config.toml"
    async with provider() as made:
        given = {k: v for k, v in made.settings("client_credentials").items() if k != "oauth_client_secret"}
        lines = "\n".join(f'{name} = "{value}"' for name, value in given.items())
        config.write_text(
            f'[store]\ndatabase = "sqlite:///{tmp_path}/d.db"\nkey_file = "{tmp_path}/key"\n'
            f'[queues.general]\ntitle = "Care"\ndefault = true\n'
            f'[connectors.email.support]\naddress = "desk@shop.test"\n{lines}\n'
            '[connectors.email.old]\naddress = "old@shop.test"\n'
        )
        monkeypatch.setenv("DESKGATE_CONNECTORS__EMAIL__SUPPORT__OAUTH_CLIENT_SECRET", SECRET)

        def said(address: str) -> tuple[int, str]:
            code = main(["mail", "authorize", address, "--config", str(config)])
            return code, capsys.readouterr().out

        code, shown = await asyncio.to_thread(said, "Desk@shop.test")
        assert code == 0 and "is signed in" in shown and SECRET not in shown and "access-1" not in shown
        assert (await asyncio.to_thread(said, "old@shop.test"))[1].startswith("old@shop.test signs in with")
        assert (await asyncio.to_thread(said, "nobody@shop.test"))[0] == 1

        found = read_settings(config, os.environ)
        deskgate = Deskgate(*found)
        await deskgate.store.open()
        try:
            assert await Grant("support", settings(made), deskgate.host).token() == "access-1"
            assert b"access-1" not in await deskgate.store.driver.read(lambda tx: grants.read(tx, NAME))
        finally:
            deskgate.intake.close()
            await deskgate.store.close()
