"""The bot that answers now: loaded from the articles, built anew on each edit, never away while that happens."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import date
from pathlib import Path

import msgspec

from bot.answer import Bot
from bot.articles import Library, Problem, load, watch
from gateway.clock import Clock

log = logging.getLogger("deskgate.articles")


class Knowledge:
    """Holds the current snapshot.

    `samples`: whether articles marked as samples may answer; `semantic`: whether encoders may be asked in doubt.
    """

    def __init__(self, folder: Path, clock: Clock, *, samples: bool, semantic: bool = False) -> None:
        self._folder, self._clock, self._samples, self._semantic = folder, clock, samples, semantic
        self._library = load(folder)
        self._bot = self._build()
        self._training: asyncio.Task[None] | None = None
        self.on_change: Callable[[Library], Awaitable[None]] | None = None

    @property
    def bot(self) -> Bot:
        return self._bot

    @property
    def problems(self) -> list[str]:
        """One sentence for each article that is not used, with the remedy."""
        return [_sentence(problem) for problem in self._library.problems]

    async def learn(self) -> None:
        """Works out how sure the present articles make the bot, now instead of in the background."""
        await self._train_now(self._bot)

    async def run(self) -> None:
        """Watches the folder; an edit answers within two seconds, its confidence follows in the background."""
        self._train()
        try:
            await watch(self._folder, self._changed, previous=self._library)
        finally:
            if self._training:
                self._training.cancel()

    async def _changed(self, library: Library) -> None:
        self._library = library
        self._bot = await asyncio.to_thread(self._build)
        for problem in library.problems:
            log.warning("article kept at its last good version: %s", _sentence(problem))
        log.info("articles reloaded", extra={"revision": library.revision, "articles": len(library.articles)})
        self._train()
        if self.on_change:
            await self.on_change(library)

    def _build(self) -> Bot:
        return Bot.build(usable(self._library, samples=self._samples), today=self._today())

    def _today(self) -> date:
        return self._clock.now().date()

    def _train(self) -> None:
        if self._training:
            self._training.cancel()
        self._training = asyncio.create_task(self._train_now(self._bot))

    async def _train_now(self, quick: Bot) -> None:
        trained = await asyncio.to_thread(quick.train)
        if self._bot is not quick:  # an edit meanwhile has its own training
            return
        self._bot = trained
        if self._semantic:
            deeper = await asyncio.to_thread(trained.deepen)
            if self._bot is trained:
                self._bot = deeper


def usable(library: Library, *, samples: bool) -> Library:
    """The library without sample articles, unless they may answer."""
    if samples:
        return library
    return msgspec.structs.replace(library, articles=tuple(a for a in library.articles if not a.sample))


def _sentence(problem: Problem) -> str:
    return f"{problem.path}: {problem.problem} {problem.remedy}"
