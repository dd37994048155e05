"""Lines that belong to another ticket: moved with their keys, written down, and brought back."""

from __future__ import annotations

import json
from collections.abc import Sequence

from gateway.case import Corrected, Correction, EntryRef
from gateway.store.tx import Row, Tx, marks


def apply(tx: Tx, correction: Correction, at: int) -> None:
    """Moves the lines and every key that named them, and remembers which they were."""
    source, target = correction.source, correction.target
    entries = [row[0] for row in _entries(tx, correction)]
    keys = [row[0] for row in _keys(tx, correction, entries)]
    _rehome(tx, entries, keys, source, target)
    tx.run(
        "INSERT INTO corrections (kind, source, target, entries, keys, at) VALUES (?, ?, ?, ?, ?, ?)",
        (correction.kind, source, target, json.dumps(entries), json.dumps(keys), at),
    )


def restore(tx: Tx, number: int) -> None:
    """Brings back what a correction moved, as far as nobody has moved it on."""
    row = tx.one(
        "SELECT source, target, entries, keys FROM corrections WHERE id = ? AND undone = 0", (number,)
    )
    if row is None:
        return
    _rehome(tx, json.loads(row[2]), json.loads(row[3]), row[1], row[0])
    tx.run("UPDATE corrections SET undone = 1 WHERE id = ?", (number,))


def last(tx: Tx, ticket: int) -> Corrected | None:
    """The newest correction of this ticket that still stands."""
    row = tx.one(
        "SELECT id, kind, source, target FROM corrections WHERE source = ? AND undone = 0 ORDER BY id DESC LIMIT 1",
        (ticket,),
    )
    return Corrected(id=row[0], kind=row[1], source=row[2], target=row[3]) if row else None


def reference(tx: Tx, entry: int) -> EntryRef | None:
    """Where a line of a conversation stands."""
    row = tx.one(
        "SELECT ticket, author_key, author, text, (SELECT MIN(x.id) FROM entries x WHERE x.ticket = e.ticket) "
        "FROM entries e WHERE id = ?",
        (entry,),
    )
    if row is None:
        return None
    return EntryRef(ticket=row[0], author_key=row[1], author=row[2], text=row[3][:400], first=row[4] == entry)


def _entries(tx: Tx, correction: Correction) -> list[Row]:
    which = {"split": "AND id >= ?", "move": "AND id = ?", "merge": "AND id > ?"}[correction.kind]
    return tx.all(
        f"SELECT id FROM entries WHERE ticket = ? {which} ORDER BY id", (correction.source, correction.entry)
    )


def _keys(tx: Tx, correction: Correction, entries: Sequence[int]) -> list[Row]:
    if correction.kind == "merge":
        return tx.all("SELECT key FROM thread_keys WHERE ticket = ?", (correction.source,))
    if not entries:
        return []
    named = marks(len(entries))
    return tx.all(
        "SELECT key FROM thread_keys WHERE ticket = ? AND (key IN (SELECT message_key FROM entries "
        f"WHERE id IN ({named}) AND message_key <> '') OR send IN (SELECT id FROM outbox WHERE entry IN ({named})))",
        (correction.source, *entries, *entries),
    )


def _rehome(tx: Tx, entries: Sequence[int], keys: Sequence[str], source: int, target: int) -> None:
    for entry in entries:
        tx.run("UPDATE entries SET ticket = ? WHERE id = ? AND ticket = ?", (target, entry, source))
        tx.run("UPDATE outbox SET ticket = ? WHERE entry = ? AND ticket = ?", (target, entry, source))
    for key in keys:
        tx.run("UPDATE thread_keys SET ticket = ? WHERE key = ? AND ticket = ?", (target, key, source))
        tx.run("UPDATE seen SET ticket = ? WHERE message_key = ? AND ticket = ?", (target, key, source))
    for ticket in (source, target):
        tx.notify(f"ticket/{ticket}")
    tx.notify("tickets")
