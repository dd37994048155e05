"""What an export reads, in portions."""

from __future__ import annotations

from gateway.store.tx import Row, Tx


def tickets(tx: Tx, after: int, limit: int) -> list[int]:
    """Numbers of the next tickets."""
    return [
        int(row[0])
        for row in tx.all("SELECT id FROM tickets WHERE id > ? ORDER BY id LIMIT ?", (after, limit))
    ]


def contacts(tx: Tx) -> list[Row]:
    """Contact, name, language, time in milliseconds, and one identity: kind, value, name, verified."""
    return tx.all(
        "SELECT c.id, c.name, c.language, c.created_at, i.kind, i.value, i.name, i.verified FROM contacts c "
        "JOIN identities i ON i.contact = c.id ORDER BY c.id, i.id"
    )


def originals(tx: Tx, after: int, limit: int) -> list[Row]:
    """Number and connector of the next inputs whose original was kept."""
    return tx.all(
        "SELECT id, connector FROM ledger WHERE id > ? AND (raw IS NOT NULL OR raw_blob <> '') ORDER BY id LIMIT ?",
        (after, limit),
    )
