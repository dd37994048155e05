"""What happens to a ticket when its time has come: warnings, broken promises, and who is woken by them. Pure.

Each ticket has one timer, set to the next moment at which something is due. When it rings, everything that is due
by then is looked at together, so that after a stop only the newest counts.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from gateway.context import Context
from gateway.draft import Draft
from gateway.escalation.hand_off import refresh_card, tell_agents
from gateway.escalation.matrix import enter, expected_by, next_step, tell_leads
from gateway.model import Priority, SendKind
from gateway.policy import Policy
from gateway.sla.clocks import current, name_of, owed_by, tick
from gateway.sla.heartbeats import beat, follow, next_beat
from gateway.sla.promises import Deadline

TIMER = "watch"
#: A ticket is never woken twice within this.
SOONEST = timedelta(minutes=1)


def rest(draft: Draft, policy: Policy) -> None:
    """The end of each turn: the clocks follow what the ticket has become, and the timer what is due next."""
    tick(draft, policy)
    if (owed := owed_by(current(draft, policy))) != draft.ticket.watch.due_at:
        draft.set_watch(due_at=owed)
    follow(draft)
    wakes_at = min(_due(draft, policy), default=None)
    before = draft.folder.ticket.watch.wakes_at
    if wakes_at is not None and before is not None and max(wakes_at, before) <= draft.now:
        # It rang in this turn and rings again at once: never without a pause, whatever was forgotten.
        wakes_at = draft.now + SOONEST
    if wakes_at != draft.ticket.watch.wakes_at:
        draft.set_watch(wakes_at=wakes_at)
        draft.timer(TIMER, wakes_at)


def wake(draft: Draft, context: Context) -> None:
    """The timer rang. At most one thing is said to the requester: a new level, or that there is no news."""
    policy = context.policy
    draft.set_watch(wakes_at=None)
    context.greeted = True  # nobody is introduced to somebody who has been talking with us
    tick(draft, policy)
    for each in current(draft, policy).values():
        if _broken(draft, each):
            _record(draft, each)
    if not _escalate(draft, context):
        beat(draft, context)
    tick(draft, policy)
    for each in current(draft, policy).values():
        if each.promise not in draft.ticket.watch.warned:
            _warn(draft, policy, each)


def wake_after_a_stop(draft: Draft, context: Context, burst: int) -> None:
    """It rang long after its time, with many others: everything is recorded, the queue hears of all of them once.

    burst   how many tickets of its queue, for the one that tells; 0 for the others
    """
    policy, watch = context.policy, draft.ticket.watch
    draft.set_watch(wakes_at=None)
    tick(draft, policy)
    for each in current(draft, policy).values():
        if _broken(draft, each):
            _record(draft, each)
    # As if told now: levels, questions and heartbeats begin anew from here, in their usual pace.
    draft.set_watch(
        alarms=(),
        warned=tuple(current(draft, policy)),
        waits_from=draft.now if watch.waits_from else None,
        asked_at=None,
        level_at=draft.now if watch.level_at else None,
    )
    draft.event("noticed_late", burst=burst)
    refresh_card(draft, policy)
    queue = policy.queues.get(draft.ticket.queue)
    if burst and queue is not None and queue.address is not None:
        text = (
            f"Deskgate was away, and {burst} tickets of {queue.title} have gone without an answer for too long. "
            f"[Look at them on the desk]({policy.public_url}/desk?queue={queue.name})."
        )
        draft.post(draft.aside(queue.address), text, kind=SendKind.NOTICE)


def _due(draft: Draft, policy: Policy) -> list[datetime]:
    """Every moment at which something is to be done about this ticket."""
    watch, due = draft.ticket.watch, []
    for each in current(draft, policy).values():
        if _broken(draft, each):
            due.append(draft.now)
        elif each.due:
            due += [each.due, *([] if each.promise in watch.warned else [_warn_at(draft, policy, each)])]
    steps = (expected_by(draft, policy), draft.now if _owed(draft, policy) else None)
    due += [_waking(draft, policy, at) for at in steps if at]
    return [*due, *([beats] if (beats := next_beat(draft, policy)) else [])]


def _escalate(draft: Draft, context: Context) -> bool:
    """The next level, or an alarm where there is none; whether anything was said to the requester."""
    policy = context.policy
    owed = _owed(draft, policy)
    draft.set_watch(alarms=tuple(each.promise for each in owed))
    step = next_step(draft, policy, owed)
    silent = (expected_by(draft, policy) or draft.now + SOONEST) <= draft.now
    if not (step or owed or silent) or _quiet(draft, policy):
        return False
    draft.set_watch(alarms=())
    if step is not None:
        return enter(draft, context, step, owed)
    draft.set_watch(last_silent=draft.ticket.watch.last_silent or silent)
    text = f"Overdue: {', '.join(name_of(each.promise) for each in owed)}."
    text = text if owed else "Nobody has taken it in time, and there is no level above."
    draft.event("alarm", to=draft.ticket.queue, text=text)
    tell_agents(draft, text)
    tell_leads(draft, policy, text)
    refresh_card(draft, policy)
    return False


def _owed(draft: Draft, policy: Policy) -> list[Deadline]:
    """Broken promises that are still owed and that people have not been told of."""
    found, alarms = current(draft, policy), draft.ticket.watch.alarms
    return [each for each in found.values() if each.promise in alarms and each.running]


def _waking(draft: Draft, policy: Policy, at: datetime) -> datetime:
    """When people can be told what falls due at this moment: not in their quiet hours."""
    at = max(at, draft.now)  # what fell due by day and is noticed at night waits, too
    return (_opens(draft, policy, at) or at) if _quiet(draft, policy, at) else at


def _broken(draft: Draft, deadline: Deadline) -> bool:
    """Whether a promise is broken and nobody has written that down."""
    return deadline.breached_at is not None and deadline.promise not in draft.ticket.watch.breached


def _warning_at(draft: Draft, policy: Policy, deadline: Deadline) -> datetime:
    """When the share of the target is used at which people are warned; now, when it was before."""
    sla = next(each for each in policy.slas if each.name == draft.ticket.watch.sla)
    left = deadline.target * sla.warn - deadline.used
    return (sla.calendar.add(draft.now, left) or draft.now) if left.total_seconds() > 0 else draft.now


def _warn_at(draft: Draft, policy: Policy, deadline: Deadline) -> datetime:
    return _waking(draft, policy, _warning_at(draft, policy, deadline))


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


def _quiet(draft: Draft, policy: Policy, at: datetime | None = None) -> bool:
    """Whether the people of the queue are not at work and the matter can wait until they are."""
    working = policy.working(draft.ticket.queue)
    urgent = draft.ticket.priority is Priority.URGENT
    return working is not None and not urgent and not working.is_open(at or draft.now)


def _opens(draft: Draft, policy: Policy, at: datetime) -> datetime | None:
    working = policy.working(draft.ticket.queue)
    return working.next_open(at) if working else at


def _iso(at: datetime | None) -> str:
    return at.isoformat(timespec="seconds") if at else ""
