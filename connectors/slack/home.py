"""The app's home: my tickets and queues, for a lead the team; for newcomers the first steps.

Source: docs.slack.dev/reference/methods/views.publish, docs.slack.dev/reference/views/home-tab-views.
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

from slack_bolt.async_app import AsyncAck

from connectors.slack.acting import Core
from connectors.slack.blocks import Block, actions, brief, button, context, header, section, words
from connectors.slack.buttons import press_key
from connectors.slack.guidance import glossary_blocks, help_blocks
from connectors.slack.help_texts import FIRST_STEPS
from connectors.slack.lists import queue_lines, team_blocks, ticket_block
from connectors.slack.memory import Memory
from connectors.slack.modals import list_form
from connectors.slack.opening import Later
from connectors.slack.payloads import BlockActions
from connectors.slack.people import Person
from connectors.slack.practice import practice_blocks
from connectors.slack.tickets import ticket_blocks
from connectors.slack.webapi import FAILURES, QUICK, WebApi
from gateway.clock import Clock
from gateway.errors import Refused
from gateway.model import Role, Verb
from gateway.overviews import Mine, MyDesk, Team, TeamDesk

log = logging.getLogger(__name__)

PREFIX = "home_"  #: of the action ids of its own buttons
STRANGER = (
    "This app belongs to a support desk. To ask something, write to it under *Messages*. "
    "If you answer tickets, ask an admin to add your Slack member id to the desk."
)


class Home:
    """Publishes the home of whoever opens it."""

    REFRESH, PRACTICE, HELP, GLOSSARY, NEXT = (
        f"{PREFIX}{word}" for word in ("refresh", "practice", "help", "glossary", "next")
    )

    def __init__(
        self, account: str, core: Core, api: WebApi, clock: Clock, public_url: str, later: Later
    ) -> None:
        self._account, self._core, self._api = account, core, api
        self._clock, self._url, self._later = clock, public_url, later

    async def show(self, who: Person) -> None:
        """Makes this person's home anew; what Slack will not take is logged, the next opening tries again."""
        view = await self._view(who)
        try:
            await self._api.call("views.publish", {"user_id": who.user, "view": view})
        except FAILURES as error:
            log.warning("slack home not shown account=%s error=%s", self._account, error)

    async def press(self, ack: AsyncAck, context: dict[str, Any]) -> None:
        """The home's own buttons; those of its tickets are the same as on a card."""
        await ack()
        press: BlockActions = context["interaction"]
        match press.actions[0].action_id:
            case Home.PRACTICE:
                self._later(self._message(press.user.id, "Practice", practice_blocks()))
            case Home.NEXT:
                await self._take_next(press)
            case Home.HELP:
                await self._open(press.trigger_id, "Help", help_blocks())
            case Home.GLOSSARY:
                await self._open(press.trigger_id, "Glossary", glossary_blocks())
            case _:
                await self.show(await self._core.who(press))

    async def _take_next(self, press: BlockActions) -> None:
        """The ticket that should be worked on next becomes theirs, and is shown."""
        who = await self._core.who(press)
        result = await self._core.act(who, Memory(ticket=0), Verb.NEXT, press_key(press))
        blocks = [section(words(result.detail or "It is being worked on."))]
        if result.state == "done" and result.ticket:
            try:
                page = await self._core.page(who, result.ticket)
                blocks = ticket_blocks(page, f"{self._url}/desk/ticket/{result.ticket}")
            except Refused as refused:
                blocks = [section(words(str(refused)))]
        await self._open(press.trigger_id, "Your next ticket", blocks)
        self._later(self.show(who))

    async def _open(self, trigger: str, title: str, blocks: list[Block]) -> None:
        view = list_form(title, blocks, Memory(ticket=0))
        try:
            await self._api.call("views.open", {"trigger_id": trigger, "view": view}, QUICK * 1.5)
        except FAILURES as error:
            log.warning("slack form not opened account=%s error=%s", self._account, error)

    async def _message(self, user: str, text: str, blocks: list[Block]) -> None:
        """A message of the app to this person alone."""
        try:
            await self._api.call("chat.postMessage", {"channel": user, "text": text, "blocks": blocks})
        except FAILURES as error:
            log.warning("slack line not shown account=%s error=%s", self._account, error)

    async def _view(self, who: Person) -> Block:
        try:
            mine = await self._core.view(who, MyDesk(actor=who.identity))
            team = await self._team(who, mine)
        except Refused as refused:
            return stranger_view(str(refused))
        return home_view(mine, team, self._clock.now(), f"{self._url}/desk")

    async def _team(self, who: Person, mine: Mine) -> Team | None:
        if mine.agent.role is Role.AGENT:
            return None
        return await self._core.view(who, TeamDesk(actor=who.identity))


def home_view(mine: Mine, team: Team | None, now: datetime, desk: str) -> Block:
    """The home of a member of the desk. `desk`: address of the desk in the browser."""
    blocks = [
        header(f"{mine.agent.name or mine.agent.id}'s desk"),
        actions(_buttons(desk), "home"),
        *(_first_steps() if mine.newcomer else []),
        section("**My tickets**" + (f" ({len(mine.mine) + mine.more})" if mine.mine else "")),
        *[ticket_block(line, now, prefix="mine-") for line in mine.mine],
    ]
    if not mine.mine:
        blocks.append(context("Nothing is yours now. Claim a ticket in a queue's channel."))
    if mine.more:
        blocks.append(context(f"… and {mine.more} more: `/deskgate search owner:{brief(mine.agent.id, 60)}`"))
    if mine.asked:
        blocks.append(section("**Asked of me**"))
        blocks += [ticket_block(line, now, prefix="asked-") for line in mine.asked]
    blocks += [{"type": "divider"}, section("**Queues**"), *queue_lines(mine.queues, now)]
    if team is not None:
        blocks += [{"type": "divider"}, *team_blocks(team, now)]
    blocks.append(context(f"As of {now:%H:%M} UTC. It is made anew whenever you open it."))
    return {"type": "home", "blocks": blocks[:100]}


def _buttons(desk: str) -> list[Block]:
    made = [
        button("Take the next one", Home.NEXT, "home", style="primary"),
        button("Refresh", Home.REFRESH, "home"),
        button("Practise", Home.PRACTICE, "home"),
        button("Glossary", Home.GLOSSARY, "home"),
        button("Help", Home.HELP, "home"),
    ]
    return [*made, button("Desk in the browser", "open", "", url=desk)]


def _first_steps() -> list[Block]:
    steps = section("\n".join(FIRST_STEPS))
    return [
        steps,
        actions([button("Try it on a pretend ticket", Home.PRACTICE, "first", style="primary")], "first"),
    ]


def stranger_view(line: str) -> Block:
    """The home of somebody who does not work here."""
    return {"type": "home", "blocks": [section(STRANGER), context(words(line))]}
