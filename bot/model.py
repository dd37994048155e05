"""A matcher per language with its confidence: the part of the bot that is fitted to the articles."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from enum import IntEnum
from weakref import WeakValueDictionary

import msgspec

from bot.articles import Article
from bot.confidence import Confidence, Sure, calibrate, unfitted
from bot.encoders import encoder_for
from bot.matcher import Matcher, Scored

#: Confidence in an article whose own phrasing was asked, word for word.
_EXACT = 0.99


class Stage(IntEnum):
    """How much a model has learned: ready at once, with a head and fitted confidence, with an encoder for doubt."""

    QUICK = 0
    TRAINED = 1
    DEEP = 2


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


class _Fitted(msgspec.Struct, frozen=True):
    """A matcher with the confidence in what it says."""

    matcher: Matcher
    confidence: Confidence

    def rank(self, articles: tuple[Article, ...], folded: str, written: str, most: int) -> Ranked:
        scored = self.matcher.score(folded, written)
        first = max(self.confidence.of(scored.measures), _EXACT if scored.exact else 0.0)
        indices = scored.order[:most].tolist()
        return Ranked(
            tuple(articles[i] for i in indices),
            _confidences(first, scored, len(indices)),
            self.confidence.threshold,
            scored,
            self.matcher.phrasings[scored.phrasing].text,
        )


class Model:
    """One language's articles; immutable once built. Each stage is made of the one before."""

    def __init__(
        self, articles: Sequence[Article], before: Model | None = None, stage: Stage = Stage.QUICK
    ) -> None:
        self.articles = tuple(articles)
        self.stage = stage
        #: Which of the held-out questions this stage would have answered.
        self._sure: Sure | None = None
        self._deep: _Fitted | None = None
        if before is None:
            self._fitted = _Fitted(Matcher(articles), unfitted())
        elif stage is Stage.TRAINED:
            matcher = copy(before._fitted.matcher)  # the index is shared, the head is its own
            matcher.fit()
            confidence, self._sure = calibrate(matcher)
            matcher.forget()
            self._fitted = _Fitted(matcher, confidence)
        else:
            self._fitted = before._fitted
            self._deep = _deep(before)

    def rank(self, folded: str, most: int = 5, *, written: str = "", may_think: bool = True) -> Ranked:
        """Return the best articles for a folded text; in doubt an encoder, if there is one, reads what was written."""
        ranked = self._fitted.rank(self.articles, folded, written, most)
        if self._deep is None or ranked.is_sure or not may_think:
            return ranked
        return self._deep.rank(self.articles, folded, written, most)


def _deep(model: Model) -> _Fitted | None:
    """The second stage, calibrated on what leaves the first in doubt."""
    encoder = encoder_for(model.articles[0].language)
    if encoder is None or model._fitted.matcher.is_large or len(model.articles) < 2:
        return None
    matcher = model._fitted.matcher.deepened(encoder)
    matcher.fit()
    confidence, _ = calibrate(matcher, model._sure)
    matcher.forget()
    return _Fitted(matcher, confidence)


def model(articles: tuple[Article, ...], stage: Stage) -> Model:
    """Return the model of these articles, the same one for as long as a bot holds it."""
    found = _models.get((articles, stage))
    if found is None:
        before = model(articles, Stage(stage - 1)) if stage else None
        found = Model(articles, before, stage)
        _models[articles, stage] = found
    return found


_models: WeakValueDictionary[tuple[tuple[Article, ...], Stage], Model] = WeakValueDictionary()


def _confidences(first: float, scored: Scored, count: int) -> tuple[float, ...]:
    """What is not sure of the first article is shared by the others as their scores say."""
    rest = [max(0.0, float(score)) for score in scored.scores[1:count]]
    total = sum(rest) or 1.0
    return (first, *(min(first, (1 - first) * score / total) for score in rest))
