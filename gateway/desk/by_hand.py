"""A ticket for somebody who did not write: they called, stood at the counter, or spoke to an agent elsewhere."""

from __future__ import annotations

import re

from gateway.case import Folder, PersonUpdate
from gateway.context import Context
from gateway.desk.acting import member
from gateway.draft import Draft
from gateway.errors import Refused
from gateway.escalation.hand_off import hand_off, move
from gateway.model import (
    ActionResult,
    Address,
    Agent,
    AgentAction,
    Entry,
    EntryKind,
    Identity,
    Option,
    Participant,
    Side,
    Speaker,
    Status,
    Ticket,
)
from gateway.privacy import mask
from gateway.text.language import detect
from gateway.triage.routing import Route, apply, consider
from gateway.voice import handed_over, speak

#: How they reached us.
WAYS = (
    Option(value="phone", label="By phone"),
    Option(value="counter", label="At the counter"),
    Option(value="letter", label="By letter"),
    Option(value="message", label="By a message to an agent"),
    Option(value="other", label="Otherwise"),
)
_MAIL = re.compile(r"[^@\s<>\"(),:;]{1,64}@[\w-]+(\.[\w-]+)+")
_PHONE = re.compile(r"\+?[\d ()/.-]{5,30}")


def open_ticket(context: Context, action: AgentAction, ledger_id: int) -> ActionResult:
    """The ticket, by the same triage as any other; or a refusal."""
    try:
        agent = member(context)
        requester = _requester(action)
        if not action.text.strip():
            raise Refused("Write down what they want.")
        if action.queue and action.queue not in context.policy.queues:
            raise Refused(f"There is no queue {action.queue!r}.")
    except Refused as refusal:
        return ActionResult(state="refused", detail=str(refusal))
    draft = _opened(context, action, agent, requester, ledger_id)
    _give_to_people(draft, context, action, agent)
    return ActionResult(
        state="done", detail=f"{draft.ticket.reference} is open{_told(draft)}", ticket=ledger_id
    )


def _requester(action: AgentAction) -> Identity:
    contact, name = action.contact.strip(), " ".join(mask(action.requester).text.split())
    if _MAIL.fullmatch(contact):
        return Identity(kind="email", value=contact.lower(), name=name)
    if contact and not _PHONE.fullmatch(contact):
        raise Refused("The contact is neither an e-mail address nor a telephone number.")
    if not name and not contact:
        raise Refused("Say who it is: a name, an e-mail address or a telephone number.")
    number = re.sub(r"[^\d+]", "", contact)
    return Identity(kind="phone", value=number or f"by-hand/{name.casefold()}", name=name)


def _opened(
    context: Context, action: AgentAction, agent: Agent, requester: Identity, ledger_id: int
) -> Draft:
    now, policy = context.now, context.policy
    text = mask(action.text, policy.never_mask)
    guess = detect(action.text, policy.languages, None)
    ticket = Ticket(
        id=ledger_id,
        subject=mask(action.subject.strip() or _first_line(text.text)).text[:120],
        language=guess.language or policy.language,
        speaker=Speaker.AGENT,
        protected=bool(text.found or action.masked),
        created_at=now,
        updated_at=now,
    )
    draft = Draft(Folder(ticket=ticket), now, context.team)
    context.add(draft)
    draft.event("opened", connector="desk", account=action.value or "other", by=agent.id)
    draft.join(Participant(identity=requester))
    context.people.append(PersonUpdate(identity=requester, language=ticket.language))
    if requester.kind == "email" and policy.mail_account:
        connector, _, account = policy.mail_account.partition("/")
        draft.arrive(
            Side.REQUESTER, Address(connector=connector, account=account, conversation=requester.value)
        )
    draft.bind(f"ref:{policy.reply_key(ledger_id)}")
    draft.bind(f"subj:{ticket.reference}")
    way = next((w.label for w in WAYS if w.value == action.value), "Otherwise").lower()
    entry = Entry(
        kind=EntryKind.MESSAGE,
        at=now,
        author=requester.label,
        author_key=requester.key,
        text=text.text,
        ledger_id=ledger_id,
        reason=f"{way}, written down by {agent.name}",
    )
    draft.append(entry)
    draft.heard.append(entry)
    return draft


def _give_to_people(draft: Draft, context: Context, action: AgentAction, agent: Agent) -> None:
    policy = context.policy
    apply(draft, consider(draft, policy))
    hand_off(draft, policy, "by_hand", by=agent.id)
    queue = policy.queues.get(action.queue)
    if queue is not None and queue.name != draft.ticket.queue and not draft.ticket.protected:
        to = Route(queue=queue.name, tier=queue.tier, priority=draft.ticket.priority, rule="by hand")
        move(draft, policy, to)
    if not draft.ticket.assignee and policy.may_see(draft.ticket.queue, agent.id, agent.role):
        draft.set(assignee=agent.id)
    draft.set(status=Status.OPEN)
    if draft.leg(Side.REQUESTER) is not None:
        speak(draft, context, [handed_over(draft, context, "received")], EntryKind.NOTICE)


def _told(draft: Draft) -> str:
    if draft.leg(Side.REQUESTER) is None:
        return ". There is no address, so nothing was sent; tell them the reference."
    return " and they got the reference by e-mail."


def _first_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 80 else line[:79].rstrip() + "…"
