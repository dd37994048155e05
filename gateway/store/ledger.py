"""The ledger: every input once, in order, with what became of it; and the claims by which a stream is handled."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from functools import cache

import msgspec

from gateway.model import Cursor, Receipt
from gateway.store.tx import Row, Tx, marks

#: How far into the backlog one claim looks. Rows of streams that others hold are skipped by an index.
LOOK_AHEAD = 200
#: Inputs of one stream that are decided together; the rest of a flood is the next turn.
TURN_ROWS = 50
#: Times a worker looks again when others were faster with every stream it wanted.
ROUNDS = 3


class BlobPart(msgspec.Struct, frozen=True, kw_only=True):
    """A sealed file or raw message in chunks, named by the SHA-256 of what it holds."""

    sha256: str
    size: int
    parts: tuple[bytes, ...]


class TakeRow(msgspec.Struct, frozen=True, kw_only=True):
    """One delivery, sealed and ready for the ledger. Times are milliseconds."""

    connector: str
    account: str
    delivery_key: str
    stream: str
    kind: str
    received_at: int
    ready_at: int
    sealed: bytes
    raw: bytes | None = None
    raw_blob: str = ""
    blobs: tuple[BlobPart, ...] = ()


class ClaimedRow(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    received_at: int
    attempts: int
    connector: str
    delivery_key: str
    sealed: bytes
    released: bool = False


class ClaimedStream(msgspec.Struct, frozen=True, kw_only=True):
    stream: str
    fence: str
    rows: tuple[ClaimedRow, ...]


class LedgerCount(msgspec.Struct, frozen=True, kw_only=True):
    """What was acknowledged, and where it is now. It adds up unless a row was lost or invented."""

    acknowledged: int
    accepted: int
    duplicates: int
    quarantined: int
    dead: int
    pending: int

    @property
    def adds_up(self) -> bool:
        found = self.accepted + self.duplicates + self.quarantined + self.dead + self.pending
        return found == self.acknowledged


# A duplicate only raises the counter of the row that is already there.
INSERT = """
    INSERT INTO ledger (connector, account, delivery_key, stream, kind, received_at, ready_at, sealed, raw, raw_blob)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (connector, account, delivery_key) DO UPDATE SET duplicates = ledger.duplicates + 1
    RETURNING id, duplicates"""


def take_many(tx: Tx, worker: str, rows: Sequence[TakeRow], cursors: Sequence[Cursor] = ()) -> list[Receipt]:
    """Writes the rows in order and counts them as acknowledged; duplicates give the first one's id."""
    for blob in (blob for row in rows for blob in row.blobs):
        keep_blob(tx, blob)
    found = tx.each(INSERT, [_values(row) for row in rows])
    for cursor in cursors:
        set_cursor(tx, cursor)
    count_acknowledged(tx, worker, len(rows))
    tx.notify("ledger")
    return [Receipt(ledger_id=number, duplicate=duplicates > 0) for number, duplicates in found]


def _values(row: TakeRow) -> tuple[object, ...]:
    return (
        row.connector,
        row.account,
        _encodable(row.delivery_key),
        _encodable(row.stream),
        row.kind,
        row.received_at,
        row.ready_at,
        row.sealed,
        row.raw,
        row.raw_blob,
    )


def _encodable(text: str) -> str:
    """A lone surrogate has no encoding; no database takes it, and its neighbours must not wait for it."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def count_acknowledged(tx: Tx, worker: str, inputs: int) -> None:
    """Adds to this process's count of what it promised its peers."""
    tx.run(
        "INSERT INTO acknowledged (worker, inputs) VALUES (?, ?) "
        "ON CONFLICT (worker) DO UPDATE SET inputs = acknowledged.inputs + excluded.inputs",
        (worker, inputs),
    )


def set_cursor(tx: Tx, cursor: Cursor) -> None:
    tx.run(
        "INSERT INTO cursors (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (cursor.name, cursor.value),
    )


def keep_blob(tx: Tx, blob: BlobPart) -> None:
    """Stores the chunks unless the same content is there already."""
    new = tx.run(
        "INSERT INTO blobs (sha256, size, parts) VALUES (?, ?, ?) ON CONFLICT (sha256) DO NOTHING",
        (blob.sha256, blob.size, len(blob.parts)),
    )
    if new:
        parts = ((blob.sha256, number, part) for number, part in enumerate(blob.parts))
        tx.many("INSERT INTO blob_parts (sha256, part, sealed) VALUES (?, ?, ?)", parts)


def blob_parts(tx: Tx, sha256: str) -> list[bytes]:
    """The sealed chunks in order; empty when nothing is kept under that name."""
    return [
        row[0] for row in tx.all("SELECT sealed FROM blob_parts WHERE sha256 = ? ORDER BY part", (sha256,))
    ]


