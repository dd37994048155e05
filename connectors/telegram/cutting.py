"""A long Telegram HTML text into messages: cut where a reader would pause, open tags closed and opened again. Pure."""

from __future__ import annotations

import html
import re

_TOKEN = re.compile(r"</?[a-z]+(?: [^<>]*)?>|&(?:#\d+|[a-z]+);|[^<&]|[<&]", re.DOTALL)
_PAUSES = ("\n\n", "\n", "。", ". ", "! ", "? ", " ")


def cut(text: str, limit: int) -> list[str]:
    """Pieces that each show at most `limit` UTF-16 code units, formatted as the whole was.

    Telegram counts what is shown, not the tags (core.telegram.org/bots/api#sendmessage).
    """
    tokens = _TOKEN.findall(text)
    pieces: list[str] = []
    opened: list[str] = []
    while tokens:
        end = _end(tokens, limit)
        piece, opened = _balanced(opened, tokens[:end])
        if html.unescape(re.sub(r"<[^>]+>", "", piece)).strip():
            pieces.append(piece)
        tokens = tokens[end:]
    return pieces


def shown(text: str) -> int:
    """UTF-16 code units that a reader sees of an HTML text."""
    return sum(_width(token) for token in _TOKEN.findall(text))


def plain(text: str) -> str:
    """What a reader sees of an HTML text; links show their address."""
    linked = re.sub(r'<a href="([^"]*)">(.*?)</a>', _link, text, flags=re.DOTALL)
    return html.unescape(re.sub(r"</?[a-z]+(?: [^<>]*)?>", "", linked))


def _link(match: re.Match[str]) -> str:
    address, words = match.groups()
    return words if words == address else f"{words} ({address})"


def _width(token: str) -> int:
    if len(token) > 1 and token[0] == "<":
        return 0
    return len(html.unescape(token).encode("utf-16-le", "surrogatepass")) // 2


def _end(tokens: list[str], limit: int) -> int:
    """How many tokens make the next piece."""
    room, end = limit, 0
    while end < len(tokens) and (room := room - _width(tokens[end])) >= 0:
        end += 1
    if end == len(tokens):
        return end
    return max(1, _pause(tokens[:end]))


def _pause(tokens: list[str]) -> int:
    """Behind the last good place to pause in the later two thirds, else at the end."""
    flat = "".join(token if len(token) == 1 else "\x00" for token in tokens)
    for sign in _PAUSES:
        at = flat.rfind(sign)
        if at > len(flat) // 3:
            return at + len(sign)
    return len(tokens)


def _balanced(opened: list[str], tokens: list[str]) -> tuple[str, list[str]]:
    """The piece with tags of its own, and the tags that are still open behind it."""
    stack = list(opened)
    for token in tokens:
        if len(token) > 2 and token.startswith("</"):
            if stack:
                stack.pop()
        elif len(token) > 1 and token[0] == "<":
            stack.append(token)
    body = "".join(tokens).strip("\n") if not stack and not opened else "".join(tokens)
    closing = "".join(f"</{re.split('[ >]', tag[1:])[0]}>" for tag in reversed(stack))
    return "".join(opened) + body + closing, stack
