"""The settings as decisions see them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from gateway.accounts import Account, policy_accounts
from gateway.connector import Connector
from gateway.model import Address
from gateway.policy import AccountPolicy, Policy, QueuePolicy
from gateway.privacy import Seal
from gateway.settings import QueueSettings, Settings
from gateway.settings.times import make_calendars, make_slas
from gateway.sla.calendars import Calendar
from gateway.triage.patterns import compiled
from gateway.triage.rules import Rules
from gateway.words.book import Wordbook


def make_policy(
    settings: Settings,
    found: list[Account],
    connected: Mapping[str, Connector],
    seal: Seal,
    rules: Rules | None = None,
    book: Wordbook | None = None,
) -> Policy:
    """The settings as decisions see them."""
    book = book or Wordbook(settings.brand.words, settings.brand.informal)
    site, automatic = settings.site, settings.automatic
    slack = [account.name for account in found if account.kind == "slack"]
    every = policy_accounts(found, connected)
    calendars = make_calendars(settings.calendars)
    return Policy(
        revision=revision_of(settings, rules, book),
        company=site.company,
        bot_name=site.bot_name,
        public_url=site.public_url or f"http://{settings.server.host}:{settings.server.port}",
        privacy_url=site.privacy_url,
        languages=site.languages,
        queues={name: _queue(name, queue, slack, calendars) for name, queue in settings.queues.items()},
        default_queue=settings.default_queue,
        protected_queue=settings.protected_queue,
        accounts={key: AccountPolicy(**values) for key, values in every.items()},
        own_addresses=frozenset(a for account in found for a in getattr(account.settings, "ours", ())),
        blocked=frozenset(value.lower() for value in settings.screening.blocked),
        bot_enabled=True,
        bot_default=settings.bot.mode,
        bot_modes=settings.bot.accounts,
        max_answers=settings.bot.max_answers,
        budget=automatic.budget,
        budget_window=timedelta(minutes=automatic.window_minutes),
        idle_window=timedelta(hours=automatic.idle_hours),
        max_age=timedelta(hours=automatic.max_age_hours),
        undo=timedelta(seconds=settings.desk.undo_seconds),
        close_after=timedelta(days=settings.desk.close_after_days),
        words=book.words,
        emoji=settings.brand.emoji,
        signature=settings.brand.signature,
        secret=seal.derive("reply-address"),
        rules=rules or Rules(),
        never_mask=tuple(compiled(pattern) for pattern in settings.privacy.never_mask),
        vip=settings.escalation.vip,
        product_queue=settings.incidents.product_queue,
        user_queue=settings.incidents.user_queue,
        mail_account=next((account.key for account in found if account.kind == "email"), ""),
        capacity=settings.desk.capacity,
        calendar=calendars.get(settings.desk.calendar),
        slas=make_slas(settings.sla, calendars),
        matrix=settings.escalation.levels(),
        told_queue=settings.escalation.tell,
        playbook=settings.escalation.playbook,
        pulse=settings.heartbeat.pulse(),
        csat=settings.desk.csat,
        triggers=frozenset(settings.escalation.triggers),
    )


def revision_of(settings: Settings, rules: Rules | None, book: Wordbook) -> str:
    """Names settings, rules and own words together, in what was decided by them."""
    parts = (settings.revision, rules.revision if rules else "", book.revision)
    return "+".join(part for part in parts if part)


def queue_address(queue: QueueSettings, only: str) -> Address | None:
    """Where people see this queue's tickets, None for the desk alone. `only`: the account when none is named."""
    if not queue.slack_channel:
        return None
    return Address(connector="slack", account=queue.slack_account or only, conversation=queue.slack_channel)


def _queue(
    name: str, queue: QueueSettings, slack: list[str], calendars: Mapping[str, Calendar]
) -> QueuePolicy:
    return QueuePolicy(
        name=name,
        title=queue.title,
        tier=queue.tier,
        address=queue_address(queue, slack[0] if slack else ""),
        protected=queue.protected,
        members=frozenset(queue.members),
        assignment=queue.assignment,
        silent_after=timedelta(minutes=queue.silent_minutes) if queue.silent_minutes else None,
        overload=queue.overload,
        calendar=calendars.get(queue.calendar),
    )
