"""What is kept with a ticket about people's work: what was asked of whom, how long it rests, who answered."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec


class AskKind(StrEnum):
    """What is asked of a colleague; the owner stays the owner."""

    OPINION = "opinion"
    APPROVAL = "approval"


class Ask(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One question to a colleague or a queue, and its answer."""

    id: int  #: ledger id of the input that asked
    kind: AskKind
    by: str  #: agent id
    queue: str = ""  #: who may answer: whoever sees this queue …
    agent: str = ""  #: … or this agent
    text: str = ""
    at: datetime
    answer: str = ""  #: "given", "approved" or "declined"; "" while it is open
    answered_by: str = ""
    answered_at: datetime | None = None


class Work(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Everything about people's work that the next turn must know."""

    asks: tuple[Ask, ...] = ()
    until: datetime | None = None  #: it rests until then
    given_at: datetime | None = None  #: when the owner got it without having claimed it
    passed_over: tuple[str, ...] = ()  #: agents whose turn it was and who stayed silent
    replied_by: str = ""  #: the agent who answered last …
    replied_in: int = 0  #: … and the version of the ticket that this made
    alike: tuple[int, ...] = ()  #: tickets that look like the same problem, proposed to a lead
    apart: bool = False  #: a lead said that what looks like it is something else
    cleared: bool = False  #: a person said that it is not sensitive after all
    reproduced: str = ""  #: "product" or "one_user", when an agent has tried
    articles: tuple[str, ...] = ()  #: articles that agents named as the answer

    @property
    def open_asks(self) -> tuple[Ask, ...]:
        return tuple(ask for ask in self.asks if not ask.answer)

    @property
    def asked(self) -> str:
        """Who is asked, as one text that a list can be narrowed by: " agent:ben queue:leads "."""
        names = [f"agent:{ask.agent}" if ask.agent else f"queue:{ask.queue}" for ask in self.open_asks]
        return f" {' '.join(dict.fromkeys(names))} " if names else ""
