"""What the world reports about tickets: deliveries that failed, mails that came back, times that came."""

from __future__ import annotations

import msgspec

from gateway.case import Case, PendingSend
from gateway.context import Context
from gateway.desk.assignment import SILENT, take_back
from gateway.desk.resting import WAKE
from gateway.desk.resting import wake as resting_over
from gateway.draft import Draft
from gateway.escalation.hand_off import hand_off, refresh_card, tell_agents
from gateway.model import (
    Bounce,
    DeliveryReport,
    EntryKind,
    Leg,
    Message,
    Outgoing,
    Post,
    SendKind,
    SendState,
    Side,
    Status,
    TimerDue,
)
from gateway.sla.watching import TIMER, wake, wake_after_a_stop
from gateway.voice import handed_over, speak, word


def delivery(draft: Draft, context: Context, report: DeliveryReport) -> None:
    """A message failed or its fate is unknown: another way to the person is tried, or the desk is told."""
    draft.event("delivery", send=report.send, state=report.state, reason=report.reason, detail=report.detail)
    if report.state is SendState.WITHDRAWN:
        _stopped(draft, context)
        return
    send = next((s for s in draft.folder.sends if s.id == report.send), None)
    if send is None:
        return
    if report.state is SendState.FAILED and (other := _other_way(draft, send)):
        _relay(draft, context, send, send.outgoing, other)
    elif any(leg.id == send.leg and leg.side is Side.REQUESTER for leg in draft.legs):
        draft.event("unreached", reason=report.reason)
        if report.reason == "no-such-address" and isinstance(send.outgoing, Post):
            draft.suppress(send.outgoing.address.conversation, report.detail or why_returned("5.1.1"))
        tell_agents(draft, _for_agents(report))
        refresh_card(draft, context.policy)


def _stopped(draft: Draft, context: Context) -> None:
    """What the bot wanted to say was held back by a lead: a person takes over, and the requester hears so."""
    draft.set_bot(awaiting="", options=())
    if draft.ticket.queue:
        tell_agents(draft, "What the assistant wanted to say was held back: a lead has stopped it.")
        return
    hand_off(draft, context.policy, "bot_stopped")
    speak(draft, context, [handed_over(draft, context)], EntryKind.NOTICE)


def _other_way(draft: Draft, send: PendingSend) -> Leg | None:
    """A requester's leg that is not the one that failed, if the message is worth following them with."""
    if send.kind is not SendKind.AGENT:
        return None
    others = (leg for leg in draft.legs if leg.side is Side.REQUESTER and leg.id != send.leg and leg.link)
    return next(others, None)


def _relay(draft: Draft, context: Context, send: PendingSend, said: Outgoing, leg: Leg) -> None:
    if not isinstance(said, Post):
        return
    link = f"{context.policy.public_url}{leg.link}" if leg.link.startswith("/") else leg.link
    text = f"{said.text}\n\n---\n\n{word(draft, context, 'continued', link=link)}"
    outgoing = msgspec.structs.replace(
        said, address=leg.address, text=text, reply_key=context.policy.reply_key(draft.ticket.id)
    )
    draft.send(leg, outgoing, kind=send.kind, entry=send.entry)
    draft.event("relayed", send=send.id, channel=leg.address.connector)
    tell_agents(draft, "The requester had left; the answer is going to the address they gave.")


def _for_agents(report: DeliveryReport) -> str:
    if report.state is SendState.UNCERTAIN:
        return "It is not known whether the last message arrived. Look before you send it again."
    if report.reason == "gone":
        return "The requester has left the chat and gave no address; the answer waits there for their return."
    return f"The last message could not be delivered: {report.detail or report.reason}"


def returned_to(message: Message, case: Case) -> tuple[int, PendingSend | None]:
    """The ticket whose mail a report gives back (0 for none), and the very message, where it can be told."""
    returned = message.bounce.original_key if message.bounce else ""
    for key in (returned, *message.refers_to):
        number = case.keys.get(key, 0)
        if number in case.folders:
            return number, case.returned.get(returned)
    return 0, None


