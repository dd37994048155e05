"""What an import can read: a CSV of questions and answers, HTML pages, a Markdown folder, a Zendesk Guide export.

Each reader gives what it found and what it could not use, one by one; nothing is written here.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from gateway.kb import Unusable
from gateway.kb.html_markdown import to_markdown
from gateway.text.language import KNOWN

#: Bytes of a table or an export, and of one page.
MAX_FILE, MAX_PAGE = 50_000_000, 2_000_000
#: Articles of one import, and characters of one cell.
MAX_ARTICLES, _MAX_CELL = 20_000, 200_000
_BINARY = {
    b"PK\x03\x04": "a ZIP archive (or an Office file)",
    b"\x1f\x8b": "a gzip archive",
    b"%PDF": "a PDF",
    b"\xd0\xcf\x11\xe0": "an old Office file",
    b"SQLite format 3": "a database",
}


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """One article as its source has it; empty fields are found later."""

    source: str  #: file and line, or the address
    title: str
    body: str  #: Markdown
    questions: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    language: str = ""
    topic: str = ""
    audience: str = "public"
    family: str = ""  #: the same for language versions of one article
    slug: str = ""
    named: bool = False  #: the language stands in the old file name, and stays there
    notes: tuple[str, ...] = ()


class Skipped(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was not taken, and why."""

    source: str
    why: str


def read(source: Path, encoding: str = "") -> Iterator[Found | Skipped]:
    """Everything in `source`. Raises Unusable when it is of no kind that is known."""
    if source.is_dir():
        yield from _folder(source, encoding)
        return
    if not source.exists():
        raise Unusable(f"There is no {source}. Name a file or a folder.")
    match source.suffix.lower():
        case ".csv" | ".tsv":
            yield from _table(source, decode(source, MAX_FILE, encoding))
        case ".json":
            yield from _zendesk(source, decode(source, MAX_FILE, encoding))
        case ".html" | ".htm" | ".xhtml" | ".md" | ".markdown":
            yield _page(source, source.name, encoding)
        case _:
            decode(source, MAX_FILE, encoding)  # says it when it is an archive
            raise Unusable(f"{source} ends in no known way. Use .csv, .tsv, .json, .html, .md or a folder.")


def decode(path: Path, most: int, encoding: str = "") -> str:
    """The text of a file. Raises Unusable when it is too large, no text, or in an encoding that nobody named."""
    try:
        size = path.stat().st_size
        raw = path.read_bytes() if size <= most else b""
    except OSError as error:
        raise Unusable(f"{path} cannot be read ({error.strerror}). Check its permissions.") from error
    if size > most:
        raise Unusable(f"{path} has {size} bytes; at most {most} are read. Divide it.")
    for mark, kind in _BINARY.items():
        if raw.startswith(mark):
            raise Unusable(f"{path} is {kind}, not text. Unpack or export it first.")
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = encoding or "utf-16"
    try:
        text = raw.decode(encoding or "utf-8-sig")
    except UnicodeError as error:
        where = f"Byte {error.start} of {path}" if isinstance(error, UnicodeDecodeError) else f"{path}"
        raise Unusable(
            f"{where} is not {encoding or 'UTF-8'}. Save it as UTF-8, or name its encoding: "
            "--encoding windows-1252 (Western), windows-1250 (Central European), gb18030, big5."
        ) from error
    except LookupError as error:
        raise Unusable(f"There is no encoding {encoding!r}. Try windows-1252 or gb18030.") from error
    if "\x00" in text:
        raise Unusable(f"{path} is not text (it has zero bytes). Save it as UTF-8 text.")
    return text


# ---------------------------------------------------------------- a table of questions and answers

_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "question": (
        "question",
        "questions",
        "q",
        "frage",
        "fragen",
        "pregunta",
        "vprašanje",
        "问题",
        "問題",
        "title",
    ),
    "answer": (
        "answer",
        "answers",
        "a",
        "antwort",
        "respuesta",
        "odgovor",
        "答案",
        "回答",
        "body",
        "content",
    ),
    "language": ("language", "lang", "locale", "sprache", "idioma", "jezik", "语言", "語言"),
    "topic": ("topic", "category", "section", "kategorie", "thema", "tema", "类别", "類別"),
    "keywords": ("keywords", "tags", "labels"),
}


