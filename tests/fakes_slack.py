"""A core that remembers what the Slack connector told it, and answers as a test says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import msgspec
from aiohttp import web

from connectors.slack.connector import Settings
from connectors.slack.connector import Slack as SlackConnector
from gateway.clock import Clock
from gateway.connector import QueuePlace
from gateway.desk.verbs import Situation, usable
from gateway.errors import Refused, StoreError
from gateway.model import (
    ActionResult,
    Address,
    Agent,
    AgentAction,
    BotState,
    CannedReply,
    Card,
    Cursor,
    Delivery,
    Entry,
    History,
    Leg,
    Post,
    Receipt,
    SendKind,
    Side,
    Ticket,
    TicketPage,
    TicketView,
    Verb,
)
from gateway.overviews import Query, T
from tests.fakes_directory import FakeDirectory
from tests.slack_posts import Poster
from tests.slack_standin import SECRET, TOKEN, Slack, running
from tests.world import make_policy

ANN = Agent(id="ann", name="Ann", slack_id="T0HOME:U0ANN")
QUEUE = QueuePlace(
    name="general",
    title="Customer care",
    address=Address(connector="slack", account="main", conversation="C0DESK"),
)
NO_AGENT = "You are no agent of this desk yet. Ask an admin to add your Slack name."


@dataclass(kw_only=True)
class StandingClock:
    """Moves only when told to."""

    at: datetime = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at

    async def sleep_until(self, when: datetime) -> None:
        self.at = max(self.at, when)

    def deadline(self, seconds: float) -> datetime:
        return self.at + timedelta(seconds=seconds)


@dataclass(kw_only=True)
class Held:
    held: bool = True


@dataclass(kw_only=True)
class FakeHost:
    """`agents` are identity values that count as agents; `down` is a lost database."""

    standing: StandingClock = field(default_factory=StandingClock)
    clock: Clock = field(init=False)
    public_url: str = "http://127.0.0.1:8080"
    company: str = "Acme"
    bot_name: str = "Nora"
    agents: set[str] = field(default_factory=lambda: {"T0HOME:U0ANN"})
    taken: dict[str, Delivery] = field(default_factory=dict)
    acts: dict[str, AgentAction] = field(default_factory=dict)
    result: ActionResult = field(default_factory=lambda: ActionResult(state="done"))
    files: dict[str, bytes] = field(default_factory=dict)
    directory: FakeDirectory = field(default_factory=lambda: FakeDirectory(queues=(QUEUE,)))
    cursors: dict[str, str] = field(default_factory=dict)
    version: int = 7
    down: bool = False
    entries: tuple[Entry, ...] = ()
    assignee: str = ""
    suggestion: str = ""
    agent: Agent = field(default_factory=lambda: ANN)
    replies: tuple[CannedReply, ...] = ()
    answers: dict[type, Any] = field(default_factory=dict)  #: what `view` says, by the query's type

    fared: list[tuple[str, str]] = field(default_factory=list)  #: account and trouble, "" when it is well

    def __post_init__(self) -> None:
        self.clock = self.standing

    async def receive(self, deliveries: Sequence[Delivery], cursor: Cursor | None = None) -> list[Receipt]:
        self._check()
        if cursor:
            self.cursors[cursor.name] = cursor.value
        known = [delivery.input.delivery_key in self.taken for delivery in deliveries]
        self.taken.update({delivery.input.delivery_key: delivery for delivery in deliveries})
        return [Receipt(ledger_id=n, duplicate=duplicate) for n, duplicate in enumerate(known)]

    async def act(self, action: AgentAction) -> ActionResult:
        self._check()
        if action.actor.value not in self.agents:
            return ActionResult(state="refused", detail=NO_AGENT)
        self.acts[action.delivery_key] = action
        return self.result

    async def history(self, query: History) -> list[Entry]:
        return []

    async def ticket(self, query: TicketView) -> TicketPage:
        self._check()
        if query.actor.value not in self.agents:
            raise Refused(NO_AGENT)
        return self.page(query.ticket)

    def page(self, ticket: int) -> TicketPage:
        at = self.clock.now()
        address = Address(connector="email", account="main", conversation="cy@customer.test")
        shown = TicketPage(
            ticket=Ticket(
                id=ticket or 42,
                version=self.version,
                assignee=self.assignee,
                bot=BotState(suggestion=self.suggestion),
                created_at=at,
                updated_at=at,
            ),
            requester="Cy Customer",
            entries=self.entries,
            events=(),
            legs=(Leg(id=1, side=Side.REQUESTER, address=address),),
            participants=(),
            agent=self.agent,
        )
        team = (self.agent, Agent(id="ben", name="Ben"))
        situation = Situation(page=shown, agent=self.agent, policy=make_policy(), team=team)
        return msgspec.structs.replace(shown, verbs=usable(situation))

    async def view(self, query: Query[T]) -> T:
        self._check()
        answer = self.answers.get(type(query))
        if answer is None:
            raise Refused("There is nothing to see.")
        found: T = answer
        return found

    async def canned(self, query: TicketView) -> tuple[CannedReply, ...]:
        self._check()
        return self.replies

    async def file(self, sha256: str) -> bytes:
        if sha256 not in self.files:
            raise Refused("It was erased.")
        return self.files[sha256]

    async def cursor(self, name: str) -> str:
        return self.cursors.get(name, "")

    @asynccontextmanager
    async def lease(self, name: str) -> AsyncIterator[Held]:
        yield Held()

    def fares(self, account: str, trouble: str = "") -> None:
        self.fared.append((account, trouble))

    def publish(self, topic: str) -> None:
        return

    def listen(self, *topics: str) -> AbstractAsyncContextManager[AsyncIterator[str]]:
        raise NotImplementedError

    def _check(self) -> None:
        if self.down:
            raise StoreError("The database is away.")

    @property
    def notes(self) -> list[AgentAction]:
        return [d.input for d in self.taken.values() if isinstance(d.input, AgentAction)]


@dataclass(kw_only=True)
class Room:
    """A running connector between a core and a workspace, both of ours."""

    host: FakeHost
    slack: Slack
    connector: SlackConnector
    posts: Poster

    async def card(self, *verbs: Verb) -> str:
        """Sends a card for ticket 42 with these buttons; its ts."""
        return (await self.connector.send(card_post(*verbs))).external_ids[0]

    async def settled(self) -> None:
        """Waits until what the connector does after its answers is done."""
        service = self.connector.service
        while service and service.tasks:
            await asyncio.wait(service.tasks)


@asynccontextmanager
async def room(**settings: Any) -> AsyncIterator[Room]:
    """The connector on loopback, attached to an application, with the stand-in as its Slack."""
    host = FakeHost()
    async with running(host.clock) as slack:
        values = {"signing_secret": SECRET, "bot_token": TOKEN, "api_url": slack.api_url, **settings}
        connector = SlackConnector("main", Settings.model_validate(values), b"k" * 32)
        app = web.Application()
        connector.attach(app, host)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/slack/main"
        try:
            async with aiohttp.ClientSession() as http:
                made = Room(
                    host=host, slack=slack, connector=connector, posts=Poster(slack=slack, http=http, url=url)
                )
                await made.settled()
                yield made
        finally:
            await runner.cleanup()


def desk_address(thread: str = "") -> Address:
    return Address(connector="slack", account="main", conversation="C0DESK", thread=thread)


def card_post(*verbs: Verb, **changes: Any) -> Post:
    """A post of a card for ticket 42."""
    card = msgspec.structs.replace(CARD, actions=verbs or CARD.actions, **changes)
    return Post(address=desk_address(), kind=SendKind.NOTICE, ticket=42, card=card)


CARD = Card(
    ticket=42,
    reference="DG-42",
    title="Where is my parcel?",
    requester="Cy Customer",
    fields=(
        ("Channel", "e-mail"),
        ("Language", "English"),
        ("Priority", "**high**"),
        ("First answer", "in 2 h"),
    ),
    body="I ordered on Monday & nothing came.\n\n> your order 1234 <ships> today\n\nCan you look?",
    why="The article “Delivery times” did not help (0.81, threshold 0.74).",
    actions=(Verb.CLAIM, Verb.REPLY, Verb.NOTE, Verb.ESCALATE, Verb.RESOLVE),
    link="https://desk.example/tickets/42",
)
