"""`/deskgate`: search, ticket, mine, team, practice, glossary, help. The answer is seen by its asker only.

Source: docs.slack.dev/interactivity/implementing-slash-commands. A command does not work inside a thread;
the card's buttons and the message's shortcut do.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from connectors.slack.acting import Core
from connectors.slack.blocks import Block, brief, context, section, words
from connectors.slack.guidance import glossary_blocks, help_blocks
from connectors.slack.help_texts import FILTERS
from connectors.slack.lists import queue_lines, team_blocks, ticket_block
from connectors.slack.memory import Memory
from connectors.slack.payloads import SlashCommand
from connectors.slack.people import Person
from connectors.slack.practice import practice_blocks
from connectors.slack.telling import as_text
from connectors.slack.tickets import ticket_blocks
from gateway.clock import Clock
from gateway.errors import Refused
from gateway.model import Verb
from gateway.overviews import MyDesk, Search, TeamDesk

SAID = 4  #: lines of a conversation that are shown
ROOM = 1200  #: bytes for each of them
ON_TICKET = (
    (Verb.CLAIM, "Claim"),
    (Verb.REPLY, "Reply…"),
    (Verb.RESOLVE, "Resolve"),
    (Verb.REOPEN, "Reopen"),
)


class Commands:
    """What agents get for the command. `answer` never raises Refused: a refusal is an answer."""

    def __init__(self, core: Core, clock: Clock, public_url: str) -> None:
        self._core, self._clock, self._url = core, clock, public_url

    async def __call__(self, said: SlashCommand, person: Person) -> dict[str, Any]:
        """The message that this person alone sees; who does not work here is told where to ask."""
        try:
            await self._core.view(person, MyDesk(actor=person.identity, limit=1))
        except Refused as refused:
            line = f"{refused} To ask something, write to the app directly."
            return message([section(words(line))], line)
        return await self.answer(said.text, person, said.trigger_id or said.response_url)

    async def answer(self, text: str, who: Person, key: str = "") -> dict[str, Any]:
        """The message for what was typed behind the command. `key`: the same when Slack says it twice."""
        word, _, rest = text.strip().partition(" ")
        act = _WORDS.get(word.lower() or "help")
        try:
            if word.lower() == "next":
                return message(await self._next(who, key), "Deskgate: next")
            if act is None and re.fullmatch(r"(DG-)?[0-9]{1,15}", word, re.IGNORECASE | re.ASCII):
                act, rest = Commands._ticket, word
            blocks = await act(self, rest.strip(), who) if act else self._unknown(word)
        except Refused as refused:
            blocks = [section(words(str(refused)))]
        return message(blocks, f"Deskgate: {word or 'help'}")

    async def _search(self, text: str, who: Person) -> list[Block]:
        if not text:
            return [section("What shall I look for? `/deskgate search kettle is:open`"), context(FILTERS)]
        found = await self._core.view(who, Search(actor=who.identity, text=text))
        if not found.lines:
            nothing = f"Nothing found for “{brief(text, 100)}”. All words must be there, in any order."
            return [section(nothing), context(FILTERS)]
        now = self._clock.now()
        more = (
            [context("There are more. Add a word, or look on the desk in the browser.")] if found.more else []
        )
        return [*(ticket_block(line, now) for line in found.lines), *more, context(FILTERS)]

    async def _ticket(self, text: str, who: Person) -> list[Block]:
        number = text.strip().upper().removeprefix("DG-")
        if not (number.isascii() and number.isdigit() and len(number) < 16):
            return [section("Which one? `/deskgate ticket DG-42`")]
        page = await self._core.page(who, int(number))
        return ticket_blocks(page, f"{self._url}/desk/ticket/{page.ticket.id}")

    async def _mine(self, text: str, who: Person) -> list[Block]:
        mine, now = await self._core.view(who, MyDesk(actor=who.identity)), self._clock.now()
        lines = [ticket_block(line, now) for line in mine.mine] or [context("Nothing is yours now.")]
        more = [context(f"… and {mine.more} more on the desk in the browser.")] if mine.more else []
        return [
            section("**My tickets**"),
            *lines,
            *more,
            section("**Queues**"),
            *queue_lines(mine.queues, now),
        ]

    async def _next(self, who: Person, key: str) -> list[Block]:
        result = await self._core.act(who, Memory(ticket=0), Verb.NEXT, f"command/{key}")
        if result.state != "done" or not result.ticket:
            return [section(words(result.detail or "That is not possible now."))]
        return await self._ticket(str(result.ticket), who)

    async def _team(self, text: str, who: Person) -> list[Block]:
        team = await self._core.view(who, TeamDesk(actor=who.identity))
        return team_blocks(team, self._clock.now())

    async def _practice(self, text: str, who: Person) -> list[Block]:
        return practice_blocks()

    async def _glossary(self, text: str, who: Person) -> list[Block]:
        return glossary_blocks(text)

    async def _help(self, text: str, who: Person) -> list[Block]:
        return help_blocks()

    def _unknown(self, word: str) -> list[Block]:
        near = get_close_matches(word.lower(), list(_WORDS), 1)
        hint = f" Did you mean `/deskgate {near[0]}`?" if near else ""
        return [section(f"I do not know “{brief(word, 60)}”.{hint}"), *help_blocks()]


_WORDS: Mapping[str, Callable[[Commands, str, Person], Awaitable[list[Block]]]] = {
    "search": Commands._search,
    "find": Commands._search,
    "ticket": Commands._ticket,
    "mine": Commands._mine,
    "team": Commands._team,
    "practice": Commands._practice,
    "practise": Commands._practice,
    "glossary": Commands._glossary,
    "help": Commands._help,
}


def message(blocks: Sequence[Block], text: str) -> dict[str, Any]:
    """A message for its asker only."""
    return {"response_type": "ephemeral", "text": as_text(text), "blocks": list(blocks)[:50]}