def _table(path: Path, text: str) -> Iterator[Found | Skipped]:
    csv.field_size_limit(_MAX_CELL)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    try:
        columns = _columns(path, next(reader, []))
        found: dict[str, Found] = {}
        for row in reader:
            one = _row(f"{path.name}, line {reader.line_num}", row, columns)
            if isinstance(one, Found):
                same = found.get(one.body)
                found[one.body] = one if same is None else _merged(same, one)
            elif one:
                yield one
    except csv.Error as error:
        raise Unusable(
            f"{path}, line {reader.line_num}: {error}. Put cells that hold quotes, commas or line breaks "
            'in double quotes, and double each quote inside ("").'
        ) from error
    yield from found.values()


def _delimiter(text: str) -> str:
    head = text.lstrip().partition("\n")[0]
    return max(",;\t", key=head.count)


def _columns(path: Path, header: list[str]) -> dict[str, int]:
    names = [name.strip().lower().lstrip("\ufeff") for name in header]
    columns = {
        column: next(names.index(word) for word in words if word in names)
        for column, words in _COLUMNS.items()
        if any(word in names for word in words)
    }
    if not {"question", "answer"} <= columns.keys():
        shown = ", ".join(names[:8])[:200] or "nothing"
        raise Unusable(
            f"{path}: the first line must name the columns question and answer; it has: {shown}. "
            "Also understood: language, topic, keywords."
        )
    return columns


def _row(source: str, row: list[str], columns: Mapping[str, int]) -> Found | Skipped | None:
    if not any(cell.strip() for cell in row):
        return None
    cells = {name: row[i].strip() if i < len(row) else "" for name, i in columns.items()}
    questions = tuple(line.strip() for line in cells["question"].splitlines() if line.strip())
    if not questions or not cells["answer"]:
        return Skipped(source=source, why=f"It has no {'answer' if questions else 'question'}.")
    return Found(
        source=source,
        title=questions[0],
        questions=questions,
        body=_answer(cells["answer"]),
        language=cells.get("language", ""),
        topic=cells.get("topic", ""),
        keywords=_words(cells.get("keywords", "")),
    )


def _answer(cell: str) -> str:
    return to_markdown(cell).body if re.search(r"</(p|a|b|strong|ul|ol|div|br)>|<br ?/?>", cell) else cell


def _merged(first: Found, second: Found) -> Found:
    """Two questions with one answer are one article."""
    questions = tuple(dict.fromkeys((*first.questions, *second.questions)))
    return msgspec.structs.replace(first, questions=questions)


def _words(cell: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in re.split(r"[,;|]", cell) if word.strip())


# ---------------------------------------------------------------- pages


def _folder(folder: Path, encoding: str) -> Iterator[Found | Skipped]:
    pages = (".md", ".markdown", ".html", ".htm", ".xhtml")
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    if not any(path.suffix.lower() in pages for path in files):
        raise Unusable(f"{folder} holds no Markdown or HTML files.")
    for path in files:
        name = str(path.relative_to(folder))
        if path.is_symlink() or any(part.startswith(".") for part in path.relative_to(folder).parts):
            yield Skipped(source=name, why="It is hidden or a link to another file.")
        elif path.suffix.lower() not in pages:
            yield Skipped(source=name, why="It is no Markdown or HTML.")
        elif path.stem.lower() in ("readme", "license", "changelog", "_sidebar"):
            yield Skipped(source=name, why="It is about the folder, not for customers.")
        else:
            yield _page(path, name, encoding)


def _page(path: Path, name: str, encoding: str) -> Found | Skipped:
    try:
        text = decode(path, MAX_PAGE, encoding)
        if path.suffix.lower() in (".md", ".markdown"):
            return _markdown(path, name, text)
        page = to_markdown(text)
    except Unusable as error:
        return Skipped(source=name, why=str(error))
    return Found(
        source=name,
        title=page.title or _spoken(path),
        body=page.body,
        language=page.language,
        slug=path.stem,
        notes=_lost(page.lost),
    )


