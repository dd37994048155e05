"""The store on both databases: what is durable, who holds what, and what a failure undoes."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.errors import SchemaTooNew, StoreError
from gateway.model import Cursor, SendKind, SendState, Sent
from gateway.store import Store, open_driver
from gateway.store.ledger import TURN_ROWS, BlobPart, TakeRow
from gateway.store.outbox import ClaimedSend, Stuck
from gateway.store.timers import Due
from gateway.store.tx import Tx
from tests.stores import LONG, NOW, handle, hearing, new_ticket, open_stores, outcome, row, rows, run


@pytest.fixture
async def store(database: str) -> AsyncIterator[Store]:
    async with open_stores(database) as (store,):
        yield store


@pytest.fixture
async def two(database: str) -> AsyncIterator[tuple[Store, Store]]:
    async with open_stores(database, 2) as (a, b):
        yield a, b


# ---------------------------------------------------------------- taking


async def test_what_waits_together_is_taken_in_order_and_counted(store: Store) -> None:
    receipts = await asyncio.gather(*(store.take([row(f"k{n}"), row(f"l{n}")]) for n in range(100)))
    numbers = [receipt.ledger_id for pair in receipts for receipt in pair]
    assert numbers == sorted(numbers) and len(set(numbers)) == 200
    count = await store.ledger_count()
    assert (count.acknowledged, count.pending, count.duplicates) == (200, 200, 0) and count.adds_up


async def test_a_delivery_counts_once_however_often_it_comes(two: tuple[Store, Store]) -> None:
    first = (await two[0].take([row("same")]))[0]
    again = await asyncio.gather(*(two[n % 2].take([row("same")]) for n in range(20)))
    assert not first.duplicate
    assert {(r[0].ledger_id, r[0].duplicate) for r in again} == {(first.ledger_id, True)}
    count = await two[0].ledger_count()
    assert (count.acknowledged, count.pending, count.duplicates) == (21, 1, 20) and count.adds_up


async def test_two_replicas_take_the_same_redeliveries_in_opposite_order(two: tuple[Store, Store]) -> None:
    keys = [f"k{n}" for n in range(60)]
    there, back = ([row(key) for key in order] for order in (keys, keys[::-1]))
    await asyncio.gather(*(store.take(batch) for store, batch in [(two[0], there), (two[1], back)] * 5))
    count = await two[0].ledger_count()
    assert (count.acknowledged, count.pending, count.duplicates) == (600, 60, 540)


async def test_a_cursor_moves_with_what_was_read(store: Store) -> None:
    await store.take([row("a")], [Cursor(name="imap/main", value="7:12")])
    await store.take([row("b")], [Cursor(name="imap/main", value="7:13")])
    assert (await store.cursor("imap/main"), await store.cursor("other")) == ("7:13", "")


async def test_a_file_is_kept_once_and_in_order(store: Store) -> None:
    name = hashlib.sha256(b"file").hexdigest()
    blob = BlobPart(sha256=name, size=3, parts=(b"\x00", b"\xff", b"2"))
    await store.take([row("a", blobs=(blob,)), row("b", blobs=(blob,))])
    await store.take([row("c", blobs=(blob,))])
    assert [bytes(part) for part in await store.blob(name)] == [b"\x00", b"\xff", b"2"]
    assert await store.blob("unknown") == []


@pytest.mark.parametrize("text", ["nul \x00 inside", "🦊 ünïcode 你好", "x" * 200_000])
async def test_any_text_is_kept(store: Store, text: str) -> None:
    await store.take([row("k", stream=text[:50])])
    await handle(store)
    await run(store, "INSERT INTO flags (name, value) VALUES ('text', ?)", text)
    ((kept,),) = await rows(store, "SELECT value FROM flags WHERE name = 'text'")
    # PostgreSQL's text knows no NUL.
    assert kept in (text, text.replace("\x00", "\ufffd"))


async def test_text_that_is_no_text_is_kept_as_far_as_it_is(store: Store) -> None:
    """A lone surrogate has no encoding; it must not hold up what is taken together with it."""
    good, odd = await asyncio.gather(store.take([row("good")]), store.take([row("odd \ud800")]))
    assert good[0].ledger_id and odd[0].ledger_id
    again = (await store.take([row("odd \ud800")]))[0]
    assert again.duplicate and again.ledger_id == odd[0].ledger_id


# ---------------------------------------------------------------- when something fails


async def test_a_job_that_fails_undoes_only_itself(store: Store) -> None:
    def breaks(tx: Tx) -> None:
        tx.run("INSERT INTO flags (name, value) VALUES ('half', '1')")
        tx.notify("never")
        raise LookupError("no such thing")

    async with store.bell.listen("never", "ledger") as rings:
        results = await asyncio.gather(
            store.take([row("a")]), store.driver.write(breaks), store.take([row("b")]), return_exceptions=True
        )
        assert isinstance(results[1], LookupError)
        async with asyncio.timeout(30):
            assert await anext(rings) == "ledger"
    assert await rows(store, "SELECT 1 FROM flags WHERE name = 'half'") == []
    assert (await store.ledger_count()).pending == 2


async def test_a_commit_that_fails_is_told_to_all_who_wait_and_keeps_nothing(store: Store) -> None:
    await run(store, "CREATE TABLE parent (id INTEGER PRIMARY KEY)")
    await run(
        store,
        "CREATE TABLE child (id INTEGER REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED)",
    )

    def orphan(tx: Tx) -> None:
        tx.run("INSERT INTO child (id) VALUES (1)")
        tx.notify("never")

    async with store.bell.listen("never") as rings:
        jobs = [store.driver.write(orphan), store.driver.write(lambda tx: tx.one("SELECT 1"))]
        results = await asyncio.gather(*jobs, return_exceptions=True)
        assert isinstance(results[0], StoreError)
        await store.take([row("after")])
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await anext(rings)
    assert await rows(store, "SELECT 1 FROM child") == []
    assert (await store.ledger_count()).pending == 1, "the next ones are not harmed"


async def test_whoever_stops_waiting_harms_nobody(store: Store) -> None:
    waiting = [asyncio.create_task(store.take([row(f"k{n}")])) for n in range(20)]
    await asyncio.sleep(0)
    for task in waiting[::2]:
        task.cancel()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(not isinstance(result, BaseException) for result in results[1::2])
    await store.take([row(f"k{n}") for n in range(20)])
    count = await store.ledger_count()
    assert count.pending == 20 and count.adds_up


async def test_after_closing_nothing_is_accepted(database: str) -> None:
    store = Store(open_driver(database))
    await store.open()
    taken = asyncio.create_task(store.take([row("in hand")]))
    await asyncio.sleep(0)
    await store.close()
    assert (await taken)[0].ledger_id == 1
    with pytest.raises(StoreError):
        await store.take([row("late")])


async def test_a_newer_schema_is_refused(database: str) -> None:
    async with open_stores(database) as (store,):
        if store.driver.name == "sqlite":
            await run(
                store,
                "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('deskgate', '9999', '')",
            )
        else:
            await run(store, "INSERT INTO deskgate_migrations (name) VALUES ('9999')")
    with pytest.raises(SchemaTooNew, match="9999"):
        async with open_stores(database):
            pass


async def test_what_cannot_be_opened_leaves_nothing_open(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Threads that outlive a failed start end in an error of the interpreter at its exit."""

    def refuse(place: object) -> None:
        raise SchemaTooNew

    before = set(threading.enumerate())
    monkeypatch.setattr("gateway.store.sqlite.migrate", refuse)
    monkeypatch.setattr("gateway.store.postgres.migrate", refuse)
    with pytest.raises(SchemaTooNew):
        await Store(open_driver(database)).open()
    assert {
        thread.name for thread in set(threading.enumerate()) - before if "asyncio" not in thread.name
    } == set()


