"""Which ticket a place belongs to, and where tickets go on: what connectors ask. Nothing here writes."""

from __future__ import annotations

from gateway.connector import Whose
from gateway.model import Address, Side
from gateway.store.tx import Tx

#: Places of one account that are looked at; the newest come first.
MOST = 2000


def whose(tx: Tx, key: str, near: Address) -> tuple[Whose, bool]:
    """What a thread key belongs to, and whether something from that conversation is still pending."""
    row = tx.one(
        "SELECT k.ticket, l.side FROM thread_keys k LEFT JOIN legs l ON l.id = k.leg WHERE k.key = ?", (key,)
    )
    if row:
        return Whose(ticket=int(row[0]), side=Side(row[1]) if row[1] else None), False
    start = f"{near.recipient}/"  # of the streams of this conversation, whoever speaks
    pending = tx.one(
        "SELECT 1 FROM ledger WHERE state = 'pending' AND substr(stream, 1, ?) = ? LIMIT 1",
        (len(start), start),
    )
    return Whose(), pending is not None


def asker_of(tx: Tx, ticket: int) -> str:
    """Who wrote the first message of a ticket."""
    row = tx.one(
        "SELECT author_key FROM entries WHERE ticket = ? AND kind = 'message' ORDER BY id LIMIT 1", (ticket,)
    )
    return str(row[0]) if row else ""


def goes_on(tx: Tx, ticket: int) -> bool:
    """Whether anybody still works on a ticket, or waits."""
    found = tx.one("SELECT 1 FROM tickets WHERE id = ? AND status NOT IN ('resolved', 'closed')", (ticket,))
    return found is not None


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
