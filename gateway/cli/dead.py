"""`deskgate dead`: inputs that could not be handled: look at them, try them again."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gateway.cli.people import with_deskgate

if TYPE_CHECKING:
    from gateway.app import Deskgate

WHO = "command line"


def register(commands: Any, config_option: Callable[[argparse.ArgumentParser], None]) -> None:
    """Adds `dead list`, `dead show` and `dead replay`."""
    dead = commands.add_parser("dead", help="inputs that could not be handled").add_subparsers(
        required=True, metavar="COMMAND"
    )
    listed = dead.add_parser("list", help="what could not be handled, and why")
    listed.set_defaults(command=with_deskgate(_list))
    show = dead.add_parser("show", help="one of them, with its original on request")
    show.add_argument("id", type=int, metavar="ID", help="its number in the list")
    show.add_argument(
        "--original", type=Path, metavar="FILE", help="write the bytes that the channel gave us"
    )
    show.set_defaults(command=with_deskgate(_show))
    replay = dead.add_parser("replay", help="try them again, once their reason is mended")
    replay.add_argument("ids", type=int, nargs="*", metavar="ID", help="their numbers in the list")
    replay.add_argument("--all", action="store_true", help="every one of them")
    replay.set_defaults(command=with_deskgate(_replay))
    for parser in (listed, show, replay):
        config_option(parser)


async def _list(deskgate: Deskgate, options: argparse.Namespace) -> int:
    found = await deskgate.operations.dead()
    for dead in found:
        about = f"{dead.who}: {dead.about}" if dead.who else "(its key is not here)"
        print(
            f"{dead.id:>8}  {dead.at:%Y-%m-%d %H:%M}  {dead.connector}/{dead.account}  {dead.kind}  {dead.reason}"
        )
        print(f"          {about}")
    counted = (await deskgate.operations.fare()).vitals.dead
    print(
        f"{counted} inputs could not be handled."
        + (" Try again: deskgate dead replay --all" if found else "")
    )
    return 0


async def _show(deskgate: Deskgate, options: argparse.Namespace) -> int:
    dead = await deskgate.operations.dead_one(options.id)
    if dead is None:
        print(f"{options.id} is not among the dead letters. See: deskgate dead list", file=sys.stderr)
        return 1
    for name in dead.__struct_fields__:
        print(f"{name:10} {getattr(dead, name)}")
    if options.original:
        return await _write(deskgate, options.id, options.original)
    return 0


async def _write(deskgate: Deskgate, number: int, file: Path) -> int:
    content = await deskgate.operations.original(number)
    if not content:
        print("No original was kept of it: it came from within.")
        return 1

    def write() -> None:
        with open(file, "xb", opener=lambda path, flags: os.open(path, flags, 0o600)) as out:
            out.write(content)

    await asyncio.to_thread(write)
    print(f"{len(content):,} bytes are in {file}, for you alone.")
    return 0


async def _replay(deskgate: Deskgate, options: argparse.Namespace) -> int:
    if bool(options.ids) == bool(options.all):
        print("Name the numbers of `deskgate dead list`, or give --all.", file=sys.stderr)
        return 2
    found = await deskgate.operations.replay(None if options.all else options.ids, WHO)
    print(f"{len(found)} are tried again" + (f": {', '.join(map(str, found[:20]))}." if found else "."))
    if missing := sorted(set(options.ids) - set(found)):
        print(f"Not among the dead letters: {', '.join(map(str, missing))}.")
    return int(bool(missing))
