"""The part of doctor that looks at a mailbox: fetches its token, and remembers whether plus addresses arrive."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from gateway.cli.mail_sign_in import current_token

if TYPE_CHECKING:
    from connectors.email.settings import Settings as MailSettings
    from gateway.accounts import Account
    from gateway.operations.findings import Finding
    from gateway.settings import Settings
    from gateway.store import Store


async def examine(settings: Settings, account: Account) -> list[Finding]:
    """What is found; the outcome of the round trip is kept where every replica sees it."""
    from connectors.email.doctor import examine as look
    from connectors.email.reply_key import plus_cursor
    from gateway.clock import SystemClock

    mail: MailSettings = account.settings  # type: ignore[assignment]  # a mail account's
    async with _store(settings) as store:
        token = await _token(settings, account, store)
        examined = await look(mail, SystemClock().now(), token=token)
        if store is not None and examined.plus is not None:
            await store.take([], [plus_cursor(account.name, arrives=examined.plus)])
    return examined.findings


@asynccontextmanager
async def _store(settings: Settings) -> AsyncIterator[Store | None]:
    """The database as it is; None where there is none yet or a start would change it: a look makes nothing."""
    from gateway.errors import StoreError
    from gateway.store import Store, open_driver
    from gateway.store.examination import look

    try:
        looked = await asyncio.to_thread(look, settings.store.database)
    except StoreError:
        yield None  # the general part says so
        return
    if not looked.exists or looked.missing or looked.unknown:
        yield None
        return
    store = Store(open_driver(settings.store.database))
    await store.open()
    try:
        yield store
    finally:
        await store.close()


async def _token(settings: Settings, account: Account, store: Store | None) -> str:
    from gateway.errors import DeskgateError
    from gateway.privacy import Seal, installation_key

    if store is None:
        return ""
    seal = Seal(installation_key(os.environ.get("DESKGATE_KEY", ""), settings.store.key_file))
    try:
        return await current_token(store, seal, account)
    except DeskgateError:
        return ""  # that there is none is a finding
