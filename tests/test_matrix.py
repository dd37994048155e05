"""Escalation level by level: broken promises and silence move a ticket on, everybody is told, once a turn."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.case import Committed, Outcome
from gateway.escalation.ladder import Branch, Level, Pulse, climb
from gateway.escalation.playbook import PLAYBOOK
from gateway.model import Verb
from gateway.settings import load
from gateway.sla.calendars import ALWAYS
from tests.conftest import MakeWorld
from tests.hours import MATRIX
from tests.stories import SAID, few, play
from tests.test_clocks import at
from tests.test_settings import problems, write
from tests.world import World

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LEVELS = (
    Level(queue="b", acknowledge=timedelta(hours=1)),
    Level(queue="c", acknowledge=timedelta(hours=1)),
    Level(queue="d", branch=Branch.HIERARCHICAL, acknowledge=timedelta(hours=1)),
)


@pytest.mark.parametrize(
    ("start", "hours", "here", "expected"),
    [
        (0, 0, "a", (1, ())),
        (0, 0.9, "a", (1, ())),
        (0, 1, "a", (2, (1,))),  # the first was silent for its hour: only the newest acts
        (0, 50, "a", (3, (1, 2))),
        (1, 0, "b", (2, ())),
        (0, 0, "b", (2, (1,))),  # it is there already
        (2, 0, "d", None),  # nowhere to go
        (3, 5, "a", None),
        (0, -1, "a", None),  # not yet due
    ],
)
def test_the_newest_level_that_is_due(
    start: int, hours: float, here: str, expected: tuple[int, tuple[int, ...]] | None
) -> None:
    now = NOON + timedelta(hours=hours)
    found = climb(LEVELS, start, NOON, now, ALWAYS, lambda level: level.queue != here)
    assert (found and (found.number, found.skipped)) == expected


@pytest.fixture
async def shop(make_world: MakeWorld) -> World:
    world = await make_world(**MATRIX)
    await at(world, "2026-03-27T16:30")  # a Friday, on the weekend of a clock change
    return world


async def test_level_by_level_over_a_weekend_and_a_clock_change(shop: World) -> None:
    await shop.say("a person, please")
    number = (await shop.ticket()).id
    await at(shop, "2026-03-29T12:00")
    assert (await shop.ticket(number)).queue == "general", "nobody works on a Sunday"

    await at(shop, "2026-03-30T10:31")  # half an hour on Friday, an hour and a half on Monday
    ticket = await shop.ticket(number)
    assert (ticket.queue, ticket.tier, ticket.cause, ticket.watch.level) == ("technical", 2, "breach", 1)
    assert shop.chat.texts[-1] == (
        f"Your request DG-{number} has waited longer than it should. It is now with Technical support.\n\n"
        "You will hear from us today at 12:30 (CEST) at the latest."
    )
    assert any("It is at level 1 now, with Technical support." in text for text in shop.team.texts)
    told = [post for post in shop.team.posts if post.address.conversation == "C-LEADS"]
    assert told and told[-1].card is not None and "The first answer is overdue." in told[-1].card.why

    await at(shop, "2026-03-30T12:31")
    ticket = await shop.ticket(number)
    assert (ticket.queue, ticket.tier, ticket.cause) == ("leads", 3, "unacknowledged")
    assert "It is now with Team leads." in shop.chat.texts[-1]
    escalated = [e.data for e in (await shop.page(number)).events if e.kind == "escalated"]
    assert [(each["cause"], each.get("level", 0)) for each in escalated] == [
        ("wants_human", 0),
        ("breach", 1),
        ("unacknowledged", 2),
    ]
    said = len(shop.chat.texts)
    await at(shop, "2026-03-31T11:00")
    assert len(shop.chat.texts) == said, "nobody is above the leads"
    reminded = "Nobody has taken it in time, and there is no level above."
    assert shop.team.texts.count(reminded) == 1


async def test_whoever_takes_it_stops_the_climb(shop: World) -> None:
    await shop.say("a person, please")
    number = (await shop.ticket()).id
    await at(shop, "2026-03-30T10:31")
    await shop.act(Verb.CLAIM, number, agent="ben")
    await at(shop, "2026-03-30T16:00")
    ticket = await shop.ticket(number)
    assert (ticket.queue, ticket.assignee, ticket.watch.acknowledged) == ("technical", "ben", True)
    assert "acknowledged" in await shop.events(number)

    await at(shop, "2026-03-31T16:31")  # and now the resolution is late, too: the next level, with its owner
    ticket = await shop.ticket(number)
    assert (ticket.queue, ticket.assignee, ticket.cause) == ("leads", "ben", "breach")


async def test_after_a_stop_only_the_newest_level_acts(shop: World) -> None:
    await shop.say("a person, please")
    number = (await shop.ticket()).id
    said = len(shop.chat.texts)
    shop.clock.advance(days=4, hours=20)  # nothing ran until Wednesday noon
    await shop.settle()
    ticket = await shop.ticket(number)
    assert (ticket.queue, ticket.watch.level) == ("leads", 2)
    assert len(shop.chat.texts) == said + 1
    cards = [post.address.conversation for post in shop.team.posts if post.card]
    assert cards == ["C-GENERAL", "C-LEADS"]
    (step,) = [
        e.data for e in (await shop.page(number)).events if e.kind == "escalated" and e.data.get("level")
    ]
    assert step["skipped"] == [1]


async def test_a_private_matter_never_leaves_its_queue(shop: World) -> None:
    await shop.say("My card 4111 1111 1111 1111 was charged twice")
    number = (await shop.ticket()).id
    await at(shop, "2026-03-31T16:00")
    ticket = await shop.ticket(number)
    assert (ticket.queue, ticket.watch.level) == ("protected", 0)
    (told,) = [post for post in shop.team.posts if post.address.conversation == "C-LEADS"]
    assert told.card is None and "charged" not in told.text


async def test_where_it_was_with_the_leads_already_they_are_alarmed(shop: World) -> None:
    await shop.say("a person, please")
    number = (await shop.ticket()).id
    await shop.act(Verb.ESCALATE, number, queue="leads", text="They insist")
    assert "is now with Team leads" in shop.chat.texts[-1]
    await at(shop, "2026-03-30T10:31")
    assert (await shop.ticket(number)).queue == "leads"
    assert "Overdue: first answer." in shop.team.texts


async def test_an_agents_escalation_has_to_be_acknowledged_as_well(shop: World) -> None:
    await at(shop, "2026-03-30T09:00")
    await shop.say("a person, please")
    number = (await shop.ticket()).id
    await shop.act(Verb.REPLY, number, text="I ask our experts.")
    await shop.say("Fine")
    await shop.act(Verb.ESCALATE, number, queue="technical", text="Needs a look at the logs")
    assert "You will hear from us today at 11:00 (CEST) at the latest." in shop.chat.texts[-1]
    await at(shop, "2026-03-30T11:01")
    assert (await shop.ticket(number)).queue == "leads"


# ---------------------------------------------------------------- what agents read


async def test_the_card_says_what_to_do_about_the_cause(make_world: MakeWorld) -> None:
    world = await make_world(**MATRIX, playbook={"wants_human": "Ring them."})
    await world.say("a person, please")
    card = world.team.cards[0].card
    assert card is not None and card.why == "The person asked for a person.\n\nRing them."
    world.policy = await _plain(world)
    await world.say("a person, please", who="noa")
    card = world.team.cards[-1].card
    assert card is not None and PLAYBOOK["wants_human"] in card.why


async def _plain(world: World):  # type: ignore[no-untyped-def]
    import msgspec

    return msgspec.structs.replace(world.policy, playbook={})


# ---------------------------------------------------------------- heartbeats

BEATS = {**MATRIX, "slas": (), "pulse": Pulse(every=timedelta(hours=4), ask_before=timedelta(minutes=30))}


async def test_a_waiting_requester_hears_twice_that_there_is_no_news(make_world: MakeWorld) -> None:
    world = await make_world(**BEATS)
    await at(world, "2026-03-30T09:00")
    await world.say("a person, please")
    number = (await world.ticket()).id
    await world.act(Verb.CLAIM, number)
    await at(world, "2026-03-30T12:31")
    assert (
        "The requester is waiting. Write a line to them, or ours goes today at 13:00 (CEST)."
        in world.team.texts
    )
    said = len(world.chat.texts)
    await at(world, "2026-03-30T13:01")
    assert "There is no news yet, but it is not forgotten." in world.chat.texts[-1]
    await at(world, "2026-04-10T16:00")
    assert len(world.chat.texts) == said + 2, "two in a row, and no more"

    await world.act(Verb.REPLY, number, text="Now I know more")
    await world.later(seconds=5)
    await world.say("Good, and when?")
    await at(world, "2026-04-13T16:00")
    assert "There is no news yet" in world.chat.texts[-1], "after a person's word they begin anew"


async def test_whoever_writes_a_line_in_time_spares_it(make_world: MakeWorld) -> None:
    world = await make_world(**BEATS)
    await at(world, "2026-03-30T09:00")
    await world.say("a person, please")
    await at(world, "2026-03-30T12:40")
    await world.act(Verb.REPLY, (await world.ticket()).id, text="We are still looking")
    await at(world, "2026-03-31T16:00")
    assert world.chat.texts[-1] == "We are still looking"


async def test_missed_heartbeats_are_not_made_up_and_none_comes_at_night(make_world: MakeWorld) -> None:
    world = await make_world(**BEATS)
    await at(world, "2026-03-27T16:00")
    await world.say("a person, please")
    said = len(world.chat.texts)
    await at(world, "2026-03-29T23:00")
    assert len(world.chat.texts) == said
    world.clock.advance(days=3, hours=15)  # nothing ran until Thursday at two
    await world.settle()
    assert len(world.chat.texts) == said, "the agents are asked first"
    await world.later(minutes=31)
    assert len(world.chat.texts) == said + 1


# ---------------------------------------------------------------- one automatic message a turn

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["say", "press", "claim", "reply", "resolve", "escalate", "reopen", "wait", "stop"]),
        SAID,
        st.integers(1, 40),
    ),
    min_size=1,
    max_size=8,
)


@few
@given(steps=STEPS)
def test_one_turn_says_at_most_one_automatic_message(
    steps: list[tuple[str, str, int]], articles: Path
) -> None:
    policy = {**MATRIX, "pulse": BEATS["pulse"], "budget": 1000}
    play(lambda world: _one_a_turn(world, steps), articles, **policy)


async def _one_a_turn(world: World, steps: list[tuple[str, str, int]]) -> None:
    turns = _count_automatic(world)
    await world.say("a person, please")
    number = (await world.ticket()).id
    for what, text, hours in steps:
        if what == "say":
            await world.say(text)
        elif what == "stop":
            world.clock.advance(hours=hours)
        elif what in ("claim", "reply", "resolve", "escalate", "reopen"):
            await world.act(Verb(what), number, agent="lea", text="Dear Mia", queue="technical")
        await world.later(hours=hours)
    assert turns and all(said <= 1 for said in turns), turns


def _count_automatic(world: World) -> list[int]:
    """How many automatic messages each turn says to one requester, as turns are committed from now on."""
    commit, said = world.store.commit_turn, []

    async def counted(outcome: Outcome) -> Committed:
        said.extend(sum(send.automatic for send in change.sends) for change in outcome.changes)
        return await commit(outcome)

    world.store.commit_turn = counted  # type: ignore[method-assign]
    return said


# ---------------------------------------------------------------- settings


def test_the_matrix_is_read_from_the_file(tmp_path: Path) -> None:
    text = '[queues.a]\ntitle="A"\ndefault=true\n[queues.b]\ntitle="B"\ntier=2\n'
    text += '[[escalation.matrix.high]]\nqueue="b"\nkind="hierarchical"\nacknowledge="15m"\n[heartbeat]\nevery="8h"\n'
    settings = load(write(tmp_path, text), {})
    (level,) = settings.escalation.levels()["high"]
    assert (level.queue, level.branch, level.acknowledge) == ("b", Branch.HIERARCHICAL, timedelta(minutes=15))
    assert settings.heartbeat.pulse() == Pulse(every=timedelta(hours=8))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            '[[escalation.matrix.high]]\nqueue="x"',
            "[escalation] matrix.high: there is no queue 'x'. Known: general",
        ),
        ('[[escalation.matrix.huge]]\nqueue="general"', "'huge' is no priority; choose from default, low"),
        ('[[escalation.matrix.low]]\nqueue="general"\n' * 5, "low has 5 levels; a matrix has at most 4"),
        ('[[escalation.matrix.low]]\nqueue="general"\nkind="up"', "'functional' or 'hierarchical'"),
        ('[escalation]\ntell = "x"', "[escalation] tell: there is no queue"),
        ('[escalation.playbook]\nangry = "x"', "'angry' is no cause; choose from wants_human"),
        ('[heartbeat]\nevery = "20m"', "ask_before must be shorter than every"),
    ],
)
def test_a_mistake_in_the_matrix_is_named_with_its_remedy(tmp_path: Path, text: str, says: str) -> None:
    found = problems(tmp_path, text)
    assert any(says in problem for problem in found), found
