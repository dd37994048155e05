"""The API as a channel: what we say waits in the conversation until the program reads it."""

from __future__ import annotations

from aiohttp import web

from connectors.api.routes import Routes
from connectors.api.settings import Settings
from connectors.api.wire import NAME
from gateway.connector import Capabilities, Host
from gateway.errors import Undeliverable
from gateway.model import Outgoing, Post, Sent

__all__ = ["Api", "Settings"]


class Api:
    """One API below /api/v1; only one account makes sense."""

    name = NAME

    def __init__(self, account: str, settings: Settings, key: bytes) -> None:
        self.account, self._settings = account, settings
        self.capabilities = Capabilities(
            buttons=True, files=settings.max_file_bytes > 0, idempotent=True, max_file=settings.max_file_bytes
        )

    def attach(self, app: web.Application, host: Host) -> None:
        Routes(self.account, self._settings, host).add_to(app)

    async def send(self, outgoing: Outgoing) -> Sent:
        """Nothing leaves: GET /messages shows it."""
        if not isinstance(outgoing, Post):
            raise Undeliverable("unsupported", "The API shows messages only.")
        return Sent(external_ids=(str(outgoing.id),))
