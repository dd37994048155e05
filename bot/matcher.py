"""One language's articles as a model: phrasings in two views, a head over both, and what it measures of a question."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from copy import copy
from itertools import zip_longest

import msgspec
import numpy as np
from numpy.typing import NDArray

from bot.articles import Article
from bot.encoders import Encoder
from bot.head import Head
from bot.lexical import Lexical, Vector
from bot.semantic import Semantic, raw_vector, raw_vectors
from bot.spelling import Spelling
from gateway.text.normal import fold, tokens

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

#: Phrasings that a head is fitted to; in a larger knowledge base each article gets its share.
MOST_FITTED = 9000
#: Phrasings that can be held out of the head, alone or with their whole article.
MOST_TRIED = 3000
#: With more articles than this there is no head: nearest phrasings decide.
MOST_ARTICLES = 1500
#: Shares of the semantic view that are tried; the one with the best held-out accuracy is kept.
SHARES = (0.0, 0.35, 0.5, 0.7)
#: One more for an encoder, which tells more.
ENCODED_SHARE = 0.85
#: A larger share must be worth this much of the lead's measure, which is nearly 1 for a lead of 1 / _CLEAR.
_WORTH = 0.002
_CLEAR = 6.0
RIDGE = 0.1
#: How fast nearness falls with the cosine.
_STEEP = 1.5
_APART = np.float32(np.exp(-_STEEP))
#: Phrasings on which shares are compared, and on which confidence is fitted.
_COMPARED = 700
#: With more articles than this the head judges only so many, those with the nearest phrasings.
_JUDGED = 100
SAMPLE = 1500
#: Phrasings that are compared with all others at once.
BLOCK = 512
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
        size = len(self.folded) if self.is_large else min(len(self.folded), MOST_FITTED)
        self.spelling = Spelling(spread)
        self.lexical = Lexical(self.folded, size)
        self.semantic = Semantic(raw_vectors(self.folded[:size]), raw_vector)
        self.columns = self.owner[:size]
        by_article = np.argsort(self.columns, kind="stable")
        borders = np.searchsorted(self.columns[by_article], np.arange(1, len(self.articles)))
        self._own: list[Ints] = np.split(by_article, borders)
        self.share = 0.5
        self.encoder: Encoder | None = None
        self.head: Head | None = None
        #: Phrasings that can be held out, in the head's order, and articles that can be held out whole.
        self.tried: Ints = np.zeros(0, np.int64)
        self.whole = list(range(len(self.articles)))
        self._weights: Floats | None = None

    @property
    def is_large(self) -> bool:
        """Return whether there are too many articles for a head."""
        return len(self.articles) > MOST_ARTICLES

    def deepened(self, encoder: Encoder) -> Matcher:
        """Return this matcher with an encoder as its semantic view, to be fitted anew; encodes every phrasing."""
        deeper = copy(self)
        deeper.encoder = encoder
        size = len(self.columns)
        texts = self.folded if encoder.reads_folded else [phrasing.text for phrasing in self.phrasings]
        deeper.semantic = Semantic(encoder.rows(texts[:size]), encoder.row)
        return deeper

    def score(self, folded: str, written: str = "") -> Scored:
        """Rank the articles for a folded text; an encoder may read it as it was `written`."""
        text = self.spelling.correct(folded)
        vector = self.lexical.vector(text)
        seen = text if self.encoder is None or self.encoder.reads_folded else written or text
        lexical, semantic = self._similar(vector, seen)
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
        out = np.exp(_STEEP * (lexical - 1)) * np.float32(1 - self.share)
        out += np.exp(_STEEP * (semantic - 1)) * np.float32(self.share)
        out -= _APART
        return np.asarray(out, np.float32)

    def nearest(self, similar: Floats) -> Floats:
        """Return every article's best similarity."""
        scores = np.zeros(len(self.articles), np.float32)
        rows = np.flatnonzero(similar)
        np.maximum.at(scores, self.columns[rows], similar[rows])
        return scores

    def fit(self) -> None:
        """Fit the head; large libraries have none."""
        if self.is_large or len(self.articles) < 2:
            return
        self.share = self._best_share()
        self.tried = self._choose_tried()
        rest = np.setdiff1d(np.arange(len(self.columns)), self.tried)
        order = np.concatenate([self.tried, rest])
        self.head = Head(
            self._kernel_of(order), self.columns[order], len(self.articles), RIDGE, len(self.tried)
        )
        self._weights = np.empty_like(self.head.weights)
        self._weights[:, order] = self.head.weights

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

    def similar_rows(self, rows: Ints) -> tuple[Floats, Floats]:
        """Return the cosines of phrasings `rows` with all columns, in both views."""
        lexical = self.lexical.similar_rows([self.lexical.vectors[i] for i in rows])
        return lexical, self.semantic.similar_rows(rows)

    def _kernel_of(self, rows: Ints) -> Floats:
        """The kernel among `rows`, made in blocks: whole it may take hundreds of megabytes."""
        out = np.empty((len(rows), len(rows)), np.float32)
        for at in range(0, len(rows), BLOCK):
            block = rows[at : at + BLOCK]
            out[at : at + len(block)] = self.kernel(*self.similar_rows(block))[:, rows]
        return out

    def _choose_tried(self) -> Ints:
        """Rows that can be held out: all, or else a sample of every article and all of some articles."""
        if len(self.columns) <= MOST_TRIED:
            return np.arange(len(self.columns))
        chosen = np.arange(len(self.columns)) < SAMPLE
        self.whole = []
        for article in np.random.default_rng(0).permutation(len(self.articles)).tolist():
            own = self.columns == article
            if (chosen | own).sum() <= MOST_TRIED:
                chosen |= own
                self.whole.append(article)
        return np.flatnonzero(chosen)

    def _best_share(self) -> float:
        """The share of the semantic view with the best held-out accuracy on a sample."""
        rows = np.arange(min(max(_COMPARED, min(3 * len(self.articles), SAMPLE)), len(self.columns)))
        asked = rows[[self.phrasings[i].asked for i in rows]]
        lexical, semantic = (view[:, : len(rows)] for view in self.similar_rows(rows))
        best, kept = -1.0, SHARES[0]
        for share in SHARES if self.encoder is None else (*SHARES, ENCODED_SHARE):
            self.share = share
            fitted = Head(
                self.kernel(lexical, semantic), self.owner[rows], len(self.articles), RIDGE, len(rows)
            )
            right = _lead(fitted.without_each(asked), self.owner[asked])
            if right > best + _WORTH:
                best, kept = right, share
        return kept


def _lead(scores: Floats, owner: Ints) -> float:
    """How clearly the right articles are ahead of the next, from -1 to 1: smoother than a count of the right ones."""
    rows = np.arange(len(owner))
    right = scores[rows, owner]
    scores[rows, owner] = -np.inf
    return float(np.tanh(_CLEAR * (right - scores.max(1))).mean())


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
