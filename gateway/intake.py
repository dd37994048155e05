"""THE PATH. Every input comes by here, whatever its door:

    take     seal → one ledger row, durable before the channel hears "ok"
    handle   claim a stream → read its case → decide (pure, off the loop) → commit once, checked → repeat

`take` knows nothing of bots; `handle` is the only writer of tickets. Sending is the outbox's (outbox.py).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta

import msgspec

from bot.answer import Bot
from gateway.bell import Rings
from gateway.case import Case, Claim, LedgerRow, Outcome
from gateway.clock import Clock, from_ms, to_ms
from gateway.decision import decide
from gateway.errors import StoreError
from gateway.model import Cursor, Delivery, Receipt
from gateway.operations.health import Health
from gateway.operations.metrics import Metrics
from gateway.policy import Policy
from gateway.privacy import CannotOpen, NoKey, Seal
from gateway.privacy.sealing import sealed_case, sealed_row, unmasked, unsealed
from gateway.reading import query_for
from gateway.store import Store
from gateway.store.cases import CaseRows
from gateway.store.ledger import ClaimedRow, ClaimedStream

log = logging.getLogger("deskgate.intake")

BATCH = 24  #: streams decided together: one read, one commit
LEASE_MS = 15_000
CONFLICTS = 5  #: times a turn is decided again before the stream waits its turn once more
KEY_PATIENCE = timedelta(days=1)  #: an input waits this long for the key that opens it
KEY_RETRY = 30.0  #: seconds between two tries
FAILURES = 3  #: times a turn may fail before it is split, and a single row before it is dead


class Intake:
    """The one way in. `policy` and `bot` are asked anew for each turn, so that edits apply at once."""

    def __init__(
        self,
        store: Store,
        seal: Seal,
        clock: Clock,
        policy: Callable[[], Policy],
        bot: Callable[[], Bot],
        *,
        metrics: Metrics | None = None,
        health: Health | None = None,
    ) -> None:
        self._store, self._seal, self._clock = store, seal, clock
        self.metrics, self.health = metrics or Metrics(), health or Health(clock)
        self._policy, self._bot = policy, bot
        self._decider = ThreadPoolExecutor(1, thread_name_prefix="deskgate-decide")
        self.lease_ms = LEASE_MS

    # ------------------------------------------------------------ take

    async def take(self, deliveries: Sequence[Delivery], cursor: Cursor | None = None) -> list[Receipt]:
        """Durable when it returns. Raises StoreError when nothing was kept."""
        now, began = self._clock.now(), time.perf_counter()
        rows = [await sealed_row(delivery, self._seal, now) for delivery in deliveries]
        receipts = await self._store.take(rows, [cursor] if cursor else [])
        self.metrics.take_lasted(time.perf_counter() - began)
        for row, receipt in zip(rows, receipts, strict=True):
            self.metrics.took(row.connector, row.account, receipt.duplicate)
            self.health.heard(f"{row.connector}/{row.account}")
        return receipts

    # ------------------------------------------------------------ handle

    async def run(self) -> None:
        """Handles what comes until it is cancelled; a lost database makes it wait, never give up."""
        async with self._store.bell.listen("ledger") as rings:
            while True:
                try:
                    while await self.handle_ready():
                        pass
                    await self._rest(rings)
                except StoreError as error:
                    log.warning("intake waits for the database: %s", error)
                    await asyncio.sleep(1)

    async def handle_ready(self) -> int:
        """Handles one batch of streams that are ready; returns how many there were."""
        claimed = await self._store.claim_streams(to_ms(self._clock.now()), BATCH, self.lease_ms)
        try:
            claims = [claim for stream in claimed if (claim := await self._opened(stream))]
            if claims:
                await self._decide_and_commit(claims, CONFLICTS)
        except asyncio.CancelledError:
            await self._give_back(claimed)
            raise
        return len(claimed)

    async def _give_back(self, claimed: Sequence[ClaimedStream]) -> None:
        """A stopping replica lets the others go on at once, instead of when its leases end."""
        with suppress(StoreError):
            for stream in claimed:
                await self._store.release(stream.stream, stream.fence)

    async def _decide_and_commit(self, claims: Sequence[Claim], tries: int) -> None:
        policy, bot = self._policy(), self._bot()
        # As the turn will be kept, so that it can be decided again at the very same moment.
        now = from_ms(to_ms(self._clock.now()))
        found = await self._store.read_cases([query_for(claim, policy, now) for claim in claims])
        cases = [_case(claim, rows, self._seal) for claim, rows in zip(claims, found, strict=True)]
        outcomes = await self._decided(cases, now, policy, bot)
        again = [claim for claim in await asyncio.gather(*map(self._commit, outcomes)) if claim]
        if again and tries:
            await self._decide_and_commit(again, tries - 1)
        for claim in again if not tries else ():
            await self._postpone(claim, 0.5, "conflict: its tickets kept changing", failed=False)

    async def _decided(self, cases: Sequence[Case], now: datetime, policy: Policy, bot: Bot) -> list[Outcome]:
        def work() -> list[Outcome | Exception]:
            return [_attempt(case, now, policy, bot, self._seal) for case in cases]

        results = await asyncio.get_running_loop().run_in_executor(self._decider, work)
        for case, result in zip(cases, results, strict=True):
            if isinstance(result, Exception):
                await self._failed(case.claim, result)
        return [result for result in results if not isinstance(result, Exception)]

    async def _commit(self, outcome: Outcome) -> Claim | None:
        """The claim again when the turn must be decided anew, None when it is done or no longer ours."""
        try:
            committed = await self._store.commit_turn(outcome)
        except StoreError as error:
            log.warning("turn not committed, it will be decided again: %s", error)
            await asyncio.sleep(0.2)
            return outcome.claim
        if committed.state == "done":
            for row in outcome.claim.rows:
                self.metrics.handled((self._clock.now() - row.received_at).total_seconds())
        if committed.state == "lost":
            log.info("turn lost to another worker", extra={"stream_rows": len(outcome.dispositions)})
        return outcome.claim if committed.state == "conflict" else None

    # ------------------------------------------------------------ when something is wrong with a row

    async def _opened(self, stream: ClaimedStream) -> Claim | None:
        """The claim with its inputs unsealed. A row that cannot be opened is dead, with its reason, alone."""
        rows: list[LedgerRow] = []
        for row in stream.rows:
            try:
                value = unsealed(row.sealed, self._seal)
            except NoKey as error:
                # Another replica may have the key already (a rotation), or an admin may bring it back.
                await self._cannot_open(stream, row, error)
                return None
            except (CannotOpen, msgspec.DecodeError) as error:
                await self._store.bury(
                    stream.stream, stream.fence, row.id, f"It cannot be read back: {error}"
                )
                log.error("input %s is dead: it cannot be read back", row.id)
                continue
            rows.append(
                LedgerRow(
                    id=row.id,
                    received_at=from_ms(row.received_at),
                    attempts=row.attempts,
                    input=value,
                    released=row.released,
                )
            )
        if rows:
            # After repeated failures the rows go one by one, so that a bad one cannot drag the others along.
            split = rows[:1] if rows[0].attempts >= FAILURES and len(rows) > 1 else rows
            return Claim(stream=stream.stream, fence=stream.fence, rows=tuple(split))
        await self._store.release(stream.stream, stream.fence)
        return None

    async def _cannot_open(self, stream: ClaimedStream, row: ClaimedRow, error: NoKey) -> None:
        if self._clock.now() - from_ms(row.received_at) > KEY_PATIENCE:
            await self._store.bury(stream.stream, stream.fence, row.id, str(error))
            await self._store.release(stream.stream, stream.fence)
            return
        log.error("input %s was sealed with a key that is not here; it waits", row.id)
        # Not a failure of the row: it must not bring it nearer to being dead for another reason.
        ready = to_ms(self._clock.deadline(KEY_RETRY))
        await self._store.postpone(stream.stream, stream.fence, [row.id], ready, str(error), False)

    async def _failed(self, claim: Claim, error: Exception) -> None:
        attempts = claim.rows[0].attempts + 1
        log.error("deciding failed (attempt %d) on input %d", attempts, claim.rows[0].id, exc_info=error)
        reason = f"{type(error).__name__} in {_place(error)}"
        if len(claim.rows) == 1 and attempts > FAILURES:
            await self._store.bury(claim.stream, claim.fence, claim.rows[0].id, reason)
            await self._store.release(claim.stream, claim.fence)
            return
        await self._postpone(claim, min(30, 2**attempts) / 4, reason, failed=True)

    async def _postpone(self, claim: Claim, seconds: float, reason: str, *, failed: bool) -> None:
        ready = to_ms(self._clock.deadline(seconds))
        ids = [row.id for row in claim.rows]
        await self._store.postpone(claim.stream, claim.fence, ids, ready, reason, failed)

    async def _rest(self, rings: Rings) -> None:
        """Waits for a ring, for the next row to become ready, or a second: the safety net."""
        ready = await self._store.next_ready()
        now = to_ms(self._clock.now())
        await rings.wait(1.0 if ready is None else min(1.0, max(0.01, (ready - now) / 1000)))

    def close(self) -> None:
        self._decider.shutdown(wait=True)


def _attempt(case: Case, now: datetime, policy: Policy, bot: Bot, seal: Seal) -> Outcome | Exception:
    try:
        return msgspec.structs.replace(decide(case, now, policy, bot), seen=sealed_case(case, seal))
    except Exception as error:  # the row is kept, tried again and at last shown as dead: never lost
        return error


def _case(claim: Claim, rows: CaseRows, seal: Seal) -> Case:
    fields = {name: getattr(rows, name) for name in rows.__struct_fields__ if name != "sealed_lines"}
    originals = {ticket: unmasked(lines, seal) for ticket, lines in rows.sealed_lines.items()}
    return Case(claim=claim, originals=originals, **fields)


def _place(error: Exception) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_name}:{trace.tb_lineno}" if trace else "?"
