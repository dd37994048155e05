"""Row D13: an edited article or rule file is run over past conversations; what would change, and for whom."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.answer import Bot
from bot.article_file import parse
from gateway.cli import main
from gateway.kb.trial import with_draft
from gateway.model import Priority, Verb
from gateway.operations.backtest import Backtest, Side, backtest
from gateway.store.rebuilding import Recorded
from gateway.triage.rules import load
from tests.world import World, make_policy

GIFT = """---
title: Gift wrapping
language: en
questions: [do you wrap gifts, gift wrapping, wrap it as a present, can you gift wrap my order, is gift wrap free]
---
Yes, for 3 euros.
"""


async def recorded(world: World) -> AsyncIterator[Recorded]:
    after = 0
    while page := await world.store.recorded_turns(0, after):
        for turn in page:
            yield turn
        after = page[-1].id


async def compared(world: World, after: Side) -> Backtest:
    return await backtest(recorded(world), world.seal, Side(world.policy, world.bot), after)


async def test_an_article_that_was_missing_would_have_answered(world: World) -> None:
    await world.say("Where is my order?")
    await world.say("Do you wrap gifts?", who="lou")
    number = (await world.ticket()).id
    await world.act(Verb.PRIORITY, number, priority=Priority.HIGH)
    before = await world.events(number)
    draft = parse(Path("gift-wrapping.md"), GIFT.encode(), "r1")
    bot = Bot.build(with_draft(world.bot.library, draft)).train()
    found = await compared(world, Side(world.policy, bot))
    assert found.judged == found.turns >= 3
    (change,) = found.differences
    assert (change.ticket, change.text, change.who) == (number, "Do you wrap gifts?", "chat")
    assert change.before.said.startswith(("handoff", "clarify"))
    assert change.after.said == "answer gift-wrapping"
    assert await world.events(number) == before  # nothing was written


async def test_a_rule_would_have_gone_elsewhere(world: World, tmp_path: Path) -> None:
    await world.say("Where is my order?")
    await world.say("A person please, my parcel is lost", who="lou")
    file = tmp_path / "rules.toml"
    file.write_text('[[rules]]\nname = "lost"\nwhen.text = ["lost"]\nthen.queue = "orders"\n', "utf-8")
    policy = make_policy(rules=load(file, world.policy.queues))
    (change,) = (await compared(world, Side(policy, world.bot))).differences
    assert (change.before.queue, change.after.queue) == ("general", "orders")
    assert "lost" in change.text and "orders" in str(change.after)


async def test_without_a_change_nothing_differs(world: World) -> None:
    await world.say("Where is my order?")
    await world.say("a person please")
    await world.later(hours=2)
    assert (await compared(world, Side(world.policy, world.bot))).differences == []


def test_the_command_asks_what_to_try(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "config.toml"
    config.write_text(
        f'[store]\ndatabase = "sqlite:///{tmp_path}/d.db"\n[bot]\narticles = "{tmp_path}"\n'
        '[queues.general]\ntitle = "A"\ndefault = true\n',
        "utf-8",
    )
    assert main(["kb", "backtest", "--config", str(config)]) == 1
    assert "--with" in capsys.readouterr().err
    draft = tmp_path / "gift-wrapping.md"
    draft.write_text(GIFT, "utf-8")
    assert main(["kb", "backtest", "--with", str(draft), "--config", str(config)]) == 0
    assert "0 of 0 turns would end otherwise." in capsys.readouterr().out
