"""We ask Telegram: one replica at a time, and an update is confirmed only when it is in the ledger."""

from __future__ import annotations

import asyncio
import json
import logging
import random
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any, Self

import msgspec

from connectors.telegram.botapi import BotApi, Conflict, InvalidToken, RetryAfter, TelegramError, seconds
from connectors.telegram.content import brings_file
from connectors.telegram.incoming import Incoming
from connectors.telegram.payloads import read_json
from connectors.telegram.settings import Settings
from gateway.connector import Host, Lease
from gateway.errors import InvalidPayload, StoreError
from gateway.model import Cursor, Delivery

log = logging.getLogger(__name__)

#: The updates we ask for; core.telegram.org/bots/api#update has more.
ALLOWED = ["message", "edited_message", "callback_query"]
#: Updates in one commit, and how many of them may bring a file, so that many are never in memory together.
TOGETHER, WITH_FILES = 50, 4
#: After a week without updates their ids begin anew, maybe lower (core.telegram.org/bots/api#update).
RESTART = timedelta(days=6)
_BACKOFF = (1.0, 60.0)


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """The last update in the ledger, and when it was put there (Unix seconds)."""

    update: int = 0
    at: int = 0

    def text(self) -> str:
        return f"{self.update}@{self.at}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """The position at the first start for "". Raises ValueError for what is none."""
        update, _, at = text.partition("@")
        return cls(update=int(update), at=int(at or 0)) if text else cls()


class Poller:
    """Asks for the updates of one bot while this replica holds its lease. `ours`: our own webhook's address."""

    def __init__(
        self,
        account: str,
        settings: Settings,
        host: Host,
        api: BotApi,
        incoming: Incoming,
        ours: str,
        later: Callable[[Coroutine[Any, Any, None]], None],
    ) -> None:
        self._account, self._settings, self._host = account, settings, host
        self._api, self._incoming, self._ours, self._later = api, incoming, ours, later
        self._cursor = f"telegram/{account}/updates"
        self._troubles = 0

    async def run(self) -> None:
        """Runs until cancelled."""
        while True:
            told = 0.0
            async with self._host.lease(f"{self._cursor}/reader") as lease:
                try:
                    await self._session(lease)
                except (TelegramError, StoreError, ForeignWebhook) as error:
                    self._troubles += 1
                    told = seconds(error) if isinstance(error, RetryAfter) else 0.0
                    self._report(error)
                except Exception:  # the asking never ends for good
                    self._troubles += 1
                    log.exception("telegram %s failed to read its updates", self._account)
            await self._pause(told)

    async def _session(self, lease: Lease) -> None:
        await self._free_of_webhooks()
        await self._incoming.introduced()
        position = Position.parse(await self._host.cursor(self._cursor))
        while lease.held:
            for group in groups(await self._ask(position)):
                position = await self._take(group, position)
            self._troubles = 0
            self._host.fares(f"telegram/{self._account}")

    async def _free_of_webhooks(self) -> None:
        """Telegram gives updates by one way only; what somebody else has set up is left alone."""
        url = str((await self._api.call("getWebhookInfo")).get("url") or "")
        if url and url != self._ours:
            raise ForeignWebhook(url)
        if url:
            await self._api.call("deleteWebhook", drop_pending_updates=False)

    async def _ask(self, position: Position) -> list[Any]:
        wait = self._settings.poll_seconds
        known = self._host.clock.now().timestamp() - position.at < RESTART.total_seconds()
        found = await self._api.call(
            "getUpdates",
            wait + 10.0,
            # Without an offset come those that nobody has confirmed, whatever their numbers.
            offset=position.update + 1 if position.update and known else None,
            timeout=wait,
            limit=100,
            allowed_updates=ALLOWED,
        )
        return found if isinstance(found, list) else []

    async def _take(self, updates: list[Any], position: Position) -> Position:
        """Puts some updates and the new position into one commit. Raises StoreError."""
        read = await asyncio.gather(*(self._read(update) for update in updates))
        numbers = [update.get("update_id") for update in updates if isinstance(update, dict)]
        last = max((n for n in numbers if isinstance(n, int)), default=position.update)
        moved = Position(update=last, at=int(self._host.clock.now().timestamp()))
        deliveries = [delivery for found in read for delivery in found]
        await self._host.receive(deliveries, Cursor(name=self._cursor, value=moved.text()))
        for update, found in zip(updates, read, strict=True):
            if isinstance(update, dict):
                self._later(self._incoming.react(update, taken=bool(found)))
        return moved

    async def _read(self, update: Any) -> list[Delivery]:
        """An update that cannot be read costs none of its neighbours."""
        try:
            if not isinstance(update, dict):
                raise InvalidPayload("an update that is no object")
            # As a webhook would bring it: a character that has no encoding is not worth losing the message.
            raw = json.dumps(update, ensure_ascii=False).encode("utf-8", "replace")
            return await self._incoming.deliveries(read_json(raw), raw)
        except InvalidPayload as error:
            log.warning("telegram update not readable account=%s error=%s", self._account, error)
            return []

    def _report(self, error: Exception) -> None:
        self._host.fares(f"telegram/{self._account}", type(error).__name__)
        match error:
            case ForeignWebhook():
                log.error("telegram %s cannot ask for updates: %s", self._account, error)
            case InvalidToken():
                log.error(
                    "telegram %s: the token is refused, set bot_token to BotFather's current one",
                    self._account,
                )
            case Conflict():
                log.error("telegram %s: another program asks for this bot's updates, stop it", self._account)
            case _:
                log.warning("telegram %s will ask again: %s", self._account, type(error).__name__)

    async def _pause(self, told: float) -> None:
        """Before the next session; `told`: seconds that Telegram asked for at least."""
        first, longest = _BACKOFF
        delay = min(longest, first * 2 ** min(self._troubles - 1, 10)) if self._troubles else 0.0
        clock = self._host.clock
        await clock.sleep_until(clock.deadline(max(told, delay * random.uniform(0.75, 1.25))))


class ForeignWebhook(Exception):
    """Somebody's webhook has the updates of this bot."""

    def __init__(self, url: str) -> None:
        super().__init__(
            f"the bot's webhook leads to {url.partition('?')[0][:200]}. Stop that program, or use a bot of your own; "
            "deleteWebhook of the Bot API ends it."
        )


def groups(updates: list[Any]) -> list[list[Any]]:
    """The updates in order, parted into what goes into one commit."""
    parted: list[list[Any]] = []
    heavy = 0
    for update in updates:
        brings = brings_file(update)
        if not parted or len(parted[-1]) == TOGETHER or heavy + brings > WITH_FILES:
            parted.append([])
            heavy = 0
        parted[-1].append(update)
        heavy += brings
    return parted