async def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "notes.db").write_bytes(b"shopping list" * 1000)
    with pytest.raises(StoreError, match=r"notes\.db cannot be opened"):
        await Store(open_driver(f"sqlite:///{tmp_path}/notes.db")).open()


async def test_many_that_start_together_migrate_once(empty_database: str) -> None:
    stores = [Store(open_driver(empty_database)) for _ in range(5)]
    await asyncio.gather(*(store.open() for store in stores))
    try:
        await asyncio.gather(*(store.take([row(f"k{n}")]) for n, store in enumerate(stores)))
        assert (await stores[0].ledger_count()).pending == 5
    finally:
        await asyncio.gather(*(store.close() for store in stores))


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)  # one process owns an SQLite installation
async def test_a_ring_reaches_every_replica(two: tuple[Store, Store]) -> None:
    async with two[1].bell.listen("ledger", "typing/x") as rings, asyncio.timeout(30):
        await hearing(two[0], 2)
        await two[0].take([row("a")])
        assert await anext(rings) == "ledger"
        two[0].driver.publish("typing/x")
        assert await anext(rings) == "typing/x"


async def test_all_topics_of_a_large_commit_ring(two: tuple[Store, Store]) -> None:
    topics = [f"history/chat/main/visitor-{number}/ünïcode" for number in range(1500)]
    listener = two[0] if two[0].driver.name == "sqlite" else two[1]
    async with listener.bell.listen(*topics) as rings, asyncio.timeout(30):
        await hearing(two[0], 2)
        await two[0].driver.write(lambda tx: [tx.notify(topic) for topic in topics])
        assert {await anext(rings) for _ in topics} == set(topics)


