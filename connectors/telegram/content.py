"""What a Telegram message holds: its words as Markdown, its files, and what we cannot read. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from connectors.telegram.payloads import Entity, File, Message
from gateway.model import Attachment
from gateway.text.markup import from_telegram

#: What a person said in a form that no field of ours holds: people look at the original.
FOREIGN = frozenset("story paid_media poll checklist game invoice rich_message".split())  # noqa: SIM905


class Spoken(msgspec.Struct, frozen=True, kw_only=True):
    """Words and the marks upon them, before they become Markdown."""

    text: str
    entities: tuple[Entity, ...] = ()

    def part(self, entity: Entity) -> str:
        """The words that an entity covers."""
        units = self.text.encode("utf-16-le", "surrogatepass")
        covered = units[2 * max(entity.offset, 0) : 2 * max(entity.offset + entity.length, 0)]
        return covered.decode("utf-16-le", "replace")

    def without(self, gone: Entity) -> Spoken:
        """The same without what one entity covers; later entities move up."""
        units = self.text.encode("utf-16-le", "surrogatepass")
        start, end = gone.offset, gone.offset + gone.length
        text = (units[: 2 * start] + units[2 * end :]).decode("utf-16-le", "replace")
        kept = [_moved(entity, gone) for entity in self.entities if entity is not gone]
        return Spoken(text=text, entities=tuple(entity for entity in kept if entity.length > 0))

    def markdown(self) -> str:
        """As Markdown; a sign that means nothing at Telegram means nothing there either."""
        return from_telegram(self.text, [msgspec.to_builtins(entity) for entity in self.entities]).strip()


def spoken(message: Message) -> Spoken:
    """The words of a message or the caption of its file."""
    if message.text:
        return Spoken(text=message.text, entities=tuple(message.entities))
    return Spoken(text=message.caption, entities=tuple(message.caption_entities))


def _moved(entity: Entity, gone: Entity) -> Entity:
    end = gone.offset + gone.length
    if entity.offset >= end:
        return msgspec.structs.replace(entity, offset=entity.offset - gone.length)
    if entity.offset <= gone.offset and entity.offset + entity.length >= end:
        return msgspec.structs.replace(entity, length=entity.length - gone.length)
    return entity


def described(message: Message) -> str:
    """A contact or a place in words, since neither is a file nor a text."""
    if message.contact is not None:
        name = f"{message.contact.first_name} {message.contact.last_name}".strip()
        return _typed(f"{name}, {message.contact.phone_number}" if name else message.contact.phone_number)
    place = ""
    if message.venue is not None:
        place = ", ".join(part for part in (message.venue.title, message.venue.address) if part)
    if message.location is not None:
        at = f"{message.location.latitude:.6f}, {message.location.longitude:.6f}"
        place = f"{place} ({at})" if place else at
    return _typed(place)


def _typed(text: str) -> str:
    return Spoken(text=text).markdown()


def foreign(payload: Mapping[str, Any]) -> str:
    """Why a message that holds nothing we read must be looked at; "" for service messages."""
    kinds = sorted(FOREIGN & payload.keys())
    return f"Telegram sent what Deskgate cannot show ({', '.join(kinds)})." if kinds else ""


# ---------------------------------------------------------------- files


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """A file that a message names, and the attachment it becomes if nothing is fetched."""

    file_id: str
    attachment: Attachment


_TYPES: tuple[tuple[str, str, str], ...] = (
    ("document", "file", "application/octet-stream"),
    ("voice", "voice.ogg", "audio/ogg"),
    ("video", "video.mp4", "video/mp4"),
    ("audio", "audio.mp3", "audio/mpeg"),
    ("animation", "animation.mp4", "video/mp4"),
    ("video_note", "video-note.mp4", "video/mp4"),
)
_KINDS = frozenset({"photo", "sticker", *(field for field, _, _ in _TYPES)})


def files(message: Message) -> list[Listed]:
    """The files of a message: of a photo its largest size, of an animation no second copy."""
    found: list[Listed] = []
    if message.photo:
        largest = max(message.photo, key=lambda size: (size.width * size.height, size.file_size))
        found.append(_listed(largest, f"photo-{message.message_id}.jpg", "image/jpeg"))
    for field, name, kind in _TYPES:
        file: File | None = getattr(message, field)
        # An animation also fills in `document`, for old clients.
        if file is not None and not (field == "document" and message.animation is not None):
            found.append(_listed(file, name, kind))
    if message.sticker is not None:
        found.append(_sticker(message.sticker))
    return found


def brings_file(update: object) -> bool:
    """Whether an update as Telegram sent it has a message with a file."""
    message = update.get("message") if isinstance(update, dict) else None
    return isinstance(message, dict) and not _KINDS.isdisjoint(message)


def _sticker(file: File) -> Listed:
    """A picture beside the conversation, not a file that somebody is to look at."""
    name, kind = "sticker.webp", "image/webp"
    if file.is_animated:
        name, kind = "sticker.tgs", "application/x-tgsticker"
    elif file.is_video:
        name, kind = "sticker.webm", "video/webm"
    listed = _listed(file, name, kind)
    return msgspec.structs.replace(listed, attachment=msgspec.structs.replace(listed.attachment, inline=True))


def _listed(file: File, name: str, kind: str) -> Listed:
    attachment = Attachment(
        filename=clean_name(file.file_name) or name,
        content_type=file.mime_type[:100] or kind,
        size=max(0, file.file_size),
        skipped="left in Telegram",
    )
    return Listed(file_id=file.file_id, attachment=attachment)


_UNSAFE = re.compile(r"[\x00-\x1f\x7f/\\\u202a-\u202e\u2066-\u2069]+")


def clean_name(name: str) -> str:
    """A file name without folders, control characters and tricks of direction."""
    return _UNSAFE.sub("_", name).strip(". ")[:200]


def attachments(listed: Iterable[Listed]) -> tuple[Attachment, ...]:
    return tuple(each.attachment for each in listed)
