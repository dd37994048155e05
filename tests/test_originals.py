"""What was masked: looked at on the record, unmasked when it is no secret; and what a resolved ticket teaches."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from bot.articles import load
from gateway.errors import Refused
from gateway.model import Identity, Verb
from gateway.operations.originals import Originals
from gateway.operations.replaying import replay
from tests.conftest import MakeWorld
from tests.stores import rows
from tests.world import World

CARD = "4111 1111 1111 1111"
TEXT = f"My order {CARD} is late, where is it?"


@pytest.fixture
def database(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/deskgate.db"


def agent(name: str) -> Identity:
    return Identity(kind="agent", value=name, verified=True)


async def masked(world: World) -> int:
    """A ticket with a masked message; the number of that line."""
    await world.say(TEXT)
    (entry, *_) = await world.entries(1)
    assert "[card]" in entry.text and (await world.ticket(1)).queue == "protected"
    return entry.id


async def test_an_original_is_shown_to_who_may_and_that_is_on_the_record(world: World) -> None:
    entry = await masked(world)
    with pytest.raises(Refused):
        await world.host.original(agent("ana"), 1, entry)
    handling = world.intake
    shown = await _while_handling(world, agent("lea"), entry)
    assert shown == TEXT and handling is world.intake
    event = next(e for e in (await world.page(1)).events if e.kind == "original_shown")
    assert event.data == {"by": "lea", "entry": entry}
    assert CARD not in await world.dump(), "what was shown is nowhere in the readable copy"


async def _while_handling(world: World, who: Identity, entry: int) -> str:
    """Asks while the intake is at work, as it is in a running program."""
    work = asyncio.create_task(world.intake.run())
    try:
        return await world.host.original(who, 1, entry)
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)


async def test_not_sensitive_unmasks_and_sends_it_where_it_belongs(world: World) -> None:
    entry = await masked(world)
    done = await world.act(Verb.NOT_SENSITIVE, 1, "lea", queue="orders", text="An order number of ours.")
    assert done.detail == "DG-1 is with Orders now, unmasked."
    ticket = await world.ticket(1)
    assert (ticket.protected, ticket.queue) == (False, "orders")
    (line, *_) = await world.entries(1)
    assert (line.id, line.text) == (entry, TEXT)
    event = next(e for e in (await world.page(1)).events if e.kind == "unmasked")
    assert event.data == {"by": "lea", "entries": [entry]}
    await world.say("Any news of it?")
    assert ((await world.ticket(1)).protected, (await world.ticket(1)).queue) == (False, "orders")


async def test_a_resolved_ticket_becomes_a_draft_for_the_authors(world: World, tmp_path: Path) -> None:
    world.host.drafts = tmp_path / "kb" / "drafts"
    await world.say("a person, please. Do you repair shoes?")
    await world.act(Verb.REPLY, 1, text="Yes, within two weeks; bring them to any shop.")
    await world.act(Verb.RESOLVE, 1)
    page = await world.page(1)
    from gateway.drafts import write
    from gateway.model import AgentAction

    await world.act(Verb.DRAFT_ARTICLE, 1, subject="Shoe repairs", text=f"We repair shoes. {CARD}")
    action = AgentAction(
        connector="desk", account="browser", delivery_key="x", at=world.clock.now(), actor=agent("ana"),
        verb=Verb.DRAFT_ARTICLE, ticket=1, subject="Shoe repairs", text=f"We repair shoes. {CARD}",
    )  # fmt: skip
    said = write(page, action, tmp_path / "kb" / "drafts")
    assert "shoe-repairs.md" in said
    text = (tmp_path / "kb/drafts/shoe-repairs.md").read_text()
    assert "draft: true" in text and "Do you repair shoes?" in text and CARD not in text
    assert load(tmp_path / "kb").articles == () or all(a.draft for a in load(tmp_path / "kb").articles)
    assert write(page, action, tmp_path / "kb" / "drafts").startswith("No draft was written")


async def test_the_article_that_answers_is_named(make_world: MakeWorld) -> None:
    world = await make_world()
    await world.say("a person, please")
    await world.act(Verb.RESOLVE, 1)
    name = world.bot.library.articles[0].name
    done = await world.act(Verb.LINK_ARTICLE, 1, value=f"https://help.example/help/en/{name}")
    assert done.state == "done" and (await world.ticket(1)).work.articles == (name,)
    assert "article_linked" in await world.events(1)


# ---------------------------------------------------------------- dropped after handling


def dropping(world: World, hours: float = 1) -> Originals:
    return Originals(world.store, world.seal, world.clock, lambda: world.policy, timedelta(hours=hours))


async def opened(world: World) -> str:
    """Everything that the ledger and its files hold, unsealed."""
    inputs = [world.seal.open(row[0], b"input").decode() for row in await rows(world.store, _SEALED)]
    raw = [world.seal.open(row[0], b"raw").decode() for row in await rows(world.store, _RAW)]
    return "\n".join([*inputs, *raw])


_SEALED = "SELECT sealed FROM ledger WHERE sealed IS NOT NULL"
_RAW = "SELECT raw FROM ledger WHERE raw IS NOT NULL"


async def test_originals_are_dropped_some_time_after_they_were_handled_and_a_replay_says_so(
    world: World, database: str, tmp_path: Path
) -> None:
    entry = await masked(world)
    await world.say(
        f"My verification code is 559021, {'x' * 70_000}", who="noa"
    )  # too large for a row: a file of its own
    await world.act(
        Verb.NEW, 0, "lea", text=f"She read {CARD} to me", requester="Mia", contact="+386 40 111 222"
    )
    await world.act(Verb.NOTE, 1, "lea", text="Called back.")
    drops = dropping(world)
    assert await drops.sweep() == 0 and CARD in await opened(world), "not before its time"
    before = await rows(world.store, "SELECT * FROM entries ORDER BY id")
    assert (await rows(world.store, "SELECT COUNT(*) FROM blobs"))[0][0] == 1
    world.clock.advance(hours=2)
    await world.take(world.message(f"Once more: {CARD}"))
    assert await drops.sweep() == 4
    assert CARD in await opened(world), "what is not handled keeps its original"
    await world.settle()
    world.clock.advance(hours=2)
    assert await drops.sweep() == 1 and await drops.sweep() == 0
    left = await opened(world)
    assert CARD not in left and "559021" not in left and "Called back." in left
    assert await rows(world.store, "SELECT COUNT(*) FROM blobs") == [(0,)]
    assert await rows(world.store, "SELECT * FROM entries ORDER BY id LIMIT 5") == before[:5]
    with pytest.raises(Refused, match="dropped after handling"):
        await _while_handling(world, agent("lea"), entry)
    await world.settle()
    found = await asyncio.to_thread(
        replay, database, tmp_path / "new.db", world.seal, world.policy, world.bot, lambda done: None
    )
    assert found.same and found.masked == 4 and found.written == found.turns


async def test_the_same_bytes_by_another_delivery_stay_until_both_are_dropped(world: World) -> None:
    long = f"My verification code is 559021, {'x' * 70_000}"
    await world.say(long)
    world.clock.advance(hours=2)
    await world.take(world.message(long, who="noa"))
    assert await dropping(world).sweep() == 1
    assert await rows(world.store, "SELECT COUNT(*) FROM blobs") == [(1,)]
    await world.settle()
    assert await dropping(world, hours=0).sweep() == 1
    assert await rows(world.store, "SELECT COUNT(*) FROM blobs") == [(0,)]
    result = await world.act(Verb.NOT_SENSITIVE, 1, "lea")
    assert result.state == "done" and "559021" not in await world.dump()
