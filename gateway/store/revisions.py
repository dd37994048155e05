"""Content as numbered revisions: which files with which bytes; equal bytes are kept once, packed."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Mapping
from datetime import datetime

import msgspec

from gateway.clock import from_ms
from gateway.store.tx import Row, Tx, marks

#: Rung when another revision counts from now on.
TOPIC = "content"


class Revision(msgspec.Struct, frozen=True, kw_only=True):
    """One revision. `reverts`: the revision whose content it brings back, 0 for none."""

    id: int
    digest: str
    at: datetime
    author: str
    files: Mapping[str, str]  #: name -> SHA-256 of its bytes
    reverts: int = 0


def digest_of(files: Mapping[str, bytes]) -> str:
    """Names this very content: twelve hexadecimal digits."""
    whole = hashlib.sha256()
    for name in sorted(files):
        whole.update(f"{name}\x00{_sha(files[name])}\n".encode())
    return whole.hexdigest()[:12]


def _sha(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


_COLUMNS = "id, digest, at, author, files, reverts"


def _revision(row: Row) -> Revision:
    return Revision(
        id=row[0], digest=row[1], at=from_ms(row[2]), author=row[3], files=json.loads(row[4]), reverts=row[5]
    )


def current(tx: Tx) -> Revision | None:
    """The newest revision, which counts; None before the first."""
    row = tx.one(f"SELECT {_COLUMNS} FROM revisions ORDER BY id DESC LIMIT 1")
    return _revision(row) if row else None


def revision(tx: Tx, number: int) -> Revision | None:
    row = tx.one(f"SELECT {_COLUMNS} FROM revisions WHERE id = ?", (number,))
    return _revision(row) if row else None


def revisions(tx: Tx, limit: int) -> list[Revision]:
    """The newest first."""
    found = tx.all(f"SELECT {_COLUMNS} FROM revisions ORDER BY id DESC LIMIT ?", (limit,))
    return [_revision(row) for row in found]


def known(tx: Tx, digest: str) -> int:
    """The newest revision with this very content, 0 for none."""
    row = tx.one("SELECT MAX(id) FROM revisions WHERE digest = ?", (digest,))
    return int(row[0]) if row and row[0] is not None else 0


def bodies(tx: Tx, found: Revision) -> dict[str, bytes]:
    """The files of a revision."""
    wanted = sorted(set(found.files.values()))
    kept: dict[str, bytes] = {}
    for start in range(0, len(wanted), 200):
        part = wanted[start : start + 200]
        rows = tx.all(f"SELECT sha256, body FROM content WHERE sha256 IN ({marks(len(part))})", part)
        kept |= {sha: zlib.decompress(bytes(body)) for sha, body in rows}
    return {name: kept[sha] for name, sha in found.files.items()}


def publish(tx: Tx, files: Mapping[str, bytes], author: str, at: int, reverts: int = 0) -> Revision:
    """Makes this content the newest revision; the newest itself when it has this content already."""
    # One publisher at a time: the others wait for this row and then see what was published.
    tx.run(
        "INSERT INTO flags (name, value) VALUES ('content', '1') ON CONFLICT (name) DO UPDATE SET value = '1'"
    )
    digest, newest = digest_of(files), current(tx)
    if newest is not None and newest.digest == digest:
        return newest
    named = {name: _sha(body) for name, body in sorted(files.items())}
    tx.many(
        "INSERT INTO content (sha256, body) VALUES (?, ?) ON CONFLICT (sha256) DO NOTHING",
        [(sha, zlib.compress(body)) for sha, body in {_sha(b): b for b in files.values()}.items()],
    )
    row = tx.one(
        f"INSERT INTO revisions (digest, at, author, files, reverts) VALUES ({marks(5)}) RETURNING id",
        (digest, at, author, json.dumps(named), reverts),
    )
    assert row is not None
    tx.notify(TOPIC)
    return Revision(
        id=int(row[0]), digest=digest, at=from_ms(at), author=author, files=named, reverts=reverts
    )
