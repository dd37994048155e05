"""What the API takes and gives, as structs: requests are checked by them, and the OpenAPI document is made of them."""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from gateway.errors import InvalidPayload
from gateway.model import (
    Address,
    AgentAction,
    Attachment,
    Choice,
    ChoiceAction,
    Entry,
    Event,
    Identity,
    Message,
    Ticket,
    Verb,
    reference,
)
from gateway.views import TicketLine

NAME = "api"

#: No control characters: they are nobody's name and no database's text.
Id = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
Short = Annotated[str, Meta(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
Long = Annotated[str, Meta(max_length=100_000, pattern=r"^[^\x00]*$")]
Number = Annotated[int, Meta(ge=0, le=2**53)]


class _Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Fields that we do not know are mistakes, and said so."""


class Person(_Body, frozen=True, kw_only=True):
    """Who writes. `id` is the program's own name for them: an address, a customer number."""

    id: Id
    name: Short = ""


class File(_Body, frozen=True, kw_only=True):
    """A file that travels along. `content` is base64."""

    filename: Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f/\\]+$")]
    content_type: Annotated[str, Meta(max_length=100, pattern=r"^[a-z0-9.+-]+/[a-z0-9.+-]+$")] = (
        "application/octet-stream"
    )
    content: Annotated[str, Meta(pattern=r"^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$")]


class Pressed(_Body, frozen=True, kw_only=True):
    """A button of ours that the person pressed, as it stood in `buttons`."""

    action: ChoiceAction
    value: Short = ""
    ticket: Number = 0


class NewMessage(_Body, frozen=True, kw_only=True, rename={"sender": "from"}):
    """What a person says. Messages of one `conversation` belong together; without it, each person is one."""

    sender: Person
    text: Long = ""
    subject: Short = ""
    conversation: Annotated[str, Meta(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""
    language: Annotated[str, Meta(max_length=20, pattern=r"^[A-Za-z0-9-]*$")] = ""
    files: Annotated[tuple[File, ...], Meta(max_length=20)] = ()
    choice: Pressed | None = None


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """The message is kept. `duplicate`: this Idempotency-Key was used before, and nothing was added."""

    id: int
    duplicate: bool = False


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """One button."""

    label: str
    action: ChoiceAction
    value: str = ""
    ticket: int = 0


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a conversation. kind: message, answer, notice, reply, or note (which only the desk sees)."""

    id: int
    kind: str
    at: datetime
    author: str
    text: str
    files: tuple[str, ...] = ()
    buttons: tuple[Shown, ...] = ()
    state: str = ""


class Lines(msgspec.Struct, frozen=True, kw_only=True):
    """A page; `next` is the `after` of the next one, null on the last."""

    items: tuple[Line, ...]
    next: int | None = None


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket as lists show it."""

    id: int
    reference: str
    subject: str
    requester: str
    channel: str
    status: str
    queue: str
    tier: int
    priority: str
    owner: str
    tags: tuple[str, ...]
    language: str
    created_at: datetime
    updated_at: datetime


class Rows(msgspec.Struct, frozen=True, kw_only=True):
    """A page, newest first; `next` is the `before` of the next one, null on the last."""

    items: tuple[Row, ...]
    next: int | None = None


class Happened(msgspec.Struct, frozen=True, kw_only=True):
    """An event of a ticket, with its reasons."""

    id: int
    kind: str
    at: datetime
    data: dict[str, Any]


class Events(msgspec.Struct, frozen=True, kw_only=True):
    """A page; `next` is the `after` of the next one, null on the last."""

    items: tuple[Happened, ...]
    next: int | None = None


class Whole(Row, frozen=True, kw_only=True):
    """A ticket, and what the member may do with it now."""

    cause: str
    protected: bool
    speaker: str
    verbs: tuple[str, ...]


class Action(_Body, frozen=True, kw_only=True):
    """What a member does. Which fields a verb takes is as on the desk."""

    verb: Verb
    text: Annotated[str, Meta(max_length=20_000, pattern=r"^[^\x00]*$")] = ""
    queue: Short = ""
    cause: Short = ""
    colleague: Short = ""
    value: Short = ""
    tags: Annotated[tuple[Short, ...], Meta(max_length=20)] = ()
    priority: Literal["low", "normal", "high", "urgent"] | None = None
    until: Annotated[int, Meta(ge=0, le=32_000_000_000, description="Unix time in seconds.")] | None = None
    send: Number = 0
    entry: Number = 0
    other: Number = 0
    files: Annotated[tuple[File, ...], Meta(max_length=20)] = ()


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """state: done, or accepted when it takes longer. `send`: the reply that can still be undone."""

    state: str
    detail: str
    ticket: int
    send: int = 0


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """RFC 9457. `detail` says what is wrong and the remedy."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str


# ---------------------------------------------------------------- in


def message(body: NewMessage, *, account: str, app: str, key: str, now: datetime, largest: int) -> Message:
    """The core's words for it. Raises InvalidPayload for a file that is none, or too large."""
    conversation = f"{app}:{body.conversation or body.sender.id}"
    choice = body.choice and Choice(
        action=body.choice.action, value=body.choice.value, ticket=body.choice.ticket
    )
    return Message(
        connector=NAME,
        account=account,
        delivery_key=f"{app}/{key}",
        at=now,
        address=Address(connector=NAME, account=account, conversation=conversation),
        sender=Identity(kind=NAME, value=f"{app}:{body.sender.id}", name=body.sender.name or body.sender.id),
        text=body.text,
        subject=body.subject,
        language=body.language,
        message_key="" if choice else f"{NAME}:{account}/{app}/{key}",
        version="1",
        choice=choice or None,
        attachments=attachments(body.files, largest),
    )


def attachments(files: tuple[File, ...], largest: int) -> tuple[Attachment, ...]:
    return tuple(_attachment(file, largest) for file in files)


def _attachment(file: File, largest: int) -> Attachment:
    try:
        content = base64.b64decode(file.content, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidPayload(f"files: {file.filename!r} is no base64. Encode it again.") from error
    if len(content) > largest:
        raise InvalidPayload(
            f"files: {file.filename!r} is larger than {largest} bytes. Leave it out, or make it smaller."
        )
    return Attachment(
        filename=file.filename, content_type=file.content_type, size=len(content), content=content
    )


def action(
    body: Action, *, account: str, app: str, key: str, agent: str, ticket: int, now: datetime, largest: int
) -> AgentAction:
    """What the member proposes. Raises InvalidPayload."""
    fields = {
        name: value
        for name in (
            "queue",
            "cause",
            "colleague",
            "value",
            "tags",
            "send",
            "entry",
            "other",
            "text",
        )
        if (value := getattr(body, name))
    }
    if body.priority:
        fields["priority"] = body.priority
    if body.until is not None:
        fields["until"] = datetime.fromtimestamp(body.until, UTC)
    plain = msgspec.to_builtins(fields)
    made: AgentAction = msgspec.convert(
        {
            **plain, "kind": "agent_action", "connector": NAME, "account": account, "delivery_key": f"{app}/act/{key}",
            "at": now.isoformat(), "verb": body.verb, "ticket": ticket,
            "actor": {"kind": "agent", "value": agent, "verified": True},
        },
        AgentAction,
        strict=False,
    )  # fmt: skip
    return msgspec.structs.replace(made, attachments=attachments(body.files, largest))


# ---------------------------------------------------------------- out


def line(entry: Entry) -> Line:
    return Line(
        id=entry.id,
        kind=entry.kind.value,
        at=entry.at,
        author=entry.author,
        text=entry.text,
        files=tuple(file.filename for file in entry.attachments),
        buttons=tuple(
            Shown(label=b.label, action=b.choice.action, value=b.choice.value, ticket=b.choice.ticket)
            for b in entry.buttons
        ),
        state=entry.state.value if entry.state else "",
    )


def row(found: TicketLine) -> Row:
    return Row(
        id=found.id, reference=found.reference, subject=found.subject, requester=found.requester,
        channel=found.channel, status=found.status, queue=found.queue, tier=found.tier, priority=found.priority,
        owner=found.assignee, tags=found.tags, language=found.language, created_at=found.created_at,
        updated_at=found.updated_at,
    )  # fmt: skip


def whole(ticket: Ticket, requester: str, channel: str, verbs: tuple[str, ...]) -> Whole:
    return Whole(
        id=ticket.id, reference=reference(ticket.id), subject=ticket.subject, requester=requester, channel=channel,
        status=ticket.status.value, queue=ticket.queue, tier=ticket.tier, priority=ticket.priority.value,
        owner=ticket.assignee, tags=ticket.tags, language=ticket.language, created_at=ticket.created_at,
        updated_at=ticket.updated_at, cause=ticket.cause, protected=ticket.protected, speaker=ticket.speaker.value,
        verbs=verbs,
    )  # fmt: skip


def happened(event: Event) -> Happened:
    return Happened(id=event.id, kind=event.kind, at=event.at, data=dict(event.data))
