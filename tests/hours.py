"""Calendars and promises of the tests: an office in Ljubljana that works from Monday to Friday."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from gateway.calendars import Calendar, Window
from gateway.model import Priority, Promise
from gateway.sla import Sla

LJUBLJANA = ZoneInfo("Europe/Ljubljana")
DAY = (Window(start=time(9), end=time(17)),)
OFFICE = Calendar(name="office", zone="Europe/Ljubljana", days=(*(DAY,) * 5, (), ()), holidays="SI")
ROUND_THE_CLOCK = Calendar(
    name="always", zone="Europe/Ljubljana", days=((Window(start=time(0), end=time(0)),),) * 7
)


def local(text: str) -> datetime:
    """A wall time in Ljubljana as the instant it is."""
    return datetime.fromisoformat(text).replace(tzinfo=LJUBLJANA).astimezone(UTC)


def promises(name: str = "default", calendar: Calendar = OFFICE, **changes: object) -> Sla:
    """First answer in 2 hours of working time, the next in 4, all done in 16."""
    fields: dict[str, object] = {
        "targets": {
            Promise.FIRST_RESPONSE: timedelta(hours=2),
            Promise.NEXT_RESPONSE: timedelta(hours=4),
            Promise.RESOLUTION: timedelta(hours=16),
        },
        "warn": 0.75,
    }
    return Sla(name=name, calendar=calendar, **{**fields, **changes})  # type: ignore[arg-type]


URGENT = promises(
    "urgent",
    ROUND_THE_CLOCK,
    priority=(Priority.URGENT,),
    targets={Promise.FIRST_RESPONSE: timedelta(minutes=30), Promise.RESOLUTION: timedelta(hours=8)},
)
#: What a world needs to keep promises.
POLICY: dict[str, object] = {"calendar": OFFICE, "slas": (URGENT, promises())}
