"""The menu of topics, on whatever channel: with a greeting, by its number, by its button, by its name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bot.signals import small_talk
from connectors.telegram.buttons import keyboard
from gateway.model import BotMode, Button, Choice, ChoiceAction, Speaker, Status, Verb
from gateway.store.driver import Driver
from gateway.store.sqlite import SqliteDriver
from tests.conftest import MakeWorld
from tests.fakes import write_articles
from tests.world import World

TOPICS = {"track-order": "Orders", "return-item": "Orders", "reset-password": "Account"}


@pytest.fixture(scope="module")
def articles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_articles(tmp_path_factory.mktemp("by-topic"))
    for slug, topic in TOPICS.items():
        file = folder / f"{slug}.md"
        file.write_text(
            file.read_text("utf-8").replace("language: en\n", f"language: en\ntopic: {topic}\n"), "utf-8"
        )
    return folder


@pytest.fixture
def driver(tmp_path: Path) -> Driver:
    return SqliteDriver(tmp_path / "deskgate.db")


@pytest.mark.parametrize("hello", ["hello", "Help!", "menu"])
async def test_whoever_says_nothing_yet_is_shown_the_topics(world: World, hello: str) -> None:
    await world.say(hello)
    post = world.chat.posts[-1]
    assert "1. Account\n2. Orders" in post.text
    assert ("Hello!" in post.text) == (hello == "hello")
    assert [b.label for b in post.buttons] == ["Account", "Orders", "A person, please"]
    ticket = await world.ticket()
    assert (ticket.status, ticket.queue, ticket.bot.attempts) == (Status.PENDING, "", 0)


async def test_a_topic_by_number_lists_its_articles_and_one_of_them_by_number_is_quoted(world: World) -> None:
    await world.say("hello")
    await world.say("2")
    post = world.chat.posts[-1]
    assert "“Orders”" in post.text and "1. How do I return something?\n2. Where is my order?" in post.text
    assert [b.label for b in post.buttons][-2:] == ["None of these", "A person, please"]
    await world.say("1.")
    assert "Print the return label" in world.chat.texts[-1]
    assert {"menu", "topic", "chose", "answered"} <= set(await world.events())


async def test_a_topic_of_one_article_is_that_article(world: World) -> None:
    await world.say("hello")
    await world.press(ChoiceAction.TOPIC, "Account")
    assert "Choose “Forgot password”" in world.chat.texts[-1]
    await world.say("yes")
    assert (await world.ticket()).status is Status.RESOLVED


async def test_a_topic_is_known_by_its_name(world: World) -> None:
    await world.say("orders?")
    assert "“Orders”" in world.chat.texts[-1]


async def test_a_question_after_the_menu_is_a_question(world: World) -> None:
    await world.say("hello")
    await world.say("I forgot my password")
    assert "Choose “Forgot password”" in world.chat.texts[-1]


async def test_none_of_a_topic_or_a_topic_that_is_no_more_goes_to_a_person(world: World) -> None:
    await world.say("orders")
    await world.press(ChoiceAction.NONE_OF_THESE)
    assert (await world.ticket()).queue == "general"
    await world.say("hello", who="tom")
    await world.press(ChoiceAction.TOPIC, "Gardening", who="tom")
    assert (await world.ticket()).queue == "general"


async def test_no_menu_in_a_language_without_topics(world: World) -> None:
    await world.say("živjo")
    assert world.chat.posts[-1].buttons == ()


async def test_no_menu_where_the_bot_only_suggests(make_world: MakeWorld) -> None:
    world = await make_world(bot_default=BotMode.SUGGEST)
    await world.say("hello")
    await world.say("orders", who="tom")
    assert not any("“Orders”" in text or "1. Account" in text for text in world.chat.texts)


@pytest.mark.parametrize(
    "text", ["Hilfe!", "¡Ayuda, por favor!", "pomoč", "帮助", "幫助", "選單", "help me please"]
)
def test_a_bare_call_for_help_in_every_language(text: str) -> None:
    assert small_talk(text) == "menu"


def test_a_topic_too_long_for_a_telegram_button_travels_as_its_number() -> None:
    labels = ["Kurz", "退货与退款" * 9]
    made = keyboard(
        [Button(label=t, choice=Choice(action=ChoiceAction.TOPIC, value=t, ticket=7)) for t in labels]
    )
    (short,), (long,) = made["inline_keyboard"]
    assert short["callback_data"] == "t:7::Kurz" and long["callback_data"] == "#:2::"


def test_what_the_chat_offers_at_its_start_calls_for_the_menu() -> None:
    words = Path("connectors/static/webchat/words.js").read_text("utf-8")
    offered = re.findall(r'topics: "([^"]+)"', words)
    assert len(offered) == 6
    assert [small_talk(text) for text in offered] == ["menu"] * 6


@pytest.mark.parametrize("said", ["hello", "help"])
async def test_a_greeting_after_the_end_opens_a_new_talk_with_the_assistant(world: World, said: str) -> None:
    await world.say("a person, please: my lamp hums")
    number = (await world.ticket()).id
    await world.act(Verb.CLAIM, number)
    await world.act(Verb.RESOLVE, number)
    await world.say(said)
    assert "1. Account\n2. Orders" in world.chat.texts[-1]
    ticket = await world.ticket()
    assert (ticket.status, ticket.speaker) == (Status.PENDING, Speaker.BOT)
    assert "begun_anew" in await world.events() and "reopened" not in await world.events()
    await world.say("Where is my order?")
    assert (await world.ticket()).id == number and "answered" in await world.events()
    await world.say("a person, please")
    ticket = await world.ticket()
    assert (ticket.status, ticket.speaker) == (Status.OPEN, Speaker.AGENT)


async def test_a_word_about_what_was_resolved_still_reopens_it(world: World) -> None:
    await world.say("a person, please: my lamp hums")
    number = (await world.ticket()).id
    await world.act(Verb.CLAIM, number)
    await world.act(Verb.RESOLVE, number)
    await world.say("hello, it hums again")
    assert (await world.ticket()).status is Status.OPEN and "reopened" in await world.events()
