"""What the world reports about tickets: deliveries that failed, mails that came back, times that came."""

from __future__ import annotations

import msgspec

from gateway.case import PendingSend
from gateway.context import Context
from gateway.draft import Draft
from gateway.escalation import refresh_card, tell_agents
from gateway.model import (
    Bounce,
    DeliveryReport,
    Leg,
    Outgoing,
    Post,
    SendKind,
    SendState,
    Side,
    Status,
    TimerDue,
)
from gateway.voice import word


def delivery(draft: Draft, context: Context, report: DeliveryReport) -> None:
    """A message failed or its fate is unknown: another way to the person is tried, or the desk is told."""
    draft.event("delivery", send=report.send, state=report.state, reason=report.reason, detail=report.detail)
    send = next((s for s in draft.folder.sends if s.id == report.send), None)
    if send is None:
        return
    if report.state is SendState.FAILED and (other := _other_way(draft, send)):
        _relay(draft, context, send, send.outgoing, other)
    elif any(leg.id == send.leg and leg.side is Side.REQUESTER for leg in draft.legs):
        draft.event("unreached", reason=report.reason)
        tell_agents(draft, _for_agents(report))
        refresh_card(draft, context.policy)


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


def bounce(draft: Draft, context: Context, returned: Bounce) -> None:
    """A mail of ours came back. Temporary reports are only written down."""
    if not returned.permanent:
        draft.event("delayed", addresses=len(returned.temporary))
        return
    draft.event("bounced", addresses=len(returned.permanent))
    tell_agents(draft, "Our last mail came back: the address does not take mail.")
    if draft.ticket.queue:
        draft.set(status=Status.OPEN)
        refresh_card(draft, context.policy)


def timer(draft: Draft, context: Context, due: TimerDue) -> None:
    """A time has come. What was resolved long enough ago is closed."""
    if due.name == "close" and draft.ticket.status is Status.RESOLVED:
        draft.set(status=Status.CLOSED)
        draft.event("closed", why="Nobody wrote again after it was resolved.")
        refresh_card(draft, context.policy)
