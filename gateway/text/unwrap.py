"""Markdown whose paragraphs were wrapped by an editor, as one line a paragraph.

In an article a line break inside a paragraph is a space; in what a person types in a chat it is meant. Quoting an
article in a message therefore takes the wrapping out first.
"""

from __future__ import annotations

import re

#: Lines that begin something of their own: a list item, heading, quote, table row, rule or fence.
_BEGINS = re.compile(r"\s*([-*+]\s|\d{1,9}[.)]\s|#{1,6}\s|>|\||```|~~~|([-*_]\s*){3,}$)")
_FENCE = re.compile(r"\s*(```|~~~)")
_HARD_BREAK = re.compile(r"(  +|\\)$")


def unwrap(markdown: str) -> str:
    """Joins the lines of each paragraph and list item; code, tables and hard breaks stay as they are."""
    lines: list[str] = []
    fenced = False
    for line in markdown.split("\n"):
        if _FENCE.match(line):
            fenced = not fenced
            lines.append(line)
        elif fenced or not lines or not _continues(lines[-1], line):
            lines.append(line)
        else:
            lines[-1] = f"{lines[-1].rstrip()}{_gap(lines[-1], line)}{line.strip()}"
    return "\n".join(lines)


def _continues(before: str, line: str) -> bool:
    starts = before.lstrip()
    whole = (
        not before.strip()
        or starts.startswith(("#", "|"))
        or _FENCE.match(before)
        or _HARD_BREAK.search(before)
    )
    return bool(line.strip()) and not whole and not _BEGINS.match(line)


def _gap(before: str, line: str) -> str:
    """No space between two characters of a script that has none."""
    ends, begins = before.rstrip()[-1], line.strip()[0]
    return "" if ends > "\u2e7f" and begins > "\u2e7f" else " "
