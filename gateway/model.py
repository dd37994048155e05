"""The vocabulary: values that travel between the rooms of Deskgate. Imports nothing of ours.

Everything here is frozen and keyword-only; times are aware UTC datetimes; texts for people are Markdown.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

# ---------------------------------------------------------------- closed choices


class Side(StrEnum):
    """Whose side of the ticket a leg is on."""

    REQUESTER = "requester"
    AGENT = "agent"


class Status(StrEnum):
    """Where a ticket stands. `resolved` reopens on a real answer, `closed` does not."""

    NEW = "new"
    OPEN = "open"
    PENDING = "pending"
    ON_HOLD = "on_hold"
    RESOLVED = "resolved"
    CLOSED = "closed"


class Priority(StrEnum):
    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    URGENT = "urgent"


class Speaker(StrEnum):
    """Who answers the requester now. The bot's answers leave only while this says `bot`."""

    BOT = "bot"
    AGENT = "agent"
    NOBODY = "nobody"


class Role(StrEnum):
    """What a member of the desk may do; each role may do what the one before may."""

    AGENT = "agent"
    LEAD = "lead"
    ADMIN = "admin"


class EntryKind(StrEnum):
    """What one line of a ticket's conversation is. Only `note` never leaves the desk."""

    MESSAGE = "message"  # the requester wrote it
    ANSWER = "answer"  # the bot answered it
    NOTICE = "notice"  # an automatic word: received, handed over, resolved
    REPLY = "reply"  # an agent answered it
    NOTE = "note"  # private to the desk


class SendKind(StrEnum):
    """Why something is sent; answers are withdrawn once the bot no longer has the floor."""

    ANSWER = "answer"
    NOTICE = "notice"
    AGENT = "agent"


class SendState(StrEnum):
    """How far an outgoing message has come."""

    HELD = "held"  # may still be undone
    QUEUED = "queued"
    SENDING = "sending"
    ACCEPTED = "accepted"  # the channel took it
    DELIVERED = "delivered"  # the channel says the person has it
    FAILED = "failed"
    WITHDRAWN = "withdrawn"
    UNCERTAIN = "uncertain"  # the process died or the peer fell silent in the middle


class LedgerState(StrEnum):
    PENDING = "pending"
    ACCEPTED = "accepted"
    QUARANTINED = "quarantined"
    DEAD = "dead"


class Verb(StrEnum):
    """What an agent may do with a ticket, whatever the surface (gateway/desk.py says who may)."""

    CLAIM = "claim"
    RELEASE = "release"
    REPLY = "reply"
    UNDO = "undo"
    NOTE = "note"
    RESOLVE = "resolve"
    REOPEN = "reopen"
    ESCALATE = "escalate"
    TAG = "tag"
    PRIORITY = "priority"
    RETRY = "retry"
    SPLIT = "split"  # this message and what came after it become a ticket of their own
    MOVE = "move"  # this message belongs to another ticket
    MERGE = "merge"  # all of it belongs to another ticket
    RESTORE = "restore"  # takes back the last split, move or merge of this ticket


class ChoiceAction(StrEnum):
    """What a requester's button says."""

    HELPED = "helped"
    NOT_HELPED = "not_helped"
    HUMAN = "human"
    ARTICLE = "article"  # value: the article's name
    NONE_OF_THESE = "none_of_these"