def bounce(draft: Draft, context: Context, returned: Bounce, send: PendingSend | None) -> None:
    """A mail of ours came back. Temporary reports are only written down.

    An address is suppressed only when we wrote to it: whoever got a mail of ours could otherwise forge a report
    about anybody.
    """
    if returned.complaint:
        complained(draft, context, returned, send)
        return
    if not returned.permanent:
        draft.event("delayed", addresses=len(returned.temporary), status=returned.status)
        return
    why = why_returned(returned.status)
    draft.event(
        "bounced", addresses=len(returned.permanent), status=returned.status, send=send.id if send else 0
    )
    for address in _written_to(draft, send) & set(returned.permanent):
        if suppresses(returned.status):
            draft.suppress(address, why)
            _hold_back(draft, address)
    if send is not None and not _only_copies(send, returned):
        draft.came_back(send.id, why)
    tell_agents(draft, f"Our last mail came back: {why}")
    if draft.ticket.queue:
        draft.set(status=Status.OPEN)
        refresh_card(draft, context.policy)


def complained(draft: Draft, context: Context, returned: Bounce, send: PendingSend | None) -> None:
    """Somebody called our mail unwanted: it arrived, and nothing automatic goes to them any more."""
    recipient = send.outgoing.address.conversation if send and isinstance(send.outgoing, Post) else ""
    # Providers often leave out who it was: then it was whom that very mail went to.
    named = set(returned.permanent) or {recipient}
    who = sorted(_written_to(draft, send) & named)
    draft.event("complained", send=send.id if send else 0, addresses=len(who))
    for address in who:
        draft.suppress(address, "they called our mail unwanted (spam).")
        _hold_back(draft, address)
    tell_agents(draft, "A mail of ours was called unwanted (spam). Nothing automatic goes there any more.")
    refresh_card(draft, context.policy)


def _written_to(draft: Draft, send: PendingSend | None) -> set[str]:
    """The addresses that the mail went to, or all that this ticket's mails went to."""
    if send is not None and isinstance(send.outgoing, Post):
        return {send.outgoing.address.conversation, *send.outgoing.cc}
    return {leg.address.conversation for leg in draft.legs if leg.side is Side.REQUESTER}


def _only_copies(send: PendingSend, returned: Bounce) -> bool:
    """Only somebody who gets a copy was not reached: the requester has the mail."""
    copies = send.outgoing.cc if isinstance(send.outgoing, Post) else ()
    return bool(copies) and set(returned.permanent) <= set(copies)


def _hold_back(draft: Draft, address: str) -> None:
    """Takes back what is automatic and has not left yet."""
    for send in draft.unsent(SendKind.ANSWER, SendKind.NOTICE):
        if isinstance(send.outgoing, Post) and send.outgoing.address.conversation == address:
            draft.withdraw(send)


#: What a permanent failure means by class of its enhanced status code (RFC 3463 section 3), the narrower first.
_RETURNED = {
    "5.1.7": "the mail server does not accept our own address as the sender.",
    "5.1.8": "the mail server does not accept our own address as the sender.",
    "5.1": "the address does not exist.",
    "5.2.2": "the mailbox is full.",
    "5.2.3": "the mail is larger than the mailbox takes.",
    "5.2": "the mailbox does not take mail.",
    "5.3.4": "the mail is larger than their server takes.",
    "5.4": "their mail server cannot be reached.",
    "5.6": "their mail server could not read the mail.",
    "5.7": "their mail server refused it by its rules, as spam or for want of permission.",
}

#: Failures that say nothing against the address: the next mail may well arrive.
_PASSING = ("5.1.7", "5.1.8", "5.2.2", "5.2.3", "5.3", "5.5", "5.6", "5.7")


def why_returned(status: str) -> str:
    """What an enhanced status code means, as a sentence for the agent."""
    found = next((text for code, text in _RETURNED.items() if _of_class(status, code)), "")
    return f"{found[:-1]} ({status})." if found else "the address does not take mail."


def suppresses(status: str) -> bool:
    """Whether a permanent failure with this code speaks against the address itself."""
    return not any(_of_class(status, code) for code in _PASSING)


def _of_class(status: str, code: str) -> bool:
    return status == code or status.startswith(f"{code}.")


def timer(draft: Draft, context: Context, due: TimerDue) -> None:
    """A time has come: a rest is over, an owner stayed silent; what was resolved long enough ago is closed."""
    if due.name == WAKE:
        resting_over(draft, context)
    if due.name == SILENT:
        take_back(draft, context.policy, "silent")
        refresh_card(draft, context.policy)
        tell_agents(draft, "Its owner stayed silent, so it is back in the queue.")
    if due.name == TIMER and due.late:
        wake_after_a_stop(draft, context, due.burst)
    elif due.name == TIMER:
        wake(draft, context)
    if due.name == "close" and draft.ticket.status is Status.RESOLVED:
        draft.set(status=Status.CLOSED)
        draft.event("closed", why="Nobody wrote again after it was resolved.")
        refresh_card(draft, context.policy)
