"""Sending through a relay that is kind, strict, slow, silent or gone, and into a folder."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session
from hypothesis import given
from hypothesis import strategies as st

from connectors.email import outgoing
from connectors.email.connector import Email, Settings
from gateway.errors import Retryable, Uncertain, Undeliverable
from gateway.model import Attachment, Card, Post, Replace
from tests.fakes_email import KEY, FakeHost, post, running
from tests.mailservers import self_signed

OK = "250 OK"


class Relay:
    """A relay that answers as it is told: one answer for each of RCPT and DATA, by recipient."""

    def __init__(self, *, rcpt: dict[str, str] | None = None, data: str = OK, mail: str = OK) -> None:
        self.rcpt, self.data, self.mail_answer = rcpt or {}, data, mail
        self.mails: list[Envelope] = []
        self.connections = 0
        self.port = 0
        self.transports: set[asyncio.Transport] = set()

    async def handle_MAIL(
        self, _s: SMTP, _ss: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address if self.mail_answer == OK else None
        return self.mail_answer

    async def handle_RCPT(
        self, _s: SMTP, _ss: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        said = self.rcpt.get(address, OK)
        if said == OK:
            envelope.rcpt_tos.append(address)
        return said

    async def handle_DATA(self, _s: SMTP, _ss: Session, envelope: Envelope) -> str:
        if self.data == OK:
            self.mails.append(envelope)
        return self.data


@asynccontextmanager
async def serving(relay: Relay, *, tls: ssl.SSLContext | None = None, **options: Any) -> AsyncIterator[Relay]:
    loop = asyncio.get_running_loop()

    class Counting(SMTP):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            relay.connections += self._original_transport is None
            assert isinstance(transport, asyncio.Transport)
            relay.transports.add(transport)
            super().connection_made(transport)

    server = await loop.create_server(
        lambda: Counting(relay, hostname="mx.test", loop=loop, **options), "127.0.0.1", 0, ssl=tls
    )
    relay.port = server.sockets[0].getsockname()[1]
    try:
        yield relay
    finally:
        server.close()
        for transport in relay.transports:
            transport.close()
        await asyncio.sleep(0.01)


@asynccontextmanager
async def scripted(
    script: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[int]:
    """A server that does only what its script says; yields its port."""

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await script(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(client, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await asyncio.sleep(0.01)


def email(port: int, **given: Any) -> Email:
    options = {
        "smtp_host": "127.0.0.1",
        "smtp_port": port,
        "smtp_security": "none",
        "smtp_timeout": 5,
    } | given
    return Email("support", Settings(address="support@shop.test", **options), KEY)


async def send(port: int, mail: Post | None = None, **options: Any) -> None:
    connector = email(port, **options)
    async with running(connector, FakeHost()):
        await connector.send(mail or post())


async def test_a_mail_goes_out_with_its_keys() -> None:
    async with serving(Relay()) as relay:
        connector = email(relay.port)
        async with running(connector, FakeHost()):
            sent = await connector.send(post(reply_key="abcdef234567"))
        [envelope] = relay.mails
        assert envelope.rcpt_tos == ["ana@customer.test"]
        assert envelope.mail_from == "support+abcdef234567@shop.test"
        assert f"Message-ID: <{sent.external_ids[0]}>".encode() in (envelope.original_content or b"")
        assert sent.keys == (f"mid:{sent.external_ids[0]}",)


async def test_one_connection_carries_many_mails() -> None:
    async with serving(Relay(rcpt={"gone@customer.test": "550 5.1.1 No such user"})) as relay:
        connector = email(relay.port)
        async with running(connector, FakeHost()):
            await asyncio.gather(*(connector.send(post(id=n)) for n in range(1, 6)))
            with pytest.raises(Undeliverable):
                await connector.send(post(to="gone@customer.test"))
            await connector.send(post(id=9))
        assert (len(relay.mails), relay.connections) == (6, 1)


async def test_a_connection_that_died_is_replaced_at_once() -> None:
    async with serving(Relay()) as relay:
        connector = email(relay.port)
        async with running(connector, FakeHost()):
            await connector.send(post(id=1))
            for transport in relay.transports:
                transport.close()
            await connector.send(post(id=2))
        assert (len(relay.mails), relay.connections) == (2, 2)


async def test_lines_that_start_with_a_dot_arrive() -> None:
    async with serving(Relay()) as relay:
        await send(relay.port, post("First\n\n.hidden\n\n..two\n\n."))
        assert b"\r\n.hidden\r\n\r\n..two\r\n\r\n.\r\n" in (relay.mails[0].original_content or b"")


@pytest.mark.parametrize(
    ("relay", "error", "reason"),
    [
        (Relay(rcpt={"ana@customer.test": "550 5.1.1 No such user"}), Undeliverable, "no-such-address"),
        (Relay(rcpt={"ana@customer.test": "552 5.2.2 Mailbox full"}), Undeliverable, "refused"),
        (Relay(rcpt={"ana@customer.test": "451 4.7.1 Greylisted"}), Retryable, "451 4.7.1 Greylisted"),
        (Relay(rcpt={"ana@customer.test": "421 4.3.2 Closing"}), Retryable, "421 4.3.2 Closing"),
        (Relay(mail="553 5.7.1 Sender not allowed"), Undeliverable, "refused"),
        (Relay(mail="452 4.3.1 Out of space"), Retryable, "452"),
        (Relay(mail="530 5.7.0 Authentication required"), Retryable, "smtp_username"),
        (Relay(data="554 5.7.1 Looks like spam"), Undeliverable, "refused"),
        (Relay(data="552 5.3.4 Too big"), Undeliverable, "too-big"),
        (Relay(data="450 4.2.0 Busy"), Retryable, "450 4.2.0 Busy"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_answers_are_told_apart(relay: Relay, error: type[Exception], reason: str) -> None:
    async with serving(relay):
        with pytest.raises(error) as raised:
            await send(relay.port)
    assert reason in (raised.value.reason if isinstance(raised.value, Undeliverable | Retryable) else "")


async def test_a_relay_that_nobody_listens_on_is_asked_again_and_holds_the_account() -> None:
    async with serving(Relay()) as relay:
        port = relay.port
    with pytest.raises(Retryable) as raised:
        await send(port)
    assert raised.value.bucket == "email/support"


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def until_content(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Polite up to DATA, silent once it has the mail."""
    writer.write(b"220 mx.test\r\n")
    for _ in range(4):
        line = await reader.readline()
        writer.write(b"354 go on\r\n" if line.startswith(b"DATA") else b"250 OK\r\n")
    await reader.read()


