"""Calendars: when people work. Several windows a day, past midnight, dated exceptions, public holidays.

Windows are local wall time in the calendar's zone; arithmetic is in UTC, so that a night with a clock change has
the length it really had. Pure: the time comes in from outside.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import holidays as public_holidays
import msgspec

#: How far ahead a calendar is searched before it counts as never open.
HORIZON = timedelta(days=400)


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """Open from `start` to `end`, local time; an `end` at or before `start` is on the next day."""

    start: time
    end: time


class Calendar(msgspec.Struct, frozen=True, kw_only=True):
    """When people work. `days` has Monday at 0; `exceptions` replace a date's windows (none: closed).

    `holidays`: a country, or country and region, whose public holidays are closed: "AT", "DE-BY". An exception on
    such a day wins.
    """

    name: str
    zone: str = "UTC"
    days: tuple[tuple[Window, ...], ...] = ((),) * 7
    exceptions: Mapping[date, tuple[Window, ...]] = {}
    holidays: str = ""

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
            for window in sorted(self.windows(day), key=lambda w: w.start):
                opens, closes = _instants(day, window, zone)
                opens, closes = max(opens, start), min(closes, end)
                if opens < closes:
                    yield opens, closes
            day += timedelta(days=1)

    def windows(self, day: date) -> tuple[Window, ...]:
        """The windows that begin on this date, as people read them."""
        if day in self.exceptions:
            return self.exceptions[day]
        return () if self.holiday(day) else self.days[day.weekday()]

    def holiday(self, day: date) -> str:
        """The name of the public holiday on this date, "" on any other."""
        return holidays_of(self.holidays, day.year).get(day, "") if self.holidays else ""

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


@lru_cache(maxsize=64)
def holidays_of(region: str, year: int) -> Mapping[date, str]:
    """The public holidays of a year by date. Raises ValueError for a region that the library does not know."""
    country, _, part = region.partition("-")
    try:
        return dict(public_holidays.country_holidays(country, subdiv=part or None, years=year))
    except NotImplementedError:
        raise ValueError(f"the public holidays of {region!r} are not known") from None


def _instants(day: date, window: Window, zone: ZoneInfo) -> tuple[datetime, datetime]:
    until = day if window.end > window.start else day + timedelta(days=1)
    opens = datetime.combine(day, window.start, zone).astimezone(UTC)
    return opens, datetime.combine(until, window.end, zone).astimezone(UTC)


ALWAYS = Calendar(name="always", days=((Window(start=time(0), end=time(0)),),) * 7)
