"""Commands about mail that went wrong: addresses that mail came back from, and what waits in quarantine."""

from __future__ import annotations

import argparse
import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.cli import mail_import as cli_mail_import
from gateway.cli import mail_sign_in as cli_mail_sign_in

if TYPE_CHECKING:
    from gateway.store import Store

Parsers = argparse._SubParsersAction
ConfigOption = Callable[[argparse.ArgumentParser], None]


def register(mail: Parsers[argparse.ArgumentParser], config_option: ConfigOption) -> None:
    """Adds `mail suppressed`, `mail authorize` and `mail import`."""
    cli_mail_sign_in.register(mail, config_option)
    cli_mail_import.register(mail, config_option)
    suppressed = mail.add_parser("suppressed", help="addresses that mail came back from")
    suppressed.add_argument("--lift", metavar="ADDRESS", help="let automatic mail go there again")
    config_option(suppressed)
    suppressed.set_defaults(command=_suppressed)


def _suppressed(options: argparse.Namespace) -> int:
    async def work() -> int:
        async with _store(options.config) as store:
            return await (_lift(store, options.lift) if options.lift else _list_suppressed(store))

    return asyncio.run(work())


async def _list_suppressed(store: Store) -> int:
    from gateway.store import suppression

    found = await store.driver.read(suppression.lines)
    for line in found:
        print(f"{line.at:%Y-%m-%d}  {line.address:40}  DG-{line.ticket}  {line.reason}")
    print(f"{len(found)} addresses get nothing automatic.")
    return 0


def register_quarantine(commands: Parsers[argparse.ArgumentParser], config_option: ConfigOption) -> None:
    """Adds `quarantine list` and `quarantine release`."""
    quarantine = commands.add_parser("quarantine", help="messages that were kept apart").add_subparsers(
        required=True, metavar="COMMAND"
    )
    listed = quarantine.add_parser("list", help="what waits there, and why")
    listed.set_defaults(command=_quarantine_list)
    release = quarantine.add_parser("release", help="let a message in after all")
    release.add_argument("id", type=int, metavar="ID", help="its number in the list")
    release.set_defaults(command=_quarantine_release)
    for parser in (listed, release):
        config_option(parser)


def _quarantine_list(options: argparse.Namespace) -> int:
    from gateway.clock import from_ms
    from gateway.store import ledger

    async def work() -> int:
        async with _store(options.config) as store:
            found = await store.driver.read(ledger.quarantined)
        for number, at, connector, account, reason, sealed in found:
            who = _sender(bytes(sealed), options.config)
            print(f"{number:>8}  {from_ms(at):%Y-%m-%d %H:%M}  {connector}/{account}  {who}  {reason}")
        print(f"{len(found)} messages are in quarantine.")
        return 0

    return asyncio.run(work())


def _sender(sealed: bytes, config: Path) -> str:
    """Whom a sealed message is from and what it is called, as far as this installation's key opens it."""
    from gateway.model import Message
    from gateway.privacy import CannotOpen, Seal, installation_key
    from gateway.privacy.sealing import unsealed
    from gateway.settings import load

    seal = Seal(installation_key(os.environ.get("DESKGATE_KEY", ""), load(config, os.environ).store.key_file))
    try:
        value = unsealed(sealed, seal)
    except CannotOpen:
        return "(sealed with another key)"
    return f"{value.sender.value}: {value.subject[:60]!r}" if isinstance(value, Message) else value.connector


def _quarantine_release(options: argparse.Namespace) -> int:
    from gateway.store import ledger

    async def work() -> int:
        async with _store(options.config) as store:
            return int(not await store.driver.write(lambda tx: ledger.release_quarantined(tx, options.id)))

    missing = asyncio.run(work())
    print(
        f"{options.id} is not in quarantine."
        if missing
        else f"{options.id} is let in; a running Deskgate takes it."
    )
    return missing


async def _lift(store: Store, address: str) -> int:
    from gateway.store import suppression

    lifted = await store.driver.write(lambda tx: suppression.lift(tx, address))
    print(f"{address} gets automatic mail again." if lifted else f"{address} is not suppressed.")
    return 0 if lifted else 1


@asynccontextmanager
async def _store(config: Path) -> AsyncIterator[Store]:
    from gateway.settings import load
    from gateway.store import Store, open_driver

    store = Store(open_driver(load(config, os.environ).store.database))
    await store.open()
    try:
        yield store
    finally:
        await store.close()
