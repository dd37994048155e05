"""One clock for everything, made in app.py and passed on, so that weeks can be played in seconds."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """What time it is, and waiting until it is later. All times are aware and in UTC."""

    def now(self) -> datetime: ...

    async def sleep_until(self, when: datetime) -> None: ...

    def deadline(self, seconds: float) -> datetime: ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251 - the one place that may ask

    async def sleep_until(self, when: datetime) -> None:
        await asyncio.sleep(max(0.0, (when - self.now()).total_seconds()))

    def deadline(self, seconds: float) -> datetime:
        return self.now() + timedelta(seconds=seconds)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_ms(when: datetime) -> int:
    """Milliseconds since 1970 in UTC, as the database keeps times."""
    return (when - _EPOCH) // timedelta(milliseconds=1)


def from_ms(ms: int) -> datetime:
    """The aware UTC time of to_ms."""
    return _EPOCH + timedelta(milliseconds=ms)
