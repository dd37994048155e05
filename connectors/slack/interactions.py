"""What agents press and submit in Slack: slack-bolt tells the cases apart, the core decides each one.

Knows no HTTP: `handle` takes a payload already proven to be Slack's, so that Socket Mode can call it too.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Callable, Coroutine
from typing import Any

import msgspec
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

from connectors.slack import modals
from connectors.slack.blocks import Block, actions, button, mrkdwn, section, words
from connectors.slack.modals import Memory
from connectors.slack.payloads import BlockActions, Interaction, ViewSubmission
from connectors.slack.people import People, Person
from connectors.slack.webapi import FAILURES, QUICK, WebApi
from gateway.connector import Host
from gateway.errors import InvalidPayload, Refused, StoreError
from gateway.model import ActionResult, AgentAction, Side, TicketPage, TicketView, Verb, reference

log = logging.getLogger(__name__)

Later = Callable[[Coroutine[Any, Any, None]], None]  #: runs it after the answer to Slack has left

AT_ONCE = (Verb.CLAIM, Verb.RESOLVE, Verb.RELEASE, Verb.REOPEN)
WITH_FORM = (Verb.REPLY, Verb.NOTE, Verb.ESCALATE)
NOT_DONE = ("refused", "failed")
TROUBLE = "Deskgate's database did not answer, so nothing was done. Please try again in a moment."
CHANNELS = {"email": "e-mail", "webchat": "web chat", "telegram": "Telegram", "slack": "Slack"}


async def _authorize() -> AuthorizeResult:
    """No network: the signature has proven the workspace, and our own client sends what is sent."""
    return AuthorizeResult(enterprise_id=None, team_id=None)


class Interactions:
    """The listeners of one workspace."""

    def __init__(self, account: str, host: Host, api: WebApi, people: People, later: Later) -> None:
        self._account, self._host, self._api = account, host, api
        self._people, self._later = people, later
        self._bolt = self._listening()

    async def handle(self, interaction: Interaction) -> BoltResponse:
        """What to answer Slack: 200 with nothing or a form, 400 for what our buttons never carried."""
        # Bolt is given the checked fields only, and as parsed: the signature was looked at before parsing.
        request = AsyncBoltRequest(
            body=msgspec.to_builtins(interaction), mode="socket_mode", context={"interaction": interaction}
        )
        return await self._bolt.async_dispatch(request)

    def _listening(self) -> AsyncApp:
        quiet = logging.getLogger("slack_bolt.deskgate")
        quiet.setLevel(logging.WARNING)  # below that, bolt logs what people typed
        bolt = AsyncApp(
            logger=quiet,
            authorize=_authorize,
            process_before_response=True,
            request_verification_enabled=False,
            ssl_check_enabled=False,
            url_verification_enabled=False,
            attaching_function_token_enabled=False,
            attaching_conversation_kwargs_enabled=False,
        )
        bolt.action(_one_of(*AT_ONCE))(self._press)
        bolt.action(_one_of(*WITH_FORM))(self._open)
        bolt.action(modals.EDIT)(self._edit)
        bolt.action(modals.UNDO)(self._undo)
        bolt.action(re.compile(""))(self._ignore)
        bolt.view(modals.REPLY)(self._preview)
        bolt.view(modals.PREVIEW)(self._send)
        bolt.view(_one_of(modals.NOTE, modals.ESCALATE))(self._submit)
        bolt.view(re.compile(""))(self._ignore)
        bolt.error(self._failed)
        return bolt

    async def _ignore(self, ack: AsyncAck) -> None:
        await ack()

    async def _failed(self, error: Exception) -> BoltResponse:
        if isinstance(error, InvalidPayload):
            log.warning("slack interaction refused account=%s error=%s", self._account, error)
            return BoltResponse(status=400, body="")
        log.error("slack interaction failed account=%s", self._account, exc_info=error)
        return BoltResponse(status=500, body="")

    # ------------------------------------------------------------ buttons

    async def _press(self, ack: AsyncAck, context: dict[str, Any]) -> None:
        """Claim, resolve, release, reopen: done at once; the changed card is the answer, a refusal is told."""
        await ack()
        press: BlockActions = context["interaction"]
        who, memory = await self._who(press), _pressed_on(press)
        verb = Verb(press.actions[0].action_id)
        result = await self._act(who, memory, verb, _press_key(press))
        self._tell(press, memory, _line(result))

    async def _open(self, ack: AsyncAck, context: dict[str, Any]) -> None:
        """Reply, note, escalate: opens the form, within the three seconds that a trigger_id lives."""
        await ack()
        press: BlockActions = context["interaction"]
        who, memory = await self._who(press), _pressed_on(press)
        try:
            page = await self._page(who, memory)
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

    async def _edit(self, ack: AsyncAck, context: dict[str, Any]) -> None:
        """From the preview back to the text."""
        await ack()
        press: BlockActions = context["interaction"]
        if press.view is None:
            raise InvalidPayload("the button of a form came without its form")
        memory = Memory.unpacked(press.view.private_metadata)
        form = await self._or_refusal(await self._who(press), memory, modals.reply_form)
        body: dict[str, Any] = {"view_id": press.view.id, "view": form}
        if press.view.hash:
            body["hash"] = press.view.hash
        try:
            await self._api.call("views.update", body, QUICK * 1.5)
        except FAILURES as error:
            log.warning("slack form not updated account=%s error=%s", self._account, error)

    async def _undo(self, ack: AsyncAck, context: dict[str, Any]) -> None:
        """Takes a reply back while it is held, and says so in place of the button."""
        await ack()
        press: BlockActions = context["interaction"]
        who, memory = await self._who(press), _pressed_on(press)
        result = await self._act(who, memory, Verb.UNDO, _press_key(press), send=_number(press, 1))
        self._later(self._instead(press, result.detail or "Taken back: it was not sent."))

    # ------------------------------------------------------------ forms

    async def _preview(self, ack: AsyncAck, context: dict[str, Any]) -> None:
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
        view = await self._or_refusal(await self._who(sent), memory, modals.preview_form)
        await ack(response_action="update", view=view)

    async def _send(self, ack: AsyncAck, context: dict[str, Any]) -> None:
        """Send was pressed. The key is made of the form, so that pressing twice is one reply."""
        sent: ViewSubmission = context["interaction"]
        memory, who = Memory.unpacked(sent.view.private_metadata), await self._who(sent)
        result = await self._act(who, memory, Verb.REPLY, _form_key(sent, memory), text=memory.text)
        if result.state in NOT_DONE:
            memory, to = await self._after(who, memory, result)
            view = modals.preview_form(memory, reference(memory.ticket), to, result.detail)
            await ack(response_action="update", view=view)
            return
        await ack(response_action="clear")
        self._later(
            self._whisper(memory.channel, who.user, _sent_line(result, memory), _undo_blocks(result, memory))
        )

    async def _submit(self, ack: AsyncAck, context: dict[str, Any]) -> None:
        """A note or an escalation: done at once; a refusal is shown above what was typed."""
        sent: ViewSubmission = context["interaction"]
        verb, text, queue = Verb(sent.view.callback_id), _typed(sent, modals.TEXT), _typed(sent, modals.QUEUE)
        if not text.strip():
            await ack(response_action="errors", errors={modals.TEXT: "Write something first."})
            return
        memory, who = Memory.unpacked(sent.view.private_metadata), await self._who(sent)
        memory = msgspec.structs.replace(memory, text=text)
        key = _form_key(sent, memory)
        result = await self._act(who, memory, verb, key, text=text, queue=queue.strip())
        if result.state not in NOT_DONE:
            await ack(response_action="clear")
            return
        memory, _ = await self._after(who, memory, result)
        name = reference(memory.ticket)
        if verb is Verb.NOTE:
            view = modals.note_form(memory, name, result.detail)
        else:
            view = modals.escalate_form(memory, name, result.detail, queue)
        await ack(response_action="update", view=view)

    # ------------------------------------------------------------ the core

    async def _act(
        self,
        who: Person,
        memory: Memory,
        verb: Verb,
        key: str,
        *,
        text: str = "",
        queue: str = "",
        send: int = 0,
    ) -> ActionResult:
        if who.refusal:
            return ActionResult(state="refused", detail=who.refusal)
        action = AgentAction(
            connector="slack",
            account=self._account,
            delivery_key=key,
            at=self._host.clock.now(),
            actor=who.identity,
            verb=verb,
            ticket=memory.ticket,  # no address: that would say it was typed in the thread and stands there
            text=text,
            queue=queue,
            send=send,
            seen_version=memory.version,
        )
        try:
            return await self._host.act(action)
        except StoreError as error:
            log.warning(
                "slack action not kept account=%s ticket=%d error=%s", self._account, memory.ticket, error
            )
            return ActionResult(state="failed", detail=TROUBLE)
        except Refused as refused:
            return ActionResult(state="refused", detail=str(refused))

    async def _page(self, who: Person, memory: Memory) -> TicketPage:
        """The ticket as this person may see it. Raises Refused with a line for them."""
        if who.refusal:
            raise Refused(who.refusal)
        try:
            return await self._host.ticket(TicketView(actor=who.identity, ticket=memory.ticket))
        except StoreError as error:
            raise Refused(TROUBLE) from error

    async def _or_refusal(
        self, who: Person, memory: Memory, form: Callable[[Memory, str, str], Block]
    ) -> Block:
        """This form, or the reason why this person does not get it."""
        try:
            page = await self._page(who, memory)
        except Refused as refused:
            return modals.closing_form("Not possible", str(refused))
        return form(memory, reference(memory.ticket), addressee(page))

    async def _after(self, who: Person, memory: Memory, result: ActionResult) -> tuple[Memory, str]:
        """The form's memory after something stood in its way, and who the answer would go to now."""
        attempt = memory.attempt + (result.state == "refused")
        try:
            page = await self._page(who, memory)
        except Refused:
            return msgspec.structs.replace(memory, attempt=attempt), "the requester"
        version = page.ticket.version
        return msgspec.structs.replace(memory, attempt=attempt, version=version), addressee(page)

    # ------------------------------------------------------------ telling people

    async def _who(self, interaction: Interaction) -> Person:
        team = interaction.user.team_id or (interaction.team.id if interaction.team else "")
        return await self._people.look(interaction.user.id, team or self._people.team_id)

    def _tell(self, press: BlockActions, memory: Memory, line: str) -> None:
        if line:
            self._later(self._whisper(memory.channel, press.user.id, line))

    async def _whisper(self, channel: str, user: str, line: str, blocks: list[Block] | None = None) -> None:
        """A line that only this person sees."""
        await whisper(self._api, self._account, channel, user, line, blocks=blocks)

    async def _instead(self, press: BlockActions, line: str) -> None:
        body = {"replace_original": True, "text": str(mrkdwn(words(line), 1000)["text"])}
        try:
            await self._api.respond(press.response_url, body)
        except FAILURES as error:
            log.warning("slack response_url failed account=%s error=%s", self._account, error)


