"""To people: the one path by which a ticket leaves tier 0 or goes from one queue to another."""

from __future__ import annotations

from typing import Any

import msgspec

from gateway.desk.assignment import expect, give_out, is_away, take_back
from gateway.draft import Draft
from gateway.escalation.causes import CAUSES, HANDOVER
from gateway.escalation.playbook import advice
from gateway.model import Attachment, Card, Entry, EntryKind, Replace, SendKind, Side, Speaker, Status, Verb
from gateway.policy import Policy
from gateway.sla.clocks import current, name_of, next_due, tick
from gateway.triage.routing import Route, apply, consider, route

#: The verbs on a card, by whether somebody has the ticket.
ACTIONS = (Verb.CLAIM, Verb.REPLY, Verb.NOTE, Verb.ESCALATE, Verb.RESOLVE)


def hand_off(draft: Draft, policy: Policy, cause: str, *, article_queue: str = "", **evidence: Any) -> Route:
    """Gives the ticket to people, once; the caller says so to the requester."""
    requester = draft.leg(Side.REQUESTER)
    account_queue = policy.account(requester.address).queue if requester else ""
    verdict = consider(draft, policy).verdict
    to = route(draft.ticket, policy, verdict, article_queue=article_queue, account_queue=account_queue)
    if verdict.then.note and not draft.ticket.queue:
        by = f"Rule “{verdict.rule}”"
        draft.append(Entry(kind=EntryKind.NOTE, at=draft.now, text=verdict.then.note, author=by))
    draft.event(
        "escalated", cause=cause, queue=to.queue, tier=to.tier, rule=to.rule, tried=to.tried, **evidence
    )
    draft.set(cause=cause)
    move(draft, policy, to)
    return to


def heed(draft: Draft, policy: Policy) -> None:
    """What people have already: more words raise its priority, and a private matter moves to those who may see it."""
    before = draft.ticket
    triage = consider(draft, policy)
    apply(draft, triage)
    queue = policy.queues.get(before.queue)
    if draft.ticket.protected and queue is not None and not queue.protected and policy.protected_queue:
        draft.set(assignee="")
        move(draft, policy, route(draft.ticket, policy, triage.verdict))
        draft.event("escalated", cause="sensitive", queue=draft.ticket.queue, tier=draft.ticket.tier)
        return
    if is_away(draft, draft.ticket.assignee):
        take_back(draft, policy, "away")
    elif draft.ticket.assignee:
        expect(draft, queue)
    if draft.ticket.priority is not before.priority or draft.ticket.assignee != before.assignee:
        refresh_card(draft, policy)


def ask_card(draft: Draft, policy: Policy, why: str, verbs: tuple[Verb, ...]) -> Card:
    """The ticket's card for colleagues who are asked something about it."""
    return msgspec.structs.replace(card(draft, policy), why=why, actions=(*verbs, Verb.NOTE))


def move(draft: Draft, policy: Policy, to: Route) -> None:
    """Puts the ticket into a queue and shows it there; the queue it leaves sees that it went."""
    before = draft.leg(Side.AGENT)
    status = Status.OPEN if draft.ticket.status in (Status.NEW, Status.RESOLVED) else draft.ticket.status
    draft.set(queue=to.queue, tier=to.tier, priority=to.priority, speaker=Speaker.AGENT, status=status)
    draft.set_bot(awaiting="", options=())
    give_out(draft, policy)
    address = policy.queues[to.queue].address
    if before is not None and (address is None or before.address.conversation != address.conversation):
        refresh_card(draft, policy, note=f"Moved to {policy.queues[to.queue].title}.")
        draft.leave(Side.AGENT)
        before = None
    if address is not None and before is None:
        leg = draft.arrive(Side.AGENT, address)
        draft.post(
            leg,
            _card_text(draft),
            kind=SendKind.NOTICE,
            card=card(draft, policy),
            attachments=() if draft.ticket.protected else _files(draft),
        )
    else:
        refresh_card(draft, policy)


def refresh_card(draft: Draft, policy: Policy, note: str = "") -> None:
    """Shows the ticket's state on the card that opened the agents' thread, in place."""
    leg = draft.leg(Side.AGENT)
    if leg is None or leg.id < 0:
        return
    shown = card(draft, policy, note)
    outgoing = Replace(address=leg.address, ticket=draft.ticket.id, card=shown, text=_card_text(draft))
    draft.send_instead(leg, outgoing)


