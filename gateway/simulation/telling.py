"""What a simulation tells: new events, notes and messages as lines, each with its reason.

Everything is read generically, so that a new kind of event or message is told without a change here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from gateway.app import Deskgate
from gateway.case import Folder
from gateway.draft import Draft
from gateway.escalation.causes import CAUSES, HANDOVER
from gateway.escalation.hand_off import card as card_of
from gateway.model import (
    Card,
    EntryKind,
    Event,
    Outgoing,
    Post,
    Remove,
    Replace,
    SendKind,
    Side,
    Ticket,
    reference,
)
from gateway.store import simulation
from gateway.store.simulation import News, Queued, Seen


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened. The names are read by other programs: they stay."""

    at: str
    ticket: str
    kind: str
    to: str = ""
    channel: str = ""
    queue: str = ""
    tier: int = 0
    priority: str = ""
    text: str = ""
    why: str = ""


#: Events that a line of another kind tells better: the message itself, the note, the change of status.
_SILENT = frozenset(
    {
        "opened",
        "threaded",
        "authenticated",
        "agent",
        "answered",
        "clarified",
        "small_talk",
        "clock",
        "incident_seen",
    }
)
#: How kinds of events are told, by how they begin.
_KINDS = {
    "escalat": "escalation",
    "transfer": "escalation",
    "consult": "escalation",
    "approv": "escalation",
    "advance": "escalation",
    "level": "escalation",
    "triaged": "triage",
    "sla": "sla",
    "breach": "sla",
    "warn": "sla",
    "deadline": "sla",
    "alarm": "alarm",
    "csat": "csat",
    "rated": "csat",
    "heartbeat": "heartbeat",
}
#: Kinds whose message to the requester is told by the message, not by the event beside it.
_SPOKEN = frozenset({"heartbeat"})
#: What of an event is no text: told in `why`, or too long for a line.
_ASIDE = frozenset(
    {
        "why",
        "cause",
        "reason",
        "rule",
        "tried",
        "revision",
        "evidence",
        "candidates",
        "confidence",
        "threshold",
        "triggers",
        "text",
    }
)


