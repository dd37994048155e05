"""A new database whose tickets are written again from recorded turns, and the comparison with those that are there.

What no turn writes (the ledger, files, members, settings of the installation) is copied; everything else is made anew.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import psycopg

from gateway.case import Case, Committed, Outcome
from gateway.clock import to_ms
from gateway.errors import StoreError
from gateway.model import SendState, TimerDue
from gateway.store import sqlite_file
from gateway.store.moving import End, PostgresEnd, SqliteEnd, named_errors
from gateway.store.outbox import pause
from gateway.store.postgres import PostgresTx
from gateway.store.recorded import PORTION, Recorded, recorded_turns
from gateway.store.sqlite import SqliteTx
from gateway.store.turns import Clash, Lost, commit_turn
from gateway.store.tx import Row, Tx, marks

#: Written by turns alone, so made anew.
REBUILT = (
    "tickets", "legs", "participants", "thread_keys", "seen", "entries", "events", "timers", "outbox", "contacts",
    "identities", "turns", "corrections", "suppressed",
)  # fmt: skip
#: Belong to what runs, not to what was.
_LEFT_OUT = ("claims", "leases", "sessions", "sign_ins", "alarms", "buckets", "budgets")
#: What is compared of a ticket, and what is not: how sending went is no part of a turn.
_COMPARED: Mapping[str, tuple[str, ...]] = {
    "tickets": ("version",),
    "legs": ("thread",),
    "participants": (),
    "entries": (),
    "events": ("id", "turn"),
    "timers": ("id",),
    "outbox": (
        "state", "attempts", "again", "lease_until", "fence", "external_ids", "reason", "detail", "settled_at",
        "not_before", "created_at",
    ),
}  # fmt: skip


class Rebuild:
    """The database that is there, read at one moment, and the new file that is written."""

    def __init__(self, source: Tx, source_end: End, target: sqlite3.Connection) -> None:
        self._source, self._source_end = source, source_end
        self._connection, self._target = target, SqliteTx(target)

    def copy_the_rest(self) -> None:
        """Everything that is not rebuilt, with the ledger's rows as if nobody had handled them yet."""
        end = SqliteEnd(self._connection)
        for table in end.tables():
            if table.name in (*REBUILT, *_LEFT_OUT):
                continue
            for rows in self._source_end.read(table):
                end.write(table, rows)
            if table.counted:
                end.set_last_id(table, self._source_end.last_id(table))

    def turns(self) -> Iterator[Recorded]:
        """Every recorded turn in the order in which they were written."""
        after = 0
        while found := recorded_turns(self._source, 0, after):
            yield from found
            after = found[-1].id

    def touched(self, turn: Recorded) -> tuple[int, ...]:
        """The tickets that a recorded turn changed, as far as they are known without deciding it."""
        found = self._source.all(
            "SELECT ticket FROM ledger WHERE turn = ? UNION SELECT ticket FROM events WHERE turn = ?",
            (turn.id, turn.id),
        )
        return tuple(int(row[0]) for row in found if row[0])

    def write(self, turn: Recorded, outcome: Outcome, case: Case) -> Committed:
        """Writes a turn again: "done", or "conflict" with what did not fit."""
        tx, claim = self._target, outcome.claim
        tx.run("SAVEPOINT turn")
        try:
            self._as_it_was(outcome, case)
            tx.run(
                "INSERT INTO claims (stream, fence, lease_until) VALUES (?, ?, 0)",
                (claim.stream, claim.fence),
            )
            committed = commit_turn(tx, outcome, turn.made)
        except (Clash, Lost, sqlite3.IntegrityError) as error:
            tx.run("ROLLBACK TO turn")
            committed = Committed(state="conflict", reason=f"{type(error).__name__}: {error}")
        tx.run("RELEASE turn")
        tx.topics.clear()
        return committed

    def _as_it_was(self, outcome: Outcome, case: Case) -> None:
        """What sending and the clock had changed before this turn was decided."""
        tx = self._target
        for folder in case.folders.values():
            for send in folder.sends:
                tx.run("UPDATE outbox SET state = ? WHERE id = ?", (send.state, send.id))
        for row in outcome.claim.rows:
            tx.run("UPDATE ledger SET state = 'pending' WHERE id = ?", (row.id,))
            if isinstance(row.input, TimerDue):
                tx.run(
                    "DELETE FROM timers WHERE ticket = ? AND name = ? AND due_at <= ?",
                    (row.input.ticket, row.input.name, to_ms(row.input.at)),
                )

    def finish(self) -> int:
        """How sending went comes over as it was; what had not left is marked and never leaves. How many those are."""
        source, tx = self._source, self._target
        facts = "state, attempts, again, external_ids, reason, detail, settled_at, not_before"
        for found in _portions(source, f"SELECT id, {facts} FROM outbox"):
            tx.many(
                "UPDATE outbox SET state = ?, attempts = ?, again = ?, external_ids = ?, reason = ?, detail = ?, "
                "settled_at = ?, not_before = ? WHERE id = ?",
                [(*row[1:], row[0]) for row in found],
            )
        columns = "key, ticket, leg, at, send"
        for found in _portions(source, f"SELECT {columns} FROM thread_keys"):
            tx.many(
                f"INSERT INTO thread_keys ({columns}) VALUES ({marks(5)}) ON CONFLICT (key) DO NOTHING", found
            )
        for found in _portions(source, "SELECT id, thread FROM legs WHERE thread <> ''"):
            tx.many("UPDATE legs SET thread = ? WHERE id = ?", [(row[1], row[0]) for row in found])
        return mark_unsent(tx, "replayed", SendState.WITHDRAWN)

    def tickets(self) -> int:
        row = self._target.one("SELECT COUNT(*) FROM tickets")
        return int(row[0]) if row else 0

    def differences(self) -> Iterator[tuple[int, str]]:
        """Ticket and table, for each that is not the same in both."""
        there = {int(row[0]) for row in self._source.all("SELECT id FROM tickets")}
        here = {int(row[0]) for row in self._target.all("SELECT id FROM tickets")}
        for number in sorted(there | here):
            if number not in here or number not in there:
                yield number, "missing" if number not in here else "invented"
                continue
            for table in _COMPARED:
                if self._lines(self._source, table, number) != self._lines(self._target, table, number):
                    yield number, table

    def _lines(self, tx: Tx, table: str, ticket: int) -> list[Row]:
        columns = [c for c in self._columns(table) if c not in _COMPARED[table]]
        key = "id" if table == "tickets" else "ticket"
        order = "kind, value" if table == "participants" else "name" if table == "timers" else "id"
        return tx.all(f"SELECT {', '.join(columns)} FROM {table} WHERE {key} = ? ORDER BY {order}", (ticket,))

    def _columns(self, table: str) -> list[str]:
        return [row[1] for row in self._target.all(f"PRAGMA table_info({table})")]


