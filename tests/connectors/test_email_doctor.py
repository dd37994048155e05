"""doctor on a mailbox: every finding has its remedy, and what it finds out about plus addresses is heeded."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dns.message
import dns.rrset
import pytest

from connectors.email.connector import Email, Settings
from connectors.email.dns_records import Nameserver, of_dkim, of_dmarc, of_domain, of_spf
from connectors.email.doctor import Examined, examine
from connectors.email.mime import parse
from connectors.email.reply_key import plus_cursor
from gateway.cli import main
from gateway.operations.findings import Finding, Level
from tests.fakes_email import KEY, FakeHost, post, running
from tests.mailservers import PASSWORD, Servers, free_port, mail_servers, why_not
from tests.running import free_port as a_port
from tests.running import running as a_deskgate
from tests.running import settings_for

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    if reason := why_not():
        pytest.skip(reason)
    with mail_servers() as started:
        yield started


class _Names(asyncio.DatagramProtocol):
    """A name server with TXT records only."""

    def __init__(self, records: dict[str, list[str]]) -> None:
        self._records = records

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        answer = dns.message.make_response(query)
        name = query.question[0].name.to_text(omit_final_dot=True)
        if texts := self._records.get(name):
            rows = [json.dumps(text) for text in texts]
            answer.answer.append(dns.rrset.from_text(query.question[0].name, 60, "IN", "TXT", *rows))
        self._transport.sendto(answer.to_wire(), addr)


@asynccontextmanager
async def names(**records: str) -> AsyncIterator[Nameserver]:
    loop = asyncio.get_running_loop()
    given = {name.replace("__", "."): [text] for name, text in records.items()}
    transport, _ = await loop.create_datagram_endpoint(lambda: _Names(given), ("127.0.0.1", 0))
    try:
        yield transport.get_extra_info("sockname")[:2]
    finally:
        transport.close()


def settings(servers: Servers, user: str, **given: Any) -> Settings:
    options = {
        "address": f"{user}@shop.test",
        "imap_host": "127.0.0.1",
        "imap_port": servers.imaps,
        "imap_username": user,
        "imap_password": PASSWORD,
        "smtp_host": "127.0.0.1",
        "smtp_port": servers.smtp,
        "ca_file": str(servers.certificate),
        **given,
    }
    return Settings(**options)


def said(findings: list[Finding]) -> str:
    assert all(each.remedy for each in findings if each.level is not Level.OK)
    return "\n".join(f"{each.level}: {each.what} {each.remedy}" for each in findings)


async def look(made: Settings, *, within: float = 30.0) -> Examined:
    async with names(shop__test="v=spf1 -all", _dmarc__shop__test="v=DMARC1; p=reject") as server:
        return await examine(made, NOW, within=within, nameserver=server)


@pytest.mark.mailserver
async def test_a_mailbox_in_order(servers: Servers) -> None:
    examined = await look(settings(servers, "fine"))
    text = said(examined.findings)
    assert examined.plus is True and "error" not in text
    assert "fine+key@shop.test went out and came back" in text
    assert "SPF: shop.test says" in text and "p=reject" in text and "IDLE" in text


@pytest.mark.mailserver
async def test_plus_addresses_that_do_not_arrive_are_told_from_a_mailbox_that_gets_nothing(
    servers: Servers,
) -> None:
    examined = await look(settings(servers, "plusless"), within=3)
    assert examined.plus is False
    assert "plusless+key@shop.test does not reach the mailbox" in said(examined.findings)
    nothing = await look(settings(servers, "fine", imap_username="another"), within=1)
    assert nothing.plus is None and "did not arrive" in said(nothing.findings)


@pytest.mark.mailserver
@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"imap_password": "hunter2"}, "app password"),
        ({"imap_folder": "Nowhere"}, "Set imap_folder to one of these: INBOX"),
        ({"ca_file": ""}, "set ca_file"),
        ({"imap_port": free_port()}, "imap_port"),
        ({"smtp_port": free_port()}, "cannot be reached"),
        ({"smtp_security": "tls"}, "The mail relay"),
        ({"smtp_username": "desk", "smtp_password": "hunter2"}, "Mend smtp_security, smtp_username"),
        ({"smtp_host": ""}, "Set smtp_host"),
        ({"auth": "xoauth2", "oauth_client_id": "c"}, "deskgate mail authorize"),
    ],
)
async def test_what_is_wrong_comes_with_its_remedy(
    servers: Servers, given: dict[str, Any], words: str
) -> None:
    text = said((await look(settings(servers, "wrong", **given))).findings)
    assert words in text and "hunter2" not in text


@pytest.mark.mailserver
async def test_the_command_remembers_and_answers_leave_without_the_key(
    servers: Servers,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = settings(servers, "plusless")
    monkeypatch.setenv("DESKGATE_CONNECTORS__EMAIL__SUPPORT__IMAP_PASSWORD", PASSWORD)
    monkeypatch.setattr("connectors.email.doctor._ARRIVES_WITHIN", 3.0)
    shown = ("address", "imap_host", "imap_port", "imap_username", "smtp_host", "smtp_port", "ca_file")
    lines = "".join(f"{name} = {json.dumps(getattr(given, name))}\n" for name in shown)
    config = tmp_path / "config.toml"
    config.write_text(
        f'[store]\ndatabase = "sqlite:///{tmp_path}/deskgate.db"\nkey_file = "{tmp_path}/key"\n'
        f'[queues.general]\ntitle = "Care"\ndefault = true\n[connectors.email.support]\n{lines}'
    )
    async with a_deskgate(settings_for(tmp_path, a_port())) as deskgate:
        await asyncio.to_thread(main, ["doctor", "email", "--config", str(config)])
        assert "does not reach the mailbox" in capsys.readouterr().out
        assert await deskgate.host.cursor(plus_cursor("support", arrives=False).name) == "refused"


async def test_a_refused_key_is_left_out_from_the_next_mail_on(tmp_path: Path) -> None:
    host = FakeHost()
    connector = Email("support", Settings(address="desk@shop.test", outgoing_folder=tmp_path), KEY)
    async with running(connector, host):
        await connector.send(post(id=1, reply_key="abcdef234567"))
        assert "desk+abcdef234567@" in _newest(tmp_path)
        cursor = plus_cursor("support", arrives=False)
        host.cursors[cursor.name] = cursor.value
        await host.clock.sleep_until(host.clock.deadline(61))
        await connector.send(post(id=2, reply_key="abcdef234567"))
        assert "desk+abcdef234567@" not in _newest(tmp_path)


def _newest(folder: Path) -> str:
    return max(folder.glob("*.eml"), key=lambda path: path.stat().st_mtime_ns).read_text()


# ---------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("records", "level", "words"),
    [
        ([], "warning", "no SPF record"),
        (["v=spf1 include:a -all"], "ok", "who may send"),
        (["v=spf1 -all", "v=spf1 mx -all"], "error", "2 SPF records"),
        (["v=spf1 +all"], "warning", "everybody"),
        (["v=spf1 " + " ".join(f"include:{n}.test" for n in range(11)) + " -all"], "error", "11 further"),
        (["google-site-verification=x"], "warning", "no SPF record"),
    ],
)
def test_spf(records: list[str], level: str, words: str) -> None:
    found = of_spf("shop.test", records)
    assert (found.level, words in found.what) == (level, True)


@pytest.mark.parametrize(
    ("records", "level"),
    [
        ([], "warning"),
        (["v=DMARC1; p=none"], "ok"),
        (["v=DMARC1; p=sometimes"], "error"),
        (["v=DMARC1"], "error"),
    ],
)
def test_dmarc(records: list[str], level: str) -> None:
    assert of_dmarc("shop.test", records).level == level


@pytest.mark.parametrize(
    ("signed", "key", "level"),
    [
        (None, [], "warning"),
        (("shop.test", "s1"), ["v=DKIM1; k=rsa; p=MIG"], "ok"),
        (("mail.shop.test", "s1"), ["p=MIG"], "ok"),
        (("shop.test", "s1"), [], "error"),
        (("provider.test", "s1"), ["p=MIG"], "warning"),
    ],
)
def test_dkim(signed: tuple[str, str] | None, key: list[str], level: str) -> None:
    assert of_dkim("shop.test", signed, key, looked=True).level == level


async def test_the_signature_of_the_arrived_mail_names_the_key_to_ask_for() -> None:
    mail = parse(b"DKIM-Signature: v=1; a=rsa-sha256; d=shop.test;\n s=s1; b=abc\nFrom: a@shop.test\n\nHi")
    async with names(
        s1___domainkey__shop__test="v=DKIM1; p=MIG", shop__test="v=spf1 -all", _dmarc__test="v=DMARC1; p=none"
    ) as server:
        found = await of_domain("shop.test", mail, server)
    assert "its key is published" in said(found), said(found)


async def test_where_names_cannot_be_asked_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.email.dns_records._SECONDS", 1.0)
    [found] = await of_domain("shop.test", None, ("127.0.0.1", free_port()))
    assert found.level is Level.WARNING and "could not be asked" in found.what
