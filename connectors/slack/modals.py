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
    """What a form remembers: the ticket as the agent saw it, the card it was opened from, the text so far."""

    ticket: int
    version: int = 0
    channel: str = ""
    thread: str = ""
    text: str = ""

    def packed(self) -> str:
        """One line of facts, then the text as it is: JSON would double its line breaks and quotes."""
        return f"{self.ticket} {self.version} {self.channel} {self.thread}\n{self.text}"

    @staticmethod
    def unpacked(packed: str) -> Memory:
        """The opposite of `packed`. Raises InvalidPayload."""
        line, _, text = packed.partition("\n")
        try:
            ticket, version, channel, thread = line.split(" ")
            return Memory(ticket=int(ticket), version=int(version), channel=channel, thread=thread, text=text)
        except ValueError as error:
            raise InvalidPayload("the form's private_metadata is not one of ours") from error


def reply_form(memory: Memory, reference: str, to: str) -> Block:
    """Where the answer is written. `to`: who gets it and by which channel, plain text."""
    blocks = [context(f"To {words(to)}"), _area("Your answer", memory.text, "The requester will read this.")]
    return _modal(REPLY, f"Reply to {reference}", "Preview", blocks, memory)


def preview_form(memory: Memory, reference: str, to: str, problem: str = "") -> Block:
    """The exact text, who gets it, and a button that sends it. `problem`: why it was not sent just now."""
    blocks = [context(f"**This goes to** {words(to)}"), exact(memory.text)]
    if problem:
        blocks.insert(0, section(f":warning: {words(problem)}"))
    blocks.append(actions([button("Change it", EDIT, "")], "preview"))
    return _modal(PREVIEW, f"Send {reference}?", "Send", blocks, memory)


def note_form(memory: Memory, reference: str) -> Block:
    """A note that never leaves the desk."""
    blocks = [_area("Note", "", "Only agents see it. Writing in the card's thread does the same.")]
    return _modal(NOTE, f"Note on {reference}", "Save", blocks, memory)


def escalate_form(memory: Memory, reference: str) -> Block:
    """Where to, and what the next agent should know."""
    queue: Block = {
        "type": "input",
        "block_id": QUEUE,
        "optional": True,
        "label": plain("Queue", 2000),
        "hint": plain("Empty: the next level.", 2000),
        "element": {"type": "plain_text_input", "action_id": QUEUE, "max_length": 100},
    }
    blocks = [queue, _area("What should they know?", "", "Only agents see it.", optional=True)]
    return _modal(ESCALATE, f"Escalate {reference}", "Escalate", blocks, memory)


def closing_form(title: str, line: str) -> Block:
    """A last word that has only a way out."""
    return {
        "type": "modal",
        "title": plain(title, 24),
        "close": plain("Close", 24),
        "blocks": [section(words(line))],
    }


def _area(label: str, text: str, hint: str, *, optional: bool = False) -> Block:
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
        "optional": optional,
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
