"""A channel whose far side is the test itself: it keeps its own count of what it sent and of what reached it.

`PeerConnector` runs inside a replica. `Peer` is the far side: it answers, hangs, refuses, or answers half.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web
from pydantic import BaseModel, ConfigDict

from gateway.clock import from_ms
from gateway.connector import Capabilities, Host
from gateway.errors import Retryable, StoreError, Uncertain, Undeliverable
from gateway.model import Address, Delivery, Identity, Message, Outgoing, Post, Sent
from tests.running import free_port


class Settings(BaseModel):
    """One account: where the far side listens."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    url: str
    timeout: float = 0.6
    poll: bool = False  #: read something that only one replica may read at a time

    def loopback(self) -> bool:
        return True


class PeerConnector:
    """Messages come by POST /peer/messages; answers go to the far side by POST."""

    name = "peer"
    host: Host

    def __init__(self, account: str, settings: Settings, key: bytes) -> None:
        self.account, self.settings = account, settings
        self.capabilities = Capabilities(threads=False, loopback=True)

    def attach(self, app: web.Application, host: Host) -> None:
        self.host = host
        app.router.add_post("/peer/messages", self._message)
        if self.settings.poll:
            app.cleanup_ctx.append(self._polling)

    async def _polling(self, app: web.Application) -> AsyncIterator[None]:
        task = asyncio.create_task(self._poll())
        yield
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def _poll(self) -> None:
        """As a mailbox is read: only while the lease is held, from the start again when it was lost."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as session:
            while True:
                async with self.host.lease("peer/main") as lease:
                    while lease.held:
                        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                            await session.post(self.settings.url, json={"poll": os.getpid()})
                        await asyncio.sleep(0.02)

    async def _message(self, request: web.Request) -> web.Response:
        body = await request.json()
        value = Message(
            connector=self.name,
            account=self.account,
            delivery_key=body["id"],
            at=from_ms(body["at"]) if "at" in body else self.host.clock.now(),
            address=Address(connector=self.name, account=self.account, conversation=body["conversation"]),
            sender=Identity(kind="peer", value=body["conversation"]),
            text=body["text"],
            message_key=f"peer:{body['id']}",
            version="1",
        )
        try:
            await self.host.receive([Delivery(input=value, raw=await request.read())])
        except StoreError:
            return web.Response(status=503, headers={"Retry-After": "1"})
        return web.Response()

    async def send(self, outgoing: Outgoing) -> Sent:
        if not isinstance(outgoing, Post):
            raise Undeliverable("unsupported", "The peer takes posts only.")
        body = {"id": outgoing.id, "conversation": outgoing.address.conversation, "text": outgoing.text}
        body["sender"] = os.getpid()
        timeout = aiohttp.ClientTimeout(total=self.settings.timeout)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.post(self.settings.url, json=body) as answer,
            ):
                if answer.status != 200:
                    raise Retryable(f"HTTP {answer.status}", after=0.2)
                await answer.read()
        except aiohttp.ClientConnectorError as error:
            raise Retryable("nobody listens", after=0.2) from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Uncertain(type(error).__name__) from error
        return Sent(external_ids=(str(outgoing.id),))


class Peer:
    """The far side of the channel."""

    def __init__(self, port: int = 0) -> None:
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}/posts"
        self.mode = "answer"  #: or "hang", "refuse", "half"
        self.delay = 0.0
        self.received: Counter[int] = Counter()  #: outbox id -> how often it arrived
        self.texts: dict[str, list[str]] = {}  #: conversation -> what it was told, in order
        self.senders: list[int] = []  #: process ids, in the order of arrival
        self.polls: list[int] = []

    async def _post(self, request: web.Request) -> web.StreamResponse:
        if self.mode == "refuse":
            return web.Response(status=503)
        body = await request.json()
        if "poll" in body:
            self.polls.append(body["poll"])
            return web.Response()
        self.senders.append(body["sender"])
        self.received[body["id"]] += 1
        self.texts.setdefault(body["conversation"], []).append(body["text"])
        if self.mode == "hang":
            await asyncio.sleep(1.5)
        await asyncio.sleep(self.delay)
        response = web.StreamResponse(headers={"Content-Length": "100"} if self.mode == "half" else None)
        await response.prepare(request)
        await response.write(b"half of it")
        if self.mode == "half" and request.transport:
            request.transport.abort()
        return response


@asynccontextmanager
async def listening(port: int = 0) -> AsyncIterator[Peer]:
    """A far side that listens while inside."""
    peer = Peer(port)
    app = web.Application()
    app.router.add_post("/posts", peer._post)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", peer.port).start()
    try:
        yield peer
    finally:
        await runner.cleanup()
