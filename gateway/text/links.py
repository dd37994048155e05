"""Links between articles: written as file names, read as addresses of the help centre."""

from __future__ import annotations

import re

_FILE = re.compile(r"\]\((?:\./)?([a-z0-9][\w-]*)(?:\.([A-Za-z]{2,3}(?:-[A-Za-z]{4})?))?\.md(#[^)\s]*)?\)")


def to_pages(markdown: str, language: str, base: str = "") -> str:
    """`[text](track-order.sl.md#late)` leads to `<base>/help/sl/track-order#late`; without a language, to this one."""

    def lead(match: re.Match[str]) -> str:
        slug, own, anchor = match.groups()
        return f"]({base}/help/{own or language}/{slug}{anchor or ''})"

    return _FILE.sub(lead, markdown)
