"""The listener, spoken to by real clients: what it takes, what it refuses, and when it says 250."""

from __future__ import annotations

import asyncio
import logging
import smtplib
import socket
from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar

import pytest

from connectors.email.connector import Email, Settings
from gateway.errors import SettingsError
from gateway.model import Delivery, Receipt
from tests.fakes_email import KEY, FakeHost, running

MAIL = b"From: ana@customer.test\r\nTo: support@shop.test\r\nSubject: Hi\r\nMessage-ID: <1@c>\r\n\r\nWhere is it?\r\n"
T = TypeVar("T")


@pytest.fixture
def host() -> FakeHost:
    return FakeHost()


def email(**given: Any) -> Email:
    settings = Settings(
        address="support@shop.test", aliases=("help@shop.test",), listen="127.0.0.1:0", **given
    )
    return Email("support", settings, KEY)


@pytest.fixture
async def smtp(host: FakeHost) -> AsyncIterator[Email]:
    connector = email(max_mail=200_000, listen_connections=3)
    async with running(connector, host):
        yield connector


async def talk(
    connector: Email, conversation: Callable[[smtplib.SMTP], T], kind: type[smtplib.SMTP] = smtplib.SMTP
) -> T:
    """Runs the conversation of a blocking client in a thread."""
    assert connector.listening_at is not None
    host, port = connector.listening_at

    def client() -> T:
        with kind(host, port, timeout=60) as opened:
            return conversation(opened)

    return await asyncio.to_thread(client)


def deliver(data: bytes, *to: str, sender: str = "ana@customer.test") -> Callable[[smtplib.SMTP], Any]:
    return lambda client: client.sendmail(sender, list(to) or ["support@shop.test"], data)


async def test_a_mail_is_kept_before_it_is_acknowledged(smtp: Email, host: FakeHost) -> None:
    assert await talk(smtp, deliver(MAIL)) == {}
    [message] = host.messages
    assert (message.text, message.sender.value) == ("Where is it?", "ana@customer.test")
    assert host.kept[0].raw == MAIL


@pytest.mark.parametrize("to", ["Support@shop.test", "help@shop.test", "support+abcdef234567@shop.test"])
async def test_our_addresses_are_taken(smtp: Email, host: FakeHost, to: str) -> None:
    await talk(smtp, deliver(MAIL, to))
    assert host.messages[0].refers_to == (("ref:abcdef234567",) if "+" in to else ())


@pytest.mark.parametrize("to", ["other@shop.test", "support@elsewhere.test", "ana@customer.test"])
async def test_others_are_refused_with_a_sentence(smtp: Email, host: FakeHost, to: str) -> None:
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        await talk(smtp, deliver(MAIL, to))
    code, words = refused.value.recipients[to]
    assert code == 550 and b"support addresses only" in words
    assert host.kept == []


async def test_reports_come_from_nobody(smtp: Email, host: FakeHost) -> None:
    await talk(smtp, deliver(MAIL, sender=""))
    assert len(host.kept) == 1


async def test_the_same_body_twice_is_one_delivery(smtp: Email, host: FakeHost) -> None:
    await talk(smtp, deliver(MAIL))
    await talk(smtp, deliver(MAIL, "help@shop.test"))
    assert (len(host.kept), host.duplicates) == (1, 1)


async def test_without_the_database_the_sender_keeps_the_mail(smtp: Email, host: FakeHost) -> None:
    host.broken = True
    with pytest.raises(smtplib.SMTPDataError) as refused:
        await talk(smtp, deliver(MAIL))
    assert refused.value.smtp_code == 451
    host.broken = False
    await talk(smtp, deliver(MAIL))
    assert len(host.kept) == 1


