"""`deskgate publish`: makes the files of the folders the revision that counts, or brings an older one back."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gateway.store import Store
    from gateway.store.revisions import Revision


def register(commands: Any, config_option: Callable[[argparse.ArgumentParser], None]) -> None:
    """Adds `publish`."""
    publish = commands.add_parser(
        "publish", help="make articles, rules, canned replies and words count, as one revision"
    )
    what = publish.add_mutually_exclusive_group()
    what.add_argument("--dry-run", action="store_true", help="only show what would change")
    what.add_argument("--revert", type=int, metavar="N", help="bring the content of revision N back")
    what.add_argument("--list", action="store_true", help="the revisions, the newest first")
    config_option(publish)
    publish.set_defaults(command=_publish)


def _publish(options: argparse.Namespace) -> int:
    from gateway.clock import SystemClock, to_ms
    from gateway.settings import load
    from gateway.store import Store, open_driver

    settings, now = load(options.config, os.environ), to_ms(SystemClock().now())

    async def work() -> int:
        store = Store(open_driver(settings.store.database))
        await store.open()
        try:
            if options.list:
                return await _list(store)
            if options.revert:
                return await _revert(store, options.revert, now)
            return await _files(store, options.dry_run, settings, now)
        finally:
            await store.close()

    return asyncio.run(work())


async def _list(store: Store) -> int:
    from gateway.store import revisions

    for found in await store.driver.read(lambda tx: revisions.revisions(tx, 50)):
        back = f", brings {found.reverts} back" if found.reverts else ""
        what = f"{found.digest}  {len(found.files)} files, by {found.author}{back}"
        print(f"{found.id:>6}  {found.at:%Y-%m-%d %H:%M}  {what}")
    return 0


async def _current(store: Store) -> tuple[Revision | None, Mapping[str, bytes]]:
    from gateway.store import revisions

    newest = await store.driver.read(revisions.current)
    return newest, await store.driver.read(lambda tx: revisions.bodies(tx, newest)) if newest else {}


async def _files(store: Store, dry_run: bool, settings: Any, now: int) -> int:
    from gateway.operations.content import Source
    from gateway.store import revisions

    source = Source(settings)
    files = source.files()
    newest, before = await _current(store)
    if problems := source.problems(files):
        print("Nothing is published:", *problems, sep="\n  ", file=sys.stderr)
        return 1
    if not _show(before, files, newest):
        return 0
    if dry_run:
        print("Nothing was published: this was a dry run.")
        return 0
    made = await store.driver.write(lambda tx: revisions.publish(tx, files, "publish", now))
    print(f"Revision {made.id} counts from now on.")
    return 0


async def _revert(store: Store, number: int, now: int) -> int:
    from gateway.store import revisions

    wanted = await store.driver.read(lambda tx: revisions.revision(tx, number))
    if wanted is None:
        print(f"There is no revision {number}. See: deskgate publish --list", file=sys.stderr)
        return 1
    newest, before = await _current(store)
    files = await store.driver.read(lambda tx: revisions.bodies(tx, wanted))
    if not _show(before, files, newest):
        return 0
    made = await store.driver.write(lambda tx: revisions.publish(tx, files, "publish", now, number))
    print(
        f"Revision {made.id} counts from now on, with the content of {number}. The files in the folders stay as"
    )
    print("they are, and count again when one of them is saved, or with `deskgate publish`.")
    return 0


def _show(before: Mapping[str, bytes], after: Mapping[str, bytes], newest: Revision | None) -> bool:
    """Prints what changes; False when nothing does."""
    from gateway.operations.content import diff

    if lines := diff(before, after) if newest else ["(the first revision)"]:
        print(*lines, sep="\n")
        return True
    print(f"Nothing changes: revision {newest.id if newest else 0} has this content.")
    return False