async def whisper(
    api: WebApi,
    account: str,
    channel: str,
    user: str,
    line: str,
    *,
    thread: str = "",
    blocks: list[Block] | None = None,
) -> None:
    """A line that only this person sees (chat.postEphemeral). Losing it is logged and nothing worse."""
    body: dict[str, Any] = {"channel": channel, "user": user, "text": str(mrkdwn(words(line), 1000)["text"])}
    if thread:
        body["thread_ts"] = thread
    if blocks:
        body["blocks"] = blocks
    if not channel:
        return
    try:
        await api.call("chat.postEphemeral", body)
    except FAILURES as error:
        log.warning("slack line not shown account=%s error=%s", account, error)


def addressee(page: TicketPage) -> str:
    """Who an answer goes to, and by which channel, as one line of plain text."""
    legs = [leg.address for leg in page.legs if leg.side is Side.REQUESTER and leg.current]
    ways = []
    for address in legs:
        way = CHANNELS.get(address.connector, address.connector)
        shown = address.connector == "email" and address.conversation not in page.requester
        ways.append(f"{way} ({address.conversation})" if shown else way)
    return f"{page.requester or 'the requester'}, by {' and '.join(ways)}" if ways else page.requester


def _form(action_id: str, memory: Memory, page: TicketPage) -> Block:
    name = page.ticket.reference
    if action_id == Verb.REPLY:
        return modals.reply_form(memory, name, addressee(page))
    return modals.note_form(memory, name) if action_id == Verb.NOTE else modals.escalate_form(memory, name)


