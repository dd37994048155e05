"""The port between the core and a channel: what a connector must do, and all that it sees of the core."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import msgspec
from aiohttp import web

from gateway.clock import Clock
from gateway.errors import Refused
from gateway.model import (
    ActionResult,
    Address,
    Agent,
    AgentAction,
    Attachment,
    CannedReply,
    Cursor,
    Delivery,
    Entry,
    History,
    Identity,
    Outgoing,
    Receipt,
    Sent,
    Side,
    TicketPage,
    TicketView,
    VerbForm,
)
from gateway.overviews import Query, T

FileOf = Callable[[str], Awaitable[bytes]]  #: the bytes of a file by its sha256, as Host.file gives them


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    """What a channel can do; what it cannot do degrades in the connector, never in the core."""

    buttons: bool = False
    files: bool = False
    edits: bool = False
    threads: bool = False
    private: bool = True  #: only the requester reads along
    answers_privately: bool = False  #: an answer to public words reaches their author alone
    idempotent: bool = False  #: sending the same outbox id twice shows one message
    max_text: int = 0  #: characters of one message, 0 for no limit
    max_file: int = 0  #: bytes of one attachment, 0 when it takes none
    loopback: bool = False  #: this account is reachable from this machine only


class QueuePlace(msgspec.Struct, frozen=True, kw_only=True):
    """A queue whose tickets are shown in a place of this channel; nothing said there is a customer's."""

    name: str
    title: str
    address: Address
    protected: bool = False


class Whose(msgspec.Struct, frozen=True, kw_only=True):
    """What a place or a message belongs to: ticket 0 and no side for nothing of ours."""

    ticket: int = 0
    side: Side | None = None


class Directory(Protocol):
    """What a connector may know of people and places, so that it can tell which messages are for us."""

    @property
    def queues(self) -> Sequence[QueuePlace]:
        """The queues that some channel shows."""
        ...

    async def agent_of(self, identity: Identity) -> Agent | None:
        """The member of the desk behind an identity, None for everybody else."""
        ...

    async def whose(self, key: str, near: Address) -> Whose:
        """The ticket that a thread key ("at:…", a message's key) belongs to, and whose side said it.

        What was taken from the conversation `near` before is waited for. Raises StoreError when that takes
        over two seconds: let the service deliver again.
        """
        ...

    async def asker_of(self, ticket: int) -> str:
        """The key of the identity that opened the ticket, "" when there is no such ticket."""
        ...

    async def goes_on(self, ticket: int) -> bool:
        """Whether the ticket is neither resolved nor closed."""
        ...

    async def open_places(self, connector: str, account: str) -> Sequence[Address]:
        """Every place of this account where a ticket that is not closed goes on, newest first."""
        ...


class Lease(Protocol):
    """Held while this replica alone may do something (poll a mailbox)."""

    @property
    def held(self) -> bool: ...


class Host(Protocol):
    """All that a connector sees of the core."""

    clock: Clock
    public_url: str  #: without a trailing slash; loopback in a local trial
    company: str
    bot_name: str  #: what the automatic assistant calls itself

    @property
    def directory(self) -> Directory: ...

    async def receive(self, deliveries: Sequence[Delivery], cursor: Cursor | None = None) -> list[Receipt]:
        """Durable when it returns, in order. Raises StoreError when nothing was kept (answer 503)."""
        ...

    async def act(self, action: AgentAction) -> ActionResult:
        """A ledger row, handled at once; "accepted" when that takes over two seconds."""
        ...

    async def history(self, query: History) -> list[Entry]:
        """What the requester of this conversation may see, oldest first."""
        ...

    async def ticket(self, query: TicketView) -> TicketPage:
        """A ticket as this actor may see it. Raises Refused."""
        ...

    async def canned(self, query: TicketView) -> tuple[CannedReply, ...]:
        """The canned replies for this ticket, filled in, in its requester's language. Raises Refused."""
        ...

    async def view(self, query: Query[T]) -> T:
        """What an agent asks about the desk as a whole (gateway/overviews.py). Raises Refused."""
        ...

    async def original(self, actor: Identity, ticket: int, entry: int) -> str:
        """What a masked line says; that they looked is on the record. Never for a shared place. Raises Refused."""
        ...

    async def forms(self, actor: Identity) -> tuple[VerbForm, ...]:
        """What this agent may do without a ticket (NEW, NEXT) or with several at once. Raises Refused."""
        ...

    async def stop_bot(self, actor: Identity, scope: str, why: str = "") -> str:
        """From now on the bot says nothing in this scope (gateway/dial.py); a sentence. Raises Refused."""
        ...

    async def start_bot(self, actor: Identity, scope: str) -> str:
        """The bot may speak there again; a sentence. Raises Refused."""
        ...

    async def file(self, sha256: str) -> bytes:
        """The bytes of an attachment. Raises Refused when it was erased or never kept."""
        ...

    async def cursor(self, name: str) -> str:
        """Where this connector stopped reading, "" at first."""
        ...

    async def grant(self, name: str) -> bytes:
        """What this connector keeps under the name to sign in with, b"" when nothing. Raises StoreError."""
        ...

    async def keep_grant(self, name: str, value: bytes) -> None:
        """Keeps it, sealed, for every replica. Raises StoreError."""
        ...

    def lease(self, name: str) -> AbstractAsyncContextManager[Lease]:
        """Waits until this replica alone holds `name`, and keeps it while inside."""
        ...

    def fares(self, account: str, trouble: str = "") -> None:
        """Says whether this account's own connection works: "" when it has just worked, else what is wrong.

        account   "connector/account"; the trouble is shown to whoever runs Deskgate, and an alarm after a while
        """
        ...

    def publish(self, topic: str) -> None:
        """Wakes whoever listens to the topic, on every replica; carries no content."""
        ...

    def listen(self, *topics: str) -> AbstractAsyncContextManager[AsyncIterator[str]]:
        """The topics as they are published while inside. `history/<address.key>` is published by the core."""
        ...


class Connector(Protocol):
    """One account of one channel; by convention its module also has a pure `normalize` and `Settings`."""

    name: str  #: registry name, the same as in Address.connector
    account: str
    capabilities: Capabilities

    def attach(self, app: web.Application, host: Host) -> None:
        """Adds routes, or a background task through `app.cleanup_ctx`."""
        ...

    async def send(self, outgoing: Outgoing) -> Sent:
        """Hands one message to the channel. Raises Retryable, Undeliverable or Uncertain."""
        ...


async def capped(request: web.Request, limit: int) -> bytes | None:
    """The body of a call, None when it is over `limit` bytes, whether or not a length was announced."""
    if (request.content_length or 0) > limit:
        return None
    body = bytearray()
    async for chunk in request.content.iter_chunked(65536):
        body += chunk
        if len(body) > limit:
            return None
    return bytes(body)


async def content_of(file: Attachment, file_of: FileOf) -> bytes:
    """The bytes of a file to be sent, b"" when they were erased or never kept."""
    if file.content or not file.sha256:
        return file.content
    try:
        return await file_of(file.sha256)
    except Refused:
        return b""
