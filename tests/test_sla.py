"""Working time over nights, weekends, clock changes and midnight; clocks that pause add up."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model import Mark, Promise, Step
from gateway.sla.calendars import ALWAYS, Calendar, Window
from gateway.sla.promises import deadline

LJUBLJANA = ZoneInfo("Europe/Ljubljana")
DAY = (Window(start=time(9), end=time(17)),)
OFFICE = Calendar(name="office", zone="Europe/Ljubljana", days=(*(DAY,) * 5, (), ()))
NIGHTS = Calendar(name="nights", zone="Europe/Ljubljana", days=((Window(start=time(22), end=time(6)),),) * 7)
LUNCH = Calendar(
    name="lunch",
    zone="UTC",
    days=((Window(start=time(8), end=time(12)), Window(start=time(13), end=time(17))),) * 7,
)


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=LJUBLJANA).astimezone(UTC)


@pytest.mark.parametrize(
    ("calendar", "start", "hours", "due"),
    [
        (OFFICE, "2026-03-06T16:00", 2, "2026-03-09T10:00"),  # over a weekend
        (OFFICE, "2026-03-27T16:50", 1, "2026-03-30T09:50"),  # and a night on which the clocks change
        (OFFICE, "2026-03-07T12:00", 1, "2026-03-09T10:00"),  # asked on a Saturday
        (OFFICE, "2026-03-09T07:00", 8, "2026-03-09T17:00"),  # a whole day, to the minute
        (NIGHTS, "2026-03-09T23:00", 3, "2026-03-10T02:00"),  # past midnight
        (NIGHTS, "2026-03-28T22:00", 7, "2026-03-29T06:00"),  # the night that is an hour shorter
        (NIGHTS, "2026-10-24T22:00", 9, "2026-10-25T06:00"),  # and the one that is longer
    ],
)
def test_working_time_is_added(calendar: Calendar, start: str, hours: int, due: str) -> None:
    assert calendar.add(local(start), timedelta(hours=hours)) == local(due)


def test_lunch_is_no_working_time() -> None:
    start = datetime(2026, 3, 9, 11, tzinfo=UTC)
    assert LUNCH.add(start, timedelta(hours=2)) == datetime(2026, 3, 9, 14, tzinfo=UTC)
    assert LUNCH.worked(start, start + timedelta(hours=4)) == timedelta(hours=3)


def test_exceptions_close_a_day_or_open_one() -> None:
    given_days = {date(2026, 3, 9): (), date(2026, 3, 7): (Window(start=time(10), end=time(12)),)}
    calendar = Calendar(name="x", zone="Europe/Ljubljana", days=OFFICE.days, exceptions=given_days)
    assert calendar.add(local("2026-03-07T09:00"), timedelta(hours=3)) == local("2026-03-10T10:00")
    assert calendar.next_open(local("2026-03-07T12:00")) == local("2026-03-10T09:00")


def test_a_calendar_that_never_opens_promises_nothing() -> None:
    closed = Calendar(name="closed")
    assert closed.add(datetime(2026, 1, 1, tzinfo=UTC), timedelta(minutes=1)) is None
    assert not closed.is_open(datetime(2026, 1, 1, tzinfo=UTC))


def test_all_day_is_all_day_through_a_clock_change() -> None:
    zone = Calendar(name="always", zone="Europe/Ljubljana", days=ALWAYS.days)
    assert zone.worked(local("2026-03-29T00:00"), local("2026-03-30T00:00")) == timedelta(hours=23)
    assert list(zone.spans(local("2026-03-28T00:00"), local("2026-03-31T00:00"))) == [
        (local("2026-03-28T00:00"), local("2026-03-31T00:00"))
    ]


def test_a_clock_pauses_while_the_requester_is_waited_for() -> None:
    start = local("2026-03-09T09:00")
    marks = [
        Mark(at=start, step=Step.START),
        Mark(at=start + timedelta(hours=2), step=Step.PAUSE, why="answered"),
        Mark(at=start + timedelta(hours=30), step=Step.RESUME, why="wrote again"),
    ]
    found = deadline(Promise.RESOLUTION, marks, timedelta(hours=8), OFFICE, start + timedelta(hours=31))
    assert found.used == timedelta(hours=3)
    assert [segment.running for segment in found.segments] == [True, False, True]
    assert found.due == local("2026-03-11T13:00")
    assert found.breached_at is None


def test_a_breach_is_recorded_at_the_minute_it_happened() -> None:
    marks = [Mark(at=local("2026-03-06T16:00"), step=Step.START)]
    found = deadline(Promise.FIRST_RESPONSE, marks, timedelta(hours=2), OFFICE, local("2026-03-20T12:00"))
    assert found.breached_at == local("2026-03-09T10:00")
    assert found.due is None


INSTANTS = st.integers(min_value=0, max_value=400 * 24 * 60).map(
    lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)


@pytest.mark.parametrize("calendar", [OFFICE, NIGHTS, LUNCH, ALWAYS], ids=lambda c: c.name)
@given(start=INSTANTS, spans=st.lists(st.integers(1, 5000), max_size=12))
def test_pauses_add_up_to_the_running_segments(calendar: Calendar, start: datetime, spans: list[int]) -> None:
    """House rule 6.10: however often it paused, the sum is that of the running segments."""
    marks, at = [Mark(at=start, step=Step.START)], start
    running, expected = True, timedelta()
    for minutes in spans:
        end = at + timedelta(minutes=minutes)
        expected += calendar.worked(at, end) if running else timedelta()
        running, at = not running, end
        marks.append(Mark(at=at, step=Step.RESUME if running else Step.PAUSE))
    assert deadline(Promise.RESOLUTION, marks, timedelta(days=999), calendar, at).used == expected


@pytest.mark.parametrize("calendar", [OFFICE, NIGHTS, LUNCH], ids=lambda c: c.name)
@given(start=INSTANTS, minutes=st.integers(1, 6000))
def test_adding_and_measuring_agree(calendar: Calendar, start: datetime, minutes: int) -> None:
    due = calendar.add(start, timedelta(minutes=minutes))
    assert due is not None
    assert calendar.worked(start, due) == timedelta(minutes=minutes)
