"""What Slack documents about blocks and views, as checks: limits, required fields, nothing unknown.

Sources, all below docs.slack.dev/reference: block-kit/blocks/{header,section,context,actions,input,divider}-block,
block-kit/block-elements/{button,plain-text-input,select-menu,file-input,datetime-picker}-element,
block-kit/composition-objects/{text,option,confirmation-dialog}-object, views/modal-views, views/home-tab-views.
The total of about 13,200 characters is what Slack enforces without documenting it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any


class Invalid(Exception):
    """Slack would refuse this: `code` is its error, `message` what is wrong."""

    def __init__(self, code: str, message: str) -> None:
        self.code, self.message = code, message
        super().__init__(f"{code}: {message}")


MESSAGE_BLOCKS = {"header", "section", "context", "actions", "divider"}
MODAL_BLOCKS = MESSAGE_BLOCKS | {"input"}
#: name -> (allowed fields, required fields)
SHAPES: dict[str, tuple[set[str], set[str]]] = {
    "header": ({"text"}, {"text"}),
    "section": ({"text", "fields", "accessory", "expand"}, set()),
    "context": ({"elements"}, {"elements"}),
    "actions": ({"elements"}, {"elements"}),
    "divider": (set(), set()),
    "input": ({"label", "element", "dispatch_action", "hint", "optional"}, {"label", "element"}),
    "button": ({"text", "action_id", "url", "value", "style", "confirm", "accessibility_label"}, {"text"}),
    "plain_text_input": (
        {
            "action_id",
            "initial_value",
            "multiline",
            "min_length",
            "max_length",
            "dispatch_action_config",
            "focus_on_load",
            "placeholder",
        },
        set(),
    ),
    "static_select": (
        {
            "action_id",
            "placeholder",
            "options",
            "option_groups",
            "initial_option",
            "confirm",
            "focus_on_load",
        },
        {"options"},
    ),
    "file_input": ({"action_id", "filetypes", "max_files"}, set()),
    "datetimepicker": ({"action_id", "initial_date_time", "confirm", "focus_on_load"}, set()),
    "option": ({"text", "value", "description", "url"}, {"text", "value"}),
    "confirm": ({"title", "text", "confirm", "deny", "style"}, {"title", "text", "confirm", "deny"}),
    "plain_text": ({"text", "emoji"}, {"text"}),
    "mrkdwn": ({"text", "verbatim"}, {"text"}),
}
MODAL_FIELDS = {
    "type",
    "title",
    "blocks",
    "close",
    "submit",
    "private_metadata",
    "callback_id",
    "clear_on_close",
    "notify_on_close",
    "external_id",
    "submit_disabled",
}


def check_message(blocks: Sequence[Mapping[str, Any]]) -> None:
    """Blocks of a message. Raises Invalid."""
    _need(0 < len(blocks) <= 50, "invalid_blocks", f"{len(blocks)} blocks")
    _check_blocks(blocks, MESSAGE_BLOCKS)
    size = len(json.dumps(blocks, ensure_ascii=False))
    _need(size <= 13_200, "msg_blocks_too_long", f"{size} characters")


def check_modal(view: Mapping[str, Any]) -> None:
    """A view of type modal. Raises Invalid."""
    _need(view.get("type") == "modal", "invalid_arguments", "type is no modal")
    _need(not set(view) - MODAL_FIELDS, "invalid_arguments", f"unknown {set(view) - MODAL_FIELDS}")
    _need("title" in view and "blocks" in view, "invalid_arguments", "title and blocks are required")
    for name in ("title", "submit", "close"):
        if name in view:
            _text(view[name], 24, only="plain_text")
    _need(len(view.get("private_metadata", "")) <= 3000, "invalid_arguments", "private_metadata too long")
    _need(len(view.get("callback_id", "")) <= 255, "invalid_arguments", "callback_id too long")
    _need(len(view["blocks"]) <= 100, "invalid_arguments", "more than 100 blocks")
    has_input = any(block["type"] == "input" for block in view["blocks"])
    _need(not has_input or "submit" in view, "invalid_arguments", "input without submit")
    _check_blocks(view["blocks"], MODAL_BLOCKS)


def check_home(view: Mapping[str, Any]) -> None:
    """A view of type home (docs.slack.dev/reference/views/home-tab-views). Raises Invalid."""
    allowed = {"type", "blocks", "private_metadata", "callback_id", "external_id"}
    _need(view.get("type") == "home", "invalid_arguments", "type is no home")
    _need(not set(view) - allowed, "invalid_arguments", f"unknown {set(view) - allowed}")
    _need(0 < len(view.get("blocks", ())) <= 100, "invalid_arguments", f"{len(view['blocks'])} blocks")
    _need(len(view.get("private_metadata", "")) <= 3000, "invalid_arguments", "private_metadata too long")
    _need(len(view.get("callback_id", "")) <= 255, "invalid_arguments", "callback_id too long")
    _check_blocks(view["blocks"], MODAL_BLOCKS - {"input"})
    _need(len(json.dumps(view)) <= 250_000, "view_too_large", "over 250 KB")


def texts(value: object) -> Iterator[str]:
    """Every string that Slack would read as mrkdwn in these blocks."""
    if isinstance(value, Mapping):
        if value.get("type") == "mrkdwn":
            yield str(value["text"])
        for inner in value.values():
            yield from texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from texts(inner)


def is_harmless(text: str) -> bool:
    """True when nothing in this mrkdwn pings, and every link says where it goes.

    Source: docs.slack.dev/messaging/formatting-message-text (the three escaped characters, mentions, links).
    """
    if re.search(r"&(?!amp;|lt;|gt;)", text):
        return False
    bare = re.sub(r"<(?:https?://|mailto:)[^<>|\s]*(?:\|[^<>|]*)?>", "", text)
    # A line that starts with > is a quotation.
    return "<" not in bare and ">" not in re.sub(r"(?m)^[> •]+", "", bare)


def _check_blocks(blocks: Sequence[Mapping[str, Any]], allowed: set[str]) -> None:
    ids = [block["block_id"] for block in blocks if "block_id" in block]
    _need(len(ids) == len(set(ids)), "invalid_blocks", "block_id twice")
    for block in blocks:
        kind = str(block.get("type"))
        _need(kind in allowed, "invalid_blocks", f"unsupported type {kind}")
        _need(0 < len(block.get("block_id", "x")) <= 255, "invalid_blocks", "block_id length")
        _shape(block, kind, extra={"type", "block_id"})
        _BLOCKS[kind](block)


def _shape(value: Mapping[str, Any], kind: str, extra: set[str]) -> None:
    allowed, required = SHAPES[kind]
    unknown = set(value) - allowed - extra
    _need(not unknown, "invalid_blocks", f"{kind}: unknown {unknown}")
    _need(required <= set(value), "invalid_blocks", f"{kind}: lacks {required - set(value)}")


def _header(block: Mapping[str, Any]) -> None:
    _text(block["text"], 150, only="plain_text")


def _section(block: Mapping[str, Any]) -> None:
    _need("text" in block or bool(block.get("fields")), "invalid_blocks", "section without text and fields")
    if "text" in block:
        _text(block["text"], 3000)
    _need(len(block.get("fields", ())) <= 10, "invalid_blocks", "more than 10 fields")
    for field in block.get("fields", ()):
        _text(field, 2000)
    if "accessory" in block:
        _element(block["accessory"], ("button", "static_select"))


def _context(block: Mapping[str, Any]) -> None:
    _need(0 < len(block["elements"]) <= 10, "invalid_blocks", "context elements")
    for element in block["elements"]:
        _text(element, 3000)


def _actions(block: Mapping[str, Any]) -> None:
    _need(0 < len(block["elements"]) <= 25, "invalid_blocks", "actions elements")
    ids = [element.get("action_id") for element in block["elements"]]
    _need(len(ids) == len(set(ids)), "invalid_blocks", "action_id twice")
    for element in block["elements"]:
        _element(element, ("button", "static_select", "datetimepicker"))


def _input(block: Mapping[str, Any]) -> None:
    _text(block["label"], 2000, only="plain_text")
    if "hint" in block:
        _text(block["hint"], 2000, only="plain_text")
    element = block["element"]
    _element(element, ("plain_text_input", "static_select", "file_input", "datetimepicker"))


def _element(element: Mapping[str, Any], allowed: tuple[str, ...]) -> None:
    kind = str(element.get("type"))
    _need(kind in allowed, "invalid_blocks", f"unsupported element {kind}")
    _shape(element, kind, extra={"type"})
    _need(0 < len(element.get("action_id", "x")) <= 255, "invalid_blocks", "action_id length")
    if "placeholder" in element:
        _text(element["placeholder"], 150, only="plain_text")
    _ELEMENTS[kind](element)


def _typed(element: Mapping[str, Any]) -> None:
    _need(1 <= element.get("max_length", 1) <= 3000, "invalid_blocks", "max_length")
    limit = element.get("max_length", 3000)
    _need(len(element.get("initial_value", "")) <= limit, "invalid_blocks", "initial_value too long")


def _select(element: Mapping[str, Any]) -> None:
    options = element["options"]
    _need(1 <= len(options) <= 100, "invalid_blocks", f"{len(options)} options")
    for option in options:
        _shape(option, "option", extra=set())
        _text(option["text"], 75)
        _need(1 <= len(option["value"]) <= 150, "invalid_blocks", "option value length")
    initial = element.get("initial_option")
    _need(initial is None or initial in options, "invalid_blocks", "initial_option is none of the options")


def _file_input(element: Mapping[str, Any]) -> None:
    _need(1 <= element.get("max_files", 10) <= 10, "invalid_blocks", "max_files")


def _moment(element: Mapping[str, Any]) -> None:
    _need(len(str(element.get("initial_date_time", 1764000000))) == 10, "invalid_blocks", "initial_date_time")


def _button(element: Mapping[str, Any]) -> None:
    _text(element["text"], 75, only="plain_text")
    _need(len(element.get("value", "")) <= 2000, "invalid_blocks", "value too long")
    _need(len(element.get("url", "")) <= 3000, "invalid_blocks", "url too long")
    _need(re.match(r"https?://.", element.get("url", "https://x")) is not None, "invalid_blocks", "url")
    _need(element.get("style", "primary") in ("primary", "danger"), "invalid_blocks", "style")
    if confirm := element.get("confirm"):
        _shape(confirm, "confirm", extra=set())
        for name, limit in (("title", 100), ("confirm", 30), ("deny", 30)):
            _text(confirm[name], limit, only="plain_text")
        _text(confirm["text"], 300)


def _text(value: Mapping[str, Any], limit: int, only: str = "") -> None:
    kind = str(value.get("type"))
    _need(kind in ("plain_text", "mrkdwn") and kind == (only or kind), "invalid_blocks", f"text type {kind}")
    _shape(value, kind, extra={"type"})
    _need(1 <= len(value["text"]) <= limit, "invalid_blocks", f"{len(value['text'])} of {limit} characters")


def _nothing(block: Mapping[str, Any]) -> None:
    return


def _need(holds: bool, code: str, message: str) -> None:
    if not holds:
        raise Invalid(code, message)


_ELEMENTS = {
    "button": _button,
    "plain_text_input": _typed,
    "static_select": _select,
    "file_input": _file_input,
    "datetimepicker": _moment,
}
_BLOCKS = {
    "header": _header,
    "section": _section,
    "context": _context,
    "actions": _actions,
    "divider": _nothing,
    "input": _input,
}
