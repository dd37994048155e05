"""The seam between the queries and a database. Two implementations: sqlite.py and postgres.py."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from gateway.model import Cursor, Receipt
from gateway.store.ledger import TakeRow
from gateway.store.tx import Job

T = TypeVar("T")


class Driver(Protocol):
    """Runs synchronous jobs on a database, off the event loop. Raises StoreError when the database fails."""

    name: str

    async def open(self, on_notify: Callable[[str], None]) -> None:
        """Connects and migrates; `on_notify` is called on the event loop with each topic committed anywhere."""
        ...

    async def close(self) -> None: ...

    async def take(self, worker: str, rows: Sequence[TakeRow], cursors: Sequence[Cursor]) -> list[Receipt]:
        """Durable when it returns; callers that wait together share one commit."""
        ...

    async def write(self, job: Job[T]) -> T:
        """One transaction. A job's own exception undoes only that job and is raised here."""
        ...

    async def read(self, job: Job[T]) -> T:
        """A job that only reads, on a connection of its own."""
        ...

    def publish(self, topic: str) -> None:
        """Rings a topic everywhere without writing anything."""
        ...
