"""What an agent may do with a ticket, and who may: the verbs once, whatever the surface that proposes them."""

from __future__ import annotations

import msgspec

from gateway import dial, forwarded
from gateway.context import Context
from gateway.desk import asking, corrections, csat, incidents, learning, originals, passing, resting
from gateway.desk.acting import Handler, member, said, show_in_thread, take_floor
from gateway.desk.assignment import heard_of, take_back
from gateway.desk.recipients import check_files
from gateway.desk.situation import at_least
from gateway.desk.verbs import FORMS
from gateway.draft import Draft
from gateway.errors import Refused
from gateway.escalation.hand_off import hand_off, move, refresh_card, tell_agents
from gateway.escalation.matrix import acknowledge, passed_on
from gateway.model import (
    ActionResult,
    Agent,
    AgentAction,
    Button,
    EntryKind,
    Leg,
    Role,
    SendKind,
    SendState,
    Side,
    Speaker,
    Status,
    Verb,
)
from gateway.privacy import mask
from gateway.triage.routing import Route
from gateway.voice import speak

#: What can still be done with a closed ticket.
_WHEN_CLOSED = (
    Verb.NOTE,
    Verb.REOPEN,
    Verb.TAG,
    Verb.RESTORE,
    Verb.SHOW_ORIGINAL,
    Verb.LINK_ARTICLE,
    Verb.DRAFT_ARTICLE,
)
#: By these a level of the matrix shows that it has the ticket.
_ACKNOWLEDGES = (Verb.CLAIM, Verb.NEXT, Verb.REPLY, Verb.RESOLVE, Verb.HOLD, Verb.PENDING)
#: What reaches the requester.
_SPEAKS = (Verb.REPLY, Verb.SEND_SUGGESTION, Verb.RESOLVE)
#: Longest text an agent may send or note, in characters.
MAX_TEXT = 20_000


def act(draft: Draft, context: Context, action: AgentAction, ledger_id: int) -> ActionResult:
    """Does what the agent proposes, or refuses with a sentence that can be shown to them."""
    try:
        agent = _allowed(draft, context, action)
        detail = VERBS[action.verb](draft, context, action, agent, ledger_id)
    except Refused as refusal:
        draft.event("refused", verb=action.verb, actor=action.actor.key, why=str(refusal))
        return ActionResult(state="refused", detail=str(refusal), ticket=draft.ticket.id)
    draft.event("agent", verb=action.verb, agent=agent.id, surface=action.connector)
    heard_of(draft, agent)
    if action.verb in _ACKNOWLEDGES:
        acknowledge(draft)
    return ActionResult(state="done", detail=detail, ticket=draft.ticket.id)


def next_ticket(context: Context, action: AgentAction) -> tuple[int, str]:
    """The ticket that this agent should take next; 0, and why not, where there is none."""
    try:
        return passing.next_for(context, action, member(context)).id, ""
    except Refused as refusal:
        return 0, str(refusal)


def _allowed(draft: Draft, context: Context, action: AgentAction) -> Agent:
    agent = member(context)
    if not asking.sees(draft.ticket, agent, context.policy):
        raise Refused("This ticket is in a protected queue that you are not a member of.")
    if not at_least(agent, FORMS[action.verb].role):
        raise Refused(f"Only a {FORMS[action.verb].role} may do that.")
    if len(action.text) > MAX_TEXT:
        raise Refused(f"The text is longer than {MAX_TEXT:,} characters. Send it in parts or as a file.")
    if draft.ticket.status is Status.CLOSED and action.verb not in _WHEN_CLOSED:
        raise Refused("The ticket is closed. Reopen it first.")
    if action.verb in _SPEAKS:
        forwarded.refuse_while_undecided(draft)
    return agent


