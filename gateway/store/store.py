"""The store as whole operations. No connection and no transaction leaves this package."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence

from gateway.bell import Bell
from gateway.case import Committed, Outcome
from gateway.errors import StoreError
from gateway.model import (
    Address,
    Agent,
    Cursor,
    Entry,
    Event,
    History,
    Leg,
    Member,
    Post,
    Receipt,
    SendState,
    Sent,
    TicketPage,
)
from gateway.store import (
    dial,
    examination,
    knowledge,
    ledger,
    outbox,
    pages,
    people,
    recorded,
    timers,
    turns,
    verdicts,
    work,
)
from gateway.store.cases import CaseQuery, CaseRows, read_case
from gateway.store.driver import Driver
from gateway.store.knowledge import Given, Unanswered
from gateway.store.ledger import ClaimedStream, LedgerCount, TakeRow
from gateway.store.outbox import ClaimedSend, Stuck
from gateway.store.recorded import Recorded
from gateway.store.turns import Clash, Lost
from gateway.store.tx import Tx
from gateway.store.verdicts import PageVerdict
from gateway.views import DeadLine, IncidentLine, QueueLine, StopLine, TicketFilter, TicketLine


class Store:
    """Every operation is one transaction; times that cross this line are milliseconds since 1970."""

    def __init__(self, driver: Driver, bell: Bell | None = None) -> None:
        self.driver = driver
        self.bell = bell or Bell()
        self.worker = secrets.token_hex(8)  #: names this process in counts and leases

    async def open(self) -> None:
        await self.driver.open(self.bell.ring)

    async def close(self) -> None:
        await self.driver.close()

    # ------------------------------------------------------------ intake

    async def take(self, rows: Sequence[TakeRow], cursors: Sequence[Cursor] = ()) -> list[Receipt]:
        return await self.driver.take(self.worker, rows, cursors)

    async def claim_streams(self, now: int, limit: int, lease_ms: int) -> list[ClaimedStream]:
        return await self.driver.write(lambda tx: ledger.claim_streams(tx, now, limit, lease_ms))

    async def read_cases(self, queries: Sequence[CaseQuery]) -> list[CaseRows]:
        return await self.driver.read(lambda tx: [read_case(tx, query) for query in queries])

    async def commit_turn(self, outcome: Outcome) -> Committed:
        """Writes the turn, or says why not: "conflict" (decide again) or "lost" (leave it)."""
        try:
            return await self.driver.write(lambda tx: turns.commit_turn(tx, outcome))
        except Clash as clash:
            return Committed(state="conflict", reason=str(clash))
        except Lost as lost:
            return Committed(state="lost", reason=str(lost))

    async def release(self, stream: str, fence: str) -> None:
        await self.driver.write(lambda tx: ledger.release(tx, stream, fence))

    async def postpone(
        self, stream: str, fence: str, ids: Sequence[int], ready_at: int, reason: str, failed: bool = True
    ) -> None:
        await self.driver.write(lambda tx: ledger.postpone(tx, stream, fence, ids, ready_at, reason, failed))

    async def bury(self, stream: str, fence: str, ledger_id: int, reason: str) -> None:
        await self.driver.write(lambda tx: ledger.bury(tx, stream, fence, ledger_id, reason))

    async def next_ready(self) -> int | None:
        return await self.driver.read(ledger.next_ready)

    async def result(self, ledger_id: int) -> str | None:
        return await self.driver.read(lambda tx: ledger.result(tx, ledger_id))

    async def ledger_count(self) -> LedgerCount:
        return await self.driver.read(ledger.count)

    async def backlog(self, most: int) -> int:
        return await self.driver.read(lambda tx: ledger.backlog(tx, most))

    async def blob(self, sha256: str) -> list[bytes]:
        return await self.driver.read(lambda tx: ledger.blob_parts(tx, sha256))

    async def cursor(self, name: str) -> str:
        row = await self.driver.read(lambda tx: tx.one("SELECT value FROM cursors WHERE name = ?", (name,)))
        return str(row[0]) if row else ""

    # ------------------------------------------------------------ outbox

    async def claim_sends(
        self, now: int, limit: int, lease_ms: int, report: Callable[[Stuck], TakeRow] | None = None
    ) -> list[ClaimedSend]:
        """What is to be sent now; of what a stop of the bot holds back, its ticket hears in the same commit."""
        worker = self.worker

        def job(tx: Tx) -> list[ClaimedSend]:
            claimed = outbox.claim(tx, now, limit, lease_ms)
            if claimed.stopped and report:
                ledger.take_many(tx, worker, [report(stopped) for stopped in claimed.stopped])
            return claimed.sends

        return await self.driver.write(job)

    async def settle_sent(self, send: ClaimedSend, sent: Sent, now: int) -> bool:
        return await self.driver.write(lambda tx: outbox.settle_sent(tx, send, sent, now))

    async def settle_retry(
        self, send: ClaimedSend, not_before: int, reason: str, bucket: str, open_at: int, again: bool
    ) -> bool:
        return await self.driver.write(
            lambda tx: outbox.settle_retry(tx, send, not_before, reason, bucket, open_at, again)
        )

    async def settle_failed(
        self, send: ClaimedSend, state: SendState, reason: str, detail: str, now: int, report: TakeRow
    ) -> bool:
        """Records the failure and, in the same commit, the report that the ticket will hear of it by."""
        worker = self.worker
        return await self.driver.write(
            lambda tx: (
                outbox.settle_failed(tx, send, state, reason, detail, now)
                and bool(ledger.take_many(tx, worker, [report]))
            )
        )

    async def reap_sends(
        self, limit: int, now: int, again: Callable[[Stuck], bool], report: Callable[[Stuck], TakeRow]
    ) -> list[Stuck]:
        """Finds sends whose sender died; those that may go again are queued, the others are reported."""
        worker = self.worker

        def job(tx: Tx) -> list[Stuck]:
            found = outbox.stuck(tx, limit)
            outbox.send_again(tx, [stuck.id for stuck in found if again(stuck)], now)
            asked = [report(stuck) for stuck in found if not again(stuck)]
            if asked:
                ledger.take_many(tx, worker, asked)
            return found

        return await self.driver.write(job)

    async def next_send(self) -> int | None:
        return await self.driver.read(outbox.next_due)

    async def pause_outbox(self, on: bool) -> None:
        await self.driver.write(lambda tx: outbox.pause(tx, on))

    async def outbox_paused(self) -> bool:
        return await self.driver.read(outbox.paused)

    async def leg(self, number: int) -> Leg | None:
        return await self.driver.read(lambda tx: outbox.leg_of(tx, number))

    # ------------------------------------------------------------ time and leases

    async def fire_timers(self, now: int, make: Callable[[timers.Due], TakeRow]) -> int:
        return await self.driver.write(lambda tx: timers.fire(tx, self.worker, now, make))

    async def next_timer(self) -> int | None:
        return await self.driver.read(timers.next_due)

    async def take_lease(self, name: str, lease_ms: int, owner: str = "") -> bool:
        owner = owner or self.worker
        return await self.driver.write(lambda tx: timers.take_lease(tx, name, owner, lease_ms))

    async def drop_lease(self, name: str, owner: str = "") -> None:
        owner = owner or self.worker
        await self.driver.write(lambda tx: timers.drop_lease(tx, name, owner))

    # ------------------------------------------------------------ the installation

    async def flag(self, name: str) -> str:
        return await self.driver.read(lambda tx: examination.flag(tx, name))

    async def set_flag(self, name: str, value: str) -> None:
        await self.driver.write(lambda tx: examination.set_flag(tx, name, value))

    async def newest_sealed(self) -> bytes:
        return await self.driver.read(examination.newest_sealed)

    # ------------------------------------------------------------ people

    async def add_agent(self, agent: Agent, now: int) -> None:
        await self.driver.write(lambda tx: people.add_agent(tx, agent, now))

    async def agents(self) -> list[Agent]:
        return await self.driver.read(people.agents)

    async def agent_by_slack(self, slack_id: str) -> Agent | None:
        return await self.driver.read(lambda tx: people.agent_by_slack(tx, slack_id))

    async def agent(self, agent_id: str) -> Agent | None:
        return await self.driver.read(lambda tx: people.agent(tx, agent_id))

    async def agent_by_email(self, email: str) -> Agent | None:
        return await self.driver.read(lambda tx: people.by_email(tx, email))

    async def ask_sign_in(self, post: Post, now: int, since: int, most: int) -> bool:
        return await self.driver.write(lambda tx: people.ask_sign_in(tx, post, now, since, most))

    async def set_away(self, agent_id: str, until: int) -> bool:
        return await self.driver.write(lambda tx: people.set_away(tx, agent_id, until))

    async def deactivate_agent(self, agent_id: str) -> bool:
        return await self.driver.write(lambda tx: people.deactivate(tx, agent_id))

    async def team(self) -> list[Member]:
        return await self.driver.read(people.team)

    async def add_sign_in(self, token: str, agent_id: str, expires_at: int) -> None:
        await self.driver.write(lambda tx: people.add_sign_in(tx, token, agent_id, expires_at))

    async def sign_in_waiting(self, token: str, now: int) -> Agent | None:
        return await self.driver.read(lambda tx: people.sign_in_waiting(tx, token, now))

    async def redeem(self, token: str, name: str, session: str, now: int, expires_at: int) -> bool:
        return await self.driver.write(lambda tx: people.redeem(tx, token, name, session, now, expires_at))

    async def open_session(self, agent_id: str, session: str, expires: int) -> None:
        await self.driver.write(lambda tx: people.open_session(tx, agent_id, session, expires))

    async def agent_of_session(self, session: str, now: int) -> Agent | None:
        return await self.driver.read(lambda tx: people.agent_of_session(tx, session, now))

    async def end_session(self, session: str) -> None:
        await self.driver.write(lambda tx: people.end_session(tx, session))

    async def recent_matters(self, since: int, limit: int) -> list[tuple[int, str, str]]:
        return await self.driver.read(lambda tx: work.recent_matters(tx, since, limit))

    async def incident_lines(self) -> list[IncidentLine]:
        return await self.driver.read(work.incident_lines)

    async def stop_bot(self, scope: str, by: str, at: int, why: str) -> None:
        await self.driver.write(lambda tx: dial.stop(tx, scope, by, at, why))

    async def start_bot(self, scope: str) -> bool:
        return await self.driver.write(lambda tx: dial.start(tx, scope))

    async def bot_stops(self) -> list[StopLine]:
        return await self.driver.read(dial.lines)

    # ------------------------------------------------------------ pages

    async def history(self, query: History) -> list[Entry]:
        return await self.driver.read(lambda tx: pages.history(tx, query))

    async def ticket_page(self, ticket: int) -> TicketPage | None:
        return await self.driver.read(lambda tx: pages.ticket_page(tx, ticket))

    async def ticket_at(self, address: Address) -> int:
        return await self.driver.read(lambda tx: pages.ticket_at(tx, address))

    async def queue_lines(self, titles: Sequence[tuple[str, str, int]]) -> list[QueueLine]:
        return await self.driver.read(lambda tx: pages.queue_lines(tx, titles))

    async def ticket_lines(self, query: TicketFilter) -> list[TicketLine]:
        return await self.driver.read(lambda tx: pages.ticket_lines(tx, query))

    async def dead_lines(self) -> list[DeadLine]:
        return await self.driver.read(pages.dead_lines)

    async def recent_events(self, kinds: Sequence[str], limit: int) -> list[Event]:
        return await self.driver.read(lambda tx: pages.recent_events(tx, kinds, limit))

    async def events_of(self, kinds: Sequence[str], since: int, after: int) -> list[Event]:
        return await self.driver.read(lambda tx: knowledge.events_of(tx, kinds, since, after))

    async def unanswered(self, since: int, after: int) -> list[Unanswered]:
        return await self.driver.read(lambda tx: knowledge.unanswered(tx, since, after))

    async def answers_given(self, article: str, since: int, after: int) -> list[Given]:
        return await self.driver.read(lambda tx: knowledge.given(tx, article, since, after))

    async def count_page_verdict(self, article: str, revision: str, at: int, *, helped: bool) -> None:
        await self.driver.write(lambda tx: verdicts.count(tx, article, revision, at, helped=helped))

    async def page_verdicts(self, since: int) -> list[PageVerdict]:
        return await self.driver.read(lambda tx: verdicts.since(tx, since))

    async def recorded_turns(self, since: int, after: int) -> list[Recorded]:
        """The next turns after number `after`, from `since` (milliseconds) on, with what they were decided by."""
        return await self.driver.read(lambda tx: recorded.recorded_turns(tx, since, after))

    async def alive(self) -> bool:
        """Whether the database answers within two seconds."""
        try:
            async with asyncio.timeout(2):
                return await self.driver.read(lambda tx: tx.one("SELECT 1")) is not None
        except (TimeoutError, StoreError):
            return False
