"""A person: asked for each move, at the terminal or by whoever gives a callback, such as the viewer's window."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from agents.agent import Decision, Memory, Unable
from envs.game import Game, View
from envs.kernels import no_actions
from envs.text import planes_text

Ask = Callable[[View, NDArray[np.bool_], tuple[str, ...]], int | Sequence[float]]
"""ask(view of one game, legal [A], the actions' names on the board that is shown) -> the action chosen; where it is a
vector, its numbers."""


class Human:
    """Plays what it is told; an illegal answer is asked for again."""

    name = "human"

    def __init__(self, ask: Ask | None = None) -> None:
        if ask is not None and not callable(ask):
            raise ValueError(f"A person is asked through a function, not '{ask}'; write just human.")
        self.ask: Ask = ask or ask_at_terminal

    def begin(self, game: Game, seeds: NDArray[np.uint64]) -> Memory:
        return {"asked": np.zeros(len(seeds), np.bool_)}

    def act(self, view: View, memory: Memory) -> Decision:
        actions = no_actions(view.game, len(view.seat))
        for lane in range(len(view.seat)):
            if self.ask is ask_at_terminal and not memory["asked"][lane]:
                sys.stderr.write(f"\nA new game of {view.game.name}.\n")
            one = slice(lane, lane + 1)
            rows = None if view.rows is None else view.rows[one]
            words = planes_text(view.obs[lane]) if view.text is None else view.text(lane)
            seen = View(
                view.obs[one], view.legal[one], rows, view.seat[one], view.game, text=lambda _, words=words: words
            )
            answer: int | Sequence[float] = -1
            while not answers(seen, answer):
                answer = self.ask(seen, view.legal[lane], view.game.told(int(view.seat[lane])))
            actions[lane] = answer
        return Decision(actions, {"asked": np.ones(len(view.seat), np.bool_)})


def answers(view: View, answer: int | Sequence[float]) -> bool:
    """Whether an answer is an action that may be played in the view's one game."""
    if isinstance(answer, int):
        return 0 <= answer < view.game.actions and bool(view.legal[0, answer])
    bounds = view.game.controls
    return len(answer) == len(bounds) and all(
        low <= part <= high for part, (low, high) in zip(answer, bounds, strict=True)
    )


def ask_at_terminal(view: View, legal: NDArray[np.bool_], names: tuple[str, ...]) -> int | Sequence[float]:
    """Shows the position and reads the name of a move, or the numbers of a vector."""
    bounds = view.game.controls
    choices = [names[a] for a in np.flatnonzero(legal)]
    spans = [f"{name} {low:g} to {high:g}" for name, (low, high) in zip(names, bounds, strict=False)]
    shown = planes_text(view.obs[0]) if view.text is None else view.text(0)
    seat, seats = int(view.seat[0]), view.game.seats
    mark = f" ({'xo'[seat]} on a board)" if seats == 2 and not view.game.hidden else ""
    who = f", seat {seat}{mark}" if seats > 1 else ""
    sys.stderr.write(f"\n{shown}\nYour move{who}, one of {' '.join(choices) or ', '.join(spans)}: ")
    sys.stderr.flush()
    line = sys.stdin.readline()
    if not line:
        raise Unable("Nobody answered at the terminal; a person needs one to type moves at.")
    word = line.strip().lower()
    if bounds:
        try:
            numbers = [float(part) for part in word.split()]
        except ValueError:
            numbers = []
        if not answers(view, numbers):
            sys.stderr.write(f"'{word}' is not a move: write {len(bounds)} within its bounds, spaces between.\n")
        return numbers
    if word not in choices:
        sys.stderr.write(f"'{word}' is not one of your moves.\n")
        return -1
    return names.index(word)
