"""What a game's picture is, and the table of them: one small function per game.

A picture file says where a position's pieces are and where its moves can be clicked and marked. Candidates, table,
timeline, captions and keys come from the common part.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from arena.viewers.layout import Layout
from arena.viewers.shapes import Box, Shape
from envs.game import Game, Row
from envs.registry import resolve

PICTURES: dict[str, str] = {
    "tic_tac_toe": "arena.viewers.boards.tic_tac_toe:picture",
    "connect_four": "arena.viewers.boards.connect_four:picture",
    "othello": "arena.viewers.boards.othello:picture",
    "gardner_chess": "arena.viewers.boards.gardner_chess:picture",
    "go": "arena.viewers.boards.go:picture",
    "game_2048": "arena.viewers.arcade.game_2048:picture",
    "hex": "arena.viewers.boards.hex:picture",
    "mnk": "arena.viewers.boards.mnk:picture",
    "gomoku": "arena.viewers.boards.mnk:picture",
    "breakthrough": "arena.viewers.boards.breakthrough:picture",
    "nim": "arena.viewers.boards.nim:picture",
    "phantom_tic_tac_toe": "arena.viewers.boards.phantom_tic_tac_toe:picture",
    "dark_hex": "arena.viewers.boards.dark_hex:picture",
    "battleship": "arena.viewers.boards.battleship:picture",
    "cart_pole": "arena.viewers.control.cart_pole:picture",
    "acrobot": "arena.viewers.control.acrobot:picture",
    "mountain_car": "arena.viewers.control.mountain_car:picture",
    "mountain_car_continuous": "arena.viewers.control.mountain_car:picture",
    "pendulum": "arena.viewers.control.pendulum:picture",
    "breakout": "arena.viewers.arcade.breakout:picture",
    "asterix": "arena.viewers.arcade.asterix:picture",
    "freeway": "arena.viewers.arcade.freeway:picture",
    "seaquest": "arena.viewers.arcade.seaquest:picture",
    "space_invaders": "arena.viewers.arcade.space_invaders:picture",
    "pong": "arena.viewers.arcade.pong:picture",
    "snake": "arena.viewers.arcade.snake:picture",
    "pixel_breakout": "arena.viewers.arcade.pixel_breakout:picture",
    "kuhn": "arena.viewers.cards.kuhn:picture",
    "leduc": "arena.viewers.cards.leduc:picture",
    "liars_dice": "arena.viewers.cards.liars_dice:picture",
    "goofspiel": "arena.viewers.cards.goofspiel:picture",
    "matrix": "arena.viewers.cards.matrix:picture",
    "repeated_rps": "arena.viewers.cards.repeated_rps:picture",
    "t_maze": "arena.viewers.memory.t_maze:picture",
    "copy": "arena.viewers.memory.stream:picture",
    "recall": "arena.viewers.memory.stream:picture",
    "repeat_previous": "arena.viewers.memory.stream:picture",
    "parentheses": "arena.viewers.memory.stream:picture",
    "n_back": "arena.viewers.memory.stream:picture",
    "bandit": "arena.viewers.bandits.bandit:picture",
    "point_mass": "arena.viewers.bandits.point_mass:picture",
    "maze_family": "arena.viewers.bandits.maze_family:picture",
    "maze": "arena.viewers.grids.floor:picture",
    "cliff_walking": "arena.viewers.grids.floor:picture",
    "frozen_lake": "arena.viewers.grids.floor:picture",
    "windy_grid": "arena.viewers.grids.floor:picture",
    "four_rooms": "arena.viewers.grids.floor:picture",
    "taxi": "arena.viewers.grids.taxi:picture",
    "blackjack": "arena.viewers.grids.blackjack:picture",
    "reverse": "arena.viewers.language.text:picture",
    "addition": "arena.viewers.language.text:picture",
    "copy_text": "arena.viewers.language.text:picture",
    "sort": "arena.viewers.language.text:picture",
    "parity": "arena.viewers.language.text:picture",
    "brackets": "arena.viewers.language.text:picture",
    "multiplication": "arena.viewers.language.text:picture",
    "maximum": "arena.viewers.language.text:picture",
    "modular": "arena.viewers.language.text:picture",
    "maze_text": "arena.viewers.language.text:picture",
    "countdown": "arena.viewers.language.text:picture",
    "mixture": "arena.viewers.language.text:picture",
    "move": "arena.viewers.language.text:picture",
}
"""game name -> "module:function"."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A place for a piece or a mark: a circle around (x, y)."""

    x: float
    y: float
    r: float


Piece = Callable[[int, Spot, float], list[Shape]]
"""(seat, spot, alpha) -> the shapes of that seat's piece there."""


@dataclass(frozen=True)
class Picture:
    """A position drawn into the board's slot.

    shapes  the board and its pieces
    hits    action -> where a click means it
    spots   action -> where its piece would stand from here; actions without a place (a pass) are missing
    piece   draws a seat's piece, for ghosts, variations and the names in the header
    cell    the side of a cell in u; marks with words need 5
    rests   action -> where its piece stands afterwards, if not there: where moves that end on a cell share it
    """

    shapes: list[Shape]
    hits: Mapping[int, Box]
    spots: Mapping[int, Spot]
    piece: Piece
    cell: float
    rests: Mapping[int, Spot] = field(default_factory=dict)


class Draw(Protocol):
    """A game's picture function, of the board as it is or `flipped`, as from its other side.

    `part` in [0, 1] is how far the ply from `before` to `row` has been carried out. The picture of a game that hides
    something takes one keyword more, `seen_by: int | None = None`: None shows everything, a seat what it may know.
    """

    def __call__(
        self, game: Game, row: Row, room: Box, layout: Layout, before: Row | None = None, part: float = 1.0,
        *, flipped: bool = False,
    ) -> Picture: ...  # fmt: skip


ELSE = {"words": "arena.viewers.plain:picture", "foreign": "arena.viewers.foreign:picture"}
"""The pictures of games that are in no table: their words, or what another project's program draws."""


def picture_of(game: Game) -> Draw:
    """The picture function of a game; what its program or its own text says, where it has no picture."""
    name = game.name.partition(":")[0]
    if name in PICTURES:
        return resolve(PICTURES, name, "picture")
    return resolve(ELSE, "foreign" if game.foreign else "words", "picture")


def look(
    game: Game, row: Row, layout: Layout, before: Row | None = None, part: float = 1.0,
    *, flipped: bool = False, seen_by: int | None = None,
) -> Picture:  # fmt: skip
    """A position drawn into a layout's slot for the board, as a seat may see it, or whole (`seen_by` None)."""
    draw: Any = picture_of(game)
    hidden = {"seen_by": seen_by} if game.hidden else {}
    return draw(game, row, layout.board, layout, before, part, flipped=flipped, **hidden)


def bits(stones: int) -> list[int]:
    """The indices of the bits that are set."""
    stones = int(stones)
    return [i for i in range(stones.bit_length()) if stones >> i & 1]


def lines_of(cells: set[tuple[int, int]], length: int) -> set[tuple[int, int]]:
    """Those of the cells (column, line) that stand in a straight row of at least `length`."""
    found: set[tuple[int, int]] = set()
    for c, r in cells:
        for dc, dr in ((1, 0), (0, 1), (1, 1), (1, -1)):
            row = {(c + i * dc, r + i * dr) for i in range(length)}
            if row <= cells:
                found |= row
    return found
