"""A core without doors: the real store, intake and decisions, fed by hand on one processor core."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import msgspec

from bot.answer import Bot
from gateway import words
from gateway.clock import SystemClock
from gateway.intake import Intake
from gateway.model import Address, Delivery, Identity, Message
from gateway.policy import AccountPolicy, Policy, QueuePolicy
from gateway.privacy import Seal
from gateway.store import Store, open_driver

AT_ONCE = 64  #: deliveries that come together, as from so many connections


class Spent(msgspec.Struct, frozen=True, kw_only=True):
    """What it took to take and handle these inputs."""

    inputs: int
    seconds: float
    cpu: float

    @property
    def rate(self) -> float:
        return self.inputs / self.seconds

    @property
    def cpu_ms(self) -> float:
        return self.cpu / self.inputs * 1e3


class Core:
    """`take` and `handle` with nothing in front and nobody to send."""

    def __init__(self, database: Path, bot: Bot) -> None:
        self.store = Store(open_driver(f"sqlite:///{database}"))
        self.clock, self.seal = SystemClock(), Seal(b"k" * 32)
        policy = _policy()
        self.intake = Intake(self.store, self.seal, self.clock, lambda: policy, lambda: bot)

    async def put(self, deliveries: Sequence[Delivery]) -> Spent:
        """Takes and handles these, as many at once as connections would bring."""
        began, cpu = time.perf_counter(), time.process_time()
        for batch in _batches(deliveries):
            await asyncio.gather(*(self.intake.take([delivery]) for delivery in batch))
            while await self.intake.handle_ready():
                pass
        return Spent(
            inputs=len(deliveries),
            seconds=time.perf_counter() - began,
            cpu=time.process_time() - cpu,
        )

    def visitor_says(self, number: int, text: str) -> Delivery:
        """The first message of a new visitor of the web chat."""
        visitor = f"bench-{number:08d}"
        raw = msgspec.json.encode({"type": "message", "id": "m1", "text": text})
        message = Message(
            connector="webchat",
            account="site",
            delivery_key=f"{visitor}:m1",
            at=self.clock.now(),
            address=Address(connector="webchat", account="site", conversation=visitor),
            sender=Identity(kind="webchat", value=visitor, verified=True),
            text=text,
            message_key=f"{visitor}:m1",
            version="1",
        )
        return Delivery(input=message, raw=raw)

    async def count(self, sql: str) -> int:
        row = await self.store.driver.read(lambda tx: tx.one(sql))
        return int(row[0]) if row else 0


@asynccontextmanager
async def core(database: Path, bot: Bot) -> AsyncIterator[Core]:
    """A core on this database, made when it is not there."""
    made = Core(database, bot)
    await made.store.open()
    try:
        yield made
    finally:
        made.intake.close()
        await made.store.close()


def _batches(deliveries: Sequence[Delivery]) -> Iterator[Sequence[Delivery]]:
    for start in range(0, len(deliveries), AT_ONCE):
        yield deliveries[start : start + AT_ONCE]


def _policy() -> Policy:
    """What config.toml gives with its defaults, and budgets that a benchmark does not reach."""
    return Policy(
        revision="benchmark",
        company="Measured",
        bot_name="Bot",
        public_url="https://help.example.com",
        privacy_url="",
        languages=("en",),
        queues={"general": QueuePolicy(name="general", title="Customer care")},
        default_queue="general",
        protected_queue="",
        accounts={
            "webchat/site": AccountPolicy(threaded=False),
            "email/support": AccountPolicy(threaded=True),
        },
        own_addresses=frozenset({"support@example.com"}),
        blocked=frozenset(),
        bot_enabled=True,
        max_answers=3,
        budget=1000,
        budget_window=timedelta(hours=3),
        idle_window=timedelta(hours=24),
        max_age=timedelta(days=400),
        undo=timedelta(seconds=4),
        close_after=timedelta(days=7),
        words=words.load(),
        secret=b"s" * 32,
    )
