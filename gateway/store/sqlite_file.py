"""Opening a SQLite file and bringing its schema up to date; before that changes, a backup beside it."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

from sqlite_utils import Database, Migrations

from gateway.errors import SchemaTooNew, StoreError
from gateway.store.schema import MIGRATIONS, Migration
from gateway.store.tx import Dialect

log = logging.getLogger("deskgate.sqlite")

DIALECT = Dialect(
    name="sqlite",
    id="INTEGER PRIMARY KEY AUTOINCREMENT",
    int="INTEGER",
    bytes="BLOB",
    now="(CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER))",
    skip_locked="",
)


def connect(path: Path, readonly: bool = False) -> sqlite3.Connection:
    """A connection in autocommit: transactions are begun by hand. Raises StoreError."""
    connection: sqlite3.Connection | None = None
    try:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA cache_size = -32000")
        # SQLite's own knows the 26 letters only; searches must find Čaj by čaj, as PostgreSQL's does.
        connection.create_function("LOWER", 1, _lower, deterministic=True)
        if readonly:
            connection.execute("PRAGMA query_only = ON")
    except sqlite3.Error as error:
        if connection is not None:
            connection.close()
        raise StoreError(f"{path} cannot be opened: {error}") from error
    return connection


def migrate(path: Path) -> None:
    """Applies what is missing, one process at a time. Raises SchemaTooNew."""
    with Path(f"{path}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        path.touch(mode=0o600)  # of its owner alone, like backups; SQLite's files beside it follow it
        connection = connect(path)
        try:
            database = Database(connection)
            applied = _applied(database)
            _refuse_newer(applied)
            if applied and len(applied) < len(MIGRATIONS):
                _keep_before(connection, path, max(applied))
            _migrations().apply(database)
        finally:
            connection.close()


def _migrations() -> Migrations:
    migrations = Migrations("deskgate")
    for migration in MIGRATIONS:
        migrations(name=migration.name)(_step(migration))
    return migrations


def _step(migration: Migration) -> Callable[[Database], None]:
    def step(database: Database) -> None:
        for statement in migration.statements:
            database.conn.execute(statement.format(id=DIALECT.id, int=DIALECT.int, bytes=DIALECT.bytes))

    step.__name__ = f"m{migration.name}"
    return step


def _applied(database: Database) -> set[str]:
    if "_sqlite_migrations" not in database.table_names():
        return set()
    rows = database["_sqlite_migrations"].rows
    return {str(row["name"]) for row in rows if row["migration_set"] == "deskgate"}


def _refuse_newer(applied: set[str]) -> None:
    known = {migration.name for migration in MIGRATIONS}
    if applied - known:
        raise SchemaTooNew(
            f"The database has migrations this program does not know ({', '.join(sorted(applied - known))}). "
            "Start the version of Deskgate that wrote it, or a newer one."
        )


def _keep_before(connection: sqlite3.Connection, path: Path, newest: str) -> None:
    """A backup beside the database before its schema changes. Raises StoreError where there is no room for it."""
    made = path.with_name(f"{path.name}.before-{newest[:4]}")
    if made.exists():
        return  # of a try that did not end well: the older one is what counts
    if shutil.disk_usage(path.parent).free < path.stat().st_size * 1.2:
        raise StoreError(
            f"There is no room beside {path} for the backup before its schema changes. Make room and start again."
        )
    descriptor = os.open(made, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
    os.close(descriptor)
    try:
        with contextlib.closing(sqlite3.connect(made)) as copy:
            connection.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.Error as error:
        made.unlink(missing_ok=True)
        raise StoreError(f"The backup before the schema changes failed: {error}") from error
    log.info("the database's schema changes; as it was before, it is in %s", made)


def _lower(value: str | bytes | int | float | None) -> str | bytes | int | float | None:
    return value.lower() if isinstance(value, str) else value
