"""The desk's verbs as a table: who may do what, in which situation, and the sentence that they read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from gateway.desk.act import MAX_TEXT, VERBS
from gateway.model import (
    ActionResult,
    Address,
    Agent,
    AgentAction,
    Delivery,
    EntryKind,
    Identity,
    Priority,
    Replace,
    Role,
    SendKind,
    Speaker,
    Status,
    Verb,
)
from tests.conftest import MakeWorld
from tests.fakes import ManualClock
from tests.world import World, a_file, make_policy

CARD = "4111 1111 1111 1111"
LONG = "x" * (MAX_TEXT + 1)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
TOMORROW = ManualClock().now() + timedelta(days=1)


@pytest.fixture
def database(tmp_path: Path) -> str:
    """One kind is enough here: what the verbs decide is the same over any."""
    return f"sqlite:///{tmp_path}/deskgate.db"


async def situation(world: World, name: str) -> int:
    """A ticket as it stands when the agent looks at it."""
    await world.say(
        {"bot's": "Where is my order?", "protected": f"My card {CARD}"}.get(name, "a person, please")
    )
    number = (await world.ticket()).id
    if name in ("ana's", "ben's"):
        await world.act(Verb.CLAIM, number, agent=name.removesuffix("'s"))
    if name in ("resolved", "closed"):
        await world.act(Verb.RESOLVE, number)
    if name == "closed":
        await world.later(days=8)
    return number


TABLE: list[tuple[str, str, Verb, dict[str, Any], str, str]] = [
    # whose ticket, who acts, verb, with what, how it ends, what they read
    ("new", "ana", Verb.CLAIM, {}, "done", "DG-1 is yours."),
    ("bot's", "ana", Verb.CLAIM, {}, "done", "DG-1 is yours."),
    ("ana's", "ana", Verb.CLAIM, {}, "done", "DG-1 is yours."),
    ("ben's", "ana", Verb.CLAIM, {}, "refused", "ben has this ticket. Ask them to release it, or a lead"),
    ("ben's", "lea", Verb.CLAIM, {}, "done", "DG-1 is yours."),
    ("ben's", "root", Verb.CLAIM, {}, "done", "DG-1 is yours."),
    ("resolved", "ben", Verb.CLAIM, {}, "refused", "ana has this ticket"),
    ("closed", "ana", Verb.CLAIM, {}, "refused", "The ticket is closed. Reopen it first."),
    ("ana's", "ana", Verb.RELEASE, {}, "done", "back in its queue"),
    ("ben's", "ana", Verb.RELEASE, {}, "refused", "Only its owner or a lead can release it."),
    ("new", "ana", Verb.RELEASE, {}, "refused", "Only its owner or a lead can release it."),
    ("ben's", "lea", Verb.RELEASE, {}, "done", "back in its queue"),
    (
        "new",
        "ana",
        Verb.REPLY,
        {"text": "Hello"},
        "done",
        "It goes out in 4 seconds; until then you can undo it.",
    ),
    ("ben's", "ana", Verb.REPLY, {"text": "Hello"}, "done", "It goes out"),
    ("new", "ana", Verb.REPLY, {"attachments": (a_file(),)}, "done", "It goes out"),
    ("new", "ana", Verb.REPLY, {"text": " \n"}, "refused", "The reply is empty. Write something first."),
    ("new", "ana", Verb.REPLY, {"text": LONG}, "refused", "longer than 20,000 characters"),
    ("closed", "ana", Verb.REPLY, {"text": "Hello"}, "refused", "Reopen it first."),
    ("ana's", "ana", Verb.UNDO, {"send": 999}, "refused", "It has already left and cannot be undone."),
    ("new", "ana", Verb.RETRY, {"send": 1}, "refused", "There is nothing to try again"),
    ("new", "ana", Verb.NOTE, {"text": "Called"}, "done", "Only the desk sees this note."),
    ("closed", "ana", Verb.NOTE, {"text": "Called"}, "done", "Only the desk sees this note."),
    ("new", "ana", Verb.NOTE, {}, "refused", "The note is empty."),
    ("new", "ana", Verb.NOTE, {"text": LONG}, "refused", "longer than 20,000 characters"),
    ("new", "ana", Verb.RESOLVE, {}, "done", "DG-1 is resolved."),
    ("ben's", "ana", Verb.RESOLVE, {}, "done", "DG-1 is resolved."),
    ("resolved", "ana", Verb.RESOLVE, {}, "refused", "It is resolved already."),
    ("closed", "ana", Verb.RESOLVE, {}, "refused", "Reopen it first."),
    ("resolved", "ana", Verb.REOPEN, {}, "done", "DG-1 is open again."),
    ("closed", "ana", Verb.REOPEN, {}, "done", "DG-1 is open again."),
    ("new", "ana", Verb.REOPEN, {}, "refused", "It is open."),
    ("new", "ana", Verb.ESCALATE, {"queue": "orders", "text": "Why"}, "done", "DG-1 is with Orders now."),
    ("new", "ana", Verb.ESCALATE, {"queue": "orders"}, "refused", "Add a note for those who take it over"),
    (
        "new",
        "ana",
        Verb.ESCALATE,
        {"queue": "general", "text": "x"},
        "refused",
        "It is in Customer care already.",
    ),
    ("new", "ana", Verb.ESCALATE, {"queue": "x", "text": "x"}, "refused", "Choose one of: general, orders"),
    ("closed", "ana", Verb.ESCALATE, {"queue": "orders", "text": "x"}, "refused", "Reopen it first."),
    ("new", "ana", Verb.TAG, {"tags": (" VIP ", "vip", "")}, "done", "Tags: vip"),
    ("new", "ana", Verb.TAG, {}, "done", "Tags: none"),
    ("closed", "ana", Verb.TAG, {"tags": ("late",)}, "done", "Tags: late"),
    ("new", "ana", Verb.TAG, {"tags": ("x" * 41,)}, "refused", "At most 20 tags of at most 40 characters."),
    ("new", "ana", Verb.TAG, {"tags": tuple(f"t{n}" for n in range(21))}, "refused", "At most 20 tags"),
    ("new", "ana", Verb.PRIORITY, {"priority": Priority.HIGH}, "done", "Priority is high."),
    ("new", "ana", Verb.PRIORITY, {}, "refused", "Choose a priority."),
    ("closed", "ana", Verb.PRIORITY, {"priority": Priority.LOW}, "refused", "Reopen it first."),
    (
        "new",
        "ana",
        Verb.ESCALATE,
        {"queue": "orders", "text": "x", "cause": "x"},
        "refused",
        "Choose one of: exp",
    ),
    # colleagues are asked; test_asking.py has the stories
    ("new", "ana", Verb.CONSULT, {"colleague": "ben", "text": "Is it so?"}, "done", "Ben is asked."),
    ("new", "ana", Verb.CONSULT, {"queue": "orders", "text": "Is it so?"}, "done", "Orders is asked."),
    ("new", "ana", Verb.CONSULT, {"text": "Is it so?"}, "refused", "Choose whom to ask"),
    (
        "new",
        "ana",
        Verb.CONSULT,
        {"colleague": "ana", "text": "Is it so?"},
        "refused",
        "You cannot ask yourself.",
    ),
    ("new", "ana", Verb.CONSULT, {"colleague": "ben"}, "refused", "Write what you want to know."),
    (
        "protected",
        "lea",
        Verb.CONSULT,
        {"colleague": "ben", "text": "x"},
        "refused",
        "This ticket is confidential",
    ),
    ("new", "ana", Verb.ADVISE, {"text": "Yes"}, "refused", "Nothing of the kind is asked of you"),
    ("new", "ana", Verb.ASK_APPROVAL, {"colleague": "lea", "text": "20 off?"}, "done", "Lea is asked."),
    ("new", "ana", Verb.ASK_APPROVAL, {"colleague": "ben", "text": "20 off?"}, "refused", "Ben is no lead"),
    ("new", "lea", Verb.APPROVE, {}, "refused", "Nothing of the kind is asked of you"),
    ("new", "lea", Verb.DECLINE, {"text": "No"}, "refused", "Nothing of the kind is asked of you"),
    # passing on, giving, taking
    ("ana's", "ana", Verb.TRANSFER, {"queue": "orders", "text": "Why"}, "done", "DG-1 is with Orders now."),
    ("ana's", "ana", Verb.TRANSFER, {"colleague": "ben", "text": "Why"}, "done", "DG-1 is with Ben now."),
    ("ana's", "ana", Verb.TRANSFER, {"queue": "orders"}, "refused", "Add a note for those who take it over"),
    (
        "ana's",
        "ana",
        Verb.TRANSFER,
        {"queue": "general", "text": "x"},
        "refused",
        "It is in Customer care already",
    ),
    (
        "ana's",
        "ana",
        Verb.TRANSFER,
        {"colleague": "eve", "text": "x"},
        "refused",
        "There is no such colleague.",
    ),
    ("ana's", "ana", Verb.ASSIGN, {"colleague": "ben"}, "refused", "Only a lead may do that."),
    ("ana's", "lea", Verb.ASSIGN, {"colleague": "ben"}, "done", "DG-1 is Ben's now."),
    ("ana's", "lea", Verb.ASSIGN, {"colleague": "eve"}, "refused", "Choose who gets it."),
    ("protected", "lea", Verb.ASSIGN, {"colleague": "ben"}, "refused", "Ben may not see this queue."),
    ("new", "ana", Verb.NEXT, {}, "done", "DG-1 is yours."),
    # one problem of many; test_incidents.py has the stories
    ("new", "ana", Verb.INCIDENT, {"also": (2,)}, "refused", "Only a lead may do that."),
    ("new", "lea", Verb.INCIDENT, {"also": (77,)}, "refused", "An incident needs at least two tickets."),
    ("new", "lea", Verb.APART, {}, "done", "They stay apart."),
    ("new", "ana", Verb.JOIN_INCIDENT, {"other": 77}, "refused", "DG-77 is not part of an incident."),
    ("new", "ana", Verb.LEAVE_INCIDENT, {}, "refused", "It is not part of an incident."),
    ("new", "ana", Verb.REPRODUCED, {"text": "Tried it"}, "refused", "Say what you found"),
    ("new", "ana", Verb.REPRODUCED, {"value": "product"}, "refused", "Write down what you tried"),
    ("bot's", "ana", Verb.SEND_SUGGESTION, {}, "refused", "There is no suggestion"),
    # what was masked, and what is learned; test_originals.py has the stories
    ("protected", "lea", Verb.SHOW_ORIGINAL, {"entry": 77}, "refused", "Choose a message of this ticket."),
    ("new", "ana", Verb.SHOW_ORIGINAL, {"entry": 1}, "refused", "members of the confidential queue"),
    ("new", "ana", Verb.NOT_SENSITIVE, {}, "refused", "members of the confidential queue"),
    ("new", "lea", Verb.NOT_SENSITIVE, {}, "refused", "Nothing is masked here."),
    ("resolved", "ana", Verb.LINK_ARTICLE, {"value": "nothing-such"}, "refused", "There is no article"),
    ("resolved", "ana", Verb.DRAFT_ARTICLE, {"subject": "How"}, "refused", "needs a title and a text"),
    # waiting
    ("ana's", "ana", Verb.SNOOZE, {"until": TOMORROW}, "done", "DG-1 is on hold until"),
    ("ana's", "ana", Verb.SNOOZE, {}, "refused", "Choose until when."),
    ("ana's", "ana", Verb.SNOOZE, {"until": LONG_AGO}, "refused", "That time has passed already."),
    ("ana's", "ana", Verb.HOLD, {"text": "The carrier looks for it"}, "done", "DG-1 is on hold."),
    ("resolved", "ana", Verb.HOLD, {}, "refused", "It is resolved. Reopen it first."),
    ("new", "ana", Verb.PENDING, {}, "done", "DG-1 is waiting for the requester."),
    # what was put wrongly; test_corrections.py has the stories
    ("new", "ana", Verb.SPLIT, {"entry": 1}, "refused", "nothing to split off"),
    ("closed", "ana", Verb.SPLIT, {"entry": 1}, "refused", "Reopen it first."),
    ("new", "ana", Verb.MOVE, {"entry": 1, "other": 1}, "refused", "in that ticket already"),
    ("new", "ana", Verb.MERGE, {"other": 77}, "refused", "There is no ticket DG-77"),
    ("new", "ana", Verb.RESTORE, {}, "refused", "Nothing was split"),
    ("new", "ana", Verb.REQUESTER, {}, "refused", "nobody to choose from"),
    ("closed", "ana", Verb.RESTORE, {}, "refused", "Nothing was split"),
    ("protected", "lea", Verb.CLAIM, {}, "done", "DG-1 is yours."),
    ("protected", "root", Verb.NOTE, {"text": "Seen"}, "done", "Only the desk"),
]


@pytest.mark.parametrize(
    ("ticket", "agent", "verb", "fields", "state", "detail"),
    TABLE,
    ids=[
        f"{agent} does {verb} on {ticket}: {state} {n}"
        for n, (ticket, agent, verb, _, state, _) in enumerate(TABLE)
    ],
)
async def test_the_verbs(
    world: World, ticket: str, agent: str, verb: Verb, fields: dict[str, Any], state: str, detail: str
) -> None:
    await world.store.add_agent(Agent(id="root", name="Root", role=Role.ADMIN), 0)
    number = await situation(world, ticket)
    before = await world.ticket(number)
    result = await world.act(verb, number, agent, **fields)
    assert (result.state, detail in result.detail, result.ticket) == (state, True, number), result.detail
    if state == "refused":
        after = await world.ticket(number)
        kept = ("status", "queue", "assignee", "speaker", "priority", "tags", "protected")
        assert all(getattr(after, name) == getattr(before, name) for name in kept)
        assert (await world.events(number))[-1] == "refused"


def test_every_verb_has_its_one_place() -> None:
    assert set(VERBS) == set(Verb) - {Verb.NEW}, "a ticket by hand is not there yet: test_by_hand.py"
    assert {row[2] for row in TABLE} == set(VERBS)


# ---------------------------------------------------------------- who is a member, and of what


@pytest.mark.parametrize("verb", sorted(set(Verb) - {Verb.NEXT, Verb.NEW}))
async def test_a_protected_queue_is_closed_to_agents_whatever_the_verb(world: World, verb: Verb) -> None:
    number = await situation(world, "protected")
    result = await world.act(verb, number, "ana", text="Hello", queue="general", priority=Priority.LOW)
    assert (result.state, "protected queue" in result.detail) == ("refused", True)


async def test_a_member_of_a_protected_queue_may_work_there(make_world: MakeWorld) -> None:
    queues = dict(make_policy().queues)
    queues["protected"] = replace(queues["protected"], members=frozenset({"ben"}))
    world = await make_world(queues=queues)
    number = await situation(world, "protected")
    assert (await world.act(Verb.CLAIM, number, "ana")).state == "refused"
    assert (await world.act(Verb.CLAIM, number, "ben")).state == "done"


async def test_who_left_may_do_nothing_any_more(world: World) -> None:
    number = await situation(world, "new")
    await world.store.add_agent(Agent(id="ana", name="Ana", active=False), 0)
    for verb in Verb:
        result = await world.act(verb, number, text="Hello")
        assert "not a member of this desk" in result.detail


async def test_a_requester_who_calls_themselves_an_agent_is_none(world: World) -> None:
    """An agent is one by the kind of identity that a surface vouches for, never by a name."""
    await world.say("a person, please", sender=Identity(kind="chat", value="ana", name="Ana"))
    assert (await world.ticket()).assignee == ""
    assert all(entry.kind is not EntryKind.REPLY for entry in await world.entries())


async def from_channel(world: World, verb: Verb, value: str, **fields: Any) -> ActionResult:
    """A proposal from the agents' channel, by somebody whom it calls `value`."""
    action = AgentAction(
        connector="team",
        account="main",
        delivery_key=f"{value}/{verb}/{len(await world.entries())}",
        at=world.clock.now(),
        actor=Identity(kind="slack", value=value, verified=True),
        verb=verb,
        **fields,
    )
    (receipt,) = await world.host.receive([Delivery(input=action)])
    await world.settle()
    return msgspec.json.decode(await world.store.result(receipt.ledger_id) or "", type=ActionResult)


