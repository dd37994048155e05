"""The core as one agent in Slack meets it: who they are, what they may read, what they propose."""

from __future__ import annotations

import logging
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

import msgspec

from connectors.slack.memory import Memory
from connectors.slack.payloads import Interaction
from connectors.slack.people import People, Person
from gateway.connector import Host
from gateway.errors import Refused, StoreError
from gateway.model import (
    ActionResult,
    Address,
    AgentAction,
    CannedReply,
    Side,
    TicketPage,
    TicketView,
    Verb,
    VerbForm,
)
from gateway.overviews import Query, T

log = logging.getLogger(__name__)

R = TypeVar("R")

NOT_DONE = ("refused", "failed")
TROUBLE = "Deskgate's database did not answer, so nothing was done. Please try again in a moment."
CHANNELS = {"email": "e-mail", "webchat": "web chat", "telegram": "Telegram", "slack": "Slack"}


class Core:
    """Reads and proposals of one workspace's people. What they cannot have is Refused, with a line for them."""

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

    async def page(self, who: Person, ticket: int, place: Address | None = None) -> TicketPage:
        """The ticket as this person may see it; with 0 the one whose thread `place` is. Raises Refused."""
        return await self._asked(
            who, self._host.ticket(TicketView(actor=who.identity, ticket=ticket, address=place))
        )

    async def canned(self, who: Person, ticket: int) -> Sequence[CannedReply]:
        """The canned replies for this ticket. Raises Refused."""
        return await self._asked(who, self._host.canned(TicketView(actor=who.identity, ticket=ticket)))

    async def view(self, who: Person, query: Query[T]) -> T:
        """A view of the desk. Raises Refused."""
        return await self._asked(who, self._host.view(query))

    async def _asked(self, who: Person, read: Coroutine[Any, Any, R]) -> R:
        if who.refusal:
            read.close()
            raise Refused(who.refusal)
        try:
            return await read
        except StoreError as error:
            raise Refused(TROUBLE) from error

    async def after(self, who: Person, memory: Memory, result: ActionResult) -> tuple[Memory, str]:
        """The form's memory after something stood in its way, and who the answer would go to now."""
        attempt = memory.attempt + (result.state == "refused")
        memory = msgspec.structs.replace(memory, attempt=attempt)
        try:
            page = await self.page(who, memory.ticket)
        except Refused:
            return memory, "the requester"
        return seen(memory, page), addressee(page)


def seen(memory: Memory, page: TicketPage) -> Memory:
    """The memory of a form that shows this page."""
    return msgspec.structs.replace(memory, version=page.ticket.version)


def form_of(page: TicketPage, verb: str) -> VerbForm:
    """What this verb needs, as it may be used now. Raises Refused."""
    form = next((form for form in page.verbs if form.verb == verb), None)
    if form is None:
        raise Refused(
            f"That is not possible with {page.ticket.reference} now. It may have changed meanwhile."
        )
    return form


def addressee(page: TicketPage) -> str:
    """Who an answer goes to, and by which channel, as one line of plain text."""
    legs = [leg for leg in page.legs if leg.side is Side.REQUESTER and leg.current]
    ways = []
    for leg in legs:
        address, way = leg.address, CHANNELS.get(leg.address.connector, leg.address.connector)
        shown = address.connector == "email" and address.conversation not in page.requester
        copies = f", with a copy to {', '.join(leg.cc)}" if leg.cc else ""
        along = ", where others read along" if leg.public and not page.ticket.protected else ""
        ways.append((f"{way} ({address.conversation})" if shown else way) + copies + along)
    return f"{page.requester or 'the requester'}, by {' and '.join(ways)}" if ways else page.requester
