"""[calendars.NAME] and [sla.NAME]: what may be written there, and what is said about mistakes."""

from __future__ import annotations

from datetime import date, time, timedelta
from pathlib import Path

import pytest

from gateway.model import Promise
from gateway.settings import load
from gateway.settings.times import make_calendars, make_slas, span
from gateway.sla.calendars import Window
from tests.test_settings import problems, write

OFFICE = '[calendars.office]\nzone = "Europe/Vienna"\nholidays = "AT"\n[calendars.office.hours]\n'


def test_a_week_is_written_by_day(tmp_path: Path) -> None:
    text = (
        OFFICE
        + 'mon-wed = ["08:00-12:00", "13:00-17:00"]\n"thu,fri" = ["22:00-06:00"]\nsat = ["00:00-24:00"]\n'
    )
    text += '[calendars.office.exceptions]\n"2026-12-24" = ["09:00-12:00"]\n"2026-12-31" = []\n'
    calendar = make_calendars(load(write(tmp_path, text), {}).calendars)["office"]
    assert calendar.days[0] == (
        Window(start=time(8), end=time(12)),
        Window(start=time(13), end=time(17)),
    )
    assert calendar.days[3] == calendar.days[4] == (Window(start=time(22), end=time(6)),)
    assert calendar.days[5] == (Window(start=time(0), end=time(0)),) and calendar.days[6] == ()
    assert calendar.windows(date(2026, 12, 24)) == (Window(start=time(9), end=time(12)),)
    assert calendar.windows(date(2026, 12, 31)) == ()
    assert (calendar.windows(date(2026, 10, 26)), calendar.holiday(date(2026, 10, 26))) == (
        (),
        "National Day",
    )


def test_promises_are_made_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = OFFICE + 'daily = ["09:00-17:00"]\n'
    text += '[sla.vip]\npriority = ["urgent", "high"]\nfirst_response = "45m"\n'
    text += '[sla.default]\ncalendar = "office"\nresolution = "1h 30m"\nwarn_at = 0.5\n'
    settings = load(write(tmp_path, text), {})
    vip, default = make_slas(settings.sla, make_calendars(settings.calendars))
    assert (vip.name, vip.targets) == ("vip", {Promise.FIRST_RESPONSE: timedelta(minutes=45)})
    assert (default.calendar.name, default.warn) == ("office", 0.5)
    assert default.targets == {Promise.RESOLUTION: timedelta(minutes=90)}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (OFFICE + 'mondays = ["09:00-17:00"]', "'mondays' is no day; write mon, tue"),
        (OFFICE + 'mon = ["9-17"]', "'9-17' is no window; write \"09:00-17:00\""),
        (OFFICE + 'mon = ["09:00-13:00", "12:00-17:00"]', "two windows of one day overlap"),
        (OFFICE + 'mon-fri = ["09:00-13:00"]\nfri = ["09:00-12:00"]', "fri stands there twice"),
        (OFFICE.replace("Vienna", "Vienn"), "did you mean Europe/Vienna?"),
        (OFFICE.replace('"AT"', '"ZZ"') + 'mon = ["09:00-13:00"]', "the public holidays of 'ZZ' are not known"),
        (OFFICE + 'mon = []\n[calendars.office.exceptions]\n"24.12." = []', 'a date is written "2026-12-24"'),
        (OFFICE + 'mon = []\n[calendars.office.days]', "calendars.office.days is no setting"),
        ('[sla.default]\nfirst_response = "2d"', "write hours and minutes"),
        ('[sla.default]\nfirst_response = "0m"', "must be longer than nothing"),
        ("[sla.default]\nwarn_at = 0.5", "nothing is promised"),
        ('[sla.default]\nfirst_respond = "2h"', "Did you mean first_response?"),
        ('[sla.default]\nfirst_response = "2h"\ncalendar = "x"', "[sla.default] calendar: there is no [calendars.x]"),
        ('[sla.default]\nfirst_response = "2h"\nqueue = ["general"]', "[sla.default] is for whatever no other"),
        ('[sla.a]\nfirst_response = "2h"\nqueue = ["x"]', "[sla.a] queue: there is no queue 'x'. Known: general"),
        ('[sla.a]\nfirst_response="2h"\n[sla.b]\nfirst_response="3h"', "call it [sla.default]"),
        ('[desk]\ncalendar = "x"', "[desk] calendar: there is no [calendars.x]"),
        ('[queues.a]\ntitle = "A"\ndefault = true\ncalendar = "x"', "[queues.a] calendar"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_remedy(tmp_path: Path, text: str, says: str) -> None:
    found = problems(tmp_path, text)
    assert any(says in problem for problem in found), found


@pytest.mark.parametrize(
    ("written", "minutes"), [("30m", 30), ("4h", 240), ("1h 30m", 90), ("1h30m", 90), ("90m", 90)]
)
def test_lengths_of_time(written: str, minutes: int) -> None:
    assert span(written) == timedelta(minutes=minutes)