# ---------------------------------------------------------------- claims and fences


async def test_a_stream_has_one_worker_at_a_time(two: tuple[Store, Store]) -> None:
    await two[0].take([row(f"k{n}", stream=f"s{n % 10}") for n in range(40)])
    found = await asyncio.gather(*(two[n % 2].claim_streams(NOW, 3, LONG) for n in range(8)))
    found += [await two[0].claim_streams(NOW, 9, LONG)]
    streams = [claimed.stream for batch in found for claimed in batch]
    assert sorted(streams) == [f"s{n}" for n in range(10)]
    assert all([r.id for r in c.rows] == sorted(r.id for r in c.rows) for batch in found for c in batch)


async def test_a_frozen_worker_finds_its_stream_taken(two: tuple[Store, Store]) -> None:
    await two[0].take([row("a")])
    (frozen,) = await two[0].claim_streams(NOW, 1, 1)
    await asyncio.sleep(0.05)
    (fresh,) = await two[1].claim_streams(NOW, 1, LONG)
    assert (await two[0].commit_turn(outcome(frozen, new_ticket(1)))).state == "lost"
    await two[0].postpone(frozen.stream, frozen.fence, [frozen.rows[0].id], NOW + 99, "late")
    await two[0].release(frozen.stream, frozen.fence)
    assert (await two[1].commit_turn(outcome(fresh, new_ticket(1)))).state == "done"
    assert (await two[0].commit_turn(outcome(frozen, new_ticket(1)))).state == "lost"
    assert await rows(two[0], "SELECT attempts, state FROM ledger") == [(0, "accepted")]


async def test_two_turns_that_read_the_same_ticket_do_not_both_write_it(store: Store) -> None:
    await store.take([row("a", stream="s1")])
    await handle(store, new_ticket(1))
    await store.take([row("b", stream="s2"), row("c", stream="s3")])
    turns = await store.claim_streams(NOW, 2, LONG)
    found = await asyncio.gather(*(store.commit_turn(outcome(turn, new_ticket(1))) for turn in turns))
    assert [committed.state for committed in found] == ["conflict", "conflict"], "version 0 is gone"
    assert (await store.ledger_count()).pending == 2


async def test_a_stream_waits_as_long_as_one_of_its_rows(store: Store) -> None:
    await store.take([row("a"), row("b", ready_at=NOW + 500), row("c", stream="other", ready_at=NOW + 900)])
    assert await store.claim_streams(NOW, 9, LONG) == []
    assert await store.next_ready() == NOW + 500, "not a time at which nothing could be done"
    (claimed,) = await store.claim_streams(NOW + 500, 9, LONG)
    assert len(claimed.rows) == 2
    assert await store.next_ready() == NOW + 900, "what somebody holds is his"


async def test_a_flood_is_read_in_turns(store: Store) -> None:
    await store.take([row(f"k{n}") for n in range(TURN_ROWS + 5)] + [row("other", stream="z")])
    flood, other = sorted(await store.claim_streams(NOW, 9, LONG), key=lambda claimed: claimed.stream)
    assert (len(flood.rows), len(other.rows)) == (TURN_ROWS, 1)
    await store.commit_turn(outcome(flood))
    (rest,) = await store.claim_streams(NOW, 9, LONG)
    assert len(rest.rows) == 5


async def test_a_lease_has_one_owner_and_fails_over(two: tuple[Store, Store]) -> None:
    won = await asyncio.gather(*(store.take_lease("imap/main", LONG) for store in two * 3))
    assert won in ([True, False] * 3, [False, True] * 3)
    holder, other = two if won[0] else two[::-1]
    await holder.drop_lease("imap/main")
    assert await other.take_lease("imap/main", 1)
    await asyncio.sleep(0.05)
    assert await holder.take_lease("imap/main", LONG), "by the database's clock it has run out"
    await other.drop_lease("imap/main")
    assert not await other.take_lease("imap/main", LONG), "who lost it cannot drop it"


