"""Committing a turn: one short write that checks what was read is still so."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from gateway.case import Change, Committed, Disposition, Outcome, PersonUpdate, Send
from gateway.clock import to_ms
from gateway.model import Entry, Event, Identity, Leg, Participant, SendKind, SendState
from gateway.store import corrections, rows, suppression
from gateway.store.cases import automatic_sent
from gateway.store.tx import Tx, marks


class Lost(Exception):
    """Somebody else has the stream now, or the rows are no longer pending."""


class Clash(Exception):
    """A ticket, a key or a send changed since it was read."""


#: Tables whose ids other rows and later inputs name.
_NUMBERED = ("legs", "entries", "outbox")


class Ids:
    """The ids of what one turn writes, in order: noted, or given where a recorded turn is written again."""

    def __init__(self, given: Mapping[str, Sequence[int]] | None = None) -> None:
        self._given = {table: list(numbers) for table, numbers in (given or {}).items()}
        self.made: dict[str, list[int]] = {table: [] for table in _NUMBERED}

    def note(self, tx: Tx, table: str, number: int) -> int:
        """The id that the row just written has from now on."""
        if waiting := self._given.get(table):
            wanted = waiting.pop(0)
            if wanted != number:
                tx.run(f"UPDATE {table} SET id = ? WHERE id = ?", (wanted, number))
            number = wanted
        self.made[table].append(number)
        return number


def commit_turn(tx: Tx, outcome: Outcome, given: Mapping[str, Sequence[int]] | None = None) -> Committed:
    """Writes a turn whole, or raises Lost or Clash having written nothing that outlives the savepoint.

    `given`: the ids that a recorded turn's rows had.
    """
    claim = outcome.claim
    if not tx.run("DELETE FROM claims WHERE stream = ? AND fence = ?", (claim.stream, claim.fence)):
        raise Lost(claim.stream)
    turn = _record_turn(tx, outcome)
    for update in outcome.people:
        _person_update(tx, update, outcome)
    _check_budget(tx, outcome)
    sends: dict[int, list[int]] = {}
    ids = Ids(given)
    for change in outcome.changes:
        sends[change.ticket.id] = _apply(tx, change, turn, ids)
    if any(ids.made.values()):
        tx.run("UPDATE turns SET made = ? WHERE id = ?", (json.dumps(ids.made, separators=(",", ":")), turn))
    _write_events(tx, outcome.events, 0, turn)
    for disposition in outcome.dispositions:
        _dispose(tx, disposition, turn, sends)
    # No ring for the stream's next rows: whoever commits looks again at once, and others need not wake for it.
    return Committed(state="done")


def _check_budget(tx: Tx, outcome: Outcome) -> None:
    """Counts again what others may have decided meanwhile: the budget is hard, whoever sends."""
    if not outcome.budget or outcome.budget_since is None:
        return
    recipients = Counter(
        send.outgoing.address.recipient
        for change in outcome.changes
        for send in change.sends
        if send.automatic
    )
    for recipient, more in sorted(recipients.items()):
        tx.run(
            "INSERT INTO budgets (recipient, messages) VALUES (?, ?) "
            "ON CONFLICT (recipient) DO UPDATE SET messages = budgets.messages + excluded.messages",
            (recipient, more),
        )
        if automatic_sent(tx, recipient, to_ms(outcome.budget_since)) + more > outcome.budget:
            raise Clash(f"budget of {recipient}")


def _record_turn(tx: Tx, outcome: Outcome) -> int:
    row = tx.one(
        "INSERT INTO turns (stream, at, inputs, policy, knowledge, reply, seen) VALUES (?, ?, ?, ?, ?, ?, ?) "
        "RETURNING id",
        (
            outcome.claim.stream,
            to_ms(outcome.at),
            json.dumps([row.ledger_id for row in outcome.dispositions]),
            outcome.policy,
            outcome.knowledge,
            outcome.reply,
            outcome.seen,
        ),
    )
    assert row is not None
    return int(row[0])


def _dispose(tx: Tx, disposition: Disposition, turn: int, sends: Mapping[int, Sequence[int]]) -> None:
    result = disposition.result
    if result and sends.get(disposition.ticket):
        # An agent's surface needs the outbox id of the reply it just made, to offer undo.
        result = json.dumps({**json.loads(result), "send": sends[disposition.ticket][0]})
    changed = tx.run(
        "UPDATE ledger SET state = ?, reason = ?, turn = ?, ticket = ?, result = ? "
        "WHERE id = ? AND state = 'pending'",
        (disposition.state, disposition.reason, turn, disposition.ticket, result, disposition.ledger_id),
    )
    if not changed:
        raise Lost(str(disposition.ledger_id))
    if result:
        tx.notify(f"done/{disposition.ledger_id}")


def _person_update(tx: Tx, update: PersonUpdate, outcome: Outcome) -> int:
    identity, at = update.identity, to_ms(outcome.at)
    found = tx.one(
        "SELECT id, contact FROM identities WHERE kind = ? AND value = ?", (identity.kind, identity.value)
    )
    if found is None:
        contact = _new_contact(tx, identity, update.language, at)
        tx.run(
            "INSERT INTO identities (kind, value, name, contact, verified, greeted_at) VALUES (?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (kind, value) DO NOTHING",
            (
                identity.kind,
                identity.value,
                identity.name,
                contact,
                int(identity.verified),
                at * update.greeted,
            ),
        )
        return contact
    contact = int(found[1])
    if update.greeted:
        tx.run("UPDATE identities SET greeted_at = ? WHERE id = ? AND greeted_at = 0", (at, found[0]))
    if update.language:
        tx.run("UPDATE contacts SET language = ? WHERE id = ?", (update.language, contact))
    return contact


def _new_contact(tx: Tx, identity: Identity, language: str, at: int) -> int:
    row = tx.one(
        "INSERT INTO contacts (name, language, created_at) VALUES (?, ?, ?) RETURNING id",
        (identity.name, language, at),
    )
    assert row is not None
    return int(row[0])


def _apply(tx: Tx, change: Change, turn: int, ids: Ids) -> list[int]:
    """Writes one ticket's change and returns the outbox ids of its replies, in order."""
    number = change.ticket.id
    _write_ticket(tx, change)
    _withdraw(tx, change.withdraw)
    _requeue(tx, change)
    suppression.mark_returned(tx, change)
    for correction in change.corrections:
        corrections.apply(tx, correction, to_ms(change.ticket.updated_at))
    for line in change.rewrites:
        tx.run(
            "UPDATE entries SET text = ?, full_text = ? WHERE id = ? AND ticket = ?",
            (line.text, line.full_text, line.entry, number),
        )
    for done in change.restore:
        corrections.restore(tx, done)
    legs = {leg.id: _leg(tx, number, leg, ids) for leg in change.legs}
    _write_participants(tx, number, change.participants)
    entries = {entry.id: ids.note(tx, "entries", _write_entry(tx, number, entry)) for entry in change.entries}
    _write_keys(tx, change, legs)
    _write_events(tx, change.events, number, turn)
    sent = [
        (send, ids.note(tx, "outbox", _write_send(tx, number, send, legs, entries))) for send in change.sends
    ]
    for timer in change.timers:
        tx.run("DELETE FROM timers WHERE ticket = ? AND name = ?", (number, timer.name))
        if timer.due is not None:
            tx.run(
                "INSERT INTO timers (ticket, name, due_at) VALUES (?, ?, ?)",
                (number, timer.name, to_ms(timer.due)),
            )
    tx.notify("tickets")
    tx.notify(f"ticket/{number}")
    return [id_ for send, id_ in sent if send.kind is SendKind.AGENT]


