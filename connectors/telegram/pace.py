"""How fast Telegram lets a bot speak: 30 messages a second in all, one to a person, 20 a minute to a group.

Source: core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from gateway.clock import Clock
from gateway.errors import Retryable

#: Seconds between messages, and how many seconds' worth may come at once.
ALL, PERSON, GROUP = (1 / 30, 0.5), (1.0, 3.0), (3.0, 12.0)
#: A longer wait is the outbox's: others go first meanwhile.
LONGEST = 5.0


class Pace:
    """Waits as long as the limits ask; a leaky bucket for the account and one for each chat."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._full: dict[int, datetime] = {}  # 0 stands for the account

    async def turn(self, chat: int, bucket: str) -> None:
        """Returns when one more message may go to this chat. Raises Retryable when that is not soon."""
        now = self._clock.now()
        ready = max(self._ready(0, ALL, now), self._ready(chat, GROUP if chat < 0 else PERSON, now))
        wait = (ready - now).total_seconds()
        if wait > LONGEST:
            raise Retryable("Telegram's limit for this chat is reached.", after=wait, bucket=bucket)
        self._take(0, ALL, now)
        self._take(chat, GROUP if chat < 0 else PERSON, now)
        await self._clock.sleep_until(ready)

    def _ready(self, chat: int, rate: tuple[float, float], now: datetime) -> datetime:
        return max(now, self._full.get(chat, now) - timedelta(seconds=rate[1]))

    def _take(self, chat: int, rate: tuple[float, float], now: datetime) -> None:
        if len(self._full) > 10_000:
            self._full = {known: full for known, full in self._full.items() if full > now}
        self._full[chat] = max(self._full.get(chat, now), now) + timedelta(seconds=rate[0])
