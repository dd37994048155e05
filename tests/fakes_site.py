"""A running site over a scene of tests.fakes_web, and a browser without scripts that looks at it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import ClientResponse, CookieJar, web
from aiohttp.test_utils import TestClient, TestServer, unused_port

from bot.articles import Library, load
from bot.reply import Candidate
from gateway import words
from gateway.model import Agent
from gateway.operations.health import Trouble
from gateway.operations.vitals import DeadInput, Fare
from gateway.store.vitals import Alarm, Vitals
from gateway.web import Site, attach
from gateway.web.security import SESSION
from tests.fakes_web import ADMIN, KEY, FakeHost

KB = Path(__file__).parent.parent / "kb_articles"


class FakeBot:
    """Finds the articles whose titles or questions share words with the text."""

    def __init__(self, library: Library) -> None:
        self.library = library

    def search(self, text: str, language: str | None = None, limit: int = 10) -> list[Candidate]:
        words = set(text.casefold().split())
        scored = [
            (len(words & set(" ".join((a.title, *a.questions)).casefold().split())), a)
            for a in self.library.articles
        ]
        best = sorted((pair for pair in scored if pair[0]), key=lambda pair: -pair[0])[:limit]
        return [
            Candidate(name=a.name, title=a.title, confidence=score / (len(words) or 1)) for score, a in best
        ]


class FakeOperations:
    """Nothing is wrong, unless `letters` or a `fared` are given; remembers what was to be tried again."""

    def __init__(self, *letters: DeadInput, fared: Fare | None = None) -> None:
        self.letters, self.replayed = list(letters), list[tuple[object, str]]()
        self.fared = fared or Fare(
            vitals=Vitals(), troubles={}, alarms=[], heard={}, input_age=0.0, send_age=0.0
        )

    async def fare(self) -> Fare:
        return self.fared

    async def dead(self) -> list[DeadInput]:
        return self.letters

    async def replay(self, ids: list[int] | None, who: str) -> list[int]:
        self.replayed.append((ids, who))
        return [letter.id for letter in self.letters] if ids is None else ids


LETTER = DeadInput(
    id=7, at=datetime(2026, 3, 1, tzinfo=UTC), connector="email", account="support", kind="message", attempts=3,
    reason="ValueError in mask:12", who="Mia <b>", about="My parcel", sealed=False,
)  # fmt: skip
#: A morning on which much is wrong.
TROUBLED = Fare(
    vitals=Vitals(pending=12, waiting=4, dead=2, quarantined=3, failed=1, uncertain=1, paused=True),
    troubles={
        "slack/main sends": Trouble(
            since=LETTER.at, reason="Slack could not be reached (OSError)", seen=LETTER.at
        )
    },
    alarms=[
        Alarm(
            name="email/support receives",
            at=0,
            text="email/support receives nothing since 08:12 UTC.",
        )
    ],
    heard={"email/support": LETTER.at, "webchat/site": LETTER.at},
    input_age=400.0,
    send_age=9000.0,
)


def make_site(desk: FakeHost, library: Library | None = None, **changes: Any) -> Site:
    """The site of a scene; the shipped articles unless others are given."""
    bot = FakeBot(load(KB) if library is None else library)
    fields: dict[str, Any] = {
        "company": desk.company,
        "bot_name": "Nora",
        "public_url": desk.public_url,
        "languages": ("en", "sl", "zh-Hans", "zh-Hant"),
        "demo": True,
        "host": desk,
        "reads": desk.reads,
        "people": desk.people,
        "members": desk.members,
        "bot": lambda: bot,
        "problems": lambda: desk.article_problems,
        "words": words.load,
        "clock": desk.clock,
        "key": KEY,
        "operations": FakeOperations(),
        "agent_name": lambda agent: desk.team[agent].name if agent in desk.team else agent,
        "hidden_queues": lambda _: desk.closed_queues,
        "email_account": "support",
        "email_address": "help@northwind.example",
    }
    return Site(**(fields | changes))


class Browser:
    """A browser without scripts: keeps cookies, asks for pages, fills in forms."""

    def __init__(self, client: TestClient[web.Request, web.Application], desk: FakeHost) -> None:
        self.client, self.desk = client, desk

    def enter(self, agent: Agent = ADMIN) -> None:
        """Signs an agent in."""
        url = self.client.make_url("/desk")
        self.client.session.cookie_jar.update_cookies({SESSION: self.desk.sign_in(agent)}, url)

    async def get(self, path: str, **options: Any) -> ClientResponse:
        options["headers"] = {"Accept": "text/html"} | options.get("headers", {})
        return await self.client.get(path, **options)

    async def text(self, path: str, **options: Any) -> str:
        return await (await self.get(path, **options)).text()

    async def form(self, path: str) -> dict[str, str]:
        """The hidden fields that every form of a page carries."""
        text = await self.text(path)
        return dict(re.findall(r'<input type="hidden" name="(csrf|once)" value="([^"]*)"', text))

    async def post(self, path: str, form: Any, **options: Any) -> ClientResponse:
        headers = {"Accept": "text/html", "Origin": self.desk.public_url} | options.pop("headers", {})
        return await self.client.post(path, data=form, headers=headers, **options)


@asynccontextmanager
async def open_site(
    desk: FakeHost | None = None, library: Library | None = None, **changes: Any
) -> AsyncIterator[Browser]:
    """A running site with a browser; `changes` go to the Site."""
    desk, app = desk or FakeHost(), web.Application()
    port = unused_port()
    desk.public_url = f"http://127.0.0.1:{port}"
    attach(app, make_site(desk, library, **changes))
    async with TestClient(TestServer(app, port=port), cookie_jar=CookieJar(unsafe=True)) as client:
        yield Browser(client, desk)
