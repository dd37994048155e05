"""HTML of a help page as the Markdown of an article: headings, paragraphs, lists, links, emphasis, code and tables.

Everything else is dropped; nothing is run or loaded. The work grows with the size of the page only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import unquote

import msgspec
from resiliparse.parse.html import HTMLTree, NodeType

from gateway.kb import Unusable
from gateway.text.html import safe_link
from gateway.text.markup_tree import escape_marks

#: Characters of HTML, and elements, that are read; a help page has far fewer.
MAX_HTML = 2_000_000
MAX_NODES = 40_000
#: Elements within elements, and lists within lists.
MAX_DEPTH, _MAX_LISTS = 400, 5


def _set(names: str) -> frozenset[str]:
    return frozenset(names.split())


_DROPPED = _set(
    "script style noscript template head nav footer form iframe object svg canvas audio video button select "
    "textarea math dialog aside"
)
_BLOCKS = _set(
    "p div section article main header blockquote figure figcaption address details summary ul ol dl dt dd "
    "table thead tbody tfoot center fieldset"
)
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_SPACES = re.compile(r"[ \t\r\n\f\u00a0]+")
_BLANKS = re.compile(r"\n{3,}")
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]{0,15})")
_VOID = _set("p li td th tr br img hr input meta link col area base wbr option dt dd source track")

#: Where a link of the page leads, None for nowhere.
Lead = Callable[[str], str | None]


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """What was on a page."""

    title: str  #: of the first heading of level 1, else of the document
    language: str  #: as its author declared it, "" when not
    body: str  #: Markdown without the title
    lost: tuple[str, ...] = ()  #: kinds of things that Markdown has no place for


def to_markdown(html: str, lead: Lead | None = None) -> Page:
    """The text of `html` as Markdown. Raises Unusable when it is too large or nests too deeply."""
    if len(html) > MAX_HTML:
        raise Unusable(f"The page has {len(html)} characters; at most {MAX_HTML} are read.")
    if _depth(html) > MAX_DEPTH:
        raise Unusable(f"Its elements nest more than {MAX_DEPTH} deep; this is no help page.")
    if html.count("<") > 2 * MAX_NODES:
        raise Unusable(f"The page has more than {MAX_NODES} elements; this is no help page.")
    tree = HTMLTree.parse(html.replace("\x00", "").encode("utf-8", "replace").decode())
    root = tree.document
    writer = _Writer(lead or _outside)
    if tree.body is not None:
        writer.write(tree.body)
    language = (
        next((n.getattr("lang") for n in (root.query_selector("html[lang]"),) if n), "") if root else ""
    )
    return Page(
        title=writer.title or " ".join((tree.title or "").split()),
        language=(language or "").strip(),
        body=_BLANKS.sub("\n\n", "".join(writer.out)).strip(),
        lost=tuple(sorted(writer.lost)),
    )


def _outside(href: str) -> str | None:
    """Links to the web stay; those between pages of the old site lead nowhere here."""
    return href if href.startswith(("http://", "https://", "mailto:")) else None


def _depth(html: str) -> int:
    depth = deepest = 0
    for closing, name in _TAG.findall(html):
        if name.lower() not in _VOID:
            depth = max(0, depth + (-1 if closing else 1))
            deepest = max(deepest, depth)
    return deepest


def _walk(root: Any) -> Iterator[tuple[Any, bool]]:
    """Every node twice, when it opens and when it closes, without recursion; dropped elements not at all."""
    node, count = root, 0
    yield node, True
    while node is not None:
        skipped = node.tag in _DROPPED
        if node.first_child is not None and not skipped:
            node = node.first_child
        else:
            while node is not None and node.next is None and node != root:
                yield node, False
                node = node.parent
            if node is None or node == root:
                break
            yield node, False
            node = node.next
        count += 1
        if count > MAX_NODES:
            raise Unusable(f"The page has more than {MAX_NODES} elements; this is no help page.")
        if node.tag not in _DROPPED:
            yield node, True
    yield root, False


class _Writer:
    """Turns opening and closing nodes into Markdown, piece by piece."""

    def __init__(self, lead: Lead) -> None:
        self.out: list[str] = []
        self.title = ""
        self.lost: set[str] = set()
        self._lead = lead
        self._lists: list[int | None] = []  # number of the last item, None for bullets
        self._links: list[tuple[int, str | None]] = []
        self._pre = self._code = 0
        self._opened = False  # emphasis was opened and has no words yet
        self._heading = 0  # where the heading began in `out`
        self._cells: list[str] | None = None
        self._cell = 0
        self._header_done = False

    def write(self, root: Any) -> None:
        for node, opens in _walk(root):
            if node.type == NodeType.TEXT:
                if opens:
                    self._text(node.text or "")
            elif node.type == NodeType.ELEMENT and node.tag not in _DROPPED:
                self._open(node, node.tag) if opens else self._close(node.tag)

    # ------------------------------------------------------------ text

    def _text(self, text: str) -> None:
        if self._pre:
            self.out.append(text)
            return
        text = _SPACES.sub(" ", text)
        if self._opened and text.strip() and text.startswith(" "):
            self.out.insert(-1, "" if self._at_break(-2) else " ")  # emphasis must touch its words
            text = text[1:]
        elif text.startswith(" ") and self._at_break():
            text = text[1:]
        self._opened = self._opened and not text.strip()
        if text:
            self.out.append(text.replace("`", "'").replace("|", "/") if self._code else escape_marks(text))

    def _at_break(self, at: int = -1) -> bool:
        last = self.out[at] if len(self.out) >= -at else "\n"
        return last.endswith((" ", "\n"))

    def _block(self) -> None:
        if self._cells is not None:
            self.out.append(" ")
        elif self._lists:
            if self.out and not self.out[-1].endswith(("- ", ". ")):
                self.out.append("\n" + "   " * len(self._lists))
        elif not self._pre:
            self.out.append("\n\n")

    # ------------------------------------------------------------ elements

    def _open(self, node: Any, tag: str) -> None:
        match tag:
            case "br":
                self.out.append(" " if self._cells is not None else "\\\n" if not self._pre else "\n")
            case "hr":
                self._block()
            case "strong" | "b" | "em" | "i" | "code" | "tt" | "kbd" | "samp":
                self._mark(tag, opens=True)
            case "a":
                self._links.append((len(self.out), self._lead((node.getattr("href") or "").strip())))
            case "img":
                self.lost.add("pictures")
                if alt := (node.getattr("alt") or "").strip():
                    self.out.append(escape_marks(_SPACES.sub(" ", alt)))
            case "pre":
                self.out.append("\n\n```\n")
                self._pre += 1
            case "ul" | "ol" if len(self._lists) < _MAX_LISTS:
                if not self._lists:
                    self.out.append("\n\n")
                self._lists.append(0 if tag == "ol" else None)
            case "li":
                self._item()
            case "tr":
                self._cells = []
            case "td" | "th":
                self._cell = len(self.out)
            case _ if tag in _HEADINGS:
                self.out.append("\n\n")
                self._heading = len(self.out)
            case _ if tag in _BLOCKS:
                self._block()

    def _close(self, tag: str) -> None:
        match tag:
            case "strong" | "b" | "em" | "i" | "code" | "tt" | "kbd" | "samp":
                self._mark(tag, opens=False)
            case "a":
                self._end_link()
            case "pre":
                self._pre = max(0, self._pre - 1)
                self.out.append("\n```\n\n")
            case "ul" | "ol":
                if self._lists:
                    self._lists.pop()
                if not self._lists:
                    self.out.append("\n\n")
            case "td" | "th":
                self._end_cell()
            case "tr":
                self._end_row()
            case "table":
                self._header_done = False
                self.out.append("\n\n")
            case _ if tag in _HEADINGS:
                self._end_heading(_HEADINGS[tag])
            case _ if tag in _BLOCKS:
                self._block()

    def _mark(self, tag: str, *, opens: bool) -> None:
        if self._pre:
            return
        sign = "**" if tag in ("strong", "b") else "*" if tag in ("em", "i") else "`"
        if sign == "`":
            self._code += 1 if opens else -1
            sign = sign if self._code == int(opens) else ""
        if opens or not sign:
            self.out.append(sign)
            self._opened = bool(sign)
            return
        last = self.out[-1] if self.out else ""
        if self._opened and last == sign:  # nothing was emphasised
            self.out[-1] = ""
        else:
            self.out[-1:] = [last.rstrip(" "), sign, " " if last.endswith(" ") else ""]
        self._opened = False

    def _item(self) -> None:
        depth = max(1, len(self._lists))
        number = self._lists[-1] if self._lists else None
        if number is not None:
            self._lists[-1] = number + 1
        mark = "- " if number is None else f"{number + 1}. "
        self.out.append("\n" + "   " * (depth - 1) + mark)

    def _end_link(self) -> None:
        if not self._links:
            return
        start, target = self._links.pop()
        label = "".join(self.out[start:]).strip()
        if target is None or not label or not safe_link(target) or "\n" in label:
            self.lost.update({"links"} if target is None and label else ())
            return
        bare = unquote(target).replace("(", "%28").replace(")", "%29").replace(" ", "%20")
        self.out[start:] = [f"[{label}]({bare})"]

    def _end_heading(self, level: int) -> None:
        text = " ".join("".join(self.out[self._heading :]).replace("**", "").split())
        del self.out[self._heading :]
        if not text:
            return
        if level == 1 and not self.title:
            self.title = text.replace("\\", "")
            return
        self.out.append(f"{'#' * min(max(level, 2), 3)} {text}\n\n")

    def _end_cell(self) -> None:
        text = " ".join("".join(self.out[self._cell :]).split())
        del self.out[self._cell :]
        if self._cells is None:
            self.out.append(f" {text} ")
        else:
            self._cells.append(text)

    def _end_row(self) -> None:
        cells, self._cells = self._cells, None
        if not cells:
            return
        if not self._header_done:
            self.out.append("\n\n")
        self.out.append("| " + " | ".join(cells) + " |\n")
        if not self._header_done:
            self.out.append("|" + "---|" * len(cells) + "\n")
            self._header_done = True
