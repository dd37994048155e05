"""CPU from a mail's bytes to its ticket with the rendered answer in the outbox: python -m benchmarks.mail

500 generated mails, 30 % of them replies: normalized, sealed, taken, read, threaded, decided, committed. Composing
the outgoing mail is measured beside it. `ratio` is milliseconds of CPU a mail: less is better.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from benchmarks.articles import library, questions
from benchmarks.handling import Core, Spent, core
from benchmarks.load import alone
from benchmarks.mails import ADDRESS, mails
from benchmarks.report import middle, progress, report
from bot.answer import Bot
from connectors.email.compose import compose
from connectors.email.normalize import body_key, normalize
from connectors.email.settings import Settings
from gateway.model import Delivery, Outgoing, Post

TARGET, AIM = 3.3, 1.7
KEY = b"k" * 32


def main() -> None:
    """Measures so many mails in rounds and reports medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mails", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--articles", type=int, default=100)
    options = parser.parse_args()
    alone(0)
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:
        figures = asyncio.run(_measure(Path(folder), options.mails, options.rounds, options.articles))
    report("mail", figures["cpu_ms"], TARGET, AIM, **figures, unit="ms of CPU a mail")


async def _measure(folder: Path, count: int, rounds: int, articles: int) -> dict[str, float]:
    settings = Settings.model_validate({"address": ADDRESS})
    bot = Bot.build(library(articles)).train()
    raws = list(mails(questions(count, articles), datetime.now(UTC)))
    reading, handling = [], list[Spent]()
    for number in range(rounds + 1):  # each in a fresh database; the first one warms up
        async with core(folder / f"{number}.db", bot) as made:
            began = time.process_time()
            deliveries = [_read(made, raw, settings) for raw in raws]
            reading.append((time.process_time() - began) / count * 1e3)
            handling.append(await made.put(deliveries))
            progress(f"round {number}: {reading[-1]:.2f} + {handling[-1].cpu_ms:.2f} ms a mail")
            outcome = await _outcome(made, settings, count)
    spent = [a + b.cpu_ms for a, b in zip(reading[1:], handling[1:], strict=True)]
    return {
        "cpu_ms": middle(spent),
        "normalize_ms": middle(reading[1:]),
        "handle_ms": middle([each.cpu_ms for each in handling[1:]]),
        **outcome,
    }


def _read(made: Core, raw: bytes, settings: Settings) -> Delivery:
    (delivery,) = normalize(
        raw, made.clock.now(), account="support", settings=settings, key=KEY, delivery_key=body_key(raw)
    )
    return delivery


async def _outcome(made: Core, settings: Settings, count: int) -> dict[str, float]:
    """What came of the mails, and what composing the outgoing ones costs."""
    rows = await made.store.driver.read(lambda tx: tx.all("SELECT payload FROM outbox"))
    posts = [msgspec.json.decode(row[0], type=Outgoing) for row in rows]
    return {
        "tickets": await made.count("SELECT COUNT(*) FROM tickets") / count,
        "sends": len(posts) / count,
        "compose_ms": _compose_ms([post for post in posts if isinstance(post, Post)], settings, made),
    }


def _compose_ms(posts: Sequence[Post], settings: Settings, made: Core) -> float:
    began = time.process_time()
    for post in posts:
        compose(post, settings=settings, key=KEY, company="Measured", now=made.clock.now(), files={})
    return (time.process_time() - began) / max(1, len(posts)) * 1e3


if __name__ == "__main__":
    main()
