"""The accounts of config.toml as connectors: imported by name, only when enabled, each checked by its own Settings."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from connectors import registry
from gateway.connector import Connector
from gateway.errors import SettingsError
from gateway.policy import ANY_TEAM
from gateway.privacy import Seal
from gateway.settings import Settings, Where, explain
from gateway.text.hosts import is_loopback


class Account:
    """One account: its checked settings, and the class that serves it."""

    def __init__(self, kind: str, name: str, factory: Any, settings: BaseModel) -> None:
        self.kind, self.name, self.factory, self.settings = kind, name, factory, settings

    @property
    def key(self) -> str:
        return f"{self.kind}/{self.name}"

    def loopback(self, server_host: str) -> bool:
        """Whether only this machine reaches it; a web account is where the server is."""
        own = getattr(self.settings, "loopback", None)
        return bool(own()) if callable(own) else is_loopback(server_host)

    def connect(self, seal: Seal) -> Connector:
        connector: Connector = self.factory(self.name, self.settings, seal.derive(f"connector/{self.key}"))
        return connector


def accounts(settings: Settings, where: str) -> list[Account]:
    """Every enabled account. Raises SettingsError with every problem of every account."""
    found, problems = check_accounts(settings.connectors, settings, lambda location: where)
    if problems:
        raise SettingsError(problems)
    return found


def check_accounts(
    connectors: Mapping[str, Mapping[str, Any]], settings: Settings | None, place: Where
) -> tuple[list[Account], list[str]]:
    """The accounts that can be used, and one sentence for each mistake in any of them."""
    found: list[Account] = []
    problems: list[str] = []
    for kind, entries in connectors.items():
        where = place(("connectors", kind))
        try:
            factory, model = load_channel(kind)
        except KeyError:
            known = registry()
            close = difflib.get_close_matches(kind, known, 1)
            hint = f"Did you mean {close[0]}?" if close else f"Known: {', '.join(known)}."
            problems.append(f"{where}: connectors.{kind} is no channel. {hint}")
            continue
        except (ImportError, AttributeError) as error:
            what = f"{where}: connectors.{kind} cannot be loaded ({error})."
            problems.append(f"{what} Install what it needs, or remove the section.")
            continue
        for name, data in entries.items():
            try:
                found.append(Account(kind, name, factory, model.model_validate(data)))
            except ValidationError as error:
                problems += explain(error, place, ("connectors", kind, name), model)
    if settings is not None:
        problems += _queue_problems(settings, found, place(()))
        problems += _mail_problems(found, place(()))
    return found, problems


def load_channel(kind: str) -> tuple[Any, type[BaseModel]]:
    """The class of a channel and its settings. Raises KeyError for a name that is none, ImportError, AttributeError."""
    module_name, _, class_name = registry()[kind].partition(":")
    module = importlib.import_module(module_name)
    return getattr(module, class_name), module.Settings


def _queue_problems(settings: Settings, found: list[Account], where: str) -> list[str]:
    known = ", ".join(settings.queues)
    problems = [
        f"{where}: connectors.{a.kind}.{a.name}.queue: there is no queue {queue!r}. Choose one of: {known}."
        for a in found
        if (queue := getattr(a.settings, "queue", "")) and queue not in settings.queues
    ]
    problems += [
        f"{where}: bot.accounts: there is no account {key!r}. Choose one of: {', '.join(a.key for a in found)}."
        for key in settings.bot.accounts
        if all(a.key != key for a in found)
    ]
    problems += [
        f"{where}: incidents.{name}: there is no queue {queue!r}. Choose one of: {known}."
        for name in ("product_queue", "user_queue")
        if (queue := getattr(settings.incidents, name)) and queue not in settings.queues
    ]
    slack = [a.name for a in found if a.kind == "slack"]
    for name, queue in settings.queues.items():
        if queue.slack_channel and not slack:
            problems.append(
                f"{where}: queues.{name}.slack_channel needs a Slack account. Add [connectors.slack.main]."
            )
        elif queue.slack_account and queue.slack_account not in slack:
            problems.append(
                f"{where}: queues.{name}.slack_account: there is no Slack account {queue.slack_account!r}. "
                f"Choose one of: {', '.join(slack)}."
            )
        elif queue.slack_channel and len(slack) > 1 and not queue.slack_account:
            problems.append(f"{where}: queues.{name}.slack_account must say which: {', '.join(slack)}.")
    shown = {queue.slack_channel: name for name, queue in settings.queues.items() if queue.slack_channel}
    problems += [
        f"{where}: connectors.slack.{a.name}.support_channels: {channel} shows the tickets of {shown[channel]}; "
        "customers cannot write there. Name another channel."
        for a in found
        for channel in getattr(a.settings, "support_channels", ())
        if channel in shown
    ]
    return problems


def _mail_problems(found: list[Account], where: str) -> list[str]:
    """Accounts that answer by a mail account which is not there."""
    mail = [account.name for account in found if account.kind == "email"]
    return [
        f"{where}: connectors.{a.kind}.{a.name}.email_account: there is no mail account {wanted!r}. "
        + (
            f"Choose one of: {', '.join(mail)}."
            if mail
            else "Add [connectors.email.support], or leave it out."
        )
        for a in found
        if (wanted := getattr(a.settings, "email_account", "")) and wanted not in mail
    ]


def policy_accounts(found: list[Account], connected: Mapping[str, Connector]) -> dict[str, dict[str, Any]]:
    """What the core must know of each account: default queue, language, whether it has threads."""
    return {
        account.key: {
            "queue": getattr(account.settings, "queue", ""),
            "language": getattr(account.settings, "language", ""),
            "team": _team(account, found),
            "threaded": connected[account.key].capabilities.threads,
            "files": connected[account.key].capabilities.files,
            "max_file": connected[account.key].capabilities.max_file,
            "answers_privately": connected[account.key].capabilities.answers_privately,
        }
        for account in found
    }


def _team(account: Account, found: list[Account]) -> str:
    """The workspace whose members are written to by this account; where it is the only one it need not be named."""
    having = [each for each in found if hasattr(each.settings, "team_id")]
    named = str(getattr(account.settings, "team_id", ""))
    return named or (ANY_TEAM if having == [account] else "")
