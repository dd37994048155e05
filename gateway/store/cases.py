"""Reading a case: everything that one turn may need, by primary keys and small indexes only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from gateway.case import Corrected, EntryRef, Folder, PendingSend, Person
from gateway.model import EntryKind, Identity, Member, Outgoing, Participant, SendKind, SendState, Side
from gateway.store import corrections, dial, people, rows, suppression, work
from gateway.store.tx import Row, Tx, marks


class CaseQuery(msgspec.Struct, frozen=True, kw_only=True):
    """What a turn's inputs mention: the sender and their address, thread keys, message keys, tickets, sends."""

    identity: Identity | None = None
    recipients: tuple[
        str, ...
    ] = ()  #: whose automatic messages are counted, beside those of the tickets found
    since: int = 0  #: start of the budget's window, milliseconds
    keys: tuple[str, ...] = ()
    message_keys: tuple[str, ...] = ()
    tickets: tuple[int, ...] = ()
    sends: tuple[int, ...] = ()
    entries: tuple[int, ...] = ()  #: lines that agents name
    restored: tuple[int, ...] = ()  #: tickets whose last correction is to be taken back
    returned: tuple[str, ...] = ()  #: keys by which reports name messages of ours
    team: bool = False  #: whether work may be given out
    next_of: tuple[str, ...] = ()  #: queues whose next ticket is wanted
    owned_by: tuple[str, ...] = ()  #: agents all of whose open tickets are wanted
    unmasked: tuple[int, ...] = ()  #: tickets whose sealed lines are wanted
    incidents: tuple[int, ...] = ()  #: tickets whose whole incident is wanted


class CaseRows(msgspec.Struct, frozen=True, kw_only=True):
    """A case as it lies in the database; `claim` is added by whoever asked."""

    person: Person
    keys: Mapping[str, int]
    seen: Mapping[str, Mapping[str, int]]
    folders: Mapping[int, Folder]
    sends: Mapping[int, int]
    sent: Mapping[str, int]
    returned: Mapping[str, PendingSend]
    lines: Mapping[int, EntryRef]
    corrected: Mapping[int, Corrected]
    suppressed: frozenset[str]
    team: tuple[Member, ...]
    nexts: tuple[int, ...]
    stops: frozenset[str]
    sealed_lines: Mapping[int, Mapping[int, bytes]]  #: ticket -> entry -> its sealed input


def read_case(tx: Tx, query: CaseQuery) -> CaseRows:
    """Everything that one turn may need, by primary keys and small indexes only."""
    person = _person(tx, query) if query.identity else Person()
    keys = _keys(tx, query.keys)
    seen = _seen(tx, query.message_keys)
    sends = _send_tickets(tx, query.sends)
    corrected = {number: done for number in query.restored if (done := corrections.last(tx, number))}
    targets = (done.target for done in corrected.values())
    nexts = tuple(number for queue in query.next_of if (number := work.next_in(tx, queue)))
    wanted = {
        *query.tickets,
        *nexts,
        *work.owned_by(tx, query.owned_by),
        *work.members(tx, query.incidents),
        *keys.values(),
        *sends.values(),
        *targets,
    }
    wanted.update(ticket for versions in seen.values() for ticket in versions.values())
    folders = {number: folder for number in sorted(wanted) if (folder := read_folder(tx, number))}
    legs = (leg for folder in folders.values() for leg in folder.legs if leg.side is Side.REQUESTER)
    recipients = {*query.recipients, *(leg.address.recipient for leg in legs)}
    sent = {each: automatic_sent(tx, each, query.since) for each in sorted(recipients)}
    return CaseRows(
        person=person,
        keys=keys,
        seen=seen,
        folders=folders,
        sends=sends,
        sent=sent,
        lines={number: line for number in query.entries if (line := corrections.reference(tx, number))},
        corrected=corrected,
        returned={key: send for key in query.returned if (send := _send_of(tx, key))},
        suppressed=suppression.among(tx, {each.split("/", 2)[-1] for each in recipients}),
        team=tuple(people.team(tx)) if query.team or _owned(folders.values()) else (),
        nexts=nexts,
        stops=dial.scopes(tx),
        sealed_lines={number: work.sealed_lines(tx, number) for number in query.unmasked},
    )


def _owned(folders: Iterable[Folder]) -> bool:
    return any(folder.ticket.assignee for folder in folders)


