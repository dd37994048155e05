"""What connectors sign in with, sealed: one value a name."""

from __future__ import annotations

from gateway.store.tx import Tx


def read(tx: Tx, name: str) -> bytes:
    """The sealed value, b"" when there is none."""
    row = tx.one("SELECT sealed FROM grants WHERE name = ?", (name,))
    return bytes(row[0]) if row else b""


def keep(tx: Tx, name: str, sealed: bytes, now: int) -> None:
    """Puts the value in the place of the one before."""
    tx.run(
        "INSERT INTO grants (name, sealed, at) VALUES (?, ?, ?) "
        "ON CONFLICT (name) DO UPDATE SET sealed = excluded.sealed, at = excluded.at",
        (name, sealed, now),
    )
