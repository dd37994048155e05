"""`deskgate api-keys`: what other programs sign in with; a token is shown once and kept only as a hash."""

from __future__ import annotations

import argparse
import re
import secrets
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gateway.cli.people import with_deskgate
from gateway.clock import to_ms
from gateway.model import ApiKey

if TYPE_CHECKING:
    from gateway.app import Deskgate

SCOPES = {
    "messages": "send messages of people, and read what they may see",
    "read": "read tickets, messages and events, as the member --as",
    "act": "do what an agent may, as the member --as",
}
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


def register(commands: Any, config_option: Callable[[argparse.ArgumentParser], None]) -> None:
    """Adds the commands of this file."""
    keys = commands.add_parser("api-keys", help="what other programs sign in with").add_subparsers(
        required=True, metavar="COMMAND"
    )
    add = keys.add_parser("add", help="make a key; its token is shown once")
    add.add_argument("name", help="of the program, such as shop; its conversations belong to this name")
    add.add_argument(
        "--scope", action="append", required=True, choices=list(SCOPES), help="may be given several times"
    )
    add.add_argument(
        "--as", dest="agent", default="", metavar="ID", help="the member in whose name it reads and acts"
    )
    config_option(add)
    add.set_defaults(command=with_deskgate(_add))

    listed = keys.add_parser("list", help="every key with its scopes; never a token")
    config_option(listed)
    listed.set_defaults(command=with_deskgate(_list))

    stop = keys.add_parser("revoke", help="a key opens nothing any more, at once")
    stop.add_argument("id", help="as `api-keys list` shows it")
    config_option(stop)
    stop.set_defaults(command=with_deskgate(_revoke))


async def _add(deskgate: Deskgate, options: argparse.Namespace) -> int:
    from gateway.store import api_keys

    if not _NAME.fullmatch(options.name):
        print("The name must be small letters, digits and hyphens, such as shop.", file=sys.stderr)
        return 2
    if {"read", "act"} & set(options.scope) and not options.agent:
        print("The scopes read and act need --as ID: whoever the key reads and acts for.", file=sys.stderr)
        return 2
    agent = await deskgate.store.agent(options.agent) if options.agent else None
    if options.agent and (agent is None or not agent.active):
        print(f"There is no member {options.agent!r}. See `deskgate agents list`.", file=sys.stderr)
        return 1
    now = deskgate.clock.now()
    key = ApiKey(
        id=secrets.token_hex(4), name=options.name, scopes=tuple(sorted(set(options.scope))),
        agent=options.agent, created_at=now,
    )  # fmt: skip
    token = f"dgk_{key.id}_{secrets.token_urlsafe(32)}"
    await deskgate.store.driver.write(lambda tx: api_keys.add(tx, key, token, to_ms(now)))
    print(f"{key.id}  {key.name}  {' '.join(key.scopes)}" + (f"  as {key.agent}" if key.agent else ""))
    print(f"Its token, shown this once:\n{token}")
    return 0


async def _list(deskgate: Deskgate, options: argparse.Namespace) -> int:
    from gateway.store import api_keys

    for key in await deskgate.store.driver.read(api_keys.listed):
        state = f"revoked {key.revoked_at:%Y-%m-%d %H:%M}" if key.revoked_at else "in use"
        print(f"{key.id}  {key.name:20} {' '.join(key.scopes):20} {key.agent or '-':12} {state}")
    return 0


async def _revoke(deskgate: Deskgate, options: argparse.Namespace) -> int:
    from gateway.store import api_keys

    now = to_ms(deskgate.clock.now())
    if not await deskgate.store.driver.write(lambda tx: api_keys.revoke(tx, options.id, now)):
        print(f"There is no key {options.id!r} in use. See `deskgate api-keys list`.", file=sys.stderr)
        return 1
    print(f"{options.id} opens nothing any more.")
    return 0
