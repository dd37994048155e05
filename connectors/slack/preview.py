"""Blocks as a plain HTML page, to look at a card or a form without a workspace. For people who work on Deskgate."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

from connectors.slack.blocks import Block

STYLE = """
body { font: 15px/1.46 Lato, "Helvetica Neue", Arial, sans-serif; color: #1d1c1d; background: #fff; margin: 24px; }
.message { max-width: 660px; border-left: 4px solid #e8e8e8; padding: 4px 16px; margin-bottom: 28px; }
.modal { max-width: 520px; border: 1px solid #ccc; border-radius: 8px; padding: 16px 20px; margin-bottom: 28px; }
h3 { font-size: 18px; margin: 6px 0 10px; } .title { font-weight: 900; font-size: 18px; margin-bottom: 12px; }
.section { white-space: pre-wrap; margin: 8px 0; } .context { color: #616061; font-size: 12px; margin: 8px 0; }
.fields { display: grid; grid-template-columns: 1fr 1fr; gap: 6px 16px; margin: 8px 0; white-space: pre-wrap; }
.actions { margin: 10px 0; display: flex; flex-wrap: wrap; gap: 8px; } code { background: #f4f4f4; color: #c01343; }
button { font: 700 13px/26px inherit; padding: 0 12px; border: 1px solid #bbb; border-radius: 4px; background: #fff; }
.primary { background: #007a5a; color: #fff; } .danger { color: #e01e5a; border-color: #e01e5a; }
textarea { width: 100%; min-height: 90px; box-sizing: border-box; }
textarea.line { min-height: 32px; height: 32px; }
.beside { display: flex; justify-content: space-between; gap: 16px; align-items: start; }
hr { border: 0; border-top: 1px solid #ddd; }
.select { border: 1px solid #bbb; border-radius: 4px; padding: 4px 10px; min-width: 120px;
  display: inline-flex; justify-content: space-between; gap: 12px; }
label { display: block; margin: 10px 0; font-weight: 700; } label > * { font-weight: 400; }
.hint { color: #616061; font-size: 12px; }
"""


def page(parts: Sequence[str]) -> str:
    """A whole page of messages and forms."""
    return f"<!doctype html><meta charset=utf-8><title>Preview</title><style>{STYLE}</style>{''.join(parts)}"


def message(blocks: Sequence[Block]) -> str:
    return f"<div class=message>{''.join(map(_block, blocks))}</div>"


def modal(view: Block) -> str:
    buttons = "".join(
        f"<button class={'primary' if name == 'submit' else 'plain'}>{_text(view[name])}</button>"
        for name in ("close", "submit")
        if name in view
    )
    body = "".join(map(_block, view["blocks"]))
    return (
        f"<div class=modal><div class=title>{_text(view['title'])}</div>{body}"
        f"<div class=actions>{buttons}</div></div>"
    )


def _block(block: Block) -> str:
    match block["type"]:
        case "header":
            return f"<h3>{_text(block['text'])}</h3>"
        case "section" if "fields" in block:
            return f"<div class=fields>{''.join(f'<div>{_text(f)}</div>' for f in block['fields'])}</div>"
        case "section":
            beside = _element(block["accessory"]) if "accessory" in block else ""
            return f"<div class='section beside'><div>{_text(block['text'])}</div>{beside}</div>"
        case "divider":
            return "<hr>"
        case "context":
            return f"<div class=context>{' '.join(map(_text, block['elements']))}</div>"
        case "actions":
            return f"<div class=actions>{''.join(map(_element, block['elements']))}</div>"
        case "input":
            hint = _text(block["hint"]) if "hint" in block else ""
            label = _text(block["label"]) + (" <i>(optional)</i>" if block.get("optional") else "")
            return f"<label>{label}{_element(block['element'])}<div class=hint>{hint}</div></label>"
        case other:
            return f"<div>({escape(str(other))})</div>"


def _element(element: Block) -> str:
    match element["type"]:
        case "button":
            return f"<button class={escape(element.get('style', 'plain'))}>{_text(element['text'])}</button>"
        case "plain_text_input":
            typed = escape(element.get("initial_value", ""))
            shape = "" if element.get("multiline") else " class=line"
            return f"<textarea{shape}>{typed}</textarea>"
        case "static_select":
            shown = element.get("initial_option", {"text": element["placeholder"]})["text"]
            return f"<div class=select>{_text(shown)} <span>▾</span></div>"
        case "file_input":
            return "<div class=select>Add files</div>"
        case "datetimepicker":
            return "<div class=select>Date and time <span>▾</span></div>"
        case other:
            return f"<div>({escape(str(other))})</div>"


def home(view: Block) -> str:
    """An App Home."""
    return f"<div class=message>{''.join(map(_block, view['blocks']))}</div>"


def _text(value: Block) -> str:
    if value["type"] == "plain_text":
        return escape(value["text"])
    # mrkdwn escapes its own three characters already; quotes are all that HTML needs besides.
    shown = str(value["text"]).replace('"', "&quot;")
    shown = re.sub(r"<([^|<>]+)\|([^<>]*)>", r'<a href="\1">\2</a>', shown)
    shown = re.sub(
        r"(?m)^> ?(.*)$", r"<span style='border-left:3px solid #ddd;padding-left:8px'>\1</span>", shown
    )
    shown = re.sub(r"`([^`\n]+)`", r"<code>\1</code>", shown)
    shown = re.sub(r"(?<!\w)\*([^*\n]+)\*(?!\w)", r"<b>\1</b>", shown)
    return re.sub(r"(?<!\w)_([^_\n]+)_(?!\w)", r"<i>\1</i>", shown)
