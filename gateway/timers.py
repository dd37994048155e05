"""Turns due times into inputs, each once, whoever notices first."""

from __future__ import annotations

import asyncio
import logging

from gateway.clock import Clock, from_ms, to_ms
from gateway.errors import StoreError
from gateway.model import Delivery, TimerDue
from gateway.privacy import Seal
from gateway.privacy.sealing import seal_row
from gateway.store import Store
from gateway.store.ledger import TakeRow
from gateway.store.timers import Due

log = logging.getLogger("deskgate.timers")

#: How late a timer may fire, seconds.
PATIENCE = 5.0


class Timers:
    """Watches the clock for tickets."""

    def __init__(self, store: Store, seal: Seal, clock: Clock) -> None:
        self._store, self._seal, self._clock = store, seal, clock

    async def run(self) -> None:
        while True:
            try:
                while await self.fire():
                    pass
            except StoreError as error:
                log.warning("timers wait for the database: %s", error)
            await asyncio.sleep(PATIENCE)

    async def fire(self) -> int:
        """Fires what is due; returns how many."""
        return await self._store.fire_timers(to_ms(self._clock.now()), self._row)

    def _row(self, due: Due) -> TakeRow:
        value = TimerDue(
            connector="timers",
            account="",
            delivery_key=str(due.id),
            at=from_ms(due.due_at),
            ticket=due.ticket,
            name=due.name,
            late=due.late,
            burst=due.burst,
        )
        return seal_row(Delivery(input=value), self._seal, self._clock.now())
