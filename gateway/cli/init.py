"""`deskgate init`: a new installation in a folder of its own."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

_TOLD = {
    "config.toml": "the settings, each explained",
    ".env": "secrets, for you alone",
    "deskgate.key": "seals what is stored: keep a copy in another place",
    "articles": "what the bot answers from; these samples answer on this machine only",
    "canned": "replies that agents fill in and send",
    "rules.toml": "which queue, priority and tags a message gets",
    "deskgate.service": "for systemd; how to install it stands at its top",
}


def register(commands: Any) -> None:
    """Adds `init`."""
    init = commands.add_parser("init", help="make a new installation, ready to run, in a folder")
    init.add_argument("folder", type=Path, metavar="DIR")
    init.add_argument("--company", default="Our shop", help="who speaks to customers")
    init.add_argument(
        "--public-url", default="", help="where people will reach it, such as https://help.example.com"
    )
    init.add_argument("--address", default="", help="the support mailbox, such as support@example.com")
    init.add_argument("--port", type=int, default=8080, help="port of the pages on this machine")
    init.set_defaults(command=_init)


def _init(options: argparse.Namespace) -> int:
    from gateway.operations.installation import Wishes, lay_out
    from gateway.startup import read_settings

    wishes = Wishes(
        company=options.company, public_url=options.public_url, address=options.address, port=options.port
    )
    made = lay_out(options.folder, wishes)
    width = max(len(str(path)) for path in made)
    for path in made:
        print(f"  {path!s:{width}}  {_TOLD.get(path.name, '')}")
    config = made[0]
    read_settings(config, {})  # what was asked for may be no address: said now rather than at the start
    print("\nNext:")
    print(f"  deskgate doctor --config {config}    test it, with a remedy for each finding")
    print(f"  deskgate serve --config {config}     run it; the first link makes you the admin")
    print(f"  (or change to {config.parent} and leave --config out)")
    return 0
