"""Pictures as SVG: bars in groups, and lines. On white, so that they can be read on any page."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

from scripts.benchmarks.figures import number

COLOURS = ("#1b6ca8", "#7fb2d9", "#8a8d91", "#d98e32", "#5a9e6f", "#a05195", "#c44e52")
WIDTH, LEFT, TOP, PLOT = 860, 64, 64, 240


def _nice(most: float) -> float:
    """Return a round number that is not below this one."""
    step = 10 ** math.floor(math.log10(most)) if most > 0 else 1.0
    return next(factor * step for factor in (1, 1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8, 10) if factor * step >= most * 0.9999)


def _text(x: float, y: float, text: str, anchor: str = "middle", more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{more}>{escape(text)}</text>'


def _frame(title: str, unit: str, names: Sequence[str], most: float, height: int) -> list[str]:
    """Return the beginning: title, legend, and the lines across with their values."""
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}"'
        ' font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
        _text(LEFT, 22, f"{title}, {unit}", "start", ' font-size="15" font-weight="bold"'),
    ]
    x = float(LEFT)
    for at, name in enumerate(names):
        out.append(f'<rect x="{x:.0f}" y="36" width="12" height="12" fill="{COLOURS[at % len(COLOURS)]}"/>')
        out.append(_text(x + 17, 46, name, "start"))
        x += 36 + 6.1 * len(name)
    for at in range(5):
        y = TOP + PLOT * (1 - at / 4)
        out.append(f'<line x1="{LEFT}" x2="{WIDTH - 16}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>')
        out.append(_text(LEFT - 6, y + 4, f"{most * at / 4:,.6g}", "end"))
    return out


def bars(title: str, unit: str, groups: Sequence[str], series: Mapping[str, Sequence[float | None]]) -> str:
    """Return bars: for each group one of every series; None leaves its place empty."""
    values = [value for each in series.values() for value in each if value is not None]
    most = _nice(max(values, default=1.0))
    height = TOP + PLOT + 56
    out = _frame(title, unit, list(series), most, height)
    room = (WIDTH - 16 - LEFT) / max(1, len(groups))
    wide = room * 0.8 / max(1, len(series))
    for at, group in enumerate(groups):
        begin = LEFT + room * at + room * 0.1
        for row, words in enumerate(group.split(", ")):
            out.append(_text(begin + room * 0.4, TOP + PLOT + 18 + 15 * row, words))
        for which, each in enumerate(series.values()):
            value = each[at]
            if value is None:
                continue
            tall = PLOT * value / most
            x, y = begin + wide * which, TOP + PLOT - tall
            colour = COLOURS[which % len(COLOURS)]
            out.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{wide * 0.92:.1f}" height="{tall:.1f}" fill="{colour}"/>')
            out.append(_text(x + wide * 0.46, y - 4, number(value, 2), more=' font-size="10"'))
    return "\n".join([*out, "</svg>\n"])


def lines(
    title: str, unit: str, across: str, series: Mapping[str, Sequence[tuple[float, float]]], *, log: bool = False
) -> str:
    """Return one line for each series of points. `log`: across, in powers of ten."""
    points = [point for each in series.values() for point in each]
    most = _nice(max((y for _, y in points), default=1.0))
    scale = math.log10 if log else float
    lowest, highest = (scale(pick((x for x, _ in points), default=1.0)) for pick in (min, max))
    highest = highest if log else _nice(highest)
    height = TOP + PLOT + 52

    def place(x: float, y: float) -> tuple[float, float]:
        part = (scale(x) - lowest) / ((highest - lowest) or 1)
        return LEFT + 12 + part * (WIDTH - 16 - LEFT - 48), TOP + PLOT * (1 - y / most)

    out = _frame(title, unit, list(series), most, height)
    marks = sorted({x for x, _ in points}) if log else [highest * at / 4 for at in range(5)]
    for mark in marks:
        out.append(_text(place(mark, 0)[0], TOP + PLOT + 18, f"{mark:,.3g}" if mark < 100 else f"{mark:,.0f}"))
    out.append(_text(WIDTH / 2, TOP + PLOT + 38, across))
    for at, each in enumerate(series.values()):
        placed = [place(x, y) for x, y in each]
        colour = COLOURS[at % len(COLOURS)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)
        out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        if log:
            out += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in placed]
    return "\n".join([*out, "</svg>\n"])