def _write_ticket(tx: Tx, change: Change) -> None:
    t = change.ticket
    values = (
        t.status,
        t.tier,
        t.queue,
        t.priority,
        t.speaker,
        t.subject,
        t.language,
        t.assignee,
        rows.dump(t.tags),
        t.cause,
        int(t.protected),
        to_ms(t.created_at),
        to_ms(t.updated_at),
        rows.dump(t.bot),
        rows.dump(t.work),
        t.incident,
        rows.dump(t.watch),
        t.work.asked,
    )
    if t.version == 0:
        written = tx.run(
            f"INSERT INTO tickets ({rows.TICKET}, asked) VALUES ({marks(20)}) ON CONFLICT (id) DO NOTHING",
            (t.id, 1, *values),
        )
    else:
        written = tx.run(
            """UPDATE tickets SET status = ?, tier = ?, queue = ?, priority = ?, speaker = ?, subject = ?,
               language = ?, assignee = ?, tags = ?, cause = ?, protected = ?, created_at = ?, updated_at = ?,
               bot = ?, work = ?, incident = ?, watch = ?, asked = ?, version = version + 1
               WHERE id = ? AND version = ?""",
            (*values, t.id, t.version),
        )
    if not written:
        raise Clash(f"ticket {t.id}")


def _withdraw(tx: Tx, ids: Iterable[int]) -> None:
    for number in ids:
        changed = tx.run(
            "UPDATE outbox SET state = 'withdrawn' WHERE id = ? AND state IN ('held', 'queued')", (number,)
        )
        if not changed:
            raise Clash(f"send {number}")


