"""How a message comes in and goes out by Mastodon, for the suite that every connector passes (doors.py)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from typing_extensions import override

from gateway.conformance import Door, Refusal, Served
from gateway.model import Address
from tests import mastodon_standin
from tests.mastodon_standin import TOKEN, Server


class MastodonDoor(Door):
    """Mia, who sends direct messages; the server keeps them until we ask."""

    retry_after = 5.0

    def __init__(self, served: Served, server: Server) -> None:
        super().__init__(served)
        self.server = server
        self._sent: dict[int, dict[str, Any]] = {}
        self._turn = asyncio.Lock()

    @override
    async def deliver(self, number: int, text: str) -> bool:
        return await self._deliver(number, text)

    @override
    async def attach(self, number: int) -> bool:
        film = {
            "id": "9",
            "type": "video",
            "description": "The broken lid",
            "url": "https://example.social/9",
        }
        return await self._deliver(number, "See the film", media_attachments=[film])

    async def _deliver(self, number: int, text: str, **more: Any) -> bool:
        """Acknowledged means: the next look begins after it."""
        if number in self._sent:
            self.server.again.append(self._sent[number]["id"])
        else:
            self._sent[number] = self.server.mentions(text, visibility="direct", **more)
        if not self.served.started:
            return True  # the server keeps it
        mine = str(self._sent[number]["id"])
        seen = len(self.server.served)
        async with asyncio.timeout(60):
            while not any(mine in page for page in self.server.served[seen:]):
                await self._look()
            given = next(n for n in range(seen, len(self.server.served)) if mine in self.server.served[n])
            while len(self.server.asked) <= given + 1:
                await self._look()
        return int(self.server.asked[given + 1] or 0) >= int(mine)

    async def _look(self) -> None:
        self.server.looked.clear()
        await self.server.looked.wait()

    @override
    async def garbage(self) -> bool:
        self.server.notifications.append(
            {"id": self.server.number(), "type": "mention", "account": 7, "status": "no"}
        )
        await self._look()
        await self._look()
        return False

    @override
    async def echo(self, text: str) -> None:
        self.server.mentions(text, who="support", visibility="direct")

    @override
    def address(self) -> Address:
        return Address(connector="mastodon", account="main", conversation="mia")

    @override
    async def shown(self) -> str:
        return "\n".join(str(status["plain"]) for status in self.server.ours())

    @override
    async def refuse(self, how: Refusal) -> None:
        # docs.joinmastodon.org/api/rate-limits: the time at which the limit is lifted.
        reset = (datetime.now(UTC) + timedelta(seconds=10)).isoformat().replace("+00:00", "Z")
        limits = {"X-RateLimit-Limit": "300", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}
        self.server.fault = {Refusal.RATE: (429, limits), Refusal.BUSY: (503, {}), Refusal.GONE: (404, {})}[
            how
        ]

    @override
    async def accept(self) -> None:
        self.server.fault = None


@asynccontextmanager
async def mastodon(folder: Path) -> AsyncIterator[Door]:
    """A Deskgate with one account, which asks for news all the time."""
    async with mastodon_standin.running() as server:
        account = {"server": server.url, "access_token": TOKEN, "poll_seconds": 0.03}
        async with Served.running(folder, {"mastodon": {"main": account}}) as served:
            while len(server.asked) < 2:  # the first look only finds where to begin
                await asyncio.sleep(0.02)
            yield MastodonDoor(served, server)
