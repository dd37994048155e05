"""Canned replies: Markdown files with front matter and variables, checked at load, rendered for one ticket.

A template may put in variables and choose by them, and nothing else: no loop, call or arithmetic, so that a file
can neither take long nor grow. Knows neither the store nor any surface.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import frontmatter
import jinja2
import msgspec
import yaml
from jinja2 import StrictUndefined, Template, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from gateway.errors import ArticleError
from gateway.model import CannedReply
from gateway.text.language import KNOWN

log = logging.getLogger("deskgate.canned")

#: Longest reply that a template may become, in characters.
MAX_OUTPUT = 20_000
#: Seconds between two looks at the folder.
LOOK_EVERY = 1.0

#: What a template may name, with a value to try it with.
VARIABLES: Mapping[str, str] = {
    "requester": "Mia",  # their name, or "" where we do not know it
    "agent": "Ana",
    "company": "Linden & Fox",
    "bot": "Fox",
    "reference": "DG-42",
    "subject": "My parcel",
    "queue": "Customer care",
    "channel": "email",
    "today": "2027-03-01",
}
_FIELDS = ("title", "language", "queues")
_FILTERS = ("default", "upper", "lower", "capitalize", "title", "trim", "replace", "truncate")
_NODES = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.If, nodes.CondExpr,
    nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.Filter, nodes.Test, nodes.Keyword,
)  # fmt: skip
_MARKS = re.compile(r"[\[\]<>`\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]+")


class Canned(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a canned reply, ready to be rendered."""

    name: str  #: the same for all its languages
    language: str  #: "" when it fits any
    title: str
    queues: tuple[str, ...]  #: where it is offered; empty: everywhere
    template: Template


class Shelf(msgspec.Struct, frozen=True, kw_only=True):
    """Every canned reply of a folder, and what is wrong with those that could not be read."""

    replies: Mapping[str, Canned] = {}  #: by file name without .md
    problems: tuple[str, ...] = ()


def load(folder: Path, queues: Collection[str], previous: Shelf | None = None) -> Shelf:
    """Every *.md of the folder; a broken file keeps the version that `previous` has. No folder: no replies."""
    replies: dict[str, Canned] = {}
    problems: list[str] = []
    for path in sorted(folder.glob("*.md")):
        try:
            replies[path.stem] = parse(path, path.read_bytes(), queues)
        except (ArticleError, OSError) as error:
            kept = previous.replies.get(path.stem) if previous else None
            problems.append(str(error) + (" The last good version stays." if kept else ""))
            if kept:
                replies[path.stem] = kept
    return Shelf(replies=replies, problems=tuple(problems))


def parse(path: Path, raw: bytes, queues: Collection[str]) -> Canned:
    """The canned reply in `raw`, tried once with sample values. Raises ArticleError with the remedy."""
    front, body = _split(path, raw)
    name, language = _name(path, str(front.get("language") or ""))
    if unknown := [key for key in front if key not in _FIELDS]:
        raise ArticleError(path, f"There is no field {unknown[0]!r}.", f"Use one of {', '.join(_FIELDS)}.")
    title = str(front.get("title") or "").strip()
    if not title:
        raise ArticleError(path, "There is no title.", "Add a line title: to the front matter.")
    wanted = _listed(front.get("queues"))
    if missing := [queue for queue in wanted if queue not in queues]:
        remedy = f"Choose among {', '.join(queues)}."
        raise ArticleError(path, f"There is no queue {missing[0]!r}.", remedy)
    canned = Canned(
        name=name, language=language, title=title, queues=wanted, template=_template(path, body.strip())
    )
    try:
        if not render(canned, VARIABLES):
            raise ArticleError(path, "The reply is empty.", "Write it below the front matter.")
    except (jinja2.TemplateError, TypeError, ValueError) as error:
        raise ArticleError(path, f"The reply cannot be made: {error}.", "Mend that place.") from error
    return canned


def render(canned: Canned, values: Mapping[str, str]) -> str:
    """The reply as Markdown; values may bring no markup of their own. Raises jinja2.TemplateError when too long."""
    pieces: list[str] = []
    length = 0
    for piece in canned.template.generate({name: _bare(value) for name, value in values.items()}):
        length += len(piece)
        if length > MAX_OUTPUT:
            raise jinja2.TemplateRuntimeError(f"it is longer than {MAX_OUTPUT:,} characters")
        pieces.append(piece)
    return "".join(pieces).strip()


def offered(
    shelf: Shelf, values: Mapping[str, str], *, queue: str, languages: Sequence[str]
) -> tuple[CannedReply, ...]:
    """One rendered version of each reply for this queue, in the first of `languages` that it has, by title."""
    by_name: dict[str, list[Canned]] = {}
    for canned in shelf.replies.values():
        if not canned.queues or queue in canned.queues:
            by_name.setdefault(canned.name, []).append(canned)
    chosen = (_version(versions, languages) for versions in by_name.values())
    replies = [reply for canned in chosen if (reply := _filled_in(canned, values))]
    return tuple(sorted(replies, key=lambda reply: (reply.title.casefold(), reply.name)))


