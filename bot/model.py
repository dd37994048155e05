"""A matcher per language with its confidence: the part of the bot that is fitted to the articles."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from weakref import WeakValueDictionary

import msgspec

from bot.articles import Article
from bot.confidence import Confidence, calibrate, unfitted
from bot.matcher import Matcher, Scored

#: Confidence in an article whose own phrasing was asked, word for word.
_EXACT = 0.99


class Ranked(msgspec.Struct, frozen=True):
    """The articles of one language for one text, best first, on the calibrated scale."""

    articles: tuple[Article, ...]
    #: Confidences in 0..1, falling.
    confidences: tuple[float, ...]
    threshold: float
    scored: Scored
    phrasing: str

    @property
    def confidence(self) -> float:
        """Return the confidence in the best article."""
        return self.confidences[0] if self.confidences else 0.0

    @property
    def is_sure(self) -> bool:
        """Return whether the best article is to be quoted."""
        return self.confidence >= self.threshold


class Model:
    """One language's articles; immutable once built."""

    def __init__(self, articles: Sequence[Article], quick: Model | None = None) -> None:
        self.articles = tuple(articles)
        self._confidence: Confidence = unfitted()
        if quick is None:
            self._matcher = Matcher(articles)
            return
        self._matcher = copy(quick._matcher)  # the index is shared, the head is its own
        self._matcher.fit()
        self._confidence = calibrate(self._matcher)
        self._matcher.forget()

    def rank(self, folded: str, most: int = 5) -> Ranked:
        """Return the best articles for a folded text."""
        scored = self._matcher.score(folded)
        first = max(self._confidence.of(scored.measures), _EXACT if scored.exact else 0.0)
        indices = scored.order[:most].tolist()
        return Ranked(
            tuple(self.articles[i] for i in indices),
            _confidences(first, scored, len(indices)),
            self._confidence.threshold,
            scored,
            self._matcher.phrasings[scored.phrasing].text,
        )


def model(articles: tuple[Article, ...], *, trained: bool) -> Model:
    """Return the model of these articles, the same one for as long as a bot holds it."""
    found = _models.get((articles, trained))
    if found is None:
        found = Model(articles, model(articles, trained=False) if trained else None)
        _models[articles, trained] = found
    return found


_models: WeakValueDictionary[tuple[tuple[Article, ...], bool], Model] = WeakValueDictionary()


def _confidences(first: float, scored: Scored, count: int) -> tuple[float, ...]:
    """What is not sure of the first article is shared by the others as their scores say."""
    rest = [max(0.0, float(score)) for score in scored.scores[1:count]]
    total = sum(rest) or 1.0
    return (first, *(min(first, (1 - first) * score / total) for score in rest))
