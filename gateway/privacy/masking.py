"""What must not be read by everybody, found and replaced by its kind in the readable copy."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

import msgspec

from gateway.privacy.credentials import credentials
from gateway.privacy.national_ids import national_ids
from gateway.privacy.numbers import cards, ibans
from gateway.triage.patterns import Pattern


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """A sensitive value: what it is and where, in code points, end exclusive."""

    kind: str
    start: int
    end: int


class Masked(msgspec.Struct, frozen=True, kw_only=True):
    """The readable copy and what was taken out of it."""

    text: str
    found: tuple[Finding, ...] = ()


#: The kinds of values, most telling first: where two meet, the first keeps the place.
FINDERS: dict[str, Callable[[str], Iterator[tuple[int, int]]]] = {
    "iban": ibans,
    "card": cards,
    "national_id": national_ids,
    "credential": credentials,
}


#: Longer texts are masked anew each time instead of being kept in memory.
REMEMBERED = 10_000


def scan(text: str, never: Sequence[Pattern] = ()) -> tuple[Finding, ...]:
    """Every sensitive value in order of place, none inside another; `never` names what is none after all."""
    found = [
        Finding(kind=kind, start=start, end=end)
        for kind, finder in FINDERS.items()
        for start, end in finder(text)
    ]
    allowed = [match.span() for pattern in never for match in pattern.finditer(text)] if found else []
    found = [f for f in found if not any(start <= f.start and f.end <= end for start, end in allowed)]
    return _apart(found)


def mask(text: str, never: Sequence[Pattern] = ()) -> Masked:
    """The text with each value replaced by its kind in brackets."""
    # One message is masked for several readers within a moment: its last texts are remembered.
    return _masked(text, tuple(never)) if len(text) <= REMEMBERED else _mask(text, never)


@lru_cache(maxsize=32)
def _masked(text: str, never: tuple[Pattern, ...]) -> Masked:
    return _mask(text, never)


_PLACEHOLDER = re.compile(rf"\[(?:{'|'.join(FINDERS)})\]")


def is_masked(text: str) -> bool:
    """Whether something stands in for a value that was found here."""
    return _PLACEHOLDER.search(text) is not None


def words_of(masked: str) -> str:
    """A masked text without what stands for the values: only the writer's own words."""
    return _PLACEHOLDER.sub(" ", masked)


def _mask(text: str, never: Sequence[Pattern]) -> Masked:
    found = scan(text, never) if text else ()
    parts, at = [], 0
    for finding in found:
        parts += [text[at : finding.start], f"[{finding.kind}]"]
        at = finding.end
    return Masked(text="".join((*parts, text[at:])), found=found)


def _apart(found: list[Finding]) -> tuple[Finding, ...]:
    """One finding a place: those that meet become one, of the kind that is named first."""
    order = list(FINDERS)
    kept: list[Finding] = []
    for finding in sorted(found, key=lambda f: (f.start, -f.end)):
        if kept and finding.start < kept[-1].end:
            last = kept.pop()
            kind = min(last.kind, finding.kind, key=order.index)
            finding = Finding(kind=kind, start=last.start, end=max(last.end, finding.end))
        kept.append(finding)
    return tuple(kept)
