"""The lexical view: character n-grams within words, words and pairs of words, weighted by how rare they are, in an
inverted index."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

import msgspec
import numpy as np
from numpy.typing import NDArray

from gateway.text.normal import is_unspaced, run_ngrams, runs

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]

#: What follows in a longer question is left out; one sentence is scored at a time.
MAX_CHARACTERS = 400
#: Index entries that one question may visit, rarest n-grams first: bounds the time in large libraries.
MAX_VISITS = 120_000
#: An n-gram that so large a share of the phrasings holds is stored as a dense row; libraries beyond MOST_DENSE
#: phrasings have none.
_FREQUENT = 1 / 25
_MOST_FREQUENT = 2000
MOST_DENSE = 9000
#: Words whose n-grams are remembered as ids.
_WORDS = 16_384
#: What words and pairs of words count beside the n-grams (shares of the squared length).
_WORD_SHARE = 0.4
_GRAMS, _TERMS = (np.float32(share**0.5) for share in (1 - _WORD_SHARE, _WORD_SHARE))
#: Questions that are compared at once when fitting.
_BLOCK = 512


class Vector(msgspec.Struct, frozen=True):
    """A text as n-gram ids, their weights (unit length), and the weight of n-grams nobody used."""

    ids: Ints
    weights: Floats
    #: Rarity of every known n-gram (0 for words and pairs of words), and the sum of rarities of the unknown ones.
    rarity: Floats
    missing: float

    @property
    def known(self) -> float:
        """Return the share of the text's weight that some phrasing knows, 0..1."""
        return share_known(float(self.rarity.sum()), self.missing)


