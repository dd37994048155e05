"""Quarantine: what strangers send and might do harm is kept apart, shown, and let in when somebody says so."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from gateway.cli import main
from gateway.model import Bounce
from gateway.operations.vitals import Operations
from gateway.store import ledger
from gateway.store.sqlite import SqliteDriver
from tests.fakes_site import Browser, open_site
from tests.fakes_web import ADMIN, AGENT
from tests.world import World, a_file


async def test_a_strangers_archive_waits_and_can_be_let_in(world: World) -> None:
    await world.say("My photos", door="mail", attachments=(a_file("photos.zip"),))
    assert await world.numbers() == []
    ((number, *_, reason, _sealed),) = await world.store.driver.read(ledger.quarantined)
    assert reason == "dangerous: A stranger sent a file that may do harm (.zip)."
    assert [line.reason for line in await world.host.dead_lines()] == [reason]

    assert await world.store.driver.write(lambda tx: ledger.release_quarantined(tx, number))
    await world.settle()
    (entry, *_) = await world.entries(number)
    assert entry.attachments[0].sha256, "the file is kept"
    assert not await world.store.driver.write(lambda tx: ledger.release_quarantined(tx, number))
    assert (await world.store.ledger_count()).adds_up


async def test_a_blocked_sender_can_be_let_in_too(world: World) -> None:
    await world.say("Hello, a person please", who="spam", door="mail", sender=_blocked())
    ((number, *_),) = await world.store.driver.read(ledger.quarantined)
    await world.store.driver.write(lambda tx: ledger.release_quarantined(tx, number))
    await world.settle()
    assert await world.numbers() == [number]


async def test_whoever_wrote_before_may_send_an_archive(world: World) -> None:
    await world.say("a person, please", door="mail")
    await world.say("Here are the logs", door="mail", attachments=(a_file("logs.zip"),))
    assert len(await world.numbers()) == 2


def _blocked() -> object:
    from gateway.model import Identity

    return Identity(kind="email", value="spam@example.net")


def test_the_command_line_lists_and_releases(
    tmp_path: Path, articles: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "config.toml"
    config.write_text(
        f'[store]\ndatabase = "sqlite:///{tmp_path}/d.db"\nkey_file = "{tmp_path}/key"\n'
        '[queues.general]\ntitle = "Care"\ndefault = true\n'
    )

    async def fill() -> int:
        async with World(SqliteDriver(tmp_path / "d.db"), articles) as world:
            await world.say("My photos", door="mail", subject="Photos", attachments=(a_file("photos.zip"),))
            ((number, *_),) = await world.store.driver.read(ledger.quarantined)
            return int(number)

    number = asyncio.run(fill())
    assert main(["quarantine", "list", "--config", str(config)]) == 0
    shown = capsys.readouterr().out
    assert f"{number}" in shown and "dangerous" in shown and "1 messages" in shown
    assert main(["quarantine", "release", str(number), "--config", str(config)]) == 0
    assert main(["quarantine", "release", str(number), "--config", str(config)]) == 1
    assert main(["quarantine", "list", "--config", str(config)]) == 0
    assert "0 messages" in capsys.readouterr().out


# ---------------------------------------------------------------- the desk


def _desk(world: World) -> AbstractAsyncContextManager[Browser]:
    operations = Operations(world.store, world.seal, world.clock, world.intake, ())
    return open_site(operations=operations, reads=world.host)


async def test_leads_and_admins_let_in_on_the_desk(world: World) -> None:
    await world.say(
        "My photos",
        who="<b>mia",
        door="mail",
        subject="Card 4111 1111 1111 1111",
        attachments=(a_file("a.zip"),),
    )
    async with _desk(world) as browser:
        browser.enter(ADMIN)
        page = await browser.text("/desk/quarantine")
        assert "a.zip" in page and "A stranger sent a file that may do harm (.zip)." in page
        assert "<b>mia" not in page and "4111" not in page
        ((number, *_),) = await world.store.driver.read(ledger.quarantined)
        form = await browser.form("/desk/quarantine")
        answer = await browser.post("/desk/quarantine/release", {**form, "input": str(number)})
        assert "It is let in" in await answer.text()
        assert (
            "Somebody else"
            in await (await browser.post("/desk/quarantine/release", {**form, "input": str(number)})).text()
        )
        assert (await browser.post("/desk/quarantine/release", {**form, "input": "x"})).status == 400
    await world.settle()
    assert await world.numbers() == [number]
    (event,) = await world.store.recent_events(("quarantine_released",), 5)
    assert event.data["by"] == ADMIN.id


async def test_a_suppressed_address_is_shown_and_lifted_on_the_desk(world: World) -> None:
    await world.say("a person, please", door="mail", subject="Help")
    bounce = Bounce(
        permanent=("mia@example.org",),
        status="5.1.1",
        original_key=f"mid:ours-{world.mail.posts[-1].id}@example.com",
    )
    await world.say("Undelivered", who="mailer-daemon", door="mail", bounce=bounce, automatic="bounce")
    async with _desk(world) as browser:
        browser.enter(ADMIN)
        assert "mia@example.org" in await browser.text("/desk/quarantine")
        form = await browser.form("/desk/quarantine")
        answer = await browser.post("/desk/suppressed/lift", {**form, "address": "mia@example.org"})
        assert "Automatic messages go there again" in await answer.text()
    assert await world.host.suppressed_lines() == []


async def test_agents_do_not_see_what_was_kept_apart(world: World) -> None:
    async with _desk(world) as browser:
        browser.enter(AGENT)
        assert (await browser.get("/desk/quarantine")).status == 403
