"""What a text is made of: character n-grams within its words, the words themselves and pairs of them, each weighted by
how rare it is among the phrasings.

The n-grams of a text are the sum over its distinct words, so what a word adds can be remembered.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain, pairwise
from math import log, sqrt

import msgspec
import numpy as np
from numpy.typing import NDArray

from gateway.text.normal import is_unspaced, run_ngrams, runs

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]
Places = NDArray[np.int64]

#: What follows in a longer question is left out; one sentence is scored at a time.
MAX_CHARACTERS = 400
#: What words and pairs of words count beside the n-grams (shares of the squared length).
_WORD_SHARE = 0.4
GRAMS, _TERMS = (share**0.5 for share in (1 - _WORD_SHARE, _WORD_SHARE))
#: Words whose n-grams are remembered as ids.
_WORDS = 16_384


class Word(msgspec.Struct, frozen=True):
    """A word's known n-grams with their weights before they are brought to unit length, and its unknown n-grams."""

    ids: Ints
    weights: Floats
    missing: frozenset[str]


class Vector(msgspec.Struct, frozen=True):
    """A text as what phrasings are made of: n-grams, and beside them words and pairs of words."""

    #: N-grams with their weights before they are brought to unit length, and that length.
    ids: Ints
    weights: Floats
    length: float
    #: The text's distinct words, and what each counts in the n-grams.
    words: Sequence[str]
    times: Sequence[float]
    #: Words and pairs of words, and their weights, brought to their share of the unit length.
    terms: Sequence[int]
    beside: Sequence[float]
    #: The share of the text's weight that some phrasing knows, 0..1.
    known: float


class Matrix(msgspec.Struct, frozen=True):
    """Texts as sparse rows: features ids[starts[i]:starts[i + 1]] of text i, rising, and their weights."""

    starts: Places
    ids: Ints
    weights: Floats

    def row_ids(self, i: int) -> Ints:
        """Return text i's features."""
        return self.ids[self.starts[i] : self.starts[i + 1]]


class Features:
    """The features of some phrasings, and any text in their terms. Features below `grams` are n-grams."""

    def __init__(self, texts: Sequence[str]) -> None:
        cut = [runs(text[:MAX_CHARACTERS]) for text in texts]
        self._grams: dict[str, int] = {}
        self._terms: dict[str, int] = {}
        grams = self._count_grams(cut)
        self.grams = len(self._grams)
        terms = self._count_terms(cut)
        #: Number of phrasings that hold a feature.
        self.spread: Ints = np.concatenate(
            [np.bincount(grams[1], minlength=self.grams), np.bincount(terms[1], minlength=len(self._terms))]
        ).astype(np.int32)
        self.rarity: Floats = (np.log((1 + len(texts)) / (1 + self.spread)) + 1).astype(np.float32)
        self._rarity_of_terms: list[float] = self.rarity[self.grams :].tolist()
        self.unknown = log(1 + len(texts)) + 1
        self.matrix = self._weigh(len(texts), grams, terms)
        self._word = lru_cache(maxsize=_WORDS)(self._look_up)

    def vector(self, folded: str) -> Vector:
        """Return a folded text as a vector over what the phrasings are made of."""
        said = runs(folded[:MAX_CHARACTERS])
        count = Counter(said)
        words, times = list(count), [1 + log(n) if n > 1 else 1.0 for n in count.values()]
        found = [self._word(word) for word in words]
        ids, weights = _sum(found, times)
        unknown = {gram for word in found if word.missing for gram in word.missing}
        known = share_known(float(self.rarity[ids].sum()), len(unknown) * self.unknown)
        return Vector(ids, weights, sqrt(weights @ weights) or 1.0, words, times, *self._beside(said), known)

    def word(self, word: str) -> Word:
        """Return what one word adds to the n-grams of a text."""
        return self._word(word)

    def _beside(self, said: Sequence[str]) -> tuple[list[int], list[float]]:
        """The words and pairs of words that some phrasing has."""
        index = self._terms
        count: dict[int, int] = {}
        for term in _pairs(said):
            if (i := index.get(term)) is not None:
                count[i] = count.get(i, 0) + 1
        rarity, grams = self._rarity_of_terms, self.grams
        weights = [
            rarity[i - grams] if n == 1 else (1 + log(n)) * rarity[i - grams] for i, n in count.items()
        ]
        scale = _TERMS / (sqrt(sum([weight * weight for weight in weights])) or 1.0)
        return list(count), [weight * scale for weight in weights]

    def _look_up(self, run: str) -> Word:
        count = Counter(run_ngrams(run))
        known = {self._grams[gram]: n for gram, n in count.items() if gram in self._grams}
        ids = np.fromiter(known, np.int32, len(known))
        often = np.fromiter(known.values(), np.float32, len(known))
        return Word(
            ids, (1 + np.log(often)) * self.rarity[ids], frozenset(g for g in count if g not in self._grams)
        )

    def _count_grams(self, cut: Sequence[Sequence[str]]) -> tuple[Places, Ints, Floats]:
        """Rows, n-grams and sums of the phrasings, each n-gram of a row once, in order."""
        index: dict[str, int] = {}
        counts = [Counter(text) for text in cut]
        words = np.fromiter((index.setdefault(w, len(index)) for count in counts for w in count), np.int64)
        times = np.fromiter(chain.from_iterable(count.values() for count in counts), np.float32)
        rows = np.repeat(np.arange(len(cut)), [len(count) for count in counts])
        names = list(index)
        #: The words of the phrasings, frequent ones first.
        self.words = [names[i] for i in np.argsort(-np.bincount(words), kind="stable").tolist()]
        inside = [Counter(run_ngrams(word)) for word in index]
        grams = np.fromiter(
            (self._grams.setdefault(g, len(self._grams)) for count in inside for g in count), np.int64
        )
        often = np.fromiter(chain.from_iterable(count.values() for count in inside), np.float32)
        lengths = np.array([len(count) for count in inside], np.int64)
        spans, of = spanned(np.cumsum(lengths) - lengths, lengths, words)
        return _merged(
            np.repeat(rows, of), grams[spans], ((1 + np.log(often))[spans]) * np.repeat(1 + np.log(times), of)
        )

    def _count_terms(self, cut: Sequence[Sequence[str]]) -> tuple[Places, Ints, Floats]:
        """The same of words and pairs of words, numbered from 0."""
        texts = [[self._terms.setdefault(t, len(self._terms)) for t in _pairs(text)] for text in cut]
        self._terms = {term: i + self.grams for term, i in self._terms.items()}
        rows = np.repeat(np.arange(len(texts)), [len(text) for text in texts])
        ids = np.fromiter(chain.from_iterable(texts), np.int64)
        return _merged(rows, ids, np.ones(len(ids), np.float32))

    def _weigh(
        self, count: int, grams: tuple[Places, Ints, Floats], terms: tuple[Places, Ints, Floats]
    ) -> Matrix:
        parts = []
        for (rows, ids, often), offset, share in ((grams, 0, GRAMS), (terms, self.grams, _TERMS)):
            weights = (often if offset == 0 else 1 + np.log(often)) * self.rarity[ids + offset]
            length = np.sqrt(np.bincount(rows, weights * weights, count))
            parts.append((rows, ids + offset, weights * (share / length[rows]).astype(np.float32)))
        rows, ids, weights = (np.concatenate(part) for part in zip(*parts, strict=True))
        order = np.argsort(rows, kind="stable")
        starts = np.searchsorted(rows[order], np.arange(count + 1))
        return Matrix(starts, ids[order].astype(np.int32), weights[order].astype(np.float32))


