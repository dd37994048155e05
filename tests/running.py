"""A whole Deskgate on loopback, inside the test's own event loop: real database, real connectors, real pages."""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

from aiohttp import web

from bot.answer import Bot
from bot.articles import load
from gateway.accounts import accounts
from gateway.app import Deskgate
from gateway.settings import Settings

ARTICLES = Path(__file__).parent.parent / "kb_articles"


#: Below those that the system gives out by itself, each worker from another place on: a port that was found free
#: stays so until a program listens there, however long it takes to start and however often it is killed.
_ports = count(
    12_000 + 4_000 * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % 16_000 + os.getpid() % 3_000
)


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on, and that is not given a second time."""
    for port in _ports:
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("there are always more")


def settings_for(folder: Path, port: int, **sections: Any) -> Settings:
    """Settings as config.toml would give them; sections given by name are laid over these."""
    data: dict[str, Any] = {
        "site": {
            "company": "Linden & Fox",
            "bot_name": "Fox",
            "languages": ["en", "sl", "zh-Hans", "zh-Hant"],
        },
        "server": {"port": port},
        "store": {"database": f"sqlite:///{folder}/deskgate.db", "key_file": str(folder / "key")},
        "bot": {"articles": str(ARTICLES)},
        "desk": {"undo_seconds": 0},
        "queues": {"general": {"title": "Customer care", "default": True}, "orders": {"title": "Orders"}},
        "connectors": {"webchat": {"site": {}}},
    }
    for name, values in sections.items():
        data[name] = {**data.get(name, {}), **values}
    return Settings.model_validate(data)


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Deskgate]:
    """Serves at http://127.0.0.1:<server.port> while inside."""
    if settings.bot.articles == ARTICLES:
        _learned()
    deskgate = Deskgate(settings, accounts(settings, "test"), environ={})
    runner = web.AppRunner(deskgate.web_app(), access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        await web.TCPSite(runner, settings.server.host, settings.server.port).start()
        yield deskgate
    finally:
        await runner.cleanup()


@cache
def _learned() -> Bot:
    """The bot of the shipped articles: as long as one is held, the others take over what it has learned."""
    return Bot.build(load(ARTICLES)).train()