class Lexical:
    """Phrasings as unit vectors of n-gram weights; the first `size` of them can be searched."""

    def __init__(self, texts: Sequence[str], size: int | None = None) -> None:
        cut = [runs(text[:MAX_CHARACTERS]) for text in texts]
        grams = Counter(gram for words in cut for gram in {gram for run in words for gram in run_ngrams(run)})
        terms = Counter(term for words in cut for term in set(_terms(words)))
        spread = [*grams.values(), *terms.values()]
        self.vocabulary = {gram: i for i, gram in enumerate(grams)}
        self._terms = {term: i for i, term in enumerate(terms, len(grams))}
        #: Number of phrasings that hold an n-gram.
        self.spread: Ints = np.array(spread, np.int32)
        self.rarity: Floats = (np.log((1 + len(texts)) / (1 + self.spread)) + 1).astype(np.float32)
        self.unknown = float(np.log(1 + len(texts)) + 1)
        self._ids = lru_cache(maxsize=_WORDS)(self._look_up)
        self.vectors = [self.vector(text) for text in texts]
        self._post(self.vectors[: len(texts) if size is None else size])

    def vector(self, folded: str) -> Vector:
        """Return a folded text as a vector over what the phrasings are made of."""
        words = runs(folded[:MAX_CHARACTERS])
        looked_up = [self._ids(word) for word in words]
        grams, weights, rarity = self._weighted([i for known, _ in looked_up for i in known])
        terms, beside, _ = self._weighted([self._terms[t] for t in _terms(words) if t in self._terms])
        unknown = set[str]().union(*(missing for _, missing in looked_up))
        return Vector(
            np.concatenate([grams, terms]),
            np.concatenate([weights * _GRAMS, beside * _TERMS]),
            np.concatenate([rarity, np.zeros(len(terms), np.float32)]),
            len(unknown) * self.unknown,
        )

    def _weighted(self, found: list[int]) -> tuple[Ints, Floats, Floats]:
        """Ids, weights of unit length, and rarities."""
        count = Counter(found)
        ids = np.fromiter(count, np.int32, len(count))
        rarity = self.rarity[ids]
        weights = (1 + np.log(np.fromiter(count.values(), np.float32, len(count)))) * rarity
        return ids, weights / (float(np.sqrt(weights @ weights)) or 1.0), rarity

    def similar(self, vector: Vector) -> Floats:
        """Return the cosine with every searchable phrasing."""
        row = self._row[vector.ids]
        frequent = row >= 0
        dense = vector.weights[frequent] @ self._dense[row[frequent]]
        return np.asarray(self._visit(vector.ids[~frequent], vector.weights[~frequent]) + dense, np.float32)

    def similar_rows(self, vectors: Sequence[Vector]) -> Floats:
        """Return the cosines of `vectors` (rows) with the searchable phrasings (columns)."""
        out = np.empty((len(vectors), self.size), np.float32)
        for start in range(0, len(vectors), _BLOCK):
            block = vectors[start : start + _BLOCK]
            weights = np.zeros((len(block), len(self._dense)), np.float32)
            for i, vector in enumerate(block):
                row = self._row[vector.ids]
                frequent = row >= 0
                weights[i, row[frequent]] = vector.weights[frequent]
                out[start + i] = self._visit(vector.ids[~frequent], vector.weights[~frequent])
            out[start : start + len(block)] += weights @ self._dense
        return out

    def _visit(self, ids: Ints, weights: Floats) -> Floats:
        ids, weights = _rarest(ids, weights, self._lengths)
        if not len(ids):
            return np.zeros(self.size, np.float32)
        starts, lengths = self._starts[ids], self._lengths[ids]
        ends = np.cumsum(lengths)
        at = np.arange(ends[-1]) + np.repeat(starts - ends + lengths, lengths)
        values = self._weights[at] * np.repeat(weights, lengths)
        return np.bincount(self._rows[at], values, self.size).astype(np.float32)

    def _look_up(self, run: str) -> tuple[tuple[int, ...], tuple[str, ...]]:
        """A word's known n-grams as ids, and its unknown ones."""
        grams = run_ngrams(run)
        known = tuple(self.vocabulary[gram] for gram in grams if gram in self.vocabulary)
        return known, tuple(gram for gram in grams if gram not in self.vocabulary)

    def _post(self, vectors: list[Vector]) -> None:
        self.size = len(vectors)
        empty = Vector(np.zeros(0, np.int32), np.zeros(0, np.float32), np.zeros(0, np.float32), 0.0)
        features = np.concatenate([v.ids for v in (*vectors, empty)])
        rows = np.repeat(np.arange(len(vectors), dtype=np.int32), [len(v.ids) for v in vectors])
        weights = np.concatenate([v.weights for v in (*vectors, empty)])
        order = np.argsort(features, kind="stable")
        self._rows, self._weights = rows[order], weights[order]
        borders = np.searchsorted(features[order], np.arange(len(self.spread) + 1))
        self._starts, self._lengths = borders[:-1], np.diff(borders)
        self._thicken()

    def _thicken(self) -> None:
        """Store the most frequent n-grams as dense rows: long lists are slow to visit."""
        self._row = np.full(len(self.spread), -1, np.int32)
        order = np.argsort(-self._lengths, kind="stable")[: _MOST_FREQUENT if self.size <= MOST_DENSE else 0]
        frequent = order[self._lengths[order] > self.size * _FREQUENT]
        self._dense = np.zeros((len(frequent), self.size), np.float32)
        for row, feature in enumerate(frequent.tolist()):
            span = slice(self._starts[feature], self._starts[feature] + self._lengths[feature])
            self._dense[row, self._rows[span]] = self._weights[span]
        self._row[frequent] = np.arange(len(frequent), dtype=np.int32)


def _terms(words: Sequence[str]) -> list[str]:
    """Words (characters where words are not separated) and pairs of neighbours, the ends being neighbours too."""
    cut = [p for word in words for p in ((word,) if word.isascii() or not is_unspaced(word) else word)]
    return [*cut, *(f"{one} {two}" for one, two in pairwise(("^", *cut, "$")))]


def share_known(known: float, missing: float) -> float:
    """Return known / (known + missing), 0 for nothing at all."""
    return known / (known + missing) if known + missing else 0.0


def _rarest(ids: Ints, weights: Floats, lengths: NDArray[np.int64]) -> tuple[Ints, Floats]:
    visits = lengths[ids]
    if visits.sum() <= MAX_VISITS:
        return ids, weights
    order = np.argsort(visits, kind="stable")
    kept = order[np.cumsum(visits[order]) <= MAX_VISITS]
    return ids[kept], weights[kept]
