"""Copying a whole database table by table, in one transaction: it is there completely, or not at all.

An embedded installation moves to PostgreSQL by it; backup.py uses it between either database and a file.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol, cast

import psycopg
from psycopg import sql as composed

from gateway.errors import StoreError
from gateway.store import postgres, sqlite_file
from gateway.store.tx import Row, marks

#: Told after each portion: the table, rows copied, rows in all.
Progress = Callable[[str, int, int], None]

PORTION = 500
#: What a driver keeps for itself.
_OWN = ("_sqlite_migrations", "deskgate_migrations")


class Table(NamedTuple):
    """A table's name, its columns, and whether the database counts its ids."""

    name: str
    columns: tuple[str, ...]
    counted: bool


class End(Protocol):
    """One side of a copy."""

    def tables(self) -> list[Table]: ...
    def count(self, table: Table) -> int: ...
    def read(self, table: Table) -> Iterator[list[Row]]: ...
    def write(self, table: Table, rows: Iterable[Sequence[Any]]) -> None: ...

    def last_id(self, table: Table) -> int:
        """The highest id ever given out, which deleted rows may have had."""
        ...

    def set_last_id(self, table: Table, number: int) -> None: ...


def move(path: Path, uri: str, progress: Progress) -> dict[str, int]:
    """Moves an embedded installation that nobody uses now into an empty PostgreSQL database; rows by table.

    Raises StoreError when the file is in use, the target holds something, or the counts differ at the end.
    """
    if not path.exists():
        raise StoreError(f"{path} does not exist: there is nothing to move.")
    with named_errors():
        sqlite_file.migrate(path)
        postgres.migrate(uri)
        with _alone(path) as source, psycopg.connect(uri, connect_timeout=5) as target:
            return copy(SqliteEnd(source), PostgresEnd(target), progress)


def copy(source: End, target: End, progress: Progress) -> dict[str, int]:
    """Copies every table into an empty database of the same schema and checks the counts; rows by table."""
    tables = source.tables()
    if set(tables) != set(target.tables()):
        raise StoreError("The two databases have different schemas. Use one version of Deskgate for both.")
    if full := [table.name for table in tables if target.count(table)]:
        raise StoreError(f"The target is not empty ({', '.join(full)}). Give a new, empty database.")
    for table in tables:
        _copy_table(source, target, table, progress)
    return {table.name: _checked(source, target, table) for table in tables}


def _copy_table(source: End, target: End, table: Table, progress: Progress) -> None:
    total, done = source.count(table), 0
    for rows in source.read(table):
        target.write(table, rows)
        done += len(rows)
        progress(table.name, done, total)
    if table.counted:
        # A used id must never come again: a timer's, for one, is what its delivery is known by.
        target.set_last_id(table, source.last_id(table))


def _checked(source: End, target: End, table: Table) -> int:
    here, there = source.count(table), target.count(table)
    if here != there:
        raise StoreError(f"{table.name}: {here} rows were to be copied, {there} arrived. Nothing was kept.")
    return there


# ---------------------------------------------------------------- the two databases


class SqliteEnd:
    """An SQLite connection inside a transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def tables(self) -> list[Table]:
        found = self._connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
        )
        return [
            Table(name, tuple(sorted(self._columns(name))), "AUTOINCREMENT" in sql)
            for name, sql in found.fetchall()
            if name not in _OWN
        ]

    def _columns(self, table: str) -> list[str]:
        return [row[1] for row in self._connection.execute(f"PRAGMA table_info({table})")]

    def count(self, table: Table) -> int:
        return int(self._connection.execute(f"SELECT COUNT(*) FROM {table.name}").fetchone()[0])

    def read(self, table: Table) -> Iterator[list[Row]]:
        cursor = self._connection.execute(f"SELECT {', '.join(table.columns)} FROM {table.name}")
        while rows := cursor.fetchmany(PORTION):
            yield rows

    def write(self, table: Table, rows: Iterable[Sequence[Any]]) -> None:
        columns = ", ".join(table.columns)
        self._connection.executemany(
            f"INSERT INTO {table.name} ({columns}) VALUES ({marks(len(table.columns))})", rows
        )

    def last_id(self, table: Table) -> int:
        row = self._connection.execute(
            "SELECT seq FROM sqlite_sequence WHERE name = ?", (table.name,)
        ).fetchone()
        return int(row[0]) if row else 0

    def set_last_id(self, table: Table, number: int) -> None:
        self._connection.execute("DELETE FROM sqlite_sequence WHERE name = ?", (table.name,))
        self._connection.execute(
            "INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (table.name, number)
        )


class PostgresEnd:
    """A PostgreSQL connection inside a transaction."""

    def __init__(self, connection: psycopg.Connection[Row]) -> None:
        self._connection = connection

    def tables(self) -> list[Table]:
        found = self._run(
            """SELECT table_name, array_agg(column_name::text), bool_or(is_identity = 'YES')
               FROM information_schema.columns WHERE table_schema = current_schema()
               GROUP BY table_name ORDER BY table_name"""
        )
        return [
            Table(name, tuple(sorted(columns)), counted)
            for name, columns, counted in found.fetchall()
            if name not in _OWN
        ]

    def _run(self, query: str, params: Sequence[Any] = ()) -> psycopg.Cursor[Row]:
        return self._connection.execute(composed.SQL(cast(Any, query)), params)

    def count(self, table: Table) -> int:
        row = self._run(f"SELECT COUNT(*) FROM {table.name}").fetchone()
        assert row is not None
        return int(row[0])

    def read(self, table: Table) -> Iterator[list[Row]]:
        query = f"SELECT {', '.join(table.columns)} FROM {table.name}"
        with self._connection.cursor(name="copying") as cursor:
            cursor.execute(composed.SQL(cast(Any, query)))
            while rows := cursor.fetchmany(PORTION):
                yield rows

    def write(self, table: Table, rows: Iterable[Sequence[Any]]) -> None:
        query = f"COPY {table.name} ({', '.join(table.columns)}) FROM STDIN"
        with self._connection.cursor() as cursor, cursor.copy(composed.SQL(cast(Any, query))) as stream:
            for row in rows:
                stream.write_row(postgres.plain(row))

    def last_id(self, table: Table) -> int:
        row = self._run(f"SELECT last_value, is_called FROM {self._sequence(table)}").fetchone()
        return int(row[0]) if row and row[1] else 0

    def set_last_id(self, table: Table, number: int) -> None:
        self._run("SELECT setval(%s, %s, %s)", (self._sequence(table), max(number, 1), number > 0))

    def _sequence(self, table: Table) -> str:
        row = self._run("SELECT pg_get_serial_sequence(%s, 'id')", (table.name,)).fetchone()
        assert row is not None
        return str(row[0])


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[sqlite3.Connection]:
    """The file for nobody but us, so that nothing is acknowledged into it while it moves."""
    connection = sqlite3.connect(path, isolation_level=None, timeout=1)
    try:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        connection.close()
        raise StoreError(f"{path} is in use. Stop Deskgate, then move.") from error
    try:
        yield connection
    finally:
        connection.close()


@contextlib.contextmanager
def named_errors() -> Iterator[None]:
    """Whatever either database says becomes a StoreError."""
    try:
        with postgres.named_errors():
            yield
    except sqlite3.Error as error:
        raise StoreError(f"SQLite: {error}") from error
