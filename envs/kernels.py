"""Loops over rows, written once, compiled once for each game, and cached on disk.

How rules reach the loops. numba caches no function that takes functions as arguments, and typed function pointers
cost 24-28 ns a call against 5 ns for a whole ply of Connect Four. So a loop names the rules it needs as globals
(`reset`, `play`, `legal`, `observe` below), and `Loop` makes one copy of the function per game with that game's rules
in those globals: LLVM inlines them, and numba caches the copy as any plain function. numba's cache cannot see that a
rule's source has changed, so the copy's name carries a fingerprint of all the source that it calls.

With NUMBA_DISABLE_JIT=1 the very same functions run as Python, for a debugger or for coverage.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from types import FunctionType
from typing import Any, Generic, ParamSpec, TypeVar

import numba
import numpy as np
from numba.core.dispatcher import Dispatcher
from numpy.typing import NDArray

from envs.fingerprints import fingerprint, names_in, tell_closures_apart
from envs.game import COMPILED, Bits, Game, Row, Rows, View, rule
from envs.masks import count_true, nth_true
from envs.parts import part
from envs.randomness import WORDS, below, draw, mix, next_random, unit

P = ParamSpec("P")
R = TypeVar("R")


# Stand-ins that give the rules a name inside a loop; `Loop` puts a game's own in their place.
def reset(row: Row) -> None: ...
def play(row: Row, action: int) -> None: ...
def legal(row: Row, out: NDArray[np.bool_]) -> None: ...
def observe(row: Row, out: NDArray[np.float32]) -> None: ...
def heuristic(row: Row) -> float: ...  # pyright: ignore[reportReturnType]
def key(row: Row) -> Bits: ...
def begin(row: Row) -> None: ...
def act(row: Row, action: int) -> None: ...
def odds(row: Row, outcome: int) -> float: ...  # pyright: ignore[reportReturnType]
def settle(row: Row, outcome: int) -> None: ...


ACTIONS = 0  # known when a loop is compiled


@rule
def no_opinion(row: Row) -> float:
    """The heuristic of games that have none: every position looks even."""
    return 0.0


@rule
def no_odds(row: Row, outcome: int) -> float:
    """Where nothing is ever drawn."""
    return 0.0


@rule
def no_settling(row: Row, outcome: int) -> None:
    """Where nothing is ever drawn."""


@rule
def no_key(row: Row) -> Bits:
    """Of games whose positions have no number."""
    return np.uint64(0)


class Loop(Generic[P, R]):
    """A function over rows whose rules are filled in per game: `loop(game, *arguments)`."""

    def __init__(self, function: Callable[P, R]) -> None:
        self.function: Any = function
        self.__doc__ = function.__doc__
        self.__name__ = function.__name__
        self.compiled: dict[Game, Callable[..., R]] = {}
        self.shared: dict[tuple[str, bool], Any] = {}

    def __call__(self, game: Game, *args: P.args, **kwargs: P.kwargs) -> R:
        return self.of(game)(*args, **kwargs)

    def of(self, game: Game) -> Callable[..., R]:
        """The loop for one game, to be called without the game."""
        if game not in self.compiled:
            compiled = self._specialise(game)
            self.compiled[game] = compiled if isinstance(compiled, Dispatcher) else _on_records(compiled)
        return self.compiled[game]

    def _specialise(self, game: Game, inlined: bool = False) -> Any:
        """The loop with one game's rules; `inlined` into the loop that calls it, where a call costs a ply's time."""
        scope = {**self.function.__globals__, **rules_of(game), **(WORDS if game.foreign else {})}
        for name in names_in(self.function.__code__):
            if isinstance(scope.get(name), Loop):
                scope[name] = scope[name]._specialise(game, inlined=True)
        copy = FunctionType(
            self.function.__code__, scope, self.__name__, self.function.__defaults__, self.function.__closure__
        )
        copy.__kwdefaults__ = self.function.__kwdefaults__
        if game.foreign:  # somebody else's program: nothing to compile
            return copy
        tell_closures_apart(copy)
        copy.__module__ = self.function.__module__
        copy.__qualname__ = f"{self.__name__}.{game.play.__module__.rpartition('.')[2]}.{fingerprint(copy)}"
        made = part(copy, forceinline=True, **COMPILED) if inlined else numba.njit(cache=True, **COMPILED)(copy)
        return self.shared.setdefault((copy.__qualname__, inlined), made)  # games of one rule share the loops over it


@cache
def rules_of(game: Game) -> dict[str, Any]:
    """What the rules' names stand for in the loops of one game."""
    chances = game.chances
    return {
        "reset": game.reset,
        "play": game.play,
        "legal": game.legal,
        "observe": game.observe,
        "heuristic": game.heuristic or no_opinion,
        "key": game.key or no_key,
        "begin": chances.begin if chances else game.reset,
        "act": chances.act if chances else game.play,
        "odds": chances.odds if chances else no_odds,
        "settle": chances.settle if chances else no_settling,
        "ACTIONS": game.actions,
        **({"random_action": random_controls(game.controls)} if game.controls else {}),
        **(game.language.rules() if game.language else {}),
    }


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Marks a function of plain arrays: compiled, and cached on disk under the fingerprint of all that it calls."""
    tell_closures_apart(function)
    function.__qualname__ += f".{fingerprint(function)}"
    return numba.njit(cache=True, **COMPILED)(function)


def _on_records(function: Callable[..., R]) -> Callable[..., R]:
    """Gives uncompiled rules records with attributes, as compiled ones have."""

    def records(value: Any) -> Any:
        if isinstance(value, np.ndarray) and value.dtype.names:
            return value.view(np.recarray)
        if isinstance(value, tuple) and type(value) is not tuple:  # a NamedTuple of arrays
            return type(value)(*map(records, value))
        return value

    return lambda *args: function(*map(records, args))


# --- drawn many at a time --------------------------------------------------------------------------------------------


@compiled
def _pick_legal(legal: NDArray[np.bool_], rng: NDArray[np.uint64], out: NDArray[np.int64]) -> None:
    lanes, actions = legal.shape
    for i in range(lanes):
        out[i] = nth_true(legal[i], below(next_random(rng, i), count_true(legal[i], actions)), actions)


def pick_legal(legal: NDArray[np.bool_], rng: NDArray[np.uint64]) -> NDArray[np.int64]:
    """[B] an evenly drawn True of each row of legal [B, A]; rng [B] moves on."""
    out = np.empty(len(legal), np.int64)
    _pick_legal(np.ascontiguousarray(legal), rng, out)
    return out


@compiled
def _uniform(rng: NDArray[np.uint64], out: NDArray[np.float64]) -> None:
    for i in range(rng.shape[0]):
        out[i] = unit(next_random(rng, i))


def uniform(rng: NDArray[np.uint64]) -> NDArray[np.float64]:
    """[B] numbers in [0, 1); rng [B] moves on."""
    out = np.empty(len(rng))
    _uniform(rng, out)
    return out


# --- the loops ------------------------------------------------------------------------------------------------------


def _restart(row: Row) -> None:
    """Writes the first position into a row, whatever it held; its generator runs on."""
    row.reward[:] = 0.0
    row.ply = 0
    row.seat = 0
    row.done = False
    row.cut = False
    reset(row)


restart: Any = Loop(_restart)


def _random_action(row: Row, mask: NDArray[np.bool_]) -> Any:
    """An evenly drawn legal action by the row's own generator; mask [A] is left as the legal ones."""
    legal(row, mask)
    return nth_true(mask, below(draw(row), count_true(mask, ACTIONS)), ACTIONS)


