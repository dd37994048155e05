"""Commands about what the articles did: kb stats, gaps, told. Texts are shown as they are stored, masked."""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from gateway.clock import SystemClock
from gateway.kb import Progress, Unusable

if TYPE_CHECKING:
    from gateway.kb.gaps import Gap
    from gateway.store import Store

_SPAN = re.compile(r"(\d{1,5})d")
_LONG_AGO = datetime(1970, 1, 2, tzinfo=UTC)


def register(
    kb: argparse._SubParsersAction[argparse.ArgumentParser],
    config_option: Callable[[argparse.ArgumentParser], None],
) -> None:
    """Adds `stats`, `gaps` and `told`."""
    stats = kb.add_parser("stats", help="which articles answer, help and mislead")
    since_option(stats, "90d")
    stats.add_argument("--jsonl", action="store_true", help="one line of JSON an article")
    config_option(stats)
    stats.set_defaults(command=_on_store(_stats))

    gaps = kb.add_parser("gaps", help="questions that no article answered, alike ones together")
    since_option(gaps, "90d")
    gaps.add_argument("--least", type=int, default=2, metavar="N", help="tickets that make a gap (default 2)")
    gaps.add_argument("--most", type=int, default=20, metavar="N", help="gaps that are shown (default 20)")
    gaps.add_argument("--draft", action="store_true", help="write a draft article for each gap shown")
    gaps.add_argument("--to", type=Path, default=Path("kb_articles/drafts"), help="folder for the drafts")
    gaps.add_argument("--jsonl", action="store_true", help="one line of JSON a gap")
    config_option(gaps)
    gaps.set_defaults(command=_on_store(_gaps))

    told = kb.add_parser("told", help="who was given an article, for when it was wrong")
    told.add_argument("article", metavar="ARTICLE[@REVISION]", help="file name without .md")
    since_option(told, "")
    told.add_argument("--jsonl", action="store_true", help="one line of JSON an answer")
    config_option(told)
    told.set_defaults(command=_on_store(_told))


def since_option(parser: argparse.ArgumentParser, default: str) -> None:
    """Adds `--since`."""
    shown = default or "ever"
    parser.add_argument(
        "--since", default=default, metavar="DATE", help=f"2027-03-31, or 30d for days (default: {shown})"
    )


Work = Callable[["Store", argparse.Namespace], Awaitable[int]]


def _on_store(work: Work) -> Callable[[argparse.Namespace], int]:
    async def opened(options: argparse.Namespace) -> int:
        from gateway.settings import load
        from gateway.store import Store, open_driver

        options.start = since(options.since, SystemClock().now())
        settings = load(options.config, os.environ)
        options.articles = settings.bot.articles
        store = Store(open_driver(settings.store.database))
        await store.open()
        try:
            return await work(store, options)
        finally:
            await store.close()

    return lambda options: asyncio.run(opened(options))


def since(text: str, now: datetime) -> datetime:
    """The moment that `2027-03-31` or `30d` names, in UTC; long ago for "". Raises Unusable."""
    if not text:
        return _LONG_AGO
    try:
        if span := _SPAN.fullmatch(text.strip()):
            return max(now - timedelta(days=int(span[1])), _LONG_AGO)
        found = datetime.fromisoformat(text.strip())
        return max(found if found.tzinfo else found.replace(tzinfo=UTC), _LONG_AGO)
    except (ValueError, OverflowError):
        raise Unusable(
            f"--since {text!r} is no date. Write 2027-03-31, or 30d for the last 30 days."
        ) from None


# ---------------------------------------------------------------- stats


