"""The core as one agent in Slack meets it: who they are, what they may read, what they propose."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import msgspec

from connectors.slack import modals
from connectors.slack.blocks import Block
from connectors.slack.modals import Memory
from connectors.slack.payloads import Interaction
from connectors.slack.people import People, Person
from gateway.connector import Host
from gateway.errors import Refused, StoreError
from gateway.model import ActionResult, AgentAction, Side, TicketPage, TicketView, Verb, reference

log = logging.getLogger(__name__)

NOT_DONE = ("refused", "failed")
TROUBLE = "Deskgate's database did not answer, so nothing was done. Please try again in a moment."
CHANNELS = {"email": "e-mail", "webchat": "web chat", "telegram": "Telegram", "slack": "Slack"}


class Core:
    """Reads and proposals of one workspace's people; a refusal is an answer, never an exception of theirs."""

    def __init__(self, account: str, host: Host, people: People) -> None:
        self._account, self._host, self._people = account, host, people

    async def who(self, interaction: Interaction) -> Person:
        """The person behind an interaction, as Slack knows them."""
        team = interaction.user.team_id or (interaction.team.id if interaction.team else "")
        return await self._people.look(interaction.user.id, team or self._people.team_id)

    async def act(self, who: Person, memory: Memory, verb: Verb, key: str, **fields: Any) -> ActionResult:
        """Proposes a verb; `fields` are those of an AgentAction. "failed" when the database is away."""
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
            seen_version=memory.version,
            **fields,
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

    async def page(self, who: Person, memory: Memory) -> TicketPage:
        """The ticket as this person may see it. Raises Refused with a line for them."""
        if who.refusal:
            raise Refused(who.refusal)
        try:
            return await self._host.ticket(TicketView(actor=who.identity, ticket=memory.ticket))
        except StoreError as error:
            raise Refused(TROUBLE) from error

    async def form_or_refusal(
        self, who: Person, memory: Memory, form: Callable[[Memory, str, str], Block]
    ) -> Block:
        """This form, or the reason why this person does not get it."""
        try:
            page = await self.page(who, memory)
        except Refused as refused:
            return modals.closing_form("Not possible", str(refused))
        return form(memory, reference(memory.ticket), addressee(page))

    async def after(self, who: Person, memory: Memory, result: ActionResult) -> tuple[Memory, str]:
        """The form's memory after something stood in its way, and who the answer would go to now."""
        attempt = memory.attempt + (result.state == "refused")
        try:
            page = await self.page(who, memory)
        except Refused:
            return msgspec.structs.replace(memory, attempt=attempt), "the requester"
        version = page.ticket.version
        return msgspec.structs.replace(memory, attempt=attempt, version=version), addressee(page)


def addressee(page: TicketPage) -> str:
    """Who an answer goes to, and by which channel, as one line of plain text."""
    legs = [leg.address for leg in page.legs if leg.side is Side.REQUESTER and leg.current]
    ways = []
    for address in legs:
        way = CHANNELS.get(address.connector, address.connector)
        shown = address.connector == "email" and address.conversation not in page.requester
        ways.append(f"{way} ({address.conversation})" if shown else way)
    return f"{page.requester or 'the requester'}, by {' and '.join(ways)}" if ways else page.requester
