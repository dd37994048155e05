"""Where the bot is stopped, by whom and why. Read by every replica before it decides and again before it sends."""

from __future__ import annotations

from datetime import datetime

import msgspec

from gateway.clock import from_ms
from gateway.store import rows
from gateway.store.tx import Tx
from gateway.views import StopLine

_PREFIX = "bot_stop/"


class _Stop(msgspec.Struct, frozen=True, kw_only=True):
    by: str
    at: int
    why: str = ""


def stop(tx: Tx, scope: str, by: str, at: int, why: str) -> None:
    """From now on the bot says nothing in this scope."""
    tx.run(
        "INSERT INTO flags (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (_PREFIX + scope, rows.dump(_Stop(by=by, at=at, why=why))),
    )
    tx.notify("outbox")


def start(tx: Tx, scope: str) -> bool:
    """The bot may speak in this scope again; False when it was not stopped there."""
    return bool(tx.run("DELETE FROM flags WHERE name = ?", (_PREFIX + scope,)))


def scopes(tx: Tx) -> frozenset[str]:
    """Every scope in which the bot is stopped."""
    # "0" is the sign after "/": a range of the primary key instead of a pattern.
    found = tx.all("SELECT name FROM flags WHERE name > 'bot_stop/' AND name < 'bot_stop0'")
    return frozenset(row[0].removeprefix(_PREFIX) for row in found)


def lines(tx: Tx) -> list[StopLine]:
    """The stops with who set them, newest first."""
    found = tx.all("SELECT name, value FROM flags WHERE name > 'bot_stop/' AND name < 'bot_stop0'")
    stops = [(row[0].removeprefix(_PREFIX), rows.load(row[1], _Stop)) for row in found]
    made = [StopLine(scope=scope, by=s.by, at=_at(s.at), why=s.why) for scope, s in stops]
    return sorted(made, key=lambda line: line.at, reverse=True)


def _at(ms: int) -> datetime:
    return from_ms(ms)
