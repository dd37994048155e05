"""Tier 0 on labelled questions: accuracy, coverage, own precision, latency, load and memory, one JSON line a set.

    python -m benchmarks.tier0 --data DIR [--sets a,b] [--shots all,10,5] [--semantic] [--plot risk.png]

DIR holds a folder a set with train.tsv (the articles' phrasings), test.tsv and, where there are any, oos_test.tsv
(questions without an article); each line is LABEL<TAB>TEXT. Set OMP_NUM_THREADS=1 for latencies of one core.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import sys
import time
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from bot.answer import Answer, Bot, Question, Reply
from bot.articles import Article, Library, with_languages

Rows = list[tuple[str, str]]
Floats = NDArray[np.float64]


class Outcomes(msgspec.Struct, frozen=True):
    """What the bot said of every test question: confidences, rightness of the first candidate, own answers."""

    confidence: Floats
    right: NDArray[np.bool_]
    top3: NDArray[np.bool_]
    answered: NDArray[np.bool_]
    inside: NDArray[np.bool_]
    seconds: Floats


def main() -> None:
    """Measure every set that is asked for."""
    options = _options()
    curves = {}
    for name in (
        options.sets.split(",")
        if options.sets
        else sorted(p.parent.name for p in options.data.glob("*/train.tsv"))
    ):
        for shots in options.shots.split(","):
            line, outcomes = measure(options.data / name, shots, semantic=options.semantic)
            curves[f"{name}, {shots}"] = outcomes
            sys.stdout.write(json.dumps(line) + "\n")
            sys.stdout.flush()
    if options.plot:
        plot(curves, options.plot)


def measure(folder: Path, shots: str, *, semantic: bool = False) -> tuple[dict[str, object], Outcomes]:
    """Build a bot from a set's phrasings and ask it the set's questions."""
    library = library_of(folder, shots)
    before, started = _megabytes(), time.perf_counter()
    quick = Bot.build(library)
    ready = time.perf_counter() - started
    bot = quick.train().deepen() if semantic else quick.train()
    loaded = time.perf_counter() - started
    grown = _megabytes() - before
    known = {article.name for article in library.articles}
    rows = [
        (label if label in known else "", text)
        for label, text in (*_rows(folder / "test.tsv"), *_rows(folder / "oos_test.tsv"))
    ]
    outcomes = _ask(bot, rows)
    return {
        "name": "tier0",
        "set": folder.name,
        "shots": shots,
        "semantic": semantic,
        "articles": len(known),
        "phrasings": sum(len(a.questions) for a in library.articles),
        **_figures(outcomes),
        "ready_s": round(ready, 2),
        "load_s": round(loaded, 2),
        "memory_mb": round(grown, 1),
    }, outcomes


def library_of(folder: Path, shots: str, seed: int = 0) -> Library:
    """Return one article a label, with all or `shots` of its phrasings."""
    asked: dict[str, list[str]] = {}
    for label, text in _rows(folder / f"train_{shots}.tsv") or _rows(folder / "train.tsv"):
        asked.setdefault(label, []).append(text)
    draw = random.Random(seed)
    if shots != "all":
        asked = {label: draw.sample(texts, min(len(texts), int(shots))) for label, texts in asked.items()}
    titles = _titles(folder)
    articles = [
        Article(
            slug=label,
            name=label,
            title=titles.get(label, label.replace("_", " ")),
            language="",
            questions=tuple(texts),
        )
        for label, texts in asked.items()
    ]
    return Library(articles=tuple(with_languages(articles)), revision=folder.name)


def covered(confidence: Floats, right: NDArray[np.bool_], precision: float) -> float:
    """Return the largest share that can be answered with at least `precision` of the answers right."""
    order = np.argsort(-confidence, kind="stable")
    good = np.flatnonzero(np.cumsum(right[order]) / np.arange(1, len(order) + 1) >= precision)
    return float((good[-1] + 1) / len(order)) if len(good) else 0.0


def auroc(positive: Floats, negative: Floats) -> float | None:
    """Return the chance that a positive outranks a negative; None when there are none of either."""
    if not len(positive) or not len(negative):
        return None
    both = np.sort(np.concatenate([positive, negative]))
    rank = (np.searchsorted(both, positive, "left") + np.searchsorted(both, positive, "right")) / 2
    return float((rank.sum() - len(positive) ** 2 / 2) / (len(positive) * len(negative)))


def plot(curves: dict[str, Outcomes], path: str) -> None:
    """Draw the share of wrong answers against the share answered, and where the bot itself stands."""
    try:
        from matplotlib import colormaps  # type: ignore[import-not-found, unused-ignore]
        from matplotlib.figure import Figure  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        sys.stderr.write("matplotlib is not installed: no plot\n")
        return
    figure = Figure(figsize=(9, 6))
    axes = figure.subplots()
    axes.set_prop_cycle(color=colormaps["tab20"].colors)
    for name, o in curves.items():
        order = np.argsort(-o.confidence, kind="stable")
        share = np.arange(1, len(order) + 1) / len(order)
        [line] = axes.plot(
            share, 1 - np.cumsum(o.right[order]) / np.arange(1, len(order) + 1), label=name, lw=1
        )
        wrong = float((~o.right[o.answered]).mean()) if o.answered.any() else 0.0
        axes.plot(o.answered.mean(), wrong, "o", color=line.get_color())
    axes.axhline(0.03, color="gray", ls=":", lw=1)
    axes.set(
        xlabel="share answered",
        ylabel="share of answers that are wrong",
        ylim=(0, 0.3),
        title="Risk and coverage",
    )
    axes.legend(fontsize=7, ncols=2)
    figure.savefig(path, dpi=120)


def _ask(bot: Bot, rows: Rows) -> Outcomes:
    said: list[Reply] = []
    seconds = np.zeros(len(rows))
    for i, (_, text) in enumerate(rows):
        started = time.perf_counter()
        said.append(bot.reply(Question(text=text)))
        seconds[i] = time.perf_counter() - started
    names = [_names(reply) for reply in said]
    return Outcomes(
        np.array([reply.confidence if found else -1.0 for reply, found in zip(said, names, strict=True)]),
        np.array([found[:1] == [label] for found, (label, _) in zip(names, rows, strict=True)]),
        np.array([label in found[:3] for found, (label, _) in zip(names, rows, strict=True)]),
        np.array([isinstance(reply, Answer) for reply in said]),
        np.array([bool(label) for label, _ in rows]),
        seconds,
    )


def _names(reply: Reply) -> list[str]:
    found = [candidate.name for candidate in reply.candidates]
    return [reply.passages[0].article, *found[1:]] if isinstance(reply, Answer) else found


def _figures(o: Outcomes) -> dict[str, object]:
    own = o.right[o.answered]
    oos = auroc(o.confidence[o.inside], o.confidence[~o.inside])
    return {
        "questions": int(o.inside.sum()),
        "outside": int((~o.inside).sum()),
        "accuracy": round(float(o.right[o.inside].mean()), 4),
        "top3": round(float(o.top3[o.inside].mean()), 4),
        "cov95": round(covered(o.confidence, o.right, 0.95), 4),
        "cov98": round(covered(o.confidence, o.right, 0.98), 4),
        "own_coverage": round(float(o.answered.mean()), 4),
        "own_precision": round(float(own.mean()), 4) if len(own) else None,
        "auroc_outside": round(oos, 4) if oos is not None else None,
        "p50_ms": round(1e3 * float(np.median(o.seconds)), 3),
        "p99_ms": round(1e3 * float(np.quantile(o.seconds, 0.99)), 3),
    }


def _rows(path: Path) -> Rows:
    if not path.exists():
        return []
    split = (line.split("\t", 1) for line in path.read_text(encoding="utf-8").splitlines() if "\t" in line)
    return [(label, text) for label, text in split]


def _titles(folder: Path) -> dict[str, str]:
    path = folder / "articles.json"
    return (
        {a["id"]: a["title"] for a in json.loads(path.read_text(encoding="utf-8"))} if path.exists() else {}
    )


def _megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sets", default="", help="names of folders in DIR, by default all")
    parser.add_argument("--shots", default="all", help="phrasings an article: all, 10, 5 ...")
    parser.add_argument("--semantic", action="store_true", help="with the encoders of the [semantic] extra")
    parser.add_argument("--plot", default="", help="PNG of risk against coverage (needs matplotlib)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
