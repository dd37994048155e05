"""How a benchmark reports: progress for people on standard error, one line of JSON at the end."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from statistics import median
from typing import Any


def progress(text: str) -> None:
    """One line for whoever watches."""
    print(text, file=sys.stderr, flush=True)


def report(name: str, ratio: float, target: float, aim: float, **figures: Any) -> None:
    """The result: `ratio` is what the target and the aim of this benchmark are about."""
    line = {"name": name, "ratio": _short(ratio), "target": target, "aim": aim}
    print(json.dumps(line | {key: _short(value) for key, value in figures.items()}), flush=True)


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which this share of the values lies, 0 of none."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(len(ranked) * share))] if ranked else 0.0


def middle(values: Sequence[float]) -> float:
    """The median, 0 of none."""
    return float(median(values)) if values else 0.0


def _short(value: Any) -> Any:
    """Four digits that mean something; more would only be noise."""
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, dict):
        return {key: _short(inner) for key, inner in value.items()}
    return value
