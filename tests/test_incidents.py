"""One problem of many people: found by likeness, confirmed by a lead, answered once on every channel."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from gateway.incident_watch import IncidentWatch, Matter, alike
from gateway.model import EntryKind, Priority, SendKind, Status, Verb
from tests.conftest import MakeWorld
from tests.world import World, make_policy

SAME = (
    "The checkout shows an error when I pay by card",
    "checkout error when paying by card!!",
    "I get an error in the checkout when I try to pay",
    "Error at checkout, cannot pay with my card",
    "your chekout shows an eror when i pay by card",
    "Payment error in the checkout, I cannot pay",
)
OTHER = (
    "Where is my parcel? It should have come on Monday",
    "I want to return a jacket that is too small",
    "How do I change my delivery address?",
    "Do you deliver to Norway?",
    "My voucher code is not accepted",
    "Please cancel my order from yesterday",
)


@pytest.fixture
def database(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/deskgate.db"


def matters(*texts: str, who: str = "") -> list[Matter]:
    return [Matter(ticket=n, requester=who or f"p{n}", text=text) for n, text in enumerate(texts, 1)]


def test_like_texts_are_found_among_others_and_others_are_not() -> None:
    mixed = [text for pair in zip(SAME, OTHER, strict=True) for text in pair]
    assert alike(matters(*mixed), 5) == [(1, 3, 5, 7, 9, 11)]
    assert alike(matters(*OTHER), 2) == []
    assert alike(matters(*SAME, who="mia"), 2) == [], "one person who writes often is no incident"
    chinese = (
        "结账页面出现错误无法付款",
        "付款的时候结账页面出现错误",
        "结账页面出现错误，付不了款",
        "我的包裹在哪里",
    )
    assert alike(matters(*chinese), 3) == [(1, 2, 3)]


async def like_tickets(world: World) -> list[int]:
    for number, text in enumerate(SAME):
        await world.say(f"A person please. {text}", f"p{number}", "chat" if number % 2 else "mail")
    return await world.numbers()


async def watched(world: World) -> None:
    watch = IncidentWatch(world.store, world.seal, world.clock, least=5, window=timedelta(hours=1))
    assert await watch.look() == 1
    await world.settle()
    assert await watch.look() == 0, "told once"


async def test_it_is_proposed_confirmed_and_answered_once_for_all(world: World) -> None:
    numbers = await like_tickets(world)
    await watched(world)
    first = await world.ticket(numbers[0])
    assert first.work.alike == tuple(numbers[1:]) and "incident_proposed" in await world.events(numbers[0])
    (line,) = await world.host.incident_lines()
    assert (line.leader.id, [p.id for p in line.proposed], line.members) == (numbers[0], numbers[1:], ())
    assert (await world.act(Verb.INCIDENT, numbers[0], "ana", also=first.work.alike)).state == "refused"
    await world.act(
        Verb.INCIDENT, numbers[0], "lea", also=first.work.alike, text="The payment service is down."
    )
    tickets = [await world.ticket(n) for n in numbers]
    assert {(t.incident, t.priority) for t in tickets} == {(numbers[0], Priority.HIGH)}
    (line,) = await world.host.incident_lines()
    assert [member.id for member in line.members] == numbers[1:]
    before = len(world.chat.sent), len(world.mail.sent)
    done = await world.act(Verb.REPLY, numbers[0], "lea", text="We are on it.", everyone=True)
    assert done.detail.startswith("6 of 6 done.")
    await world.later(seconds=5)
    said = [p for c, n in zip((world.chat, world.mail), before, strict=True) for p in c.sent[n:]]
    assert sorted(p.ticket for p in said) == numbers and {p.kind for p in said} == {SendKind.AGENT}
    assert {p.text for p in said} == {"We are on it."}
    assert sorted(p.address.conversation for p in said) == sorted(
        f"p{n}" if n % 2 else f"p{n}@example.org" for n in range(6)
    ), "each by their own channel"
    await world.act(Verb.RESOLVE, numbers[0], "lea", everyone=True)
    assert {(await world.ticket(n)).status for n in numbers} == {Status.RESOLVED}


async def test_who_writes_later_is_proposed_to_the_incident_or_joins_by_hand(world: World) -> None:
    numbers = await like_tickets(world)
    await world.act(Verb.INCIDENT, numbers[0], "lea", also=tuple(numbers[1:]))
    await world.say(f"A person please. {SAME[0]} again", "late")
    late = max(await world.numbers())
    await watched(world)
    assert (await world.ticket(numbers[0])).work.alike == (late,)
    assert (await world.act(Verb.JOIN_INCIDENT, late, "ana", other=numbers[2])).state == "done"
    assert (await world.ticket(late)).incident == numbers[0]
    assert (await world.act(Verb.LEAVE_INCIDENT, late, "ana")).state == "done"
    assert (await world.ticket(late)).incident == 0


async def test_what_a_lead_calls_different_stays_apart(world: World) -> None:
    numbers = await like_tickets(world)
    await watched(world)
    await world.act(Verb.APART, numbers[0], "lea")
    await world.say(f"A person please. {SAME[1]}", "late")
    watch = IncidentWatch(world.store, world.seal, world.clock, least=5, window=timedelta(hours=1))
    await watch.look()
    await world.settle()
    assert (await world.ticket(numbers[0])).work.alike == ()


@pytest.mark.parametrize(("finding", "queue"), [("product", "developers"), ("one_user", "experts")])
async def test_trying_it_out_chooses_who_goes_on(make_world: MakeWorld, finding: str, queue: str) -> None:
    queues = dict(make_policy().queues)
    for tier, name in ((2, "experts"), (3, "developers")):
        queues[name] = replace(queues["orders"], name=name, title=name.title(), tier=tier)
    world = await make_world(queues=queues, user_queue="experts")
    await world.say("a person, please")
    done = await world.act(Verb.REPRODUCED, 1, "ana", value=finding, text="Tried with three accounts.")
    assert done.detail == f"DG-1 is with {queue.title()} now."
    assert (await world.ticket(1)).queue == queue
    assert any(e.kind is EntryKind.NOTE and "three accounts" in e.text for e in await world.entries(1))


async def test_a_selection_is_done_together_and_refusals_are_named(world: World) -> None:
    for who in ("mia", "tom", "eva"):
        await world.say("a person, please", who)
    first, second, third = await world.numbers()
    await world.act(Verb.RESOLVE, third, "ana")
    done = await world.act(Verb.RESOLVE, first, "ana", also=(second, third))
    assert done.detail == f"2 of 3 done. DG-{third}: It is resolved already."
    assert (await world.ticket(second)).status is Status.RESOLVED
