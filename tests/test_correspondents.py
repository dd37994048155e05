"""Who gets a copy, who is on the ticket, and when so many talk that nothing automatic is said."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.correspondents import MAX_COPIES, others, ours
from gateway.desk.recipients import goes_to
from gateway.desk.situation import Situation
from gateway.desk.verbs import usable
from gateway.model import Address, Agent, Leg, Post, SendKind, Side, Verb
from gateway.policy import AccountPolicy
from gateway.store import suppression
from tests.conftest import MakeWorld
from tests.world import World, a_file, make_policy

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


# ---------------------------------------------------------------- which mail is answered


async def test_every_answer_names_the_newest_mail_of_the_requester(world: World) -> None:
    first = await world.say("a person, please", door="mail")
    await world.act(Verb.REPLY, 1, text="Here I am.")
    await world.later(seconds=5)
    await world.act(Verb.REPLY, 1, text="And one more thing.")
    await world.later(seconds=5)
    assert {post.answers for post in world.mail.posts} == {first.message_key}
    ours = [f"mid:ours-{post.id}@example.com" for post in world.mail.posts]

    later = await world.say("Thank you. And mine?", "noa", "mail", refers_to=(ours[-1],), recipients=(US,))
    assert (await world.ticket()).id != 1, "a stranger"
    await world.later(seconds=1)
    second = await world.say("And now?", door="mail", refers_to=(ours[-1],))
    await world.act(Verb.REPLY, 1, text="Now too.")
    await world.later(seconds=5)
    post = world.mail.posts[-1]
    assert post.answers == second.message_key
    chain = [key for key in post.references if key.startswith("mid:")]
    assert chain == [first.message_key, *ours, second.message_key]
    assert later.message_key not in post.references


async def test_the_thread_is_whole_when_another_person_on_the_ticket_wrote_last(world: World) -> None:
    first = await world.say("a person, please", door="mail", recipients=(US, NOA))
    second = await world.say("Me too.", "noa", "mail", refers_to=(first.message_key,), recipients=(US, MIA))
    await world.act(Verb.REPLY, 1, text="Both of you.")
    await world.later(seconds=5)
    post = world.mail.posts[-1]
    assert (post.address.conversation, post.answers) == (NOA, second.message_key)
    assert first.message_key in post.references


async def test_a_long_thread_keeps_its_beginning(world: World) -> None:
    first = last = await world.say("a person, please", door="mail")
    for number in range(50):
        world.clock.advance(seconds=1)
        last = await world.say(f"Line {number}", door="mail", refers_to=(last.message_key,))
    await world.act(Verb.REPLY, 1, text="All read.")
    await world.later(seconds=5)
    post = world.mail.posts[-1]
    chain = [key for key in post.references if key.startswith("mid:")]
    assert (chain[0], chain[-1], post.answers) == (first.message_key, last.message_key, last.message_key)


# ---------------------------------------------------------------- shown before it is sent


async def hints(world: World, number: int) -> dict[str, str]:
    page = await world.page(number)
    situation = Situation(page=page, agent=Agent(id="ana", name="Ana"), policy=world.policy)
    form = next(form for form in usable(situation) if form.verb is Verb.REPLY)
    return {field.name: field.hint for field in form.fields}


async def test_every_surface_says_to_whom_an_answer_goes_before_it_does(world: World) -> None:
    boss = ("support@example.com", "boss@example.org")
    first = await world.say("a person, please", door="mail", subject="Lamp", recipients=boss)
    (number,) = await world.numbers()
    told = (await hints(world, number))["text"]
    assert told == "It goes to the requester by mail, with a copy to boss@example.org."
    # The next mail leaves the boss out: so does the answer to it.
    await world.say("Hello?", door="mail", subject="Re: Lamp", refers_to=(first.message_key,))
    assert "copy" not in (await hints(world, number))["text"]


def test_the_way_is_named_as_people_name_it() -> None:
    def leg(connector: str) -> Leg:
        address = Address(connector=connector, account="main", conversation="mia@example.org")
        return Leg(id=1, side=Side.REQUESTER, address=address)

    assert goes_to(leg("email")) == "It goes to mia@example.org by e-mail."
    assert goes_to(leg("webchat")) == "It goes to the visitor in the web chat."
    assert goes_to(None) == "There is no way to reach the requester."


async def test_files_that_would_not_go_through_are_refused_before_anything_is_sent(
    make_world: MakeWorld,
) -> None:
    accounts = {"mail/main": AccountPolicy(max_file=3 * 1024 * 1024), "chat/main": AccountPolicy(files=False)}
    world = await make_world(accounts=accounts)
    await world.say("a person, please", door="mail", subject="Lamp")
    (number,) = await world.numbers()
    assert (await hints(world, number))["attachments"] == "Together up to 3.0 MB."
    halves = tuple(a_file(f"{n}.pdf", b"x" * 2 * 1024 * 1024) for n in range(2))
    refused = await world.act(Verb.REPLY, number, text="Here", attachments=halves)
    assert refused.state == "refused" and "4.0 MB together; this way carries 3.0 MB" in refused.detail
    assert (await world.act(Verb.REPLY, number, text="Here", attachments=halves[:1])).state == "done"
    await world.say("a person, please", who="noa")
    refused = await world.act(Verb.REPLY, max(await world.numbers()), text="x", attachments=halves[:1])
    assert refused.state == "refused" and "cannot get files this way" in refused.detail


async def test_the_message_that_is_answered_travels_along_for_channels_that_quote(world: World) -> None:
    await world.say("a person, please. My card is 4111 1111 1111 1111", door="mail", subject="Lamp")
    (number,) = await world.numbers()
    await world.act(Verb.REPLY, number, agent="lea", text="Here I am.")
    await world.later(seconds=10)
    quote = world.mail.posts[-1].quote
    assert quote.startswith("Mia, ") and "a person, please" in quote and "4111" not in quote
    assert all(post.quote == "" for post in world.team.posts if isinstance(post, Post))
