"""The bot: a question in, an answer, a choice or a hand-off out. Pure, immutable, safe to share between threads."""

from __future__ import annotations

from datetime import date

import numpy as np
from rapidfuzz import fuzz

from bot.articles import Article, Library
from bot.reply import Answer, Candidate, Clarify, Evidence, HandOff, Passage, Question, Reason, Reply
from gateway.text.normal import fold, ngrams, tokens

__all__ = [
    "Answer",
    "Bot",
    "Candidate",
    "Clarify",
    "Evidence",
    "HandOff",
    "Passage",
    "Question",
    "Reason",
    "Reply",
]


class Bot:
    """A snapshot of the knowledge base, ready to answer."""

    def __init__(self, library: Library, articles: tuple[Article, ...], *, today: date | None = None) -> None:
        self.library = library
        self.revision = library.revision
        self.today = today
        self.trained = False
        self._articles = articles
        self._phrases = [(i, fold(q)) for i, a in enumerate(articles) for q in (*a.questions, a.title)]
        self._grams = [frozenset(ngrams(q, 3, 4)) | frozenset(tokens(q)) for _, q in self._phrases]

    @classmethod
    def build(cls, library: Library, today: date | None = None) -> Bot:
        """Return a bot that answers at once; `train` makes it better. Articles expired on `today` are left out."""
        return cls(library, library.public(today), today=today)

    def train(self) -> Bot:
        """Return the bot with its confidence fitted to the articles; takes seconds for large libraries."""
        return self

    def reply(self, question: Question) -> Reply:
        """Answer, offer a choice or hand off; depends on nothing but the question and the articles."""
        if not question.text.strip():
            return HandOff(reason=Reason.EMPTY)
        if not self._articles:
            return HandOff(reason=Reason.NO_ARTICLES)
        found = self._rank(question.text[:4000])
        candidates = tuple(self._candidate(i, s) for i, s in found[:5])
        best, score = found[0]
        if score >= 0.7:
            passage = self._passage(self._articles[best], question.text, score)
            return Answer(passages=(passage,), confidence=score, candidates=candidates)
        if question.may_clarify and score >= 0.45 and len(candidates) > 1:
            return Clarify(options=candidates[:3], confidence=score, candidates=candidates)
        return HandOff(reason=Reason.LOW_CONFIDENCE, confidence=score, candidates=candidates)

    def search(self, text: str, language: str | None = None, limit: int = 10) -> list[Candidate]:
        """Return the articles nearest to a half-typed `text`, best first."""
        return [self._candidate(i, s) for i, s in self._rank(text[:400])[:limit]] if text.strip() else []

    def _rank(self, text: str) -> list[tuple[int, float]]:
        words = fold(text)
        grams = frozenset(ngrams(words, 3, 4)) | frozenset(tokens(words))
        shared = np.array([len(grams & g) / (len(grams | g) or 1) for g in self._grams])
        best: dict[int, float] = {}
        for k in np.argsort(-shared)[:50]:
            article, phrase = self._phrases[k]
            score = 0.5 * float(shared[k]) + 0.005 * fuzz.ratio(words, phrase)
            best[article] = max(best.get(article, 0.0), score)
        return sorted(best.items(), key=lambda item: -item[1])

    def _candidate(self, index: int, score: float) -> Candidate:
        article = self._articles[index]
        return Candidate(name=article.name, title=article.title, confidence=score)

    def _passage(self, article: Article, question: str, confidence: float) -> Passage:
        section = article.sections[0] if article.sections else None
        return Passage(
            article=article.name,
            slug=article.slug,
            title=article.title,
            language=article.language,
            revision=article.revision,
            section=section.heading if section else "",
            anchor=section.anchor if section else "",
            text=section.body if section else article.title,
            queue=article.queue,
            may_answer=article.may_answer,
            question=question,
            confidence=confidence,
        )
