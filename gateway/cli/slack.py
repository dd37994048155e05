"""`deskgate slack manifest`: the app as Slack is to make it."""

from __future__ import annotations

import argparse
import sys
from typing import Any


def register(commands: Any) -> None:
    """Adds `slack` to the command line."""
    slack = commands.add_parser("slack", help="set Slack up").add_subparsers(required=True, metavar="COMMAND")
    manifest = slack.add_parser(
        "manifest", help="print the app's manifest, with the reason for each permission"
    )
    way = manifest.add_mutually_exclusive_group()
    way.add_argument("--socket", action="store_true", help="Socket Mode: no public address needed (default)")
    way.add_argument(
        "--url", default="", metavar="U", help="Slack calls this address, such as https://help.example.com"
    )
    manifest.add_argument("--account", default="main", help="the account's name in config.toml")
    manifest.add_argument("--name", default="Deskgate", help="what the app is called in Slack")
    manifest.add_argument(
        "--command", dest="agents", default="/deskgate", help='the agents\' command; "" for none'
    )
    manifest.add_argument("--customer-command", default="", help="a command by which anybody asks")
    manifest.set_defaults(command=_manifest)


def _manifest(options: argparse.Namespace) -> int:
    from connectors.slack.manifest import Manifest

    if options.url and not options.url.startswith("https://"):
        print("Slack calls https addresses only; without one, use --socket.", file=sys.stderr)
        return 2
    made = Manifest(
        account=options.account,
        name=options.name,
        url=options.url,
        command=options.agents,
        customer_command=options.customer_command,
    )
    print(made.yaml(), end="")
    return 0
