"""What a simulation reads and writes beside the path: its mark, and what is new since it last looked."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path

import msgspec

from gateway.model import Address, EntryKind, Event, Outgoing, SendKind, SendState, Side, Ticket
from gateway.store import rows
from gateway.store.tx import Tx, marks

_MARK = "simulation"


class Noted(msgspec.Struct, frozen=True, kw_only=True):
    """A note that an agent or a rule wrote."""

    id: int
    ticket: int
    author: str
    text: str


class Queued(msgspec.Struct, frozen=True, kw_only=True):
    """A new row of the outbox."""

    id: int
    ticket: int
    side: Side
    kind: SendKind
    outgoing: Outgoing


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """The newest ids that were read."""

    event: int = 0
    entry: int = 0
    send: int = 0


class News(msgspec.Struct, frozen=True, kw_only=True):
    """What was written since, in the order in which it was written, and the tickets it touched."""

    seen: Seen
    events: tuple[Event, ...]
    notes: tuple[Noted, ...]
    sends: tuple[Queued, ...]
    tickets: dict[int, Ticket]


def mark(tx: Tx) -> None:
    """Says that this database belongs to a simulation; nothing in it is ever sent."""
    tx.run("INSERT INTO flags (name, value) VALUES (?, '1') ON CONFLICT (name) DO NOTHING", (_MARK,))


def is_ours(path: Path) -> bool:
    """Whether this file is a database that a simulation made."""
    try:
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
    except sqlite3.Error:
        return False
    try:
        return connection.execute("SELECT 1 FROM flags WHERE name = ?", (_MARK,)).fetchone() is not None
    except sqlite3.Error:
        return False
    finally:
        connection.close()


def news(tx: Tx, seen: Seen) -> News:
    """Everything since `seen`."""
    events = [
        rows.event(r)
        for r in tx.all(f"SELECT {rows.EVENT} FROM events WHERE id > ? ORDER BY id", (seen.event,))
    ]
    entries = tx.all(
        "SELECT id, ticket, kind, author, text FROM entries WHERE id > ? ORDER BY id", (seen.entry,)
    )
    notes = [Noted(id=r[0], ticket=r[1], author=r[3], text=r[4]) for r in entries if r[2] == EntryKind.NOTE]
    sends = _sends(tx, seen.send)
    touched = {e.ticket for e in events} | {r[1] for r in entries} | {s.ticket for s in sends}
    return News(
        seen=Seen(
            event=events[-1].id if events else seen.event,
            entry=entries[-1][0] if entries else seen.entry,
            send=sends[-1].id if sends else seen.send,
        ),
        events=tuple(events),
        notes=tuple(notes),
        sends=tuple(sends),
        tickets=tickets(tx, touched - {0}),
    )


def _sends(tx: Tx, after: int) -> list[Queued]:
    found = tx.all(
        """SELECT o.id, o.ticket, COALESCE(l.side, 'agent'), o.kind, o.payload FROM outbox o
           LEFT JOIN legs l ON l.id = o.leg WHERE o.id > ? ORDER BY o.id""",
        (after,),
    )
    return [
        Queued(id=r[0], ticket=r[1], side=Side(r[2]), kind=SendKind(r[3]), outgoing=rows.load(r[4], Outgoing))
        for r in found
    ]


def tickets(tx: Tx, numbers: Iterable[int]) -> dict[int, Ticket]:
    """These tickets as they are now, by id."""
    wanted = sorted(numbers)
    found = (
        tx.all(f"SELECT {rows.TICKET} FROM tickets WHERE id IN ({marks(len(wanted))})", wanted)
        if wanted
        else []
    )
    return {ticket.id: ticket for ticket in map(rows.ticket, found)}


def tickets_of(tx: Tx, who: str) -> list[int]:
    """The tickets of a requester by any of their names, in the order in which they were opened."""
    found = tx.all(
        "SELECT DISTINCT ticket FROM participants WHERE role = 'requester' AND LOWER(value) = ? ORDER BY ticket",
        (who.lower(),),
    )
    return [int(row[0]) for row in found]


def every_ticket(tx: Tx) -> list[int]:
    return [int(row[0]) for row in tx.all("SELECT id FROM tickets ORDER BY id")]


def newest_entry(tx: Tx, ticket: int) -> int:
    """The newest message of the requester, 0 for none."""
    row = tx.one("SELECT MAX(id) FROM entries WHERE ticket = ? AND kind = ?", (ticket, EntryKind.MESSAGE))
    return int(row[0] or 0) if row else 0


def newest_reply(tx: Tx, ticket: int) -> int:
    """The newest reply of an agent in the outbox, 0 for none."""
    row = tx.one("SELECT MAX(id) FROM outbox WHERE ticket = ? AND kind = ?", (ticket, SendKind.AGENT))
    return int(row[0] or 0) if row else 0


def last_sent(tx: Tx, address: Address) -> list[tuple[int, int]]:
    """Ticket and outbox id of what this conversation was sent, newest first."""
    found = tx.all(
        """SELECT ticket, id FROM outbox WHERE connector = ? AND account = ? AND recipient = ?
           AND state IN (?, ?) ORDER BY id DESC""",
        (address.connector, address.account, address.recipient, SendState.ACCEPTED, SendState.DELIVERED),
    )
    return [(int(row[0]), int(row[1])) for row in found]
