"""Working time: calendars with several windows a day, and clocks that run, pause and are summed from history.

Windows are local wall time in the calendar's zone; arithmetic is in UTC, so that a night with a clock change has
the length it really had. Pure: the time comes in from outside.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

import msgspec

#: How far ahead a calendar is searched before it counts as never open.
HORIZON = timedelta(days=400)


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """Open from `start` to `end`, local time; an `end` at or before `start` is on the next day."""

    start: time
    end: time


class Calendar(msgspec.Struct, frozen=True, kw_only=True):
    """When people work. `days` has Monday at 0; `exceptions` replace a date's windows (none: closed)."""

    name: str
    zone: str = "UTC"
    days: tuple[tuple[Window, ...], ...] = ((),) * 7
    exceptions: Mapping[date, tuple[Window, ...]] = {}

    def spans(self, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
        """The open spans between two instants, in UTC, in order, touching ones joined."""
        joined: tuple[datetime, datetime] | None = None
        for opens, closes in self._raw_spans(start, end):
            if joined and opens <= joined[1]:
                joined = (joined[0], max(joined[1], closes))
                continue
            if joined:
                yield joined
            joined = (opens, closes)
        if joined:
            yield joined

    def _raw_spans(self, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
        zone = ZoneInfo(self.zone)
        # The window of the evening before may reach into this day.
        day = start.astimezone(zone).date() - timedelta(days=1)
        last = end.astimezone(zone).date()
        while day <= last:
            for window in sorted(self._windows(day), key=lambda w: w.start):
                opens, closes = _instants(day, window, zone)
                opens, closes = max(opens, start), min(closes, end)
                if opens < closes:
                    yield opens, closes
            day += timedelta(days=1)

    def _windows(self, day: date) -> tuple[Window, ...]:
        return self.exceptions[day] if day in self.exceptions else self.days[day.weekday()]

    def worked(self, start: datetime, end: datetime) -> timedelta:
        """Working time between two instants."""
        return sum((closes - opens for opens, closes in self.spans(start, end)), timedelta())

    def add(self, start: datetime, work: timedelta) -> datetime | None:
        """The instant at which this much working time has passed since `start`; None when it never will."""
        left = work
        for opens, closes in self.spans(start, start + HORIZON):
            if closes - opens >= left:
                return opens + left
            left -= closes - opens
        return None

    def is_open(self, at: datetime) -> bool:
        return any(True for _ in self.spans(at, at + timedelta(microseconds=1)))

    def next_open(self, at: datetime) -> datetime | None:
        """When somebody works next: `at` itself when it is open."""
        return next((opens for opens, _ in self.spans(at, at + HORIZON)), None)


def _instants(day: date, window: Window, zone: ZoneInfo) -> tuple[datetime, datetime]:
    until = day if window.end > window.start else day + timedelta(days=1)
    opens = datetime.combine(day, window.start, zone).astimezone(UTC)
    return opens, datetime.combine(until, window.end, zone).astimezone(UTC)


ALWAYS = Calendar(name="always", days=((Window(start=time(0), end=time(0)),),) * 7)


# ---------------------------------------------------------------- clocks


class Promise(StrEnum):
    """What is promised to a requester."""

    FIRST_RESPONSE = "first_response"
    NEXT_RESPONSE = "next_response"
    RESOLUTION = "resolution"


class Step(StrEnum):
    """What happens to a clock."""

    START = "start"
    PAUSE = "pause"
    RESUME = "resume"
    STOP = "stop"


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """One change of a clock, with the event that caused it."""

    at: datetime
    step: Step
    why: str = ""


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of time in which the clock ran or stood, and how much of it was working time."""

    start: datetime
    end: datetime
    running: bool
    counted: timedelta
    why: str = ""


class Deadline(msgspec.Struct, frozen=True, kw_only=True):
    """A promise summed from history. `due` is None while the clock stands or is stopped."""

    promise: Promise
    target: timedelta
    segments: tuple[Segment, ...]
    used: timedelta
    due: datetime | None
    breached_at: datetime | None
    stopped: bool

    @property
    def left(self) -> timedelta:
        return self.target - self.used


def deadline(
    promise: Promise, marks: Sequence[Mark], target: timedelta, calendar: Calendar, now: datetime
) -> Deadline:
    """Folds the marks into segments up to `now`. The same history always gives the same sum."""
    segments = tuple(_segments(marks, calendar, now))
    used = sum((segment.counted for segment in segments), timedelta())
    running = bool(marks) and marks[-1].step in (Step.START, Step.RESUME)
    stopped = bool(marks) and marks[-1].step is Step.STOP
    return Deadline(
        promise=promise,
        target=target,
        segments=segments,
        used=used,
        due=calendar.add(now, target - used) if running and used < target else None,
        breached_at=_breach(segments, target, calendar),
        stopped=stopped,
    )


def _segments(marks: Sequence[Mark], calendar: Calendar, now: datetime) -> Iterator[Segment]:
    ends: Iterable[datetime] = [*(mark.at for mark in marks[1:]), now]
    for mark, end in zip(marks, ends, strict=False):
        if mark.step is Step.STOP or end <= mark.at:
            continue
        running = mark.step in (Step.START, Step.RESUME)
        counted = calendar.worked(mark.at, end) if running else timedelta()
        yield Segment(start=mark.at, end=end, running=running, counted=counted, why=mark.why)


def _breach(segments: Iterable[Segment], target: timedelta, calendar: Calendar) -> datetime | None:
    used = timedelta()
    for segment in segments:
        if segment.running and used + segment.counted >= target:
            return calendar.add(segment.start, target - used)
        used += segment.counted
    return None
