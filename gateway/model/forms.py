"""What an agent must fill in to do something: the same description for every surface that shows it as a form.

A surface draws the fields of a `VerbForm` in order, gives what was typed to `filled`, and puts the result into an
`AgentAction`. So a new verb or field needs no line in any surface.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from gateway.model.choices import Priority, Role, Verb


class FieldKind(StrEnum):
    """How a field is drawn, and how what was typed is read."""

    TEXT = "text"  # several lines, Markdown
    LINE = "line"  # one line
    CHOICE = "choice"  # one of `options`
    TAGS = "tags"  # words with commas between
    TIME = "time"  # a day and a time
    TICKET = "ticket"  # another ticket's reference
    FILES = "files"  # attachments


class Group(StrEnum):
    """Where a verb stands on a ticket's page; in this order."""

    ANSWER = "answer"
    OWN = "own"
    ASK = "ask"
    HAND_OVER = "hand_over"
    LATER = "later"
    SORT = "sort"
    INCIDENT = "incident"
    LEARN = "learn"
    MEND = "mend"
    LINE = "line"  # belongs to one line of the conversation, not to the ticket


class Option(msgspec.Struct, frozen=True, kw_only=True):
    """One choice: what is sent, and what is read."""

    value: str
    label: str


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to fill in. `name` is the attribute of AgentAction that it gives."""

    name: str
    kind: FieldKind
    label: str
    required: bool = False
    hint: str = ""
    options: tuple[Option, ...] = ()  #: of a CHOICE, in order; filled for the ticket and the reader
    value: str = ""  #: what stands there at first
    max_length: int = 20_000


class VerbForm(msgspec.Struct, frozen=True, kw_only=True):
    """One verb as it may be offered now: to this agent, on this ticket, in this installation."""

    verb: Verb
    title: str  #: what its button says
    explain: str = ""  #: one sentence for whoever uses it for the first time
    fields: tuple[Field, ...] = ()  #: none: one press does it
    role: Role = Role.AGENT  #: the least that may use it
    group: Group = Group.SORT
    bulk: bool = False  #: makes sense on many tickets at once
    preview: bool = False  #: goes to the requester: shown once more before it leaves

    @property
    def must(self) -> bool:
        """Whether something has to be filled in before it can be done."""
        return any(field.required for field in self.fields)

    def field(self, name: str) -> Field | None:
        return next((field for field in self.fields if field.name == name), None)


def filled(form: VerbForm, typed: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """The attributes for an AgentAction, and a sentence for each field that is wrong or missing.

    typed: field name -> text; a TIME is ISO 8601 with its offset. Files are the surface's own.
    """
    values: dict[str, Any] = {}
    problems: dict[str, str] = {}
    for field in form.fields:
        text = typed.get(field.name, "").strip()
        try:
            if field.required and not text:
                raise ValueError(
                    "Choose one." if field.kind is FieldKind.CHOICE else "Write something first."
                )
            if field.kind is not FieldKind.FILES:
                values[field.name] = _read(field, text)
        except ValueError as error:
            problems[field.name] = str(error)
    return values, problems


def _read(field: Field, text: str) -> Any:
    if len(text) > field.max_length:
        raise ValueError(f"At most {field.max_length:,} characters.")
    if field.name == "also":
        return tuple(dict.fromkeys(_number(part) for part in text.replace(",", " ").split()))
    match field.kind:
        case FieldKind.CHOICE:
            return _chosen(field, text)
        case FieldKind.TAGS:
            return tuple(dict.fromkeys(tag.strip().lower() for tag in text.split(",") if tag.strip()))
        case FieldKind.TIME:
            return _time(text) if text else None
        case FieldKind.TICKET:
            return _number(text)
        case _:
            return text


def _chosen(field: Field, text: str) -> Any:
    if text and field.options and all(option.value != text for option in field.options):
        raise ValueError("Choose one of those offered.")
    if field.name == "priority":
        return Priority(text) if text in tuple(Priority) else None
    if field.name in ("entry", "send", "other"):
        return _number(text)
    return text


def _time(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError("Write a day and a time, such as 2027-03-01T09:00+01:00.") from error
    if at.tzinfo is None:
        raise ValueError("The time needs its zone, such as +01:00.")
    return at


def _number(text: str) -> int:
    """The number in "42" or "DG-42"; 0 for none."""
    bare = text.strip().upper().removeprefix("DG-")
    if bare and not (bare.isascii() and bare.isdigit() and len(bare) < 16):
        raise ValueError("Write a ticket's reference, such as DG-42.")
    return int(bare) if bare else 0
