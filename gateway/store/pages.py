"""Reads for people: histories, ticket pages, queues and lists. Nothing here writes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from gateway.clock import from_ms
from gateway.model import Address, Entry, EntryKind, Event, History, Identity, Participant, TicketPage
from gateway.store import rows, search
from gateway.store.tx import Row, Tx, marks
from gateway.views import DeadLine, QueueLine, TicketFilter, TicketLine

#: What waits for a person.
WAITING = ("new", "open", "pending", "on_hold")
#: The newest so many tickets are ordered by what is owed.
ORDERED = 20_000

_SHOWN = "('sending', 'accepted', 'delivered', 'uncertain', 'failed')"


def history(tx: Tx, query: History) -> list[Entry]:
    """What was said on the tickets of one conversation that its requester may see, oldest first."""
    a = query.address
    found = tx.all(
        f"""SELECT {rows.prefixed(rows.ENTRY, "e")}, o.state, o.id FROM entries e
            LEFT JOIN outbox o ON o.entry = e.id AND o.connector = ? AND o.account = ?
            WHERE e.ticket IN (SELECT ticket FROM legs WHERE side = 'requester' AND connector = ?
                               AND account = ? AND conversation = ?)
              AND e.id > ? AND e.kind <> 'note' AND (e.kind = 'message' OR o.state IN {_SHOWN})
            ORDER BY e.id LIMIT ?""",
        (a.connector, a.account, a.connector, a.account, a.conversation, query.after, query.limit),
    )
    return [rows.entry(row, row[13], row[14] or 0) for row in found]


def ticket_page(tx: Tx, number: int) -> TicketPage | None:
    """A ticket with everything the desk shows of it."""
    row = tx.one(f"SELECT {rows.TICKET} FROM tickets WHERE id = ?", (number,))
    if row is None:
        return None
    people = tx.all(rows.PEOPLE, (number, number))
    legs = tx.all(f"SELECT {rows.LEG} FROM legs WHERE ticket = ? ORDER BY id", (number,))
    events = tx.all(f"SELECT {rows.EVENT} FROM events WHERE ticket = ? ORDER BY id", (number,))
    participants = tuple(
        Participant(identity=Identity(kind=p[0], value=p[1], name=p[2]), role=p[3]) for p in people
    )
    requester = next((p.identity for p in participants if p.role == "requester"), None)
    return TicketPage(
        ticket=rows.ticket(row),
        requester=requester.label if requester else "",
        entries=tuple(entries(tx, number)),
        events=tuple(rows.event(event) for event in events),
        legs=tuple(rows.leg(leg) for leg in legs),
        participants=participants,
        suppressed=_suppressed(tx, number),
    )


def _suppressed(tx: Tx, number: int) -> tuple[str, ...]:
    found = tx.all(
        "SELECT DISTINCT s.address FROM legs l JOIN suppressed s ON s.address = l.conversation "
        "WHERE l.ticket = ? AND l.side = 'requester' ORDER BY s.address",
        (number,),
    )
    return tuple(row[0] for row in found)


def entries(tx: Tx, number: int) -> list[Entry]:
    """The lines of a ticket in channel time, each answer with how far it came."""
    # The newest send of an entry tells its state: a relayed reply has one row a leg it was tried on.
    found = tx.all(
        f"""SELECT {rows.prefixed(rows.ENTRY, "e")}, o.state, o.id, o.detail FROM entries e
            LEFT JOIN outbox o ON o.id = (SELECT MAX(x.id) FROM outbox x JOIN legs l ON l.id = x.leg
                WHERE x.ticket = e.ticket AND x.entry = e.id AND l.side = 'requester')
            WHERE e.ticket = ? ORDER BY e.at, e.id""",
        (number,),
    )
    return [rows.entry(row, row[13], row[14] or 0, row[15] or "") for row in found]


def queue_lines(tx: Tx, titles: Sequence[tuple[str, str, int]]) -> list[QueueLine]:
    """One line a queue of (name, title, tier), in that order; "" is what only the bot has."""
    found = tx.all(
        "SELECT queue, COUNT(*), SUM(CASE WHEN assignee = '' THEN 1 ELSE 0 END), MIN(created_at) FROM tickets "
        f"WHERE status IN ({marks(len(WAITING))}) GROUP BY queue",
        WAITING,
    )
    by_name = {row[0]: row for row in found}
    lines = []
    for name, title, tier in titles:
        row = by_name.get(name)
        count, unassigned, oldest = (int(row[1]), int(row[2]), from_ms(row[3])) if row else (0, 0, None)
        lines.append(
            QueueLine(name=name, title=title, tier=tier, open=count, unassigned=unassigned, oldest=oldest)
        )
    return lines


def ticket_lines(tx: Tx, query: TicketFilter) -> list[TicketLine]:
    """A page of tickets, newest first or by what is owed first."""
    where, params = _where(query)
    if query.by_due:
        return _by_due(tx, " AND ".join(where), params, query)
    found = tx.all(
        f"SELECT {rows.TICKET} FROM tickets WHERE {' AND '.join(where)} ORDER BY id DESC LIMIT ?",
        (*params, query.limit),
    )
    return [line(tx, row) for row in found]


class _Owed(msgspec.Struct, frozen=True):
    """Of a ticket's watch the one moment that orders it."""

    due_at: datetime | None = None


