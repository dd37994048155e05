"""Several replicas over one PostgreSQL, as real processes: any takes anything, one does it, another takes over."""

from __future__ import annotations

import asyncio
import itertools
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import psycopg
import pytest

from gateway.model import AgentAction, Identity, Verb
from gateway.store import open_driver
from tests import databases
from tests.faults import eventually
from tests.peer import Peer, listening
from tests.replicas import Load, Replica, check, look, quiet, replicas
from tests.stores import hearing, open_stores
from tests.world import World

pytestmark = pytest.mark.timeout(400)


class Three:
    """Three replicas, their database and their far side."""

    def __init__(self, made: list[Replica], uri: str, peer: Peer) -> None:
        self.replicas, self.uri, self.peer = made, uri, peer

    async def until(self, found: Any, seconds: float = 60) -> Any:
        return await asyncio.to_thread(eventually, found, seconds)


@pytest.fixture
async def three(postgres: str, tmp_path: Path) -> AsyncIterator[Three]:
    with databases.fresh_database(postgres) as uri:
        # A send ends well before its lease (four times this one) does, however busy the machine is.
        async with listening() as peer, replicas(tmp_path, uri, peer, 3, lease=1, timeout=3) as made:
            yield Three(made, uri, peer)


async def test_three_replicas_share_everything(three: Three) -> None:
    """One start, several stories: starting three processes costs seconds."""
    assert look(three.uri, "SELECT COUNT(*), COUNT(DISTINCT name) FROM deskgate_migrations")[0][0] >= 4
    await _a_chat_on_one_shows_what_another_handled(three)
    await _timers_fire_once(three)
    await _one_polls_and_another_takes_over(three)
    await _a_send_of_a_frozen_replica_is_counted(three)


async def _a_chat_on_one_shows_what_another_handled(three: Three) -> None:
    a, b, _ = three.replicas
    headers = {"Origin": a.url}
    async with aiohttp.ClientSession() as session:
        async with session.post(f"{a.url}/chat/api/session", json={}, headers=headers) as answer:
            token = (await answer.json())["token"]
        async with session.ws_connect(f"{a.url}/chat/ws", headers=headers) as socket:
            await socket.send_json({"type": "hello", "token": token})
            shown: dict[int, str] = {}
            for number in range(4):
                frame = {"type": "message", "id": f"m{number}", "text": f"Where is my order? ({number})"}
                bearer = {"Authorization": f"Bearer {token}", "Origin": b.url}
                async with session.post(f"{b.url}/chat/api/messages", json=frame, headers=bearer) as answer:
                    assert answer.status == 200, "any replica knows the visitor"
                async with asyncio.timeout(60):
                    await _answered(socket, shown, number + 1)


async def _answered(socket: aiohttp.ClientWebSocketResponse, shown: dict[int, str], count: int) -> None:
    """Returns once the socket has shown so many answers."""
    found = 0
    while found < count:
        frame = await socket.receive_json()
        shown.update({line["id"]: str(line) for line in frame.get("entries", ())})
        found = sum("tracking link" in line for line in shown.values())


async def _timers_fire_once(three: Three) -> None:
    with psycopg.connect(three.uri, autocommit=True) as connection:
        for ticket in range(1000, 1100):
            connection.execute("INSERT INTO timers (ticket, name, due_at) VALUES (%s, 'close', 0)", (ticket,))
    await three.until(lambda: look(three.uri, "SELECT COUNT(*) FROM timers WHERE due_at = 0") == [(0,)])
    fired = look(three.uri, "SELECT COUNT(*), SUM(duplicates) FROM ledger WHERE connector = 'timers'")
    assert fired == [(100, 0)]


async def _one_polls_and_another_takes_over(three: Three) -> None:
    polls = three.peer.polls
    await three.until(lambda: polls)
    for how in ("kill", "freeze"):
        owner = polls[-1]
        replica = next(r for r in three.replicas if r.pid == owner)
        getattr(replica, how)()
        await three.until(lambda owner=owner: polls[-1] != owner)
        if how == "kill":
            replica.start()
            await replica.until_ready()
        else:
            replica.wake()
            await asyncio.sleep(0.5)
    changes = [pid for pid, _ in itertools.groupby(polls)]
    assert len(changes) >= 3, "killed or frozen, another took over"


