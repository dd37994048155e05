"""An installation with its store open, for commands that run beside `serve` or without it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.app import Deskgate


@asynccontextmanager
async def opened_deskgate(config: Path) -> AsyncIterator[Deskgate]:
    """An installation with its store open, by the content that counts, and nothing else of it running."""
    from gateway.app import Deskgate
    from gateway.startup import read_settings, standing

    settings, accounts = read_settings(config, os.environ)
    content = await standing(settings)
    try:
        deskgate = Deskgate(settings, accounts, content=content)
        await deskgate.store.open()
        try:
            yield deskgate
        finally:
            deskgate.intake.close()
            await deskgate.store.close()
    finally:
        if content is not None:
            content.close()
