"""From a saved article to the answer that follows from it, one JSON line a folder size: python -m benchmarks.live_edit

The folder is watched as a server does it. Each round adds a phrasing to one article and asks it until it is answered;
`loop_ms` is the longest time for which the event loop came to nothing else meanwhile.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.articles import library
from benchmarks.report import middle
from bot.answer import Answer, Question
from bot.model import Stage
from gateway.clock import SystemClock
from gateway.knowledge import Knowledge

#: Seconds within which an edit is to be live.
TARGET = 2.0


def main() -> None:
    """Measure every size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="*", default=[500, 2000], help="articles")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    for size in options.sizes:
        with tempfile.TemporaryDirectory() as folder:
            line = asyncio.run(measure(Path(folder), size, options.rounds))
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()


async def measure(folder: Path, size: int, rounds: int) -> dict[str, object]:
    """Write the folder, watch it, edit one article again and again."""
    files = write(folder, size)
    knowledge = Knowledge(folder, SystemClock(), samples=True)
    with running(knowledge), idling() as lags:
        await _trained(knowledge)
        await asyncio.sleep(1)  # the watcher is up
        lags.clear()
        spent = [await _edit(knowledge, files[size // 2], number) for number in range(rounds)]
    live, cpu, trained = (middle([each[part] for each in spent]) for part in range(3))
    return {
        "name": "live_edit",
        "articles": size,
        "live_s": live,
        "target": TARGET,
        "live_cpu_s": cpu,
        "trained_s": trained,
        "loop_ms": round(1e3 * max(lags), 1),
    }


def write(folder: Path, size: int) -> list[Path]:
    """The generated articles as files, in order."""
    files = []
    for article in library(size).articles:
        asked = "\n".join(f"  - {question}" for question in article.questions)
        files.append(folder / f"{article.name}.md")
        head = f"---\ntitle: {article.title}\nlanguage: en\nquestions:\n{asked}\n---\n"
        files[-1].write_text(head + article.body, "utf-8")
    return files


async def _edit(knowledge: Knowledge, file: Path, number: int) -> tuple[float, float, float]:
    """Seconds until it is answered, CPU seconds until then, and seconds until the head is trained again."""
    asked = f"what about the zorgblatt number {number}"
    began, spent = time.perf_counter(), time.process_time()
    before = knowledge.bot.revision
    _add(file, asked)
    while not _answers(knowledge, before, asked):  # noqa: ASYNC110
        await asyncio.sleep(0.02)
    live, cpu = time.perf_counter() - began, time.process_time() - spent
    await _trained(knowledge)
    return live, cpu, time.perf_counter() - began


def _answers(knowledge: Knowledge, before: str, asked: str) -> bool:
    """Whether a newer revision than `before` answers."""
    bot = knowledge.bot
    return bot.revision != before and isinstance(bot.reply(Question(text=asked, languages=("en",))), Answer)


def _add(file: Path, asked: str) -> None:
    text = file.read_text("utf-8").replace("questions:\n", f"questions:\n  - {asked}\n")
    file.write_text(text, "utf-8")


async def _trained(knowledge: Knowledge) -> None:
    while knowledge.bot.stage is Stage.QUICK:  # noqa: ASYNC110
        await asyncio.sleep(0.02)


@contextmanager
def running(knowledge: Knowledge) -> Iterator[None]:
    """The folder is watched until the block is left."""
    task = asyncio.get_running_loop().create_task(knowledge.run())
    try:
        yield
    finally:
        task.cancel()


@contextmanager
def idling() -> Iterator[list[float]]:
    """How late each short sleep ended, in seconds."""
    late: list[float] = []

    async def tick() -> None:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(0.01)
            late.append(time.perf_counter() - began - 0.01)

    task = asyncio.get_running_loop().create_task(tick())
    try:
        yield late
    finally:
        task.cancel()


if __name__ == "__main__":
    main()
