"""The suite. Each test is one sentence of the contract; a service that lacks a thing skips its test with the reason."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import pytest

from gateway.conformance.door import Cannot, Door, Refusal
from gateway.errors import Retryable, StoreError, Uncertain, Undeliverable
from gateway.model import AnyInput, Cursor, Deletion, EntryKind, Receipt
from gateway.privacy.sealing import unsealed
from gateway.store.ledger import LedgerCount, TakeRow, sealed_payloads
from gateway.views import TicketFilter

T = TypeVar("T")

TEXTS = {
    "plain": "Where is my order?",
    "unicode": "Č š ž – 您好 🙂 \u202eright to left\u202c e\u0301",
    "very long": "long " * 2000 + "end",
}
#: Seconds that anything may take on a busy machine.
PATIENCE = 60
FLOOD = 40
OURS = "These are our own words"


class Conformance:
    """Subclass it and give a fixture `door`; every test runs on a Deskgate of its own."""

    # ------------------------------------------------------------ coming in

    @pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
    async def test_what_is_acknowledged_is_in_the_ledger(self, door: Door, text: str) -> None:
        assert await door.deliver(1, text)
        count = await settled(door)
        assert count.accepted >= 1 and count.dead == 0 and count.adds_up
        assert any(_said(each, text) for each in await inputs(door)), "the words are there, whole"

    async def test_an_empty_message_breaks_nothing(self, door: Door) -> None:
        await door.deliver(1, "")
        assert await door.deliver(2, "Where is my order?")
        count = await settled(door)
        assert count.dead == 0 and count.adds_up

    async def test_the_same_delivery_again_is_acknowledged_and_kept_once(self, door: Door) -> None:
        assert [await door.deliver(1, "Hello, where is my order?") for _ in range(3)] == [True] * 3
        count = await settled(door)
        assert count.duplicates == 2 and count.adds_up

    async def test_what_was_said_in_order_is_kept_in_order(self, door: Door) -> None:
        said = [f"Question number {number}" for number in range(1, 7)]
        for number, text in enumerate(said, 1):
            assert await door.deliver(number, text)
        await settled(door)
        kept = [text for each in await inputs(door) for text in said if _said(each, text)]
        assert kept == said

    async def test_a_flood_is_kept_whole(self, door: Door) -> None:
        """What is turned away for being too much was not acknowledged, and is not there either."""
        took = await asyncio.gather(*(door.deliver(n, f"Flood {n} of many") for n in range(1, FLOOD + 1)))
        count = await settled(door)
        kept = [each for each in await inputs(door) if "Flood" in _text(each)]
        assert len(kept) == sum(took) > 0
        assert count.duplicates == 0 and count.dead == 0 and count.adds_up

    async def test_garbage_is_turned_away_and_the_next_message_is_not(self, door: Door) -> None:
        assert await door.deliver(1, "Hello, where is my order?")
        await settled(door)
        before = await people(door)
        assert not await door.garbage()
        assert await people(door) == before
        assert await door.deliver(2, "And how do I return an item?")

    async def test_nothing_is_acknowledged_that_was_not_kept(
        self, door: Door, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert await door.deliver(1, "Hello, where is my order?")
        await settled(door)

        async def broken(worker: str, rows: Sequence[TakeRow], cursors: Sequence[Cursor]) -> list[Receipt]:
            raise StoreError("the disk is full")

        with monkeypatch.context() as patch:
            patch.setattr(door.deskgate.store.driver, "take", broken)
            assert not await door.deliver(2, "How do I return an item?")
        assert await door.deliver(2, "How do I return an item?"), (
            "the service tries again, and now it is kept"
        )
        assert (await settled(door)).adds_up

    @pytest.mark.parametrize("how", ["unsigned", "forged", "replayed"])
    async def test_whoever_cannot_prove_to_be_the_service_is_turned_away(self, door: Door, how: str) -> None:
        present: Callable[[str], Awaitable[bool]] = getattr(door, how)
        acknowledged = await _or_skip(present("Let me in"))
        assert not acknowledged
        assert not any(_said(each, "Let me in") for each in await inputs(door))

    async def test_our_own_words_handed_back_are_nobodys_message(self, door: Door) -> None:
        assert await door.deliver(1, "Hello, where is my order?")
        await settled(door)
        await _or_skip(door.echo(OURS))
        assert await door.deliver(2, "Are you there?")
        await settled(door)
        assert not [line for line in await heard(door) if OURS in line]

    async def test_an_edit_is_a_version_and_the_first_words_stay(self, door: Door) -> None:
        assert await door.deliver(1, "Where is my oder?")
        await settled(door)
        await _claimed(door.edit(1, "Where is my order?"), door.connector.capabilities.edits, "edits")
        await _until(door, lambda found: any(_said(each, "Where is my order?") for each in found))
        found = await inputs(door)
        assert any(_said(each, "Where is my oder?") for each in found)
        keys = {getattr(each, "message_key", "") for each in found if "Where is my o" in _text(each)}
        assert len(keys) == 1, "both versions have the message's own key"
        versions = [getattr(each, "version", "") for each in found if "Where is my o" in _text(each)]
        assert len(set(versions)) == 2

    async def test_a_deletion_takes_nothing_away(self, door: Door) -> None:
        assert await door.deliver(1, "I changed my mind about this")
        await settled(door)
        await _or_skip(door.delete(1))
        await _until(door, lambda found: any(isinstance(each, Deletion) for each in found))
        assert any(_said(each, "I changed my mind about this") for each in await inputs(door))

    async def test_a_file_over_the_limit_is_named_with_the_reason(self, door: Door) -> None:
        """Or the whole message is turned away at the door, where the service can be told so."""
        took = await _claimed(door.attach(1), door.connector.capabilities.files, "files")
        count = await settled(door)
        assert count.dead == 0 and count.adds_up
        if took:
            files = [file for each in await inputs(door) for file in getattr(each, "attachments", ())]
            assert files and all(file.skipped and not file.sha256 for file in files)

    async def test_what_was_said_while_we_were_away_is_not_lost(self, door: Door) -> None:
        """A service that keeps its messages is asked after the start; one that calls us calls again."""
        assert await door.deliver(1, "Hello, where is my order?")
        await settled(door)
        await door.served.stop()
        kept_there = await door.deliver(2, "I wrote while you were away")
        await door.served.start()
        if not kept_there:
            assert await door.deliver(2, "I wrote while you were away"), "the service tries again"
        await _until(door, lambda found: any(_said(each, "I wrote while you were away") for each in found))
        count = await settled(door)
        assert sum(_said(each, "I wrote while you were away") for each in await inputs(door)) == 1
        assert count.adds_up

    # ------------------------------------------------------------ going out

    @pytest.mark.parametrize(
        "text", ["We are looking for it.", "Č š ž – 您好 🙂", "<b>&amp; *a* _b_ `c` [x](javascript:alert(1))"]
    )
    async def test_what_is_said_arrives(self, door: Door, text: str) -> None:
        assert await door.deliver(1, "Hello, where is my order?")
        await settled(door)
        sent = await door.say(f"Begin {text} end")
        assert sent.external_ids
        shown = await door.shown()
        assert "Begin" in shown and "end" in shown and "javascript:" not in shown.partition("](")[0]

    async def test_a_long_answer_arrives_whole(self, door: Door) -> None:
        assert await door.deliver(1, "Hello, where is my order?")
        await settled(door)
        await door.say("\n\n".join(f"Paragraph {n} says something of its own." for n in range(300)))
        shown = await door.shown()
        assert all(f"Paragraph {n} " in shown for n in range(300))

    async def test_too_many_at_once_is_waited_out(self, door: Door) -> None:
        error = await self._refused(door, Refusal.RATE)
        assert isinstance(error, Retryable), error
        if door.retry_after is not None:
            assert error.after is not None and error.after >= door.retry_after

    async def test_a_failure_that_passes_is_tried_again(self, door: Door) -> None:
        assert isinstance(error := await self._refused(door, Refusal.BUSY), (Retryable, Uncertain)), error

    async def test_what_can_never_arrive_is_given_up_with_its_reason(self, door: Door) -> None:
        error = await self._refused(door, Refusal.GONE)
        assert isinstance(error, Undeliverable) and error.reason, error

    async def _refused(self, door: Door, how: Refusal) -> Exception:
        assert await door.deliver(1, "Hello, where is my order?")
        await settled(door)
        await _or_skip(door.refuse(how))
        try:
            await door.say("Can you hear us?")
        except (Retryable, Undeliverable, Uncertain) as error:
            return error
        finally:
            await door.accept()
        raise AssertionError("The connector says that it was sent.")


# ---------------------------------------------------------------- looking


async def settled(door: Door) -> LedgerCount:
    """The ledger once nothing is pending any more."""
    async with asyncio.timeout(PATIENCE):
        while (count := await door.deskgate.store.ledger_count()).pending:
            await asyncio.sleep(0.02)
    return count


async def inputs(door: Door) -> list[AnyInput]:
    """Every input of the ledger, opened, in the order in which it was taken."""
    rows = await door.deskgate.store.driver.read(sealed_payloads)
    return [unsealed(row, door.deskgate.seal) for row in rows]


async def people(door: Door) -> list[str]:
    """What people said, without reports of our own sending."""
    return [text for each in await inputs(door) if (text := _text(each))]


async def heard(door: Door) -> list[str]:
    """What stands on tickets as somebody's message."""
    store = door.deskgate.store
    lines = await store.ticket_lines(TicketFilter(limit=200))
    pages = [page for line in lines if (page := await store.ticket_page(line.id))]
    return [entry.text for page in pages for entry in page.entries if entry.kind is EntryKind.MESSAGE]


async def _until(door: Door, holds: Callable[[list[AnyInput]], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not holds(await inputs(door)):
            await asyncio.sleep(0.05)


def _text(value: AnyInput) -> str:
    return str(getattr(value, "full_text", "") or getattr(value, "text", ""))


def _said(value: AnyInput, text: str) -> bool:
    """Whether the input holds these words; channels may trim space around them or normalise what looks alike."""
    texts: list[Any] = [getattr(value, "text", ""), getattr(value, "full_text", "")]
    return any(_plain(text) in _plain(str(each)) for each in texts) and not isinstance(value, Deletion)


def _plain(text: str) -> str:
    return "".join(char for char in text if char.isalnum())


async def _or_skip(work: Awaitable[T]) -> T:
    try:
        return await work
    except Cannot as reason:
        pytest.skip(str(reason))


async def _claimed(work: Awaitable[T], claimed: bool, what: str) -> T:
    """Like _or_skip, but what the connector's capabilities claim may not be skipped."""
    try:
        return await work
    except Cannot as reason:
        if claimed:
            raise AssertionError(f"The capabilities say {what}, the door cannot: {reason}") from None
        pytest.skip(str(reason))
