"""What automatic messages and readable copies must never do, tried with random stories."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import Undeliverable
from gateway.model import (
    Address,
    Delivery,
    Edit,
    Identity,
    Verb,
)
from gateway.privacy import mask
from tests.conftest import MakeWorld
from tests.stories import QUESTIONS, SAID, an_offer, automatic, few, play
from tests.world import World, a_file


@pytest.fixture
def database(tmp_path: Path) -> str:
    """One kind is enough here: what is decided is the same over any."""
    return f"sqlite:///{tmp_path}/deskgate.db"


# ---------------------------------------------------------------- automatic messages


@few
@given(
    reasons=st.lists(
        st.tuples(
            SAID, st.sampled_from(["auto-submitted", "list", "out-of-office", "own"]), st.integers(0, 40)
        ),
        min_size=1,
        max_size=6,
    )
)
def test_a_machine_is_never_answered(reasons: list[tuple[str, str, int]], articles: Path) -> None:
    async def story(world: World) -> None:
        for text, reason, hours in reasons:
            await world.say(text, door="mail", automatic=reason, subject=text)
            await world.later(hours=hours)
        assert world.mail.sent == []

    play(story, articles)


MOMENTS = st.lists(
    st.tuples(SAID, st.sampled_from(["mia", "noa"]), st.sampled_from([0, 1, 40, 90, 200])),
    min_size=1,
    max_size=14,
)


@few
@given(moments=MOMENTS, door=st.sampled_from(["chat", "mail"]), budget=st.integers(1, 4))
def test_an_address_gets_no_more_automatic_messages_than_its_budget(
    moments: list[tuple[str, str, int]], door: str, budget: int, articles: Path
) -> None:
    window = timedelta(hours=3)

    async def story(world: World) -> None:
        connector = world.mail if door == "mail" else world.chat
        at: dict[str, list[datetime]] = {}
        for number, (text, who, minutes) in enumerate(moments):
            before = len(automatic(connector))
            await world.say(text, who, door, subject=f"{number}" if door == "mail" else "")
            for address in automatic(connector)[before:]:
                at.setdefault(address, []).append(world.clock.now())
            await world.later(minutes=minutes)
        for times in at.values():
            assert max(sum(then <= t < then + window for t in times) for then in times) <= budget

    play(story, articles, budget=budget, budget_window=window, max_answers=20)


async def test_two_who_share_an_address_share_its_budget(make_world: MakeWorld) -> None:
    world = await make_world(budget=1)
    team = Address(connector="mail", account="main", conversation="team@example.org")
    await world.take(*(world.message(QUESTIONS[0], who, "mail", address=team) for who in ("mia", "noa")))
    await world.settle()
    assert len(automatic(world.mail)) <= 1


async def test_visitors_who_left_cannot_fill_a_strangers_mailbox(make_world: MakeWorld) -> None:
    world = await make_world(budget=1)
    world.chat.fails = lambda outgoing: Undeliverable("gone", "The visitor has left the chat.")
    for number in range(3):
        await world.say("a person, please", f"visitor{number}", offer=an_offer())
    assert len(automatic(world.mail)) <= 1


# ---------------------------------------------------------------- what was masked is nowhere

SENSITIVE = [
    *("4111 1111 1111 1111", "4111111111111111", "5555-5555-5555-4444", "378282246310005"),
    *("SI56 1910 0000 0123 438", "DE89370400440532013000"),
]


@few
@given(
    value=st.sampled_from(SENSITIVE),
    place=st.sampled_from(["text", "subject", "full_text", "edit", "note", "same turn"]),
    door=st.sampled_from(["chat", "mail"]),
    question=st.sampled_from(QUESTIONS),
    more=st.lists(SAID, max_size=3),
)
def test_a_masked_value_is_in_no_readable_table_and_in_no_message(
    value: str, place: str, door: str, question: str, more: list[str], articles: Path
) -> None:
    text = f"{question} ({value})"
    assert mask(text).found

    async def story(world: World) -> None:
        await _tell(world, place, door, question, text)
        for said in more:
            await world.say(said, door=door)
        number = (await world.numbers())[0]
        await world.act(Verb.CLAIM, number, agent="lea")
        await world.act(Verb.RESOLVE, number, agent="lea", text="Done.")
        await world.later(minutes=1)
        everything = await world.dump() + repr((world.chat.sent, world.mail.sent, world.team.sent))
        assert value not in everything

    play(story, articles)


async def _tell(world: World, place: str, door: str, question: str, text: str) -> None:
    if place == "same turn":
        await world.take(world.message(question, door=door), world.message(text, door=door))
        await world.settle()
        return
    if place in ("edit", "note"):
        first = await world.say(question, door=door)
        if place == "note":
            await world.act(Verb.NOTE, (await world.ticket()).id, text=text)
            return
        edit = Edit(
            connector=door,
            account="main",
            delivery_key="edit",
            at=first.at,
            address=first.address,
            sender=first.sender,
            message_key=first.message_key,
            version="2",
            text=text,
        )
        await world.host.receive([Delivery(input=edit)])
        await world.settle()
        return
    given: dict[str, Any] = {"text": question, "door": door, place: text}
    await world.say(**given)


@pytest.mark.parametrize(
    "fields",
    [
        {"attachments": (a_file(f"{SENSITIVE[0]}.png"),)},
        {"sender": Identity(kind="chat", value="mia", name=SENSITIVE[0])},
    ],
)
async def test_a_name_shows_no_card_number(world: World, fields: dict[str, Any]) -> None:
    await world.say("a person, please", **fields)
    assert SENSITIVE[0] not in await world.dump() + repr(world.team.sent)


@pytest.mark.parametrize("place", ["subject", "edit", "later"])
async def test_a_card_number_anywhere_makes_the_ticket_confidential(world: World, place: str) -> None:
    if place == "later":
        await world.say("a person, please")
        await world.say(f"My card is {SENSITIVE[0]}")
    else:
        await _tell(world, place, "chat", "a person, please", f"My card is {SENSITIVE[0]}")
    ticket = await world.ticket()
    assert (ticket.protected, ticket.queue) == (True, "protected")
