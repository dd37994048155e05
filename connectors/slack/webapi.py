"""Slack's Web API over one shared session, each failure told apart.

The SDK's client is not used here: it sends again by itself after a broken connection, which would show a
message twice, and meets a proxy's plain text with an AttributeError. The token travels in the header only.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode, urlsplit

import aiohttp

from connectors.slack.settings import Settings
from gateway.text.hosts import is_loopback

CONNECT, TOTAL = 5.0, 15.0  #: seconds for a connection, and for everything about one call
QUICK = 1.0  #: seconds for a call that a person waits for: a form's trigger_id lives three

HEARTBEAT = 15.0  #: seconds between our pings; a dead connection is noticed after one and a half
MAX_FRAME = 4_000_000  #: bytes of one WebSocket message

SLACKS = (".slack.com", ".slack-files.com", ".slack-gov.com")  #: hosts that Slack's payloads point to


class SlackError(Exception):
    """Slack did not do it. `code`: its word for why, "" when the answer was not Slack's; `after`: seconds."""

    def __init__(
        self, method: str, status: int, code: str = "", after: float | None = None, needed: str = ""
    ) -> None:
        self.method, self.status, self.code, self.after, self.needed = method, status, code, after, needed
        super().__init__(f"{method}: {status} {code or 'not an answer of Slack'}")


class NotWritten(Exception):
    """No connection was made, so Slack cannot have seen the request."""


class Silent(Exception):
    """The connection broke, or time was up, after the request for `method` may have been written."""

    def __init__(self, method: str, reason: str) -> None:
        self.method = method
        super().__init__(f"{method}: {reason}")


FAILURES = (SlackError, NotWritten, Silent)


class WebApi:
    """One workspace's Web API; `open` and `close` frame its use."""

    def __init__(self, settings: Settings) -> None:
        self._base, self._local = settings.api_url, settings.loopback()
        home = urlsplit(settings.api_url)
        self._home = (home.scheme, home.hostname, home.port)
        self._authorization = {"Authorization": f"Bearer {settings.bot_token.get_secret_value()}"}
        self._session: aiohttp.ClientSession | None = None
        self.scopes: tuple[str, ...] = ()  #: permissions of the bot's token, as the last answer named them

    async def open(self) -> None:
        timeout = aiohttp.ClientTimeout(total=TOTAL, connect=CONNECT)
        self._session = aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar())

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def call(
        self, method: str, body: Mapping[str, Any], timeout: float = TOTAL, *, token: str = ""
    ) -> dict[str, Any]:
        """A method that takes JSON; `token`: instead of the bot's. Raises SlackError, NotWritten or Silent."""
        return await self._post(method, json.dumps(body), "application/json; charset=utf-8", timeout, token)

    async def form(self, method: str, body: Mapping[str, Any], timeout: float = TOTAL) -> dict[str, Any]:
        """A method that takes no JSON, such as users.info. Raises as `call` does."""
        return await self._post(method, urlencode(body), "application/x-www-form-urlencoded", timeout)

    async def upload(self, url: str, content: bytes) -> None:
        """The bytes of a file to where files.getUploadURLExternal said. Raises as `call` does."""
        if not self._is_slacks(url):
            raise SlackError("upload", 0, "foreign_url")
        headers = {"Content-Type": "application/octet-stream"}
        async with self._request("POST", "upload", url, headers, content, TOTAL * 2) as answer:
            if answer.status != 200:
                raise SlackError("upload", answer.status, after=_seconds(answer))

    async def download(self, url: str, limit: int, timeout: float) -> bytes:
        """A shared file of at most `limit` bytes. Raises as `call` does; code "too_large" or "foreign_url"."""
        if not self._is_slacks(url):
            raise SlackError("download", 0, "foreign_url")
        async with self._request("GET", "download", url, self._authorization, None, timeout) as answer:
            if answer.status != 200:
                raise SlackError("download", answer.status)
            content = b""
            async for chunk in answer.content.iter_chunked(65536):
                content += chunk
                if len(content) > limit:
                    raise SlackError("download", 200, "too_large")
            return content

    async def respond(self, url: str, body: Mapping[str, Any]) -> None:
        """An answer to an interaction's response_url, which needs no token. Raises as `call` does."""
        if not self._is_slacks(url):
            raise SlackError("respond", 0, "foreign_url")
        headers = {"Content-Type": "application/json; charset=utf-8"}
        async with self._request("POST", "respond", url, headers, json.dumps(body), TOTAL) as answer:
            if answer.status != 200:
                raise SlackError("respond", answer.status, after=_seconds(answer))

    @asynccontextmanager
    async def websocket(self, url: str) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """A WebSocket to where apps.connections.open said. Raises as `call` does, and aiohttp's errors inside."""
        if not self._is_slacks(url.replace("ws", "http", 1)) or not url.startswith("ws"):
            raise SlackError("socket", 0, "foreign_url")
        if self._session is None:
            raise NotWritten("the connector is not running")
        connecting = aiohttp.ClientWSTimeout(ws_close=CONNECT)
        async with self._session.ws_connect(
            url, heartbeat=HEARTBEAT, max_msg_size=MAX_FRAME, timeout=connecting
        ) as socket:
            yield socket

    async def _post(
        self, method: str, content: str, kind: str, timeout: float, token: str = ""
    ) -> dict[str, Any]:
        bearer = {"Authorization": f"Bearer {token}"} if token else self._authorization
        headers = {**bearer, "Content-Type": kind}
        async with self._request("POST", method, self._base + method, headers, content, timeout) as answer:
            said = _object(await answer.read())
            if granted := answer.headers.get("X-OAuth-Scopes"):
                self.scopes = tuple(scope.strip() for scope in granted.split(","))
            if answer.status == 200 and said.get("ok") is True:
                return said
            after = _seconds(answer)
            raise SlackError(method, answer.status, _word(said, "error"), after, _word(said, "needed"))

    @asynccontextmanager
    async def _request(
        self,
        verb: str,
        method: str,
        url: str,
        headers: Mapping[str, str],
        content: str | bytes | None,
        timeout: float,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        if self._session is None:
            raise NotWritten("the connector is not running")
        limits = aiohttp.ClientTimeout(total=timeout, connect=min(CONNECT, timeout))
        try:
            async with self._session.request(
                verb, url, data=content, headers=headers, timeout=limits, allow_redirects=False
            ) as answer:
                yield answer
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise NotWritten(type(error).__name__) from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Silent(method, type(error).__name__) from error

    def _is_slacks(self, url: str) -> bool:
        """Only Slack, or this machine when it stands for Slack: addresses in payloads are data."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            return False
        if self._local:
            return parts.scheme == "http" and is_loopback(host)
        ours = (parts.scheme, host, port) == self._home
        return ours or (parts.scheme == "https" and host.endswith(SLACKS) and port in (None, 443))


def _object(content: bytes) -> dict[str, Any]:
    try:
        said = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _word(said: Mapping[str, Any], name: str) -> str:
    value = said.get(name)
    return value[:100] if isinstance(value, str) else ""


def _seconds(answer: aiohttp.ClientResponse) -> float | None:
    """Retry-After in seconds (docs.slack.dev/apis/web-api/rate-limits), None when absent or nonsense."""
    value = answer.headers.get("Retry-After", "")
    return float(value) if value.isascii() and value.isdigit() and len(value) < 7 else None
