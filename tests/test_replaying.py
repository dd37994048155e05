"""House rule 6.2: replaying what was recorded gives the same tickets, and nothing of it is ever sent."""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.cli import main
from gateway.errors import Retryable, StoreError
from gateway.escalation.ladder import Pulse
from gateway.model import ChoiceAction, Priority, Verb
from gateway.operations.former import Former
from gateway.operations.replaying import Replayed, replay
from gateway.privacy import Seal
from tests.conftest import MakeWorld
from tests.hours import MATRIX
from tests.running import settings_for
from tests.stores import run
from tests.world import World, a_file


async def live(world: World) -> None:
    """Weeks of a desk: answers, hand-offs, agents, bursts, timers, a relay that fails, corrections and retries."""
    world.clock.advance(microseconds=123_456)  # real clocks are finer than what is kept
    await world.say("Where is my order?")
    await world.press(ChoiceAction.HELPED)
    await world.say("hello", who="max")
    await world.say("I forgot my password", who="lou", door="mail")
    await world.say("a person, please", who="lou", door="mail", attachments=(a_file(),))
    number = (await world.ticket()).id
    await world.act(Verb.CLAIM, number)
    await world.act(Verb.NOTE, number, text="Looks like the old address")
    await world.act(Verb.PRIORITY, number, priority=Priority.HIGH)
    await world.act(Verb.REPLY, number, text="Which address was it?")
    await world.later(seconds=10)
    world.mail.fails = lambda outgoing: Retryable("away", bucket="mail/main")
    await world.act(Verb.REPLY, number, text="Are you there?")
    await world.later(minutes=1)
    world.mail.fails = lambda outgoing: None
    await world.later(hours=1)
    await world.take(
        world.message("One more thing", who="eve"), world.message("and a person please", who="eve")
    )
    await world.settle()
    both = await world.numbers()
    await world.act(Verb.MERGE, both[-1], other=both[0])
    await world.act(Verb.RESTORE, both[-1])
    await world.act(Verb.RESOLVE, number)
    await world.later(days=9)
    await world.say("My card 4111 1111 1111 1111 was refused", who="noa")
    await world.act(Verb.REPLY, (await world.ticket()).id, text="not sent yet", agent="lea")


async def replayed(world: World, database: str, file: Path, seal: Seal | None = None) -> Replayed:
    return await asyncio.to_thread(
        replay, database, file, seal or world.seal, world.policy, world.bot, lambda done: None
    )


def value(file: Path, query: str) -> Any:
    with sqlite3.connect(file) as connection:
        found = connection.execute(query).fetchone()
    connection.close()
    return found[0]


async def test_what_was_recorded_gives_the_same_tickets(
    make_world: MakeWorld, database: str, tmp_path: Path
) -> None:
    world = await make_world(
        **MATRIX, pulse=Pulse(every=timedelta(hours=4), ask_before=timedelta(hours=1), most=3)
    )
    await live(world)
    found = await replayed(world, database, tmp_path / "new.db")
    assert found.failed == {} and found.different == [] and found.same
    assert found.written == found.turns > 15 and found.incomplete == set()
    assert found.tickets == len(await world.numbers())
    new = tmp_path / "new.db"
    assert value(new, "SELECT COUNT(*) FROM outbox WHERE state IN ('held', 'queued', 'sending')") == 0
    assert value(new, "SELECT COUNT(*) FROM outbox WHERE reason = 'replayed'") == found.held_back == 1
    assert value(new, "SELECT value FROM flags WHERE name = 'outbox_paused'") == "1"
    assert new.stat().st_mode & 0o077 == 0
    with pytest.raises(StoreError, match="exists already"):
        await replayed(world, database, new)


