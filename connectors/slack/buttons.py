"""What agents press: done at once, or a form opened within the three seconds that a trigger_id lives."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Callable, Coroutine
from typing import Any

import msgspec
from slack_bolt.async_app import AsyncAck

from connectors.slack import modals
from connectors.slack.acting import NOT_DONE, Core, addressee
from connectors.slack.blocks import Block
from connectors.slack.modals import Memory
from connectors.slack.payloads import BlockActions
from connectors.slack.telling import instead, whisper
from connectors.slack.webapi import FAILURES, QUICK, WebApi
from gateway.errors import InvalidPayload, Refused
from gateway.model import ActionResult, TicketPage, Verb

log = logging.getLogger(__name__)

Later = Callable[[Coroutine[Any, Any, None]], None]  #: runs it after the answer to Slack has left

AT_ONCE = (Verb.CLAIM, Verb.RESOLVE, Verb.RELEASE, Verb.REOPEN)
WITH_FORM = (Verb.REPLY, Verb.NOTE, Verb.ESCALATE)


class Buttons:
    """The listeners for block_actions."""

    def __init__(self, account: str, core: Core, api: WebApi, later: Later) -> None:
        self._account, self._core, self._api, self._later = account, core, api, later

    async def press(self, ack: AsyncAck, context: dict[str, Any]) -> None:
        """Claim, resolve, release, reopen: done at once; the changed card is the answer, a refusal is told."""
        await ack()
        press: BlockActions = context["interaction"]
        who, memory = await self._core.who(press), pressed_on(press)
        verb = Verb(press.actions[0].action_id)
        result = await self._core.act(who, memory, verb, press_key(press))
        self._tell(press, memory, _line(result))

    async def open(self, ack: AsyncAck, context: dict[str, Any]) -> None:
        """Reply, note, escalate: opens the form."""
        await ack()
        press: BlockActions = context["interaction"]
        who, memory = await self._core.who(press), pressed_on(press)
        try:
            page = await self._core.page(who, memory)
        except Refused as refused:
            self._tell(press, memory, str(refused))
            return
        memory = msgspec.structs.replace(memory, version=page.ticket.version)
        form = _form(press.actions[0].action_id, memory, page)
        try:
            await self._api.call("views.open", {"trigger_id": press.trigger_id, "view": form}, QUICK * 1.5)
        except FAILURES as error:
            log.warning("slack form not opened account=%s error=%s", self._account, error)
            self._tell(press, memory, "Slack did not open the form in time. Please press again.")

    async def edit(self, ack: AsyncAck, context: dict[str, Any]) -> None:
        """From the preview back to the text."""
        await ack()
        press: BlockActions = context["interaction"]
        if press.view is None:
            raise InvalidPayload("the button of a form came without its form")
        memory = Memory.unpacked(press.view.private_metadata)
        form = await self._core.form_or_refusal(await self._core.who(press), memory, modals.reply_form)
        body: dict[str, Any] = {"view_id": press.view.id, "view": form}
        if press.view.hash:
            body["hash"] = press.view.hash
        try:
            await self._api.call("views.update", body, QUICK * 1.5)
        except FAILURES as error:
            log.warning("slack form not updated account=%s error=%s", self._account, error)

    async def undo(self, ack: AsyncAck, context: dict[str, Any]) -> None:
        """Takes a reply back while it is held, and says so in place of the button."""
        await ack()
        press: BlockActions = context["interaction"]
        who, memory = await self._core.who(press), pressed_on(press)
        result = await self._core.act(who, memory, Verb.UNDO, press_key(press), send=number_in(press, 1))
        line = result.detail or "Taken back: it was not sent."
        self._later(instead(self._api, self._account, press.response_url, line))

    def _tell(self, press: BlockActions, memory: Memory, line: str) -> None:
        if line:
            self._later(whisper(self._api, self._account, memory.channel, press.user.id, line))


def pressed_on(press: BlockActions) -> Memory:
    """The ticket and the card that a button belongs to."""
    container = press.container
    channel = press.channel.id if press.channel else (container.channel_id if container else "")
    thread = (container.thread_ts or container.message_ts) if container else ""
    return Memory(ticket=number_in(press, 0), channel=channel or "", thread=thread or "")


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


def _form(action_id: str, memory: Memory, page: TicketPage) -> Block:
    name = page.ticket.reference
    if action_id == Verb.REPLY:
        return modals.reply_form(memory, name, addressee(page))
    return modals.note_form(memory, name) if action_id == Verb.NOTE else modals.escalate_form(memory, name)


def _line(result: ActionResult) -> str:
    if result.state in NOT_DONE:
        return result.detail or "That is not possible now."
    return "Noted; it will be done in a moment." if result.state == "accepted" else ""
