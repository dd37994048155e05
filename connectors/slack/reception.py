"""Everything proven to be Slack's, whichever way it came: told apart, kept, and what Slack is to hear.

Knows neither HTTP nor WebSocket: an answer is a status and, where Slack shows it, a body.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from connectors.slack import asking, choices, customers
from connectors.slack.asking import Asking
from connectors.slack.customers import Customers
from connectors.slack.events import Events
from connectors.slack.interactions import Interactions
from connectors.slack.opening import Later
from connectors.slack.payloads import (
    BlockActions,
    Interaction,
    MessageAction,
    SlashCommand,
    ViewSubmission,
    read,
    read_interaction,
)
from connectors.slack.people import People, Person, Standing
from connectors.slack.telling import instead
from connectors.slack.webapi import FAILURES, WebApi
from connectors.slack.wording import LATER, say
from gateway.connector import Host
from gateway.errors import InvalidPayload, StoreError

log = logging.getLogger(__name__)


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What Slack hears. `status` as over HTTP: 200 is taken, 503 makes it deliver again; `body`: what is shown."""

    status: int = 200
    body: dict[str, Any] | None = None


#: What an agent typed behind the command, and what they are shown.
AgentCommand = Callable[[SlashCommand, Person], Awaitable[dict[str, Any]]]
#: An event that is about the app itself and not about a message; it says nothing to anybody.
Noticed = Callable[[dict[str, Any]], None]


class Reception:
    """The one desk behind all doors of a workspace. `notice` is told every event beside those of messages.

    `kept` is told of each event whether it was; a second delivery of something is told as not kept.
    """

    def __init__(
        self,
        account: str,
        host: Host,
        api: WebApi,
        people: People,
        events: Events,
        customers_: Customers,
        asking_: Asking,
        interactions: Interactions,
        agents: AgentCommand,
        commands: tuple[str, str],
        later: Later,
        notice: Noticed,
        kept: Callable[[bool], None],
    ) -> None:
        self._account, self._host, self._api, self._people = account, host, api, people
        self._events, self._customers, self._asking = events, customers_, asking_
        self._interactions, self._agents, self._later = interactions, agents, later
        self._notice, self._kept = notice, kept
        self._command, self._customer_command = commands

    def delivered_again(self) -> None:
        """Slack says that it did not reach us before: it may have given up on other events."""
        self._kept(False)

    # ------------------------------------------------------------ events

    async def event(self, payload: dict[str, Any], raw: bytes) -> Answer:
        """An event_callback. Raises InvalidPayload."""
        if payload.get("type") != "event_callback":
            return Answer()
        event = payload.get("event")
        kind = event.get("type") if isinstance(event, dict) else None
        status = await self._events.take(payload, raw)
        self._kept(status == 200)
        if status == 200 and kind not in ("message", "app_mention"):
            self._notice(payload)
        return Answer(status=status)

    # ------------------------------------------------------------ interactions

    async def interaction(self, payload: dict[str, Any]) -> Answer:
        """A pressed button, a sent form or a shortcut. Raises InvalidPayload."""
        interaction = read_interaction(payload)
        if interaction is None:
            return Answer()
        try:
            ours = await self._customers_own(interaction)
        except StoreError as error:
            log.warning("slack interaction not kept account=%s error=%s", self._account, error)
            return await self._not_kept(interaction)
        except FAILURES as error:
            log.warning("slack interaction failed account=%s error=%s", self._account, error)
            return await self._not_kept(interaction)
        if ours is not None:
            return ours
        answer = await self._interactions.handle(interaction)
        return Answer(status=answer.status, body=json.loads(answer.body) if answer.body else None)

    async def _customers_own(self, interaction: Interaction) -> Answer | None:
        """What customers press and send, None for everything that is the agents'."""
        match interaction:
            case BlockActions() if choices.is_choice(interaction.actions[0].action_id):
                await self._customers.pressed(interaction, await self._who(interaction))
            case BlockActions() if interaction.actions[0].action_id == choices.PRIVATE:
                await self._customers.privately(interaction, await self._who(interaction))
            case BlockActions() if interaction.actions[0].action_id == asking.MINE:
                await self._asking.mine(interaction, await self._who(interaction))
            case BlockActions() if interaction.actions[0].action_id == asking.CUSTOMERS:
                await self._asking.customers(interaction)
            case ViewSubmission() if interaction.view.callback_id == asking.FORM:
                who = await self._who(interaction)
                return Answer(body=await self._asking.submitted(interaction, who))
            case MessageAction() if interaction.callback_id == customers.OPEN:
                await self._opened(interaction)
            case _:
                return None
        return Answer()

    async def _opened(self, shortcut: MessageAction) -> None:
        """Anybody opens a ticket of their own words; an agent of anybody's, or for a customer elsewhere."""
        who = await self._who(shortcut)
        user, team = shortcut.message.get("user"), shortcut.message.get("user_team")
        if not isinstance(user, str) or shortcut.message.get("bot_id"):
            return self._say(shortcut, "A program wrote this message; a ticket needs a person who asks.")
        own = user == who.user
        agent = who.standing is Standing.MEMBER and await self._host.directory.agent_of(who.identity)
        if own and agent:
            return await self._asking.customers_of(shortcut)
        if not own and not agent:
            return self._say(shortcut, "Only agents open tickets of what others wrote.")
        home = self._people.team_id
        author = who if own else await self._people.customer(user, team if isinstance(team, str) else home)
        await self._customers.opened(shortcut, author)
        return self._say(shortcut, "The ticket is open; the answer comes below the message.")

    def _say(self, shortcut: MessageAction, line: str) -> None:
        if shortcut.response_url:
            self._later(instead(self._api, self._account, shortcut.response_url, line, replace=False))

    async def _not_kept(self, interaction: Interaction) -> Answer:
        """Slack delivers no press a second time, so the person is asked to press again."""
        url = getattr(interaction, "response_url", "")
        if url:
            line = say(LATER, (await self._who(interaction)).language)
            self._later(instead(self._api, self._account, url, line, replace=False))
        return Answer(status=503)

    async def _who(self, interaction: Interaction) -> Person:
        team = interaction.user.team_id or (interaction.team.id if interaction.team else "")
        return await self._people.customer(interaction.user.id, team or self._people.team_id)

    # ------------------------------------------------------------ commands

    async def command(self, fields: dict[str, Any]) -> Answer:
        """A slash command; the answer is shown to the person alone. Raises InvalidPayload."""
        said = read(fields, SlashCommand)
        person = await self._people.customer(said.user_id, said.team_id or self._people.team_id)
        try:
            return Answer(body=await self._commanded(said, person))
        except StoreError as error:
            log.warning("slack command not kept account=%s error=%s", self._account, error)
            return Answer(body=_shown(say(LATER, person.language)))

    async def _commanded(self, said: SlashCommand, person: Person) -> dict[str, Any]:
        agent = None
        if said.command == self._command and person.standing is Standing.MEMBER:
            agent = await self._host.directory.agent_of(person.identity)
        if agent is None and said.command == self._customer_command:
            return _shown(await self._customers.commanded(said, person))
        if said.command != self._command:
            raise InvalidPayload("a command that this app does not have")
        return await self._agents(said, person)


def _shown(line: str) -> dict[str, Any]:
    """docs.slack.dev/interactivity/implementing-slash-commands, "Sending an immediate response"."""
    return {"response_type": "ephemeral", "text": line}
