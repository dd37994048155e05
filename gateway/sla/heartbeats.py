"""While a requester waits: now and then "no news yet", in working hours, few; the agents are asked first. Pure."""

from __future__ import annotations

from datetime import datetime

from gateway.context import Context
from gateway.draft import Draft
from gateway.escalation.hand_off import tell_agents
from gateway.escalation.ladder import Pulse
from gateway.model import EntryKind, SendKind, Side, Speaker
from gateway.policy import Policy
from gateway.sla.calendars import ALWAYS, Calendar
from gateway.sla.clocks import OURS, replied
from gateway.voice import next_word, speak, word


def follow(draft: Draft) -> None:
    """The end of a turn: whether the requester waits, and since when they have heard nothing."""
    watch = draft.ticket.watch
    if replied(draft):
        draft.set_watch(heartbeats=0, asked_at=None)
    waits = bool(draft.ticket.queue) and draft.ticket.status in OURS and draft.ticket.speaker is Speaker.AGENT
    if not waits:
        if watch.waits_from is not None:
            draft.set_watch(waits_from=None, asked_at=None)
    elif watch.waits_from is None or _heard_of_us(draft):
        draft.set_watch(waits_from=draft.now, asked_at=None)


def next_beat(draft: Draft, policy: Policy) -> datetime | None:
    """When the agents are to be asked, or the requester is to hear, next; None for not at all."""
    pulse, watch = policy.pulse, draft.ticket.watch
    if pulse is None or watch.waits_from is None or watch.heartbeats >= pulse.most:
        return None
    working = _working(draft, policy)
    at = (
        _asks_at(pulse, watch.waits_from, working)
        if watch.asked_at is None
        else _says_at(draft, pulse, working)
    )
    return None if at is None else working.next_open(at)


def beat(draft: Draft, context: Context) -> None:
    """Asks the agents to write, or says that there is no news, when it is time for that."""
    policy = context.policy
    at = next_beat(draft, policy)
    if policy.pulse is None or at is None or at > draft.now:
        return
    if draft.ticket.watch.asked_at is None:
        draft.set_watch(asked_at=draft.now)
        says_at = _says_at(draft, policy.pulse, _working(draft, policy))
        if says_at is not None:
            when = policy.local(says_at, draft.now)
            draft.event(
                "asked_to_write", owner=draft.ticket.assignee, until=says_at.isoformat(timespec="seconds")
            )
            tell_agents(draft, f"The requester is waiting. Write a line to them, or ours goes {when}.")
        return
    draft.set_watch(heartbeats=draft.ticket.watch.heartbeats + 1, waits_from=draft.now, asked_at=None)
    queue = policy.queues[draft.ticket.queue].title
    said = word(draft, context, "heartbeat", queue=queue, reference=draft.ticket.reference)
    told = speak(draft, context, [said, *next_word(draft, context)], EntryKind.NOTICE)
    draft.event("heartbeat", number=draft.ticket.watch.heartbeats, said=told)


def _asks_at(pulse: Pulse, waits_from: datetime, working: Calendar) -> datetime | None:
    return working.add(waits_from, pulse.every - pulse.ask_before)


def _says_at(draft: Draft, pulse: Pulse, working: Calendar) -> datetime | None:
    """Never sooner after the question than the agents were promised."""
    asked = draft.ticket.watch.asked_at
    return working.add(asked, pulse.ask_before) if asked else None


def _working(draft: Draft, policy: Policy) -> Calendar:
    return policy.working(draft.ticket.queue) or ALWAYS


def _heard_of_us(draft: Draft) -> bool:
    """Whether the requester gets a word of ours in this turn."""
    mine = {leg.id for leg in draft.legs if leg.side is Side.REQUESTER}
    return any(send.leg in mine and send.kind in (SendKind.NOTICE, SendKind.AGENT) for send in draft.sends)