def _claim(draft: Draft, context: Context, action: AgentAction, agent: Agent, ledger_id: int) -> str:
    owner = draft.ticket.assignee
    if owner and owner != agent.id and agent.role is Role.AGENT:
        raise Refused(f"{owner} has this ticket. Ask them to release it, or a lead to reassign it.")
    passing.check_turn(draft, context, agent)
    draft.set(assignee=agent.id)  # before it reaches a queue that would give it out
    if not draft.ticket.queue:
        hand_off(draft, context.policy, "agent", by=agent.id)
    take_floor(draft)
    draft.set(status=Status.OPEN if draft.ticket.status is Status.NEW else draft.ticket.status)
    refresh_card(draft, context.policy)
    return f"{draft.ticket.reference} is yours."


def _release(draft: Draft, context: Context, action: AgentAction, agent: Agent, ledger_id: int) -> str:
    if draft.ticket.assignee != agent.id and agent.role is Role.AGENT:
        raise Refused("Only its owner or a lead can release it.")
    take_back(draft, context.policy, "released")
    refresh_card(draft, context.policy)
    return f"{draft.ticket.reference} is back in its queue."


def _reply(
    draft: Draft,
    context: Context,
    action: AgentAction,
    agent: Agent,
    ledger_id: int,
    buttons: tuple[Button, ...] = (),
) -> str:
    if not action.text.strip() and not action.attachments:
        raise Refused("The reply is empty. Write something first.")
    leg = _way(draft)
    check_files(action.attachments, leg, context.policy)
    if rival := _answering(draft, agent):
        raise Refused(
            f"{rival} is sending an answer at this moment. Read it first, then send yours if it is still needed."
        )
    if rival := _answered_meanwhile(draft, context, action, agent):
        raise Refused(
            f"{rival} answered while you were writing. Read it first, then send yours if it is still needed."
        )
    take_floor(draft)
    dial.judge(draft, action.text)
    draft.set(assignee=draft.ticket.assignee or agent.id)  # before it reaches a queue that would give it out
    if not draft.ticket.queue:
        hand_off(draft, context.policy, "agent", by=agent.id)
    words = said(EntryKind.REPLY, action, agent, context, ledger_id)
    entry = draft.append(msgspec.structs.replace(words, buttons=buttons))
    draft.post(
        leg,
        action.text,
        kind=SendKind.AGENT,
        entry=entry,
        not_before=context.now + context.policy.undo,
        reply_key=context.policy.reply_key(draft.ticket.id),
        author=agent.name,
        attachments=action.attachments,
        buttons=buttons,
        cc=leg.cc,
    )
    draft.set(status=Status.PENDING)
    draft.set_work(replied_by=agent.id, replied_in=draft.ticket.version + 1)
    resting.stir(draft)
    link = context.policy.ticket_link(draft.ticket.id)
    show_in_thread(draft, action, f"*answered the requester:*\n\n{action.text}", agent, link)
    refresh_card(draft, context.policy)
    seconds = int(context.policy.undo.total_seconds())
    line = (
        f"It goes out in {seconds} seconds; until then you can undo it." if seconds else "It is on its way."
    )
    if leg.address.conversation in context.suppressed:
        line += f" Mail to {leg.address.conversation} came back before; watch whether this one arrives."
    return line


def _way(draft: Draft) -> Leg:
    """Where an agent's answer goes: a private matter never where others read along. Raises Refused."""
    leg = draft.leg(Side.REQUESTER)
    if leg is None:
        raise Refused("There is no way to reach the requester. Add an address first.")
    if not (leg.public and draft.ticket.protected):
        return leg
    private = next((each for each in draft.legs if each.side is Side.REQUESTER and not each.public), None)
    if private is None:
        raise Refused(
            "Others read along there, and this is a private matter. The requester has a button “Continue in private”; "
            "your answer can go as soon as they have pressed it."
        )
    return private


def _send_suggestion(
    draft: Draft, context: Context, action: AgentAction, agent: Agent, ledger_id: int
) -> str:
    suggestion = draft.ticket.bot.suggestion
    if not suggestion:
        raise Refused("There is no suggestion of the assistant to send.")
    if action.text and action.text != suggestion:
        raise Refused("The assistant suggests something else by now. Look at it, then send it.")
    return _reply(draft, context, msgspec.structs.replace(action, text=suggestion), agent, ledger_id)


