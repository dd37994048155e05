"""Calendars and promises of the tests: an office in Ljubljana that works from Monday to Friday."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from gateway.escalation.ladder import Branch, Level
from gateway.model import Address, Priority, Promise
from gateway.policy import QueuePolicy
from gateway.sla.calendars import Calendar, Window
from gateway.sla.promises import Sla

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

LEADS = Address(connector="team", account="main", conversation="C-LEADS")
#: First line, experts, leads.
QUEUES = {
    "general": QueuePolicy(
        name="general", title="Customer care",
        address=Address(connector="team", account="main", conversation="C-GENERAL"),
    ),
    "technical": QueuePolicy(
        name="technical", title="Technical support", tier=2,
        address=Address(connector="team", account="main", conversation="C-TECH"),
    ),
    "leads": QueuePolicy(name="leads", title="Team leads", tier=3, address=LEADS),
    "protected": QueuePolicy(name="protected", title="Confidential", protected=True),
}  # fmt: skip
#: Experts after a broken promise, leads when nobody takes it within two hours of working time.
MATRIX: dict[str, object] = {
    **POLICY,
    "queues": QUEUES,
    "told_queue": "leads",
    "matrix": {
        "default": (
            Level(queue="technical", acknowledge=timedelta(hours=2)),
            Level(queue="leads", branch=Branch.HIERARCHICAL, acknowledge=timedelta(hours=4)),
        )
    },
}
