"""What an agent may ask about the desk as a whole: my tickets, the team, a search, a ticket's background.

Each question names the type of its answer, so that `Host.view` is one method whatever is added here.
"""

from __future__ import annotations

from datetime import datetime
from typing import Generic, TypeVar

import msgspec

from gateway.model import Address, Agent, ApiKey, Entry, Identity
from gateway.views import QueueLine, TicketLine

T = TypeVar("T")


class Query(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """A read that is answered with a T. Raises Refused where the reader may not have it."""


class Mine(msgspec.Struct, frozen=True, kw_only=True):
    """An agent's own view of the desk."""

    agent: Agent
    mine: tuple[TicketLine, ...] = ()  #: open ones, those that waited longest first
    more: int = 0  #: further open tickets of theirs
    asked: tuple[TicketLine, ...] = ()  #: where their opinion or approval is asked
    queues: tuple[QueueLine, ...] = ()  #: that they may see
    newcomer: bool = False  #: has never owned a ticket


class MyDesk(Query[Mine], frozen=True, kw_only=True):
    """My tickets and queues."""

    actor: Identity
    limit: int = 10


class MemberLine(msgspec.Struct, frozen=True, kw_only=True):
    """One member of the team at a glance."""

    agent: Agent
    open: int = 0  #: tickets that wait for them
    pending: int = 0  #: of theirs, tickets that wait for the requester
    oldest: datetime | None = None  #: when the one that waited longest was opened


class Team(msgspec.Struct, frozen=True, kw_only=True):
    """How the team stands."""

    agent: Agent
    members: tuple[MemberLine, ...] = ()
    queues: tuple[QueueLine, ...] = ()
    waiting: int = 0  #: tickets that wait for us
    unassigned: int = 0
    oldest: tuple[TicketLine, ...] = ()  #: that wait for us, without an owner first
    breaching: tuple[TicketLine, ...] = ()  #: whose promise is broken or about to be


class TeamDesk(Query[Team], frozen=True, kw_only=True):
    """The team's state; for leads and admins. Raises Refused for others."""

    actor: Identity
    limit: int = 6


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What a search found."""

    lines: tuple[TicketLine, ...] = ()
    more: bool = False


class Search(Query[Found], frozen=True, kw_only=True):
    """Tickets by reference, person, words, and filters such as `queue:orders is:open` (store/search.py)."""

    actor: Identity
    text: str
    limit: int = 8


class PastLine(msgspec.Struct, frozen=True, kw_only=True):
    """Another ticket, as a line on a card."""

    id: int
    reference: str
    subject: str
    status: str
    at: datetime  #: when it last changed
    how: str = ""  #: start of the last answer of a person, for those that were solved


class Background(msgspec.Struct, frozen=True, kw_only=True):
    """What helps with a ticket beside what is said on it."""

    owner: str = ""  #: name of its owner
    tickets: int = 0  #: earlier and other tickets of the same person
    history: tuple[PastLine, ...] = ()  #: the newest of them
    similar: tuple[PastLine, ...] = ()  #: solved ones about the like
    failed: Entry | None = None  #: the newest answer of an agent, when it did not arrive or nobody knows


class BackgroundOf(Query[Background], frozen=True, kw_only=True):
    """The background of a ticket as the channel of its queue may show it: nothing of other protected queues."""

    ticket: int
    place: Address  #: where it will be shown; must be where the ticket's card stands


class KeyOf(Query[ApiKey | None], frozen=True, kw_only=True):
    """The API key that this token is, None for one that is unknown or revoked."""

    token: str


class Listing(Query[tuple[TicketLine, ...]], frozen=True, kw_only=True):
    """Tickets that this actor may see, newest first; `before` is the last id of the page before, 0 for the first."""

    actor: Identity
    queue: str | None = None
    statuses: tuple[str, ...] = ()
    assignee: str = ""
    text: str = ""
    limit: int = 50
    before: int = 0
