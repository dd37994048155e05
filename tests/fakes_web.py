"""A small desk in memory: what the pages and the web chat see of the core, with methods to build a scene."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from gateway.bell import Bell
from gateway.clock import SystemClock
from gateway.connector import Lease
from gateway.desk.situation import Situation
from gateway.desk.verbs import usable, without_ticket
from gateway.errors import Refused
from gateway.model import (
    ActionResult,
    Address,
    Agent,
    AgentAction,
    Attachment,
    CannedReply,
    Cursor,
    Delivery,
    Entry,
    EntryKind,
    Event,
    History,
    Identity,
    Leg,
    Member,
    Message,
    Participant,
    Post,
    Receipt,
    Role,
    SendKind,
    SendState,
    Side,
    Speaker,
    Status,
    Ticket,
    TicketPage,
    TicketView,
    Verb,
    VerbForm,
)
from gateway.overviews import Query, T
from gateway.policy import QueuePolicy
from gateway.views import (
    DeadLine,
    IncidentLine,
    QueueLine,
    StopLine,
    SuppressedLine,
    TicketFilter,
    TicketLine,
)
from tests.world import make_policy

KEY = bytes(range(32))
ADMIN = Agent(id="ana", name="Ana Kos", role=Role.ADMIN)
AGENT = Agent(id="ben", name="Ben Ito")


class MovableClock(SystemClock):
    """The machine's clock, moved by hand."""

    def __init__(self) -> None:
        self.offset = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset

    def move(self, **by: float) -> None:
        self.offset += timedelta(**by)


