"""A note in a card's thread that may have been meant for the customer: asked of its owner alone, and never in a talk.

The message's own shortcut does the same at any later time. Both end in the preview; nothing is sent by itself.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime, timedelta
from typing import Any

import msgspec
from slack_bolt.async_app import AsyncAck

from connectors.slack.acting import Core
from connectors.slack.blocks import Block, actions, button, context
from connectors.slack.buttons import number_in, pressed_on
from connectors.slack.memory import MAX_FILES, Memory
from connectors.slack.opening import Later, Opening
from connectors.slack.payloads import BlockActions, MessageAction, MessageEvent, read
from connectors.slack.people import Person
from connectors.slack.telling import instead, whisper
from connectors.slack.webapi import WebApi
from gateway.clock import Clock
from gateway.errors import Refused
from gateway.model import Address, Entry, EntryKind, TicketPage, Verb
from gateway.text.markup import from_mrkdwn

log = logging.getLogger(__name__)

SEND, DISMISS = "offer_send", "offer_dismiss"
SHORTCUT = "send_to_customer"  #: callback id of the message shortcut
WAITS = (0.0, 0.2, 0.4, 0.6)  #: seconds before each look for a note; a trigger_id lives three
QUIET = timedelta(minutes=10)  #: others who wrote within this time are talking
PAUSE = 0.8  #: seconds; whoever writes on meanwhile is asked about their last note only
LINE = "Only agents see what you wrote. Was it meant for the customer?"


class Noted(msgspec.Struct, frozen=True, kw_only=True):
    """A note that was kept: who wrote it, in which card's thread, and its ledger id."""

    who: Person
    place: Address
    ledger_id: int


class Offers:
    """Asks the ticket's owner, in a line that only they see."""

    def __init__(
        self, account: str, core: Core, api: WebApi, opening: Opening, clock: Clock, later: Later
    ) -> None:
        self._account, self._core, self._api = account, core, api
        self._opening, self._clock, self._later = opening, clock, later
        #: by their author: the newest note of everybody who has not paused yet
        self._newest: dict[str, Noted] = {}

    def kept(self, note: Noted) -> None:
        """After a note was kept: its author is asked once they pause, so that a flood of notes costs one look."""
        author = note.who.identity.value
        pausing = author in self._newest
        self._newest[author] = note
        if not pausing:
            self._later(self._at_a_pause(author))

    async def _at_a_pause(self, author: str) -> None:
        while True:
            note = self._newest[author]
            await asyncio.sleep(PAUSE)
            if note is self._newest[author]:
                break
        del self._newest[author]
        await self.consider(note)

    async def consider(self, note: Noted) -> None:
        """Asks the author whether the customer should have it, where that is likely."""
        who, place, ledger_id = note.who, note.place, note.ledger_id
        try:
            page = await self._core.page(who, 0, place)
        except Refused:
            return
        if wanted(page, self._clock.now()):
            await whisper(
                self._api,
                self._account,
                place.conversation,
                who.user,
                LINE,
                thread=place.thread,
                blocks=offer(page.ticket.id, ledger_id, page.requester),
            )

    async def press(self, ack: AsyncAck, context: dict[str, Any]) -> None:
        """The preview of the note as an answer."""
        await ack()
        press: BlockActions = context["interaction"]
        if press.actions[0].action_id == DISMISS:
            self._later(instead(self._api, self._account, press.response_url, "It stays a private note."))
            return
        who, memory, source = await self._core.who(press), pressed_on(press), number_in(press, 1)
        try:
            page, note = await self._note(who, memory.ticket, source)
            await self._show(who, memory, page, note, press.trigger_id)
        except Refused as refused:
            self._opening.tell(who, memory, str(refused))

    async def _note(self, who: Person, ticket: int, source: int) -> tuple[TicketPage, Entry]:
        """The note that was asked about; one that is still being handled is waited for a moment. Raises Refused."""
        for wait in WAITS:
            await asyncio.sleep(wait)
            page = await self._core.page(who, ticket)
            notes = (e for e in page.entries if e.ledger_id == source and e.kind is EntryKind.NOTE)
            if note := next(notes, None):
                return page, note
        raise Refused("The note is not on the ticket yet. Please press again in a moment.")

    async def _show(self, who: Person, memory: Memory, page: TicketPage, note: Entry, trigger: str) -> None:
        kept = [file for file in note.attachments if file.sha256 and not file.skipped][:MAX_FILES]
        memory = Memory(
            ticket=page.ticket.id,
            channel=memory.channel,
            thread=memory.thread,
            source=note.ledger_id if kept else 0,
            text=note.text,
        )
        names = [file.filename for file in kept]
        await self._opening.from_thread(who, memory, page, trigger, names)

    async def shortcut(self, ack: AsyncAck, context: dict[str, Any]) -> None:
        """ "Send to customer" in a message's menu: the preview of that message as an answer."""
        await ack()
        said: MessageAction = context["interaction"]
        who = await self._core.who(said)
        memory = Memory(ticket=0, channel=said.channel.id if said.channel else "")
        try:
            await self._from_message(who, said)
        except Refused as refused:
            self._opening.tell(who, memory, str(refused))

    async def _from_message(self, who: Person, said: MessageAction) -> None:
        channel = said.channel.id if said.channel else ""
        message = read({**said.message, "channel": channel}, MessageEvent)
        if not message.thread_ts or message.thread_ts == message.ts:
            raise Refused("Use it on a message in a card's thread: that says which customer it is for.")
        if message.bot_id or not (message.text or message.files):
            raise Refused("Only what a colleague wrote can be sent to the customer.")
        place = Address(
            connector="slack", account=self._account, conversation=channel, thread=message.thread_ts
        )
        page = await self._core.page(who, 0, place)
        files = [file for file in message.files or () if file.id][:MAX_FILES]
        memory = Memory(
            ticket=page.ticket.id,
            channel=channel,
            thread=message.thread_ts,
            files=tuple(file.id or "" for file in files),
            text=from_mrkdwn(message.text or "").strip(),
        )
        names = [file.name or "file" for file in files]
        await self._opening.from_thread(who, memory, page, said.trigger_id, names)


def wanted(page: TicketPage, now: datetime) -> bool:
    """Whether to ask: the reader owns the ticket, can answer it, and nobody else wrote a note a moment ago."""
    agent = page.agent
    if agent is None or page.ticket.assignee != agent.id or all(f.verb is not Verb.REPLY for f in page.verbs):
        return False
    mine = f"agent:{agent.id}"
    notes = (e for e in page.entries if e.kind is EntryKind.NOTE and e.author_key != mine and e.author_key)
    return all(entry.at <= now - QUIET for entry in notes)


def offer(ticket: int, source: int, requester: str) -> list[Block]:
    """The question with its two buttons."""
    value = f"{ticket}:{source}"
    name = requester or "the customer"
    return [
        context(f"{LINE} Nothing goes out before you have seen the preview."),
        actions(
            [button(f"Send to {name}…"[:75], SEND, value), button("Keep it private", DISMISS, value)],
            f"offer-{source}",
        ),
    ]
