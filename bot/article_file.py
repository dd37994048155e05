"""One article file: front matter checked field by field, body cut into sections."""

from __future__ import annotations

import re
from datetime import date, datetime
from pathlib import Path
from typing import Any

import frontmatter
import msgspec
import yaml

from bot.articles import Article, Section
from gateway.errors import ArticleError
from gateway.text.language import KNOWN

_HEADING = re.compile(r"^ {0,3}(#{1,6})[ \t]+(.*?)(?:[ \t]+#+)?[ \t]*$")
_FENCE = re.compile(r"^ {0,3}(```+|~~~+)")
_MARKUP = re.compile(r"\[([^\]]*)\]\([^)]*\)|[*_`~]")
_NOT_ANCHOR = re.compile(r"[^\w]+")
_TEXTS = ("title", "language", "topic", "owner", "queue", "audience", "bot")
_LISTS = ("questions", "keywords", "may_answer")
_FLAGS = ("sample", "draft", "retired")
_DATES = ("review_by", "expires")
_FIELDS = frozenset(_TEXTS + _LISTS + _FLAGS + _DATES + ("slug",))


def parse(path: Path, raw: bytes, revision: str) -> Article:
    """Return the article in `raw`, the bytes of `path`.

    Raises ArticleError naming the field at fault and the remedy.
    """
    front, body = _split(path, raw)
    front = {str(key).replace("-", "_"): value for key, value in front.items()}
    _check_names(path, front)
    fields = _fields(path, front)
    name = path.name.removesuffix(".md")
    slug, tag = _slug(name)
    language = fields.pop("language", "") or tag
    return Article(
        slug=str(fields.pop("slug", "") or slug),
        name=name,
        language=language,
        body=body,
        revision=revision,
        sections=sections(body),
        **fields,
    )


def sections(body: str) -> tuple[Section, ...]:
    """Cut Markdown at its headings of level 1 to 3, outside of fenced code; anchors are unique."""
    found: list[tuple[str, list[str]]] = [("", [])]
    fence = ""
    for line in body.splitlines():
        mark = _FENCE.match(line)
        if mark and (not fence or line.strip().startswith(fence)):
            fence = "" if fence else mark[1]
        head = None if fence else _HEADING.match(line)
        if head and len(head[1]) <= 3:
            found.append((plain(head[2]), []))
        else:
            found[-1][1].append(line)
    return _anchored([(heading, "\n".join(lines).strip()) for heading, lines in found])


def plain(markdown: str) -> str:
    """Return one line of Markdown without emphasis marks and link targets."""
    return _MARKUP.sub(lambda match: match[1] or "", markdown).strip()


def _anchored(parts: list[tuple[str, str]]) -> tuple[Section, ...]:
    seen: dict[str, int] = {}
    made = []
    for heading, body in parts:
        if not heading and not body:
            continue
        anchor = _NOT_ANCHOR.sub("-", heading.casefold()).strip("-")
        count = seen[anchor] = seen.get(anchor, 0) + 1
        made.append(Section(heading=heading, anchor=anchor if count == 1 else f"{anchor}-{count}", body=body))
    return tuple(made)


def _split(path: Path, raw: bytes) -> tuple[dict[Any, Any], str]:
    try:
        text = raw.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise ArticleError(path, f"Byte {error.start} is not UTF-8.", "Save the file as UTF-8.") from error
    if not re.match(r"---[ \t]*\n", text):
        raise ArticleError(path, "The file does not begin with front matter.", "Begin it with a line ---.")
    if not re.search(r"\n---[ \t]*(\n|$)", text):
        raise ArticleError(path, "The front matter does not end.", "End it with a line --- above the text.")
    try:
        front, body = frontmatter.parse(text)
    except yaml.YAMLError as error:
        raise ArticleError(
            path, f"The front matter is not YAML: {_short(error)}.", "Put text with : or # in quotes."
        ) from error
    except (ValueError, TypeError, RecursionError) as error:
        raise ArticleError(
            path, f"The front matter has a value that cannot be read ({error}).", "Correct it."
        ) from error
    if not isinstance(front, dict) or not front:
        raise ArticleError(path, "The front matter has no fields.", "Give at least title and questions.")
    return front, body


def _short(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    what = getattr(error, "problem", None) or "it cannot be read"
    return f"{what}, line {mark.line + 2}" if mark else str(what)


def _check_names(path: Path, front: dict[str, Any]) -> None:
    unknown = sorted(set(front) - _FIELDS)
    if unknown:
        raise ArticleError(
            path, f"There is no field {unknown[0]!r}.", f"Use one of {', '.join(sorted(_FIELDS))}."
        )


def _fields(path: Path, front: dict[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for key, value in front.items():
        if value is not None:
            fields[key] = _field(path, key, value)
    if not fields.get("title"):
        raise ArticleError(path, "There is no title.", "Add a line title: to the front matter.")
    if not fields.get("questions"):
        raise ArticleError(
            path, "There are no questions.", "List under questions: what people ask, in their words."
        )
    if fields.get("audience", "public") not in ("public", "agents"):
        raise ArticleError(
            path, f"The audience {fields['audience']!r} is unknown.", "Write public or agents."
        )
    if fields.get("bot", "answer") not in ("answer", "suggest", "off"):
        raise ArticleError(path, f"bot is {fields['bot']!r}.", "Write answer, suggest or off.")
    return fields


def _field(path: Path, key: str, value: Any) -> Any:
    if key in _LISTS:
        return _list(path, key, value)
    if key in _FLAGS:
        return _flag(path, key, value)
    if key in _DATES:
        return _date(path, key, value)
    if isinstance(value, (dict, list)):
        raise ArticleError(
            path, f"{key} is not text.", "Write it on one line, in quotes if it holds a colon."
        )
    if key == "bot" and value is False:
        return "off"  # YAML 1.1 reads it as a boolean
    return _language_tag(value) if key == "language" else str(value).strip()


def _language_tag(value: Any) -> str:
    # YAML 1.1 reads the language code of Norwegian as a boolean.
    return "no" if value is False else str(value).strip().replace("_", "-")


def _list(path: Path, key: str, value: Any) -> tuple[str, ...]:
    items = value if isinstance(value, list) else [value]
    if any(isinstance(item, (dict, list)) for item in items):
        raise ArticleError(
            path, f"An entry of {key} is not plain text.", "Put entries that hold a colon in quotes."
        )
    return tuple(dict.fromkeys(text for item in items if item is not None and (text := str(item).strip())))


def _flag(path: Path, key: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise ArticleError(path, f"{key} is {value!r}.", "Write true or false.")
    return value


def _date(path: Path, key: str, value: Any) -> date:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return msgspec.convert(value, date)
    except msgspec.ValidationError as error:
        raise ArticleError(
            path, f"{key} is {value!r}, which is no date.", "Write it as 2027-03-31."
        ) from error


def _slug(name: str) -> tuple[str, str]:
    slug, dot, tag = name.rpartition(".")
    return (slug, tag) if dot and tag in KNOWN else (name, "")
