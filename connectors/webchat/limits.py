"""How much one visitor or one source address may send."""

from __future__ import annotations

from datetime import datetime

#: Names remembered before those that have been quiet for a minute are forgotten.
MAX_NAMES = 20_000


class Buckets:
    """Token buckets by name: `per_minute` in the long run, half of that at once."""

    def __init__(self, per_minute: int) -> None:
        self._rate = per_minute / 60
        self._size = max(1.0, per_minute / 2)
        self._level: dict[str, tuple[float, datetime]] = {}

    def take(self, name: str, now: datetime) -> float:
        """Takes one; 0 when there was one, else the seconds until there is."""
        level, at = self._level.get(name, (self._size, now))
        level = min(self._size, level + max(0.0, (now - at).total_seconds()) * self._rate)
        if level < 1:
            return (1 - level) / self._rate
        self._forget(now)
        self._level[name] = (level - 1, now)
        return 0.0

    def _forget(self, now: datetime) -> None:
        if len(self._level) >= MAX_NAMES:
            self._level = {n: v for n, v in self._level.items() if (now - v[1]).total_seconds() < 60}
