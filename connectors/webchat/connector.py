"""The web chat as the core sees it: what it can do, and how an answer reaches a visitor who is looking."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from aiohttp import web

from connectors.webchat import pages, wire
from connectors.webchat.routes import Routes
from connectors.webchat.settings import Settings
from connectors.webchat.sockets import Sockets
from connectors.webchat.visits import Visits, seen_topic
from gateway.connector import Capabilities, Host
from gateway.errors import Undeliverable
from gateway.model import Outgoing, Post, SendKind, SendState, Sent


class WebChat:
    """One chat: visitors are random ids, known by a signed token that their browser keeps."""

    name = wire.NAME
    host: Host

    def __init__(self, account: str, settings: Settings, key: bytes) -> None:
        self.account, self.settings = account, settings
        self.queue, self.language = settings.queue, settings.language
        self.capabilities = Capabilities(
            buttons=True, files=settings.max_file_bytes > 0, idempotent=True,
            max_file=settings.max_file_bytes, loopback=self.loopback(),
        )  # fmt: skip
        self._key = key

    def loopback(self) -> bool:
        """True while only sites on this machine may embed the chat; where the server listens is its own matter."""
        return all(pages.on_loopback(origin) for origin in self.settings.allowed_origins)

    def attach(self, app: web.Application, host: Host) -> None:
        """Adds the routes under /chat."""
        self.host = host
        visits = Visits(self.account, self.settings, self._key, host)
        Routes(visits).add_to(app)
        Sockets(visits).add_to(app)

    async def send(self, outgoing: Outgoing) -> Sent:
        """Wakes the visitor's browsers, which read the message as history, and waits until one shows it.

        Raises Undeliverable("gone") for an agent's reply that nobody was there to see.
        """
        if not isinstance(outgoing, Post):
            raise Undeliverable("unsupported", "The web chat shows messages only.")
        if await self._shown(outgoing):
            return Sent(external_ids=(str(outgoing.id),), state=SendState.DELIVERED)
        if outgoing.kind is SendKind.AGENT:
            raise Undeliverable("gone", "The visitor has left the chat.")
        return Sent(external_ids=(str(outgoing.id),))

    async def _shown(self, post: Post) -> bool:
        clock = self.host.clock
        async with self.host.listen(seen_topic(post.address.conversation, post.id)) as topics:
            self.host.publish(f"history/{post.address.key}")
            seen = asyncio.create_task(_first(topics))
            late = asyncio.create_task(clock.sleep_until(clock.deadline(self.settings.ack_seconds)))
            try:
                await asyncio.wait((seen, late), return_when=asyncio.FIRST_COMPLETED)
                return seen.done()
            finally:
                seen.cancel()
                late.cancel()
                await asyncio.gather(seen, late, return_exceptions=True)


async def _first(topics: AsyncIterator[str]) -> None:
    async for _ in topics:
        return