class FakeHost:
    """Host, Reads and People in one, over plain dictionaries."""

    def __init__(self, public_url: str = "http://127.0.0.1:8080", company: str = "Northwind Goods") -> None:
        self.clock = MovableClock()
        self.public_url, self.company, self.bot_name = public_url, company, "Nora"
        self.bell = Bell()
        self.deliveries: list[Delivery] = []
        self.actions: list[AgentAction] = []
        self.published: list[str] = []
        self.histories: dict[str, list[Entry]] = {}
        self.pages: dict[int, TicketPage] = {}
        self.blobs: dict[str, bytes] = {}
        self.dead: list[DeadLine] = []
        self.article_problems: list[str] = []
        self.queues: dict[str, tuple[str, int]] = {
            "orders": ("Orders", 1),
            "returns": ("Returns", 1),
            "private": ("Private matters", 2),
        }
        self.links: dict[str, Agent] = {}
        self.sessions: dict[str, Agent] = {}
        self.team: dict[str, Agent] = {ADMIN.id: ADMIN, AGENT.id: AGENT}
        self.refusal = ""
        self.closed_queues: tuple[str, ...] = ()
        self.failure: Exception | None = None
        self.stops: list[StopLine] = []
        self.replies: tuple[CannedReply, ...] = ()
        self.on_message: Callable[[Message], None] = lambda message: None
        self.reads, self.people, self.members = FakeReads(self), FakePeople(self), FakeMembers(self)
        self._seen: set[str] = set()
        self._next = 0

    # ------------------------------------------------------------ scenes

    def number(self) -> int:
        self._next += 1
        return self._next

    def open(
        self, subject: str = "", requester: str = "Mara Novak", connector: str = "webchat", **fields: Any
    ) -> int:
        """A ticket with its requester's leg; returns its number."""
        number = fields.pop("number", 0) or 40 + self.number()
        age = timedelta(minutes=fields.pop("minutes", 30))
        at = self.clock.now() - age
        conversation = fields.pop(
            "conversation", "mara@example.com" if connector == "email" else f"visitor{number}"
        )
        address = Address(connector=connector, account="main", conversation=conversation)
        person = Identity(kind=connector, value=conversation, name=requester)
        ticket = Ticket(id=number, version=1, subject=subject, created_at=at, updated_at=at, **fields)
        self.pages[number] = TicketPage(
            ticket=ticket, requester=requester, entries=(), events=(),
            legs=(Leg(id=number, side=Side.REQUESTER, address=address),), participants=(Participant(identity=person),),
        )  # fmt: skip
        return number

    def entry(
        self, ticket: int, kind: EntryKind, text: str, author: str = "", minutes: float = 0, **fields: Any
    ) -> Entry:
        """One more line of a ticket's conversation."""
        made = Entry(
            id=self.number(),
            kind=kind,
            at=self.clock.now() - timedelta(minutes=minutes),
            author=author,
            text=text,
            **fields,
        )
        page = self.pages[ticket]
        self.pages[ticket] = msgspec.structs.replace(page, entries=(*page.entries, made))
        self.publish(f"ticket/{ticket}")
        self.publish("tickets")
        return made

    def event(self, ticket: int, kind: str, minutes: float = 0, /, **data: Any) -> None:
        page = self.pages[ticket]
        made = Event(kind=kind, at=self.clock.now() - timedelta(minutes=minutes), data=data, ticket=ticket)
        self.pages[ticket] = msgspec.structs.replace(page, events=(*page.events, made))

    def blob(self, content: bytes, filename: str, **fields: Any) -> Attachment:
        sha256 = hashlib.sha256(content).hexdigest()
        self.blobs[sha256] = content
        return Attachment(filename=filename, size=len(content), sha256=sha256, **fields)

    def said(self, address: Address, entry: Entry) -> Entry:
        """One more line of a visitor's history."""
        self.histories.setdefault(address.key, []).append(entry)
        self.publish(f"history/{address.key}")
        return entry

    def post(self, address: Address, text: str, kind: SendKind = SendKind.ANSWER, **fields: Any) -> Post:
        """An outgoing message whose entry stands in the history, as the core does before it calls send."""
        send = self.number() + 1000
        line = {
            SendKind.ANSWER: EntryKind.ANSWER,
            SendKind.NOTICE: EntryKind.NOTICE,
            SendKind.AGENT: EntryKind.REPLY,
        }[kind]
        author = fields.pop("author", "Assistant")
        self.histories.setdefault(address.key, []).append(
            Entry(
                id=self.number(),
                kind=line,
                at=self.clock.now(),
                author=author,
                text=text,
                send=send,
                state=SendState.SENDING,
                **fields,
            )
        )
        return Post(id=send, address=address, kind=kind, ticket=1, text=text)

    def sign_in(self, agent: Agent = ADMIN) -> str:
        session = f"session-{agent.id}-{self.number()}"
        self.sessions[session] = agent
        return session

    # ------------------------------------------------------------ Host

    async def receive(self, deliveries: Sequence[Delivery], cursor: Cursor | None = None) -> list[Receipt]:
        if self.failure:
            raise self.failure
        return [self._take(delivery) for delivery in deliveries]

    def _take(self, delivery: Delivery) -> Receipt:
        key = delivery.input.delivery_key
        if key in self._seen:
            return Receipt(ledger_id=1, duplicate=True)
        self._seen.add(key)
        self.deliveries.append(delivery)
        if isinstance(delivery.input, Message):
            self._heard(delivery.input)
        return Receipt(ledger_id=len(self.deliveries))

    def _heard(self, message: Message) -> None:
        files = tuple(self.blob(a.content, a.filename) for a in message.attachments)
        if message.text or files:
            self.said(
                message.address,
                Entry(
                    id=self.number(),
                    kind=EntryKind.MESSAGE,
                    at=message.at,
                    text=message.text,
                    message_key=message.message_key,
                    attachments=files,
                ),
            )
        self.on_message(message)

    async def act(self, action: AgentAction) -> ActionResult:
        self.actions.append(action)
        if self.refusal:
            return ActionResult(state="refused", detail=self.refusal)
        if action.verb in (Verb.NEXT, Verb.NEW):
            return ActionResult(state="done", ticket=42)
        page = self.pages[action.ticket]
        changes: dict[str, Any] = {
            Verb.CLAIM: {"assignee": action.actor.value, "status": Status.OPEN, "speaker": Speaker.AGENT},
            Verb.RELEASE: {"assignee": ""},
            Verb.RESOLVE: {"status": Status.RESOLVED},
            Verb.REOPEN: {"status": Status.OPEN},
            Verb.ESCALATE: {"queue": action.queue},
            Verb.TAG: {"tags": action.tags},
            Verb.PRIORITY: {"priority": action.priority},
        }.get(action.verb, {})
        ticket = msgspec.structs.replace(page.ticket, version=page.ticket.version + 1, **changes)
        self.pages[action.ticket] = msgspec.structs.replace(page, ticket=ticket)
        if action.verb is Verb.NOTE:
            self.entry(action.ticket, EntryKind.NOTE, action.text, author=action.actor.name)
        if action.verb is Verb.REPLY:
            self.entry(
                action.ticket,
                EntryKind.REPLY,
                action.text,
                author=action.actor.name,
                send=self.number(),
                state=SendState.HELD,
            )
        self.publish(f"ticket/{action.ticket}")
        self.publish("tickets")
        return ActionResult(state="done", ticket=action.ticket)

    async def history(self, query: History) -> list[Entry]:
        entries = self.histories.get(query.address.key, [])
        return [entry for entry in entries if entry.id > query.after][: query.limit]

    async def ticket(self, query: TicketView) -> TicketPage:
        page = self.pages[query.ticket]
        if page.ticket.queue in self.closed_queues:
            raise Refused("This ticket is in a queue that you are no member of.")
        agent = self.team.get(query.actor.value, AGENT)
        queues = {name: QueuePolicy(name=name, title=title) for name, (title, _) in self.queues.items()}
        seen = Situation(
            page=page, agent=agent, policy=make_policy(queues=queues), team=tuple(self.team.values())
        )
        return msgspec.structs.replace(page, agent=agent, verbs=usable(seen))

    async def forms(self, actor: Identity) -> tuple[VerbForm, ...]:
        queues = {name: QueuePolicy(name=name, title=title) for name, (title, _) in self.queues.items()}
        team = tuple(self.team.values())
        return without_ticket(self.team[actor.value], make_policy(queues=queues), team, self.clock.now())

    async def stop_bot(self, actor: Identity, scope: str, why: str = "") -> str:
        if self.refusal:
            raise Refused(self.refusal)
        self.stops.append(StopLine(scope=scope, by=actor.value, at=self.clock.now(), why=why))
        return "Stopped."

    async def start_bot(self, actor: Identity, scope: str) -> str:
        self.stops = [line for line in self.stops if line.scope != scope]
        return "Started."

    async def canned(self, query: TicketView) -> tuple[CannedReply, ...]:
        return self.replies

    async def view(self, query: Query[T]) -> T:
        raise NotImplementedError

    async def file(self, sha256: str) -> bytes:
        if sha256 not in self.blobs:
            raise Refused("This file was erased.")
        return self.blobs[sha256]

    async def cursor(self, name: str) -> str:
        return ""

    def lease(self, name: str) -> AbstractAsyncContextManager[Lease]:
        raise NotImplementedError

    def fares(self, account: str, trouble: str = "") -> None: ...

    def publish(self, topic: str) -> None:
        self.published.append(topic)
        self.bell.ring(topic)

    async def told(self, topic: str) -> None:
        """Returns once this topic was published."""
        async with asyncio.timeout(60):
            while topic not in self.published:
                await asyncio.sleep(0.01)

    async def heard(self, topic: str) -> None:
        """Returns once somebody listens to the topic."""
        async with asyncio.timeout(60):
            while topic not in self.bell._listeners:
                await asyncio.sleep(0.01)

    def listen(self, *topics: str) -> AbstractAsyncContextManager[AsyncIterator[str]]:
        return self.bell.listen(*topics)


