"""The people in front of the Telegram stand-in: what they type, send, edit and press becomes updates."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from tests.telegram_html import units
from tests.telegram_state import BOT, Chat, Telegram


@dataclass(kw_only=True)
class Person:
    """Somebody with Telegram. Without `chat` they write to the bot in private."""

    telegram: Telegram
    id: int = 4242
    name: str = "Mia"
    language: str = "en"

    @property
    def user(self) -> dict[str, Any]:
        return {"id": self.id, "is_bot": False, "first_name": self.name, "language_code": self.language}

    @property
    def private(self) -> Chat:
        return self.telegram.chats.setdefault(self.id, Chat(id=self.id, name=self.name))

    def says(self, text: str, chat: Chat | None = None, **fields: Any) -> dict[str, Any]:
        """A message, with the entities that Telegram finds by itself."""
        words: dict[str, Any] = {"text": text, "entities": entities(text)} if text else {}
        message = self.telegram.keep(chat or self.private, {"from": self.user, **words, **fields})
        self.telegram.push("message", message)
        return message

    def edits(self, message: dict[str, Any], text: str) -> None:
        message.update(text=text, entities=entities(text), edit_date=message["date"] + 60)
        self.telegram.push("edited_message", dict(message))

    def presses(self, message: dict[str, Any], label: str) -> str:
        """The id of the press. Old clients press buttons that are gone from newer ones."""
        rows = message["reply_markup"]["inline_keyboard"]
        data = next(b["callback_data"] for row in rows for b in row if b["text"] == label)
        query = f"q{self.telegram.next_update}"
        self.telegram.pressed[query] = None
        shown = {**message}
        shown.pop("stored", None)
        self.telegram.push("callback_query", {"id": query, "from": self.user, "message": shown, "data": data})
        return query

    def sends(
        self, kind: str, content: bytes, chat: Chat | None = None, size: int = 0, **fields: Any
    ) -> dict[str, Any]:
        """A file of this kind; `fields` whose names are the file's own go into it, others into the message."""
        file_id = f"F{len(self.telegram.files)}"
        self.telegram.files[file_id] = (
            f"{kind}s/file_{len(self.telegram.files)}",
            content,
            size or len(content),
        )
        own: dict[str, Any] = {
            name: fields.pop(name) for name in ("file_name", "mime_type", "width", "height") if name in fields
        }
        file: dict[str, Any] = {
            "file_id": file_id,
            "file_unique_id": file_id,
            "file_size": size or len(content),
            **own,
        }
        shown: Any = [
            {**file, "file_id": "small", "width": 1, "height": 1},
            {**file, "width": 9, "height": 9},
        ]
        if "caption" in fields:
            fields["caption_entities"] = entities(fields["caption"])
        return self.says("", chat, **{kind: shown if kind == "photo" else file}, **fields)


def entities(text: str) -> list[dict[str, Any]]:
    """core.telegram.org/bots/api#messageentity: mentions, commands and addresses are found in plain text."""
    kinds = (("mention", r"@\w{4,}"), ("bot_command", r"(?<!\S)/\w+(@\w+)?"), ("url", r"https?://\S+"))
    found = [
        {"type": kind, "offset": units(text[: m.start()]), "length": units(m.group())}
        for kind, pattern in kinds
        for m in re.finditer(pattern, text)
    ]
    return sorted(found, key=lambda entity: entity["offset"])


def group(
    telegram: Telegram, number: int = -500, kind: str = "group", topics: set[int] | None = None
) -> Chat:
    """A group that the bot is in."""
    chat = Chat(id=number, type=kind, name="Shoppers", topics=topics or set())
    telegram.chats[number] = chat
    return chat


def migrate(telegram: Telegram, old: Chat, new: int) -> Chat:
    """The group becomes a supergroup: both chats say so, and the old one takes nothing any more."""
    chat = group(telegram, new, "supergroup")
    old.moved_to = new
    system = {"from": {"id": 1, "is_bot": False, "first_name": "Owner"}}
    telegram.push("message", telegram.keep(old, {**system, "migrate_to_chat_id": new}))
    telegram.push("message", telegram.keep(chat, {**system, "migrate_from_chat_id": old.id}))
    return chat


def mention() -> str:
    return f"@{BOT['username']}"
