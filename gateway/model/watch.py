"""What is kept with a ticket about time: the marks of its clocks, how far its escalation has come, what was said."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

import msgspec


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
    """One change of a clock, and why."""

    at: datetime
    step: Step
    why: str = ""


class Watch(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Everything about time that the next turn must know; the same can be folded from the ticket's events."""

    sla: str = ""  #: name of the policy that applies, "" while nothing is promised
    named: str = ""  #: the policy that a triage rule named
    marks: Mapping[Promise, tuple[Mark, ...]] = {}
    warned: tuple[Promise, ...] = ()  #: promises that people were warned of
    breached: tuple[Promise, ...] = ()  #: promises that were broken, recorded
    alarms: tuple[Promise, ...] = ()  #: broken at a quiet hour: people still have to be told
    level: int = 0  #: of the escalation matrix, 0 before the first
    level_at: datetime | None = None  #: when that level was told
    acknowledged: bool = False  #: somebody of that level has taken it
    last_silent: bool = False  #: the last level did not, and was reminded
    waits_from: datetime | None = None  #: since when the requester has heard nothing
    heartbeats: int = 0  #: "no news yet" in a row
    asked_at: datetime | None = None  #: when the agents were asked to write before the next one
    upset: bool = False  #: anger or abuse was heard: nothing cheerful any more
    csat_open: bool = False  #: the requester was asked how satisfied they are, and has not said
    due_at: datetime | None = None  #: when the first thing that is owed falls due, or fell; None: nothing is
    wakes_at: datetime | None = None  #: when the timer is set to ring
