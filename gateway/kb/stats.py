"""What became of answers: which articles help, which mislead, and who was given one. Folds over what is recorded."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from datetime import datetime
from typing import Any, Protocol

import msgspec

from gateway.clock import to_ms
from gateway.model import Event
from gateway.store.knowledge import Given
from gateway.store.verdicts import PageVerdict

KINDS = ("answered", "helped", "escalated", "withdrawn")

#: States of a message that never reached anybody.
NOT_GIVEN = ("withdrawn", "failed", "held", "queued")


class Source(Protocol):
    """The store, as far as these folds read it."""

    async def events_of(self, kinds: tuple[str, ...], since: int, after: int) -> list[Event]: ...
    async def answers_given(self, article: str, since: int, after: int) -> list[Given]: ...
    async def page_verdicts(self, since: int) -> list[PageVerdict]: ...


class Use(msgspec.Struct, kw_only=True):
    """How one article did. The verdicts never sum to more than `given`."""

    article: str
    given: int = 0
    helped: int = 0  #: "yes, thank you", by button or in words
    misled: int = 0  #: "that did not help"
    person: int = 0  #: asked for a person after it
    page_helped: int = 0  #: readers of its page in the help centre who said that it helped
    page_misled: int = 0  #: ... and that it did not
    last: datetime | None = None
    revisions: set[str] = msgspec.field(default_factory=set)

    @property
    def unknown(self) -> int:
        """Answers after which nothing was said about them."""
        return self.given - self.helped - self.misled - self.person

    @property
    def helpful(self) -> float | None:
        """Share of "yes" among those who said yes or no; None when nobody did."""
        said = self.helped + self.misled
        return self.helped / said if said else None


async def stats(store: Source, since: datetime) -> list[Use]:
    """How every article did that answered or was judged on its page from `since` on, the most misleading first."""
    fold = Fold()
    async for event in _events(store, since):
        fold.take(event)
    for verdict in await store.page_verdicts(to_ms(since)):
        fold.read(verdict)
    used = [use for use in fold.uses.values() if use.given or use.page_helped or use.page_misled]
    return sorted(used, key=lambda u: (-u.misled - u.page_misled, -u.person, -u.given, u.article))


class Fold:
    """Takes events in order; a verdict counts for the articles of the ticket's last answer."""

    def __init__(self) -> None:
        self.uses: dict[str, Use] = {}
        self._waiting: dict[int, tuple[str, ...]] = {}

    def take(self, event: Event) -> None:
        """Counts one event."""
        match event.kind:
            case "answered":
                self._answered(event)
            case "withdrawn":
                self._withdrawn(event)
            case "helped":
                self._verdict(event, "helped")
            case "escalated":
                cause = event.data.get("cause")
                if cause in ("not_helped", "wants_human"):
                    self._verdict(event, "misled" if cause == "not_helped" else "person")
                elif cause != "partly":  # said in the same breath as the answer
                    self._waiting.pop(event.ticket, None)

    def read(self, verdict: PageVerdict) -> None:
        """Counts what readers of a page said."""
        use = self._use(verdict.article)
        use.page_helped += verdict.helped
        use.page_misled += verdict.misled
        use.revisions.add(verdict.revision)

    def _use(self, article: str) -> Use:
        return self.uses.setdefault(article, Use(article=article))

    def _answered(self, event: Event) -> None:
        names = []
        for source in _sources(event):
            use = self._use(source["article"])
            use.given += 1
            use.last = event.at
            use.revisions.add(source.get("revision", ""))
            names.append(use.article)
        self._waiting[event.ticket] = tuple(names)

    def _withdrawn(self, event: Event) -> None:
        """The answer never left: the person wrote more before it could."""
        for name in self._waiting.pop(event.ticket, ()):
            self.uses[name].given -= 1

    def _verdict(self, event: Event, what: str) -> None:
        for name in self._waiting.pop(event.ticket, ()):
            use = self.uses[name]
            setattr(use, what, getattr(use, what) + 1)


def _sources(event: Event) -> Iterable[dict[str, Any]]:
    seen: dict[str, dict[str, Any]] = {}
    for source in event.data.get("sources", ()):
        seen.setdefault(source.get("article", ""), source)
    return seen.values()


async def _events(store: Source, since: datetime) -> AsyncIterator[Event]:
    after = 0
    while page := await store.events_of(KINDS, to_ms(since), after):
        for event in page:
            yield event
        after = page[-1].id


async def told(store: Source, article: str, since: datetime, revision: str = "") -> AsyncIterator[Given]:
    """Who was given `article` from `since` on, in order; with `revision` only that one (a prefix will do)."""
    after = 0
    while page := await store.answers_given(article, to_ms(since), after):
        for given in page:
            if any(name == article and rev.startswith(revision) for name, rev, _ in given.sources):
                yield given
        after = page[-1].id
