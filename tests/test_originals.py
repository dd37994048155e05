"""What was masked: looked at on the record, unmasked when it is no secret; and what a resolved ticket teaches."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.articles import load
from gateway.errors import Refused
from gateway.model import Identity, Verb
from tests.conftest import MakeWorld
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
    import asyncio

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
