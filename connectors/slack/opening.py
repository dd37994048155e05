"""Forms put before an agent: opened within the three seconds that a trigger_id lives, or shown in place of another."""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import msgspec

from connectors.slack import modals
from connectors.slack.acting import Core, addressee, form_of, seen
from connectors.slack.blocks import Block
from connectors.slack.memory import MAX_METADATA, Memory
from connectors.slack.more import more_form
from connectors.slack.payloads import Form
from connectors.slack.people import Person
from connectors.slack.telling import tell
from connectors.slack.webapi import FAILURES, QUICK, WebApi
from connectors.slack.writing import Writing
from gateway.errors import Refused
from gateway.model import CannedReply, Field, TicketPage, Verb, VerbForm

log = logging.getLogger(__name__)

Later = Callable[[Coroutine[Any, Any, None]], None]  #: runs it after the answer to Slack has left

LATE = "Slack did not open the form in time. Please press again."


def _empty(field: Field) -> Field:
    return msgspec.structs.replace(field, value="") if field.name == modals.TEXT else field


class Opening:
    """Makes forms from what the core says of a ticket, and shows them."""

    def __init__(self, account: str, core: Core, api: WebApi, writing: Writing, later: Later) -> None:
        self._account, self._core, self._api = account, core, api
        self._writing, self._later = writing, later

    async def open(self, who: Person, memory: Memory, trigger: str, view: Block) -> None:
        """Opens a form; says so when Slack does not do it in time."""
        try:
            await self._api.call("views.open", {"trigger_id": trigger, "view": view}, QUICK * 1.5)
        except FAILURES as error:
            log.warning("slack form not opened account=%s error=%s", self._account, error)
            self.tell(who, memory, LATE)

    async def update(self, shown: Form, view: Block, *, checked: bool = True) -> None:
        """Shows another form in place of this one; `checked`: only if nobody changed it meanwhile."""
        body: dict[str, Any] = {"view_id": shown.id, "view": view}
        if shown.hash and checked:
            body["hash"] = shown.hash
        try:
            await self._api.call("views.update", body, QUICK * 1.5)
        except FAILURES as error:
            log.warning("slack form not updated account=%s error=%s", self._account, error)

    async def for_verb(self, who: Person, memory: Memory, verb: str) -> Block:
        """The form of a verb on this ticket. Raises Refused."""
        page = await self._core.page(who, memory.ticket)
        return await self.for_page(who, seen(memory, page), page, form_of(page, verb))

    async def for_page(self, who: Person, memory: Memory, page: TicketPage, form: VerbForm) -> Block:
        """The form of a verb on a ticket that was read already. Raises Refused."""
        if form.verb is Verb.SEND_SUGGESTION:
            return self._suggested(memory, page)
        if not form.preview:
            return modals.verb_form(memory, form, page.ticket.reference)
        return await self.reply(who, memory, page, form)

    async def suggestion(self, who: Person, memory: Memory) -> Block:
        """The form of an answer, with what the assistant suggests in it. Raises Refused."""
        page = await self._core.page(who, memory.ticket)
        memory = msgspec.structs.replace(seen(memory, page), text=page.ticket.bot.suggestion)
        return await self.reply(who, memory, page, form_of(page, Verb.REPLY))

    def _suggested(self, memory: Memory, page: TicketPage) -> Block:
        """What the assistant suggests, as it would go out: nothing is sent unseen."""
        text, verb = page.ticket.bot.suggestion, Verb.SEND_SUGGESTION.value
        memory = msgspec.structs.replace(memory, text=text, verb=verb)
        if len(memory.packed()) > MAX_METADATA:
            raise Refused("That is longer than a form of Slack holds. Send it on the desk in the browser.")
        return modals.preview_form(memory, page.ticket.reference, addressee(page))

    async def reply(self, who: Person, memory: Memory, page: TicketPage, form: VerbForm) -> Block:
        """The form of an answer, with the canned replies and whoever else is at it."""
        ticket = page.ticket.id
        # What stands in the field at first is the assistant's suggestion; it is asked for with a button of its own.
        form = msgspec.structs.replace(form, fields=tuple(map(_empty, form.fields)))
        beside = self._writing.beside(ticket, who.user)
        self._writing.begins(ticket, who.user, who.name or "Somebody")
        return modals.reply_form(
            memory,
            form,
            page.ticket.reference,
            addressee(page),
            canned=await self._canned(who, ticket),
            beside=beside,
        )

    async def _canned(self, who: Person, ticket: int) -> Sequence[CannedReply]:
        try:
            return await self._core.canned(who, ticket)
        except Refused:  # the answer can be written without them
            return ()

    async def preview(
        self, who: Person, memory: Memory, problem: str = "", files: Sequence[str] = ()
    ) -> Block:
        """What would be sent, or why this person cannot send it."""
        try:
            page = await self._core.page(who, memory.ticket)
            form_of(page, memory.verb or Verb.REPLY)
        except Refused as refused:
            return modals.closing_form("Not possible", str(refused))
        return modals.preview_form(memory, page.ticket.reference, addressee(page), problem, files)

    async def from_thread(
        self, who: Person, memory: Memory, page: TicketPage, trigger: str, files: Sequence[str]
    ) -> None:
        """A text of the thread, shown as it would go out; nothing is sent yet."""
        memory = msgspec.structs.replace(seen(memory, page), verb=Verb.REPLY.value)
        form_of(page, Verb.REPLY)
        if len(memory.packed()) > MAX_METADATA:
            raise Refused("That is longer than a form of Slack holds. Answer on the desk in the browser.")
        view = modals.preview_form(memory, page.ticket.reference, addressee(page), files=files)
        await self.open(who, memory, trigger, view)

    async def more(self, who: Person, memory: Memory) -> Block:
        """Everything else that can be done with the ticket. Raises Refused."""
        page = await self._core.page(who, memory.ticket)
        return more_form(seen(memory, page), page)

    def tell(self, who: Person, memory: Memory, line: str, blocks: list[Block] | None = None) -> None:
        """A line that only this person sees, where the form was opened from."""
        if line:
            self._later(tell(self._api, self._account, memory, who.user, line, blocks))
