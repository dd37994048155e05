"""What a connector sends, and what it says of it."""

from __future__ import annotations

import msgspec

from gateway.model.choices import SendKind, SendState, Verb
from gateway.model.people import Address
from gateway.model.pieces import Attachment, Button


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket as agents see it at a glance; the connector lays it out."""

    ticket: int
    reference: str
    title: str
    requester: str
    fields: tuple[tuple[str, str], ...] = ()  #: label and value, in order
    body: str = ""
    why: str = ""  #: why it came to people
    suggestion: str = ""  #: what the bot would have answered: to send (SEND_SUGGESTION) or edit (REPLY)
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
    references: tuple[
        str, ...
    ] = ()  #: keys of the side's earlier messages, oldest first; filled when claimed
    answers: str = ""  #: of these the requester's newest message, which this one answers; filled when claimed
    reply_key: str = ""  #: secret part of the ticket's reply address; filled when claimed
    quote: str = ""  #: what is being answered, for channels that quote
    cc: tuple[str, ...] = ()  #: mail addresses that get a copy
    sign_in: str = ""  #: agent id: a one-time link is made when it leaves, in place of "{link}" in the text
    sources: tuple[str, ...] = ()  #: names of the articles that the bot quotes


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
