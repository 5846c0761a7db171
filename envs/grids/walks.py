"""Walks: games of one seat and few states, whose rules are a table of where each action may lead."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from envs.chance import drawn
from envs.episode import MOST_PLIES, anything
from envs.game import CHANCE, Bits, Chances, Game, Row, row_dtype, rule
from envs.options import whole


class Outcome(NamedTuple):
    """One thing that an action may lead to."""

    odds: float
    state: int
    reward: float
    end: bool


@dataclass(frozen=True, eq=False)
class Table:
    """Where actions lead: outcome k of action a in state s has odds[s, a, k]; those that cannot be have odds 0.

    odds  [S, A, K]     to   [S, A, K] the state after it
    pays  [S, A, K]     end  [S, A, K] whether the game is over then
    start [S] the odds of beginning in each state
    """

    odds: NDArray[np.float64]
    to: NDArray[np.int32]
    pays: NDArray[np.float32]
    end: NDArray[np.bool_]
    start: NDArray[np.float64]


def table_of(
    states: int, actions: int, outcomes: Callable[[int, int], Sequence[Outcome]], start: Mapping[int, float]
) -> Table:
    """The table of a function (state, action) -> outcomes; `start` gives the odds of each first state."""
    found = [[outcomes(state, action) for action in range(actions)] for state in range(states)]
    width = max(len(each) for row in found for each in row)
    shape = (states, actions, width)
    table = Table(np.zeros(shape), np.zeros(shape, np.int32), np.zeros(shape, np.float32), np.zeros(shape, np.bool_),
                  np.zeros(states))  # fmt: skip
    for state, row in enumerate(found):
        for action, each in enumerate(row):
            for k, outcome in enumerate(each):
                at = state, action, k
                table.odds[at], table.to[at], table.pays[at], table.end[at] = outcome
    for state, odds in start.items():
        table.start[state] = odds
    return table


def tabled(
    *,
    name: str,
    table: Table,
    names: Sequence[str],
    limit: int,
    shape: tuple[int, ...],
    observe: Callable[[Row, NDArray[np.float32]], None],
    text: Callable[[Row], str],
) -> Game:
    """The game of a table; a row's `state` is its key, `choice` the last action (-1 before the first).

    A game that no outcome has ended is cut after `limit` plies.
    """
    whole(name.partition(":")[0], "limit", limit, 1, MOST_PLIES)
    odds_of, to, pays, end = table.odds, table.to, table.pays, table.end
    first = np.flatnonzero(table.start).astype(np.int32)
    first_odds = table.start[first]
    drawn_first = len(first) > 1
    certain = (odds_of > 0.0).sum(axis=2) == 1
    states, actions, outcomes = odds_of.shape

    @rule
    def arrive(row: Row, outcome: int) -> None:
        state, action = row.state, row.choice
        row.reward[0] = pays[state, action, outcome]
        row.state = to[state, action, outcome]
        row.ply += 1
        row.seat = 0
        row.done = end[state, action, outcome]
        row.cut = not row.done and row.ply >= limit
        row.done |= row.cut

    @rule
    def begin(row: Row) -> None:
        row.choice = -1
        row.state = first[0]
        if drawn_first:
            row.seat = CHANCE

    @rule
    def act(row: Row, action: int) -> None:
        row.choice = action
        if certain[row.state, action]:
            arrive(row, 0)
        else:
            row.seat = CHANCE

    @rule
    def odds(row: Row, outcome: int) -> float:
        if row.choice < 0:
            return first_odds[outcome] if outcome < first_odds.shape[0] else 0.0
        return odds_of[row.state, row.choice, outcome] if outcome < outcomes else 0.0

    @rule
    def settle(row: Row, outcome: int) -> None:
        if row.choice < 0:
            row.state = first[outcome]
            row.seat = 0
        else:
            arrive(row, outcome)

    @rule
    def key(row: Row) -> Bits:
        return np.uint64(row.state)

    chance = drawn_first or not certain.all()
    chances = Chances(begin, act, odds, settle, max(outcomes, len(first))) if chance else None
    reset, play = drawn(chances) if chances else (begin, act)
    return Game(
        name=name,
        seats=1,
        actions=actions,
        shape=shape,
        row=row_dtype(1, state=np.int32, choice=np.int8),
        reset=reset,
        play=play,
        legal=anything(actions),
        observe=observe,
        names=tuple(names),
        max_plies=limit,
        pays="general",
        key=key,
        keys=states,
        chances=chances,
        text=text,
        chance=chance,
    )


def walker(
    *, name: str, table: Table, names: Sequence[str], limit: int, ground: NDArray[np.float32], picture: Sequence[str]
) -> Game:
    """The game of a table whose states are the cells of a board, line by line, on which a walker walks.

    ground   [P, H, W] what is seen of the board; the walker's plane comes before these
    picture  the board in characters, a line a text; the walker is shown as @
    """
    cells, seen = ground[0].size, ground.reshape(-1)

    @rule
    def observe(row: Row, out: NDArray[np.float32]) -> None:
        """The walker, then the planes of the board."""
        flat = out.flat
        for cell in range(cells):
            flat[cell] = 0.0
        flat[row.state] = 1.0
        for cell in range(seen.shape[0]):
            flat[cells + cell] = seen[cell]

    def text(row: Row) -> str:
        line, column = divmod(int(row["state"]), len(picture[0]))
        return "\n".join(
            each if i != line else each[:column] + "@" + each[column + 1 :] for i, each in enumerate(picture)
        )

    return tabled(
        name=name,
        table=table,
        names=names,
        limit=limit,
        shape=(len(ground) + 1, *ground.shape[1:]),
        observe=observe,
        text=text,
    )


def planes_of(picture: Sequence[str], signs: str) -> NDArray[np.float32]:
    """[len(signs), H, W] where each character of `signs` stands in a board of characters."""
    cells = np.array([list(line) for line in picture])
    return np.stack([cells == sign for sign in signs]).astype(np.float32)
