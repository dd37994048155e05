"""What customers press, type behind a command or open by a shortcut: each becomes a message in the ledger."""

from __future__ import annotations

import logging
from collections.abc import Callable

from connectors.slack import choices
from connectors.slack.blocks import mrkdwn
from connectors.slack.buttons import press_key
from connectors.slack.events import complete
from connectors.slack.incoming_files import Files
from connectors.slack.normalize import address_of, moment, references
from connectors.slack.normalize import words as words_of
from connectors.slack.opening import Later
from connectors.slack.payloads import BlockActions, MessageAction, MessageEvent, SlashCommand, read
from connectors.slack.people import Person
from connectors.slack.places import NAME, Workspace, is_direct
from connectors.slack.telling import whisper
from connectors.slack.webapi import FAILURES, QUICK, WebApi
from connectors.slack.wording import CONTINUE, HERE, HOW, LATER, NOT_YOURS, TAKEN, say
from gateway.connector import Host
from gateway.model import Choice, ChoiceAction, Delivery, Identity, Message, reference

log = logging.getLogger(__name__)

OPEN = "open_ticket"  #: callback id of the shortcut in a message's menu


class Customers:
    """Buttons, commands and shortcuts of the people who ask."""

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
        self._files, self._later, self._workspace = files, later, workspace
        self._direct: dict[str, str] = {}

    async def direct(self, user: str) -> str:
        """The direct conversation with this user. Raises as WebApi.call does."""
        if user not in self._direct:
            answer = await self._api.call("conversations.open", {"users": user}, QUICK * 1.5)
            found = answer.get("channel")
            self._direct[user] = str(found.get("id") or "") if isinstance(found, dict) else ""
        return self._direct[user]

    # ------------------------------------------------------------ buttons

    async def pressed(self, press: BlockActions, person: Person) -> None:
        """A choice below an answer, by the person who asked. Raises StoreError, InvalidPayload."""
        choice, place = choices.chosen(press), choices.place(press)
        if not await self._is_asker(choice.ticket, person, place.channel):
            return self._refuse(press, person)
        workspace, key = self._workspace(), press_key(press)
        message = Message(
            connector=NAME,
            account=self._account,
            delivery_key=key,
            at=self._host.clock.now(),
            address=workspace.address(place.channel, place.thread),
            sender=complete_identity(person),
            language=person.language,
            text=choices.label_of(press) or choice.action.value,
            choice=choice,
            message_key=f"{workspace.key(place.channel, place.ts)}/pressed/{person.user}",
            version=press.actions[0].value or "",
            refers_to=(workspace.key(place.channel, place.ts), *_flat(workspace, place.channel)),
            private=is_direct(place.channel, None),
        )
        await self._host.receive([Delivery(input=message)])
        self._later(self._without_buttons(press))
        return None

    async def privately(self, press: BlockActions, person: Person) -> None:
        """From a channel into a direct conversation, with the same ticket. Raises StoreError and as `direct`."""
        ticket, place = choices.ticket_of(press), choices.place(press)
        if not await self._is_asker(ticket, person, place.channel):
            return self._refuse(press, person)
        workspace, channel = self._workspace(), await self.direct(person.user)
        message = Message(
            connector=NAME,
            account=self._account,
            delivery_key=press_key(press),
            at=self._host.clock.now(),
            address=workspace.address(channel),
            sender=complete_identity(person),
            language=person.language,
            text=say(CONTINUE, person.language),
            choice=Choice(action=ChoiceAction.HUMAN, ticket=ticket),
            message_key=f"{workspace.key(place.channel, place.ts)}/private/{person.user}",
            refers_to=(f"subj:{reference(ticket)}",),
            known_as=(workspace.flat(channel),),
        )
        receipts = await self._host.receive([Delivery(input=message)])
        if not receipts[0].duplicate:
            line = say(HERE, person.language, reference=reference(ticket))
            self._later(self._tell(channel, line))
        return None

    async def _is_asker(self, ticket: int, person: Person, channel: str) -> bool:
        """In a channel the buttons are for the person who asked; elsewhere nobody else sees them."""
        if is_direct(channel, None):
            return True
        return await self._host.directory.asker_of(ticket) == person.identity.key

    def _refuse(self, press: BlockActions, person: Person) -> None:
        place = choices.place(press)
        line = say(NOT_YOURS, person.language)
        self._later(whisper(self._api, self._account, place.channel, person.user, line, thread=place.thread))

    async def _without_buttons(self, press: BlockActions) -> None:
        """The same message with nothing left to press; losing it is nothing worse than buttons that stay."""
        blocks = choices.without_buttons(press)
        if not blocks or not press.response_url:
            return
        text = (press.message or {}).get("text")
        body = {"replace_original": True, "text": text if isinstance(text, str) else " ", "blocks": blocks}
        try:
            await self._api.respond(press.response_url, body)
        except FAILURES as error:
            log.info("slack buttons not removed account=%s error=%s", self._account, error)

    async def _tell(self, channel: str, line: str) -> None:
        try:
            await self._api.call("chat.postMessage", {"channel": channel, "text": mrkdwn(line, 1000)["text"]})
        except FAILURES as error:
            log.warning("slack line not shown account=%s error=%s", self._account, error)

    # ------------------------------------------------------------ commands and shortcuts

    async def commanded(self, said: SlashCommand, person: Person) -> str:
        """What a customer typed behind the command; what they are told. Raises StoreError."""
        text, language = said.text.strip(), person.language
        if not text:
            return say(HOW, language, command=said.command)
        workspace = self._workspace()
        try:
            channel = await self.direct(person.user)
        except FAILURES as error:
            log.warning("slack command not taken account=%s error=%s", self._account, error)
            return say(LATER, language)
        key = f"command/{said.trigger_id}"
        message = Message(
            connector=NAME,
            account=self._account,
            delivery_key=key,
            at=self._host.clock.now(),
            address=workspace.address(channel),
            sender=complete_identity(person),
            language=language,
            text=text,
            message_key=f"{NAME}:{workspace.name}/{key}",
            refers_to=(workspace.flat(channel),),
            known_as=(workspace.flat(channel),),
        )
        await self._host.receive([Delivery(input=message)])
        return say(TAKEN, language, name=self._host.bot_name)

    async def opened(self, shortcut: MessageAction, author: Person) -> Message:
        """A ticket of a message that somebody wrote in a channel. Raises StoreError, InvalidPayload."""
        workspace, channel = self._workspace(), shortcut.channel.id if shortcut.channel else ""
        said = read({**shortcut.message, "channel": channel}, MessageEvent)
        refers_to, known_as = references(said, author.user, workspace)
        message = Message(
            connector=NAME,
            account=self._account,
            delivery_key=f"{channel}/{said.ts}",
            at=moment(said.ts, self._host.clock.now()),
            address=address_of(said, workspace),
            sender=author.identity,
            text=words_of(said, workspace.bot_user),
            message_key=workspace.key(channel, said.ts),
            version=said.edited.ts if said.edited else "",
            refers_to=refers_to,
            known_as=known_as,
            choice=Choice(action=ChoiceAction.HUMAN),
            private=is_direct(channel, None),
        )
        files = await self._files.of(f"{channel}/{said.ts}", said.files or (), patient=False) or ()
        await self._host.receive([Delivery(input=complete(message, author, files))])
        return message


def complete_identity(person: Person) -> Identity:
    """The person as the author of a message; the signature vouches for them, wherever they are from."""
    return Identity(kind=NAME, value=person.identity.value, name=person.identity.name, verified=True)


def _flat(workspace: Workspace, channel: str) -> tuple[str, ...]:
    return (workspace.flat(channel),) if is_direct(channel, None) else ()
