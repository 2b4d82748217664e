"""Medians, percentiles, and how a figure is written."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the smallest value that so many percent of all do not exceed (nearest rank). Needs one value at least."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(percent / 100 * len(ordered)) - 1)]


def summary(seconds: Sequence[float]) -> dict[str, float]:
    """Return `n`, and `median`, `p99` and `most` in ms."""
    return {
        "n": len(seconds),
        "median": 1000 * statistics.median(seconds),
        "p99": 1000 * percentile(seconds, 99),
        "most": 1000 * max(seconds),
    }


def rate(begun: float, moments: Sequence[float]) -> float:
    """Return how many came in a second, until the last one, of the moments (s) at which they came; 0 if none did."""
    last = max(moments, default=begun)
    return len(moments) / (last - begun) if last > begun else 0.0


def number(value: float | None, digits: int = 3) -> str:
    """Return a figure with so many significant digits, a whole number as it is; a dash if there is none."""
    if value is None:
        return "–"
    if isinstance(value, int):
        return f"{value:,}"
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    places = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{places}f}"
    return text.rstrip("0").rstrip(".") if places > 2 else text


def table(head: Sequence[str], rows: Sequence[Sequence[str | float | None]]) -> str:
    """Return a table in Markdown: texts as they are, numbers as `number` has them and to the right."""
    cells = [
        [number(cell) if isinstance(cell, (int, float)) or cell is None else str(cell) for cell in r] for r in rows
    ]
    right = [any(isinstance(r[at], (int, float)) for r in rows) for at in range(len(head))]
    lines = [head, ["---:" if each else "---" for each in right], *cells]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"
