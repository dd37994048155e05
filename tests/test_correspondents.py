"""Who gets a copy, who is on the ticket, and when so many talk that nothing automatic is said."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.correspondents import MAX_COPIES, others, ours
from gateway.model import SendKind, Verb
from gateway.store import suppression
from tests.world import World, make_policy

POLICY = make_policy()
US, MIA, NOA, TIM = "support@example.com", "mia@example.org", "noa@example.org", "tim@example.org"


@pytest.mark.parametrize(
    ("address", "is_ours"),
    [
        (US, True),
        ("support+k3y@example.com", True),
        ("support@example.net", False),
        ("sales@example.com", False),
    ],
)
def test_plus_forms_are_ours_too(address: str, is_ours: bool) -> None:
    assert ours(address, POLICY) is is_ours


async def test_an_agents_reply_goes_to_the_writer_with_a_copy_to_the_others(world: World) -> None:
    await world.say("a person, please", door="mail", recipients=("support+k3y@example.com", NOA))
    await world.act(Verb.REPLY, 1, text="Here I am.")
    await world.later(seconds=5)
    notice, reply = world.mail.posts
    assert notice.kind is SendKind.NOTICE and notice.cc == ()
    assert (reply.address.conversation, reply.cc) == (MIA, (NOA,))
    (leg,) = (leg for leg in (await world.page(1)).legs if leg.side == "requester")
    assert leg.cc == (NOA,)
    assert {(p.identity.value, p.role) for p in (await world.page(1)).participants} == {
        (MIA, "requester"),
        (NOA, "cc"),
    }


async def test_copies_follow_the_message_that_is_answered(world: World) -> None:
    first = await world.say("a person, please", door="mail", recipients=(US, NOA))
    await world.say(
        "Mia is away, I take over.", "noa", "mail", refers_to=(first.message_key,), recipients=(US, MIA)
    )
    await world.act(Verb.REPLY, 1, text="Hello Noa")
    await world.later(seconds=5)
    assert await world.numbers() == [1], "whoever had a copy is on the ticket"
    assert (world.mail.posts[-1].address.conversation, world.mail.posts[-1].cc) == (NOA, (MIA,))

    await world.say("Just me.", door="mail", refers_to=(first.message_key,), recipients=(US,))
    await world.act(Verb.REPLY, 1, text="Hello Mia")
    await world.later(seconds=5)
    assert (world.mail.posts[-1].address.conversation, world.mail.posts[-1].cc) == (MIA, ())


async def test_what_is_automatic_goes_to_the_one_sender(world: World) -> None:
    await world.say("Where is my order?", door="mail", recipients=(US, NOA))
    (answer,) = world.mail.posts
    assert (answer.kind, answer.address.conversation, answer.cc) == (SendKind.ANSWER, MIA, ())


@pytest.mark.parametrize(
    ("fields", "cause"),
    [
        ({"recipients": (NOA, US), "copied": True}, "copied"),
        ({"recipients": (US, NOA, TIM)}, "crowd"),
        ({"recipients": (US, *(f"p{n}@example.org" for n in range(MAX_COPIES + 5)))}, "crowd"),
    ],
)
async def test_the_bot_is_silent(world: World, fields: dict[str, Any], cause: str) -> None:
    await world.say("Where is my order?", door="mail", **fields)
    assert world.mail.posts == []
    ticket = await world.ticket()
    assert (ticket.cause, bool(ticket.queue)) == (cause, True)


async def test_when_a_second_and_third_person_join_the_bot_falls_silent(world: World) -> None:
    first = await world.say("Where is my order?", door="mail", recipients=(US, NOA))
    said = len(world.mail.posts)
    await world.say(
        "How do I return an item?", "noa", "mail", refers_to=(first.message_key,), recipients=(US, MIA, TIM)
    )
    assert len(world.mail.posts) == said
    assert (await world.ticket(1)).cause == "crowd"


def test_an_announcement_has_no_copies() -> None:
    from tests.test_screening import message

    many = tuple(f"p{n}@example.org" for n in range(MAX_COPIES + 1))
    assert others(message(recipients=many), POLICY) == ()
    assert others(message(recipients=("not an address", MIA, US, NOA)), POLICY) == (NOA,)


async def test_a_copy_that_comes_back_leaves_the_reply_as_it_was(world: World) -> None:
    from tests.test_returned import report

    await world.say("a person, please", door="mail", recipients=(US, NOA))
    await world.act(Verb.REPLY, 1, text="Here I am.")
    await world.later(seconds=5)
    await report(world, f"mid:ours-{world.mail.posts[-1].id}@example.com", NOA)
    assert [e.state for e in await world.entries(1)][-1] == "accepted"
    assert [line.address for line in await world.store.driver.read(suppression.lines)] == [NOA]


async def test_nothing_automatic_answers_a_forged_sender_and_the_ticket_says_why(world: World) -> None:
    first = await world.say("Where is my order?", door="mail", vouched="pass")
    said = len(world.mail.posts)
    await world.say("Where is my order?", door="mail", refers_to=(first.message_key,), vouched="fail")
    assert len(world.mail.posts) == said
    ticket = await world.ticket()
    assert (ticket.id, ticket.cause) != (1, "") and ticket.cause == "forged"
    (event,) = (e for e in (await world.page(ticket.id)).events if e.kind == "authenticated")
    assert event.data["dmarc"] == "fail"
