"""The buttons below an answer to a customer: what each carries, and what it says when it comes back. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from connectors.slack.blocks import Block, actions, button
from connectors.slack.payloads import BlockActions
from connectors.slack.wording import CONTINUE, say
from gateway.errors import InvalidPayload
from gateway.model import Button, Choice, ChoiceAction

#: Action ids of buttons for customers begin with this; each of a message needs its own.
CHOICE = "choice"
PRIVATE = "continue_in_private"
_MINE = re.compile(rf"^{CHOICE}/[0-9]{{1,2}}$")


def is_choice(action_id: str) -> bool:
    return _MINE.match(action_id) is not None


def keyboard(buttons: Sequence[Button], ticket: int, *, private_way: bool, language: str) -> list[Block]:
    """An actions block, none when there is nothing to press. `private_way`: others read along here."""
    made = [
        button(each.label, f"{CHOICE}/{n}", _packed(each.choice, ticket)) for n, each in enumerate(buttons, 1)
    ]
    if private_way:
        made.append(button(say(CONTINUE, language), PRIVATE, str(ticket)))
    return [actions(made, f"choices-{ticket}")] if made else []


def chosen(press: BlockActions) -> Choice:
    """What a pressed button of ours says. Raises InvalidPayload."""
    ticket, _, rest = (press.actions[0].value or "").partition(":")
    word, _, value = rest.partition(":")
    try:
        return Choice(action=ChoiceAction(word), value=value, ticket=_number(ticket))
    except ValueError as error:
        raise InvalidPayload("the button's value is not one of ours") from error


def ticket_of(press: BlockActions) -> int:
    """The ticket whose button this is. Raises InvalidPayload."""
    try:
        return _number((press.actions[0].value or "").partition(":")[0])
    except ValueError as error:
        raise InvalidPayload("the button's value is not one of ours") from error


def label_of(press: BlockActions) -> str:
    """The words on the button that was pressed, "" where Slack does not show the message."""
    blocks = (press.message or {}).get("blocks")
    for block in blocks if isinstance(blocks, list) else ():
        elements = block.get("elements") if isinstance(block, dict) else None
        for element in elements if isinstance(elements, list) else ():
            if isinstance(element, dict) and element.get("action_id") == press.actions[0].action_id:
                text = element.get("text")
                word = text.get("text") if isinstance(text, dict) else None
                return word[:75] if isinstance(word, str) else ""
    return ""


def without_buttons(press: BlockActions) -> list[Block]:
    """The message's blocks with nothing left to press, [] where Slack does not show them."""
    blocks = (press.message or {}).get("blocks")
    kept = (
        [b for b in blocks if isinstance(b, dict) and b.get("type") != "actions"]
        if isinstance(blocks, list)
        else []
    )
    return [_ours(block) for block in kept]


def _ours(block: Block) -> Block:
    """Slack adds ids to what it gives back; they are as good, but ours was without them."""
    return {name: value for name, value in block.items() if name != "block_id"}


def _packed(choice: Choice, ticket: int) -> str:
    return f"{choice.ticket or ticket}:{choice.action.value}:{choice.value}"


def _number(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,18}", text, re.ASCII):
        raise ValueError(text[:20])
    return int(text)


class Pressed(msgspec.Struct, frozen=True, kw_only=True):
    """Where a button for customers stood."""

    channel: str
    ts: str
    thread: str  #: "" in a direct conversation


def place(press: BlockActions) -> Pressed:
    """Raises InvalidPayload when Slack does not say where."""
    held = press.container
    channel = press.channel.id if press.channel else (held.channel_id if held else None)
    if held is None or not channel or not held.message_ts:
        raise InvalidPayload("a pressed button came without its message")
    return Pressed(channel=channel, ts=held.message_ts, thread=held.thread_ts or "")
