"""What card games share: the felt, places around it, cards, dice, chips, and buttons to click."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import cos, pi, sin

import numpy as np

from arena.viewers.layout import Layout
from arena.viewers.pictures import Spot
from arena.viewers.shapes import BOARD, OVERLAY, PIECES, Box, Disc, Line, Poly, Rect, Ring, Shape, Text
from arena.viewers.theme import SEATS, mix
from envs import kernels
from envs.game import Game, Row

RANKS = ("3", "4", "5", "6", "7", "8", "9", "10", "J", "Q", "K")
"""What cards are called, the highest last: a deck of three is J, Q, K."""

PAPER = "white stone"
INK = "black stone"
RED = "#B3262E"


def halves(room: Box, lines: int, layout: Layout) -> tuple[Box, Box]:
    """(the felt, the strip of buttons below it, `lines` high)."""
    high = min(lines * max(5.5, 5.0 * layout.text), 0.34 * room.h)
    return Box(room.x, room.y, room.w, room.h - high - 1.0), Box(room.x, room.bottom - high, room.w, high)


def felt(box: Box) -> list[Shape]:
    """The table."""
    edge = mix("ground", "sand", 0.35)
    radius = 0.16 * min(box.w, box.h)
    inner = box.inset(1.0)
    return [
        Rect(box.x, box.y + 0.6, box.w, box.h - 0.6, "shadow", radius=radius, alpha=0.5, blur=1.5, layer=BOARD),
        Rect(*box.inset(0.3), edge, mix(edge, "shadow", 0.4), radius=radius, layer=BOARD),
        Rect(*inner, mix("felt", "shadow", 0.15), mix("felt", "shadow", 0.42), radius=radius - 0.8, layer=BOARD),
    ]


def places(box: Box, seats: int, flipped: bool) -> list[tuple[float, float]]:
    """Where each seat's things lie: seat 0 below, the others clockwise; flipped, half a turn on."""
    found = []
    for seat in range(seats):
        angle = 2 * pi * seat / seats + (pi if flipped else 0.0)
        down = 0.34 if seats == 2 else 0.30
        found.append(
            (
                box.cx - (0.37 if seats == 2 else 0.3) * box.w * sin(angle),
                box.cy + down * box.h * cos(angle) - (seats > 2) * 2.5,
            )
        )
    return found


