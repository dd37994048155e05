"""The head: kernel ridge regression from phrasings to articles, with held-out scores in closed form.

Leaving out a set S of phrasings needs no refitting: their scores become Y_S - (A_SS)^-1 D_S, with A the inverse of
the regularised kernel and D = A Y (Rifkin and Lippert 2007). Only the phrasings that may be left out need their
part of A, which is the inverse of a Schur complement; the others are eliminated by Cholesky's method in blocks.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

#: Rows that are eliminated at once: matrix products are several times quicker here than numpy's factorisations.
_BLOCK = 384


class Head:
    """Weights of every phrasing for every article, and what the head would say had it not seen something.

    kernel (phrasings x phrasings) is used up; owner[i] is phrasing i's article. The first `tried` phrasings can be
    left out. Changes nothing but the kernel.
    """

    def __init__(self, kernel: Floats, owner: Ints, articles: int, ridge: float, tried: int) -> None:
        self._target = one_hot(owner, articles)
        kernel[np.diag_indices_from(kernel)] += ridge
        target = self._target
        known = np.hstack([kernel[tried:, :tried], target[tried:]])
        rest = _Factor(kernel[tried:, tried:])
        rest.forward(known)
        across, seen = known[:, :tried], known[:, tried:]
        self._inverse = inverse(kernel[:tried, :tried] - across.T @ across)
        self._dual = self._inverse @ (target[:tried] - across.T @ seen)
        left = seen - across @ self._dual
        rest.backward(left)
        #: Shape (articles, phrasings): few articles are looked at, all phrasings of each.
        self.weights: Floats = np.ascontiguousarray(np.vstack([self._dual, left]).T)

    def without_each(self, rows: Ints) -> Floats:
        """Return the scores of phrasings `rows`, each from a head that never saw it; shape (rows, articles)."""
        own = np.diag(self._inverse)[rows, None]
        return np.asarray(self._target[rows] - self._dual[rows] / own, np.float32)

    def without_all(self, rows: Ints) -> Floats:
        """Return the scores of phrasings `rows` from a head that saw none of them; shape (rows, articles)."""
        missed = np.linalg.solve(self._inverse[np.ix_(rows, rows)], self._dual[rows])
        return np.asarray(self._target[rows] - missed, np.float32)


def one_hot(owner: Ints, articles: int) -> Floats:
    """Return the targets, centred so that a question like no other scores about 0 everywhere."""
    target = np.full((len(owner), articles), -1.0 / articles, np.float32)
    target[np.arange(len(owner)), owner] += 1
    return target


def inverse(matrix: Floats) -> Floats:
    """Return the inverse of a symmetric positive definite matrix, by halves."""
    if len(matrix) <= _BLOCK:
        return np.asarray(np.linalg.inv(matrix), np.float32)
    half = len(matrix) // 2
    first = inverse(matrix[:half, :half])
    across = first @ matrix[:half, half:]
    last = inverse(matrix[half:, half:] - matrix[half:, :half] @ across)
    corner = -across @ last
    out = np.empty_like(matrix)
    out[:half, :half] = first - corner @ across.T
    out[:half, half:], out[half:, :half], out[half:, half:] = corner, corner.T, last
    return out


class _Factor:
    """Cholesky's lower factor of a matrix, in its place; the blocks on the diagonal are kept inverted."""

    def __init__(self, matrix: Floats) -> None:
        self._lower = matrix
        self._spans = [(at, min(at + _BLOCK, len(matrix))) for at in range(0, len(matrix), _BLOCK)]
        self._turned: list[Floats] = []
        for k, (at, end) in enumerate(self._spans):
            own = np.linalg.inv(np.linalg.cholesky(matrix[at:end, at:end]))
            self._turned.append(own)
            below = matrix[end:, at:end] @ own.T
            matrix[end:, at:end] = below
            for row, stop in self._spans[k + 1 :]:  # the lower triangle alone
                matrix[row:stop, end:stop] -= below[row - end : stop - end] @ below[: stop - end].T

    def forward(self, right: Floats) -> None:
        """Multiply `right` by the factor's inverse, in place."""
        for (at, end), own in zip(self._spans, self._turned, strict=True):
            right[at:end] = own @ right[at:end]
            right[end:] -= self._lower[end:, at:end] @ right[at:end]

    def backward(self, right: Floats) -> None:
        """Multiply `right` by the inverse of the factor's transpose, in place."""
        for (at, end), own in zip(self._spans[::-1], self._turned[::-1], strict=True):
            right[at:end] = own.T @ (right[at:end] - self._lower[end:, at:end].T @ right[end:])
