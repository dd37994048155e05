"""Reading a mailbox: the position, and servers that are silent, mad or not there. The real ones: test_email_servers."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.email.connector import Email, Settings
from connectors.email.mailbox import Position
from tests.fakes_email import KEY, NOW, FakeHost, running
from tests.mailservers import free_port

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@given(st.integers(1, 2**32), st.integers(0, 2**32), st.dates())
def test_a_position_is_read_back_as_written(validity: int, uid: int, day: date) -> None:
    position = Position(validity=validity, uid=uid, day=day)
    assert Position.parse(position.text()) == position


def test_an_unread_mailbox_has_no_position() -> None:
    assert Position.parse("") is None


@asynccontextmanager
async def imap(script: Script) -> AsyncIterator[int]:
    """A server that follows the script with every client; yields its port."""

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


def email(port: int) -> Email:
    return Email(
        "support",
        Settings(
            address="support@shop.test",
            imap_host="127.0.0.1",
            imap_port=port,
            imap_security="none",
            imap_password="hunter2",
        ),
        KEY,
    )


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
