"""One language's articles as a model: phrasings in two views, a head over both, and what it measures of a question."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from copy import copy
from itertools import zip_longest
from math import log1p

import msgspec
import numpy as np
from numpy.typing import NDArray

from bot.articles import Article
from bot.encoders import Encoder
from bot.features import Vector
from bot.head import Head
from bot.lexical import Lexical
from bot.semantic import Semantic, Summed, raw_vectors
from bot.spelling import Spelling
from gateway.text.language import usual_words
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
_APART = float(np.exp(-_STEEP))
#: Phrasings on which shares are compared, and on which confidence is fitted.
_COMPARED = 700
#: With more articles than this the head judges only so many, those with the nearest phrasings.
_ALL_JUDGED, _JUDGED = 200, 32
SAMPLE = 1500
#: Phrasings that are compared with all others at once.
BLOCK = 128
#: Without a head: phrasings that the second view looks at, none with less than this share of the best similarity.
_NEAREST, _FAR = 200, 0.3
#: Articles that are put in order.
_RANKED = 10
#: What is measured of a question and the article ranked first.
MEASURES = ("score", "margin", "semantic", "lexical", "nearest", "other", "known", "covered", "length")


class Scored(msgspec.Struct, frozen=True):
    """Articles by score, best first, with the measures that confidence is made of."""

    order: Ints
    scores: Floats
    #: One number for each of MEASURES.
    measures: tuple[float, ...]
    #: Index of the best article's phrasing nearest to the text, and the words that both have.
    phrasing: int
    words: tuple[str, ...]
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
        self.phrasings, self.whole = _in_order(self.articles)
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
        usual = {fold(word) for word in usual_words(self.articles[0].language)} if self.articles else ()
        self.lexical = Lexical(self.folded, size, usual)
        self.semantic: Semantic = Summed(raw_vectors(self.folded[:size]), self.lexical.common)
        self.columns = self.owner[:size]
        by_article = np.argsort(self.columns, kind="stable")
        borders = np.searchsorted(self.columns[by_article], np.arange(1, len(self.articles)))
        self._own: list[Ints] = np.split(by_article, borders)
        self.share = 0.5
        self.encoder: Encoder | None = None
        self.head: Head | None = None
        #: So many phrasings, from the first, can be held out; `whole` are the articles that can be held out whole.
        self.tried = min(size, MOST_TRIED)
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
            scores = self.nearest(self.mixed(lexical, semantic))
        else:
            scores = self._judge(lexical, semantic, self._weights)
        asked = tokens(text)
        exact = self._exact.get(" ".join(asked))
        if exact is not None:
            scores[exact] = max(1.0, float(scores.max()) + 0.1)
        measures, phrasing = self.measure(scores, lexical, semantic, asked, vector.known)
        best = scores.argpartition(-min(_RANKED, len(scores)))[-_RANKED:]
        order = best[(-scores[best]).argsort(kind="stable")]
        near = self.words[phrasing]
        words = tuple(dict.fromkeys(word for word in asked if word in near))
        return Scored(order, scores[order], measures, phrasing, words, exact is not None)

    def measure(
        self,
        scores: Floats,
        lexical: Floats,
        semantic: Floats,
        words: Sequence[str],
        known: float,
        less: int = 0,
    ) -> tuple[tuple[float, ...], int]:
        """Return the measures and the nearest phrasing; `less` phrasings of the best article do not count."""
        best = int(scores.argmax())
        second = float(np.partition(scores, -2)[-2]) if len(scores) > 1 else 0.0
        similar = self.mixed(lexical, semantic)
        own = self._own[best]
        mine = similar[own]
        place = int(mine.argmax())
        similar[own] = 0
        first = float(scores[best])
        measures = (
            first,
            first - second,
            max(0.0, float(semantic[own].max())),
            max(0.0, float(lexical[own].max())),
            max(0.0, float(mine[place])),
            float(similar.max()),
            known,
            self.covered(best, words, less),
            log1p(len(words)),
        )
        return measures, int(own[place])

    def covered(self, article: int, words: Sequence[str], less: int = 0) -> float:
        """Return the share of the words' weight that occurs in more than `less` phrasings of an article."""
        own, rarity, unknown = self.article_words[article], self._rarity, self._unknown
        has = total = 0.0
        for word in words:
            weight = rarity.get(word, unknown)
            total += weight
            if own.get(word, 0) > less:
                has += weight
        return has / total if total else 0.0

    def mixed(self, lexical: Floats, semantic: Floats) -> Floats:
        """Return one similarity of two, by the share of the semantic view."""
        out = lexical * np.float32(1 - self.share)
        out += semantic * np.float32(self.share)
        return out

    def kernel(self, lexical: Floats, semantic: Floats) -> Floats:
        """Return the kernel of the head from the cosines of both views, 0 for nothing in common."""
        out = _rise(lexical, 1 - self.share)
        if self.share:
            out += _rise(semantic, self.share)
        out -= np.float32(_APART)
        return out

    def nearest(self, similar: Floats) -> Floats:
        """Return every article's best similarity."""
        scores = np.zeros(len(self.articles), np.float32)
        if self.is_large:
            rows = np.flatnonzero(similar > _FAR * similar.max())
            np.maximum.at(scores, self.columns[rows], similar[rows])
        else:
            np.maximum.at(scores, self.columns, similar)
        return scores

    def fit(self) -> None:
        """Fit the head; large libraries have none."""
        if self.is_large or len(self.articles) < 2:
            return
        self.share = self._best_share()
        self.head = Head(self._kernel(), self.columns, len(self.articles), RIDGE, self.tried)
        self._weights = self.head.weights

    def forget(self) -> None:
        """Drop what only fitting needs."""
        self.head = None

    def _judge(self, lexical: Floats, semantic: Floats, weights: Floats) -> Floats:
        kernel = self.kernel(lexical, semantic)
        if len(weights) <= _ALL_JUDGED:
            return np.asarray(weights @ kernel)
        near = self.nearest(self.mixed(lexical, semantic))
        judged = np.argpartition(-near, _JUDGED)[:_JUDGED]
        scores = np.full(len(weights), -1.0, np.float32)
        scores[judged] = weights[judged] @ kernel
        return scores

    def _similar(self, vector: Vector, text: str) -> tuple[Floats, Floats]:
        lexical = self.lexical.similar(vector)
        if not self.is_large:
            return lexical, self.semantic.similar(text)
        rows = np.flatnonzero(lexical > _FAR * lexical.max())
        if len(rows) > _NEAREST:
            rows = rows[np.argpartition(-lexical[rows], _NEAREST)[:_NEAREST]]
        semantic = np.zeros_like(lexical)
        semantic[rows] = self.semantic.similar(text, rows)
        return lexical, semantic

    def similar_rows(self, rows: Ints, columns: int | None = None) -> tuple[Floats, Floats]:
        """Return the cosines of phrasings `rows` with the first `columns` ones, in both views."""
        return self.lexical.similar_rows(rows, columns), self.semantic.similar_rows(rows, columns)

    def _kernel(self) -> Floats:
        """The kernel among all columns, made in blocks: whole, its parts may take hundreds of megabytes.

        Above the diagonal only what can be held out is filled in.
        """
        size = len(self.columns)
        out = np.empty((size, size), np.float32)
        for at in range(0, size, BLOCK):
            end = min(at + BLOCK, size)
            out[at:end, :end] = self.kernel(*self.similar_rows(np.arange(at, end), end))
            out[:at, at:end] = out[at:end, :at].T if at < self.tried else 0
        return out

    def _best_share(self) -> float:
        """The share of the semantic view with the best held-out accuracy on a sample."""
        rows = np.arange(min(max(_COMPARED, min(3 * len(self.articles), SAMPLE)), len(self.columns)))
        asked = rows[[self.phrasings[i].asked for i in rows]]
        lexical, semantic = self.similar_rows(rows, len(rows))
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


