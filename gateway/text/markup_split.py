"""A long text into pieces that a channel takes, cut where a reader would pause."""

import re

_FENCE = re.compile(r"^ {0,3}(```+|~~~+)(.*)$", re.MULTILINE)
_SENTENCE = re.compile(r"[.!?。！？…](?:\s|(?<=[。！？]))")


def split(text: str, limit: int) -> list[str]:
    """Pieces of at most limit characters, cut between paragraphs, lines, sentences or words, in that order.

    A code fence that is cut is closed at the end of one piece and opened again in the next.
    Raises ValueError when limit is under 40, too little for a fence.
    """
    if limit < 40:
        raise ValueError("limit must be 40 characters or more")
    pieces: list[str] = []
    rest, fence = text.strip("\n"), ""
    while rest:
        head = f"{fence}\n" if fence else ""
        if len(head) + len(rest) <= limit and not (fence and not _closes(head + rest)):
            pieces.append(head + rest)
            break
        room = limit - len(head) - 5
        piece, rest = _cut(rest, room)
        fence = _open_fence(head + piece)
        pieces.append(head + piece + ("\n" + _mark(fence) if fence else ""))
    return [p for p in pieces if p.strip()]


def _cut(text: str, room: int) -> tuple[str, str]:
    if len(text) <= room:
        return text, ""
    window = text[:room]
    for sign in ("\n\n", "\n"):
        at = window.rfind(sign)
        if at > room // 3:
            return window[:at].rstrip("\n"), text[at:].lstrip("\n")
    ends = [m.end() for m in _SENTENCE.finditer(window)]
    at = ends[-1] if ends and ends[-1] > room // 3 else window.rfind(" ")
    if at <= room // 3:
        at = room
    return text[:at].rstrip(" "), text[at:].lstrip(" ")


def _open_fence(piece: str) -> str:
    """The line that opened the fence in which the piece ends, or nothing."""
    opened = ""
    for match in _FENCE.finditer(piece):
        if not opened:
            opened = match.group(1)[:3] + match.group(2).strip()[:20]
        elif match.group(1).startswith(_mark(opened)) and not match.group(2).strip():
            opened = ""
    return opened


def _mark(fence: str) -> str:
    return fence[:3]


def _closes(piece: str) -> bool:
    return not _open_fence(piece)
