"""What the Telegram stand-in knows: chats, messages, updates that wait, and how the next calls go wrong."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from gateway.clock import Clock

TOKEN = "700100:AAstandin-secret_token0123456789abcd"
BOT = {"id": 700100, "is_bot": True, "first_name": "Fox", "username": "fox_desk_bot"}


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What the next call of a method meets instead of its answer."""

    status: int = 200
    description: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)
    body: str = ""
    cut: bool = False  # does its work, then closes the connection
    silent: bool = False  # does its work, then never answers
    after_work: bool = False  # does its work and answers: a fault for none
    chat: int = 0  # only calls about this chat meet it, 0 for any


@dataclass(kw_only=True)
class Chat:
    id: int
    type: str = "private"
    name: str = ""
    blocked: bool = False
    kicked: bool = False
    moved_to: int = 0
    topics: set[int] = field(default_factory=set)

    def shown(self) -> dict[str, Any]:
        named = {"first_name": self.name} if self.type == "private" else {"title": self.name}
        return {"id": self.id, "type": self.type, **named, **({"is_forum": True} if self.topics else {})}


@dataclass(kw_only=True)
class Telegram:
    """The state of the service around one bot. `calls` holds (method, arguments) in order."""

    clock: Clock
    api_url: str = ""
    private_groups: bool = True  # BotFather's group privacy
    chats: dict[int, Chat] = field(default_factory=dict)
    messages: dict[tuple[int, int], dict[str, Any]] = field(default_factory=dict)
    updates: list[dict[str, Any]] = field(default_factory=list)
    next_update: int = 500_001
    webhook: dict[str, Any] = field(default_factory=dict)
    webhook_error: str = ""
    answered: int = 0  # 2xx answers of the webhook
    pressed: dict[str, str | None] = field(
        default_factory=dict
    )  # callback id -> text shown, None while it waits
    files: dict[str, tuple[str, bytes, int]] = field(default_factory=dict)
    commands: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    moments: list[float] = field(default_factory=list)  # of each call, seconds
    faults: dict[str, list[Fault]] = field(default_factory=lambda: defaultdict(list))
    news: asyncio.Event = field(default_factory=asyncio.Event)
    polls: int = 0
    asking: int = 0

    def fail(self, method: str, *faults: Fault) -> None:
        """The next calls of this method meet these, in order."""
        self.faults[method] += faults

    def fault_for(self, method: str, given: dict[str, Any]) -> Fault | None:
        """The next fault that this call meets; it is used up."""
        waiting = self.faults[method]
        found = next((f for f in waiting if not f.chat or str(f.chat) == str(given.get("chat_id"))), None)
        if found:
            waiting.remove(found)
        return found

    def methods(self) -> list[str]:
        return [method for method, _ in self.calls]

    def keep(self, chat: Chat, message: dict[str, Any]) -> dict[str, Any]:
        """Gives a message its number in the chat."""
        number = sum(1 for where, _ in self.messages if where == chat.id) + 1
        whole = {
            "message_id": number,
            "date": int(self.clock.now().timestamp()),
            "chat": chat.shown(),
            **message,
        }
        self.messages[chat.id, number] = whole
        return whole

    def push(self, kind: str, content: dict[str, Any]) -> int:
        """A new update; its number."""
        allowed = self.webhook.get("allowed_updates") or [kind]
        if kind in allowed:
            self.updates.append({"update_id": self.next_update, kind: content})
            self.next_update += 1
            self.news.set()
        return self.next_update - 1

    def sent(self, chat: int) -> list[dict[str, Any]]:
        """What the bot has said in a chat, in order."""
        return [
            m for (where, _), m in self.messages.items() if where == chat and m["from"]["id"] == BOT["id"]
        ]


class No(Exception):
    """ok: false with this code and description."""

    def __init__(self, code: int, description: str, **parameters: Any) -> None:
        self.code, self.description, self.parameters = code, description, parameters
        super().__init__(description)
