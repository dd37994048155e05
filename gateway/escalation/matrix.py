"""Level by level: a ticket whose promise was broken, or that nobody took, goes to the next people, and all are told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from gateway.context import Context
from gateway.desk.acting import ring
from gateway.draft import Draft
from gateway.escalation.hand_off import move, tell_agents
from gateway.escalation.ladder import Branch, Climb, Level, climb
from gateway.model import EntryKind, SendKind, Verb
from gateway.policy import Policy
from gateway.sla.calendars import ALWAYS, Calendar
from gateway.sla.clocks import OURS, applying, name_of
from gateway.sla.promises import Deadline
from gateway.triage.routing import Route
from gateway.voice import moment, speak, word


def next_step(draft: Draft, policy: Policy, owed: Sequence[Deadline]) -> Climb | None:
    """The level that is due now: nobody acknowledged the last one in time, or a promise is newly broken."""
    watch, levels = draft.ticket.watch, policy.levels(draft.ticket.priority)
    waiting = unacknowledged_at(draft, policy)
    since = waiting or min((each.breached_at for each in owed if each.breached_at), default=None)
    if since is None or since > draft.now or draft.ticket.status not in OURS:
        return None
    return climb(
        levels,
        watch.level,
        since,
        draft.now,
        _calendar(draft, policy),
        lambda level: _leads_on(draft, policy, level),
    )


def unacknowledged_at(draft: Draft, policy: Policy) -> datetime | None:
    """When the level that has the ticket will have been silent for too long; None while nothing is expected."""
    watch, levels = draft.ticket.watch, policy.levels(draft.ticket.priority)
    if not 0 < watch.level <= len(levels) or watch.acknowledged or watch.level_at is None:
        return None
    return _calendar(draft, policy).add(watch.level_at, levels[watch.level - 1].acknowledge)


def expected_by(draft: Draft, policy: Policy) -> datetime | None:
    """The same moment, where something is done then: a level above gets the ticket, or the last one is reminded."""
    watch = draft.ticket.watch
    levels = policy.levels(draft.ticket.priority)[watch.level :]
    above = any(_leads_on(draft, policy, level) for level in levels)
    if draft.ticket.status not in OURS or (watch.last_silent and not above):
        return None
    return unacknowledged_at(draft, policy)


def enter(draft: Draft, context: Context, step: Climb, owed: Sequence[Deadline]) -> bool:
    """Takes the ticket to this level and tells everybody; whether the requester could be told."""
    policy = context.policy
    level = policy.levels(draft.ticket.priority)[step.number - 1]
    cause = "unacknowledged" if draft.ticket.watch.level and not draft.ticket.watch.acknowledged else "breach"
    queue, before = policy.queues[level.queue], draft.ticket.queue
    draft.event(
        "escalated",
        cause=cause,
        level=step.number,
        branch=str(level.branch),
        queue=queue.name,
        tier=queue.tier,
        before=before,
        skipped=list(step.skipped),
        promises=[str(each.promise) for each in owed],
    )
    draft.set(cause=cause, assignee=_owner(draft, policy, level))
    draft.set_work(passed_over=(), given_at=None)
    draft.set_watch(
        level=step.number, level_at=draft.now, acknowledged=False, last_silent=False, asked_at=None
    )
    tell_agents(draft, _told(draft, policy, step, level, owed))
    move(
        draft, policy, Route(queue=queue.name, tier=queue.tier, priority=draft.ticket.priority, rule="matrix")
    )
    tell_leads(draft, policy, _told(draft, policy, step, level, owed))
    by = unacknowledged_at(draft, policy)
    return say_where(draft, context, "escalated", by)


def say_where(draft: Draft, context: Context, key: str, by: datetime | None) -> bool:
    """Tells the requester who has it now (the role, no name) and when the next word comes."""
    queue = context.policy.queues[draft.ticket.queue].title
    lines = [word(draft, context, key, queue=queue, reference=draft.ticket.reference)]
    if by is not None:
        lines.append(word(draft, context, "next_word", when=moment(draft, context, by)))
    return speak(draft, context, ["\n\n".join(lines)], EntryKind.NOTICE)


def acknowledge(draft: Draft) -> None:
    """Somebody has taken it up: the level that was waiting for that is content."""
    if draft.ticket.watch.level and not draft.ticket.watch.acknowledged:
        draft.set_watch(acknowledged=True)
        draft.event("acknowledged", level=draft.ticket.watch.level, agent=draft.ticket.assignee)


def passed_on(draft: Draft, context: Context) -> None:
    """An agent escalated: where that is a level of the matrix, its people are expected to acknowledge as well."""
    policy = context.policy
    levels = policy.levels(draft.ticket.priority)
    number = next((n for n, level in enumerate(levels, 1) if level.queue == draft.ticket.queue), 0)
    if number:
        draft.set_watch(level=number, level_at=draft.now, acknowledged=False, asked_at=None)
    tell_leads(draft, policy, f"An agent passed {draft.ticket.reference} on.")
    say_where(draft, context, "passed_on", unacknowledged_at(draft, policy))


def tell_leads(draft: Draft, policy: Policy, text: str) -> None:
    """A line for the leads, with the card where they may see it; nothing where the ticket is theirs already."""
    queue = policy.queues.get(policy.told_queue)
    if queue is None or queue.name == draft.ticket.queue:
        return
    draft.event("alarm", to=queue.name, text=text)
    if draft.ticket.protected and not queue.protected:
        if queue.address is not None:
            leg = draft.aside(queue.address)
            draft.post(leg, f"{draft.ticket.reference}: {text}", kind=SendKind.NOTICE)
        return
    ring(draft, policy, queue.address, text, Verb.CLAIM, Verb.REPLY)


def _told(draft: Draft, policy: Policy, step: Climb, level: Level, owed: Sequence[Deadline]) -> str:
    why = (
        f"The {' and the '.join(name_of(each.promise) for each in owed)} is overdue."
        if owed
        else "Nobody took it in time."
    )
    queue = policy.queues[level.queue].title
    over = f" Level {', '.join(map(str, step.skipped))} was passed over." if step.skipped else ""
    stays = f" {draft.ticket.assignee} keeps it." if draft.ticket.assignee else ""
    return f"{why} It is at level {step.number} now, with {queue}.{over}{stays}"


def _owner(draft: Draft, policy: Policy, level: Level) -> str:
    """Experts take a ticket over; where only more authority is wanted, its owner stays if they may see it there."""
    owner, members = draft.ticket.assignee, policy.queues[level.queue].members
    keeps = level.branch is Branch.HIERARCHICAL and (not members or owner in members)
    return owner if keeps else ""


def _leads_on(draft: Draft, policy: Policy, level: Level) -> bool:
    """Whether the level is another place than where the ticket is, not below it, and may see it."""
    queue = policy.queues[level.queue]
    new = queue.name != draft.ticket.queue and queue.tier >= draft.ticket.tier
    return new and (queue.protected or not draft.ticket.protected)


def _calendar(draft: Draft, policy: Policy) -> Calendar:
    """By which times to acknowledge are counted: the promise's, else the queue's."""
    sla = applying(draft, policy)
    return sla.calendar if sla else policy.working(draft.ticket.queue) or ALWAYS
