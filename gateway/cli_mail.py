"""Commands about mail that went wrong: addresses that mail came back from, and what waits in quarantine."""

from __future__ import annotations

import argparse
import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.store import Store

Parsers = argparse._SubParsersAction
ConfigOption = Callable[[argparse.ArgumentParser], None]


def register(mail: Parsers[argparse.ArgumentParser], config_option: ConfigOption) -> None:
    """Adds `mail suppressed`."""
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
