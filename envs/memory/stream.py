"""What the tasks of remembering symbols share: a symbol a ply, at times a question, and the share of right answers.

At each ply a task may show a symbol and may ask for one. Whatever is said when nothing is asked is without effect.
Every question is worth the same and all together 1, so a return is the share of right answers.
"""

from __future__ import annotations

from collections.abc import Callable
from string import ascii_lowercase
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.episode import anything
from envs.game import Game, Row, row_dtype, rule

LONGEST = 1000
"""The most plies of a task."""


def letters(count: int) -> tuple[str, ...]:
    """The names of so many symbols, at most 26."""
    return tuple(ascii_lowercase[:count])


def check_plies(game: str, plies: int) -> None:
    """Raises ValueError where options together make a task longer than any may be."""
    if plies > LONGEST:
        raise ValueError(f"{game} would take {plies} plies and may take {LONGEST}; ask for a shorter one.")


def stream(
    name: str, *, symbols: int, plies: int, questions: int, begin: Callable[[Row], None],
    turn: Callable[[Row], None], names: tuple[str, ...], signs: tuple[str, ...] = (),
    pairs: bool = False, **fields: Any,
) -> Game:  # fmt: skip
    """A task from what it draws at first, `begin(row)`, and what it shows and asks at each ply, `turn(row)`.

    `turn` writes row.shown (and row.beside, where symbols come in pairs), a symbol or -1, and row.answer, what is to
    be said now, or -1 where nothing is asked. The observation is [symbols] one-hot, the same for row.beside if
    there are pairs, and 1 where an answer is asked. `signs` are the symbols in text, where they are not the actions.
    """
    share = np.float32(1.0 / questions)
    width = symbols * (1 + pairs)
    signs = signs or names

    @rule
    def reset(row: Row) -> None:
        row.right = 0
        row.shown = -1
        row.beside = -1
        row.answer = -1
        begin(row)
        turn(row)

    @rule
    def play(row: Row, action: int) -> None:
        right = row.answer >= 0 and action == row.answer
        row.reward[0] = share if right else np.float32(0.0)
        row.right += right
        row.ply += 1
        row.shown = -1
        row.beside = -1
        row.answer = -1
        if row.ply == plies:
            row.done = True
        else:
            turn(row)

    @rule
    def observe(row: Row, out: NDArray[np.float32]) -> None:
        for i in range(symbols):
            out[i] = row.shown == i
        if pairs:
            for i in range(symbols):
                out[symbols + i] = row.beside == i
        out[width] = row.answer >= 0

    def text(row: Row, seen_by: int | None = None) -> str:
        """What is shown and whether an answer is asked; not for the seat, the answer and how many were right."""
        shown = " ".join(signs[k] for k in (row.shown, row.beside) if k >= 0)
        asked = "" if row.answer < 0 else ", asked" if seen_by is not None else f", asked for {names[row.answer]}"
        right = f"; {row.right} of {questions} right" if seen_by is None else ""
        return f"{row.ply} of {plies}: {shown or 'nothing'}{asked}{right}"

    return Game(
        name=name,
        seats=1,
        actions=len(names),
        shape=(width + 1,),
        row=row_dtype(1, shown=np.int8, beside=np.int8, answer=np.int8, right=np.int16, **fields),
        reset=reset,
        play=play,
        legal=anything(len(names)),
        observe=observe,
        names=names,
        max_plies=plies,
        pays="general",
        text=text,
        hidden=True,
        chance=True,
    )
