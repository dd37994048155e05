"""Faults with real processes: three replicas over one PostgreSQL under load, and something breaks again and again.

FAULT_ROUNDS says how often (`make test-faults`: ten times as often); FAULT_SEED repeats a run.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from tests.peer import Peer, listening
from tests.replicas import Load, Replica, Server, check, look, own_server, quiet, replicas

ROUNDS = int(os.environ.get("FAULT_ROUNDS", "20"))
SEED = int(os.environ.get("FAULT_SEED", "1"))

#: Longer than the outbox's lease of these replicas (four times half a second).
FROZEN = 2.4


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with own_server() as server:
        yield server


class Trouble:
    """What can go wrong. Each method breaks something, waits, and mends it."""

    def __init__(self, made: list[Replica], server: Server, peer: Peer, seed: int) -> None:
        self.replicas, self.server, self.peer = made, server, peer
        self.random = random.Random(seed)
        self._starting: asyncio.Task[None] | None = None
        kinds: dict[Callable[[], Awaitable[None]], int] = {
            self.kill: 9, self.freeze: 3, self.cut: 3, self.restart: 2, self.hang: 1, self.refuse: 1, self.half: 1,
        }  # fmt: skip
        self._deck = [kind for kind, times in kinds.items() for _ in range(times)]

    async def run(self, rounds: int) -> None:
        """Every kind in its proportion, in random order."""
        for number in range(rounds):
            if number % len(self._deck) == 0:
                self.random.shuffle(self._deck)
            await self._deck[number % len(self._deck)]()
            await asyncio.sleep(0.2)
        await self._started()

    async def kill(self) -> None:
        """One of three; it comes back while the next thing breaks, but two are never away together."""
        await self._started()
        replica = self.random.choice(self.replicas)
        replica.kill()
        await asyncio.sleep(self.random.random() * 0.6)
        replica.start()
        self._starting = asyncio.create_task(replica.until_ready())

    async def _started(self) -> None:
        if self._starting:
            await self._starting
            self._starting = None

    async def freeze(self) -> None:
        """It loses every lease it held, wakes, and goes on as if nothing had been."""
        await self._started()
        self.peer.delay = 0.1  # so that sends are in flight
        replica = self.random.choice(self.replicas)
        replica.freeze()
        await asyncio.sleep(FROZEN)
        replica.wake()
        self.peer.delay = 0.0

    async def cut(self) -> None:
        for _ in range(5):
            await asyncio.to_thread(
                look,
                self.server.uri,
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'deskgate' "
                "OR query LIKE 'LISTEN%%'",
            )
            await asyncio.sleep(0.1)

    async def restart(self) -> None:
        await self._started()
        await asyncio.to_thread(self.server.crash)
        await asyncio.sleep(self.random.random())
        await asyncio.to_thread(self.server.start)

    async def hang(self) -> None:
        await self._peer_is("hang", 2.0)

    async def refuse(self) -> None:
        await self._peer_is("refuse", 1.0)

    async def half(self) -> None:
        await self._peer_is("half", 1.0)

    async def _peer_is(self, mode: str, seconds: float) -> None:
        self.peer.mode = mode
        await asyncio.sleep(seconds)
        self.peer.mode = "answer"


@pytest.mark.timeout(600 + ROUNDS * 20)
async def test_nothing_is_lost_and_nothing_is_done_twice(server: Server, tmp_path: Path) -> None:
    async with listening() as peer, replicas(tmp_path, server.uri, peer, 3) as made, Load(made, SEED) as load:
        trouble = Trouble(made, server, peer, SEED)
        load.start(5)
        await trouble.run(ROUNDS)
        await load.stop()
        await quiet(server.uri)
        print(await asyncio.to_thread(check, server.uri, load, peer))
        assert all(replica.running for replica in made)
