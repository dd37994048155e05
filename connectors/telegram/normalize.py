"""Telegram's updates into inputs. Pure: what must be known of the bot comes as a value."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from connectors.telegram import content
from connectors.telegram.buttons import CONTINUE, decode, read_start
from connectors.telegram.content import Spoken
from connectors.telegram.payloads import Callback, Entity, Message, Numbered, Place, Update, User, read
from gateway.errors import InvalidPayload
from gateway.model import Address, Choice, ChoiceAction, Edit, Identity, reference
from gateway.model import Message as Said

NAME = "telegram"

#: A greeting in the person's language: what /start and /help are taken for.
GREETINGS = {"de": "Hallo", "es": "Hola", "sl": "Živjo", "zh-Hans": "你好", "zh-Hant": "你好"}


class Bot(msgspec.Struct, frozen=True, kw_only=True):
    """Who we are, and what is known of chats beside the update itself."""

    account: str
    id: int
    username: str = ""  #: without the @
    key: bytes = b""
    groups: bool = True
    homes: Mapping[int, int] = {}  #: supergroup -> the group it was before
    albums: Collection[str] = ()  #: media groups whose first part spoke to us


def normalize(payload: Mapping[str, Any], now: datetime, bot: Bot) -> list[Said | Edit]:
    """The input in one update, none for what is no business of ours.

    `now` is used where the update names no time. A message of a private chat that is not as documented becomes an
    unreadable one; raises InvalidPayload when not even its sender can be told.
    """
    update = read(payload, Update)
    if update.callback_query is not None:
        return _pressed(update, read(update.callback_query, Callback), now, bot)
    if update.edited_message is not None:
        return _edited(update, read(update.edited_message, Message), now, bot)
    if update.message is not None:
        try:
            message = read(update.message, Message)
        except InvalidPayload:
            return [_unreadable(update, update.message, now, bot)]
        return _heard(update, message, now, bot)
    return []


def migration(payload: Mapping[str, Any]) -> tuple[int, int] | None:
    """The old and the new id of a chat, when this update says that a group became a supergroup."""
    try:
        update = read(payload, Update)
        message = read(update.message, Message) if update.message else None
    except InvalidPayload:
        return None
    if message is None or message.chat.private:
        return None
    if message.migrate_to_chat_id:
        return message.chat.id, message.migrate_to_chat_id
    return (message.migrate_from_chat_id, message.chat.id) if message.migrate_from_chat_id else None


def message_key(account: str, chat: int, message_id: int) -> str:
    """The name of a message, by which a reply to it is recognised."""
    return f"{NAME}:{account}/{chat}/{message_id}"


# ---------------------------------------------------------------- a message


def _heard(update: Update, message: Message, now: datetime, bot: Bot) -> list[Said | Edit]:
    said = content.spoken(message)
    if not _ours(message, said, bot):
        return []
    listed = content.files(message)
    raw = update.message or {}
    unreadable = "" if said.text or listed else content.foreign(raw)
    text = content.described(message)
    if not (said.text or listed or text or unreadable):
        return []  # a service message: somebody joined, a title changed
    command, words = _command(said, bot)
    words = _without_mention(words, bot)
    given = _base(update, message, now, bot)
    given |= {"attachments": content.attachments(listed), "unreadable": unreadable}
    given["text"] = words.markdown() or text
    return [_commanded(given, command, words, message, bot)]


def _commanded(given: dict[str, Any], command: str, words: Spoken, message: Message, bot: Bot) -> Said:
    """/human asks for a person, /start and /help greet unless words follow."""
    rest, language = words.text.strip(), given["language"]
    if command == "human":
        given["choice"] = Choice(action=ChoiceAction.HUMAN)
    elif command == "start" and message.chat.private and rest:
        ticket = read_start(bot.key, rest, message.sender.id if message.sender else 0)
        given |= _continued(ticket, language) if ticket else {"text": GREETINGS.get(language, "Hello")}
    elif command in ("start", "help") and not rest:
        given |= {"text": GREETINGS.get(language, "Hello"), "full_text": f"/{command}"}
    return Said(**given)


def _continued(ticket: int, language: str) -> dict[str, Any]:
    """They came by the link of a group: the ticket goes on here, with a person."""
    return {
        "text": CONTINUE.get(language, CONTINUE["en"]),
        "choice": Choice(action=ChoiceAction.HUMAN, ticket=ticket),
        "refers_to": (f"subj:{reference(ticket)}",),
    }


def _base(update: Update, message: Message, now: datetime, bot: Bot) -> dict[str, Any]:
    sender = _sender(message)
    above = message.reply_to_message
    return {
        "connector": NAME,
        "account": bot.account,
        "delivery_key": str(update.update_id),
        "at": moment(message.date, now),
        "address": address(message, sender, bot),
        "sender": sender,
        "language": language_of(message.sender),
        "message_key": message_key(bot.account, message.chat.id, message.message_id),
        "version": str(message.edit_date or 0),
        "refers_to": (message_key(bot.account, message.chat.id, above.message_id),) if above else (),
        "media_group": message.media_group_id[:100],
        "private": message.chat.private,
        "automatic": "bot" if message.sender and message.sender.is_bot and not message.sender_chat else "",
    }


def _unreadable(update: Update, raw: Mapping[str, Any], now: datetime, bot: Bot) -> Said:
    """A private message that is not as documented, as far as it can be told whose it is. Raises InvalidPayload."""
    chat, sender = read(raw.get("chat"), Place), read(raw.get("from"), Numbered)
    if chat.type != "private":
        raise InvalidPayload("Message: not as documented, and not in a private chat")
    return Said(
        connector=NAME,
        account=bot.account,
        delivery_key=str(update.update_id),
        at=now,
        address=Address(connector=NAME, account=bot.account, conversation=str(chat.id)),
        sender=Identity(kind=NAME, value=str(sender.id), verified=True),
        unreadable="Telegram sent a message that is not as it documents them.",
    )


# ---------------------------------------------------------------- edits and presses


def _edited(update: Update, message: Message, now: datetime, bot: Bot) -> list[Said | Edit]:
    said = content.spoken(message)
    if not _ours(message, said, bot):
        return []
    base = _base(update, message, now, bot)
    shared = {
        k: base[k] for k in ("connector", "account", "delivery_key", "address", "sender", "message_key")
    }
    words = _without_mention(_command(said, bot)[1], bot)
    changed = moment(message.edit_date or message.date, now)
    return [
        Edit(
            **shared, at=changed, version=base["version"], text=words.markdown() or content.described(message)
        )
    ]


def _pressed(update: Update, callback: Callback, now: datetime, bot: Bot) -> list[Said | Edit]:
    press = decode(callback.data)
    if press is None or (press.user and press.user != callback.sender.id):
        return []
    below, sender = callback.message, _person(callback.sender)
    chat = below.chat.id if below else callback.sender.id
    at = Address(connector=NAME, account=bot.account, conversation=str(chat))
    key = message_key(bot.account, chat, below.message_id) if below else ""
    return [
        Said(
            connector=NAME,
            account=bot.account,
            delivery_key=str(update.update_id),
            at=now,  # a press carries no time of its own
            address=address(below, sender, bot) if below else at,
            sender=sender,
            language=language_of(callback.sender),
            text=press.number or _label(callback),
            choice=press.choice,
            message_key=f"{key}/pressed/{callback.sender.id}" if key else "",
            version=callback.data,
            refers_to=(key,) if key else (),
            private=below is None or below.chat.private,
        )
    ]


def others_button(payload: Mapping[str, Any]) -> bool:
    """Whether somebody pressed a button that is for another person of the group."""
    callback = read(payload.get("callback_query"), Callback)
    press = decode(callback.data)
    return press is not None and press.user not in (0, callback.sender.id)


def _label(callback: Callback) -> str:
    rows = (
        callback.message.reply_markup.inline_keyboard
        if callback.message and callback.message.reply_markup
        else []
    )
    return next((b.text for row in rows for b in row if b.callback_data == callback.data), "")


# ---------------------------------------------------------------- is it for us


def _ours(message: Message, said: Spoken, bot: Bot) -> bool:
    """A private chat always is; in a group only what speaks to us."""
    if message.chat.private:
        return message.sender is not None
    if message.chat.type not in ("group", "supergroup") or not bot.groups or message.is_automatic_forward:
        return False
    if message.sender is None and message.sender_chat is None:
        return False
    if message.media_group_id and message.media_group_id in bot.albums:
        return True
    above = message.reply_to_message
    if above and above.sender and above.sender.id == bot.id and above.is_topic_start is None:
        return True
    return bool(_command(said, bot)[0]) or _mention(said, bot) is not None


def _command(said: Spoken, bot: Bot) -> tuple[str, Spoken]:
    """One of our commands at the beginning ("human") and the words behind it; "" when there is none."""
    first = next((e for e in said.entities if e.type == "bot_command" and e.offset == 0), None)
    if first is None:
        return "", said
    name, _, to = said.part(first).lower().removeprefix("/").partition("@")
    if name not in ("start", "help", "human") or (to and to != bot.username.lower()):
        return "", said
    return name, said.without(first)


def _mention(said: Spoken, bot: Bot) -> Entity | None:
    for entity in said.entities:
        if entity.type == "mention" and said.part(entity).lower() == f"@{bot.username.lower()}":
            return entity
        if entity.type == "text_mention" and entity.user is not None and entity.user.id == bot.id:
            return entity
        if entity.type == "bot_command" and said.part(entity).lower().endswith(f"@{bot.username.lower()}"):
            return entity
    return None


def _without_mention(said: Spoken, bot: Bot) -> Spoken:
    named = _mention(said, bot)
    return said.without(named) if named is not None and named.type != "bot_command" else said


# ---------------------------------------------------------------- who and where


def address(message: Message, sender: Identity, bot: Bot) -> Address:
    """A chat with one person. In a group it is that person's own: two people there never share a ticket."""
    home = bot.homes.get(message.chat.id, message.chat.id)
    topic = str(message.message_thread_id) if message.is_topic_message and message.message_thread_id else ""
    conversation = str(home) if message.chat.private else f"{home}:{sender.value}"
    return Address(connector=NAME, account=bot.account, conversation=conversation, thread=topic)


