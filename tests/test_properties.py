"""What must always hold, tried with random stories on a whole core over a real database."""

from __future__ import annotations

import asyncio
import itertools
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.clock import to_ms
from gateway.errors import Undeliverable
from gateway.model import (
    Address,
    Choice,
    ChoiceAction,
    Delivery,
    EntryKind,
    History,
    Identity,
    Message,
    Priority,
    SendKind,
    Status,
    Verb,
)
from gateway.privacy.sealing import seal_row
from gateway.store.sqlite import SqliteDriver
from tests.fakes import START
from tests.stories import PHRASES, QUESTIONS, SAID, TEXTS, an_offer, few, nameless, play
from tests.world import World


@pytest.fixture
def database(tmp_path: Path) -> str:
    """One kind is enough here: what is decided is the same over any."""
    return f"sqlite:///{tmp_path}/deskgate.db"


# ---------------------------------------------------------------- nothing is lost, nothing is counted twice


class Peers:
    """The other ends of the channels: what they sent, and how often they were told "ok"."""

    def __init__(self) -> None:
        self.told = self.told_again = 0
        self.sent: set[int] = set()

    async def deliver(self, world: World, messages: list[Message], numbers: list[int]) -> None:
        receipts = await world.take(*(messages[number] for number in numbers))
        self.told += len(receipts)
        self.told_again += sum(receipt.duplicate for receipt in receipts)
        self.sent |= set(numbers)

    async def garble(self, world: World, number: int) -> None:
        """A row that cannot be read back: something changed it where it lay."""
        message = msgspec.structs.replace(world.message("lost"), delivery_key=f"garbled{number}")
        row = seal_row(Delivery(input=message), world.seal, world.clock.now())
        row = msgspec.structs.replace(row, sealed=row.sealed[:-1] + bytes([row.sealed[-1] ^ 1]))
        (receipt,) = await world.store.take([row])
        self.told, self.told_again = self.told + 1, self.told_again + receipt.duplicate


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["deliver", "deliver", "garble", "die deciding", "die sending", "restart", "settle"]),
        st.lists(st.integers(0, 5), min_size=1, max_size=5),
    ),
    min_size=1,
    max_size=9,
)


@few
@given(steps=STEPS)
def test_what_was_acknowledged_adds_up_whatever_dies(
    steps: list[tuple[str, list[int]]], articles: Path
) -> None:
    async def story() -> None:
        with tempfile.TemporaryDirectory() as folder:
            await _acknowledge(steps, Path(folder) / "deskgate.db", articles)

    asyncio.run(story())


async def _acknowledge(steps: list[tuple[str, list[int]]], path: Path, articles: Path) -> None:
    peers, messages = Peers(), _six_messages(World(SqliteDriver(path), articles))
    turns = list(itertools.chain(steps, [("restart", [0]), ("settle", [0])]))
    while turns:
        async with World(SqliteDriver(path), articles) as world:
            while turns and (step := turns.pop(0))[0] != "restart":
                await _step(world, peers, messages, *step)
                count = await world.store.ledger_count()
                assert count.adds_up
                assert (count.acknowledged, count.duplicates) == (peers.told, peers.told_again)
            if not turns:
                await _nothing_is_lost(world, peers, messages)


def _six_messages(world: World) -> list[Message]:
    """Two people by chat, one by mail, one who is blocked and one machine. Never opened: only a mould."""
    spam = Identity(kind="email", value="spam@example.net")
    made = [
        world.message("Where is my order?", at=START),
        world.message("a person, please", at=START + timedelta(seconds=1)),
        world.message("how do I return an item", who="noa", at=START + timedelta(seconds=2)),
        world.message("I forgot my password", who="tim", door="mail", subject="Login"),
        world.message("buy now", door="mail", sender=spam),
        world.message("out of office", who="bot", door="mail", automatic="auto-submitted"),
    ]
    world.intake.close()
    return made


