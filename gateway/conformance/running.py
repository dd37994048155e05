"""A whole Deskgate on loopback with one channel: real database, real path; it can be stopped and started again."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

from aiohttp import web

from gateway.accounts import accounts
from gateway.app import Deskgate
from gateway.settings import Settings


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Served:
    """Deskgate at `url` while it is started. `connectors` is that section of config.toml, secrets included."""

    def __init__(self, folder: Path, connectors: Mapping[str, Any], **sections: Any) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        (folder / "articles").mkdir(exist_ok=True)
        self.settings = Settings.model_validate(
            {
                "site": {"company": "Conformance", "bot_name": "Bot", "public_url": self.url},
                "server": {"port": self.port},
                "store": {"database": f"sqlite:///{folder}/deskgate.db", "key_file": str(folder / "key")},
                "bot": {"articles": str(folder / "articles")},
                "desk": {"undo_seconds": 0, "canned": str(folder / "canned")},
                "queues": {"general": {"title": "Customer care", "default": True}},
                "connectors": connectors,
                **sections,
            }
        )
        self.deskgate: Deskgate
        self._runner: web.AppRunner | None = None

    @property
    def started(self) -> bool:
        return self._runner is not None

    async def start(self) -> None:
        self.deskgate = Deskgate(self.settings, accounts(self.settings, "the suite"), environ={})
        self._runner = web.AppRunner(self.deskgate.web_app(), access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        await web.TCPSite(self._runner, self.settings.server.host, self.port).start()

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    @classmethod
    @asynccontextmanager
    async def running(
        cls, folder: Path, connectors: Mapping[str, Any], **sections: Any
    ) -> AsyncIterator[Self]:
        """Started, and stopped at the end however often it was stopped and started inside."""
        served = cls(folder, connectors, **sections)
        await served.start()
        try:
            yield served
        finally:
            await served.stop()
