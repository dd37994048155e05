"""Slack's rich text blocks to Markdown: what a person formatted in the message field, without guessing.

Source: docs.slack.dev/reference/block-kit/blocks/rich-text-block. Anything that is not as documented is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from gateway.text.markup_tree import escape_marks

#: Elements of one message, and how deep lists may be nested; a message field allows far less.
MOST, DEEPEST = 2000, 8
_SIGNS = (("strike", "~~"), ("italic", "*"), ("bold", "**"))


def from_rich_text(blocks: object, *, without: str = "") -> str | None:
    """Markdown of the rich text in a message's blocks, None when they hold none. `without`: a user not to name."""
    parts = [part for block in _dicts(blocks) if block.get("type") == "rich_text" for part in _parts(block)]
    if not parts:
        return None
    return _Writer(without).parts(parts[:MOST])


def _parts(block: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return list(_dicts(block.get("elements")))


def _dicts(value: object) -> Iterable[Mapping[str, Any]]:
    return (each for each in value if isinstance(each, dict)) if isinstance(value, list | tuple) else ()


class _Writer:
    def __init__(self, without: str) -> None:
        self._without = without

    def parts(self, parts: list[Mapping[str, Any]]) -> str:
        return re.sub(r"\n{3,}", "\n\n", "".join(map(self._part, parts))).strip("\n")

    def _part(self, part: Mapping[str, Any]) -> str:
        match part.get("type"):
            case "rich_text_section":
                return _tidy(self._inline(part)) + "\n"
            case "rich_text_quote":
                lines = _tidy(self._inline(part)).split("\n")
                return "\n" + "\n".join(f"> {line}" if line else ">" for line in lines) + "\n\n"
            case "rich_text_preformatted":
                code = "".join(_bare(each) for each in _parts(part)).replace("```", "ˋˋˋ")
                return f"\n```\n{code.strip(chr(10))}\n```\n"
            case "rich_text_list":
                return self._list(part)
            case _:
                return ""

    def _list(self, part: Mapping[str, Any]) -> str:
        indent = "    " * min(_number(part.get("indent")), DEEPEST)
        first = _number(part.get("offset")) + 1
        lines = []
        for n, item in enumerate(_parts(part)):
            mark = f"{first + n}. " if part.get("style") == "ordered" else "- "
            words = _tidy(self._inline(item)).replace("\n", f"\n{indent}    ")
            lines.append(f"{indent}{mark}{words}")
        return "\n".join(lines) + "\n"

    def _inline(self, part: Mapping[str, Any]) -> str:
        return "".join(self._element(each) for each in _parts(part)[:MOST])

    def _element(self, each: Mapping[str, Any]) -> str:
        style = each.get("style")
        styles = style if isinstance(style, dict) else {}
        match each.get("type"):
            case "text" if styles.get("code"):
                return _code(_word(each, "text"))
            case "text":
                return _styled(_word(each, "text"), styles)
            case "link":
                return _link(_word(each, "url"), _word(each, "text"), styles)
            case "user" if _word(each, "user_id") == self._without and self._without:
                return ""
            case _:
                return _styled(_bare(each), styles)


def _bare(each: Mapping[str, Any]) -> str:
    """An element in words alone."""
    match each.get("type"):
        case "text":
            return _word(each, "text")
        case "link":
            return _word(each, "text") or _word(each, "url")
        case "emoji":
            return _emoji(each)
        case "user" | "usergroup" | "broadcast":
            return "@" + (_word(each, "user_id") or _word(each, "usergroup_id") or _word(each, "range"))
        case "channel":
            return "#" + _word(each, "channel_id")
        case "date":
            return _word(each, "fallback")
        case "color":
            return _word(each, "value")
        case _:
            return ""


def _emoji(each: Mapping[str, Any]) -> str:
    codes = _word(each, "unicode").split("-")
    try:
        return "".join(chr(int(code, 16)) for code in codes if not 0xD800 <= int(code, 16) <= 0xDFFF)
    except (ValueError, OverflowError):
        return f":{_word(each, 'name')}:"


def _styled(text: str, styles: Mapping[str, Any]) -> str:
    """Markdown's signs must touch the words: spaces at the edges stay outside, and each line has its own."""
    signs = [sign for name, sign in _SIGNS if styles.get(name)]
    lines = []
    for line in text.split("\n"):
        words = line.strip()
        if not words or not signs:
            lines.append(escape_marks(line))
            continue
        start, end = line[: len(line) - len(line.lstrip())], line[len(line.rstrip()) :]
        lines.append(start + "".join(signs) + escape_marks(words) + "".join(reversed(signs)) + end)
    return "\n".join(lines)


def _code(text: str) -> str:
    return f"`{text.replace('`', 'ˋ').replace(chr(10), ' ')}`" if text.strip() else text


def _link(url: str, words: str, styles: Mapping[str, Any]) -> str:
    if not re.match(r"(?:https?://|mailto:)[^\s<>]+$", url):
        return _styled(words or url, styles)
    if not words or words == url:
        return f"<{url}>"
    label = _styled(words.replace("\n", " "), styles)
    return f"[{label}]({url.replace('(', '%28').replace(')', '%29')})"


def _tidy(text: str) -> str:
    """Lines that would begin a heading, a list or a quote in Markdown are only words here."""
    return re.sub(
        r"^([ \t]*(?:\d{1,9})?)([#+\-=.)])(?=\s|$)", r"\1\\\2", text.rstrip("\n"), flags=re.MULTILINE
    )


def _number(value: object) -> int:
    return value if isinstance(value, int) and 0 < value < 10_000 else 0


def _word(each: Mapping[str, Any], name: str) -> str:
    value = each.get(name)
    return value if isinstance(value, str) else ""
