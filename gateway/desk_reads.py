"""Answers what agents ask about the desk as a whole, and only what they may see."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from gateway.errors import Refused
from gateway.model import Agent, ApiKey, Identity, Role
from gateway.overviews import (
    Background,
    BackgroundOf,
    Found,
    KeyOf,
    Listing,
    Mine,
    MyDesk,
    Query,
    Search,
    T,
    Team,
    TeamDesk,
)
from gateway.policy import Policy
from gateway.store import Store, api_keys, overviews
from gateway.views import QueueLine, TicketFilter, TicketLine

NOT_A_MEMBER = "You are not a member of this desk. Ask an admin to add you."
LEADS_ONLY = "The team's overview is for leads and admins."


class DeskReads:
    """`view` over the store. `agent_of` finds the member behind an identity."""

    def __init__(
        self,
        store: Store,
        policy: Callable[[], Policy],
        agent_of: Callable[[Identity], Awaitable[Agent | None]],
    ) -> None:
        self._store, self._policy_now, self._agent_of = store, policy, agent_of

    @property
    def _policy(self) -> Policy:
        return self._policy_now()

    async def view(self, query: Query[T]) -> T:
        """The answer to this query. Raises Refused."""
        answer: T = await _ANSWERS[type(query)](self, query)
        return answer

    async def _mine(self, query: MyDesk) -> Mine:
        agent = await self._member(query.actor)
        lines, count, ever = await self._store.driver.read(
            lambda tx: overviews.own_tickets(tx, agent.id, query.limit)
        )
        return Mine(
            agent=agent,
            mine=tuple(lines),
            more=max(0, count - len(lines)),
            asked=tuple(await self._asked(agent, query.limit)),
            queues=await self._queues(agent),
            newcomer=not ever,
        )

    async def _asked(self, agent: Agent, limit: int) -> list[TicketLine]:
        """Where something is asked of them: also in queues that are not theirs, unless those are confidential."""
        hidden, queues = self._hidden(agent), self._policy.queues
        names = (f"agent:{agent.id}", *(f"queue:{name}" for name in queues if name not in hidden))
        secret = tuple(name for name in hidden if queues[name].protected)
        return await self._store.ticket_lines(TicketFilter(asked=names, hidden_queues=secret, limit=limit))

    async def _team(self, query: TeamDesk) -> Team:
        agent = await self._member(query.actor)
        if agent.role is Role.AGENT:
            raise Refused(LEADS_ONLY)
        hidden = self._hidden(agent)
        found = await self._store.driver.read(lambda tx: overviews.team(tx, hidden, query.limit))
        return Team(
            agent=agent,
            members=tuple(found.members),
            queues=await self._queues(agent),
            waiting=found.waiting,
            unassigned=found.unassigned,
            oldest=tuple(found.oldest),
            breaching=tuple(found.breaching),
        )

    async def _search(self, query: Search) -> Found:
        agent = await self._member(query.actor)
        wanted = TicketFilter(text=query.text, hidden_queues=self._hidden(agent), limit=query.limit + 1)
        lines = await self._store.ticket_lines(wanted)
        return Found(lines=tuple(lines[: query.limit]), more=len(lines) > query.limit)

    async def _key(self, query: KeyOf) -> ApiKey | None:
        return await self._store.driver.read(lambda tx: api_keys.find(tx, query.token))

    async def _listing(self, query: Listing) -> tuple[TicketLine, ...]:
        agent = await self._member(query.actor)
        wanted = TicketFilter(
            queue=query.queue,
            statuses=query.statuses,
            assignee=query.assignee,
            text=query.text,
            hidden_queues=self._hidden(agent),
            limit=query.limit,
            before=query.before,
        )
        return tuple(await self._store.ticket_lines(wanted))

    async def _background(self, query: BackgroundOf) -> Background:
        policy = self._policy
        secret = {name for name, queue in policy.queues.items() if queue.protected}
        return await self._store.driver.read(
            lambda tx: overviews.background(tx, query.ticket, query.place, secret)
        )

    async def _member(self, identity: Identity) -> Agent:
        agent = await self._agent_of(identity)
        if agent is None:
            raise Refused(NOT_A_MEMBER)
        return agent

    def _hidden(self, agent: Agent) -> tuple[str, ...]:
        queues = self._policy.queues
        return tuple(name for name in queues if not self._policy.may_see(name, agent.id, agent.role))

    async def _queues(self, agent: Agent) -> tuple[QueueLine, ...]:
        hidden = self._hidden(agent)
        titles = [(q.name, q.title, q.tier) for q in self._policy.queues.values() if q.name not in hidden]
        return tuple(await self._store.queue_lines(titles))


_ANSWERS: Mapping[type, Callable[[DeskReads, Any], Awaitable[Any]]] = {
    KeyOf: DeskReads._key,
    Listing: DeskReads._listing,
    MyDesk: DeskReads._mine,
    TeamDesk: DeskReads._team,
    Search: DeskReads._search,
    BackgroundOf: DeskReads._background,
}
