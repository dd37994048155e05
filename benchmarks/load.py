"""A lean load generator: raw keep-alive connections that each post the next request once the last was answered.

It must cost a fraction of any server measured with it, so it knows just enough of HTTP.
"""

from __future__ import annotations

import asyncio
import hmac
import itertools
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import cast

import msgspec
from typing_extensions import override

SECRET = "a-signing-secret-for-measuring"  # of servers that live as long as one measurement
CHANNEL, TEAM, USER = "C0GENERAL01", "T0MEASURE01", "U0AGENT0001"
THREADS = 1000  #: cards under which the events are spread

#: A message in the thread of a card, as the Events API posts it (docs.slack.dev/apis/events-api).
_EVENT = (
    '{{"token":"Jhj5dZrVaK7ZwHHjRyZWjbDl","team_id":"{team}",'
    '"api_app_id":"A0MEASURE01","event":{{"type":"message","user":"{user}","ts":"{ts}","client_msg_id":'
    '"1b2c3d4e-{number:012d}","text":"Called the customer back, the parcel went to the neighbour ({number})",'
    '"team":"{team}","thread_ts":"{thread}","parent_user_id":"U0DESKGATE1","channel":"{channel}",'
    '"event_ts":"{ts}","channel_type":"channel"}},"type":"event_callback","event_id":"Ev{run}{number:09d}",'
    '"event_time":{now},"authorizations":[{{"enterprise_id":null,"team_id":"{team}","user_id":"U0DESKGATE1",'
    '"is_bot":true}}],"is_ext_shared_channel":false}}'
)


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What one slice of load saw. Latencies in seconds, in no order."""

    answered: int
    refused: int  #: answers other than 2xx
    seconds: float
    latencies: list[float]

    @property
    def rate(self) -> float:
        return self.answered / self.seconds


class SlackEvents:
    """Makes signed requests with distinct events of about 687 bytes."""

    def __init__(self, path: str) -> None:
        self._path, self._run = path, os.urandom(2).hex()
        self._numbers = itertools.count(1)

    def __call__(self) -> bytes:
        number, now = next(self._numbers), int(time.time())
        body = _EVENT.format(
            team=TEAM,
            user=USER,
            channel=CHANNEL,
            run=self._run,
            number=number,
            now=now,
            ts=f"{now}.{number % 1_000_000:06d}",
            thread=thread(number % THREADS),
        ).encode()
        signed = hmac.digest(SECRET.encode(), b"v0:%d:%b" % (now, body), "sha256").hex()
        return (
            f"POST {self._path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"X-Slack-Request-Timestamp: {now}\r\nX-Slack-Signature: v0={signed}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        ).encode() + body


def thread(number: int) -> str:
    """The `thread_ts` of the card with this number."""
    return f"1700000000.{number:06d}"


class _Caller(asyncio.Protocol):
    """One connection: one request in flight, until it is told to stop."""

    def __init__(self, make: Callable[[], bytes], seen: list[float], refused: list[int]) -> None:
        self._make, self._seen, self._refused = make, seen, refused
        self._transport: asyncio.Transport | None = None
        self._buffer, self._sent, self._running = b"", 0.0, True
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass
        self._call()

    def _call(self) -> None:
        assert self._transport is not None
        request = self._make()
        self._sent = time.perf_counter()
        self._transport.write(request)

    @override
    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head = self._buffer.find(b"\r\n\r\n")
        if head < 0 or len(self._buffer) < head + 4 + _length(self._buffer[:head]):
            return
        self._seen.append(time.perf_counter() - self._sent)
        if self._buffer[9:10] != b"2":
            self._refused.append(int(self._buffer[9:12]))
        self._buffer = b""
        if self._running:
            self._call()
        else:
            self._finish()

    def stop(self) -> None:
        self._running = False

    @override
    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self._refused.append(0)
            self.done.set_result(None)

    def _finish(self) -> None:
        self.done.set_result(None)
        if self._transport is not None:
            self._transport.close()


def _length(head: bytes) -> int:
    at = head.lower().find(b"content-length:")
    return int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0


async def drive(port: int, make: Callable[[], bytes], connections: int, seconds: float) -> Load:
    """Keeps this many connections busy for a while."""
    loop = asyncio.get_running_loop()
    seen: list[float] = []
    refused: list[int] = []
    began = time.perf_counter()
    pairs = [
        await loop.create_connection(lambda: _Caller(make, seen, refused), "127.0.0.1", port)
        for _ in range(connections)
    ]
    await asyncio.sleep(seconds)
    for _, caller in pairs:
        caller.stop()
    await asyncio.wait_for(asyncio.gather(*(caller.done for _, caller in pairs)), 30)
    elapsed = time.perf_counter() - began
    return Load(answered=len(seen) - len(refused), refused=len(refused), seconds=elapsed, latencies=seen)


def cpu_seconds(pid: int) -> float:
    """Processor time of all threads of a process so far, by the scheduler's own count (nanoseconds)."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            total += int((task / "schedstat").read_text().split()[0])
        except FileNotFoundError:
            continue  # a thread that has just ended
    return total / 1e9


def alone(core: int) -> None:
    """Starts this program again on one core, with libraries that know it: no threads that wait by spinning."""
    if os.environ.get("OPENBLAS_NUM_THREADS") != "1":
        os.environ["OPENBLAS_NUM_THREADS"] = "1"
        pin(core)
        os.execv(sys.executable, sys.orig_argv)


def pin(core: int) -> None:
    """Keeps this process, and what it starts, on one core of those it may use."""
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[core % len(cores)]})