class FakeReads:
    """gateway.views.Reads over the same scene."""

    def __init__(self, desk: FakeHost) -> None:
        self.desk = desk

    async def queue_lines(self) -> list[QueueLine]:
        tickets = [
            p.ticket
            for p in self.desk.pages.values()
            if p.ticket.status not in (Status.RESOLVED, Status.CLOSED)
        ]
        lines = []
        for name, (title, tier) in [("", ("Assistant", 0)), *self.desk.queues.items()]:
            mine = [t for t in tickets if t.queue == name]
            free = [t for t in mine if not t.assignee]
            oldest = min((t.created_at for t in free), default=None)
            lines.append(
                QueueLine(
                    name=name, title=title, tier=tier, open=len(mine), unassigned=len(free), oldest=oldest
                )
            )
        return lines

    async def ticket_lines(self, query: TicketFilter) -> list[TicketLine]:
        chosen = [p for p in self.desk.pages.values() if _matches(p, query)]
        chosen.sort(key=lambda p: p.ticket.updated_at, reverse=True)
        if query.by_due:
            far = datetime.max.replace(tzinfo=UTC)
            chosen.sort(key=lambda p: p.ticket.watch.due_at or far)
        return [self._line(page) for page in chosen[: query.limit]]

    def _line(self, page: TicketPage) -> TicketLine:
        t = page.ticket
        said = [e.text for e in page.entries if e.kind is EntryKind.MESSAGE]
        owner = self.desk.team.get(t.assignee)
        return TicketLine(
            id=t.id, reference=t.reference, subject=t.subject, requester=page.requester,
            channel=page.legs[0].address.connector, status=t.status,
            queue=t.queue, tier=t.tier, priority=t.priority, assignee=owner.name if owner else "",
            tags=t.tags, cause=t.cause, speaker=t.speaker, language=t.language, created_at=t.created_at,
            updated_at=t.updated_at, excerpt=said[-1][:160] if said else "", due_at=t.watch.due_at,
        )  # fmt: skip

    async def ticket_page(self, ticket: int) -> TicketPage | None:
        return self.desk.pages.get(ticket)

    async def dead_lines(self) -> list[DeadLine]:
        return self.desk.dead

    async def bot_stops(self) -> list[StopLine]:
        return self.desk.stops

    async def incident_lines(self) -> list[IncidentLine]:
        leaders = [
            p for p in self.desk.pages.values() if p.ticket.incident == p.ticket.id or p.ticket.work.alike
        ]
        return [self._incident(page) for page in leaders]

    def _incident(self, page: TicketPage) -> IncidentLine:
        every = self.desk.pages.values()
        number, alike = page.ticket.id, page.ticket.work.alike
        return IncidentLine(
            leader=self._line(page),
            members=tuple(
                self._line(p) for p in every if p.ticket.incident == number and p.ticket.id != number
            ),
            proposed=tuple(self._line(p) for p in every if p.ticket.id in alike),
        )

    async def suppressed_lines(self) -> list[SuppressedLine]:
        return []

    async def recent_events(self, kinds: Sequence[str], limit: int) -> list[Event]:
        return []

    async def agents(self) -> list[Agent]:
        return list(self.desk.team.values())


