"""Reading a mailbox: the position, and servers that are silent, mad or not there. The real ones: test_email_servers."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.email.connector import Email, Settings
from connectors.email.incoming_imap import _said
from connectors.email.mailbox import Position
from tests.fakes_email import KEY, NOW, FakeHost, running
from tests.mailservers import free_port, self_signed

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@given(st.integers(1, 2**32), st.integers(0, 2**32), st.dates())
def test_a_position_is_read_back_as_written(validity: int, uid: int, day: date) -> None:
    position = Position(validity=validity, uid=uid, day=day)
    assert Position.parse(position.text()) == position


def test_an_unread_mailbox_has_no_position() -> None:
    assert Position.parse("") is None


@asynccontextmanager
async def imap(script: Script, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """A server that follows the script with every client; yields its port."""

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await script(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(client, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await asyncio.sleep(0.01)


def email(port: int, **given: Any) -> Email:
    options = {
        "address": "support@shop.test",
        "imap_host": "127.0.0.1",
        "imap_port": port,
        "imap_security": "none",
        "imap_password": "hunter2",
        **given,
    }
    return Email("support", Settings(**options), KEY)


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def silent_after_greeting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"* OK [CAPABILITY IMAP4rev1 IDLE] ready\r\n")
    await reader.read()


@pytest.mark.parametrize("script", [silent, silent_after_greeting])
async def test_a_silent_server_does_not_hold_up_the_end(script: Script) -> None:
    async with imap(script) as port:
        async with running(email(port), FakeHost()):
            await asyncio.sleep(0.2)
            stopping = time.perf_counter()
        assert time.perf_counter() - stopping < 5


def busy() -> Script:
    """A server whose first mail comes between the last look and IDLE, so that one packet holds both answers."""
    uids: list[int] = []

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"* OK [CAPABILITY IMAP4rev1 IDLE] ready\r\n")
        while line := await reader.readline():
            tag, _, command = line.partition(b" ")
            word = command.upper()
            if word.startswith(b"IDLE"):
                if not uids:
                    uids.append(1)
                    writer.write(b"+ idling\r\n* 1 EXISTS\r\n")
                else:
                    writer.write(b"+ idling\r\n")
                if not (await reader.readline()).upper().startswith(b"DONE"):
                    return
            elif word.startswith(b"CAPABILITY"):
                writer.write(b"* CAPABILITY IMAP4rev1 IDLE\r\n")
            elif word.startswith((b"SELECT", b"EXAMINE")):
                writer.write(b"* 0 EXISTS\r\n* OK [UIDVALIDITY 9] .\r\n* OK [UIDNEXT 1] .\r\n")
            elif word.startswith(b"UID SEARCH"):
                writer.write(b"* SEARCH %b\r\n" % b" ".join(b"%d" % uid for uid in uids))
            elif b"RFC822.SIZE" in word:
                writer.write(b"* 1 FETCH (UID 1 RFC822.SIZE 22)\r\n")
            elif b"BODY.PEEK" in word:
                writer.write(b"* 1 FETCH (UID 1 BODY[] {22}\r\nSubject: Hello\r\n\r\nHi\r\n)\r\n")
            writer.write(tag + b" OK done\r\n")

    return script


@pytest.mark.parametrize("security", ["none", "tls"])
async def test_a_mail_that_comes_just_before_waiting_is_read_at_once(security: str, tmp_path: Path) -> None:
    certificate = self_signed(tmp_path)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate)
    host = FakeHost()
    async with imap(busy(), tls if security == "tls" else None) as port:
        connector = email(port, imap_security=security, ca_file=str(certificate))
        async with running(connector, host):
            (message,) = await host.wait_for(1)
    assert message.subject == "Hello"


async def mad(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"* OK hello\r\n")
    while line := await reader.readline():
        writer.write(line.split()[0] + b" OK what\r\n* \xff\xfe )(\r\n")


async def hangs_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"* OK hello\r\n")


@pytest.mark.parametrize("script", [mad, hangs_up, None])
async def test_it_waits_longer_each_time_and_never_gives_up(
    script: Script | None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    host = FakeHost()
    async with imap(script or silent) as port, running(email(port if script else free_port()), host):
        for _ in range(400):
            if (host.clock.now() - NOW).total_seconds() > 1200:
                break
            await asyncio.sleep(0.02)
    assert (host.clock.now() - NOW).total_seconds() > 1200
    assert len(caplog.records) < 40
    assert "hunter2" not in caplog.text and "shop.test" not in caplog.text
    assert host.cursors == {}


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (ConnectionRefusedError(111, "x"), "the server takes no connections"),
        (TimeoutError(), "the server does not answer"),
        (ConnectionResetError(), "the connection was cut"),
        (socket.gaierror(-2, "x"), "the server's name is not known"),
        (ValueError("where"), "ValueError"),
    ],
)
def test_a_lost_mailbox_is_told_in_words(error: Exception, says: str) -> None:
    assert _said(error, Settings(address="support@shop.test", imap_host="127.0.0.1")) == says
