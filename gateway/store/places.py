"""Which ticket a place belongs to, and where tickets go on: what connectors ask. Nothing here writes."""

from __future__ import annotations

from gateway.model import Address
from gateway.store.tx import Tx

#: Places of one account that are looked at; the newest come first.
MOST = 2000


def ticket_of(tx: Tx, key: str, near: Address) -> tuple[int, bool]:
    """The ticket of a thread key, 0 for none, and whether something from that conversation is still pending."""
    row = tx.one("SELECT ticket FROM thread_keys WHERE key = ?", (key,))
    if row:
        return int(row[0]), False
    start = f"{near.recipient}/"  # of the streams of this conversation, whoever speaks
    pending = tx.one(
        "SELECT 1 FROM ledger WHERE state = 'pending' AND substr(stream, 1, ?) = ? LIMIT 1",
        (len(start), start),
    )
    return 0, pending is not None


def asker_of(tx: Tx, ticket: int) -> str:
    """Who wrote the first message of a ticket."""
    row = tx.one(
        "SELECT author_key FROM entries WHERE ticket = ? AND kind = 'message' ORDER BY id LIMIT 1", (ticket,)
    )
    return str(row[0]) if row else ""


def open_places(tx: Tx, connector: str, account: str) -> list[Address]:
    """The current legs of one account's tickets that are not closed."""
    found = tx.all(
        "SELECT l.conversation, l.thread FROM legs l JOIN tickets t ON t.id = l.ticket "
        "WHERE l.connector = ? AND l.account = ? AND l.current = 1 AND t.status <> 'closed' "
        "ORDER BY t.updated_at DESC LIMIT ?",
        (connector, account, MOST),
    )
    return [
        Address(connector=connector, account=account, conversation=row[0], thread=row[1])
        for row in dict.fromkeys(map(tuple, found))
    ]
