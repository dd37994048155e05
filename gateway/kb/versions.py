"""Language versions of one article that do not say the same."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bot.articles import Article, Library
from gateway.kb.findings import Finding, warning

#: What the versions of one article share.
_SHARED = (
    "audience",
    "queue",
    "owner",
    "review_by",
    "expires",
    "may_answer",
    "bot",
    "sample",
    "draft",
    "retired",
)
#: Amounts, deadlines and telephone numbers; single digits are often written as words.
_NUMBER = re.compile(r"\d{2,}")


def disagreements(library: Library) -> Iterator[Finding]:
    """Each version is compared with the one whose file has no language in its name, or else the first."""
    groups: dict[str, list[Article]] = {}
    for article in library.articles:
        groups.setdefault(article.slug, []).append(article)
    for slug, versions in groups.items():
        first = next((v for v in versions if v.name == slug), versions[0])
        for other in versions:
            if other is not first:
                yield from _compare(first, other)


def _compare(first: Article, other: Article) -> Iterator[Finding]:
    differ = [field for field in _SHARED if getattr(first, field) != getattr(other, field)]
    if differ:
        problem = f"{', '.join(differ)} differ from {first.name}."
        yield warning(other.name, "versions_differ", problem, "Make both versions say the same.")
    if len(first.sections) != len(other.sections):
        problem = f"It has {len(other.sections)} sections, {first.name} has {len(first.sections)}."
        yield warning(other.name, "versions_sections", problem, "See whether a part was not translated.")
    ours, theirs = _numbers(other), _numbers(first)
    if ours != theirs:
        only = "; ".join(
            f"only {name}: {', '.join(sorted(numbers))}"
            for name, numbers in ((first.name, theirs - ours), (other.name, ours - theirs))
            if numbers
        )
        problem = f"The numbers are not those of {first.name} ({only})."
        yield warning(other.name, "versions_numbers", problem, "See which version is out of date.")


def _numbers(article: Article) -> set[str]:
    return set(_NUMBER.findall(article.body))
