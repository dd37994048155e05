"""The clocks of one ticket: which promises apply, and what this turn means to each of them. Pure.

Nobody starts or stops a clock: at the end of a turn it is brought in line with what the ticket has become.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from gateway.draft import Draft
from gateway.model import EntryKind, Mark, Promise, SendKind, Side, Status, Step
from gateway.policy import Policy
from gateway.sla.promises import Deadline, Sla, choose, deadlines

#: We owe the next word; in the others we wait for somebody else, or the matter is done.
OURS = (Status.NEW, Status.OPEN)
DONE = (Status.RESOLVED, Status.CLOSED)
_NAMES = {
    Promise.FIRST_RESPONSE: "first answer",
    Promise.NEXT_RESPONSE: "next answer",
    Promise.RESOLUTION: "resolution",
}
_RUNS = (Step.START, Step.RESUME)


def applying(draft: Draft, policy: Policy) -> Sla | None:
    """The promises that hold for this ticket now, None while only the bot has it."""
    ticket = draft.ticket
    if not ticket.queue or not policy.slas:
        return None
    leg = draft.leg(Side.REQUESTER)
    return choose(
        policy.slas,
        ticket.watch.named,
        channel=leg.address.connector if leg else "",
        priority=ticket.priority,
        queue=ticket.queue,
        escalated=ticket.watch.level > 0,
    )


def tick(draft: Draft, policy: Policy) -> None:
    """Writes the marks that this turn means, and the policy where it is another one than before."""
    sla = applying(draft, policy)
    if sla is None:
        return
    if sla.name != draft.ticket.watch.sla:
        targets = {str(promise): int(target.total_seconds()) for promise, target in sla.targets.items()}
        draft.event("sla", policy=sla.name, calendar=sla.calendar.name, targets=targets)
        draft.set_watch(sla=sla.name)
    begun: set[Promise] = set()
    while steps := _steps(draft, begun):
        begun |= {promise for promise, step in steps.items() if step is Step.START}
        _mark(draft, steps)


def current(draft: Draft, policy: Policy) -> dict[Promise, Deadline]:
    """Every clock of the ticket as it stands at this moment."""
    sla, marks = applying(draft, policy), draft.ticket.watch.marks
    if sla is None:
        return {}
    # A turn asks several times, and a long history takes a while to sum.
    if draft.summed is None or draft.summed[0] is not marks or draft.summed[1] is not sla:
        draft.summed = (marks, sla, deadlines(sla, marks, draft.now))
    found: dict[Promise, Deadline] = draft.summed[2]
    return found


def next_due(found: Mapping[Promise, Deadline]) -> tuple[Promise, datetime] | None:
    """The promise that falls due first."""
    due = [(promise, deadline.due) for promise, deadline in found.items() if deadline.due]
    return min(due, key=lambda each: each[1], default=None)


def owed_by(found: Mapping[Promise, Deadline]) -> datetime | None:
    """When the first promise that is still owed falls due, or fell; None while every clock stands."""
    due = [each.due or each.breached_at for each in found.values() if each.running]
    return min((at for at in due if at), default=None)


def name_of(promise: Promise) -> str:
    """What agents read for a promise."""
    return _NAMES[promise]


def _steps(draft: Draft, begun: set[Promise]) -> dict[Promise, Step]:
    found = {promise: _step(draft, promise, begun) for promise in Promise}
    return {promise: step for promise, step in found.items() if step}


def _step(draft: Draft, promise: Promise, begun: set[Promise]) -> Step | None:
    """What happens to this clock next, None when it is as it should be."""
    last = _last(draft, promise)
    if promise is Promise.NEXT_RESPONSE and last in (None, Step.STOP):
        asked = (
            draft.heard and draft.ticket.status in OURS and _last(draft, Promise.FIRST_RESPONSE) is Step.STOP
        )
        return Step.START if asked and promise not in begun else _retaken(draft, last)
    if last is None:
        return Step.START if draft.ticket.status not in DONE or replied(draft) else None
    if promise is not Promise.RESOLUTION:
        if last is Step.STOP:
            return _retaken(draft, last)
        if replied(draft):
            return Step.STOP
    return _by_status(draft.ticket.status, last)


def _by_status(status: Status, last: Step) -> Step | None:
    if status in DONE:
        return None if last is Step.STOP else Step.STOP
    if status in OURS:
        return None if last in _RUNS else Step.RESUME
    return Step.PAUSE if last in _RUNS else None


def _retaken(draft: Draft, last: Step | None) -> Step | None:
    """An answer that was taken back before it left never stopped anything."""
    again = last is Step.STOP and draft.taken_back(SendKind.AGENT) and not replied(draft)
    return Step.RESUME if again and draft.ticket.status in OURS else None


def replied(draft: Draft) -> bool:
    """Whether a person answers the requester in this turn."""
    return any(entry.kind is EntryKind.REPLY for entry in draft.entries)


def _last(draft: Draft, promise: Promise) -> Step | None:
    marks = draft.ticket.watch.marks.get(promise)
    return marks[-1].step if marks else None


def _mark(draft: Draft, steps: Mapping[Promise, Step]) -> None:
    watch, why, at = draft.ticket.watch, _why(draft), _stored(draft.now)
    marks = dict(watch.marks)
    for promise, step in steps.items():
        before = () if step is Step.START else marks.get(promise, ())
        marks[promise] = (*before, Mark(at=at, step=step, why=why))
    fresh = {promise for promise, step in steps.items() if step is Step.START}
    draft.set_watch(
        marks=marks,
        warned=tuple(promise for promise in watch.warned if promise not in fresh),
        breached=tuple(promise for promise in watch.breached if promise not in fresh),
        alarms=tuple(promise for promise in watch.alarms if promise not in fresh),
    )
    draft.event("clock", steps={str(promise): str(step) for promise, step in steps.items()}, why=why)


def _why(draft: Draft) -> str:
    status = draft.ticket.status
    if replied(draft):
        return "An agent answered."
    if draft.taken_back(SendKind.AGENT):
        return "The answer was taken back before it left."
    if status in OURS:
        return "The requester wrote." if draft.heard else "It waits for us."
    return {
        Status.PENDING: "We wait for the requester.",
        Status.ON_HOLD: "It is on hold.",
        Status.RESOLVED: "It was resolved.",
    }.get(status, "It was closed.")


def _stored(at: datetime) -> datetime:
    """As the database keeps times, so that the event and the mark have the same."""
    return at.replace(microsecond=at.microsecond // 1000 * 1000)
