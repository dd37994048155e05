"""`deskgate connectors`: which channels are installed, and a skeleton for a new one."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


def register(commands: Any) -> None:
    """Adds the commands of this file."""
    group = commands.add_parser("connectors", help="channels that are installed").add_subparsers(
        required=True, metavar="COMMAND"
    )
    listed = group.add_parser("list", help="every channel that can be named in config.toml")
    listed.set_defaults(command=_list)
    new = group.add_parser("new", help="write a working connector with its tests, to start from")
    new.add_argument("name", metavar="NAME", help="of the channel: small letters and digits")
    new.add_argument(
        "--to", type=Path, default=Path(), metavar="FOLDER", help="where to write it (default: here)"
    )
    new.set_defaults(command=_new)


def _list(options: argparse.Namespace) -> int:
    from connectors import REGISTRY, registry

    for name, place in registry().items():
        print(f"{name:12} {place}{'' if name in REGISTRY else '  (another package)'}")
    return 0


def _new(options: argparse.Namespace) -> int:
    from gateway.conformance.skeleton import FILES, write

    folder = write(options.name, options.to)
    for target in FILES:
        print(folder / target.format(name=options.name))
    print(f"Try it: cd {folder} && pip install -e '.[dev]' && pytest")
    return 0
