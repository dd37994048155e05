"""Block Kit's building stones, each cut to the length that Slack documents.

Sources: docs.slack.dev/reference/block-kit/blocks (header, section, context, actions, input),
…/block-elements/button-element, …/plain-text-input-element and …/composition-objects/text-object.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from gateway.text.markup import escape, split, to_mrkdwn

Block = dict[str, Any]

MAX_BLOCKS = 50  #: in a message
MAX_HEADER = 150
MAX_TEXT = 3000  #: text of a section
MAX_FIELD = 2000
MAX_FIELDS = 10  #: in a section
MAX_ELEMENTS = 25  #: in an actions block
MAX_LABEL = 75  #: text of a button
MAX_VALUE = 2000  #: value of a button
MAX_URL = 3000
#: Slack refuses a message whose blocks add up to about 13,200 characters (msg_blocks_too_long; the figure
#: is not documented, see bolt-js issue 2509). Counted here in UTF-8 bytes of text, which is the stricter way.
MAX_BYTES = 9000
MAX_SECTIONS = 30  #: that one text may take, so that the rest of a message has its place
MAX_FOLDED = 20_000  #: characters of a text that are looked at; far more than MAX_BYTES can show


def plain(text: str, limit: int) -> Block:
    """A text object that Slack shows as it is: no formatting, no mentions, no emoji names."""
    return {"type": "plain_text", "text": clip(text, limit) or " ", "emoji": False}


def mrkdwn(markdown: str, limit: int) -> Block:
    """A text object from Markdown, escaped, so that nothing in it pings anybody."""
    return {"type": "mrkdwn", "text": _fitting(markdown, limit) or " ", "verbatim": True}


def header(text: str) -> Block:
    return {"type": "header", "text": plain(" ".join(text.split()), MAX_HEADER)}


def section(markdown: str) -> Block:
    return {"type": "section", "text": mrkdwn(markdown, MAX_TEXT)}


def exact(text: str) -> Block:
    """A section that shows these very characters."""
    return {"type": "section", "text": plain(text, MAX_TEXT)}


def context(markdown: str) -> Block:
    return {"type": "context", "elements": [mrkdwn(markdown, MAX_TEXT)]}


def fields(pairs: Iterable[tuple[str, str]]) -> list[Block]:
    """Labels (plain) and values (Markdown) in two columns; as many sections as it takes."""
    made = [mrkdwn(f"**{words(label)}**\n{value}", MAX_FIELD) for label, value in pairs if value.strip()]
    return [
        {"type": "section", "fields": made[start : start + MAX_FIELDS]}
        for start in range(0, len(made), MAX_FIELDS)
    ]


def button(label: str, action_id: str, value: str, *, style: str = "", url: str = "") -> Block:
    """A button. style: "primary", "danger" or "" for neither; url: opened in the browser."""
    made: Block = {"type": "button", "text": plain(label, MAX_LABEL), "action_id": action_id}
    if value:
        made["value"] = value[:MAX_VALUE]
    if style:
        made["style"] = style
    if url:
        made["url"] = url
    return made


def actions(buttons: Sequence[Block], block_id: str) -> Block:
    return {"type": "actions", "block_id": block_id, "elements": list(buttons[:MAX_ELEMENTS])}


def words(text: str) -> str:
    """Markdown that shows this text as it is, on one line."""
    return escape(" ".join(text.split()))


def brief(text: str, limit: int) -> str:
    """`words` of the text's beginning: for names and titles, which may be of any length."""
    return words(clip(" ".join(text[: 4 * limit].split()), limit))


def clip(text: str, limit: int) -> str:
    """The text, or its start and an ellipsis when it is longer than `limit` characters."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def fold(markdown: str, room: int, first: int = 700) -> tuple[list[Block], bool]:
    """Sections of this text as far as `room` bytes go, and whether that was all of it.

    The first section holds about `first` characters, for those who read at a glance; Slack itself offers
    "see more" on long ones (`expand` of the section block).
    """
    complete = len(markdown) <= MAX_FOLDED
    head, *rest = split(markdown[:MAX_FOLDED], first) or [""]
    pieces = [head, *split("\n\n".join(rest), MAX_TEXT - 500)]
    made: list[Block] = []
    for text in (text for piece in pieces for text in _converted(piece, MAX_TEXT) if text.strip()):
        room -= len(text.encode())
        if room < 0 or len(made) == MAX_SECTIONS:
            return made, False
        made.append({"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}})
    return made, complete


def pages(markdown: str) -> list[list[Block]]:
    """All of a text as sections, parted into messages that Slack takes."""
    made: list[list[Block]] = [[]]
    room = MAX_BYTES
    for piece in split(markdown, MAX_TEXT - 500):
        for text in (text for text in _converted(piece, MAX_TEXT) if text.strip()):
            if made[-1] and (room < len(text.encode()) or len(made[-1]) == MAX_SECTIONS):
                made.append([])
                room = MAX_BYTES
            room -= len(text.encode())
            made[-1].append({"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}})
    return made


def weight(blocks: Iterable[Block]) -> int:
    """Bytes of all texts in these blocks, for MAX_BYTES."""
    return sum(len(text.encode()) for block in blocks for text in _texts(block))


def _texts(value: object) -> Iterable[str]:
    if isinstance(value, dict):
        yield from (inner for each in value.values() for inner in _texts(each))
    elif isinstance(value, list):
        yield from (inner for each in value for inner in _texts(each))
    elif isinstance(value, str):
        yield value


def _converted(markdown: str, limit: int) -> list[str]:
    """mrkdwn in pieces of at most `limit`: escaping can make five characters of one."""
    made = to_mrkdwn(markdown)
    if len(made) <= limit:
        return [made]
    halves = split(markdown, max(40, len(markdown) // 2))
    if len(halves) < 2:
        return [clip(to_mrkdwn(escape(markdown[: limit // 8])), limit)]
    return [text for half in halves for text in _converted(half, limit)]


def _fitting(markdown: str, limit: int) -> str:
    """mrkdwn of the longest start that fits."""
    first, *rest = _converted(markdown[: 2 * limit], limit)
    if not rest and len(markdown) <= 2 * limit:
        return first
    return f"{first} …" if len(first) < limit - 1 else first
