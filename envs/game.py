"""What a game is: one NumPy record for a position, and a few compiled rules over that record.

A rule works on one record in place. The same record serves as a row of a batch, a node of a search tree, a stored
position and the thing the viewer draws; copying a position is `rows[i] = rows[j]`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from envs.parts import part

Rows: TypeAlias = np.ndarray
"""[B] records of one game's dtype: B games in progress."""

Row: TypeAlias = Any
"""One record; its fields are attributes, in compiled code and under the debugger alike."""

Bits: TypeAlias = Any
"""A 64-bit word in compiled code: a set of cells, or random bits."""

Real: TypeAlias = Any
"""A number in compiled code, of 32 bits or 64."""

COMPILED: Any = {"nogil": True, "no_cfunc_wrapper": True}
"""How everything is compiled: nothing is called from C, and an entry for that is a tenth of the compiler's work."""


def rule(function: Callable[..., Any], constants: bool = False, borrows: bool = False) -> Any:
    """Marks a rule: compiled when it is used, plain Python with NUMBA_DISABLE_JIT=1; `constants` as of `part`.

    One that `borrows` makes and keeps no array: nobody counts who holds those that it is given, which costs several ns
    each wherever numba cannot see that nothing comes of it.
    """
    uncounted = {"_nrt": False} if borrows else {}
    return part(function, constants, forceinline=False, **uncounted, **COMPILED)  # else inherited, with what it calls


CHANCE = -1
"""The `seat` of a row in which chance moves next; players never meet such a row."""


@rule
def unbarred(row: Row, out: NDArray[np.bool_]) -> None:
    """The `legal` of games whose actions are vectors: whatever lies within the bounds may be played."""


def row_dtype(seats: int, **fields: Any) -> np.dtype[Any]:
    """The record of a game: the header every game shares, then the game's own fields.

    rng     the row's own random generator (see `envs.randomness.next_random`)
    reward  what the last ply paid each seat
    ply     moves made so far
    seat    who moves next; after the last ply, who would have moved; CHANCE while chance has yet to fall
    done    no more moves
    cut     done by a limit on plies and not by the rules: what would have followed still counts for a learner
    """
    own = [(name, *kind) if isinstance(kind, tuple) else (name, kind) for name, kind in fields.items()]
    header = [("rng", np.uint64), ("reward", np.float32, (seats,))]
    footer = [("ply", np.int16), ("seat", np.int8), ("done", np.bool_), ("cut", np.bool_)]
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
class Chances:
    """Chance laid open: the same rules with what is drawn told apart from what is done, for exact work.

    begin(row)            the first position with nothing drawn yet: `row.seat` may be CHANCE
    act(row, action)      a legal move of `row.seat`; leaves `row.seat` CHANCE where something is to be drawn
    odds(row, outcome)    the probability of each outcome 0 .. outcomes-1 of what is to be drawn; they sum to 1
    settle(row, outcome)  what is drawn; `row.seat` may be CHANCE again

    `envs.chance.drawn` makes the game's `reset` and `play` of these.
    """

    begin: Callable[[Row], None]
    act: Callable[[Row, int], None]
    odds: Callable[[Row, int], float]
    settle: Callable[[Row, int], None]
    outcomes: int


@dataclass(frozen=True, eq=False)
class Language:
    """A task in words: a prompt, tokens written behind it until the first is `end`, and a verifier that pays.

    prompt              most tokens of a prompt
    answer              most tokens of an answer, its end included
    levels              of difficulty, from 1; `reset` deals the last
    pose(row, level)    a new prompt, by the row's own generator
    judge(row)          (format, right) of what is written: well formed or not, and what it is worth, each in [0, 1];
                        a malformed answer is worth nothing
    solve(row, out)     writes a right answer, its end included; how many tokens, or -1 where none is offered
    chance              what guessing is paid at the last level, as the task's own file says
    held_out            the same task with the prompts that training never deals
    held                of every level, whether it holds prompts out: small ones are for training alone
    hits(row, out)      out[j] = 1 where token j of the answer stands in the one right answer's place j, else 0: for
                        learners, and no verdict; None where several answers are right, as after any thoughts
    """

    prompt: int
    answer: int
    levels: int
    pose: Callable[[Row, int], None]
    judge: Callable[[Row], tuple[float, float]]
    solve: Callable[[Row, NDArray[np.uint8]], int]
    chance: float
    held_out: str
    held: tuple[bool, ...]
    hits: Callable[[Row, NDArray[np.float32]], None] | None = None

    def rules(self) -> dict[str, Any]:
        """What its rules are called in the loops of `envs.language.task`."""
        rules = {"pose_row": self.pose, "judge_row": self.judge, "solve_row": self.solve}
        return rules | ({"hits_row": self.hits} if self.hits else {})


