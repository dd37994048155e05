"""How a message comes in by Telegram, for the contract that every connector keeps (doors.py, test_contract.py)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from connectors.telegram.webhook import HEADER
from gateway.app import Deskgate
from gateway.clock import SystemClock
from tests import telegram_standin
from tests.running import free_port, running, settings_for
from tests.telegram_people import Person
from tests.telegram_state import TOKEN, Telegram


class TelegramDoor:
    """Telegram, calling the webhook with what Mia wrote."""

    def __init__(
        self, deskgate: Deskgate, telegram: Telegram, http: aiohttp.ClientSession, secret: str
    ) -> None:
        self.deskgate, self._telegram, self._http, self._secret = deskgate, telegram, http, secret
        self._mia = Person(telegram=telegram)
        self._updates: dict[int, dict[str, Any]] = {}

    async def deliver(self, number: int, text: str) -> bool:
        """Update `number` (the same number is the same update); whether it was acknowledged."""
        if number not in self._updates:
            self._mia.says(text)
            self._updates[number] = self._telegram.updates.pop()
        return await self._call(json=self._updates[number]) == 200

    async def garbage(self) -> bool:
        return await self._call(data=b"\xff{") == 200

    async def _call(self, **body: Any) -> int:
        url = f"http://127.0.0.1:{self.deskgate.settings.server.port}/telegram/main"
        async with self._http.post(url, headers={HEADER: self._secret}, **body) as answer:
            return answer.status


@asynccontextmanager
async def telegram(folder: Path) -> AsyncIterator[TelegramDoor]:
    """A Deskgate whose one bot is called by the test."""
    async with telegram_standin.running(SystemClock()) as service, aiohttp.ClientSession() as http:
        account = {"bot_token": TOKEN, "api_url": service.api_url, "mode": "webhook"}
        settings = settings_for(folder, free_port(), connectors={"telegram": {"main": account}})
        async with running(settings) as deskgate:
            await telegram_standin.called(service, "setMyCommands")
            secret = str(service.webhook["secret_token"])
            service.webhook = {}
            yield TelegramDoor(deskgate, service, http, secret)
