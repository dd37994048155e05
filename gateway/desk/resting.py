"""A ticket that waits: for the requester, for somebody else, or for a day. The requester's next word wakes it."""

from __future__ import annotations

from datetime import datetime, timedelta

from gateway.context import Context
from gateway.desk.acting import note_if_any, show_in_thread, take_floor
from gateway.desk.assignment import expect
from gateway.draft import Draft
from gateway.errors import Refused
from gateway.escalation.hand_off import refresh_card, tell_agents
from gateway.model import Agent, AgentAction, Status

#: The timer that ends a rest.
WAKE = "wake"
#: The longest rest.
LONGEST = timedelta(days=366)


def snooze(draft: Draft, context: Context, action: AgentAction, agent: Agent, ledger_id: int) -> str:
    """Out of sight until then; it comes back by itself."""
    until = _until(context, action)
    if until is None:
        raise Refused("Choose until when.")
    return _rest(draft, context, action, agent, ledger_id, until, Status.ON_HOLD)


def hold(draft: Draft, context: Context, action: AgentAction, agent: Agent, ledger_id: int) -> str:
    """It waits for somebody who is neither us nor the requester."""
    return _rest(draft, context, action, agent, ledger_id, _until(context, action), Status.ON_HOLD)


def pending(draft: Draft, context: Context, action: AgentAction, agent: Agent, ledger_id: int) -> str:
    """It waits for the requester."""
    return _rest(draft, context, action, agent, ledger_id, _until(context, action), Status.PENDING)


def wake(draft: Draft, context: Context) -> None:
    """The time has come: it is open again and its owner is expected to go on."""
    if draft.ticket.status not in (Status.ON_HOLD, Status.PENDING):
        return
    draft.set(status=Status.OPEN)
    stir(draft)
    draft.event("woke", why="The time that it was to rest until has come.")
    expect(draft, context.policy.queues.get(draft.ticket.queue))
    refresh_card(draft, context.policy)
    tell_agents(draft, "The rest is over: this is open again.")


def stir(draft: Draft) -> None:
    """Something happened that ends the rest."""
    if draft.ticket.work.until is not None:
        draft.timer(WAKE, None)
        draft.set_work(until=None)


def _until(context: Context, action: AgentAction) -> datetime | None:
    if action.until is None:
        return None
    if action.until <= context.now:
        raise Refused("That time has passed already.")
    if action.until > context.now + LONGEST:
        raise Refused("A ticket rests a year at most.")
    return action.until


def _rest(
    draft: Draft,
    context: Context,
    action: AgentAction,
    agent: Agent,
    ledger_id: int,
    until: datetime | None,
    status: Status,
) -> str:
    if draft.ticket.status is Status.RESOLVED:
        raise Refused("It is resolved. Reopen it first.")
    take_floor(draft)
    note_if_any(draft, context, action, agent, ledger_id)
    draft.set(status=status, assignee=draft.ticket.assignee or agent.id)
    draft.set_work(until=until)
    draft.timer(WAKE, until)
    draft.event("rests", status=status, until=until.isoformat() if until else "", by=agent.id)
    if action.text.strip():
        show_in_thread(draft, action, f"*lets it rest:*\n\n{action.text}", agent)
    refresh_card(draft, context.policy)
    what = "on hold" if status is Status.ON_HOLD else "waiting for the requester"
    return f"{draft.ticket.reference} is {what}" + (f" until {until:%d %b %Y, %H:%M} UTC." if until else ".")
