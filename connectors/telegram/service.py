"""One bot while the program runs: its connection, its name, and whichever way updates come in."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from connectors.telegram.botapi import BotApi, InvalidToken, RetryAfter, TelegramError, seconds
from connectors.telegram.incoming import Incoming
from connectors.telegram.moves import Moves
from connectors.telegram.polling import ALLOWED, Poller
from connectors.telegram.sending import Sender
from connectors.telegram.settings import Mode, Settings
from connectors.telegram.webhook import Webhook, secret_of
from gateway.connector import Host

log = logging.getLogger(__name__)

#: What the menu beside the text field offers, by language ("" for all others).
COMMANDS = {
    "": ("Ask a question", "What this bot can do", "Talk to a person"),
    "sl": ("Postavi vprašanje", "Kaj zna ta bot", "Govori s človekom"),
    "zh": ("提问", "使用帮助", "转人工"),
    "de": ("Eine Frage stellen", "Was dieser Bot kann", "Mit einem Menschen sprechen"),
    "es": ("Hacer una pregunta", "Qué puede hacer este bot", "Hablar con una persona"),
}


def webhook_url(public_url: str, account: str) -> str:
    """Where Telegram is to call."""
    return f"{public_url}/telegram/{account}"


class Service:
    """Made when the account starts; `webhook.handle` and `sender.send` are its doors."""

    def __init__(self, account: str, settings: Settings, key: bytes, host: Host) -> None:
        self._account, self._settings, self._key, self._host = account, settings, key, host
        self._api = BotApi(settings)
        moves = Moves(account, host)
        self.incoming = Incoming(account, settings, key, host, self._api, moves)
        self.sender = Sender(account, key, self._api, moves, host.clock, host.file)
        self.webhook = Webhook(account, secret_of(key), host, self.incoming, self._later)
        self._url = webhook_url(host.public_url, account)
        self._tasks: set[asyncio.Task[None]] = set()
        self._forever: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begins to work; returns at once, whether or not Telegram can be reached."""
        self._forever.append(asyncio.create_task(self._introduce()))
        if self._settings.mode is Mode.POLLING:
            poller = Poller(
                self._account, self._settings, self._host, self._api, self.incoming, self._url, self._later
            )
            self._forever.append(asyncio.create_task(poller.run()))

    async def stop(self) -> None:
        """Ends the asking; what was promised after an answer is finished or given up."""
        for task in self._forever:
            task.cancel()
        await asyncio.gather(*self._forever, return_exceptions=True)
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=2)
            for task in late:
                task.cancel()
        await self._api.close_connections()

    async def _introduce(self) -> None:
        """Learns our own name, offers the commands, and in webhook mode tells Telegram where to call."""
        wait = 1.0
        while True:
            try:
                await self._introduced()
            except TelegramError as error:
                self._report(error)
                wait = seconds(error) if isinstance(error, RetryAfter) else min(60.0, wait * 2)
            else:
                return
            await self._host.clock.sleep_until(self._host.clock.deadline(wait))

    async def _introduced(self) -> None:
        me = await self._api.call("getMe")
        self.sender.username = str(me.get("username") or "")
        if self._settings.mode is Mode.WEBHOOK:
            await self._api.call(
                "setWebhook",
                url=self._url,
                secret_token=secret_of(self._key),
                allowed_updates=ALLOWED,
                max_connections=self._settings.max_connections,
            )
        self.incoming.introduce(self.sender.username)
        log.info("telegram %s is up as @%s by %s", self._account, self.incoming.username, self._settings.mode)
        for language, words in COMMANDS.items():
            commands = [
                {"command": name, "description": said}
                for name, said in zip(("start", "help", "human"), words, strict=True)
            ]
            await self._api.call("setMyCommands", commands=commands, language_code=language or None)

    def _report(self, error: TelegramError) -> None:
        if isinstance(error, InvalidToken):
            log.error(
                "telegram %s: the token is refused, set bot_token to BotFather's current one", self._account
            )
        elif "webhook" in error.message.lower() or "https" in error.message.lower():
            log.error(
                "telegram %s: Telegram refuses the webhook: %s. site.public_url must be https and reachable.",
                self._account, error.message[:200],
            )  # fmt: skip
        else:
            log.warning("telegram %s will connect again: %s", self._account, type(error).__name__)

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
