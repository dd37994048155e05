"""The Bot API through python-telegram-bot, whose import costs 35 MB: only a running account imports this.

The token is in every address, so the libraries' own logs of them stay off, as do their logs of parameters.
"""

from __future__ import annotations

import logging
import os
from typing import Any

# Seconds as timedelta, the form of the next major version; else every 429 costs a deprecation warning.
os.environ.setdefault("PTB_TIMEDELTA", "1")

import httpx
from telegram import Bot, InputFile
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
    TimedOut,
)
from telegram.request import HTTPXRequest

from connectors.telegram.settings import Settings

__all__ = [
    "BadRequest",
    "BotApi",
    "ChatMigrated",
    "Conflict",
    "Forbidden",
    "InputFile",
    "InvalidToken",
    "NetworkError",
    "RetryAfter",
    "TelegramError",
    "TimedOut",
    "seconds",
    "was_sent",
]

CONNECT, READ, UPLOAD = 5.0, 15.0, 30.0  #: seconds
#: Chatty in ways that must not reach a log: addresses with the token, people's words in parameters and in answers
#: that are no JSON. What goes wrong is an exception too, and logged by us.
for _name, _level in (
    ("httpx", logging.WARNING),
    ("httpcore", logging.WARNING),
    ("telegram", logging.CRITICAL),
):
    logging.getLogger(_name).setLevel(_level)


class BotApi(Bot):
    """One bot. `call` gives Telegram's own JSON, so that what the library cannot parse loses no neighbour."""

    def __init__(self, settings: Settings) -> None:
        def request(pool: int) -> HTTPXRequest:
            return HTTPXRequest(
                connection_pool_size=pool,
                connect_timeout=CONNECT,
                read_timeout=READ,
                write_timeout=READ,
                pool_timeout=READ,
                media_write_timeout=UPLOAD,
            )

        super().__init__(
            settings.bot_token.get_secret_value(),
            base_url=f"{settings.api_url}/bot",
            base_file_url=f"{settings.api_url}/file/bot",
            request=request(64),
            get_updates_request=request(1),
        )

    async def call(self, method: str, within: float = READ, **data: Any) -> Any:
        """The result of a method; `within`: seconds to wait for it. Raises TelegramError."""
        try:
            return await self._post(method, data, read_timeout=within)
        except (KeyError, TypeError) as error:  # a 200 that is not Telegram's: a proxy's page, say
            raise NetworkError("The answer was not Telegram's.") from error

    async def download(self, file_id: str) -> bytes:
        """A file of at most 20 MB. Its address holds the token: it is used here and kept nowhere."""
        found = await self.call("getFile", file_id=file_id)
        path = found.get("file_path") if isinstance(found, dict) else None
        if not isinstance(path, str) or not path:
            raise BadRequest("Telegram names no place for this file")
        return await self.request.retrieve(f"{self.base_file_url}/{path}", read_timeout=READ)

    async def close_connections(self) -> None:
        for request in self._request:
            await request.shutdown()


def seconds(error: RetryAfter) -> float:
    """How long Telegram asks us to wait."""
    after = error.retry_after
    return float(after) if isinstance(after, int) else after.total_seconds()


def was_sent(error: TelegramError) -> bool:
    """Whether the request may have reached Telegram before the connection failed."""
    cause = error.__cause__
    if isinstance(
        cause, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout | httpx.UnsupportedProtocol
    ):
        return False
    return isinstance(error, TimedOut) or isinstance(cause, httpx.HTTPError)
