"""Links between articles that lead nowhere, or where the reader may not follow."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date

from bot.articles import Article, Library
from gateway.kb.findings import Finding, error, warning

_CODE = re.compile(r"(```|~~~).*?\1|`[^`\n]*`", re.DOTALL)
#: A file beside the article, or a page of the help centre.
_LINK = re.compile(r"\]\((?:\./)?(?:([^()\s/:#]+)\.md|/help/([A-Za-z-]+)/([\w.-]+))(?:#([^)\s]*))?\)")


def dead_links(library: Library, today: date) -> Iterator[Finding]:
    """Findings about every link from a live article to another."""
    pages = {(article.slug, article.language): article for article in reversed(library.articles)}
    for article in library.articles:
        if article.retired or article.draft or "](" not in article.body:
            continue
        for match in _LINK.finditer(_CODE.sub("", article.body)):
            yield from _link(library, pages, article, match, today)


Pages = Mapping[tuple[str, str], Article]


def _link(
    library: Library, pages: Pages, article: Article, match: re.Match[str], today: date
) -> Iterator[Finding]:
    file, language, slug, anchor = match.groups()
    # A file without a language leads to the reader's own version where there is one.
    own = pages.get((file, article.language)) or library.get(file or "")
    target = own if file else pages.get((slug, language))
    shown = match[0][2:-1]
    if target is None:
        yield error(article.name, "dead_link", f"The link to {shown} leads nowhere.", "Correct or remove it.")
        return
    if article.audience == "public" and not target.is_live(today):
        yield error(
            article.name, "closed_link", f"Customers cannot open {shown}: {_why(target)}.", "Remove it."
        )
    if anchor and all(section.anchor != anchor for section in target.sections):
        known = ", ".join(section.anchor for section in target.sections if section.anchor)
        remedy = f"Use one of {known}." if known else "Leave the part after # out."
        yield warning(article.name, "dead_anchor", f"{shown} has no such section.", remedy)
    if target.language != article.language and (target.slug, article.language) in pages:
        problem = f"{shown} is in {target.language}, and there is a version in {article.language}."
        yield warning(article.name, "foreign_link", problem, "Link that one.")


def _why(target: Article) -> str:
    if target.audience != "public":
        return "it is for agents only"
    if target.draft or target.retired:
        return "it is a draft" if target.draft else "it is retired"
    return f"it expired on {target.expires}"