def _person(tx: Tx, query: CaseQuery) -> Person:
    identity = query.identity
    assert identity is not None
    found = tx.one(
        "SELECT i.id, i.contact, i.name, i.greeted_at, c.language FROM identities i "
        "JOIN contacts c ON c.id = i.contact WHERE i.kind = ? AND i.value = ?",
        (identity.kind, identity.value),
    )
    agent = None
    if identity.kind in ("agent", "slack"):
        column = "id" if identity.kind == "agent" else "slack_id"
        row = tx.one(f"SELECT {rows.AGENT} FROM agents WHERE {column} = ?", (identity.value,))
        agent = rows.agent(row) if row and row[5] else None
    if identity.kind == "email" and "@" in identity.value:
        row = tx.one(f"SELECT {rows.AGENT} FROM agents WHERE LOWER(email) = ?", (identity.value,))
        agent = rows.agent(row) if row and row[5] else None
    if found is None:
        return Person(name=identity.name, agent=agent)
    return Person(
        identity_id=found[0],
        contact_id=found[1],
        name=found[2],
        greeted=bool(found[3]),
        language=found[4],
        agent=agent,
    )


def automatic_sent(tx: Tx, recipient: str, since: int) -> int:
    """How many automatic messages went, or are about to go, to this recipient since then."""
    row = tx.one(
        "SELECT COUNT(*) FROM outbox WHERE automatic = 1 AND recipient = ? AND created_at > ? "
        "AND state <> 'withdrawn'",
        (recipient, since),
    )
    return int(row[0]) if row else 0


def _keys(tx: Tx, keys: Sequence[str]) -> dict[str, int]:
    if not keys:
        return {}
    found = tx.all(f"SELECT key, ticket FROM thread_keys WHERE key IN ({marks(len(keys))})", keys)
    return {row[0]: int(row[1]) for row in found}


def _seen(tx: Tx, message_keys: Sequence[str]) -> dict[str, dict[str, int]]:
    if not message_keys:
        return {}
    found = tx.all(
        f"SELECT message_key, version, ticket FROM seen WHERE message_key IN ({marks(len(message_keys))})",
        message_keys,
    )
    seen: dict[str, dict[str, int]] = {}
    for key, version, ticket in found:
        seen.setdefault(key, {})[version] = int(ticket)
    return seen


def _send_tickets(tx: Tx, sends: Sequence[int]) -> dict[int, int]:
    if not sends:
        return {}
    found = tx.all(f"SELECT id, ticket FROM outbox WHERE id IN ({marks(len(sends))})", sends)
    return {int(row[0]): int(row[1]) for row in found}


def _send_of(tx: Tx, key: str) -> PendingSend | None:
    """The message of ours that was sent under this key."""
    row = tx.one(
        "SELECT o.id, o.leg, o.entry, o.kind, o.state, o.payload FROM thread_keys k JOIN outbox o ON o.id = k.send "
        "WHERE k.key = ?",
        (key,),
    )
    return _pending_send(row) if row else None


def read_folder(tx: Tx, number: int) -> Folder | None:
    """One ticket with its legs, people, unsent messages and what still waits for an answer."""
    row = tx.one(f"SELECT {rows.TICKET} FROM tickets WHERE id = ?", (number,))
    if row is None:
        return None
    legs = tx.all(f"SELECT {rows.LEG} FROM legs WHERE ticket = ? ORDER BY id", (number,))
    people = tx.all(rows.PEOPLE, (number, number))
    recent = tx.all(f"SELECT {rows.ENTRY} FROM entries WHERE ticket = ? ORDER BY id DESC LIMIT 12", (number,))
    return Folder(
        ticket=rows.ticket(row),
        legs=tuple(rows.leg(leg) for leg in legs),
        participants=tuple(_participant(person) for person in people),
        sends=tuple(_pending_send(send) for send in _open_sends(tx, number)),
        unanswered=tuple(rows.entry(entry) for entry in reversed(_unanswered(recent))),
        history=len(recent),
        notes=tuple(rows.entry(row) for row in reversed(recent) if row[1] == EntryKind.NOTE),
    )


def _open_sends(tx: Tx, number: int) -> list[Row]:
    # Failed and uncertain rows come too: an agent may ask to try them again.
    return tx.all(
        "SELECT id, leg, entry, kind, state, payload FROM outbox WHERE ticket = ? "
        "AND state IN ('held', 'queued', 'failed', 'uncertain') ORDER BY id",
        (number,),
    )


def _unanswered(newest_first: Sequence[Row]) -> list[Row]:
    """The run of requester's messages at the end; notes and notices do not interrupt it."""
    waiting = []
    for row in newest_first:
        if row[1] == EntryKind.MESSAGE:
            waiting.append(row)
        elif row[1] in (EntryKind.REPLY, EntryKind.ANSWER):
            break
    return waiting


def _participant(row: Row) -> Participant:
    return Participant(identity=Identity(kind=row[0], value=row[1], name=row[2]), role=row[3])


def _pending_send(row: Row) -> PendingSend:
    return PendingSend(
        id=row[0],
        leg=row[1],
        entry=row[2],
        kind=SendKind(row[3]),
        state=SendState(row[4]),
        outgoing=rows.load(row[5], Outgoing),
    )
