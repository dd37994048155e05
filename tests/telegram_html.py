"""Telegram's HTML as strictly as its server reads it, and what a keyboard may hold."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

#: core.telegram.org/bots/api#html-style
TAGS = {
    "b", "strong", "i", "em", "u", "ins", "s", "strike", "del", "tg-spoiler", "span", "a", "tg-emoji",
    "code", "pre", "blockquote",
}  # fmt: skip
_PART = re.compile(r"<(/?)([a-zA-Z0-9-]*)([^<>]*)>|&(#\d+|#x[0-9a-fA-F]+|[a-z]+);|(<)|([^<&]+|&)", re.DOTALL)
_ATTRIBUTE = re.compile(r'\s+([a-z-]+)(?:="([^"]*)")?')


class Invalid(Exception):
    """What the server would say after "Bad Request: "."""


def units(text: str) -> int:
    """Length in UTF-16 code units, as offsets of entities count."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def parse(html: str) -> tuple[str, list[dict[str, Any]]]:
    """The text and the entities of an HTML text. Raises Invalid as sendMessage does."""
    text, entities = "", []
    stack: list[tuple[str, int, str]] = []
    for match in _PART.finditer(html):
        closing, tag, rest, reference, stray, plain = match.groups()
        at = len(html[: match.start()].encode())
        if stray:
            raise Invalid(f"can't parse entities: Unclosed start tag at byte offset {at}")
        if plain is not None:
            text += plain
        elif reference is not None:
            known = reference in ("lt", "gt", "amp", "quot") or reference.startswith("#")
            text += unescape(match.group()) if known else match.group()
        elif closing:
            if not stack or stack[-1][0] != tag:
                raise Invalid(f"can't parse entities: Unmatched end tag at byte offset {at}")
            name, start, url = stack.pop()
            entities.append({"type": name, "offset": start, "length": units(text) - start, "url": url})
        else:
            stack.append((tag, units(text), _opened(tag, rest, at, stack)))
    if stack:
        raise Invalid(
            f"can't parse entities: Can't find end tag corresponding to start tag \"{stack[-1][0]}\""
        )
    return text, entities


def _opened(tag: str, rest: str, at: int, stack: list[tuple[str, int, str]]) -> str:
    if tag not in TAGS:
        raise Invalid(f'can\'t parse entities: Unsupported start tag "{tag}" at byte offset {at}')
    attributes = dict(_ATTRIBUTE.findall(rest))
    if _ATTRIBUTE.sub("", rest).strip():
        raise Invalid(f'can\'t parse entities: Unexpected attributes of "{tag}" at byte offset {at}')
    inside = [name for name, _, _ in stack]
    # "pre and code entities can't contain other entities", "blockquote entities can't be nested"
    if "code" in inside or ("pre" in inside and tag != "code"):
        raise Invalid(f"can't parse entities: an entity inside code at byte offset {at}")
    if tag == "blockquote" and "blockquote" in inside:
        raise Invalid(f"can't parse entities: nested blockquote at byte offset {at}")
    if tag == "a" and not re.match(r"(https?://|mailto:|tg://)", unescape(attributes.get("href", ""))):
        raise Invalid(f"can't parse entities: a link that leads nowhere at byte offset {at}")
    return unescape(attributes.get("href", ""))


def check_keyboard(markup: Any) -> None:
    """core.telegram.org/bots/api#inlinekeyboardmarkup. Raises Invalid."""
    if not isinstance(markup, dict) or set(markup) != {"inline_keyboard"}:
        raise Invalid("object expected as reply markup")
    buttons = [button for row in markup["inline_keyboard"] for button in row]
    if len(buttons) > 100:
        raise Invalid("reply markup is too long")
    for button in buttons:
        if not button.get("text", "").strip():
            raise Invalid("inline keyboard button text can't be empty")
        if len(set(button) & {"callback_data", "url"}) != 1 or set(button) - {"text", "callback_data", "url"}:
            raise Invalid("Text buttons are unallowed in the inline keyboard")
        if "callback_data" in button and not 1 <= len(button["callback_data"].encode()) <= 64:
            raise Invalid("BUTTON_DATA_INVALID")
        if "url" in button and not button["url"].startswith(("https://", "http://", "tg://")):
            raise Invalid("BUTTON_URL_INVALID")