async def _stats(store: Store, options: argparse.Namespace) -> int:
    from bot.articles import load
    from gateway.kb.stats import stats

    uses = await stats(store, options.start)
    if options.jsonl:
        for use in uses:
            print(msgspec.json.encode(use).decode())
        return 0
    if not uses:
        print("No article has answered anything or was judged on its page in that time.")
        return 0
    print(f"{'article':34} given  helped  did not help  asked for a person  no word  helpful  page: yes   no")
    for use in uses:
        share = "-" if use.helpful is None else f"{use.helpful:.0%}"
        print(
            f"{use.article:34} {use.given:5} {use.helped:7} {use.misled:13} {use.person:19} {use.unknown:8} {share:>8} "
            f"{use.page_helped:10} {use.page_misled:4}"
        )
    used = {use.article for use in uses if use.given}
    idle = [a.name for a in load(options.articles).public(SystemClock().now().date()) if a.name not in used]
    if idle:
        print(f"{len(idle)} articles answered nothing: {', '.join(idle[:8])}{', …' if len(idle) > 8 else ''}")
    return 0


# ---------------------------------------------------------------- gaps


async def _gaps(store: Store, options: argparse.Namespace) -> int:
    from gateway.kb.gaps import gaps, shared_by

    found = await gaps(store, options.start, _progress())
    shown = shared_by(found.gaps, options.least)[: max(0, options.most)]
    for gap in shown:
        print(msgspec.json.encode(_plain(gap)).decode() if options.jsonl else "\n".join(_described(gap)))
    if not options.jsonl:
        print(
            f"{found.questions} unanswered questions, {len(shown)} gaps shown; left out: {found.private} on private "
            f"matters, {found.unreadable} without readable words."
        )
    return _draft(shown, options.to) if options.draft else 0


def _described(gap: Gap) -> list[str]:
    from gateway.model import reference

    causes = ", ".join(f"{count} {cause}" for cause, count in gap.causes)
    tickets = ", ".join(reference(ticket) for ticket in gap.tickets[-5:])
    nearest = f"; nearest article: {gap.nearest}" if gap.nearest else ""
    return [
        f"{len(gap.tickets)} tickets [{gap.language or '?'}] ({causes}{nearest}; latest: {tickets})",
        *(f"    {text}" for text in gap.phrasings[:4]),
    ]


def _plain(gap: Gap) -> dict[str, object]:
    return {
        "tickets": list(gap.tickets),
        "language": gap.language,
        "causes": dict(gap.causes),
        "nearest": gap.nearest,
        "questions": gap.phrasings,
    }


def _draft(shown: list[Gap], folder: Path) -> int:
    from gateway.kb.gaps import drafts
    from gateway.kb.importing import Taken, write_drafts

    for each in write_drafts(drafts(shown), folder):
        if isinstance(each, Taken):
            print(f"drafted {each.path}", file=sys.stderr)
        else:
            print(f"skipped {each.source}: {each.why}", file=sys.stderr)
    if shown:
        print("Write the answers, and see that no phrasing names a person.", file=sys.stderr)
    return 0


def _progress() -> Progress:
    from gateway.cli.kb import progress

    return progress("Comparing")


# ---------------------------------------------------------------- told


async def _told(store: Store, options: argparse.Namespace) -> int:
    from gateway.kb.stats import NOT_GIVEN, told
    from gateway.model import reference

    article, _, revision = options.article.removesuffix(".md").partition("@")
    if not article:
        raise Unusable("Name an article, such as refund-time or refund-time@7ede53701083.")
    tickets: set[int] = set()
    people: set[str] = set()
    unsent = 0
    async for given in told(store, article, options.start, revision):
        reached = given.state not in NOT_GIVEN
        person = (
            f"{given.requester.name} {given.requester.key}".strip() if given.requester else "nobody known"
        )
        if options.jsonl:
            print(msgspec.json.encode(given).decode())
        else:
            revisions = ", ".join(rev for name, rev, _ in given.sources if name == article)
            print(
                f"{given.at:%Y-%m-%d %H:%M}  {reference(given.ticket):10} {article}@{revisions}  "
                f"{given.channel or '-':10} {given.state or '-':10} {person}"
            )
        unsent += not reached
        if reached:
            tickets.add(given.ticket)
            people.add(given.requester.key if given.requester else "")
    if not options.jsonl:
        print(f"{len(people)} people on {len(tickets)} tickets were given it; {unsent} answers never left.")
    return 0
