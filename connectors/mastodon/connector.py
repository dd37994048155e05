"""One Mastodon account: a reader that asks for mentions, one replica at a time, and the posts that answer them."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from aiohttp import web

from connectors.mastodon.media import MAX_FILE
from connectors.mastodon.normalize import NAME, normalize
from connectors.mastodon.settings import Settings
from gateway.connector import Capabilities, Host, Lease
from gateway.errors import InvalidPayload, Retryable, StoreError, Undeliverable
from gateway.model import Cursor, Delivery, Outgoing, Post, Sent

if TYPE_CHECKING:
    from connectors.mastodon.service import Service

__all__ = ["Mastodon", "Settings"]

log = logging.getLogger(__name__)


class Mastodon:
    """Reads from the last notification in the ledger on, so that nothing is missed while we were away."""

    name = NAME

    def __init__(self, account: str, settings: Settings, key: bytes) -> None:
        self.account, self._settings = account, settings
        self.capabilities = Capabilities(
            idempotent=True,
            private=False,
            answers_privately=True,
            files=True,
            max_text=settings.max_characters,
            max_file=MAX_FILE,
            loopback=settings.loopback(),
        )
        self._cursor = f"{NAME}/{account}/notifications"
        self._service: Service | None = None

    def attach(self, app: web.Application, host: Host) -> None:
        self._host = host
        app.cleanup_ctx.append(self._running)

    async def send(self, outgoing: Outgoing) -> Sent:
        from connectors.mastodon import sending

        if not isinstance(outgoing, Post):
            raise Undeliverable("unsupported", "Mastodon shows messages only.")
        if self._service is None:
            raise Retryable("The Mastodon connector is not running yet.")
        return await sending.send(outgoing, self._service, self._settings, self._host.file)

    async def _running(self, app: web.Application) -> AsyncIterator[None]:
        from connectors.mastodon.service import Service

        self._service = Service(self.account, self._settings, self._host.clock)
        reading = asyncio.create_task(self._read(self._service))
        yield
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        self._service = None

    # ------------------------------------------------------------ reading

    async def _read(self, service: Service) -> None:
        """Until cancelled; trouble is waited out, growing to a minute."""
        from connectors.mastodon.service import Unreadable

        troubles = 0
        while True:
            try:
                async with self._host.lease(f"{self._cursor}/reader") as lease:
                    own = await service.own_id()
                    while lease.held:
                        await self._look(service, own, lease)
                        troubles = 0
                        await asyncio.sleep(self._settings.poll_seconds)
            except (Unreadable, StoreError) as error:
                troubles += 1
                log.warning("mastodon %s waits to read: %s", self.account, error)
            except Exception:  # the reading never ends for good
                troubles += 1
                log.exception("mastodon %s failed to read its notifications", self.account)
            await asyncio.sleep(min(60.0, self._settings.poll_seconds * 2**troubles))

    async def _look(self, service: Service, own: str, lease: Lease) -> None:
        """Everything new, page by page; each page and how far it goes are kept in one commit."""
        after = await self._host.cursor(self._cursor)
        if not after:
            # From the first start on: what was said before belongs to those who answered it then.
            newest = await service.news("")
            after = str(newest[-1]["id"]) if newest else "1"
            await self._host.receive([], Cursor(name=self._cursor, value=after))
        while lease.held and (page := await service.news(after)):
            deliveries = [delivery for each in page for delivery in self._taken(each, own)]
            after = str(page[-1]["id"])
            await self._host.receive(deliveries, Cursor(name=self._cursor, value=after))

    def _taken(self, payload: dict[str, Any], own: str) -> list[Delivery]:
        try:
            found = normalize(payload, self._host.clock.now(), self.account, own)
        except InvalidPayload as error:
            log.warning("mastodon %s: a notification was left out: %s", self.account, error)
            return []
        raw = json.dumps(payload, ensure_ascii=False).encode()
        return [Delivery(input=each, raw=raw) for each in found]