async def test_a_timer_fires_once(two: tuple[Store, Store]) -> None:
    for n in range(50):
        await run(two[0], "INSERT INTO timers (ticket, name, due_at) VALUES (?, 'close', ?)", n, NOW - n)

    def make(due: Due) -> TakeRow:
        return row(f"timer{due.id}", stream=f"ticket/{due.ticket}")

    fired = await asyncio.gather(*(two[n % 2].fire_timers(NOW, make) for n in range(6)))
    assert sum(fired) == 50 and (await two[0].next_timer()) is None
    count = await two[0].ledger_count()
    assert (count.pending, count.duplicates) == (50, 0)


# ---------------------------------------------------------------- the outbox


def again(stuck: Stuck) -> bool:
    return stuck.kind is not SendKind.AGENT


def report(stuck: Stuck) -> TakeRow:
    return row(f"report{stuck.id}", stream="reports")


async def sending(
    store: Store, *texts: str, kind: SendKind = SendKind.NOTICE, lease: int = LONG
) -> ClaimedSend:
    """A ticket with these messages, the first of which is on its way."""
    await store.take([row("a")])
    await handle(store, new_ticket(1, texts, kind))
    (claimed,) = await store.claim_sends(NOW, 9, lease)
    return claimed


async def test_a_leg_is_served_in_order_by_one_at_a_time(two: tuple[Store, Store]) -> None:
    first = await sending(two[0], "one", "two")
    assert await two[1].claim_sends(NOW, 9, LONG) == []
    assert await two[1].next_send() is None, "nothing could go by itself"
    assert await two[0].settle_sent(first, Sent(external_ids=("x",)), NOW)
    (second,) = await two[1].claim_sends(NOW, 9, LONG)
    assert second.id > first.id


@pytest.mark.parametrize("kind", [SendKind.NOTICE, SendKind.AGENT])
async def test_the_late_word_of_a_frozen_sender_is_refused(two: tuple[Store, Store], kind: SendKind) -> None:
    frozen = await sending(two[0], "one", kind=kind, lease=1)
    await asyncio.sleep(0.05)
    assert [stuck.id for stuck in await two[1].reap_sends(9, NOW, again, report)] == [frozen.id]
    assert not await two[0].settle_sent(frozen, Sent(), NOW)
    assert not await two[0].settle_retry(frozen, NOW, "late", "bucket", NOW + 9, again=True)
    assert not await two[0].settle_failed(frozen, SendState.FAILED, "late", "", NOW, row("late"))
    found = await rows(two[0], "SELECT state, again FROM outbox")
    assert found == [("uncertain", 0) if kind is SendKind.AGENT else ("queued", 1)]
    assert (await two[0].ledger_count()).pending == (kind is SendKind.AGENT), "its ticket hears of it"
    assert await rows(two[0], "SELECT 1 FROM buckets") == []


async def test_a_closed_bucket_says_when_it_opens(store: Store) -> None:
    send = await sending(store, "one")
    assert await store.settle_retry(send, NOW + 10, "slow down", "chat/main", NOW + 30_000, again=False)
    assert await store.claim_sends(NOW + 20_000, 9, LONG) == []
    assert await store.next_send() == NOW + 30_000
    assert len(await store.claim_sends(NOW + 30_000, 9, LONG)) == 1


async def test_a_paused_outbox_rests(store: Store) -> None:
    await store.pause_outbox(True)
    await store.take([row("a")])
    await handle(store, new_ticket(1, ["one"]))
    assert (await store.claim_sends(NOW, 9, LONG), await store.next_send()) == ([], None)
    await store.pause_outbox(False)
    assert len(await store.claim_sends(NOW, 9, LONG)) == 1


async def test_a_new_database_file_is_its_owners_alone(tmp_path: Path) -> None:
    async with open_stores(f"sqlite:///{tmp_path}/new/deskgate.db") as (store,):
        await store.take([row("k1")])
        kept = {path.name: path.stat().st_mode & 0o077 for path in (tmp_path / "new").iterdir()}
    assert kept.pop("deskgate.db.lock", 0) is not None
    assert set(kept) >= {"deskgate.db", "deskgate.db-wal"} and not any(kept.values()), kept
