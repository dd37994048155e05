"""An agent writes to the app directly: for themselves, or for a customer? Asked once; then a ticket by the one path.

Below a card by which a colleague asked them in person it is neither, but a word about that ticket.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Callable
from typing import Any

import msgspec

from connectors.slack.acting import NOT_DONE
from connectors.slack.blocks import Block, actions, button, plain, section
from connectors.slack.incoming_files import Files
from connectors.slack.modals import TEXT, closing_form
from connectors.slack.normalize import address_of, moment
from connectors.slack.normalize import words as words_of
from connectors.slack.opening import Later
from connectors.slack.payloads import BlockActions, MessageAction, MessageEvent, ViewSubmission, read
from connectors.slack.people import Person
from connectors.slack.places import NAME, Workspace, beside, in_thread
from connectors.slack.telling import as_text, instead
from connectors.slack.webapi import FAILURES, QUICK, NotWritten, Silent, SlackError, WebApi
from gateway.connector import Host
from gateway.errors import InvalidPayload, StoreError
from gateway.model import AgentAction, Delivery, Message, Verb, reference

log = logging.getLogger(__name__)

MINE, CUSTOMERS = "ticket_for_me", "ticket_for_customer"  #: action ids of the two answers
FORM = "ticket_for_customer_form"
CUSTOMER, CONTACT = "customer", "contact"  #: block ids, and action ids, of the form's inputs
MAX_TYPED = 2800


class Asking:
    """The question and its two ways."""

    def __init__(
        self,
        account: str,
        host: Host,
        api: WebApi,
        files: Files,
        later: Later,
        workspace: Callable[[], Workspace],
    ) -> None:
        self._account, self._host, self._api = account, host, api
        self._files, self._later = files, later
        self._workspace = workspace
        self._asked: dict[str, None] = {}

    async def ask(self, said: MessageEvent, person: Person, *, patient: bool) -> int:
        """Asks below nobody's eyes but theirs; 503 while Slack did not take the question, so that it comes again."""
        if said.ts in self._asked:
            return 200
        body: dict[str, Any] = {"channel": said.channel, "text": QUESTION, "blocks": question(said)}
        if said.thread_ts:
            body["thread_ts"] = said.thread_ts
        try:
            await self._api.call("chat.postMessage", body, QUICK * 2)
        except (SlackError, NotWritten) as error:
            log.warning("slack question not asked account=%s error=%s", self._account, error)
            return 503 if patient else 200
        except Silent as error:  # it may stand there: asking twice is worse than pressing nothing
            log.warning("slack question maybe not asked account=%s error=%s", self._account, error)
        self._asked[said.ts] = None
        if len(self._asked) > 1000:
            del self._asked[next(iter(self._asked))]
        return 200

    # ------------------------------------------------------------ about a ticket

    async def asked_about(self, said: MessageEvent) -> int:
        """The ticket about which a colleague asks in this thread, 0 for none. Raises StoreError."""
        if not in_thread(said):
            return 0
        thread = self._workspace().address(said.channel, said.thread_ts or "")
        return (await self._host.directory.whose(beside(thread), thread)).ticket

    async def answered(self, said: MessageEvent, person: Person, ticket: int, *, patient: bool) -> int:
        """Keeps their word below the card: the opinion, where one was asked; else a note. Raises StoreError."""
        key, workspace = f"{said.channel}/{said.ts}", self._workspace()
        files = await self._files.of(key, said.files or (), patient=patient)
        if files is None:
            return 503
        note = AgentAction(
            connector=NAME,
            account=self._account,
            delivery_key=key,
            at=moment(said.ts, self._host.clock.now()),
            actor=person.identity,
            verb=Verb.NOTE,
            ticket=ticket,
            address=workspace.address(said.channel, said.thread_ts or ""),
            text=words_of(said, workspace.bot_user),
            attachments=files,
        )
        receipts = await self._host.receive([Delivery(input=note)])
        if not receipts[0].duplicate:
            line = f"It is on {reference(ticket)} now, for colleagues only."
            self._later(self._below(said, line))
        return 200

    async def _below(self, said: MessageEvent, line: str) -> None:
        body = {"channel": said.channel, "thread_ts": said.thread_ts, "text": as_text(line)}
        try:
            await self._api.call("chat.postMessage", body)
        except FAILURES as error:
            log.warning("slack line not shown account=%s error=%s", self._account, error)

    # ------------------------------------------------------------ for themselves

    async def mine(self, press: BlockActions, person: Person) -> None:
        """The message becomes the agent's own ticket. Raises StoreError, InvalidPayload."""
        channel, ts = _question_of(press)
        said = await self._said(channel, ts)
        if said is None:
            self._instead(press, "Slack did not give your message back. Please write it once more.")
            return
        files = await self._files.of(f"{channel}/{ts}", said.files or (), patient=False) or ()
        workspace = self._workspace()
        message = Message(
            connector=NAME,
            account=self._account,
            delivery_key=f"{channel}/{ts}",
            at=self._host.clock.now(),
            address=address_of(said, workspace),
            sender=msgspec.structs.replace(person.identity, verified=True),
            language=person.language,
            text=words_of(said, workspace.bot_user),
            attachments=files,
            message_key=workspace.key(channel, ts),
            version=said.edited.ts if said.edited else "",
            refers_to=(workspace.flat(channel),),
            known_as=(workspace.flat(channel),),
        )
        await self._host.receive([Delivery(input=message)])
        self._instead(press, "Taken as your own request. The answer comes here.")

    # ------------------------------------------------------------ for a customer

    async def customers(self, press: BlockActions) -> None:
        """Opens the form that asks who the customer is."""
        channel, ts = _question_of(press)
        said = await self._said(channel, ts)
        typed = words_of(said, self._workspace().bot_user) if said else ""
        view = customer_form(typed, f"{channel} {ts}")
        await self._open(press.trigger_id, view)

    async def customers_of(self, shortcut: MessageAction) -> None:
        """The same form, from a message that somebody wrote elsewhere."""
        channel = shortcut.channel.id if shortcut.channel else ""
        said = read({**shortcut.message, "channel": channel}, MessageEvent)
        view = customer_form(words_of(said), f"{channel} {said.ts}")
        await self._open(shortcut.trigger_id, view)

    async def submitted(self, sent: ViewSubmission, person: Person) -> dict[str, Any]:
        """The form came back: a ticket by hand, or why not, above what was typed."""
        customer, contact, text = (_typed(sent, name).strip() for name in (CUSTOMER, CONTACT, TEXT))
        typed = hashlib.sha256("\n".join((customer, contact, text)).encode()).hexdigest()[:16]
        action = AgentAction(
            connector=NAME,
            account=self._account,
            delivery_key=f"form/{sent.view.id}/{typed}",  # the same form twice is one ticket, a mended one is another
            at=self._host.clock.now(),
            actor=person.identity,
            verb=Verb.NEW,
            requester=customer,
            contact=contact,
            text=text,
            value="message",
        )
        try:
            result = await self._host.act(action)
        except StoreError:
            return _wrong(TEXT, "Deskgate's database did not answer, so nothing was done. Please try again.")
        if result.state in NOT_DONE:
            return _wrong(TEXT if not text else CONTACT if contact else CUSTOMER, result.detail)
        return {"response_action": "update", "view": closing_form("Opened", result.detail)}

    # ------------------------------------------------------------ Slack

    async def _said(self, channel: str, ts: str) -> MessageEvent | None:
        """The message as Slack has it (docs.slack.dev/reference/methods/conversations.history, one message)."""
        asked = {"channel": channel, "latest": ts, "oldest": ts, "inclusive": "true", "limit": "1"}
        try:
            answer = await self._api.form("conversations.history", asked, timeout=QUICK)
            messages = answer.get("messages")
            found = messages[0] if isinstance(messages, list) and messages else None
            return read({**found, "channel": channel}, MessageEvent) if isinstance(found, dict) else None
        except (*FAILURES, InvalidPayload) as error:
            log.warning("slack message not read again account=%s error=%s", self._account, error)
            return None

    async def _open(self, trigger: str, view: Block) -> None:
        try:
            await self._api.call("views.open", {"trigger_id": trigger, "view": view}, QUICK * 1.5)
        except FAILURES as error:
            log.warning("slack form not opened account=%s error=%s", self._account, error)

    def _instead(self, press: BlockActions, line: str) -> None:
        if press.response_url:
            self._later(instead(self._api, self._account, press.response_url, line))