def _by_due(tx: Tx, where: str, params: list[object], query: TicketFilter) -> list[TicketLine]:
    """Ordered here and not by the database: the moment lies in the ticket's watch, which is JSON."""
    found = tx.all(
        f"SELECT id, watch FROM tickets WHERE {where} ORDER BY id DESC LIMIT ?", (*params, ORDERED)
    )
    far = datetime.max.replace(tzinfo=UTC)
    owed = sorted(found, key=lambda row: rows.load(row[1], _Owed).due_at or far)  # of equals the newest first
    page = [row[0] for row in owed[query.skip : query.skip + query.limit]]
    tickets = (
        tx.all(f"SELECT {rows.TICKET} FROM tickets WHERE id IN ({marks(len(page))})", page) if page else []
    )
    by_id = {row[0]: row for row in tickets}
    return [line(tx, by_id[number]) for number in page]


def _where(query: TicketFilter) -> tuple[list[str], list[object]]:
    where: list[str] = ["1 = 1"]
    params: list[object] = []
    if query.queue is not None:
        where, params = [*where, "queue = ?"], [*params, query.queue]
    if query.statuses:
        where.append(f"status IN ({marks(len(query.statuses))})")
        params.extend(query.statuses)
    if query.assignee:
        where, params = [*where, "assignee = ?"], [*params, query.assignee]
    if query.asked:
        where.append(f"asked <> '' AND ({' OR '.join(['asked LIKE ?'] * len(query.asked))})")
        params.extend(f"% {name} %" for name in query.asked)
    if query.hidden_queues:
        where.append(f"queue NOT IN ({marks(len(query.hidden_queues))})")
        params.extend(query.hidden_queues)
    if query.before:
        where, params = [*where, "id < ?"], [*params, query.before]
    if query.text:
        clause, values = search.condition(query.text)
        where, params = [*where, f"({clause})"], [*params, *values]
    return where, params


def line(tx: Tx, row: Row) -> TicketLine:
    """A row of tickets as one line of a list."""
    t = rows.ticket(row)
    person = tx.one(
        "SELECT kind, value, name FROM participants WHERE ticket = ? AND role = 'requester' ORDER BY kind LIMIT 1",
        (t.id,),
    )
    channel = tx.one(
        "SELECT connector FROM legs WHERE ticket = ? AND side = 'requester' ORDER BY current DESC, id LIMIT 1",
        (t.id,),
    )
    said = tx.one(
        "SELECT text FROM entries WHERE ticket = ? AND kind = ? ORDER BY id DESC LIMIT 1",
        (t.id, EntryKind.MESSAGE),
    )
    name = tx.one("SELECT name FROM agents WHERE id = ?", (t.assignee,)) if t.assignee else None
    return TicketLine(
        id=t.id,
        reference=t.reference,
        subject=t.subject,
        requester=Identity(kind=person[0], value=person[1], name=person[2]).label if person else "",
        channel=channel[0] if channel else "",
        status=t.status,
        queue=t.queue,
        tier=t.tier,
        priority=t.priority,
        assignee=name[0] if name else "",
        tags=t.tags,
        cause=t.cause,
        speaker=t.speaker,
        language=t.language,
        created_at=t.created_at,
        updated_at=t.updated_at,
        excerpt=(said[0][:160] if said else ""),
        due_at=t.watch.due_at,
    )


def dead_lines(tx: Tx, limit: int = 200) -> list[DeadLine]:
    """What could not be handled or sent, newest first."""
    inputs = tx.all(
        "SELECT id, connector, account, reason, received_at, ticket FROM ledger "
        "WHERE state IN ('dead', 'quarantined') ORDER BY id DESC LIMIT ?",
        (limit,),
    )
    sends = tx.all(
        "SELECT id, connector, account, reason || ': ' || detail, settled_at, ticket FROM outbox "
        "WHERE state IN ('failed', 'uncertain') AND NOT EXISTS (SELECT 1 FROM outbox x "
        "WHERE x.ticket = outbox.ticket AND x.entry = outbox.entry AND x.entry <> 0 AND x.id > outbox.id) "
        "ORDER BY id DESC LIMIT ?",
        (limit,),
    )
    lines = [_dead("input", row) for row in inputs] + [_dead("send", row) for row in sends]
    return sorted(lines, key=lambda line: line.at, reverse=True)


def _dead(what: str, row: Row) -> DeadLine:
    at: datetime = from_ms(row[4])
    return DeadLine(
        id=row[0], what=what, connector=row[1], account=row[2], reason=row[3], at=at, ticket=row[5] or 0
    )


def recent_events(tx: Tx, kinds: Sequence[str], limit: int) -> list[Event]:
    found = tx.all(
        f"SELECT {rows.EVENT} FROM events WHERE kind IN ({marks(len(kinds))}) ORDER BY id DESC LIMIT ?",
        (*kinds, limit),
    )
    return [rows.event(row) for row in found]


def ticket_at(tx: Tx, address: Address) -> int:
    """The ticket whose thread this address is, 0 for none."""
    row = tx.one("SELECT ticket FROM thread_keys WHERE key = ?", (f"at:{address.key}",))
    return int(row[0]) if row else 0
