"""Language tasks: the prompt, the answer token by token as chips, the verdict at its end, and a key for every token."""

from __future__ import annotations

import numpy as np

from arena.viewers.control.stage import Stage, piece
from arena.viewers.language.chips import Chip, along, row_of, set_into
from arena.viewers.layout import Layout
from arena.viewers.lettering import cut, width
from arena.viewers.pictures import Picture, Spot
from arena.viewers.shapes import BOARD, PIECES, Box, Rect, Shape, Text
from arena.viewers.theme import CORNER, LABEL, SMALL, mix
from envs.game import Game, Row
from envs.language.task import judged
from envs.language.vocabulary import END, SPOKEN, THINK, decode

COLUMNS = 16
"""Keys stand in so many columns."""
KEYS = {"space": "sp", "newline": "nl", "comma": ",", "<think>": "<t", "</think>": "t>"}
"""What is written on keys that are too small for a token's name."""
LARGEST = 5.0
"""The size of a prompt's letters at most."""


def picture(
    game: Game, row: Row, room: Box, layout: Layout, before: Row | None = None, part: float = 1.0,
    *, flipped: bool = False,
) -> Picture:  # fmt: skip
    """Nothing moves: a token is there as soon as it is written."""
    assert game.language is not None
    size = LABEL * layout.text
    made = Stage(room, [Rect(*room, "panel", mix("panel", "ground", 0.5), radius=CORNER, layer=BOARD)])
    inner = room.inset(2.0)
    head = Box(inner.x, room.y + 0.8, inner.w, 1.6 * size)
    spoken = f"{int(row['written']) - int(row['prompted'])} of {game.language.answer} tokens"
    level = f"level {int(row['level'])} of {game.language.levels}"
    made.shapes.append(Text(level, head, size, "muted", layer=BOARD))
    made.shapes.append(Text(spoken, head, size, "muted", "right", layer=BOARD))
    keys = Box(inner.x, 0.0, inner.w, 4 * min(inner.w / COLUMNS, 0.062 * room.h))
    keys = Box(keys.x, room.bottom - 1.2 - keys.h, keys.w, keys.h)
    middle = Box(inner.x, head.bottom + 0.8, inner.w, keys.y - head.bottom - 2.0)
    made.shapes += prompt(row, Box(middle.x, middle.y, middle.w, 0.42 * middle.h))
    made.shapes += answer(row, Box(middle.x, middle.y + 0.46 * middle.h, middle.w, 0.3 * middle.h))
    if row["done"]:
        made.shapes += verdict(
            game, row, Box(middle.x, middle.bottom - 0.22 * middle.h, middle.w, 0.22 * middle.h), size
        )
    _add_keys(made, game, keys)
    return Picture(made.shapes, made.hits, made.spots, piece, made.cell)


def prompt(row: Row, room: Box) -> list[Shape]:
    """The prompt in lines of letters as large as fit, those that are too long broken."""
    lines = decode(row["text"][: row["prompted"]]).split("\n")
    most = int(room.w / width("0", SMALL, "mono"))
    lines = [line[i : i + most] for line in lines for i in range(0, max(1, len(line)), most)]
    longest = max(width(line, 1.0, "mono") for line in lines) or 1.0
    size = max(SMALL, min(LARGEST, room.w / longest, room.h / (1.3 * len(lines))))
    top = room.cy - 0.65 * size * len(lines)
    left = room.cx - longest * size / 2
    return [
        Text(line, Box(left, top + 1.3 * size * i, longest * size + 1, 1.3 * size), size, weight="mono", layer=PIECES)
        for i, line in enumerate(lines)
    ]


def answer(row: Row, room: Box) -> list[Shape]:
    """What has been written, thoughts darker, the end in the colour of the verdict."""
    tokens = [int(token) for token in row["text"][row["prompted"] : row["written"]]]
    if not tokens:
        return [Text("nothing written yet", room, 1.2 * SMALL, "muted", "centre", layer=PIECES)]
    thinking, chips = False, []
    for token in tokens:
        thinking = thinking or token == THINK
        over = "teal" if row["reward"][0] > 0 else "purple"
        chips.append(Chip(token, tint=over if token == END else "frame" if thinking else "raised"))
        thinking = thinking and token != SPOKEN
    size, lines = set_into(tokens, room, 4.0)
    wide = min(room.w, along(tokens, size))
    at = Box(room.cx - wide / 2, room.y, wide + 0.1, room.h) if lines == 1 else room
    return row_of(chips, at, size, lines)[0]


def verdict(game: Game, row: Row, room: Box, size: float) -> list[Shape]:
    """Whether the answer is well formed and right; where it is not, an answer that is."""
    form, right = judged(game, np.array([row]))
    words = "right" if right[0] > 0 else "well formed, but wrong" if form[0] > 0 else "malformed"
    colour = "teal" if right[0] > 0 else "purple"
    line = Box(room.x, room.y, room.w, 1.5 * size)
    shapes: list[Shape] = [Text(words, line, 1.15 * size, colour, "centre", "bold", layer=PIECES)]
    wanted = decode(row["wanted"][row["spoken"] : row["wanting"]]).replace("\n", " ")
    if right[0] == 0 and wanted:
        below = Box(room.x, line.bottom + 0.3, room.w, 1.4 * size)
        said = cut(f"right would be {wanted}", room.w, 0.85 * size)
        shapes.append(Text(said, below, 0.85 * size, "muted", "centre", layer=PIECES))
    return shapes


def _add_keys(made: Stage, game: Game, room: Box) -> None:
    """A key for every token, to be clicked."""
    wide, high = room.w / COLUMNS, room.h * COLUMNS / len(game.names)
    made.cell = min(wide, high)
    for action in range(len(game.names)):
        box = Box(room.x + action % COLUMNS * wide, room.y + action // COLUMNS * high, wide, high).inset(0.2)
        made.shapes.append(Rect(*box, mix("raised", "panel", 0.3), radius=0.4, layer=BOARD))
        name = KEYS.get(game.names[action], game.names[action])
        if width(name, SMALL, "mono") <= box.w and box.h >= SMALL:
            made.shapes.append(Text(name, box, SMALL, "muted", "centre", "mono", layer=PIECES))
        made.hits[action] = box
        made.spots[action] = Spot(
            box.right - 0.2 * made.cell, box.y + 0.2 * made.cell, 0.2 * made.cell
        )  # beside the letter
