"""What can be filled in on a form, each cut to the length that Slack documents.

Sources: docs.slack.dev/reference/block-kit/blocks/input-block and, below …/block-elements: plain-text-input-element,
select-menu-element#static_select, file-input-element, datetime-picker-element; …/composition-objects/option-object.
"""

from __future__ import annotations

from collections.abc import Sequence

from connectors.slack.blocks import Block, clip, plain
from gateway.model import Option

MAX_INPUT = 3000  #: characters of a text input
MAX_OPTIONS = 100
MAX_OPTION_LABEL = 75
MAX_OPTION_VALUE = 150
MAX_PLACEHOLDER = 150


def text_input(name: str, value: str, limit: int, *, lines: bool, focus: bool = False) -> Block:
    """A field for text; `lines`: of several lines."""
    limit = min(limit, MAX_INPUT)
    element: Block = {"type": "plain_text_input", "action_id": name, "multiline": lines, "max_length": limit}
    if focus:
        element["focus_on_load"] = True
    if value:
        element["initial_value"] = value[:limit]
    return element


def select(name: str, options: Sequence[Option], placeholder: str, value: str = "") -> Block:
    """One choice of those offered; too long a list keeps its beginning."""
    made = {o.value: _option(o) for o in options[:MAX_OPTIONS] if 0 < len(o.value) <= MAX_OPTION_VALUE}
    element: Block = {
        "type": "static_select",
        "action_id": name,
        "placeholder": plain(placeholder, MAX_PLACEHOLDER),
        "options": list(made.values()),
    }
    if value in made:
        element["initial_option"] = made[value]
    return element


def _option(option: Option) -> Block:
    return {"text": plain(option.label.strip() or option.value, MAX_OPTION_LABEL), "value": option.value}


def moment(name: str, value: int = 0) -> Block:
    """A day and a time in the reader's own zone. value: seconds since 1970, 0 for none."""
    element: Block = {"type": "datetimepicker", "action_id": name}
    if value:
        element["initial_date_time"] = value
    return element


def files(name: str, most: int) -> Block:
    return {"type": "file_input", "action_id": name, "max_files": most}


def entry(block_id: str, label: str, element: Block, *, hint: str = "", optional: bool = False) -> Block:
    """An element with its label, to be filled in."""
    made: Block = {
        "type": "input",
        "block_id": block_id,
        "label": plain(clip(label, 2000), 2000),
        "element": element,
        "optional": optional,
    }
    if hint:
        made["hint"] = plain(hint, 2000)
    return made
