"""Random stories: what people say, and a fresh world for each of them."""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from bot.signals import wants_human
from gateway import words
from gateway.model import (
    Address,
    Identity,
    Offer,
    SendKind,
)
from gateway.store.sqlite import SqliteDriver
from tests.fakes import FakeConnector
from tests.world import World

T = TypeVar("T")
few = settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

#: "A person, please" as each language says it.
PHRASES = [
    text
    for language in words.load().languages
    if wants_human(text := words.load().say(language, "button_person"))
]
QUESTIONS = [
    "Where is my order?",
    "how do I return an item",
    "I forgot my password",
    "Do you sponsor local football clubs in the autumn?",
    "Where is my order? And do you sponsor football clubs?",
]
SMALL = ["yes", "no, that did not help", "thanks!", "hello", "2", "ok", "？", "kje je moje naročilo"]
TEXTS = st.sampled_from(QUESTIONS + SMALL)
SAID = st.sampled_from(QUESTIONS + SMALL + PHRASES)


def play(story: Callable[[World], Awaitable[T]], articles: Path, **policy: object) -> T:
    """Plays the story in a fresh world."""

    async def run() -> T:
        with tempfile.TemporaryDirectory() as folder:
            async with World(SqliteDriver(Path(folder) / "deskgate.db"), articles, **policy) as world:
                return await story(world)

    return asyncio.run(run())


def an_offer() -> Offer:
    """Mia's address, as a visitor of the chat types it."""
    mail = Address(connector="mail", account="main", conversation="mia@example.org")
    return Offer(
        identity=Identity(kind="email", value="mia@example.org"), address=mail, link="/chat?resume=x"
    )


def nameless(text: str) -> str:
    """The text without the reference of its ticket."""
    return re.sub(r"DG-\d+", "DG", text)


def automatic(connector: FakeConnector) -> list[str]:
    """The addresses that automatic messages went to."""
    return [post.address.conversation for post in connector.posts if post.kind is not SendKind.AGENT]