def buttons(
    game: Game,
    row: Row,
    box: Box,
    layout: Layout,
    columns: int,
    *,
    flipped: bool,
    words: Mapping[int, str] | None = None,
    seen_by: int | None = None,
    moves: Sequence[int] | None = None,
) -> tuple[list[Shape], dict[int, Box], dict[int, Spot]]:
    """(shapes, hits, spots): a button for each move, or some, in lines of `columns`; what may not be played is dim.

    For a seat that looks they are its own moves, even while another is to move: those of the other tell its hand.
    """
    moves = range(game.actions) if moves is None else moves
    count = len(moves)
    looking = np.array([row])
    if seen_by is not None:
        looking["seat"] = seen_by
    legal = kernels.legal_mask(game, looking)[0]
    lines = -(-count // columns)
    w, h = box.w / columns, box.h / lines
    shapes: list[Shape] = []
    hits: dict[int, Box] = {}
    spots: dict[int, Spot] = {}
    for number, action in enumerate(moves):
        place = count - 1 - number if flipped else number
        line, column = divmod(place, columns)
        wide = w if line < lines - 1 or count % columns == 0 else box.w / (count - columns * (lines - 1))
        hit = Box(box.x + column * wide, box.y + line * h, wide, h)
        hits[action] = hit
        face = hit.inset(min(0.4, 0.06 * wide), min(0.4, 0.08 * h))
        if wide > 2.5 * h:  # a mark fits beside the word
            spots[action] = Spot(hit.x + 0.6 * h, hit.cy, 0.34 * h)
        name = (words or {}).get(action, game.names[action])
        size = min(2.8 * layout.text, 0.62 * h, 1.5 * wide / max(2, len(name)))
        light = "raised" if legal[action] else mix("raised", "ground", 0.7)
        shapes.append(Rect(*face, light, mix(light, "shadow", 0.25), radius=0.8, layer=BOARD))
        shapes.append(
            Text(name, face, size, "text", "centre", "bold", alpha=1.0 if legal[action] else 0.35, layer=BOARD)
        )
    return shapes, hits, spots


def card(
    box: Box,
    label: str | None,
    *,
    suit: int | None = None,
    seat: int | None = None,
    alpha: float = 1.0,
    lit: bool = False,
) -> list[Shape]:
    """A card with its label (None: its back), a red diamond or a black club as its suit, a band in a seat's colour."""
    radius = 0.1 * box.w
    shapes: list[Shape] = [
        Rect(box.x + 0.2, box.y + 0.4, box.w, box.h, "shadow", radius=radius, alpha=0.4 * alpha, blur=0.6, layer=PIECES)
    ]
    if lit:
        shapes.append(Rect(*box.inset(-0.06 * box.w), "yellow", radius=1.3 * radius, alpha=alpha, layer=PIECES))
    if label is None:
        shapes.append(Rect(*box, PAPER, radius=radius, alpha=alpha, layer=PIECES))
        inner = box.inset(0.08 * box.w)
        shapes.append(Rect(*inner, "frame", mix("frame", "shadow", 0.3), radius, alpha=alpha, layer=PIECES))
        shapes.append(Disc(box.cx, box.cy, 0.2 * box.w, mix("frame", "text", 0.25), alpha=alpha))
    else:
        ink = RED if suit == 0 else INK
        shapes.append(Rect(*box, PAPER, mix(PAPER, "shadow", 0.12), radius=radius, alpha=alpha, layer=PIECES))
        room = box if suit is None else Box(box.x, box.y, box.w, 0.62 * box.h)
        size = min(0.62 * box.w, 0.5 * box.h) * (1.0 if len(label) == 1 else 0.75)
        shapes.append(Text(label, room, size, ink, "centre", "bold", alpha=alpha, layer=PIECES))
        if suit is not None:
            shapes += pip(box.cx, box.y + 0.76 * box.h, 0.17 * box.w, suit, alpha)
    if seat is not None:
        band = Box(box.x + radius, box.bottom - 0.07 * box.h, box.w - 2 * radius, 0.035 * box.h)
        shapes.append(Rect(*band, SEATS[seat], alpha=alpha, layer=PIECES))
    return shapes


def pip(x: float, y: float, r: float, suit: int, alpha: float) -> list[Shape]:
    """A diamond, or a club."""
    if suit == 0:
        return [Poly(((x, y - r), (x + 0.8 * r, y), (x, y + r), (x - 0.8 * r, y)), RED, alpha, layer=PIECES)]
    leaves = ((x, y - 0.45 * r), (x - 0.45 * r, y + 0.25 * r), (x + 0.45 * r, y + 0.25 * r))
    stem = ((x, y), (x + 0.3 * r, y + r), (x - 0.3 * r, y + r))
    return [*(Disc(a, b, 0.45 * r, INK, alpha=alpha) for a, b in leaves), Poly(stem, INK, alpha, layer=PIECES)]


DOTS = {1: (4,), 2: (0, 8), 3: (0, 4, 8), 4: (0, 2, 6, 8), 5: (0, 2, 4, 6, 8), 6: (0, 2, 3, 5, 6, 8)}
"""Which of nine places have a dot."""


def die(box: Box, face: int | None, *, wild: bool = False, lit: bool = False) -> list[Shape]:
    """A die showing 1 .. 9, or lying under the cup (None)."""
    radius = 0.18 * box.w
    shapes: list[Shape] = [
        Rect(box.x + 0.2, box.y + 0.4, box.w, box.h, "shadow", radius=radius, alpha=0.4, blur=0.6, layer=PIECES)
    ]
    if lit:
        shapes.append(Rect(*box.inset(-0.09 * box.w), "yellow", radius=1.3 * radius, layer=PIECES))
    if face is None:
        shapes.append(Rect(*box, "frame", mix("frame", "shadow", 0.3), radius, layer=PIECES))
        shapes.append(Text("?", box, 0.6 * box.h, "text", "centre", "bold", layer=PIECES))
        return shapes
    shapes.append(Rect(*box, PAPER, mix(PAPER, "shadow", 0.12), radius, layer=PIECES))
    ink = RED if wild else INK
    if face not in DOTS:
        return [*shapes, Text(str(face), box, 0.6 * box.h, ink, "centre", "bold", layer=PIECES)]
    step = 0.27 * box.w
    for place in DOTS[face]:
        shapes.append(Disc(box.cx + (place % 3 - 1) * step, box.cy + (place // 3 - 1) * step, 0.1 * box.w, ink))
    return shapes


def chip(seat: int, at: Spot, alpha: float) -> list[Shape]:
    """A chip in a seat's colour: a disc with a dashed rim."""
    colour = SEATS[seat]
    return [
        Disc(at.x, at.y + 0.12 * at.r, at.r, mix(colour, "shadow", 0.6), alpha=alpha),
        Disc(at.x, at.y, at.r, colour, mix(colour, "shadow", 0.2), alpha),
        Ring(at.x, at.y, at.r, 0.24 * at.r, PAPER, alpha, dashes=8, layer=PIECES),
    ]


def stack(seat: int, count: int, x: float, y: float, r: float, size: float) -> list[Shape]:
    """So many chips on top of one another, and their number beside them."""
    shapes: list[Shape] = []
    for i in range(min(count, 14)):
        shapes += chip(seat, Spot(x, y - 0.22 * r * i, r), 1.0)
    box = Box(x + 1.3 * r, y - r, 6 * r, 2 * r)
    return [*shapes, Text(str(count), box, size, "text", weight="bold", layer=PIECES)]


def beside(
    box: Box, seats: int, name: tuple[str, str], said: tuple[str, str], result: float | None, size: float
) -> list[Shape]:
    """A player's name, what it said, and what it was paid: to the left of its card, or below where many sit close."""
    tail = [] if result is None else [paid(result)]
    if seats == 2:
        return words([name, said, *tail], Box(box.x - 19, box.y, 18, box.h), size)
    low = Box(box.cx - 11, box.bottom + 0.6, 22, 2.7 * size)
    if tail:
        said = (f"{said[0]}  {tail[0][0]}", tail[0][1])
    return words([name, said], low, size)


def words(lines: Sequence[tuple[str, str]], box: Box, size: float) -> list[Shape]:
    """(words, colour) one below the other in the middle of a box."""
    high = 1.35 * size
    top = box.cy - high * len(lines) / 2
    return [
        Text(text, Box(box.x, top + i * high, box.w, high), size, colour, "centre", "bold", layer=OVERLAY)
        for i, (text, colour) in enumerate(lines)
    ]


def paid(amount: float) -> tuple[str, str]:
    """What a seat was paid, and its colour: yellow where it won."""
    sign = "+" if amount > 0 else "−" if amount < 0 else "±"
    return f"{sign}{abs(amount):g}", "yellow" if amount > 0 else "text"


def underline(box: Box, seat: int) -> Shape:
    """A line in a seat's colour below a box."""
    return Line(((box.x, box.bottom), (box.right, box.bottom)), 0.4, SEATS[seat], layer=PIECES)
