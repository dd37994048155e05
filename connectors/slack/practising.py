"""The pretend ticket's buttons and forms: everything happens in the message that only its reader sees."""

from __future__ import annotations

import logging
from typing import Any

from slack_bolt.async_app import AsyncAck

from connectors.slack import practice
from connectors.slack.blocks import Block
from connectors.slack.modals import TEXT
from connectors.slack.opening import Later
from connectors.slack.payloads import BlockActions, ViewSubmission
from connectors.slack.practice import State, practice_blocks
from connectors.slack.telling import instead
from connectors.slack.typed import block_of, entered
from connectors.slack.webapi import FAILURES, QUICK, WebApi

log = logging.getLogger(__name__)


class Practising:
    """The listeners for everything whose name begins with practice."""

    def __init__(self, account: str, api: WebApi, later: Later) -> None:
        self._account, self._api, self._later = account, api, later

    async def press(self, ack: AsyncAck, context: dict[str, Any]) -> None:
        """A step that needs no form, or the form for one."""
        await ack()
        press: BlockActions = context["interaction"]
        action, state = press.actions[0].action_id, practice.state_in(press.actions[0].value or "")
        if action in (practice.REPLY, practice.NOTE):
            await self._open(press, practice.write_form(state, press.response_url, action == practice.NOTE))
        elif action == practice.STOP:
            self._later(
                instead(
                    self._api, self._account, press.response_url, "Practice is over. Nothing was counted."
                )
            )
        elif action in practice.PRESSES:
            step, line = practice.PRESSES[action]
            self._show(press.response_url, state.after(step), [line])
        else:
            self._show(press.response_url, State(), [])

    async def _open(self, press: BlockActions, view: Block) -> None:
        try:
            await self._api.call("views.open", {"trigger_id": press.trigger_id, "view": view}, QUICK * 1.5)
        except FAILURES as error:
            log.warning("slack form not opened account=%s error=%s", self._account, error)

    async def write(self, ack: AsyncAck, context: dict[str, Any]) -> None:
        """A pretend note is kept, a pretend reply is previewed."""
        sent: ViewSubmission = context["interaction"]
        state, url, _ = practice.remembered(sent.view.private_metadata)
        text = entered(sent.view.state).get(TEXT, "")
        if not text.strip():
            errors = {block_of(sent.view.state, TEXT): "Write something first."}
            await ack(response_action="errors", errors=errors)
        elif sent.view.callback_id == practice.NOTE:
            await ack(response_action="clear")
            self._show(url, state.after("n"), [f"Your private note: {text}"])
        else:
            await ack(response_action="update", view=practice.preview_form(state, url, text))

    async def send(self, ack: AsyncAck, context: dict[str, Any]) -> None:
        """The pretend reply is sent nowhere."""
        sent: ViewSubmission = context["interaction"]
        state, url, text = practice.remembered(sent.view.private_metadata)
        await ack(response_action="clear")
        self._show(url, state.after("r"), [f"You answered: {text}"])

    def _show(self, url: str, state: State, said: list[str]) -> None:
        self._later(instead(self._api, self._account, url, "Practice", practice_blocks(state, said)))
