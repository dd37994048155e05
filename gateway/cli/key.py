"""`deskgate key`: which installation key is here, and going on without one that is lost."""

from __future__ import annotations

import argparse
import asyncio
import os
from collections.abc import Callable
from typing import Any


def register(commands: Any, config_option: Callable[[argparse.ArgumentParser], None]) -> None:
    """Adds `key status` and `key accept`."""
    key = commands.add_parser("key", help="the key that seals what is stored").add_subparsers(
        required=True, metavar="COMMAND"
    )
    status = key.add_parser("status", help="which key is here and which one sealed the database")
    status.set_defaults(command=_status)
    accept = key.add_parser("accept", help="go on with a new key when the former one is lost for ever")
    accept.set_defaults(command=_accept)
    for parser in (status, accept):
        config_option(parser)


def _status(options: argparse.Namespace) -> int:
    from gateway.operations.doctor import of_key
    from gateway.operations.findings import Level
    from gateway.settings import load
    from gateway.store.examination import look

    settings = load(options.config, os.environ)
    (finding,) = of_key(settings, look(settings.store.database), os.environ)
    print(f"{finding.what} {finding.remedy}".strip())
    return int(finding.level is Level.ERROR)


def _accept(options: argparse.Namespace) -> int:
    from gateway.privacy import Seal, installation_key
    from gateway.settings import load
    from gateway.store import Store, open_driver
    from gateway.store.examination import KEY_FLAG

    settings = load(options.config, os.environ).store
    seal = Seal(installation_key(os.environ.get("DESKGATE_KEY", ""), settings.key_file))

    async def work() -> None:
        store = Store(open_driver(settings.database))
        await store.open()
        try:
            await store.set_flag(KEY_FLAG, seal.id)
        finally:
            await store.close()

    asyncio.run(work())
    print(
        f"From now on the key is {seal.id}. Tickets and their texts are as they were; what an older key sealed"
    )
    print("(originals of messages, attachments) stays closed until that key is in DESKGATE_OLD_KEYS.")
    return 0