def _markdown(path: Path, name: str, text: str) -> Found | Skipped:
    front, body = _front(text)
    heading = re.search(r"\A\s*#[ \t]+(.+?)[ \t#]*\n", body + "\n")
    if heading:
        body = (body + "\n")[heading.end() :]
    base, _, own = path.stem.rpartition(".") if path.stem.rpartition(".")[2] in KNOWN else ("", "", "")
    title = str(front.get("title") or (heading[1] if heading else "") or _spoken(path))
    return Found(
        source=name,
        title=title,
        questions=_strings(front.get("questions")),
        keywords=_strings(front.get("keywords") or front.get("tags")),
        language=str(front.get("language") or front.get("lang") or own),
        topic=str(front.get("topic") or front.get("category") or ""),
        audience="agents" if front.get("audience") == "agents" else "public",
        body=body.strip(),
        slug=base or path.stem,
        named=bool(base),
    )


def _front(text: str) -> tuple[dict[str, Any], str]:
    """Front matter of any tool; a text without, or with broken one, is all body."""
    import frontmatter
    import yaml

    try:
        front, body = frontmatter.parse(text)
    except (yaml.YAMLError, ValueError, TypeError, RecursionError):
        return {}, text
    return (front, body) if isinstance(front, dict) else ({}, text)


def _strings(value: Any) -> tuple[str, ...]:
    items = value if isinstance(value, list) else _words(value) if isinstance(value, str) else ()
    return tuple(str(item).strip() for item in items if isinstance(item, str | int) and str(item).strip())


def _spoken(path: Path) -> str:
    return re.sub(r"[-_]+", " ", path.stem).strip().capitalize()


def _lost(lost: tuple[str, ...]) -> tuple[str, ...]:
    said = {"pictures": "Pictures were left out.", "links": "Links between pages were left out."}
    return tuple(said[kind] for kind in lost)


# ---------------------------------------------------------------- Zendesk Guide


class _Section(msgspec.Struct, kw_only=True):
    id: int
    name: str = ""


class _Exported(msgspec.Struct, kw_only=True):
    """An article of the Help Center API (List Articles), as far as it is read."""

    title: str | None = None
    body: str | None = None
    id: int = 0
    locale: str = ""
    source_id: int | None = None  #: on a translation: the article that it translates
    section_id: int | None = None
    label_names: list[str] = []
    html_url: str = ""
    draft: bool = False
    user_segment_id: int | None = None  #: null: everybody may read it


class _Export(msgspec.Struct, kw_only=True):
    articles: list[msgspec.Raw]
    sections: list[_Section] = []
    next_page: str | None = None


def _zendesk(path: Path, text: str) -> Iterator[Found | Skipped]:
    export = _export(path, text)
    topics = {section.id: section.name for section in export.sections}
    for number, raw in enumerate(export.articles, 1):
        source = f"{path.name}, article {number}"
        try:
            each = msgspec.json.decode(raw, type=_Exported)
            yield _article(source, each, topics)
        except (msgspec.DecodeError, Unusable) as error:
            yield Skipped(source=source, why=str(error))
    if export.next_page:
        yield Skipped(source=path.name, why="This is one page of several: export and import the others too.")


def _export(path: Path, text: str) -> _Export:
    try:
        if text.lstrip().startswith("["):
            return _Export(articles=msgspec.json.decode(text, type=list[msgspec.Raw]))
        return msgspec.json.decode(text, type=_Export)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Unusable(
            f"{path} is no Zendesk Guide export: {error}. Save what /api/v2/help_center/articles.json"
            "?include=sections answers."
        ) from error


def _article(source: str, each: _Exported, topics: Mapping[int, str]) -> Found | Skipped:
    source = f"{source} ({each.html_url or each.id})"
    if not (each.title or "").strip() or not (each.body or "").strip():
        return Skipped(source=source, why="It has no title or no text.")
    page = to_markdown(each.body or "")
    notes = _lost(page.lost)
    if each.draft:
        notes += ("It was a draft there.",)
    if each.user_segment_id is not None:
        notes += ("Not everybody could read it there: it is marked for agents only.",)
    return Found(
        source=source,
        title=" ".join((each.title or "").split()),
        body=page.body,
        keywords=tuple(each.label_names),
        language=each.locale,
        topic=topics.get(each.section_id or 0, ""),
        audience="public" if each.user_segment_id is None else "agents",
        family=str(each.source_id or each.id),
        notes=notes,
    )
