"""The bot's dial: suggestions that agents send, edit or ignore; stops that hold at once, and once more when sending."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import Refused
from gateway.model import BotMode, EntryKind, Identity, SendKind, Speaker, Verb
from tests.conftest import MakeWorld
from tests.world import World

LEAD = Identity(kind="agent", value="lea", verified=True)
QUESTION = "Where is my order?"


@pytest.fixture
def database(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/deskgate.db"


async def suggested(make_world: MakeWorld) -> World:
    world = await make_world(bot_modes={"chat/main": BotMode.SUGGEST})
    await world.say(QUESTION)
    return world


async def outcomes(world: World) -> list[str]:
    return [e.data["outcome"] for e in (await world.page(1)).events if e.kind == "suggestion"]


async def test_a_suggestion_goes_to_agents_and_not_to_the_requester(make_world: MakeWorld) -> None:
    world = await suggested(make_world)
    ticket = await world.ticket(1)
    assert (ticket.speaker, ticket.queue, ticket.cause) == (Speaker.AGENT, "orders", "suggested")
    assert [e.kind for e in await world.entries(1)] == [EntryKind.MESSAGE, EntryKind.NOTICE]
    cards = [post.card for post in world.team.sent if getattr(post, "card", None)]
    assert cards[-1].suggestion == ticket.bot.suggestion != ""
    assert Verb.SEND_SUGGESTION in cards[-1].actions
    await world.say(QUESTION, "tom", "mail")
    assert (await world.ticket()).bot.suggestion == "", "the other account answers by itself"


async def test_it_is_sent_as_it_is_and_counted_as_used(make_world: MakeWorld) -> None:
    world = await suggested(make_world)
    suggestion = (await world.ticket(1)).bot.suggestion
    assert (await world.act(Verb.SEND_SUGGESTION, 1)).state == "done"
    await world.later(seconds=5)
    assert (await world.entries(1))[-1].text == suggestion
    assert world.chat.sent[-1].kind is SendKind.AGENT
    assert await outcomes(world) == ["used"]
    assert (await world.act(Verb.SEND_SUGGESTION, 1)).state == "refused"


@pytest.mark.parametrize(("said", "outcome"), [("{} Best wishes!", "edited"), ("Please call us.", "ignored")])
async def test_another_text_is_edited_or_ignored(make_world: MakeWorld, said: str, outcome: str) -> None:
    world = await suggested(make_world)
    await world.act(Verb.REPLY, 1, text=said.format((await world.ticket(1)).bot.suggestion))
    assert await outcomes(world) == [outcome]


async def test_resolving_without_it_ignores_it(make_world: MakeWorld) -> None:
    world = await suggested(make_world)
    await world.act(Verb.RESOLVE, 1)
    assert await outcomes(world) == ["ignored"]


@pytest.mark.parametrize(
    ("mode", "cause"), [(BotMode.OFF, "bot_off"), (BotMode.SUGGEST, "suggested"), (BotMode.ANSWER, "")]
)
async def test_the_dial_of_the_house(make_world: MakeWorld, mode: BotMode, cause: str) -> None:
    world = await make_world(bot_default=mode)
    await world.say(QUESTION)
    assert (await world.ticket()).cause == cause


@pytest.mark.parametrize("scope", ["all", "channel:chat", "account:chat/main", "article:"])
async def test_a_stop_holds_for_what_is_decided_and_for_what_waits_to_be_sent(
    world: World, scope: str
) -> None:
    await world.take(world.message(QUESTION))
    await world.intake.handle_ready()
    if scope == "article:":
        scope += (await world.ticket(1)).bot.article.partition(".")[0]
        world.host.articles = lambda: (scope.partition(":")[2],)
    await world.host.stop_bot(LEAD, scope, "It misleads")
    await world.settle()
    await world.settle()  # what was held back comes in as a report of its own
    ticket = await world.ticket(1)
    assert (ticket.queue, ticket.cause, ticket.speaker) == ("general", "bot_stopped", Speaker.AGENT)
    kinds = [post.kind for post in world.chat.sent]
    assert kinds == [SendKind.NOTICE], "the answer stays here; that a person answers is said"
    await world.say(QUESTION, "tom")
    assert (await world.ticket()).cause == "bot_stopped"
    await world.host.start_bot(LEAD, scope)
    await world.say(QUESTION, "eva")
    assert (await world.ticket()).cause == ""


async def test_only_leads_stop_it_and_only_what_there_is(world: World) -> None:
    with pytest.raises(Refused, match="Only a lead"):
        await world.host.stop_bot(Identity(kind="agent", value="ana"), "all")
    with pytest.raises(Refused, match="Choose among: chat, mail"):
        await world.host.stop_bot(LEAD, "channel:fax")
    with pytest.raises(Refused, match="was not stopped"):
        await world.host.start_bot(LEAD, "all")
    await world.host.stop_bot(LEAD, "all", "Too many mistakes")
    (line,) = await world.host.bot_stops()
    assert (line.scope, line.by, line.why) == ("all", "lea", "Too many mistakes")
