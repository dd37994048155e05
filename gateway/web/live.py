"""Tells an open desk page that something changed; the page then fetches itself anew."""

from __future__ import annotations

import asyncio
import contextlib

from aiohttp import WSCloseCode, WSMsgType, web

from gateway.connector import Host
from gateway.errors import Refused
from gateway.model import Side, TicketPage, TicketView
from gateway.web.entrance import agent_of
from gateway.web.security import check_origin
from gateway.web.site import identity_of, site_of


class _Sockets(set[web.WebSocketResponse]):
    """Open pages, closed with a word when the program stops."""


_OPEN = web.AppKey("live_sockets", _Sockets)

#: Open pages of the desk in this process.
MAX_OPEN = 500


def add_to(app: web.Application) -> None:
    app[_OPEN] = _Sockets()
    app.router.add_get("/desk/live", live)
    app.on_shutdown.append(_close)


async def live(request: web.Request) -> web.StreamResponse:
    """A WebSocket: {"changed": topic} or {"typing": true} down, {"typing": true} up. `?ticket=` names one ticket."""
    check_origin(request)
    if len(request.app[_OPEN]) >= MAX_OPEN:
        raise web.HTTPServiceUnavailable()
    shown = await _shown(request)
    socket = web.WebSocketResponse(heartbeat=25, max_msg_size=1024, compress=False)
    await socket.prepare(request)
    request.app[_OPEN].add(socket)
    telling = asyncio.create_task(_tell(socket, site_of(request).host, shown))
    try:
        await _hear(socket, site_of(request).host, shown)
    finally:
        request.app[_OPEN].discard(socket)
        telling.cancel()
        with contextlib.suppress(asyncio.CancelledError, ConnectionError):
            await telling
    return socket


async def _shown(request: web.Request) -> TicketPage | None:
    number = request.query.get("ticket", "")
    if not (number.isascii() and number.isdigit()):
        return None
    query = TicketView(actor=identity_of(agent_of(request)), ticket=int(number))
    try:
        return await site_of(request).host.ticket(query)
    except Refused as error:
        raise web.HTTPForbidden(text=str(error)) from error


async def _tell(socket: web.WebSocketResponse, host: Host, shown: TicketPage | None) -> None:
    topics = (f"ticket/{shown.ticket.id}", *_typing(shown, "requester")) if shown else ("tickets",)
    async with host.listen(*topics) as changes:
        async for topic in changes:
            typing = topic.startswith("typing/")
            await socket.send_json({"typing": True} if typing else {"changed": topic})


async def _hear(socket: web.WebSocketResponse, host: Host, shown: TicketPage | None) -> None:
    async for received in socket:
        if received.type is not WSMsgType.TEXT:
            break
        if shown and received.data == '{"typing":true}':
            for topic in _typing(shown, "agent"):
                host.publish(topic)


def _typing(shown: TicketPage, who: str) -> list[str]:
    legs = [leg for leg in shown.legs if leg.side is Side.REQUESTER]
    return [f"typing/{who}/{leg.address.key}" for leg in legs]


async def _close(app: web.Application) -> None:
    for socket in [*app[_OPEN]]:
        await socket.close(code=WSCloseCode.GOING_AWAY, message=b"restart")