class Teller:
    """Remembers how far it has told, and how tickets were then."""

    def __init__(self, deskgate: Deskgate) -> None:
        self._deskgate, self._seen = deskgate, Seen()
        self._tickets: dict[int, Ticket] = {}
        self._born: dict[int, tuple[Queued, tuple[Event, ...]]] = {}

    async def told(self, now: datetime) -> list[Line]:
        """Lines for all that was decided since the last call; what is to be sent is told when it leaves."""
        news = await self._deskgate.store.driver.read(lambda tx: simulation.news(tx, self._seen))
        self._seen = news.seen
        lines: list[Line] = []
        for number in sorted({event.ticket for event in news.events} | set(news.tickets)):
            lines += await self._of_ticket(number, news, now)
        return lines

    async def _of_ticket(self, number: int, news: News, now: datetime) -> list[Line]:
        events = tuple(event for event in news.events if event.ticket == number)
        sends = [send for send in news.sends if send.ticket == number]
        for send in sends:
            self._born[send.id] = (send, events)
        ticket, before = news.tickets.get(number), self._tickets.get(number)
        lines = [self._event(event, ticket, sends) for event in events if not _is_silent(event, sends)]
        if ticket is None:
            return lines
        self._tickets[number] = ticket
        lines += self._changed(ticket, before, events, now)
        lines += self._noted(ticket, news, sends, events, now)
        if ticket.queue and ticket.queue != (before.queue if before else "") and not _has_card(sends):
            lines.append(await self._on_the_desk(ticket, events, now))
        return lines

    async def left(self, sent: Iterable[Outgoing], now: datetime) -> list[Line]:
        """Lines for messages that the channels took just now."""
        ordered = sorted(sent, key=lambda outgoing: (outgoing.ticket, outgoing.id))
        numbers = {outgoing.ticket for outgoing in ordered}
        tickets = await self._deskgate.store.driver.read(lambda tx: simulation.tickets(tx, numbers))
        return [self._message(outgoing, tickets.get(outgoing.ticket), now) for outgoing in ordered]

    def problem(self, text: str, now: datetime) -> Line:
        """A line of the script that could not be played."""
        return Line(at=_when(now), ticket="", kind="problem", text=text)

    # ------------------------------------------------------------ one line each

    def _line(self, kind: str, ticket: Ticket | None, at: datetime, **fields: str) -> Line:
        line = Line(at=_when(at), ticket="", kind=kind)
        if ticket is not None:
            line = msgspec.structs.replace(
                line,
                ticket=ticket.reference,
                queue=ticket.queue,
                tier=ticket.tier,
                priority=ticket.priority.value,
            )
        return msgspec.structs.replace(line, **fields)

    def _event(self, event: Event, ticket: Ticket | None, sends: Sequence[Queued]) -> Line:
        data = event.data
        to = next((str(data[name]) for name in ("to", "told", "agent", "queue") if data.get(name)), "")
        channel = str(data.get("channel") or data.get("connector") or "")
        text = str(data.get("text") or "") or _scalars(data)
        if _kind(event) != event.kind and event.kind not in ("escalated", "triaged"):
            text = f"{event.kind.replace('_', ' ')}: {text}".removesuffix(": ")
        line = self._line(_kind(event), ticket, event.at, to=to, channel=channel, text=text, why=_why(event))
        return (
            line
            if ticket or not event.ticket
            else msgspec.structs.replace(line, ticket=reference(event.ticket))
        )

    def _changed(
        self, ticket: Ticket, before: Ticket | None, events: Sequence[Event], now: datetime
    ) -> list[Line]:
        names = {"status": "", "priority": "priority ", "assignee": "owner "}
        changes = [
            f"{label}{getattr(before, name) or 'nobody'} → {getattr(ticket, name) or 'nobody'}"
            for name, label in names.items()
            if before is not None and getattr(before, name) != getattr(ticket, name)
        ]
        if before is None:
            changes = [str(ticket.status)]
        if not changes:
            return []
        return [
            self._line(
                "status", ticket, now, to=ticket.assignee, text="; ".join(changes), why=_reasons(events)
            )
        ]

    def _noted(
        self, ticket: Ticket, news: News, sends: Sequence[Queued], events: Sequence[Event], now: datetime
    ) -> list[Line]:
        posted = [
            post.text for send in sends if isinstance(post := send.outgoing, Post) and send.side is Side.AGENT
        ]
        return [
            self._line(
                "note",
                ticket,
                now,
                to=ticket.queue,
                channel="desk",
                text=note.text,
                why=_by(note.author, events),
            )
            for note in news.notes
            if note.ticket == ticket.id and not any(note.text in text for text in posted)
        ]

    async def _on_the_desk(self, ticket: Ticket, events: Sequence[Event], now: datetime) -> Line:
        """The card of a queue that only the browser's desk shows."""
        page = await self._deskgate.store.ticket_page(ticket.id)
        if page is None:
            return self._line("card", ticket, now, to=ticket.queue, channel="desk")
        said = tuple(entry for entry in page.entries if entry.kind is EntryKind.MESSAGE)
        folder = Folder(ticket=ticket, legs=page.legs, participants=page.participants, unanswered=said)
        shown = card_of(Draft(folder, now), self._deskgate.policy)
        return self._line(
            "card", ticket, now, to=ticket.queue, channel="desk", text=_card_text(shown), why=shown.why
        )

    def _message(self, outgoing: Outgoing, ticket: Ticket | None, now: datetime) -> Line:
        send, events = self._born.get(outgoing.id, (None, ()))
        to_requester = send is not None and send.side is Side.REQUESTER
        address = outgoing.address
        said = {"to": address.conversation, "channel": address.connector}
        match outgoing:
            case Post(card=None) if to_requester:
                kind = next((k for e in events if (k := _kind(e)) in _SPOKEN), "reply")
                return self._line(
                    kind, ticket, now, **said, text=outgoing.text, why=_speaks(outgoing, events)
                )
            case Post(card=None):
                return self._line("note", ticket, now, **said, text=outgoing.text, why=_reasons(events))
            case Post() | Replace():
                shown = outgoing.card
                why = (shown.why if shown else "") or _reasons(events)
                return self._line(
                    "card", ticket, now, **said, text=_card_text(shown) if shown else "", why=why
                )
            case Remove():
                return self._line(
                    "removal", ticket, now, **said, text=outgoing.external_id, why=_reasons(events)
                )


