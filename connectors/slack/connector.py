"""Slack: the agents' desk and a customers' channel, over HTTP, Socket Mode, or both."""

from __future__ import annotations

from collections.abc import AsyncIterator

from aiohttp import web

from connectors.slack.door import Door
from connectors.slack.places import NAME
from connectors.slack.service import Service
from connectors.slack.settings import Settings
from connectors.slack.signing import Verifier
from gateway.connector import Capabilities, Host
from gateway.errors import Retryable
from gateway.model import Outgoing, Sent

__all__ = ["Settings", "Slack"]

MAX_FILE = 50_000_000


class Slack:
    """One workspace. With a signing secret its routes are /slack/<account>, …/events, …/interactions, …/commands."""

    name = NAME

    def __init__(self, account: str, settings: Settings, key: bytes) -> None:
        self.account = account
        self.capabilities = Capabilities(
            buttons=True,
            files=True,
            threads=True,
            edits=True,
            private=True,
            max_file=MAX_FILE,
            loopback=settings.loopback(),
        )
        self._settings = settings
        self.service: Service | None = None

    def attach(self, app: web.Application, host: Host) -> None:
        self.service = Service(self.account, self._settings, host)
        if self._settings.signing_secret is not None:
            verifier = Verifier(self._settings.signing_secret.get_secret_value(), host.clock)
            door = Door(self.account, verifier, self.service.reception)
            for path in ("", "/events", "/interactions", "/commands"):
                app.router.add_post(f"/slack/{self.account}{path}", door.handle)
        app.cleanup_ctx.append(self._running)

    async def send(self, outgoing: Outgoing) -> Sent:
        if self.service is None:
            raise Retryable("The Slack connector is not running yet.")
        return await self.service.sender.send(outgoing)

    async def _running(self, app: web.Application) -> AsyncIterator[None]:
        if self.service is not None:
            await self.service.start()
            yield
            await self.service.stop()
