"""What agents press: done at once, or the form for it."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import msgspec
from slack_bolt.async_app import AsyncAck

from connectors.slack import modals
from connectors.slack.acting import NOT_DONE, Core, form_of, seen
from connectors.slack.blocks import Block
from connectors.slack.memory import Memory
from connectors.slack.opening import Later, Opening
from connectors.slack.payloads import BlockActions, Form
from connectors.slack.people import Person
from connectors.slack.telling import instead
from connectors.slack.tickets import whole_blocks
from connectors.slack.typed import entered
from connectors.slack.webapi import WebApi
from gateway.errors import InvalidPayload, Refused
from gateway.model import ActionResult, Verb

AT_ONCE = (Verb.CLAIM, Verb.RESOLVE, Verb.RELEASE, Verb.REOPEN)  #: on a card; the others open their form
ON_SENDS = (Verb.UNDO, Verb.RETRY)  #: their button carries which message is meant


class Buttons:
    """The listeners for block_actions."""

    def __init__(self, account: str, core: Core, api: WebApi, opening: Opening, later: Later) -> None:
        self._account, self._core, self._api = account, core, api
        self._opening, self._later = opening, later

    # ------------------------------------------------------------ on a card

    async def press(self, ack: AsyncAck, context: dict[str, Any]) -> None:
        """Claim, resolve, release, reopen: done at once; the changed card is the answer, a refusal is told."""
        await ack()
        press: BlockActions = context["interaction"]
        who, memory = await self._core.who(press), pressed_on(press)
        result = await self._core.act(who, memory, Verb(press.actions[0].action_id), press_key(press))
        if shown := _modal(press):
            await self._opening.update(
                shown, modals.closing_form(_title(result), result.detail or "It is done.")
            )
        else:
            self._opening.tell(who, memory, _line(result))

    async def open(self, ack: AsyncAck, context: dict[str, Any]) -> None:
        """Every other verb of a card: its form."""
        await ack()
        press: BlockActions = context["interaction"]
        who, memory = await self._core.who(press), pressed_on(press)
        try:
            form = await self._opening.for_verb(who, memory, press.actions[0].action_id)
        except Refused as refused:
            self._opening.tell(who, memory, str(refused))
            return
        await self._show(press, who, memory, form)

    async def _show(self, press: BlockActions, who: Person, memory: Memory, form: Block) -> None:
        """A form of its own, or in place of the one that the button stands in."""
        if shown := _modal(press):
            await self._opening.update(shown, form)
        else:
            await self._opening.open(who, memory, press.trigger_id, form)

    async def edit_suggestion(self, ack: AsyncAck, context: dict[str, Any]) -> None:
        """The assistant's suggestion in the form of an answer."""
        await ack()
        press: BlockActions = context["interaction"]
        who, memory = await self._core.who(press), pressed_on(press)
        try:
            form = await self._opening.suggestion(who, memory)
        except Refused as refused:
            self._opening.tell(who, memory, str(refused))
            return
        await self._show(press, who, memory, form)

    async def more(self, ack: AsyncAck, context: dict[str, Any]) -> None:
        """More…: what else can be done."""
        await ack()
        press: BlockActions = context["interaction"]
        who, memory = await self._core.who(press), pressed_on(press)
        try:
            form = await self._opening.more(who, memory)
        except Refused as refused:
            self._opening.tell(who, memory, str(refused))
            return
        await self._show(press, who, memory, form)

    async def read(self, ack: AsyncAck, context: dict[str, Any]) -> None:
        """All that was said, where a card shows the beginning only."""
        await ack()
        press: BlockActions = context["interaction"]
        who, memory = await self._core.who(press), pressed_on(press)
        try:
            page = await self._core.page(who, memory.ticket)
        except Refused as refused:
            self._opening.tell(who, memory, str(refused))
            return
        form = modals.list_form(page.ticket.reference, whole_blocks(page), memory)
        await self._show(press, who, memory, form)

    async def on_send(self, ack: AsyncAck, context: dict[str, Any]) -> None:
        """Takes a reply back while it is held, or sends it again; says so in place of the button."""
        await ack()
        press: BlockActions = context["interaction"]
        who, memory = await self._core.who(press), pressed_on(press)
        verb = Verb(press.actions[0].action_id)
        result = await self._core.act(who, memory, verb, press_key(press), send=number_in(press, 1))
        line = result.detail or ("Taken back: it was not sent." if verb is Verb.UNDO else "Sent again.")
        if shown := _modal(press):
            await self._opening.update(shown, modals.closing_form(_title(result), line))
        elif press.container is not None and press.container.is_ephemeral:
            self._later(instead(self._api, self._account, press.response_url, line))
        else:
            self._opening.tell(who, memory, line)

    # ------------------------------------------------------------ in a form

    async def pick(self, ack: AsyncAck, context: dict[str, Any]) -> None:
        """A verb was chosen behind More…: its form, or what came of it where it needs none."""
        await ack()
        press: BlockActions = context["interaction"]
        shown, memory = _form_of(press)
        who, verb = await self._core.who(press), press.actions[0].action_id.removeprefix(modals.PICK)
        try:
            page = await self._core.page(who, memory.ticket)
            form = form_of(page, verb)
            if form.fields or form.verb is Verb.SEND_SUGGESTION:
                view = await self._opening.for_page(who, seen(memory, page), page, form)
            else:
                view = await self._done(who, memory, form.verb, press_key(press))
        except Refused as refused:
            view = modals.closing_form("Not possible", str(refused))
        await self._opening.update(shown, view)

    async def _done(self, who: Person, memory: Memory, verb: Verb, key: str) -> dict[str, Any]:
        result = await self._core.act(who, memory, verb, key)
        return modals.closing_form(_title(result), result.detail or "It is done.")

    async def canned(self, ack: AsyncAck, context: dict[str, Any]) -> None:
        """A canned reply was chosen: it is put below what is written already."""
        await ack()
        press: BlockActions = context["interaction"]
        shown, memory = _form_of(press)
        who, chosen = await self._core.who(press), press.actions[0].selected_option
        try:
            replies = await self._core.canned(who, memory.ticket)
            page = await self._core.page(who, memory.ticket)
            text = next((r.text for r in replies if chosen and r.name == chosen.value), "")
            before = entered(shown.state).get(modals.TEXT, "").rstrip()
            memory = msgspec.structs.replace(
                memory, attempt=memory.attempt + 1, text="\n\n".join(part for part in (before, text) if part)
            )
            view = await self._opening.reply(who, memory, page, form_of(page, Verb.REPLY))
        except Refused as refused:
            view = modals.closing_form("Not possible", str(refused))
        await self._opening.update(shown, view)

    async def edit(self, ack: AsyncAck, context: dict[str, Any]) -> None:
        """From the preview back to the text."""
        await ack()
        press: BlockActions = context["interaction"]
        shown, memory = _form_of(press)
        who = await self._core.who(press)
        try:
            page = await self._core.page(who, memory.ticket)
            suggested = memory.verb == Verb.SEND_SUGGESTION
            form = form_of(page, Verb.REPLY if suggested or not memory.verb else memory.verb)
            if form.preview:
                view = await self._opening.reply(who, memory, page, form)
            else:
                view = modals.verb_form(memory, form, page.ticket.reference, {modals.TEXT: memory.text})
        except Refused as refused:
            view = modals.closing_form("Not possible", str(refused))
        await self._opening.update(shown, view)


