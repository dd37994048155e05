"""How a message comes in and goes out by the REST API, for the suite that every connector passes (doors.py)."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
from typing_extensions import override

from gateway.conformance import Door, Served
from gateway.model import Address, Agent, AgentAction, ApiKey, Identity, SendKind, Sent, Verb
from gateway.store import api_keys
from gateway.views import TicketFilter

TOKEN = "dgk_0badcafe_suite"


class ApiDoor(Door):
    """A shop's own program, which speaks for Mia."""

    def __init__(self, served: Served, http: aiohttp.ClientSession) -> None:
        super().__init__(served)
        self.http = http

    @override
    async def deliver(self, number: int, text: str) -> bool:
        return await self._posted({"from": {"id": "mia", "name": "Mia"}, "text": text}, f"m{number}")

    @override
    async def garbage(self) -> bool:
        return await self._posted(["no", "message"], "g1")

    @override
    async def unsigned(self, text: str) -> bool:
        return await self._posted({"from": {"id": "mia"}, "text": text}, "u1", token="")

    @override
    async def forged(self, text: str) -> bool:
        return await self._posted({"from": {"id": "mia"}, "text": text}, "u1", token="dgk_0badcafe_other")

    @override
    async def attach(self, number: int) -> bool:
        file = {"filename": "big.png", "content": base64.b64encode(b"x" * 3000).decode()}
        return await self._posted(
            {"from": {"id": "mia"}, "text": "See the file", "files": [file]}, f"m{number}"
        )

    @override
    def address(self) -> Address:
        return Address(connector="api", account="main", conversation="suite:mia")

    @override
    async def say(self, text: str, kind: SendKind = SendKind.AGENT) -> Sent:
        """An agent answers; the program reads it from the conversation."""
        (ticket,) = await self.deskgate.store.ticket_lines(TicketFilter())
        action = AgentAction(
            connector="desk", account="suite", delivery_key="a1", at=datetime.now(UTC), verb=Verb.REPLY,
            actor=Identity(kind="agent", value="ana", verified=True), ticket=ticket.id, text=text,
        )  # fmt: skip
        result = await self.deskgate.host.act(action)
        assert result.state in ("done", "accepted"), result
        async with asyncio.timeout(60):
            while text[-20:] not in await self.shown():
                await asyncio.sleep(0.05)
        return Sent(external_ids=("history",))

    @override
    async def shown(self) -> str:
        status, body, _ = await self.call("GET", "/messages?conversation=mia&limit=200")
        assert status == 200, body
        return "\n".join(item["text"] for item in body["items"] if item["kind"] != "message")

    async def _posted(self, body: Any, key: str, token: str = TOKEN) -> bool:
        try:
            status, _, _ = await self.call("POST", "/messages", body, key=key, token=token)
        except aiohttp.ClientError:
            return False
        return status == 202

    async def call(
        self, method: str, path: str, body: Any = None, *, key: str = "", token: str = TOKEN, **headers: str
    ) -> tuple[int, Any, Any]:
        """Status, decoded body and headers."""
        given = {"Authorization": f"Bearer {token}"} if token else {}
        if key:
            given["Idempotency-Key"] = key
        url = f"{self.served.url}/api/v1{path}"
        more = {"json": body} if body is not None else {}
        async with self.http.request(method, url, headers={**given, **headers}, **more) as answer:
            return answer.status, await answer.json(content_type=None), answer.headers


async def add_key(
    served: Served, token: str, *scopes: str, name: str = "suite", agent: str = "ana"
) -> ApiKey:
    key = ApiKey(id=token[-8:], name=name, scopes=scopes, agent=agent, created_at=datetime.now(UTC))
    await served.deskgate.store.driver.write(lambda tx: api_keys.add(tx, key, token, 1))
    return key


@asynccontextmanager
async def api(folder: Path, **account: Any) -> AsyncIterator[ApiDoor]:
    given = {"max_file_bytes": 2000, "per_minute": 100_000, **account}
    async with Served.running(folder, {"api": {"main": given}}) as served, aiohttp.ClientSession() as http:
        await served.deskgate.store.add_agent(Agent(id="ana", name="Ana"), 0)
        await add_key(served, TOKEN, "messages", "read", "act")
        yield ApiDoor(served, http)
