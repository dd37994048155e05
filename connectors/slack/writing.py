"""Who has a reply form open on which ticket, as far as this replica knows: a courtesy; the core settles the rest."""

from __future__ import annotations

from datetime import datetime, timedelta

from gateway.clock import Clock

LASTS = timedelta(minutes=10)
MAX_KEPT = 2000


class Writing:
    """Remembers for ten minutes who began to answer."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: dict[int, dict[str, tuple[datetime, str]]] = {}

    def begins(self, ticket: int, user: str, name: str) -> None:
        """This person opened the reply form."""
        if len(self._kept) >= MAX_KEPT:
            self._kept.pop(next(iter(self._kept)))
        self._kept.setdefault(ticket, {})[user] = (self._clock.now(), name)

    def ends(self, ticket: int, user: str) -> None:
        """They sent it."""
        self._kept.get(ticket, {}).pop(user, None)

    def beside(self, ticket: int, user: str) -> str:
        """A line about the others who are at it, "" for nobody."""
        since = self._clock.now() - LASTS
        people = [
            name for who, (at, name) in self._kept.get(ticket, {}).items() if who != user and at > since
        ]
        if not people:
            return ""
        verb = "are" if len(people) > 1 else "is"
        return f"{' and '.join(people)} {verb} writing an answer to this ticket too."
