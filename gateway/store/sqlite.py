"""SQLite behind one writer thread with group commit: takes before other writes, one fsync for all that wait.

WAL with synchronous=FULL: what was committed survives the machine's death, not only the process's.
"""

from __future__ import annotations

import asyncio
import queue
import re
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import chain, islice
from pathlib import Path
from typing import Any, TypeVar

from gateway.errors import StoreError
from gateway.model import Cursor, Receipt
from gateway.store.ledger import TakeRow, take_many
from gateway.store.sqlite_file import DIALECT, connect, migrate
from gateway.store.tx import Job, Row

T = TypeVar("T")
W = TypeVar("W", bound="_Work")

#: Jobs in one commit. More would make the first of them wait too long.
GROUP = 256
READERS = 4
#: While takes come in crowds a commit waits so long for more of them, seconds: less than the sync it saves.
GATHER = 0.002
#: A last commit of so many makes a crowd.
CROWD = 4


class SqliteTx:
    """The verbs of Tx on one connection."""

    dialect = DIALECT

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.topics: dict[str, None] = {}

    def all(self, sql: str, params: Sequence[Any] = ()) -> list[Row]:
        return self.connection.execute(sql, params).fetchall()

    def one(self, sql: str, params: Sequence[Any] = ()) -> Row | None:
        cursor = self.connection.execute(sql, params)
        row: Row | None = cursor.fetchone()
        cursor.close()  # a RETURNING statement is done only once it has been read to its end
        return row

    def run(self, sql: str, params: Sequence[Any] = ()) -> int:
        return self.connection.execute(sql, params).rowcount

    def many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        self.connection.executemany(sql, rows)

    def each(self, sql: str, rows: Sequence[Sequence[Any]]) -> list[Row]:
        # Each call of SQLite lets go of the interpreter's lock and has to win it back: few calls, many rows.
        found: list[Row] = []
        for size in _powers(len(rows)):
            part = rows[len(found) : len(found) + size]
            found += self.connection.execute(
                _repeated(sql, size), tuple(chain.from_iterable(part))
            ).fetchall()
        return found

    def notify(self, topic: str) -> None:
        self.topics[topic] = None


@cache
def _repeated(sql: str, rows: int) -> str:
    """The statement with its VALUES (…) so many times. SQLite gives RETURNING's rows in the order of writing."""
    head, values, tail = re.split(r"(?<=VALUES )(\([?, ]+\))", sql, maxsplit=1)
    return head + ", ".join([values] * rows) + tail


def _powers(count: int) -> list[int]:
    """Powers of two that add up to the count, so that few statements need to be prepared; 32 at most."""
    sizes = [32] * (count // 32)
    return sizes + [1 << bit for bit in range(4, -1, -1) if count >> bit & 1]


class _Work:
    """A job that waits for the writer, and where its result goes."""

    __slots__ = ("error", "future", "job", "result")

    def __init__(self, job: Job[Any], future: asyncio.Future[Any]) -> None:
        self.job, self.future = job, future
        self.result: Any = None
        self.error: BaseException | None = None

    def resolve(self) -> None:
        if self.future.cancelled():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)


class _Taking(_Work):
    """Rows to take: all that wait are written as one job, each on its own only when that fails."""

    __slots__ = ("cursors", "rows", "worker")

    def __init__(
        self, worker: str, rows: Sequence[TakeRow], cursors: Sequence[Cursor], future: asyncio.Future[Any]
    ) -> None:
        super().__init__(lambda tx: take_many(tx, worker, rows, cursors), future)
        self.worker, self.rows, self.cursors = worker, rows, cursors


