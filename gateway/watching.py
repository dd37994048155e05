"""What happens to a ticket when its time has come: warnings, broken promises, and who is woken by them. Pure.

Each ticket has one timer, set to the next moment at which something is due. When it rings, everything that is due
by then is looked at together, so that after a stop only the newest counts.
"""

from __future__ import annotations

from datetime import datetime

from gateway.clocks import current, name_of, tick
from gateway.context import Context
from gateway.draft import Draft
from gateway.escalation import refresh_card, tell_agents
from gateway.model import Priority, Promise
from gateway.policy import Policy
from gateway.sla import Deadline

TIMER = "watch"


def rest(draft: Draft, policy: Policy) -> None:
    """The end of each turn: the clocks follow what the ticket has become, and the timer what is due next."""
    tick(draft, policy)
    wakes_at = min(_due(draft, policy), default=None)
    if wakes_at != draft.ticket.watch.wakes_at:
        draft.set_watch(wakes_at=wakes_at)
        draft.timer(TIMER, wakes_at)


def wake(draft: Draft, context: Context) -> None:
    """The timer rang."""
    draft.set_watch(wakes_at=None)
    policy = context.policy
    tick(draft, policy)
    found = current(draft, policy)
    broken = [each for each in found.values() if _broken(draft, each)]
    for each in broken:
        _record(draft, each)
    _alarm(draft, policy, found)
    for each in found.values():
        if each.promise not in draft.ticket.watch.warned:
            _warn(draft, policy, each)


def _due(draft: Draft, policy: Policy) -> list[datetime]:
    """Every moment at which something is to be done about this ticket."""
    watch, due = draft.ticket.watch, []
    for each in current(draft, policy).values():
        if _broken(draft, each):
            due.append(draft.now)
        elif each.due:
            due += [each.due, *([] if each.promise in watch.warned else [_warn_at(draft, policy, each)])]
    if watch.alarms and (opens := _opens(draft, policy)):
        due.append(opens)
    return due


def _broken(draft: Draft, deadline: Deadline) -> bool:
    """Whether a promise is broken and nobody has written that down."""
    return deadline.breached_at is not None and deadline.promise not in draft.ticket.watch.breached


def _warning_at(draft: Draft, policy: Policy, deadline: Deadline) -> datetime:
    """When the share of the target is used at which people are warned; now, when it was before."""
    sla = next(each for each in policy.slas if each.name == draft.ticket.watch.sla)
    left = deadline.target * sla.warn - deadline.used
    return (sla.calendar.add(draft.now, left) or draft.now) if left.total_seconds() > 0 else draft.now


def _warn_at(draft: Draft, policy: Policy, deadline: Deadline) -> datetime:
    """When people are told: not in their quiet hours."""
    at = _warning_at(draft, policy, deadline)
    return (_opens(draft, policy) or at) if at <= draft.now and _quiet(draft, policy) else at


def _record(draft: Draft, deadline: Deadline) -> None:
    watch = draft.ticket.watch
    draft.event(
        "breach",
        promise=str(deadline.promise),
        due=_iso(deadline.breached_at),
        target=int(deadline.target.total_seconds()),
        used=int(deadline.used.total_seconds()),
        sla=watch.sla,
    )
    alarms = (*watch.alarms, deadline.promise) if deadline.running else watch.alarms
    draft.set_watch(breached=(*watch.breached, deadline.promise), alarms=alarms)


def _warn(draft: Draft, policy: Policy, deadline: Deadline) -> None:
    if deadline.due is None or _warn_at(draft, policy, deadline) > draft.now:
        return
    draft.set_watch(warned=(*draft.ticket.watch.warned, deadline.promise))
    draft.event("warning", promise=str(deadline.promise), due=_iso(deadline.due), sla=draft.ticket.watch.sla)
    tell_agents(draft, f"The {name_of(deadline.promise)} is due {policy.local(deadline.due, draft.now)}.")
    refresh_card(draft, policy)


def _alarm(draft: Draft, policy: Policy, found: dict[Promise, Deadline]) -> None:
    """Tells people of broken promises that are still owed; in quiet hours only where it is urgent."""
    owed = tuple(p for p in draft.ticket.watch.alarms if p in found and found[p].running)
    if not owed or _quiet(draft, policy):
        draft.set_watch(alarms=owed)
        return
    draft.set_watch(alarms=())
    names = " and the ".join(name_of(promise) for promise in owed)
    draft.event("alarm", promises=[str(promise) for promise in owed], queue=draft.ticket.queue)
    tell_agents(draft, f"The {names} {'are' if len(owed) > 1 else 'is'} overdue.")
    refresh_card(draft, policy)


def _quiet(draft: Draft, policy: Policy) -> bool:
    """Whether the people of the queue are not at work and the matter can wait until they are."""
    working = policy.working(draft.ticket.queue)
    urgent = draft.ticket.priority is Priority.URGENT
    return working is not None and not urgent and not working.is_open(draft.now)


def _opens(draft: Draft, policy: Policy) -> datetime | None:
    working = policy.working(draft.ticket.queue)
    return working.next_open(draft.now) if working else draft.now


def _iso(at: datetime | None) -> str:
    return at.isoformat(timespec="seconds") if at else ""
