"""Telegram as a customers' channel: private chats, and groups where the bot is spoken to.

The Bot API's library is heavy: it is imported when the account starts, not before.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from aiohttp import web

from connectors.telegram.normalize import NAME
from connectors.telegram.settings import Mode, Settings
from connectors.telegram.steps import MAX_FILE, MAX_TEXT
from gateway.connector import Capabilities, Host
from gateway.errors import Retryable
from gateway.model import Outgoing, Sent

if TYPE_CHECKING:
    from connectors.telegram.service import Service

__all__ = ["Settings", "Telegram"]


class Telegram:
    """One bot. In webhook mode its route is /telegram/<account>."""

    name = NAME

    def __init__(self, account: str, settings: Settings, key: bytes) -> None:
        self.account = account
        # A chat is one conversation; which ticket a message continues is for the core to say.
        self.capabilities = Capabilities(
            buttons=True,
            files=True,
            edits=True,
            threads=False,
            max_text=MAX_TEXT,
            max_file=MAX_FILE,
            loopback=settings.loopback(),
        )
        self._settings, self._key = settings, key
        self._service: Service | None = None

    def attach(self, app: web.Application, host: Host) -> None:
        """Adds the route of webhook mode, and the work in the background for as long as the app runs."""
        self._host = host
        if self._settings.mode is Mode.WEBHOOK:
            app.router.add_post(f"/telegram/{self.account}", self._called)
        app.cleanup_ctx.append(self._running)

    async def send(self, outgoing: Outgoing) -> Sent:
        """Sends or takes back one message. Raises Retryable, Undeliverable or Uncertain."""
        if self._service is None:
            raise Retryable("The Telegram connector is not running yet.")
        return await self._service.sender.send(outgoing)

    async def _called(self, request: web.Request) -> web.Response:
        if self._service is None:
            return web.Response(status=503)
        return await self._service.webhook.handle(request)

    async def _running(self, app: web.Application) -> AsyncIterator[None]:
        from connectors.telegram.service import Service

        self._service = Service(self.account, self._settings, self._key, self._host)
        self._service.start()
        yield
        await self._service.stop()