async def test_a_fault_of_ours_is_no_refusal(
    smtp: Email, host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fault(*_: object) -> list[Receipt]:
        raise RuntimeError("secret words")

    monkeypatch.setattr(host, "receive", fault)
    with pytest.raises(smtplib.SMTPDataError) as refused:
        await talk(smtp, deliver(MAIL))
    assert refused.value.smtp_code == 451 and b"secret" not in refused.value.smtp_error


async def test_a_mail_over_the_limit_is_refused_before_and_after_it_is_sent(
    smtp: Email, host: FakeHost
) -> None:
    large = MAIL + b"x" * 70 + b"\r\n" + (b"y" * 70 + b"\r\n") * 3000
    with pytest.raises(smtplib.SMTPSenderRefused) as announced:
        await talk(smtp, deliver(large))
    assert announced.value.smtp_code == 552
    assert await talk(smtp, lambda client: unannounced(client, large)) == 552
    assert host.kept == []


def unannounced(client: smtplib.SMTP, data: bytes) -> int:
    client.ehlo()
    client.mail("ana@customer.test")
    client.rcpt("support@shop.test")
    return client.data(data)[0]


async def test_lines_longer_than_the_standard_are_taken(smtp: Email, host: FakeHost) -> None:
    await talk(smtp, deliver(MAIL + b"z" * 100_000 + b"\r\n"))
    assert len(host.messages[0].text) > 100_000


@pytest.mark.parametrize(
    "data", [b"", b"\r\n", b"\x00\xff\xfe", b"no headers at all", b"From\r\n\r\n\xe4", b"Subject: =?x?y?z?="]
)
async def test_garbage_is_kept(smtp: Email, host: FakeHost, data: bytes) -> None:
    await talk(smtp, deliver(data))
    assert len(host.kept) == 1


async def test_a_mail_hidden_behind_odd_line_ends_is_part_of_the_first(smtp: Email, host: FakeHost) -> None:
    assert smtp.listening_at is not None
    hidden = MAIL + b"\n.\r\nMAIL FROM:<x@x.test>\r\nRCPT TO:<support@shop.test>\r\nDATA\r\nsecond\r\n"

    def raw_client() -> None:
        with socket.create_connection(smtp.listening_at, 10) as line:
            stream = line.makefile("rwb")
            for command in (b"EHLO c", b"MAIL FROM:<a@c.test>", b"RCPT TO:<support@shop.test>", b"DATA"):
                answer(stream, command)
            assert answer(stream, hidden + b".").startswith(b"250")

    await asyncio.to_thread(raw_client)
    assert len(host.kept) == 1 and host.kept[0].raw.endswith(b"second\r\n")


def answer(stream: Any, command: bytes) -> bytes:
    if command.startswith(b"EHLO"):
        stream.readline()
    stream.write(command + b"\r\n")
    stream.flush()
    line: bytes = stream.readline()
    while line[3:4] == b"-":
        line = stream.readline()
    return line


async def test_more_connections_than_allowed_are_asked_to_come_back(smtp: Email) -> None:
    assert smtp.listening_at is not None
    open_ones = [await asyncio.open_connection(*smtp.listening_at) for _ in range(3)]
    for reader, _ in open_ones:
        assert (await reader.readline()).startswith(b"220")
    reader, writer = await asyncio.open_connection(*smtp.listening_at)
    assert (await reader.readline()).startswith(b"421")
    assert await reader.read() == b""
    for _, one in [*open_ones, (reader, writer)]:
        one.close()
        await one.wait_closed()
    await asyncio.sleep(0.05)
    assert await talk(smtp, deliver(MAIL)) == {}


async def test_stopping_lets_a_mail_in_hand_finish(host: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    connector, begun = email(), asyncio.Event()
    at_once = host.receive

    async def slowly(deliveries: list[Delivery], cursor: None = None) -> list[Receipt]:
        begun.set()
        await asyncio.sleep(0.2)
        return await at_once(deliveries, cursor)

    monkeypatch.setattr(host, "receive", slowly)

    async with running(connector, host):
        sending = asyncio.create_task(talk(connector, unclosed))
        await begun.wait()
    assert await sending == 250
    assert len(host.kept) == 1


def unclosed(client: smtplib.SMTP) -> int:
    code = unannounced(client, MAIL)
    client.close()
    return code


async def test_lmtp_answers_for_each_recipient(host: FakeHost) -> None:
    connector = email(listen_protocol="lmtp")
    async with running(connector, host):
        assert connector.listening_at is not None
        reader, writer = await asyncio.open_connection(*connector.listening_at)
        await reader.readline()
        writer.write(
            b"LHLO c\r\nMAIL FROM:<a@c.test>\r\nRCPT TO:<support@shop.test>\r\nRCPT TO:<help@shop.test>\r\n"
        )
        writer.write(b"DATA\r\n" + MAIL + b".\r\nQUIT\r\n")
        lines = (await reader.read()).split(b"\r\n")
        writer.close()
        await writer.wait_closed()
    kept = [line for line in lines if line.endswith(b"OK, kept")]
    assert len(kept) == 2 and lines[-2].startswith(b"221")
    assert len(host.kept) == 1


async def test_a_taken_port_is_named_with_the_remedy(smtp: Email, host: FakeHost) -> None:
    assert smtp.listening_at is not None
    settings = Settings(address="support@shop.test", listen=f"127.0.0.1:{smtp.listening_at[1]}")
    with pytest.raises(SettingsError, match="Choose another port"):
        async with running(Email("second", settings, KEY), host):
            pass


async def test_logs_hold_no_words_and_no_addresses(
    smtp: Email, host: FakeHost, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    await talk(smtp, deliver(MAIL))
    host.broken = True
    with pytest.raises(smtplib.SMTPDataError):
        await talk(smtp, deliver(MAIL))
    assert not any(word in caplog.text for word in ("customer.test", "shop.test", "Where is it"))
