"""How many requests a key may make, and how many wrong keys an address may try."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

#: Names remembered before those that have been quiet for a minute are forgotten.
MAX_NAMES = 20_000


class Buckets:
    """Token buckets by name: `per_minute` in the long run, half of that at once."""

    def __init__(self, per_minute: int, now: Callable[[], datetime]) -> None:
        self._rate, self._size, self._now = per_minute / 60, max(1.0, per_minute / 2), now
        self._level: dict[str, tuple[float, datetime]] = {}

    def wait(self, name: str) -> float:
        """Seconds until there is one to take, 0 when there is; nothing is taken."""
        level = self._left(name)
        return 0.0 if level >= 1 else (1 - level) / self._rate

    def take(self, name: str) -> float:
        """Takes one; 0 when there was one, else the seconds until there is."""
        if wait := self.wait(name):
            return wait
        if len(self._level) >= MAX_NAMES:
            now = self._now()
            self._level = {n: v for n, v in self._level.items() if (now - v[1]).total_seconds() < 60}
        self._level[name] = (self._left(name) - 1, self._now())
        return 0.0

    def _left(self, name: str) -> float:
        level, at = self._level.get(name, (self._size, self._now()))
        return min(self._size, level + max(0.0, (self._now() - at).total_seconds()) * self._rate)
