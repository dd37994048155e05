"""The outbox: what is to be sent, in order per leg, each row by one sender at a time."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

import msgspec

from gateway.clock import from_ms
from gateway.model import EntryKind, Leg, Outgoing, Post, SendKind, SendState, Sent, Side, Speaker
from gateway.store import dial, rows
from gateway.store.turns import bind_key
from gateway.store.tx import Row, Tx, marks


class ClaimedSend(msgspec.Struct, frozen=True, kw_only=True):
    """A message whose sending was committed before the channel was called. Times are milliseconds."""

    id: int
    fence: str
    ticket: int
    leg: int
    connector: str
    account: str
    kind: SendKind
    attempts: int  #: including this one
    created_at: int
    outgoing: Outgoing


class Stuck(msgspec.Struct, frozen=True, kw_only=True):
    """A row found in `sending` after its lease: nobody knows whether the channel took it."""

    id: int
    ticket: int
    connector: str
    account: str
    kind: SendKind


_NEWEST, _OLDEST = 40, 4  #: keys of a thread that a message carries, and of a longer thread its first

# A row may go when nothing older on its leg is unsent and no bucket of its account or recipient is closed.
_DUE = """
    SELECT o.id, o.ticket, o.leg, o.connector, o.account, o.kind, o.attempts, o.created_at, o.payload, t.speaker
    FROM outbox o LEFT JOIN tickets t ON t.id = o.ticket
    WHERE o.state IN ('held', 'queued') AND o.not_before <= ?
      AND NOT EXISTS (SELECT 1 FROM flags WHERE name = 'outbox_paused' AND value = '1')
      AND NOT EXISTS (SELECT 1 FROM outbox p WHERE p.leg = o.leg AND p.id < o.id
                      AND p.state IN ('held', 'queued', 'sending'))
      AND NOT EXISTS (SELECT 1 FROM buckets b WHERE b.open_at > ?
                      AND b.bucket IN (o.connector || '/' || o.account, o.recipient))
    ORDER BY o.not_before, o.id LIMIT ?"""


class Claimed(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be sent now, and what a lead's stop holds back for good."""

    sends: list[ClaimedSend]
    stopped: list[Stuck] = []


def claim(tx: Tx, now: int, limit: int, lease_ms: int) -> Claimed:
    """Takes what is due and marks it `sending`.

    A bot's answer whose ticket a person has is withdrawn here, and what quotes an article where the bot is stopped.
    """
    skip = tx.dialect.skip_locked and " FOR UPDATE OF o SKIP LOCKED"
    found = tx.all(_DUE + skip, (now, now, limit))
    stale = [row for row in found if row[5] == SendKind.ANSWER and row[9] != Speaker.BOT]
    for row in stale:
        tx.run("UPDATE outbox SET state = 'withdrawn', reason = 'floor' WHERE id = ?", (row[0],))
        tx.notify(f"ticket/{row[1]}")
    stops = dial.scopes(tx) if found else frozenset[str]()
    held = [row for row in found if row not in stale and _is_stopped(row, stops)]
    for row in held:
        tx.run("UPDATE outbox SET state = 'withdrawn', reason = 'bot_stopped' WHERE id = ?", (row[0],))
        tx.notify(f"ticket/{row[1]}")
    return Claimed(
        sends=[_start(tx, row, lease_ms) for row in found if row not in stale and row not in held],
        stopped=[
            Stuck(id=r[0], ticket=r[1], connector=r[3], account=r[4], kind=SendKind(r[5])) for r in held
        ],
    )


def _is_stopped(row: Row, stops: frozenset[str]) -> bool:
    """Whether this row is the bot's own word in a place, or of an article, where it is stopped."""
    if not stops or row[5] == SendKind.AGENT:
        return False
    outgoing = rows.load(row[8], Outgoing)
    sources = outgoing.sources if isinstance(outgoing, Post) else ()
    if row[5] != SendKind.ANSWER and not sources:
        return False
    articles = {f"article:{name.partition('.')[0]}" for name in sources}
    return not stops.isdisjoint({"all", f"channel:{row[3]}", f"account:{row[3]}/{row[4]}", *articles})


