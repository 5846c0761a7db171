"""What a viewer is shown: one frozen record of a game, its players and what they thought.

Agents speak from the mover's side. Where two seats win what the other loses, everything in a snapshot is from player
1's side, turned once, in `to_player_1`; in every other game (`scored`) a value stays that of the seat that told it,
and what is shown over time is what each seat has been paid.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.game import Game, Rows

BIG_CHANGE = 0.2
"""A change of value (of 2, from -1 to 1) that is worth a mark."""

LOSSES = ((0.3, "??"), (0.2, "?"), (0.1, "?!"))
"""The mark of a move that lost at least so much for its mover."""


def scored(game: Game) -> bool:
    """Whether a game is shown by what it pays over time, and not by who is winning."""
    return game.seats != 2 or game.pays != "result"


def to_player_1(value: float, seat: int, game: Game | None = None) -> float:
    """A value from the side of `seat`, as player 1 (seat 0) sees it. The only place where a sign is turned.

    In a scored game a value is in nobody else's terms: it stays as it is.
    """
    return -value if seat == 1 and (game is None or not scored(game)) else value


def action_words(game: Game, action: Any, seat: int) -> str:
    """A seat's action by its name on the board, a vector by the names and numbers of its controls."""
    if game.controls:
        return ", ".join(f"{name} {amount(x, plus=True)}" for name, x in zip(game.names, action, strict=True))
    return game.told(seat)[action]


def amount(value: float, plus: bool = False) -> str:
    """A number of any size in words: three digits that count, or all of a whole number; a true minus sign."""
    text = f"{abs(value):,.0f}" if abs(value) >= 100 or value == int(value) else f"{abs(value):.3g}"
    sign = "−" if value < 0 and text.strip("0.") else "+" if plus else ""
    return sign + text.replace(",", " ")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A move that was considered; value from player 1's view; `rows` are the positions before each move of `pv`."""

    action: int
    visits: float = 0.0
    prior: float | None = None
    value: float | None = None
    pv: tuple[int, ...] = ()
    rows: Rows | None = field(default=None, compare=False)
    proven: bool = False
    """Whether `value` is exact: a win, a draw or a loss."""


def expected(game: Game, candidate: Candidate) -> list[tuple[int, str]]:
    """What a candidate is expected to be followed by: who moves, and the move's name on the board."""
    seats = [0] * len(candidate.pv) if candidate.rows is None else candidate.rows["seat"].tolist()
    return [(seat, game.told(seat)[move]) for seat, move in zip(seats[1:], candidate.pv[1:], strict=False)]


@dataclass(frozen=True, slots=True)
class Ply:
    """A move that was made, with what its mover thought before it; value from player 1's view."""

    action: Any
    """Its number, or its numbers where actions are vectors."""
    seat: int
    value: float | None = None
    candidates: tuple[Candidate, ...] = ()
    voice: int | None = None
    """Whose opinion `value` is: a seat, or None for an analyst who judged every position."""
    proven: bool = False
    """Whether `value` is exact."""


@dataclass(frozen=True, eq=False)
class Snapshot:
    """A game as far as it is known.

    rows   [plies + 1] every position, the first included
    legal  [plies + 1, A] what was legal in each
    """

    game: Game
    names: tuple[str, ...]
    plies: tuple[Ply, ...]
    rows: Rows
    legal: NDArray[np.bool_]
    ratings: tuple[str, ...] = ()
    seed: int = 0
    opening: int = 0
    live: bool = False
    forced: tuple[float, ...] | None = None
    """Each seat's result where it was not the rules that ended the game (time, a crash)."""
    thinking: int | None = None
    """The seat that is being waited for, in a live game."""
    thoughts: Ply | None = None
    """What is known of the newest position before its move is made (an analyst's opinion, a hint)."""
    person: int | None = None
    """The seat a person plays, if one does."""
    number: int = 0
    """Which game of its source this is; a new number means a new game."""
    facts: tuple[tuple[str, str], ...] = ()
    """More to say about the game: its id, the run it comes from."""
    note: str = ""
    """A sentence to show: why a game ended early, what the source is waiting for."""

    @property
    def length(self) -> int:
        """Plies made."""
        return len(self.plies)

    @property
    def result(self) -> tuple[float, ...] | None:
        """Each seat's return (in most games of two: -1, 0 or 1), or None while the game goes on."""
        if self.forced is not None:
            return self.forced
        return tuple(self.returns[self.length].tolist()) if self.rows[self.length]["done"] else None

    @cached_property
    def returns(self) -> NDArray[np.float64]:
        """[plies + 1, seats] what each seat has been paid so far."""
        return np.cumsum(self.rows["reward"].astype(np.float64), axis=0)

    @cached_property
    def scored(self) -> bool:
        """Whether the game is shown by what it pays over time, and not by who is winning."""
        return scored(self.game)

    def thought(self, ply: int) -> Ply | None:
        """What was thought of the position after `ply` moves, or None."""
        return self.plies[ply] if ply < self.length else self.thoughts

    def value(self, ply: int) -> tuple[float, int | None] | None:
        """The newest opinion at position `ply` and how it is to be called: (value, voice); the result at the end.

        None where nobody has one, and always in scored games: there the returns are shown.
        """
        if self.scored:
            return None
        if ply >= self.length and self.result is not None:
            return self.result[0], None
        for k in range(min(ply, self.length), -1, -1):
            thought = self.thought(k)
            if thought is not None and thought.value is not None:
                return thought.value, thought.voice
        return None


