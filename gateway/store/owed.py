"""The open tickets on which a promise was broken, or people were warned of one: few, whatever the load."""

from __future__ import annotations

import msgspec

from gateway.model import Priority, Watch
from gateway.store import rows
from gateway.store.tx import Tx


class Owed(msgspec.Struct, frozen=True, kw_only=True):
    """One ticket that waits for us, and what is known of its promises."""

    id: int
    reference: str
    queue: str
    priority: Priority
    watch: Watch


def owed(tx: Tx) -> list[Owed]:
    """Those that people were warned of or told of, oldest first."""
    found = tx.all(
        "SELECT id, queue, priority, watch FROM tickets WHERE status IN ('new', 'open') AND queue <> '' "
        "AND (watch LIKE '%\"warned\":%' OR watch LIKE '%\"breached\":%') ORDER BY id",
    )
    return [
        Owed(
            id=row[0], reference=f"DG-{row[0]}", queue=row[1], priority=Priority(row[2]),
            watch=rows.load(row[3], Watch),
        )
        for row in found
    ]  # fmt: skip
