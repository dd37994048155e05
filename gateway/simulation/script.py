"""A script: lines of JSON into what happens and when. Every mistake is named with its line and the remedy. Pure."""

from __future__ import annotations

import difflib
import json
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any

import msgspec

from gateway.errors import DeskgateError
from gateway.model import AgentAction, Choice, ChoiceAction, Message, Role, Verb

#: Fields of a message and of an action that a script may give as they are.
MESSAGE_FIELDS = frozenset({"account", "language", "automatic", "private", "copied", "vouched", "unreadable"})
ACTION_FIELDS = frozenset(AgentAction.__struct_fields__) - {
    *("connector", "account", "delivery_key", "at", "actor", "verb", "ticket", "address", "attachments"),
    *("seen_version", "text"),
}
SAYS = frozenset({"at", "connector", "from", "name", "subject", "text", "ticket", "files", "choice", "value"})
ACTS = frozenset({"at", "agent", "verb", "ticket", "text", "note", "role", "files"})
TICKS = frozenset({"at", "tick"})
#: Where the ticket of a line may be looked for.
REFERENCES = '"last of ana@example.com", "first of ana@example.com", "last" or "DG-7"'


class ScriptError(DeskgateError):
    """The script cannot be played; `problems` has one sentence a mistake: file, line, what is wrong, remedy."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Says(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody writes to us by a connector, or presses one of our buttons."""

    line: int
    at: datetime
    connector: str
    account: str = ""  #: "" means the first of its kind
    sender: str
    name: str = ""
    subject: str = ""
    text: str = ""
    ticket: str = ""  #: what a mail answers, "" to tell from the subject
    files: tuple[str, ...] = ()
    choice: Choice | None = None
    fields: Mapping[str, Any] = {}


class Acts(msgspec.Struct, frozen=True, kw_only=True):
    """A member of the desk does something with a ticket."""

    line: int
    at: datetime
    agent: str
    verb: Verb
    ticket: str
    text: str = ""
    role: Role | None = None
    files: tuple[str, ...] = ()
    fields: Mapping[str, Any] = {}


