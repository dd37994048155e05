"""How the parts of this process fare: which of them is in trouble, since when and why; when each account was heard."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec

from gateway.clock import Clock

#: A failure that was not repeated for so long says nothing about now.
STALE = timedelta(hours=1)
#: A service's words may name people.
_ADDRESS = re.compile(r"\S+@\S+")


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """Something that does not work now. `reason` is for whoever runs Deskgate: no text of a message, no secret."""

    since: datetime
    reason: str
    seen: datetime  #: when it failed last


class Health:
    """Parts are named by what they do: "email/support receives", "slack/main sends", "database"."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._troubles: dict[str, Trouble] = {}
        self._well: dict[str, datetime] = {}
        self._heard: dict[str, datetime] = {}

    def well(self, part: str) -> None:
        """It has just worked."""
        self._troubles.pop(part, None)
        self._well[part] = self._clock.now()

    def unwell(self, part: str, reason: str) -> None:
        """It has just failed; the first failure in a row says since when."""
        now, known = self._clock.now(), self._troubles.get(part)
        since = known.since if known and now - known.seen <= STALE else now
        said = _ADDRESS.sub("…", reason[:300]).rstrip(".")
        self._troubles[part] = Trouble(since=since, reason=said, seen=now)

    def heard(self, account: str) -> None:
        """An input of this account ("email/support") was taken."""
        self._heard[account] = self._clock.now()

    @property
    def troubles(self) -> Mapping[str, Trouble]:
        now = self._clock.now()
        return {part: trouble for part, trouble in self._troubles.items() if now - trouble.seen <= STALE}

    def worked_since(self, part: str, when: datetime) -> bool:
        """Whether it has worked after this moment."""
        at = self._well.get(part)
        return at is not None and at > when and part not in self._troubles

    def last_heard(self) -> Mapping[str, datetime]:
        return dict(self._heard)
