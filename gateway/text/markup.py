"""Markdown into web HTML, mail HTML and plain text; plain text into Markdown.

The forms of Slack and Telegram have modules of their own and are offered here too.
"""

import re
import threading
from collections.abc import Sequence
from html import escape as escape_html
from typing import Any

from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode
from markdown_it.utils import OptionsDict
from typing_extensions import override

from gateway.text.markup_rich_text import from_rich_text
from gateway.text.markup_slack import from_mrkdwn, to_mrkdwn
from gateway.text.markup_split import split
from gateway.text.markup_telegram import from_telegram, to_telegram_html
from gateway.text.markup_tree import Writer, escape_marks, tokens

__all__ = [
    "escape",
    "from_mrkdwn",
    "from_rich_text",
    "from_telegram",
    "split",
    "to_html",
    "to_mail",
    "to_mail_html",
    "to_mrkdwn",
    "to_plain",
    "to_telegram_html",
    "to_wary_html",
]


def to_html(markdown: str) -> str:
    """Safe HTML for the web: raw HTML is shown as text, links go to http, https, mailto or our own site only."""
    return _rendered(_Html, tokens(markdown))


def to_wary_html(markdown: str) -> str:
    """As to_html, for what strangers wrote: beside every link whose words say something else stands where it leads."""
    return _rendered(_WaryHtml, tokens(markdown))


def to_mail_html(markdown: str) -> str:
    """A safe HTML fragment for mail, with inline styles, since mail programs drop style sheets."""
    return _rendered(_MailHtml, tokens(markdown))


def to_mail(markdown: str) -> tuple[str, str]:
    """Both forms of a mail, to_plain and to_mail_html, for the work of reading the Markdown once."""
    parsed = tokens(markdown)
    plain = _PLAIN.blocks(SyntaxTreeNode(parsed)).strip(
        "\n"
    )  # first: the renderer writes styles into the tokens
    return plain, _rendered(_MailHtml, parsed)


def to_plain(markdown: str) -> str:
    """Readable plain text; links as "text (url)"."""
    return _PLAIN.write(markdown)


def escape(text: str) -> str:
    """Markdown that renders as the given plain text: its lines, and every character as it is."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").strip("\n")
    text = _SPACES_ONLY.sub("", text)
    text = _LINE_START.sub(r"\1\\\2", escape_marks(text).replace("&", "\\&"))
    text = _EDGE_SPACE.sub(lambda m: "".join(f"&#{ord(c)};" for c in m.group()), text)
    return _LINE_END.sub("\\\\\n", text)


#: At the beginning of a line: a heading, a list, a rule; the sign or the full stop after the number is escaped.
_LINE_START = re.compile(r"^([ \t]*(?:\d{1,9})?)([#+\-=:.)])", re.MULTILINE)
_EDGE_SPACE = re.compile(r"^[ \t]+(?=\S)|(?<=\S)[ \t]+$", re.MULTILINE)
_SPACES_ONLY = re.compile(r"^[ \t]+$", re.MULTILINE)
_LINE_END = re.compile(r"(?<=[^\n])\n(?=[^\n])")


class _Plain(Writer):
    BULLET = "- "

    @override
    def link(self, words: str, url: str, label: str) -> str:
        bare = url.removeprefix("mailto:")
        return words if not url or label.strip() in (url, bare) else f"{words} ({bare})" if words else bare


_PLAIN = _Plain()
_CHOSEN: Any = {
    "html": False,
    "xhtmlOut": False,
    "breaks": True,
    "langPrefix": "language-",
    "highlight": None,
}
_OPTIONS = OptionsDict(_CHOSEN)
_SHOWN = 160  # characters of an address: its host is always among them
_BARE_URL = re.compile(r"https?://[^\s<>\"'`\\{}|^\[\]()]{1,2000}(?<![.,;:!?*_~。，；：！？、])")


class _Html(RendererHTML):
    """markdown-it's own renderer, with links that carry rel, pictures as links and bare addresses made links."""

    styles: dict[str, str] = {}  # noqa: RUF012  (the parent class is not ours to annotate)

    def __init__(self) -> None:
        super().__init__()
        self.begin()

    def begin(self) -> None:
        """Forgets the text before."""
        self.inside_link = 0

    @override
    def renderToken(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Any) -> str:
        style = self.styles.get(tokens[idx].tag)
        if style and tokens[idx].nesting >= 0:
            own = str(tokens[idx].attrGet("style") or "")
            tokens[idx].attrSet("style", f"{own};{style}" if own else style)
        return super().renderToken(tokens, idx, options, env)

    def link_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Any) -> str:
        self.inside_link += 1
        tokens[idx].attrSet("rel", "noopener nofollow")
        return self.renderToken(tokens, idx, options, env)

    def link_close(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Any) -> str:
        self.inside_link -= 1
        return self.renderToken(tokens, idx, options, env)

    @override
    def image(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Any) -> str:
        src = str(tokens[idx].attrGet("src") or "")
        label = escape_html(self.renderInlineAsText(tokens[idx].children or [], options, env) or src)
        return label if self.inside_link or not src else _anchor(src, label)

    @override
    def text(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Any) -> str:
        content = tokens[idx].content
        if self.inside_link or "://" not in content:
            return escape_html(content, quote=False)
        out, at = [], 0
        for match in _BARE_URL.finditer(content):
            out += [escape_html(content[at : match.start()], quote=False)]
            out += [_anchor(match.group(), escape_html(match.group(), quote=False))]
            at = match.end()
        return "".join([*out, escape_html(content[at:], quote=False)])