def _start(tx: Tx, row: Row, lease_ms: int) -> ClaimedSend:
    fence = secrets.token_hex(8)
    tx.run(
        "UPDATE outbox SET state = 'sending', fence = ?, attempts = attempts + 1, "
        f"lease_until = {tx.dialect.now} + ? WHERE id = ?",
        (fence, lease_ms, row[0]),
    )
    return ClaimedSend(
        id=row[0],
        fence=fence,
        ticket=row[1],
        leg=row[2],
        connector=row[3],
        account=row[4],
        kind=SendKind(row[5]),
        attempts=row[6] + 1,
        created_at=row[7],
        outgoing=_addressed(tx, row[0], row[2], rows.load(row[8], Outgoing)),
    )


def _addressed(tx: Tx, number: int, leg: int, outgoing: Outgoing) -> Outgoing:
    """Fills in what is known only now: the leg's thread, and the messages this one answers."""
    found = tx.one(f"SELECT {rows.LEG} FROM legs WHERE id = ?", (leg,))
    address = rows.leg(found).address if found else outgoing.address
    if not isinstance(outgoing, Post):
        return msgspec.structs.replace(outgoing, id=number, address=address)
    known = rows.leg(found) if found else None
    references = _thread(tx, outgoing.ticket, known) if known else ()
    answers, quote = "", ""
    if known and known.side is Side.REQUESTER:
        key, quote = _answered(tx, outgoing.ticket)
        answers = key if key in references else ""
    return msgspec.structs.replace(
        outgoing, id=number, address=address, references=references, answers=answers, quote=quote
    )


def _thread(tx: Tx, ticket: int, leg: Leg) -> tuple[str, ...]:
    """Keys of what was said with this side on this account, oldest first: the first few and the newest."""
    found = (
        "SELECT k.key FROM thread_keys k JOIN legs l ON l.id = k.leg "
        "WHERE l.ticket = ? AND l.side = ? AND l.connector = ? AND l.account = ? "
    )
    values = (ticket, leg.side, leg.address.connector, leg.address.account)
    newest = tx.all(f"{found}ORDER BY k.at DESC, k.send DESC LIMIT {_NEWEST}", values)
    oldest = tx.all(f"{found}ORDER BY k.at, k.send LIMIT {_OLDEST}", values) if len(newest) == _NEWEST else []
    return tuple(dict.fromkeys(row[0] for row in (*oldest, *reversed(newest))))


def _answered(tx: Tx, ticket: int) -> tuple[str, str]:
    """The key of the requester's last message, and its text under a line that says whose it is, masked."""
    row = tx.one(
        "SELECT author, at, text, message_key FROM entries WHERE ticket = ? AND kind = ? "
        "ORDER BY at DESC, id DESC LIMIT 1",
        (ticket, EntryKind.MESSAGE),
    )
    if row is None:
        return "", ""
    return row[3], f"{row[0]}, {from_ms(row[1]):%Y-%m-%d %H:%M} UTC:\n{row[2]}" if row[2] else ""


def _settle(tx: Tx, send: ClaimedSend, change: str, values: Sequence[object]) -> bool:
    """Changes the row only while this sender holds it: the late write of a frozen process changes nothing."""
    done = tx.run(
        f"UPDATE outbox SET {change} WHERE id = ? AND state = 'sending' AND fence = ?",
        (*values, send.id, send.fence),
    )
    if done:
        tx.notify(f"ticket/{send.ticket}")
    return bool(done)


def settle_sent(tx: Tx, send: ClaimedSend, sent: Sent, now: int) -> bool:
    """Records that the channel took it, and binds the thread and the keys it opened. False when no longer ours."""
    change = "state = ?, external_ids = ?, settled_at = ?, reason = '', detail = ''"
    if not _settle(tx, send, change, (sent.state, rows.dump(sent.external_ids), now)):
        return False
    if sent.thread:
        tx.run("UPDATE legs SET thread = ? WHERE id = ? AND thread = ''", (sent.thread, send.leg))
        found = tx.one(f"SELECT {rows.LEG} FROM legs WHERE id = ?", (send.leg,))
        if found:
            bind_key(tx, f"at:{rows.leg(found).address.key}", send.ticket, send.leg, now)
    for key in sent.keys if send.ticket else ():  # an answer to a personal word belongs to no ticket
        bind_key(tx, key, send.ticket, send.leg, now, send.id)
    tx.notify("outbox")
    return True


