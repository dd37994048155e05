"""Who works on a ticket: to another queue or colleague, given by a lead, or taken as the next one."""

from __future__ import annotations

from gateway.context import Context
from gateway.desk.acting import note_if_any, notes_so_far, ring, said
from gateway.desk.assignment import give
from gateway.draft import Draft
from gateway.errors import Refused
from gateway.escalation.causes import HANDOVER
from gateway.escalation.hand_off import move, refresh_card, tell_agents
from gateway.model import Agent, AgentAction, Assignment, EntryKind, Role, Status, Ticket, Verb
from gateway.policy import QueuePolicy
from gateway.privacy import mask
from gateway.triage.routing import PRIORITIES, Route


def transfer(draft: Draft, context: Context, action: AgentAction, agent: Agent, ledger_id: int) -> str:
    """To another queue, or to a colleague in one: with a note, and without going up."""
    policy = context.policy
    queue = _queue(draft, context, action)
    colleague = _colleague(context, action, queue) if action.colleague else None
    if queue.name == draft.ticket.queue and colleague is None:
        raise Refused(f"It is in {queue.title} already. Choose another queue, or a colleague.")
    check_handover(action)
    draft.append(said(EntryKind.NOTE, action, agent, context, ledger_id))
    before = draft.ticket.queue
    # Named before it moves, so that a queue that gives work out does not give it to somebody else.
    owner = colleague.id if colleague else ""
    draft.set(assignee=owner, protected=draft.ticket.protected or queue.protected)
    draft.set_work(passed_over=(), given_at=None)
    draft.event(
        "transferred",
        cause=action.cause or "agent",
        queue=queue.name,
        before=before,
        by=agent.id,
        agent=action.colleague,
    )
    if queue.name != before:
        to = Route(queue=queue.name, tier=queue.tier, priority=draft.ticket.priority, rule="transfer")
        move(draft, policy, to)
    if colleague is not None:
        give(draft, policy, colleague, "transfer", by=agent.id)
        ring(draft, policy, policy.way_to(colleague), _given(draft, agent, action.text), *_FIRST)
    refresh_card(draft, policy)
    tell_agents(draft, with_notes(draft, f"*passed this on:*\n\n{action.text}"), author=agent.name)
    return f"{draft.ticket.reference} is with {colleague.name if colleague else queue.title} now."


def assign(draft: Draft, context: Context, action: AgentAction, agent: Agent, ledger_id: int) -> str:
    """A lead gives it to somebody, whoever had it."""
    policy = context.policy
    colleague = context.member(action.colleague)
    if colleague is None:
        raise Refused("Choose who gets it.")
    if not policy.may_see(draft.ticket.queue, colleague.id, colleague.role):
        raise Refused(f"{colleague.name} may not see this queue.")
    note_if_any(draft, context, action, agent, ledger_id)
    draft.set(status=Status.OPEN if draft.ticket.status is Status.NEW else draft.ticket.status)
    draft.set_work(passed_over=())
    give(draft, policy, colleague, "lead", by=agent.id)
    refresh_card(draft, policy)
    ring(draft, policy, policy.way_to(colleague), _given(draft, agent, action.text), *_FIRST)
    away = " They are away." if colleague.away(context.now) else ""
    return f"{draft.ticket.reference} is {colleague.name}'s now.{away}"


def check_turn(draft: Draft, context: Context, agent: Agent) -> None:
    """Where a queue is worked in order, an agent takes the next ticket and no other. Raises Refused."""
    queue = context.policy.queues.get(draft.ticket.queue)
    if queue is None or queue.assignment is not Assignment.FIRST_COME or agent.role is not Role.AGENT:
        return
    first = next((t for n in context.nexts if (t := context.peek(n)) and t.queue == queue.name), None)
    if first is not None and first.id != draft.ticket.id and not draft.ticket.assignee:
        raise Refused(f"{queue.title} is worked in order: {first.reference} comes first. Take the next one.")


def next_for(context: Context, action: AgentAction, agent: Agent) -> Ticket:
    """The ticket that should be taken next by this agent: by priority, then by age. Raises Refused."""
    policy = context.policy
    found = [
        ticket
        for number in context.nexts
        if (ticket := context.peek(number))
        and not ticket.assignee
        and policy.may_see(ticket.queue, agent.id, agent.role)
        and action.queue in ("", ticket.queue)
        and (action.queue or _works_on(policy.queues[ticket.queue], agent))
    ]
    if not found:
        raise Refused("Nothing waits for you.")
    return min(found, key=_urgency)


def check_handover(action: AgentAction) -> None:
    """Whoever passes a ticket on says why and what they know. Raises Refused."""
    if action.cause and action.cause not in HANDOVER:
        raise Refused(f"There is no cause {action.cause!r}. Choose one of: {', '.join(HANDOVER)}.")
    if not action.text.strip():
        raise Refused("Add a note for those who take it over: what was tried, what is missing.")


def with_notes(draft: Draft, text: str) -> str:
    """The text, and below it the newest notes from before."""
    notes = notes_so_far(draft)
    return mask(f"{text}\n\n*Notes so far:*\n\n{notes}" if notes else text).text


_FIRST = (Verb.REPLY, Verb.NOTE)


def _given(draft: Draft, agent: Agent, text: str) -> str:
    note = f"\n\n{mask(text).text}" if text.strip() else ""
    return f"{agent.name} gave you {draft.ticket.reference}.{note}"


def _queue(draft: Draft, context: Context, action: AgentAction) -> QueuePolicy:
    queues = context.policy.queues
    queue = queues.get(action.queue or (draft.ticket.queue if action.colleague else ""))
    if queue is None:
        raise Refused(f"There is no queue {action.queue!r}. Choose one of: {', '.join(queues)}.")
    return queue


def _colleague(context: Context, action: AgentAction, queue: QueuePolicy) -> Agent:
    colleague = context.member(action.colleague)
    if colleague is None:
        raise Refused("There is no such colleague.")
    if not context.policy.may_see(queue.name, colleague.id, colleague.role):
        raise Refused(f"{colleague.name} may not see {queue.title}.")
    if colleague.away(context.now):
        raise Refused(f"{colleague.name} is away. Choose another, or the queue.")
    return colleague


def _works_on(queue: QueuePolicy, agent: Agent) -> bool:
    return not queue.members or agent.id in queue.members


def _urgency(ticket: Ticket) -> tuple[int, float, int]:
    return -PRIORITIES.index(ticket.priority), ticket.created_at.timestamp(), ticket.id
