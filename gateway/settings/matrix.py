"""The sections about escalation: who gets what, when nobody takes it, and what is said meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from gateway.escalation.causes import CAUSES, HANDOVER
from gateway.escalation.ladder import MOST_LEVELS, Branch, Level, Pulse
from gateway.model import Priority
from gateway.policy import TRIGGERS
from gateway.settings.section import Section
from gateway.settings.times import Span

#: The levels of every priority that has none of its own.
DEFAULT = "default"


class LevelSettings(Section):
    queue: str = Field(description="Who gets the ticket.")
    kind: Branch = Field(
        Branch.FUNCTIONAL, description="functional: experts take it over; hierarchical: its owner stays."
    )
    acknowledge: Span = Field(
        timedelta(hours=1),
        description="Claimed or answered within this, or the next level gets it.",
        validate_default=True,
    )

    def level(self) -> Level:
        return Level(queue=self.queue, branch=self.kind, acknowledge=self.acknowledge)


class EscalationSettings(Section):
    triggers: tuple[str, ...] = Field(
        tuple(sorted(TRIGGERS)), description="What goes to people without the bot, beside a wish for one."
    )
    vip: tuple[str, ...] = Field((), description="Addresses, or @domains, of the most important customers.")
    tell: str = Field("", description="Queue whose people hear of every step: the leads.")
    matrix: dict[str, tuple[LevelSettings, ...]] = Field(
        default_factory=dict,
        description="Levels by priority or default, at most four: [[escalation.matrix.high]] queue, kind, acknowledge.",
    )
    playbook: dict[str, str] = Field(
        default_factory=dict, description="What agents read beside a cause, in place of ours; empty hides it."
    )

    @field_validator("triggers")
    @classmethod
    def _known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := [name for name in value if name not in TRIGGERS]:
            raise ValueError(f"{unknown[0]!r} is not known; choose from {', '.join(sorted(TRIGGERS))}")
        return value

    @field_validator("matrix")
    @classmethod
    def _levels(cls, value: dict[str, tuple[LevelSettings, ...]]) -> dict[str, tuple[LevelSettings, ...]]:
        known = (DEFAULT, *Priority)
        for name, levels in value.items():
            if name not in known:
                raise ValueError(f"{name!r} is no priority; choose from {', '.join(known)}")
            if len(levels) > MOST_LEVELS:
                raise ValueError(f"{name} has {len(levels)} levels; a matrix has at most {MOST_LEVELS}")
        return value

    @field_validator("playbook")
    @classmethod
    def _causes(cls, value: dict[str, str]) -> dict[str, str]:
        for cause in value:
            if cause not in CAUSES and cause not in HANDOVER:
                raise ValueError(f"{cause!r} is no cause; choose from {', '.join((*CAUSES, *HANDOVER))}")
        return value

    def problems(self, queues: Mapping[str, Any]) -> list[str]:
        """Queues that are named and are not there."""
        named = [(f"matrix.{name}", level.queue) for name, levels in self.matrix.items() for level in levels]
        return [
            f"[escalation] {key}: there is no queue {queue!r}. Known: {', '.join(queues)}"
            for key, queue in (*named, ("tell", self.tell))
            if queue and queue not in queues
        ]

    def levels(self) -> dict[str, tuple[Level, ...]]:
        return {name: tuple(each.level() for each in levels) for name, levels in self.matrix.items()}


class BrandSettings(Section):
    words: Path | None = Field(
        None,
        description="Folder of your own words: <language>.toml with the [words] that differ, or a language.",
    )
    signature: dict[str, str] = Field(
        default_factory=dict, description="Last line of automatic messages by language, or default."
    )
    address: dict[str, Literal["formal", "informal"]] = Field(
        default_factory=dict,
        description="How people are addressed by language (de, es, sl); formal is usual.",
    )
    emoji: bool = Field(False, description="Cheerful words carry an emoji; never after anger.")

    @property
    def informal(self) -> frozenset[str]:
        return frozenset(language for language, how in self.address.items() if how == "informal")


class HeartbeatSettings(Section):
    every: Span | None = Field(
        None, description='A waiting requester hears "no news yet" after so much working time; unset: never.'
    )
    most: int = Field(2, ge=1, le=5, description="As many in a row; then only a person's word comes.")
    ask_before: Span = Field(
        timedelta(minutes=30),
        description="The agents are asked so long before to write a line themselves.",
        validate_default=True,
    )

    @model_validator(mode="after")
    def _asked_in_time(self) -> Self:
        if self.every is not None and self.ask_before >= self.every:
            raise ValueError("ask_before must be shorter than every")
        return self

    def pulse(self) -> Pulse | None:
        if self.every is None:
            return None
        return Pulse(every=self.every, most=self.most, ask_before=self.ask_before)