async def test_a_slack_member_acts_by_their_slack_id(world: World) -> None:
    number = await situation(world, "new")
    assert (await from_channel(world, Verb.CLAIM, "T1:UANA", ticket=number)).state == "done"
    assert (await world.ticket()).assignee == "ana"
    outsider = await from_channel(world, Verb.NOTE, "T2:UANA", ticket=number, text="x")
    assert (outsider.state, "not a member" in outsider.detail) == ("refused", True)


# ---------------------------------------------------------------- what follows from a verb


async def test_claiming_what_the_bot_has_puts_it_into_a_queue_and_silences_the_bot(world: World) -> None:
    number = await situation(world, "bot's")
    await world.act(Verb.CLAIM, number)
    ticket = await world.ticket(number)
    assert (ticket.queue, ticket.tier, ticket.speaker, ticket.cause) == ("general", 1, Speaker.AGENT, "agent")
    sent = len(world.chat.posts)
    await world.say("how do I return an item")
    assert len(world.chat.posts) == sent


async def test_resolving_with_a_text_sends_both_as_one(world: World) -> None:
    number = await situation(world, "new")
    await world.act(Verb.RESOLVE, number, text="Your parcel is on its way.")
    await world.later(seconds=5)
    assert world.chat.texts[-1].startswith("Your parcel is on its way.\n\n---\n\nWe have marked your request")
    assert sum("marked your request" in text for text in world.chat.texts) == 1
    assert (await world.ticket(number)).status is Status.RESOLVED


