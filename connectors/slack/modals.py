"""The forms agents fill in: reply with preview, note, escalate. What a form must remember travels in it.

Slack keeps `private_metadata` (3,000 characters) and gives it back as it was, so a form survives our restart.
Source: docs.slack.dev/reference/views/modal-views.
"""

from __future__ import annotations

import msgspec

from connectors.slack.blocks import Block, actions, button, clip, context, exact, plain, section, words
from gateway.errors import InvalidPayload
from gateway.model import Verb

MAX_METADATA = 3000
MAX_TYPED = 2850  #: characters of one reply, so that it fits into private_metadata beside the rest
TEXT, QUEUE = "text", "queue"  #: block ids, and action ids, of the inputs

REPLY, PREVIEW, NOTE, ESCALATE = Verb.REPLY.value, "reply_preview", Verb.NOTE.value, Verb.ESCALATE.value
EDIT = "edit_reply"  #: action id of the preview's way back
UNDO = Verb.UNDO.value


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """What a form remembers: the ticket as the agent saw it, the card it was opened from, the text so far.

    `attempt` counts refusals: sending once more after one is a new proposal, anything else is the same one.
    """

    ticket: int
    version: int = 0
    channel: str = ""
    thread: str = ""
    attempt: int = 0
    text: str = ""

    def packed(self) -> str:
        """One line of facts, then the text as it is: JSON would double its line breaks and quotes."""
        return f"{self.ticket} {self.version} {self.channel} {self.thread} {self.attempt}\n{self.text}"

    @staticmethod
    def unpacked(packed: str) -> Memory:
        """The opposite of `packed`. Raises InvalidPayload."""
        line, _, text = packed.partition("\n")
        try:
            ticket, version, channel, thread, attempt = line.split(" ")
            numbers = {"ticket": int(ticket), "version": int(version), "attempt": int(attempt)}
        except ValueError as error:
            raise InvalidPayload("the form's private_metadata is not one of ours") from error
        return Memory(channel=channel, thread=thread, text=text, **numbers)


def reply_form(memory: Memory, reference: str, to: str) -> Block:
    """Where the answer is written. `to`: who gets it and by which channel, plain text."""
    blocks = [context(f"To {words(to)}"), _area("Your answer", memory.text, "The requester will read this.")]
    return _modal(REPLY, f"Reply to {reference}", "Preview", blocks, memory)


def preview_form(memory: Memory, reference: str, to: str, problem: str = "") -> Block:
    """The exact text, who gets it, and a button that sends it. `problem`: why it was not sent just now."""
    blocks = [context(f"**This goes to** {words(to)}"), exact(memory.text)]
    blocks.append(actions([button("Change it", EDIT, "")], "preview"))
    return _modal(PREVIEW, f"Send {reference}?", "Send", [*_problem(problem), *blocks], memory)


def note_form(memory: Memory, reference: str, problem: str = "") -> Block:
    """A note that never leaves the desk."""
    area = _area("Note", memory.text, "Only agents see it. Writing in the card's thread does the same.")
    return _modal(NOTE, f"Note on {reference}", "Save", [*_problem(problem), area], memory)


def escalate_form(memory: Memory, reference: str, problem: str = "", queue: str = "") -> Block:
    """Where to, and what those who take it over should know."""
    element: Block = {"type": "plain_text_input", "action_id": QUEUE, "max_length": 100}
    if queue:
        element["initial_value"] = queue[:100]
    to: Block = {
        "type": "input",
        "block_id": QUEUE,
        "label": plain("Queue", 2000),
        "hint": plain("The queue's short name, such as payments.", 2000),
        "element": element,
    }
    area = _area(
        "What should they know?", memory.text, "What was tried, what is missing. Only agents see it."
    )
    return _modal(ESCALATE, f"Escalate {reference}", "Escalate", [*_problem(problem), to, area], memory)


def closing_form(title: str, line: str) -> Block:
    """A last word that has only a way out."""
    return {
        "type": "modal",
        "title": plain(title, 24),
        "close": plain("Close", 24),
        "blocks": [section(words(line))],
    }


def _problem(line: str) -> list[Block]:
    """Why it was not done just now, above what was typed."""
    return [section(f":warning: {words(line)}")] if line else []


def _area(label: str, text: str, hint: str) -> Block:
    element: Block = {
        "type": "plain_text_input",
        "action_id": TEXT,
        "multiline": True,
        "max_length": MAX_TYPED,
        "focus_on_load": True,
    }
    if text:
        element["initial_value"] = text[:MAX_TYPED]
    return {
        "type": "input",
        "block_id": TEXT,
        "label": plain(label, 2000),
        "hint": plain(hint, 2000),
        "element": element,
    }


def _modal(callback_id: str, title: str, submit: str, blocks: list[Block], memory: Memory) -> Block:
    return {
        "type": "modal",
        "callback_id": callback_id,
        "title": plain(clip(title, 24), 24),
        "submit": plain(submit, 24),
        "close": plain("Cancel", 24),
        "private_metadata": memory.packed(),
        "blocks": blocks,
    }
