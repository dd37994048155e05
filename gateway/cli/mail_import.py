"""`deskgate mail import`: older mail of a mailbox onto closed tickets. Sends nothing, can be run again at any time."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import date
from typing import TYPE_CHECKING

import msgspec

from gateway.cli.mail_sign_in import current_token, find

if TYPE_CHECKING:
    from connectors.email.import_mail import Older, Portion
    from connectors.email.settings import Settings as MailSettings
    from gateway.accounts import Account
    from gateway.privacy import Seal
    from gateway.settings import Settings
    from gateway.store import Store

Parsers = argparse._SubParsersAction

_WAITING = (
    300  #: inputs that may wait before reading pauses, so that today's mail never stands behind years of it
)
_PATIENCE = 10.0  #: seconds in which a running Deskgate shows that it works
_EVERY = 500  #: mails between two lines where nobody watches


class Count(msgspec.Struct, kw_only=True):
    """How far the import has come."""

    read: int = 0
    new: int = 0
    too_large: int = 0


def register(
    mail: Parsers[argparse.ArgumentParser], config_option: Callable[[argparse.ArgumentParser], None]
) -> None:
    """Adds `mail import`."""
    command = mail.add_parser("import", help="keep older mail of a mailbox on closed tickets; sends nothing")
    command.add_argument(
        "--since", required=True, type=date.fromisoformat, metavar="DAY", help="the oldest day, as 2025-01-31"
    )
    command.add_argument(
        "--address", default="", metavar="ADDRESS", help="which mailbox, when there are several"
    )
    command.add_argument(
        "--folder", default="", metavar="FOLDER", help="another folder than the one that is read"
    )
    config_option(command)
    command.set_defaults(command=_import)


def _import(options: argparse.Namespace) -> int:
    from gateway.startup import read_settings

    settings, accounts = read_settings(options.config, os.environ)
    boxes = [a for a in accounts if a.kind == "email" and str(getattr(a.settings, "imap_host", ""))]
    account = find(boxes, options.address) if options.address else boxes[0] if len(boxes) == 1 else None
    if account is None:
        names = [str(getattr(box.settings, "address", "")) for box in boxes]
        print(
            f"Say which with --address: {', '.join(names)}" if names else "No mail account has an imap_host."
        )
        return 1
    return asyncio.run(_run(settings, account, options.since, options.folder))


async def _run(settings: Settings, account: Account, since: date, folder: str) -> int:
    from gateway.privacy import Seal, installation_key
    from gateway.store import Store, open_driver

    seal = Seal(installation_key(os.environ.get("DESKGATE_KEY", ""), settings.store.key_file))
    store = Store(open_driver(settings.store.database))
    await store.open()
    try:
        token = await current_token(store, seal, account)
        async with _opened(account, seal, folder, token) as older:
            count = await _take_all(store, seal, older, since)
        waiting = await store.backlog(1_000_000)
    finally:
        await store.close()
    known = count.read - count.new
    print(f"{count.read:,} mails read: {count.new:,} new, {known:,} known already.")
    if count.too_large:
        print(f"{count.too_large:,} are larger than max_mail: their tickets hold the headers only.")
    if waiting:
        print(
            f"{waiting:,} wait to be filed; a running Deskgate does it, or the next start. Nothing is sent."
        )
    return 0


@asynccontextmanager
async def _opened(account: Account, seal: Seal, folder: str, token: str) -> AsyncIterator[Older]:
    from connectors.email.import_mail import Older

    key = seal.derive(f"connector/{account.key}")
    mail: MailSettings = account.settings  # type: ignore[assignment]  # a mail account's
    older = await asyncio.to_thread(Older, account.name, mail, key, folder=folder, token=token)
    try:
        yield older
    finally:
        await asyncio.to_thread(older.close)


async def _take_all(store: Store, seal: Seal, older: Older, since: date) -> Count:
    from gateway.clock import SystemClock

    clock, count = SystemClock(), Count()
    position = ""
    if begins := older.first_position(clock.now()):
        position = await store.cursor(begins.name)
        if not position:  # never connected: from now on it is read by itself
            await store.take([], [begins])
            position = begins.value
    portions = older.portions(since, clock.now(), position)
    filed = True
    while (portion := await asyncio.to_thread(next, portions, None)) is not None:
        await _take(store, seal, portion, count)
        _show(count, portion.total)
        filed = filed and await _drained(store)  # asked no more once nobody files
    return count


async def _take(store: Store, seal: Seal, portion: Portion, count: Count) -> None:
    from gateway.clock import SystemClock
    from gateway.privacy.sealing import sealed_row

    rows = [await sealed_row(each, seal, SystemClock().now()) for each in portion.deliveries]
    receipts = await store.take(rows)
    count.read += len(receipts)
    count.new += sum(not receipt.duplicate for receipt in receipts)
    count.too_large += portion.too_large


async def _drained(store: Store) -> bool:
    """Waits while much is to be filed; False when nobody files it, so that waiting is no use."""
    before = await store.backlog(1_000_000)
    waited = 0.0
    while before > _WAITING and waited < _PATIENCE:
        await asyncio.sleep(0.5)
        now = await store.backlog(1_000_000)
        waited = 0.0 if now < before else waited + 0.5
        before = now
    return before <= _WAITING


def _show(count: Count, total: int) -> None:
    line = f"{count.read:,} of {total:,} mails read, {count.new:,} new"
    if sys.stderr.isatty():
        end = "\n" if count.read >= total else ""
        print(f"\r{line}", end=end, file=sys.stderr, flush=True)
    elif count.read // _EVERY != (count.read - 1) // _EVERY:
        print(line, file=sys.stderr, flush=True)
