"""A whole core on a real database, driven step by step: what people say goes in, what they would see comes out."""

from __future__ import annotations

import itertools
from datetime import timedelta
from pathlib import Path
from types import TracebackType

from bot.answer import Bot
from bot.articles import load
from gateway import words
from gateway.host import StoreHost
from gateway.intake import Intake
from gateway.model import (
    ActionResult,
    Address,
    Agent,
    AgentAction,
    Attachment,
    Choice,
    ChoiceAction,
    Delivery,
    Entry,
    Identity,
    Message,
    Receipt,
    Role,
    Ticket,
    TicketPage,
    Verb,
)
from gateway.outbox import Outbox
from gateway.policy import AccountPolicy, Policy, QueuePolicy
from gateway.privacy import Seal
from gateway.store import Driver, Store
from gateway.timers import Timers
from tests.fakes import FakeConnector, ManualClock

TEAM = Address(connector="team", account="main", conversation="C-GENERAL")
ORDERS = Address(connector="team", account="main", conversation="C-ORDERS")


def make_policy(**changes: object) -> Policy:
    """The policy of the tests; every field can be changed."""
    fields: dict[str, object] = {
        "revision": "test",
        "company": "Linden & Fox",
        "bot_name": "Fox",
        "public_url": "http://127.0.0.1:8080",
        "privacy_url": "",
        "languages": ("en", "sl", "zh-Hans", "zh-Hant"),
        "queues": {
            "general": QueuePolicy(name="general", title="Customer care", address=TEAM),
            "orders": QueuePolicy(name="orders", title="Orders", address=ORDERS),
            "technical": QueuePolicy(name="technical", title="Technical support", tier=2),
            "protected": QueuePolicy(name="protected", title="Confidential", protected=True),
        },
        "default_queue": "general",
        "protected_queue": "protected",
        "accounts": {
            "chat/main": AccountPolicy(threaded=False),
            "mail/main": AccountPolicy(threaded=True),
            "team/main": AccountPolicy(threaded=True),
        },
        "own_addresses": frozenset({"support@example.com"}),
        "blocked": frozenset({"spam@example.net"}),
        "bot_enabled": True,
        "max_answers": 3,
        "budget": 10,
        "budget_window": timedelta(hours=3),
        "idle_window": timedelta(hours=24),
        "max_age": timedelta(hours=12),
        "undo": timedelta(seconds=4),
        "close_after": timedelta(days=7),
        "words": words.load(),
        "secret": b"s" * 32,
    }
    return Policy(**{**fields, **changes})  # type: ignore[arg-type]


