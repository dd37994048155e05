"""`deskgate rules test`: messages with what should become of them, put to the real decision; made for CI."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from bot.answer import Bot
from gateway.errors import DeskgateError
from gateway.policy import Policy

#: What a case may expect, by the names of `deskgate triage`.
EXPECTED = (
    *("queue", "tier", "priority", "tags", "language", "mood", "sensitive", "protected", "wants_human"),
    *("thanks_only", "triggers", "rule", "cause", "answered"),
)
#: Of these a case names what must be among them; the others must be the same.
_AMONG = ("tags", "mood", "sensitive", "triggers")


class CaseError(DeskgateError):
    """A file of cases cannot be used; the text says which line and the remedy."""


class RuleCase(msgspec.Struct, frozen=True, kw_only=True):
    """A message, and what should become of it."""

    line: int
    given: Mapping[str, Any]
    expect: Mapping[str, Any]


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a case. `wrong`: one sentence for each thing that is not as expected."""

    case: RuleCase
    got: Mapping[str, Any]
    wrong: tuple[str, ...]


def read(path: Path) -> list[RuleCase]:
    """The cases of a JSON-lines file. Raises CaseError naming the line."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise CaseError(f"{path}: cannot be read ({error}). Give a file of JSON lines in UTF-8.") from None
    cases = [
        _case(path, number, line)
        for number, line in enumerate(lines, 1)
        if line.strip() and not line.startswith("#")
    ]
    if not cases:
        raise CaseError(
            f'{path}: it holds no case. Write {{"text": …, "expect": {{"queue": …}}}}, one a line.'
        )
    return cases


def _case(path: Path, number: int, line: str) -> RuleCase:
    try:
        given = json.loads(line)
    except ValueError as error:
        raise CaseError(f"{path}:{number}: not JSON: {error}. Mend that place.") from None
    expect = given.get("expect") if isinstance(given, dict) else None
    expect = {"queue": expect} if isinstance(expect, str) else expect
    if not isinstance(expect, dict) or not expect:
        raise CaseError(
            f'{path}:{number}: "expect" is missing. Add {{"queue": …}} or another of {", ".join(EXPECTED)}.'
        )
    if unknown := [name for name in expect if name not in EXPECTED]:
        raise CaseError(
            f'{path}:{number}: "expect" knows no {unknown[0]!r}. Choose from {", ".join(EXPECTED)}.'
        )
    return RuleCase(line=number, given=given, expect=expect)


def run(cases: Sequence[RuleCase], policy: Policy, bot: Bot) -> Iterator[Judged]:
    """Puts each case to the decision that a real message gets, without a database."""
    from gateway.cli.triage import triaged

    for case in cases:
        got = triaged(dict(case.given), policy, bot)
        wrong = (_wrong(name, wanted, got[name]) for name, wanted in case.expect.items())
        yield Judged(case=case, got=got, wrong=tuple(each for each in wrong if each))


def _wrong(name: str, wanted: Any, got: Any) -> str:
    if name in _AMONG:
        missing = [each for each in _listed(wanted) if each not in got]
        return (
            f"{name} should hold {', '.join(map(str, missing))}, has {', '.join(got) or 'none'}"
            if missing
            else ""
        )
    return "" if wanted == got else f"{name} should be {_shown(wanted)}, is {_shown(got)}"


def _listed(wanted: Any) -> list[Any]:
    return wanted if isinstance(wanted, list) else [wanted]


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value) or "empty"


def untried(judged: Sequence[Judged], policy: Policy) -> list[str]:
    """The rules that no case meets: nobody would notice if they broke."""
    met = {each.got["rule"] for each in judged}
    return [rule.name for rule in policy.rules.rules if rule.name not in met]
