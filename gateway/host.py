"""The Host that connectors and pages see: receive, act, and authorised reads."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import msgspec

from gateway import canned, drafts
from gateway.bell import Rings
from gateway.clock import Clock, to_ms
from gateway.desk.asking import sees
from gateway.desk.situation import Situation, at_least
from gateway.desk.verbs import usable, without_ticket
from gateway.desk_reads import DeskReads
from gateway.dial import check_scope
from gateway.directory import StoreDirectory
from gateway.errors import Refused, StoreError
from gateway.intake import Intake
from gateway.model import (
    ActionResult,
    AdminChange,
    Agent,
    AgentAction,
    CannedReply,
    Cursor,
    Delivery,
    Entry,
    Event,
    History,
    Identity,
    Receipt,
    Role,
    Side,
    TicketPage,
    TicketView,
    Verb,
    VerbForm,
)
from gateway.overviews import Query, T
from gateway.policy import Policy
from gateway.privacy import CannotOpen, Seal
from gateway.privacy.sealing import original_of, unsealed
from gateway.store import Store, grants, suppression, work
from gateway.views import (
    DeadLine,
    IncidentLine,
    QueueLine,
    StopLine,
    SuppressedLine,
    TicketFilter,
    TicketLine,
)

#: How long an agent's surface waits for a proposal to be handled, seconds. Slack allows three.
ACT_WITHIN = 2.0
SESSION_DAYS = 30


class StoreHost:
    """Host over the store and the intake; also the pages' Reads and People."""

    def __init__(
        self,
        store: Store,
        intake: Intake,
        seal: Seal,
        clock: Clock,
        policy: Callable[[], Policy],
        max_backlog: int,
        lease_ms: int = 15_000,
    ) -> None:
        self._store, self._intake, self._seal = store, intake, seal
        self.clock, self._policy_now = clock, policy
        self.public_url, self.company = self.policy.public_url, self.policy.company
        self.bot_name = self.policy.bot_name
        self._desk = DeskReads(store, policy, self.agent_of)
        self.directory = StoreDirectory(store, policy, self.agent_of)
        self._max_backlog, self._lease_ms = max_backlog, lease_ms
        self.overloaded = False
        self.shelf: Callable[[], canned.Shelf] = canned.Shelf  #: the canned replies as they are now
        self.drafts: Path | None = None  #: where drafts of articles go
        self.articles: Callable[[], tuple[str, ...]] = tuple  #: names of the articles

    @property
    def policy(self) -> Policy:
        """The settings, rules and words that count now."""
        return self._policy_now()

    # ------------------------------------------------------------ for connectors

    async def receive(self, deliveries: Sequence[Delivery], cursor: Cursor | None = None) -> list[Receipt]:
        if self.overloaded:
            raise StoreError("More is waiting than this installation keeps. Try again later.")
        return await self._intake.take(deliveries, cursor)

    async def watch_backlog(self) -> None:
        """Refuses new input while more waits than is configured; forever, until cancelled."""
        while True:
            with suppress(StoreError):  # the next take says so itself
                self.overloaded = await self._store.backlog(self._max_backlog) >= self._max_backlog
            await asyncio.sleep(1)

    async def act(self, action: AgentAction) -> ActionResult:
        receipt = (await self.receive([Delivery(input=action)]))[0]
        topic = f"done/{receipt.ledger_id}"
        async with self._store.bell.listen(topic) as rings:
            for wait in (0.0, ACT_WITHIN):
                if wait:
                    await rings.wait(wait)
                result = await self._store.result(receipt.ledger_id)
                if result:
                    return await self._afterwards(action, msgspec.json.decode(result, type=ActionResult))
        return ActionResult(state="accepted", detail="It is being worked on.", ticket=action.ticket)

    async def _afterwards(self, action: AgentAction, result: ActionResult) -> ActionResult:
        """What is done beside the database once a proposal was accepted: a draft is a file."""
        if action.verb is not Verb.DRAFT_ARTICLE or result.state != "done" or self.drafts is None:
            return result
        page = await self._store.ticket_page(result.ticket)
        if page is None:
            return result
        said = await asyncio.to_thread(drafts.write, page, action, self.drafts)
        return msgspec.structs.replace(result, detail=said)

    async def original(self, actor: Identity, ticket: int, entry: int) -> str:
        """What a masked line really says; that they looked is on the ticket before they see it. Raises Refused."""
        now = self.clock.now()
        action = AgentAction(
            connector="desk", account="original", delivery_key=f"{actor.value}/{entry}/{now.isoformat()}", at=now,
            actor=actor, verb=Verb.SHOW_ORIGINAL, ticket=ticket, entry=entry,
        )  # fmt: skip
        result = await self.act(action)
        if result.state != "done":
            raise Refused(result.detail or "That took too long. Try again.")
        lines = await self._store.driver.read(lambda tx: work.sealed_lines(tx, ticket))
        if entry not in lines:
            raise Refused("The original was erased.")
        try:
            value = unsealed(lines[entry], self._seal)
            found = original_of(value)
        except (CannotOpen, msgspec.DecodeError) as error:
            raise Refused("The original was sealed with a key that is not here.") from error
        if getattr(value, "masked", ()):
            raise Refused("The original was dropped after handling; the masked copy is all that is left.")
        return (found.full_text or found.text) if found else ""

    async def history(self, query: History) -> list[Entry]:
        return await self._store.history(query)

    async def ticket(self, query: TicketView) -> TicketPage:
        number = query.ticket or (await self._store.ticket_at(query.address) if query.address else 0)
        agent = await self.agent_of(query.actor)
        page = await self._store.ticket_page(number) if number else None
        if agent is None:
            raise Refused("You are not a member of this desk. Ask an admin to add you.")
        if page is None:
            raise Refused("There is no such ticket.")
        if not sees(page.ticket, agent, self.policy):
            raise Refused("This ticket is in a protected queue that you are not a member of.")
        page = msgspec.structs.replace(page, agent=agent)
        team = await self._store.agents()
        forms = usable(Situation(page=page, agent=agent, policy=self.policy, team=team))
        return msgspec.structs.replace(page, verbs=forms)

    async def canned(self, query: TicketView) -> tuple[CannedReply, ...]:
        page, policy = await self.ticket(query), self.policy
        ticket, agent = page.ticket, page.agent
        leg = next((leg for leg in page.legs if leg.side is Side.REQUESTER and leg.current), None)
        queue = policy.queues.get(ticket.queue)
        person = next((p.identity for p in page.participants if p.role == "requester"), None)
        values = {
            "requester": person.name if person else "",
            "agent": agent.name if agent else "",
            "company": policy.company,
            "bot": policy.bot_name,
            "reference": ticket.reference,
            "subject": ticket.subject,
            "queue": queue.title if queue else "",
            "channel": leg.address.connector if leg else "",
            "today": f"{self.clock.now():%Y-%m-%d}",
        }
        languages = (ticket.language, policy.language)
        return canned.offered(self.shelf(), values, queue=ticket.queue, languages=languages)

    async def view(self, query: Query[T]) -> T:
        return await self._desk.view(query)

    async def stop_bot(self, actor: Identity, scope: str, why: str = "") -> str:
        agent = await self._lead(actor)
        check_scope(scope, tuple(self.policy.accounts), self.articles())
        await self._store.stop_bot(scope, agent.id, to_ms(self.clock.now()), why.strip()[:500])
        await self.dialled("bot_stopped", agent.id, scope, why.strip()[:500])
        return f"The assistant is stopped ({scope})."

    async def start_bot(self, actor: Identity, scope: str) -> str:
        agent = await self._lead(actor)
        if not await self._store.start_bot(scope):
            raise Refused(f"The assistant was not stopped there ({scope}).")
        await self.dialled("bot_started", agent.id, scope, "")
        return f"The assistant may speak again ({scope})."

    async def forms(self, actor: Identity) -> tuple[VerbForm, ...]:
        agent = await self.agent_of(actor)
        if agent is None:
            raise Refused("You are not a member of this desk. Ask an admin to add you.")
        return without_ticket(agent, self.policy, await self._store.agents(), self.clock.now())

    async def incident_lines(self) -> list[IncidentLine]:
        return await self._store.incident_lines()

    async def bot_stops(self) -> list[StopLine]:
        return await self._store.bot_stops()

    async def _lead(self, actor: Identity) -> Agent:
        agent = await self.agent_of(actor)
        if agent is None or not at_least(agent, Role.LEAD):
            raise Refused("Only a lead may do that.")
        return agent

    async def dialled(self, what: str, by: str, scope: str, why: str) -> None:
        """Writes down who moved the dial; the stop itself holds already."""
        now = self.clock.now()
        detail = {"scope": scope, "by": by, "why": why}
        change = AdminChange(
            connector="desk", account="", delivery_key=f"{what}/{scope}/{now.isoformat()}", at=now, what=what,
            detail=detail,
        )  # fmt: skip
        await self.receive([Delivery(input=change)])

    async def agent_of(self, identity: Identity) -> Agent | None:
        """The member of the desk behind an identity, None for strangers and those who left."""
        find = self._store.agent_by_slack if identity.kind == "slack" else self._store.agent
        agent = await find(identity.value) if identity.kind in ("slack", "agent") else None
        return agent if agent and agent.active else None

    async def file(self, sha256: str) -> bytes:
        parts = await self._store.blob(sha256)
        try:
            content = await asyncio.to_thread(self._seal.open_file, sha256, parts)
        except CannotOpen as error:
            raise Refused("The file was sealed with a key that is not here.") from error
        if not parts:
            raise Refused("The file is not kept any more.")
        return content

    async def cursor(self, name: str) -> str:
        return await self._store.cursor(name)

    async def grant(self, name: str) -> bytes:
        sealed = await self._store.driver.read(lambda tx: grants.read(tx, name))
        try:
            return self._seal.open(sealed, f"grant/{name}".encode()) if sealed else b""
        except CannotOpen as error:
            raise StoreError(
                "What a connector signs in with was sealed with a key that is not here."
            ) from error

    async def keep_grant(self, name: str, value: bytes) -> None:
        sealed, now = self._seal.seal(value, f"grant/{name}".encode()), to_ms(self.clock.now())
        await self._store.driver.write(lambda tx: grants.keep(tx, name, sealed, now))

    @asynccontextmanager
    async def lease(self, name: str) -> AsyncIterator[_Lease]:
        lease = _Lease(self._store, name, self._lease_ms)
        await lease.wait()
        keeper = asyncio.create_task(lease.keep())
        try:
            yield lease
        finally:
            keeper.cancel()
            await asyncio.gather(keeper, return_exceptions=True)
            await lease.drop()

    def fares(self, account: str, trouble: str = "") -> None:
        health, part = self._intake.health, f"{account} receives"
        if trouble:
            health.unwell(part, trouble)
        else:
            health.well(part)

    def publish(self, topic: str) -> None:
        self._store.driver.publish(topic)

    @asynccontextmanager
    async def listen(self, *topics: str) -> AsyncIterator[Rings]:
        async with self._store.bell.listen(*topics) as rings:
            yield rings

    # ------------------------------------------------------------ for the pages

    async def queue_lines(self) -> list[QueueLine]:
        titles = [("", self.policy.bot_name, 0)]
        titles += [(queue.name, queue.title, queue.tier) for queue in self.policy.queues.values()]
        lines = await self._store.queue_lines(titles)
        return [msgspec.structs.replace(line, overloaded=self._overloaded(line)) for line in lines]

    def _overloaded(self, line: QueueLine) -> bool:
        queue = self.policy.queues.get(line.name)
        return queue is not None and 0 < queue.overload <= line.unassigned

    async def ticket_lines(self, query: TicketFilter) -> list[TicketLine]:
        return await self._store.ticket_lines(query)

    async def ticket_page(self, ticket: int) -> TicketPage | None:
        return await self._store.ticket_page(ticket)

    async def dead_lines(self) -> list[DeadLine]:
        return await self._store.dead_lines()

    async def suppressed_lines(self) -> list[SuppressedLine]:
        return await self._store.driver.read(suppression.lines)

    async def recent_events(self, kinds: Sequence[str], limit: int) -> list[Event]:
        return await self._store.recent_events(kinds, limit)

    async def agents(self) -> list[Agent]:
        return await self._store.agents()

    async def sign_in_waiting(self, token: str) -> Agent | None:
        return await self._store.sign_in_waiting(token, to_ms(self.clock.now()))

    async def redeem_sign_in(self, token: str, name: str) -> str | None:
        session = secrets.token_urlsafe(32)
        expires = to_ms(self.clock.deadline(SESSION_DAYS * 86400))
        used = await self._store.redeem(token, name.strip()[:80], session, to_ms(self.clock.now()), expires)
        return session if used else None

    async def open_session(self, agent_id: str) -> str:
        session = secrets.token_urlsafe(32)
        expires = to_ms(self.clock.deadline(SESSION_DAYS * 86400))
        await self._store.open_session(agent_id, session, expires)
        return session

    async def agent_of_session(self, session: str) -> Agent | None:
        return await self._store.agent_of_session(session, to_ms(self.clock.now()))

    async def end_session(self, session: str) -> None:
        await self._store.end_session(session)


class _Lease:
    """A name that this replica alone holds, renewed at a third of its length."""

    def __init__(self, store: Store, name: str, lease_ms: int) -> None:
        self._store, self._name, self._lease_ms = store, name, lease_ms
        self._owner = f"{store.worker}/{secrets.token_hex(4)}"
        self._until = 0.0

    @property
    def held(self) -> bool:
        # Not what was answered last, but whether that still counts: a frozen process wakes after its lease.
        return asyncio.get_running_loop().time() < self._until

    async def wait(self) -> None:
        while not await self._take():  # noqa: ASYNC110 - the other holder is another process
            await asyncio.sleep(self._lease_ms / 3000)

    async def keep(self) -> None:
        while True:
            await asyncio.sleep(self._lease_ms / 3000)
            await self._take()

    async def _take(self) -> bool:
        asked = asyncio.get_running_loop().time()
        taken = False
        with suppress(StoreError):
            taken = await self._store.take_lease(self._name, self._lease_ms, self._owner)
        self._until = asked + self._lease_ms / 1000 if taken else 0.0
        return taken

    async def drop(self) -> None:
        self._until = 0.0
        with suppress(StoreError):  # it runs out by itself
            await self._store.drop_lease(self._name, self._owner)