@dataclass(frozen=True, slots=True)
class Series:
    """The opinions of one voice over the game: (ply, value) in order, player 1's view."""

    voice: int | None
    points: tuple[tuple[int, float], ...]


def opinions(snapshot: Snapshot) -> tuple[Series, ...]:
    """The value over the game, one series a voice; two seats of the same name speak with one voice.

    A result by the rules closes every series; one that no move brought about (resigned, late) does not. Positions
    without an opinion are missing, never zero. In a scored game a voice tells what its seat will have been paid in
    the end: its return so far and its value together.
    """
    points: dict[int | None, list[tuple[int, float]]] = {}
    if snapshot.scored:
        for k in range(snapshot.length + 1):
            thought = snapshot.thought(k)
            if thought is not None and thought.value is not None:
                ahead = float(snapshot.returns[k, thought.seat]) + thought.value
                points.setdefault(thought.seat, []).append((k, ahead))
        return tuple(Series(seat, tuple(points[seat])) for seat in sorted(points, key=lambda v: v or 0))
    one = len(set(snapshot.names)) == 1
    for k in range(snapshot.length + 1):
        thought = snapshot.thought(k)
        if thought is not None and thought.value is not None:
            points.setdefault(None if one else thought.voice, []).append((k, thought.value))
    result = snapshot.result
    if result is not None and snapshot.forced is None:
        for series in points.values():
            if series[-1][0] < snapshot.length:
                series.append((snapshot.length, result[0]))
    return tuple(Series(voice, tuple(points[voice])) for voice in sorted(points, key=lambda v: -1 if v is None else v))


def changes(snapshot: Snapshot) -> dict[int, float]:
    """By how much each ply changed the value, player 1's view.

    With one voice: its value after the ply minus before. With a voice each seat: by how much the ply surprised the
    other seat, its value after the ply minus its value before its own last move. In a scored game: what the ply paid
    seat 0 beyond the usual.
    """
    found: dict[int, float] = {}
    if snapshot.scored:
        paid = snapshot.rows["reward"][1:, 0].astype(np.float64)
        beyond = paid - np.median(paid) if len(paid) else paid
        return {int(k): float(beyond[k]) for k in np.flatnonzero(beyond)}
    series = opinions(snapshot)
    for one in series:
        for (k, before), (after_k, after) in zip(one.points, one.points[1:], strict=False):
            if after_k - k == 1 and (len(series) == 1 or one.voice != snapshot.plies[k].seat):
                found[k] = after - before
            elif after_k - k == 2 and snapshot.plies[k + 1].seat != one.voice:
                found[k + 1] = after - before
    return dict(sorted(found.items()))


def loss(snapshot: Snapshot, ply: int, change: float) -> float:
    """What a ply's change of value cost its mover; 0 if it did not lose, or the ply was given and not chosen."""
    if ply < snapshot.opening or snapshot.scored:
        return 0.0
    return max(0.0, -to_player_1(change, snapshot.plies[ply].seat))


def big(snapshot: Snapshot) -> list[int]:
    """The plies whose change is worth a mark; in a scored game those with half of the largest."""
    found = changes(snapshot)
    least = max(map(abs, found.values()), default=0.0) / 2 if snapshot.scored else BIG_CHANGE
    return [k for k, change in found.items() if abs(change) >= least]


def biggest(found: dict[int, float], count: int = 3, least: float = 0.05) -> list[tuple[int, float]]:
    """The plies with the largest changes of value, the largest first."""
    worth = [(k, change) for k, change in found.items() if abs(change) >= least]
    return sorted(worth, key=lambda item: (-abs(item[1]), item[0]))[:count]


def ranked(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Candidates by visits, most first; without visits by prior; ties as they were named."""
    return sorted(candidates, key=lambda c: (-c.visits, -(c.prior or 0.0)))


def percent(value: float) -> str:
    """Player 1's chance to win, as words; only a decided game is 0 % or 100 %."""
    if abs(value) >= 1:
        return "100 %" if value > 0 else "0 %"
    return f"{min(99, max(1, round(50 * (value + 1))))} %"


def signed(value: float) -> str:
    """A value as words: +0.31, −0.31, 0.00; only a decided one is ±1."""
    if abs(value) >= 1:
        return "+1" if value > 0 else "−1"
    text = f"{min(0.99, abs(value)):.2f}"
    return text if text == "0.00" else ("+" if value > 0 else "−") + text


OUTCOMES = {"W": "win", "D": "draw", "L": "loss"}
"""What is proven, from the side of the seat to move: the letter and the word."""


def outcome(value: float, seat: int) -> str:
    """The letter of a decided value, given as player 1 sees it, for the seat to move."""
    mine = to_player_1(value, seat)
    return "W" if mine > 0 else "L" if mine < 0 else "D"


def percent_of(part: float, whole: float) -> str:
    """A share as words; 100 % only if it is everything, 0 % only if it is nothing."""
    if part <= 0 or part >= whole:
        return "0 %" if part <= 0 else "100 %"
    return f"{min(99, round(100 * part / whole))} %" if part >= 0.01 * whole else "< 1 %"
