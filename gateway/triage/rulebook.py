"""The rules that decide now: read at the start and on each edit; a bad edit keeps the last good ones and says why."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection
from pathlib import Path

from gateway.errors import SettingsError
from gateway.triage.rules import Rules, load

log = logging.getLogger("deskgate.rules")

#: Seconds between two looks at the file.
LOOK_EVERY = 1.0


class Rulebook:
    """Holds the rules of one file, none without a file. Raises SettingsError when it is bad at the start."""

    def __init__(
        self, path: Path | None, queues: Collection[str], slas: Collection[str] | None = None
    ) -> None:
        self._path, self._queues, self._slas = path, queues, slas
        self._seen = _state(path) if path else (0, 0)
        self.rules = load(path, queues, slas) if path else Rules()
        self.problems: list[str] = []
        self.on_change: Callable[[Rules], None] | None = None

    async def run(self) -> None:
        """Looks at the file until cancelled."""
        while self._path is not None:
            await asyncio.sleep(LOOK_EVERY)
            state = await asyncio.to_thread(_state, self._path)
            if state != self._seen:
                self._seen = state
                await asyncio.to_thread(self.reload)

    def other(self, path: Path) -> Rules:
        """The rules of another file, checked against the same queues; nothing is taken over. Raises SettingsError."""
        return load(path, self._queues, self._slas)

    def reload(self) -> None:
        """Reads the file now."""
        if self._path is None:
            return
        try:
            rules = load(self._path, self._queues, self._slas)
        except SettingsError as error:
            self.problems = [
                f"{each} The rules of revision {self.rules.revision} stay." for each in error.problems
            ]
            for problem in self.problems:
                log.warning("rules kept at their last good version: %s", problem)
            return
        self.problems, self.rules = [], rules
        log.info("rules reloaded", extra={"revision": rules.revision, "rules": len(rules.rules)})
        if self.on_change:
            self.on_change(rules)


def _state(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_size
