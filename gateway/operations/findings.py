"""What a look at the installation found, as whoever runs it reads it. Imports nothing of ours; open to all."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Level(StrEnum):
    """How bad it is: an error stops something from working, a warning can wait."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at; `remedy` is "" where nothing is to be done."""

    level: Level
    what: str
    remedy: str = ""


def ok(what: str) -> Finding:
    return Finding(level=Level.OK, what=what)


def warning(what: str, remedy: str) -> Finding:
    return Finding(level=Level.WARNING, what=what, remedy=remedy)


def error(what: str, remedy: str) -> Finding:
    return Finding(level=Level.ERROR, what=what, remedy=remedy)
