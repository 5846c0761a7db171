"""Matrix games: both choose once, at the same time; a table says what each is paid.

The tables are those of open_spiel's matrix games; "chicken" is Rapoport & Chammah's, "stag_hunt" Skyrms's, "shapley"
the game of Shapley (1964) in which fictitious play circles for ever.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from envs.game import Bits, Game, Row, row_dtype, rule
from envs.options import spec
from envs.registry import nearest


class Payoffs(NamedTuple):
    """One table: names of the choices, and [own choice of seat 0][choice of seat 1] what seat 0 and seat 1 are paid."""

    names: tuple[str, ...]
    first: tuple[tuple[float, ...], ...]
    second: tuple[tuple[float, ...], ...]


def zero_sum(names: tuple[str, ...], *first: tuple[float, ...]) -> Payoffs:
    """A table in which seat 1 is paid what seat 0 loses."""
    return Payoffs(names, first, tuple(tuple(0.0 - x for x in line) for line in first))


def alike(names: tuple[str, ...], *first: tuple[float, ...]) -> Payoffs:
    """A table that looks the same from both seats."""
    return Payoffs(names, first, tuple(zip(*first, strict=True)))


RPS = ("rock", "paper", "scissors")
TABLES: dict[str, Payoffs] = {
    "rps": zero_sum(RPS, (0, -1, 1), (1, 0, -1), (-1, 1, 0)),
    "biased_rps": zero_sum(RPS, (0, -25, 50), (25, 0, -5), (-50, 5, 0)),
    "rps_water": zero_sum((*RPS, "water"), (0, -1, 1, 0), (1, 0, -1, 0), (-1, 1, 0, 0), (0, 0, 0, 0)),
    "matching_pennies": zero_sum(("heads", "tails"), (1, -1), (-1, 1)),
    "prisoners": alike(("cooperate", "defect"), (5, 0), (10, 1)),
    "chicken": alike(("dare", "chicken"), (0, 4), (1, 3)),
    "stag_hunt": alike(("stag", "hare"), (2, 0), (1, 1)),
    "coordination": alike(("left", "right"), (1, 0), (0, 1)),
    "battle_of_sexes": Payoffs(("bach", "stravinsky"), ((3, 0), (0, 2)), ((2, 0), (0, 3))),
    "shapley": Payoffs(RPS, ((0, 0, 1), (1, 0, 0), (0, 1, 0)), ((0, 1, 0), (0, 0, 1), (1, 0, 0))),
}
"""name -> what is paid."""


def matrix(game: str = "rps") -> Game:
    """The matrix game of that name: see TABLES."""
    if game not in TABLES:
        raise ValueError(
            f"There is no matrix game '{game}'; {nearest(game, list(TABLES))} Write matrix:game=prisoners."
        )
    table = TABLES[game]
    choices = len(table.names)
    paid = np.array([table.first, table.second], np.float32)
    even, largest = bool((paid[0] + paid[1] == 0).all()), float(np.abs(paid).max())

    @rule
    def reset(row: Row) -> None:
        row.chosen[0] = -1
        row.chosen[1] = -1

    @rule
    def play(row: Row, action: int) -> None:
        row.chosen[row.seat] = action
        row.ply += 1
        if row.seat == 0:
            row.seat = 1
            return
        row.seat = 0
        row.done = True
        row.reward[0] = paid[0, row.chosen[0], row.chosen[1]]
        row.reward[1] = paid[1, row.chosen[0], row.chosen[1]]

    @rule
    def legal(row: Row, out: NDArray[np.bool_]) -> None:
        for choice in range(choices):
            out[choice] = True

    @rule
    def observe(row: Row, out: NDArray[np.float32]) -> None:
        """Which seat it is: there is nothing else to know."""
        out[row.seat] = 1.0
        out[1 - row.seat] = 0.0

    @rule
    def key(row: Row) -> Bits:
        return np.uint64(row.seat)

    def text(row: Row, seen_by: int | None = None) -> str:
        if row["done"]:
            return " against ".join(table.names[choice] for choice in row["chosen"])
        chosen = int(row["chosen"][0])
        who = f"you are seat {seen_by}" if seen_by is not None else f"seat {row['seat']} is to choose"
        made = f", against {table.names[chosen]}" if seen_by is None and chosen >= 0 else ""
        pays = [
            f"{own} {' '.join(f'{a:g},{b:g}' for a, b in zip(paid[0, i], paid[1, i], strict=True))}"
            for i, own in enumerate(table.names)
        ]
        return "\n".join([f"{who}{made}; seat 0 picks a line, seat 1 a column of {' '.join(table.names)}", *pays])

    return Game(
        name=spec("matrix", game=(game, "rps")),
        seats=2,
        actions=choices,
        shape=(2,),
        row=row_dtype(2, chosen=(np.int8, (2,))),
        reset=reset,
        play=play,
        legal=legal,
        observe=observe,
        names=table.names,
        max_plies=2,
        pays=("result" if largest == 1.0 else "zero-sum") if even else "general",
        key=key,
        keys=2,
        text=text,
        hidden=True,
        simultaneous=True,
    )
