"""Outgoing messages into Bot API calls, and Telegram's refusals into what the outbox can act upon."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from connectors.telegram.botapi import (
    BadRequest,
    BotApi,
    ChatMigrated,
    Forbidden,
    InputFile,
    InvalidToken,
    RetryAfter,
    TelegramError,
    TimedOut,
    seconds,
    was_sent,
)
from connectors.telegram.buttons import CONTINUE, keyboard, private_link, start_word
from connectors.telegram.cutting import plain
from connectors.telegram.moves import Moves
from connectors.telegram.normalize import NAME, message_key
from connectors.telegram.pace import Pace
from connectors.telegram.steps import MAX_CAPTION, MAX_FILE, MAX_TEXT, Content, Step, parameters, plan
from gateway.clock import Clock
from gateway.connector import FileOf, content_of
from gateway.errors import Retryable, Uncertain, Undeliverable
from gateway.model import Address, Outgoing, Post, Remove, SendKind, Sent

log = logging.getLogger(__name__)


#: What Telegram says in a 403, our word for it, and what the agent should know.
FORBIDDEN: tuple[tuple[str, str, str], ...] = (
    ("blocked by the user", "blocked", "The person has blocked the bot; reach them another way."),
    ("user is deactivated", "deactivated", "The person has deleted their Telegram account."),
    ("kicked", "kicked", "The bot was removed from the group."),
    ("not a member", "kicked", "The bot is no member of the group any more."),
    ("initiate conversation", "not-started", "The person has not begun a chat with the bot."),
)
TOKEN = "Telegram refuses the bot's token: ask BotFather for the current one and set bot_token in the environment."  # noqa: S105
#: Files that Telegram will not take as photos, but as documents (TDLib's and the server's words).
NO_PHOTO = (
    "photo_invalid_dimensions",
    "photo_save_file_invalid",
    "image_process_failed",
    "photo_ext_invalid",
)
_REMEMBERED = 1000


class Sender:
    """Hands the outbox's messages to one bot. `username` is asked for when a link needs it."""

    def __init__(
        self, account: str, key: bytes, api: BotApi, moves: Moves, clock: Clock, file_of: FileOf
    ) -> None:
        self._account, self._key, self._api, self._moves = account, key, api, moves
        self._pace, self._file_of = Pace(clock), file_of
        # What has left of a message of several parts, by outbox id: a second try sends only the rest.
        self._left: dict[int, list[str]] = {}
        self.username = ""

    async def send(self, outgoing: Outgoing) -> Sent:
        """Sends or takes back. Raises Retryable, Undeliverable or Uncertain."""
        match outgoing:
            case Post(card=None):
                return await self._post(outgoing)
            case Remove():
                return await self._remove(outgoing)
            case _:
                raise Undeliverable("unsupported", "Telegram shows no cards of tickets.")

    async def _post(self, post: Post) -> Sent:
        contents, lost = await self._contents(post)
        steps = plan(post, contents, lost)
        if not steps:
            raise Undeliverable("empty", "The message holds nothing that Telegram can show.")
        home, _ = place(post.address)
        chat = await self._moves.current(home)
        if post.kind is SendKind.ANSWER:
            await self._show_typing(post.address, chat)
        ids = self._left.get(post.id, []) if post.id else []
        for number in range(len(ids), len(steps)):
            extras = self._extras(post, chat, first=not number, last=number == len(steps) - 1)
            chat, message = await self._step(post.address, chat, steps[number], extras)
            ids.append(message)
            self._remember(post.id, ids, done=number == len(steps) - 1)
        keys = [message_key(self._account, chat, int(each)) for each in ids]
        # A chat goes on with what was last said in it, also when the ticket came there from a group.
        return Sent(external_ids=tuple(ids), keys=(*keys, f"at:{post.address.key}"))

    def _remember(self, post: int, ids: list[str], *, done: bool) -> None:
        if done or not post:
            self._left.pop(post, None)
        else:
            self._left[post] = ids
        while len(self._left) > _REMEMBERED:
            del self._left[next(iter(self._left))]

    def _extras(self, post: Post, chat: int, *, first: bool, last: bool) -> dict[str, Any]:
        """Where in the chat a part goes: topic, the message it answers, buttons below the last part."""
        _, user = place(post.address)
        extras: dict[str, Any] = {}
        if post.address.thread:
            extras["message_thread_id"] = int(post.address.thread)
        if first and chat < 0 and (answered := _answered(post, self._account, chat)):
            extras["reply_parameters"] = {"message_id": answered, "allow_sending_without_reply": True}
        if last and (buttons := keyboard(post.buttons, user, self._way_out(post, user))):
            extras["reply_markup"] = buttons
        return extras

    def _way_out(self, post: Post, user: int) -> tuple[str, str] | None:
        """In a group the bot's words carry a link by which this person alone goes on in private."""
        if user <= 0 or post.kind is SendKind.AGENT or not self.username:
            return None
        label = CONTINUE.get(post.language, CONTINUE["en"])
        return label, private_link(self.username, start_word(self._key, post.ticket, user))

    async def _step(
        self, address: Address, chat: int, step: Step, extras: Mapping[str, Any]
    ) -> tuple[int, str]:
        """One message; the chat it went to, which may have moved, and its id."""
        method, data = step.method, {**parameters(step), **extras}
        if step.content is not None:
            data["photo" if method == "sendPhoto" else "document"] = _upload(step.content)
        while True:
            await self._pace.turn(chat, bucket(address))
            try:
                sent = await self._api.call(method, chat_id=chat, **data)
                return chat, str(sent["message_id"])
            except ChatMigrated as error:
                await self._moves.record(chat, error.new_chat_id)
                chat = error.new_chat_id
            except BadRequest as error:
                if not (adapted := adapt(error, method, data, step)):
                    raise failure(error, address) from error
                method, data = adapted
            except TelegramError as error:
                raise failure(error, address) from error

    async def _contents(self, post: Post) -> tuple[list[Content], list[str]]:
        """The files with their bytes, and the names of those that cannot be sent."""
        contents, lost = [], []
        for file in post.attachments:
            data = await content_of(file, self._file_of)
            if data and len(data) <= MAX_FILE:
                contents.append(Content(file=file, data=data))
            else:
                lost.append(file.filename)
        return contents, lost

    async def _show_typing(self, address: Address, chat: int) -> None:
        """A courtesy: a failure here is none of the message's."""
        topic = {"message_thread_id": int(address.thread)} if address.thread else {}
        try:
            await self._api.call("sendChatAction", 2.0, chat_id=chat, action="typing", **topic)
        except TelegramError as error:
            log.debug("telegram typing not shown account=%s error=%s", self._account, type(error).__name__)

    async def _remove(self, remove: Remove) -> Sent:
        chat = await self._moves.current(place(remove.address)[0])
        try:
            await self._api.call("deleteMessage", chat_id=chat, message_id=int(remove.external_id))
        except BadRequest as error:
            if "not found" not in error.message.lower():  # gone already is what was wanted
                raise failure(error, remove.address) from error
        except TelegramError as error:
            raise failure(error, remove.address, harmless=True) from error
        return Sent(external_ids=(remove.external_id,))


