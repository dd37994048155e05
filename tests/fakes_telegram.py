"""A core that remembers what the Telegram connector told it, and a connector in front of the stand-in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
from aiohttp import web

from connectors.telegram.connector import Settings
from connectors.telegram.connector import Telegram as Connector
from connectors.telegram.webhook import HEADER, secret_of
from gateway.clock import Clock
from gateway.connector import Lease
from gateway.errors import Refused, StoreError
from gateway.model import (
    ActionResult,
    Address,
    AgentAction,
    Cursor,
    Delivery,
    Edit,
    Entry,
    History,
    Message,
    Post,
    Receipt,
    SendKind,
    TicketPage,
    TicketView,
)
from gateway.overviews import Query, T
from tests.telegram_people import Person
from tests.telegram_standin import running
from tests.telegram_state import TOKEN, Telegram

KEY = b"k" * 32


@dataclass(kw_only=True)
class QuickClock:
    """Whoever sleeps moves it; `slept` counts the seconds."""

    at: datetime = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    slept: float = 0.0

    def now(self) -> datetime:
        return self.at

    async def sleep_until(self, when: datetime) -> None:
        await asyncio.sleep(0.005)
        self.slept += max(0.0, (when - self.at).total_seconds())
        self.at = max(self.at, when)

    def deadline(self, seconds: float) -> datetime:
        return self.at + timedelta(seconds=seconds)


@dataclass(kw_only=True)
class Held:
    held: bool = True


@dataclass(kw_only=True)
class FakeHost:
    """`down` is a lost database; `lease_free` lets pollers in."""

    quick: QuickClock = field(default_factory=QuickClock)
    clock: Clock = field(init=False)
    public_url: str = "http://127.0.0.1:8080"
    company: str = "Acme"
    bot_name: str = "Fox"
    taken: dict[str, Delivery] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    cursors: dict[str, str] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    down: bool = False
    one: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        self.clock = self.quick

    async def receive(self, deliveries: Sequence[Delivery], cursor: Cursor | None = None) -> list[Receipt]:
        if self.down:
            raise StoreError("The database is away.")
        known = [delivery.input.delivery_key in self.taken for delivery in deliveries]
        self.order += [d.input.delivery_key for d, again in zip(deliveries, known, strict=True) if not again]
        self.taken.update({delivery.input.delivery_key: delivery for delivery in deliveries})
        if cursor:
            self.cursors[cursor.name] = cursor.value
        return [Receipt(ledger_id=n, duplicate=again) for n, again in enumerate(known)]

    async def act(self, action: AgentAction) -> ActionResult:
        raise NotImplementedError

    async def history(self, query: History) -> list[Entry]:
        return []

    async def ticket(self, query: TicketView) -> TicketPage:
        raise Refused("No tickets here.")

    async def view(self, query: Query[T]) -> T:
        raise NotImplementedError

    async def file(self, sha256: str) -> bytes:
        if sha256 not in self.files:
            raise Refused("It was erased.")
        return self.files[sha256]

    async def cursor(self, name: str) -> str:
        return self.cursors.get(name, "")

    def lease(self, name: str) -> AbstractAsyncContextManager[Lease]:
        return self._lease()

    @asynccontextmanager
    async def _lease(self) -> AsyncIterator[Held]:
        async with self.one:
            yield Held()

    def fares(self, account: str, trouble: str = "") -> None: ...

    def publish(self, topic: str) -> None:
        return

    def listen(self, *topics: str) -> AbstractAsyncContextManager[AsyncIterator[str]]:
        raise NotImplementedError

    @property
    def heard(self) -> list[Message]:
        inputs = [self.taken[key].input for key in self.order]
        return [each for each in inputs if isinstance(each, Message)]

    @property
    def edits(self) -> list[Edit]:
        return [d.input for d in self.taken.values() if isinstance(d.input, Edit)]


@dataclass(kw_only=True)
class Room:
    """A running connector between a core and a service, both of ours."""

    host: FakeHost
    telegram: Telegram
    connector: Connector
    http: aiohttp.ClientSession
    url: str
    mia: Person

    async def call(self, body: Any, secret: str = secret_of(KEY)) -> int:
        """The status that Telegram gets for this body at the webhook."""
        kind = {"data": body} if isinstance(body, bytes) else {"json": body}
        async with self.http.post(self.url, headers={HEADER: secret}, **kind) as answer:
            return answer.status

    async def settled(self) -> None:
        """Waits until what the connector does after its answers is done."""
        service = self.connector._service
        while service and service._tasks:
            await asyncio.wait(service._tasks)


async def until(holds: Any, seconds: float = 60.0) -> None:
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.005)


@asynccontextmanager
async def room(mode: str = "webhook", host: FakeHost | None = None, **settings: Any) -> AsyncIterator[Room]:
    """The connector on loopback, attached to an application, with the stand-in as its Telegram."""
    host = host or FakeHost()
    async with running(host.clock) as telegram:
        values = {
            "bot_token": TOKEN,
            "api_url": telegram.api_url,
            "mode": mode,
            "poll_seconds": 1,
            **settings,
        }
        async with attached(host, values) as (connector, url), aiohttp.ClientSession() as http:
            await until(lambda: telegram.commands.get("es"))
            telegram.webhook.clear()  # tests call the webhook themselves
            mia = Person(telegram=telegram)
            _ = mia.private
            yield Room(host=host, telegram=telegram, connector=connector, http=http, url=url, mia=mia)


@asynccontextmanager
async def attached(host: FakeHost, values: dict[str, Any]) -> AsyncIterator[tuple[Connector, str]]:
    """A running connector and the address of its webhook."""
    connector = Connector("main", Settings.model_validate(values), KEY)
    app = web.Application()
    connector.attach(app, host)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield connector, f"http://127.0.0.1:{runner.addresses[0][1]}/telegram/main"
    finally:
        await runner.cleanup()


def post(text: str = "Hello", conversation: str = "4242", **fields: Any) -> Post:
    """A message to Mia."""
    thread = fields.pop("thread", "")
    address = Address(connector="telegram", account="main", conversation=conversation, thread=thread)
    given: dict[str, Any] = {"kind": SendKind.NOTICE, "ticket": 100, "id": 1, **fields}
    return Post(address=address, text=text, **given)
