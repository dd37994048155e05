"""`deskgate mail authorize`: walks through the sign-in of a mailbox whose provider takes no passwords."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from connectors.email.oauth import Tokens
    from connectors.email.settings import Settings as MailSettings
    from gateway.accounts import Account
    from gateway.privacy import Seal
    from gateway.settings import Settings
    from gateway.store import Store

Parsers = argparse._SubParsersAction


def register(
    mail: Parsers[argparse.ArgumentParser], config_option: Callable[[argparse.ArgumentParser], None]
) -> None:
    """Adds `mail authorize`."""
    authorize = mail.add_parser("authorize", help="sign a mailbox in at Microsoft or Google, once")
    authorize.add_argument("address", metavar="ADDRESS", help="the mailbox, as config.toml names it")
    config_option(authorize)
    authorize.set_defaults(command=_authorize)


def _authorize(options: argparse.Namespace) -> int:
    from gateway.startup import read_settings

    settings, accounts = read_settings(options.config, os.environ)
    account = find(accounts, options.address)
    if account is None:
        print(f"{options.config}: no mail account has the address {options.address}.")
        return 1
    if str(getattr(account.settings, "auth", "")) != "xoauth2":
        print(
            f"{options.address} signs in with its password: there is nothing to do. For Microsoft 365 and Google "
            'set auth = "xoauth2" first; docs/email.md says how.'
        )
        return 1
    return asyncio.run(_walk(settings, account))


def find(accounts: list[Account], address: str) -> Account | None:
    """The mail account with this address."""
    wanted = address.strip().lower()
    mail = (account for account in accounts if account.kind == "email")
    return next((a for a in mail if getattr(a.settings, "address", "") == wanted), None)


async def _walk(settings: Settings, account: Account) -> int:
    from connectors.email.authorize import authorize, try_mailbox
    from gateway.clock import SystemClock
    from gateway.errors import Retryable

    mail: MailSettings = account.settings  # type: ignore[assignment]  # a mail account's
    try:
        tokens = await authorize(mail, SystemClock(), print, _line)
    except Retryable as error:
        print(f"{error} Try again in a moment.")
        return 1
    await keep(settings, account.name, tokens)
    if why := await try_mailbox(mail, tokens.access):
        print(f"The token is kept, but {why}")
        return 1
    print(f"{mail.address} is signed in. A running Deskgate uses it within a minute.")
    return 0


async def keep(settings: Settings, account: str, tokens: Tokens) -> None:
    """Puts the tokens, sealed, where every replica finds them."""
    from connectors.email.grant import encoded, grant_name
    from gateway.clock import SystemClock, to_ms
    from gateway.privacy import Seal, installation_key
    from gateway.store import Store, grants, open_driver

    seal = Seal(installation_key(os.environ.get("DESKGATE_KEY", ""), settings.store.key_file))
    name = grant_name(account)
    sealed = seal.seal(encoded(tokens), f"grant/{name}".encode())
    store = Store(open_driver(settings.store.database))
    await store.open()
    try:
        now = to_ms(SystemClock().now())
        await store.driver.write(lambda tx: grants.keep(tx, name, sealed, now))
    finally:
        await store.close()


async def current_token(store: Store, seal: Seal, account: Account) -> str:
    """The token with which this account signs in now, "" for one with a password. Raises GrantLost, Retryable."""
    from connectors.email.grant import decoded, encoded, grant_name
    from connectors.email.oauth import renew
    from gateway.clock import SystemClock, to_ms
    from gateway.store import grants

    mail: MailSettings = account.settings  # type: ignore[assignment]  # a mail account's
    if mail.auth != "xoauth2":
        return ""
    name, now = grant_name(account.name), SystemClock().now()
    sealed = await store.driver.read(lambda tx: grants.read(tx, name))
    known = decoded(seal.open(sealed, f"grant/{name}".encode())) if sealed else None
    if known is not None and known.access and known.ends > now:
        return known.access
    # A running Deskgate would have renewed it: there is none, so it is ours to do.
    fresh = await renew(mail, known, now)
    kept = seal.seal(encoded(fresh), f"grant/{name}".encode())
    await store.driver.write(lambda tx: grants.keep(tx, name, kept, to_ms(now)))
    return fresh.access


async def _line() -> str:
    """The line that the person pastes; waits for ever where nobody can type."""
    loop = asyncio.get_running_loop()
    typed: asyncio.Future[str] = loop.create_future()

    def read() -> None:
        loop.remove_reader(sys.stdin)
        if line := sys.stdin.readline().strip():
            typed.set_result(line)

    try:
        loop.add_reader(sys.stdin, read)
    except (OSError, ValueError):  # no terminal and no pipe
        return await typed
    try:
        return await typed
    finally:
        loop.remove_reader(sys.stdin)
