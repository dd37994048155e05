"""The escalation matrix as data: by priority up to four levels, and which of them is the newest that is due. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from gateway.sla.calendars import Calendar

#: As many levels as a matrix has for one priority.
MOST_LEVELS = 4


class Branch(StrEnum):
    """Where a level leads: to those who know more, or to those who may decide more."""

    FUNCTIONAL = "functional"  # experts take it over
    HIERARCHICAL = "hierarchical"  # its owner stays, people with more authority see to it


class Level(msgspec.Struct, frozen=True, kw_only=True):
    """One step. Who gets it claims or answers within `acknowledge` of working time, or the next level has it."""

    queue: str
    branch: Branch = Branch.FUNCTIONAL
    acknowledge: timedelta = timedelta(hours=1)


class Pulse(msgspec.Struct, frozen=True, kw_only=True):
    """How often a waiting requester hears that there is no news yet, in working time; at most `most` in a row."""

    every: timedelta
    most: int = 2
    ask_before: timedelta = timedelta(minutes=30)


class Climb(msgspec.Struct, frozen=True, kw_only=True):
    """The newest level that is due, since when, and those that were passed over on the way."""

    number: int
    since: datetime
    skipped: tuple[int, ...] = ()


def climb(
    levels: Sequence[Level],
    start: int,
    since: datetime,
    now: datetime,
    calendar: Calendar,
    leads_on: Callable[[Level], bool],
) -> Climb | None:
    """The newest level above `start` that is due at `now`, when the first above it fell due at `since`.

    Levels that lead nowhere new are passed over at once; others when nobody acknowledged them in time, as far as time
    has gone. None when there is no level above.
    """
    found: Climb | None = None
    at: datetime | None = since
    passed: list[int] = []
    for number in range(start + 1, len(levels) + 1):
        level = levels[number - 1]
        if not leads_on(level):
            passed.append(number)
            continue
        if at is None or at > now:
            break
        if found is not None:
            passed.append(found.number)
        found = Climb(number=number, since=at, skipped=tuple(passed))
        at = calendar.add(at, level.acknowledge)
    return found
