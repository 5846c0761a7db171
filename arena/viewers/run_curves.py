"""A run's curves over its steps as one picture: small panels of what belongs together, read from its events."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from arena.viewers.curves import short, ticks
from arena.viewers.lettering import cut, width
from arena.viewers.shapes import BOARD, GROUND, OVERLAY, PANEL, Box, Line, Rect, Shape, Text
from arena.viewers.stills import still
from arena.viewers.theme import BODY, CAPTION, CORNER, SMALL, STROKE, Colour

Curve = tuple[NDArray[np.float64], NDArray[np.float64]]
"""(steps, values)."""

COLOURS: tuple[Colour, ...] = ("sky", "orange", "teal")


class Panel(NamedTuple):
    """What is drawn together: (tag of the events, name) each, and the ends of the scale where they are known."""

    title: str
    curves: tuple[tuple[str, str], ...]
    low: float | None = None
    high: float | None = None


PANELS: tuple[Panel, ...] = (
    Panel("share of answers", (("rollout/accuracy", "right"), ("rollout/format", "well formed"),
                               ("eval/accuracy", "right, held out")), 0.0, 1.0),
    Panel("probability of the right answer", (("train/answer_probability", "in training"),), 0.0, 1.0),
    Panel("score by the reward model", (("rollout/score", "score"),)),
    Panel("agreement with the judge", (("train/agreement", "in training"), ("rollout/agreement", "on new pairs")),
          0.0, 1.0),
    Panel("reward that DPO implies", (("train/best_reward", "chosen first"), ("train/worst_reward", "chosen last"))),
    Panel("tokens", (("rollout/length", "answer"), ("rollout/thought_length", "thought in it")), 0.0),
    Panel("entropy, nats a token", (("train/entropy", "entropy"),), 0.0),
    Panel("KL, nats", (("train/kl", "to the reference"), ("rollout/kl", "to it, an answer"),
                       ("train/approx_kl", "to the policy that drew")), 0.0),
    Panel("shares", (("train/zero_variance", "groups wasted"), ("train/clip_fraction", "clipped"),
                     ("rollout/cut_off", "cut off")), 0.0, 1.0),
    Panel("difficulty", (("rollout/level", "level"),)),
    Panel("return", (("rollout/ep_rew_mean", "in training"), ("eval/mean_reward", "held out"))),
    Panel("moves a game", (("rollout/ep_len_mean", "moves"),), 0.0),
    Panel("loss", (("train/loss", "loss"), ("train/value_loss", "of values"))),
    Panel("per second", (("time/fps", "moves"),), 0.0),
)  # fmt: skip
MOST = 6
"""Panels in a picture at most: the first that have something in them."""


class NoCurves(ValueError):
    """A folder without events."""


class Events:
    """The events of a run, which may still be writing them."""

    def __init__(self, folder: Path) -> None:
        if not (folder / "events").is_dir():
            raise NoCurves(f"{folder} has no events: it is no run, or one that has learned nothing yet.")
        import logging

        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

        logging.getLogger("tensorboard").setLevel(logging.ERROR)
        self._read = EventAccumulator(str(folder / "events"), size_guidance={"scalars": 0})

    def curves(self) -> dict[str, Curve]:
        """Every curve so far by its tag, in the order of its steps; what is no number is left out."""
        self._read.Reload()
        found: dict[str, Curve] = {}
        for tag in self._read.Tags()["scalars"]:
            last = {event.step: event.value for event in self._read.Scalars(tag)}
            steps = np.array(sorted(last), np.float64)
            values = np.array([last[int(step)] for step in steps], np.float64)
            whole = np.isfinite(values)
            if whole.any():
                found[tag] = steps[whole], values[whole]
        return found


def curves_of(folder: Path) -> dict[str, Curve]:
    """Every curve of a run by its tag; raises NoCurves where there is none yet."""
    found = Events(folder).curves()
    if not found:
        raise NoCurves(f"{folder} has nothing in its events yet; they begin with its first round.")
    return found


def panels_of(curves: Mapping[str, Curve]) -> list[Panel]:
    """The panels that have something to show, each with the curves that there are."""
    found: list[Panel] = []
    for panel in PANELS:
        there = tuple((tag, name) for tag, name in panel.curves if tag in curves)
        first = there[:1] if panel.high is not None else ()  # a share of 0 says something
        telling = tuple(one for one in there if one in first or curves[one[0]][1].any())
        if telling:
            found.append(panel._replace(curves=telling))
    return found[:MOST]


def smoothed(values: NDArray[np.float64], share: float = 0.02) -> NDArray[np.float64]:
    """The mean of each value and its neighbours, `share` of all on either side, as far as there are any."""
    reach, place = int(share * len(values)), np.arange(len(values))
    total = np.concatenate(([0.0], np.cumsum(values)))
    first, last = np.maximum(place - reach, 0), np.minimum(place + reach + 1, len(values))
    return (total[last] - total[first]) / (last - first)


def title_of(folder: Path) -> str:
    """A run's name, what it learns by and what it learns, as its config.toml says."""
    try:
        said = tomllib.loads((folder / "config.toml").read_text(encoding="utf-8"))
        return f"{folder.name}: {said['learner']['algorithm']}, {said['game']['name']}"
    except (OSError, ValueError, LookupError, TypeError):
        return folder.name


