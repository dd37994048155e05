"""What a second replica costs and brings: CPU per handled message with two against one: python -m benchmarks.replicas

One replica with its database and two with theirs take turns, over one PostgreSQL; a message is answered when the far
side of its channel has the answer. The two cores are shared with the database and the load, so that throughput is
only reported.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from benchmarks.load import cpu_seconds
from benchmarks.report import middle, progress, report
from tests import databases
from tests.peer import Peer, listening
from tests.replicas import Replica, quiet, replicas

TARGET, AIM = 1.15, 1.05
CONNECTIONS = 32


def main() -> None:
    """Measures in turns and reports medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="turns of each side")
    parser.add_argument("--messages", type=int, default=600, help="messages a turn")
    asyncio.run(_measure(parser.parse_args()))


class Side:
    """Some replicas over a database of their own, and what each turn cost them."""

    def __init__(self, made: list[Replica], uri: str, peer: Peer) -> None:
        self.replicas, self.uri, self.peer = made, uri, peer
        self._numbers = itertools.count()
        self.cpu_ms: list[float] = []
        self.rates: list[float] = []

    async def turn(self, messages: int) -> None:
        before, began = self._cpu(), time.perf_counter()
        async with aiohttp.ClientSession() as session:
            posts = iter([next(self._numbers) for _ in range(messages)])
            await asyncio.gather(*(self._post(session, posts) for _ in range(CONNECTIONS)))
        await quiet(self.uri)
        self.rates.append(messages / (time.perf_counter() - began))
        self.cpu_ms.append((self._cpu() - before) / messages * 1e3)

    def _cpu(self) -> float:
        return sum(cpu_seconds(replica.pid) for replica in self.replicas)

    async def _post(self, session: aiohttp.ClientSession, numbers: Iterator[int]) -> None:
        for number in numbers:
            url = self.replicas[number % len(self.replicas)].url
            body = {"id": f"{number}", "conversation": f"{number}", "text": "Where is my order?"}
            async with session.post(f"{url}/peer/messages", json=body) as answer:
                assert answer.status == 200


def _memory() -> str | None:
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


async def _measure(options: argparse.Namespace) -> None:
    with databases.server(_memory()) as server:
        async with _side(server, 1) as one, _side(server, 2) as two:
            for number in range(options.rounds + 1):
                for side in (one, two):
                    await side.turn(options.messages)
                progress(
                    f"round {number}: one {one.cpu_ms[-1]:.2f} ms, {one.rates[-1]:.0f}/s; "
                    f"two {two.cpu_ms[-1]:.2f} ms, {two.rates[-1]:.0f}/s"
                )
    pairs = zip(two.cpu_ms[1:], one.cpu_ms[1:], strict=True)  # the first one warms up
    report(
        "replicas", middle([ours / other for ours, other in pairs]), TARGET, AIM,
        one={"cpu_ms": middle(one.cpu_ms[1:]), "rate": middle(one.rates[1:])},
        two={"cpu_ms": middle(two.cpu_ms[1:]), "rate": middle(two.rates[1:])},
        cores=len(os.sched_getaffinity(0)),
    )  # fmt: skip


@asynccontextmanager
async def _side(server: str, count: int) -> AsyncIterator[Side]:
    with tempfile.TemporaryDirectory() as folder, databases.fresh_database(server) as uri:
        async with (
            listening() as peer,
            replicas(Path(folder), uri, peer, count, lease=15, poll=False) as made,
        ):
            yield Side(made, uri, peer)


if __name__ == "__main__":
    main()
