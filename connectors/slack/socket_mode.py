"""Socket Mode: we call Slack and keep a WebSocket open, so that no public address is needed.

Source: docs.slack.dev/apis/events-api/using-socket-mode. An envelope is acknowledged only when what was in it is in
the ledger; Slack delivers it again otherwise.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
from collections.abc import Callable
from typing import Any

import aiohttp
from pydantic import SecretStr

from connectors.slack.history import History
from connectors.slack.payloads import read_json
from connectors.slack.reception import Answer, Reception
from connectors.slack.webapi import FAILURES, SlackError, WebApi
from gateway.errors import InvalidPayload

log = logging.getLogger(__name__)

BACKOFF = (1.0, 60.0)
#: Envelopes in hand at once; Slack sends more only when those are answered or given up.
AT_ONCE = 50
#: Seconds that envelopes in hand may still take when the connection is to be given up.
GRACE = 3.0
#: Slack's words for a set-up that waiting does not mend, and what does.
REMEDIES = {
    "invalid_auth": "app_token is wrong or was revoked: make one with the scope connections:write.",
    "not_authed": "app_token is missing: make one with the scope connections:write.",
    "not_allowed_token_type": "app_token must be an app-level token (xapp-…), not the bot's.",
    "missing_scope": "app_token lacks the scope connections:write: make another one.",
    "link_disabled": "Socket Mode is off: turn it on in the app's pages.",
    "socket_mode_disabled": "Socket Mode is off: turn it on in the app's pages.",
}


class SocketMode:
    """One connection of this replica; several replicas share the work, since Slack sends each envelope to one."""

    def __init__(
        self,
        account: str,
        token: SecretStr,
        api: WebApi,
        reception: Reception,
        history: History,
        fares: Callable[[str], None],
    ) -> None:
        self._account, self._token, self._api = account, token, api
        self._reception, self._history = reception, history
        self._fares, self._troubles = fares, 0

    async def run(self) -> None:
        """Connects, and connects again whenever it must, until cancelled."""
        while True:
            try:
                await self._connected(await self._address())
            except (*FAILURES, aiohttp.ClientError, TimeoutError, OSError) as error:
                self._troubles += 1
                self._report(error)
            except Exception:  # the link never ends for good
                self._troubles += 1
                log.exception("slack socket failed account=%s", self._account)
            finally:
                self._history.connected = False
            await self._pause()

    async def _address(self) -> str:
        """Where to connect (docs.slack.dev/reference/methods/apps.connections.open); good for one connection."""
        answer = await self._api.call("apps.connections.open", {}, token=self._token.get_secret_value())
        return str(answer.get("url") or "")

    async def _connected(self, url: str) -> None:
        async with self._api.websocket(url) as socket:
            in_hand: set[asyncio.Task[None]] = set()
            slots = asyncio.Semaphore(AT_ONCE)
            try:
                async for frame in socket:
                    if frame.type is not aiohttp.WSMsgType.TEXT:
                        continue
                    if self._said_goodbye(frame.data):
                        break
                    await slots.acquire()
                    task = asyncio.create_task(self._taken(socket, frame.data))
                    in_hand.add(task)
                    task.add_done_callback(in_hand.discard)
                    task.add_done_callback(lambda _: slots.release())
            finally:
                if in_hand:
                    await asyncio.wait(in_hand, timeout=GRACE)
                for task in in_hand:
                    task.cancel()

    def _said_goodbye(self, text: str) -> bool:
        """Whether Slack asks for a new connection; a greeting is heard here too."""
        envelope = _object(text)
        if envelope.get("type") == "hello":
            self._troubles = 0
            self._fares("")
            self._history.connected = True
            self._history.look_back()
            log.info("slack socket up account=%s", self._account)
        if envelope.get("type") != "disconnect":
            return False
        reason = str(envelope.get("reason"))[:40]
        if reason in REMEDIES:
            raise SlackError("socket", 0, reason)
        log.info("slack socket is renewed account=%s reason=%s", self._account, reason)
        return True

    async def _taken(self, socket: aiohttp.ClientWebSocketResponse, text: str) -> None:
        """One envelope: handed on, then acknowledged with what Slack is to show; not at all while it was not kept."""
        envelope = _object(text)
        number = envelope.get("envelope_id")
        if not isinstance(number, str) or not number:
            return
        try:
            answer = await self._answer(envelope)
        except InvalidPayload as error:
            # It will not be another the next time, and it must not keep its neighbours waiting.
            log.warning("slack envelope refused account=%s error=%s", self._account, error)
            answer = Answer()
        except Exception:
            log.exception("slack envelope failed account=%s", self._account)
            return
        if answer.status >= 500:
            self._history.missed()
            return
        said: dict[str, Any] = {"envelope_id": number}
        if answer.body is not None and envelope.get("accepts_response_payload") is True:
            said["payload"] = answer.body
        try:
            await socket.send_str(json.dumps(said))
        except (
            aiohttp.ClientError,
            ConnectionError,
        ) as error:  # Slack delivers it again, and we know it then
            log.info(
                "slack envelope not acknowledged account=%s error=%s", self._account, type(error).__name__
            )

    async def _answer(self, envelope: dict[str, Any]) -> Answer:
        payload = envelope.get("payload")
        if not isinstance(payload, dict):
            raise InvalidPayload("an envelope without a payload")
        match envelope.get("type"):
            case "events_api":
                raw = json.dumps(payload, ensure_ascii=False).encode("utf-8", "replace")
                return await self._reception.event(read_json(raw), raw)
            case "interactive":
                return await self._reception.interaction(payload)
            case "slash_commands":
                return await self._reception.command(payload)
            case _:
                return Answer()

    def _report(self, error: Exception) -> None:
        code = error.code if isinstance(error, SlackError) else ""
        if code in REMEDIES:
            log.error("slack socket broken account=%s error=%s. %s", self._account, code, REMEDIES[code])
            self._fares(f"{code}. {REMEDIES[code]}")
        else:
            said = str(error) if isinstance(error, FAILURES) else type(error).__name__
            if self._troubles > 1:  # one is a renewal that did not go well, and soon over
                self._fares(said)
            log.warning("slack socket will connect again account=%s error=%s", self._account, said)

    async def _pause(self) -> None:
        first, longest = BACKOFF
        delay = min(longest, first * 2 ** min(self._troubles - 1, 10)) if self._troubles else 0.0
        await asyncio.sleep(delay * random.uniform(0.75, 1.25))


def _object(text: str) -> dict[str, Any]:
    try:
        return read_json(text)
    except InvalidPayload:
        return {}
