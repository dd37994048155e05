"""`deskgate doctor`: looks at a connected channel from outside and says what to mend."""

from __future__ import annotations

import argparse
import asyncio
import importlib
import os
from collections.abc import Callable
from typing import Any

#: Channels whose package can examine an account: `doctor.examine(account, settings, public_url) -> findings`.
EXAMINED = ("telegram",)


def register(commands: Any, config_option: Callable[[argparse.ArgumentParser], None]) -> None:
    """Adds `doctor` to the command line."""
    doctor = commands.add_parser("doctor", help="ask a channel's service what is wrong with its set-up")
    doctor.add_argument("channel", choices=EXAMINED, help="which channel to look at")
    config_option(doctor)
    doctor.set_defaults(command=_doctor)


def _doctor(options: argparse.Namespace) -> int:
    from gateway.app import read_settings

    settings, accounts = read_settings(options.config, os.environ)
    examined = [account for account in accounts if account.kind == options.channel]
    if not examined:
        print(f"{options.config}: no account of {options.channel}. Add [connectors.{options.channel}.main].")
        return 1
    module = importlib.import_module(f"connectors.{options.channel}.doctor")
    worst = 0
    for account in examined:
        findings = asyncio.run(module.examine(account.name, account.settings, settings.site.public_url))
        print(f"{account.key}:")
        for finding in findings:
            print(f"  {finding.level}: {finding.what} {finding.remedy}".rstrip())
        worst = max(worst, int(any(str(finding.level) == "error" for finding in findings)))
    return worst
