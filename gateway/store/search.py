"""A ticket search as a condition that both databases understand, over the masked copy only.

Words are looked for in reference, subject, people and conversation, all of them, in any order; "words in quotes"
stand together; `queue:orders`, `is:open`, `tag:refund`, `from:mia`, `owner:ana`, `priority:high` and
`in:email` narrow.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from gateway.store.tx import marks

MAX_WORDS = 8  #: more are not looked at: each one reads every line of every conversation
_TOKEN = re.compile(r'(?:([a-z]+):)?(?:"([^"]*)"?|(\S+))', re.IGNORECASE)

Clause = tuple[str, list[object]]

OPEN = ("new", "open", "pending", "on_hold")


def condition(text: str) -> Clause:
    """The WHERE condition on `tickets`, and its parameters."""
    clauses = [_clause(key.lower(), value) for key, value in _tokens(text)]
    if not clauses:
        return "1 = 1", []
    return " AND ".join(f"({sql})" for sql, _ in clauses), [
        value for _, values in clauses for value in values
    ]


def _tokens(text: str) -> list[tuple[str, str]]:
    """(filter or "", value) for each part of what was typed; an unknown filter is a word like any other."""
    found = []
    for match in _TOKEN.finditer(text):
        key, value = match[1] or "", (match[2] if match[2] is not None else match[3] or "").strip()
        if key and key.lower() not in _FILTERS:
            key, value = "", match[0].replace('"', "").strip()
        if value:
            found.append((key, value))
    return found[:MAX_WORDS]


def _clause(key: str, value: str) -> Clause:
    return _FILTERS[key](value) if key else _word(value)


def _word(value: str) -> Clause:
    like = _like(value)
    number = value.upper().removeprefix("DG-")
    known = number.isascii() and number.isdigit() and len(number) < 18
    return (
        # EXISTS and not IN: tickets are looked at from the newest on, until the page is full.
        "id = ? OR LOWER(subject) LIKE ? ESCAPE '\\' OR LOWER(tags) LIKE ? ESCAPE '\\' OR EXISTS (SELECT 1 "
        "FROM participants p WHERE p.ticket = tickets.id AND (LOWER(p.value) LIKE ? ESCAPE '\\' "
        "OR LOWER(p.name) LIKE ? ESCAPE '\\')) OR EXISTS (SELECT 1 FROM entries e "
        "WHERE e.ticket = tickets.id AND LOWER(e.text) LIKE ? ESCAPE '\\')",
        [int(number) if known else -1, like, like, like, like, like],
    )


def _status(value: str) -> Clause:
    word = value.lower().replace("-", "_")
    statuses = OPEN if word == "open" else ("resolved", "closed") if word == "done" else (word,)
    return f"status IN ({marks(len(statuses))})", list(statuses)


def _tag(value: str) -> Clause:
    return "LOWER(tags) LIKE ? ESCAPE '\\'", [f'%"{_escaped(value)}"%']


def _person(value: str) -> Clause:
    like = _like(value)
    return (
        "id IN (SELECT ticket FROM participants WHERE LOWER(value) LIKE ? ESCAPE '\\' "
        "OR LOWER(name) LIKE ? ESCAPE '\\')",
        [like, like],
    )


def _owner(value: str) -> Clause:
    if value.lower() in ("nobody", "none"):
        return "assignee = ''", []
    like = _like(value)
    return (
        "assignee IN (SELECT id FROM agents WHERE LOWER(id) LIKE ? ESCAPE '\\' OR LOWER(name) LIKE ? ESCAPE '\\')",
        [like, like],
    )


def _channel(value: str) -> Clause:
    return (
        "id IN (SELECT ticket FROM legs WHERE side = 'requester' AND connector LIKE ? ESCAPE '\\')",
        [f"{_escaped(value)}%"],
    )


_FILTERS: Mapping[str, Callable[[str], Clause]] = {
    "queue": lambda value: ("LOWER(queue) = ?", [value.lower()]),
    "is": _status,
    "tag": _tag,
    "from": _person,
    "owner": _owner,
    "priority": lambda value: ("priority = ?", [value.lower()]),
    "in": _channel,
}


def _like(value: str) -> str:
    return f"%{_escaped(value)}%"


def _escaped(value: str) -> str:
    return value.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
