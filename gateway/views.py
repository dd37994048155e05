"""What the desk's pages read: lines of lists, and the Protocol of reads that the store answers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from gateway.model import Agent, Event, Member, TicketPage


class QueueLine(msgspec.Struct, frozen=True, kw_only=True):
    """One queue at a glance. `name` is "" for what only the bot has."""

    name: str
    title: str
    tier: int
    open: int  #: tickets that wait for a person
    unassigned: int
    oldest: datetime | None = None  #: when the longest-waiting one was opened
    overloaded: bool = False  #: more without an owner than the settings bear


class TicketLine(msgspec.Struct, frozen=True, kw_only=True):
    """One ticket in a list."""

    id: int
    reference: str
    subject: str
    requester: str
    channel: str  #: connector name of the requester's current leg
    status: str
    queue: str
    tier: int
    priority: str
    assignee: str  #: agent's name, "" for nobody
    tags: tuple[str, ...]
    cause: str
    speaker: str
    language: str
    created_at: datetime
    updated_at: datetime
    excerpt: str  #: start of the newest message of the requester
    due_at: datetime | None = None  #: when the next word or the end is owed, by what was promised


class TicketFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which tickets a list shows; empty fields do not narrow. `text`: reference, subject, person or words."""

    queue: str | None = None  #: "" means what only the bot has
    statuses: tuple[str, ...] = ()
    assignee: str = ""
    text: str = ""
    asked: tuple[str, ...] = ()  #: "agent:ana" or "queue:leads": where one of these is asked something
    hidden_queues: tuple[str, ...] = ()  #: protected queues that the reader is no member of
    limit: int = 50
    before: int = 0  #: ticket id for the next page
    by_due: bool = False  #: what is owed first comes first, then the others; `skip` leads to the next page
    skip: int = 0


class DeadLine(msgspec.Struct, frozen=True, kw_only=True):
    """Something that could not be handled or sent, with its reason."""

    id: int
    what: str  #: "input" or "send"
    connector: str
    account: str
    reason: str
    at: datetime
    ticket: int = 0


class SuppressedLine(msgspec.Struct, frozen=True, kw_only=True):
    """An address that mail came back from: nothing automatic goes there."""

    address: str
    reason: str
    at: datetime
    ticket: int = 0


class IncidentLine(msgspec.Struct, frozen=True, kw_only=True):
    """An incident, or tickets that may be one."""

    leader: TicketLine
    members: tuple[TicketLine, ...]  #: without the leader
    proposed: tuple[TicketLine, ...] = ()  #: that look like it


class StopLine(msgspec.Struct, frozen=True, kw_only=True):
    """Where the bot is stopped, by whom and why."""

    scope: str  #: "all", "channel:email", "account:email/support" or "article:refund-time"
    by: str
    at: datetime
    why: str = ""


class Reads(Protocol):
    """The reads behind the desk's pages."""

    async def queue_lines(self) -> list[QueueLine]: ...
    async def ticket_lines(self, query: TicketFilter) -> list[TicketLine]: ...
    async def ticket_page(self, ticket: int) -> TicketPage | None: ...
    async def dead_lines(self) -> list[DeadLine]: ...
    async def suppressed_lines(self) -> list[SuppressedLine]: ...
    async def recent_events(self, kinds: Sequence[str], limit: int) -> list[Event]: ...
    async def agents(self) -> list[Agent]: ...
    async def incident_lines(self) -> list[IncidentLine]: ...
    async def bot_stops(self) -> list[StopLine]: ...


class Members(Protocol):
    """The members of the desk as they come, rest and go."""

    async def ask_sign_in(self, who: str) -> None:
        """Sends a one-time link to the member with this id or address, if there is one."""
        ...

    async def set_away(self, by: Agent, agent_id: str, until: datetime | None, *, give_back: bool) -> str:
        """Away until then, None: back. Raises Refused."""
        ...

    async def deactivate(self, by: str, agent_id: str) -> str:
        """May work here no longer. Raises Refused."""
        ...

    async def team(self) -> list[Member]: ...


class People(Protocol):
    """Who is signed in at the desk. Tokens are stored only as hashes."""

    async def redeem_sign_in(self, token: str, name: str) -> str | None:
        """Uses up a one-time link (naming the first admin); a new session token, None when it is spent."""
        ...

    async def sign_in_waiting(self, token: str) -> Agent | None:
        """Whom a one-time link would sign in, without using it; None when it is spent or wrong."""
        ...

    async def open_session(self, agent_id: str) -> str:
        """A session token for a member who was proven in another way (an identity provider)."""
        ...

    async def agent_of_session(self, session: str) -> Agent | None: ...
    async def end_session(self, session: str) -> None: ...
