"""Markdown as a tree, and the walk over it that every written form shares.

CommonMark with tables and strikethrough; raw HTML is text. Knows no channel.
"""

import unicodedata
from typing import ClassVar

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode

from gateway.text.html import safe_link

#: Longer Markdown, or with more lines or marks, is shown as it is typed: parsing is quadratic at worst.
MAX_MARKDOWN, MAX_LINES, MAX_MARKS = 100_000, 3_000, 4_000

_MARKS = str.maketrans({mark: "\\" + mark for mark in "\\*_[]<>`~|"})


def escape_marks(text: str) -> str:
    """Text in which no sign begins emphasis, a link, code or HTML."""
    return text.translate(_MARKS)


def parse(markdown: str) -> SyntaxTreeNode:
    """The tree of a Markdown text; a text beyond the limits is one paragraph of plain text."""
    return SyntaxTreeNode(tokens(markdown))


def tokens(markdown: str) -> list[Token]:
    """The tokens of a Markdown text; a text beyond the limits is one paragraph of plain text."""
    markdown = markdown.replace("\x00", "\ufffd")
    if is_plain_only(markdown):
        return _plain_tokens(markdown)
    return _PARSER.parse(markdown)


def is_plain_only(markdown: str) -> bool:
    """Whether a text is too long or too full of marks to be parsed."""
    marks = sum(markdown.count(c) for c in "[]*_`~<!>") - 2 * markdown.count("\n>")
    return len(markdown) > MAX_MARKDOWN or marks > MAX_MARKS or markdown.count("\n") > MAX_LINES


def _plain_tokens(text: str) -> list[Token]:
    inline = Token("inline", "", 0, content=text, children=[])
    for k, line in enumerate(text.split("\n", MAX_LINES)):
        if k:
            inline.children.append(Token("softbreak", "br", 0))  # type: ignore[union-attr]
        inline.children.append(Token("text", "", 0, content=line))  # type: ignore[union-attr]
    return [Token("paragraph_open", "p", 1), inline, Token("paragraph_close", "p", -1)]


def _make_parser() -> MarkdownIt:
    md = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    md.validateLink = safe_link  # type: ignore[method-assign]
    return md


_PARSER = _make_parser()


class Writer:
    """Walks the tree and asks one method a kind of node; a form overrides what it writes differently."""

    #: What stands round the words of these kinds.
    WRAPS: ClassVar[dict[str, tuple[str, str]]] = {}
    BULLET: ClassVar[str] = "• "

    def write(self, markdown: str) -> str:
        return self.blocks(parse(markdown)).strip("\n")

    def blocks(self, node: SyntaxTreeNode, gap: str = "\n\n") -> str:
        return gap.join(filter(None, (self.block(child) for child in node.children)))

    def block(self, node: SyntaxTreeNode) -> str:
        match node.type:
            case "paragraph":
                return self.inlines(node.children[0]) if node.children else ""
            case "heading":
                return self.heading(self.inlines(node.children[0]) if node.children else "", node)
            case "fence" | "code_block":
                return self.code_block(node.content.removesuffix("\n"), (node.info or "").split(" ")[0])
            case "blockquote":
                return self.quote(self.blocks(node))
            case "bullet_list" | "ordered_list":
                return self.items(node)
            case "table":
                return self.table(
                    [[self.cell(c) for c in row.children] for part in node.children for row in part.children]
                )
            case "hr":
                return self.rule()
            case _:
                return self.text(node.content) if not node.children else self.blocks(node)

    def items(self, node: SyntaxTreeNode) -> str:
        start = int(node.attrs.get("start", 1)) if node.type == "ordered_list" else None
        lines = []
        for k, item in enumerate(node.children):
            mark = self.BULLET if start is None else f"{start + k}. "
            body = self.blocks(item, "\n").split("\n")
            lines.append(mark + ("\n" + " " * 4).join(body))
        return "\n".join(lines)

    def inlines(self, node: SyntaxTreeNode) -> str:
        return "".join(self.inline(child) for child in node.children)

    def inline(self, node: SyntaxTreeNode) -> str:
        match node.type:
            case "text":
                return self.text(node.content)
            case "softbreak" | "hardbreak":
                return "\n"
            case "code_inline":
                return self.code(node.content)
            case "link":
                return self.link(self.inlines(node), str(node.attrs.get("href", "")), plain_label(node))
            case "image":
                return self.link(self.inlines(node), str(node.attrs.get("src", "")), plain_label(node))
            case kind if kind in self.WRAPS and node.children:
                before, after = self.WRAPS[kind]
                return self.wrap(self.inlines(node), before, after)
            case _:
                return self.inlines(node) if node.children else self.text(node.content)

    def wrap(self, words: str, before: str, after: str) -> str:
        return before + words + after if words.strip() else words

    def text(self, text: str) -> str:
        return text

    def heading(self, words: str, node: SyntaxTreeNode) -> str:
        return words

    def code(self, text: str) -> str:
        return text

    def code_block(self, text: str, language: str) -> str:
        return text

    def quote(self, blocks: str) -> str:
        return "\n".join(f"> {line}" if line else ">" for line in blocks.split("\n"))

    def cell(self, node: SyntaxTreeNode) -> str:
        return "".join(plain_label(child) for child in node.children)

    def table(self, rows: list[list[str]]) -> str:
        return aligned(rows)

    def rule(self) -> str:
        return "———"

    def link(self, words: str, url: str, label: str) -> str:
        return words


def plain_label(node: SyntaxTreeNode) -> str:
    """The bare words of a node, on one line; a link in it keeps its address."""
    if node.type in ("softbreak", "hardbreak"):
        return " "
    if node.type in ("text", "code_inline"):
        return node.content
    words = "".join(plain_label(child) for child in node.children)
    return words if node.type != "image" or words else node.content


def aligned(rows: list[list[str]]) -> str:
    """A table in characters of one width; wide East Asian characters count double."""
    rows = [[" ".join(cell.split()) for cell in row] for row in rows]
    widths = [max(map(_width, column)) for column in zip(*rows, strict=False)] if rows else []
    lines = [" | ".join(_pad(cell, w) for cell, w in zip(row, widths, strict=False)).rstrip() for row in rows]
    if len(lines) > 1:
        lines.insert(1, "-+-".join("-" * w for w in widths))
    return "\n".join(lines)


def _width(text: str) -> int:
    return sum(0 if unicodedata.combining(c) else 1 + (unicodedata.east_asian_width(c) in "WF") for c in text)


def _pad(text: str, width: int) -> str:
    return text + " " * (width - _width(text))


def says_address(label: str, url: str) -> bool:
    """Whether a link's words look like an address of the web other than the true one: a forged link."""
    label = label.strip().lower()
    if not _looks_like_address(label):
        return False
    return _host(label) != _host(url.lower())


def _looks_like_address(label: str) -> bool:
    if "://" in label or label.startswith("www."):
        return True
    host = label.split("/", 1)[0]
    return " " not in label and "." in host.strip(".") and host.rsplit(".", 1)[-1].isalpha()


def _host(address: str) -> str:
    host = address.split("://", 1)[-1].removeprefix("mailto:")
    for end in "/?#":
        host = host.split(end, 1)[0]
    return host.rsplit("@", 1)[-1].removeprefix("www.").rstrip(".")
