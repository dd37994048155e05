"""Dates, times and opening hours as each language writes them, from the [moments] of its file."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from gateway.sla.calendars import Calendar, Window


class Moments(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one language writes a moment. Lists begin with Monday and January."""

    weekdays: tuple[str, ...]
    months: tuple[str, ...]  #: as they stand beside a day
    today: str  #: with {time} and {zone}
    day: str  #: with {weekday}, {day}, {month}, {time} and {zone}
    closed: str
    all_day: str
    weekdays_on: tuple[str, ...] = ()  #: where a weekday is written otherwise in `day`
    on_date: str = "{day} {month}"

    def when(self, at: datetime, now: datetime, zone: str) -> str:
        """A moment to come, by the wall clock of this zone; rounded up to the minute, so that it is never early."""
        local = at.astimezone(ZoneInfo(zone))
        if local.second or local.microsecond:
            local = (at + timedelta(minutes=1)).astimezone(ZoneInfo(zone))
        values = {
            "weekday": (self.weekdays_on or self.weekdays)[local.weekday()],
            "day": local.day,
            "month": self.months[local.month - 1],
            "time": f"{local:%H:%M}",
            "zone": local.tzname(),
        }
        today = local.date() == now.astimezone(ZoneInfo(zone)).date()
        return (self.today if today else self.day).format(**values)

    def on_day(self, day: date, what: str) -> str:
        """A date and what is special about it."""
        return f"{self.on_date.format(day=day.day, month=self.months[day.month - 1])} ({what})"

    def week(self, calendar: Calendar) -> list[str]:
        """The opening hours, one line for days in a row with the same hours."""
        lines: list[tuple[int, int, tuple[Window, ...]]] = []
        for day, windows in enumerate(calendar.days):
            if lines and lines[-1][2] == windows:
                lines[-1] = (lines[-1][0], day, windows)
            else:
                lines.append((day, day, windows))
        return [f"{self._days(first, last)}: {self.windows(windows)}" for first, last, windows in lines]

    def windows(self, windows: tuple[Window, ...]) -> str:
        return ", ".join(map(self._window, windows)) or self.closed

    def _days(self, first: int, last: int) -> str:
        return self.weekdays[first] + (f" – {self.weekdays[last]}" if last > first else "")

    def _window(self, window: Window) -> str:
        if window.start == window.end:
            return self.all_day
        end = "24:00" if (window.end.hour, window.end.minute) == (0, 0) else f"{window.end:%H:%M}"
        return f"{window.start:%H:%M}–{end}"


#: What may stand in braces, by key.
FIELDS: Mapping[str, frozenset[str]] = {
    "today": frozenset(("time", "zone")),
    "day": frozenset(("weekday", "day", "month", "time", "zone")),
    "on_date": frozenset(("day", "month")),
}


def read(data: Mapping[str, Any]) -> Moments:
    """Raises msgspec.ValidationError naming what is missing, and ValueError for a list that is too short."""
    moments = msgspec.convert(data, Moments)
    for name, length in (("weekdays", 7), ("months", 12), ("weekdays_on", 7)):
        given = getattr(moments, name)
        if given and len(given) != length:
            raise ValueError(f"{name} has {len(given)} names instead of {length}")
    return moments