# ---------------------------------------------------------------- claiming streams


def claim_streams(tx: Tx, now: int, limit: int, lease_ms: int) -> list[ClaimedStream]:
    """The oldest streams that are ready and that nobody holds, each with its oldest pending rows.

    A stream waits as long as one of its rows does (an album still arriving, a failure backing off).
    """
    for _ in range(ROUNDS):
        streams = _free_streams(tx, now, limit)
        claimed = _claim(tx, streams, lease_ms)
        if claimed or not streams:
            return _with_rows(tx, claimed)
    return []


def _free_streams(tx: Tx, now: int, limit: int) -> list[str]:
    rows = tx.all(
        f"""SELECT l.stream FROM ledger l WHERE l.state = 'pending' AND l.ready_at <= ?
            AND NOT EXISTS (SELECT 1 FROM claims c WHERE c.stream = l.stream AND c.lease_until > {tx.dialect.now})
            AND NOT EXISTS (SELECT 1 FROM ledger p
                            WHERE p.stream = l.stream AND p.state = 'pending' AND p.ready_at > ?)
            ORDER BY l.id LIMIT {LOOK_AHEAD}""",
        (now, now),
    )
    return list(dict.fromkeys(row[0] for row in rows))[:limit]


def _claim(tx: Tx, streams: Sequence[str], lease_ms: int) -> list[tuple[str, str]]:
    """Stream and fence of those that were still free."""
    if not streams:
        return []
    clock = tx.dialect.now
    # Sorted, so that two workers who want the same streams wait for each other in one direction only.
    values = [value for stream in sorted(streams) for value in (stream, secrets.token_hex(8), lease_ms)]
    return [
        (stream, fence)
        for stream, fence in tx.all(
            f"""INSERT INTO claims (stream, fence, lease_until)
                VALUES {", ".join([f"(?, ?, {clock} + ?)"] * len(streams))}
                ON CONFLICT (stream) DO UPDATE SET fence = excluded.fence, lease_until = excluded.lease_until
                WHERE claims.lease_until <= {clock} RETURNING stream, fence""",
            values,
        )
    ]


def _with_rows(tx: Tx, claimed: Sequence[tuple[str, str]]) -> list[ClaimedStream]:
    if not claimed:
        return []
    found = tx.all(_rows_of(len(claimed)), [stream for stream, _ in claimed])
    by_stream: dict[str, list[ClaimedRow]] = {stream: [] for stream, _ in claimed}
    for row in found:
        by_stream[row[0]].append(_claimed_row(row))
    return [ClaimedStream(stream=s, fence=f, rows=tuple(by_stream[s])) for s, f in claimed]


@cache
def _rows_of(streams: int) -> str:
    """The oldest pending rows of so many streams; each has its own limit, so that a flood is never read whole."""
    one = (
        "SELECT * FROM (SELECT stream, id, received_at, attempts, connector, delivery_key, sealed, "
        "released FROM ledger "
        f"WHERE state = 'pending' AND stream = ? ORDER BY id LIMIT {TURN_ROWS}) AS s"
    )
    return " UNION ALL ".join(f"{one}{number}" for number in range(streams)) + " ORDER BY id"


def _claimed_row(row: Row) -> ClaimedRow:
    return ClaimedRow(
        id=row[1],
        received_at=row[2],
        attempts=row[3],
        connector=row[4],
        delivery_key=row[5],
        sealed=bytes(row[6] or b""),
        released=bool(row[7]),
    )


def release(tx: Tx, stream: str, fence: str) -> None:
    """Gives a claim back without having handled anything."""
    tx.run("DELETE FROM claims WHERE stream = ? AND fence = ?", (stream, fence))
    tx.notify("ledger")


def postpone(
    tx: Tx, stream: str, fence: str, ids: Sequence[int], ready_at: int, reason: str, failed: bool
) -> None:
    """Lets the stream wait until `ready_at`; `failed` counts an attempt on these rows."""
    if tx.run("DELETE FROM claims WHERE stream = ? AND fence = ?", (stream, fence)):
        tx.run(
            "UPDATE ledger SET attempts = attempts + ?, ready_at = ?, reason = ? "
            f"WHERE state = 'pending' AND id IN ({marks(len(ids))})",
            (int(failed), ready_at, reason, *ids),
        )


def bury(tx: Tx, stream: str, fence: str, ledger_id: int, reason: str) -> None:
    """Marks one row dead, with its reason; nothing when somebody else has the stream by now."""
    if not tx.one("SELECT 1 FROM claims WHERE stream = ? AND fence = ?", (stream, fence)):
        return
    tx.run(
        "UPDATE ledger SET state = 'dead', reason = ? WHERE id = ? AND state = 'pending'", (reason, ledger_id)
    )
    tx.notify("tickets")


