"""The operator's bad day: full disk, torn files, clocks that jump, services away. A clear line each, nothing lost."""

from __future__ import annotations

import asyncio
import logging
import shutil
import sqlite3
from collections import Counter
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.clock import to_ms
from gateway.errors import Retryable, StoreError
from gateway.escalation.ladder import Pulse
from gateway.model import Verb
from gateway.operations.doctor import of_clock
from gateway.store import open_driver
from gateway.store.examination import Looked
from tests.conftest import MakeWorld
from tests.hours import MATRIX
from tests.stores import open_stores, row, rows
from tests.world import World


@pytest.fixture
async def embedded(tmp_path: Path, articles: Path) -> World:
    return World(open_driver(f"sqlite:///{tmp_path}/deskgate.db"), articles)


async def allow(world: World, pages: int) -> None:
    """How large the file may grow, in pages: SQLite's own way of a full disk."""
    await world.store.driver.write(lambda tx: tx.one(f"PRAGMA max_page_count = {pages}"))


async def test_a_full_disk_refuses_clearly_and_costs_nothing(embedded: World) -> None:
    async with embedded as world:
        await world.say("Where is my order?")
        used = (await world.store.driver.read(lambda tx: tx.one("PRAGMA page_count")) or (0,))[0]
        waiting = await world.take(world.message("And my parcel?"))
        await allow(world, used)
        refused = world.message("x" * 60_000, who="lou")
        with pytest.raises(StoreError, match=r"full.*Make room.*nothing is lost"):
            for _ in range(50):
                await world.take(world.message("x" * 60_000, who="lou"))
        before = await world.store.ledger_count()
        assert (
            before.adds_up and before.dead == 0
        )  # what was acknowledged is there, and nothing is blamed for it
        running = asyncio.create_task(world.intake.run())
        await asyncio.sleep(0.3)
        assert not running.done()  # it waits
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await allow(world, 1_000_000)
        await world.take(refused)
        await world.settle()
        after = await world.store.ledger_count()
        assert after.adds_up and after.dead == 0 and after.pending == 0
        assert waiting[0].ledger_id > 0 and await world.store.result(waiting[0].ledger_id) is not None


@pytest.mark.parametrize("torn", [b"\x00" * 700, b"\xff" * 4096, b"half a frame"])
async def test_a_torn_end_of_the_write_ahead_log_loses_nothing_acknowledged(
    torn: bytes, tmp_path: Path
) -> None:
    live, copy = tmp_path / "live", tmp_path / "copy"
    live.mkdir()
    copy.mkdir()
    async with open_stores(f"sqlite:///{live}/deskgate.db") as (store,):
        for number in range(20):
            await store.take([row(f"k{number}", sealed=b"x" * 3000)])
        for name in ("deskgate.db", "deskgate.db-wal"):
            await asyncio.to_thread(shutil.copyfile, live / name, copy / name)
    with (copy / "deskgate.db-wal").open("ab") as log:
        log.write(torn)
    async with open_stores(f"sqlite:///{copy}/deskgate.db") as (store,):
        count = await store.ledger_count()
        assert count.pending == count.acknowledged == 20 and count.adds_up
        await store.take([row("after")])


async def test_a_damaged_database_is_named_with_what_to_do(tmp_path: Path) -> None:
    from gateway.operations.doctor import of_database
    from gateway.store.examination import look

    path = tmp_path / "deskgate.db"
    async with open_stores(f"sqlite:///{path}") as (store,):
        for number in range(50):
            await store.take([row(f"k{number}", sealed=b"x" * 3000)])
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 8192] = b"\xa5" * 8192
    path.write_bytes(content)
    try:
        found = of_database(f"sqlite:///{path}", look(f"sqlite:///{path}"))
        assert found[0].level == "error" and "deskgate restore" in found[0].remedy
    except StoreError as error:
        assert "malformed" in str(error)


