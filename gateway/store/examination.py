"""A look at a database from outside, for doctor: nothing is made, migrated or changed."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import msgspec

from gateway.errors import StoreError
from gateway.store.schema import MIGRATIONS
from gateway.store.sqlite import SqliteTx
from gateway.store.tx import Tx

#: The flag that remembers which installation key sealed what is here: the key's id in hexadecimal digits.
KEY_FLAG = "installation_key"
#: A larger file is not read from end to end: that would take minutes.
CHECKED_UP_TO = 2_000_000_000
#: Schema tables that a look must find before it asks for more.
_ESSENTIAL = "0004_people"


class Looked(msgspec.Struct, frozen=True, kw_only=True):
    """What a look found. `exists` False: a start will make the database; then nothing else is known."""

    exists: bool = False
    program: str = ""  #: "SQLite 3.45.1", "PostgreSQL 16.2"
    size: int = 0  #: bytes
    damage: str = ""  #: what the database's own check says, "" for nothing
    missing: tuple[str, ...] = ()  #: migrations that the next start applies
    unknown: tuple[str, ...] = ()  #: migrations of a newer Deskgate
    newest: int = 0  #: when the newest input was taken, milliseconds
    now: int = 0  #: the database's clock, milliseconds
    sealed: bytes = b""  #: the newest sealed input
    key: str = ""  #: id of the installation key that was used last, "" when it was never written down
    members: int = 0  #: of the desk, who may sign in
    connections: int = 0  #: that the server allows, 0 where that is no question


def look(database: str) -> Looked:
    """Looks at `sqlite:///path` or `postgresql://…`. Raises StoreError when it cannot be read."""
    if database.startswith("sqlite:///"):
        return _look_at_file(Path(database.removeprefix("sqlite:///")))
    return _look_at_server(database)


def _look_at_file(path: Path) -> Looked:
    if not path.exists():
        return Looked()
    try:
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)) as connection:
            tx = SqliteTx(connection)
            size = path.stat().st_size
            damage = str((tx.one("PRAGMA quick_check(1)") or ("",))[0]) if size <= CHECKED_UP_TO else "ok"
            applied = _applied(tx, "SELECT name FROM _sqlite_migrations WHERE migration_set = 'deskgate'")
            return _described(
                tx,
                applied,
                program=f"SQLite {sqlite3.sqlite_version}",
                size=size,
                damage="" if damage == "ok" else damage,
            )
    except sqlite3.Error as error:
        raise StoreError(f"{path} cannot be read: {error}") from error


def _applied(tx: Tx, query: str) -> set[str]:
    try:
        return {str(row[0]) for row in tx.all(query)}
    except sqlite3.OperationalError:
        return set()  # an empty file: no table yet


def _look_at_server(uri: str) -> Looked:
    import psycopg

    from gateway.store.postgres import PostgresTx, named_errors

    with named_errors(), psycopg.connect(uri, connect_timeout=5, autocommit=True) as connection:
        tx = PostgresTx(connection)
        there = tx.one("SELECT to_regclass('deskgate_migrations')")
        applied = (
            {str(row[0]) for row in tx.all("SELECT name FROM deskgate_migrations")}
            if there and there[0]
            else set()
        )
        version, limit, size = tx.one(
            "SELECT current_setting('server_version'), current_setting('max_connections'), "
            "pg_database_size(current_database())"
        ) or ("", "0", 0)
        return _described(
            tx, applied, program=f"PostgreSQL {version}", size=int(size), connections=int(limit)
        )


def _described(
    tx: Tx, applied: set[str], *, program: str, size: int, damage: str = "", connections: int = 0
) -> Looked:
    known = [migration.name for migration in MIGRATIONS]
    found = Looked(
        exists=True,
        program=program,
        size=size,
        damage=damage,
        connections=connections,
        missing=tuple(name for name in known if name not in applied),
        unknown=tuple(sorted(applied - set(known))),
    )
    if damage or _ESSENTIAL not in applied:
        return found
    newest, sealed = tx.one(
        "SELECT received_at, sealed FROM ledger WHERE sealed IS NOT NULL ORDER BY id DESC LIMIT 1"
    ) or (0, b"")
    members = tx.one("SELECT COUNT(*) FROM agents WHERE active = 1 AND name <> ''")
    clock = tx.one(f"SELECT {tx.dialect.now}")
    return msgspec.structs.replace(
        found,
        newest=int(newest),
        sealed=bytes(sealed),
        now=int(clock[0]) if clock else 0,
        key=flag(tx, KEY_FLAG),
        members=int(members[0]) if members else 0,
    )


def flag(tx: Tx, name: str) -> str:
    """The value of a flag, "" when it was never set."""
    row = tx.one("SELECT value FROM flags WHERE name = ?", (name,))
    return str(row[0]) if row else ""


def set_flag(tx: Tx, name: str, value: str) -> None:
    tx.run(
        "INSERT INTO flags (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (name, value),
    )


def newest_sealed(tx: Tx) -> bytes:
    """The newest sealed input, b"" when there is none: whoever opens it has the right key."""
    row = tx.one("SELECT sealed FROM ledger WHERE sealed IS NOT NULL ORDER BY id DESC LIMIT 1")
    return bytes(row[0]) if row else b""
