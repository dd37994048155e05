"""How often one source may try something that must not be guessed."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta

#: Names remembered before the oldest are forgotten.
MAX_NAMES = 10_000


class Throttle:
    """At most `times` within `window` for each name."""

    def __init__(self, times: int, window: timedelta) -> None:
        self._times, self._window = times, window
        self._tries: dict[str, deque[datetime]] = {}

    def allows(self, name: str, now: datetime) -> bool:
        """Counts a try and says whether it may go ahead."""
        tries = self._tries.setdefault(name, deque())
        while tries and now - tries[0] > self._window:
            tries.popleft()
        if len(tries) >= self._times:
            return False
        tries.append(now)
        if len(self._tries) > MAX_NAMES:
            del self._tries[next(iter(self._tries))]
        return True
