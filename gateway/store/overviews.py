"""Reads about the desk as a whole: an agent's own tickets, the team, and what stands behind one ticket."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from itertools import islice

import msgspec

from gateway.clock import from_ms
from gateway.model import Address, Agent, Entry, EntryKind, SendState, Step, Watch, reference
from gateway.overviews import Background, MemberLine, PastLine
from gateway.store import pages, people, rows
from gateway.store.tx import Row, Tx, marks
from gateway.text.likeness import Likeness
from gateway.views import TicketLine

OURS = ("new", "open")  #: what waits for us; pending and on hold wait for somebody else
PAST = 3  #: tickets shown of a history, and of similar ones
LOOKED_AT = 400  #: solved tickets that are compared, newest first
_HOW = 90  #: characters of the answer that solved it


def own_tickets(tx: Tx, agent: str, limit: int) -> tuple[list[TicketLine], int, bool]:
    """An agent's open tickets, longest waiting first; how many there are; whether they ever owned one."""
    waiting = pages.WAITING
    found = tx.all(
        f"SELECT {rows.TICKET} FROM tickets WHERE assignee = ? AND assignee <> '' AND status IN "
        f"({marks(len(waiting))}) ORDER BY CASE WHEN status IN ('new', 'open') THEN 0 ELSE 1 END, updated_at LIMIT ?",
        (agent, *waiting, limit),
    )
    count = tx.one(
        f"SELECT COUNT(*) FROM tickets WHERE assignee = ? AND assignee <> '' AND status IN ({marks(len(waiting))})",
        (agent, *waiting),
    )
    ever = tx.one("SELECT 1 FROM tickets WHERE assignee = ? AND assignee <> '' LIMIT 1", (agent,))
    return [pages.line(tx, row) for row in found], int(count[0]) if count else 0, ever is not None


class TeamRows(msgspec.Struct, frozen=True, kw_only=True):
    """The team as it lies in the database."""

    members: Sequence[MemberLine]
    waiting: int
    unassigned: int
    oldest: Sequence[TicketLine]
    breaching: Sequence[TicketLine]


def team(tx: Tx, hidden: Sequence[str], limit: int) -> TeamRows:
    """How many wait for whom, and which waited longest. `hidden`: queues that are not counted."""
    seen, params = _among("queue", hidden)
    where = f"queue <> '' AND status IN ({marks(len(OURS))}) AND {seen}"
    totals = tx.one(
        f"SELECT COUNT(*), SUM(CASE WHEN assignee = '' THEN 1 ELSE 0 END) FROM tickets WHERE {where}",
        (*OURS, *params),
    )
    oldest = tx.all(
        f"SELECT {rows.TICKET} FROM tickets WHERE {where} "
        "ORDER BY CASE WHEN assignee = '' THEN 0 ELSE 1 END, created_at, id LIMIT ?",
        (*OURS, *params, limit),
    )
    return TeamRows(
        members=_members(tx),
        waiting=int(totals[0]) if totals else 0,
        unassigned=int(totals[1] or 0) if totals else 0,
        oldest=[pages.line(tx, row) for row in oldest],
        breaching=_late(tx, where, (*OURS, *params), limit),
    )


def _late(tx: Tx, where: str, params: Sequence[object], limit: int) -> list[TicketLine]:
    """Tickets with a running clock that people were warned of, or that broke its promise; oldest first."""
    found = tx.all(
        f"SELECT {rows.TICKET} FROM tickets WHERE {where} "
        "AND (watch LIKE '%\"warned\":%' OR watch LIKE '%\"breached\":%') ORDER BY created_at, id LIMIT 200",
        params,
    )
    late = (row for row in found if _is_late(rows.ticket(row).watch))
    return [pages.line(tx, row) for row in islice(late, limit)]


def _is_late(watch: Watch) -> bool:
    known = {*watch.warned, *watch.breached}
    return any(watch.marks.get(p) and watch.marks[p][-1].step is not Step.STOP for p in known)


def _members(tx: Tx) -> list[MemberLine]:
    found = tx.all(
        "SELECT assignee, SUM(CASE WHEN status IN ('new', 'open') THEN 1 ELSE 0 END), "
        "SUM(CASE WHEN status IN ('pending', 'on_hold') THEN 1 ELSE 0 END), "
        "MIN(CASE WHEN status IN ('new', 'open') THEN created_at END) "
        f"FROM tickets WHERE assignee <> '' AND status IN ({marks(len(pages.WAITING))}) GROUP BY assignee",
        pages.WAITING,
    )
    loads = {row[0]: row for row in found}
    lines = [_member(agent, loads.get(agent.id)) for agent in people.agents(tx) if agent.active]
    return sorted(lines, key=lambda line: (-line.open, line.agent.name))


