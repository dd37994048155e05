"""`deskgate triage` and `deskgate privacy scan`: what the real path decides about lines of text, without a database."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bot.answer import Bot
    from gateway.case import Outcome
    from gateway.model import Message
    from gateway.policy import Policy

#: The moment at which every line is said: the answer does not depend on when it is asked.
_NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)


def register(commands: Any, config_option: Callable[[argparse.ArgumentParser], None]) -> None:
    """Adds the commands of this file."""
    triage = commands.add_parser("triage", help="where each message would go, and why")
    config_option(triage)
    triage.add_argument(
        "--jsonl", action="store_true", help='read {"id", "text", "channel", "contact"} lines'
    )
    triage.set_defaults(command=_triage)
    privacy = commands.add_parser("privacy", help="look for private values").add_subparsers(
        required=True, metavar="COMMAND"
    )
    scan = privacy.add_parser("scan", help="what would be masked in each text")
    config_option(scan)
    scan.add_argument("--jsonl", action="store_true", help='read {"id", "text"} lines (the only form)')
    scan.set_defaults(command=_privacy_scan)


def _lines() -> Iterator[dict[str, Any]]:
    for number, line in enumerate(sys.stdin.buffer, 1):
        if not line.strip():
            continue
        try:
            given = json.loads(line)
        except ValueError:
            given = None
        if not isinstance(given, dict):
            print(f"line {number} is not a JSON object; it is skipped", file=sys.stderr)
            continue
        yield given


def _privacy_scan(options: argparse.Namespace) -> int:
    from gateway.privacy.masking import mask
    from gateway.settings import load
    from gateway.triage.patterns import compiled

    # The patterns of an admin count where there is a settings file; without one the scan works all the same.
    settings = load(options.config, os.environ) if options.config.exists() else None
    never = tuple(compiled(each) for each in settings.privacy.never_mask) if settings else ()
    for given in _lines():
        masked = mask(str(given.get("text") or ""), never)
        found = [{"kind": f.kind, "start": f.start, "end": f.end} for f in masked.found]
        _write({"id": given.get("id"), "masked": masked.text, "found": found})
    return 0


def _triage(options: argparse.Namespace) -> int:
    policy, bot = as_configured(options)
    for given in _lines():
        _write({"id": given.get("id"), **triaged(given, policy, bot)})
    return 0


def _write(line: dict[str, Any]) -> None:
    print(json.dumps(line, ensure_ascii=False), flush=True)


def as_configured(options: argparse.Namespace) -> tuple[Policy, Bot]:
    """The policy and the bot that `serve` would have, without database and connectors."""
    from bot.answer import Bot
    from bot.articles import load as load_articles
    from gateway.knowledge import usable
    from gateway.policy_making import make_policy
    from gateway.privacy import Seal
    from gateway.startup import read_settings
    from gateway.triage.rulebook import Rulebook

    settings, accounts = read_settings(options.config, os.environ)
    rules = Rulebook(settings.rules.file, settings.queues, settings.sla).rules
    local = all(account.loopback(settings.server.host) for account in accounts)
    bot = Bot.build(usable(load_articles(settings.bot.articles), samples=local)).train()
    seal = Seal(b"\0" * 32)
    connected = {each.key: each.connect(seal) for each in accounts}
    return make_policy(settings, accounts, connected, seal, rules), bot


def triaged(given: dict[str, Any], policy: Policy, bot: Bot) -> dict[str, Any]:
    """What `decide` makes of one line: the new ticket as it would be stored, and the reasons."""
    from gateway.case import Case, Claim, LedgerRow
    from gateway.decision import decide

    message = _message(given)
    row = LedgerRow(id=1, received_at=_NOW, attempts=0, input=message)
    case = Case(claim=Claim(stream=message.stream, fence="", rows=(row,)))
    return _told(decide(case, _NOW, policy, bot))


def _message(given: dict[str, Any]) -> Message:
    from gateway.model import Address, Identity, Message

    channel, contact = str(given.get("channel") or "api"), str(given.get("contact") or "someone")
    kind = "email" if "@" in contact else channel
    text, subject = str(given.get("text") or ""), str(given.get("subject") or "")
    return Message(
        connector=channel,
        account=str(given.get("account") or "main"),
        delivery_key="line",
        at=_NOW,
        address=Address(connector=channel, account="main", conversation=contact),
        sender=Identity(kind=kind, value=contact.lower()),
        text=text,
        subject=subject,
        message_key="line",
    )


def _told(outcome: Outcome) -> dict[str, Any]:
    if not outcome.changes:
        reason = outcome.dispositions[0].reason
        rule = (
            reason.removeprefix("rule: ").removesuffix(": no ticket") if reason.startswith("rule: ") else ""
        )
        return {**_NOTHING, "rule": rule, "reason": reason}
    (change,) = outcome.changes
    ticket = change.ticket
    events = {event.kind: event.data for event in change.events}
    triage, masked, passed_on = (events.get(kind, {}) for kind in ("triaged", "masked", "escalated"))
    cause = str(passed_on.get("cause", ""))
    found = [*masked.get("kinds", ()), *triage.get("sensitive", ())]
    triggers = [*triage.get("triggers", ())]
    return {
        "queue": ticket.queue,
        "tier": ticket.tier,
        "priority": ticket.priority.value,
        "tags": list(ticket.tags),
        "language": ticket.language,
        "mood": list(triage.get("mood", ())),
        "sensitive": list(dict.fromkeys(found)),
        "protected": ticket.protected,
        "wants_human": bool(triage.get("wants_human")),
        "thanks_only": bool(triage.get("thanks_only")),
        "triggers": list(dict.fromkeys([*triggers, *([cause] if cause in _CAUSES else [])])),
        "rule": triage.get("rule", ""),
        "rules_tried": list(triage.get("tried", ())),
        "cause": cause,
        "answered": "answered" in events,
    }


#: Causes of a hand-off that are triggers beside those that triage itself finds.
_CAUSES = ("no_match", "low_confidence", "not_helped", "sensitive", "wants_human")
_NOTHING: dict[str, Any] = {
    "queue": "",
    "tier": 0,
    "priority": "normal",
    "tags": [],
    "language": "",
    "mood": [],
    "sensitive": [],
    "protected": False,
    "wants_human": False,
    "thanks_only": False,
    "triggers": [],
    "rule": "",
    "rules_tried": [],
    "cause": "",
    "answered": False,
}
