"""The same problem of many people: proposed from likeness, confirmed by a lead, answered once. Pure.

The earliest ticket leads the incident; the others name it in their field `incident`.
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.context import Context
from gateway.desk.acting import said, show_in_thread
from gateway.draft import Draft
from gateway.errors import Refused
from gateway.escalation.hand_off import move, refresh_card, tell_agents
from gateway.model import Agent, AgentAction, EntryKind, Option, Priority, Status, reference
from gateway.policy import Policy, QueuePolicy
from gateway.triage.routing import Route, raised

#: What an agent who tried it found.
FINDINGS = (
    Option(value="product", label="It happens to everybody: our product is at fault"),
    Option(value="one_user", label="It happens to this person only"),
)


def confirm(draft: Draft, context: Context, action: AgentAction, agent: Agent, ledger_id: int) -> str:
    """A lead says that these are one problem: linked, and more urgent."""
    leader = draft.ticket.incident or draft.ticket.id
    wanted = dict.fromkeys((draft.ticket.id, *(action.also or draft.ticket.work.alike)))
    found = [
        other
        for number in wanted
        if (other := context.reach(number)) and other.ticket.status is not Status.CLOSED
    ]
    if len(found) < 2 and not draft.ticket.incident:
        raise Refused("An incident needs at least two tickets.")
    for each in found:
        _link(each, context, leader, agent)
    draft.set_work(alike=())
    if action.text.strip():
        draft.append(said(EntryKind.NOTE, action, agent, context, ledger_id))
    draft.event("incident", by=agent.id, tickets=[each.ticket.id for each in found])
    show_in_thread(draft, action, f"*made this an incident of {len(found)} tickets.* {action.text}", agent)
    return f"{len(found)} tickets are one incident, led by {reference(leader)}."


def dismiss(draft: Draft, context: Context, action: AgentAction, agent: Agent, ledger_id: int) -> str:
    """A lead says that they only look alike."""
    draft.set_work(alike=(), apart=True)
    draft.event("incident_dismissed", by=agent.id)
    return "They stay apart."


def join(draft: Draft, context: Context, action: AgentAction, agent: Agent, ledger_id: int) -> str:
    """This ticket is about the same as an incident that is known."""
    other = context.peek(action.other)
    if other is None or not other.incident:
        raise Refused(f"{reference(action.other)} is not part of an incident.")
    _link(draft, context, other.incident, agent)
    return f"{draft.ticket.reference} is part of the incident of {reference(other.incident)} now."


def leave(draft: Draft, context: Context, action: AgentAction, agent: Agent, ledger_id: int) -> str:
    """This ticket is about something else after all."""
    if not draft.ticket.incident:
        raise Refused("It is not part of an incident.")
    if draft.ticket.incident == draft.ticket.id:
        raise Refused("It leads the incident. Resolve the incident instead.")
    before = draft.ticket.incident
    draft.set(incident=0)
    draft.event("incident_left", leader=before, by=agent.id)
    return f"{draft.ticket.reference} stands by itself again."


def reproduced(draft: Draft, context: Context, action: AgentAction, agent: Agent, ledger_id: int) -> str:
    """An agent tried it: to the developers when it is our product, else to those who know."""
    if action.value not in [option.value for option in FINDINGS]:
        raise Refused("Say what you found: it happens to everybody, or to this person only.")
    if not action.text.strip():
        raise Refused("Write down what you tried: they start from there.")
    queue = queue_for(action.value, context.policy)
    draft.append(said(EntryKind.NOTE, action, agent, context, ledger_id))
    draft.set_work(reproduced=action.value)
    cause = "defect" if action.value == "product" else "expertise"
    before = draft.ticket.queue
    draft.event("reproduced", finding=action.value, by=agent.id, queue=queue.name if queue else "")
    if queue is None or queue.name == before:
        refresh_card(draft, context.policy)
        return "Written down. It stays where it is."
    priority = draft.ticket.priority
    if action.value == "product":
        priority = raised(priority, Priority.HIGH)
    draft.set(assignee="", cause=cause)
    draft.event("escalated", cause=cause, queue=queue.name, tier=queue.tier, by=agent.id, before=before)
    move(
        draft, context.policy, Route(queue=queue.name, tier=queue.tier, priority=priority, rule="reproduced")
    )
    tell_agents(draft, f"*tried it ({action.value.replace('_', ' ')}):*\n\n{action.text}", author=agent.name)
    return f"{draft.ticket.reference} is with {queue.title} now."


def queue_for(finding: str, policy: Policy) -> QueuePolicy | None:
    """Where a finding leads: as set, else the highest tier for our product and the second for one person."""
    named = policy.product_queue if finding == "product" else policy.user_queue
    if named in policy.queues:
        return policy.queues[named]
    plain = [queue for queue in policy.queues.values() if not queue.protected]
    if finding == "product":
        return max(plain, key=lambda queue: queue.tier, default=None)
    return next((queue for queue in plain if queue.tier == 2), None)


def seen(context: Context, numbers: Sequence[int]) -> None:
    """Tickets that look alike were found: proposed on the ticket that came first, or to the incident they belong to."""
    tickets = [ticket for number in numbers if (ticket := context.peek(number))]
    leaders = [ticket.incident for ticket in tickets if ticket.incident]
    draft = context.reach(leaders[0] if leaders else min((t.id for t in tickets), default=0))
    if draft is None or draft.ticket.work.apart:
        return
    alike = tuple(sorted(t.id for t in tickets if t.id != draft.ticket.id and t.incident != draft.ticket.id))
    known = len(draft.ticket.work.alike)
    if not alike or set(alike) == set(draft.ticket.work.alike):
        return
    draft.set_work(alike=alike)
    draft.event("incident_proposed", tickets=list(alike))
    if not known or len(alike) >= 2 * known:  # told when it is new and when it has grown, not at every ticket
        link = context.policy.ticket_link(draft.ticket.id)
        tell_agents(
            draft, f"{len(alike)} more tickets look like this one. A lead can make them one incident: {link}"
        )


def _link(draft: Draft, context: Context, leader: int, agent: Agent) -> None:
    before = draft.ticket.priority
    draft.set(incident=leader, priority=raised(before, Priority.HIGH))
    draft.event("incident_joined", leader=leader, by=agent.id)
    refresh_card(draft, context.policy)