async def _step(world: World, peers: Peers, messages: list[Message], what: str, numbers: list[int]) -> None:
    now = to_ms(world.clock.now())
    match what:
        case "deliver":
            await peers.deliver(world, messages, numbers)
        case "garble":
            await peers.garble(world, numbers[0])
        case "die deciding":  # claimed, and never heard of again
            await world.store.claim_streams(now, 24, -1)
        case "die sending":
            await world.intake.handle_ready()
            await world.store.claim_sends(now, 32, -1)
        case "settle":
            await world.settle()
            await world.outbox._recover()
            await world.settle()


async def _nothing_is_lost(world: World, peers: Peers, messages: list[Message]) -> None:
    count = await world.store.ledger_count()
    assert (count.pending, count.quarantined) == (0, int(4 in peers.sent))
    entries = [entry for number in await world.numbers() for entry in await world.entries(number)]
    heard = sorted(entry.text for entry in entries if entry.kind is EntryKind.MESSAGE)
    assert heard == sorted(messages[number].text for number in peers.sent if number != 4)


# ---------------------------------------------------------------- order and repetition inside one turn


@st.composite
def turns(draw: st.DrawFn) -> tuple[list[str], list[int]]:
    """What one person says in one turn, and an order of arrival with repetitions."""
    said = draw(st.lists(SAID, min_size=1, max_size=4, unique=True))
    arrivals = draw(st.permutations(range(len(said))))
    return said, [*arrivals, *draw(st.lists(st.sampled_from(arrivals), max_size=4))]


@few
@given(turn=turns())
def test_repetitions_give_the_same_ticket(turn: tuple[list[str], list[int]], articles: Path) -> None:
    said, arrivals = turn
    in_order = sorted(set(arrivals)) + arrivals[len(said) :]

    play(lambda world: _same_ticket(world, said, in_order), articles)


@few
@given(turn=turns())
@example(turn=(QUESTIONS[:2], [1, 0]))
def test_any_order_within_a_turn_gives_the_same_ticket(
    turn: tuple[list[str], list[int]], articles: Path
) -> None:
    said, arrivals = turn
    play(lambda world: _same_ticket(world, said, arrivals), articles)


async def _same_ticket(world: World, said: list[str], arrivals: list[int]) -> None:
    expected = await _ticket_of(world, "mia", said, list(range(len(said))))
    assert await _ticket_of(world, "noa", said, arrivals) == expected


async def _ticket_of(world: World, who: str, said: list[str], arrivals: list[int]) -> dict[str, Any]:
    """The ticket that these arrivals make, without what names this very ticket and person."""
    before, sent = set(await world.numbers()), len(world.chat.posts)
    messages = [
        world.message(text, who, at=world.clock.now() + timedelta(milliseconds=number))
        for number, text in enumerate(said)
    ]
    await world.take(*(messages[number] for number in arrivals))
    await world.settle()
    (number,) = set(await world.numbers()) - before
    page = await world.page(number)
    ticket = msgspec.to_builtins(page.ticket)
    for name in ("id", "version"):
        del ticket[name]
    return {
        "ticket": ticket,
        "entries": [(entry.kind, entry.at, nameless(entry.text)) for entry in page.entries],
        "sent": [nameless(post.text) for post in world.chat.posts[sent:]],
    }


# ---------------------------------------------------------------- every door is the same


@few
@given(texts=st.lists(SAID | st.text(min_size=1, max_size=40).filter(str.strip), min_size=1, max_size=3))
def test_the_same_words_by_any_door_get_the_same_treatment(texts: list[str], articles: Path) -> None:
    async def story(world: World) -> None:
        for text in texts:
            assert await _treatment(world, "chat", text) == await _treatment(world, "mail", text)
            world.clock.advance(hours=25)

    play(story, articles, budget=100)


async def _treatment(world: World, door: str, text: str) -> tuple[object, ...]:
    connector = world.mail if door == "mail" else world.chat
    sent = len(connector.posts)
    await world.say(text, door=door)
    ticket = await world.ticket()
    said = tuple((post.kind, nameless(post.text)) for post in connector.posts[sent:])
    fields = ("queue", "tier", "priority", "cause", "status", "speaker", "language", "protected")
    return (*(getattr(ticket, field) for field in fields), said)


