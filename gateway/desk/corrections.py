"""Where a message was put wrongly, an agent puts it right: split, move, merge, and take that back."""

from __future__ import annotations

from gateway.case import Correction, EntryRef, Folder
from gateway.context import Context
from gateway.draft import Draft
from gateway.errors import Refused
from gateway.escalation.hand_off import hand_off, move, refresh_card
from gateway.model import (
    Agent,
    AgentAction,
    Identity,
    Leg,
    Participant,
    Side,
    Speaker,
    Status,
    Ticket,
    reference,
)
from gateway.triage.routing import Route

#: Characters of the name of a ticket that was split off.
SUBJECT = 80


def split(draft: Draft, context: Context, action: AgentAction, agent: Agent, ledger_id: int) -> str:
    """This message and what came after it become a ticket of their own, for the same people."""
    line = _line(draft, context, action)
    if line.first:
        raise Refused("It is the first message of the ticket: there is nothing to split off.")
    new = _opened(draft, context, line, ledger_id)
    draft.correct(Correction(kind="split", source=draft.ticket.id, target=new.ticket.id, entry=action.entry))
    _written_down(draft, new, "split", agent)
    return f"It is {new.ticket.reference} now."


def move_to(draft: Draft, context: Context, action: AgentAction, agent: Agent, ledger_id: int) -> str:
    """This one message belongs to another ticket."""
    line = _line(draft, context, action)
    other = _other(draft, context, action, agent)
    _bring(draft, other, line)
    draft.correct(Correction(kind="move", source=draft.ticket.id, target=other.ticket.id, entry=action.entry))
    _written_down(draft, other, "move", agent)
    _wake(other, context)
    return f"It belongs to {other.ticket.reference} now."


def merge(draft: Draft, context: Context, action: AgentAction, agent: Agent, ledger_id: int) -> str:
    """All of this ticket belongs to another one; this one is closed, and what answers it goes there."""
    other = _other(draft, context, action, agent)
    for participant in draft.participants:
        other.join(participant)
    for leg in draft.legs:
        if leg.side is Side.REQUESTER:
            _add_leg(other, leg)
    other.set(protected=other.ticket.protected or draft.ticket.protected)
    draft.correct(Correction(kind="merge", source=draft.ticket.id, target=other.ticket.id))
    draft.set(status=Status.CLOSED, speaker=Speaker.NOBODY)
    draft.timer("close", None)
    _written_down(draft, other, "merge", agent)
    refresh_card(draft, context.policy, note=f"Merged into {other.ticket.reference}.")
    _wake(other, context)
    return f"{draft.ticket.reference} is part of {other.ticket.reference} now."


def restore(draft: Draft, context: Context, action: AgentAction, agent: Agent, ledger_id: int) -> str:
    """Takes back the last split, move or merge by which something left this ticket."""
    done = context.corrected.get(draft.ticket.id)
    if done is None:
        raise Refused("Nothing was split, moved or merged from this ticket.")
    other = context.reach(done.target)
    if other is None or not _may_see(other, context, agent):
        raise Refused(f"{reference(done.target)} is not yours to change.")
    draft.restore(done.id)
    if done.kind == "merge":
        draft.set(status=Status.OPEN, speaker=Speaker.AGENT)
        refresh_card(draft, context.policy)
    if done.kind == "split":
        other.set(status=Status.CLOSED, speaker=Speaker.NOBODY)
        refresh_card(other, context.policy)
    _written_down(draft, other, f"{done.kind}_taken_back", agent)
    return f"The {done.kind} was taken back."


# ---------------------------------------------------------------- what they share


def _line(draft: Draft, context: Context, action: AgentAction) -> EntryRef:
    line = context.lines.get(action.entry)
    if line is None or line.ticket != draft.ticket.id:
        raise Refused("Choose a message of this ticket.")
    return line


def _other(draft: Draft, context: Context, action: AgentAction, agent: Agent) -> Draft:
    if action.other == draft.ticket.id:
        raise Refused("It is in that ticket already.")
    other = context.reach(action.other)
    if other is None or not _may_see(other, context, agent):
        raise Refused(f"There is no ticket {reference(action.other)} that you may see.")
    if other.ticket.status is Status.CLOSED:
        raise Refused(f"{other.ticket.reference} is closed. Reopen it first.")
    return other


def _may_see(draft: Draft, context: Context, agent: Agent) -> bool:
    return context.policy.may_see(draft.ticket.queue, agent.id, agent.role)


def _opened(draft: Draft, context: Context, line: EntryRef, ledger_id: int) -> Draft:
    """A ticket for what is split off, in the same queue."""
    before = draft.ticket
    words = " ".join(line.text.split())
    ticket = Ticket(
        id=ledger_id,
        status=Status.OPEN,
        speaker=Speaker.AGENT,
        priority=before.priority,
        subject=before.subject if not words else words[:SUBJECT],
        language=before.language,
        assignee=before.assignee,
        protected=before.protected,
        created_at=context.now,
        updated_at=context.now,
    )
    new = Draft(Folder(ticket=ticket), context.now, context.team)
    context.add(new)
    _bring(draft, new, line)
    new.bind(f"ref:{context.policy.reply_key(ledger_id)}")
    new.bind(f"subj:{ticket.reference}")
    if before.queue:
        move(
            new,
            context.policy,
            Route(queue=before.queue, tier=before.tier, priority=before.priority, rule="split"),
        )
    else:
        hand_off(new, context.policy, "agent")
    return new


def _bring(draft: Draft, other: Draft, line: EntryRef) -> None:
    """Whoever wrote the line comes along, and the way to them."""
    kind, _, value = line.author_key.partition(":")
    people = [p for p in draft.participants if p.identity.key == line.author_key]
    if kind != "agent" and value:
        other.join(
            people[0] if people else Participant(identity=Identity(kind=kind, value=value, name=line.author))
        )
    legs = [leg for leg in draft.legs if leg.side is Side.REQUESTER]
    chosen = next((leg for leg in legs if leg.address.conversation == value), draft.leg(Side.REQUESTER))
    if chosen is not None:
        _add_leg(other, chosen)


def _add_leg(other: Draft, leg: Leg) -> None:
    if other.leg(Side.REQUESTER) is None:
        other.arrive(Side.REQUESTER, leg.address, leg.link)
    else:
        other.offer(leg.address, leg.link)


def _wake(other: Draft, context: Context) -> None:
    if other.ticket.status in (Status.RESOLVED, Status.PENDING):
        other.set(status=Status.OPEN)
        other.timer("close", None)
    refresh_card(other, context.policy)


def _written_down(draft: Draft, other: Draft, kind: str, agent: Agent) -> None:
    draft.event("corrected", what=kind, other=other.ticket.reference, by=agent.id)
    other.event("corrected", what=kind, other=draft.ticket.reference, by=agent.id)