async def _a_send_of_a_frozen_replica_is_counted(three: Three) -> None:
    three.peer.delay = 2.0  # long enough to be frozen in the middle of it
    async with Load(three.replicas) as load:
        await load.say("frozen", "Where is my order?")
        await three.until(lambda: three.peer.senders)
        replica = next(r for r in three.replicas if r.pid == three.peer.senders[0])
        replica.freeze()
        three.peer.delay = 0
        await three.until(lambda: len(three.peer.senders) == 2)
        assert three.peer.senders[1] != replica.pid
        replica.wake()
        await asyncio.sleep(1)  # its late word changes nothing
        found = look(three.uri, "SELECT state, again FROM outbox WHERE connector = 'peer'")
        assert found == [("accepted", 1)]
        check(three.uri, load, three.peer)


async def test_a_lease_that_ran_out_while_its_holder_was_frozen_is_not_held(
    database: str, articles: Path
) -> None:
    async with World(open_driver(database), articles) as world, open_stores(database) as (other,):
        world.host._lease_ms = 300
        async with world.host.lease("peer/main") as lease:
            assert lease.held
            time.sleep(0.5)  # noqa: ASYNC251 - the whole process stands still
            assert await other.take_lease("peer/main", 60_000)
            assert not lease.held


async def test_a_clock_that_is_a_minute_wrong_harms_nobody(postgres: str, tmp_path: Path) -> None:
    with databases.fresh_database(postgres) as uri:
        clocks = (60.0, -60.0, 0.0)
        async with (
            listening() as peer,
            replicas(tmp_path, uri, peer, 3, clocks, lease=10, timeout=30) as made,
            Load(made) as load,
        ):
            load.start(4)
            await asyncio.sleep(3)
            await load.stop()
            await quiet(uri)
            found = await asyncio.to_thread(check, uri, load, peer)
            assert found["again"] == found["second_sends"] == 0, "leases go by the database's clock"


async def test_beyond_the_backlog_it_says_503_and_recovers(postgres: str, tmp_path: Path) -> None:
    with databases.fresh_database(postgres) as uri:
        async with listening() as peer, replicas(tmp_path, uri, peer, 1, max_backlog=200) as (replica,):
            with psycopg.connect(uri) as lock:
                lock.execute("LOCK TABLE claims IN EXCLUSIVE MODE")  # nothing can be handled
                before = _memory(replica)
                statuses = await _flood(replica, until=503)
                assert statuses[0] == 200
                assert _memory(replica) - before < 40, "MB: what waits lies in the database"
            taken = statuses.count(200)
            await quiet(uri)
            assert look(uri, "SELECT COUNT(*) FROM ledger WHERE state = 'accepted'")[0][0] >= taken
            await _flood(replica, until=200)


async def _flood(replica: Replica, until: int) -> list[int]:
    """The statuses of requests sent as fast as four visitors write, in order, until one is what is waited for."""
    statuses: list[int] = []
    numbers = itertools.count()

    async def one(session: aiohttp.ClientSession) -> None:
        while until not in statuses:
            key = f"{until}-{next(numbers)}"
            body = {"id": key, "conversation": key, "text": "Hello " * 200}
            async with session.post(f"{replica.url}/peer/messages", json=body) as answer:
                statuses.append(answer.status)
                assert answer.status == 200 or answer.headers["Retry-After"]
            await asyncio.sleep(0.02)

    async with aiohttp.ClientSession() as session, asyncio.timeout(120):
        await asyncio.gather(*(one(session) for _ in range(4)))
    return statuses


def _memory(replica: Replica) -> float:
    """Resident memory, MB."""
    status = Path(f"/proc/{replica.pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+)", status)
    assert found
    return int(found[1]) / 1024


async def test_an_action_asked_for_here_and_handled_there_is_answered_at_once(
    postgres: str, articles: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.host.ACT_WITHIN", 90.0)
    with databases.fresh_database(postgres) as uri:
        async with World(open_driver(uri), articles) as here, World(open_driver(uri), articles) as there:
            await there.say("a person, please")
            number = (await there.ticket()).id
            handling = asyncio.create_task(there.intake.run())
            await hearing(here.store, 2)
            action = AgentAction(
                connector="desk", account="browser", delivery_key="x", at=here.clock.now(), verb=Verb.CLAIM,
                actor=Identity(kind="agent", value="ana", verified=True), ticket=number,
            )  # fmt: skip
            began = asyncio.get_running_loop().time()
            result = await here.host.act(action)
            handling.cancel()
            await asyncio.gather(handling, return_exceptions=True)
            assert result.state == "done"
            assert asyncio.get_running_loop().time() - began < 60, "by the bell, not by the last look"
