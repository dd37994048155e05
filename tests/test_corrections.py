"""Split, move, merge and taking it back: lines and their keys go along, and later mail finds the right ticket."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from gateway.cli import main
from gateway.model import Agent, EntryKind, Role, Status, Verb
from tests.world import World


@pytest.fixture
def database(tmp_path: Path) -> str:
    """One kind is enough here: the SQL is the portable subset."""
    return f"sqlite:///{tmp_path}/deskgate.db"


async def two_matters(world: World) -> tuple[str, str]:
    """Ticket 1 of Mia with two messages; the keys of both."""
    first = await world.say("a person, please", door="mail", subject="Parcel")
    second = await world.say(
        "And the lamp has no bulb.", door="mail", refers_to=(first.message_key,), subject="Re: Parcel"
    )
    return first.message_key, second.message_key


async def lines(world: World, number: int) -> list[str]:
    return [e.text for e in await world.entries(number) if e.kind is EntryKind.MESSAGE]


async def entry(world: World, number: int, text: str) -> int:
    return next(e.id for e in await world.entries(number) if e.text == text)


async def test_a_split_makes_a_ticket_that_later_mail_finds(world: World) -> None:
    first, second = await two_matters(world)
    done = await world.act(Verb.SPLIT, 1, entry=await entry(world, 1, "And the lamp has no bulb."))
    new = max(await world.numbers())
    assert (done.state, done.detail) == ("done", f"It is DG-{new} now.")
    assert await lines(world, 1) == ["a person, please"]
    assert await lines(world, new) == ["And the lamp has no bulb."]
    ticket = await world.ticket(new)
    assert (ticket.queue, ticket.status, ticket.subject) == (
        "general",
        Status.OPEN,
        "And the lamp has no bulb.",
    )

    await world.act(Verb.REPLY, new, text="The bulb is on its way.")
    await world.later(seconds=5)
    assert world.mail.posts[-1].address.conversation == "mia@example.org"
    ours = f"mid:ours-{world.mail.posts[-1].id}@example.com"
    await world.say("Thank you!!", door="mail", refers_to=(ours,))
    await world.say("Still no parcel", door="mail", refers_to=(first,))
    await world.say("The number is 7", door="mail", refers_to=(second,))
    assert (await lines(world, new))[1:] == ["Thank you!!", "The number is 7"]
    assert (await lines(world, 1))[1:] == ["Still no parcel"]


async def test_a_message_moves_to_another_ticket_with_its_writer(world: World) -> None:
    await world.say("a person, please", door="mail", subject="Parcel")
    stray = await world.say("Here is the photo", "noa", "mail", subject="Photo")
    other = max(await world.numbers())
    done = await world.act(Verb.MOVE, other, entry=await entry(world, other, "Here is the photo"), other=1)
    assert done.detail == "It belongs to DG-1 now."
    assert await lines(world, 1) == ["a person, please", "Here is the photo"]
    assert "email:noa@example.org" in {p.identity.key for p in (await world.page(1)).participants}
    await world.say("Another photo", "noa", "mail", refers_to=(stray.message_key,))
    assert (await lines(world, 1))[-1] == "Another photo"


async def test_a_merge_closes_one_and_all_that_answers_it_goes_to_the_other(world: World) -> None:
    first = await world.say("a person, please", door="mail", subject="Parcel")
    await world.say("a person, please", "noa", "mail", subject="Same parcel")
    other = max(await world.numbers())
    done = await world.act(Verb.MERGE, 1, other=other)
    assert done.detail == f"DG-1 is part of DG-{other} now."
    assert ((await world.ticket(1)).status, await lines(world, 1)) == (Status.CLOSED, [])
    await world.say("Any news?", door="mail", refers_to=(first.message_key,))
    await world.say("Any news, by reference?", door="mail", refers_to=("subj:DG-1",))
    assert (await lines(world, other))[2:] == ["Any news?", "Any news, by reference?"]


@pytest.mark.parametrize("verb", [Verb.SPLIT, Verb.MOVE, Verb.MERGE])
async def test_each_can_be_taken_back(world: World, verb: Verb) -> None:
    await two_matters(world)
    await world.say("a person, please", "noa", "mail", subject="Other")
    other = max(await world.numbers())
    before = [e.id for e in await world.entries(1)]
    second = await entry(world, 1, "And the lamp has no bulb.")
    assert (await world.act(verb, 1, entry=second, other=other)).state == "done"
    assert [e.id for e in await world.entries(1)] != before
    assert (await world.act(Verb.RESTORE, 1)).state == "done"
    assert [e.id for e in await world.entries(1)] == before
    assert (await world.ticket(1)).status is Status.OPEN
    assert (await world.act(Verb.RESTORE, 1)).state == "refused"
    if verb is Verb.SPLIT:
        assert (await world.ticket()).status is Status.CLOSED


async def test_everything_is_written_down_on_both_tickets(world: World) -> None:
    await two_matters(world)
    await world.act(Verb.SPLIT, 1, entry=await entry(world, 1, "And the lamp has no bulb."))
    for number in await world.numbers():
        (event,) = (e for e in (await world.page(number)).events if e.kind == "corrected")
        assert event.data["what"] == "split" and event.data["by"] == "ana"


@pytest.mark.parametrize(
    ("verb", "fields", "words"),
    [
        (Verb.SPLIT, {"entry": 1}, "first message"),
        (Verb.SPLIT, {"entry": 999}, "Choose a message"),
        (Verb.SPLIT, {}, "Choose a message"),
        (Verb.MOVE, {"entry": 1, "other": 1}, "in that ticket already"),
        (Verb.MOVE, {"entry": 1, "other": 999}, "no ticket DG-999"),
        (Verb.MERGE, {"other": 999}, "no ticket DG-999"),
        (Verb.MERGE, {}, "no ticket DG-0"),
        (Verb.MERGE, {"other": 1}, "in that ticket already"),
        (Verb.RESTORE, {}, "Nothing was split"),
    ],
)
async def test_what_is_refused(world: World, verb: Verb, fields: dict[str, Any], words: str) -> None:
    await two_matters(world)
    done = await world.act(verb, 1, **fields)
    assert done.state == "refused" and words in done.detail


async def test_nobody_reaches_a_protected_ticket_by_merging(world: World) -> None:
    await world.say("My card is 4111 1111 1111 1111", "noa", "mail")
    protected = max(await world.numbers())
    await world.say("a person, please", door="mail")
    mine = max(await world.numbers())
    done = await world.act(Verb.MERGE, mine, other=protected)
    assert done.state == "refused" and "may see" in done.detail


async def test_the_ledger_still_adds_up(world: World) -> None:
    await two_matters(world)
    await world.act(Verb.SPLIT, 1, entry=await entry(world, 1, "And the lamp has no bulb."))
    assert (await world.store.ledger_count()).adds_up


async def test_the_command_line_shows_and_puts_right(
    world: World,
    database: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    config = tmp_path / "config.toml"
    config.write_text(f'[store]\ndatabase = "{database}"\n')
    monkeypatch.setenv("DESKGATE_KEY", (b"k" * 32).hex())
    await world.store.add_agent(Agent(id="admin", name="Boss", role=Role.ADMIN), 0)

    async def run(*arguments: str) -> tuple[int, str]:
        async def handling() -> None:
            while True:
                await world.settle()
                await asyncio.sleep(0.05)

        task = asyncio.create_task(handling())
        try:
            code = await asyncio.to_thread(main, ["tickets", *arguments, "--config", str(config)])
        finally:
            task.cancel()
        return code, "".join(capsys.readouterr())

    first = await world.say("a person, please", door="mail", subject="Lamp")
    await world.say("My invoice is wrong", door="mail", subject="Re: Lamp", refers_to=(first.message_key,))
    (number,) = await world.numbers()
    _, second = [entry for entry in await world.entries(number) if entry.kind is EntryKind.MESSAGE]

    code, said = await run("show", f"DG-{number}")
    assert code == 0 and f"{second.id}  " in said and "answers a mail" in said
    assert (await run("show", "DG-999"))[0] == 1
    code, said = await run("split", f"dg-{number}", "--message", str(second.id))
    assert code == 0 and "It is DG-" in said
    assert len(await world.numbers()) == 2
    code, said = await run("restore", str(number))
    assert code == 0 and "was taken back" in said
    code, said = await run("move", f"DG-{number}", "--message", str(second.id), "--to", f"DG-{number}")
    assert code == 1 and "that ticket already" in said
    code, said = await run("merge", f"DG-{number}", "--to", "DG-999", "--as", "nobody")
    assert code == 1 and "no member 'nobody'" in said
    assert any(event.data.get("surface") == "desk" for event in (await world.page(number)).events)
