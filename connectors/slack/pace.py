"""How fast Slack lets an app speak: about a message a second in a channel, and a number of calls a minute a method.

Source: docs.slack.dev/apis/web-api/rate-limits. What Slack asks to wait for is held back here, too, for the method
or channel that it named, and for nothing else.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from gateway.clock import Clock
from gateway.errors import Retryable

POSTING = "chat.postMessage"
#: Seconds between calls, and how many seconds' worth may come at once.
CHANNEL = (1.0, 4.0)
TIERS = {
    "chat.update": (60 / 50, 30.0),  # tier 3
    "chat.delete": (60 / 50, 30.0),
    "files.getUploadURLExternal": (60 / 100, 30.0),  # tier 4
    "files.completeUploadExternal": (60 / 100, 30.0),
    POSTING: (1 / 10, 5.0),  # several hundred a minute in a workspace
}
#: A longer wait is the outbox's: others go first meanwhile.
LONGEST = 3.0


class Pace:
    """A leaky bucket for each channel and each method of one workspace. `speed`: a multiple of Slack's own limits."""

    def __init__(self, account: str, clock: Clock, speed: float = 1.0) -> None:
        self._account, self._clock, self._speed = account, clock, speed
        self._full: dict[str, datetime] = {}
        self._closed: dict[str, datetime] = {}

    async def turn(self, method: str, channel: str) -> None:
        """Returns when one more call may be made. Raises Retryable when that is not soon."""
        now = self._clock.now()
        rates = {method: TIERS.get(method)} | ({channel: CHANNEL} if method == POSTING else {})
        ready = max((self._ready(name, rate, now) for name, rate in rates.items()), default=now)
        wait = (ready - now).total_seconds()
        if wait > LONGEST:
            slow = channel if self._ready(channel, rates.get(channel), now) == ready else method
            raise Retryable(f"Slack's limit for {method} is reached.", after=wait, bucket=self.bucket(slow))
        for name, rate in rates.items():
            if rate:
                self._full[name] = max(self._full.get(name, now), now) + timedelta(
                    seconds=rate[0] / self._speed
                )
        self._tidy(now)
        await self._clock.sleep_until(ready)

    def close(self, method: str, channel: str, seconds: float) -> str:
        """Slack asked to wait; the name of the bucket that it meant."""
        name = channel if method == POSTING else method
        self._closed[name] = max(self._closed.get(name, self._clock.now()), self._clock.deadline(seconds))
        return self.bucket(name)

    def bucket(self, name: str) -> str:
        """What the outbox holds back: a channel's is its recipient's; a method's stops nothing but the call."""
        return f"slack/{self._account}/{name}"

    def _ready(self, name: str, rate: tuple[float, float] | None, now: datetime) -> datetime:
        closed = max(now, self._closed.get(name, now))
        return max(closed, self._full.get(name, now) - timedelta(seconds=rate[1])) if rate else closed

    def _tidy(self, now: datetime) -> None:
        for kept in (self._full, self._closed):
            if len(kept) > 10_000:
                for name in [name for name, until in kept.items() if until <= now]:
                    del kept[name]
