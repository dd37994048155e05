"""Looks every few seconds whether many people write about the like, and says so to the core, which proposes it."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Sequence
from datetime import timedelta

import msgspec

from gateway.clock import Clock, to_ms
from gateway.errors import StoreError
from gateway.model import AdminChange, Delivery
from gateway.privacy import Seal
from gateway.privacy.sealing import sealed_row
from gateway.store import Store
from gateway.text.likeness import groups

log = logging.getLogger("deskgate.incidents")

LOOK_EVERY = 15.0
#: Newest tickets that are compared.
MOST = 400


class Matter(msgspec.Struct, frozen=True, kw_only=True):
    """An open ticket as it is compared with others."""

    ticket: int
    requester: str
    text: str


class IncidentWatch:
    """`least`: so many people make an incident, 0 turns it off; `window`: within so long."""

    def __init__(self, store: Store, seal: Seal, clock: Clock, *, least: int, window: timedelta) -> None:
        self._store, self._seal, self._clock = store, seal, clock
        self._least, self._window = least, window
        self._told: set[tuple[int, ...]] = set()

    async def run(self) -> None:
        while self._least:
            try:
                await self.look()
            except StoreError as error:
                log.warning("incidents wait for the database: %s", error)
            await asyncio.sleep(LOOK_EVERY)

    async def look(self) -> int:
        """Looks once; returns how many groups were told."""
        since = to_ms(self._clock.now() - self._window)
        rows = await self._store.recent_matters(since, MOST)
        matters = [Matter(ticket=row[0], requester=row[1], text=row[2]) for row in rows]
        found = await asyncio.to_thread(alike, matters, self._least)
        fresh = [group for group in found if group not in self._told]
        for group in fresh:
            await self._tell(group)
            self._told.add(group)
        return len(fresh)

    async def _tell(self, group: tuple[int, ...]) -> None:
        now = self._clock.now()
        digest = hashlib.sha256(repr(group).encode()).hexdigest()[:16]
        change = AdminChange(
            connector="incidents", account="", delivery_key=digest, at=now, what="incident_seen",
            detail={"tickets": list(group)},
        )  # fmt: skip
        await self._store.take([await sealed_row(Delivery(input=change), self._seal, now)])


def alike(matters: Sequence[Matter], least: int) -> list[tuple[int, ...]]:
    """Groups of tickets about the like that come from at least so many different people. Pure."""
    found = groups([matter.text for matter in matters])
    chosen = [[matters[place] for place in group] for group in found]
    return [
        tuple(sorted(matter.ticket for matter in group))
        for group in chosen
        if len({matter.requester for matter in group}) >= least
    ]
