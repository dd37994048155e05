"""Which tickets people's work concerns: the next one of a queue, all of one agent, all of one incident."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.store import pages, rows
from gateway.store.tx import Row, Tx, marks
from gateway.views import IncidentLine

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


def recent_matters(tx: Tx, since: int, limit: int) -> list[tuple[int, str, str]]:
    """Ticket, who asks and the words of the newest open tickets with people, none of them confidential."""
    found = tx.all(
        "SELECT t.id, (SELECT MIN(p.kind || ':' || p.value) FROM participants p WHERE p.ticket = t.id "
        "AND p.role = 'requester'), t.subject, (SELECT e.text FROM entries e WHERE e.id = (SELECT MIN(x.id) "
        "FROM entries x WHERE x.ticket = t.id AND x.kind = 'message')) FROM tickets t "
        f"WHERE t.created_at > ? AND t.status IN {_OPEN} AND t.queue <> '' AND t.protected = 0 "
        "ORDER BY t.id DESC LIMIT ?",
        (since, limit),
    )
    return [(int(row[0]), row[1] or "", _words(row[2] or "", row[3] or "")) for row in reversed(found)]


def _words(subject: str, text: str) -> str:
    """The subject stands for the text where it is only its beginning."""
    begins = " ".join(text.split()).startswith(subject.rstrip("…"))
    return (text if begins else f"{subject}\n{text}")[:1500]


def incident_lines(tx: Tx, limit: int = 50) -> list[IncidentLine]:
    """Incidents that are not over, and tickets proposed as one, newest first."""
    found = tx.all(
        f"SELECT {rows.TICKET} FROM tickets WHERE status <> 'closed' AND (incident = id OR "
        "(incident = 0 AND work LIKE '%\"alike\":[%')) ORDER BY id DESC LIMIT ?",
        (limit,),
    )
    return [_incident(tx, row) for row in found]


def _incident(tx: Tx, row: Row) -> IncidentLine:
    ticket = rows.ticket(row)
    joined = tx.all(
        f"SELECT {rows.TICKET} FROM tickets WHERE incident = ? AND id <> ? ORDER BY id",
        (ticket.id, ticket.id),
    )
    alike = ticket.work.alike
    proposed = (
        tx.all(f"SELECT {rows.TICKET} FROM tickets WHERE id IN ({marks(len(alike))}) ORDER BY id", alike)
        if alike
        else []
    )
    return IncidentLine(
        leader=pages.line(tx, row),
        members=tuple(pages.line(tx, each) for each in joined),
        proposed=tuple(pages.line(tx, each) for each in proposed),
    )


def sealed_lines(tx: Tx, number: int) -> dict[int, bytes]:
    """The sealed inputs behind the requester's lines of a ticket, by entry; those that were erased are missing."""
    found = tx.all(
        "SELECT e.id, l.sealed FROM entries e JOIN ledger l ON l.id = e.ledger "
        "WHERE e.ticket = ? AND e.kind = 'message' AND l.sealed IS NOT NULL ORDER BY e.id",
        (number,),
    )
    return {int(row[0]): bytes(row[1]) for row in found}
