"""`deskgate kb check`: everything about a folder of articles that can be found without asking anybody."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from datetime import date
from pathlib import Path

from bot.articles import Article, Library, load
from bot.signals import small_talk, wants_human
from gateway.kb import Progress, quiet
from gateway.kb.confusion import confused
from gateway.kb.findings import Finding, Severity, error, warning
from gateway.kb.links import dead_links
from gateway.kb.versions import disagreements
from gateway.text.normal import fold, tokens

#: Phrasings below which the bot learns too little of an article.
FEWEST = 8
#: An article with more text than this is quoted in parts that few people read.
LONGEST_SECTION = 1500


def check(
    folder: Path,
    today: date,
    *,
    queues: Collection[str] | None = None,
    matcher: bool = True,
    progress: Progress = quiet,
) -> tuple[Library, list[Finding]]:
    """The library of `folder` and what is wrong with it, errors first, then by article.

    `queues` are the names that exist, None when unknown; without `matcher` nothing is trained.
    """
    library = load(folder)
    found = [error(_shown(p.path, folder), "unreadable", p.problem, p.remedy) for p in library.problems]
    found += [finding for article in library.articles for finding in _article(article, today, queues)]
    found += [*_same_page(library), *_same_phrasing(library, today), *disagreements(library)]
    found += dead_links(library, today)
    if matcher:
        found += confused(library, today, progress)
    return library, sorted(found, key=lambda f: (f.severity is not Severity.ERROR, f.where))


def is_good(findings: list[Finding]) -> bool:
    """Whether there are no errors."""
    return all(finding.severity is not Severity.ERROR for finding in findings)


def _shown(path: Path, folder: Path) -> str:
    return str(path.relative_to(folder)) if path.is_relative_to(folder) and path != folder else str(path)


def _article(article: Article, today: date, queues: Collection[str] | None) -> Iterator[Finding]:
    name = article.name
    if not article.body.strip():
        yield error(name, "empty", "There is no text below the front matter.", "Write the answer.")
    if queues is not None and article.queue and article.queue not in queues:
        known = ", ".join(sorted(queues))
        yield error(name, "unknown_queue", f"There is no queue {article.queue!r}.", f"Use one of {known}.")
    yield from _dates(article, today)
    if article.retired or article.audience != "public":
        return
    yield from _questions(article)
    for section in article.sections:
        if len(section.body) > LONGEST_SECTION:
            title = section.heading or article.title
            yield warning(
                name,
                "long_section",
                f"The section {title!r} has {len(section.body)} characters; an answer quotes the first "
                f"{LONGEST_SECTION}.",
                "Divide it by headings.",
            )


def _dates(article: Article, today: date) -> Iterator[Finding]:
    name = article.name
    if article.draft:
        yield warning(name, "draft", "It says `draft: true`, so it is never quoted.", "Remove that line.")
    if article.retired:
        return
    if article.expires and article.expires < today:
        problem = f"It expired on {article.expires} and is no longer quoted."
        yield warning(name, "expired", problem, "Renew the date, or set `retired: true`.")
    if article.review_by and article.review_by < today:
        days = (today - article.review_by).days
        owner = f" ({article.owner})" if article.owner else ""
        problem = f"Its review was due on {article.review_by}, {days} days ago."
        yield warning(name, "review", problem, f"Read it again{owner} and set a new review_by.")


def _questions(article: Article) -> Iterator[Finding]:
    name, counts = article.name, Counter(fold(question) for question in article.questions)
    if len(counts) < FEWEST:
        problem = f"It has {len(counts)} different questions; the bot learns from nothing else."
        yield warning(name, "few_questions", problem, f"Write at least {FEWEST}, as people ask them.")
    for question, count in counts.items():
        if count > 1:
            yield warning(name, "repeated", f"{question!r} is listed {count} times.", "Keep one of them.")
    for question in article.questions:
        if not tokens(fold(question)):
            yield error(name, "no_words", f"The question {question!r} has no words.", "Remove it.")
        elif wants_human(question) or small_talk(question):
            problem = (
                f"{question!r} is taken as a wish for a person or as small talk before articles are asked."
            )
            yield warning(name, "taken_before", problem, "Remove it, or say what it is about.")


def _same_page(library: Library) -> Iterator[Finding]:
    pages: dict[tuple[str, str], list[str]] = defaultdict(list)
    for article in library.articles:
        pages[article.slug, article.language].append(article.name)
    for (slug, language), names in pages.items():
        for name in names[1:]:
            problem = f"{names[0]} already has the page /help/{language}/{slug}."
            yield error(name, "same_page", problem, "Rename one file, or correct its language.")


def _same_phrasing(library: Library, today: date) -> Iterator[Finding]:
    asked: dict[tuple[str, str], str] = {}
    for article in library.public(today):
        for question in dict.fromkeys(fold(text) for text in (article.title, *article.questions)):
            first = asked.setdefault((article.language, question), article.name)
            if first != article.name:
                problem = f"{question!r} is also a question of {first}, so that neither can be sure of it."
                yield error(article.name, "duplicate", problem, "Keep it in the article that answers it.")