@dataclass(frozen=True, eq=False)
class Game:
    """The rules of one game; everything that plays, searches, stores or draws it is generic.

    reset(row)         writes the first position's own fields; the header is cleared and `rng` seeded already
    play(row, action)  makes a legal move of `row.seat`; sets reward, ply, seat and, at the end, done (and cut)
    legal(row, out)    out[a] = may `row.seat` play a; at least one, unless the game is done
    observe(row, out)  fills out[*shape], float32, with all that `row.seat` may know and nothing that it may not

    pays        "result": 1, 0 or -1 to each seat at the end alone, 0 in all; "zero-sum": 0 in all; "general": anything
    controls    (lowest, highest) of each number of an action, where actions are vectors: `actions` is then 0, `play`
                takes float32 [controls], `names` are the controls' and `legal` is `unbarred`
    key(row)    64 bits that are equal exactly where `row.seat` cannot tell two positions apart, with all that it has
                seen so far and who it is: what tables are indexed by; `keys` > 0 says that they lie in 0 .. keys-1
    chances     chance laid open, where it is small enough for exact work
    second      the actions' names for everybody but seat 0, where `names` are from the mover's side: as seat 0 sees
                the board, as it is shown to all; without it `names` are everybody's. In such a game seats take turns,
                so that a list of moves tells whose each is
    text(row)   the whole position in lines of plain text, where the planes of the observation do not say it well; of
                a game that hides something text(row, seat) is what that seat alone may know there
    hidden      a seat does not see everything; simultaneous: seats choose at once, which is played as hidden choices
                in turn; chance: something is drawn; foreign: the rules are somebody else's program, rows cannot be
                copied and nothing is compiled
    language    what more there is to a task in words, whose actions are tokens (`envs.language`)

    `version` changes whenever the same moves would lead elsewhere: stored games name it. `max_plies` bounds every
    game. `heuristic(row)`, where a game has one, guesses the value in (-1, 1) for the seat to move.
    """

    name: str
    seats: int
    actions: int
    shape: tuple[int, ...]
    row: np.dtype[Any]
    reset: Callable[[Row], None]
    play: Callable[[Row, Any], None]
    legal: Callable[[Row, NDArray[np.bool_]], None]
    observe: Callable[[Row, NDArray[np.float32]], None]
    names: tuple[str, ...]
    max_plies: int
    version: int = 1
    symmetries: tuple[Symmetry, ...] = ()
    heuristic: Callable[[Row], float] | None = None
    pays: Literal["result", "zero-sum", "general"] = "result"
    controls: tuple[tuple[float, float], ...] = ()
    key: Callable[[Row], Bits] | None = None
    keys: int = 0
    chances: Chances | None = None
    text: Callable[..., str] | None = None
    hidden: bool = False
    chance: bool = False
    simultaneous: bool = False
    foreign: bool = False
    language: Language | None = None
    second: tuple[str, ...] = ()

    def told(self, seat: int) -> tuple[str, ...]:
        """The names of a seat's actions on the board as it is shown to all."""
        return self.second if seat and self.second else self.names

    def written(self, action: int, ply: int) -> str:
        """How records write the action that was taken after so many others: as it is shown to all."""
        return self.told(ply % self.seats)[action]

    def action(self, name: str, ply: int = 0) -> int:
        """The action written as `name` after so many others."""
        names = self.told(ply % self.seats)
        if name not in names:
            raise ValueError(f"{self.name} has no move '{name}'; its moves are {', '.join(names)}.")
        return names.index(name)


class View(NamedTuple):
    """What the seats to move may know, for B games at once."""

    obs: NDArray[np.float32]
    """[B, *shape], from the side of the seat to move."""
    legal: NDArray[np.bool_]
    """[B, A], True = may; at least one True a row, but none where actions are vectors (A is 0)."""
    rows: Rows | None
    """[B] the positions themselves, or None where the game hides something or is foreign."""
    seat: NDArray[np.int8]
    """[B] who is to move."""
    game: Game
    """Whose rules these are: an agent that needs them looks here, and may so play two games at once."""
    keys: NDArray[np.uint64] | None = None
    """[B] what the seats to move can tell, as a number, where the game says so (`Game.key`)."""
    moves: Sequence[Sequence[Any]] | None = None
    """[B] the actions since the first position, where whoever shows the view keeps them and nothing is hidden."""
    text: Callable[[int], str] | None = None
    """text(lane) is the position in lines of plain text, of hidden things what the seat to move may know."""
