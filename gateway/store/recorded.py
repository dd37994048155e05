"""Turns as they were kept, to be decided again: what a replay and a backtest read."""

from __future__ import annotations

import json
from collections.abc import Mapping

import msgspec

from gateway.store.tx import Row, Tx, marks

PORTION = 200


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """One turn as it was kept. `rows`: id, received_at, sealed input."""

    id: int
    stream: str
    at: int
    inputs: tuple[int, ...]
    policy: str
    knowledge: str
    reply: str
    seen: bytes
    made: Mapping[str, tuple[int, ...]]
    rows: tuple[tuple[int, int, bytes], ...]


def recorded_turns(tx: Tx, since: int, after: int) -> list[Recorded]:
    """The next turns after the one of number `after`, from `since` (milliseconds) on, in order."""
    found = tx.all(
        "SELECT id, stream, at, inputs, policy, knowledge, reply, seen, made FROM turns WHERE id > ? AND at >= ? "
        "ORDER BY id LIMIT ?",
        (after, since, PORTION),
    )
    return [_recorded(tx, row) for row in found]


def _recorded(tx: Tx, row: Row) -> Recorded:
    inputs = tuple(json.loads(row[3]))
    ledger = tx.all(
        f"SELECT id, received_at, sealed FROM ledger WHERE id IN ({marks(len(inputs))})", inputs
    ) if inputs else []  # fmt: skip
    return Recorded(
        id=row[0], stream=row[1], at=row[2], inputs=inputs, policy=row[4], knowledge=row[5], reply=row[6],
        seen=bytes(row[7] or b""), made=json.loads(row[8]) if row[8] else {},
        rows=tuple((int(n), int(at), bytes(sealed or b"")) for n, at, sealed in ledger),
    )  # fmt: skip
