"""How a query's time, the load and the memory grow with the knowledge base, one JSON line a size.

    python -m benchmarks.matcher_scale [--sizes 1000,10000,100000] [--each 10]

Phrasings are drawn from made-up words with a natural spread of frequencies; each article has its own few words.
Set OMP_NUM_THREADS=1 for one core; on a busy machine the figures in CPU time say more.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import sys
import time

import numpy as np

from bot.answer import Bot, Question
from bot.articles import Article, Library

_SYLLABLES = [consonant + vowel for consonant in "bdfgklmnprs" for vowel in "aeio"]
#: Target of the median query, ms, by size (docs/tier0.md).
TARGETS = {1000: 0.5, 10_000: 0.5, 100_000: 1.5}


def main() -> None:
    """Measure every size."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", default="1000,10000,100000")
    parser.add_argument("--each", type=int, default=10, help="phrasings an article")
    options = parser.parse_args()
    for size in map(int, options.sizes.split(",")):
        sys.stdout.write(json.dumps(measure(size, options.each)) + "\n")
        sys.stdout.flush()


def measure(size: int, each: int) -> dict[str, object]:
    """Build, train and ask a bot of `size` phrasings."""
    draw = random.Random(1)
    library = made_up(size // each, each, draw)
    started, before = time.perf_counter(), time.process_time()
    quick = Bot.build(library)
    ready = time.perf_counter() - started
    bot = quick.train()
    trained, cpu = time.perf_counter() - started - ready, time.process_time() - before
    asked = [_near(draw.choice(draw.choice(library.articles).questions), draw) for _ in range(400)]
    times, spent = np.array([_timed(bot, text) for text in asked[:20] + asked][20:]).T
    return {
        "name": "matcher_scale",
        "phrasings": size,
        "p50_ms": round(float(np.median(times)), 3),
        "p99_ms": round(float(np.quantile(times, 0.99)), 3),
        "p50_cpu_ms": round(float(np.median(spent)), 3),
        "p99_cpu_ms": round(float(np.quantile(spent, 0.99)), 3),
        "target": TARGETS.get(size),
        "ready_s": round(ready, 2),
        "trained_s": round(trained, 2),
        "load_cpu_s": round(cpu, 2),
        "memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def made_up(articles: int, each: int, draw: random.Random) -> Library:
    """Return articles of made-up words: half of a phrasing is common words, half the article's own."""
    common = [_word(draw) for _ in range(400)]
    made = []
    for i in range(articles):
        own = [_word(draw) for _ in range(12)]
        questions = tuple(_phrasing(common, own, draw) for _ in range(each))
        made.append(
            Article(
                slug=f"a{i}",
                name=f"a{i}",
                title=" ".join(own[:3]),
                language="en",
                questions=questions,
                body="Text.",
            )
        )
    return Library(articles=tuple(made), revision="made-up")


def _phrasing(common: list[str], own: list[str], draw: random.Random) -> str:
    ordinary = [
        common[min(len(common) - 1, int(draw.paretovariate(0.7)) - 1)] for _ in range(draw.randint(3, 6))
    ]
    words = ordinary + draw.sample(own, draw.randint(2, 4))
    draw.shuffle(words)
    return " ".join(words)


def _word(draw: random.Random) -> str:
    return "".join(draw.choices(_SYLLABLES, k=draw.randint(1, 4)))


def _near(text: str, draw: random.Random) -> str:
    words = text.split()
    words.pop(draw.randrange(len(words)))
    return " ".join(words)


def _timed(bot: Bot, text: str) -> tuple[float, float]:
    """Milliseconds by the wall's clock, and of this thread alone."""
    started, before = time.perf_counter(), time.thread_time()
    bot.reply(Question(text=text))
    return 1e3 * (time.perf_counter() - started), 1e3 * (time.thread_time() - before)


if __name__ == "__main__":
    main()
