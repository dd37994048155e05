"""What every part of a decision may look at, beside the ticket itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from bot.answer import Bot
from gateway.case import Person
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
    replies: list[object] = field(default_factory=list)  #: what the bot said, for replay
    sent: dict[str, int] = field(
        default_factory=dict
    )  #: automatic messages by recipient, with those of this turn
