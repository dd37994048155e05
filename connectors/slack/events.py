"""Events into the ledger: what customers say and change, agents' notes, what an agent says to customers."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec

from connectors.slack.asking import Asking
from connectors.slack.incoming_files import Files
from connectors.slack.normalize import Heard, normalize, note_event, thread_of
from connectors.slack.offers import Noted, Offers
from connectors.slack.opening import Later
from connectors.slack.payloads import MessageEvent
from connectors.slack.people import People, Person, Standing
from connectors.slack.places import Place, Workspace, in_thread, place_of
from connectors.slack.telling import whisper
from connectors.slack.webapi import WebApi
from gateway.connector import Host, Whose
from gateway.errors import Refused, StoreError
from gateway.model import AgentAction, Attachment, Deletion, Delivery, Edit, Message, Side, TicketView, Verb

log = logging.getLogger(__name__)

NOT_YET = 503  #: makes Slack deliver again


class Events:
    """The events of one workspace; `workspace` is asked anew for each."""

    def __init__(
        self,
        account: str,
        host: Host,
        api: WebApi,
        people: People,
        files: Files,
        asking: Asking,
        offers: Offers,
        later: Later,
        workspace: Callable[[], Workspace],
    ) -> None:
        self._account, self._host, self._api, self._people = account, host, api, people
        self._files, self._asking, self._offers = files, asking, offers
        self._later, self._workspace = later, workspace
        #: authors whose notes need no second look until then
        self._good: dict[tuple[str, str, str], datetime] = {}

    async def take(self, payload: dict[str, Any], raw: bytes, *, live: bool = True) -> int:
        """Takes one event and says what Slack should hear: 200, or 503 while it was not kept.

        `live`: Slack delivers it, and will again after a 503; else it was fetched. Raises InvalidPayload.
        """
        try:
            workspace = self._workspace()
            side = await self._side(payload, workspace)
            for heard in normalize(payload, self._host.clock.now(), workspace, side):
                status = await self._one(heard, payload, raw, live)
                if status != 200:
                    return status
        except StoreError as error:
            log.warning("slack event not kept account=%s error=%s", self._account, error)
            return NOT_YET
        return 200

    async def _side(self, payload: dict[str, Any], workspace: Workspace) -> Side | None:
        thread = thread_of(payload, workspace)
        return (await self._whose(f"at:{thread.key}", thread.conversation)).side if thread else None

    async def _whose(self, key: str, channel: str) -> Whose:
        return await self._host.directory.whose(key, self._workspace().address(channel))

    async def _one(self, heard: Heard, payload: dict[str, Any], raw: bytes, live: bool) -> int:
        match heard:
            case AgentAction():
                return await self._note(heard, note_event(payload), raw, live)
            case Message():
                return await self._message(heard, note_event(payload), raw, live)
            case Edit() | Deletion():
                return await self._change(heard, raw)

    # ------------------------------------------------------------ customers

    async def _message(self, message: Message, said: MessageEvent, raw: bytes, live: bool) -> int:
        team, _, user = message.sender.value.partition(":")
        person = await self._people.customer(user, team)
        directory, ticket = self._host.directory, 0
        if person.standing is Standing.MEMBER and await directory.agent_of(person.identity):
            if self._talks_at_large(said):
                return 200
            if about := await self._asking.asked_about(said):
                return await self._asking.answered(said, person, about, patient=live)
            ticket = await self._continued(message, said)
            if not ticket and message.private:
                return await self._asking.ask(said, person, patient=live)
        files = await self._files.of(message.delivery_key, said.files or (), patient=live)
        if files is None:
            return NOT_YET
        if ticket and await directory.asker_of(ticket) != person.identity.key:
            await self._host.receive(
                [Delivery(input=each, raw=raw) for each in _as_agent(message, ticket, person, files)]
            )
            return 200
        message = msgspec.structs.replace(message, text=await self._people.with_names(message.text))
        await self._host.receive([Delivery(input=complete(message, person, files), raw=raw)])
        return 200

    def _talks_at_large(self, said: MessageEvent) -> bool:
        """An agent who writes into a customers' channel, to nobody in particular, opens no ticket."""
        return place_of(said, self._workspace(), called=False) is Place.SUPPORT and not in_thread(said)

    async def _continued(self, message: Message, said: MessageEvent) -> int:
        """The ticket that an agent's message continues, 0 for none."""
        for key in (f"at:{message.address.key}", *message.refers_to):
            found = await self._whose(key, said.channel)
            if found.ticket and (not message.private or await self._host.directory.goes_on(found.ticket)):
                return found.ticket
        return 0

    async def _change(self, change: Edit | Deletion, raw: bytes) -> int:
        """An edit or a deletion of something that a ticket has; everybody else's are none of our business."""
        if (await self._whose(change.message_key, change.address.conversation)).side is not Side.REQUESTER:
            return 200
        team, _, user = change.sender.value.partition(":")
        person = await self._people.customer(user, team)
        named = msgspec.structs.replace(person.identity, verified=True)
        await self._host.receive([Delivery(input=msgspec.structs.replace(change, sender=named), raw=raw)])
        return 200

    # ------------------------------------------------------------ notes

    async def _note(self, note: AgentAction, said: MessageEvent, raw: bytes, live: bool) -> int:
        """Takes one note of an agent; guests and outsiders are told that it is not kept."""
        team, _, user = note.actor.value.partition(":")
        if user == self._people.bot_user:
            return 200
        person = self._people.known(user, team) or await self._people.look(user, team)
        if person.refusal and person.standing is not Standing.UNKNOWN:
            self._later(self._tell(note, person, person.refusal))
            return 200
        files = await self._files.of(note.delivery_key, said.files or (), patient=live)
        if files is None:
            return NOT_YET
        return await self._keep_note(note, said, raw, person, files, live)

    async def _keep_note(
        self,
        note: AgentAction,
        said: MessageEvent,
        raw: bytes,
        person: Person,
        files: tuple[Attachment, ...],
        live: bool,
    ) -> int:
        # With Slack silent about the person the note is kept all the same: the core asks its own list of
        # agents, and `verified` says that the membership was not checked.
        text = await self._people.with_names(note.text)
        note = msgspec.structs.replace(note, text=text, actor=person.identity, attachments=files)
        receipts = await self._host.receive([Delivery(input=note, raw=raw)])
        if said.parent_user_id and not receipts[0].duplicate and not self._passed(note, person):
            self._later(self._check(note, person))
        if live and note.address and note.text.strip() and not receipts[0].duplicate:
            self._offers.kept(Noted(who=person, place=note.address, ledger_id=receipts[0].ledger_id))
        return 200

    def _passed(self, note: AgentAction, person: Person) -> bool:
        """Whether this author's notes in this channel were found good a moment ago."""
        until = self._good.get((person.team, person.user, note.address.conversation if note.address else ""))
        return until is not None and until > self._host.clock.now()

    async def _check(self, note: AgentAction, person: Person) -> None:
        """Tells the author when the core will not have the note of somebody who is no agent here."""
        try:
            await self._host.ticket(TicketView(actor=note.actor, address=note.address))
            where = note.address.conversation if note.address else ""
            if len(self._good) > 1000:
                self._good.clear()
            self._good[person.team, person.user, where] = self._host.clock.deadline(60)
        except Refused as refused:
            await self._tell(note, person, str(refused))
        except StoreError as error:
            log.warning("slack note not checked account=%s error=%s", self._account, error)

    async def _tell(self, note: AgentAction, person: Person, line: str) -> None:
        if note.address:
            where, thread = note.address.conversation, note.address.thread
            await whisper(self._api, self._account, where, person.user, line, thread=thread)


def complete(message: Message, person: Person, files: tuple[Attachment, ...] = ()) -> Message:
    """The message with what Slack had to be asked for."""
    named = msgspec.structs.replace(person.identity, verified=True)
    return msgspec.structs.replace(message, sender=named, language=person.language, attachments=files)


def _as_agent(
    message: Message, ticket: int, person: Person, files: tuple[Attachment, ...]
) -> tuple[AgentAction, AgentAction]:
    """An agent spoke in the customer's own thread: the ticket is theirs, and what they said stands on it."""
    shared: dict[str, Any] = {
        "connector": message.connector,
        "account": message.account,
        "at": message.at,
        "actor": person.identity,
        "ticket": ticket,
    }
    key, said = message.delivery_key, f"*said in the customer's channel:*\n\n{message.text}"
    return (
        AgentAction(**shared, verb=Verb.CLAIM, delivery_key=f"{key}/claim"),
        AgentAction(**shared, verb=Verb.NOTE, delivery_key=key, text=said, attachments=files),
    )