random_action: Any = Loop(_random_action)


def random_controls(controls: tuple[tuple[float, float], ...]) -> Any:
    """The `random_action` of a game whose actions are vectors: each number drawn evenly within its bounds."""
    lowest = np.array([low for low, _ in controls])
    widths = np.array([high - low for low, high in controls])

    @rule
    def random_vector(row: Row, mask: NDArray[np.bool_]) -> NDArray[np.float32]:
        action = np.empty(len(lowest), np.float32)
        for i in range(len(lowest)):
            action[i] = lowest[i] + widths[i] * unit(draw(row))
        return action

    return random_vector


@Loop
def reset_rows(rows: Rows, seeds: NDArray[np.uint64]) -> None:
    """Writes the first position of a game into every row; seeds[i] starts row i's generator."""
    for i in range(rows.shape[0]):
        rows[i].rng = mix(seeds[i])
        restart(rows[i])


@Loop
def play_rows(rows: Rows, actions: NDArray[Any]) -> None:
    """Makes one legal move in every row that is not done; actions [B], or [B, controls], are trusted to be legal."""
    for i in range(rows.shape[0]):
        if not rows[i].done:
            play(rows[i], actions[i])


@Loop
def view_rows(rows: Rows, obs: NDArray[np.float32], mask: NDArray[np.bool_]) -> None:
    """Fills observations [B, *shape] and masks [B, A] of every row, all False where the game is done.

    Into observations [0, *shape] nothing is written: for masks alone no loop of its own is compiled for each game.
    """
    seen = obs.shape[0] > 0
    for i in range(rows.shape[0]):
        if seen:
            observe(rows[i], obs[i])
        if rows[i].done:
            mask[i] = False
        else:
            legal(rows[i], mask[i])


@Loop
def key_rows(rows: Rows, out: NDArray[np.uint64]) -> None:
    """out[i] = what row i's seat can tell, as a number."""
    for i in range(rows.shape[0]):
        out[i] = key(rows[i])


@Loop
def random_steps(rows: Rows, obs: NDArray[np.float32], mask: NDArray[np.bool_], steps: int) -> int:
    """Random play with all a learner would be given: masks, observations, restarts; returns games ended."""
    ended = 0
    for _ in range(steps):
        for i in range(rows.shape[0]):
            play(rows[i], random_action(rows[i], mask[i]))
            if rows[i].done:
                ended += 1
                restart(rows[i])
            observe(rows[i], obs[i])
    return ended


