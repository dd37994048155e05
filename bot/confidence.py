"""How sure the bot is: a logistic curve over the matcher's measures, fitted to the articles alone.

Every phrasing is asked of a bot that never saw it (it should be answered) and of a bot that lacks its whole article
(nobody should answer). The curve starts from weights found on public data; the articles pull it towards themselves.
"""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from bot.head import Head
from bot.lexical import share_known
from bot.matcher import MEASURES, MOST_FITTED, SAMPLE, Floats, Ints, Matcher
from gateway.text.normal import tokens

#: Centre and spread of each measure on public data, and the weights (bias last) that a fit starts from.
CENTRE = np.array((0.475, 0.333, 0.536, 0.496, 0.53, 0.418, 0.863, 0.596, 2.102), np.float32)
SPREAD = np.array((0.245, 0.289, 0.178, 0.226, 0.204, 0.134, 0.148, 0.256, 0.409), np.float32)
PRIOR = np.array((0.62, 1.33, 0.14, -0.48, 0.24, -0.16, 0.19, 0.34, 0.23, 0.29), np.float32)

#: Answers that must be right, by the bound below.
PRECISION = 0.97
#: Standard normal quantile of the one-sided bound on precision (Wilson 1927).
BOUND = 1.0
#: What one question without an article weighs against one with, and the highest threshold: where articles
#: have few phrasings (FEW), leaving one out makes the bot worse than it is; from PLENTY on the trials are believed.
FEW, PLENTY = 10, 14
OUTSIDE = (0.15, 0.2)
HIGHEST = (0.86, 0.92)
LOWEST = 0.55
#: The threshold of a bot without a head, whose curve knows nothing of the articles.
_QUICK = 0.8
#: Weight of PRIOR against the articles' own phrasings.
_TRUST = 10.0
#: Weight of questions without an article when the curve is fitted.
_OUTSIDE_FIT = 0.6
_STEPS = 30
_SMALL = 1e-5


class Confidence(msgspec.Struct, frozen=True):
    """The curve (weights over standardised measures, bias last) and the confidence from which to answer."""

    weights: Floats
    threshold: float

    def of(self, measures: Floats) -> float:
        """Return the probability, in 0..1, that the article ranked first is right."""
        return float(_curve(_standard(measures[None]), self.weights)[0])


class Trials(msgspec.Struct, frozen=True):
    """Held-out questions: measures, whether the article ranked first was right, whether one existed."""

    measures: Floats
    right: NDArray[np.bool_]
    inside: NDArray[np.bool_]


def unfitted() -> Confidence:
    """Return the curve of a bot that has not been trained: careful."""
    return Confidence(PRIOR, _QUICK)


def calibrate(matcher: Matcher) -> Confidence:
    """Return the curve and threshold for a matcher whose head was just fitted."""
    trials = hold_out(matcher)
    if trials is None:
        return unfitted()
    share = np.where(trials.inside, 1.0, _OUTSIDE_FIT)
    weights = fit_curve(_standard(trials.measures), trials.right, share, PRIOR, _TRUST)
    sure = _curve(_standard(trials.measures), weights)
    return Confidence(weights, _threshold(sure, trials, _plenty(matcher)))


def hold_out(matcher: Matcher) -> Trials | None:
    """Ask a sample of the phrasings as if they, or their whole articles, were missing; None without a head."""
    head = matcher.head
    if head is None:
        return None
    rows = np.array([i for i in range(len(matcher.columns)) if matcher.phrasings[i].asked][:SAMPLE], np.int64)
    if not len(rows):
        return None
    asked = _Asked(matcher, head, rows)
    inside = asked.without_each()
    outside = asked.without_article()
    measures = np.concatenate([inside[0], outside[0]])
    right = np.concatenate([inside[1], np.zeros(len(outside[0]), bool)])
    return Trials(measures, right, np.arange(len(right)) < len(inside[0]))


