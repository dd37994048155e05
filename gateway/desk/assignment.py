"""Whose turn it is: by load, skill and language, skipping who is away or full; and what happens to the silent. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from gateway.draft import Draft
from gateway.model import Agent, Assignment, Member, Role, Status, Ticket
from gateway.policy import Policy, QueuePolicy

#: The timer by which a ticket leaves an owner who stays silent.
SILENT = "silent"


def whose_turn(
    ticket: Ticket, queue: QueuePolicy, team: Sequence[Member], now: datetime, capacity: int
) -> Agent | None:
    """Who gets this ticket in turn; None when nobody who fits is there."""
    fit = [
        member
        for member in of_queue(queue, team)
        if not member.agent.away(now)
        and member.load < capacity
        and member.agent.id not in ticket.work.passed_over
    ]
    if not fit:
        return None
    best = min(_fitness(ticket, member) for member in fit)
    equal = sorted(member.agent.id for member in fit if _fitness(ticket, member) == best)
    # Tickets that are decided at the same moment see the same loads: their numbers spread them.
    chosen = equal[ticket.id % len(equal)]
    return next(member.agent for member in fit if member.agent.id == chosen)


def of_queue(queue: QueuePolicy, team: Sequence[Member]) -> list[Member]:
    """Who works on a queue: its members, or all plain agents where it names none (leads where there are no agents)."""
    if queue.members:
        return [member for member in team if member.agent.id in queue.members]
    if not queue.protected and (agents := [m for m in team if m.agent.role is Role.AGENT]):
        return agents
    return [member for member in team if member.agent.role is Role.LEAD]


def _fitness(ticket: Ticket, member: Member) -> tuple[bool, int, int]:
    """Smaller is better: speaks the language, knows about it, has less."""
    agent = member.agent
    foreign = bool(agent.languages and ticket.language and ticket.language not in agent.languages)
    return foreign, -len(set(agent.skills) & {*ticket.tags, ticket.queue}), member.load


def give_out(draft: Draft, policy: Policy) -> None:
    """Gives a ticket that came into a queue to whose turn it is, where the queue works so."""
    queue = policy.queues.get(draft.ticket.queue)
    if queue is None or queue.assignment is not Assignment.ROUND_ROBIN or draft.ticket.assignee:
        return
    agent = whose_turn(draft.ticket, queue, draft.team, draft.now, policy.capacity)
    if agent is None:
        draft.event("unassigned", queue=queue.name, why="Nobody who fits is there, or all have enough.")
        return
    give(draft, policy, agent, "round_robin")


def give(draft: Draft, policy: Policy, agent: Agent, why: str, by: str = "") -> None:
    """The ticket is this agent's, who did not ask for it: they are expected to take it up in time."""
    queue = policy.queues.get(draft.ticket.queue)
    draft.set(assignee=agent.id)
    draft.set_work(given_at=draft.now)
    draft.event("assigned", agent=agent.id, why=why, by=by)
    expect(draft, queue)


def expect(draft: Draft, queue: QueuePolicy | None) -> None:
    """From now on the owner has so long to do something."""
    if queue is not None and queue.silent_after is not None and draft.ticket.assignee:
        draft.timer(SILENT, draft.now + queue.silent_after)


def heard_of(draft: Draft, agent: Agent) -> None:
    """The owner did something: they are not silent."""
    if draft.ticket.assignee == agent.id:
        draft.timer(SILENT, None)
        if draft.ticket.work.given_at is not None or draft.ticket.work.passed_over:
            draft.set_work(given_at=None, passed_over=())


def take_back(draft: Draft, policy: Policy, cause: str, *, again: bool = True) -> None:
    """An owner who is silent, away or gone has it no longer: it is its queue's, or whose turn is next."""
    owner = draft.ticket.assignee
    if not owner or draft.ticket.status in (Status.RESOLVED, Status.CLOSED):
        return
    passed = tuple(dict.fromkeys((*draft.ticket.work.passed_over, owner)))
    draft.set(assignee="")
    draft.set_work(passed_over=passed, given_at=None)
    draft.timer(SILENT, None)
    draft.event("returned", agent=owner, cause=cause)
    if again:
        give_out(draft, policy)


def is_away(draft: Draft, agent_id: str) -> bool:
    """Whether an owner is away or no longer a member; False where the team was not read."""
    if not draft.team or not agent_id:
        return False
    found = next((m.agent for m in draft.team if m.agent.id == agent_id), None)
    return found is None or found.away(draft.now)
