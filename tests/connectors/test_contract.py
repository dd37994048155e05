"""What every connector owes the core, tried through its own door against a whole running Deskgate."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from connectors import REGISTRY
from gateway.accounts import _load
from gateway.app import Deskgate
from gateway.errors import StoreError
from gateway.model import Cursor, Receipt
from gateway.store.ledger import LedgerCount, TakeRow
from tests.connectors.doors import DOORS, Door

TEXTS = ["Where is my order?", "Č š ž – 您好 🙂 \u202eright to left", "long " * 2000]


@pytest.fixture(params=sorted(DOORS))
async def door(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Door]:
    async with DOORS[request.param](tmp_path) as opened:
        yield opened


async def counted(deskgate: Deskgate) -> LedgerCount:
    """The ledger once nothing is pending any more."""
    async with asyncio.timeout(20):
        while (count := await deskgate.store.ledger_count()).pending:
            await asyncio.sleep(0.02)
    return count


def test_every_channel_of_the_registry_is_under_the_contract() -> None:
    assert set(DOORS) == set(REGISTRY)


@pytest.mark.parametrize("text", TEXTS, ids=["plain", "unicode", "long"])
async def test_what_is_acknowledged_is_in_the_ledger(door: Door, text: str) -> None:
    assert await door.deliver(1, text)
    count = await counted(door.deskgate)
    assert count.accepted >= 1 and count.adds_up


async def test_the_same_delivery_again_is_acknowledged_and_kept_once(door: Door) -> None:
    assert [await door.deliver(1, "Hello, where is my order?") for _ in range(3)] == [True] * 3
    count = await counted(door.deskgate)
    assert count.duplicates == 2 and count.adds_up


async def test_garbage_is_turned_away_and_the_next_message_is_not(door: Door) -> None:
    assert await door.deliver(1, "Hello, where is my order?")
    before = (await counted(door.deskgate)).acknowledged
    assert not await door.garbage()
    assert (await counted(door.deskgate)).acknowledged <= before + 2  # reports of our own answer may come in
    assert await door.deliver(2, "And how do I return an item?")


async def test_nothing_is_acknowledged_that_was_not_kept(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    assert await door.deliver(1, "Hello, where is my order?")
    await counted(door.deskgate)

    async def broken(worker: str, rows: Sequence[TakeRow], cursors: Sequence[Cursor]) -> list[Receipt]:
        raise StoreError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(door.deskgate.store.driver, "take", broken)
        assert not await door.deliver(2, "How do I return an item?")
    assert await door.deliver(2, "How do I return an item?"), "the service tries again, and now it is kept"
    assert (await counted(door.deskgate)).adds_up


async def test_a_burst_is_kept_in_order_and_whole(door: Door) -> None:
    assert all(await asyncio.gather(*(door.deliver(n, f"Question number {n}") for n in range(1, 9))))
    count = await counted(door.deskgate)
    assert count.accepted >= 8 and count.duplicates == 0 and count.adds_up


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_settings_are_closed_and_explained(name: str) -> None:
    _, settings = _load(name)
    assert settings.model_config.get("extra") == "forbid"
    assert [key for key, field in settings.model_fields.items() if not field.description] == []


def test_no_channel_is_imported_unless_enabled() -> None:
    """Starting with web chat alone loads neither Slack's nor the mail libraries."""
    code = (
        "import sys; from gateway.accounts import accounts; from gateway.settings import Settings;"
        "accounts(Settings.model_validate({'connectors': {'webchat': {'site': {}}}}), 'x');"
        "print([m for m in ('slack_bolt', 'aiosmtplib', 'aiosmtpd', 'imapclient', 'telegram') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
