"""Messages of ours that came back, and the addresses that nothing automatic goes to because of them."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.case import Change
from gateway.clock import from_ms, to_ms
from gateway.store.tx import Tx, marks
from gateway.views import SuppressedLine


def mark_returned(tx: Tx, change: Change) -> None:
    """Fails the rows that came back after they had left, and keeps their addresses."""
    number, at = change.ticket.id, to_ms(change.ticket.updated_at)
    for returned in change.returned:
        tx.run(
            "UPDATE outbox SET state = 'failed', reason = 'returned', detail = ?, settled_at = ? "
            "WHERE id = ? AND state IN ('accepted', 'delivered', 'uncertain')",
            (returned.detail, at, returned.send),
        )
    for suppression in change.suppress:
        tx.run(
            "INSERT INTO suppressed (address, reason, ticket, at) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (address) DO UPDATE SET reason = excluded.reason, ticket = excluded.ticket, at = excluded.at",
            (suppression.address, suppression.reason, number, at),
        )


def among(tx: Tx, addresses: Iterable[str]) -> frozenset[str]:
    """Those of the addresses that are suppressed."""
    wanted = sorted(addresses)
    if not wanted:
        return frozenset()
    found = tx.all(f"SELECT address FROM suppressed WHERE address IN ({marks(len(wanted))})", wanted)
    return frozenset(row[0] for row in found)


def lines(tx: Tx, limit: int = 200) -> list[SuppressedLine]:
    """Every suppressed address, newest first."""
    found = tx.all(
        "SELECT address, reason, ticket, at FROM suppressed ORDER BY at DESC, address LIMIT ?", (limit,)
    )
    return [SuppressedLine(address=r[0], reason=r[1], ticket=r[2], at=from_ms(r[3])) for r in found]


def lift(tx: Tx, address: str) -> bool:
    """Lets automatic messages go there again; False when it was not suppressed."""
    lifted = tx.run("DELETE FROM suppressed WHERE address = ?", (address.strip().lower(),))
    tx.notify("tickets")
    return bool(lifted)
