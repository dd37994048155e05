"""How a message comes in and goes out by Telegram, for the suite that every connector passes (doors.py)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from typing_extensions import override

from connectors.telegram.webhook import HEADER
from gateway.clock import SystemClock
from gateway.conformance import Door, Refusal, Served
from gateway.model import Address
from tests import telegram_standin
from tests.telegram_people import Person
from tests.telegram_state import TOKEN, Fault, Telegram


class TelegramDoor(Door):
    """Telegram, calling the webhook with what Mia wrote."""

    retry_after = 7.0

    def __init__(self, served: Served, telegram: Telegram, http: aiohttp.ClientSession, secret: str) -> None:
        super().__init__(served)
        self._telegram, self._http, self._secret = telegram, http, secret
        self._mia = Person(telegram=telegram)
        self._updates: dict[int, dict[str, Any]] = {}

    @override
    async def deliver(self, number: int, text: str) -> bool:
        """Update `number` (the same number is the same update); whether it was acknowledged."""
        if number not in self._updates:
            self._mia.says(text)
            self._updates[number] = self._telegram.updates.pop()
        return await self._call(json=self._updates[number])

    @override
    async def garbage(self) -> bool:
        return await self._call(data=b"\xff{")

    @override
    async def unsigned(self, text: str) -> bool:
        self._mia.says(text)
        return await self._call(headers={}, json=self._telegram.updates.pop())

    @override
    async def forged(self, text: str) -> bool:
        self._mia.says(text)
        return await self._call(headers={HEADER: "x" * len(self._secret)}, json=self._telegram.updates.pop())

    @override
    async def edit(self, number: int, text: str) -> None:
        self._mia.edits(self._updates[number]["message"], text)
        assert await self._call(json=self._telegram.updates.pop())

    @override
    async def attach(self, number: int) -> bool:
        self._mia.sends("document", b"x", size=30_000_000, file_name="big.png", mime_type="image/png")
        return await self._call(json=self._telegram.updates.pop())

    @override
    def address(self) -> Address:
        return Address(connector="telegram", account="main", conversation=str(self._mia.id))

    @override
    async def shown(self) -> str:
        return "\n".join(str(message.get("text", "")) for message in self._telegram.sent(self._mia.id))

    @override
    async def refuse(self, how: Refusal) -> None:
        fault = {
            Refusal.RATE: Fault(status=429, description="Too Many Requests", parameters={"retry_after": 7}),
            Refusal.BUSY: Fault(status=502, description="Bad Gateway"),
            Refusal.GONE: Fault(status=403, description="Forbidden: bot was blocked by the user"),
        }[how]
        self._telegram.fail("sendMessage", *[fault] * 5)

    @override
    async def accept(self) -> None:
        self._telegram.faults["sendMessage"].clear()

    async def _call(self, headers: dict[str, str] | None = None, **body: Any) -> bool:
        proof = {HEADER: self._secret} if headers is None else headers
        try:
            async with self._http.post(f"{self.served.url}/telegram/main", headers=proof, **body) as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False


@asynccontextmanager
async def telegram(folder: Path) -> AsyncIterator[Door]:
    """A Deskgate whose one bot is called by the test."""
    async with telegram_standin.running(SystemClock()) as service, aiohttp.ClientSession() as http:
        account = {"bot_token": TOKEN, "api_url": service.api_url, "mode": "webhook"}
        async with Served.running(folder, {"telegram": {"main": account}}) as served:
            await telegram_standin.called(service, "setMyCommands")
            secret = str(service.webhook["secret_token"])
            service.webhook = {}
            yield TelegramDoor(served, service, http, secret)
