"""Wakes whoever listens to a topic in this process. A topic carries no content: listeners read the store.

The store rings it after each commit; over PostgreSQL the other replicas' commits ring it too.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

#: Rung when rings may have been lost, such as after a reconnect.
EVERYTHING = "*"


class Rings:
    """The topics that rang for one listener, each once until it has looked."""

    def __init__(self) -> None:
        self._rung: dict[str, None] = {}
        self._wake = asyncio.Event()

    def add(self, topic: str) -> None:
        self._rung[topic] = None
        self._wake.set()

    def __aiter__(self) -> Rings:
        return self

    async def __anext__(self) -> str:
        # Not a generator: a cancelled wait (a timeout) must leave the listener alive.
        await self._wake.wait()
        topic = next(iter(self._rung))
        del self._rung[topic]
        if not self._rung:
            self._wake.clear()
        return topic

    async def wait(self, seconds: float) -> None:
        """Returns at the next ring, or after this long."""
        try:
            async with asyncio.timeout(seconds):
                await anext(self)
        except TimeoutError:
            pass


class Bell:
    """Topics and who listens to them; belongs to one event loop."""

    def __init__(self) -> None:
        self._listeners: dict[str, set[Rings]] = {}

    def ring(self, topic: str) -> None:
        """Wakes the listeners of this topic; EVERYTHING wakes each listener for all that it listens to."""
        for name in tuple(self._listeners) if topic == EVERYTHING else (topic,):
            for rings in self._listeners.get(name, ()):
                rings.add(name)

    @asynccontextmanager
    async def listen(self, *topics: str) -> AsyncIterator[Rings]:
        """The topics as they ring while inside; what rings between two looks is not lost."""
        rings = Rings()
        for topic in topics:
            self._listeners.setdefault(topic, set()).add(rings)
        try:
            yield rings
        finally:
            for topic in topics:
                self._listeners[topic].discard(rings)
                if not self._listeners[topic]:
                    del self._listeners[topic]
