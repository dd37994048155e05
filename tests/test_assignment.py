"""Whose turn it is: tables for the choice, stories for the silent, the away, and queues that go in order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from gateway.desk.assignment import whose_turn
from gateway.model import Agent, Assignment, Member, Priority, Role, Ticket, Verb, Work
from gateway.policy import QueuePolicy
from tests.conftest import MakeWorld
from tests.world import make_policy

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)


@pytest.fixture
def database(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/deskgate.db"


def member(name: str, load: int = 0, **fields: object) -> Member:
    return Member(agent=Agent(id=name, name=name, **fields), load=load)  # type: ignore[arg-type]


CASES: list[tuple[str, list[Member], dict[str, object], str]] = [
    ("the one with less", [member("ana", 3), member("ben", 1)], {}, "ben"),
    (
        "language before load",
        [member("ana", 5, languages=("sl",)), member("ben", 0, languages=("en",))],
        {},
        "ana",
    ),
    ("any language fits", [member("ana", 5), member("ben", 0, languages=("en",))], {}, "ana"),
    (
        "skill before load",
        [member("ana", 5, skills=("refund",)), member("ben")],
        {"tags": ("refund",)},
        "ana",
    ),
    ("not who is away", [member("ana", away_until=NOW + timedelta(hours=1)), member("ben", 9)], {}, "ben"),
    ("who is back", [member("ana", away_until=NOW - timedelta(hours=1)), member("ben", 9)], {}, "ana"),
    ("not who is full", [member("ana", 10), member("ben", 10)], {}, ""),
    ("not who stayed silent", [member("ana"), member("ben", 9)], {"work": Work(passed_over=("ana",))}, "ben"),
    ("no lead while there are agents", [member("lea", role=Role.LEAD), member("ben", 9)], {}, "ben"),
    ("a lead where there are none", [member("lea", role=Role.LEAD)], {}, "lea"),
    ("turns among equals: even", [member("ana"), member("ben")], {"id": 2}, "ana"),
    ("turns among equals: odd", [member("ana"), member("ben")], {"id": 3}, "ben"),
    ("nobody there", [], {}, ""),
]


@pytest.mark.parametrize(("team", "ticket", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_whose_turn(team: list[Member], ticket: dict[str, object], expected: str) -> None:
    fields = {"id": 1, "language": "sl", "created_at": NOW, "updated_at": NOW, **ticket}
    queue = QueuePolicy(name="q", title="Q")
    chosen = whose_turn(Ticket(**fields), queue, team, NOW, capacity=10)  # type: ignore[arg-type]
    assert (chosen.id if chosen else "") == expected


def queues(**fields: object) -> dict[str, QueuePolicy]:
    found = dict(make_policy().queues)
    found["general"] = replace(found["general"], **fields)
    return found


async def test_tickets_go_round_and_a_silent_owner_loses_theirs(make_world: MakeWorld) -> None:
    turns = queues(assignment=Assignment.ROUND_ROBIN, silent_after=timedelta(minutes=30))
    world = await make_world(queues=turns)
    for who in ("mia", "tom", "eva", "jan"):
        await world.say("a person, please", who)
    owners = [(await world.ticket(n)).assignee for n in await world.numbers()]
    assert sorted(owners) == ["ana", "ana", "ben", "ben"]
    mine = (await world.numbers())[owners.index("ana")]
    await world.act(Verb.NOTE, mine, "ana", text="I am on it.")
    await world.later(minutes=31)
    after = [(await world.ticket(n)).assignee for n in await world.numbers()]
    assert (await world.ticket(mine)).assignee == "ana", "whoever does something is not silent"
    assert sum(old != new for old, new in zip(owners, after, strict=True)) == 3
    returned = [number for number in await world.numbers() if "returned" in await world.events(number)]
    assert returned == [number for number in await world.numbers() if number != mine]


async def test_a_word_to_somebody_who_is_away_goes_back_to_the_queue(make_world: MakeWorld) -> None:
    world = await make_world()
    await world.say("a person, please")
    await world.act(Verb.CLAIM, 1, "ana")
    away = world.clock.now() + timedelta(days=3)
    await world.store.add_agent(Agent(id="ana", name="Ana", away_until=away), 0)
    await world.say("Any news?")
    assert (await world.ticket(1)).assignee == ""
    event = next(e for e in (await world.page(1)).events if e.kind == "returned")
    assert event.data == {"agent": "ana", "cause": "away"}


async def test_a_queue_in_order_gives_the_urgent_and_old_first(make_world: MakeWorld) -> None:
    world = await make_world(queues=queues(assignment=Assignment.FIRST_COME))
    for who in ("mia", "tom", "eva"):
        await world.say("a person, please", who)
    first, second, third = await world.numbers()
    await world.act(Verb.PRIORITY, third, "lea", priority=Priority.HIGH)
    refused = await world.act(Verb.CLAIM, second, "ana")
    assert (refused.state, "worked in order" in refused.detail) == ("refused", True)
    taken = [(await world.act(Verb.NEXT, 0, agent)).ticket for agent in ("ana", "ben", "ana")]
    assert taken == [third, first, second]
    assert (await world.act(Verb.NEXT, 0, "ben")).detail == "Nothing waits for you."
    assert (await world.act(Verb.CLAIM, second, "lea")).state == "done", "a lead may"


async def test_a_queue_with_too_many_is_called_overloaded(make_world: MakeWorld) -> None:
    world = await make_world(queues=queues(overload=2))
    for count, who in enumerate(("mia", "tom"), 1):
        await world.say("a person, please", who)
        line = next(line for line in await world.host.queue_lines() if line.name == "general")
        assert (line.unassigned, line.overloaded) == (count, count >= 2)


async def test_who_answers_first_keeps_it_where_work_is_given_out(make_world: MakeWorld) -> None:
    world = await make_world(queues=queues(assignment=Assignment.ROUND_ROBIN))
    await world.say("Where is my order?")
    assert (await world.ticket(1)).queue == ""
    await world.act(Verb.REPLY, 1, "lea", text="I look after it myself.")
    assert (await world.ticket(1)).assignee == "lea"
    assert "assigned" not in await world.events(1)