def _sender(message: Message) -> Identity:
    """The person, or the channel or group in whose name somebody speaks."""
    as_chat = message.sender_chat
    if as_chat is not None and not message.chat.private:
        return Identity(kind=NAME, value=str(as_chat.id), name=as_chat.title[:200], verified=True)
    if message.sender is None:
        raise InvalidPayload("Message: nobody sent it")
    return _person(message.sender)


def _person(user: User) -> Identity:
    name = f"{user.first_name} {user.last_name}".strip() or user.username
    return Identity(kind=NAME, value=str(user.id), name=name[:200], verified=True)


def language_of(user: User | None) -> str:
    """The language of the person's Telegram, as our words are named: "sl", "zh-Hant"."""
    code = user.language_code.lower() if user else ""
    base, _, region = code.partition("-")
    if base == "zh":
        return "zh-Hant" if region in ("hant", "tw", "hk", "mo") or region.startswith("hant") else "zh-Hans"
    return base if base.isascii() and base.isalpha() and len(base) <= 3 else ""


def moment(date: int, now: datetime) -> datetime:
    """The end of a Unix second, so that an answer to what we said in it comes after that; `now` for nonsense."""
    try:
        return (
            min(now, datetime.fromtimestamp(date, UTC) + timedelta(microseconds=999_999)) if date > 0 else now
        )
    except (ValueError, OverflowError, OSError):
        return now
