"""Phantom tic-tac-toe: three in a line without seeing the other's marks; a try at a taken cell shows it.

Rules: those of open_spiel's phantom_ttt (classical): who meets a mark tries again. A full board without a line draws.
"""

from __future__ import annotations

from envs.boards.phantom import phantom, whose
from envs.boards.squares import square_names, square_symmetries
from envs.boards.tic_tac_toe import three_in_line
from envs.game import Bits, Game, Row, rule


@rule
def won(seat: int, stones: Bits) -> bool:
    """Either seat wins by a line of three."""
    return three_in_line(stones)


def phantom_tic_tac_toe() -> Game:
    """Phantom tic-tac-toe on 3 x 3."""
    rules = phantom(9, won)

    def text(row: Row, seen_by: int | None = None) -> str:
        marks = rules.marks(row, seen_by)
        lines = [f"{3 - r} {' '.join(marks[3 * r : 3 * r + 3])}" for r in range(3)]
        return "\n".join([*lines, "  a b c", *whose(seen_by)])

    return Game(
        name="phantom_tic_tac_toe",
        seats=2,
        actions=9,
        shape=(4, 3, 3),
        row=rules.row,
        reset=rules.reset,
        play=rules.play,
        legal=rules.legal,
        observe=rules.observe,
        names=square_names(3),
        max_plies=17,
        symmetries=square_symmetries(3),
        key=rules.key,
        text=text,
        hidden=True,
    )
