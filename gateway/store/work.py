"""Which tickets people's work concerns: the next one of a queue, all of one agent, all of one incident."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.store.tx import Tx, marks

_OPEN = "('new', 'open', 'pending', 'on_hold')"
_RANK = "CASE priority WHEN 'urgent' THEN 0 WHEN 'high' THEN 1 WHEN 'normal' THEN 2 ELSE 3 END"


def next_in(tx: Tx, queue: str) -> int:
    """The ticket that waits longest at the highest priority and has no owner, 0 for none."""
    row = tx.one(
        "SELECT id FROM tickets WHERE queue = ? AND status IN ('new', 'open') AND assignee = '' "
        f"ORDER BY {_RANK}, created_at, id LIMIT 1",
        (queue,),
    )
    return int(row[0]) if row else 0


def owned_by(tx: Tx, agents: Sequence[str]) -> list[int]:
    """Every open ticket of these agents."""
    if not agents:
        return []
    found = tx.all(
        f"SELECT id FROM tickets WHERE assignee IN ({marks(len(agents))}) AND assignee <> '' "
        f"AND status IN {_OPEN} ORDER BY id",
        agents,
    )
    return [int(row[0]) for row in found]


def members(tx: Tx, tickets: Sequence[int]) -> list[int]:
    """Every ticket that is in one incident with one of these."""
    if not tickets:
        return []
    found = tx.all(
        "SELECT id FROM tickets WHERE incident <> 0 AND incident IN "
        f"(SELECT incident FROM tickets WHERE id IN ({marks(len(tickets))}) AND incident <> 0) ORDER BY id",
        tickets,
    )
    return [int(row[0]) for row in found]