QUESTION = "Is this for yourself or for a customer?"


def question(said: MessageEvent) -> list[Block]:
    """The question with its two buttons; they name the message, so that any replica can answer."""
    value = f"{said.channel} {said.ts}"
    buttons = [button("For myself", MINE, value), button("For a customer…", CUSTOMERS, value)]
    return [section(QUESTION), actions(buttons, "for-whom")]


def customer_form(typed: str, memory: str) -> Block:
    """Who the customer is and what they want. `typed`: Markdown of what was written."""
    hint = "An e-mail address, where the answers go, or a telephone number."
    text: Block = {"type": "plain_text_input", "action_id": TEXT, "multiline": True, "max_length": MAX_TYPED}
    if typed:
        text["initial_value"] = typed[:MAX_TYPED]
    blocks = [
        _input(CUSTOMER, "Name", {"type": "plain_text_input", "action_id": CUSTOMER, "max_length": 150}),
        _input(
            CONTACT,
            "E-mail or telephone",
            {"type": "plain_text_input", "action_id": CONTACT, "max_length": 250},
            hint,
        ),
        {"type": "input", "block_id": TEXT, "label": plain("What do they want?", 2000), "element": text},
    ]
    return {
        "type": "modal",
        "callback_id": FORM,
        "title": plain("Ticket for a customer", 24),
        "submit": plain("Open", 24),
        "close": plain("Cancel", 24),
        "private_metadata": memory,
        "blocks": blocks,
    }


def _input(name: str, label: str, element: Block, hint: str = "") -> Block:
    made: Block = {"type": "input", "block_id": name, "optional": True, "label": plain(label, 2000)}
    return {**made, "element": element, **({"hint": plain(hint, 2000)} if hint else {})}


def _question_of(press: BlockActions) -> tuple[str, str]:
    """Channel and ts of the message in question. Raises InvalidPayload."""
    channel, _, ts = (press.actions[0].value or "").partition(" ")
    if not re.fullmatch(r"[A-Z0-9]{1,40}", channel) or not re.fullmatch(
        r"[0-9]{1,11}\.[0-9]{1,6}", ts, re.ASCII
    ):
        raise InvalidPayload("the button's value is not one of ours")
    return channel, ts


def _typed(sent: ViewSubmission, name: str) -> str:
    state = sent.view.state
    entered = state.values.get(name, {}).get(name) if state else None
    return (entered.value or "") if entered else ""


def _wrong(block: str, line: str) -> dict[str, Any]:
    return {"response_action": "errors", "errors": {block: line}}
