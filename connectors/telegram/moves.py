"""Groups that became supergroups: a new id at Telegram, the same conversation for us.

Source: core.telegram.org/bots/api#responseparameters and Message.migrate_to_chat_id.
"""

from __future__ import annotations

from gateway.connector import Host
from gateway.model import Cursor

#: Supergroups and channels have ids below this one, groups above, people positive.
SUPERGROUPS = -1_000_000_000_000
_KNOWN = 10_000


class Moves:
    """The first id of each group (its home, which addresses carry) and the one that Telegram uses now."""

    def __init__(self, account: str, host: Host) -> None:
        self._prefix, self._host = f"telegram/{account}", host
        self._known: dict[str, int] = {}

    async def home(self, chat: int) -> int:
        """The id that addresses of this chat carry. Raises StoreError."""
        return chat if chat >= SUPERGROUPS else await self._look("home", chat)

    async def current(self, home: int) -> int:
        """Where to send what is for this chat. Raises StoreError."""
        return home if home >= 0 or home < SUPERGROUPS else await self._look("now", home)

    async def record(self, old: int, new: int) -> None:
        """Remembers a move for good. Raises StoreError."""
        home = await self.home(old)
        for name, value in ((f"home/{new}", home), (f"now/{home}", new)):
            await self._host.receive([], Cursor(name=f"{self._prefix}/{name}", value=str(value)))
            self._known[name] = value

    async def _look(self, what: str, chat: int) -> int:
        name = f"{what}/{chat}"
        if name in self._known:
            return self._known[name]
        found = await self._host.cursor(f"{self._prefix}/{name}")
        if not found:
            return chat  # not remembered: another replica may learn of a move at any time
        if len(self._known) >= _KNOWN:
            self._known.clear()
        self._known[name] = int(found)
        return self._known[name]
