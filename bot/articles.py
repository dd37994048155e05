"""The knowledge base: a folder of Markdown articles, read, checked and watched.

An article that cannot be read keeps its last good version and is named as a problem; nothing here raises for
what an author wrote.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Literal

import msgspec

from gateway.errors import ArticleError
from gateway.text.language import SHIPPED, Guess, detect

#: Folders below the knowledge base whose articles are not live.
DRAFTS = "drafts"
#: Larger files are refused: an article is read by people.
MAX_BYTES = 1_000_000


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """One part of an article: heading in plain text ("" before the first), its anchor and its Markdown."""

    heading: str
    anchor: str
    body: str


class Article(msgspec.Struct, frozen=True, kw_only=True):
    """One language version of one article, as its file says it."""

    #: Without language, so that versions are linked: "track-order".
    slug: str
    #: The file name without .md: "track-order.sl".
    name: str
    title: str
    language: str
    topic: str = ""
    audience: Literal["public", "agents"] = "public"
    questions: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    owner: str = ""
    review_by: date | None = None
    #: Where a question about this article goes when a person must answer.
    queue: str | None = None
    may_answer: tuple[str, ...] = ()
    #: What the bot may do with it: "answer", "suggest" (an agent sends it) or "off".
    bot: Literal["answer", "suggest", "off"] = "answer"
    #: Shipped for trying out; answers only while every channel is on loopback.
    sample: bool = False
    draft: bool = False
    #: Taken back by its author: kept for the record, never quoted.
    retired: bool = False
    #: The last day on which it may be quoted.
    expires: date | None = None
    body: str = ""
    #: Short hash of the file's bytes.
    revision: str = ""
    sections: tuple[Section, ...] = ()

    def is_live(self, today: date | None) -> bool:
        """Return whether customers may be shown this article on `today` (None: whatever its expiry date)."""
        if self.draft or self.retired or self.audience != "public":
            return False
        return today is None or self.expires is None or self.expires >= today


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """Why a file is not (or not newly) used, and what its author should do."""

    path: Path
    problem: str
    remedy: str


class Library(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """All articles of a folder at one moment; `revision` changes with any of them."""

    articles: tuple[Article, ...] = ()
    problems: tuple[Problem, ...] = ()
    revision: str = ""

    @cached_property
    def _by_name(self) -> dict[str, Article]:
        return {article.name: article for article in self.articles}

    def get(self, name: str) -> Article | None:
        """Return the article whose file is called `name` (without .md), or None."""
        return self._by_name.get(name)

    @cached_property
    def _by_slug(self) -> dict[str, tuple[Article, ...]]:
        found: dict[str, list[Article]] = {}
        for article in self.articles:
            found.setdefault(article.slug, []).append(article)
        return {slug: tuple(own) for slug, own in found.items()}

    def versions(self, slug: str) -> tuple[Article, ...]:
        """Return every language version of one article."""
        return self._by_slug.get(slug, ())

    @cached_property
    def _by_topic(self) -> dict[str, dict[str, list[Article]]]:
        found: dict[str, dict[str, list[Article]]] = {}
        for article in self.articles:
            if article.topic:
                found.setdefault(article.language, {}).setdefault(article.topic, []).append(article)
        return found

    def topics(self, language: str) -> Mapping[str, Sequence[Article]]:
        """Return every topic of a language with its articles, whether or not they may be shown now."""
        return self._by_topic.get(language, {})

    def public(self, today: date | None = None) -> tuple[Article, ...]:
        """Return the articles that may be shown to customers."""
        return tuple(article for article in self.articles if article.is_live(today))


def load(folder: Path, previous: Library | None = None) -> Library:
    """Read every article of `folder`; files that did not change are taken over from `previous`."""
    before = previous or Library()
    if not folder.is_dir():
        return _library([], [_missing(folder)])
    articles, problems, taken = [], [], set[str]()
    for path in _files(folder):
        try:
            article = _read(path, folder, before)
            _check_unique(article, taken, path)
        except ArticleError as error:
            problems.append(Problem(path=error.path, problem=error.problem, remedy=error.remedy))
            kept = before.get(_name(path))
            if kept is None or kept.name in taken:
                continue
            article = kept
        taken.add(article.name)
        articles.append(article)
    return _library(with_languages(articles), problems)


def with_languages(articles: Sequence[Article]) -> list[Article]:
    """Give each article without a language the one that most of them seem to be in, or its own where that is plain."""
    silent = [article for article in articles if not article.language]
    if not silent:
        return list(articles)
    guesses = {article.name: detect(_sample(article), ()) for article in silent}
    votes: Counter[str] = Counter()
    for guess in guesses.values():
        votes[guess.language] += max(1, int(10 * guess.confidence))
    common = votes.most_common(1)[0][0]
    return [
        a if a.language else msgspec.structs.replace(a, language=_own(guesses[a.name], common))
        for a in articles
    ]


def _sample(article: Article) -> str:
    return ". ".join((*article.questions[:12], article.title))[:1500]


def _own(guess: Guess, common: str) -> str:
    # Few short questions are easily taken for a neighbour language; another script is not.
    plain = guess.confidence > 0.97 and guess.language in SHIPPED
    return guess.language if plain or guess.language.startswith("zh") != common.startswith("zh") else common


async def watch(
    folder: Path,
    on_change: Callable[[Library], Awaitable[None] | None],
    *,
    previous: Library | None = None,
    stop: asyncio.Event | None = None,
) -> None:
    """Call `on_change` with the new library whenever an article differs from `previous`, until cancelled or `stop`.

    Edits are seen within a second, those made before the watch began too. Reading is done off the event loop.
    """
    from watchfiles import awatch  # imported late: only a server watches

    library = await asyncio.to_thread(load, folder) if previous is None else previous
    looked = False
    async for changes in awatch(
        folder,
        debounce=200,
        step=50,
        rust_timeout=500,
        yield_on_timeout=True,
        stop_event=stop,
        recursive=True,
    ):
        if looked and not changes:  # only the first time out says something: from now on nothing is missed
            continue
        looked = True
        fresh = await asyncio.to_thread(load, folder, library)
        if fresh.revision == library.revision and fresh.problems == library.problems:
            continue
        library = fresh
        called = on_change(library)
        if called is not None:
            await called


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*.md")):
        inner = path.relative_to(folder).parts
        if (
            inner[0] != DRAFTS
            and not any(part.startswith((".", "_")) for part in inner)
            and path.name != "README.md"
        ):
            yield path


def _read(path: Path, folder: Path, before: Library) -> Article:
    from bot.article_file import parse  # YAML is only needed where files are read

    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ArticleError(
            path, f"The file cannot be read ({error.strerror}).", "Check its permissions."
        ) from error
    if len(raw) > MAX_BYTES:
        raise ArticleError(
            path, f"The file has {len(raw)} bytes.", f"Keep an article under {MAX_BYTES} bytes."
        )
    revision = hashlib.sha256(raw).hexdigest()[:12]
    kept = before.get(_name(path))
    return kept if kept is not None and kept.revision == revision else parse(path, raw, revision)


def _check_unique(article: Article, taken: set[str], path: Path) -> None:
    if article.name in taken:
        raise ArticleError(
            path, f"Another article is already called {article.name!r}.", "Rename one of the files."
        )


def _name(path: Path) -> str:
    return path.name.removesuffix(".md")


def _missing(folder: Path) -> Problem:
    return Problem(path=folder, problem="There is no such folder.", remedy="Create it or correct the path.")


def _library(articles: Sequence[Article], problems: Sequence[Problem]) -> Library:
    known = hashlib.sha256(b"".join(f"{a.name}:{a.revision}\n".encode() for a in articles))
    return Library(articles=tuple(articles), problems=tuple(problems), revision=known.hexdigest()[:12])
