"""How sure the bot is: a logistic curve over the matcher's measures, fitted to the articles alone.

Every phrasing is asked of a bot that never saw it (it should be answered) and of a bot that lacks its whole article
(nobody should answer). The curve starts from weights found on public data; the articles pull it towards themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from math import exp
from operator import mul

import msgspec
import numpy as np
from numpy.typing import NDArray

from bot.features import share_known
from bot.head import Head
from bot.matcher import BLOCK, MEASURES, SAMPLE, Floats, Ints, Matcher
from gateway.text.normal import tokens

#: Centre and spread of each measure on public data, and the weights (bias last) that a fit starts from.
CENTRE = np.array((0.455, 0.327, 0.582, 0.47, 0.536, 0.424, 0.887, 0.618, 2.227), np.float32)
SPREAD = np.array((0.275, 0.305, 0.209, 0.221, 0.205, 0.138, 0.169, 0.29, 0.489), np.float32)
PRIOR = np.array((1.19, 1.21, -0.35, -0.19, 0.83, -0.19, 0.38, 0.0, 0.43, 1.94), np.float32)

#: Answers that must be right, by the bound below.
PRECISION = 0.97
#: Standard normal quantile of the one-sided bound on precision (Wilson 1927).
BOUND = 0.7
#: Questions without an article for each one with, as hard as those about a left-out article: what is reckoned with,
#: and what must be withstood in any case.
OUTSIDE, FEWEST_OUTSIDE = 0.2, 0.05
#: The caution between the two is given up where fewer of the questions that have an article would be answered.
AFFORDED = 0.36
LOWEST, HIGHEST = 0.5, 0.93
#: Few articles lack most of what people ask, and tell little of it: LOWEST is for this many and more, with fewer it
#: rises to this.
MANY, LOWEST_OF_FEW = 15, 0.82
#: The threshold of a bot without a head, whose curve knows nothing of the articles.
_QUICK = 0.8
#: Weight of PRIOR against the articles' own phrasings.
_TRUST = 10.0
#: Weight of questions without an article when the curve is fitted.
_OUTSIDE_FIT = 0.6
_STEPS = 30
#: Log-odds are cut here.
_FAR = 30.0
_SMALL = 1e-5


Sure = NDArray[np.bool_]


class Confidence(msgspec.Struct, frozen=True, dict=True):
    """The curve (weights over standardised measures, bias last) and the confidence from which to answer."""

    weights: Floats
    threshold: float

    def of(self, measures: Sequence[float]) -> float:
        """Return the probability, in 0..1, that the article ranked first is right."""
        *slopes, bias = self._plain
        return 1 / (1 + exp(-max(-_FAR, min(_FAR, sum(map(mul, slopes, measures)) + bias))))

    @cached_property
    def _plain(self) -> list[float]:
        """The weights over the measures as they are: one question needs no arrays."""
        slopes = self.weights[:-1] / SPREAD
        return [*slopes.tolist(), float(self.weights[-1] - slopes @ CENTRE)]


class Trials(msgspec.Struct, frozen=True):
    """Held-out questions: measures, whether the article ranked first was right, whether one existed."""

    measures: Floats
    right: NDArray[np.bool_]
    inside: NDArray[np.bool_]
    #: Questions with an article for each one without, before any were left out.
    ratio: float = 1.0


def unfitted() -> Confidence:
    """Return the curve of a bot that has not been trained: careful."""
    return Confidence(PRIOR, _QUICK)


def calibrate(matcher: Matcher, before: Sure | None = None) -> tuple[Confidence, Sure | None]:
    """Return the curve and threshold for a matcher whose head was just fitted, and which trials it is sure of.

    `before`: which of the same trials an earlier stage answers; the threshold is for the others.
    """
    trials = hold_out(matcher)
    if trials is None:
        return unfitted(), None
    share = np.where(trials.inside, 1.0, _OUTSIDE_FIT)
    weights = fit_curve(_standard(trials.measures), trials.right, share, PRIOR, _TRUST)
    sure = _curve(_standard(trials.measures), weights)
    left = np.ones(len(sure), bool) if before is None else ~before
    answered = 1 - float(left[trials.inside].mean())
    threshold = choose_threshold(sure[left], _only(trials, left), len(matcher.articles), answered)
    return Confidence(weights, threshold), sure >= threshold


def hold_out(matcher: Matcher) -> Trials | None:
    """Ask a sample of the phrasings as if they, or their whole articles, were missing; None without a head."""
    if matcher.head is None:
        return None
    asked = np.array([phrasing.asked for phrasing in matcher.phrasings[: matcher.tried]])
    alone = np.flatnonzero(asked)[:SAMPLE]
    if not len(alone):
        return None
    held = _HeldOut(matcher, matcher.head)
    inside, right = held.without_each(alone)
    outside = held.without_articles(asked)
    return Trials(
        np.concatenate([inside, outside]),
        np.concatenate([right, np.zeros(len(outside), bool)]),
        np.arange(len(inside) + len(outside)) < len(inside),
        len(inside) / max(1, len(outside)),
    )


def _only(trials: Trials, kept: Sure) -> Trials:
    return Trials(trials.measures[kept], trials.right[kept], trials.inside[kept], trials.ratio)


class _HeldOut:
    """Phrasings asked of a bot that lacks them."""

    def __init__(self, matcher: Matcher, head: Head) -> None:
        self.matcher, self.head = matcher, head
        self.owner = matcher.owner[: matcher.tried]

    def without_each(self, asked: Ints) -> tuple[Floats, NDArray[np.bool_]]:
        """Measures and rightness when each phrasing alone is missing."""
        scores = self.head.without_each(asked)
        best = scores.argmax(1)
        right = best == self.owner[asked]
        parts = []
        for at in range(0, len(asked), BLOCK):
            block = asked[at : at + BLOCK]
            lexical, semantic = self.matcher.similar_rows(block)
            for k, row in enumerate(block.tolist()):
                gone, known = np.array([row]), self._known(row, 1)
                views = lexical[k], semantic[k]
                parts.append(self._measure(row, scores[at + k], views, gone, known, int(right[at + k])))
        return np.array(parts, np.float32), right

    def without_articles(self, asked: NDArray[np.bool_]) -> Floats:
        """Measures when each phrasing's whole article is missing."""
        parts: list[tuple[float, ...]] = []
        for articles in self._several():
            rows = [np.flatnonzero(self.owner == article) for article in articles]
            lexical, semantic = self.matcher.similar_rows(np.concatenate(rows))
            ends = np.cumsum([len(own) for own in rows])
            views = zip(np.split(lexical, ends), np.split(semantic, ends), strict=True)
            for article, own, cosines in zip(articles, rows, views, strict=False):
                parts += self._without_article(article, own, asked, cosines)
            if len(parts) >= SAMPLE:
                break
        return np.array(parts, np.float32).reshape(-1, len(MEASURES))

    def _several(self) -> Iterator[list[int]]:
        """The articles that can be held out whole, as many together as make a block of phrasings."""
        held: list[int] = []
        count = 0
        for article in self.matcher.whole:
            held.append(article)
            count += int((self.owner == article).sum())
            if count >= BLOCK:
                yield held
                count, held = 0, []
        if held:
            yield held

    def _without_article(
        self, article: int, own: Ints, asked: NDArray[np.bool_], views: tuple[Floats, Floats]
    ) -> Iterator[tuple[float, ...]]:
        lexical, semantic = views
        scores = self.head.without_all(own)
        scores[:, article] = -1
        gone = np.flatnonzero(self.matcher.columns == article)
        spread = self._spread(gone)
        for k in np.flatnonzero(asked[own]).tolist():
            row = int(own[k])
            known = self._known(row, spread)
            yield self._measure(row, scores[k], (lexical[k], semantic[k]), gone, known, 0)

    def _measure(
        self, row: int, scores: Floats, views: tuple[Floats, Floats], gone: Ints, known: float, less: int
    ) -> tuple[float, ...]:
        lexical, semantic = views
        lexical[gone] = semantic[gone] = 0
        words = tokens(self.matcher.folded[row])
        return self.matcher.measure(scores, lexical, semantic, words, known, less)[0]

    def _known(self, row: int, gone: Ints | int) -> float:
        """The share of a phrasing's n-grams that are left when those of `gone` (a count for each) are not there."""
        features = self.matcher.lexical.features
        grams = features.matrix.row_ids(row)
        grams = grams[: np.searchsorted(grams, features.grams)]
        left = features.spread[grams] > (gone if isinstance(gone, int) else gone[grams])
        return share_known(float(features.rarity[grams][left].sum()), int((~left).sum()) * features.unknown)

    def _spread(self, rows: Ints) -> Ints:
        features = self.matcher.lexical.features
        ids = np.concatenate([features.matrix.row_ids(int(i)) for i in rows])
        return np.bincount(ids, minlength=len(features.spread))


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
        expected = 1 / (1 + np.exp(-np.clip(inputs @ weights, -_FAR, _FAR)))
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


