"""A person: asked for each move, at the terminal or by whoever gives a callback, such as the viewer's window."""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from agents.agent import Decision, Memory, Unable
from envs.game import Game, View
from envs.text import planes_text

Ask = Callable[[View, NDArray[np.bool_], tuple[str, ...]], int]
"""ask(view of one game, legal [A], the actions' names) -> the action chosen."""


class Human:
    """Plays what it is told; an illegal answer is asked for again."""

    name = "human"

    def __init__(self, ask: Ask | None = None) -> None:
        if ask is not None and not callable(ask):
            raise ValueError(f"A person is asked through a function, not '{ask}'; write just human.")
        self.ask: Ask = ask or ask_at_terminal

    def begin(self, game: Game, seeds: NDArray[np.uint64]) -> Memory:
        return {}

    def act(self, view: View, memory: Memory) -> Decision:
        actions = np.empty(len(view.seat), np.int64)
        for lane in range(len(view.seat)):
            one = slice(lane, lane + 1)
            rows = None if view.rows is None else view.rows[one]
            seen = View(view.obs[one], view.legal[one], rows, view.seat[one], view.game)
            action = -1
            while not (0 <= action < view.game.actions and view.legal[lane, action]):
                action = self.ask(seen, view.legal[lane], view.game.names)
            actions[lane] = action
        return Decision(actions, memory)


def ask_at_terminal(view: View, legal: NDArray[np.bool_], names: tuple[str, ...]) -> int:
    """Shows the board, the mover's stones as x, and reads the name of a move."""
    choices = [names[a] for a in np.flatnonzero(legal)]
    sys.stderr.write(f"\n{planes_text(view.obs[0])}\nYour move, x ({' '.join(choices)}): ")
    sys.stderr.flush()
    line = sys.stdin.readline()
    if not line:
        raise Unable("Nobody answered at the terminal; a person needs one to type moves at.")
    word = line.strip().lower()
    if word not in choices:
        sys.stderr.write(f"'{word}' is not one of your moves.\n")
        return -1
    return names.index(word)