# ---------------------------------------------------------------- who and where


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """A place in a channel where something was said and an answer can go."""

    connector: str  #: registry name: "email", "slack", "webchat", "telegram"
    account: str  #: which of our accounts there, as named in config.toml
    conversation: str  #: mail address, chat id, channel id, visitor id
    thread: str = ""  #: thread inside the conversation, "" for none

    @property
    def key(self) -> str:
        return "/".join((self.connector, self.account, self.conversation, self.thread))

    @property
    def recipient(self) -> str:
        """Whom automatic messages are counted for."""
        return "/".join((self.connector, self.account, self.conversation))


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """One name a person goes by in one kind of channel. One contact has many."""

    kind: str  #: "email", "slack", "telegram", "webchat", "agent" …
    value: str  #: unique within its kind: lower-cased address, "T024:U123", visitor id, agent id
    name: str = ""  #: as the person calls themselves there; untrusted
    verified: bool = False  #: the channel vouches for it (a typed-in address is not)

    @property
    def key(self) -> str:
        return f"{self.kind}:{self.value}"

    @property
    def label(self) -> str:
        """What to call them: their name, their address, or a word where all we have is a number."""
        return self.name or (self.value if self.kind == "email" else "Visitor")


class Agent(msgspec.Struct, frozen=True, kw_only=True):
    """A member of the desk."""

    id: str
    name: str
    role: Role = Role.AGENT
    email: str = ""
    slack_id: str = ""  #: "TEAM:USER"
    active: bool = True


# ---------------------------------------------------------------- inputs: everything that changes a ticket


class Attachment(msgspec.Struct, frozen=True, kw_only=True):
    """A file that travels with a message. At the edge `content` holds it; once taken, `sha256` names it."""

    filename: str
    content_type: str = "application/octet-stream"
    size: int = 0  #: bytes
    sha256: str = ""  #: name of the sealed blob, "" when nothing was kept
    skipped: str = ""  #: why nothing was kept, "" when it was
    inline: bool = False
    content: bytes = b""


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """A button of ours that a requester pressed (or a typed number that means it)."""

    action: ChoiceAction
    value: str = ""
    ticket: int = 0  #: the ticket the button belonged to, 0 when the channel cannot tell


class Bounce(msgspec.Struct, frozen=True, kw_only=True):
    """A mail server's word that a mail of ours did not arrive."""

    permanent: tuple[str, ...] = ()
    temporary: tuple[str, ...] = ()
    original_key: str = ""  #: "mid:<…>" of the mail that came back, when it says so
    status: str = ""  #: enhanced status code (RFC 3463), such as "5.1.1"


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
    seen_version: int = 0  #: version of the ticket the agent was looking at, 0 when unknown
    attachments: tuple[Attachment, ...] = ()

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
    """A time that a ticket waited for has come."""

    ticket: int
    name: str

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


# ---------------------------------------------------------------- the ticket


class BotState(msgspec.Struct, frozen=True, kw_only=True):
    """What tier 0 has done on this ticket."""

    attempts: int = 0  #: answers given since the last person or resolution
    clarified: bool = False  #: the one "did you mean" was used
    options: tuple[str, ...] = ()  #: article names offered, in the order of their numbers
    asked: str = ""  #: the question that the last answer or clarify was about
    article: str = ""  #: name of the article last quoted
    awaiting: str = ""  #: "helped" or "choice" while the bot waits for that, else ""
    machine: bool = False  #: a machine wrote last: nothing automatic answers it


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """One matter of one requester, whatever the doors it came by."""

    id: int  #: the ledger id of the input that opened it
    version: int = 0  #: counts commits; 0 is not stored yet
    status: Status = Status.NEW
    tier: int = 0
    queue: str = ""  #: "" while only tier 0 has it
    priority: Priority = Priority.NORMAL
    speaker: Speaker = Speaker.BOT
    subject: str = ""
    language: str = ""
    assignee: str = ""  #: agent id, "" for nobody
    tags: tuple[str, ...] = ()
    cause: str = ""  #: why it left tier 0, a cause code
    protected: bool = False
    created_at: datetime
    updated_at: datetime
    bot: BotState = BotState()

    @property
    def reference(self) -> str:
        return reference(self.id)


def reference(ticket_id: int) -> str:
    """What people call a ticket: DG-42."""
    return f"DG-{ticket_id}"


