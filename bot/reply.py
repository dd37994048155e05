"""What is asked of the bot and what it says back: values only."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Reason(StrEnum):
    """Why the bot hands a question to a person."""

    NO_MATCH = "no_match"
    LOW_CONFIDENCE = "low_confidence"
    WANTS_HUMAN = "wants_human"
    SMALL_TALK = "small_talk"
    EMPTY = "empty"
    NO_ARTICLES = "no_articles"
    TOO_LONG = "too_long"


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """A customer's words; may be a whole plain-text mail."""

    text: str
    #: The contact's known language, used as prior.
    language: str | None = None
    #: Languages that the desk serves; empty: those of the articles.
    languages: tuple[str, ...] = ()
    #: False once a choice was offered and not taken.
    may_clarify: bool = True


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """An article that may answer, with a calibrated confidence in 0..1."""

    name: str
    title: str
    confidence: float


class Passage(msgspec.Struct, frozen=True, kw_only=True):
    """The part of one article that is quoted, and the question it answers."""

    article: str
    slug: str
    title: str
    language: str
    revision: str
    #: Heading of the quoted section, "" when it has none.
    section: str
    anchor: str
    #: Markdown, word for word from the article.
    text: str
    queue: str | None
    may_answer: tuple[str, ...]
    question: str
    confidence: float


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """What the decision rests on, for the ticket and for `--explain`."""

    #: The article's own phrasing that is nearest to the question.
    phrasing: str = ""
    #: The words that both share.
    words: tuple[str, ...] = ()
    #: Raw score of the best article, and how far it is ahead of the second.
    score: float = 0.0
    margin: float = 0.0
    #: Confidence from which the bot answers.
    threshold: float = 1.0
    language: str = ""
    #: Revision of the library that was searched.
    library: str = ""


class _Common(msgspec.Struct, frozen=True, kw_only=True):
    """What every reply carries."""

    language: str = ""
    confidence: float = 0.0
    #: The best first, at least three when there are as many articles.
    candidates: tuple[Candidate, ...] = ()
    evidence: Evidence = Evidence()


class Answer(_Common, frozen=True, kw_only=True, tag="answer"):
    """One passage or more to quote; `unanswered` are questions of the same message left open."""

    passages: tuple[Passage, ...]
    unanswered: tuple[str, ...] = ()
    #: The article is not in the question's language, which must be said.
    other_language: bool = False


class Clarify(_Common, frozen=True, kw_only=True, tag="clarify"):
    """Two or three articles to choose from."""

    options: tuple[Candidate, ...]


class HandOff(_Common, frozen=True, kw_only=True, tag="handoff"):
    """A person should take this; small talk names its kind: greeting, thanks, bye or menu."""

    reason: Reason
    small_talk: str = ""


Reply = Answer | Clarify | HandOff
