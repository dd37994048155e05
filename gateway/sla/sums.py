"""The sum of each clock of a ticket, stretch by stretch, folded anew from its events, for whoever asks why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from gateway.model import Event, Promise, Ticket
from gateway.policy import Policy
from gateway.sla.calendars import Calendar
from gateway.sla.clocks import name_of
from gateway.sla.promises import Deadline, Segment, Sla, deadlines, recorded

#: Stretches of one clock that are shown; the newest are kept.
MOST = 60


class Stretch(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a sum. what: "ran", "closed" (nobody works), "paused" or "late"; `counted` was working time."""

    start: datetime
    end: datetime
    what: str
    counted: timedelta = timedelta()
    why: str = ""


class Sum(msgspec.Struct, frozen=True, kw_only=True):
    """One promise as it stands. state: running, paused, kept, broken (and still owed) or missed."""

    promise: Promise
    name: str
    sla: str
    calendar: str
    zone: str
    target: timedelta
    used: timedelta
    state: str
    due: datetime | None
    breached_at: datetime | None
    stretches: tuple[Stretch, ...]


def sums(ticket: Ticket, events: Iterable[Event], policy: Policy, now: datetime) -> tuple[Sum, ...]:
    """Every clock of the ticket by the policy that it had when it was last touched; none while nothing is promised."""
    sla = next((each for each in policy.slas if each.name == ticket.watch.sla), None)
    if sla is None:
        return ()
    found = deadlines(sla, recorded(events), now)
    return tuple(_sum(each, sla, policy) for each in found.values())


def span(length: timedelta) -> str:
    """A length of time as people write it: "3h 10m"."""
    minutes, seconds = divmod(round(length.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    parts = (f"{hours}h" if hours else "", f"{minutes}m" if minutes else "")
    return " ".join(part for part in parts if part) or (f"{seconds}s" if seconds else "0m")


def _sum(deadline: Deadline, sla: Sla, policy: Policy) -> Sum:
    calendar = sla.calendar
    stretches = [each for segment in deadline.segments for each in _stretches(segment, calendar)]
    if deadline.breached_at:
        stretches = _until(deadline.breached_at, stretches, deadline.used - deadline.target)
    return Sum(
        promise=deadline.promise,
        name=name_of(deadline.promise).capitalize(),
        sla=sla.name,
        calendar=calendar.name,
        zone=calendar.zone if policy.calendar is None else policy.zone,
        target=deadline.target,
        used=deadline.used,
        state=_state(deadline),
        due=deadline.due,
        breached_at=deadline.breached_at,
        stretches=tuple(stretches[-MOST:]),
    )


def _until(broken: datetime, stretches: list[Stretch], over: timedelta) -> list[Stretch]:
    """The sum up to the moment at which the promise broke, and all that came after as one stretch."""
    until = [each for each in stretches if each.start < broken]
    last = until[-1]
    if last.what == "ran":
        until[-1] = msgspec.structs.replace(
            last, end=min(last.end, broken), counted=min(last.end, broken) - last.start
        )
    end = stretches[-1].end
    if end <= broken:
        return until
    return [*until, Stretch(start=broken, end=end, what="late", counted=over, why="It is broken.")]


def _state(deadline: Deadline) -> str:
    if deadline.breached_at:
        return "missed" if deadline.stopped else "broken"
    return "kept" if deadline.stopped else "running" if deadline.running else "paused"


def _stretches(segment: Segment, calendar: Calendar) -> Iterator[Stretch]:
    """A segment by its working spans, with what lies between them."""
    if not segment.running:
        yield Stretch(start=segment.start, end=segment.end, what="paused", why=segment.why)
        return
    at = segment.start
    for opens, closes in calendar.spans(segment.start, segment.end):
        if opens > at:
            yield _closed(at, opens, calendar)
        yield Stretch(start=opens, end=closes, what="ran", counted=closes - opens, why=segment.why)
        at = closes
    if at < segment.end:
        yield _closed(at, segment.end, calendar)


def _closed(start: datetime, end: datetime, calendar: Calendar) -> Stretch:
    zone = ZoneInfo(calendar.zone)
    days = _days(start.astimezone(zone).date(), end.astimezone(zone).date())
    named = ((day, calendar.holiday(day)) for day in days if day not in calendar.exceptions)
    names = [f"{name}, {day:%d %b}" for day, name in named if name]
    exceptions = [f"{day:%d %b} is an exception" for day in days if day in calendar.exceptions]
    return Stretch(start=start, end=end, what="closed", why="; ".join([*names, *exceptions]) or "not at work")


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]
