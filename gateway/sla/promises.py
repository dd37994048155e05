"""Promises and their clocks: which policy applies to a ticket, and deadlines summed from the marks of its history.

Pure: the time comes in from outside. The same marks always give the same deadline.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from gateway.model import Event, Mark, Priority, Promise, Step
from gateway.sla.calendars import ALWAYS, Calendar

#: Name of the policy of the whole company, tried last; it has no conditions.
DEFAULT = "default"


class Sla(msgspec.Struct, frozen=True, kw_only=True):
    """What is promised to tickets that match: of each list that is given one must hold."""

    name: str
    calendar: Calendar = ALWAYS
    targets: Mapping[Promise, timedelta] = {}  #: working time of the calendar
    warn: float = 0.75  #: people are warned when this share of a target is used
    channel: tuple[str, ...] = ()
    priority: tuple[Priority, ...] = ()
    queue: tuple[str, ...] = ()
    escalated: bool | None = None

    def covers(self, *, channel: str, priority: Priority, queue: str, escalated: bool) -> bool:
        """Whether a ticket like this gets these promises without being named."""
        return (
            (not self.channel or channel in self.channel)
            and (not self.priority or priority in self.priority)
            and (not self.queue or queue in self.queue)
            and (self.escalated is None or self.escalated is escalated)
        )


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of time in which the clock ran or stood, and how much of it was working time."""

    start: datetime
    end: datetime
    running: bool
    counted: timedelta
    why: str = ""


class Deadline(msgspec.Struct, frozen=True, kw_only=True):
    """A promise summed from history. `due` is None while the clock stands, is stopped, or the time is over."""

    promise: Promise
    target: timedelta
    segments: tuple[Segment, ...]
    used: timedelta
    due: datetime | None
    breached_at: datetime | None
    running: bool
    stopped: bool

    @property
    def left(self) -> timedelta:
        return self.target - self.used


def choose(
    slas: Sequence[Sla], named: str, *, channel: str, priority: Priority, queue: str, escalated: bool
) -> Sla | None:
    """The policy that a rule named, else the first that covers the ticket, else the company's, else none."""
    by_name = {sla.name: sla for sla in slas}
    if named in by_name:
        return by_name[named]
    for sla in slas:
        if sla.name != DEFAULT and sla.covers(
            channel=channel, priority=priority, queue=queue, escalated=escalated
        ):
            return sla
    return by_name.get(DEFAULT)


def deadlines(sla: Sla, marks: Mapping[Promise, Sequence[Mark]], now: datetime) -> dict[Promise, Deadline]:
    """Every promise of the policy whose clock has begun."""
    return {
        promise: deadline(promise, marks[promise], target, sla.calendar, now)
        for promise, target in sla.targets.items()
        if marks.get(promise)
    }


def deadline(
    promise: Promise, marks: Sequence[Mark], target: timedelta, calendar: Calendar, now: datetime
) -> Deadline:
    """Folds the marks into segments up to `now`."""
    segments = tuple(_segments(marks, calendar, now))
    used = sum((segment.counted for segment in segments), timedelta())
    running = bool(marks) and marks[-1].step in (Step.START, Step.RESUME)
    return Deadline(
        promise=promise,
        target=target,
        segments=segments,
        used=used,
        due=calendar.add(now, target - used) if running and used < target else None,
        breached_at=_breach(segments, target, calendar),
        running=running,
        stopped=bool(marks) and marks[-1].step is Step.STOP,
    )


def recorded(events: Iterable[Event]) -> dict[Promise, tuple[Mark, ...]]:
    """The marks of all clocks, folded from a ticket's events: what is kept with the ticket must equal it."""
    marks: dict[Promise, tuple[Mark, ...]] = {}
    for event in events:
        if event.kind != "clock":
            continue
        for name, step in event.data.get("steps", {}).items():
            mark = Mark(at=event.at, step=Step(step), why=str(event.data.get("why", "")))
            promise = Promise(name)
            before = () if mark.step is Step.START else marks.get(promise, ())
            marks[promise] = (*before, mark)
    return marks


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
