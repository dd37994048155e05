"""Backup into one portable file (an SQLite database of our schema) while Deskgate runs, and restore into either.

The file holds everything but the installation key, config.toml and the articles.
"""

from __future__ import annotations

import contextlib
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg

from gateway.errors import StoreError
from gateway.model import SendState
from gateway.store import postgres, sqlite_file
from gateway.store.moving import PostgresEnd, Progress, SqliteEnd, Table, copy, named_errors
from gateway.store.rebuilding import mark_unsent
from gateway.store.sqlite import SqliteTx


def back_up(database: str, file: Path, progress: Progress) -> dict[str, int]:
    """Writes one moment of the database to a new file, readable by its owner only; rows by table.

    Raises StoreError when the file exists or the database fails; then there is no file.
    """
    if file.exists():
        raise StoreError(f"{file} exists already. Give another name.")
    with named_errors(), _workplace(file.parent) as folder:
        made = folder / "backup"
        if database.startswith("sqlite:///"):
            _snapshot(Path(database.removeprefix("sqlite:///")), made)
        else:
            _from_postgres(database, made, progress)
        counts = _counts(made)
        made.chmod(0o600)
        made.replace(file)
        return counts


def restore(file: Path, database: str, progress: Progress) -> dict[str, int]:
    """Fills an empty database from a backup of this or an older version; rows by table.

    What had not left is marked and does not leave by itself: it may have been sent since. The outbox is paused.
    Raises StoreError when the file is no backup, or the database holds something.
    """
    if not file.exists():
        raise StoreError(f"{file} does not exist.")
    with named_errors(), _workplace() as folder:
        work = folder / "restore"
        _snapshot(file, work)
        if "ledger" not in (table.name for table in _tables(work)):
            raise StoreError(f"{file} is no backup of Deskgate.")
        sqlite_file.migrate(work)
        with _opened(work) as source:
            mark_unsent(SqliteTx(source), "restored", SendState.UNCERTAIN)
            if database.startswith("sqlite:///"):
                return _into_sqlite(source, Path(database.removeprefix("sqlite:///")), progress)
            postgres.migrate(database)
            with psycopg.connect(database, connect_timeout=5) as target:
                return copy(SqliteEnd(source), PostgresEnd(target), progress)


def _into_sqlite(source: sqlite3.Connection, path: Path, progress: Progress) -> dict[str, int]:
    path.parent.mkdir(parents=True, exist_ok=True)
    sqlite_file.migrate(path)
    with _opened(path) as target:
        target.execute("BEGIN IMMEDIATE")
        counts = copy(SqliteEnd(source), SqliteEnd(target), progress)
        target.execute("COMMIT")
        return counts


def _from_postgres(uri: str, made: Path, progress: Progress) -> None:
    sqlite_file.migrate(made)
    with psycopg.connect(uri, connect_timeout=5) as source, _opened(made) as target:
        source.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        source.read_only = True
        target.execute("PRAGMA journal_mode = DELETE")
        target.execute("BEGIN IMMEDIATE")
        copy(PostgresEnd(source), SqliteEnd(target), progress)
        target.execute("COMMIT")


def _snapshot(path: Path, made: Path) -> None:
    """SQLite's own online backup: one consistent moment, writers go on."""
    uri = f"file:{path}?mode=ro"
    with contextlib.closing(sqlite3.connect(uri, uri=True, timeout=30)) as source, _opened(made) as target:
        source.backup(target)
        target.execute("PRAGMA journal_mode = DELETE")


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None, timeout=30)) as connection:
        yield connection


@contextlib.contextmanager
def _workplace(beside: Path | None = None) -> Iterator[Path]:
    """A folder of ours; on the same file system as the result, so that it can be renamed into place."""
    with tempfile.TemporaryDirectory(prefix=".deskgate-", dir=beside) as name:
        yield Path(name)


def _tables(path: Path) -> list[Table]:
    with _opened(path) as connection:
        return SqliteEnd(connection).tables()


def _counts(path: Path) -> dict[str, int]:
    with _opened(path) as connection:
        end = SqliteEnd(connection)
        return {table.name: end.count(table) for table in end.tables()}