def tell_agents(
    draft: Draft, text: str, author: str = "", attachments: tuple[Attachment, ...] = (), link: str = ""
) -> None:
    """Puts a line into the agents' thread, where the queue has one. `link`: where files may be looked at instead.

    Files of a protected ticket stay where it is known who looks at them: the thread gets the link only.
    """
    leg = draft.leg(Side.AGENT)
    if attachments and draft.ticket.protected:
        text = f"{text}\n\n[{_counted(attachments)}, on the desk]({link})".strip()
        attachments = ()
    if leg is not None and (text or attachments):
        draft.post(leg, text, kind=SendKind.NOTICE, author=author, attachments=attachments)


def card(draft: Draft, policy: Policy, note: str = "") -> Card:
    """The ticket as agents see it at a glance."""
    tick(draft, policy)
    ticket = draft.ticket
    leg = draft.leg(Side.REQUESTER)
    person = next((p.identity for p in draft.participants if p.role == "requester"), None)
    queue = policy.queues.get(ticket.queue)
    fields = (
        ("Channel", leg.address.connector if leg else ""),
        ("Language", policy.words.name(ticket.language) if ticket.language else ""),
        ("Queue", queue.title if queue else ""),
        ("Priority", ticket.priority.value),
        ("Status", ticket.status.value),
        ("Owner", ticket.assignee),
        ("Due", due_line(draft, policy)),
        ("Tags", ", ".join(ticket.tags)),
        ("Article tried", ticket.bot.article),
        ("Files", f"{_counted(_files(draft))}, on the desk" if ticket.protected and _files(draft) else ""),
    )
    done = ticket.status in (Status.RESOLVED, Status.CLOSED)
    return Card(
        ticket=ticket.id,
        reference=ticket.reference,
        title=ticket.subject or excerpt(_last_words(draft), 80),
        requester=person.label if person else "",
        fields=tuple((label, value) for label, value in fields if value),
        body=_last_words(draft),
        why=note or _why(ticket.cause, policy),
        suggestion="" if done else ticket.bot.suggestion,
        actions=(Verb.REOPEN, Verb.NOTE)
        if done
        else tuple(
            verb
            for verb in (*ACTIONS, Verb.SEND_SUGGESTION)
            if (verb is not Verb.CLAIM or not ticket.assignee)
            and (verb is not Verb.SEND_SUGGESTION or ticket.bot.suggestion)
        ),
        link=policy.ticket_link(ticket.id),
    )


def _why(cause: str, policy: Policy) -> str:
    """Why it came here, and what to do about that."""
    reason = CAUSES.get(cause) or HANDOVER.get(cause, cause)
    todo = advice(cause, policy.playbook)
    return f"{reason}\n\n{todo}" if todo else reason


def due_line(draft: Draft, policy: Policy) -> str:
    """What is promised next and by when, or what is overdue; "" where no clock runs."""
    found = current(draft, policy)
    if late := [name_of(each.promise) for each in found.values() if each.running and each.breached_at]:
        return f"overdue: {', '.join(late)}"
    due = next_due(found)
    return f"{name_of(due[0])} {policy.local(due[1], draft.now)}" if due else ""


def _last_words(draft: Draft) -> str:
    """What the requester wants, in their words: the question the bot was asked, and what came after it."""
    asked = draft.ticket.bot.asked
    later = [e.text for e in (*draft.folder.unanswered, *draft.entries) if e.kind is EntryKind.MESSAGE]
    said = [asked, *(text for text in later[-5:] if text not in asked)]
    return "\n\n".join(text for text in said if text)


def _files(draft: Draft) -> tuple[Attachment, ...]:
    """What the requester sent along and nobody has answered yet."""
    said = (e for e in (*draft.folder.unanswered, *draft.entries) if e.kind is EntryKind.MESSAGE)
    return tuple(file for entry in said for file in entry.attachments)


def _counted(files: tuple[Attachment, ...]) -> str:
    return "1 file" if len(files) == 1 else f"{len(files)} files"


def _card_text(draft: Draft) -> str:
    return f"{draft.ticket.reference}: {draft.ticket.subject or excerpt(_last_words(draft), 80)}"


def excerpt(text: str, length: int) -> str:
    """The first words of a text on one line."""
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"