def release_quarantined(tx: Tx, ledger_id: int) -> bool:
    """Lets one row in after all; False when it is not in quarantine."""
    released = tx.run(
        "UPDATE ledger SET state = 'pending', released = 1, attempts = 0, reason = '', turn = NULL "
        "WHERE id = ? AND state = 'quarantined'",
        (ledger_id,),
    )
    tx.notify("ledger")
    return bool(released)


def replay_dead(tx: Tx, ids: Sequence[int] | None = None) -> list[int]:
    """Lets dead rows be tried again, all of them without `ids`; the ids of those that were dead."""
    where = "" if ids is None else f" AND id IN ({marks(len(ids))})"
    if ids is not None and not ids:
        return []
    found = tx.all(
        "UPDATE ledger SET state = 'pending', attempts = 0, ready_at = 0, reason = '' "
        f"WHERE state = 'dead'{where} RETURNING id",
        tuple(ids or ()),
    )
    tx.notify("ledger")
    tx.notify("tickets")
    return sorted(int(row[0]) for row in found)


# ---------------------------------------------------------------- looking


def dead(tx: Tx, limit: int = 200, only: int = 0) -> list[Row]:
    """Id, time in milliseconds, connector, account, kind, attempts, reason and sealed payload, oldest first."""
    one = " AND id = ?" if only else ""
    return tx.all(
        "SELECT id, received_at, connector, account, kind, attempts, reason, sealed FROM ledger "
        f"WHERE state = 'dead'{one} ORDER BY id LIMIT ?",
        (*((only,) if only else ()), limit),
    )


def raw(tx: Tx, ledger_id: int) -> tuple[bytes, str]:
    """The sealed original and the name of its blob, b"" and "" where there is none."""
    row = tx.one("SELECT raw, raw_blob FROM ledger WHERE id = ?", (ledger_id,))
    return (bytes(row[0] or b""), str(row[1])) if row else (b"", "")


def quarantined(tx: Tx, limit: int = 200) -> list[Row]:
    """Id, time in milliseconds, connector, account, reason and sealed payload of what waits, oldest first."""
    return tx.all(
        "SELECT id, received_at, connector, account, reason, sealed FROM ledger WHERE state = 'quarantined' "
        "ORDER BY id LIMIT ?",
        (limit,),
    )


def sealed_payloads(tx: Tx) -> list[bytes]:
    """Every input that is kept, sealed, in the order in which it was taken; for tests."""
    return [bytes(row[0]) for row in tx.all("SELECT sealed FROM ledger WHERE sealed IS NOT NULL ORDER BY id")]


def count(tx: Tx) -> LedgerCount:
    """Counts every row once; a full scan, for the command line and the tests."""
    row = tx.one(
        """SELECT COALESCE(SUM(CASE WHEN state = 'accepted' THEN 1 ELSE 0 END), 0),
                  COALESCE(SUM(duplicates), 0),
                  COALESCE(SUM(CASE WHEN state = 'quarantined' THEN 1 ELSE 0 END), 0),
                  COALESCE(SUM(CASE WHEN state = 'dead' THEN 1 ELSE 0 END), 0),
                  COALESCE(SUM(CASE WHEN state = 'pending' THEN 1 ELSE 0 END), 0),
                  (SELECT COALESCE(SUM(inputs), 0) FROM acknowledged)
           FROM ledger"""
    )
    assert row is not None
    accepted, duplicates, quarantined, dead, pending, acknowledged = (int(value) for value in row)
    return LedgerCount(
        acknowledged=acknowledged,
        accepted=accepted,
        duplicates=duplicates,
        quarantined=quarantined,
        dead=dead,
        pending=pending,
    )


def backlog(tx: Tx, most: int) -> int:
    """How many inputs wait, counted up to `most`."""
    row = tx.one(
        f"SELECT COUNT(*) FROM (SELECT 1 FROM ledger WHERE state = 'pending' LIMIT {int(most)}) AS waiting"
    )
    return int(row[0]) if row else 0


def result(tx: Tx, ledger_id: int) -> str | None:
    """The result left for whoever waits for this input; None while it is pending."""
    row = tx.one("SELECT state, result FROM ledger WHERE id = ?", (ledger_id,))
    return None if row is None or row[0] == "pending" else str(row[1])


def next_ready(tx: Tx) -> int | None:
    """When the next stream that nobody holds becomes ready, in milliseconds."""
    row = tx.one(
        f"""SELECT MIN(ready_at) FROM (
                SELECT MAX(l.ready_at) AS ready_at FROM ledger l WHERE l.state = 'pending'
                AND NOT EXISTS (SELECT 1 FROM claims c WHERE c.stream = l.stream
                                AND c.lease_until > {tx.dialect.now})
                GROUP BY l.stream) AS waiting"""
    )
    return None if row is None or row[0] is None else int(row[0])
