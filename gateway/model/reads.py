"""What may be read by a requester or by the desk."""

from __future__ import annotations

import msgspec

from gateway.model.forms import VerbForm
from gateway.model.people import Address, Agent, Identity
from gateway.model.tickets import Entry, Event, Leg, Participant, Ticket


class History(msgspec.Struct, frozen=True, kw_only=True):
    """What the requester of this conversation may see: for web chat after a reload. `after`: entry id."""

    address: Address
    after: int = 0
    limit: int = 200


class TicketView(msgspec.Struct, frozen=True, kw_only=True):
    """One ticket with its conversation, for a member of the desk."""

    actor: Identity
    ticket: int = 0
    address: Address | None = None  #: the agents' thread, when `ticket` is 0


View = History | TicketView


class CannedReply(msgspec.Struct, frozen=True, kw_only=True):
    """A canned reply as it would read on one ticket, in the requester's language where it has one."""

    name: str
    title: str
    language: str  #: "" when it fits any
    text: str  #: Markdown, with everything filled in


class TicketPage(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket with all that the desk shows of it."""

    ticket: Ticket
    requester: str
    entries: tuple[Entry, ...]
    events: tuple[Event, ...]
    legs: tuple[Leg, ...]
    participants: tuple[Participant, ...]
    suppressed: tuple[str, ...] = ()  #: addresses of the requester that mail came back from
    agent: Agent | None = None  #: who is looking
    verbs: tuple[VerbForm, ...] = ()  #: what they may do with it now
