"""How a message sounds, and what private matter it is about: found by the lexicons of all languages at once.

A lexicon is one file a language; another language is another file with the same keys.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from gateway.errors import SettingsError
from gateway.text.terms import Terms, sequences, stretches

FOLDER = Path(__file__).parent / "lexicons"
#: In the order in which one of them becomes the cause of a hand-off.
MOODS = ("threat_violence", "threat_reputation", "abuse", "asks_manager", "anger")
TOPICS = ("health", "billing", "account")
_SECTIONS: Mapping[str, tuple[str, ...]] = {
    "meta": ("name", "negations", "only", "conditionals", "ordinary"),
    "mood": MOODS,
    "topics": TOPICS,
    "howto": ("asks", "mine"),
}
_TOPIC_KEYS = ("about", "own")
#: A sum, a date: somebody's own case, once it is not a how-to.
_DETAIL = re.compile(
    r"[€$£¥]\s?\d|\d\s?(?:€|\$|£|¥|eur\b|euro|usd|dollar|gbp|chf|元|块|塊)|\b\d{1,2}[./]\s?\d{1,2}[./]\s?(?:\d{2,4}\b)?"
    r"|\b\d{1,2}(?:st|nd|rd|th)?\.? (?:of )?(?:jan|feb|mar|apr|ma[iyj]|jun|jul|aug|avg|sep|o[ck]t|nov|de[cz])",
    re.IGNORECASE,
)
_LETTER = re.compile(r"[^\W\d_]")


class Sound(msgspec.Struct, frozen=True, kw_only=True):
    """What a text sounds like and is about. `own`: topics that are the writer's own case."""

    mood: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()  #: "anger: fed up": the terms that were found, as their authors wrote them


class Lexicons:
    """The terms of all languages, ready to be found."""

    def __init__(self, files: Mapping[str, Mapping[str, Any]]) -> None:
        self.languages = tuple(files)
        words = {key: [w for f in files.values() for w in f["meta"][key]] for key in _SECTIONS["meta"][1:]}
        self._terms = Terms(_merged(files), words["negations"], words["ordinary"], words["only"])
        self._howto = Terms({"asks": [t for f in files.values() for t in f["howto"]["asks"]]})
        self._mine = Terms({"mine": [w for f in files.values() for w in f["howto"]["mine"]]})

    def listen(self, text: str) -> Sound:
        """The moods and topics of a text. The same text gives the same, whatever its language is taken for."""
        found = self._terms.find(text)
        names = {each.name for each in found}
        topics = tuple(t for t in TOPICS if t in names or f"{t}.own" in names)
        mood = tuple(m for m in MOODS if m in names or (m == "anger" and _shouts(text)))
        return Sound(
            mood=mood,
            topics=topics,
            own=tuple(t for t in topics if f"{t}.own" in names or self._is_own(text, t)),
            evidence=tuple(f"{each.name}: {each.term[:60]}" for each in found[:12]),
        )

    def _is_own(self, text: str, topic: str) -> bool:
        """A sum or a date, or health at all, told by the person it concerns and not asked in general."""
        if topic == "account" or not self._mine.find(text) or self._howto.find(text):
            return False
        return topic == "health" or bool(_DETAIL.search(text[:6000]))


def _merged(files: Mapping[str, Mapping[str, Any]]) -> dict[str, list[str]]:
    terms: dict[str, list[str]] = {}
    for data in files.values():
        for mood in MOODS:
            terms.setdefault(mood, []).extend(data["mood"][mood])
        for topic in TOPICS:
            terms.setdefault(topic, []).extend(data["topics"][topic]["about"])
            terms.setdefault(f"{topic}.own", []).extend(data["topics"][topic]["own"])
    return terms


def _shouts(text: str) -> bool:
    """Five words or more in capitals that end in several marks."""
    if text.count("!") < 2:
        return False
    letters = _LETTER.findall(text[:2000])
    capitals = sum(c.isupper() for c in letters)
    if len(letters) < 16 or capitals < 0.85 * len(letters):
        return False
    return max((len(words) for words in stretches(text[:2000])), default=0) >= 5


@cache
def shipped() -> Lexicons:
    """The lexicons that come with Deskgate."""
    return load(FOLDER)


def load(folder: Path) -> Lexicons:
    """Reads every `<language>.toml`. Raises SettingsError naming file, key and remedy of each mistake."""
    files: dict[str, dict[str, Any]] = {}
    problems: list[str] = []
    for path in sorted(folder.glob("*.toml")):
        try:
            files[path.stem] = tomllib.loads(path.read_text("utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            problems.append(f"{path}: not valid TOML: {error}. Mend that line.")
            continue
        problems += [f"{path}: {problem}" for problem in _problems(files[path.stem])]
    if problems:
        raise SettingsError(problems)
    return Lexicons(files)


def _problems(data: Mapping[str, Any]) -> Iterator[str]:
    for section in data.keys() - _SECTIONS.keys():
        yield f"[{section}] is not used. Known here: {', '.join(_SECTIONS)}."
    for section, keys in _SECTIONS.items():
        given = data.get(section, {})
        for key in given.keys() - set(keys):
            yield f"[{section}] {key} is not used. Known here: {', '.join(keys)}."
        for key in keys:
            if key not in given:
                yield f"[{section}] {key} is missing. Add it as in en.toml."
            elif section == "topics":
                yield from _topic_problems(key, given[key])
            elif section != "meta":
                yield from _term_problems(f"[{section}] {key}", given[key])


def _topic_problems(topic: str, given: Mapping[str, Any]) -> Iterator[str]:
    for key in _TOPIC_KEYS:
        if key not in given:
            yield f"[topics.{topic}] {key} is missing. Add it as in en.toml."
        else:
            yield from _term_problems(f"[topics.{topic}] {key}", given[key])


def _term_problems(where: str, terms: Any) -> Iterator[str]:
    if not isinstance(terms, list):
        yield f'{where} must be a list, such as ["fed up"].'
        return
    for term in terms:
        try:
            sequences(str(term))
        except ValueError as error:
            yield f"{where}: {error}."
