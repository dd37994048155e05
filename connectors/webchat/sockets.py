"""The chat over a WebSocket: what is said goes up, the history comes down whenever it changes."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from typing import Any

import msgspec
from aiohttp import WSCloseCode, WSMsgType, web

from connectors.webchat import wire
from connectors.webchat.routes import check_origin, guarded, source
from connectors.webchat.visits import Visits
from gateway.errors import InvalidPayload, Refused, Retryable, StoreError

#: Open sockets of one source address, and seconds until the first frame has to be there.
MAX_SOCKETS, HELLO_SECONDS = 60, 10

#: Newest entries that are looked at again for changes.
OVERLAP = 30

#: Bad frames before a socket is closed.
MAX_ERRORS = 10


class Sockets:
    """Open sockets of one chat; closed with a word when the program stops."""

    def __init__(self, visits: Visits) -> None:
        self.visits = visits
        self._open: set[web.WebSocketResponse] = set()
        self._sources: Counter[str] = Counter()

    def add_to(self, app: web.Application) -> None:
        app.router.add_get("/chat/ws", guarded(self.handle))
        app.on_shutdown.append(self.close)

    async def close(self, _: web.Application) -> None:
        for socket in set(self._open):
            await socket.close(code=WSCloseCode.GOING_AWAY, message=b"restart")

    async def handle(self, request: web.Request) -> web.StreamResponse:
        check_origin(request, self.visits)
        origin = source(request, self.visits)
        if self._sources[origin] >= MAX_SOCKETS:
            raise Retryable("Too many chats are open.", after=30)
        socket = web.WebSocketResponse(heartbeat=25, max_msg_size=wire.MAX_FRAME, compress=False)
        await socket.prepare(request)
        self._sources[origin] += 1
        self._open.add(socket)
        try:
            await self._serve(socket, origin)
        finally:
            self._open.discard(socket)
            self._sources[origin] -= 1
            self._sources += Counter()
        return socket

    async def _serve(self, socket: web.WebSocketResponse, origin: str) -> None:
        visitor = await self._hello(socket)
        if not visitor:
            await socket.close(code=WSCloseCode.POLICY_VIOLATION, message=b"token")
            return
        pushing = asyncio.create_task(_Push(self.visits, visitor, socket).run())
        try:
            await self._read(socket, visitor, origin)
        finally:
            pushing.cancel()
            with contextlib.suppress(asyncio.CancelledError, ConnectionError):
                await pushing

    async def _hello(self, socket: web.WebSocketResponse) -> str:
        """The visitor whom the first frame proves, "" when it does not."""
        try:
            first = await socket.receive(timeout=HELLO_SECONDS)
            if first.type is not WSMsgType.TEXT:
                return ""
            match wire.read_frame(first.data):
                case wire.Hello(token=token):
                    return self.visits.who(token)
        except (InvalidPayload, Refused, TimeoutError):
            pass
        return ""

    async def _read(self, socket: web.WebSocketResponse, visitor: str, origin: str) -> None:
        errors = 0
        async for received in socket:
            if received.type is not WSMsgType.TEXT:
                break
            answer = await self._answer(received.data, visitor, origin)
            if answer:
                await socket.send_json(answer)
            errors += answer.get("code") == "invalid"
            if errors >= MAX_ERRORS:
                await socket.close(code=WSCloseCode.POLICY_VIOLATION, message=b"frames")

    async def _answer(self, data: str, visitor: str, origin: str) -> dict[str, Any]:
        client = ""
        try:
            match wire.read_frame(data):
                case wire.Say() | wire.Press() | wire.Email() as spoken:
                    client = spoken.id
                    await self.visits.take(spoken, visitor, origin, data.encode())
                    return {"type": "taken", "id": client}
                case wire.Seen() as frame:
                    self.visits.seen(visitor, frame)
                case wire.Typing():
                    self.visits.typing(visitor)
        except InvalidPayload as error:
            return {"type": "error", "code": "invalid", "id": client, "detail": str(error)}
        except Retryable as error:
            return {"type": "error", "code": "slow", "id": client, "after": error.after, "detail": str(error)}
        except StoreError:
            return {"type": "error", "code": "retry", "id": client, "after": 2, "detail": "Try again."}
        return {}


class _Push:
    """Sends one socket what is new or changed in its visitor's history."""

    def __init__(self, visits: Visits, visitor: str, socket: web.WebSocketResponse) -> None:
        self.visits, self.visitor, self.socket = visits, visitor, socket
        self._known: dict[int, bytes] = {}

    async def run(self) -> None:
        key = self.visits.address(self.visitor).key
        history, typing = f"history/{key}", f"typing/agent/{key}"
        async with self.visits.host.listen(history, typing) as topics:
            await self.push()
            async for topic in topics:
                if topic == typing:
                    await self.socket.send_json({"type": "typing"})
                else:
                    await self.push()

    async def push(self) -> None:
        with contextlib.suppress(StoreError):  # the next wake-up tries again
            lines = await self.visits.shown(self.visitor, self._settled())
            new = [line for line in lines if self._is_new(line)]
            if new or not self._known:
                await self.socket.send_json({"type": "entries", "entries": new})

    def _settled(self) -> int:
        """The entry behind which is read again: a held answer appears after entries that are younger than it."""
        newest = sorted(self._known)[-OVERLAP:]
        return newest[0] - 1 if len(newest) == OVERLAP else 0

    def _is_new(self, line: dict[str, Any]) -> bool:
        content = msgspec.json.encode(line)
        if self._known.get(line["id"]) == content:
            return False
        self._known[line["id"]] = content
        return True
