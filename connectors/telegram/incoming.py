"""From an update to the ledger: who it is from, its files while they can be had, and what Telegram is told after."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Mapping
from typing import Any

import msgspec

from connectors.telegram import content
from connectors.telegram.botapi import BadRequest, BotApi, RetryAfter, TelegramError, seconds
from connectors.telegram.content import Listed
from connectors.telegram.moves import Moves
from connectors.telegram.normalize import Bot, migration, normalize, others_button
from connectors.telegram.payloads import Message, Update, read
from connectors.telegram.settings import Settings
from gateway.connector import Host
from gateway.errors import InvalidPayload
from gateway.model import Attachment, Delivery
from gateway.model import Message as Said

log = logging.getLogger(__name__)

#: Seconds for all files of one message. Telegram waits a minute for the answer to a webhook.
BUDGET = 20.0
TRIES = 2
PAUSE = 0.5  #: seconds between them, where Telegram does not say how long
NOT_YOURS = {
    "en": "These buttons are for the person who asked.",
    "sl": "Ti gumbi so za osebo, ki je vprašala.",
    "zh": "这些按钮只供提问者使用。",
    "de": "Diese Knöpfe sind für die Person, die gefragt hat.",
    "es": "Estos botones son para quien preguntó.",
}


class Incoming:
    """Reads the updates of one bot; `username` is "" until Telegram has told it."""

    def __init__(
        self, account: str, settings: Settings, key: bytes, host: Host, api: BotApi, moves: Moves
    ) -> None:
        self._account, self._settings, self._key = account, settings, key
        self._host, self._api, self._moves = host, api, moves
        self._albums: deque[str] = deque(maxlen=200)
        self.username = ""
        self._named = asyncio.Event()

    def introduce(self, username: str) -> None:
        """Our own name decides which messages of a group are for us."""
        self.username = username
        self._named.set()

    async def introduced(self) -> None:
        """Returns once our name is known."""
        await self._named.wait()

    async def deliveries(self, payload: Mapping[str, Any], raw: bytes) -> list[Delivery]:
        """What goes into the ledger for one update. Raises InvalidPayload, StoreError."""
        if moved := migration(payload):
            await self._moves.record(*moved)
        now = self._host.clock.now()
        inputs = normalize(payload, now, await self._bot(chat_of(payload)))
        found: list[Delivery] = []
        for each in inputs:
            if isinstance(each, Said):
                if each.media_group:
                    self._albums.append(each.media_group)
                if each.attachments:
                    each = msgspec.structs.replace(each, attachments=await self._fetched(payload))
            found.append(Delivery(input=each, raw=raw))
        return found

    async def _bot(self, chat: int) -> Bot:
        return Bot(
            account=self._account,
            id=self._settings.bot_id,
            username=self.username,
            key=self._key,
            groups=self._settings.groups,
            homes={chat: await self._moves.home(chat)},
            albums=frozenset(self._albums),
        )

    # ------------------------------------------------------------ files

    async def _fetched(self, payload: Mapping[str, Any]) -> tuple[Attachment, ...]:
        listed = content.files(read(read(payload, Update).message, Message))
        work = [asyncio.create_task(self._fetch(each)) for each in listed]
        await asyncio.wait(work, timeout=BUDGET)
        for task in work:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)
        return tuple(_result(task, each) for task, each in zip(work, listed, strict=True))

    async def _fetch(self, listed: Listed) -> Attachment:
        """The file with its bytes, or the reason why it stayed in Telegram."""
        file, limit = listed.attachment, self._settings.file_limit
        if file.size > limit:
            return _left(
                file, f"larger than the {limit // 1_000_000} MB that a bot is handed; it is in Telegram"
            )
        for left in reversed(range(TRIES)):
            try:
                data = await self._api.download(listed.file_id)
            except BadRequest as error:
                large = "too big" in error.message.lower()
                return _left(file, "too large for a bot; it is in Telegram" if large else _FAILED)
            except TelegramError as error:
                log.warning(
                    "telegram file not fetched account=%s error=%s", self._account, type(error).__name__
                )
                if left:
                    await asyncio.sleep(seconds(error) if isinstance(error, RetryAfter) else PAUSE)
                continue
            if len(data) > limit:
                return _left(file, "larger than it said; it is in Telegram")
            return msgspec.structs.replace(file, content=data, size=len(data), skipped="")
        return _left(file, _FAILED)

    # ------------------------------------------------------------ what Telegram is told

    async def react(self, payload: Mapping[str, Any], *, taken: bool) -> None:
        """Ends the waiting of a pressed button and, once it is taken, removes the buttons. Never fails."""
        press = payload.get("callback_query")
        if not isinstance(press, dict) or not isinstance(press.get("id"), str):
            return
        try:
            line = _not_yours(press) if others_button(payload) else ""
            await self._api.call("answerCallbackQuery", callback_query_id=press["id"], text=line or None)
            below = press.get("message")
            if taken and not line and isinstance(below, dict) and below.get("date"):
                await self._api.call(
                    "editMessageReplyMarkup",
                    chat_id=below["chat"]["id"],
                    message_id=below["message_id"],
                    reply_markup={"inline_keyboard": []},
                )
        except (TelegramError, InvalidPayload) as error:
            log.info("telegram press not answered account=%s error=%s", self._account, type(error).__name__)


_FAILED = "could not be fetched; it is in Telegram"


def _left(file: Attachment, reason: str) -> Attachment:
    return msgspec.structs.replace(file, skipped=reason)


def _result(task: asyncio.Task[Attachment], listed: Listed) -> Attachment:
    if task.cancelled() or task.exception() is not None:
        return _left(listed.attachment, _FAILED)
    return task.result()


def _not_yours(press: Mapping[str, Any]) -> str:
    language = str(press.get("from", {}).get("language_code", "")).partition("-")[0]
    return NOT_YOURS.get(language, NOT_YOURS["en"])


def chat_of(payload: Mapping[str, Any]) -> int:
    """The chat of an update, 0 when it names none."""
    for name in ("message", "edited_message", "callback_query"):
        part = payload.get(name)
        if name == "callback_query" and isinstance(part, dict):
            part = part.get("message")
        chat = part.get("chat") if isinstance(part, dict) else None
        number = chat.get("id") if isinstance(chat, dict) else None
        if isinstance(number, int) and abs(number) <= 2**53:
            return number
    return 0


def in_group(payload: Mapping[str, Any]) -> bool:
    return chat_of(payload) < 0
