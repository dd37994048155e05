"""Drops sealed originals some time after they were handled, where the settings wish it; never by default.

What is left is the masked copy, sealed like them: a replay decides by it, and says so.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import timedelta

import msgspec

from gateway.clock import Clock, to_ms
from gateway.errors import StoreError
from gateway.policy import Policy
from gateway.privacy import CannotOpen, Seal
from gateway.privacy.dropping import masked_copy
from gateway.privacy.sealing import resealed, unsealed
from gateway.store import Store, originals
from gateway.store.originals import KeptOriginal, MaskedCopy

log = logging.getLogger("deskgate.originals")

LOOK_EVERY = 30.0
LEASE = "originals"
PORTION = 100
#: Looks from the last one on; after so many of them from the first row again, for what was handled late.
ANEW_AFTER = 120


class Originals:
    """One replica at a time goes through what was handled. `after`: how long originals are kept then."""

    def __init__(
        self, store: Store, seal: Seal, clock: Clock, policy: Callable[[], Policy], after: timedelta
    ) -> None:
        self._store, self._seal, self._clock, self._policy, self._after = store, seal, clock, policy, after
        self._at, self._looks = 0, 0

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                if await self._store.take_lease(LEASE, int(LOOK_EVERY * 3000)):
                    await self.sweep()
            except StoreError as error:
                log.warning("originals wait for the database: %s", error)
            await asyncio.sleep(LOOK_EVERY)

    async def sweep(self) -> int:
        """Drops all that is due; returns how many there were."""
        self._looks += 1
        if self._looks % ANEW_AFTER == 0:
            self._at = 0
        before, dropped = to_ms(self._clock.now() - self._after), 0
        while found := await self._store.driver.read(
            lambda tx: originals.kept(tx, self._at, before, PORTION)
        ):
            copies = await asyncio.to_thread(self._copies, found)
            await self._store.driver.write(lambda tx, copies=copies: originals.drop(tx, copies))  # type: ignore[misc]
            self._at, dropped = found[-1].id, dropped + len(copies)
        if dropped:
            log.info("sealed originals dropped, masked copies kept", extra={"originals": dropped})
        return dropped

    def _copies(self, found: list[KeptOriginal]) -> list[MaskedCopy]:
        never, copies = self._policy().never_mask, []
        for row in found:
            try:
                value = unsealed(row.sealed, self._seal)
            except (CannotOpen, msgspec.DecodeError):
                continue  # whoever has its key may drop it; nobody can read it meanwhile
            copies.append(
                MaskedCopy(row.id, resealed(masked_copy(value, never), self._seal), row.ticket, row.raw_blob)
            )
        return copies