def _requeue(tx: Tx, change: Change) -> None:
    for number in change.requeue:
        changed = tx.run(
            "UPDATE outbox SET state = 'queued', not_before = ?, attempts = 0, created_at = ?, reason = '', "
            "detail = '', again = again + CASE WHEN state = 'uncertain' THEN 1 ELSE 0 END "
            "WHERE id = ? AND state IN ('failed', 'uncertain')",
            (to_ms(change.ticket.updated_at), to_ms(change.ticket.updated_at), number),
        )
        if not changed:
            raise Clash(f"send {number}")
        tx.notify("outbox")


def _leg(tx: Tx, number: int, leg: Leg, ids: Ids) -> int:
    written = _write_leg(tx, number, leg)
    return written if leg.id > 0 else ids.note(tx, "legs", written)


def _write_leg(tx: Tx, number: int, leg: Leg) -> int:
    if leg.id > 0:
        tx.run(
            "UPDATE legs SET current = ?, link = ?, cc = ? WHERE id = ?",
            (int(leg.current), leg.link, rows.dump(leg.cc), leg.id),
        )
        return leg.id
    a = leg.address
    row = tx.one(
        "INSERT INTO legs (ticket, side, connector, account, conversation, thread, current, link, cc, public) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
        (
            number,
            leg.side,
            a.connector,
            a.account,
            a.conversation,
            a.thread,
            int(leg.current),
            leg.link,
            rows.dump(leg.cc),
            int(leg.public),
        ),
    )
    assert row is not None
    return int(row[0])


def _write_participants(tx: Tx, number: int, people: Iterable[Participant]) -> None:
    for person in people:
        i = person.identity
        tx.run(
            "INSERT INTO participants (ticket, kind, value, name, role) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (ticket, kind, value) DO UPDATE SET role = excluded.role",
            (number, i.kind, i.value, i.name, person.role),
        )


def _write_entry(tx: Tx, number: int, e: Entry) -> int:
    row = tx.one(
        "INSERT INTO entries (ticket, kind, at, author, author_key, text, full_text, attachments, buttons, "
        "message_key, version, ledger, reason) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
        (
            number,
            e.kind,
            to_ms(e.at),
            e.author,
            e.author_key,
            e.text,
            e.full_text,
            rows.dump(e.attachments),
            rows.dump(e.buttons),
            e.message_key,
            e.version,
            e.ledger_id,
            e.reason,
        ),
    )
    assert row is not None
    return int(row[0])


def _write_keys(tx: Tx, change: Change, legs: Mapping[int, int]) -> None:
    at = to_ms(change.ticket.updated_at)
    if change.keys:
        ticket = change.ticket.id
        tx.many(_BIND, [(key.key, ticket, legs.get(key.leg, key.leg), at, 0) for key in change.keys])
    for message_key, version in change.seen:
        new = tx.run(
            "INSERT INTO seen (message_key, version, ticket) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            (message_key, version, change.ticket.id),
        )
        if not new:
            raise Clash(message_key)


def bind_key(tx: Tx, key: str, ticket: int, leg: int, at: int, send: int = 0) -> None:
    """From now on a message that mentions `key` finds this ticket; the newest binding wins."""
    tx.run(_BIND, (key, ticket, leg, at, send))


_BIND = (
    "INSERT INTO thread_keys (key, ticket, leg, at, send) VALUES (?, ?, ?, ?, ?) "
    "ON CONFLICT (key) DO UPDATE SET ticket = excluded.ticket, leg = excluded.leg, at = excluded.at, "
    "send = excluded.send"
)


def _write_events(tx: Tx, events: Sequence[Event], ticket: int, turn: int) -> None:
    if events:
        tx.many(
            "INSERT INTO events (ticket, kind, at, turn, data) VALUES (?, ?, ?, ?, ?)",
            [(ticket, event.kind, to_ms(event.at), turn, rows.dump(event.data)) for event in events],
        )


def _write_send(tx: Tx, number: int, send: Send, legs: Mapping[int, int], entries: Mapping[int, int]) -> int:
    a, at = send.outgoing.address, to_ms(send.not_before)
    row = tx.one(
        "INSERT INTO outbox (ticket, leg, entry, kind, state, connector, account, recipient, automatic, payload, "
        "created_at, not_before) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
        (
            number,
            legs.get(send.leg, send.leg),
            entries.get(send.entry, send.entry),
            send.kind,
            SendState.HELD if send.held else SendState.QUEUED,
            a.connector,
            a.account,
            a.recipient,
            int(send.automatic),
            rows.dump(send.outgoing),
            at,
            at,
        ),
    )
    assert row is not None
    tx.notify("outbox")
    return int(row[0])
