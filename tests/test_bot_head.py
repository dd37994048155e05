"""The head's closed forms against fitting anew, and the threshold that its held-out questions give."""

from __future__ import annotations

import numpy as np
import pytest

from bot.confidence import HIGHEST, LOWEST, LOWEST_OF_FEW, Trials, choose_threshold
from bot.head import Head, inverse, one_hot

_RIDGE = 0.5
_PHRASINGS, _ARTICLES = 900, 7


def _problem() -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(0)
    features = draw.normal(size=(_PHRASINGS, 40)).astype(np.float32)
    return features @ features.T / 40, draw.integers(0, _ARTICLES, _PHRASINGS)


def _refitted(kernel: np.ndarray, owner: np.ndarray, without: np.ndarray) -> np.ndarray:
    """Scores of the phrasings `without` from a head that was fitted to all others."""
    kept = np.setdiff1d(np.arange(len(owner)), without)
    own = kernel[np.ix_(kept, kept)] + _RIDGE * np.eye(len(kept))
    return kernel[np.ix_(without, kept)] @ np.linalg.solve(own, one_hot(owner, _ARTICLES)[kept])


@pytest.mark.parametrize("tried", [_PHRASINGS, 300, 1])
def test_held_out_scores_are_those_of_a_head_fitted_anew(tried: int) -> None:
    kernel, owner = _problem()
    head = Head(kernel.copy(), owner, _ARTICLES, _RIDGE, tried)
    whole = np.linalg.solve(kernel + _RIDGE * np.eye(_PHRASINGS), one_hot(owner, _ARTICLES))
    assert np.allclose(head.weights, whole.T, atol=1e-3)
    first = np.array([0])
    assert np.allclose(head.without_each(first), _refitted(kernel, owner, first), atol=1e-3)
    several = np.arange(min(tried, 12))
    assert np.allclose(head.without_all(several), _refitted(kernel, owner, several), atol=1e-3)


def test_the_inverse_by_halves_is_the_inverse() -> None:
    matrix = _problem()[0] + _RIDGE * np.eye(_PHRASINGS, dtype=np.float32)
    assert np.allclose(inverse(matrix) @ matrix, np.eye(_PHRASINGS), atol=1e-3)


def _trials(right: list[bool], outside: int) -> Trials:
    inside = np.array([True] * len(right) + [False] * outside)
    return Trials(np.zeros((len(inside), 1), np.float32), np.array([*right, *[False] * outside]), inside)


@pytest.mark.parametrize(
    ("right", "outside_sure", "articles", "least", "most"),
    [
        ([True] * 400, 0.1, 100, LOWEST, LOWEST),  # nothing is ever wrong: answer much
        ([True] * 400, 0.1, 1, 0.79, LOWEST_OF_FEW),  # but a folder of one article is careful
        ([True, False] * 200, 0.1, 100, HIGHEST, HIGHEST),  # half of it is wrong: hardly ever
        ([True] * 400, 0.75, 100, 0.7, 0.8),  # questions without an article look sure up to 0.75
    ],
)
def test_the_threshold_follows_what_was_held_out(
    right: list[bool], outside_sure: float, articles: int, least: float, most: float
) -> None:
    draw = np.random.default_rng(1)
    sure = np.concatenate([draw.uniform(0.4, 1, len(right)), draw.uniform(0, outside_sure, 400)])
    found = choose_threshold(sure.astype(np.float32), _trials(right, 400), articles)
    assert least <= found <= most


def test_an_earlier_stage_leaves_less_to_be_bold_about() -> None:
    draw = np.random.default_rng(2)
    sure = draw.uniform(0, 1, 800).astype(np.float32)
    trials = _trials([bool(x) for x in draw.uniform(size=400) < sure[:400] ** 0.05], 400)
    alone = choose_threshold(sure, trials, 50)
    assert choose_threshold(sure, trials, 50, before=0.5) >= alone
