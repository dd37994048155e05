"""The sections about time: [calendars.NAME] and [sla.NAME], and what decisions make of them."""

from __future__ import annotations

import difflib
import itertools
import re
from collections.abc import Mapping
from datetime import date, time, timedelta
from typing import Annotated, Any, Self
from zoneinfo import available_timezones

from pydantic import BeforeValidator, Field, field_validator, model_validator

from gateway.model import Priority, Promise
from gateway.settings.section import Section
from gateway.sla.calendars import Calendar, Window, holidays_of
from gateway.sla.promises import DEFAULT, Sla

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WINDOW = re.compile(r"^([01]?\d|2[0-3]):([0-5]\d)-(?:([01]?\d|2[0-3]):([0-5]\d)|24:00)$")
_SPAN = re.compile(r"^(?:(\d{1,4})h)?\s*(?:(\d{1,5})m)?$")
#: A year in which every region's holidays are known, to try a region at load.
_A_YEAR = 2026


def span(value: Any) -> Any:
    """A stretch of time as people write it: "30m", "4h", "1h 30m". Days are refused: whose day has how many hours?"""
    if not isinstance(value, str):
        return value
    found = _SPAN.match(value.strip())
    if not value.strip() or found is None:
        raise ValueError(f'{value!r} is no length of time; write hours and minutes, such as "4h" or "1h 30m"')
    length = timedelta(hours=int(found[1] or 0), minutes=int(found[2] or 0))
    if not length:
        raise ValueError("must be longer than nothing")
    return length


Span = Annotated[timedelta, BeforeValidator(span)]


