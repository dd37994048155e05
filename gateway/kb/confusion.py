"""Articles that the matcher takes for one another: each question is asked of a bot that has never seen it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date

import msgspec

from bot.answer import Answer, Bot, Question, Reply
from bot.articles import Article, Library
from gateway.kb import Progress, quiet
from gateway.kb.findings import Finding, warning

#: Parts into which the questions are dealt; each part in turn is kept from the bot and then asked.
PARTS = 6
#: Questions of one article that must go to the same other one before it is said; one wrong answer is enough.
FROM = 3
_EXAMPLES = 3


class Confusion(msgspec.Struct, frozen=True, kw_only=True):
    """Questions of `article` for which `other` came first; `answered`: those that would have been answered wrongly."""

    article: str
    other: str
    questions: tuple[str, ...]
    answered: tuple[str, ...]


def confused(library: Library, today: date, progress: Progress = quiet) -> Iterator[Finding]:
    """A warning for each pair of articles that the matcher confuses."""
    for pair in confusions(library, today, progress):
        shown = "; ".join((pair.answered or pair.questions)[:_EXAMPLES])
        if pair.answered:
            what = f"{len(pair.answered)} of its questions would be answered from {pair.other}"
            problem = f"Without its own phrasing, {what}: {shown}."
        elif len(pair.questions) >= FROM:
            problem = f"{len(pair.questions)} of its questions look more like {pair.other}: {shown}."
        else:
            continue
        remedy = "Add more phrasings of that kind to the right one, or make the two one article."
        yield warning(pair.article, "confused", problem, remedy)


def confusions(library: Library, today: date, progress: Progress = quiet) -> list[Confusion]:
    """Pairs of live articles, those with most confused questions first.

    Takes as long as training the bot PARTS times.
    """
    first: dict[tuple[str, str], list[str]] = defaultdict(list)
    answered: dict[tuple[str, str], list[str]] = defaultdict(list)
    groups = _by_language(library.public(today))
    steps = [(articles, part) for articles in groups for part in range(PARTS)]
    for done, (articles, part) in enumerate(steps, 1):
        for article, question, reply in _asked(library, articles, part, today):
            named = reply.candidates[0].name if reply.candidates else article.name
            if named == article.name:
                continue
            first[article.name, named].append(question)
            if isinstance(reply, Answer):
                answered[article.name, named].append(question)
        progress(done, len(steps))
    found = [
        Confusion(article=a, other=b, questions=tuple(q), answered=tuple(answered[a, b]))
        for (a, b), q in first.items()
    ]
    return sorted(found, key=lambda pair: (-len(pair.answered), -len(pair.questions), pair.article))


def _by_language(live: tuple[Article, ...]) -> list[tuple[Article, ...]]:
    """Each language alone: what an author can mend lies between articles that readers choose from."""
    groups: dict[str, list[Article]] = defaultdict(list)
    for article in live:
        groups[article.language].append(article)
    return [tuple(group) for group in groups.values() if len(group) > 1]


def _asked(
    library: Library, articles: tuple[Article, ...], part: int, today: date
) -> Iterator[tuple[Article, str, Reply]]:
    kept = tuple(msgspec.structs.replace(a, questions=_without(a, part)) for a in articles)
    bot = Bot.build(msgspec.structs.replace(library, articles=kept), today).train()
    for article, less in zip(articles, kept, strict=True):
        for question in article.questions:
            if question not in less.questions:
                yield article, question, bot.reply(Question(text=question, language=article.language))


def _without(article: Article, part: int) -> tuple[str, ...]:
    """The questions less those of this part; an only one stays, since without it there would be nothing to match."""
    left = tuple(question for i, question in enumerate(article.questions) if i % PARTS != part)
    return left or article.questions
