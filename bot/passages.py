"""Which part of an article is quoted: the whole when it is short, else the section that the question is about."""

from __future__ import annotations

from bot.articles import Article, Section
from bot.reply import Passage
from gateway.text.normal import fold, ngrams

#: Articles up to this many characters are quoted whole.
WHOLE = 700
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
    best, most = intro, 0.0
    asked = set(ngrams(folded[:1000]))
    for section in article.sections:
        shared = _shared(asked, section) if section.body else 0.0
        if section.heading and shared > most:
            best, most = section, shared
    return best if most > max(0.35, 1.25 * _shared(asked, intro)) else intro


def _shared(asked: set[str], section: Section) -> float:
    """Share of the question's n-grams that the heading has; those of the text count half."""
    if not asked:
        return 0.0
    heading = asked & set(ngrams(fold(section.heading)))
    body = asked & set(ngrams(fold(section.body[:2000])))
    return (len(heading) + 0.5 * len(body - heading)) / len(asked)