async def test_reopening_stops_the_clock_that_would_close_it(world: World) -> None:
    number = await situation(world, "resolved")
    await world.act(Verb.REOPEN, number)
    await world.later(days=30)
    assert (await world.ticket(number)).status is Status.OPEN


async def test_a_ticket_that_went_into_a_protected_queue_stays_protected(world: World) -> None:
    number = await situation(world, "new")
    await world.act(Verb.ESCALATE, number, queue="protected", text="A private matter")
    assert (await world.ticket(number)).protected
    await world.act(Verb.ESCALATE, number, "lea", queue="orders", text="Only the parcel is left")
    assert (await world.ticket(number)).protected


async def test_a_note_quotes_no_card_number(world: World) -> None:
    number = await situation(world, "new")
    await world.act(Verb.NOTE, number, text=f"She pays by {CARD}")
    assert CARD not in await world.dump() + repr(world.team.sent)


async def test_what_was_typed_in_the_agents_thread_is_not_repeated_there(world: World) -> None:
    number = await situation(world, "new")
    thread = Address(connector="team", account="main", conversation="C-GENERAL", thread="thread-1")
    sent = len(world.team.posts)
    assert (
        await from_channel(world, Verb.NOTE, "T1:UANA", address=thread, text="She called")
    ).ticket == number
    assert len(world.team.posts) == sent
    await world.act(Verb.NOTE, number, text="She called again")
    assert len(world.team.posts) == sent + 1


