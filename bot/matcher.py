"""One language's articles as a model: phrasings in two views, a head over both, and what it measures of a question."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import zip_longest

import msgspec
import numpy as np
from numpy.typing import NDArray

from bot.articles import Article
from bot.head import Head
from bot.lexical import Lexical, Vector
from bot.semantic import Semantic
from bot.spelling import Spelling
from gateway.text.normal import fold, tokens

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

#: Phrasings that a head's kernel is built on; in a larger knowledge base each article gets its share.
LANDMARKS = 3000
#: Phrasings that a head is fitted to.
MOST_FITTED = 9000
#: With more articles than this there is no head: nearest phrasings decide.
MOST_ARTICLES = 1500
#: Shares of the semantic view that are tried; the one with the best held-out accuracy is kept.
SHARES = (0.0, 0.35, 0.7)
#: A larger share must be worth this much accuracy.
_WORTH = 0.002
RIDGE = 0.05
_APART = np.float32(np.exp(-1))
#: Phrasings on which shares are compared, and on which confidence is fitted.
_COMPARED = 700
#: With more articles than this the head judges only so many, those with the nearest phrasings.
_JUDGED = 100
SAMPLE = 1500
#: Without a head: phrasings that the second view looks at.
_NEAREST = 200
#: What is measured of a question and the article ranked first.
MEASURES = ("score", "margin", "semantic", "lexical", "nearest", "other", "known", "covered", "length")


class Scored(msgspec.Struct, frozen=True):
    """Articles by score, best first, with the measures that confidence is made of."""

    order: Ints
    scores: Floats
    #: One number for each of MEASURES.
    measures: Floats
    #: Index of the best article's phrasing nearest to the text.
    phrasing: int
    #: The text is word for word a phrasing of this article and of no other.
    exact: bool


class Phrasing(msgspec.Struct, frozen=True):
    """A question as an article lists it, or its title or keywords (which nobody asks)."""

    owner: int
    text: str
    asked: bool


class Matcher:
    """A language's phrasings, searchable at once; with a `head` after training."""

    def __init__(self, articles: Sequence[Article]) -> None:
        self.articles = tuple(articles)
        self.phrasings = list(_interleaved(self.articles))
        self.owner: Ints = np.array([p.owner for p in self.phrasings], np.int64)
        self.folded = [fold(p.text) for p in self.phrasings]
        self.words = [frozenset(tokens(text)) for text in self.folded]
        self._exact = _unambiguous(self.phrasings, self.folded)
        spread = Counter(word for words in self.words for word in words)
        self._rarity = {
            word: float(np.log((1 + len(self.words)) / (1 + n)) + 1) for word, n in spread.items()
        }
        self._unknown = float(np.log(1 + len(self.words)) + 1)
        self.article_words: list[Counter[str]] = [Counter() for _ in self.articles]
        for owner, words in zip(self.owner.tolist(), self.words, strict=True):
            self.article_words[owner].update(words)
        size = len(self.folded) if self.is_large else min(len(self.folded), LANDMARKS)
        self.spelling = Spelling(spread)
        self.lexical = Lexical(self.folded, size)
        self.semantic = Semantic(self.folded, size)
        self.columns = self.owner[:size]
        by_article = np.argsort(self.columns, kind="stable")
        borders = np.searchsorted(self.columns[by_article], np.arange(1, len(self.articles)))
        self._own: list[Ints] = np.split(by_article, borders)
        self.share = 0.5
        self.head: Head | None = None
        self._weights: Floats | None = None

    @property
    def is_large(self) -> bool:
        """Return whether there are too many articles for a head."""
        return len(self.articles) > MOST_ARTICLES

    def score(self, folded: str) -> Scored:
        """Rank the articles for a folded text."""
        text = self.spelling.correct(folded)
        vector = self.lexical.vector(text)
        lexical, semantic = self._similar(vector, text)
        if self._weights is None:
            scores = self.nearest((1 - self.share) * lexical + self.share * semantic)
        else:
            scores = self._judge(lexical, semantic, self._weights)
        asked = tokens(text)
        exact = self._exact.get(" ".join(asked))
        if exact is not None:
            scores[exact] = max(1.0, float(scores.max()) + 0.1)
        measures, phrasing = self.measure(scores, lexical, semantic, asked, vector.known)
        best = np.argpartition(-scores, min(9, len(scores) - 1))[:10]
        order = best[np.argsort(-scores[best], kind="stable")]
        return Scored(order, scores[order], measures, phrasing, exact is not None)

    def measure(
        self,
        scores: Floats,
        lexical: Floats,
        semantic: Floats,
        words: Sequence[str],
        known: float,
        less: int = 0,
    ) -> tuple[Floats, int]:
        """Return the measures and the nearest phrasing; `less` phrasings of the best article do not count."""
        best = int(scores.argmax())
        second = float(np.partition(scores, -2)[-2]) if len(scores) > 1 else 0.0
        similar = (1 - self.share) * lexical + self.share * semantic
        own = self._own[best]
        nearest = int(own[similar[own].argmax()])
        others = similar.copy()
        others[own] = 0
        measures = np.array(
            (
                scores[best],
                scores[best] - second,
                max(0.0, semantic[own].max()),
                max(0.0, lexical[own].max()),
                max(0.0, similar[nearest]),
                others.max(),
                known,
                self.covered(best, words, less),
                np.log1p(len(words)),
            ),
            np.float32,
        )
        return measures, nearest

    def covered(self, article: int, words: Sequence[str], less: int = 0) -> float:
        """Return the share of the words' weight that occurs in more than `less` phrasings of an article."""
        own = self.article_words[article]
        weights = [(self._rarity.get(word, self._unknown), own[word] > less) for word in words]
        total = sum(weight for weight, _ in weights)
        return sum(weight for weight, has in weights if has) / total if total else 0.0

    def kernel(self, lexical: Floats, semantic: Floats) -> Floats:
        """Return the kernel of the head from the cosines of both views, 0 for nothing in common."""
        mixed = (1 - self.share) * np.exp(lexical - 1) + self.share * np.exp(semantic - 1)
        return np.asarray(mixed - _APART, np.float32)

    def nearest(self, similar: Floats) -> Floats:
        """Return every article's best similarity."""
        scores = np.zeros(len(self.articles), np.float32)
        rows = np.flatnonzero(similar)
        np.maximum.at(scores, self.columns[rows], similar[rows])
        return scores

    def fit(self) -> None:
        """Fit the head; for large libraries only the views' shares stay as they are."""
        if self.is_large or len(self.articles) < 2:
            return
        fitted = max(MOST_FITTED, len(self.columns))
        lexical = self.lexical.similar_rows(self.lexical.vectors[:fitted])
        semantic = self.semantic.similar_rows(self.folded[:fitted])
        self.share = self._best_share(lexical, semantic)
        kernel = self._kernel_of_all(lexical, semantic)
        del semantic
        self.head = Head(kernel, self.owner[:fitted], len(self.articles), RIDGE)
        self._weights = self.head.weights

    def forget(self) -> None:
        """Drop what only fitting needs."""
        self.head = None

    def _judge(self, lexical: Floats, semantic: Floats, weights: Floats) -> Floats:
        kernel = self.kernel(lexical, semantic)
        if len(weights) <= 2 * _JUDGED:
            return np.asarray(weights @ kernel)
        near = self.nearest((1 - self.share) * lexical + self.share * semantic)
        judged = np.argpartition(-near, _JUDGED)[:_JUDGED]
        scores = np.full(len(weights), -1.0, np.float32)
        scores[judged] = weights[judged] @ kernel
        return scores

    def _similar(self, vector: Vector, text: str) -> tuple[Floats, Floats]:
        lexical = self.lexical.similar(vector)
        if not self.is_large:
            return lexical, self.semantic.similar(text)
        rows = np.argpartition(-lexical, _NEAREST)[:_NEAREST]
        semantic = np.zeros_like(lexical)
        semantic[rows] = self.semantic.similar(text, rows)
        return lexical, semantic

    def _kernel_of_all(self, lexical: Floats, semantic: Floats) -> Floats:
        """The kernel in place of its inputs, which may be hundreds of megabytes."""
        for view, weight in ((lexical, 1 - self.share), (semantic, self.share)):
            view -= 1
            np.exp(view, out=view)
            view *= weight
        lexical += semantic
        lexical -= _APART
        return lexical

    def _best_share(self, lexical: Floats, semantic: Floats) -> float:
        rows = np.arange(min(max(_COMPARED, min(3 * len(self.articles), SAMPLE)), lexical.shape[1]))
        asked = rows[[self.phrasings[i].asked for i in rows]]
        best, kept = -1.0, SHARES[0]
        for self.share in SHARES:
            kernel = self.kernel(lexical[: len(rows), : len(rows)], semantic[: len(rows), : len(rows)])
            fitted = Head(kernel, self.owner[rows], len(self.articles), RIDGE)
            right = float((fitted.without_each(asked).argmax(1) == self.owner[asked]).mean())
            if right > best + _WORTH:
                best, kept = right, self.share
        return kept


def _interleaved(articles: Sequence[Article]) -> list[Phrasing]:
    """Every article's first phrasing, then every second: any beginning of the list is a fair sample."""
    columns = [_phrasings(i, article) for i, article in enumerate(articles)]
    return [phrasing for row in zip_longest(*columns) for phrasing in row if phrasing is not None]


def _phrasings(owner: int, article: Article) -> list[Phrasing]:
    first, *rest = article.questions or (article.title,)
    unasked = [Phrasing(owner, text, False) for text in (article.title, " ".join(article.keywords)) if text]
    return [Phrasing(owner, first, True), *unasked, *(Phrasing(owner, text, True) for text in rest)]


def _unambiguous(phrasings: Sequence[Phrasing], folded: Sequence[str]) -> dict[str, int]:
    """Questions of the articles by their words, without those that two articles share."""
    found: dict[str, int] = {}
    shared = set()
    for phrasing, text in zip(phrasings, folded, strict=True):
        words = " ".join(tokens(text))
        if phrasing.asked and found.setdefault(words, phrasing.owner) != phrasing.owner:
            shared.add(words)
    return {words: owner for words, owner in found.items() if words and words not in shared}
