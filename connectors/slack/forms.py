"""What agents send in forms: a reply by way of its preview, a note, an escalation."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import msgspec
from slack_bolt.async_app import AsyncAck

from connectors.slack import modals
from connectors.slack.acting import NOT_DONE, Core
from connectors.slack.blocks import Block, actions, button, section, words
from connectors.slack.modals import Memory
from connectors.slack.payloads import ViewSubmission
from connectors.slack.telling import whisper
from connectors.slack.webapi import WebApi
from gateway.model import ActionResult, Verb, reference

Later = Callable[[Coroutine[Any, Any, None]], None]  #: runs it after the answer to Slack has left


class Forms:
    """The listeners for view_submission."""

    def __init__(self, account: str, core: Core, api: WebApi, later: Later) -> None:
        self._account, self._core, self._api, self._later = account, core, api, later

    async def preview(self, ack: AsyncAck, context: dict[str, Any]) -> None:
        """The text is in; shows what exactly would be sent, to whom and by which channel."""
        sent: ViewSubmission = context["interaction"]
        text = _typed(sent, modals.TEXT)
        if not text.strip():
            await ack(response_action="errors", errors={modals.TEXT: "Write something first."})
            return
        memory = msgspec.structs.replace(Memory.unpacked(sent.view.private_metadata), text=text)
        if len(memory.packed()) > modals.MAX_METADATA:
            await ack(response_action="errors", errors={modals.TEXT: "Too long for Slack: use the desk."})
            return
        view = await self._core.form_or_refusal(await self._core.who(sent), memory, modals.preview_form)
        await ack(response_action="update", view=view)

    async def send(self, ack: AsyncAck, context: dict[str, Any]) -> None:
        """Send was pressed. The key is made of the form, so that pressing twice is one reply."""
        sent: ViewSubmission = context["interaction"]
        memory, who = Memory.unpacked(sent.view.private_metadata), await self._core.who(sent)
        result = await self._core.act(who, memory, Verb.REPLY, _form_key(sent, memory), text=memory.text)
        if result.state in NOT_DONE:
            memory, to = await self._core.after(who, memory, result)
            view = modals.preview_form(memory, reference(memory.ticket), to, result.detail)
            await ack(response_action="update", view=view)
            return
        await ack(response_action="clear")
        line, blocks = _sent_line(result, memory), _undo_blocks(result, memory)
        self._later(whisper(self._api, self._account, memory.channel, who.user, line, blocks=blocks))

    async def submit(self, ack: AsyncAck, context: dict[str, Any]) -> None:
        """A note or an escalation: done at once; a refusal is shown above what was typed."""
        sent: ViewSubmission = context["interaction"]
        verb, text, queue = Verb(sent.view.callback_id), _typed(sent, modals.TEXT), _typed(sent, modals.QUEUE)
        if not text.strip():
            await ack(response_action="errors", errors={modals.TEXT: "Write something first."})
            return
        memory, who = Memory.unpacked(sent.view.private_metadata), await self._core.who(sent)
        memory = msgspec.structs.replace(memory, text=text)
        result = await self._core.act(
            who, memory, verb, _form_key(sent, memory), text=text, queue=queue.strip()
        )
        if result.state not in NOT_DONE:
            await ack(response_action="clear")
            return
        memory, _ = await self._core.after(who, memory, result)
        name = reference(memory.ticket)
        if verb is Verb.NOTE:
            view = modals.note_form(memory, name, result.detail)
        else:
            view = modals.escalate_form(memory, name, result.detail, queue)
        await ack(response_action="update", view=view)


def _form_key(sent: ViewSubmission, memory: Memory) -> str:
    """The same form sent twice has the same key; sent again after a refusal it has another."""
    return f"view/{sent.view.id}/{memory.attempt}"


def _typed(sent: ViewSubmission, name: str) -> str:
    state = sent.view.state
    entered = state.values.get(name, {}).get(name) if state else None
    return (entered.value or "") if entered else ""


def _sent_line(result: ActionResult, memory: Memory) -> str:
    return result.detail or f"Your reply to {reference(memory.ticket)} leaves in a few seconds."


def _undo_blocks(result: ActionResult, memory: Memory) -> list[Block] | None:
    if not result.send:
        return None
    value = f"{memory.ticket}:{result.send}"
    undo = actions([button("Undo", modals.UNDO, value, style="danger")], f"sent-{result.send}")
    return [section(words(_sent_line(result, memory))), undo]
