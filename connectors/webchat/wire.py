"""What browser and server say to each other, and how that becomes the core's words. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any

import msgspec

from gateway.errors import InvalidPayload
from gateway.model import (
    Address,
    Attachment,
    Choice,
    ChoiceAction,
    Entry,
    EntryKind,
    Identity,
    Message,
    Offer,
    SendState,
)
from gateway.text.markup import to_html

NAME = "webchat"

#: Bytes of one frame or JSON body, checked before it is parsed.
MAX_FRAME = 32 * 1024

_Id = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
_Language = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9-]{0,20}$")]
_ADDRESS = re.compile(
    r"[^\s@<>\"(),:;\\\[\]]{1,64}@[^\s@<>\"(),:;\\\[\]/]{1,190}\.[^\s@<>\"(),:;\\\[\]/.\d]{2,63}"
)


class Hello(msgspec.Struct, tag_field="type", tag="hello"):
    """The first frame on a WebSocket: who is here."""

    token: str


class Say(msgspec.Struct, tag_field="type", tag="message"):
    """The visitor wrote something. `id` is the browser's own, the same when it is sent again."""

    id: _Id
    text: str
    lang: _Language = ""


class Press(msgspec.Struct, tag_field="type", tag="choice"):
    """The visitor pressed a button."""

    id: _Id
    label: Annotated[str, msgspec.Meta(max_length=300)]
    action: ChoiceAction
    value: Annotated[str, msgspec.Meta(max_length=200)] = ""
    ticket: int = 0
    lang: _Language = ""


class Email(msgspec.Struct, tag_field="type", tag="email"):
    """The visitor left an address, so that the answer finds them."""

    id: _Id
    address: Annotated[str, msgspec.Meta(max_length=254)]


class Seen(msgspec.Struct, tag_field="type", tag="seen"):
    """The browser shows these sends (outbox ids)."""

    ids: Annotated[list[int], msgspec.Meta(max_length=300)]


class Typing(msgspec.Struct, tag_field="type", tag="typing"):
    """The visitor is writing."""


class Session(msgspec.Struct):
    """The wish for a token; `resume` comes from the link in a mail."""

    resume: Annotated[str, msgspec.Meta(max_length=200)] = ""


Spoken = Say | Press | Email
Frame = Hello | Say | Press | Email | Seen | Typing

_decoder: msgspec.json.Decoder[Hello | Say | Press | Email | Seen | Typing] = msgspec.json.Decoder(Frame)
_sessions = msgspec.json.Decoder(Session)


def read_frame(data: bytes | str) -> Frame:
    """One frame. Raises InvalidPayload when it is too large or none of ours."""
    if len(data) > MAX_FRAME:
        raise InvalidPayload(f"At most {MAX_FRAME // 1024} KB at once.")
    try:
        return _decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise InvalidPayload(str(error)) from error


def read_session(data: bytes) -> Session:
    """The body of a request for a token. Raises InvalidPayload."""
    try:
        return _sessions.decode(data or b"{}")
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise InvalidPayload(str(error)) from error


def normalize(
    spoken: Spoken, *, visitor: str, here: Address, now: datetime, link: str = "", mail: str = ""
) -> Message:
    """The core's message. `link`: path back to this chat; `mail`: account that an offered address belongs to.

    Raises InvalidPayload for an empty text or an address that is none.
    """
    key = f"{visitor}:{spoken.id}"
    text, choice, offer, language = "", None, None, ""
    match spoken:
        case Say(text=said, lang=language):
            text = _said(said)
        case Press(label=label, lang=language):
            text = label
            choice = Choice(action=spoken.action, value=spoken.value, ticket=spoken.ticket)
        case Email(address=address):
            offer = _offer(address, mail, link)
    return Message(
        connector=NAME, account=here.account, delivery_key=key, at=now, address=here, language=language,
        sender=Identity(kind=NAME, value=visitor, verified=True), text=text, choice=choice, offer=offer,
        message_key=key, version=_version(text, choice, offer),
    )  # fmt: skip


def file_message(
    file: Attachment, client: str, *, visitor: str, here: Address, now: datetime, language: str = ""
) -> Message:
    """The core's message for one uploaded file."""
    key = f"{visitor}:{client}"
    return Message(
        connector=NAME, account=here.account, delivery_key=key, at=now, address=here, language=language,
        sender=Identity(kind=NAME, value=visitor, verified=True), attachments=(file,), message_key=key,
        version=hashlib.sha256(file.content).hexdigest()[:16],
    )  # fmt: skip


def show(entries: Iterable[Entry], visitor: str) -> list[dict[str, Any]]:
    """Entries as the browser gets them; notes are left out here too, whatever the core handed over."""
    return [_line(entry, visitor) for entry in entries if entry.kind is not EntryKind.NOTE]


def _line(entry: Entry, visitor: str) -> dict[str, Any]:
    mine, _, client = entry.message_key.partition(":")
    return {
        "id": entry.id,
        "kind": entry.kind.value,
        "author": entry.author,
        "html": to_html(entry.text),
        "at": entry.at.isoformat(),
        "state": _state(entry.state),
        "send": entry.send,
        "client": client if mine == visitor else "",
        "buttons": [{"label": b.label, "choice": msgspec.to_builtins(b.choice)} for b in entry.buttons],
        "attachments": [_file(a) for a in entry.attachments],
    }


def _state(state: SendState | None) -> str:
    return state.value if state else ""


def _file(attachment: Attachment) -> dict[str, Any]:
    kept = attachment.sha256 if not attachment.skipped else ""
    return {"name": attachment.filename, "size": attachment.size, "sha256": kept}


def _said(text: str) -> str:
    if not text.strip():
        raise InvalidPayload("The message is empty.")
    return text.strip()


def _offer(address: str, account: str, link: str) -> Offer:
    value = address.strip().lower()
    if not account or not _ADDRESS.fullmatch(value):
        raise InvalidPayload("That does not look like an e-mail address.")
    where = Address(connector="email", account=account, conversation=value)
    return Offer(identity=Identity(kind="email", value=value), address=where, link=link)


def _version(text: str, choice: Choice | None, offer: Offer | None) -> str:
    return hashlib.sha256(msgspec.json.encode((text, choice, offer))).hexdigest()[:16]
