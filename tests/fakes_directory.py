"""A Directory that answers as a test says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from gateway.connector import QueuePlace, Whose
from gateway.model import Address, Agent, Identity


@dataclass(kw_only=True)
class FakeDirectory:
    """`agents` are identity values, `tickets` thread keys, `askers` who opened a ticket."""

    queues: Sequence[QueuePlace] = ()
    agents: set[str] = field(default_factory=set)
    tickets: dict[str, Whose] = field(default_factory=dict)
    askers: dict[int, str] = field(default_factory=dict)
    over: set[int] = field(default_factory=set)
    places: list[Address] = field(default_factory=list)

    async def agent_of(self, identity: Identity) -> Agent | None:
        return Agent(id=identity.value, name="Ann") if identity.value in self.agents else None

    async def whose(self, key: str, near: Address) -> Whose:
        return self.tickets.get(key, Whose())

    async def asker_of(self, ticket: int) -> str:
        return self.askers.get(ticket, "")

    async def goes_on(self, ticket: int) -> bool:
        return ticket not in self.over

    async def open_places(self, connector: str, account: str) -> Sequence[Address]:
        return self.places
