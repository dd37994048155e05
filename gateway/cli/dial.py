"""Commands that stop the assistant at once, and let it speak again."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gateway.cli.people import with_deskgate
from gateway.clock import to_ms
from gateway.dial import check_scope

if TYPE_CHECKING:
    from gateway.app import Deskgate

_SCOPE = "all, channel:email, account:email/support or article:refund-time (default: all)"


def register(commands: Any, config_option: Callable[[argparse.ArgumentParser], None]) -> None:
    """Adds `bot` to the command line."""
    bot = commands.add_parser("bot", help="the assistant's dial").add_subparsers(
        required=True, metavar="COMMAND"
    )
    stop = bot.add_parser("stop", help="let the assistant say nothing more, at once, on every replica")
    stop.add_argument("scope", nargs="?", default="all", help=_SCOPE)
    stop.add_argument("--why", default="", help="for those who wonder")
    config_option(stop)
    stop.set_defaults(command=with_deskgate(_stop))
    start = bot.add_parser("start", help="let the assistant speak again")
    start.add_argument("scope", nargs="?", default="all", help=_SCOPE)
    config_option(start)
    start.set_defaults(command=with_deskgate(_start))
    status = bot.add_parser("status", help="what the assistant may do where, and where it is stopped")
    config_option(status)
    status.set_defaults(command=with_deskgate(_status))


async def _stop(deskgate: Deskgate, options: argparse.Namespace) -> int:
    check_scope(options.scope, tuple(deskgate.policy.accounts), deskgate.host.articles())
    now = to_ms(deskgate.clock.now())
    await deskgate.store.stop_bot(options.scope, "command line", now, options.why)
    await deskgate.host.dialled("bot_stopped", "command line", options.scope, options.why)
    print(f"The assistant is stopped ({options.scope}). What it had not sent yet goes to people.")
    return 0


async def _start(deskgate: Deskgate, options: argparse.Namespace) -> int:
    if not await deskgate.store.start_bot(options.scope):
        print(f"The assistant was not stopped there ({options.scope}).", file=sys.stderr)
        return 1
    await deskgate.host.dialled("bot_started", "command line", options.scope, "")
    print(f"The assistant may speak again ({options.scope}).")
    return 0


async def _status(deskgate: Deskgate, options: argparse.Namespace) -> int:
    policy = deskgate.policy
    for account in policy.accounts:
        print(f"{account:24} {policy.bot_modes.get(account, policy.bot_default)}")
    for line in await deskgate.store.bot_stops():
        why = f": {line.why}" if line.why else ""
        print(f"stopped: {line.scope:24} by {line.by}, {line.at:%Y-%m-%d %H:%M} UTC{why}")
    return 0
