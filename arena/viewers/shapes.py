"""What a picture is made of: a flat list of frozen shapes in u (window height / 100), which anything can paint.

x grows to the right and y downwards from the window's upper left corner. `layer` decides what lies on top, then the
order in the list. A shape with a `hit` can be pointed at; a Rect without a fill is an invisible place to click.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeAlias

from arena.viewers import lettering
from arena.viewers.theme import Colour

GROUND, BOARD, MAP, PIECES, OVERLAY, PANEL, TIMELINE, CAPTION, FOCUS, CARD = range(10)
"""The layers, lowest first. What belongs on a card or a help page is lifted onto CARD."""

Point: TypeAlias = tuple[float, float]


class Box(NamedTuple):
    """A rectangle in u."""

    x: float
    y: float
    w: float
    h: float

    @property
    def right(self) -> float:
        return self.x + self.w

    @property
    def bottom(self) -> float:
        return self.y + self.h

    @property
    def cx(self) -> float:
        return self.x + self.w / 2

    @property
    def cy(self) -> float:
        return self.y + self.h / 2

    def inset(self, dx: float, dy: float | None = None) -> Box:
        """The rectangle made smaller by dx on the left and right and dy (or dx) above and below."""
        dy = dx if dy is None else dy
        return Box(self.x + dx, self.y + dy, self.w - 2 * dx, self.h - 2 * dy)

    def holds(self, x: float, y: float) -> bool:
        """Whether the point is inside."""
        return self.x <= x < self.x + self.w and self.y <= y < self.y + self.h


@dataclass(frozen=True, slots=True)
class Rect:
    """A rectangle; `fill2` is its colour at the bottom where it shades, `blur` makes it a soft shadow."""

    x: float
    y: float
    w: float
    h: float
    fill: Colour | None = None
    fill2: Colour | None = None
    radius: float = 0.0
    stroke: Colour | None = None
    stroke_width: float = 0.15
    alpha: float = 1.0
    blur: float = 0.0
    layer: int = PANEL
    hit: str | None = None


@dataclass(frozen=True, slots=True)
class Disc:
    """A filled circle around (x, y); `fill2` is its colour at the bottom where it shades."""

    x: float
    y: float
    r: float
    fill: Colour
    fill2: Colour | None = None
    alpha: float = 1.0
    rim: Colour | None = None
    rim_width: float = 0.2
    blur: float = 0.0
    layer: int = PIECES
    hit: str | None = None


@dataclass(frozen=True, slots=True)
class Ring:
    """The outline of a circle, `width` thick inside of r; `dashes` of them if not 0."""

    x: float
    y: float
    r: float
    width: float
    colour: Colour
    alpha: float = 1.0
    dashes: int = 0
    layer: int = OVERLAY
    hit: str | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A line through points with round joints; dashed with dashes and gaps `dash` long if not 0."""

    points: tuple[Point, ...]
    width: float
    colour: Colour
    alpha: float = 1.0
    dash: float = 0.0
    layer: int = PANEL
    hit: str | None = None


@dataclass(frozen=True, slots=True)
class Arrow:
    """A straight arrow whose head ends at (x2, y2)."""

    x: float
    y: float
    x2: float
    y2: float
    width: float
    colour: Colour
    alpha: float = 1.0
    layer: int = OVERLAY
    hit: str | None = None


@dataclass(frozen=True, slots=True)
class Poly:
    """A filled polygon."""

    points: tuple[Point, ...]
    fill: Colour
    alpha: float = 1.0
    layer: int = PANEL
    hit: str | None = None


@dataclass(frozen=True, slots=True)
class Text:
    """One line of words inside `box`: aligned left, centre or right in it, and in its vertical middle by capitals."""

    text: str
    box: Box
    size: float
    colour: Colour = "text"
    align: str = "left"
    weight: str = "regular"
    halo: Colour | None = None
    alpha: float = 1.0
    layer: int = PANEL
    hit: str | None = None

    @property
    def left(self) -> float:
        """Where the words begin."""
        room = self.box.w - lettering.width(self.text, self.size, self.weight)
        return self.box.x + room * {"left": 0.0, "centre": 0.5, "right": 1.0}[self.align]

    @property
    def baseline(self) -> float:
        """Where the words stand."""
        return self.box.cy + self.size * lettering.CAPITAL / 2


@dataclass(frozen=True, slots=True, eq=False)
class Pixels:
    """A picture of dots, [height, width, 3] as bytes, stretched over a rectangle."""

    x: float
    y: float
    w: float
    h: float
    dots: bytes
    columns: int
    rows: int
    layer: int = BOARD
    hit: str | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """Shapes of which only the part inside `clip` is seen."""

    shapes: tuple[Shape, ...]
    clip: Box
    layer: int = PANEL
    hit: str | None = None


Shape: TypeAlias = Rect | Disc | Ring | Line | Arrow | Poly | Text | Pixels | Group


def in_order(shapes: Iterable[Shape]) -> list[Shape]:
    """The shapes from the lowest to the highest."""
    return sorted(shapes, key=lambda shape: shape.layer)


def bounds(shape: Shape) -> Box:
    """The rectangle that a shape fills, without the softness of a shadow."""
    match shape:
        case Rect() | Pixels():
            return Box(shape.x, shape.y, shape.w, shape.h)
        case Disc() | Ring():
            return Box(shape.x - shape.r, shape.y - shape.r, 2 * shape.r, 2 * shape.r)
        case Line() | Poly():
            return _around(shape.points)
        case Arrow():
            return _around(((shape.x, shape.y), (shape.x2, shape.y2)))
        case Text():
            length = lettering.width(shape.text, shape.size, shape.weight)
            top = shape.baseline - shape.size * lettering.CAPITAL
            return Box(shape.left, top, length, shape.size * lettering.CAPITAL)
        case Group():
            return shape.clip
    raise TypeError(f"{type(shape).__name__} is no shape.")


def _around(points: Sequence[Point]) -> Box:
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return Box(min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys))


def hit_at(shapes: Iterable[Shape], x: float, y: float) -> str | None:
    """The `hit` of the uppermost shape at a point that has one: what is seen is what is pointed at."""
    for shape in reversed(in_order(shapes)):
        if isinstance(shape, Group):
            inner = hit_at(shape.shapes, x, y) if shape.clip.holds(x, y) else None
            if inner is not None:
                return inner
        if shape.hit is not None and _covers(shape, x, y):
            return shape.hit
    return None


def _covers(shape: Shape, x: float, y: float) -> bool:
    if isinstance(shape, Disc | Ring):
        return (x - shape.x) ** 2 + (y - shape.y) ** 2 <= shape.r**2
    if isinstance(shape, Text):
        return shape.box.holds(x, y)
    return bounds(shape).holds(x, y)


def lifted(shapes: Iterable[Shape], layer: int) -> list[Shape]:
    """The shapes in their order, all on one layer."""
    return [replace(shape, layer=layer) for shape in in_order(shapes)]
