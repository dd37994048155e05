"""Times that tickets wait for, and the leases by which one replica alone does a thing."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from gateway.store.ledger import TakeRow, take_many
from gateway.store.tx import Tx, marks

#: Due so long ago (milliseconds), so many at once, and Deskgate was away: what they say is told together.
LATE, MANY = 30 * 60_000, 20
#: For so long after the first of them (milliseconds), late ones belong to the same stop; a queue hears once in it.
SAME_STOP = 30 * 60_000
#: The timer of promises and heartbeats; the others are silent by themselves.
_TELLS = "watch"


class Due(NamedTuple):
    """A timer that rings; `late` and `burst` as in TimerDue."""

    id: int
    ticket: int
    name: str
    due_at: int
    late: bool = False
    burst: int = 0


def fire(tx: Tx, worker: str, now: int, make: Callable[[Due], TakeRow]) -> int:
    """Turns every due timer into a ledger row and forgets it, in one transaction: each fires once."""
    rows = tx.all(
        "SELECT id, ticket, name, due_at FROM timers WHERE due_at <= ? ORDER BY due_at, id LIMIT 100"
        f"{tx.dialect.skip_locked}",
        (now,),
    )
    due = _folded(tx, [Due(*row) for row in rows], now)
    for each in due:
        tx.run("DELETE FROM timers WHERE id = ?", (each.id,))
    take_many(tx, worker, [make(each) for each in due])
    return len(due)


def _folded(tx: Tx, due: list[Due], now: int) -> list[Due]:
    late = [each for each in due if each.name == _TELLS and each.due_at <= now - LATE]
    if not late or not _was_away(tx, now):
        return due
    counts: dict[str, int] = dict(
        tx.all(
            "SELECT t.queue, COUNT(*) FROM timers m JOIN tickets t ON t.id = m.ticket "
            "WHERE m.name = ? AND m.due_at <= ? GROUP BY t.queue",
            (_TELLS, now - LATE),
        )
    )
    queues: dict[int, str] = dict(
        tx.all(f"SELECT id, queue FROM tickets WHERE id IN ({marks(len(late))})", [e.ticket for e in late])
    )
    burst = {}
    for each in late:
        queue = queues.get(each.ticket, "")
        if _marked(tx, f"burst/{queue}") <= now - SAME_STOP:
            _mark(tx, f"burst/{queue}", now)
            burst[each.id] = int(counts.get(queue, 1))
    late_ids = {each.id for each in late}
    return [each._replace(late=each.id in late_ids, burst=burst.get(each.id, 0)) for each in due]


def _was_away(tx: Tx, now: int) -> bool:
    """Whether so much rings late that it must be a stop, or is the rest of one."""
    if now - _marked(tx, "burst") < SAME_STOP:
        return True
    found = tx.one("SELECT COUNT(*) FROM timers WHERE name = ? AND due_at <= ?", (_TELLS, now - LATE))
    away = found is not None and int(found[0]) >= MANY
    if away:
        _mark(tx, "burst", now)
    return away


def _marked(tx: Tx, name: str) -> int:
    row = tx.one("SELECT value FROM flags WHERE name = ?", (name,))
    return int(row[0]) if row else 0


def _mark(tx: Tx, name: str, now: int) -> None:
    tx.run(
        "INSERT INTO flags (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (name, str(now)),
    )


def next_due(tx: Tx) -> int | None:
    row = tx.one("SELECT MIN(due_at) FROM timers")
    return None if row is None or row[0] is None else int(row[0])


def take_lease(tx: Tx, name: str, owner: str, lease_ms: int) -> bool:
    """Takes or renews the lease; False while another owner's has not run out. By the database's clock."""
    clock = tx.dialect.now
    won = tx.one(
        f"""INSERT INTO leases (name, owner, lease_until) VALUES (?, ?, {clock} + ?)
            ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, lease_until = excluded.lease_until
            WHERE leases.owner = excluded.owner OR leases.lease_until <= {clock} RETURNING owner""",
        (name, owner, lease_ms),
    )
    return won is not None


def drop_lease(tx: Tx, name: str, owner: str) -> None:
    tx.run("DELETE FROM leases WHERE name = ? AND owner = ?", (name, owner))
