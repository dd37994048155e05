"""Triage rules as data: rules.toml, in order, the first match stops; what was tried and what won is told."""

from __future__ import annotations

import difflib
import hashlib
import tomllib
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from gateway.errors import SettingsError
from gateway.model import Priority
from gateway.text.terms import Terms, sequences
from gateway.triage.patterns import Pattern, compiled

#: What `mood` and `sensitive` may name.
MOODS = ("anger", "abuse", "threat_violence", "threat_reputation", "asks_manager")
SENSITIVE = ("card", "iban", "credential", "national_id", "health", "billing", "account")
MOST_RULES = 500


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What the rules may look at. `hours`: "open" or "closed", "" where no calendar says."""

    text: str = ""
    channel: str = ""
    account: str = ""  #: connector/account
    language: str = ""
    tags: tuple[str, ...] = ()
    contacts: tuple[str, ...] = ()  #: values of the requester's identities
    priority: Priority = Priority.NORMAL
    hours: str = ""
    mood: tuple[str, ...] = ()
    sensitive: tuple[str, ...] = ()
    protected: bool = False
    repeats: int = 1  #: messages of the requester since anybody answered
    wants_human: bool = False
    vip: bool = False


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class When(_Section):
    """Conditions: all that are given must hold; of a list, one."""

    text: tuple[str, ...] = Field((), description="Terms, written as in the lexicons; any of them.")
    matches: tuple[str, ...] = Field((), description="Regular expressions (RE2); any of them.")
    channel: tuple[str, ...] = Field((), description="Connectors, such as email.")
    account: tuple[str, ...] = Field((), description="connector/account, such as email/support.")
    language: tuple[str, ...] = Field((), description="Of the ticket: en, zh-Hant …")
    tags: tuple[str, ...] = Field((), description="Any of these tags.")
    contact: tuple[str, ...] = Field((), description="Addresses, or @domains, of the requester.")
    priority: tuple[Priority, ...] = Field((), description="Priority so far.")
    hours: str = Field("", pattern="^(|open|closed)$", description="open or closed, by the calendar.")
    mood: tuple[str, ...] = Field((), description=f"Any of: {', '.join(MOODS)}.")
    sensitive: tuple[str, ...] = Field((), description=f"Any of: {', '.join(SENSITIVE)}.")
    protected: bool | None = Field(None, description="Whether the matter is for the protected queue.")
    repeats: int = Field(0, ge=0, description="At least so many messages without an answer.")
    wants_human: bool | None = Field(None, description="Whether a person was asked for.")
    vip: bool | None = Field(None, description="Whether the requester is on the list of VIPs.")

    @field_validator("mood")
    @classmethod
    def _moods(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return _known(value, MOODS)

    @field_validator("sensitive")
    @classmethod
    def _kinds(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return _known(value, SENSITIVE)

    @field_validator("text")
    @classmethod
    def _terms(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for term in value:
            sequences(term)
        return value

    @field_validator("matches")
    @classmethod
    def _patterns(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in value:
            compiled(pattern)
        return value


class Then(_Section):
    """What happens with a ticket that matches."""

    queue: str = Field(
        "", description="Where people take it; empty: the article's, the account's, the default."
    )
    tier: int = Field(0, ge=0, le=9, description="Its tier, 0 for the queue's own.")
    priority: Priority | None = Field(None, description="Raised to this; never lowered.")
    tags: tuple[str, ...] = Field((), description="Tags to add.")
    sla: str = Field("", description="Name of the SLA that applies.")
    note: str = Field("", max_length=2000, description="A note for those who take it.")
    skip_bot: bool = Field(False, description="Straight to people, without the bot.")
    no_ticket: bool = Field(False, description="Taken and counted, but no ticket is opened.")


class Rule(_Section):
    """One rule with its name, which stands on each ticket it decided."""

    name: str = Field(min_length=1, max_length=60, description="Stands on the ticket; unique.")
    when: When = When()
    then: Then = Then()


class _File(_Section):
    rules: tuple[Rule, ...] = Field((), max_length=MOST_RULES)


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """The rule that won ("" for none), those tried in order up to it, what it asks for, and the file's revision."""

    rule: str = ""
    tried: tuple[str, ...] = ()
    then: Then = Then()
    revision: str = ""


class _Ready(msgspec.Struct, frozen=True):
    rule: Rule
    terms: Terms | None
    patterns: tuple[Pattern, ...]


class Rules:
    """All rules of one revision of the file, compiled."""

    def __init__(self, rules: Sequence[Rule] = (), revision: str = "") -> None:
        self.rules, self.revision = tuple(rules), revision
        self._ready = [_ready(rule) for rule in rules]

    @property
    def names_no_door(self) -> bool:
        """Whether the same text by any door is decided alike."""
        return not any(rule.when.channel or rule.when.account for rule in self.rules)

    @property
    def may_drop(self) -> bool:
        return any(rule.then.no_ticket for rule in self.rules)

    def decide(self, facts: Facts) -> Verdict:
        """The first rule whose conditions all hold."""
        tried: list[str] = []
        for ready in self._ready:
            tried.append(ready.rule.name)
            if _holds(ready, facts):
                return Verdict(
                    rule=ready.rule.name, tried=tuple(tried), then=ready.rule.then, revision=self.revision
                )
        return Verdict(tried=tuple(tried), revision=self.revision)


