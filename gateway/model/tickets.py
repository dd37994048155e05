"""The ticket: its state, its legs and people, its conversation and its history."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from gateway.model.choices import EntryKind, Priority, SendState, Side, Speaker, Status
from gateway.model.people import Address, Identity
from gateway.model.pieces import Attachment, Button
from gateway.model.watch import Watch
from gateway.model.work import Work


class BotState(msgspec.Struct, frozen=True, kw_only=True):
    """What tier 0 has done on this ticket."""

    attempts: int = 0  #: answers given since the last person or resolution
    clarified: bool = False  #: the one "did you mean" was used
    options: tuple[
        str, ...
    ] = ()  #: names of articles offered, or of topics after "topic:", in the order of their numbers
    asked: str = ""  #: the question that the last answer or clarify was about
    article: str = ""  #: name of the article last quoted
    awaiting: str = ""  #: "helped" or "choice" while the bot waits for that, else ""
    suggestion: str = ""  #: Markdown that the bot would have said, for an agent to send or edit
    sources: tuple[str, ...] = ()  #: names of the articles that it quotes
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
    work: Work = Work()
    incident: int = 0  #: the ticket that leads its incident (that may be this one), 0 for none
    watch: Watch = Watch()

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
    public: bool = False  #: others can read along there


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
