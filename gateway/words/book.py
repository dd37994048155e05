"""The words that are said now: ours, with the shop's own over them, read again on each edit of its folder.

A bad edit keeps the last good words and says why.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Callable, Collection
from pathlib import Path

from gateway.errors import SettingsError
from gateway.words import Words, load

log = logging.getLogger("deskgate.words")

#: Seconds between two looks at the folder.
LOOK_EVERY = 1.0

State = tuple[tuple[str, int, int], ...]


class Wordbook:
    """Holds the words over one folder of own ones, None for ours alone. Raises SettingsError when bad at the start."""

    def __init__(self, own: Path | None, informal: Collection[str] = ()) -> None:
        self._own, self._informal = own, informal
        self._seen = _state(own)
        self.words = load(own=own, informal=informal)
        self.revision = _revision(own)  #: names the own words, "" without any
        self.problems: list[str] = []
        self.on_change: Callable[[Words], None] | None = None

    async def run(self) -> None:
        """Looks at the folder until cancelled."""
        while self._own is not None:
            await asyncio.sleep(LOOK_EVERY)
            state = await asyncio.to_thread(_state, self._own)
            if state != self._seen:
                self._seen = state
                await asyncio.to_thread(self.reload)

    def reload(self) -> None:
        """Reads the folder now."""
        try:
            words = load(own=self._own, informal=self._informal)
        except SettingsError as error:
            self.problems = [f"{each} The words as they were stay." for each in error.problems]
            for problem in self.problems:
                log.warning("words kept at their last good version: %s", problem)
            return
        self.problems, self.words, self.revision = [], words, _revision(self._own)
        log.info("words reloaded", extra={"revision": self.revision})
        if self.on_change:
            self.on_change(words)


def _files(folder: Path | None) -> list[Path]:
    return sorted(folder.glob("*.toml")) if folder is not None else []


def _state(folder: Path | None) -> State:
    found = []
    for path in _files(folder):
        try:
            seen = path.stat()
        except OSError:
            continue
        found.append((path.name, seen.st_mtime_ns, seen.st_size))
    return tuple(found)


def _revision(folder: Path | None) -> str:
    whole = hashlib.sha256()
    files = _files(folder)
    for path in files:
        try:
            body = path.read_bytes()
        except OSError:
            continue  # gone between two looks; the next look sees it
        whole.update(f"{path.name}\0{hashlib.sha256(body).hexdigest()}\n".encode())
    return whole.hexdigest()[:8] if files else ""
