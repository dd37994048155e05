"""Claiming under random interleavings: take, claim, commit, crash, redelivery, two workers, both databases."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.store import Store
from gateway.store.ledger import ClaimedStream
from tests.stores import LONG, NOW, open_stores, outcome, row, rows, run

WORKERS = st.integers(0, 1)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("take"), WORKERS, st.lists(st.integers(0, 11), min_size=1, max_size=4)),
        st.tuples(st.just("claim"), WORKERS, st.integers(1, 3)),
        st.tuples(st.just("commit"), WORKERS, st.integers(0, 2)),
        st.tuples(st.just("release"), WORKERS, st.integers(0, 2)),
        st.tuples(st.just("postpone"), WORKERS, st.integers(0, 2)),
        st.tuples(st.just("crash"), WORKERS, st.just(0)),
    ),
    max_size=30,
)


class Play:
    """One example: what was taken, who believes to hold what, and what has been handled in which order."""

    def __init__(self, stores: list[Store], example: int) -> None:
        self.stores, self.example = stores, example
        self.acknowledged = 0
        self.taken: dict[int, int] = {}  #: delivery -> ledger id
        self.hands: list[list[ClaimedStream]] = [[], []]
        self.live: dict[str, str] = {}  #: stream -> fence of the claim that has not run out
        self.handled: dict[str, list[int]] = {}

    async def step(self, what: str, who: int, value: Any) -> None:
        await getattr(self, what)(who, value)

    async def take(self, who: int, keys: list[int]) -> None:
        given = [row(f"{self.example}/{key}", stream=f"{self.example}/{key % 3}") for key in keys]
        receipts = await self.stores[who].take(given)
        self.acknowledged += len(keys)
        for key, receipt in zip(keys, receipts, strict=True):
            assert receipt.duplicate == (key in self.taken)
            assert self.taken.setdefault(key, receipt.ledger_id) == receipt.ledger_id

    async def claim(self, who: int, limit: int) -> None:
        for claimed in await self.stores[who].claim_streams(NOW, limit, LONG):
            assert claimed.stream not in self.live, "somebody else holds it"
            self.live[claimed.stream] = claimed.fence
            self.hands[who].append(claimed)

    async def commit(self, who: int, which: int) -> None:
        if not self.hands[who]:
            return
        claimed = self.hands[who].pop(which % len(self.hands[who]))
        committed = await self.stores[who].commit_turn(outcome(claimed))
        if self.live.get(claimed.stream) == claimed.fence:
            assert committed.state == "done"
        elif claimed.stream in self.live:
            assert committed.state == "lost"
        if committed.state == "done":
            self.live.pop(claimed.stream, None)
            self.handled.setdefault(claimed.stream, []).extend(r.id for r in claimed.rows)

    async def release(self, who: int, which: int) -> None:
        if self.hands[who]:
            claimed = self.hands[who].pop(which % len(self.hands[who]))
            await self.stores[who].release(claimed.stream, claimed.fence)
            self._let_go(claimed)

    async def postpone(self, who: int, which: int) -> None:
        if self.hands[who]:
            claimed = self.hands[who].pop(which % len(self.hands[who]))
            ids = [r.id for r in claimed.rows]
            await self.stores[who].postpone(claimed.stream, claimed.fence, ids, NOW, "again")
            self._let_go(claimed)

    def _let_go(self, claimed: ClaimedStream) -> None:
        if self.live.get(claimed.stream) == claimed.fence:
            del self.live[claimed.stream]

    async def crash(self, who: int, _: int) -> None:
        """Its leases run out; it may wake later and still believe that it holds them."""
        for claimed in self.hands[who]:
            if self.live.get(claimed.stream) == claimed.fence:
                del self.live[claimed.stream]
                await run(
                    self.stores[who], "UPDATE claims SET lease_until = 0 WHERE fence = ?", claimed.fence
                )

    async def end(self) -> None:
        """Everybody who still holds something dies; one worker finishes all; then it must add up."""
        await run(self.stores[0], "UPDATE claims SET lease_until = 0")
        self.live.clear()
        while found := await self.stores[0].claim_streams(NOW, 9, LONG):
            for claimed in found:
                assert (await self.stores[0].commit_turn(outcome(claimed))).state == "done"
                self.handled.setdefault(claimed.stream, []).extend(r.id for r in claimed.rows)
        for stream, ids in self.handled.items():
            expected = [self.taken[key] for key in self.taken if f"{self.example}/{key % 3}" == stream]
            assert ids == sorted(expected), "each once, in order"
        assert sum(map(len, self.handled.values())) == len(self.taken)


def test_every_input_is_handled_once_and_in_order(database: str) -> None:
    examples = 0

    async def play(stores: list[Store], steps: list[tuple[str, int, Any]]) -> None:
        nonlocal examples
        examples += 1
        before = await stores[0].ledger_count()
        game = Play(stores, examples)
        for step in steps:
            await game.step(*step)
        await game.end()
        count = await stores[0].ledger_count()
        assert count.adds_up and count.pending == 0
        assert count.acknowledged == before.acknowledged + game.acknowledged
        assert await rows(stores[0], "SELECT 1 FROM claims WHERE lease_until > 0") == []

    with asyncio.Runner() as runner:
        opened = open_stores(database, 2)
        stores = runner.run(opened.__aenter__())

        @settings(max_examples=40, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(STEPS)
        def always(steps: list[tuple[str, int, Any]]) -> None:
            runner.run(play(stores, steps))

        try:
            always()
        finally:
            runner.run(opened.__aexit__(None, None, None))