# ---------------------------------------------------------------- what is not so yet


async def test_a_note_for_the_next_queue_shows_no_card_number(world: World) -> None:
    number = await situation(world, "new")
    await world.act(Verb.ESCALATE, number, queue="orders", text=f"She pays by {CARD}")
    assert CARD not in await world.dump() + repr(world.team.sent)


async def test_a_tag_shows_no_card_number(world: World) -> None:
    number = await situation(world, "new")
    await world.act(Verb.TAG, number, tags=(CARD,))
    assert CARD not in await world.dump() + repr(world.team.sent)


async def test_resolving_the_ticket_of_a_machine_tells_it_nothing(world: World) -> None:
    await world.say("I am away until Monday", door="mail", automatic="auto-submitted")
    await world.act(Verb.RESOLVE, (await world.ticket()).id)
    assert world.mail.sent == []


async def test_resolving_again_and_again_stays_within_the_budget(make_world: MakeWorld) -> None:
    world = await make_world(budget=2)
    number = await situation(world, "new")
    for _ in range(3):
        await world.act(Verb.RESOLVE, number)
        await world.act(Verb.REOPEN, number)
    assert sum(post.kind is SendKind.NOTICE for post in world.chat.posts) <= 2


async def test_many_changes_of_a_card_that_waits_are_one_edit(world: World) -> None:
    await world.say("A person, please")
    number = max(await world.numbers())
    before = len(world.team.sent)
    await world.store.pause_outbox(True)
    for priority in (Priority.HIGH, Priority.LOW, Priority.URGENT):
        await world.act(Verb.PRIORITY, number, priority=priority)
    await world.store.pause_outbox(False)
    await world.settle()
    (edit,) = world.team.sent[before:]
    assert isinstance(edit, Replace) and ("Priority", "urgent") in edit.card.fields


async def test_files_of_an_answer_are_seen_by_colleagues_too(world: World) -> None:
    await world.say("A person, please")
    number = max(await world.numbers())
    await world.act(Verb.REPLY, number, text="See here.", attachments=(a_file(),))
    await world.later(minutes=1)
    assert [file.filename for post in world.team.posts for file in post.attachments] == ["photo.png"]