class FakeMembers:
    """gateway.views.Members over the same scene."""

    def __init__(self, desk: FakeHost) -> None:
        self.desk = desk
        self.asked: list[str] = []

    async def ask_sign_in(self, who: str) -> None:
        self.asked.append(who)

    async def set_away(self, by: Agent, agent_id: str, until: datetime | None, *, give_back: bool) -> str:
        if by.role is Role.AGENT and by.id != agent_id:
            raise Refused("You may say so for yourself; a lead may for others.")
        self.desk.team[agent_id] = msgspec.structs.replace(self.desk.team[agent_id], away_until=until)
        return ""

    async def deactivate(self, by: str, agent_id: str) -> str:
        del self.desk.team[agent_id]
        return ""

    async def team(self) -> list[Member]:
        tickets = [page.ticket for page in self.desk.pages.values()]
        return [
            Member(agent=agent, load=sum(t.assignee == agent.id for t in tickets))
            for agent in self.desk.team.values()
        ]


class FakePeople:
    """gateway.views.People over the same scene."""

    def __init__(self, desk: FakeHost) -> None:
        self.desk = desk

    async def redeem_sign_in(self, token: str, name: str) -> str | None:
        agent = self.desk.links.pop(token, None)
        return self.desk.sign_in(msgspec.structs.replace(agent, name=agent.name or name)) if agent else None

    async def sign_in_waiting(self, token: str) -> Agent | None:
        return self.desk.links.get(token)

    async def agent_of_session(self, session: str) -> Agent | None:
        return self.desk.sessions.get(session)

    async def end_session(self, session: str) -> None:
        self.desk.sessions.pop(session, None)


def _matches(page: TicketPage, query: TicketFilter) -> bool:
    t = page.ticket
    words = " ".join([t.reference, t.subject, page.requester, *(e.text for e in page.entries)]).casefold()
    return (
        (query.queue is None or t.queue == query.queue)
        and (not query.statuses or t.status in query.statuses)
        and (not query.assignee or t.assignee == query.assignee)
        and t.queue not in query.hidden_queues
        and query.text.casefold() in words
    )
