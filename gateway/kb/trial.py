"""`deskgate kb test`: questions with the article that should answer, put to the bot; made for CI.

A wrong answer and a silence are counted apart: the one misleads a customer, the other only costs an agent's time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from bot.answer import Bot
from bot.articles import Article, Library
from bot.evaluate import Case, Outcome, evaluate, wanted
from gateway.kb import Progress, Unusable, quiet

#: Share of the answerable questions that must be answered (see docs/articles.md).
ENOUGH = 0.6
#: Bytes of a file of questions.
MAX_BYTES = 20_000_000
_AT_ONCE = 20


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the questions of one language, or of all."""

    asked: int = 0
    answerable: int = 0  #: those that have an article
    right: int = 0  #: answered from that article
    offered: int = 0  #: not answered, but offered among the choices
    silent: int = 0  #: answerable, and neither
    wrong: int = 0  #: answered from another article, or though a person was expected
    handed: int = 0  #: rightly left to a person

    @property
    def answered(self) -> float:
        """Share of the answerable questions that got the right answer; 1 when there are none."""
        return self.right / self.answerable if self.answerable else 1.0

    @property
    def precision(self) -> float:
        """Share of right answers among all answers; 1 when there are none."""
        return self.right / (self.right + self.wrong) if self.right + self.wrong else 1.0


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A question whose outcome two knowledge bases do not share."""

    case: Case
    before: str
    after: str
    better: bool | None  #: None when neither was right


def read(path: Path, library: Library) -> list[Case]:
    """The questions of a JSON-lines file. Raises Unusable naming the line, or an article that does not exist."""
    cases = [case for number, line in enumerate(_lines(path), 1) if (case := _case(path, number, line))]
    if not cases:
        raise Unusable(
            f'{path} has no questions. Write lines such as {{"text": "…", "expect": "track-order"}}.'
        )
    unknown = sorted({name for case in cases if (name := wanted(case)) and not library.get(name)})
    if unknown:
        raise Unusable(
            f"{path} expects articles that do not exist: {', '.join(unknown[:5])}. "
            'Use file names without .md, or "handoff" for a person.'
        )
    return cases


def _lines(path: Path) -> list[str]:
    try:
        size = path.stat().st_size
        raw = path.read_bytes() if size <= MAX_BYTES else b""
    except OSError as error:
        raise Unusable(f"{path} cannot be read ({error.strerror}). Name a file of JSON lines.") from error
    if size > MAX_BYTES:
        raise Unusable(f"{path} has {size} bytes; at most {MAX_BYTES} are read. Divide it.")
    try:
        return raw.decode("utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise Unusable(f"{path}: byte {error.start} is not UTF-8. Save the file as UTF-8.") from error


def _case(path: Path, number: int, line: str) -> Case | None:
    if not line.strip():
        return None
    try:
        return msgspec.json.decode(line, type=Case)
    except msgspec.DecodeError as error:
        raise Unusable(
            f'{path}, line {number}: {error}. Write {{"text": "…", "expect": "track-order"}}.'
        ) from error


def run(bot: Bot, cases: Sequence[Case], progress: Progress = quiet) -> list[Outcome]:
    """What the bot does with each question, in order."""
    outcomes: list[Outcome] = []
    for start in range(0, len(cases), _AT_ONCE):
        outcomes += evaluate(bot, cases[start : start + _AT_ONCE])
        progress(len(outcomes), len(cases))
    return outcomes


def tally(outcomes: Sequence[Outcome]) -> Tally:
    """The counts over these outcomes."""

    def count(holds: Callable[[Outcome], bool]) -> int:
        return sum(map(holds, outcomes))

    return Tally(
        asked=len(outcomes),
        answerable=count(lambda o: wanted(o.case) is not None),
        right=count(lambda o: o.right and o.got is not None),
        offered=count(_was_offered),
        silent=count(lambda o: wanted(o.case) is not None and o.got is None and not _was_offered(o)),
        wrong=count(lambda o: o.wrong_answer),
        handed=count(lambda o: o.right and o.got is None),
    )


def _was_offered(outcome: Outcome) -> bool:
    return outcome.action == "clarify" and outcome.offered and wanted(outcome.case) is not None


def by_language(outcomes: Sequence[Outcome]) -> dict[str, Tally]:
    """The counts for each language that the questions name, "" for those that name none."""
    groups: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        groups[outcome.case.language or ""].append(outcome)
    return {language: tally(group) for language, group in sorted(groups.items())}


def verdict(found: Tally, *, enough: float = ENOUGH, wrong: int = 0) -> list[str]:
    """Why these figures do not pass, one sentence each; empty when they do."""
    reasons = []
    if found.wrong > wrong:
        reasons.append(f"{found.wrong} wrong answers, at most {wrong} are allowed.")
    if found.answered < enough:
        share = f"{found.right} of {found.answerable} answerable questions ({found.answered:.1%})"
        reasons.append(f"Only {share} were answered, at least {enough:.0%} must be.")
    return reasons


def said(outcome: Outcome) -> str:
    """What the bot did, in a word or two."""
    return f"answer {outcome.got}" if outcome.got else outcome.action


def with_draft(library: Library, draft: Article) -> Library:
    """The library as it would be with `draft` published, in the place of the article of its name."""
    live = msgspec.structs.replace(draft, draft=False)
    others = tuple(article for article in library.articles if article.name != draft.name)
    return msgspec.structs.replace(
        library, articles=(*others, live), revision=f"{library.revision}+{draft.revision}"
    )


def changes(before: Sequence[Outcome], after: Sequence[Outcome]) -> list[Change]:
    """The questions that end differently, those that got worse first."""
    found = [
        Change(case=b.case, before=said(b), after=said(a), better=None if a.right == b.right else a.right)
        for b, a in zip(before, after, strict=True)
        if said(a) != said(b)
    ]
    return sorted(found, key=lambda change: {False: 0, None: 1, True: 2}[change.better])
