"""Markdown to Telegram's HTML and Telegram's entities to Markdown.

The subset of tags: https://core.telegram.org/bots/api#html-style. Tags are balanced because a tree is written.
"""

import re
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from markdown_it.tree import SyntaxTreeNode
from typing_extensions import override

from gateway.text.markup_tree import Writer, escape_marks, says_address


def to_telegram_html(markdown: str) -> str:
    """Telegram HTML: b, i, s, code, pre, a and blockquote only, always balanced."""
    return _TELEGRAM.write(markdown)


def from_telegram(text: str, entities: Iterable[Mapping[str, Any]]) -> str:
    """Markdown from a Telegram message; offset and length count UTF-16 code units, as in the Bot API.

    Unknown kinds are plain text; an entity that reaches beyond the text or crosses another is left out.
    """
    units = text.encode("utf-16-le", "surrogatepass")
    spans = _nested(sorted(_spans(entities, len(units) // 2), key=lambda s: (s[0], -s[1])))
    return _write(units, spans, 0, len(units) // 2)


class _Telegram(Writer):
    WRAPS = {"strong": ("<b>", "</b>"), "em": ("<i>", "</i>"), "s": ("<s>", "</s>")}  # noqa: RUF012

    @override
    def text(self, text: str) -> str:
        return escape(text, quote=False)

    @override
    def heading(self, words: str, node: SyntaxTreeNode) -> str:
        return f"<b>{words}</b>" if words.strip() else ""

    @override
    def code(self, text: str) -> str:
        return f"<code>{escape(text, quote=False)}</code>" if text.strip() else text

    @override
    def code_block(self, text: str, language: str) -> str:
        body = escape(text, quote=False)
        name = re.sub(r"[^\w+#-]", "", language)[:40]
        return f'<pre><code class="language-{name}">{body}</code></pre>' if name else f"<pre>{body}</pre>"

    @override
    def quote(self, blocks: str) -> str:
        inner = blocks.replace("<blockquote>", "").replace(
            "</blockquote>", ""
        )  # Telegram refuses nested ones
        return f"<blockquote>{inner}</blockquote>" if inner.strip() else ""

    @override
    def table(self, rows: list[list[str]]) -> str:
        return self.code_block(super().table(rows), "")

    @override
    def link(self, words: str, url: str, label: str) -> str:
        if not url.lower().startswith(("http://", "https://", "mailto:")):
            return words
        if says_address(label, url):
            return f"{words} ({escape(url, quote=False)})"
        return f'<a href="{escape(url)}">{words if label.strip() else escape(url, quote=False)}</a>'


_TELEGRAM = _Telegram()
_Span = tuple[int, int, str, str]
_SIGNS = {"bold": "**", "italic": "*", "strikethrough": "~~"}


def _spans(entities: Iterable[Mapping[str, Any]], total: int) -> Iterable[_Span]:
    for entity in entities:
        start, length = entity.get("offset"), entity.get("length")
        if isinstance(start, int) and isinstance(length, int) and 0 <= start < start + length <= total:
            yield (
                start,
                start + length,
                str(entity.get("type", "")),
                str(entity.get("url") or entity.get("language") or ""),
            )


def _nested(spans: list[_Span]) -> list[_Span]:
    kept: list[_Span] = []
    open_ends: list[int] = []
    for span in spans:
        while open_ends and open_ends[-1] <= span[0]:
            open_ends.pop()
        if len(open_ends) < 20 and (not open_ends or span[1] <= open_ends[-1]):
            kept.append(span)
            open_ends.append(span[1])
    return kept


def _write(units: bytes, spans: list[_Span], start: int, end: int) -> str:
    out: list[str] = []
    at, k = start, 0
    while k < len(spans):
        first, last, kind, extra = spans[k]
        inner_end = k + 1
        while inner_end < len(spans) and spans[inner_end][0] < last:
            inner_end += 1
        out.append(escape_marks(_cut(units, at, first)))
        out.append(_span(units, spans[k + 1 : inner_end], first, last, kind, extra))
        at, k = last, inner_end
    out.append(escape_marks(_cut(units, at, end)))
    return "".join(out)


def _span(units: bytes, inner: list[_Span], start: int, end: int, kind: str, extra: str) -> str:
    raw = _cut(units, start, end)
    match kind:
        case "pre":
            return f"\n```{re.sub(r'[^A-Za-z0-9_+#-]', '', extra)}\n{raw.replace('```', 'ˋˋˋ')}\n```\n"
        case "code":
            return f"`{raw.replace('`', 'ˋ')}`"
        case "url":
            return f"<{raw}>" if re.match(r"https?://[^\s<>]+$", raw) else escape_marks(raw)
        case "text_link" if re.match(r"(?:https?://|mailto:)\S+$", extra):
            return f"[{_write(units, inner, start, end)}]({extra.replace('(', '%28').replace(')', '%29')})"
        case "blockquote" | "expandable_blockquote":
            return (
                "\n"
                + "\n".join("> " + line for line in _write(units, inner, start, end).split("\n"))
                + "\n\n"
            )
        case _ if kind in _SIGNS:
            return _emphasis(_write(units, inner, start, end), _SIGNS[kind])
        case _:
            return _write(units, inner, start, end)


def _emphasis(words: str, sign: str) -> str:
    """Markdown's signs must touch the words: spaces at the edges stay outside, and each line has its own."""
    return "\n".join(
        _EDGES.sub(rf"\1{sign}\2{sign}\3", line) if line.strip() else line for line in words.split("\n")
    )


_EDGES = re.compile(r"^(\s*)(.*?)(\s*)$")


def _cut(units: bytes, start: int, end: int) -> str:
    return units[2 * start : 2 * end].decode("utf-16-le", "replace")
