"""Telegram calls us: proven by its secret, kept, then answered."""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import Callable, Coroutine
from typing import Any
from weakref import WeakValueDictionary

from aiohttp import web

from connectors.telegram.incoming import Incoming, chat_of, in_group
from connectors.telegram.payloads import read_json
from gateway.connector import Host, capped
from gateway.errors import InvalidPayload, StoreError

log = logging.getLogger(__name__)

MAX_BODY = 1_000_000  #: bytes; Telegram's own updates stay far below
HEADER = "X-Telegram-Bot-Api-Secret-Token"


def secret_of(key: bytes) -> str:
    """The word that Telegram repeats in each call (core.telegram.org/bots/api#setwebhook, secret_token)."""
    return hmac.new(key, b"telegram/webhook", "sha256").hexdigest()


class Webhook:
    """The route of one bot. Calls for one chat are taken in the order in which they came."""

    def __init__(
        self,
        account: str,
        secret: str,
        host: Host,
        incoming: Incoming,
        later: Callable[[Coroutine[Any, Any, None]], None],
    ) -> None:
        self._account, self._secret, self._host = account, secret.encode(), host
        self._incoming, self._later = incoming, later
        self._turns: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    async def handle(self, request: web.Request) -> web.Response:
        """401 unless proven, 400 for what Telegram does not document, 503 if not kept."""
        given = request.headers.get(HEADER, "")
        if not hmac.compare_digest(given.encode("utf-8", "surrogateescape"), self._secret):
            log.warning("telegram call refused account=%s reason=secret", self._account)
            return web.Response(status=401)
        body = await capped(request, MAX_BODY)
        if body is None:
            return web.Response(status=413)
        try:
            return web.Response(status=await self._take(body))
        except InvalidPayload as error:
            log.warning("telegram call refused account=%s error=%s", self._account, error)
            return web.Response(status=400)
        except StoreError as error:
            log.warning("telegram update not kept account=%s error=%s", self._account, error)
            return web.Response(status=503)

    async def _take(self, body: bytes) -> int:
        payload = read_json(body)
        if in_group(payload) and not self._incoming.username:
            return 503  # we do not know our own name yet, so not whether it was mentioned
        turn = self._turns.setdefault(chat_of(payload), asyncio.Lock())
        reading = asyncio.create_task(self._incoming.deliveries(payload, body))
        try:
            async with turn:  # files are fetched side by side, messages taken one after the other
                found = await reading
                if found:
                    await self._host.receive(found)
        finally:
            reading.cancel()
        self._later(self._incoming.react(payload, taken=bool(found)))
        return 200
