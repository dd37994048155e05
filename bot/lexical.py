"""The lexical view: an inverted index over the features of the phrasings, and cosines with all of them at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from bot.features import GRAMS, Features, Vector, spanned

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]
Places = NDArray[np.int64]

#: Index entries that one question may visit, rarest features first: bounds the time in large libraries.
MAX_VISITS = 120_000
#: A feature that so large a share of the phrasings holds is stored as a dense row; libraries beyond MOST_DENSE
#: phrasings have none.
_FREQUENT = 1 / 25
_MOST_FREQUENT = 2000
MOST_DENSE = 9000
#: From so many visits on the lists are copied.
_LONG = 8192
#: Bytes of what single words have in common with every phrasing, kept for the next question with the word.
REMEMBERED = 16 << 20


class Lexical:
    """Phrasings as unit vectors of feature weights; the first `size` of them can be searched."""

    def __init__(self, texts: Sequence[str], size: int | None = None, usual: Iterable[str] = ()) -> None:
        self.features = Features(texts)
        self.size = len(texts) if size is None else size
        self._post()
        self._thicken()
        #: The words that are remembered: the phrasings' frequent ones and the `usual` ones, always the same. The last
        #: ones asked would be new ones every time in a large library, and sums would differ in their last digits.
        self.common = frozenset((*self.features.words[: remembered(self.size)], *usual))
        self._shared = cache(self._share)

    def vector(self, folded: str) -> Vector:
        """Return a folded text as a vector over what the phrasings are made of."""
        return self.features.vector(folded)

    def similar(self, vector: Vector) -> Floats:
        """Return the cosine with every searchable phrasing, word by word: what common words share is remembered."""
        if self.size > MOST_DENSE:
            return self.visited(vector)
        out = np.zeros(self.size, np.float32)
        ids, weights = [], []
        for word, times in zip(vector.words, vector.times, strict=True):
            if word in self.common:
                shared = self._shared(word)
                out += shared if times == 1.0 else shared * np.float32(times)
            else:
                found = self.features.word(word)
                ids.append(found.ids)
                weights.append(found.weights * np.float32(times))
        if ids:
            out += self._add(np.concatenate(ids), np.concatenate(weights))
        out *= np.float32(GRAMS / vector.length)
        self._add_terms(out, vector)
        return out

    def visited(self, vector: Vector) -> Floats:
        """Return the same feature by feature, with no more visits than MAX_VISITS."""
        ids = np.concatenate([vector.ids, np.array(vector.terms, np.int32)])
        terms = np.array(vector.beside, np.float32)
        return self._add(ids, np.concatenate([vector.weights * np.float32(GRAMS / vector.length), terms]))

    def similar_rows(self, rows: Places, columns: int | None = None) -> Floats:
        """Return the cosines of phrasings `rows` (rows) with the first `columns` searchable ones."""
        width = self.size if columns is None else columns
        matrix = self.features.matrix
        places, of = spanned(matrix.starts[:-1], np.diff(matrix.starts), rows)
        ids, weights, row = matrix.ids[places], matrix.weights[places], np.repeat(np.arange(len(rows)), of)
        dense = self._row[ids] >= 0
        thick = np.zeros((len(rows), len(self._dense)), np.float32)
        thick[row[dense], self._row[ids[dense]]] = weights[dense]
        out = thick @ self._dense[:, :width]
        ids, weights, row = ids[~dense], weights[~dense], row[~dense]
        lengths = self._before(ids, width)
        at, of = spanned(self._starts[ids], lengths, np.arange(len(ids)))
        values = self._weights[at] * np.repeat(weights, of)
        out += np.bincount(self._rows[at] + np.repeat(row * width, of), values, len(rows) * width).reshape(
            out.shape
        )
        return out

    def _share(self, word: str) -> Floats:
        """What a word's n-grams have in common with every phrasing."""
        found = self.features.word(word)
        return self._add(found.ids, found.weights)

    def _add_terms(self, out: Floats, vector: Vector) -> None:
        dense, dense_weights, rows, values = [], [], [], []
        for i, weight in zip(vector.terms, vector.beside, strict=True):
            row, start, end = self._terms[i - self.features.grams]
            if row >= 0:
                dense.append(row)
                dense_weights.append(weight)
            else:
                rows.append(self._rows[start:end])
                values.append(self._weights[start:end] * np.float32(weight))
        if dense:
            out += np.array(dense_weights, np.float32) @ self._dense[dense]
        if rows:
            out += np.bincount(np.concatenate(rows), np.concatenate(values), self.size)

    def _add(self, ids: Ints, weights: Floats) -> Floats:
        row = self._row[ids]
        frequent = row >= 0
        if not frequent.any():
            return self._visit(ids, weights)
        out = weights[frequent] @ self._dense[row[frequent]]
        if len(out) and not frequent.all():
            out += self._visit(ids[~frequent], weights[~frequent])
        return np.asarray(out, np.float32)

    def _visit(self, ids: Ints, weights: Floats) -> Floats:
        ids, weights = _rarest(ids, weights, self._lengths)
        of = self._lengths[ids]
        if of.sum() > _LONG:  # long lists are quicker copied one by one than gathered by their places
            starts = self._starts[ids]
            spans = [slice(a, b) for a, b in zip(starts.tolist(), (starts + of).tolist(), strict=True)]
            rows = np.concatenate([self._rows[span] for span in spans])
            values = np.concatenate([self._weights[span] for span in spans])
        else:
            at, of = spanned(self._starts, self._lengths, ids)
            rows, values = self._rows[at], self._weights[at]
        values *= np.repeat(weights, of)
        return np.bincount(rows, values, self.size).astype(np.float32)

    def _before(self, ids: Ints, width: int) -> Places:
        """How many of each feature's phrasings are among the first `width`."""
        if width == self.size:
            return self._lengths[ids]
        ends = np.searchsorted(self._places, ids.astype(np.int64) * self.size + width)
        return np.asarray(ends - self._starts[ids])

    def _post(self) -> None:
        matrix = self.features.matrix
        until = matrix.starts[self.size]
        ids, weights = matrix.ids[:until], matrix.weights[:until]
        rows = np.repeat(np.arange(self.size, dtype=np.int32), np.diff(matrix.starts[: self.size + 1]))
        #: Feature and phrasing of every entry as one rising number.
        places = ids.astype(np.int64) * self.size + rows
        order = places.argsort()
        self._places, self._rows, self._weights = places[order], rows[order], weights[order]
        borders = np.searchsorted(ids[order], np.arange(len(self.features.spread) + 1))
        self._starts, self._lengths = borders[:-1], np.diff(borders)

    def _thicken(self) -> None:
        """Store the most frequent features as dense rows: long lists are slow to visit."""
        self._row = np.full(len(self._lengths), -1, np.int32)
        order = np.argsort(-self._lengths, kind="stable")[: _MOST_FREQUENT if self.size <= MOST_DENSE else 0]
        frequent = order[self._lengths[order] > self.size * _FREQUENT]
        self._dense = np.zeros((len(frequent), self.size), np.float32)
        at, of = spanned(self._starts, self._lengths, frequent)
        self._dense[np.repeat(np.arange(len(frequent)), of), self._rows[at]] = self._weights[at]
        self._row[frequent] = np.arange(len(frequent), dtype=np.int32)
        #: Dense row (or -1), first and last place of each word and pair of words.
        of_terms = np.stack([self._row, self._starts, self._starts + self._lengths], 1)[self.features.grams :]
        self._terms = [(row, start, end) for row, start, end in of_terms.tolist()]


def remembered(size: int) -> int:
    """Return for how many words a number for each of `size` phrasings is kept."""
    return min(8192, max(64, REMEMBERED // (4 * max(1, size))))


def _rarest(ids: Ints, weights: Floats, lengths: Places) -> tuple[Ints, Floats]:
    visits = lengths[ids]
    if visits.sum() <= MAX_VISITS:
        return ids, weights
    order = np.argsort(visits, kind="stable")
    kept = order[np.cumsum(visits[order]) <= MAX_VISITS]
    return ids[kept], weights[kept]