async def test_a_rebuilt_database_goes_on(
    world: World, database: str, tmp_path: Path, articles: Path
) -> None:
    from gateway.store import open_driver

    await live(world)
    await replayed(world, database, tmp_path / "new.db")
    before = await world.numbers()
    async with World(open_driver(f"sqlite:///{tmp_path}/new.db"), articles) as other:
        other.clock.advance(days=20)
        other._numbers = itertools.count(1000)
        await other.settle()
        assert other.chat.sent == other.mail.sent == other.team.sent == []
        await other.store.pause_outbox(False)
        await other.settle()
        assert other.chat.posts == other.mail.posts == []
        taken = await other.take(other.message("Where is my order?", who="zoe"))
        await other.settle()
        assert max(await other.numbers()) == taken[0].ledger_id > max(before)
        assert len(other.chat.posts) == 1


async def test_a_change_behind_the_ledgers_back_is_found(world: World, database: str, tmp_path: Path) -> None:
    await live(world)
    number = (await world.numbers())[0]
    await run(world.store, "UPDATE tickets SET priority = 'urgent' WHERE id = ?", number)
    await run(world.store, "DELETE FROM entries WHERE ticket = ?", (await world.numbers())[-1])
    found = await replayed(world, database, tmp_path / "new.db")
    assert not found.same
    assert (number, "tickets") in found.different and (
        (await world.numbers())[-1],
        "entries",
    ) in found.different


async def test_what_cannot_be_opened_is_counted_and_not_called_different(
    world: World, database: str, tmp_path: Path
) -> None:
    await live(world)
    found = await replayed(world, database, tmp_path / "new.db", Seal(b"x" * 32))
    assert found.sealed == found.turns and found.same and len(found.incomplete) >= found.tickets
    await run(world.store, "UPDATE turns SET seen = NULL WHERE id = 1")
    found = await replayed(world, database, tmp_path / "newer.db")
    assert found.unrecorded == 1 and found.same and (await world.numbers())[0] in found.incomplete


async def test_each_turn_is_decided_by_the_rules_and_words_of_its_own_time(
    make_world: MakeWorld, database: str, tmp_path: Path
) -> None:
    rule = '[[rules]]\nname = "lamps"\n[rules.when]\ntext = ["lamp"]\n[rules.then]\nqueue = "{}"\n'
    contents = [
        {"rules.toml": rule.format("orders").encode()},
        {
            "rules.toml": rule.format("general").encode(),
            "own_words/en.toml": b'[words]\nthanks = "Any time."\n',
        },
    ]
    settings = settings_for(tmp_path, 0)
    former, world = Former(settings, contents), await make_world()
    names = list(former._rules)
    own = next(name for name in former._words if name)
    for revision in (f"{settings.revision}+{names[0]}", f"{settings.revision}+{names[1]}+{own}"):
        world.policy, same = former.policy(
            msgspec.structs.replace(world.policy, revision=settings.revision), revision
        )
        assert same and world.policy.revision == revision
        await world.say("a person, please, my lamp is dark", who=f"mia{len(await world.numbers())}")
    assert [(await world.ticket(number)).queue for number in await world.numbers()] == ["orders", "general"]
    found = await replayed(world, database, tmp_path / "plain.db")
    assert not found.same and found.otherwise == 1, "the rules of now decide otherwise"
    found = await asyncio.to_thread(
        replay, database, tmp_path / "new.db", world.seal, world.policy, world.bot, lambda done: None, former
    )
    assert found.same and found.otherwise == 0
    assert former.policy(world.policy, f"{settings.revision}+unknown")[1] is False


async def test_the_command_says_whether_they_are_the_same(
    world: World, database: str, articles: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    await world.say("Where is my order?")
    config = tmp_path / "config.toml"
    config.write_text(
        f'[store]\ndatabase = "{database}"\n[bot]\narticles = "{articles}"\n[desk]\ncanned = "none"\n'
    )
    monkeypatch.setenv("DESKGATE_KEY", (b"k" * 32).hex())
    code = await asyncio.to_thread(
        main, ["replay", "--into", str(tmp_path / "new.db"), "--config", str(config)]
    )
    said = capsys.readouterr().out
    # The command's own settings are others than this world's: the answer says so, and names what came out otherwise.
    assert "1 of 1 turns" in said and "other settings" in said, said
    assert code in (0, 1)
