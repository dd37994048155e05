"""Which part of an article is quoted: the whole when it is short, else the section that the question is about."""

from __future__ import annotations

from bot.articles import Article, Section
from bot.reply import Passage
from gateway.text.normal import fold, ngrams

#: Articles up to this many characters are quoted whole.
WHOLE = 700
#: A section must hold this share of what a question asks beyond the title and the opening, and so much must there be.
ADDS = 0.35
#: A longer section is cut at a paragraph.
LONGEST = 1500


def passage(article: Article, question: str, confidence: float) -> Passage:
    """Return the part of `article` to quote for `question`, word for word."""
    section = _section(article, fold(question))
    return Passage(
        article=article.name,
        slug=article.slug,
        title=article.title,
        language=article.language,
        revision=article.revision,
        section=section.heading,
        anchor=section.anchor,
        text=cut(section.body, LONGEST) or article.title,
        queue=article.queue,
        may_answer=article.may_answer,
        question=question,
        confidence=confidence,
    )


def cut(markdown: str, most: int) -> str:
    """Return whole paragraphs of `markdown` up to `most` characters, always the first one."""
    if len(markdown) <= most:
        return markdown
    kept: list[str] = []
    size = 0
    for paragraph in markdown.split("\n\n"):
        size += len(paragraph) + 2
        if (kept and size > most) or paragraph.count("```") % 2:
            break
        kept.append(paragraph)
    return "\n\n".join(kept) or markdown[:most]


def _section(article: Article, folded: str) -> Section:
    whole = Section(heading="", anchor="", body=article.body.strip())
    if len(whole.body) <= WHOLE or not article.sections:
        return whole
    intro = next((section for section in article.sections if section.body), whole)
    # What the title and the opening say already decides nothing: a section is quoted for what it adds.
    known = set(ngrams(fold(f"{article.title}\n{intro.body[:2000]}")))
    asked = set(ngrams(folded[:1000]))
    special = asked - known
    if len(special) < ADDS * len(asked):
        return intro
    shares = [
        (_shared(special, section), section)
        for section in article.sections
        if section.heading and section.body
    ]
    share, best = max(shares, key=lambda found: found[0], default=(0.0, intro))
    return best if share >= ADDS else intro


def _shared(special: set[str], section: Section) -> float:
    """Share of the question's special n-grams that the heading has; those of the text count half."""
    heading = special & set(ngrams(fold(section.heading)))
    body = special & set(ngrams(fold(section.body[:2000])))
    return (len(heading) + 0.5 * len(body - heading)) / len(special)
