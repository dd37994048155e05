"""Sealed originals of inputs that were handled: found, and replaced by their masked copies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from gateway.store.tx import Tx


class KeptOriginal(NamedTuple):
    """One handled input whose original is still here."""

    id: int
    sealed: bytes
    ticket: int
    raw_blob: str


class MaskedCopy(NamedTuple):
    """The sealed masked copy that takes its place."""

    id: int
    sealed: bytes
    ticket: int
    raw_blob: str


def kept(tx: Tx, after: int, before: int, limit: int) -> list[KeptOriginal]:
    """The next handled inputs after this id, taken before that time (milliseconds), whose original is here."""
    found = tx.all(
        "SELECT id, sealed, ticket, raw_blob FROM ledger WHERE id > ? AND received_at <= ? AND dropped = 0 "
        "AND state = 'accepted' AND sealed IS NOT NULL AND kind IN ('message', 'edit', 'agent_action') "
        "ORDER BY id LIMIT ?",
        (after, before, limit),
    )
    return [KeptOriginal(row[0], bytes(row[1]), row[2] or 0, row[3]) for row in found]


def drop(tx: Tx, copies: Sequence[MaskedCopy]) -> None:
    """Puts the copies in place of the originals, and forgets the raw bytes that nothing else needs."""
    tx.many(
        "UPDATE ledger SET sealed = ?, raw = NULL, raw_blob = '', dropped = 1 WHERE id = ? AND state = 'accepted'",
        [(copy.sealed, copy.id) for copy in copies],
    )
    for copy in copies:
        if copy.raw_blob and not _needed(tx, copy):
            tx.run("DELETE FROM blob_parts WHERE sha256 = ?", (copy.raw_blob,))
            tx.run("DELETE FROM blobs WHERE sha256 = ?", (copy.raw_blob,))


def _needed(tx: Tx, copy: MaskedCopy) -> bool:
    """The same bytes came by another delivery too, or are a file of the ticket (what could not be read)."""
    other = tx.one("SELECT 1 FROM ledger WHERE raw_blob = ? LIMIT 1", (copy.raw_blob,))
    shown = tx.one(
        "SELECT 1 FROM entries WHERE ticket = ? AND attachments LIKE ? LIMIT 1",
        (copy.ticket, f"%{copy.raw_blob}%"),
    )
    return other is not None or shown is not None
