"""Promises on real tickets: clocks start, pause and stop by themselves; people are warned; breaches are recorded."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.case import Folder
from gateway.cli.sla import explained
from gateway.clock import from_ms
from gateway.draft import Draft
from gateway.model import EntryKind, Priority, Promise, Status, Verb
from gateway.sla.clocks import current
from gateway.sla.promises import choose, deadlines, recorded
from gateway.sla.sums import sums
from gateway.views import TicketFilter
from tests.conftest import MakeWorld
from tests.hours import OFFICE, POLICY, URGENT, local, promises
from tests.stories import few, play
from tests.world import World


async def at(world: World, text: str) -> None:
    """Lets time go on to this wall time in Ljubljana, stopping wherever a timer is due."""
    goal = local(text)
    while (due_at := await _next_timer(world)) is not None and due_at <= goal:
        if due_at > world.clock.now():
            world.clock.advance(seconds=(due_at - world.clock.now()).total_seconds())
        await world.settle()
    await world.later(seconds=(goal - world.clock.now()).total_seconds())


async def _next_timer(world: World) -> datetime | None:
    row = await world.store.driver.read(lambda tx: tx.one("SELECT MIN(due_at) FROM timers"))
    return from_ms(row[0]) if row and row[0] is not None else None


@pytest.fixture
async def office(make_world: MakeWorld) -> World:
    world = await make_world(**POLICY)
    await at(world, "2026-03-27T16:30")  # a Friday, on the weekend of a clock change
    return world


async def due(world: World, promise: Promise = Promise.FIRST_RESPONSE) -> datetime | None:
    """When this promise falls due as kept, and the same when folded anew from the events."""
    page = await world.page((await world.ticket()).id)
    sla = next(each for each in world.policy.slas if each.name == page.ticket.watch.sla)
    kept = deadlines(sla, page.ticket.watch.marks, world.clock.now())
    assert kept == deadlines(sla, recorded(page.events), world.clock.now())
    return kept[promise].due if promise in kept else None


# ---------------------------------------------------------------- what applies


@pytest.mark.parametrize(
    ("named", "priority", "expected"),
    [
        ("", Priority.NORMAL, "default"),
        ("", Priority.URGENT, "urgent"),
        ("gold", Priority.NORMAL, "gold"),
        ("gone", Priority.NORMAL, "default"),
    ],
)
def test_the_policy_that_applies(named: str, priority: Priority, expected: str) -> None:
    slas = (URGENT, promises("gold", queue=("nowhere",)), promises())
    found = choose(slas, named, channel="chat", priority=priority, queue="general", escalated=False)
    assert found is not None and found.name == expected


def test_where_there_is_no_default_what_nothing_covers_has_no_clock() -> None:
    assert choose((URGENT,), "", channel="x", priority=Priority.LOW, queue="general", escalated=False) is None


# ---------------------------------------------------------------- the life of the clocks


async def test_the_first_answer_is_due_over_a_weekend_and_a_clock_change(office: World) -> None:
    await office.say("a person, please")
    assert await due(office) == local("2026-03-30T10:30")
    assert (
        "You will hear from us on Monday, 30 March, at 10:30 (CEST) at the latest." in office.chat.texts[-1]
    )
    card = office.team.cards[-1].card
    assert card is not None
    assert ("Due", "first answer on Monday, 30 March, at 10:30 (CEST)") in card.fields


async def test_a_list_can_be_ordered_by_what_is_owed_first(office: World) -> None:
    for who in ("mia", "noa", "zoe"):
        await office.say("a person, please", who=who)
        await office.later(seconds=600)
    first, second, third = sorted(await office.numbers())
    lines = await office.host.ticket_lines(TicketFilter(by_due=True))
    assert [line.id for line in lines] == [first, second, third]
    assert lines[0].due_at == local("2026-03-30T10:30")
    await office.act(Verb.CLAIM, first)
    await office.act(Verb.REPLY, first, text="With the carrier.")
    await office.act(Verb.HOLD, second, text="A part is missing.")
    lines = await office.host.ticket_lines(TicketFilter(by_due=True))
    assert [line.id for line in lines] == [third, second, first], "what is owed, then the newest"
    assert [line.due_at for line in lines[1:]] == [None, None], "one is answered, the other rests"
    page = TicketFilter(by_due=True, limit=1, skip=1)
    assert [line.id for line in await office.host.ticket_lines(page)] == [second]
    await at(office, "2026-03-30T12:00")
    (line, *_) = await office.host.ticket_lines(TicketFilter(by_due=True))
    assert (line.id, line.due_at) == (third, local("2026-03-30T10:50")), "overdue keeps its moment"


async def test_whoever_writes_at_night_is_told_when_the_team_is_back(office: World) -> None:
    await at(office, "2026-03-27T23:00")
    await office.say("človeka prosim")
    assert "Naša ekipa trenutno ne dela in se vrne v ponedeljek, 30. marca, ob 09:00" in office.chat.texts[-1]
    assert "Oglasili se vam bomo najpozneje v ponedeljek, 30. marca, ob 11:00" in office.chat.texts[-1]


async def test_what_the_bot_has_needs_no_clock(office: World) -> None:
    await office.say("Where is my order?")
    assert (await office.ticket()).watch.marks == {}


async def test_an_answer_stops_the_first_clock_and_pauses_the_resolution(office: World) -> None:
    await office.say("a person, please")
    number = (await office.ticket()).id
    await office.later(minutes=20)
    await office.act(Verb.REPLY, number, text="Hello Mia")
    assert await due(office) is None
    await office.later(hours=20)
    assert (await office.ticket(number)).watch.breached == ()

    await office.say("It is still broken")
    assert await due(office, Promise.NEXT_RESPONSE) == local("2026-03-30T13:00")
    used = timedelta(hours=15, minutes=40)
    assert await due(office, Promise.RESOLUTION) == OFFICE.add(office.clock.now(), used)


async def test_an_answer_that_is_taken_back_stopped_nothing(office: World) -> None:
    await office.say("a person, please")
    number = (await office.ticket()).id
    result = await office.act(Verb.REPLY, number, text="Wrong window")
    await office.act(Verb.UNDO, number, send=result.send)
    assert await due(office) == local("2026-03-30T10:30")


async def test_another_priority_means_another_promise(office: World) -> None:
    await office.say("a person, please")
    number = (await office.ticket()).id
    await office.act(Verb.PRIORITY, number, priority=Priority.URGENT)
    assert await due(office) == local("2026-03-27T17:00")


async def test_a_rule_that_names_a_policy_has_it(make_world: MakeWorld) -> None:
    from gateway.triage.rules import Rule, Rules, Then, When

    gold = promises("gold", targets={Promise.FIRST_RESPONSE: timedelta(minutes=15)})
    rule = Rule(name="gold", when=When(hours="open", text=("football",)), then=Then(sla="gold"))
    world = await make_world(**{**POLICY, "slas": (gold, promises()), "rules": Rules([rule])})
    await at(world, "2026-03-04T10:00")
    await world.say("Do you sponsor local football clubs in the autumn?")
    assert await due(world) == local("2026-03-04T10:15")


# ---------------------------------------------------------------- warning, breach, quiet hours


async def test_people_are_warned_and_a_breach_is_written_down_at_its_minute(office: World) -> None:
    await at(office, "2026-03-30T09:00")
    await office.say("a person, please")
    number = (await office.ticket()).id
    await at(office, "2026-03-30T10:31")
    assert "The first answer is due today at 11:00 (CEST)." in office.team.texts
    await at(office, "2026-03-30T11:10")
    page = await office.page(number)
    breach = next(event for event in page.events if event.kind == "breach")
    assert breach.data["promise"] == "first_response" and breach.data["due"] == "2026-03-30T09:00:00+00:00"
    assert "Overdue: first answer." in office.team.texts
    assert [event.kind for event in page.events].count("breach") == 1

    await office.act(Verb.REPLY, number, text="Sorry that it took so long")
    await office.later(days=1)
    assert (await office.events(number)).count("breach") == 1


async def test_at_night_the_alarm_waits_unless_it_is_urgent(office: World) -> None:
    night = promises("night", URGENT.calendar, targets={Promise.FIRST_RESPONSE: timedelta(hours=1)})
    office.policy = msgspec.structs.replace(
        office.policy, slas=(URGENT, msgspec.structs.replace(night, name="default"))
    )
    await at(office, "2026-03-27T22:00")
    await office.say("a person, please")
    number = (await office.ticket()).id
    await at(office, "2026-03-28T03:00")
    assert "breach" in await office.events(number), "it is written down at once"
    assert not any("Overdue" in text for text in office.team.texts)
    await at(office, "2026-03-30T09:01")
    assert any("Overdue" in text for text in office.team.texts)

    await office.act(Verb.PRIORITY, number, priority=Priority.URGENT)
    await at(office, "2026-03-30T23:00")
    before = len(office.team.texts)
    await office.say("a person, please", who="noa")
    await office.act(Verb.PRIORITY, (await office.ticket()).id, priority=Priority.URGENT)
    await office.later(hours=1)
    assert any("Overdue" in text for text in office.team.texts[before:])


async def test_an_alarm_that_an_answer_overtook_is_not_given(office: World) -> None:
    night = promises(calendar=URGENT.calendar, targets={Promise.FIRST_RESPONSE: timedelta(hours=1)})
    office.policy = msgspec.structs.replace(office.policy, slas=(night,))
    await at(office, "2026-03-27T22:00")
    await office.say("a person, please")
    await at(office, "2026-03-28T08:00")
    await office.act(Verb.REPLY, (await office.ticket()).id, text="Hello Mia")
    await at(office, "2026-03-30T12:00")
    assert not any("Overdue" in text for text in office.team.texts)


# ---------------------------------------------------------------- the sum


async def test_the_sum_is_shown_stretch_by_stretch(office: World) -> None:
    await at(office, "2026-04-03T16:00")  # Easter Monday is a holiday
    await office.say("a person, please")
    number = (await office.ticket()).id
    await at(office, "2026-04-07T09:30")
    page = await office.page(number)
    (first, _) = sums(page.ticket, page.events, office.policy, office.clock.now())
    assert [(each.what, each.counted) for each in first.stretches] == [
        ("ran", timedelta(hours=1)),
        ("closed", timedelta()),
        ("ran", timedelta(minutes=30)),
    ]
    assert "Easter Monday" in first.stretches[1].why
    await at(office, "2026-04-09T12:00")
    (broken, _) = sums(page.ticket, page.events, office.policy, office.clock.now())
    assert [each.what for each in broken.stretches] == ["ran", "closed", "ran", "late"]
    assert sum((each.counted for each in broken.stretches[:-1]), timedelta()) == broken.target
    office.clock.advance(days=-2, hours=-2, minutes=-30)
    lines = "\n".join(explained(page, office.policy, office.clock.now()))
    assert "First answer: 1h 30m of 2h used, running; due Tue 07 Apr 2026 10:00" in lines
    assert "report this" not in lines


ACTS = st.lists(
    st.tuples(
        st.sampled_from(["say", "reply", "undo", "resolve", "reopen", "claim", "wait"]), st.integers(1, 3000)
    ),
    max_size=12,
)


@few
@given(acts=ACTS)
def test_a_deadline_folded_anew_from_the_events_is_the_one_that_was_kept(
    acts: list[tuple[str, int]], articles
) -> None:  # type: ignore[no-untyped-def]
    """House rule 6.10 on whole tickets, across nights, weekends and a clock change."""

    async def story(world: World) -> None:
        await at(world, "2026-03-27T15:00")
        await world.say("a person, please")
        number = (await world.ticket()).id
        for what, minutes in acts:
            await _do(world, number, what)
            await world.later(minutes=minutes)
            page = await world.page(number)
            assert {p: tuple(m) for p, m in page.ticket.watch.marks.items()} == recorded(page.events)
            running = current(Draft(Folder(ticket=page.ticket), world.clock.now()), world.policy)
            if page.ticket.status not in (Status.NEW, Status.OPEN):
                assert not any(each.running for each in running.values())

    play(story, articles, **POLICY, budget=1000)


async def _do(world: World, number: int, what: str) -> None:
    if what == "say":
        await world.say("It is still broken", who="mia", refers_to=(f"ref:{world.policy.reply_key(number)}",))
    elif what == "undo":
        sends = [e.send for e in await world.entries(number) if e.kind is EntryKind.REPLY and e.send]
        if sends:
            await world.act(Verb.UNDO, number, send=sends[-1])
    elif what != "wait":
        await world.act(Verb(what), number, text="Dear Mia" if what == "reply" else "")


# ---------------------------------------------------------------- opening hours


@pytest.mark.parametrize(
    ("question", "says"),
    [
        ("When are you open?", ["Monday – Friday: 09:00–17:00", "At this moment we are open"]),
        ("Kdaj delate?", ["ponedeljek – petek: 09:00–17:00", "sobota – nedelja: zaprto"]),
    ],
)
async def test_opening_hours_are_answered_from_the_calendar(
    office: World, question: str, says: list[str]
) -> None:
    await office.say(question)
    assert all(line in office.chat.texts[-1] for line in says)
    assert (await office.ticket()).status is Status.PENDING
    answered = next(e for e in (await office.page((await office.ticket()).id)).events if e.kind == "answered")
    assert answered.data["calendar"] == "office"


async def test_the_answer_names_the_next_holidays_and_whether_somebody_is_there(office: World) -> None:
    await office.say("Are you open on public holidays?")
    said = office.chat.texts[-1]
    assert "At this moment we are open, until today at 17:00 (CET)." in said
    assert "6 April" in said and "1 May" in said
    await at(office, "2026-03-28T12:00")
    await office.say("when are you open", who="noa")
    assert "starts again on Monday, 30 March, at 09:00 (CEST)" in office.chat.texts[-1]