# --- the same, with the arrays made for the caller --------------------------------------------------------------------


def seeds(seed: int, count: int, *path: int) -> NDArray[np.uint64]:
    """`count` seeds that depend on `seed` and on `path` alone; different paths give unrelated seeds."""
    return np.random.SeedSequence(entropy=seed, spawn_key=path).generate_state(count, np.uint64).astype(np.uint64)


def new_rows(game: Game, seeds: NDArray[np.uint64]) -> Rows:
    """[B] fresh games, row i seeded by seeds[i]."""
    rows = np.zeros(len(seeds), game.row)
    reset_rows(game, rows, np.asarray(seeds, np.uint64))
    return rows


def view(game: Game, rows: Rows) -> View:
    """What the seats to move of these rows may know."""
    obs = np.empty((len(rows), *game.shape), np.float32)
    mask = np.empty((len(rows), game.actions), np.bool_)
    view_rows(game, rows, obs, mask)
    open_rows = None if game.hidden or game.foreign else rows
    keys = None if game.key is None else keys_of(game, rows)
    return View(obs, mask, open_rows, rows["seat"].copy(), game, keys, text=lambda lane: _text(game, rows, lane))


def _text(game: Game, rows: Rows, lane: int) -> str:
    """One of the rows in words, as its seat to move may see it; the module is only wanted where there is a reader."""
    from envs.text import text_seen

    return text_seen(game, rows[lane : lane + 1], int(rows["seat"][lane]))


def keys_of(game: Game, rows: Rows) -> NDArray[np.uint64]:
    """[B] what the seats to move can tell, as numbers (`Game.key`)."""
    keys = np.empty(len(rows), np.uint64)
    key_rows(game, rows, keys)
    return keys


def no_actions(game: Game, count: int) -> NDArray[Any]:
    """[B] actions that are none yet: -1, or zeros [B, controls] where actions are vectors."""
    if game.controls:
        return np.zeros((count, len(game.controls)), np.float32)
    return np.full(count, -1, np.int64)


def legal_mask(game: Game, rows: Rows) -> NDArray[np.bool_]:
    """[B, A], True = may; [B, 0] where actions are vectors."""
    mask = np.empty((len(rows), game.actions), np.bool_)
    view_rows(game, rows, np.empty((0, *game.shape), np.float32), mask)
    return mask


def random_rows(game: Game, rows: Rows, plies: int) -> None:
    """Plays up to `plies` random moves in every row by the row's own generator."""
    for _ in range(plies):
        if not rows["done"].any():
            random_ply(game, rows)
            continue
        going = np.flatnonzero(~rows["done"])
        if not len(going):
            break
        part = rows[going]
        random_ply(game, part)
        rows[going] = part


def random_ply(game: Game, rows: Rows) -> None:
    """A random move in every row, none of which is done."""
    rng = rows["rng"].copy()
    if game.controls:
        low, high = np.array(game.controls).T
        drawn = np.stack([uniform(rng) for _ in game.controls], axis=1)
        actions = (low + (high - low) * drawn).astype(np.float32)
    else:
        actions = pick_legal(legal_mask(game, rows), rng)
    rows["rng"] = rng
    play_rows(game, rows, actions)


def random_openings(game: Game, seeds: NDArray[np.uint64], plies: int) -> Rows:
    """[B] positions after `plies` random legal moves; a row whose game ended on the way is done."""
    rows = new_rows(game, seeds)
    random_rows(game, rows, plies)
    return rows


def replay(game: Game, seed: int, moves: Sequence[Any]) -> Rows:
    """[len(moves) + 1] every position of a stored game, the first included; raises ValueError on an illegal move."""
    rows = np.zeros(len(moves) + 1, game.row)
    rows[:1] = new_rows(game, np.array([seed], np.uint64))
    for i, move in enumerate(moves):
        if not may_play(game, rows[i : i + 1], move):
            from envs.text import named

            there = named(game, legal_mask(game, rows[i : i + 1])[0], int(rows["seat"][i]))
            raise ValueError(f"Move {i + 1} of this game of {game.name} ({move}) is against the rules: {there}.")
        rows[i + 1] = rows[i]
        play_rows(game, rows[i + 1 : i + 2], np.array([move], np.float32 if game.controls else np.int64))
    return rows


def may_play(game: Game, row: Rows, move: Any) -> bool:
    """Whether `move`, from anywhere, is a legal move in row [1]."""
    if row["done"][0]:
        return False
    if game.controls:
        return bool(in_bounds(game, np.array([move], np.float32)).all())
    whole = isinstance(move, (int, np.integer))
    return whole and bool(0 <= move < game.actions and legal_mask(game, row)[0, move])


def in_bounds(game: Game, actions: NDArray[np.floating]) -> NDArray[np.bool_]:
    """[B] whether vectors [B, controls] are actions; NaN never is."""
    low, high = np.array(game.controls, np.float32).T
    if actions.shape[1:] != low.shape:
        return np.zeros(len(actions), np.bool_)
    return ((actions >= low) & (actions <= high)).all(axis=1)