# ---------------------------------------------------------------- reasons


def _kind(event: Event) -> str:
    return next((kind for prefix, kind in _KINDS.items() if event.kind.startswith(prefix)), event.kind)


def _is_silent(event: Event, sends: Sequence[Queued]) -> bool:
    spoken = _kind(event) in _SPOKEN and any(send.side is Side.REQUESTER for send in sends)
    return event.kind in _SILENT or spoken


def _why(event: Event) -> str:
    """The reason that an event gives, in the words that agents read."""
    data = event.data
    given = str(data.get("why") or data.get("reason") or "")
    cause = str(data.get("cause") or "")
    parts = [given or {**CAUSES, **HANDOVER}.get(cause, cause)]
    triggers = data.get("triggers")
    if triggers:
        parts.append(f"triggers: {', '.join(map(str, triggers))}")
    if rule := str(data.get("rule") or ""):
        parts.append(f"rule: {rule.removeprefix('rule ')}")
    if tried := data.get("tried"):
        parts.append(f"tried: {', '.join(map(str, tried))}")
    return "; ".join(part.rstrip(".") for part in parts if part)


def _reasons(events: Iterable[Event]) -> str:
    """Why a turn did what it did: the reasons of its events, the same one once."""
    reasons: dict[str, None] = {}
    for event in events:
        match event.kind:
            case "triaged" | "threaded" | "masked" | "sla":
                continue
            case "opened":
                reasons[f"opened by {event.data.get('connector', '')}"] = None
            case "agent":
                reasons[f"{event.data.get('agent', '')}: {event.data.get('verb', '')}"] = None
            case "answered":
                reasons[_answered(event)] = None
            case kind:
                reasons[_why(event) or kind.replace("_", " ")] = None
    return "; ".join(reasons) or "; ".join(_why(event) for event in events if event.kind == "threaded")


def _answered(event: Event) -> str:
    names = [
        f"{each.get('article')} {each.get('revision', '')}".strip() for each in event.data.get("sources", ())
    ]
    confidence = event.data.get("confidence")
    sure = f", confidence {confidence} (threshold {event.data.get('threshold')})" if confidence else ""
    return f"article {', '.join(names)}{sure}"


def _speaks(post: Post, events: Sequence[Event]) -> str:
    who = {SendKind.AGENT: f"agent {post.author}", SendKind.ANSWER: "bot", SendKind.NOTICE: "automatic"}[
        post.kind
    ]
    reasons = _reasons(events)
    return f"{who}: {reasons}" if reasons else who


def _by(author: str, events: Sequence[Event]) -> str:
    return f"{author} wrote it" if author else _reasons(events)


def _scalars(data: Mapping[str, Any]) -> str:
    """What else an event says, in a line: values that are short enough to be read."""
    told = []
    for name, value in data.items():
        if name in _ASIDE or value is False or value in ("", None, [], (), {}):
            continue
        if isinstance(value, (list, tuple)) and all(isinstance(each, (str, int)) for each in value):
            value = ", ".join(map(str, value))
        if isinstance(value, (str, int, float)):
            told.append(f"{name}: {value}")
    return "; ".join(told)


def _has_card(sends: Sequence[Queued]) -> bool:
    return any(isinstance(s.outgoing, Post) and s.outgoing.card is not None for s in sends)


def _card_text(shown: Card) -> str:
    fields = " · ".join(f"{label}: {value}" for label, value in shown.fields)
    return "\n".join(part for part in (f"{shown.reference}: {shown.title}", fields, shown.body) if part)


def _when(at: datetime) -> str:
    return at.isoformat(timespec="seconds")
