"""The head: kernel ridge regression from phrasings to articles, with held-out scores in closed form.

Leaving out a set S of phrasings needs no refitting: their scores become Y_S - (I - H_SS)^-1 (Y_S - F_S), with H
the matrix that turns targets Y into fitted values F (Rifkin and Lippert 2007). Beyond the landmarks the kernel is
approximated by its columns at them (Williams and Seeger 2001).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

#: Keeps the approximated system solvable in single precision.
_JITTER = 5e-3


class Head:
    """Weights of every landmark for every article, and what the head would say had it not seen something.

    kernel (phrasings x landmarks), the landmarks being the first phrasings; owner[i] is phrasing i's article.
    """

    def __init__(self, kernel: Floats, owner: Ints, articles: int, ridge: float) -> None:
        self._target = one_hot(owner, articles)
        self._kernel = kernel
        landmarks = kernel.shape[1]
        eye = np.eye(landmarks, dtype=np.float32)
        self._exact = landmarks == len(kernel)
        if self._exact:
            self._inverse = np.linalg.inv(kernel + ridge * eye)
            self._dual = self._inverse @ self._target
        else:
            self._inverse = np.linalg.inv(kernel.T @ kernel + ridge * kernel[:landmarks] + _JITTER * eye)
            self._dual = self._inverse @ (kernel.T @ self._target)
        #: Shape (articles, landmarks): few articles are looked at, all landmarks of each.
        self.weights: Floats = np.ascontiguousarray(self._dual.T)

    def without_each(self, rows: Ints) -> Floats:
        """Return the scores of phrasings `rows`, each from a head that never saw it; shape (rows, articles)."""
        if self._exact:
            return np.asarray(
                self._target[rows] - self._dual[rows] / np.diag(self._inverse)[rows, None], np.float32
            )
        part = self._kernel[rows]
        own = np.einsum("ij,ij->i", part @ self._inverse, part)
        missed = self._target[rows] - part @ self._dual
        return np.asarray(self._target[rows] - missed / np.maximum(1 - own, 1e-3)[:, None], np.float32)

    def without_all(self, rows: Ints) -> Floats:
        """Return the scores of phrasings `rows` from a head that saw none of them; shape (rows, articles)."""
        if self._exact:
            missed = np.linalg.solve(self._inverse[np.ix_(rows, rows)], self._dual[rows])
        else:
            part = self._kernel[rows]
            seen = np.eye(len(rows), dtype=np.float32) * (1 + _JITTER) - part @ self._inverse @ part.T
            missed = np.linalg.solve(seen, self._target[rows] - part @ self._dual)
        return np.asarray(self._target[rows] - missed, np.float32)


def one_hot(owner: Ints, articles: int) -> Floats:
    """Return the targets, centred so that a question like no other scores about 0 everywhere."""
    target = np.full((len(owner), articles), -1.0 / articles, np.float32)
    target[np.arange(len(owner)), owner] += 1
    return target