def _answering(draft: Draft, agent: Agent) -> str:
    """The name of another agent whose reply has not left yet."""
    for send in draft.unsent(SendKind.AGENT):
        author = getattr(send.outgoing, "author", "")
        if author and author != agent.name:
            return str(author)
    return ""


def _answered_meanwhile(draft: Draft, context: Context, action: AgentAction, agent: Agent) -> str:
    """The name of another agent whose reply is newer than what this one was looking at."""
    work = draft.ticket.work
    if not action.seen_version or work.replied_in <= action.seen_version or work.replied_by == agent.id:
        return ""
    rival = context.member(work.replied_by)
    return rival.name if rival else work.replied_by


def _undo(draft: Draft, context: Context, action: AgentAction, agent: Agent, ledger_id: int) -> str:
    send = next((s for s in draft.unsent(SendKind.AGENT) if s.id == action.send), None)
    if send is None:
        raise Refused("It has already left and cannot be undone.")
    draft.withdraw(send)
    draft.set(status=Status.OPEN)
    return "The reply was taken back; the requester never saw it."


def _retry(draft: Draft, context: Context, action: AgentAction, agent: Agent, ledger_id: int) -> str:
    again = (SendState.FAILED, SendState.UNCERTAIN)
    send = next((s for s in draft.folder.sends if s.id == action.send and s.state in again), None)
    if send is None:
        raise Refused("There is nothing to try again: it was sent, or is on its way.")
    draft.requeue(send)
    refresh_card(draft, context.policy)
    return "It is being sent again."


def _note(draft: Draft, context: Context, action: AgentAction, agent: Agent, ledger_id: int) -> str:
    if not action.text.strip() and not action.attachments:
        raise Refused("The note is empty.")
    if asking.is_opinion(draft, context, action, agent):
        given = msgspec.structs.replace(action, verb=Verb.ADVISE)
        return asking.answer(draft, context, given, agent, ledger_id)
    draft.append(said(EntryKind.NOTE, action, agent, context, ledger_id))
    link = context.policy.ticket_link(draft.ticket.id)
    show_in_thread(draft, action, f"*wrote a note:*\n\n{action.text}", agent, link)
    return "Only the desk sees this note."


def _resolve(draft: Draft, context: Context, action: AgentAction, agent: Agent, ledger_id: int) -> str:
    if draft.ticket.status is Status.RESOLVED:
        raise Refused("It is resolved already.")
    if action.text.strip():
        # One text: what the agent says last, that it is resolved, and the question how it was.
        ending, buttons = csat.closing(draft, context)
        whole = "\n\n".join((action.text, "---", *ending))
        _reply(draft, context, msgspec.structs.replace(action, text=whole), agent, ledger_id, buttons)
        csat.asked(draft, buttons)
    take_floor(draft)
    resting.stir(draft)
    dial.judge(draft, "")
    draft.set(status=Status.RESOLVED, speaker=Speaker.NOBODY, assignee=draft.ticket.assignee or agent.id)
    draft.timer("close", context.now + context.policy.close_after)
    if not action.text.strip():
        ending, buttons = csat.closing(draft, context)
        if speak(draft, context, ending, EntryKind.NOTICE, buttons):
            csat.asked(draft, buttons)
    refresh_card(draft, context.policy)
    return f"{draft.ticket.reference} is resolved."


def _reopen(draft: Draft, context: Context, action: AgentAction, agent: Agent, ledger_id: int) -> str:
    if draft.ticket.status not in (Status.RESOLVED, Status.CLOSED):
        raise Refused("It is open.")
    if not draft.ticket.queue:
        hand_off(draft, context.policy, "agent", by=agent.id)
    draft.set(status=Status.OPEN, speaker=Speaker.AGENT)
    draft.timer("close", None)
    refresh_card(draft, context.policy)
    return f"{draft.ticket.reference} is open again."


