"""Short words for tests that talk to the store itself: rows to take, turns to commit, messages to send."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from gateway.case import Change, Claim, Disposition, LedgerRow, Outcome, Send
from gateway.clock import from_ms
from gateway.model import (
    Address,
    Identity,
    Leg,
    Message,
    Post,
    Priority,
    SendKind,
    Side,
    Speaker,
    Status,
    Ticket,
)
from gateway.store import Store, open_driver
from gateway.store.ledger import ClaimedStream, TakeRow

NOW = 1_800_000_000_000  #: the application's clock in these tests, milliseconds
AT = from_ms(NOW)
HERE = Address(connector="chat", account="main", conversation="mia")
LONG = 60_000  #: a lease that does not run out by itself


@asynccontextmanager
async def open_stores(database: str, count: int = 1) -> AsyncIterator[list[Store]]:
    """Several workers over one database, each with a driver of its own."""
    async with AsyncExitStack() as stack:
        stores = [Store(open_driver(database)) for _ in range(count)]
        for store in stores:
            await store.open()
            stack.push_async_callback(store.close)
        yield stores


async def hearing(store: Store, count: int) -> None:
    """Returns once so many processes listen to the database; one that SQLite serves hears from the beginning."""
    ask = """SELECT COUNT(*) FROM pg_stat_activity
             WHERE datname = current_database() AND query LIKE 'LISTEN%' AND state = 'idle'"""
    async with asyncio.timeout(60):
        while store.driver.name == "postgresql" and (await rows(store, ask))[0][0] < count:
            await asyncio.sleep(0.02)


def row(key: str, stream: str = "chat/main/mia", **fields: Any) -> TakeRow:
    """A delivery of which only the key and the stream matter."""
    given = {"connector": "chat", "account": "main", "kind": "message", "sealed": b"sealed"}
    times = {"received_at": NOW, "ready_at": NOW}
    return TakeRow(**{**given, **times, "delivery_key": key, "stream": stream, **fields})


def outcome(claimed: ClaimedStream, *changes: Change) -> Outcome:
    """A turn that accepts every row of the claim."""
    message = Message(
        connector="chat",
        account="main",
        delivery_key="",
        at=AT,
        address=HERE,
        sender=Identity(kind="chat", value="mia"),
        text="",
    )
    rows = tuple(LedgerRow(id=r.id, received_at=AT, attempts=r.attempts, input=message) for r in claimed.rows)
    return Outcome(
        claim=Claim(stream=claimed.stream, fence=claimed.fence, rows=rows),
        at=AT,
        dispositions=tuple(Disposition(ledger_id=r.id) for r in claimed.rows),
        changes=changes,
    )


def new_ticket(
    number: int, sends: Sequence[str] = (), kind: SendKind = SendKind.NOTICE, **fields: Any
) -> Change:
    """A ticket with one leg and these messages waiting on it, in order."""
    posts = [Post(address=HERE, kind=kind, ticket=number, text=text) for text in sends]
    return Change(
        ticket=Ticket(
            id=number, version=0, status=Status.OPEN, tier=1, queue="general", priority=Priority.NORMAL,
            speaker=Speaker.BOT, subject="", language="en", created_at=AT, updated_at=AT,
        ),
        legs=(Leg(id=-1, side=Side.REQUESTER, address=HERE),),
        sends=tuple(Send(leg=-1, outgoing=post, kind=kind, not_before=AT) for post in posts),
        **fields,
    )  # fmt: skip


async def handle(store: Store, *changes: Change) -> ClaimedStream:
    """Claims the one stream that is ready and commits a turn with these changes."""
    (claimed,) = await store.claim_streams(NOW, 1, LONG)
    assert (await store.commit_turn(outcome(claimed, *changes))).state == "done"
    return claimed


async def rows(store: Store, sql: str, *params: Any) -> list[tuple[Any, ...]]:
    """What a query finds."""
    return await store.driver.read(lambda tx: tx.all(sql, params))


async def run(store: Store, sql: str, *params: Any) -> int:
    """Changes the database behind the store's back."""
    return await store.driver.write(lambda tx: tx.run(sql, params))
