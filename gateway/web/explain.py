"""Events of a ticket in words: why it came here and what was tried. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from gateway.escalation.causes import CAUSES, HANDOVER
from gateway.model import Event

#: Kinds whose words do not follow from their name.
TITLES: Mapping[str, str] = {
    "answered": "The assistant answered",
    "clarified": "The assistant asked what was meant",
    "chose": "The person chose an article",
    "helped": "The person said that it helped",
    "small_talk": "Small talk",
    "begun_anew": "A new talk began",
    "escalated": "Came to the team",
    "withdrawn": "An answer was taken back before it left",
    "silent": "The assistant stayed silent",
    "threaded": "Put where it belongs",
    "corrected": "An agent put right where it belongs",
    "authenticated": "What the mail host says of the sender",
    "bounced": "Our mail came back",
    "delayed": "Our mail is delayed",
    "requester_proposed": "A requester was proposed",
    "requester_chosen": "The requester was chosen",
    "complained": "Our mail was called unwanted",
    "masked": "Sensitive data was masked",
    "agent": "An agent acted",
    "asked_opinion": "An opinion was asked",
    "advised": "An opinion was given",
    "asked_approval": "An approval was asked",
    "approved": "It was approved",
    "declined": "It was declined",
    "transferred": "Passed on",
    "assigned": "Given to an agent",
    "returned": "Back from its owner",
    "unassigned": "Nobody got it",
    "unmasked": "Unmasked: not sensitive after all",
    "original_shown": "Somebody looked at a sealed original",
    "article_linked": "An article was named as the answer",
    "article_drafted": "An article was drafted",
    "incident_proposed": "Others write about the like",
    "incident": "Made an incident",
    "suggestion": "What became of the suggestion",
    "rests": "Laid to rest",
    "woke": "The rest is over",
    "acknowledged": "Somebody took it up",
    "asked_to_write": "The agents were asked to write",
    "heartbeat": "The person was told that there is no news",
    "sla": "What is promised",
    "clock": "The clocks",
    "warning": "A promise falls due soon",
    "breach": "A promise was broken",
    "alarm": "People were told that it is overdue",
    "refused": "An action was refused",
}
_LABELS: Mapping[str, str] = {"rule": "Rule", "tried": "Rules tried", "queue": "Queue", "tier": "Tier"}
_OWN_PLACE = frozenset(
    "cause candidates confidence text reason evidence sources threshold tried why input".split()  # noqa: SIM905
)


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One event as an agent reads it."""

    at: datetime
    kind: str
    title: str
    text: str = ""
    confidence: float | None = None
    threshold: float | None = None
    candidates: tuple[tuple[str, float], ...] = ()  #: article name and confidence in 0..1, best first
    facts: tuple[tuple[str, str], ...] = ()
    details: tuple[tuple[str, str], ...] = ()  #: of use when something is to be understood exactly


def explain(events: Iterable[Event]) -> list[Line]:
    """Every event, oldest first."""
    return [_line(event) for event in events]


def _line(event: Event) -> Line:
    data = event.data
    cause = str(data.get("cause", ""))
    evidence = data.get("evidence")
    return Line(
        at=event.at,
        kind=event.kind,
        title=TITLES.get(event.kind, event.kind.replace("_", " ").capitalize()),
        text=CAUSES.get(cause)
        or HANDOVER.get(cause, cause)
        or str(data.get("reason") or data.get("why") or ""),
        confidence=_number(data.get("confidence")),
        threshold=_number(data.get("threshold")),
        candidates=tuple(_candidates(data.get("candidates"))),
        facts=(*_sources(data.get("sources")), *_facts(data)),
        details=_details(evidence, data.get("tried")),
    )


def _candidates(value: Any) -> Iterable[tuple[str, float]]:
    for pair in value or ():
        if isinstance(pair, list | tuple) and len(pair) == 2 and _number(pair[1]) is not None:
            yield str(pair[0]), float(pair[1])


def _sources(value: Any) -> Iterable[tuple[str, str]]:
    for source in value or ():
        if isinstance(source, Mapping):
            section = f", section “{source['section']}”" if source.get("section") else ""
            yield "Article", f"{source.get('article', '')}, revision {source.get('revision', '')}{section}"


def _facts(data: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    for name, value in data.items():
        if name not in _OWN_PLACE and value not in ("", None, [], {}) and (name, value) != ("ticket", 0):
            yield _LABELS.get(name, name.replace("_", " ").capitalize()), _spoken(value)


def _details(evidence: Any, tried: Any) -> tuple[tuple[str, str], ...]:
    lines = [(str(name).replace("_", " "), _spoken(value)) for name, value in _pairs(evidence)]
    if tried:
        lines.append(("Rules tried", _spoken(tried)))
    return tuple(lines)


def _pairs(value: Any) -> Iterable[tuple[Any, Any]]:
    return value.items() if isinstance(value, Mapping) else ()


def _spoken(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3g}"
    if isinstance(value, list | tuple):
        return ", ".join(_spoken(each) for each in value)
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_spoken(each)}" for name, each in value.items())
    return str(value)


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
