"""Times that tickets wait for, and the leases by which one replica alone does a thing."""

from __future__ import annotations

from collections.abc import Callable

from gateway.store.ledger import TakeRow, take_many
from gateway.store.tx import Tx


def fire(tx: Tx, worker: str, now: int, make: Callable[[int, int, str, int], TakeRow]) -> int:
    """Turns every due timer into a ledger row and forgets it, in one transaction: each fires once."""
    due = tx.all(
        "SELECT id, ticket, name, due_at FROM timers WHERE due_at <= ? ORDER BY due_at, id LIMIT 100"
        f"{tx.dialect.skip_locked}",
        (now,),
    )
    for number, *_ in due:
        tx.run("DELETE FROM timers WHERE id = ?", (number,))
    take_many(tx, worker, [make(*row) for row in due])
    return len(due)


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
