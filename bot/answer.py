"""The bot: a question in, an answer, a choice or a hand-off out. Pure, immutable, safe to share between threads."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import msgspec

from bot.articles import Article, Library
from bot.model import Model, Ranked, Stage, model
from bot.passages import passage
from bot.reply import Answer, Candidate, Clarify, Evidence, HandOff, Passage, Question, Reason, Reply
from bot.signals import small_talk, wants_human
from gateway.text.language import Guess, detect
from gateway.text.normal import fold, tokens
from gateway.text.question import Asked, asks, read

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

#: A longer message is for a person: quoting one article at it would half-answer it.
LONGEST = 12_000
#: Characters of one sentence or paragraph that are matched.
_LONGEST_PART = 400
#: A choice is offered when the right article is likely among the first three.
CLARIFY = 0.75
#: Below this nothing fits.
_NOTHING = 0.15
#: Below this an article is not offered as the third choice, and below that not as the second.
_POSSIBLE, _CONCEIVABLE = 0.03, 0.002
#: Parts of one message that an encoder may read and other languages are tried for: the time of one answer is bounded.
_THOUGHT = 6
#: How much better an article in another language must fit when neither is sure.
_FOREIGN = 0.2
_OFFERED = 3
_SHOWN = 5


class _Best(msgspec.Struct, frozen=True):
    """A part of the message with the model that was surest of it."""

    text: str
    ranked: Ranked


class Bot:
    """A snapshot of the knowledge base, ready to answer; `train` gives the better one."""

    def __init__(self, library: Library, today: date | None, stage: Stage) -> None:
        self.library = library
        self.revision = library.revision
        self.today = today
        self.stage = stage
        by_language: dict[str, list[Article]] = {}
        for article in library.public(today):
            by_language.setdefault(article.language, []).append(article)
        self._models = {tag: model(tuple(own), stage) for tag, own in by_language.items()}

    @classmethod
    def build(cls, library: Library, today: date | None = None) -> Bot:
        """Return a bot that answers at once, carefully; articles that expired before `today` are left out."""
        return cls(library, today, Stage.QUICK)

    def train(self) -> Bot:
        """Return the bot with heads and confidence fitted to the articles.

        Takes about a second for 1,000 phrasings; languages whose articles did not change are taken over.
        """
        return self if self.stage >= Stage.TRAINED else Bot(self.library, self.today, Stage.TRAINED)

    def deepen(self) -> Bot:
        """Return the trained bot that in doubt asks the encoders of the [semantic] extra, where it is installed.

        Encodes every phrasing: some 3 ms each in English, 20 ms in other languages.
        """
        return Bot(self.library, self.today, Stage.DEEP)

    def reply(self, question: Question) -> Reply:
        """Answer, offer a choice or hand off; depends on nothing but the question and the articles."""
        text = question.text
        if not tokens(text[:LONGEST]):
            return HandOff(reason=Reason.EMPTY, language=question.language or "")
        if not self._models:
            return HandOff(reason=Reason.NO_ARTICLES, language=question.language or "")
        if len(text) > LONGEST:
            return HandOff(reason=Reason.TOO_LONG, language=question.language or "")
        asked = read(text)
        guess = self._language(asked.text or text, question)
        return self._decide(question, asked, guess)

    def search(self, text: str, language: str | None = None, limit: int = 10) -> list[Candidate]:
        """Return the articles nearest to a half-typed `text`, best first, those in `language` before others."""
        folded = fold(text[:_LONGEST_PART])
        if not tokens(folded):
            return []
        order = [language] if language in self._models else list(self._models)
        found = [_candidates(self._models[tag].rank(folded, limit)) for tag in order if tag]
        return sorted((c for part in found for c in part), key=lambda c: -c.confidence)[:limit]

    def _language(self, text: str, question: Question) -> Guess:
        return detect(
            text[:1000], tuple(dict.fromkeys((*question.languages, *self._models))), question.language
        )

    def _decide(self, question: Question, asked: Asked, guess: Guess) -> Reply:
        talk = small_talk(question.text)
        if talk or wants_human(question.text):  # what is nearest is only shown: nothing is thought over
            common = self._common(self._rank(_parts(asked)[0], guess, may_think=False), guess)
            reason = Reason.SMALL_TALK if talk else Reason.WANTS_HUMAN
            return HandOff(reason=reason, small_talk=talk, **common)
        best = self._best(asked, guess)
        first = best[0]
        common = self._common(first, guess)
        sure = [part for part in best if part.ranked.is_sure]
        if sure:
            return self._answer(sure, asked, guess, common)
        if question.may_clarify and first.ranked.confidence + sum(first.ranked.confidences[1:3]) >= CLARIFY:
            options = _options(first.ranked)
            if len(options) > 1 and first.ranked.confidence >= _NOTHING:
                return Clarify(options=options, **common)
        reason = Reason.NO_MATCH if first.ranked.confidence < _NOTHING else Reason.LOW_CONFIDENCE
        return HandOff(reason=Reason.TOO_LONG if asked.cut else reason, **common)

    def _best(self, asked: Asked, guess: Guess) -> list[_Best]:
        """The surest reading first, then other parts that are sure of other articles."""
        parts = _parts(asked)
        whole = self._rank(parts[0], guess)
        if whole.ranked.is_sure and len(asked.paragraphs) == 1:
            return [whole]
        others = [self._rank(part, guess, may_think=n < _THOUGHT) for n, part in enumerate(parts[1:], 1)]
        if len(asked.paragraphs) == 1:  # a sentence that is not sure is no better than all of them
            others = [part for part in others if part.ranked.is_sure]
        found = sorted((whole, *others), key=lambda part: (-part.ranked.is_sure, -part.ranked.confidence))
        kept: list[_Best] = []
        for part in found:
            if not kept or all(part.ranked.articles[0].slug != k.ranked.articles[0].slug for k in kept):
                kept.append(part)
        return kept

    def _rank(self, text: str, guess: Guess, *, may_think: bool = True) -> _Best:
        written = text[:_LONGEST_PART]
        folded = fold(written)
        first, *rest = self._order(guess)
        best = first.rank(folded, _SHOWN, written=written, may_think=may_think)
        for each in rest if may_think else ():
            if best.is_sure:
                break
            ranked = each.rank(folded, _SHOWN)
            # Another language must fit clearly better than the one that was written.
            best = ranked if ranked.is_sure or ranked.confidence > best.confidence + _FOREIGN else best
        return _Best(text, best)

    def _shown(self, best: _Best, guess: Guess) -> tuple[Candidate, ...]:
        """At least three candidates when there are as many articles, of other languages if need be."""
        found = _candidates(best.ranked)
        for each in self._order(guess):
            if len(found) < _OFFERED and each.articles[0].language != best.ranked.articles[0].language:
                ranked = each.rank(fold(best.text[:_LONGEST_PART]), _SHOWN, may_think=False)
                found += _candidates(ranked, found[-1].confidence)
        return tuple(found)

    def _order(self, guess: Guess) -> Sequence[Model]:
        first = self._models.get(guess.language)
        rest = [each for tag, each in self._models.items() if tag != guess.language]
        return [first, *rest] if first else rest

    def _answer(self, sure: list[_Best], asked: Asked, guess: Guess, common: dict[str, Any]) -> Answer:
        passages = tuple(self._passage(part, guess) for part in sure)
        said = " ".join(part.text for part in sure)
        left = tuple(s for s in asked.sentences if asks(s) and s not in said)
        return Answer(
            passages=passages,
            unanswered=left,
            other_language=any(p.language != guess.language for p in passages),
            **common,
        )

    def _passage(self, part: _Best, guess: Guess) -> Passage:
        article = part.ranked.articles[0]
        for version in self.library.versions(article.slug):
            if version.language == guess.language and version.is_live(self.today):
                article = version
        return passage(article, part.text, part.ranked.confidence)

    def _common(self, best: _Best, guess: Guess) -> dict[str, Any]:
        """What every reply carries, by field."""
        ranked = best.ranked
        evidence = Evidence(
            phrasing=ranked.phrasing,
            words=ranked.scored.words,
            score=ranked.scored.measures[0],
            margin=ranked.scored.measures[1],
            threshold=ranked.threshold,
            language=guess.language,
            library=self.revision,
        )
        return {
            "language": guess.language,
            "confidence": ranked.confidence,
            "candidates": self._shown(best, guess),
            "evidence": evidence,
        }


def _parts(asked: Asked) -> list[str]:
    """The whole message, then its paragraphs, then its sentences, each once."""
    paragraphs = [" ".join(paragraph) for paragraph in asked.paragraphs]
    return list(dict.fromkeys((asked.text, *paragraphs, *asked.sentences)))


def _options(ranked: Ranked) -> tuple[Candidate, ...]:
    """Up to three to choose from, each where it might be meant: one beside which nothing fits is no choice."""
    least = (0.0, _CONCEIVABLE, _POSSIBLE)
    found = zip(_candidates(ranked)[:_OFFERED], least, strict=False)
    return tuple(candidate for candidate, bound in found if candidate.confidence >= bound)


def _candidates(ranked: Ranked, most: float = 1.0) -> list[Candidate]:
    return [
        Candidate(name=article.name, title=article.title, confidence=min(most, confidence))
        for article, confidence in zip(ranked.articles, ranked.confidences, strict=True)
    ]