class _Asked:
    """The sampled phrasings with their similarities, asked in two ways."""

    def __init__(self, matcher: Matcher, head: Head, rows: Ints) -> None:
        self.matcher, self.head, self.rows = matcher, head, rows
        self.owner = matcher.owner[rows]
        self.vectors = [matcher.lexical.vectors[i] for i in rows]
        self.words = [tokens(matcher.folded[i]) for i in rows]
        self.lexical = matcher.lexical.similar_rows(self.vectors)
        self.semantic = matcher.semantic.similar_rows([matcher.folded[i] for i in rows])

    def without_each(self) -> tuple[Floats, NDArray[np.bool_]]:
        """Measures and rightness when each phrasing alone is missing."""
        scores = self.head.without_each(self.rows)
        measures = np.empty((len(self.rows), len(MEASURES)), np.float32)
        best = scores.argmax(1)
        for k, row in enumerate(self.rows):
            gone = np.array([row])
            known = self._known(k, 1)
            less = int(best[k] == self.owner[k])
            measures[k] = self._measure(k, scores[k], gone, known, less)
        return measures, best == self.owner

    def without_article(self) -> tuple[Floats, None]:
        """Measures when each phrasing's whole article is missing."""
        parts = []
        budget = 2 * SAMPLE
        for article in range(len(self.matcher.articles)):
            mine = np.flatnonzero(self.owner == article)
            whole = np.flatnonzero(self.matcher.owner[:MOST_FITTED] == article)
            if not len(mine) or (budget := budget - len(whole)) < 0:
                continue
            scores = dict(zip(whole.tolist(), self.head.without_all(whole), strict=True))
            gone = np.flatnonzero(self.matcher.columns == article)
            spread = self._spread(whole)
            for k in mine:
                score = scores[int(self.rows[k])]
                score[article] = -1
                known = self._known(int(k), spread[self.vectors[k].ids])
                parts.append(self._measure(int(k), score, gone, known, 0))
        return np.array(parts, np.float32).reshape(-1, len(MEASURES)), None

    def _measure(self, k: int, scores: Floats, gone: Ints, known: float, less: int) -> Floats:
        lexical, semantic = self.lexical[k].copy(), self.semantic[k].copy()
        lexical[gone] = semantic[gone] = 0
        return self.matcher.measure(scores, lexical, semantic, self.words[k], known, less)[0]

    def _known(self, k: int, gone: NDArray[np.int64] | int) -> float:
        vector = self.vectors[k]
        left = self.matcher.lexical.spread[vector.ids] > gone
        lost = int((~left).sum()) * self.matcher.lexical.unknown
        return share_known(float(vector.rarity[left].sum()), vector.missing + lost)

    def _spread(self, rows: Ints) -> NDArray[np.int64]:
        ids = np.concatenate([self.matcher.lexical.vectors[i].ids for i in rows])
        return np.bincount(ids, minlength=len(self.matcher.lexical.spread))


def fit_curve(
    measures: Floats, right: NDArray[np.bool_], share: NDArray[np.float64], start: Floats, trust: float
) -> Floats:
    """Return logistic weights by Newton steps, drawn towards `start` with strength `trust`."""
    inputs = np.c_[measures, np.ones(len(measures))].astype(np.float64)
    weights = start.astype(np.float64)

    def loss(at: NDArray[np.float64]) -> float:
        reach = inputs @ at
        wrong = np.logaddexp(0, reach) - right * reach
        return float(share @ wrong + trust / 2 * ((at - start) ** 2).sum())

    for _ in range(_STEPS):
        expected = 1 / (1 + np.exp(-np.clip(inputs @ weights, -30, 30)))
        slope = inputs.T @ (share * (expected - right)) + trust * (weights - start)
        bend = (inputs * (share * expected * (1 - expected))[:, None]).T @ inputs
        step = np.linalg.solve(bend + trust * np.eye(len(weights)), slope)
        before = loss(weights)
        while loss(weights - step) > before and np.abs(step).max() > _SMALL:  # Newton alone can overshoot
            step /= 2
        weights -= step
        if np.abs(step).max() < _SMALL:
            break
    return weights.astype(np.float32)


def _plenty(matcher: Matcher) -> float:
    asked = [len(article.questions) for article in matcher.articles]
    return float(np.clip((np.median(asked) - FEW) / (PLENTY - FEW), 0, 1))


def _threshold(sure: Floats, trials: Trials, plenty: float) -> float:
    share = np.where(trials.inside, 1.0, _between(OUTSIDE, plenty))
    order = np.argsort(-sure, kind="stable")
    count = np.cumsum(share[order])
    bound = lower_bound(np.cumsum((share * trials.right)[order]) / count, count)
    good = np.flatnonzero(bound >= PRECISION)
    found = float(sure[order[good[-1]]]) if len(good) else 1.0
    return min(max(found, LOWEST), _between(HIGHEST, plenty))


def _between(ends: tuple[float, float], share: float) -> float:
    return ends[0] + share * (ends[1] - ends[0])


def lower_bound(share: NDArray[np.float64], count: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the lower end of Wilson's interval for a share seen in `count` trials."""
    square = BOUND * BOUND
    spread = BOUND * np.sqrt(share * (1 - share) / count + square / (4 * count * count))
    return np.asarray((share + square / (2 * count) - spread) / (1 + square / count))


def _standard(measures: Floats) -> Floats:
    return np.asarray((measures - CENTRE) / SPREAD, np.float32)


def _curve(standard: Floats, weights: Floats) -> Floats:
    reach = np.clip(standard @ weights[:-1] + weights[-1], -30, 30)
    return np.asarray(1 / (1 + np.exp(-reach)), np.float32)
