"""The only room with SQL in it: schema, queries in a portable subset, and the two drivers."""

from __future__ import annotations

from pathlib import Path

from gateway.store.driver import Driver
from gateway.store.store import Store

__all__ = ["Driver", "Store", "open_driver"]


def open_driver(database: str) -> Driver:
    """The driver for `sqlite:///path` or `postgresql://…`; imported only when asked for."""
    if database.startswith("sqlite:///"):
        from gateway.store.sqlite import SqliteDriver

        return SqliteDriver(Path(database.removeprefix("sqlite:///")))
    if database.startswith("postgresql://"):
        from gateway.store.postgres import PostgresDriver

        return PostgresDriver(database)
    raise ValueError(f"unknown database {database!r}")
