"""What a game is: one NumPy record for a position, and a few compiled rules over that record.

A rule works on one record in place. The same record serves as a row of a batch, a node of a search tree, a stored
position and the thing the viewer draws; copying a position is `rows[i] = rows[j]`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import numba
import numpy as np
from numpy.typing import NDArray

Rows: TypeAlias = np.ndarray
"""[B] records of one game's dtype: B games in progress."""

Row: TypeAlias = Any
"""One record; its fields are attributes, in compiled code and under the debugger alike."""

Bits: TypeAlias = Any
"""A 64-bit word in compiled code: a set of cells, or random bits."""

Real: TypeAlias = Any
"""A number in compiled code, of 32 bits or 64."""

rule = numba.njit(nogil=True)
"""Marks a rule: compiled when it is used, plain Python with NUMBA_DISABLE_JIT=1."""


def row_dtype(seats: int, **fields: Any) -> np.dtype[Any]:
    """The record of a game: the header every game shares, then the game's own fields.

    rng     the row's own random generator (see `envs.kernels.next_random`)
    reward  what the last ply paid each seat
    ply     moves made so far
    seat    who moves next; after the last ply, who would have moved
    done    no more moves
    """
    own = [(name, *kind) if isinstance(kind, tuple) else (name, kind) for name, kind in fields.items()]
    header = [("rng", np.uint64), ("reward", np.float32, (seats,))]
    footer = [("ply", np.int16), ("seat", np.int8), ("done", np.bool_)]
    return np.dtype([*header, *own, *footer], align=True)


@dataclass(frozen=True)
class Symmetry:
    """A permutation of cells that turns any position into one that plays the same.

    Plane p of the turned observation is `plane.reshape(-1)[cells]`; a vector over actions turns by `[actions]`.
    """

    name: str
    cells: NDArray[np.int64]
    actions: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Game:
    """The rules of one game; everything that plays, searches, stores or draws it is generic.

    reset(row)         writes the first position's own fields; the header is cleared and `rng` seeded already
    play(row, action)  makes a legal move of `row.seat`; sets reward, ply, seat and, at the end, done
    legal(row, out)    out[a] = may `row.seat` play a; at least one, unless the game is done
    observe(row, out)  fills out[*shape], float32, as the seat to move sees it

    `version` changes whenever the same moves would lead elsewhere: stored games name it. `max_plies` bounds every
    game. `heuristic(row)`, where a game has one, guesses the value in (-1, 1) for the seat to move.
    """

    name: str
    seats: int
    actions: int
    shape: tuple[int, ...]
    row: np.dtype[Any]
    reset: Callable[[Row], None]
    play: Callable[[Row, int], None]
    legal: Callable[[Row, NDArray[np.bool_]], None]
    observe: Callable[[Row, NDArray[np.float32]], None]
    names: tuple[str, ...]
    max_plies: int
    version: int = 1
    symmetries: tuple[Symmetry, ...] = ()
    heuristic: Callable[[Row], float] | None = None
    hidden: bool = False
    chance: bool = False
    simultaneous: bool = False

    def action(self, name: str) -> int:
        """The action written as `name`."""
        if name not in self.names:
            raise ValueError(f"{self.name} has no move '{name}'; its moves are {', '.join(self.names)}.")
        return self.names.index(name)


class View(NamedTuple):
    """What the seats to move may know, for B games at once."""

    obs: NDArray[np.float32]
    """[B, *shape], from the side of the seat to move."""
    legal: NDArray[np.bool_]
    """[B, A], True = may; at least one True a row."""
    rows: Rows | None
    """[B] the positions themselves, or None where the game hides something."""
    seat: NDArray[np.int8]
    """[B] who is to move."""
    game: Game
    """Whose rules these are: an agent that needs them looks here, and may so play two games at once."""
