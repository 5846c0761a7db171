"""Learning curves with their intervals, as a picture: a line and a band for each setting, named beside its end."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TypeAlias

import numpy as np

from arena.summary import Band
from arena.viewers.shapes import BOARD, GROUND, OVERLAY, PANEL, Box, Line, Poly, Rect, Shape, Text
from arena.viewers.stills import still
from arena.viewers.theme import BODY, CAPTION, LABEL, SEATS, STROKE, Colour

HEIGHT = 100.0
MOST = len(SEATS)
"""Curves in one picture at most; each has a colour of its own."""

DOTS = 9
"""For each u of a page of panels, across."""

At: TypeAlias = Callable[[float, float], tuple[float, float]]
"""Where (step, value) lies on the page."""


def ticks(low: float, high: float, count: int = 5) -> list[float]:
    """About so many round numbers from low to high: 1, 2 or 5 times a power of ten apart."""
    if not high > low:
        return [low]
    raw = (high - low) / count
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * m for m in (1, 2, 5, 10) if power * m >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [round(i * step, 12) for i in range(first, math.floor(high / step + 1e-9) + 1)]


def short(number: float) -> str:
    """10000 as 10k, 2500000 as 2.5M."""
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if abs(number) >= size:
            return f"{number / size:g}{letter}"
    return f"{number:g}"


def picture(
    title: str,
    curves: Sequence[tuple[str, Band]],
    size: tuple[int, int],
    runs: int,
    about: str = "mean return in training",
    along: str = "steps",
) -> list[Shape]:
    """The shapes of a picture of so many pixels, of something along something; curves beyond `MOST` are left out."""
    curves = curves[:MOST]
    width = HEIGHT * size[0] / size[1]
    names = max(len(name) for name, _ in curves) * BODY * 0.56 + 4
    plot = Box(14, 14, max(40.0, width - 18 - min(names, width * 0.4)), 72)
    at, axes = _axes(plot, [band for _, band in curves])
    shapes: list[Shape] = [
        Rect(0, 0, width, HEIGHT, "ground", layer=GROUND),
        Text(title, Box(plot.x, 2, width - plot.x, 6), CAPTION, weight="bold"),
        Text(f"{about}: interquartile mean of {runs} runs, 95 % interval",
             Box(plot.x, 7.5, width - plot.x, 5), BODY, "muted"),
        Text(along, Box(plot.x, 93, plot.w, 5), LABEL, "muted", "centre"),
        *axes,
    ]  # fmt: skip
    ends = _apart([at(float(band.steps[-1]), float(band.value[-1]))[1] for _, band in curves], plot)
    for (name, band), colour, y in zip(curves, SEATS, ends, strict=False):
        shapes += _curve(band, colour, at)
        shapes.append(Text(name, Box(plot.right + 2, y - 2, width - plot.right - 2, 4), BODY, colour))
    return shapes


def panels(
    found: Sequence[tuple[str, Band, float]], runs: int, about: str = "mean return in training"
) -> tuple[list[Shape], Box]:
    """A small picture for each (title, curve, what is asked), in three lines at most, and the page that they cover.

    What is asked is a line of its own across the panel.
    """
    across = max(3, math.ceil(len(found) / 3))
    lines = math.ceil(len(found) / across)
    wide, top = 60.0, 9.0
    tall = min(42.0, (HEIGHT - top) / lines)
    page = Box(0, 0, wide * max(2, min(across, len(found))), top + tall * lines)
    shapes: list[Shape] = [
        Rect(0, 0, page.w, page.h, "ground", layer=GROUND),
        Text(f"{about} over steps: interquartile mean of {runs} runs, 95 % interval; the straight line is asked for",
             Box(4, 3, page.w - 8, 5), LABEL, "muted"),
    ]  # fmt: skip
    for i, (title, curve, goal) in enumerate(found):
        x, y = wide * (i % across), top + tall * (i // across)
        plot = Box(x + 12, y + 5.5, wide - 17, tall - 12)
        at, axes = _axes(plot, [curve], goal, steps=4)
        asked = (at(float(curve.steps[0]), goal), at(float(curve.steps[-1]), goal))
        shapes += [
            Text(title, Box(plot.x, y, plot.w, 5), BODY, weight="bold"),
            *axes,
            Line(asked, STROKE / 2, SEATS[1], layer=OVERLAY),
            *_curve(curve, SEATS[0], at),
        ]
    return shapes, page


def _axes(plot: Box, curves: Sequence[Band], also: float | None = None, steps: int = 6) -> tuple[At, list[Shape]]:
    """Where a point of (step, value) lies, and the lines and numbers that say so; `also` is a value to be seen, too."""
    left = min(float(band.steps[0]) for band in curves)
    right = max(float(band.steps[-1]) for band in curves)
    seen = [] if also is None else [also]
    low = min(*(float(band.low.min()) for band in curves), *seen, math.inf)
    high = max(*(float(band.high.max()) for band in curves), *seen, -math.inf)
    room = 0.05 * (high - low) or 1.0
    low, high = low - room, high + room

    def at(step: float, value: float) -> tuple[float, float]:
        along = (step - left) / ((right - left) or 1.0)
        return plot.x + plot.w * along, plot.bottom - plot.h * (value - low) / (high - low)

    shapes: list[Shape] = []
    for value in ticks(low, high):
        y = at(left, value)[1]
        shapes.append(Line(((plot.x, y), (plot.right, y)), 0.12, "line", 0.5, layer=BOARD))
        shapes.append(Text(short(value), Box(plot.x - 14, y - 2, 12.5, 4), BODY, "muted", "right"))
    for step in ticks(left, right, steps):
        x = at(step, low)[0]
        shapes.append(Text(short(step), Box(x - 8, plot.bottom + 1, 16, 4), BODY, "muted", "centre"))
    return at, shapes


def _curve(band: Band, colour: Colour, at: At) -> list[Shape]:
    upper = [at(s, v) for s, v in zip(band.steps, band.high, strict=True)]
    lower = [at(s, v) for s, v in zip(band.steps, band.low, strict=True)]
    line = tuple(at(s, v) for s, v in zip(band.steps, band.value, strict=True))
    return [
        Poly((*upper, *reversed(lower)), colour, 0.22, layer=PANEL),
        Line(line, STROKE, colour, layer=OVERLAY),
    ]


def _apart(heights: Sequence[float], plot: Box, gap: float = 4.0) -> list[float]:
    """Where names stand: beside the ends of their curves, moved so that none covers another."""
    order = np.argsort(heights)
    placed = np.array(heights, np.float64)
    for before, here in pairwise(order.tolist()):
        placed[here] = max(placed[here], placed[before] + gap)
    over = placed.max() - plot.bottom
    if over > 0:
        for i, here in enumerate(order[::-1]):
            placed[here] = min(placed[here], plot.bottom - i * gap)
    return placed.tolist()


def write(
    path: Path,
    title: str,
    curves: Sequence[tuple[str, Band]],
    runs: int,
    size: tuple[int, int] = (1280, 720),
    **words: str,
) -> None:
    """Paints the picture into a PNG file; `words` are `about` and `along` of `picture`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    page = Box(0, 0, HEIGHT * size[0] / size[1], HEIGHT)
    still(picture(title, curves, size, runs, **words), page, path, size[0])


def write_panels(path: Path, found: Sequence[tuple[str, Band, float]], runs: int) -> None:
    """Paints a panel for each (title, curve, what is asked) into a PNG file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    shapes, page = panels(found, runs)
    still(shapes, page, path, round(DOTS * page.w))