class Leg(msgspec.Struct, frozen=True, kw_only=True):
    """One end of a ticket: the requester's chat or mail, or the agents' channel."""

    id: int  #: negative until stored
    side: Side
    address: Address
    current: bool = True  #: where this side's next message goes
    link: str = ""  #: path back to the conversation, for a message that reaches the person elsewhere
    cc: tuple[str, ...] = ()  #: who else stood on the mail that is answered here, and gets a copy


class Participant(msgspec.Struct, frozen=True, kw_only=True):
    """A person on a ticket. role: "requester" or "cc"."""

    identity: Identity
    role: str = "requester"


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a ticket's conversation, as people may read it: masked, in channel time."""

    id: int = 0
    kind: EntryKind
    at: datetime
    author: str = ""  #: name to show
    author_key: str = ""  #: identity key or "agent:<id>"; "" for the bot
    text: str = ""
    full_text: str = ""
    attachments: tuple[Attachment, ...] = ()
    message_key: str = ""
    version: str = ""
    ledger_id: int = 0
    send: int = 0  #: outbox id when it went out
    state: SendState | None = None  #: of that row; filled when read
    reason: str = ""  #: why it failed, or why it was edited or removed
    buttons: tuple[Button, ...] = ()


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened to a ticket and why; reports fold over these."""

    kind: str
    at: datetime
    data: Mapping[str, Any] = {}
    ticket: int = 0
    id: int = 0


# ---------------------------------------------------------------- what a connector sends


class Button(msgspec.Struct, frozen=True, kw_only=True):
    """A choice offered to a requester; a channel without buttons shows it as a number."""

    label: str
    choice: Choice


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket as agents see it at a glance; the connector lays it out."""

    ticket: int
    reference: str
    title: str
    requester: str
    fields: tuple[tuple[str, str], ...] = ()  #: label and value, in order
    body: str = ""
    why: str = ""  #: why it came to people
    actions: tuple[Verb, ...] = ()
    link: str = ""


class Post(msgspec.Struct, frozen=True, kw_only=True, tag="post"):
    """Send this as a new message."""

    id: int = 0  #: outbox id; also the idempotency key towards services that have one
    address: Address
    kind: SendKind
    ticket: int
    text: str = ""  #: Markdown
    subject: str = ""
    language: str = "en"
    author: str = ""  #: who speaks, to show
    buttons: tuple[Button, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    card: Card | None = None
    references: tuple[str, ...] = ()  #: keys of the leg's earlier messages, oldest first; filled when claimed
    reply_key: str = ""  #: secret part of the ticket's reply address; filled when claimed
    quote: str = ""  #: what is being answered, for channels that quote
    cc: tuple[str, ...] = ()  #: mail addresses that get a copy


class Replace(msgspec.Struct, frozen=True, kw_only=True, tag="replace"):
    """Show this card instead of the one that opened the agents' thread `address.thread`."""

    id: int = 0
    address: Address
    kind: SendKind = SendKind.NOTICE
    ticket: int
    card: Card
    text: str = ""


class Remove(msgspec.Struct, frozen=True, kw_only=True, tag="remove"):
    """Take back the message `external_id`."""

    id: int = 0
    address: Address
    kind: SendKind = SendKind.NOTICE
    ticket: int
    external_id: str


Outgoing = Post | Replace | Remove


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """What the channel said when it took a message."""

    external_ids: tuple[str, ...] = ()
    state: SendState = SendState.ACCEPTED  #: or DELIVERED where the channel can tell at once
    thread: str = ""  #: thread that this message opened, when the leg had none
    keys: tuple[str, ...] = ()  #: keys by which an answer may refer to it: "mid:<…>"


class ActionResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a proposal: "done", "refused", or "accepted" (not handled within two seconds)."""

    state: str
    detail: str = ""
    ticket: int = 0
    send: int = 0  #: outbox id of the reply that can still be undone


# ---------------------------------------------------------------- what may be read


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
