"""The forms agents fill in: a reply with its preview, any other verb as its description says, and More….

Source: docs.slack.dev/reference/views/modal-views.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from connectors.slack import elements
from connectors.slack.blocks import Block, actions, button, clip, context, exact, plain, section, words
from connectors.slack.memory import MAX_FILES, MAX_TYPED, Memory
from gateway.model import CannedReply, Field, FieldKind, Option, Verb, VerbForm

PREVIEW = "reply_preview"  #: callback id
TEXT, FILES = "text", "attachments"  #: names of fields
CANNED = "canned"  #: action id of the choice of a canned reply
EDIT = "edit_reply"  #: action id of the preview's way back
MORE, READ = "more", "read_all"  #: action ids of the card's buttons
EDIT_SUGGESTION = "edit_suggestion"  #: action id of the card's button
PICK = "do_"  #: action ids in More… are this and a verb
UNDO, RETRY = Verb.UNDO.value, Verb.RETRY.value
REPLY, NOTE, ESCALATE = Verb.REPLY.value, Verb.NOTE.value, Verb.ESCALATE.value


def reply_form(
    memory: Memory,
    form: VerbForm,
    reference: str,
    to: str,
    *,
    canned: Sequence[CannedReply] = (),
    beside: str = "",
) -> Block:
    """Where an answer is written. `to`: who gets it and by which channel; `beside`: who else is at it."""
    blocks = [context(f"To {words(to)}"), *_problem(beside)]
    if canned:
        choice = elements.select(CANNED, _titles(canned), "Choose")
        blocks.append({**section("Put in a canned reply"), "block_id": CANNED, "accessory": choice})
    blocks += [_entry(field, memory.text if field.name == TEXT else "", memory) for field in form.fields]
    return _modal(form.verb, f"{form.title} {reference}", "Preview", blocks, memory)


def _titles(canned: Sequence[CannedReply]) -> list[Option]:
    return [Option(value=reply.name, label=reply.title) for reply in canned]


def preview_form(
    memory: Memory, reference: str, to: str, problem: str = "", files: Sequence[str] = (), doing: str = ""
) -> Block:
    """The exact text, who gets it, and a button that sends it.

    problem: why it was not sent just now. files: names, as far as known. doing: what is going on.
    """
    blocks = [*_problem(problem), context(f"**This goes to** {words(to)}")]
    if memory.text:
        blocks.append(exact(memory.text))
    if named := ", ".join(files) or _counted(memory.files):
        blocks.append(context(f":paperclip: {words(named)}"))
    if memory.verb == Verb.RESOLVE:
        blocks.append(context("The ticket is resolved with it."))
    if doing:
        blocks.append(context(f":hourglass_flowing_sand: {words(doing)}"))
    blocks.append(actions([button("Change it", EDIT, "")], "preview"))
    return _modal(PREVIEW, f"Send {reference}?", "Send", blocks, memory)


def _counted(files: Sequence[str]) -> str:
    return f"{len(files)} files" if len(files) > 1 else "1 file" if files else ""


def verb_form(
    memory: Memory, form: VerbForm, reference: str, typed: Mapping[str, str] | None = None, problem: str = ""
) -> Block:
    """A verb's fields, as its description lists them. `typed`: what stands in them already."""
    given = typed or {}
    blocks = [*_problem(problem), *([context(words(form.explain))] if form.explain else [])]
    blocks += [_entry(field, given.get(field.name, ""), memory) for field in form.fields]
    return _modal(form.verb, f"{form.title} {reference}", form.title, blocks, memory)


def _entry(field: Field, typed: str, memory: Memory) -> Block:
    """A field as Slack draws it. The block's id changes with each attempt, else Slack shows what was typed before.

    That of the files stays, since we could not put chosen files back into it.
    """
    name = field.name
    block_id = f"{name}.{memory.attempt}" if memory.attempt and field.kind is not FieldKind.FILES else name
    value = typed or field.value
    match field.kind:
        case FieldKind.TEXT:
            limit = MAX_TYPED if name == TEXT else field.max_length
            element = elements.text_input(name, value, limit, lines=True, focus=name == TEXT)
        case FieldKind.CHOICE:
            element = elements.select(name, field.options, field.hint or field.label, value)
        case FieldKind.TIME:
            element = elements.moment(name, _seconds(value))
        case FieldKind.FILES:
            element = elements.files(name, MAX_FILES)
        case _:
            element = elements.text_input(name, value, min(field.max_length, 900), lines=False)
    return elements.entry(block_id, field.label, element, hint=field.hint, optional=not field.required)


def _seconds(value: str) -> int:
    try:
        return int(datetime.fromisoformat(value).timestamp()) if value else 0
    except ValueError:
        return 0


def closing_form(title: str, line: str, more: Sequence[Block] = ()) -> Block:
    """A last word that has only a way out."""
    return {
        "type": "modal",
        "title": plain(title, 24),
        "close": plain("Close", 24),
        "blocks": [section(words(line)), *more],
    }


def list_form(title: str, blocks: Sequence[Block], memory: Memory) -> Block:
    """Things to choose from, with nothing to submit."""
    return {
        "type": "modal",
        "title": plain(clip(title, 24), 24),
        "close": plain("Close", 24),
        "private_metadata": memory.packed(),
        "blocks": list(blocks),
    }


def _problem(line: str) -> list[Block]:
    """Why it was not done just now, above what was typed."""
    return [section(f":warning: {words(line)}")] if line else []


def _modal(callback_id: str, title: str, submit: str, blocks: list[Block], memory: Memory) -> Block:
    return {
        "type": "modal",
        "callback_id": callback_id,
        "title": plain(clip(title, 24), 24),
        "submit": plain(clip(submit, 24), 24),
        "close": plain("Cancel", 24),
        "private_metadata": memory.packed(),
        "blocks": blocks,
    }
