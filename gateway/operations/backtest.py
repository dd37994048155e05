"""Back-test: recorded turns decided twice, as things are and with a changed article or rule file, and compared.

Each turn is judged as it stood when it happened; what the change would have led to later is not played on. Nothing
is written and nothing is sent.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import NamedTuple

import msgspec
from typing_extensions import override

from bot.answer import Bot
from gateway.case import Case, Change, Outcome
from gateway.clock import from_ms
from gateway.decision import decide
from gateway.model import EntryKind
from gateway.operations.replaying import recorded_case
from gateway.policy import Policy
from gateway.privacy import CannotOpen, Seal
from gateway.store.recorded import Recorded

#: Characters of a message that are shown.
_SHOWN = 160


class Side(NamedTuple):
    """What decides: the settings with their rules, and the bot with its articles."""

    policy: Policy
    bot: Bot


class Fate(msgspec.Struct, frozen=True, kw_only=True):
    """What a turn does with one ticket, as far as an admin would care."""

    said: str  #: "answer track-order", "clarify", "handoff no_match" …, "" for nothing
    queue: str
    tier: int
    priority: str
    tags: tuple[str, ...]

    @override
    def __str__(self) -> str:
        tags = f", tags {' '.join(self.tags)}" if self.tags else ""
        return f"{self.said or 'nothing said'} (queue {self.queue}, tier {self.tier}, {self.priority}{tags})"


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """A turn that would end otherwise: for whom, when, what they wrote (masked), and both ends."""

    ticket: int
    at: datetime
    who: str
    text: str
    before: Fate
    after: Fate


class Backtest(msgspec.Struct, kw_only=True):
    """What became of the turns; those that cannot be decided again are counted."""

    turns: int = 0
    judged: int = 0
    unrecorded: int = 0  #: of a version that did not keep what a turn had read
    sealed: int = 0  #: erased, or sealed with a key that is not here
    differences: list[Difference] = []


async def backtest(turns: AsyncIterator[Recorded], seal: Seal, before: Side, after: Side) -> Backtest:
    """Decides every turn in which somebody wrote, with both sides."""
    found = Backtest(differences=[])
    async for turn in turns:
        found.turns += 1
        if not turn.seen:
            found.unrecorded += 1
            continue
        try:
            case = recorded_case(turn, seal)
        except (CannotOpen, msgspec.DecodeError):
            found.sealed += 1
            continue
        at = from_ms(turn.at)
        found.judged += 1
        found.differences += _compare(_decided(case, at, before), _decided(case, at, after), case, at)
    return found


def _decided(case: Case, at: datetime, side: Side) -> Outcome:
    return decide(case, at, side.policy, side.bot)


def _compare(before: Outcome, after: Outcome, case: Case, at: datetime) -> list[Difference]:
    """Tickets whose fate differs; a ticket that only one side makes has none on the other."""
    first, second = ({change.ticket.id: change for change in o.changes} for o in (before, after))
    found = []
    for number in dict.fromkeys((*first, *second)):
        fates = [_fate(changes.get(number)) for changes in (first, second)]
        change = second.get(number) or first[number]
        if fates[0] != fates[1]:
            found.append(
                Difference(
                    ticket=number,
                    at=at,
                    who=_who(case),
                    text=_text(change),
                    before=fates[0],
                    after=fates[1],
                )
            )
    return found


def _fate(change: Change | None) -> Fate:
    if change is None:
        return Fate(said="no ticket", queue="", tier=0, priority="", tags=())
    ticket = change.ticket
    return Fate(
        said=_said(change),
        queue=ticket.queue,
        tier=ticket.tier,
        priority=ticket.priority.value,
        tags=tuple(sorted(ticket.tags)),
    )


def _said(change: Change) -> str:
    parts = []
    for event in change.events:
        match event.kind:
            case "answered":
                parts.append("answer " + "+".join(s["article"] for s in event.data.get("sources", ())))
            case "clarified":
                parts.append("clarify " + "/".join(event.data.get("options", ())))
            case "escalated":
                parts.append(f"handoff {event.data.get('cause', '')}".strip())
            case "helped" | "small_talk":
                parts.append(event.kind)
    return ", ".join(parts)


def _text(change: Change) -> str:
    said = [entry.text for entry in change.entries if entry.kind is EntryKind.MESSAGE]
    shown = " ".join(" / ".join(said).split()) or change.ticket.subject
    return shown if len(shown) <= _SHOWN else shown[: _SHOWN - 1] + "…"


def _who(case: Case) -> str:
    """The channel by which it came: the address stays out of reports."""
    rows = case.claim.rows
    return rows[0].input.connector if rows else ""
