"""`deskgate kb backtest`: a changed article or rule file over past conversations, before it goes live."""

from __future__ import annotations

import argparse
import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from gateway.kb import Unusable

if TYPE_CHECKING:
    from bot.articles import Library
    from gateway.app import Deskgate
    from gateway.operations.backtest import Backtest, Side
    from gateway.store import Store
    from gateway.store.recorded import Recorded


def register(
    kb: argparse._SubParsersAction[argparse.ArgumentParser],
    config_option: Callable[[argparse.ArgumentParser], None],
    since_option: Callable[[argparse.ArgumentParser, str], None],
) -> None:
    """Adds `backtest`."""
    test = kb.add_parser(
        "backtest", help="what a changed article or rule file would change in past conversations"
    )
    test.add_argument(
        "--with", dest="drafts", type=Path, action="append", default=[], metavar="ARTICLE",
        help="an article's file, new or in the place of the one of its name; may be repeated",
    )  # fmt: skip
    test.add_argument("--rules", type=Path, metavar="FILE", help="a rule file in the place of the one in use")
    since_option(test, "90d")
    test.add_argument(
        "--jsonl", action="store_true", help="one line of JSON a conversation that would end otherwise"
    )
    config_option(test)
    test.set_defaults(command=_run)


def _run(options: argparse.Namespace) -> int:
    if not options.drafts and not options.rules:
        raise Unusable("There is nothing to try. Name an article with --with or a rule file with --rules.")
    return asyncio.run(_backtest(options))


async def _backtest(options: argparse.Namespace) -> int:
    from gateway.cli.kb_answers import since
    from gateway.cli.opened import opened_deskgate
    from gateway.clock import SystemClock, to_ms
    from gateway.operations.backtest import backtest

    start = to_ms(since(options.since, SystemClock().now()))
    async with opened_deskgate(options.config) as deskgate:
        before, after = _sides(deskgate, options)
        found = await backtest(_turns(deskgate.store, start), deskgate.seal, before, after)
    if options.jsonl:
        for each in found.differences:
            print(msgspec.json.encode(each).decode())
    else:
        _tell(found)
    return 0


async def _turns(store: Store, start: int) -> AsyncIterator[Recorded]:
    after = 0
    while page := await store.recorded_turns(start, after):
        for turn in page:
            yield turn
        after = page[-1].id


def _sides(deskgate: Deskgate, options: argparse.Namespace) -> tuple[Side, Side]:
    from bot.answer import Bot
    from gateway.operations.backtest import Side

    now = Side(deskgate.policy, deskgate.knowledge.bot.train())
    policy, bot = now
    if options.rules:
        if not options.rules.is_file():
            raise Unusable(f"{options.rules} is not there. Name a rule file.")
        policy = msgspec.structs.replace(policy, rules=deskgate.rulebook.other(options.rules))
    if options.drafts:
        bot = Bot.build(_with(bot.library, options.drafts), bot.today).train()
    return now, Side(policy, bot)


def _with(library: Library, drafts: list[Path]) -> Library:
    from gateway.kb.preview import read
    from gateway.kb.trial import with_draft

    for path in drafts:
        library = with_draft(library, read(path))
    return library


def _tell(found: Backtest) -> None:
    kinds: Counter[str] = Counter()
    for each in found.differences:
        kinds[f"{each.before.said or 'nothing'} -> {each.after.said or 'nothing'}"] += 1
        print(f"DG-{each.ticket}  {each.at:%Y-%m-%d %H:%M}  {each.who}: {each.text}")
        print(f"    now:  {each.before}\n    then: {each.after}")
    for what, count in kinds.most_common():
        print(f"{count:6,}  {what}")
    print(f"{len(found.differences):,} of {found.judged:,} turns would end otherwise.")
    for count, why in (
        (found.unrecorded, "are older than the recording of what they had read"),
        (found.sealed, "were erased, or their key is not here"),
    ):
        if count:
            print(f"  {count:,} turns {why} and were left out.")
