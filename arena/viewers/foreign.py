"""The picture of another project's game: what its program shows of each position, and its actions to click on."""

from __future__ import annotations

import numpy as np

from arena.viewers.cards.table import buttons, halves
from arena.viewers.dials import foot
from arena.viewers.layout import Layout
from arena.viewers.lettering import cut
from arena.viewers.pictures import Picture
from arena.viewers.plain import in_words, piece
from arena.viewers.shapes import Box, Pixels, Text
from arena.viewers.theme import BODY
from envs import kernels
from envs.adapters.foreign.programs import Programs, programs_of
from envs.game import Game, Row
from envs.text import text_seen

WARNING = "Drawn for all seats: this may show what yours does not know."
MOST, COLUMNS = 64, 9
"""So many actions have a button each, in lines of so many; of more, only the first that may be played have."""


def picture(
    game: Game, row: Row, room: Box, layout: Layout, before: Row | None = None, part: float = 1.0,
    *, flipped: bool = False, seen_by: int | None = None,
) -> Picture:  # fmt: skip
    """What the program drew, as large as it fits, above a button for each action or the dials of its numbers."""
    programs = programs_of(game)
    if programs is None:
        return in_words(text_seen(game, np.array([row]), seen_by), _above(game, room))
    if not game.actions:
        return _shown(programs, game, row, _above(game, room), seen_by)
    legal = np.flatnonzero(kernels.legal_mask(game, np.array([row]))[0])
    moves = range(game.actions) if game.actions <= MOST else [int(action) for action in legal[:MOST]]
    columns = min(len(moves), COLUMNS) or 1
    stage, strip = halves(room, -(-len(moves) // columns) or 1, layout)
    seen = _shown(programs, game, row, stage, seen_by)
    if not moves:
        return seen
    words = {action: f"{action + 1}  {game.names[action]}" for action in moves} if game.actions <= 9 else None
    more, hits, spots = buttons(game, row, strip, layout, columns, flipped=False, words=words, moves=moves)
    return Picture([*seen.shapes, *more], hits, spots, piece, 5.0)


def _above(game: Game, room: Box) -> Box:
    return Box(room.x, room.y, room.w, room.h - foot(game))


def _shown(programs: Programs, game: Game, row: Row, room: Box, seen_by: int | None) -> Picture:
    """The program's pixels, or its words; else the numbers of an observation.

    A seat that may not know it all is shown what the program tells that seat, in words. Where it tells none, pixels
    are all there is: they are drawn for all seats alike, which stands beneath them. Words that tell everything give
    way to the observation.
    """
    told = None if seen_by is None else programs.told(row, seen_by)
    if told is not None:
        return in_words(told, room)
    shown = programs.picture(row)
    if isinstance(shown, np.ndarray):
        warned = seen_by is not None and game.seats > 1
        below = Box(room.x, room.y + room.h - 2 * BODY, room.w, 2 * BODY)
        room = Box(room.x, room.y, room.w, room.h - 2 * BODY * warned)
        height, width = shown.shape[:2]
        scale = min(room.w / width, room.h / height)
        w, h = width * scale, height * scale
        dots = Pixels(room.cx - w / 2, room.cy - h / 2, w, h, shown.tobytes(), width, height)
        words = [Text(cut(WARNING, below.w, BODY), below, BODY, "muted", "centre")] if warned else []
        return Picture([dots, *words], {}, {}, piece, 5.0)
    if isinstance(shown, str) and seen_by is None:
        return in_words(shown, room)
    if programs.gone(row):
        return in_words("This position was not kept.", room)
    looking = np.array([row])
    if seen_by is not None:
        looking["seat"] = seen_by
    numbers = np.array2string(kernels.view(game, looking).obs[0], precision=2, threshold=60, max_line_width=40)
    return in_words(numbers, room)
