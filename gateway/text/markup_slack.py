"""Markdown to Slack's mrkdwn and back.

Control sequences (https://docs.slack.dev/messaging/formatting-message-text) begin with "<": that and "&" and ">" in
what anybody typed are always escaped, so nothing typed can mention a person or ping a channel.
"""

import re

from markdown_it.tree import SyntaxTreeNode
from typing_extensions import override

from gateway.text.markup_tree import Writer, escape_marks, is_plain_only, says_address

#: Whatever mrkdwn or Markdown could mean something by.
_MARKS = re.compile(r"[^\w ,.'?!;:()\"/%@-]|^\s*[-+]|^\s*\d+[.)]\s|://|www\.|  |^ |__|\b_|_\b", re.MULTILINE)


def to_mrkdwn(markdown: str) -> str:
    """Slack mrkdwn; headings bold, tables as aligned code, a link that claims another address shows its true one."""
    return _MRKDWN.write(markdown)


def from_mrkdwn(text: str) -> str:
    """Markdown from the text of a Slack message; mentions by name where Slack gives it, links kept."""
    if not _MARKS.search(text):
        return text.strip("\n")
    if is_plain_only(text):
        return escape_marks(_unescape(text))
    out = []
    for k, part in enumerate(text.split("```")):
        out.append(f"\n```\n{_unescape(_bare(part)).strip(chr(10))}\n```\n" if k % 2 else _lines(part))
    return re.sub(r"\n{3,}", "\n\n", "".join(out)).strip("\n")


class _Mrkdwn(Writer):
    WRAPS = {"strong": ("*", "*"), "em": ("_", "_"), "s": ("~", "~")}  # noqa: RUF012

    @override
    def text(self, text: str) -> str:
        return _escape(text)

    @override
    def heading(self, words: str, node: SyntaxTreeNode) -> str:
        return f"*{words.replace('*', '')}*" if words.strip() else ""

    @override
    def code(self, text: str) -> str:
        return f"`{_escape(text).replace('`', 'ˋ')}`" if text.strip() else _escape(text)

    @override
    def code_block(self, text: str, language: str) -> str:
        return f"```\n{_escape(text).replace('```', 'ˋˋˋ')}\n```"

    @override
    def table(self, rows: list[list[str]]) -> str:
        return self.code_block(super().table(rows), "")

    @override
    def link(self, words: str, url: str, label: str) -> str:
        if not url.lower().startswith(("http://", "https://", "mailto:")):
            return words
        target = _escape(url.replace("|", "%7C").replace("<", "%3C").replace(">", "%3E").replace(" ", "%20"))
        if not label.strip() or label.strip() == url:
            return f"<{target}>"
        if says_address(label, url):
            return f"{words} (<{target}>)"
        return f"<{target}|{_escape(' '.join(label.split()))}>"


_MRKDWN = _Mrkdwn()


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _unescape(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


_CONTROL = re.compile(r"<([^<>\n]{1,4000})>")
_SPAN = re.compile(r"`([^`\n]{1,2000})`")
_STYLES = tuple(
    (
        re.compile(
            rf"(?<![\w{re.escape(c)}]){re.escape(c)}(?=\S)([^{re.escape(c)}\n]{{1,2000}})(?<=\S){re.escape(c)}(?!\w)"
        ),
        md,
    )
    for c, md in (("*", "**"), ("_", "*"), ("~", "~~"))
)


def _lines(text: str) -> str:
    return "\n".join(map(_line, text.split("\n")))


def _line(line: str) -> str:
    quote = ""
    if line.startswith(("&gt;", ">")):
        quote, line = "> ", line.removeprefix("&gt;").removeprefix(">").lstrip()
    if line.lstrip().startswith("• "):
        quote, line = quote + "- ", line.lstrip()[2:]
    out = []
    at = 0
    for match in _SPAN.finditer(line):
        out += [_styled(line[at : match.start()]), f"`{_unescape(_bare(match.group(1)))}`"]
        at = match.end()
    return quote + "".join([*out, _styled(line[at:])])


def _styled(text: str) -> str:
    """Slack's emphasis as Markdown's, everything else escaped; control sequences are put aside meanwhile."""
    aside: list[str] = []

    def put(made: str) -> str:
        aside.append(made)
        return f"\ue020{len(aside) - 1}\ue021"

    text = _CONTROL.sub(lambda m: put(_control(m.group(1))), re.sub("[\ue010-\ue021]", "", text))
    for pattern, markdown in _STYLES:
        sign = {"**": "\ue010", "*": "\ue011", "~~": "\ue012"}[markdown]
        text = pattern.sub(lambda m, s=sign: f"{s}{m.group(1)}{s}", text)  # type: ignore[misc]
    text = escape_marks(_unescape(text))
    for sign, markdown in (("\ue010", "**"), ("\ue011", "*"), ("\ue012", "~~")):
        text = text.replace(sign, markdown)
    return re.sub("\ue020(\\d{1,6})\ue021", lambda m: aside[int(m.group(1))], text)


def _control(body: str) -> str:
    target, _, label = body.partition("|")
    label = _unescape(label)
    if target[:1] in "@#!":
        return escape_marks(_mention(target, label))
    url = _unescape(target).replace("(", "%28").replace(")", "%29").replace(" ", "%20")
    if not label or label == _unescape(target):
        return (
            f"<{_unescape(target)}>"
            if re.match(r"(?:https?://|mailto:)\S+$", target)
            else escape_marks(target)
        )
    return f"[{escape_marks(label)}]({url})"


def _mention(target: str, label: str) -> str:
    if target.startswith("!date^") or target.startswith("!subteam^"):
        return label or target.rsplit("^", 1)[-1]
    sign = "#" if target.startswith("#") else "@"
    return sign + (label.lstrip("@#") or target[1:])


def _bare(text: str) -> str:
    """Inside code: control sequences as the words or the address they stand for."""
    return _CONTROL.sub(lambda m: m.group(1).rpartition("|")[2], text)
