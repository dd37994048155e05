"""The Directory that connectors see: who is an agent, which ticket a place belongs to. Reads only."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

from gateway.connector import QueuePlace, Whose
from gateway.errors import StoreError
from gateway.model import Address, Agent, Identity
from gateway.policy import Policy, QueuePolicy
from gateway.store import Store, places

#: How long a place whose messages are still being handled is waited for, seconds. Slack allows three for all.
WAIT = 2.0
_LOOKS = 20


class StoreDirectory:
    """Directory over the store."""

    def __init__(
        self,
        store: Store,
        policy: Callable[[], Policy],
        agent_of: Callable[[Identity], Awaitable[Agent | None]],
    ) -> None:
        self._store, self._policy, self._find = store, policy, agent_of
        self._known: Mapping[str, QueuePolicy] | None = None
        self._places: tuple[QueuePlace, ...] = ()

    @property
    def queues(self) -> Sequence[QueuePlace]:
        queues = self._policy().queues
        if (
            queues is not self._known
        ):  # connectors ask at every event, and queues change with an edit of the rules
            self._known = queues
            self._places = tuple(
                QueuePlace(
                    name=queue.name, title=queue.title, address=queue.address, protected=queue.protected
                )
                for queue in queues.values()
                if queue.address is not None
            )
        return self._places

    async def agent_of(self, identity: Identity) -> Agent | None:
        return await self._find(identity)

    async def whose(self, key: str, near: Address) -> Whose:
        for look in range(_LOOKS):
            if look:
                await asyncio.sleep(WAIT / _LOOKS)
            found, pending = await self._store.driver.read(lambda tx: places.whose(tx, key, near))
            if found.ticket or not pending:
                return found
        raise StoreError("What was said there before is still being handled.")

    async def asker_of(self, ticket: int) -> str:
        return await self._store.driver.read(lambda tx: places.asker_of(tx, ticket))

    async def goes_on(self, ticket: int) -> bool:
        return await self._store.driver.read(lambda tx: places.goes_on(tx, ticket))

    async def open_places(self, connector: str, account: str) -> Sequence[Address]:
        return await self._store.driver.read(lambda tx: places.open_places(tx, connector, account))