def _member(agent: Agent, row: Row | None) -> MemberLine:
    oldest: datetime | None = from_ms(row[3]) if row and row[3] is not None else None
    return MemberLine(
        agent=agent,
        open=int(row[1]) if row else 0,
        pending=int(row[2]) if row else 0,
        oldest=oldest,
    )


# ---------------------------------------------------------------- behind one ticket


def background(tx: Tx, number: int, place: Address, secret: Collection[str]) -> Background:
    """What the channel of its queue may know; nothing for a place where its card does not stand.

    secret: protected queues; of those only the ticket's own is shown.
    """
    row = tx.one(f"SELECT {rows.TICKET} FROM tickets WHERE id = ?", (number,))
    stands = tx.one(
        "SELECT 1 FROM legs WHERE ticket = ? AND side = 'agent' AND connector = ? AND account = ? AND conversation = ?",
        (number, place.connector, place.account, place.conversation),
    )
    if row is None or stands is None:
        return Background()
    ticket = rows.ticket(row)
    hidden = sorted(set(secret) - {ticket.queue})
    owner = people.agent(tx, ticket.assignee) if ticket.assignee else None
    count, history = _history(tx, number, hidden)
    shown = {line.id for line in history}
    similar = _similar(tx, number, f"{ticket.subject}\n{ticket.bot.asked}", ticket.bot.article, hidden)
    return Background(
        owner=owner.name if owner else "",
        tickets=count,
        history=tuple(history),
        similar=tuple(line for line in similar if line.id not in shown),
        failed=_failed(tx, number),
    )


def _failed(tx: Tx, number: int) -> Entry | None:
    """The newest answer of an agent, when it did not arrive or nobody knows."""
    answers = [entry for entry in pages.entries(tx, number) if entry.kind is EntryKind.REPLY and entry.state]
    newest = answers[-1] if answers else None
    return newest if newest and newest.state in (SendState.FAILED, SendState.UNCERTAIN) else None


def _history(tx: Tx, number: int, hidden: Sequence[str]) -> tuple[int, list[PastLine]]:
    """Other tickets of the same contact: by this very identity, and by those linked to it."""
    seen, params = _among("t.queue", hidden)
    mine = (
        "SELECT i.contact FROM participants p JOIN identities i ON i.kind = p.kind AND i.value = p.value "
        "WHERE p.ticket = ? AND p.role = 'requester'"
    )
    where = (
        "t.id IN (SELECT p.ticket FROM participants p JOIN identities i ON i.kind = p.kind AND i.value = p.value "
        f"WHERE p.role = 'requester' AND i.contact IN ({mine})) AND t.id <> ? AND {seen}"
    )
    values = (number, number, *params)
    count = tx.one(f"SELECT COUNT(*) FROM tickets t WHERE {where}", values)
    found = tx.all(
        "SELECT t.id, t.subject, t.status, t.updated_at, t.bot FROM tickets t "
        f"WHERE {where} ORDER BY t.id DESC LIMIT ?",
        (*values, PAST),
    )
    return int(count[0]) if count else 0, [_past(row) for row in found]


def _similar(tx: Tx, number: int, text: str, article: str, hidden: Sequence[str]) -> list[PastLine]:
    seen, params = _among("queue", hidden)
    found = tx.all(
        "SELECT id, subject, status, updated_at, bot FROM tickets WHERE status IN ('resolved', 'closed') "
        f"AND id <> ? AND {seen} ORDER BY id DESC LIMIT ?",
        (number, *params, LOOKED_AT),
    )
    likeness = Likeness([(_said(row), _bot(row, "article")) for row in found])
    best = likeness.nearest(text, article, PAST)
    return [_past(found[place], _how(tx, found[place][0])) for place in best]


def _past(row: Row, how: str = "") -> PastLine:
    subject = row[1] or " ".join(_bot(row, "asked").split())
    return PastLine(
        id=row[0],
        reference=reference(row[0]),
        subject=subject[:120],
        status=row[2],
        at=from_ms(row[3]),
        how=how,
    )


def _how(tx: Tx, number: int) -> str:
    """The start of what a person answered last, on one line."""
    row = tx.one(
        "SELECT text FROM entries WHERE ticket = ? AND kind = ? ORDER BY id DESC LIMIT 1",
        (number, EntryKind.REPLY),
    )
    line = " ".join(str(row[0]).split()) if row else ""
    return line if len(line) <= _HOW else line[: _HOW - 1].rstrip() + "…"


def _said(row: Row) -> str:
    return f"{row[1]}\n{_bot(row, 'asked')}"


def _bot(row: Row, name: str) -> str:
    return str(json.loads(row[4]).get(name, ""))


def _among(column: str, hidden: Iterable[str]) -> tuple[str, list[str]]:
    values = list(hidden)
    return (f"{column} NOT IN ({marks(len(values))})", values) if values else ("1 = 1", [])
