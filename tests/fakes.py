"""Stand-ins that are driven by hand: a clock, a connector that records, and a small knowledge base."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aiohttp import web

from gateway.connector import Capabilities, Host
from gateway.model import Outgoing, Post, Replace, Sent

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class ManualClock:
    """Stands still until told; a sleeper wakes when the time has been moved past it."""

    def __init__(self, now: datetime = START) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def advance(self, **span: float) -> None:
        self._now += timedelta(**span)

    async def sleep_until(self, when: datetime) -> None:
        while self._now < when:
            await asyncio.sleep(0.005)

    def deadline(self, seconds: float) -> datetime:
        return self._now + timedelta(seconds=seconds)


class FakeConnector:
    """Records what it is asked to send; `fails` raises instead for as long as it returns an error."""

    def __init__(
        self, name: str, account: str = "main", *, threads: bool = False, idempotent: bool = False
    ) -> None:
        self.name, self.account = name, account
        self.capabilities = Capabilities(
            buttons=True, files=True, threads=threads, idempotent=idempotent, loopback=True
        )
        self.sent: list[Outgoing] = []
        self.fails: Callable[[Outgoing], Exception | None] = lambda outgoing: None

    def attach(self, app: web.Application, host: Host) -> None:
        self.host = host

    async def send(self, outgoing: Outgoing) -> Sent:
        if error := self.fails(outgoing):
            raise error
        self.sent.append(outgoing)
        number = f"{len(self.sent)}"
        opens = isinstance(outgoing, Post) and outgoing.card is not None
        return Sent(
            external_ids=(number,),
            thread=f"thread-{number}" if opens else "",
            keys=(f"mid:ours-{outgoing.id}@example.com",) if self.capabilities.threads else (),
        )

    @property
    def posts(self) -> list[Post]:
        return [outgoing for outgoing in self.sent if isinstance(outgoing, Post)]

    @property
    def texts(self) -> list[str]:
        return [post.text for post in self.posts]

    @property
    def cards(self) -> list[Post | Replace]:
        return [o for o in self.sent if isinstance(o, Replace) or (isinstance(o, Post) and o.card)]


ARTICLES = {
    "track-order": (
        "Where is my order?",
        [
            "where is my order",
            "track my parcel",
            "when will my package arrive",
            "I have not received my order yet",
        ],
        "orders",
        "You can follow your parcel with the tracking link in the shipping mail.",
    ),
    "return-item": (
        "How do I return something?",
        [
            "how do I return an item",
            "send something back",
            "return a product I bought",
            "how can I give goods back",
        ],
        "orders",
        "Print the return label from your account and hand the parcel in within 30 days.",
    ),
    "reset-password": (
        "I forgot my password",
        [
            "I forgot my password",
            "reset my password",
            "cannot log in to my account",
            "password does not work",
        ],
        "technical",
        "Choose “Forgot password” on the sign-in page and follow the link in the mail.",
    ),
}


def write_articles(folder: Path) -> Path:
    """A knowledge base of three articles."""
    folder.mkdir(parents=True, exist_ok=True)
    for slug, (title, questions, queue, body) in ARTICLES.items():
        asked = "\n".join(f"  - {question}" for question in questions)
        (folder / f"{slug}.md").write_text(
            f"---\ntitle: {title}\nquestions:\n{asked}\nlanguage: en\nqueue: {queue}\n"
            f"may_answer: [account]\nsample: true\n---\n{body}\n",
            "utf-8",
        )
    return folder
