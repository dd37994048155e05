"""Inputs: everything that changes a ticket, from every surface, in one ledger."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from gateway.model.choices import Priority, SendState, Verb
from gateway.model.people import Address, Identity
from gateway.model.pieces import Attachment, Choice


class Bounce(msgspec.Struct, frozen=True, kw_only=True):
    """A mail server's word that a mail of ours did not arrive."""

    permanent: tuple[str, ...] = ()
    temporary: tuple[str, ...] = ()
    original_key: str = ""  #: "mid:<…>" of the mail that came back, when it says so
    status: str = ""  #: enhanced status code (RFC 3463), such as "5.1.1"
    complaint: bool = False  #: it did arrive, and somebody called it unwanted


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """Another way to reach the person, as they typed it: unverified."""

    identity: Identity
    address: Address
    link: str = ""  #: path of a signed link back to the conversation


class Input(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind"):
    """What every input carries. `delivery_key` is unique within connector and account."""

    connector: str
    account: str
    delivery_key: str
    at: datetime  #: when it happened, by the channel's clock


class Message(Input, frozen=True, kw_only=True, tag="message"):
    """A person (or a machine) said something to us."""

    address: Address  #: where, and where an answer goes
    sender: Identity
    text: str = ""  #: the newest part, Markdown
    full_text: str = ""  #: everything including quotes and signature, "" when the same
    subject: str = ""
    language: str = ""  #: the channel's hint
    attachments: tuple[Attachment, ...] = ()
    message_key: str = ""  #: the channel's own name for this message, "" when it has none
    version: str = ""  #: of its content: edit date or content hash
    refers_to: tuple[str, ...] = ()  #: keys of earlier messages, strongest first: "mid:<…>", "ref:…"
    known_as: tuple[
        str, ...
    ] = ()  #: keys beside `message_key` by which a later message may refer to this one
    recipients: tuple[str, ...] = ()  #: To and Cc of a mail, lower-cased
    copied: bool = False  #: we stand only among those who get a copy
    vouched: str = (
        ""  #: what our own mail host says of the sender (DMARC): "pass", "fail", … "" when it says nothing
    )
    choice: Choice | None = None
    offer: Offer | None = None
    media_group: str = ""
    automatic: str = ""  #: why this is a machine speaking, "" for a person
    bounce: Bounce | None = None
    unreadable: str = ""  #: what could not be read; the raw bytes are kept
    private: bool = True  #: False where others can read along
    forwarded_from: Identity | None = None  #: who wrote what the sender passes on, as the copied header says
    imported: bool = False  #: it is from before we were connected: kept, and nothing more
    masked: tuple[str, ...] = ()  #: kinds of values that are masked for good: the original was dropped

    @property
    def stream(self) -> str:
        a = self.address
        return "/".join((a.connector, a.account, a.conversation, self.sender.value))


class Edit(Input, frozen=True, kw_only=True, tag="edit"):
    """A person changed what they had said; the earlier version is kept."""

    address: Address
    sender: Identity
    message_key: str
    version: str
    text: str
    masked: tuple[str, ...] = ()  #: as in Message

    @property
    def stream(self) -> str:
        a = self.address
        return "/".join((a.connector, a.account, a.conversation, self.sender.value))


class Deletion(Input, frozen=True, kw_only=True, tag="deletion"):
    """A person took back what they had said; nothing an agent has read is overwritten."""

    address: Address
    sender: Identity
    message_key: str

    @property
    def stream(self) -> str:
        a = self.address
        return "/".join((a.connector, a.account, a.conversation, self.sender.value))


class AgentAction(Input, frozen=True, kw_only=True, tag="agent_action"):
    """An agent proposes to do something with a ticket; handle decides and is the only writer."""

    actor: Identity  #: kind "agent" (browser, command line) or "slack"
    verb: Verb
    ticket: int = 0  #: 0: the ticket whose agents' thread is `address`
    address: Address | None = None
    text: str = ""
    queue: str = ""
    tags: tuple[str, ...] = ()
    priority: Priority | None = None
    send: int = 0  #: the outbox row that undo and retry mean
    entry: int = 0  #: the line of the conversation that split and move mean
    other: int = 0  #: the ticket that move and merge go to
    colleague: str = ""  #: agent id: whom it is given to, or who is asked
    cause: str = ""  #: why it is passed on: a code of gateway/escalation/causes.py
    until: datetime | None = None  #: how long it rests
    also: tuple[int, ...] = ()  #: the other tickets of a selection
    everyone: bool = False  #: every ticket of this one's incident
    requester: str = ""  #: of a ticket by hand: their name …
    contact: str = ""  #: … and their e-mail address or telephone number
    subject: str = ""
    value: str = ""  #: what was chosen, where the verb has a choice of its own
    seen_version: int = 0  #: version of the ticket the agent was looking at, 0 when unknown
    attachments: tuple[Attachment, ...] = ()
    masked: tuple[str, ...] = ()  #: as in Message

    @property
    def stream(self) -> str:
        where = self.address.key if self.address and not self.ticket else str(self.ticket)
        return f"desk/{where}"


class DeliveryReport(Input, frozen=True, kw_only=True, tag="delivery_report"):
    """How an outgoing message fared after its connector had let go of it."""

    send: int  #: outbox id
    ticket: int
    state: SendState
    reason: str = ""
    detail: str = ""

    @property
    def stream(self) -> str:
        return f"report/{self.ticket}"


class TimerDue(Input, frozen=True, kw_only=True, tag="timer_due"):
    """A time that a ticket waited for has come.

    late    many came at once, long after their time: Deskgate was away, and people hear of them together
    burst   for the one that tells: how many tickets of its queue came like that
    """

    ticket: int
    name: str
    late: bool = False
    burst: int = 0

    @property
    def stream(self) -> str:
        return f"timer/{self.ticket}"


class AdminChange(Input, frozen=True, kw_only=True, tag="admin_change"):
    """Somebody changed settings, articles or people; recorded so that decisions can be explained later."""

    what: str
    detail: Mapping[str, Any] = {}

    @property
    def stream(self) -> str:
        return "admin"


AnyInput = Message | Edit | Deletion | AgentAction | DeliveryReport | TimerDue | AdminChange


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """An input and the raw bytes it was read from, as a connector hands it over."""

    input: AnyInput
    raw: bytes = b""


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What `take` did with one delivery."""

    ledger_id: int
    duplicate: bool = False


class Cursor(msgspec.Struct, frozen=True, kw_only=True):
    """How far a connector has read, stored in the same commit as what it read."""

    name: str
    value: str
