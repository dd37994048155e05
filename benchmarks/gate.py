"""What the gate and the lexicons hear, and what they only imagine, kind by kind and language by language.

    python -m benchmarks.gate [--set tests/data/heard.toml] [--missed]

One line of JSON: for each kind how many of the set's sentences are heard, and the false alarms on what is ordinary.
The set has a table a language; its keys are those of tests/data/heard.toml.
"""

from __future__ import annotations

import argparse
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from benchmarks.report import progress, report
from gateway.privacy import mask
from gateway.triage.mood import MOODS, shipped

ROOT = Path(__file__).parent.parent
SHOULD = (*MOODS, "own", "values")
#: What raises no alarm: neither a mood nor a private case, nor a mask.
ORDINARY = ("calm", "howto", "numbers")

Set = Mapping[str, Mapping[str, list[str]]]
#: language, kind, text and what was heard in it
Heard = Iterator[tuple[str, str, str, frozenset[str]]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--set", type=Path, default=ROOT / "tests/data/heard.toml")
    parser.add_argument("--missed", action="store_true", help="name what is not heard, and what is imagined")
    options = parser.parse_args()
    found = list(listen(tomllib.loads(options.set.read_text("utf-8"))))
    if options.missed:
        for language, kind, text, names in found:
            if wrong(kind, names):
                print(f"{language:8} {kind:18} {sorted(names)!s:30} {text}", file=sys.stderr)
    right = sum(not wrong(kind, names) for _, kind, _, names in found)
    progress(f"{right} of {len(found)} as they should be")
    report(
        "gate", right / len(found), 0.9, 0.97,
        heard={kind: share(found, kind) for kind in SHOULD},
        false_alarms={kind: share(found, kind, wrong) for kind in ORDINARY},
        by_language=by_language(found),
    )  # fmt: skip


def listen(sets: Set) -> Heard:
    """Every sentence of the set with all that is heard in it."""
    for language, kinds in sets.items():
        for kind, texts in kinds.items():
            for text in texts:
                yield language, kind, text, heard(text)


def heard(text: str) -> frozenset[str]:
    """The moods, "own" for a private case and "values" for something to mask."""
    sound = shipped().listen(text)
    names = {*sound.mood, *(["own"] if sound.own else []), *(["values"] if mask(text).found else [])}
    return frozenset(names)


def wrong(kind: str, names: frozenset[str]) -> bool:
    """Whether a sentence of this kind was misheard: not heard at all, or imagined."""
    return bool(names) if kind in ORDINARY else kind not in names


def share(
    found: list[tuple[str, str, str, frozenset[str]]],
    kind: str,
    counts: Callable[[str, frozenset[str]], bool] = lambda kind, names: not wrong(kind, names),
) -> str:
    """Such as "29 of 30"."""
    of = [names for _, each, _, names in found if each == kind]
    return f"{sum(counts(kind, names) for names in of)} of {len(of)}"


def by_language(found: list[tuple[str, str, str, frozenset[str]]]) -> dict[str, str]:
    """What is heard of what should be, and the false alarms, a language."""
    lines = {}
    for language in dict.fromkeys(line[0] for line in found):
        should = [
            not wrong(kind, names) for each, kind, _, names in found if each == language and kind in SHOULD
        ]
        quiet = [
            wrong(kind, names) for each, kind, _, names in found if each == language and kind in ORDINARY
        ]
        lines[language] = f"{sum(should)} of {len(should)} heard, {sum(quiet)} of {len(quiet)} false alarms"
    return lines


if __name__ == "__main__":
    main()
