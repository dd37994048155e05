"""What every part of a decision may look at, beside the ticket itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from bot.answer import Bot
from gateway.case import Corrected, EntryRef, Original, Person, PersonUpdate
from gateway.draft import Draft
from gateway.model import Agent, Member, Ticket
from gateway.policy import Policy


@dataclass
class Context:
    """The turn's surroundings. `greeted` and `language` are what this turn taught us about the person."""

    now: datetime
    policy: Policy
    bot: Bot
    person: Person
    greeted: bool = False
    language: str = ""
    suppressed: frozenset[str] = frozenset()  #: addresses that nothing automatic goes to
    lines: Mapping[int, EntryRef] = field(default_factory=dict)  #: entries that agents name
    corrected: Mapping[int, Corrected] = field(default_factory=dict)  #: last corrections, by ticket
    team: tuple[Member, ...] = ()  #: members of the desk with their load, where they were read
    stops: frozenset[str] = frozenset()  #: where the bot is stopped (gateway/dial.py)
    nexts: tuple[int, ...] = ()  #: the next ticket of each queue, where they were read
    reach: Callable[[int], Draft | None] = lambda number: None  #: another ticket of this turn
    originals: Mapping[int, Mapping[int, Original]] = field(default_factory=dict)  #: by ticket and entry
    members: Callable[[int], list[int]] = lambda number: []  #: the tickets of an incident
    people: list[PersonUpdate] = field(default_factory=list)  #: whom this turn wrote down by hand
    peek: Callable[[int], Ticket | None] = lambda number: None  #: how it stands, without touching it
    add: Callable[[Draft], None] = lambda draft: None  #: a ticket that this turn opens
    replies: list[object] = field(default_factory=list)  #: what the bot said, for replay
    sent: dict[str, int] = field(
        default_factory=dict
    )  #: automatic messages by recipient, with those of this turn

    def member(self, agent_id: str) -> Agent | None:
        """A colleague who may work here; None for strangers and those who left."""
        return next((each.agent for each in self.team if each.agent.id == agent_id), None)