def _rise(cosines: Floats, share: float) -> Floats:
    """`share` of exp(_STEEP (cosine - 1))."""
    out = cosines * np.float32(_STEEP)
    out += np.float32(np.log(share) - _STEEP)
    return np.asarray(np.exp(out, out=out))


def _in_order(articles: Sequence[Article]) -> tuple[list[Phrasing], list[int]]:
    """Every article's first phrasing, then every second: any beginning of the list is a fair sample.

    In a large library that is so for SAMPLE phrasings; then come all others of some articles, which can thus be held
    out whole, up to MOST_TRIED. Returns these articles too, by default all.
    """
    columns = [_phrasings(i, article) for i, article in enumerate(articles)]
    found = [phrasing for row in zip_longest(*columns) for phrasing in row if phrasing is not None]
    if len(found) <= MOST_TRIED or len(articles) > MOST_ARTICLES:
        return found, list(range(len(articles)))
    fitted = found[SAMPLE:MOST_FITTED]
    left = Counter(phrasing.owner for phrasing in fitted)
    whole, room = dict[int, None](), MOST_TRIED - SAMPLE
    for article in np.random.default_rng(0).permutation(len(articles)).tolist():
        if left[article] <= room:
            whole[article] = None
            room -= left[article]
    first = [p for p in fitted if p.owner in whole]
    rest = [p for p in fitted if p.owner not in whole]
    return [*found[:SAMPLE], *first, *rest, *found[MOST_FITTED:]], list(whole)


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
