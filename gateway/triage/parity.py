"""Channel parity: where a configuration treats the same words by different doors differently. Pure.

The shipped configuration names no door, and tests/test_parity.py proves that no door then makes a difference. One that
does name some means it: `deskgate check` lists them, so that nobody is surprised.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gateway.policy import Policy
from gateway.triage.rules import Rules

#: What an account may have of its own, and what that changes.
_OWN = {"queue": "queue", "language": "language of automatic words", "sla": "SLA", "calendar": "calendar"}


def named_doors(policy: Policy, settings: Mapping[str, Any]) -> list[str]:
    """One sentence for each place that names a channel or an account; empty means parity.

    settings  as plain values: sections other than the accounts may name channels, too
    """
    return [
        *_in_rules(policy.rules),
        *_in_accounts(policy),
        *_in_sections(settings, sorted(_channels(policy))),
    ]


def _channels(policy: Policy) -> set[str]:
    return {name for key in policy.accounts for name in (key, key.partition("/")[0])}


def _in_rules(rules: Rules) -> Iterator[str]:
    for rule in rules.rules:
        named = [*rule.when.channel, *rule.when.account]
        if named:
            yield f"rule {rule.name!r} looks at the door: {', '.join(named)}"


def _in_accounts(policy: Policy) -> Iterator[str]:
    for key, account in policy.accounts.items():
        for name, what in _OWN.items():
            if value := getattr(account, name, ""):
                yield f"{key} has its own {what}: {value}"


def _in_sections(settings: Mapping[str, Any], channels: Sequence[str]) -> Iterator[str]:
    """Any key named like a channel, or list that holds one, such as an SLA for mail alone."""
    for section, value in settings.items():
        if section not in ("connectors", "queues", "rules"):
            yield from _walk((section,), value, channels)


def _walk(path: tuple[str, ...], value: Any, channels: Sequence[str]) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            here = (*path, str(key))
            if key in ("channel", "channels", "account", "accounts", "connector", "connectors"):
                if inner:
                    yield f"{'.'.join(here)} names {_listed(inner)}"
            elif key in channels and path:
                yield f"{'.'.join(here)} is for {key} alone"
            else:
                yield from _walk(here, inner, channels)
    elif isinstance(value, (list, tuple)):
        for number, inner in enumerate(value):
            yield from _walk((*path, str(number)), inner, channels)


def _listed(value: Any) -> str:
    values = value if isinstance(value, (list, tuple, Mapping)) else [value]
    return ", ".join(map(str, values))
