"""What agents see of the desk as a whole: their own tickets, the team, and what stands behind a ticket."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from gateway.errors import Refused
from gateway.model import Identity, Mark, Promise, Step, Verb, Watch
from gateway.overviews import BackgroundOf, MyDesk, TeamDesk
from gateway.text.likeness import Likeness, terms
from tests.world import TEAM, World


def who(agent: str) -> Identity:
    return Identity(kind="agent", value=agent)


async def test_my_tickets_come_longest_waiting_first(world: World) -> None:
    assert (await world.host.view(MyDesk(actor=who("ana")))).newcomer
    for person in ("mia", "lin", "eve"):
        await world.say("A person, please", person)
        await world.later(minutes=1)
    first, second, third = await world.numbers()
    for number in (third, first, second):
        await world.later(minutes=1)
        await world.act(Verb.CLAIM, number)
    await world.act(Verb.REPLY, third, text="Hello")
    mine = await world.host.view(MyDesk(actor=who("ana"), limit=2))
    assert [line.id for line in mine.mine] == [first, second]  # what waits for the requester comes last
    assert (mine.more, mine.newcomer, mine.agent.name) == (1, False, "Ana")
    assert "protected" not in [queue.name for queue in mine.queues]
    with pytest.raises(Refused):
        await world.host.view(MyDesk(actor=who("nobody")))


async def test_a_lead_sees_the_team_and_nobody_else_does(world: World) -> None:
    await world.say("A person, please", "mia")
    await world.later(minutes=5)
    await world.say("A person, please", "lin")
    await world.say("My card 4111 1111 1111 1111", "eve")
    first, second, secret = await world.numbers()
    await world.act(Verb.CLAIM, first)
    team = await world.host.view(TeamDesk(actor=who("lea")))
    loads = {line.agent.id: line.open for line in team.members}
    assert (team.waiting, team.unassigned, loads) == (3, 2, {"ana": 1, "ben": 0, "lea": 0})
    assert [line.id for line in team.oldest] == [second, secret, first]  # without an owner first
    with pytest.raises(Refused):
        await world.host.view(TeamDesk(actor=who("ana")))


async def test_the_background_of_a_card(world: World) -> None:
    await world.say("A person, please: the blue kettle leaks at the lid", "old")
    solved = max(await world.numbers())
    await world.act(Verb.REPLY, solved, text="Turn the lid until it clicks, then it is tight.")
    await world.act(Verb.RESOLVE, solved)
    await world.say("A person, please: my parcel has no number", "mia")
    earlier = max(await world.numbers())
    await world.act(Verb.RESOLVE, earlier)
    await world.later(days=3)
    await world.say("A person, please: my kettle leaks, the lid is blue", "mia")
    number = max(await world.numbers())
    await world.act(Verb.CLAIM, number)
    shown = await world.host.view(BackgroundOf(ticket=number, place=TEAM))
    assert (shown.owner, shown.tickets) == ("Ana", 1)
    assert [line.id for line in shown.history] == [earlier]
    assert [(line.id, line.how) for line in shown.similar] == [
        (solved, "Turn the lid until it clicks, then it is tight.")
    ]
    other = msgspec.structs.replace(TEAM, conversation="C-X")
    elsewhere = await world.host.view(BackgroundOf(ticket=number, place=other))
    assert elsewhere.tickets == 0 and not elsewhere.similar


def test_likeness_needs_no_spaces_and_prefers_rare_words() -> None:
    texts = [
        ("我的水壶漏水", ""),
        ("我的包裹在哪里", ""),
        ("where is my parcel", ""),
        ("the kettle leaks", ""),
    ]
    likeness = Likeness(texts)
    assert likeness.nearest("水壶漏水了怎么办", "", 3)[:1] == [0]
    assert likeness.nearest("Kettle leaking", "", 3) == [3]
    assert likeness.nearest("", "", 3) == []
    assert likeness.nearest("something else entirely", "", 3) == []
    assert terms("") == frozenset()


async def test_a_lead_sees_what_is_late_and_runs_still(world: World) -> None:
    for person in ("mia", "lin", "eve"):
        await world.say("A person, please", person)
    first, second, third = await world.numbers()
    await watch(world, first, Watch(sla="standard", marks={Promise.FIRST_RESPONSE: (mark(Step.START),)}))
    late = {Promise.FIRST_RESPONSE: (mark(Step.START),)}
    await watch(world, second, Watch(sla="standard", marks=late, breached=(Promise.FIRST_RESPONSE,)))
    kept = {Promise.FIRST_RESPONSE: (mark(Step.START), mark(Step.STOP))}
    await watch(world, third, Watch(sla="standard", marks=kept, warned=(Promise.FIRST_RESPONSE,)))
    team = await world.host.view(TeamDesk(actor=who("lea")))
    assert [line.id for line in team.breaching] == [second]


def mark(step: Step) -> Mark:
    return Mark(at=datetime(2026, 3, 2, 9, 0, tzinfo=UTC), step=step)


async def watch(world: World, ticket: int, value: Watch) -> None:
    """Sets what is kept about a ticket's time."""
    text = msgspec.json.encode(value).decode()
    await world.store.driver.write(
        lambda tx: tx.run("UPDATE tickets SET watch = ? WHERE id = ?", (text, ticket))
    )


async def test_what_is_asked_of_me_is_on_my_desk(world: World) -> None:
    await world.say("A person, please")
    number = max(await world.numbers())
    assert not (await world.host.view(MyDesk(actor=who("ben")))).asked
    asked = await world.act(Verb.CONSULT, number, colleague="ben", text="What do you think?")
    assert asked.state == "done", asked.detail
    assert [line.id for line in (await world.host.view(MyDesk(actor=who("ben")))).asked] == [number]