# ---------------------------------------------------------------- notes stay inside

SECRET = "quite a difficult customer"
ACTS = st.lists(
    st.tuples(
        st.sampled_from([*Verb, "say", "gone", "back", "later"]),
        st.sampled_from(["ana", "ben", "lea"]),
        st.integers(0, 3),
    ),
    min_size=2,
    max_size=14,
)


@few
@given(acts=ACTS, door=st.sampled_from(["chat", "mail"]))
def test_a_note_reaches_no_requester(acts: list[tuple[str, str, int]], door: str, articles: Path) -> None:
    async def story(world: World) -> None:
        await world.say("a person, please", door=door, offer=an_offer(), subject="Help")
        number = (await world.ticket()).id
        await world.act(Verb.NOTE, number, text=SECRET)
        for what, agent, choice in acts:
            await _do(world, number, door, what, agent, choice)
        await world.later(hours=1)
        place = Address(
            connector=door, account="main", conversation="mia@example.org" if door == "mail" else "mia"
        )
        shown = await world.host.history(History(address=place))
        assert SECRET not in repr((world.chat.sent, world.mail.sent, shown))
        assert SECRET in repr(await world.entries(number))

    play(story, articles)


async def _do(world: World, number: int, door: str, what: str, agent: str, choice: int) -> None:
    gone = Undeliverable("gone", "The visitor has left the chat.")
    if what == "say":
        await world.say(QUESTIONS[choice], door=door, refers_to=(f"ref:{world.policy.reply_key(number)}",))
    elif what in ("gone", "back"):
        world.chat.fails = lambda outgoing: gone if what == "gone" else None
    elif what == "later":
        await world.later(days=choice * 3)
    else:
        private = what in (Verb.NOTE, Verb.ESCALATE)
        sends = [entry.send for entry in await world.entries(number) if entry.send]
        await world.act(
            Verb(what),
            number,
            agent,
            text=SECRET if private else "Dear Mia" if what == Verb.REPLY else "",
            queue=("orders", "technical", "general", "protected")[choice],
            tags=("vip",),
            priority=Priority.HIGH,
            send=sends[-1] if sends else 0,
        )


# ---------------------------------------------------------------- a person means a person

PRESSES = st.sampled_from([ChoiceAction.HELPED, ChoiceAction.NOT_HELPED, ChoiceAction.ARTICLE])


@few
@given(
    before=st.lists(TEXTS, max_size=3),
    phrase=st.sampled_from(PHRASES),
    beside=st.lists(TEXTS, max_size=2),
    after=st.lists(TEXTS | PRESSES, max_size=6),
)
def test_after_asking_for_a_person_the_bot_answers_no_more(
    before: list[str], phrase: str, beside: list[str], after: list[str], articles: Path
) -> None:
    async def story(world: World) -> None:
        for text in before:
            await world.say(text)
        answers = len(_answers(world))
        await world.take(*(world.message(text) for text in (*beside, phrase)))
        await world.settle()
        for said in after:
            if isinstance(said, ChoiceAction):
                await world.press(said, "return-item")
            else:
                await world.say(said)
            await world.later(hours=1)
        assert _answers(world)[answers:] == []
        ticket = await world.ticket()
        assert ticket.queue and ticket.status is not Status.NEW

    play(story, articles, max_answers=20)


@pytest.mark.parametrize("press", [ChoiceAction.ARTICLE, ChoiceAction.HELPED])
async def test_a_button_in_the_same_turn_hides_no_wish_for_a_person(
    world: World, press: ChoiceAction
) -> None:
    await world.say(QUESTIONS[0])
    pressed = world.message("", choice=Choice(action=press, value="return-item"), message_key="")
    await world.take(pressed, world.message("a person, please"))
    await world.settle()
    assert (await world.ticket()).cause == "wants_human"


def _answers(world: World) -> list[str]:
    return [post.text for post in world.chat.posts if post.kind is SendKind.ANSWER]
