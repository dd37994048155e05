"""Colleagues are asked: an opinion or an approval, while the owner keeps the ticket; and passing it on, and rest."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from gateway.model import Address, Agent, EntryKind, Identity, Role, Status, TicketView, Verb
from tests.conftest import MakeWorld
from tests.world import World, make_policy


@pytest.fixture
def database(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/deskgate.db"


def viewer(agent: str, ticket: int = 1) -> TicketView:
    return TicketView(actor=Identity(kind="agent", value=agent), ticket=ticket)


async def verbs_of(world: World, agent: str) -> set[Verb]:
    return {form.verb for form in (await world.host.ticket(viewer(agent))).verbs}


async def notes(world: World) -> list[str]:
    return [entry.text for entry in await world.entries(1) if entry.kind is EntryKind.NOTE]


async def test_an_opinion_comes_back_as_a_note_and_the_owner_stays(world: World) -> None:
    await world.say("a person, please")
    await world.act(Verb.CLAIM, 1, "ana")
    await world.act(Verb.CONSULT, 1, "ana", colleague="ben", text="Does the warranty cover this?")
    assert Verb.ADVISE in await verbs_of(world, "ben")
    assert Verb.ADVISE not in await verbs_of(world, "ana")
    done = await world.act(Verb.ADVISE, 1, "ben", text="Yes, for two years.")
    assert done.state == "done"
    ticket = await world.ticket(1)
    assert (ticket.assignee, ticket.queue, ticket.work.open_asks) == ("ana", "general", ())
    assert await notes(world) == [
        "*asked Ben for an opinion:* Does the warranty cover this?",
        "*answered:* Yes, for two years.",
    ]
    assert Verb.ADVISE not in await verbs_of(world, "ben")
    assert not [e for e in await world.entries(1) if e.kind is EntryKind.REPLY], (
        "the requester hears nothing of it"
    )


async def test_an_approval_is_a_recorded_yes_or_no_of_somebody_else(world: World) -> None:
    await world.store.add_agent(Agent(id="lou", name="Lou", role=Role.LEAD), 0)
    await world.say("a person, please")
    await world.act(Verb.ASK_APPROVAL, 1, "lea", colleague="lou", text="Refund 80?")
    assert {Verb.APPROVE, Verb.DECLINE} <= await verbs_of(world, "lou")
    assert (await world.act(Verb.APPROVE, 1, "lea")).state == "refused", "not one's own request"
    assert (await world.act(Verb.DECLINE, 1, "lou")).detail.startswith("Say a word about it")
    await world.act(Verb.DECLINE, 1, "lou", text="50 at most.")
    ask = (await world.ticket(1)).work.asks[0]
    assert (ask.answer, ask.answered_by) == ("declined", "lou")
    assert "declined" in await world.events(1)
    assert (await notes(world))[-1] == "*declined:* 50 at most."


async def test_who_is_asked_sees_a_ticket_of_a_queue_that_is_not_theirs(make_world: MakeWorld) -> None:
    queues = dict(make_policy().queues)
    queues["general"] = replace(queues["general"], members=frozenset({"ana"}))
    world = await make_world(queues=queues)
    await world.say("a person, please")
    assert (await world.act(Verb.NOTE, 1, "ben", text="Hello")).state == "refused"
    await world.act(Verb.CONSULT, 1, "ana", colleague="ben", text="What do you think?")
    assert (await world.host.ticket(viewer("ben"))).ticket.id == 1
    assert (await world.act(Verb.ADVISE, 1, "ben", text="Fine")).state == "done"
    assert (await world.act(Verb.NOTE, 1, "ben", text="Hello")).state == "refused", "asked and answered"


async def test_a_queue_that_is_asked_gets_a_card_and_the_thread_is_the_tickets(make_world: MakeWorld) -> None:
    place = Address(connector="team", account="main", conversation="C-ORDERS")
    queues = dict(make_policy().queues)
    queues["orders"] = replace(queues["orders"], address=place)
    world = await make_world(queues=queues)
    await world.say("a person, please")
    before = len(world.team.sent)
    await world.act(Verb.CONSULT, 1, "ana", queue="orders", text="Where is it?")
    cards = [post for post in world.team.sent[before:] if getattr(post, "card", None)]
    assert [post.address.conversation for post in cards] == ["C-ORDERS"]
    assert cards[0].card.actions == (Verb.ADVISE, Verb.NOTE) and "Where is it?" in cards[0].card.why
    page = await world.page(1)
    assert [leg.current for leg in page.legs if leg.address.conversation == "C-ORDERS"] == [False]


async def test_passing_on_shows_the_notes_so_far(make_world: MakeWorld) -> None:
    place = Address(connector="team", account="main", conversation="C-ORDERS")
    queues = dict(make_policy().queues)
    queues["orders"] = replace(queues["orders"], address=place)
    world = await make_world(queues=queues)
    await world.say("a person, please")
    await world.act(Verb.NOTE, 1, "ana", text="Parcel 4711 left on Monday.")
    await world.act(Verb.TRANSFER, 1, "ana", queue="orders", cause="wrong_queue", text="Please look.")
    texts = [post.text for post in world.team.sent if post.address.conversation == "C-ORDERS"]
    assert any("Please look." in text and "Parcel 4711 left on Monday." in text for text in texts)
    ticket = await world.ticket(1)
    assert (ticket.queue, ticket.assignee) == ("orders", "")
    event = next(e for e in (await world.page(1)).events if e.kind == "transferred")
    assert event.data["cause"] == "wrong_queue"


async def test_a_snoozed_ticket_comes_back_by_itself_or_when_the_requester_writes(world: World) -> None:
    await world.say("a person, please")
    until = world.clock.now() + timedelta(days=2)
    await world.act(Verb.SNOOZE, 1, "ana", until=until)
    assert (await world.ticket(1)).status is Status.ON_HOLD
    await world.later(days=1)
    assert (await world.ticket(1)).status is Status.ON_HOLD
    await world.later(days=1, minutes=1)
    assert ((await world.ticket(1)).status, "woke" in await world.events(1)) == (Status.OPEN, True)
    await world.act(Verb.SNOOZE, 1, "ana", until=world.clock.now() + timedelta(hours=5))
    await world.say("One more thing")
    assert ((await world.ticket(1)).status, (await world.ticket(1)).work.until) == (Status.OPEN, None)
    await world.later(hours=6)
    assert (await world.events(1)).count("woke") == 1


async def test_two_answers_at_once_are_caught(world: World) -> None:
    await world.say("a person, please")
    seen = (await world.ticket(1)).version
    await world.act(Verb.REPLY, 1, "ben", text="Hello from Ben", seen_version=seen)
    await world.later(seconds=10)
    late = await world.act(Verb.REPLY, 1, "ana", text="Hello from Ana", seen_version=seen)
    assert (late.state, late.detail.startswith("Ben answered while you were writing.")) == ("refused", True)
    seen = (await world.ticket(1)).version
    assert (await world.act(Verb.REPLY, 1, "ana", text="And this", seen_version=seen)).state == "done"