class Waits(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing happens until then, except what falls due."""

    line: int
    at: datetime


Step = Says | Acts | Waits


def read_script(text: str, where: str, connectors: Collection[str]) -> list[Step]:
    """Every line that is not empty. Raises ScriptError with every mistake at once.

    where       the file's name, for what is said of mistakes
    connectors  names that "connector" may have
    """
    steps: list[Step] = []
    problems: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith(("#", "//")):
            continue
        try:
            steps.append(_step(number, line, connectors))
            _in_order(steps)
        except _Mistake as mistake:
            problems.append(f"{where}:{number}: {mistake}")
    if not steps and not problems:
        problems.append(f"{where}: it holds no line. Write at least one message, see docs/simulate.md.")
    if problems:
        raise ScriptError(problems)
    return steps


class _Mistake(Exception):
    """What is wrong with one line, with the remedy."""


def _step(number: int, line: str, connectors: Collection[str]) -> Step:
    given = _object(line)
    at = _moment(given)
    if "tick" in given:
        _known(given, TICKS)
        return Waits(line=number, at=at)
    if "agent" in given or "verb" in given:
        return _acts(number, at, given)
    if "connector" in given or "from" in given:
        return _says(number, at, given, connectors)
    raise _Mistake(
        'it has neither "connector" (somebody writes), nor "agent" (somebody works), nor "tick" (time passes). Add one.'
    )


def _object(line: str) -> dict[str, Any]:
    try:
        given = json.loads(line)
    except ValueError as error:
        raise _Mistake(f"not JSON: {error}. One object a line; mend that place.") from None
    if not isinstance(given, dict):
        raise _Mistake('not an object. Write {"at": …, …} on one line.')
    return given


def _moment(given: Mapping[str, Any]) -> datetime:
    try:
        at = datetime.fromisoformat(str(given["at"]))
    except KeyError:
        raise _Mistake('"at" is missing. Say when, such as "2026-03-27T16:50:00+01:00".') from None
    except ValueError:
        raise _Mistake(f'"at": {given["at"]!r} is no time. Write "2026-03-27T16:50:00+01:00".') from None
    if at.tzinfo is None:
        raise _Mistake(f'"at": {given["at"]!r} has no zone. Add it: "+01:00", or "Z" for UTC.')
    return at


def _in_order(steps: list[Step]) -> None:
    if len(steps) > 1 and steps[-1].at < steps[-2].at:
        raise _Mistake(
            f'"at" is earlier than in line {steps[-2].line}. Sort the lines by time; time only goes on.'
        )


def _says(number: int, at: datetime, given: dict[str, Any], connectors: Collection[str]) -> Says:
    _known(given, SAYS | MESSAGE_FIELDS)
    connector, sender = _text(given, "connector"), _text(given, "from")
    for name, value in (("connector", connector), ("from", sender)):
        if not value:
            raise _Mistake(f'"{name}" is missing. Say who writes, and by which connector.')
    if connector not in connectors:
        raise _Mistake(f'"connector": {connector!r} is no channel. {_hint(connector, connectors)}')
    fields = {name: given[name] for name in MESSAGE_FIELDS - {"account"} if name in given}
    for name, value in fields.items():
        if isinstance(value, bool) != isinstance(_default(name), bool):
            raise _Mistake(
                f'"{name}" must be {"true or false" if isinstance(_default(name), bool) else "text"}.'
            )
    return Says(
        line=number,
        at=at,
        connector=connector,
        account=_text(given, "account"),
        sender=sender,
        name=_text(given, "name"),
        subject=_text(given, "subject"),
        text=_text(given, "text"),
        ticket=_text(given, "ticket"),
        files=_names(given),
        choice=_choice(given),
        fields=fields,
    )


def _default(name: str) -> object:
    return dict(
        zip(reversed(Message.__struct_fields__), reversed(Message.__struct_defaults__), strict=False)
    )[name]


def _choice(given: Mapping[str, Any]) -> Choice | None:
    if "choice" not in given:
        return None
    name = _text(given, "choice")
    if name not in list(ChoiceAction):
        raise _Mistake(f'"choice": {name!r} is no button. {_hint(name, list(ChoiceAction))}')
    return Choice(action=ChoiceAction(name), value=_text(given, "value"))


def _acts(number: int, at: datetime, given: dict[str, Any]) -> Acts:
    _known(given, ACTS | ACTION_FIELDS)
    agent, verb, role = _text(given, "agent"), _text(given, "verb"), _text(given, "role")
    if not agent or not verb:
        raise _Mistake(f'"{"verb" if agent else "agent"}" is missing. Say who does what.')
    if verb not in list(Verb):
        raise _Mistake(f'"verb": {verb!r} is nothing that an agent can do. {_hint(verb, list(Verb))}')
    if role and role not in list(Role):
        raise _Mistake(f'"role": {role!r} is no role. {_hint(role, list(Role))}')
    ticket = str(given.get("ticket") or "last")
    if not ticket_is_named(ticket):
        raise _Mistake(f'"ticket": {ticket!r} names no ticket. Write {REFERENCES}.')
    texts = (
        [_text(given, "text")] if "note" in ACTION_FIELDS else [_text(given, "text"), _text(given, "note")]
    )
    fields = {name: given[name] for name in ACTION_FIELDS if name in given}
    _convertible(fields)
    return Acts(
        line=number,
        at=at,
        agent=agent,
        verb=Verb(verb),
        ticket=ticket,
        text="\n\n".join(text for text in texts if text),
        role=Role(role) if role else None,
        files=_names(given),
        fields=fields,
    )


def ticket_is_named(name: str) -> bool:
    """Whether this is one of the ways to name a ticket."""
    plain = name.removeprefix("DG-")
    return (
        name == "last" or name.startswith(("last of ", "first of ")) or (plain.isascii() and plain.isdigit())
    )


def _convertible(fields: Mapping[str, Any]) -> None:
    """Tries the values that an action would get, so that a wrong one is named before anything is played."""
    plain = {name: value for name, value in fields.items() if name not in ("other", "also", "entry", "send")}
    try:
        action(plain)
    except msgspec.ValidationError as error:
        raise _Mistake(f"{error}. Give the value as docs/simulate.md shows it.") from None


def action(fields: Mapping[str, Any], **more: Any) -> AgentAction:
    """An AgentAction of plain values. Raises msgspec.ValidationError naming the field."""
    blank = {
        "kind": "agent_action",
        "connector": "desk",
        "account": "simulation",
        "delivery_key": "",
        "at": "2000-01-01T00:00:00Z",
        "actor": {"kind": "agent", "value": ""},
        "verb": "note",
    }
    plain = msgspec.to_builtins({**blank, **fields, **more})
    made: AgentAction = msgspec.convert(plain, AgentAction, strict=False)
    return made


def _known(given: Mapping[str, Any], known: Collection[str]) -> None:
    for name in given:
        if name not in known:
            raise _Mistake(f'"{name}" is not known here. {_hint(name, known)}')


def _hint(name: str, known: Collection[str]) -> str:
    close = difflib.get_close_matches(name, list(known), 1)
    return f"Did you mean {close[0]}?" if close else f"Known: {', '.join(sorted(known))}."


def _text(given: Mapping[str, Any], name: str) -> str:
    value = given.get(name, "")
    if not isinstance(value, str):
        raise _Mistake(f'"{name}" must be text. Put it between quotation marks.')
    return value


def _names(given: Mapping[str, Any]) -> tuple[str, ...]:
    value = given.get("files", [])
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise _Mistake('"files" must be a list of file names, such as ["bill.pdf"].')
    return tuple(value)


def accounts_named(steps: Collection[Step]) -> Iterator[tuple[str, str]]:
    """Connector and account ("" for any) of every message."""
    for step in steps:
        if isinstance(step, Says):
            yield step.connector, step.account