async def test_a_clock_that_jumps_loses_nothing(world: World) -> None:
    await world.say("Where is my order?")
    world.clock.advance(hours=6)
    await world.say("a person, please", who="lou")
    ahead = to_ms(world.clock.now())
    world.clock.advance(hours=-5)
    await world.say("I forgot my password", who="noa")
    await world.settle()
    count = await world.store.ledger_count()
    assert count.adds_up and count.pending == count.dead == 0
    assert len(world.chat.posts) >= 3 and len(await world.numbers()) == 3
    (found,) = [f for f in of_clock(Looked(newest=ahead + to_ms(world.clock.now())), 0) if f.level == "error"]
    assert "the clock jumped" in found.what and "nothing is lost" in found.remedy


async def test_slack_away_for_an_hour_keeps_every_card_in_order(world: World) -> None:
    world.team.fails = lambda outgoing: Retryable("Slack could not be reached (OSError).", bucket="team/main")
    for number in range(6):
        await world.say("a person, please", who=f"mia{number}")
    first = (await world.numbers())[0]
    await world.act(Verb.REPLY, first, text="I am on it")  # the desk in the browser goes on
    await world.later(seconds=10)
    assert "I am on it" in world.chat.texts and world.team.sent == []
    for _ in range(60):
        await world.later(minutes=1)
    assert "team/main sends" in world.intake.health.troubles
    world.team.fails = lambda outgoing: None
    await world.later(minutes=20)
    opened = [post.card.ticket for post in world.team.posts if post.card]
    assert sorted(set(opened)) == await world.numbers()
    assert "team/main sends" not in world.intake.health.troubles
    assert (await world.store.ledger_count()).adds_up


async def test_a_lost_database_is_one_line_a_second_and_no_dead_letter(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    receipt = (await world.take(world.message("Where is my order?")))[0]

    async def lost(*_: object) -> object:
        raise StoreError("PostgreSQL: OperationalError: connection refused")

    with monkeypatch.context() as broken, caplog.at_level(logging.WARNING):
        broken.setattr(world.store, "claim_streams", lost)
        running = asyncio.create_task(world.intake.run())
        await asyncio.sleep(0.3)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert "intake waits for the database" in caplog.text
    await world.settle()
    assert await world.store.result(receipt.ledger_id) is not None
    assert (await world.store.ledger_count()).dead == 0


async def test_three_days_down_with_three_hundred_open_tickets_brings_no_flood(make_world: MakeWorld) -> None:
    """Every promise is broken at once: each queue hears it in one line, each person at most one word."""
    world = await make_world(
        **MATRIX, pulse=Pulse(every=timedelta(hours=4), ask_before=timedelta(hours=1), most=3)
    )
    for number in range(300):
        await world.take(world.message("a person, please", who=f"c{number}"))
    await world.settle()
    assert len(await world.numbers()) == 300
    heard, told = len(world.chat.posts), len(world.team.posts)
    world.clock.advance(days=3)
    await world.settle()
    for _ in range(10):
        await world.later(minutes=1)
    news = world.team.posts[told:]
    assert [post.text.partition(" have")[0] for post in news] == [
        "Deskgate was away, and 300 tickets of Customer care"
    ]
    assert news[0].card is None and "/desk?queue=general" in news[0].text
    per_person = Counter(post.address.conversation for post in world.chat.posts[heard:])
    assert max(per_person.values(), default=0) <= 1
    breaches = await rows(world.store, "SELECT COUNT(*) FROM events WHERE kind = 'breach'")
    assert breaches[0][0] >= 300  # folded for people, recorded one by one


async def test_a_few_late_ones_are_told_one_by_one(make_world: MakeWorld) -> None:
    world = await make_world(**MATRIX)
    for number in range(3):
        await world.say("a person, please", who=f"c{number}")
    told = len(world.team.posts)
    world.clock.advance(days=3)
    await world.settle()
    assert len(world.team.posts) - told >= 3
    assert not any("was away" in post.text for post in world.team.posts)