def settle_retry(
    tx: Tx, send: ClaimedSend, not_before: int, reason: str, bucket: str, open_at: int, again: bool
) -> bool:
    """Puts it back for later (`again`: it may have arrived); a bucket that the service named waits as a whole."""
    change = "state = 'queued', not_before = ?, reason = ?, again = again + ?"
    if not _settle(tx, send, change, (not_before, reason, int(again))):
        return False
    if bucket:
        tx.run(
            "INSERT INTO buckets (bucket, open_at) VALUES (?, ?) ON CONFLICT (bucket) DO UPDATE SET "
            "open_at = CASE WHEN excluded.open_at > buckets.open_at THEN excluded.open_at ELSE buckets.open_at END",
            (bucket, open_at),
        )
    return True


def settle_failed(tx: Tx, send: ClaimedSend, state: SendState, reason: str, detail: str, now: int) -> bool:
    """Records that it failed for good, or that nobody knows (`uncertain`); the leg is free for what follows."""
    if not _settle(
        tx, send, "state = ?, reason = ?, detail = ?, settled_at = ?", (state, reason, detail, now)
    ):
        return False
    tx.notify("outbox")
    return True


def stuck(tx: Tx, limit: int) -> list[Stuck]:
    """Rows whose sender died: they become `uncertain` here."""
    found = tx.all(
        f"SELECT id, ticket, connector, account, kind FROM outbox WHERE state = 'sending' "
        f"AND lease_until < {tx.dialect.now} ORDER BY id LIMIT ?{tx.dialect.skip_locked}",
        (limit,),
    )
    for row in found:
        tx.run("UPDATE outbox SET state = 'uncertain', reason = 'interrupted' WHERE id = ?", (row[0],))
        tx.notify(f"ticket/{row[1]}")
    return [Stuck(id=r[0], ticket=r[1], connector=r[2], account=r[3], kind=SendKind(r[4])) for r in found]


def send_again(tx: Tx, ids: Sequence[int], now: int) -> None:
    """Uncertain rows that may be sent a second time; each is counted in `again`."""
    if ids:
        tx.run(
            "UPDATE outbox SET state = 'queued', again = again + 1, not_before = ? "
            f"WHERE state = 'uncertain' AND id IN ({marks(len(ids))})",
            (now, *ids),
        )
        tx.notify("outbox")


def next_due(tx: Tx) -> int | None:
    """When the next message may go, in milliseconds; None while nothing that waits could go by itself."""
    # What waits behind another of its leg is woken by that one; a closed bucket opens at its own time.
    found = tx.all(
        """SELECT o.not_before, (SELECT MAX(b.open_at) FROM buckets b
                                 WHERE b.bucket IN (o.connector || '/' || o.account, o.recipient))
           FROM outbox o WHERE o.state IN ('held', 'queued')
             AND NOT EXISTS (SELECT 1 FROM flags WHERE name = 'outbox_paused' AND value = '1')
             AND NOT EXISTS (SELECT 1 FROM outbox p WHERE p.leg = o.leg AND p.id < o.id
                             AND p.state IN ('held', 'queued', 'sending'))
           ORDER BY o.not_before, o.id LIMIT 50"""
    )
    return min((max(int(not_before), int(open_at or 0)) for not_before, open_at in found), default=None)


def paused(tx: Tx) -> bool:
    """A rebuilt or restored outbox sends nothing until somebody has looked at it."""
    return tx.one("SELECT 1 FROM flags WHERE name = 'outbox_paused' AND value = '1'") is not None


def pause(tx: Tx, on: bool) -> None:
    tx.run(
        "INSERT INTO flags (name, value) VALUES ('outbox_paused', ?) "
        "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (str(int(on)),),
    )
    tx.notify("outbox")


def counts(tx: Tx) -> dict[str, int]:
    """How many messages are in each state; a full scan, for the command line."""
    return dict(tx.all("SELECT state, COUNT(*) FROM outbox GROUP BY state ORDER BY state"))


def marked(tx: Tx) -> dict[str, int]:
    """How many messages a restore or a replay took back, by its mark."""
    return dict(
        tx.all(
            "SELECT reason, COUNT(*) FROM outbox WHERE reason IN ('restored', 'replayed') "
            "AND state IN ('withdrawn', 'uncertain') GROUP BY reason ORDER BY reason"
        )
    )


def leg_of(tx: Tx, number: int) -> Leg | None:
    row = tx.one(f"SELECT {rows.LEG} FROM legs WHERE id = ?", (number,))
    return rows.leg(row) if row else None