def _modal(press: BlockActions) -> Form | None:
    """The form that the button stands in; the home is none."""
    return press.view if press.view is not None and press.view.type == "modal" else None


def _form_of(press: BlockActions) -> tuple[Form, Memory]:
    if press.view is None:
        raise InvalidPayload("the button of a form came without its form")
    return press.view, Memory.unpacked(press.view.private_metadata)


def pressed_on(press: BlockActions) -> Memory:
    """The ticket and the card that a button belongs to; one in a form belongs to what the form remembers."""
    number, container = number_in(press, 0), press.container
    if press.view is not None and press.view.private_metadata:
        return msgspec.structs.replace(Memory.unpacked(press.view.private_metadata), ticket=number)
    channel = press.channel.id if press.channel else (container.channel_id if container else "")
    # A line for one person only is no message that anything can be put below.
    own = "" if container is None or container.is_ephemeral else container.message_ts
    thread = (container.thread_ts if container else "") or own
    return Memory(ticket=number, channel=channel or "", thread=thread or "")


def number_in(press: BlockActions, place: int) -> int:
    """The ticket (0) or the send (1) in a button's value. Raises InvalidPayload."""
    match = re.fullmatch(r"([0-9]{1,18})(?::([0-9]{1,18}))?", press.actions[0].value or "", re.ASCII)
    if match is None or match[place + 1] is None:
        raise InvalidPayload("the button's value is not one of ours")
    return int(match[place + 1])


def press_key(press: BlockActions) -> str:
    """The same press delivered twice has the same key; pressing again has another."""
    first, place = press.actions[0], press.container
    parts = (press.user.id, first.action_id, first.value or "", first.action_ts, press.trigger_id)
    where = (place.message_ts or "" if place else "",)
    return "press/" + hashlib.sha256("\n".join(parts + where).encode()).hexdigest()[:40]


def _title(result: ActionResult) -> str:
    return "Not possible" if result.state in NOT_DONE else "Done"


def _line(result: ActionResult) -> str:
    if result.state in NOT_DONE:
        return result.detail or "That is not possible now."
    return "Noted; it will be done in a moment." if result.state == "accepted" else ""