def choose_threshold(sure: Floats, trials: Trials, articles: int, before: float = 0.0) -> float:
    """Return the confidence from which to answer; `before`: the share that an earlier stage answers already."""
    lowest = LOWEST_OF_FEW + (LOWEST - LOWEST_OF_FEW) * min(1.0, articles / MANY)
    asked = np.sort(sure[trials.inside])[::-1]
    afforded = int(np.ceil((AFFORDED - before) * len(asked) / (1 - before))) if before < 1 else 0
    enough = float(asked[min(afforded, len(asked)) - 1]) if afforded > 0 else 1.0
    careful, least = (_right_from(sure, trials, outside) for outside in (OUTSIDE, FEWEST_OUTSIDE))
    return float(np.clip(max(least, min(careful, enough)), lowest, HIGHEST))


def _right_from(sure: Floats, trials: Trials, outside: float) -> float:
    """The lowest confidence from which enough answers are right; 1 when there is none."""
    inside = trials.inside
    share = np.where(inside, 1.0, outside * trials.ratio)
    order = np.argsort(-sure, kind="stable")
    count = np.cumsum(share[order])
    bound = lower_bound(np.cumsum((share * trials.right)[order]) / count, count)
    good = np.flatnonzero(bound >= PRECISION)
    return float(sure[order[good[-1]]]) if len(good) else 1.0


def lower_bound(share: NDArray[np.float64], count: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the lower end of Wilson's interval for a share seen in `count` trials."""
    square = BOUND * BOUND
    spread = BOUND * np.sqrt(share * (1 - share) / count + square / (4 * count * count))
    return np.asarray((share + square / (2 * count) - spread) / (1 + square / count))


def _standard(measures: Floats) -> Floats:
    return np.asarray((measures - CENTRE) / SPREAD, np.float32)


def _curve(standard: Floats, weights: Floats) -> Floats:
    reach = np.clip(standard @ weights[:-1] + weights[-1], -_FAR, _FAR)
    return np.asarray(1 / (1 + np.exp(-reach)), np.float32)