class _WaryHtml(_Html):
    """Shows where links lead. The host is written as the network sees it, so that no look-alike letter passes."""

    @override
    def begin(self) -> None:
        super().begin()
        self.targets: list[str] = []

    @override
    def link_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Any) -> str:
        url, words, at = str(tokens[idx].attrGet("href") or ""), "", idx + 1
        while at < len(tokens) and tokens[at].type != "link_close":
            words += tokens[at].content
            at += 1
        self.targets.append("" if words.strip() in (url, url.removeprefix("mailto:")) else url)
        return super().link_open(tokens, idx, options, env)

    @override
    def link_close(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Any) -> str:
        target = self.targets.pop() if self.targets else ""
        return super().link_close(tokens, idx, options, env) + _leads_to(target)


def _leads_to(url: str) -> str:
    shown = url.removeprefix("mailto:")
    shown = shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…"
    return f' <span class="quiet">({escape_html(shown, quote=False)})</span>' if shown else ""


class _MailHtml(_Html):
    styles = {  # noqa: RUF012
        "p": "margin:0 0 1em",
        "blockquote": "margin:0 0 1em;padding-left:.8em;border-left:3px solid #c8c8c8;color:#555",
        "pre": "margin:0 0 1em;padding:.6em;background:#f4f4f4;white-space:pre-wrap",
        "table": "border-collapse:collapse;margin:0 0 1em",
        "th": "border:1px solid #c8c8c8;padding:.3em .6em",
        "td": "border:1px solid #c8c8c8;padding:.3em .6em",
    }


class _Renderers(threading.local):
    """One of each kind a thread, since they remember where they are, and each costs as much to make as a text."""

    def __init__(self) -> None:
        self.made: dict[type[_Html], _Html] = {}


_RENDERERS = _Renderers()


def _rendered(kind: type[_Html], parsed: list[Token]) -> str:
    renderer = _RENDERERS.made.get(kind) or _RENDERERS.made.setdefault(kind, kind())
    renderer.begin()
    return str(renderer.render(parsed, _OPTIONS, {}))


def _anchor(url: str, label: str) -> str:
    return f'<a href="{escape_html(url)}" rel="noopener nofollow">{label}</a>'
