"""A core that keeps what the email connector hands over, and a clock that stands still or runs fast."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from aiohttp import web

from connectors.email.connector import Email
from gateway.connector import Host
from gateway.errors import Refused, StoreError
from gateway.model import (
    ActionResult,
    Address,
    AgentAction,
    Cursor,
    Delivery,
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

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
KEY = bytes(range(32))


class QuickClock:
    """Moves on by itself when somebody sleeps, which really takes `pause` seconds."""

    def __init__(self, now: datetime = NOW, pause: float = 0.01) -> None:
        self._now, self._pause = now, pause

    def now(self) -> datetime:
        return self._now

    async def sleep_until(self, when: datetime) -> None:
        await asyncio.sleep(self._pause)
        self._now = max(self._now, when)

    def deadline(self, seconds: float) -> datetime:
        return self._now + timedelta(seconds=seconds)


class Held:
    """A lease that lasts until the test takes it away."""

    def __init__(self) -> None:
        self.held = True


class FakeHost:
    """Keeps deliveries once each by key, cursors and files in memory; `broken` makes every receive fail."""

    def __init__(self) -> None:
        self.clock = QuickClock()
        self.public_url = "http://127.0.0.1:8080"
        self.company = "Acme Shop"
        self.bot_name = "Nora"
        self.kept: list[Delivery] = []
        self.duplicates = 0
        self.cursors: dict[str, str] = {}
        self.grants: dict[str, bytes] = {}
        self.files: dict[str, bytes] = {}
        self.broken = False
        self.current = Held()
        self._leases: dict[str, asyncio.Lock] = {}
        self._change = asyncio.Condition()

    @property
    def messages(self) -> list[Message]:
        return [delivery.input for delivery in self.kept if isinstance(delivery.input, Message)]

    async def receive(self, deliveries: Sequence[Delivery], cursor: Cursor | None = None) -> list[Receipt]:
        if self.broken:
            raise StoreError
        receipts = [self._keep(delivery) for delivery in deliveries]
        if cursor is not None:
            self.cursors[cursor.name] = cursor.value
        async with self._change:
            self._change.notify_all()
        return receipts

    async def wait_for(self, count: int, seconds: float = 60.0) -> list[Message]:
        """The messages, once there are `count` of them."""
        async with asyncio.timeout(seconds), self._change:
            await self._change.wait_for(lambda: len(self.messages) >= count)
        return self.messages

    async def wait_for_cursor(self, seconds: float = 60.0) -> str:
        """The one cursor, once it is written: from now on new mail is read."""
        async with asyncio.timeout(seconds), self._change:
            await self._change.wait_for(lambda: bool(self.cursors))
        return next(iter(self.cursors.values()))

    def _keep(self, delivery: Delivery) -> Receipt:
        keys = [one.input.delivery_key for one in self.kept]
        if delivery.input.delivery_key in keys:
            self.duplicates += 1
            return Receipt(ledger_id=keys.index(delivery.input.delivery_key) + 1, duplicate=True)
        self.kept.append(delivery)
        return Receipt(ledger_id=len(self.kept))

    async def act(self, action: AgentAction) -> ActionResult:
        return ActionResult(state="refused", detail="No agents here.")

    async def history(self, query: History) -> list[Entry]:
        return []

    async def ticket(self, query: TicketView) -> TicketPage:
        raise Refused

    async def view(self, query: Query[T]) -> T:
        raise NotImplementedError

    async def file(self, sha256: str) -> bytes:
        if sha256 not in self.files:
            raise Refused("It was erased.")
        return self.files[sha256]

    async def cursor(self, name: str) -> str:
        return self.cursors.get(name, "")

    async def grant(self, name: str) -> bytes:
        return self.grants.get(name, b"")

    async def keep_grant(self, name: str, value: bytes) -> None:
        self.grants[name] = value

    @asynccontextmanager
    async def lease(self, name: str) -> AsyncIterator[Held]:
        async with self._leases.setdefault(name, asyncio.Lock()):
            self.current = Held()
            yield self.current

    def fares(self, account: str, trouble: str = "") -> None: ...

    def publish(self, topic: str) -> None: ...

    @asynccontextmanager
    async def listen(self, *topics: str) -> AsyncIterator[AsyncIterator[str]]:
        async def nothing() -> AsyncIterator[str]:
            for topic in ():
                yield topic

        yield nothing()


@asynccontextmanager
async def running(connector: Email, host: FakeHost) -> AsyncIterator[None]:
    """The connector attached to an application that has started, until the block ends."""
    app = web.Application()
    port: Host = host
    connector.attach(app, port)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        yield
    finally:
        await runner.cleanup()


def post(
    text: str = "Your parcel **left** us today.",
    *,
    to: str = "ana@customer.test",
    id: int = 7,
    ticket: int = 42,
    kind: SendKind = SendKind.AGENT,
    subject: str = "Where is my parcel?",
    references: tuple[str, ...] = (),
    reply_key: str = "",
    **rest: object,
) -> Post:
    """A Post to a person's mail address."""
    return Post(
        id=id,
        address=Address(connector="email", account="support", conversation=to),
        kind=kind,
        ticket=ticket,
        text=text,
        subject=subject,
        references=references,
        reply_key=reply_key,
        **rest,  # type: ignore[arg-type]
    )
