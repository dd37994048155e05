"""What another configuration would have done differently, step by step of the same script. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from gateway.simulation.telling import Line

Played = Sequence[tuple[int, Sequence[Line]]]  #: line of the script, and what happened up to and with it


class Differs(msgspec.Struct, frozen=True, kw_only=True):
    """A line that only one of two configurations gives."""

    only_in: str
    script_line: int
    line: Line


def differences(one: Played, other: Played, names: tuple[str, str]) -> Iterator[Differs]:
    """Both plays side by side; tickets are compared by the order in which they were opened, not by number."""
    mine, theirs = _renumbered(one), _renumbered(other)
    for (number, ours), (_, others) in zip(mine, theirs, strict=True):
        yield from _of_step(number, list(ours), list(others), names)


def _of_step(number: int, ours: list[Line], others: list[Line], names: tuple[str, str]) -> Iterator[Differs]:
    matcher = difflib.SequenceMatcher(
        None, [_plain(line) for line in ours], [_plain(line) for line in others], autojunk=False
    )
    for what, start, end, other_start, other_end in matcher.get_opcodes():
        if what == "equal":
            continue
        for line in ours[start:end]:
            yield Differs(only_in=names[0], script_line=number, line=line)
        for line in others[other_start:other_end]:
            yield Differs(only_in=names[1], script_line=number, line=line)


def _plain(line: Line) -> bytes:
    return msgspec.json.encode(line)


def _renumbered(played: Played) -> list[tuple[int, list[Line]]]:
    """The play with its tickets named by the order in which they appear: a timer more shifts every number."""
    names: dict[str, str] = {}
    for _, lines in played:
        for line in lines:
            if line.ticket:
                names.setdefault(line.ticket, f"DG-{len(names) + 1}")
    return [(number, [_named(line, names) for line in lines]) for number, lines in played]


def _named(line: Line, names: Mapping[str, str]) -> Line:
    def new(found: re.Match[str]) -> str:
        return names.get(found[0], found[0])

    text, why = (re.sub(r"DG-\d+", new, value) for value in (line.text, line.why))
    return msgspec.structs.replace(line, ticket=names.get(line.ticket, line.ticket), text=text, why=why)
