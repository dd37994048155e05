"""Mastodon's notifications into inputs: a mention in public, a direct message in private. Pure.

The shapes are those of docs.joinmastodon.org/entities/Notification, /Status and /Account.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from gateway.errors import InvalidPayload
from gateway.model import Address, Attachment, Identity, Message
from gateway.text.html import html_to_text

NAME = "mastodon"
#: Begins the thread of a conversation that others can read.
PUBLIC = "public/"
#: Only those who are named see it; "private" is for all followers and so no secret.
DIRECT = "direct"


class Account(msgspec.Struct):
    id: str
    acct: str
    display_name: str = ""
    bot: bool = False


class Media(msgspec.Struct):
    id: str
    type: str = "unknown"
    description: str | None = None


class Status(msgspec.Struct):
    id: str
    created_at: str
    visibility: str
    content: str
    account: Account
    in_reply_to_id: str | None = None
    language: str | None = None
    media_attachments: list[Media] = []
    spoiler_text: str = ""


class Notification(msgspec.Struct):
    id: str
    type: str
    account: Account
    status: Status | None = None


def read(payload: Mapping[str, Any]) -> Notification:
    """Raises InvalidPayload when a field that we need is not as documented."""
    try:
        return msgspec.convert(payload, Notification)
    except msgspec.ValidationError as error:
        raise InvalidPayload(f"mastodon: {error}") from error


def normalize(payload: Mapping[str, Any], now: datetime, account: str, own: str) -> list[Message]:
    """The message in one notification, none for what is no business of ours.

    own   id of our own account. Raises InvalidPayload.
    """
    notification = read(payload)
    status = notification.status
    if notification.type != "mention" or status is None or status.account.id == own:
        return []
    acct = status.account.acct.lower()
    text = _spoken(status)
    return [
        Message(
            connector=NAME,
            account=account,
            delivery_key=notification.id,
            at=_moment(status.created_at, now),
            address=_address(status, account, acct),
            sender=Identity(kind=NAME, value=acct, name=status.account.display_name or acct, verified=True),
            text=text,
            language=(status.language or "")[:20],
            attachments=tuple(_listed(media) for media in status.media_attachments),
            message_key=key(account, status.id),
            version=hashlib.sha256(text.encode()).hexdigest()[:12],
            refers_to=(key(account, status.in_reply_to_id),) if status.in_reply_to_id else (),
            automatic="bot account" if status.account.bot else "",
            private=status.visibility == DIRECT,
        )
    ]


def key(account: str, status: str) -> str:
    """By which a later post refers to this one."""
    return f"{NAME}:{account}/{status}"


def is_public(address: Address) -> bool:
    """Whether others can read along there."""
    return address.thread.startswith(PUBLIC)


def _address(status: Status, account: str, acct: str) -> Address:
    """In private a person is one conversation; in public each thread is one, by the post that we answer."""
    thread = "" if status.visibility == DIRECT else f"{PUBLIC}{status.in_reply_to_id or status.id}"
    return Address(connector=NAME, account=account, conversation=acct, thread=thread)


def _spoken(status: Status) -> str:
    """The words without the names at their beginning, which only say whom they are for."""
    text = html_to_text(status.content).strip()
    said = re.sub(r"^(?:@[\w.-]+(?:@[\w.-]+)?(?:\s*\(https?://[^)\s]*\))?[\s,:]*)+", "", text)
    warned = f"{status.spoiler_text}\n\n{said}" if status.spoiler_text else said
    return warned.strip()


def _listed(media: Media) -> Attachment:
    name = (media.description or media.type)[:100]
    return Attachment(
        filename=f"{name} ({media.id})", skipped="It stays on Mastodon; open the post to see it."
    )


def _moment(text: str, now: datetime) -> datetime:
    """The time of a post (ISO 8601), `now` for none."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return now
    return found if found.tzinfo else found.replace(tzinfo=UTC)
