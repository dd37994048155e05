"""Dead letters: listed with their reason, tried again from the command line and the desk, by leads and admins."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway import intake
from gateway.cli import main
from gateway.operations.vitals import Operations
from gateway.privacy import Seal
from tests.fakes_site import LETTER, FakeOperations, open_site
from tests.fakes_web import ADMIN, AGENT
from tests.stores import rows
from tests.world import World


async def die(world: World, monkeypatch: pytest.MonkeyPatch, text: str, who: str = "mia") -> None:
    """Says something on which deciding fails until the input is dead."""

    def broken(*_: object) -> None:
        raise ValueError("4111 1111 1111 1111 is no number that we know")

    with monkeypatch.context() as failing:
        failing.setattr(intake, "decide", broken)
        await world.say(text, who=who)
        for _ in range(8):
            await world.later(minutes=1)


def operations(world: World) -> Operations:
    return Operations(world.store, world.seal, world.clock, world.intake, ("chat/main",))


async def test_what_cannot_be_handled_is_shown_and_handled_once_it_can(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await die(world, monkeypatch, "My card 4111 1111 1111 1111 was refused")
    desk = operations(world)
    (dead,) = await desk.dead()
    assert "ValueError in broken" in dead.reason and "4111" not in repr(dead)
    assert (dead.connector, dead.kind, dead.sealed) == ("chat", "message", False)
    assert await desk.original(dead.id) == b"My card 4111 1111 1111 1111 was refused"
    assert await desk.replay([dead.id + 7], "lea") == []
    assert await desk.replay([dead.id], "lea") == [dead.id]
    await world.settle()
    assert await world.numbers() == [dead.id] and await desk.dead() == []
    assert (await world.store.ledger_count()).adds_up
    (event,) = await world.store.recent_events(["dead_replayed"], 5)
    assert event.data == {"inputs": [dead.id], "by": "lea"}


async def test_all_are_tried_again_at_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for who in ("mia", "lou"):
        await die(world, monkeypatch, "Where is my order?", who)
    assert len(await operations(world).replay(None, "lea")) == 2
    await world.settle()
    assert len(await world.numbers()) == 2


async def test_one_whose_key_is_gone_is_shown_without_its_words(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await die(world, monkeypatch, "Where is my order?")
    foreign = Operations(world.store, Seal(b"x" * 32), world.clock, world.intake, ())
    (dead,) = await foreign.dead()
    assert dead.sealed and dead.who == ""


async def test_the_command_line_lists_shows_and_replays(
    world: World,
    database: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    config = tmp_path / "config.toml"
    config.write_text(f'[store]\ndatabase = "{database}"\n')
    monkeypatch.setenv("DESKGATE_KEY", (b"k" * 32).hex())

    async def run(*arguments: str) -> tuple[int, str]:
        code = await asyncio.to_thread(main, [*arguments, "--config", str(config)])
        return code, "".join(capsys.readouterr())

    await die(world, monkeypatch, "Where is my order?")
    (dead,) = await operations(world).dead()
    code, said = await run("dead", "list")
    assert code == 0 and "ValueError" in said and "1 inputs" in said and "Where is my order?" in said
    code, said = await run("dead", "show", str(dead.id), "--original", str(tmp_path / "raw"))
    assert code == 0 and (tmp_path / "raw").read_bytes() == b"Where is my order?"
    assert (tmp_path / "raw").stat().st_mode & 0o077 == 0
    assert (await run("dead", "show", "9999"))[0] == 1
    assert (await run("dead", "replay"))[0] == 2
    code, said = await run("dead", "replay", str(dead.id), "9999")
    assert code == 1 and "1 are tried again" in said and "9999" in said
    await world.settle()
    assert await world.numbers() == [dead.id]
    assert await rows(world.store, "SELECT id FROM ledger WHERE state = 'dead'") == []


# ---------------------------------------------------------------- the desk


async def test_leads_and_admins_try_again_on_the_desk() -> None:
    operations = FakeOperations(LETTER, LETTER)
    async with open_site(operations=operations) as browser:
        browser.enter(ADMIN)
        page = await browser.text("/desk/dead")
        assert "ValueError in mask:12" in page and "Mia &lt;b&gt;" in page and "Try all again" in page
        form = await browser.form("/desk/dead")
        answer = await browser.post("/desk/dead/replay", {**form, "input": "7"})
        assert (
            "2 are being tried again" not in await answer.text()
            and "is being tried again" in await answer.text()
        )
        await browser.post("/desk/dead/replay", {**form, "input": "all"})
        assert (await browser.post("/desk/dead/replay", {**form, "input": "x"})).status == 400
    assert operations.replayed == [([7], ADMIN.id), (None, ADMIN.id)]


async def test_agents_may_not() -> None:
    operations = FakeOperations(LETTER)
    async with open_site(operations=operations) as browser:
        browser.enter(AGENT)
        assert (await browser.get("/desk/dead")).status == 403
        form = await browser.form("/desk")
        assert (await browser.post("/desk/dead/replay", {**form, "input": "all"})).status == 403
        assert "/desk/dead" not in await browser.text("/desk/health")
    assert operations.replayed == []