class CalendarSettings(Section):
    zone: str = Field("UTC", description="Time zone, such as Europe/Vienna.")
    hours: dict[str, tuple[str, ...]] = Field(
        description='Windows by day: mon, mon-fri, "mon,wed", daily; 22:00-06:00 reaches into the next day.'
    )
    exceptions: dict[str, tuple[str, ...]] = Field(
        default_factory=dict, description="Windows of single dates, 2026-12-24; an empty list is closed."
    )
    holidays: str = Field("", description="Closed on the public holidays of AT, DE-BY, SI …")

    @field_validator("zone")
    @classmethod
    def _zone(cls, value: str) -> str:
        if value not in available_timezones():
            close = difflib.get_close_matches(value, available_timezones(), 1)
            raise ValueError(f"{value!r} is no time zone" + (f"; did you mean {close[0]}?" if close else ""))
        return value

    @field_validator("hours")
    @classmethod
    def _hours(cls, value: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        _week(value)
        return value

    @field_validator("exceptions")
    @classmethod
    def _dates(cls, value: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        _exceptions(value)
        return value

    @field_validator("holidays")
    @classmethod
    def _region(cls, value: str) -> str:
        if value:
            holidays_of(value, _A_YEAR)
        return value

    def calendar(self, name: str) -> Calendar:
        return Calendar(
            name=name,
            zone=self.zone,
            days=_week(self.hours),
            exceptions=_exceptions(self.exceptions),
            holidays=self.holidays,
        )


def _week(hours: Mapping[str, tuple[str, ...]]) -> tuple[tuple[Window, ...], ...]:
    week: list[tuple[Window, ...]] = [()] * 7
    for key, windows in hours.items():
        for day in _days(key):
            if week[day]:
                raise ValueError(f"{DAYS[day]} stands there twice; give each day one list")
            week[day] = _windows(windows)
    return tuple(week)


def _days(key: str) -> list[int]:
    days: list[int] = []
    for part in ["mon-sun"] if key == "daily" else key.lower().replace(" ", "").split(","):
        first, _, last = part.partition("-")
        if first not in DAYS or (last or first) not in DAYS:
            raise ValueError(f"{key!r} is no day; write {', '.join(DAYS)}, mon-fri or daily")
        begin, end = DAYS.index(first), DAYS.index(last or first)
        days += range(begin, end + 1) if begin <= end else [*range(begin, 7), *range(end + 1)]
    return days


def _windows(written: tuple[str, ...]) -> tuple[Window, ...]:
    windows = tuple(sorted(map(_window, written), key=lambda window: window.start))
    for before, after in itertools.pairwise(windows):
        if before.end <= before.start or after.start < before.end:
            raise ValueError(f"two windows of one day overlap: {', '.join(written)}")
    return windows


def _window(written: str) -> Window:
    found = _WINDOW.match(written.replace(" ", "").replace("–", "-"))
    if found is None:
        raise ValueError(f'{written!r} is no window; write "09:00-17:00"')
    start = time(int(found[1]), int(found[2]))
    return Window(start=start, end=time(int(found[3] or 0), int(found[4] or 0)))


def _exceptions(written: Mapping[str, tuple[str, ...]]) -> dict[date, tuple[Window, ...]]:
    try:
        return {date.fromisoformat(day): _windows(windows) for day, windows in written.items()}
    except ValueError as error:
        if "isoformat" in str(error):
            raise ValueError('a date is written "2026-12-24"') from None
        raise


class SlaSettings(Section):
    calendar: str = Field("", description="Whose hours count, a [calendars.NAME]; empty: day and night.")
    first_response: Span | None = Field(
        None, description='Until an agent answers first: "4h" of working time.'
    )
    next_response: Span | None = Field(None, description="Until an agent answers what is written later.")
    resolution: Span | None = Field(
        None, description="Until it is resolved; waiting for the requester pauses."
    )
    warn_at: float = Field(
        0.75, gt=0, lt=1, description="People are warned when this share of a target is used."
    )
    channel: tuple[str, ...] = Field((), description="Only tickets of these connectors, such as email.")
    priority: tuple[Priority, ...] = Field((), description="Only these priorities.")
    queue: tuple[str, ...] = Field((), description="Only these queues.")
    escalated: bool | None = Field(None, description="Only tickets that were (or were not) escalated.")

    @model_validator(mode="after")
    def _promises_something(self) -> Self:
        if not self.targets:
            raise ValueError("nothing is promised; give first_response, next_response or resolution")
        return self

    @property
    def targets(self) -> dict[Promise, timedelta]:
        given = {promise: getattr(self, promise) for promise in Promise}
        return {promise: target for promise, target in given.items() if target is not None}

    @property
    def conditional(self) -> bool:
        return bool(self.channel or self.priority or self.queue or self.escalated is not None)


def time_problems(
    calendars: Mapping[str, CalendarSettings], slas: Mapping[str, SlaSettings], queues: Mapping[str, Any]
) -> list[str]:
    """What does not fit together, one sentence each with the remedy."""
    problems = []
    for name, sla in slas.items():
        if sla.calendar and sla.calendar not in calendars:
            problems.append(f"[sla.{name}] calendar: {_no_calendar(sla.calendar, calendars)}")
        problems += [
            f"[sla.{name}] queue: there is no queue {queue!r}. Known: {', '.join(queues)}"
            for queue in sla.queue
            if queue not in queues
        ]
        if name == DEFAULT and sla.conditional:
            problems.append(
                "[sla.default] is for whatever no other covers; move its conditions to another name"
            )
        if name != DEFAULT and not sla.conditional and len(slas) > 1 and DEFAULT not in slas:
            problems.append(f"[sla.{name}] has no condition, so none below it applies; call it [sla.default]")
    problems += [
        f"[queues.{name}] calendar: {_no_calendar(queue.calendar, calendars)}"
        for name, queue in queues.items()
        if queue.calendar and queue.calendar not in calendars
    ]
    return problems


def _no_calendar(name: str, calendars: Mapping[str, Any]) -> str:
    known = ", ".join(calendars) or "none yet"
    return f"there is no [calendars.{name}]; add it, or choose from: {known}"


def make_calendars(settings: Mapping[str, CalendarSettings]) -> dict[str, Calendar]:
    return {name: each.calendar(name) for name, each in settings.items()}


def make_slas(settings: Mapping[str, SlaSettings], calendars: Mapping[str, Calendar]) -> tuple[Sla, ...]:
    """The policies in the order of the file."""
    always = Sla(name="").calendar
    return tuple(
        Sla(
            name=name,
            calendar=calendars.get(each.calendar, always),
            targets=each.targets,
            warn=each.warn_at,
            channel=each.channel,
            priority=each.priority,
            queue=each.queue,
            escalated=each.escalated,
        )
        for name, each in settings.items()
    )