def picture(title: str, curves: Mapping[str, Curve], size: tuple[int, int]) -> list[Shape]:
    """The shapes of a picture of so many pixels, u a hundredth of its height."""
    page = Box(0, 0, 100.0 * size[0] / size[1], 100.0)
    shapes: list[Shape] = [
        Rect(*page, "ground", layer=GROUND),
        Text(cut(title, page.w - 8, CAPTION, "bold"), Box(3, 1.5, page.w - 6, 6), CAPTION, weight="bold"),
    ]
    chosen = panels_of(curves)
    if not chosen:
        return [*shapes, Text("There are no curves yet.", Box(3, 40, page.w, 6), BODY, "muted")]
    columns = min(len(chosen), 3 if page.w > 120 else 2 if page.w > 80 else 1)
    lines = -(-len(chosen) // columns)
    w, h = (page.w - 4 - 2 * (columns - 1)) / columns, (89.0 - 2 * (lines - 1)) / lines
    for k, panel in enumerate(chosen):
        at = Box(2 + (k % columns) * (w + 2), 9 + (k // columns) * (h + 2), w, h)
        shapes += _panel(panel, curves, at)
    return shapes


def _panel(panel: Panel, curves: Mapping[str, Curve], box: Box) -> list[Shape]:
    """One panel: its title, the last values in the curves' colours, and the curves, as they are and smoothed."""
    shapes: list[Shape] = [
        Rect(*box, "panel", radius=CORNER, layer=BOARD),
        Text(cut(panel.title, box.w - 3, BODY, "bold"), Box(box.x + 1.5, box.y + 0.8, box.w, 3.4), BODY, weight="bold"),
    ]
    smooth = {tag: (curves[tag][0], smoothed(curves[tag][1])) for tag, _ in panel.curves}
    x, y = box.x + 1.5, box.y + 4.2
    for (tag, name), colour in zip(panel.curves, COLOURS, strict=False):
        words = f"{name} {_number(smooth[tag][1][-1])}"
        if x + width(words, SMALL) > box.right and x > box.x + 1.5:
            x, y = box.x + 1.5, y + 2.8
        shapes.append(Text(cut(words, box.right - x, SMALL), Box(x, y, box.right - x, 2.8), SMALL, colour))
        x += width(words, SMALL) + 2.5
    plot = Box(box.x + 8, y + 4.5, box.w - 11, box.bottom - y - 9.5)
    every = np.concatenate([values for _, values in smooth.values()])
    low = float(every.min()) if panel.low is None else panel.low
    high = max(float(every.max()), low) if panel.high is None else panel.high
    if high <= low:  # nothing changed
        low, high = (low, low + 1.0) if panel.low is not None else (low - 1.0, high + 1.0)
    left = min(float(steps[0]) for steps, _ in smooth.values())
    right = max(max(float(steps[-1]) for steps, _ in smooth.values()), left + 1)

    def at(step: float, value: float) -> tuple[float, float]:
        share = (min(max(value, low), high) - low) / (high - low)
        return plot.x + plot.w * (step - left) / (right - left), plot.bottom - plot.h * share

    for value in ticks(low, high, 4):
        height = at(left, value)[1]
        shapes.append(Line(((plot.x, height), (plot.right, height)), 0.12, "line", 0.5, layer=BOARD))
        shapes.append(Text(short(value), Box(box.x, height - 1.5, 7, 3), SMALL, "muted", "right"))
    for step in ticks(left, right, 5):
        place = min(at(step, low)[0], box.right - 4)
        shapes.append(Text(short(step), Box(place - 8, plot.bottom + 0.8, 16, 3), SMALL, "muted", "centre"))
    for (tag, _), colour in zip(panel.curves, COLOURS, strict=False):
        raw, line = _thin(curves[tag]), _thin(smooth[tag])
        if len(line[0]) > 1:
            shapes.append(Line(tuple(map(at, *raw)), 0.12, colour, 0.3, layer=PANEL))
            shapes.append(Line(tuple(map(at, *line)), STROKE, colour, layer=OVERLAY))
    return shapes


def _thin(curve: Curve, most: int = 160) -> tuple[list[float], list[float]]:
    """At most so many points of a curve, the last among them."""
    some = np.unique(np.linspace(0, len(curve[0]) - 1, min(most, len(curve[0]))).astype(int))
    return curve[0][some].tolist(), curve[1][some].tolist()


def _number(value: float) -> str:
    """A value in three digits that count."""
    if value and abs(value) < 1e-3:
        return f"{value:.0e}".replace("e-0", "e−").replace("e-", "e−")
    return short(float(f"{value:.3g}")) if math.isfinite(value) else "?"


def spoken(curves: Mapping[str, Curve]) -> str:
    """The curves in words: where each began, its middle and where it is."""
    lines = []
    for panel in panels_of(curves):
        for tag, name in panel.curves:
            values = smoothed(curves[tag][1])
            some = " → ".join(_number(float(values[k])) for k in (0, len(values) // 2, -1))
            lines.append(f"{panel.title}: {name}: {some}   ({short(float(curves[tag][0][-1]))} steps)")
    return "\n".join(lines) + "\n"


def write(path: Path, title: str, curves: Mapping[str, Curve], size: tuple[int, int] = (1280, 720)) -> None:
    """Paints the picture into a PNG file."""
    still(picture(title, curves, size), Box(0, 0, 100.0 * size[0] / size[1], 100.0), path, size[0])