async def silent_at_data(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 mx.test\r\n")
    for _ in range(3):
        await reader.readline()
        writer.write(b"250 OK\r\n")
    await reader.read()


async def closes_after_content(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 mx.test\r\n")
    for _ in range(4):
        line = await reader.readline()
        writer.write(b"354 go on\r\n" if line.startswith(b"DATA") else b"250 OK\r\n")
    await reader.readuntil(b"\r\n.\r\n")


async def closed_for_business(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"554 5.3.2 No service here\r\n")
    await reader.read()


async def refuses_starttls(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 mx.test\r\n")
    await reader.readline()
    writer.write(b"250-mx.test\r\n250 STARTTLS\r\n")
    await reader.readline()
    writer.write(b"502 5.5.1 Not today\r\n")
    await reader.read()


async def test_a_relay_that_breaks_its_promise_of_starttls_gets_nothing() -> None:
    async with scripted(refuses_starttls) as port:
        with pytest.raises(Retryable, match="Not today"):
            await send(port, smtp_security="starttls")


async def babbling(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"\xff\xfe hello\r\n" * 3)
    await reader.read()


@pytest.mark.parametrize(
    ("script", "error"),
    [
        (silent, Retryable),
        (silent_at_data, Retryable),
        (until_content, Uncertain),
        (closes_after_content, Uncertain),
        (closed_for_business, Retryable),
        (babbling, Retryable),
    ],
)
async def test_silence_is_uncertain_only_once_the_mail_was_handed_over(
    script: Any, error: type[Exception]
) -> None:
    async with scripted(script) as port:
        with pytest.raises(error):
            await send(port, smtp_timeout=0.3)


async def test_mails_behind_one_that_hangs_are_tried_again() -> None:
    async with scripted(until_content) as port:
        connector = email(port, smtp_timeout=0.3)
        async with running(connector, FakeHost()):
            sends = (connector.send(post(id=number)) for number in range(1, 5))
            first, *others = await asyncio.gather(*sends, return_exceptions=True)
    assert isinstance(first, Uncertain)
    assert all(isinstance(other, Retryable) for other in others)


async def test_a_relay_without_starttls_gets_nothing() -> None:
    async with serving(Relay()) as relay:
        with pytest.raises(Retryable) as raised:
            await send(relay.port, smtp_security="starttls")
        assert "STARTTLS" in raised.value.reason and "smtp_security" in raised.value.reason
        assert relay.mails == []


@given(st.binary(max_size=300))
def test_content_is_what_a_server_reads_back(content: bytes) -> None:
    sent = outgoing.stuffed(content)
    assert sent.endswith(b"\r\n.\r\n") or sent == b".\r\n" or content == b""
    assert sent.find(b"\r\n.\r\n") in (len(sent) - 5, -1)
    lines = sent[: -len(b".\r\n")].split(b"\r\n")
    read = b"\r\n".join(line.removeprefix(b".") for line in lines)
    assert read in (content, content + b"\r\n")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return self_signed(tmp_path_factory.mktemp("tls"))


def server_tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


async def test_starttls_with_a_certificate_we_trust(certificate: Path) -> None:
    async with serving(Relay(), tls_context=server_tls(certificate)) as relay:
        await send(relay.port, smtp_security="starttls", ca_file=str(certificate))
        assert len(relay.mails) == 1


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_a_certificate_we_do_not_trust_stops_mail(certificate: Path, security: str) -> None:
    inside = server_tls(certificate)
    options = {"tls_context": inside} if security == "starttls" else {"tls": inside}
    async with serving(Relay(), **options) as relay:
        with pytest.raises(Retryable) as raised:
            await send(relay.port, smtp_security=security)
        assert raised.value.after == 300
        assert relay.mails == []


@pytest.mark.parametrize(("password", "sent"), [("right", True), ("wrong", False)])
async def test_signing_in(certificate: Path, password: str, sent: bool) -> None:
    def check(_server: SMTP, _session: Session, _envelope: Envelope, _how: str, given: Any) -> AuthResult:
        return AuthResult(success=given.password == b"right", handled=False)

    options = {"tls_context": server_tls(certificate), "authenticator": check, "auth_required": True}
    given = {
        "smtp_security": "starttls",
        "ca_file": str(certificate),
        "smtp_username": "u",
        "smtp_password": password,
    }
    async with serving(Relay(), **options) as relay:
        if sent:
            await send(relay.port, **given)
        else:
            with pytest.raises(Retryable, match="smtp_password"):
                await send(relay.port, **given)
        assert bool(relay.mails) is sent


async def test_an_address_that_needs_smtputf8_goes_only_where_it_can() -> None:
    async with serving(Relay()) as relay:
        with pytest.raises(Undeliverable) as raised:
            await send(relay.port, post(to="jožica@customer.test"))
        assert raised.value.reason == "address-not-supported"
    async with serving(Relay(), enable_SMTPUTF8=True) as relay:
        await send(relay.port, post(to="jožica@customer.test"))
        assert relay.mails[0].rcpt_tos == ["jožica@customer.test"]


async def test_without_a_relay_mail_is_written_once_each(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "out"
    connector = Email("support", Settings(address="support@shop.test", outgoing_folder=folder), KEY)
    async with running(connector, FakeHost()):
        sent = await connector.send(post())
        assert await connector.send(post()) == sent
    [file] = folder.iterdir()
    assert file.suffix == ".eml" and b"Message-ID: <dg-7-" in file.read_bytes()
    assert file.stat().st_mode & 0o077 == 0
    assert connector.capabilities.idempotent


async def test_a_folder_that_cannot_be_written_is_tried_again(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    settings = Settings(address="support@shop.test", outgoing_folder=tmp_path / "file")
    connector = Email("support", settings, KEY)
    async with running(connector, FakeHost()):
        with pytest.raises(Retryable):
            await connector.send(post())


async def test_files_come_from_the_host(tmp_path: Path) -> None:
    connector, host = (
        Email("support", Settings(address="s@shop.test", outgoing_folder=tmp_path), KEY),
        FakeHost(),
    )
    host.files["aa"] = b"%PDF"
    async with running(connector, host):
        sent = await connector.send(post(attachments=(Attachment(filename="a.pdf", size=4, sha256="aa"),)))
        with pytest.raises(Undeliverable) as raised:
            await connector.send(post(id=8, attachments=(Attachment(filename="b.pdf", size=4, sha256="bb"),)))
    assert raised.value.reason == "file-missing"
    assert [file.name for file in os.scandir(tmp_path)] == [f"{sent.external_ids[0].partition('@')[0]}.eml"]


async def test_a_mail_cannot_be_replaced(tmp_path: Path) -> None:
    connector = Email("support", Settings(address="s@shop.test", outgoing_folder=tmp_path), KEY)
    card = Card(ticket=1, reference="DG-1", title="t", requester="r")
    async with running(connector, FakeHost()):
        with pytest.raises(Undeliverable) as raised:
            await connector.send(Replace(address=post().address, ticket=1, card=card))
    assert raised.value.reason == "not-supported"


async def test_copies_travel_in_one_mail_and_a_refused_one_holds_nothing_up() -> None:
    async with serving(Relay(rcpt={"gone@customer.test": "550 5.1.1 No such user"})) as relay:
        await send(relay.port, post(cc=("noa@customer.test", "gone@customer.test")))
    [arrived] = relay.mails
    assert arrived.rcpt_tos == ["ana@customer.test", "noa@customer.test"]