def _escalate(draft: Draft, context: Context, action: AgentAction, agent: Agent, ledger_id: int) -> str:
    queue = context.policy.queues.get(action.queue)
    if queue is None:
        raise Refused(
            f"There is no queue {action.queue!r}. Choose one of: {', '.join(context.policy.queues)}."
        )
    if queue.name == draft.ticket.queue:
        raise Refused(f"It is in {queue.title} already.")
    passing.check_handover(action)
    draft.append(said(EntryKind.NOTE, action, agent, context, ledger_id))
    before, cause = draft.ticket.queue, action.cause or "agent"
    draft.set_work(passed_over=(), given_at=None)
    draft.set(assignee="", cause=cause, protected=draft.ticket.protected or queue.protected)
    to = Route(queue=queue.name, tier=queue.tier, priority=draft.ticket.priority, rule="agent")
    draft.event("escalated", cause=cause, queue=queue.name, tier=queue.tier, by=agent.id, before=before)
    move(draft, context.policy, to)
    tell_agents(draft, passing.with_notes(draft, f"*passed this on:*\n\n{action.text}"), author=agent.name)
    passed_on(draft, context)
    return f"{draft.ticket.reference} is with {queue.title} now."


def _tag(draft: Draft, context: Context, action: AgentAction, agent: Agent, ledger_id: int) -> str:
    tags = tuple(dict.fromkeys(mask(tag.strip().lower()).text for tag in action.tags if tag.strip()))
    if any(len(tag) > 40 for tag in tags) or len(tags) > 20:
        raise Refused("At most 20 tags of at most 40 characters.")
    draft.set(tags=tags)
    refresh_card(draft, context.policy)
    return "Tags: " + (", ".join(tags) or "none")


def _priority(draft: Draft, context: Context, action: AgentAction, agent: Agent, ledger_id: int) -> str:
    if action.priority is None:
        raise Refused("Choose a priority.")
    draft.set(priority=action.priority)
    refresh_card(draft, context.policy)
    return f"Priority is {action.priority}."


#: Every verb of the desk but NEW, which has no ticket yet (by_hand.py). What is not here no surface can do.
VERBS: dict[Verb, Handler] = {
    Verb.CLAIM: _claim,
    Verb.RELEASE: _release,
    Verb.REPLY: _reply,
    Verb.UNDO: _undo,
    Verb.RETRY: _retry,
    Verb.SEND_SUGGESTION: _send_suggestion,
    Verb.NOTE: _note,
    Verb.RESOLVE: _resolve,
    Verb.REOPEN: _reopen,
    Verb.ESCALATE: _escalate,
    Verb.TAG: _tag,
    Verb.PRIORITY: _priority,
    Verb.SPLIT: corrections.split,
    Verb.MOVE: corrections.move_to,
    Verb.MERGE: corrections.merge,
    Verb.RESTORE: corrections.restore,
    Verb.REQUESTER: forwarded.choose,
    Verb.CONSULT: asking.consult,
    Verb.ADVISE: asking.answer,
    Verb.ASK_APPROVAL: asking.ask_approval,
    Verb.APPROVE: asking.answer,
    Verb.DECLINE: asking.answer,
    Verb.TRANSFER: passing.transfer,
    Verb.ASSIGN: passing.assign,
    Verb.NEXT: _claim,
    Verb.INCIDENT: incidents.confirm,
    Verb.APART: incidents.dismiss,
    Verb.JOIN_INCIDENT: incidents.join,
    Verb.LEAVE_INCIDENT: incidents.leave,
    Verb.REPRODUCED: incidents.reproduced,
    Verb.NOT_SENSITIVE: originals.not_sensitive,
    Verb.SHOW_ORIGINAL: originals.show,
    Verb.LINK_ARTICLE: learning.link_article,
    Verb.DRAFT_ARTICLE: learning.draft_article,
    Verb.SNOOZE: resting.snooze,
    Verb.HOLD: resting.hold,
    Verb.PENDING: resting.pending,
}