def spanned(starts: Places, lengths: Places, chosen: NDArray[np.integer]) -> tuple[Places, Places]:
    """Return the places of the chosen spans one after another, and the length of each span."""
    of = lengths[chosen]
    ends = np.cumsum(of)
    total = int(ends[-1]) if len(ends) else 0
    return np.arange(total) + np.repeat(starts[chosen] - ends + of, of), of


def share_known(known: float, missing: float) -> float:
    """Return known / (known + missing), 0 for nothing at all."""
    return known / (known + missing) if known + missing else 0.0


def _sum(found: Sequence[Word], times: Sequence[float]) -> tuple[Ints, Floats]:
    """The n-grams of all words, each once."""
    if not found:
        return np.zeros(0, np.int32), np.zeros(0, np.float32)
    weights = np.concatenate(
        [w.weights if n == 1.0 else w.weights * np.float32(n) for w, n in zip(found, times, strict=True)]
    )
    ids = np.concatenate([word.ids for word in found])
    if len(found) == 1 or not len(ids):
        return ids, weights
    order = ids.argsort()
    ids = ids[order]
    first = _firsts(ids)
    return ids[first], np.add.reduceat(weights[order], first)


def _merged(rows: Places, ids: Places, values: Floats) -> tuple[Places, Ints, Floats]:
    """Sum the values of equal ids in a row; in order of rows, then ids."""
    width = int(ids.max()) + 1 if len(ids) else 1
    key = rows * width + ids
    order = key.argsort()
    key = key[order]
    first = _firsts(key)
    rows, ids = np.divmod(key[first], width)
    sums = np.add.reduceat(values[order], first) if len(first) else values
    return rows, ids.astype(np.int32), sums.astype(np.float32)


def _firsts(ordered: NDArray[np.integer]) -> Places:
    """Where each value first stands."""
    new = np.empty(len(ordered), bool)
    new[:1] = True
    np.not_equal(ordered[1:], ordered[:-1], out=new[1:])
    return new.nonzero()[0]


def _pairs(words: Sequence[str]) -> list[str]:
    """Words (characters where words are not separated) and pairs of neighbours, the ends being neighbours too."""
    cut = list(words)
    if not all(map(str.isascii, cut)):
        cut = [p for word in words for p in ((word,) if word.isascii() or not is_unspaced(word) else word)]
    return [*cut, *map(" ".join, pairwise(("^", *cut, "$")))]
