"""A pretend ticket: claim, note, reply with preview and undo, resolve. It lives in its own buttons and nowhere else,

so it is in no database, reaches nobody and counts nowhere. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from connectors.slack.blocks import (
    Block,
    actions,
    button,
    clip,
    context,
    exact,
    fields,
    header,
    plain,
    section,
    words,
)
from connectors.slack.elements import entry, text_input
from connectors.slack.modals import TEXT
from gateway.errors import InvalidPayload

PREFIX = "practice_"
CLAIM, NOTE, REPLY, UNDO, RESOLVE, STOP = (
    f"{PREFIX}{word}" for word in ("claim", "note", "reply", "undo", "resolve", "stop")
)
PREVIEW, SEND = f"{PREFIX}preview", f"{PREFIX}send"  #: callback ids of its forms
MAX_TEXT = 1500
#: What there is to try, in order: the letter that a state holds once it is done, and what it says.
STEPS: tuple[tuple[str, str], ...] = (
    ("c", "Claim it, so that others know that you are on it."),
    ("n", "Write a private note. On a real ticket you just write in the card's thread."),
    ("r", "Reply…: look at the preview, then send."),
    ("u", "Undo the reply while there is time (if you like)."),
    ("d", "Resolve it."),
)
ASKED = (
    "Hello, I ordered a blue kettle on Monday (order 1234) and it has not come yet. My card [card] was charged "
    "already. Can you tell me where it is?"
)


class State(msgspec.Struct, frozen=True, kw_only=True):
    """What was tried: letters of STEPS."""

    done: str = ""

    def after(self, step: str) -> State:
        return self if step in self.done else State(done=self.done + step)


def state_in(value: str) -> State:
    """The state that a button or form carries. Raises InvalidPayload."""
    if not value.startswith("s:") or set(value[2:]) - {letter for letter, _ in STEPS} or len(value) > 20:
        raise InvalidPayload("the button's value is not one of ours")
    return State(done=value[2:])


def packed(state: State) -> str:
    return f"s:{state.done}"


def practice_blocks(state: State | None = None, said: Sequence[str] = ()) -> list[Block]:
    """The pretend card as it stands. `said`: what just happened, plain lines."""
    now = state or State()
    finished = "d" in now.done
    owner = "you" if "c" in now.done else ""
    facts = [
        ("From", "Mia (pretend)"),
        ("Channel", "e-mail"),
        ("Language", "English"),
        ("Priority", "normal"),
        ("Status", "resolved" if finished else "pending" if "r" in now.done else "open"),
        ("Owner", owner),
    ]
    return [
        context(
            ":seedling: **Practice.** No such customer exists; nothing leaves this message or is counted."
        ),
        header("DG-0 · Where is my kettle?"),
        *fields(facts),
        section(words(ASKED)),
        context("**Why it came here:** The person asked for a person. “[card]” is a masked card number."),
        *[section(f":speech_balloon: {words(clip(line, 400))}") for line in said if line.strip()],
        section("\n".join(_step(letter, text, now) for letter, text in STEPS)),
        actions(_buttons(now), "practice"),
    ]


def _step(letter: str, text: str, state: State) -> str:
    mark = ":white_check_mark:" if letter in state.done else ":white_large_square:"
    return f"{mark} {text}"


def _buttons(state: State) -> list[Block]:
    value = packed(state)
    if "d" in state.done:
        return [button("Begin again", CLAIM + "_again", "s:"), button("Close", STOP, value)]
    made = []
    if "c" not in state.done:
        made.append(button("Claim", CLAIM, value))
    made += [button("Reply…", REPLY, value, style="primary"), button("Note…", NOTE, value)]
    if "r" in state.done and "u" not in state.done:
        made.append(button("Undo", UNDO, value, style="danger"))
    return [*made, button("Resolve", RESOLVE, value), button("Stop", STOP, value)]


#: What pressing says, by action id: the step that is done by it, and the words.
PRESSES: dict[str, tuple[str, str]] = {
    CLAIM: ("c", "It is yours. On a real card, “Claim” goes away and your name appears."),
    UNDO: ("u", "Taken back: Mia never saw it. On a real ticket there are a few seconds for that."),
    RESOLVE: (
        "d",
        "Resolved. Mia would be told. If she answers, the ticket opens again; thanks do not open it.",
    ),
}


def write_form(state: State, url: str, note: bool) -> Block:
    """Where the pretend reply or note is written. `url`: where the pretend card is changed afterwards."""
    label, hint = ("Note", "Only agents see it.") if note else ("Your answer", "Mia would read this.")
    blocks = [
        context("To Mia (pretend), by e-mail" if not note else "A private note"),
        entry(TEXT, label, text_input(TEXT, "", MAX_TEXT, lines=True, focus=True), hint=hint),
    ]
    callback, submit = (NOTE, "Save") if note else (PREVIEW, "Preview")
    return _modal(callback, "Practice", submit, blocks, f"{packed(state)}\n{url}\n")


def preview_form(state: State, url: str, text: str) -> Block:
    """The pretend reply as it would go out."""
    blocks = [
        context("**This would go to** Mia, by e-mail"),
        exact(text),
        context("Practice: nothing is sent."),
    ]
    return _modal(SEND, "Send DG-0?", "Send", blocks, f"{packed(state)}\n{url}\n{text}")


def remembered(metadata: str) -> tuple[State, str, str]:
    """State, address of the pretend card, and text. Raises InvalidPayload."""
    state, _, rest = metadata.partition("\n")
    url, _, text = rest.partition("\n")
    return state_in(state), url, text


def _modal(callback: str, title: str, submit: str, blocks: list[Block], memory: str) -> Block:
    return {
        "type": "modal",
        "callback_id": callback,
        "title": plain(title, 24),
        "submit": plain(submit, 24),
        "close": plain("Cancel", 24),
        "private_metadata": memory,
        "blocks": blocks,
    }