def mark_unsent(tx: Tx, mark: str, agents: SendState) -> int:
    """Takes back everything that has not left, under this mark, and pauses the outbox; how many those are.

    agents   the state of what agents wrote: UNCERTAIN lets them look and send it again themselves
    """
    unsent = "state IN ('held', 'queued', 'sending', 'uncertain')"
    taken = tx.run(
        f"UPDATE outbox SET state = ?, reason = ? WHERE kind = 'agent' AND {unsent}", (agents, mark)
    )
    taken += tx.run(
        f"UPDATE outbox SET state = 'withdrawn', reason = ? WHERE kind <> 'agent' AND {unsent}", (mark,)
    )
    pause(tx, True)
    return taken


def _portions(tx: Tx, query: str) -> Iterator[Sequence[Row]]:
    found = tx.all(query)
    for start in range(0, len(found), PORTION):
        yield found[start : start + PORTION]


@contextlib.contextmanager
def rebuilding(database: str, file: Path) -> Iterator[Rebuild]:
    """A rebuild into a new file, which is kept whole or not at all. Raises StoreError."""
    if file.exists():
        raise StoreError(f"{file} exists already. Give another name.")
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        with named_errors(), _source(database) as (tx, end), contextlib.closing(_target(file)) as target:
            target.execute("BEGIN IMMEDIATE")
            yield Rebuild(tx, end, target)
            target.execute("COMMIT")
    except BaseException:
        file.unlink(missing_ok=True)
        raise
    finally:
        Path(f"{file}.lock").unlink(missing_ok=True)


def _target(file: Path) -> sqlite3.Connection:
    sqlite_file.migrate(file)
    file.chmod(0o600)
    connection = sqlite_file.connect(file)
    connection.execute("PRAGMA journal_mode = DELETE")
    return connection


@contextlib.contextmanager
def _source(database: str) -> Iterator[tuple[Tx, End]]:
    if database.startswith("sqlite:///"):
        path = Path(database.removeprefix("sqlite:///"))
        if not path.exists():
            raise StoreError(f"{path} does not exist: there is nothing to replay.")
        with contextlib.closing(sqlite_file.connect(path, readonly=True)) as connection:
            connection.execute("BEGIN")
            yield SqliteTx(connection), SqliteEnd(connection)
        return
    with psycopg.connect(database, connect_timeout=5) as server:
        server.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        server.read_only = True
        yield PostgresTx(server), PostgresEnd(server)