class SqliteDriver:
    """One file, one writer thread, a few readers."""

    name = "sqlite"

    def __init__(self, path: Path, commit_delay: Callable[[], None] | None = None) -> None:
        self.path = path
        self._commit_delay = commit_delay  # benchmarks slow commits down to what real disks cost
        self._urgent: deque[_Taking] = deque()
        self._normal: deque[_Work] = deque()
        self._wake: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._waking = False
        self._crowded = False
        self._closing = False
        self._thread: threading.Thread | None = None
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="deskgate-read")
        self._reading: queue.SimpleQueue[sqlite3.Connection] = queue.SimpleQueue()
        self._on_notify: Callable[[str], None] = lambda topic: None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def open(self, on_notify: Callable[[str], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._on_notify = on_notify
        try:
            writer = await asyncio.to_thread(self._prepare)
        except BaseException:
            await self.close()  # whoever could not open a driver has nothing to close
            raise
        self._thread = threading.Thread(
            target=self._write_forever, args=(writer,), name="deskgate-write", daemon=True
        )
        self._thread.start()

    def _prepare(self) -> sqlite3.Connection:
        """The writer's connection; the readers' are put where they wait."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        migrate(self.path)
        for _ in range(READERS):
            self._reading.put(connect(self.path, readonly=True))
        return connect(self.path)

    async def close(self) -> None:
        """Finishes what waits, then lets go of the file."""
        self._closing = True
        self._wake.put(None)
        if self._thread:
            await asyncio.to_thread(self._thread.join)
        self._readers.shutdown(wait=True)
        while not self._reading.empty():
            self._reading.get().close()

    async def take(self, worker: str, rows: Sequence[TakeRow], cursors: Sequence[Cursor]) -> list[Receipt]:
        future = self._future()
        self._urgent.append(_Taking(worker, rows, cursors, future))
        self._wake_soon()
        receipts: list[Receipt] = await future
        return receipts

    async def write(self, job: Job[T]) -> T:
        future = self._future()
        self._normal.append(_Work(job, future))
        self._wake_soon()
        result: T = await future
        return result

    def _future(self) -> asyncio.Future[Any]:
        if self._closing:
            raise StoreError("The database is being closed.")
        return asyncio.get_running_loop().create_future()

    def _wake_soon(self) -> None:
        """Wakes the writer once for all that this round of the event loop brings: threads are dear to wake."""
        if not self._waking and self._loop is not None:
            self._waking = True
            if self._crowded:
                self._loop.call_later(GATHER, self._wake_now)
            else:
                self._loop.call_soon(self._wake_now)

    def _wake_now(self) -> None:
        self._waking = False
        self._wake.put(None)

    async def read(self, job: Job[T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, job)

    def _read(self, job: Job[T]) -> T:
        connection = self._reading.get()
        try:
            connection.execute("BEGIN")
            try:
                return job(SqliteTx(connection))
            finally:
                connection.execute("ROLLBACK")
        except sqlite3.Error as error:
            raise StoreError(f"Reading the database failed: {error}") from error
        finally:
            self._reading.put(connection)

    def publish(self, topic: str) -> None:
        self._on_notify(topic)

    # ------------------------------------------------------------ the writer thread

    def _write_forever(self, connection: sqlite3.Connection) -> None:
        try:
            while not self._closing or self._urgent or self._normal:
                self._wake.get()
                # What comes meanwhile has a ring of its own, so that it gathers as well.
                while self._commit_waiting(connection) == GROUP:
                    pass
        finally:
            connection.close()

    def _commit_waiting(self, connection: sqlite3.Connection) -> int:
        """Commits what waits, at most a group, and returns how much that was."""
        taken = _front(self._urgent, GROUP)
        others = _front(self._normal, GROUP - len(taken))
        if taken or others:
            self._commit(connection, taken, others)
            self._crowded = len(taken) >= CROWD
        return len(taken) + len(others)

    def _commit(self, connection: sqlite3.Connection, taken: list[_Taking], others: list[_Work]) -> None:
        tx = SqliteTx(connection)
        batch: list[_Work] = [*taken, *others]
        try:
            connection.execute("BEGIN IMMEDIATE")
            if taken:
                _take(tx, taken)
            for work in others:
                _run(tx, work)
            if self._commit_delay:
                self._commit_delay()
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            # Nothing of the batch is durable, so nobody may be told that it is.
            failure = StoreError(f"The database could not commit: {error}.{_remedy(error)}")
            for work in batch:
                work.error = failure
            tx.topics.clear()
            _roll_back(connection)
        self._answer(batch, tuple(tx.topics))

    def _answer(self, batch: list[_Work], topics: tuple[str, ...]) -> None:
        def answer() -> None:
            for work in batch:
                work.resolve()
            for topic in topics:
                self._on_notify(topic)

        assert self._loop is not None
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(answer)


def _front(lane: deque[W], most: int) -> list[W]:
    front: list[W] = []
    while lane and len(front) < most:
        front.append(lane.popleft())
    return front


def _take(tx: SqliteTx, taken: Sequence[_Taking]) -> None:
    """Takes the rows of all at once; when that fails, of each alone, so that a bad one fails for itself only."""
    rows = [row for taking in taken for row in taking.rows]
    cursors = [cursor for taking in taken for cursor in taking.cursors]
    together = _Work(lambda tx: take_many(tx, taken[0].worker, rows, cursors), taken[0].future)
    _run(tx, together)
    if together.error is None:
        receipts = iter(together.result)
        for taking in taken:
            taking.result = list(islice(receipts, len(taking.rows)))
        return
    for taking in taken:
        _run(tx, taking)


def _run(tx: SqliteTx, work: _Work) -> None:
    """Runs one job in a savepoint: its failure undoes only itself."""
    topics = dict(tx.topics)
    tx.connection.execute("SAVEPOINT job")
    try:
        work.result = work.job(tx)
    except sqlite3.IntegrityError as error:
        work.error = StoreError(f"The database refused a row: {error}")
    except sqlite3.Error:
        raise
    except Exception as error:
        work.error = error
    if work.error is not None:
        tx.connection.execute("ROLLBACK TO job")
        tx.topics = topics
    tx.connection.execute("RELEASE job")


def _remedy(error: sqlite3.Error) -> str:
    if getattr(error, "sqlite_errorname", "") == "SQLITE_FULL":
        return " Make room on the disk; nothing is lost, channels send again what was refused."
    return ""


def _roll_back(connection: sqlite3.Connection) -> None:
    try:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
    except sqlite3.Error:
        pass  # the connection answers the next batch with its own error
