"""Message in to answer in the outbox, on one core, with 500 and 10,000 articles: python -m benchmarks.answer

Each message is the first of another visitor: sealed, taken, read, decided by the trained bot, and committed with
its rendered answer. `ratio` is messages a second with the smaller knowledge base.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from pathlib import Path

from benchmarks.articles import library, questions
from benchmarks.handling import Spent, core
from benchmarks.load import alone
from benchmarks.report import middle, progress, report
from bot.answer import Bot

TARGET, AIM = 600, 1500


def main() -> None:
    """Measures each size in turns and reports medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="*", default=[500, 10_000], help="articles")
    parser.add_argument("--messages", type=int, default=640, help="messages a round")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    alone(0)
    figures = {}
    for size in options.sizes:
        with tempfile.TemporaryDirectory(dir=_memory()) as folder:
            figures[f"articles_{size}"] = asyncio.run(
                _measure(Path(folder), size, options.messages, options.rounds)
            )
    first = figures[f"articles_{options.sizes[0]}"]["rate"]
    report("answer", first, TARGET, AIM, **figures, unit="messages a second")


def _memory() -> str | None:
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


async def _measure(folder: Path, size: int, messages: int, rounds: int) -> dict[str, float]:
    bot, seconds = _trained(size)
    asked = questions(messages * (rounds + 1), size)
    rounds_spent: list[Spent] = []
    async with core(folder / "deskgate.db", bot) as made:
        for number in range(rounds + 1):  # the first one warms up
            start = number * messages
            texts = asked[start : start + messages]
            said = [made.visitor_says(start + n, text) for n, text in enumerate(texts)]
            rounds_spent.append(await made.put(said))
            progress(f"{size} articles, round {number}: {rounds_spent[-1].rate:.0f} messages/s")
        answers = await made.count("SELECT COUNT(*) FROM outbox WHERE kind = 'answer'")
    spent = rounds_spent[1:]
    return {
        "rate": middle([each.rate for each in spent]),
        "cpu_ms": middle([each.cpu_ms for each in spent]),
        "bot_ms": _bot_ms(bot, asked[:200]),
        "answered": answers / len(asked),
        "train_s": seconds,
    }


def _trained(size: int) -> tuple[Bot, float]:
    began = time.perf_counter()
    bot = Bot.build(library(size)).train()
    return bot, time.perf_counter() - began


def _bot_ms(bot: Bot, asked: list[str]) -> float:
    """CPU of the bot alone, milliseconds a question."""
    from bot.answer import Question

    began = time.process_time()
    for text in asked:
        bot.reply(Question(text=text, languages=("en",)))
    return (time.process_time() - began) / len(asked) * 1e3


if __name__ == "__main__":
    main()
