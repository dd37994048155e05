"""The subcommands of whoever runs Deskgate: migrate, backup, restore, outbox."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.errors import StoreError

if TYPE_CHECKING:
    from gateway.operations.former import Former
    from gateway.operations.replaying import Replayed
    from gateway.settings import Settings, StoreSettings

BAR = 24
_LACKS = (
    "It does not hold the installation key ({key}), config.toml or the articles: keep the key in another place.\n"
    "Without that key nobody can open sealed messages and files, and old chat and mail links stop working."
)
_RESUME = (
    "The outbox is paused. What was waiting when the backup was made may have been sent since, so it never leaves by\n"
    "itself: automatic messages are taken back, agents see theirs on the ticket and may send them again.\n"
    "Look with `deskgate outbox status`, then let new messages go with `deskgate outbox resume`."
)


def register(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    config_option: Callable[[argparse.ArgumentParser], None],
) -> None:
    """Adds the subcommands; `config_option` gives each its --config."""
    migrate = commands.add_parser("migrate", help="move an embedded installation to PostgreSQL")
    migrate.add_argument("--to", required=True, metavar="URI", help="postgresql://… of an empty database")
    migrate.set_defaults(command=_migrate)

    backup = commands.add_parser("backup", help="write everything to one file while Deskgate runs")
    backup.add_argument("file", type=Path, metavar="FILE")
    backup.set_defaults(command=_backup)

    restore = commands.add_parser(
        "restore", help="fill an empty database from a backup; the outbox is paused"
    )
    restore.add_argument("file", type=Path, metavar="FILE")
    restore.set_defaults(command=_restore)

    alarm = commands.add_parser("alarm", help="try the way out for alarms")
    alarm.add_argument("what", choices=("test",))
    alarm.set_defaults(command=_alarm_test)

    replay = commands.add_parser("replay", help="rebuild the tickets from what was recorded, and compare")
    replay.add_argument(
        "--into", type=Path, required=True, metavar="NEW.db", help="a file that does not exist"
    )
    replay.set_defaults(command=_replay)

    export = commands.add_parser("export", help="write tickets, contacts, mails and files for other programs")
    export.add_argument("folder", type=Path, metavar="DIR", help="a new folder")
    export.set_defaults(command=_export)

    outbox = commands.add_parser("outbox", help="what waits to be sent")
    outbox.add_argument("what", choices=("status", "pause", "resume"))
    outbox.set_defaults(command=_outbox)
    for parser in (migrate, backup, restore, alarm, replay, export, outbox):
        config_option(parser)


def _store_settings(options: argparse.Namespace) -> StoreSettings:
    from gateway.settings import load

    return load(options.config, os.environ).store


def _migrate(options: argparse.Namespace) -> int:
    from gateway.store.moving import move

    database = _store_settings(options).database
    if not database.startswith("sqlite:///"):
        raise StoreError(
            f"{options.config} names {database.split(':')[0]} already; only an embedded one moves."
        )
    if not options.to.startswith("postgresql://"):
        raise StoreError("--to must begin with postgresql://")
    counts = move(Path(database.removeprefix("sqlite:///")), options.to, _progress)
    _tell("moved and counted", counts)
    print(f'Now set store.database = "{options.to}" in {options.config} and start Deskgate.')
    print("The old file is as it was; keep it until you are content, and do not start on it again.")
    return 0


def _backup(options: argparse.Namespace) -> int:
    from gateway.store.backup import back_up

    settings = _store_settings(options)
    _tell(f"in {options.file}", back_up(settings.database, options.file, _progress))
    print(_LACKS.format(key="DESKGATE_KEY" if os.environ.get("DESKGATE_KEY") else settings.key_file))
    return 0


def _restore(options: argparse.Namespace) -> int:
    from gateway.store.backup import restore

    settings = _store_settings(options)
    _tell("restored and counted", restore(options.file, settings.database, _progress))
    if not os.environ.get("DESKGATE_KEY") and not settings.key_file.exists():
        print(f"There is no installation key here. Put the one of the backup's time at {settings.key_file}.")
    print(_RESUME)
    return 0


def _outbox(options: argparse.Namespace) -> int:
    from gateway.store import Store, open_driver, outbox

    async def work() -> int:
        store = Store(open_driver(_store_settings(options).database))
        await store.open()
        try:
            if options.what != "status":
                await store.pause_outbox(options.what == "pause")
            counts = await store.driver.read(outbox.counts)
            marked = await store.driver.read(outbox.marked)
            paused = await store.outbox_paused()
        finally:
            await store.close()
        print("The outbox is", "paused." if paused else "running.")
        print(*(f"  {state:10} {count:>9,}" for state, count in counts.items()), sep="\n")
        for mark, count in marked.items():
            print(f"  {count:,} of them are marked as {mark} and never leave by themselves.")
        return 0

    return asyncio.run(work())


def _replay(options: argparse.Namespace) -> int:
    from gateway.app import Deskgate
    from gateway.operations.replaying import replay
    from gateway.startup import read_settings, standing

    settings, accounts = read_settings(options.config, os.environ)
    content = asyncio.run(standing(settings))
    deskgate = Deskgate(settings, accounts, content=content)
    try:
        found = replay(
            deskgate.settings.store.database,
            options.into,
            deskgate.seal,
            deskgate.policy,
            deskgate.knowledge.bot,
            lambda done: _progress("turns", done, done),
            asyncio.run(_former(settings)),
        )
    finally:
        deskgate.intake.close()
        if content is not None:
            content.close()
    _tell_replayed(found, options.into)
    return 0 if found.same else 1


async def _former(settings: Settings) -> Former:
    from gateway.operations.former import former
    from gateway.store import Store, open_driver

    store = Store(open_driver(settings.store.database))
    await store.open()
    try:
        return await former(store, settings)
    finally:
        await store.close()


def _tell_replayed(found: Replayed, into: Path) -> None:
    print(
        f"{found.written:,} of {found.turns:,} turns were decided again; {found.tickets:,} tickets are in {into}."
    )
    for count, what in (
        (found.unrecorded, "turns are older than the recording of what they had read"),
        (found.sealed, "turns were erased, or their key is not here"),
        (found.masked, "turns were decided by the masked copy: their originals were dropped after handling"),
        (len(found.incomplete), "tickets are therefore not compared"),
        (found.otherwise, "turns were decided under other settings or rules than those of now"),
        (found.held_back, "messages had not left; in the new database they are marked and never leave"),
    ):
        if count:
            print(f"  {count:,} {what}.")
    for why, count in found.failed.most_common(10):
        print(f"  {count:,} turns could not be written again: {why}")
    for ticket, what in found.different[:20]:
        print(f"  DG-{ticket} differs: {what}")
    print("The tickets are the same." if found.same else f"{len(found.different):,} differences.")


def _export(options: argparse.Namespace) -> int:
    from gateway.cli.opened import opened_deskgate
    from gateway.operations.exporting import export

    async def work() -> int:
        async with opened_deskgate(options.config) as deskgate:
            found = await export(
                deskgate.store, deskgate.seal, options.folder, lambda done: _progress("tickets", done, done)
            )
        print(f"{options.folder}: {found.tickets:,} tickets and {found.contacts:,} contacts as JSON lines,")
        print(
            f"{found.originals:,} originals (mails as .eml) and {found.files:,} files, readable without any key."
        )
        if found.closed:
            print(f"{found.closed:,} could not be opened: they were erased, or their key is not here.")
        print("It cannot be restored; that is what `deskgate backup` is for.")
        return 0

    return asyncio.run(work())


def _alarm_test(options: argparse.Namespace) -> int:
    from gateway.operations.alarm_ways import tell
    from gateway.settings import load

    settings = load(options.config, os.environ)
    if not settings.alarms.ways:
        print(f"{options.config}: [alarms] names no way out. Set mail_to and smtp_host, url or command.")
        return 1
    text = "This is only a test: alarms of this installation reach you by this way."
    reached = asyncio.run(tell(settings.alarms, f"Deskgate for {settings.site.company}: a test", text))
    print(
        f"Told by {', '.join(settings.alarms.ways)}."
        if reached
        else "Nobody was reached; the lines above say why."
    )
    return 0 if reached else 1


def _tell(what: str, counts: dict[str, int]) -> None:
    print(*(f"  {table:14} {count:>12,}" for table, count in counts.items() if count), sep="\n")
    print(f"{sum(counts.values()):,} rows of {len(counts)} tables {what}.")


def _progress(table: str, done: int, total: int) -> None:
    """A bar that moves where a person looks, nothing where a log is written."""
    if sys.stderr.isatty():
        filled = BAR * done // max(total, 1)
        end = "\n" if done >= total else ""
        print(
            f"\r{table:14} [{'#' * filled:{BAR}}] {done:,} of {total:,}", end=end, file=sys.stderr, flush=True
        )
