"""One outgoing message as the calls that Telegram needs for it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import msgspec

from connectors.telegram.cutting import cut, shown
from gateway.model import Attachment, Post, SendKind
from gateway.text.markup import to_telegram_html

#: Characters after entities are parsed (core.telegram.org/bots/api#sendmessage and #sendphoto).
MAX_TEXT, MAX_CAPTION = 4096, 1024
#: Bytes of a photo and of any other file that a bot may send (core.telegram.org/bots/api#sending-files).
MAX_PHOTO, MAX_FILE = 10_000_000, 50_000_000
PHOTOS = frozenset({"image/jpeg", "image/png"})
MISSING = {
    "en": "Could not be attached:",
    "sl": "Ni bilo mogoče priložiti:",
    "zh-Hans": "未能附上：",
    "zh-Hant": "未能附上：",
    "de": "Konnte nicht angehängt werden:",
    "es": "No se pudo adjuntar:",
}


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """A file with its bytes."""

    file: Attachment
    data: bytes


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One call: its method, the text or caption in HTML, and the file it carries."""

    method: str
    html: str = ""
    content: Content | None = None


def plan(post: Post, contents: Sequence[Content], lost: Sequence[str]) -> list[Step]:
    """The calls in order. A short text goes below the only file; `lost` names files that cannot be sent."""
    html = "\n\n".join(part for part in (_words(post), _gone(lost, post.language)) if part)
    if len(contents) == 1 and shown(html) <= MAX_CAPTION:
        return [_file(contents[0], html)]
    return [Step(method="sendMessage", html=piece) for piece in cut(html, MAX_TEXT)] + [
        _file(content) for content in contents
    ]


def _file(content: Content, html: str = "") -> Step:
    small = len(content.data) <= MAX_PHOTO and content.file.content_type in PHOTOS
    return Step(method="sendPhoto" if small else "sendDocument", html=html, content=content)


def _words(post: Post) -> str:
    """What is said; an agent is named, since bot and people write by the same account."""
    html = to_telegram_html(post.text)
    if post.kind is not SendKind.AGENT or not post.author.strip() or not (html or post.attachments):
        return html
    return f"<b>{escape(post.author.strip(), quote=False)}:</b>\n{html}"


def _gone(names: Sequence[str], language: str) -> str:
    if not names:
        return ""
    listed = ", ".join(f"<code>{escape(name, quote=False)}</code>" for name in names[:20])
    return f"<i>{MISSING.get(language, MISSING['en'])}</i> {listed}"


def parameters(step: Step) -> dict[str, Any]:
    """The step's own parameters, without the file."""
    if step.content is None:
        return {"text": step.html, "parse_mode": "HTML", "link_preview_options": {"is_disabled": True}}
    return {"caption": step.html, "parse_mode": "HTML"} if step.html else {}