def load(path: Path, queues: Collection[str], slas: Collection[str] | None = None) -> Rules:
    """Reads rules.toml. Raises SettingsError with every problem: file, rule, key and remedy."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise SettingsError(
            [f"{path}: cannot be read ({error.strerror}). Create it, or set [rules] file."]
        ) from None
    try:
        data = tomllib.loads(raw.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError([f"{path}: not valid TOML: {error}. Mend that line."]) from None
    try:
        rules = _File.model_validate(data).rules
    except ValidationError as error:
        raise SettingsError([_sentence(path, data, dict(each)) for each in error.errors()]) from None
    if problems := list(_problems(path, rules, queues, slas)):
        raise SettingsError(problems)
    return Rules(rules, hashlib.sha256(raw).hexdigest()[:12])


def _ready(rule: Rule) -> _Ready:
    return _Ready(
        rule,
        Terms({"text": rule.when.text}) if rule.when.text else None,
        tuple(compiled(pattern) for pattern in rule.when.matches),
    )


def _holds(ready: _Ready, facts: Facts) -> bool:
    """Cheap conditions first; the text last."""
    when = ready.rule.when
    listed = (
        (when.channel, (facts.channel,)),
        (when.account, (facts.account,)),
        (when.language, (facts.language,)),
        (when.tags, facts.tags),
        (when.priority, (facts.priority,)),
        (when.mood, facts.mood),
        (when.sensitive, facts.sensitive),
    )
    flags = (
        (when.protected, facts.protected),
        (when.wants_human, facts.wants_human),
        (when.vip, facts.vip),
        (when.hours or None, facts.hours),
    )
    return (
        all(not wanted or any(one in wanted for one in given) for wanted, given in listed)
        and all(wanted is None or wanted == given for wanted, given in flags)
        and facts.repeats >= when.repeats
        and (not when.contact or is_listed(facts.contacts, when.contact))
        and (ready.terms is None or bool(ready.terms.find(facts.text)))
        and (not ready.patterns or any(pattern.search(facts.text) for pattern in ready.patterns))
    )


def is_listed(contacts: Collection[str], wanted: Collection[str]) -> bool:
    """Whether one of the contacts is named, itself or by its @domain."""
    names = {name.casefold() for name in wanted}
    return any(c.casefold() in names or f"@{c.casefold().rpartition('@')[2]}" in names for c in contacts)


def _known(value: tuple[str, ...], known: Sequence[str]) -> tuple[str, ...]:
    for name in value:
        if name not in known:
            raise ValueError(f"{name!r} is not known; choose from {', '.join(known)}")
    return value


def _problems(
    path: Path, rules: Sequence[Rule], queues: Collection[str], slas: Collection[str] | None
) -> Iterator[str]:
    names = [rule.name for rule in rules]
    for number, rule in enumerate(rules):
        if rule.name in names[:number]:
            yield f"{path}: rule {rule.name!r} stands there twice. Give each its own name."
        if rule.then.queue and rule.then.queue not in queues:
            known = ", ".join(queues)
            yield f"{path}: rule {rule.name!r}: then.queue: there is no queue {rule.then.queue!r}. Known: {known}."
        if rule.then.sla and slas is not None and rule.then.sla not in slas:
            known = ", ".join(slas) or "none"
            yield f"{path}: rule {rule.name!r}: then.sla: there is no [sla.{rule.then.sla}]. Known: {known}."
        if rule.when == When() and number < len(rules) - 1:
            yield f"{path}: rule {rule.name!r} has no condition, so none below it is ever tried. Put it last."


def _sentence(path: Path, data: dict[str, Any], problem: dict[str, Any]) -> str:
    trail = [str(part) for part in problem["loc"]]
    given = data.get("rules", [])
    place = int(trail[1]) if len(trail) > 1 and trail[1].isdecimal() else -1
    rule = given[place] if isinstance(given, list) and 0 <= place < len(given) else {}
    name = rule.get("name", f"number {place + 1}") if isinstance(rule, dict) else f"number {place + 1}"
    where = f"rule {name!r}: {'.'.join(trail[2:])}" if place >= 0 else ".".join(trail)
    if problem["type"] == "extra_forbidden":
        model: Any = {"when": When, "then": Then}.get(trail[2], Rule) if len(trail) > 3 else Rule
        known = list(model.model_fields) if place >= 0 else ["rules"]
        close = difflib.get_close_matches(trail[-1], known, 1)
        return f"{path}: {where} is not known. " + (
            f"Did you mean {close[0]}?" if close else f"Known: {', '.join(known)}."
        )
    said = str(problem["msg"]).removeprefix("Value error, ")
    return f"{path}: {where}: {said[:1].lower() + said[1:]}. Change it."
