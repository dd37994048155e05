"""`deskgate kb import`: what others wrote, as drafts with a report. Nothing is ever overwritten."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import yaml

from bot.article_file import parse
from gateway.errors import ArticleError
from gateway.kb.sources import MAX_ARTICLES, Found, Skipped
from gateway.text.language import KNOWN, detect
from gateway.text.normal import fold, normalise

_SLUG = re.compile(r"[^a-z0-9]+")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u2028\u2029]")
#: Locales of other help desks whose language is called otherwise here.
_LOCALES = {"zh": "zh-Hans", "zh-cn": "zh-Hans", "zh-sg": "zh-Hans", "zh-tw": "zh-Hant", "zh-hk": "zh-Hant"}
_LOCALES |= {"zh-hans": "zh-Hans", "zh-hant": "zh-Hant", "nb": "no", "nn": "no"}


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """A draft that was written, and what its author should look at."""

    source: str
    path: Path
    notes: tuple[str, ...] = ()


def write_drafts(found: Iterable[Found | Skipped], folder: Path) -> Iterator[Taken | Skipped]:
    """Writes each article into `folder` as a draft; what cannot be one, or is there already, is skipped."""
    families: dict[str, str] = {}
    names: set[str] = set()
    for each in found:
        if isinstance(each, Skipped):
            yield each
        elif len(names) >= MAX_ARTICLES:
            yield Skipped(source=each.source, why=f"One import takes at most {MAX_ARTICLES} articles.")
            return
        else:
            yield _write(each, folder, families, names)


def _write(each: Found, folder: Path, families: dict[str, str], names: set[str]) -> Taken | Skipped:
    language = language_of(each)
    slug = families.get(each.family) or slug_of(each)
    name = _free(f"{slug}.{language}" if each.named else slug, language, names)
    names.add(name)
    if each.family:
        families.setdefault(each.family, slug)
    path = folder / f"{name}.md"
    raw = render(each, language).encode("utf-8", "replace")
    try:
        article = parse(path, raw, "")
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            file.write(raw)
    except FileExistsError:
        return Skipped(source=each.source, why=f"{path} is there already and is never overwritten.")
    except ArticleError as error:
        return Skipped(source=each.source, why=f"{error.problem} {error.remedy}")
    except OSError as error:
        return Skipped(source=each.source, why=f"{path} cannot be written ({error.strerror}).")
    few = len({fold(question) for question in article.questions}) < 3
    notes = ("It has hardly any questions: add how people ask.",) if few else ()
    return Taken(source=each.source, path=path, notes=(*each.notes, *notes))


def render(each: Found, language: str) -> str:
    """The file: front matter that says draft, then the text."""
    front: dict[str, Any] = {
        "title": _line(each.title)[:200],
        "questions": [_line(question)[:300] for question in (each.questions or (each.title,))],
        "keywords": [_line(word) for word in each.keywords],
        "language": language,
        "topic": _line(each.topic),
        "audience": each.audience,
        "draft": True,
    }
    kept = {key: value for key, value in front.items() if value not in ("", [])}
    text = yaml.safe_dump(kept, allow_unicode=True, sort_keys=False, width=10_000)
    body = _CONTROL.sub("", each.body.replace("\r\n", "\n")).strip()
    return f"---\n{text}---\n{body}\n"


def language_of(each: Found) -> str:
    """The language that the source names where it is one of ours, else the one that the text is in."""
    named = each.language.strip().replace("_", "-").casefold()
    for tag in (named, named.partition("-")[0]):
        if tag in _LOCALES:
            return _LOCALES[tag]
        if known := next((k for k in KNOWN if k.casefold() == tag), ""):
            return known
    text = ". ".join((each.title, *each.questions[:5], each.body[:800]))
    return detect(text, ()).language or "en"


def slug_of(each: Found) -> str:
    """Small letters, digits and dashes of the old name or the title."""
    for text in (re.sub(r"^\d+[-_ ]|\.[a-zA-Z-]{2,7}$", "", each.slug), each.title):
        plain = unicodedata.normalize("NFD", normalise(text)).encode("ascii", "ignore").decode()
        if slug := _SLUG.sub("-", plain.replace("'", "")).strip("-")[:60].strip("-"):
            return slug
    return "article"


def _free(slug: str, language: str, names: set[str]) -> str:
    """The slug, with its language or a number behind it when this import has used it."""
    number = 2
    for name in (slug, f"{slug}.{language}"):
        if name not in names:
            return name
    while (name := f"{slug}-{number}.{language}") in names:
        number += 1
    return name


def _line(text: str) -> str:
    return " ".join(_CONTROL.sub(" ", text).split())
