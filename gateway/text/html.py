"""HTML into readable text and into safe HTML.

Everything is capped before a parser sees it: mail is written by strangers. Knows nothing of mail headers.
"""

import re
from collections.abc import Callable, Iterator
from html import escape, unescape
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

import nh3
from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.html import HTMLTree, NodeType

from gateway.text.reply import is_forward_line
from gateway.text.reply_words import ORIGINAL_MARK

#: Characters of HTML that are read; the rest is cut (256 KB, as for mail).
MAX_HTML = 256 * 1024

#: Elements nested deeper than this are flattened to text before the sanitizer, whose time grows with the square of it.
MAX_DEPTH = 200

#: How many links or styled elements, and how many quotes, are looked at; real mail has fewer.
_MOST, _MOST_QUOTES = 5_000, 100

#: Lines that stand for structure while the text is extracted; private-use characters, removed from the input first.
QUOTE_OPEN, QUOTE_CLOSE = "\ue000", "\ue001"

#: What mail programs wrap round the message that is answered.
_QUOTES = (
    ".gmail_quote, blockquote[type=cite], .yahoo_quoted, .protonmail_quote, .tutanota_quote, .zmail_extra, "
    ".moz-forward-container, .ntes-mailmaster-quote, #isReplyContent, #isForwardContent, #reply139content, "
    '.alimail-quote, .qmbox blockquote, [name="quote"], #OLK_SRC_BODY_SECTION, #qm_original_content, '
    '#mail-editor-reference-message-container, #_originalContent, blockquote[style*="border-left"]'
)

#: Where the answered message begins: this element and all that follows it beside it.
_REST = (
    "#divRplyFwdMsg, #appendonsend, #x_divRplyFwdMsg, .OutlookMessageHeader, #stopSpelling, #replySplit, "
    "#_persistentHeaderContainer, #reply-intro, #replyforward, .moz-cite-prefix-rest"
)

_HIDDEN = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|mso-hide\s*:\s*all|(?:font-size|max-height|opacity)\s*:\s*0(?![.\d]*[1-9])",
    re.IGNORECASE,
)
_HIDING_WORDS = ("hidden", "display", "mso-hide", "font-size", "max-height", "opacity")
_INVISIBLE = {ord(c): None for c in "\u200b\u2060\ufeff\u034f\u00ad\ue000\ue001\ue002\x00"}
_BLANK_LINES = re.compile(r"\n{3,}")
_TRAILING = re.compile(r"[ \t\u00a0]+(?=\n|$)")


def html_to_text(html: str, *, drop_quotes: bool = False) -> str:
    """Readable text of an HTML document or fragment; links as "text (url)", hidden elements dropped.

    With drop_quotes the parts that mail programs mark as the answered message are left out.
    """
    return _text(html, _drop_quotes if drop_quotes else None)


def html_to_quoted_text(html: str) -> str:
    """As html_to_text, but with the marked quotes as "> " lines, for gateway.text.reply to decide on."""
    return "\n".join(_quoted_lines(_text(html, _mark_quotes).split("\n")))


def has_marked_quotes(html: str) -> bool:
    """Whether a mail program may have marked a quote: without one html_to_quoted_text is html_to_text."""
    lowered = html[:MAX_HTML].lower()
    return any(word in lowered for word in _MARKING_WORDS)


#: Words of _QUOTES and _REST, without which none of them is found; in small letters.
_MARKING_WORDS = (
    "quote", "cite", "divrplyfwdmsg", "appendonsend", "stopspelling", "outlookmessageheader", "replysplit",
    "_persistentheader", "reply-intro", "replyforward", "isreplycontent", "isforwardcontent", "reply139content",
    "zmail_extra", "olk_src_body", "_originalcontent", "moz-forward-container", "reference-message-container",
    "qm_original_content",
)  # fmt: skip


def sanitize(html: str) -> str:
    """Safe HTML for showing to people: no scripts, styles, forms or pictures; links say rel="noopener nofollow"."""
    html = html[:MAX_HTML].replace("\x00", "")
    if _depth(html) > MAX_DEPTH:
        return "".join(f"<p>{escape(p)}</p>" for p in html_to_text(html).split("\n\n"))
    return nh3.clean(html, **_POLICY)


_POLICY: dict[str, Any] = {
    "tags": {
        *(
            "a",
            "abbr",
            "b",
            "blockquote",
            "br",
            "caption",
            "cite",
            "code",
            "col",
            "colgroup",
            "dd",
            "del",
            "div",
        ),
        *(
            "dl",
            "dt",
            "em",
            "h1",
            "h2",
            "h3",
            "h4",
            "h5",
            "h6",
            "hr",
            "i",
            "ins",
            "kbd",
            "li",
            "ol",
            "p",
            "pre",
            "q",
        ),
        *(
            "s",
            "samp",
            "small",
            "span",
            "strike",
            "strong",
            "sub",
            "sup",
            "table",
            "tbody",
            "td",
            "tfoot",
            "th",
        ),
        *("thead", "tr", "u", "ul", "var"),
    },
    "clean_content_tags": {
        "script",
        "style",
        "title",
        "noscript",
        "template",
        "svg",
        "math",
        "iframe",
        "object",
    },
    "attributes": {
        "a": {"href", "title"},
        "td": {"colspan", "rowspan", "align"},
        "th": {"colspan", "rowspan", "align"},
        "ol": {"start"},
        "blockquote": {"type"},
    },
    "url_schemes": {"http", "https", "mailto", "tel"},
    "url_relative": "deny",
    "link_rel": "noopener nofollow",
    "strip_comments": True,
}


