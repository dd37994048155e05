"""Wakes whoever listens to a topic in this process. A topic carries no content: listeners read the store.

The store rings it after each commit; over PostgreSQL the other replicas' commits ring it too.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Bell:
    """Topics and who listens to them; belongs to one event loop."""

    def __init__(self) -> None:
        self._listeners: dict[str, set[asyncio.Queue[str]]] = {}

    def ring(self, topic: str) -> None:
        """Wakes the listeners of this topic, each once per topic until it has looked."""
        for queue in self._listeners.get(topic, ()):
            queue.put_nowait(topic)

    @asynccontextmanager
    async def listen(self, *topics: str) -> AsyncIterator[AsyncIterator[str]]:
        """The topics as they ring while inside; what rings between two looks is not lost."""
        queue: asyncio.Queue[str] = asyncio.Queue()
        for topic in topics:
            self._listeners.setdefault(topic, set()).add(queue)
        try:
            yield _drain(queue)
        finally:
            for topic in topics:
                self._listeners[topic].discard(queue)
                if not self._listeners[topic]:
                    del self._listeners[topic]


async def _drain(queue: asyncio.Queue[str]) -> AsyncIterator[str]:
    while True:
        topic = await queue.get()
        # A busy topic rings many times before a slow listener looks; once is enough.
        seen = {topic}
        yield topic
        while not queue.empty():
            if (more := queue.get_nowait()) not in seen:
                seen.add(more)
                yield more
