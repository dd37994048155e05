"""Buttons and links of ours as Telegram carries them: at most 64 bytes that come back when pressed. Pure."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from typing import Any

import msgspec

from gateway.model import Button, Choice, ChoiceAction

#: Bytes of callback_data (core.telegram.org/bots/api#inlinekeyboardbutton).
MAX_DATA = 64
#: Characters of labels that stand beside each other on a phone.
ROW = 24
_LETTERS = {
    ChoiceAction.HELPED: "y",
    ChoiceAction.NOT_HELPED: "n",
    ChoiceAction.HUMAN: "p",
    ChoiceAction.ARTICLE: "a",
    ChoiceAction.TOPIC: "t",
    ChoiceAction.NONE_OF_THESE: "o",
    ChoiceAction.RATE: "r",
}
_ACTIONS = {letter: action for action, letter in _LETTERS.items()}
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"

CONTINUE = {
    "en": "Continue in private",
    "sl": "Nadaljuj zasebno",
    "zh-Hans": "转到私聊继续",
    "zh-Hant": "轉到私聊繼續",
    "de": "Privat fortsetzen",
    "es": "Continuar en privado",
}


class Press(msgspec.Struct, frozen=True, kw_only=True):
    """What a pressed button says. `user`: who alone may press it, 0 for anybody; `number`: typed instead."""

    user: int = 0
    choice: Choice | None = None
    number: str = ""


def keyboard(buttons: Sequence[Button], user: int = 0, link: tuple[str, str] | None = None) -> dict[str, Any]:
    """An inline keyboard: short labels side by side, long ones below each other; `link`: label and address.

    `user` is who asked, where others see the buttons too. {} when there is nothing to press.
    """
    rows: list[list[dict[str, str]]] = []
    width = ROW
    options = [b for b in buttons if b.choice.action in (ChoiceAction.ARTICLE, ChoiceAction.TOPIC)]
    for button in buttons:
        number = options.index(button) + 1 if button in options else 0
        data = encode(button.choice, user, number)
        if not data:
            continue
        width += len(button.label)
        if width > ROW:
            rows.append([])
            width = len(button.label)
        rows[-1].append({"text": button.label, "callback_data": data})
    if link is not None:
        rows.append([{"text": link[0], "url": link[1]}])
    return {"inline_keyboard": rows} if rows else {}


def encode(choice: Choice, user: int = 0, number: int = 0) -> str:
    """callback_data: letter, ticket, user, value; a value too long travels as its number, "" when it has none."""
    data = ":".join((_LETTERS[choice.action], to36(choice.ticket), to36(user), choice.value))
    if len(data.encode()) <= MAX_DATA:
        return data
    return f"#:{number}:{to36(user)}:" if number else ""


def decode(data: str) -> Press | None:
    """The choice behind callback_data, None for what is none of ours. Anybody can forge it: it proves nothing."""
    parts = data.split(":", 3)
    if len(parts) != 4 or len(data) > MAX_DATA:
        return None
    user = from36(parts[2])
    if parts[0] == "#" and parts[1].isascii() and parts[1].isdigit():
        return Press(user=user, number=parts[1])
    action = _ACTIONS.get(parts[0])
    if action is None:
        return None
    return Press(user=user, choice=Choice(action=action, value=parts[3], ticket=from36(parts[1])))


# ---------------------------------------------------------------- from a group into private


def private_link(username: str, start: str) -> str:
    """The address that opens the chat with the bot and sends /start with this word.

    Source: core.telegram.org/api/links#bot-links; `start` has up to 64 of A-Z a-z 0-9 _ -.
    """
    return f"https://t.me/{username}?start={start}"


def start_word(key: bytes, ticket: int, user: int) -> str:
    """The word of a link by which this person alone continues this ticket in private."""
    head = f"{to36(ticket)}-{to36(user)}"
    return f"{head}-{_mac(key, head)}"


def read_start(key: bytes, word: str, user: int) -> int:
    """The ticket behind a word of start_word, 0 when it is another's or nobody's."""
    head, _, mac = word.rpartition("-")
    good = hmac.compare_digest(mac.encode(), _mac(key, head).encode())
    ticket, _, owner = head.partition("-")
    return from36(ticket) if good and from36(owner) == user else 0


def _mac(key: bytes, head: str) -> str:
    return hmac.new(key, b"start/" + head.encode(), "sha256").hexdigest()[:24]


def to36(number: int) -> str:
    """A whole number in base 36; "" for 0."""
    sign, number, out = ("~" if number < 0 else ""), abs(number), ""
    while number:
        number, digit = divmod(number, 36)
        out = _DIGITS[digit] + out
    return sign + out


def from36(text: str) -> int:
    """The number of to36, 0 for what is none."""
    digits = text.removeprefix("~")
    if not digits or len(digits) > 12 or any(digit not in _DIGITS for digit in digits):
        return 0
    return int(digits, 36) * (-1 if text.startswith("~") else 1)
