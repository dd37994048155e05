"""What a visitor may do, whichever way they are connected: say, press, leave an address, read on."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from connectors.webchat import wire
from connectors.webchat.limits import Buckets
from connectors.webchat.settings import Settings
from connectors.webchat.tokens import Purpose, new_visitor, read, sign
from gateway.connector import Host
from gateway.errors import Refused, Retryable
from gateway.model import Address, Attachment, Delivery, Entry, History, Message

#: Entries of one read, and reads of one conversation: what lies beyond is not shown.
PAGE, MAX_PAGES = 200, 10


class Visits:
    """The visitors of one account."""

    def __init__(self, account: str, settings: Settings, key: bytes, host: Host) -> None:
        self.account, self.settings, self.host = account, settings, host
        self._key = key
        self._visitors = Buckets(settings.messages_per_minute)
        self._sources = Buckets(settings.address_per_minute)
        self._sessions = Buckets(settings.sessions_per_minute)
        self._signals = Buckets(600)

    def begin(self, source: str, resume: str = "") -> str:
        """A token for a new visitor, or for the one whom a mailed link names. Raises Retryable, Refused."""
        now = self.host.clock.now()
        _spend(self._sessions.take(source, now))
        visitor = new_visitor()
        if resume:
            visitor = read(self._key, Purpose.RESUME, resume, now, timedelta(days=self.settings.resume_days))
        if not visitor:
            raise Refused("This link has expired. Write to us here and we will find your case.")
        return sign(self._key, Purpose.VISIT, visitor, now)

    def who(self, token: str) -> str:
        """The visitor id of a token. Raises Refused."""
        valid = timedelta(days=self.settings.visitor_days)
        visitor = read(self._key, Purpose.VISIT, token, self.host.clock.now(), valid)
        if not visitor:
            raise Refused("This chat is no longer known here.")
        return visitor

    def address(self, visitor: str) -> Address:
        return Address(connector=wire.NAME, account=self.account, conversation=visitor)

    async def take(self, spoken: wire.Spoken, visitor: str, source: str, raw: bytes) -> None:
        """Hands what was said to the core. Raises InvalidPayload, Retryable, StoreError."""
        self._spend(visitor, source)
        now = self.host.clock.now()
        message = wire.normalize(
            spoken, visitor=visitor, here=self.address(visitor), now=now,
            link=self._link(visitor), mail=self.settings.email_account,
        )  # fmt: skip
        await self._receive(message, raw)

    async def take_file(self, file: Attachment, client: str, visitor: str, source: str) -> None:
        """Hands an uploaded file to the core. Raises Retryable, StoreError."""
        self._spend(visitor, source)
        here, now = self.address(visitor), self.host.clock.now()
        await self._receive(wire.file_message(file, client, visitor=visitor, here=here, now=now), b"")

    async def history(self, visitor: str, after: int = 0) -> list[Entry]:
        """The visitor's own conversation behind the entry `after`, oldest first."""
        entries: list[Entry] = []
        for _ in range(MAX_PAGES):
            query = History(
                address=self.address(visitor), after=entries[-1].id if entries else after, limit=PAGE
            )
            page = await self.host.history(query)
            entries += page
            if len(page) < PAGE:
                break
        return entries

    async def shown(self, visitor: str, after: int = 0) -> list[dict[str, Any]]:
        return wire.show(await self.history(visitor, after), visitor)

    async def file(self, visitor: str, sha256: str) -> tuple[bytes, str]:
        """Content and name of a file in the visitor's own history. Raises Refused."""
        lines = await self.shown(visitor)
        names = {file["sha256"]: file["name"] for line in lines for file in line["attachments"]}
        if not sha256 or sha256 not in names:
            raise Refused("There is no such file in this chat.")
        return await self.host.file(sha256), names[sha256]

    def seen(self, visitor: str, frame: wire.Seen) -> None:
        """The browser shows these sends. The topic names the visitor, so that no one reports for another."""
        if self._signals.take(visitor, self.host.clock.now()):
            return
        for send in frame.ids:
            self.host.publish(seen_topic(visitor, send))

    def typing(self, visitor: str) -> None:
        if not self._signals.take(visitor, self.host.clock.now()):
            self.host.publish(f"typing/requester/{self.address(visitor).key}")

    def _spend(self, visitor: str, source: str) -> None:
        now = self.host.clock.now()
        _spend(self._visitors.take(visitor, now))
        _spend(self._sources.take(source, now))

    def _link(self, visitor: str) -> str:
        return f"/chat?resume={sign(self._key, Purpose.RESUME, visitor, self.host.clock.now())}"

    async def _receive(self, message: Message, raw: bytes) -> None:
        await self.host.receive([Delivery(input=message, raw=raw)])


def seen_topic(visitor: str, send: int) -> str:
    """Published when a browser of this visitor shows the outbox row `send`."""
    return f"seen/{visitor}/{send}"


def _spend(wait: float) -> None:
    if wait:
        raise Retryable("That was a lot at once. Please wait a moment.", after=wait)