def _filled_in(canned: Canned, values: Mapping[str, str]) -> CannedReply | None:
    try:
        text = render(canned, values)
    except (jinja2.TemplateError, TypeError, ValueError) as error:
        # A branch that the sample values did not take: the others must not be missing for its sake.
        log.warning("canned reply %s cannot be made: %s", canned.name, type(error).__name__)
        return None
    return CannedReply(name=canned.name, title=canned.title, language=canned.language, text=text)


def _version(versions: Sequence[Canned], languages: Sequence[str]) -> Canned:
    for language in (*languages, ""):
        found = next((version for version in versions if version.language == language), None)
        if found:
            return found
    return versions[0]


class CannedBook:
    """The replies of one folder as they are now; an edit is seen within a second or two."""

    def __init__(self, folder: Path, queues: Collection[str]) -> None:
        self._folder, self._queues = folder, queues
        self._seen = _state(folder)
        self.shelf = load(folder, queues)
        self.on_change: Callable[[Shelf], None] | None = None

    async def run(self) -> None:
        """Looks at the folder until cancelled."""
        while True:
            await asyncio.sleep(LOOK_EVERY)
            state = await asyncio.to_thread(_state, self._folder)
            if state != self._seen:
                self._seen = state
                await asyncio.to_thread(self.reload)

    def reload(self) -> None:
        """Reads the folder now."""
        self.shelf = load(self._folder, self._queues, self.shelf)
        for problem in self.shelf.problems:
            log.warning("canned reply not read: %s", problem)
        log.info("canned replies reloaded", extra={"replies": len(self.shelf.replies)})
        if self.on_change:
            self.on_change(self.shelf)


def _state(folder: Path) -> tuple[tuple[str, int, int], ...]:
    found = []
    for path in sorted(folder.glob("*.md")):
        try:
            stat = path.stat()
        except OSError:
            continue
        found.append((path.name, stat.st_mtime_ns, stat.st_size))
    return tuple(found)


def _split(path: Path, raw: bytes) -> tuple[dict[str, Any], str]:
    try:
        front, body = frontmatter.parse(raw.decode("utf-8-sig").replace("\r\n", "\n"))
    except UnicodeDecodeError as error:
        raise ArticleError(path, f"Byte {error.start} is not UTF-8.", "Save the file as UTF-8.") from error
    except (yaml.YAMLError, ValueError, TypeError) as error:
        raise ArticleError(
            path, "The front matter is not YAML.", "Put text with : or # in quotes."
        ) from error
    if not isinstance(front, dict) or not front:
        raise ArticleError(path, "There is no front matter.", "Begin with --- and a line title:.")
    return {str(key): value for key, value in front.items()}, body


def _name(path: Path, language: str) -> tuple[str, str]:
    """The reply's name, and its language: from the front matter or from "name.sl.md"."""
    name, dot, tag = path.stem.rpartition(".")
    if not (dot and tag in KNOWN):
        name, tag = path.stem, ""
    if language and tag and language != tag:
        raise ArticleError(path, f"Its name says {tag}, its front matter {language}.", "Keep one of them.")
    return name, language or tag


def _listed(value: Any) -> tuple[str, ...]:
    items = value if isinstance(value, list) else [value]
    return tuple(str(item).strip() for item in items if item)


def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
    environment.filters = {name: environment.filters[name] for name in _FILTERS}
    environment.globals.clear()
    return environment


_JINJA = _environment()


def _template(path: Path, body: str) -> Template:
    try:
        tree = _JINJA.parse(body)
    except jinja2.TemplateSyntaxError as error:
        where = f"line {error.lineno} of the reply: {error.message}"
        raise ArticleError(path, f"The template is not valid, {where}.", "Mend that line.") from error
    for node in tree.find_all(nodes.Node):
        if not isinstance(node, _NODES):
            what = type(node).__name__.lower()
            raise ArticleError(
                path, f"A reply may not use {what}.", "Use variables, filters and {% if %} only."
            )
    for name in tree.find_all(nodes.Name):
        if name.name not in VARIABLES:
            remedy = f"Use one of {', '.join(VARIABLES)}."
            raise ArticleError(path, f"There is no variable {name.name!r}.", remedy)
    for call in tree.find_all(nodes.Filter):
        if call.name not in _FILTERS:
            raise ArticleError(
                path, f"There is no filter {call.name!r}.", f"Use one of {', '.join(_FILTERS)}."
            )
    try:
        return _JINJA.from_string(body)
    except jinja2.TemplateError as error:
        raise ArticleError(path, f"The template is not valid: {error}.", "Mend that place.") from error


def _bare(value: str) -> str:
    """A value without marks: a name must not become a link."""
    return " ".join(_MARKS.sub(" ", value).split())
