"""Who wrote the mail that somebody passes on, as the copied header in a forward says. Knows no MIME."""

from __future__ import annotations

import re

from gateway.text.reply import header_label, is_forward_line, is_forward_subject
from gateway.text.reply_words import Label

#: Lines in which a forward begins, and in which its copied header stands after that.
_LINES, _HEADER = 400, 40
_ADDRESS = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")


def original_sender(text: str, *, subject: str = "") -> tuple[str, str] | None:
    """Name and lower-cased address of whoever wrote the forwarded mail; None when it is no forward or does not say."""
    lines = text.split("\n", _LINES)[:_LINES]
    start = next((i + 1 for i, line in enumerate(lines) if is_forward_line(line[:200])), None)
    if start is None and not is_forward_subject(subject):
        return None
    for line in lines[start or 0 : (start or 0) + _HEADER]:
        if header_label(line) is Label.SENDER:
            return _person(re.split(r"[:：]", line[:500], maxsplit=1)[-1])
    return None


def _person(value: str) -> tuple[str, str] | None:
    found = _ADDRESS.search(value)
    if found is None:
        return None
    name = re.split(r"[<\[(]", value[: found.start()], maxsplit=1)[0].strip(" \t*_\"'\u200e\u00a0")
    return name, found.group().lower().rstrip(".")
