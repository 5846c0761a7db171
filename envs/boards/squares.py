"""What square boards share: names of cells and the eight ways to turn and mirror them."""

from __future__ import annotations

import numpy as np

from envs.game import Symmetry


def square_names(size: int, first_line: str = "bottom") -> tuple[str, ...]:
    """Cells row by row from the top left: a3 b3 c3 a2 ... c1 on a board of three whose line 1 is at the bottom.

    Othello's line 1 is at the "top".
    """
    lines = range(1, size + 1) if first_line == "top" else range(size, 0, -1)
    return tuple(f"{chr(ord('a') + column)}{line}" for line in lines for column in range(size))


def square_symmetries(size: int, extra_actions: int = 0) -> tuple[Symmetry, ...]:
    """The seven turns and mirrors that move something; actions are the cells, then `extra_actions` that stay."""
    board = np.arange(size * size).reshape(size, size)
    fixed = np.arange(size * size, size * size + extra_actions)
    found = []
    for mirrored in (False, True):
        for quarter in range(4):
            if not mirrored and quarter == 0:
                continue
            turned = np.rot90(board[:, ::-1] if mirrored else board, quarter).reshape(-1)
            name = ("mirror " if mirrored else "") + f"turn {90 * quarter}"
            found.append(Symmetry(name, turned.copy(), np.concatenate([turned, fixed])))
    return tuple(found)