def place(address: Address) -> tuple[int, int]:
    """The chat and, in a group, the person that an address means. Raises Undeliverable for what is none."""
    chat, _, user = address.conversation.partition(":")
    try:
        return int(chat), int(user or 0)
    except ValueError:
        raise Undeliverable("no-chat", "The address is no chat of Telegram.") from None


def bucket(address: Address) -> str:
    """What the outbox holds back when Telegram limits a chat."""
    return f"{address.connector}/{address.account}/{address.conversation}"


def adapt(
    error: BadRequest, method: str, data: Mapping[str, Any], step: Step
) -> tuple[str, dict[str, Any]] | None:
    """The same call in a form that Telegram takes, once for each reason; None when there is none."""
    said, changed = error.message.lower(), dict(data)  # the library capitalises
    if "can't parse" in said and changed.pop("parse_mode", None):
        field, limit = ("caption", MAX_CAPTION) if "caption" in data else ("text", MAX_TEXT)
        changed[field] = shortened(plain(step.html), limit)
    elif "thread not found" in said and changed.pop("message_thread_id", None):
        pass  # somebody deleted the topic: the group's general one is left
    elif method == "sendPhoto" and step.content and any(word in said for word in NO_PHOTO):
        del changed["photo"]
        return "sendDocument", {**changed, "document": _upload(step.content)}
    else:
        return None
    return method, changed


def shortened(text: str, limit: int) -> str:
    """At most `limit` UTF-16 code units of a text."""
    units = text.encode("utf-16-le", "surrogatepass")
    return text if len(units) <= 2 * limit else units[: 2 * limit - 2].decode("utf-16-le", "ignore") + "…"


def failure(error: TelegramError, address: Address, *, harmless: bool = False) -> Exception:
    """What the outbox should know. `harmless`: doing it twice is the same as doing it once.

    BadRequest and TimedOut are NetworkErrors for the library, so the order matters.
    """
    match error:
        case RetryAfter():
            return Retryable("Telegram limits this chat.", after=seconds(error), bucket=bucket(address))
        case Forbidden():
            return _forbidden(error)
        case InvalidToken():
            return Undeliverable("unauthorized", TOKEN)
        case BadRequest():
            word = "no-chat" if "chat not found" in error.message.lower() else "refused"
            return Undeliverable(word, f"Telegram refused: {error.message[:200]}.")
    if was_sent(error) and not harmless:
        return Uncertain(f"Telegram fell silent while taking the message ({type(error).__name__}).")
    reached = "did not answer in time" if isinstance(error, TimedOut) else "could not be reached or failed"
    return Retryable(f"Telegram {reached}.")


def _forbidden(error: Forbidden) -> Undeliverable:
    for said, word, detail in FORBIDDEN:
        if said in error.message.lower():
            return Undeliverable(word, detail)
    return Undeliverable("forbidden", f"Telegram refused: {error.message[:200]}.")


def _answered(post: Post, account: str, chat: int) -> int:
    """The newest message of this chat that the ticket's leg knows, 0 for none."""
    prefix = f"{NAME}:{account}/{chat}/"
    ids = [key.removeprefix(prefix) for key in post.references if key.startswith(prefix)]
    return next((int(each) for each in reversed(ids) if each.isdigit()), 0)


def _upload(content: Content) -> InputFile:
    return InputFile(content.data, filename=content.file.filename or "file")
