"""API keys: what other programs sign in with. The token is kept only as a hash; a revoked key stays, with its time."""

from __future__ import annotations

import json

from gateway.clock import from_ms
from gateway.model import ApiKey
from gateway.store.people import hashed
from gateway.store.tx import Row, Tx

_COLUMNS = "id, name, scopes, agent, created_at, revoked_at"


def add(tx: Tx, key: ApiKey, token: str, now: int) -> None:
    tx.run(
        "INSERT INTO api_keys (id, token_hash, name, scopes, agent, created_at) VALUES (?, ?, ?, ?, ?, ?)",
        (key.id, hashed(token), key.name, json.dumps(key.scopes), key.agent, now),
    )


def find(tx: Tx, token: str) -> ApiKey | None:
    """The key of this token, None for one that is unknown or revoked."""
    row = tx.one(f"SELECT {_COLUMNS} FROM api_keys WHERE token_hash = ? AND revoked_at = 0", (hashed(token),))
    return _key(row) if row else None


def listed(tx: Tx) -> list[ApiKey]:
    """Every key, oldest first."""
    return [_key(row) for row in tx.all(f"SELECT {_COLUMNS} FROM api_keys ORDER BY created_at, id")]


def revoke(tx: Tx, key: str, now: int) -> bool:
    """From now on the key opens nothing; False when there is none that does."""
    return bool(tx.run("UPDATE api_keys SET revoked_at = ? WHERE id = ? AND revoked_at = 0", (now, key)))


def _key(row: Row) -> ApiKey:
    return ApiKey(
        id=row[0],
        name=row[1],
        scopes=tuple(json.loads(row[2])),
        agent=row[3],
        created_at=from_ms(row[4]),
        revoked_at=from_ms(row[5]) if row[5] else None,
    )
