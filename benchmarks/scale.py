"""The cost of one more message with a million tickets stored, against a thousand: python -m benchmarks.scale

Both databases are filled by SQL; then the same messages are taken and handled in turns, half of them from visitors
with a stored ticket. `ratio` is CPU a message over CPU a message: less is better.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec

from benchmarks.articles import library, questions
from benchmarks.handling import Core, Spent, core
from benchmarks.load import alone
from benchmarks.report import middle, progress, report
from benchmarks.stored import fill
from bot.answer import Bot
from gateway.model import Address, Delivery, Identity

TARGET, AIM = 1.5, 1.1
ARTICLES = 50


def main() -> None:
    """Fills both databases, measures in turns and reports medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tickets", type=int, nargs=2, default=[1000, 1_000_000], metavar=("FEW", "MANY"))
    parser.add_argument("--messages", type=int, default=320, help="messages a round")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    alone(0)
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:
        asyncio.run(_measure(Path(folder), options.tickets, options.messages, options.rounds))


async def _measure(folder: Path, sizes: list[int], messages: int, rounds: int) -> None:
    bot = Bot.build(library(ARTICLES)).train()
    async with AsyncExitStack() as stack:
        cores: list[Core] = []
        filled: list[float] = []
        for size in sizes:
            began = time.perf_counter()
            fill(folder / f"{size}.db", size, int(time.time() * 1000))
            filled.append(time.perf_counter() - began)
            progress(f"{size} tickets written in {filled[-1]:.0f} s")
            cores.append(await stack.enter_async_context(core(folder / f"{size}.db", bot)))
        spent = [
            [await _round(made, n, messages, size) for made, size in _pairs(cores, sizes)]
            for n in range(rounds)
        ]
    few, many = ([each[which].cpu_ms for each in spent[1:]] for which in (0, 1))
    ratio = middle([b / a for a, b in zip(few, many, strict=True)])
    size_mb = (folder / f"{sizes[1]}.db").stat().st_size / 1e6
    figures = {"few_ms": middle(few), "many_ms": middle(many), "fill_s": filled[1], "database_mb": size_mb}
    report("scale", ratio, TARGET, AIM, tickets=sizes[1], **figures)


def _pairs(cores: list[Core], sizes: list[int]) -> list[tuple[Core, int]]:
    return list(zip(cores, sizes, strict=True))


async def _round(made: Core, number: int, messages: int, stored: int) -> Spent:
    asked = questions(messages, ARTICLES)
    rng = random.Random(number)
    said = [made.visitor_says(number * messages + n, text) for n, text in enumerate(asked)]
    known = rng.sample(range(1, stored + 1), min(messages // 2, stored))
    said[: len(known)] = [_as_known(d, visitor, number) for d, visitor in zip(said, known, strict=False)]
    spent = await made.put(said)
    progress(f"round {number}, {stored} tickets: {spent.cpu_ms:.2f} ms a message")
    return spent


def _as_known(delivery: Delivery, visitor: int, number: int) -> Delivery:
    """The same words from a visitor who has a stored ticket."""
    name = f"visitor-{visitor:07d}"
    changed = msgspec.structs.replace(
        delivery.input,
        delivery_key=f"{name}:m{number}-{visitor}",
        message_key=f"{name}:m{number}-{visitor}",
        address=Address(connector="webchat", account="site", conversation=name),
        sender=Identity(kind="webchat", value=name, verified=True),
    )
    return Delivery(input=changed, raw=delivery.raw)


if __name__ == "__main__":
    main()
