"""The life of a ticket after the answer: thanks, marks, machines and a real word; closed, and what comes then."""

from __future__ import annotations

import pytest

from gateway.model import Choice, ChoiceAction, EntryKind, Status, Verb
from tests.conftest import MakeWorld
from tests.hours import POLICY
from tests.world import World


@pytest.fixture
async def resolved(make_world: MakeWorld) -> World:
    """A ticket that Ana answered and resolved with one last message."""
    world = await make_world(**POLICY, csat=True)
    await world.say("a person, please")
    await world.act(Verb.RESOLVE, (await world.ticket()).id, text="Your parcel is on its way.")
    await world.later(seconds=5)
    return world


async def status(world: World) -> Status:
    return (await world.ticket()).status


async def test_the_last_answer_resolves_and_asks_in_one_text(resolved: World) -> None:
    last = resolved.chat.posts[-1]
    assert last.text.startswith(
        "Your parcel is on its way.\n\n---\n\nWe have marked your request DG-1 as resolved."
    )
    assert "from 1 (not at all) to 5 (very)" in last.text
    assert [button.label for button in last.buttons] == ["1", "2", "3", "4", "5"]
    assert len(resolved.chat.posts) == 2
    assert (await resolved.events()).count("csat_asked") == 1


@pytest.mark.parametrize("how", ["4", " 4/5 ", "４", "press"])
async def test_a_mark_is_kept_and_reopens_nothing(resolved: World, how: str) -> None:
    if how == "press":
        await resolved.say("4", choice=Choice(action=ChoiceAction.RATE, value="4", ticket=1), message_key="")
    else:
        await resolved.say(how)
    assert await status(resolved) is Status.RESOLVED
    rated = [event.data for event in (await resolved.page(1)).events if event.kind == "rated"]
    assert [(each["mark"], each["agent"]) for each in rated] == [(4, "ana")]
    assert resolved.chat.texts[-1] == "Thank you for telling us."
    await resolved.say("5")  # typed once more it is a word like any other
    assert await status(resolved) is Status.OPEN


async def test_a_low_mark_is_shown_to_the_agents(resolved: World) -> None:
    await resolved.say("1")
    assert "The requester is not satisfied: 1 of 5." in resolved.team.texts


async def test_each_resolution_asks_once(resolved: World) -> None:
    await resolved.say("It has not come!")
    assert "open again, with our team (Customer care)" in resolved.chat.texts[-1]
    assert "You will hear from us" in resolved.chat.texts[-1]
    await resolved.act(Verb.RESOLVE, 1)
    assert (await resolved.events()).count("csat_asked") == 2
    assert "as resolved" in resolved.chat.texts[-1] and "from 1" in resolved.chat.texts[-1]


async def test_a_refused_or_undone_resolution_asks_nothing(make_world: MakeWorld) -> None:
    world = await make_world(csat=True)
    await world.say("a person, please")
    result = await world.act(Verb.RESOLVE, 1, text="Done.")
    await world.act(Verb.UNDO, 1, send=result.send)
    assert not (await world.ticket()).watch.csat_open
    await world.say("3")
    assert "rated" not in await world.events()


async def test_a_pressed_mark_counts_even_when_it_is_closed(resolved: World) -> None:
    await resolved.later(days=8)
    assert await status(resolved) is Status.CLOSED
    await resolved.say("5", choice=Choice(action=ChoiceAction.RATE, value="5", ticket=1), message_key="")
    assert await resolved.numbers() == [1]
    assert "rated" in await resolved.events(1)


@pytest.mark.parametrize("text", ["thanks!", "hvala", "谢谢"])
@pytest.mark.parametrize("verb", [Verb.RESOLVE, Verb.REPLY, Verb.HOLD])
async def test_thanks_change_nothing(make_world: MakeWorld, text: str, verb: Verb) -> None:
    world = await make_world(**POLICY)
    await world.say("a person, please")
    await world.act(verb, 1, text="Here you are")
    await world.later(seconds=5)
    before = await status(world)
    await world.say(text)
    assert await status(world) is before is not Status.OPEN
    assert "thanked" in await world.events()


async def test_an_out_of_office_reopens_nothing_and_a_real_answer_does(make_world: MakeWorld) -> None:
    world = await make_world(**POLICY)
    await world.say("a person, please", door="mail", subject="Help")
    await world.act(Verb.RESOLVE, 1, text="Done.")
    await world.later(seconds=5)
    ours = f"mid:ours-{world.mail.posts[-1].id}@example.com"
    away = {"automatic": "out-of-office", "refers_to": (ours,)}
    await world.say("I am away until Monday", door="mail", subject="Re: Help", **away)
    assert await status(world) is Status.RESOLVED
    await world.say("No, it is still broken", door="mail", subject="Re: Help", refers_to=(ours,))
    assert (await world.numbers(), await status(world)) == ([1], Status.OPEN)


async def test_an_answer_to_a_closed_ticket_is_a_new_one_that_points_to_it(make_world: MakeWorld) -> None:
    world = await make_world(**POLICY)
    await world.say("a person, please", door="mail", subject="Help")
    await world.act(Verb.RESOLVE, 1, text="Done.")
    await world.later(days=8)
    ours = f"mid:ours-{world.mail.posts[-1].id}@example.com"
    await world.say("It broke again", door="mail", subject="Re: Help", refers_to=(ours,))
    _, second = await world.numbers()
    threaded = next(event for event in (await world.page(second)).events if event.kind == "threaded")
    assert (threaded.data["decision"], threaded.data["ticket"]) == ("related", 1)


async def test_a_reply_shows_the_agents_words_first(resolved: World) -> None:
    reply = next(entry for entry in await resolved.entries() if entry.kind is EntryKind.REPLY)
    assert reply.text.startswith("Your parcel is on its way.")


# ---------------------------------------------------------------- how we sound


async def test_a_brand_signs_and_smiles(make_world: MakeWorld) -> None:
    world = await make_world(emoji=True, signature={"default": "Your team", "sl": "Vaša ekipa"})
    await world.say("Where is my order?")
    await world.press(ChoiceAction.HELPED)
    assert world.chat.texts[-1].endswith("whenever you need something. 🙂\n\nYour team")


async def test_after_anger_nothing_is_cheerful(make_world: MakeWorld) -> None:
    world = await make_world(emoji=True, triggers=frozenset())
    await world.say("I am furious. Where is my order?")
    await world.press(ChoiceAction.HELPED)
    assert (await world.ticket()).watch.upset
    assert world.chat.texts[-1] == "Noted. If anything is still open, just write."
