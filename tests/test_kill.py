"""kill -9 at any moment, again and again, while people write: nothing is lost, nothing is handled twice.

The witness is what the clients heard, never our own sum (house rule: deliveries acknowledged = accepted +
quarantined + dead + pending + duplicates). Each client repeats a delivery until it hears a 2xx.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from email.message import EmailMessage
from itertools import chain, pairwise
from pathlib import Path

import aiohttp
import aiosmtplib
import pytest
from typing_extensions import override

from gateway.clock import SystemClock
from gateway.model import Agent
from gateway.store import Store, open_driver
from tests import slack_standin
from tests.faults import ADDRESS, Serve, drained
from tests.slack_posts import event_callback, signed, thread_message
from tests.slack_standin import SECRET, TEAM, TOKEN, Slack

ROUNDS = 8
LONGEST = 30.0  #: seconds after which no further round begins

CONFIG = """
[incidents]
people = 0
[desk]
undo_seconds = 0
[queues.general]
title = "Customer care"
default = true
slack_channel = "C0DESK"
[queues.orders]
title = "Orders"
slack_channel = "C0DESK"
[queues.technical]
title = "Technical support"
[connectors.slack.main]
team_id = "{team}"
api_url = "{api}"
speed = 1000
"""
QUESTIONS = (
    "Where is my order?",
    "How do I return an item?",
    "The app closes by itself.",
    "Is anybody there?",
)


class NothingSent(Exception):
    """No connection was made, so the server cannot have counted it."""


class Client:
    """Says one thing after the other, each until it is acknowledged, and now and then once more."""

    kind = ""

    def __init__(self, serve: Serve, name: str) -> None:
        self.serve, self.name = serve, name
        self.said = 0  #: different deliveries
        self.heard = 0  #: 2xx answers
        self.unsure = 0  #: connections that broke with a delivery on them

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            self.said += 1
            await self._until_heard(self.said)
            if self.said % 5 == 0:
                await self._until_heard(self.said)  # the peer's own doubt: a second delivery of the same
            await asyncio.sleep(random.uniform(0.01, 0.08))

    async def _until_heard(self, number: int) -> None:
        while True:
            try:
                if await self.deliver(number):
                    self.heard += 1
                    return
            except NothingSent:
                pass
            except (aiohttp.ClientError, aiosmtplib.SMTPException, OSError):
                self.unsure += 1
            await asyncio.sleep(0.05)

    async def deliver(self, number: int) -> bool:
        """Whether it was acknowledged. Raises NothingSent, or what breaks a connection."""
        raise NotImplementedError

    def mark(self, number: int) -> str:
        """A word that is in this delivery only."""
        return f"{self.name}-{number:04d}"


class Visitor(Client):
    """A web chat over plain HTTP."""

    kind = "webchat"
    token = ""

    @override
    async def deliver(self, number: int) -> bool:
        said = {"type": "message", "id": f"m{number}", "text": f"{_question(number)} {self.mark(number)}"}
        async with aiohttp.ClientSession() as http:
            if not self.token:
                self.token = json.loads((await _post(http, self._url("session"), b"{}", self._head()))[1])[
                    "token"
                ]
            return (await _post(http, self._url("messages"), json.dumps(said).encode(), self._head()))[
                0
            ] == 200

    def _url(self, name: str) -> str:
        return f"{self.serve.url}/chat/api/{name}"

    def _head(self) -> dict[str, str]:
        return {"Origin": self.serve.origin, "Authorization": f"Bearer {self.token}"}


class Note(Client):
    """Slack's Events API: an agent's note in the thread of some card."""

    kind = "slack"

    def __init__(self, serve: Serve, name: str, slack: Slack) -> None:
        super().__init__(serve, name)
        self.slack, self._bodies = slack, dict[int, bytes]()

    @override
    async def deliver(self, number: int) -> bool:
        body = self._bodies.setdefault(number, self._event(number))
        async with aiohttp.ClientSession() as http:
            head = {**signed(body, self.slack.clock), "Content-Type": "application/json"}
            return (await _post(http, f"{self.serve.url}/slack/main/events", body, head))[0] == 200

    def _event(self, number: int) -> bytes:
        cards = [ts for (_, ts), said in self.slack.messages.items() if not said.get("thread_ts")]
        below = thread_message(self.slack, random.choice(cards or ["1700000000.000001"]), self.mark(number))
        return json.dumps(event_callback(below, f"Ev{self.mark(number)}")).encode()


class Mailer(Client):
    """SMTP; every mail is from somebody else."""

    kind = "email"

    @override
    async def deliver(self, number: int) -> bool:
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = f"{self.mark(number)}@example.org", ADDRESS, "A question"
        mail["Message-ID"] = f"<{self.mark(number)}@example.org>"
        mail.set_content(f"{_question(number)} {self.mark(number)}")
        try:
            await aiosmtplib.send(mail, hostname="127.0.0.1", port=self.serve.smtp_port, timeout=60)
        except (aiosmtplib.SMTPConnectError, aiosmtplib.SMTPResponseException) as error:
            raise NothingSent from error
        return True


async def _post(
    http: aiohttp.ClientSession, url: str, body: bytes, head: dict[str, str]
) -> tuple[int, bytes]:
    try:
        async with http.post(url, data=body, headers=head) as answer:
            return answer.status, await answer.read()
    except aiohttp.ClientConnectorError as error:
        raise NothingSent from error


def _question(number: int) -> str:
    return QUESTIONS[number % len(QUESTIONS)]


# ---------------------------------------------------------------- the story


@pytest.mark.timeout(400)
async def test_nothing_is_lost_and_nothing_done_twice_by_kill_9(tmp_path: Path) -> None:
    async with slack_standin.running(SystemClock()) as slack:
        serve = Serve(tmp_path, CONFIG.format(team=TEAM, api=slack.api_url), _SECRETS)
        await _with_an_agent(serve)
        clients: list[Client] = [Visitor(serve, f"visitor{n}") for n in range(5)]
        clients += [Note(serve, "note", slack), Mailer(serve, "mail")]
        try:
            await _live_and_die(serve, clients)
            await _drain(serve)
            _everything_was_counted(serve, clients)
            _everything_was_handled_once(serve, clients)
            _everybody_has_one_ticket(serve, clients)
            _second_sends_are_counted(serve, slack)
        finally:
            if serve.running:
                serve.kill()


_SECRETS = {
    "DESKGATE_CONNECTORS__SLACK__MAIN__SIGNING_SECRET": SECRET,
    "DESKGATE_CONNECTORS__SLACK__MAIN__BOT_TOKEN": TOKEN,
}


async def _with_an_agent(serve: Serve) -> None:
    store = Store(open_driver(f"sqlite:///{serve.database}"))
    await store.open()
    await store.add_agent(Agent(id="ann", name="Ann Agent", slack_id=f"{TEAM}:U0ANN"), 0)
    await store.close()


async def _live_and_die(serve: Serve, clients: Sequence[Client]) -> None:
    """Starts it, lets people write, kills it; at last it lives on and hears what it owes an answer."""
    stop, began = asyncio.Event(), time.monotonic()
    writing = [asyncio.create_task(client.run(stop)) for client in clients]
    try:
        for _ in range(ROUNDS):
            serve.start()
            await serve.until_ready()
            await asyncio.sleep(random.uniform(0.02, 1.2))
            serve.kill()
            if time.monotonic() - began > LONGEST:
                break
        serve.start()
        await serve.until_ready()
        stop.set()
        await asyncio.wait_for(asyncio.gather(*writing), 90)
    finally:
        for task in writing:
            task.cancel()
        await asyncio.gather(*writing, return_exceptions=True)


async def _drain(serve: Serve) -> None:
    with suppress(AssertionError):  # the next line says more about what is left
        await asyncio.to_thread(drained, serve.backlog)
    assert serve.drained(), serve.rows(
        "SELECT 'ledger', state, reason, COUNT(*) FROM ledger WHERE state = 'pending' GROUP BY 2, 3 UNION ALL "
        "SELECT connector, state, reason, COUNT(*) FROM outbox "
        "WHERE state IN ('held', 'queued', 'sending') GROUP BY 1, 2, 3"
    )


# ---------------------------------------------------------------- what must hold


def _everything_was_counted(serve: Serve, clients: Sequence[Client]) -> None:
    counted = serve.ledger_check()
    assert (counted["pending"], counted["dead"], counted["quarantined"]) == (0, 0, 0)
    for kind in ("webchat", "slack", "email"):
        ours = [client for client in clients if client.kind == kind]
        rows, duplicates = serve.rows(
            "SELECT COUNT(*), COALESCE(SUM(duplicates), 0) FROM ledger WHERE connector = ?", (kind,)
        )[0]
        heard, unsure = sum(c.heard for c in ours), sum(c.unsure for c in ours)
        assert heard > 0
        assert rows == sum(c.said for c in ours), f"{kind}: different deliveries and rows"
        assert heard <= rows + duplicates <= heard + unsure, f"{kind}: what was heard and what was counted"


def _everything_was_handled_once(serve: Serve, clients: Sequence[Client]) -> None:
    accepted = [row[0] for row in serve.rows("SELECT id FROM ledger WHERE state = 'accepted'")]
    turns = [json.loads(row[0]) for row in serve.rows("SELECT inputs FROM turns")]
    assert sorted(chain.from_iterable(turns)) == sorted(accepted)
    entries = serve.rows("SELECT ledger, text FROM entries WHERE kind IN ('message', 'note')")
    assert max(Counter(row[0] for row in entries).values()) == 1
    said = Counter(word for _, text in entries for word in re.findall(r"\b[a-z]+\d*-\d{4}\b", text))
    for client in clients:
        marks = [client.mark(number) for number in range(1, client.said + 1)]
        least = 0 if client.kind == "slack" else 1  # a note below no card of ours is refused
        assert {mark: said[mark] for mark in marks if not least <= said[mark] <= 1} == {}


def _everybody_has_one_ticket(serve: Serve, clients: Sequence[Client]) -> None:
    tickets = Counter(row[0] for row in serve.rows("SELECT kind FROM participants WHERE role = 'requester'"))
    assert tickets["webchat"] == sum(client.kind == "webchat" for client in clients)
    assert tickets["email"] == sum(client.said for client in clients if client.kind == "email")
    said = serve.rows("SELECT ticket, text FROM entries WHERE author_key LIKE 'webchat:%' ORDER BY id")
    for ticket in {row[0] for row in said}:
        marks = [text.split()[-1] for number, text in said if number == ticket]
        assert all(earlier < later for earlier, later in pairwise(marks)), "in the order of the stream"


def _second_sends_are_counted(serve: Serve, slack: Slack) -> None:
    """Slack's own count of posts: one a row, and one more for each time that we know we sent again."""
    posted = Counter(_subject(said) for method, said in slack.calls if method == "chat.postMessage")
    rows = serve.rows("SELECT payload, again, state FROM outbox WHERE connector = 'slack'")
    allowed: Counter[str] = Counter()
    for payload, again, state in rows:
        post = json.loads(payload)
        if post["type"] == "post":
            assert (state, posted[_subject(post)] >= 1) == ("accepted", True), post
            allowed[_subject(post)] += 1 + again
    assert allowed
    assert {key: times for key, times in posted.items() if times > allowed[key]} == {}


def _subject(said: dict[str, object]) -> str:
    """What a post is about: the ticket of a card, or the one word that is in this line only."""
    text = str(said["text"])
    found = re.match(r"DG-\d+", text) or re.search(r"\b[a-z]+\d*-\d{4}\b", text)
    assert found, f"whose is {text!r}?"
    return found[0]
