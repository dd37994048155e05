"""A colleague is asked, and the owner stays the owner: an opinion, or an authority's yes or no. Both are recorded."""

from __future__ import annotations

import msgspec

from gateway.context import Context
from gateway.desk.acting import ring, show_in_thread, typed_in_thread
from gateway.draft import Draft
from gateway.errors import Refused
from gateway.model import Agent, AgentAction, Ask, AskKind, Entry, EntryKind, Role, Ticket, Verb
from gateway.policy import Policy
from gateway.privacy import mask

_ANSWERS = {Verb.ADVISE: "given", Verb.APPROVE: "approved", Verb.DECLINE: "declined"}
_SPOKEN = {"given": "answered", "approved": "approved", "declined": "declined"}


def consult(draft: Draft, context: Context, action: AgentAction, agent: Agent, ledger_id: int) -> str:
    """Asks a colleague or a queue for an opinion."""
    return _ask(draft, context, action, agent, ledger_id, AskKind.OPINION)


def ask_approval(draft: Draft, context: Context, action: AgentAction, agent: Agent, ledger_id: int) -> str:
    """Asks an authority for a yes or a no."""
    return _ask(draft, context, action, agent, ledger_id, AskKind.APPROVAL)


def answer(draft: Draft, context: Context, action: AgentAction, agent: Agent, ledger_id: int) -> str:
    """The opinion, or the yes or no: kept as a note, and told to who asked."""
    kind = AskKind.OPINION if action.verb is Verb.ADVISE else AskKind.APPROVAL
    ask = _meant(draft.ticket, action, agent, context, kind)
    if not action.text.strip() and action.verb is not Verb.APPROVE:
        raise Refused("Say a word about it: those who asked go by it.")
    verdict = _ANSWERS[action.verb]
    done = msgspec.structs.replace(
        ask, answer=verdict, answered_by=agent.id, answered_at=context.now, text=ask.text
    )
    draft.set_work(asks=tuple(done if each.id == ask.id else each for each in draft.ticket.work.asks))
    text = f"*{_SPOKEN[verdict]}:* {mask(action.text).text}".strip(" :")
    note = _note(text, agent, context, ledger_id)
    draft.append(msgspec.structs.replace(note, attachments=action.attachments))
    draft.event(
        "advised" if kind is AskKind.OPINION else verdict,
        by=agent.id,
        asked_by=ask.by,
        minutes=_minutes(ask, context),
    )
    show_in_thread(draft, action, text, agent)
    asker = context.member(ask.by)
    if asker is not None and asker.id != agent.id:
        said = f"{agent.name} {_SPOKEN[verdict]} on {draft.ticket.reference}:\n\n{mask(action.text).text}"
        ring(draft, context.policy, context.policy.way_to(asker), said.strip(" :\n"), Verb.REPLY)
    return "Your answer is on the ticket."


def is_opinion(draft: Draft, context: Context, action: AgentAction, agent: Agent) -> bool:
    """Whether this note is the opinion asked of its author: typed where they were asked, not in the ticket's thread."""
    if action.address is None or not action.text.strip() or typed_in_thread(draft, action):
        return False
    opinions = (ask for ask in draft.ticket.work.open_asks if ask.kind is AskKind.OPINION)
    return any(may_answer(ask, agent, context.policy) for ask in opinions)


def may_answer(ask: Ask, agent: Agent, policy: Policy) -> bool:
    """Whether this member is who was asked. Nobody answers what they asked themselves."""
    if ask.by == agent.id:
        return False
    if ask.agent:
        return ask.agent == agent.id or (ask.kind is AskKind.APPROVAL and agent.role is Role.ADMIN)
    return policy.may_see(ask.queue, agent.id, agent.role) and (
        ask.kind is AskKind.OPINION or agent.role is not Role.AGENT or _is_member(policy, ask.queue, agent)
    )


def sees(ticket: Ticket, agent: Agent, policy: Policy) -> bool:
    """Whether a member may see this ticket: by its queue, or because they are asked about it (never if protected)."""
    if policy.may_see(ticket.queue, agent.id, agent.role):
        return True
    return not ticket.protected and any(may_answer(ask, agent, policy) for ask in ticket.work.open_asks)


def _is_member(policy: Policy, queue: str, agent: Agent) -> bool:
    found = policy.queues.get(queue)
    return found is not None and agent.id in found.members


def _ask(
    draft: Draft, context: Context, action: AgentAction, agent: Agent, ledger_id: int, kind: AskKind
) -> str:
    if not action.text.strip():
        raise Refused("Write what you want to know.")
    policy, text = context.policy, mask(action.text).text
    asked = context.member(action.colleague) if action.colleague else None
    queue = policy.queues.get(action.queue)
    if (action.colleague and asked is None) or (not action.colleague and queue is None):
        raise Refused("Choose whom to ask: a colleague or a queue.")
    if asked is not None:
        _check_person(draft, policy, agent, asked, kind)
    elif draft.ticket.protected and queue is not None and not queue.protected:
        raise Refused("This ticket is confidential: ask somebody who may see it.")
    who = asked.name or asked.id if asked else queue.title if queue else ""
    ask = Ask(
        id=ledger_id,
        kind=kind,
        by=agent.id,
        queue="" if asked else action.queue,
        agent=action.colleague if asked else "",
        text=text,
        at=context.now,
    )
    draft.set_work(asks=(*draft.ticket.work.asks, ask))
    wanted = "an opinion" if kind is AskKind.OPINION else "a yes or no"
    draft.append(_note(f"*asked {who} for {wanted}:* {text}", agent, context, ledger_id))
    draft.event(f"asked_{kind}", by=agent.id, queue=ask.queue, agent=ask.agent)
    show_in_thread(draft, action, f"*asked {who} for {wanted}:*\n\n{text}", agent)
    verbs = (Verb.ADVISE,) if kind is AskKind.OPINION else (Verb.APPROVE, Verb.DECLINE)
    address = policy.way_to(asked) if asked else queue.address if queue else None
    ring(draft, policy, address, f"{agent.name} asks for {wanted}:\n\n{text}", *verbs)
    return f"{who} is asked. The ticket stays with its owner."


def _check_person(draft: Draft, policy: Policy, agent: Agent, asked: Agent, kind: AskKind) -> None:
    if asked.id == agent.id:
        raise Refused("You cannot ask yourself.")
    if kind is AskKind.APPROVAL and asked.role is Role.AGENT:
        raise Refused(f"{asked.name or asked.id} is no lead: only a lead or an admin can approve.")
    if draft.ticket.protected and not policy.may_see(draft.ticket.queue, asked.id, asked.role):
        raise Refused("This ticket is confidential: ask somebody who may see it.")


def _meant(ticket: Ticket, action: AgentAction, agent: Agent, context: Context, kind: AskKind) -> Ask:
    """The open question that an answer is for: the one named, or the newest that this agent may answer."""
    fit = [a for a in ticket.work.open_asks if a.kind is kind and may_answer(a, agent, context.policy)]
    if action.value:
        fit = [ask for ask in fit if str(ask.id) == action.value]
    if not fit:
        raise Refused("Nothing of the kind is asked of you here.")
    return fit[-1]


def _note(text: str, agent: Agent, context: Context, ledger_id: int) -> Entry:
    return Entry(
        kind=EntryKind.NOTE,
        at=context.now,
        text=text,
        author=agent.name,
        author_key=f"agent:{agent.id}",
        ledger_id=ledger_id,
    )


def _minutes(ask: Ask, context: Context) -> int:
    return int((context.now - ask.at).total_seconds() // 60)
