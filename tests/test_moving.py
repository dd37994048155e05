"""Moving, backup and restore: everything arrives, nothing is given out twice, and nothing is sent before a look."""

from __future__ import annotations

import asyncio
import itertools
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gateway.cli import main
from gateway.errors import StoreError
from gateway.model import Verb
from gateway.store import open_driver
from gateway.store.backup import back_up, restore
from gateway.store.moving import move
from tests import databases
from tests.stores import open_stores, row, rows
from tests.world import World, a_file


def nothing(table: str, done: int, total: int) -> None:
    """Shows no bar."""


@pytest.fixture
def other(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """Makes an empty database of either kind."""
    with databases.fresh_database(request.getfixturevalue("postgres")) as uri:
        yield lambda kind: f"sqlite:///{tmp_path}/other.db" if kind == "sqlite" else uri


def same(one: str, other: str) -> bool:
    """The same rows in any order; PostgreSQL's text knows no NUL."""
    rows, others = (
        sorted(re.split(r"\), \(", d.strip("[()]").replace("\\x00", "\ufffd"))) for d in (one, other)
    )
    return rows == others


async def live(database: str, articles: Path) -> str:
    """A little of everything: answers, a hand-off, a file, NUL, timers that fired, something unsent."""
    async with World(open_driver(database), articles) as world:
        await world.say("Where is my order?")
        await world.say("a person, please \x00 你好", attachments=(a_file(content=b"x" * 200_000),))
        await world.act(Verb.RESOLVE, (await world.ticket()).id)
        await world.later(days=8)
        await world.say("Where is my order?", who="noa")
        await world.act(Verb.REPLY, (await world.ticket()).id, text="held while it can be undone")
        return await world.dump()


async def go_on(database: str, articles: Path) -> None:
    """The restored installation takes, handles, fires timers: no id is given out a second time."""
    async with World(open_driver(database), articles) as world:
        world.clock.advance(days=9)
        world._numbers = itertools.count(1000)
        before = await world.numbers()
        taken = await world.take(world.message("I forgot my password", who="eve"))
        assert not taken[0].duplicate
        await world.settle()
        assert (await world.ticket()).id > max(before)
        await world.act(Verb.RESOLVE, (await world.ticket()).id)
        await world.later(days=8)
        assert (await world.ticket()).status == "closed", "its timer was not taken for one that fired before"
        count = await world.store.ledger_count()
        assert count.adds_up and count.pending == count.duplicates == 0


async def test_an_embedded_installation_moves(
    tmp_path: Path, other: Callable[[str], str], articles: Path
) -> None:
    path, uri = tmp_path / "deskgate.db", other("postgresql")
    before = await live(f"sqlite:///{path}", articles)
    counts = move(path, uri, nothing)
    assert counts["tickets"] == 2 and counts["blob_parts"] == 4
    async with World(open_driver(uri), articles) as world:
        assert same(await world.dump(), before)
    await go_on(uri, articles)
    with pytest.raises(StoreError, match="not empty"):
        move(path, uri, nothing)


async def test_what_is_in_use_does_not_move(tmp_path: Path, other: Callable[[str], str]) -> None:
    path = tmp_path / "deskgate.db"
    async with open_stores(f"sqlite:///{path}") as (store,):
        await store.take([row("a")])
        with pytest.raises(StoreError, match="in use"):
            await asyncio.to_thread(move, path, other("postgresql"), nothing)
    assert move(path, other("postgresql"), nothing)["ledger"] == 1


@pytest.mark.parametrize("target", ["sqlite", "postgresql"])
async def test_a_backup_is_restored_into_either(
    database: str, target: str, tmp_path: Path, other: Callable[[str], str], articles: Path
) -> None:
    before = await live(database, articles)
    file = tmp_path / "backup"
    saved = back_up(database, file, nothing)
    assert file.stat().st_mode & 0o077 == 0
    assert restore(file, other(target), nothing) == {**saved, "flags": 1}
    async with World(open_driver(other(target)), articles) as world:
        marked = before.replace("'agent', 'held'", "'agent', 'uncertain'", 1)
        after = (await world.dump()).replace("'restored'", "''")
        assert same(after, marked)
        world.clock.advance(days=9)
        await world.settle()
        await world.store.pause_outbox(False)
        await world.settle()
        assert world.chat.sent == [], "nothing restored leaves by itself, even when the outbox goes on"
        ticket = await world.ticket()
        (send,) = await world.store.driver.read(
            lambda tx: [row[0] for row in tx.all("SELECT id FROM outbox WHERE state = 'uncertain'")]
        )
        await world.act(Verb.RETRY, ticket.id, send=send)
        assert world.chat.texts == ["held while it can be undone"], "an agent may send it again"
    await go_on(other(target), articles)
    with pytest.raises(StoreError, match="not empty"):
        restore(file, other(target), nothing)


async def test_a_backup_is_one_moment_of_a_busy_database(
    database: str, tmp_path: Path, other: Callable[[str], str]
) -> None:
    async with open_stores(database) as (store,):
        busy = True

        async def take() -> None:
            number = 0
            while busy:
                number += 1
                await store.take([row(f"k{number}", sealed=b"x" * 2000)])

        taking = asyncio.create_task(take())
        for number in range(3):
            await asyncio.sleep(0.1)
            await asyncio.to_thread(back_up, database, tmp_path / f"backup{number}", nothing)
        busy = False
        await taking
    restore(tmp_path / "backup2", other("sqlite"), nothing)
    async with open_stores(other("sqlite")) as (store,):
        count = await store.ledger_count()
        assert count.adds_up and count.pending > 0
        assert await rows(store, "SELECT MAX(id) - COUNT(*) FROM ledger") == [(0,)]


def test_what_is_no_backup_is_refused(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path}/new.db"
    with pytest.raises(StoreError, match="does not exist"):
        restore(tmp_path / "nowhere", database, nothing)
    (tmp_path / "text").write_text("no database at all " * 100)
    with pytest.raises(StoreError, match="SQLite"):
        restore(tmp_path / "text", database, nothing)
    sqlite3.connect(tmp_path / "empty").close()
    with pytest.raises(StoreError, match="no backup"):
        restore(tmp_path / "empty", database, nothing)
    back = tmp_path / "there"
    back.write_text("mine")
    with pytest.raises(StoreError, match="exists"):
        back_up(database, back, nothing)


async def test_the_commands_say_what_they_did(
    tmp_path: Path, other: Callable[[str], str], articles: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await live(f"sqlite:///{tmp_path}/deskgate.db", articles)
    config = tmp_path / "config.toml"

    def use(database: str) -> None:
        config.write_text(f'[store]\ndatabase = "{database}"\nkey_file = "{tmp_path}/key"\n')

    async def command(*arguments: str) -> tuple[int, str]:
        code = await asyncio.to_thread(main, [*arguments, "--config", str(config)])
        return code, "".join(capsys.readouterr())

    use(f"sqlite:///{tmp_path}/deskgate.db")
    code, said = await command("backup", str(tmp_path / "backup"))
    assert code == 0 and "installation key" in said and "tickets" in said
    code, said = await command("outbox", "status")
    assert "running" in said and "accepted" in said
    code, said = await command("migrate", "--to", other("postgresql"))
    assert code == 0 and "store.database" in said
    use(other("sqlite"))
    code, said = await command("restore", str(tmp_path / "backup"))
    assert code == 0 and "outbox resume" in said and "no installation key" in said
    code, said = await command("outbox", "status")
    assert "paused" in said
    code, said = await command("outbox", "resume")
    assert "running" in said
    code, said = await command("restore", str(tmp_path / "backup"))
    assert code == 1 and "not empty" in said


def test_a_backup_is_made_before_the_schema_changes(
    tmp_path: Path, other: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from gateway.store import schema, sqlite_file

    path = tmp_path / "deskgate.db"
    with monkeypatch.context() as older:
        older.setattr(sqlite_file, "MIGRATIONS", schema.MIGRATIONS[:-1])
        sqlite_file.migrate(path)
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("INSERT INTO cursors (name, value) VALUES ('here', 'before')")
    kept = list(tmp_path.glob("deskgate.db.before-*"))
    assert kept == []
    sqlite_file.migrate(path)
    (kept_one,) = tmp_path.glob("deskgate.db.before-*")
    assert kept_one.stat().st_mode & 0o077 == 0
    restore(kept_one, other("sqlite"), nothing)
    with closing(sqlite3.connect(other("sqlite").removeprefix("sqlite:///"))) as connection:
        assert connection.execute("SELECT value FROM cursors").fetchone() == ("before",)
    sqlite_file.migrate(path)
    assert len(list(tmp_path.glob("deskgate.db.before-*"))) == 1


def test_without_room_for_the_backup_nothing_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from gateway.store import schema, sqlite_file

    path = tmp_path / "deskgate.db"
    with monkeypatch.context() as older:
        older.setattr(sqlite_file, "MIGRATIONS", schema.MIGRATIONS[:-1])
        sqlite_file.migrate(path)
    monkeypatch.setattr(sqlite_file.shutil, "disk_usage", lambda place: type("Usage", (), {"free": 10}))
    with pytest.raises(StoreError, match="no room"):
        sqlite_file.migrate(path)
    with closing(sqlite3.connect(path)) as connection:
        names = {row[0] for row in connection.execute("SELECT name FROM _sqlite_migrations")}
    assert schema.MIGRATIONS[-1].name not in names
