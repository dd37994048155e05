"""`deskgate doctor`: looks at the installation and its channels from outside and says what to mend."""

from __future__ import annotations

import argparse
import asyncio
import importlib
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gateway.cli import mail_doctor as cli_mail_doctor
from gateway.operations.findings import Finding, Level

if TYPE_CHECKING:
    from gateway.accounts import Account
    from gateway.connector import QueuePlace
    from gateway.settings import Settings

GENERAL = "general"


def register(commands: Any, config_option: Callable[[argparse.ArgumentParser], None]) -> None:
    """Adds `doctor` to the command line."""
    doctor = commands.add_parser("doctor", help="test the installation and its channels, with remedies")
    doctor.add_argument(
        "what",
        nargs="?",
        default="",
        choices=("", GENERAL, *examined()),
        metavar="CHANNEL",
        help=f"{', '.join((GENERAL, *examined()))}; without it, all of them",
    )
    config_option(doctor)
    doctor.set_defaults(command=_doctor)


def examined() -> list[str]:
    """Channels whose package can examine an account: `doctor.examine(account, settings, public_url) -> findings`."""
    import connectors

    # Looked up as files: importing every channel would slow each command down.
    here = Path(connectors.__file__).parent
    return [name for name in connectors.REGISTRY if (here / _package(name) / "doctor.py").is_file()]


def _package(channel: str) -> str:
    from connectors import REGISTRY

    return REGISTRY[channel].partition(":")[0].split(".")[1]


def _doctor(options: argparse.Namespace) -> int:
    from gateway.startup import read_settings

    settings, accounts = read_settings(options.config, os.environ)
    wanted = [a for a in accounts if a.kind in ([options.what] if options.what else examined())]
    if options.what not in ("", GENERAL) and not wanted:
        print(f"{options.config}: no account of {options.what}. Add [connectors.{options.what}.main].")
        return 1
    worst = 0
    if options.what in ("", GENERAL):
        worst = _tell("The installation", asyncio.run(_general(options, settings, accounts)))
    for account in wanted:
        worst = max(worst, _tell(account.key, asyncio.run(_channel(account, settings))))
    return worst


async def _general(
    options: argparse.Namespace, settings: Settings, accounts: Sequence[Account]
) -> list[Finding]:
    from gateway.operations.doctor import examine

    return await examine(options.config, settings, accounts, os.environ)


async def _channel(account: Account, settings: Settings) -> list[Finding]:
    if account.kind == "email":  # it needs the kept token, and leaves something behind
        return await cli_mail_doctor.examine(settings, account)
    module = importlib.import_module(f"connectors.{_package(account.kind)}.doctor")
    places = _places(account, settings)
    given = (places,) if places else ()
    found: list[Finding] = await module.examine(
        account.name, account.settings, settings.site.public_url, *given
    )
    return found


def _places(account: Account, settings: Settings) -> list[QueuePlace]:
    """The queues that this account shows; none for a channel that shows none."""
    from gateway.connector import QueuePlace
    from gateway.policy_making import queue_address

    made = []
    for name, queue in settings.queues.items():
        address = queue_address(queue, account.name)
        if address and (address.connector, address.account) == (account.kind, account.name):
            made.append(QueuePlace(name=name, title=queue.title, address=address, protected=queue.protected))
    return made


def _tell(title: str, findings: Iterable[Finding]) -> int:
    """Prints the findings; 1 when something does not work."""
    worst = 0
    print(f"{title}:")
    for finding in findings:
        print(f"  {finding.level}: {finding.what} {finding.remedy}".rstrip())
        worst = max(worst, int(finding.level == Level.ERROR))
    return worst