class World:
    """`say` and `act` put inputs in; `settle` lets everything that is due happen."""

    def __init__(self, driver: Driver, articles: Path, **policy: object) -> None:
        self.clock = ManualClock()
        self.seal = Seal(b"k" * 32)
        self.store = Store(driver)
        self.policy = make_policy(**policy)
        self.bot = Bot.build(load(articles)).train()
        self.chat = FakeConnector("chat")
        self.mail = FakeConnector("mail", threads=True)
        self.team = FakeConnector("team", threads=True)
        connectors = {f"{c.name}/{c.account}": c for c in (self.chat, self.mail, self.team)}
        self.intake = Intake(self.store, self.seal, self.clock, lambda: self.policy, lambda: self.bot)
        shared = {"metrics": self.intake.metrics, "health": self.intake.health}
        self.outbox = Outbox(self.store, self.seal, self.clock, connectors, **shared)  # type: ignore[arg-type]
        self.timers = Timers(self.store, self.seal, self.clock)
        self.host = StoreHost(self.store, self.intake, self.seal, self.clock, lambda: self.policy, 1000)
        self._numbers = itertools.count(1)

    async def __aenter__(self) -> World:
        await self.store.open()
        await self.store.add_agent(Agent(id="ana", name="Ana", slack_id="T1:UANA"), 0)
        await self.store.add_agent(Agent(id="ben", name="Ben"), 0)
        await self.store.add_agent(Agent(id="lea", name="Lea", role=Role.LEAD), 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.intake.close()
        await self.store.close()

    # ------------------------------------------------------------ putting in

    def message(self, text: str, who: str = "mia", door: str = "chat", **fields: object) -> Message:
        """What `who` says by `door`; a mail's sender is their address."""
        number = next(self._numbers)
        email = door == "mail"
        value = f"{who}@example.org" if email else who
        given: dict[str, object] = {
            "connector": door,
            "account": "main",
            "delivery_key": f"d{number}",
            "at": self.clock.now(),
            "address": Address(connector=door, account="main", conversation=value),
            "sender": Identity(kind="email" if email else door, value=value, name=who.title()),
            "text": text,
            "message_key": f"mid:{number}@example.org" if email else f"{door}:{number}",
            "version": "1",
        }
        return Message(**{**given, **fields})  # type: ignore[arg-type]

    async def take(self, *messages: Message) -> list[Receipt]:
        return await self.host.receive(
            [
                Delivery(input=message, raw=getattr(message, "text", "").encode("utf-8", "replace"))
                for message in messages
            ]
        )

    async def say(self, text: str, who: str = "mia", door: str = "chat", **fields: object) -> Message:
        """Takes one message and lets everything happen."""
        message = self.message(text, who, door, **fields)
        await self.take(message)
        await self.settle()
        return message

    async def press(
        self, action: ChoiceAction, value: str = "", who: str = "mia", door: str = "chat"
    ) -> None:
        await self.say(action.value, who, door, choice=Choice(action=action, value=value), message_key="")

    async def act(self, verb: Verb, ticket: int, agent: str = "ana", **fields: object) -> ActionResult:
        """An agent's proposal from the browser desk."""
        action = AgentAction(
            connector="desk",
            account="browser",
            delivery_key=f"a{next(self._numbers)}",
            at=self.clock.now(),
            actor=Identity(kind="agent", value=agent, name=agent.title(), verified=True),
            verb=verb,
            ticket=ticket,
            **fields,  # type: ignore[arg-type]
        )
        receipt = (await self.host.receive([Delivery(input=action)]))[0]
        await self.settle()
        result = await self.store.result(receipt.ledger_id)
        assert result, "the action was not handled"
        import msgspec

        return msgspec.json.decode(result, type=ActionResult)

    async def settle(self) -> None:
        """Handles and sends until nothing is due at this moment."""
        while await self.intake.handle_ready() or await self.timers.fire() or await self._send():
            pass

    async def _send(self) -> int:
        sent = await self.outbox.send_due()
        await self.outbox.drain()
        return sent

    async def later(self, **span: float) -> None:
        """Moves the clock and lets happen what falls due."""
        self.clock.advance(**span)
        await self.settle()

    # ------------------------------------------------------------ looking

    async def page(self, ticket: int) -> TicketPage:
        page = await self.store.ticket_page(ticket)
        assert page is not None
        return page

    async def ticket(self, number: int = 0) -> Ticket:
        """The ticket with this number, or the newest."""
        if not number:
            number = max(await self.numbers())
        return (await self.page(number)).ticket

    async def numbers(self) -> list[int]:
        rows = await self.store.driver.read(lambda tx: tx.all("SELECT id FROM tickets ORDER BY id"))
        return [row[0] for row in rows]

    async def entries(self, number: int = 0) -> tuple[Entry, ...]:
        return (await self.page(number or max(await self.numbers()))).entries

    async def events(self, number: int = 0) -> list[str]:
        return [event.kind for event in (await self.page(number or max(await self.numbers()))).events]

    async def dump(self) -> str:
        """Every readable text in the database, for looking what must not be there."""
        tables = (
            "entries",
            "events",
            "outbox",
            "tickets",
            "turns",
            "thread_keys",
            "seen",
            "legs",
            "participants",
        )
        rows = await self.store.driver.read(
            lambda tx: [row for table in tables for row in tx.all(f"SELECT * FROM {table}")]
        )
        return repr(rows)


def a_file(name: str = "photo.png", content: bytes = b"\x89PNG bytes") -> Attachment:
    return Attachment(filename=name, content_type="image/png", size=len(content), content=content)
