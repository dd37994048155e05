"""Socket Mode of the Slack stand-in (docs.slack.dev/apis/events-api/using-socket-mode), as strict as the service.

A link is good once. Every envelope must be acknowledged, once, with nothing but what is documented; what is not is
delivered again when the test says so.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

ACCEPTS = {"interactive": True, "slash_commands": True, "events_api": False}
#: Seconds that Slack waits for an acknowledgment.
PATIENCE = 3.0


@dataclass(kw_only=True)
class Links:
    """The open connections of one app. `acknowledged`: payload by envelope id, None for none."""

    tickets: set[str] = field(default_factory=set)
    open: list[web.WebSocketResponse] = field(default_factory=list)
    sent: dict[str, dict[str, Any]] = field(default_factory=dict)
    acknowledged: dict[str, Any] = field(default_factory=dict)
    count: int = 0
    opened: int = 0
    events_of_own: bool = False  # whether the app hears its own messages, as real apps do

    def ticket(self) -> str:
        self.count += 1
        made = f"t{self.count}"
        self.tickets.add(made)
        return made

    async def serve(self, request: web.Request) -> web.StreamResponse:
        ticket = request.match_info["ticket"]
        if ticket not in self.tickets:
            return web.Response(status=408)
        self.tickets.discard(ticket)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.open.append(socket)
        self.opened += 1
        await socket.send_json(
            {
                "type": "hello",
                "num_connections": len(self.open),
                "debug_info": {"host": "standin", "approximate_connection_time": 3600},
                "connection_info": {"app_id": "A0APP"},
            }
        )
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                self._acknowledge(json.loads(message.data))
        self.open.remove(socket)
        return socket

    def _acknowledge(self, said: dict[str, Any]) -> None:
        number = said["envelope_id"]
        assert set(said) <= {"envelope_id", "payload"}, said
        assert number in self.sent and number not in self.acknowledged, (
            "acknowledged once, and only what was sent"
        )
        assert "payload" not in said or self.sent[number]["accepts_response_payload"]
        self.acknowledged[number] = said.get("payload")

    async def deliver(
        self, kind: str, payload: dict[str, Any], *, seconds: float = PATIENCE
    ) -> tuple[bool, Any]:
        """Sends an envelope; whether it was acknowledged in time, and the payload that came with that."""
        self.count += 1
        number = f"envelope-{self.count}"
        envelope = {
            "envelope_id": number,
            "type": kind,
            "accepts_response_payload": ACCEPTS[kind],
            "payload": payload,
        }
        if kind == "events_api":
            envelope |= {"retry_attempt": 0, "retry_reason": ""}
        self.sent[number] = envelope
        await self._link().send_json(envelope)
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while number not in self.acknowledged:
                    await asyncio.sleep(0.01)
        return number in self.acknowledged, self.acknowledged.get(number)

    def _link(self) -> web.WebSocketResponse:
        return self.open[self.count % len(self.open)]

    async def disconnect(self, reason: str = "refresh_requested") -> None:
        """Asks every connection to be renewed, as Slack does every few hours."""
        for link in list(self.open):
            await link.send_json({"type": "disconnect", "reason": reason, "debug_info": {"host": "standin"}})

    async def cut(self) -> None:
        """The network breaks."""
        for link in list(self.open):
            if link._req is not None and link._req.transport is not None:
                link._req.transport.abort()

    async def connected(self, number: int = 1) -> None:
        """Returns once so many connections were opened since the beginning."""
        async with asyncio.timeout(60):
            while self.opened < number or not self.open:
                await asyncio.sleep(0.01)

    def own_message(self, slack: Any, channel: str, message: dict[str, Any]) -> None:
        """What the app posts comes back to it as an event (docs.slack.dev/reference/events/message)."""
        if not (self.events_of_own and self.open):
            return
        from tests.slack_posts import event_callback

        event = {
            "type": "message",
            "channel": channel,
            "channel_type": slack.channels[channel].kind,
            **message,
        }
        payload = event_callback(event, f"Ev{slack.number():08d}")
        task = asyncio.get_running_loop().create_task(self.deliver("events_api", payload))
        self._echoes.add(task)
        task.add_done_callback(self._echoes.discard)

    _echoes: set[asyncio.Task[Any]] = field(default_factory=set)
