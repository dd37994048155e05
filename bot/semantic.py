"""The semantic view: a text as one vector; here the sum of its word pieces from a small static table (English).

The table is bot/data/pieces.npy; benchmarks/distil_table.py makes it. No model runs here (see bot/encoders.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from functools import cache, lru_cache
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

Floats = NDArray[np.float32]

DIMENSIONS = 256
_FOLDER = Path(__file__).parent / "data"
_WORD = re.compile(r"[^\W_]+")
#: With more phrasings than this, each is kept by so many numbers.
_MANY, _KEPT = 1000, 128
#: Longer runs are no words.
_LONGEST = 40
#: Words of a question that are looked at.
_MOST = 120


class _Table(msgspec.Struct, frozen=True):
    pieces: dict[str, int]
    rows: NDArray[np.int8]
    scales: Floats


class Semantic:
    """Phrasings as unit vectors around their common mean; `vector` turns one more text into a row like those of `raw`.

    A row of zeros is a text of which nothing is known: it is like nothing.
    """

    def __init__(self, raw: Floats, vector: Callable[[str], Floats]) -> None:
        self._vector = vector
        self._mean = raw.mean(0) if len(raw) else np.zeros(raw.shape[1], np.float32)
        self._rows = self._centred(raw)

    def similar(self, text: str, rows: NDArray[np.int64] | None = None) -> Floats:
        """Return the cosine with every stored phrasing (or those in `rows`)."""
        stored = self._rows if rows is None else self._rows[rows]
        return np.asarray(stored @ self._seen(self._centred(self._vector(text))))

    def similar_rows(self, rows: NDArray[np.int64], columns: int | None = None) -> Floats:
        """Return the cosines of the phrasings `rows` (rows) with the first `columns` ones."""
        return np.asarray(self._rows[rows] @ self._rows[:columns].T)

    def _seen(self, vector: Floats) -> Floats:
        """A vector as the rows are kept."""
        return vector

    def _centred(self, raw: Floats) -> Floats:
        return np.asarray(_unit(raw - self._mean) * raw.any(-1, keepdims=True), np.float32)


class _Word(msgspec.Struct, frozen=True):
    """What a word adds to a text: its direction, and its products with the rows of every phrasing."""

    vector: Floats
    products: Floats


class Summed(Semantic):
    """The same over the table: as a text is the sum of its words, the products of the `common` ones are kept.

    Many phrasings are kept by the directions in which they differ most: half the numbers, and no less right.
    """

    def __init__(self, raw: Floats, common: Collection[str]) -> None:
        super().__init__(raw, raw_vector)
        self._axes = _axes(self._rows) if len(raw) > _MANY else None
        self._rows = np.ascontiguousarray(self._seen(self._rows))
        self._offset = self._products(self._mean)
        self._common = common
        self._word = cache(self._look_up)

    @override
    def similar(self, text: str, rows: NDArray[np.int64] | None = None) -> Floats:
        """Return the cosine with every stored phrasing (or those in `rows`)."""
        if rows is not None:
            return super().similar(text, rows)
        rare, out = np.zeros(DIMENSIONS, np.float32), np.zeros(len(self._rows), np.float32)
        total, known = np.zeros(DIMENSIONS, np.float32), False
        for word in _WORD.findall(text)[:_MOST]:
            if word in self._common:
                if (found := self._word(word)) is not None:
                    total += found.vector
                    out += found.products
                    known = True
            elif (vector := _sum(word_pieces(word))) is not None:
                rare += vector
        if rare.any():
            total += rare
            out += self._products(rare)
        elif not known:
            return out
        scale = np.float32(1 / (np.sqrt(total @ total) + 1e-9))
        centred = total * scale - self._mean
        length = np.float32(1 / (np.sqrt(centred @ centred) + 1e-9))
        out *= scale * length
        out -= self._offset * length
        return out

    def _look_up(self, word: str) -> _Word | None:
        vector = _sum(word_pieces(word))
        return None if vector is None else _Word(vector, self._products(vector))

    def _products(self, vector: Floats) -> Floats:
        return np.asarray(self._rows @ self._seen(vector))

    @override
    def _seen(self, vector: Floats) -> Floats:
        return vector if self._axes is None else vector @ self._axes


def _axes(rows: Floats) -> Floats:
    """The _KEPT directions, as columns, in which most of the rows' length lies."""
    return np.asarray(np.linalg.eigh(rows.T @ rows)[1][:, -_KEPT:], np.float32)


def raw_vectors(texts: Sequence[str]) -> Floats:
    """Return one row a folded text."""
    return np.stack([raw_vector(text) for text in texts]) if texts else np.zeros((0, DIMENSIONS), np.float32)


def raw_vector(folded: str) -> Floats:
    """Return the direction of a folded text before centring, shape (256,); zeros when no piece is known."""
    total = _sum([i for word in _WORD.findall(folded)[:_MOST] for i in word_pieces(word)])
    if total is None:
        return np.zeros(DIMENSIONS, np.float32)
    return np.asarray(total / (np.sqrt(total @ total) + 1e-9), np.float32)


def _sum(ids: Sequence[int]) -> Floats | None:
    """The sum of word pieces, None of no pieces."""
    if not ids:
        return None
    table, at = _table(), list(ids)
    return np.asarray(table.scales[at] @ table.rows[at].astype(np.float32))


@lru_cache(maxsize=32768)
def word_pieces(word: str) -> tuple[int, ...]:
    """Return the ids of a word's pieces, longest first from its left end; () when it cannot be spelled."""
    pieces = _table().pieces
    ids, start = [], 0
    while start < len(word) <= _LONGEST:
        for end in range(len(word), start, -1):
            found = pieces.get(word[start:end] if start == 0 else "##" + word[start:end])
            if found is not None:
                break
        else:
            return ()
        ids.append(found)
        start = end
    return tuple(ids)


def is_word(word: str) -> bool:
    """Return whether the table knows this as one whole word."""
    return word in _table().pieces


@cache
def _table() -> _Table:
    names = (_FOLDER / "pieces.txt").read_text(encoding="utf-8").split("\n")[:-1]
    rows = np.load(_FOLDER / "pieces.npy", mmap_mode="r").view(np.ndarray)
    scales = np.load(_FOLDER / "scales.npy").astype(np.float32)
    return _Table(pieces={name: i for i, name in enumerate(names)}, rows=rows, scales=scales)


def _unit(rows: Floats) -> Floats:
    return np.asarray(rows / (np.sqrt((rows * rows).sum(-1, keepdims=True)) + 1e-9), np.float32)