def _pressed_on(press: BlockActions) -> Memory:
    """The ticket and the card that a button belongs to."""
    container = press.container
    channel = press.channel.id if press.channel else (container.channel_id if container else "")
    thread = (container.thread_ts or container.message_ts) if container else ""
    return Memory(ticket=_number(press, 0), channel=channel or "", thread=thread or "")


def _number(press: BlockActions, place: int) -> int:
    """The ticket (0) or the send (1) in a button's value. Raises InvalidPayload."""
    match = re.fullmatch(r"([0-9]{1,18})(?::([0-9]{1,18}))?", press.actions[0].value or "", re.ASCII)
    if match is None or match[place + 1] is None:
        raise InvalidPayload("the button's value is not one of ours")
    return int(match[place + 1])


def _press_key(press: BlockActions) -> str:
    """The same press delivered twice has the same key; pressing again has another."""
    first, place = press.actions[0], press.container
    parts = (press.user.id, first.action_id, first.value or "", first.action_ts, press.trigger_id)
    where = (place.message_ts or "" if place else "",)
    return "press/" + hashlib.sha256("\n".join(parts + where).encode()).hexdigest()[:40]


def _form_key(sent: ViewSubmission, memory: Memory) -> str:
    """The same form sent twice has the same key; sent again after a refusal it has another."""
    return f"view/{sent.view.id}/{memory.attempt}"


def _typed(sent: ViewSubmission, name: str) -> str:
    state = sent.view.state
    entered = state.values.get(name, {}).get(name) if state else None
    return (entered.value or "") if entered else ""


def _line(result: ActionResult) -> str:
    if result.state in NOT_DONE:
        return result.detail or "That is not possible now."
    return "Noted; it will be done in a moment." if result.state == "accepted" else ""


def _sent_line(result: ActionResult, memory: Memory) -> str:
    return result.detail or f"Your reply to {reference(memory.ticket)} leaves in a few seconds."


def _undo_blocks(result: ActionResult, memory: Memory) -> list[Block] | None:
    if not result.send:
        return None
    value = f"{memory.ticket}:{result.send}"
    undo = actions([button("Undo", modals.UNDO, value, style="danger")], f"sent-{result.send}")
    return [section(words(_sent_line(result, memory))), undo]


def _one_of(*names: str) -> re.Pattern[str]:
    return re.compile(f"^({'|'.join(map(re.escape, names))})$")
