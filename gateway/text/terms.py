"""Terms in a text: sequences of words, found in its folded words whatever the inflection, with one slip a word.

A term: `charged .. twice` (up to four words between, eight signs of an unspaced script), `refund*` (any ending),
`(pay|paid) me back` (one of these). Punctuation ends a stretch; what stands in quotes was said by somebody else.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from rapidfuzz import process
from rapidfuzz.distance import OSA

from gateway.text.normal import UNSPACED, fold

#: Characters of a text that are read: its beginning and its end.
LOOKED_AT = 6000
_QUOTED = re.compile(
    r"“[^”\n]{1,300}”|„[^“”\n]{1,300}[“”]|«[^»\n]{1,300}»|»[^«\n]{1,300}«|「[^」\n]{1,300}」|『[^』\n]{1,300}』"
    r"|(?<!\w)\"[^\"\n]{1,300}\"(?!\w)|^[ \t]*>.*$",
    re.MULTILINE,
)
_TOKEN = re.compile(rf"[{UNSPACED}]|[^\W_{UNSPACED}]+|[.!?;:,()\n。，！？；：、…]")
_APOSTROPHE = re.compile(r"['’‘`´]")
_SLOT = re.compile(rf"\.\.|[{UNSPACED}]|[^\W_{UNSPACED}]+\*?")
_CHOICE = re.compile(r"\(([^()]*)\)")
_STRETCHED = re.compile(r"([^\W\d_])\1{2,}")
_HAN = re.compile(rf"[{UNSPACED}]")
_GAP = ".."
_GAP_WORDS, _GAP_SIGNS = 4, 8
#: A negation counts this many words before a term.
_NEGATED_WITHIN = 3
#: Words shorter than this are not corrected: their neighbours are too many.
_FUZZY_FROM = 6
#: Most words sequences that one term may stand for.
_MOST = 1000


#: One place of a term: the words that may stand there, None for a gap.
Slot = frozenset[str] | None


class Found(NamedTuple):
    """A term that occurs: the name it was given, and how its author wrote it."""

    name: str
    term: str


class _Term(NamedTuple):
    name: str
    source: str
    slots: tuple[Slot, ...]
    needs: tuple[frozenset[str], ...]  #: the slots that are no gaps


class Terms:
    """Named terms in one index; `negations` before a term undo it, `ordinary` words are never corrected."""

    def __init__(
        self,
        terms: Mapping[str, Iterable[str]],
        negations: Iterable[str] = (),
        ordinary: Iterable[str] = (),
        only: Iterable[str] = (),
    ) -> None:
        self._terms: list[_Term] = []
        self._index: dict[str, list[int]] = {}  #: by one option of each term: where they stand in the list
        self._negations = frozenset(_APOSTROPHE.sub("", fold(word)) for word in negations)
        self._only = frozenset(fold(word) for word in only)
        self._ordinary = frozenset(fold(word) for word in ordinary)
        vocabulary: set[str] = set()
        for name, sources in terms.items():
            for source in sources:
                for slots in sequences(source):
                    term = _Term(name, source, slots, tuple(slot for slot in slots if slot))
                    self._add(term)
                    vocabulary.update(*term.needs)
        self._options = frozenset(vocabulary)
        self._known = frozenset(word.rstrip("*") for word in vocabulary)
        # In order, so that of two equally near words every process takes the same.
        self._correctable = sorted(
            word for word in vocabulary if len(word) >= _FUZZY_FROM and word.isalpha() and word.isascii()
        )
        self._lengths = sorted({len(word) - 1 for word in vocabulary if word.endswith("*")})
        self._nearest = lru_cache(maxsize=32768)(self._correct)
        self._forms = lru_cache(maxsize=32768)(self._as_options)

    def _add(self, term: _Term) -> None:
        # By its longest word, not its first: "i" is in every text, "furious" in few.
        for option in max(term.needs, key=lambda slot: min(map(len, slot))):
            self._index.setdefault(option, []).append(len(self._terms))
        self._terms.append(term)

    def find(self, text: str) -> list[Found]:
        """Every term that occurs and is not negated, each once, in order of place."""
        return list(dict.fromkeys(found for words in stretches(text) for found in self._in(words)))

    def _in(self, words: Sequence[str]) -> Iterator[Found]:
        near = [self._nearest(word) for word in words]
        forms = [self._forms(word) for word in near]
        options = list(itertools.chain.from_iterable(forms))
        present = frozenset(options)
        for number in dict.fromkeys(n for option in options for n in self._index.get(option, ())):
            term = self._terms[number]
            # Most terms fall here, so it is a plain loop and no generator.
            for slot in term.needs:
                if slot.isdisjoint(present):
                    break
            else:
                yield from self._places(term, near, forms)

    def _places(self, term: _Term, near: Sequence[str], forms: Sequence[Sequence[str]]) -> Iterator[Found]:
        """The term, once, where it stands and is not negated."""
        for at in range(len(near)):
            if _matches(term.slots, near, forms, at, self._negations) and not self._is_negated(near, at):
                yield Found(term.name, term.source)
                return

    def _as_options(self, word: str) -> tuple[str, ...]:
        """Every option of a slot that this word is: itself, and its beginnings with a star."""
        starred = (f"{word[:length]}*" for length in self._lengths if length <= len(word))
        return tuple(option for option in (word, *starred) if option in self._options)

    def _is_negated(self, words: Sequence[str], at: int) -> bool:
        for place in range(max(0, at - _NEGATED_WITHIN), at):
            if words[place] in self._negations and words[place + 1] not in self._only:
                return True
        return False

    def _correct(self, word: str) -> str:
        """The word of a term that is one slip away, else the word itself."""
        if word in self._known or word in self._ordinary or word in self._negations or self._forms(word):
            return word
        if (short := _STRETCHED.sub(r"\1", word)) != word:
            double = _STRETCHED.sub(r"\1\1", word)
            return double if double in self._known else short
        if len(word) < _FUZZY_FROM or not (word.isascii() and word.isalpha()):
            return word
        near = process.extractOne(word, self._correctable, scorer=OSA.distance, score_cutoff=1)
        # An ending more or less is grammar, which the terms' authors see to; the first letter is seldom a slip.
        same = near and (near[0].startswith(word) or word.startswith(near[0]) or near[0][0] != word[0])
        return str(near[0]) if near and not same else word


@lru_cache(maxsize=4096)
def sequences(source: str) -> tuple[tuple[Slot, ...], ...]:
    """The word sequences that a term stands for. Raises ValueError with what is wrong."""
    parts = _CHOICE.split(source)
    if any(bracket in part for part in parts[::2] for bracket in "()"):
        raise ValueError(f"the brackets of {source!r} do not match")
    made: list[tuple[Slot, ...]] = []
    for each in itertools.product(*_choices(parts)):
        made.append(tuple(_slots(each)))
        if len(made) > _MOST:
            raise ValueError(f"{source!r} stands for more than {_MOST} sequences of words; split it")
    if any(not slots or slots[0] is None or slots[-1] is None for slots in made):
        raise ValueError(f"{source!r} must begin and end with a word")
    return tuple(made)


def _choices(parts: Sequence[str]) -> Iterator[list[str | list[str]]]:
    """What may stand in each part; single words between blanks stay together as one choice."""
    for number, part in enumerate(parts):
        if number % 2 == 0:
            yield [part]
            continue
        options = part.split("|")
        apart = parts[number - 1][-1:] in ("", " ") and parts[number + 1][:1] in ("", " ")
        single = [o for o in options if apart and len(_words(o)) == 1]
        yield [*([single] if single else []), *(o for o in options if o not in single)]


def _slots(parts: Sequence[str | list[str]]) -> Iterator[Slot]:
    text = ""
    for part in (*parts, []):
        if isinstance(part, str):
            text += part
            continue
        for word in _words(text):
            yield None if word == _GAP else _slot(word)
        text = ""
        if part:
            yield _slot(*(word for option in part for word in _words(option)))


@lru_cache(maxsize=8192)
def _words(source: str) -> tuple[str, ...]:
    return tuple(_SLOT.findall(fold(_APOSTROPHE.sub("", source))))


@lru_cache(maxsize=8192)
def _slot(*words: str) -> frozenset[str]:
    """One object for the same words: the shipped terms have thousands of equal places."""
    return frozenset(words)


def stretches(text: str) -> Iterator[list[str]]:
    """The folded words between two marks of punctuation, then those of each sentence with commas; no quotations."""
    if len(text) > 2 * LOOKED_AT:
        text = f"{text[:LOOKED_AT]}\n{text[-LOOKED_AT:]}"
    plain = _APOSTROPHE.sub("", _QUOTED.sub(" \x1e ", text).replace("\n", " . "))
    clauses: list[list[str]] = [[]]
    for part in (*_TOKEN.findall(fold(plain)), "."):
        if part[0].isalnum():
            clauses[-1].append(part)
        elif part == ",":
            clauses.append([])
        else:
            yield from _clauses_and_sentence([clause for clause in clauses if clause])
            clauses = [[]]


def _clauses_and_sentence(clauses: list[list[str]]) -> Iterator[list[str]]:
    yield from clauses
    # "Ich weiß, wo ihr wohnt": there the comma is grammar. Where words are not spaced, it ends a thought.
    if len(clauses) > 1 and not _HAN.match(clauses[0][0]):
        yield [word for clause in clauses for word in clause]


def _matches(
    slots: Sequence[Slot],
    words: Sequence[str],
    forms: Sequence[Sequence[str]],
    at: int,
    negations: Collection[str],
) -> bool:
    """Whether the slots hold from this word on. forms: what each word is as an option of a slot."""
    for number, slot in enumerate(slots):
        if slot is None:
            rest = slots[number + 1 :]
            return any(
                _matches(rest, words, forms, place, negations) for place in _reach(words, at, negations)
            )
        if at >= len(words) or slot.isdisjoint(forms[at]):
            return False
        at += 1
    return True


def _reach(words: Sequence[str], at: int, negations: Collection[str]) -> Iterator[int]:
    """Where a gap that begins at `at` may end; "not" in a gap says that it is not so."""
    reach = _GAP_SIGNS if at < len(words) and _HAN.match(words[at]) else _GAP_WORDS
    for place in range(at, min(at + reach, len(words)) + 1):
        yield place
        if place < len(words) and words[place] in negations:
            return