def _text(html: str, change: Callable[[Any], None] | None) -> str:
    html = html[:MAX_HTML].translate(_INVISIBLE)
    try:
        return _parsed_text(html, change)
    except BaseException as error:
        # The parser's own failure is no Exception: a panic of Rust. Any other goes on its way.
        if isinstance(error, Exception) or type(error).__name__ == "PanicException":
            return _tidy(unescape(re.sub(r"<[^<>]{0,10000}>", " ", html)))
        raise


def _parsed_text(html: str, change: Callable[[Any], None] | None) -> str:
    tree = HTMLTree.parse(html)
    body = tree.body
    if body is None:
        return ""
    lowered = html.lower()
    if any(word in lowered for word in _HIDING_WORDS):
        _drop_hidden(body)
    if change is not None:
        change(tree)
    _spell_out_links(tree, body)
    return _tidy(extract_plain_text(tree, preserve_formatting=True, alt_texts=False))


def _tidy(text: str) -> str:
    return _BLANK_LINES.sub("\n\n", _TRAILING.sub("", text)).strip("\n")


def _drop_hidden(body: Any) -> None:
    for node in body.query_selector_all("[hidden], [style]").values()[:_MOST]:
        if node.hasattr("hidden") or _HIDDEN.search(node.getattr("style") or ""):
            _remove(node)


def _spell_out_links(tree: Any, body: Any) -> None:
    for node in body.query_selector_all("a[href]").values()[:_MOST]:
        href = (node.getattr("href") or "").strip()
        if _worth_showing(href, (node.text or "").strip()):
            node.append_child(tree.create_text_node(f" ({href})"))


def _worth_showing(href: str, label: str) -> bool:
    """Whether the address says something that the link's text does not; a link round nothing (a picture) does not."""
    if not label or not href.lower().startswith(("http:", "https:", "mailto:", "tel:", "ftp:")):
        return False
    return _bare(href) != _bare(label)


def _bare(address: str) -> str:
    address = re.sub(r"^(?:https?://|mailto:|tel:|ftp://)", "", address.strip().lower(), count=1)
    return address.removeprefix("www.").rstrip("/")


def _drop_quotes(tree: Any) -> None:
    for node, rest in _quotes(tree.body):
        for gone in _and_following(node) if rest else [node]:
            _remove(gone)


def _mark_quotes(tree: Any) -> None:
    for node, rest in _quotes(tree.body):
        if rest:
            _beside(tree, node, ORIGINAL_MARK, before=True)
        else:
            _beside(tree, node, QUOTE_OPEN, before=True)
            _beside(tree, node, QUOTE_CLOSE, before=False)


def _quotes(body: Any) -> Iterator[tuple[Any, bool]]:
    for node in body.query_selector_all(_REST).values()[:_MOST_QUOTES]:
        yield node, True
    for node in body.query_selector_all(_QUOTES).values()[:_MOST_QUOTES]:
        if not _is_forward(node):
            yield node, False


def _is_forward(node: Any) -> bool:
    head = _ANNOUNCED.match(_beginning(node))
    return head is not None and is_forward_line(f"--{head.group(1)}--")


def _beginning(node: Any) -> str:
    """The first words of an element, without reading the rest: quotes nest, and each would read all below it."""
    text = ""
    for inner in islice(node, 16):
        if inner.type is NodeType.TEXT:
            text = (text + inner.text).lstrip()
            if len(text) >= 200:
                break
    return text[:200]


#: The first words between dashes or before a colon; a line break in HTML is no sign in the bare text.
_ANNOUNCED = re.compile(r"[-_=—\s]*([^-_=—:：\n]{3,60}?)\s*[-_=—:：]")


def _and_following(node: Any) -> list[Any]:
    found = [node]
    while (node := node.next) is not None:
        found.append(node)
    return found


def _remove(node: Any) -> None:
    if node.parent is not None:
        node.parent.remove_child(node)


def _beside(tree: Any, node: Any, text: str, *, before: bool) -> None:
    if node.parent is None:
        return
    line = tree.create_element("p")
    line.append_child(tree.create_text_node(text))
    if before:
        node.parent.insert_before(line, node)
    elif node.next is not None:
        node.parent.insert_before(line, node.next)
    else:
        node.parent.append_child(line)


def _quoted_lines(lines: list[str]) -> Iterator[str]:
    depth = 0
    for line in lines:
        mark = line.strip()
        if mark == QUOTE_OPEN:
            depth += 1
        elif mark == QUOTE_CLOSE:
            depth = max(0, depth - 1)
        else:
            yield ">" * min(depth, 9) + " " + line if depth else line


_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]{0,15})")
_NOT_NESTING = frozenset(
    "p li td th tr br img hr input meta link col area base wbr option dt dd source track embed param".split()  # noqa: SIM905
)


def _depth(html: str) -> int:
    """An upper estimate of how deeply elements nest, in one pass."""
    depth = deepest = 0
    for closing, name in _TAG.findall(html):
        if name.lower() in _NOT_NESTING:
            continue
        depth += -1 if closing else 1
        deepest = max(deepest, depth)
    return deepest


def safe_link(url: str) -> bool:
    """Whether a link may be shown as one: http, https, mailto or a path of our own site."""
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return False
    if parts.scheme:
        return parts.scheme.lower() in {"http", "https", "mailto"}
    return not parts.netloc and not url.lstrip().startswith(("//", "\\"))
