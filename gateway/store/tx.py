"""What the queries see of a database: a handful of synchronous verbs, the same over both drivers.

Queries are written once, with `?` for parameters, in the SQL that SQLite and PostgreSQL share. What differs is
in `Dialect`. A Tx lives inside one driver call; it never leaves gateway/store.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

Row = tuple[Any, ...]
T = TypeVar("T")


class Dialect(NamedTuple):
    """The few words in which the two databases differ."""

    name: str
    id: str  #: a primary key that the database counts
    int: str
    bytes: str
    now: str  #: milliseconds since 1970 by the database's clock
    skip_locked: str  #: "" or " FOR UPDATE SKIP LOCKED": take what nobody else is taking


class Tx(Protocol):
    dialect: Dialect

    def all(self, sql: str, params: Sequence[Any] = ()) -> list[Row]: ...
    def one(self, sql: str, params: Sequence[Any] = ()) -> Row | None: ...
    def run(self, sql: str, params: Sequence[Any] = ()) -> int: ...
    def many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None: ...
    def each(self, sql: str, rows: Sequence[Sequence[Any]]) -> list[Row]:
        """Runs one RETURNING statement for every row, in order; the row that each gave."""
        ...

    def notify(self, topic: str) -> None:
        """Wakes listeners of the topic once this transaction has committed."""
        ...


Job = Callable[[Tx], T]


def marks(count: int) -> str:
    """`?, ?, ?` for an IN list of this many values."""
    return ", ".join("?" * count)
