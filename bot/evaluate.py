"""Questions with the article they should get, put to the bot: figures and what went wrong."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from bot.answer import Answer, Bot, Clarify, Question


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """A question and the file name of the article that should answer; None or "handoff": a person should."""

    text: str
    expect: str | None = None
    language: str | None = None


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What the bot did with a case: `got` is the article it quoted, None when it quoted none."""

    case: Case
    action: str
    got: str | None
    #: The right article is among the first three candidates.
    offered: bool
    confidence: float

    @property
    def right(self) -> bool:
        """Return whether the right article was quoted, or rightly none."""
        return self.got == wanted(self.case)

    @property
    def wrong_answer(self) -> bool:
        """Return whether an article was quoted that should not have been."""
        return self.got is not None and not self.right


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """Shares over a set of cases, all in 0..1."""

    cases: int
    answered: float
    precision: float
    #: Of the cases with an article: answered rightly, and right article among the first three.
    recall: float
    top3: float
    #: Of the cases without: left to a person.
    handed_off: float


def evaluate(bot: Bot, cases: Iterable[Case]) -> list[Outcome]:
    """Put every case to the bot."""
    return [_outcome(bot, case) for case in cases]


def figures(outcomes: list[Outcome]) -> Figures:
    """Return the shares over `outcomes`; a share of nothing is 1."""
    answered = [o for o in outcomes if o.got is not None]
    inside = [o for o in outcomes if wanted(o.case)]
    outside = [o for o in outcomes if not wanted(o.case)]
    return Figures(
        cases=len(outcomes),
        answered=_share(answered, len(outcomes)),
        precision=_share([o for o in answered if o.right], len(answered)),
        recall=_share([o for o in inside if o.right], len(inside)),
        top3=_share([o for o in inside if o.offered], len(inside)),
        handed_off=_share([o for o in outside if o.got is None], len(outside)),
    )


def wanted(case: Case) -> str | None:
    """Return the article that should be quoted, None for a person."""
    return None if case.expect in (None, "", "handoff") else case.expect


def read_cases(lines: Iterable[str]) -> list[Case]:
    """Return the cases of a JSON-lines file; raises msgspec.DecodeError for a line that is none."""
    return [msgspec.json.decode(line, type=Case) for line in lines if line.strip()]


def _outcome(bot: Bot, case: Case) -> Outcome:
    reply = bot.reply(Question(text=case.text, language=case.language))
    first = [c.name for c in reply.candidates[:3]]
    got = reply.passages[0].article if isinstance(reply, Answer) else None
    action = "answer" if got else "clarify" if isinstance(reply, Clarify) else "handoff"
    return Outcome(
        case=case, action=action, got=got, offered=wanted(case) in first, confidence=reply.confidence
    )


def _share(part: list[Outcome], whole: int) -> float:
    return len(part) / whole if whole else 1.0
