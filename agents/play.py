"""The one loop in which agents play: self-play, matches, tournaments, evaluation and viewers all run through it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.agent import Agent, Decision, Forfeit, Illegal, Memory, put, take
from agents.openings import random_moves
from envs import kernels
from envs.game import Game, Row, Rows, View
from envs.kernels import compiled
from envs.randomness import GOLDEN, mix
from envs.text import named

PLAYERS = np.uint64(0x706C6179657273)
"""Sets the players' streams apart from the game's own, which begins at `mix(seed)`."""
SAID = ("value", "policy", "prior")
"""What an agent that says them of its choice gives as finite numbers."""


Judge = Callable[[Rows], NDArray[np.float64]]


@dataclass
class Table:
    """B games in progress, the agents at their seats, and what the agents remember.

    agents   the players
    seating  [B, seats] index into `agents` of who sits where
    rows     [B] the positions
    returns  [B, seats] what each seat has been paid since the first position
    moves    the actions of each game since its first position: numbers, or tuples of numbers
    forfeits the games that an agent lost other than by the rules: lane -> its seat, and why
    referee  an agent that chooses what is no move, or whose numbers are infinite, loses the games in which it does;
             otherwise `Illegal` is raised of such moves
    judge    says of positions what they are worth to who moves, 1, 0 or -1, and NaN of those that are to be played on
    judged   the games that it ended: lane -> what is said of it
    """

    game: Game
    agents: Sequence[Agent]
    seating: NDArray[np.int64]
    rows: Rows
    returns: NDArray[np.float64]
    memories: list[Memory] = field(default_factory=list)
    moves: list[list[Any]] = field(default_factory=list)
    forfeits: dict[int, tuple[int, Forfeit]] = field(default_factory=dict)
    referee: bool = False
    judge: Judge | None = None
    judged: dict[int, str] = field(default_factory=dict)

    @classmethod
    def new(cls, game: Game, agents: Sequence[Agent], seating: NDArray[np.int64], seeds: NDArray[np.uint64]) -> Table:
        """A table with every lane at the first position; seeds [B] start each lane's game and its players."""
        table = cls(game, agents, seating, kernels.new_rows(game, seeds), np.zeros((len(seeds), game.seats)))
        table.memories = [agent.begin(game, player_seeds(seeds, i)) for i, agent in enumerate(agents)]
        table.moves = [[] for _ in seeds]
        return table

    def restart(self, lanes: NDArray[np.int64], seeds: NDArray[np.uint64]) -> None:
        """Begins new games in some lanes."""
        self.rows[lanes] = kernels.new_rows(self.game, seeds)
        self.returns[lanes] = 0.0
        for lane in lanes.tolist():
            self.moves[lane] = []
            self.forfeits.pop(lane, None)
            self.judged.pop(lane, None)
        for i, agent in enumerate(self.agents):
            put(self.memories[i], lanes, agent.begin(self.game, player_seeds(seeds, i)))

    def step(self) -> tuple[NDArray[Any], list[tuple[NDArray[np.int64], View, Decision]]]:
        """One move in every game that is not done.

        Returns ([B] the actions, -1 (or a vector of zeros) where a game was done or is forfeited; for each agent that
        moved its lanes, what it saw and what it decided).
        """
        actions = kernels.no_actions(self.game, len(self.rows))
        moved = []
        waiting = np.flatnonzero(~self.rows["done"])
        player = self.seating[waiting, self.rows["seat"][waiting]]
        for i, agent in enumerate(self.agents):
            lanes = waiting[player == i]
            if len(lanes):
                view = kernels.view(self.game, self.rows[lanes])
                if view.rows is not None:
                    view = view._replace(moves=[self.moves[lane] for lane in lanes.tolist()])
                decision = agent.act(view, take(self.memories[i], lanes))
                forfeits = decision.forfeits
                if self.referee:
                    forfeits = {**illegal(agent, view, decision.action), **runaway(agent, decision), **forfeits}
                else:
                    check(agent, view, decision.action)
                put(self.memories[i], lanes, decision.memory)
                if len(forfeits) < len(lanes):
                    actions[lanes] = decision.action
                for part, forfeit in forfeits.items():
                    self._forfeit(int(lanes[part]), forfeit)
                moved.append((lanes, view, decision))
        actions[list(self.forfeits)] = kernels.no_actions(self.game, 1)
        kernels.play_rows(self.game, self.rows, actions)
        self.returns[waiting] += self.rows["reward"][waiting]
        written = actions.tolist()
        for lane in waiting.tolist():
            if lane not in self.forfeits:
                self.moves[lane].append(tuple(written[lane]) if self.game.controls else written[lane])
        if self.judge is not None:
            self._settle(waiting[~self.rows["done"][waiting]], self.judge)
        return actions, moved

    def _settle(self, lanes: NDArray[np.int64], judge: Judge) -> None:
        """Ends games of two whose result the judge knows."""
        if not len(lanes):
            return
        worth = judge(self.rows[lanes])
        for lane, value in zip(lanes[~np.isnan(worth)].tolist(), worth[~np.isnan(worth)], strict=True):
            seat = int(self.rows["seat"][lane])
            self.rows["done"][lane] = True
            self.rows["reward"][lane] = np.where(np.arange(2) == seat, value, -value)
            self.returns[lane] = self.rows["reward"][lane]
            self.judged[lane] = adjudicated(seat if value > 0 else 1 - seat if value < 0 else None)

    def _forfeit(self, lane: int, forfeit: Forfeit) -> None:
        """Ends a game at once: -1 for the seat that was to move and 1 for every other, whatever was paid before."""
        seat = int(self.rows["seat"][lane])
        self.forfeits[lane] = (seat, forfeit)
        self.rows["done"][lane] = True
        self.rows["reward"][lane] = 1.0
        self.rows["reward"][lane, seat] = -1.0
        self.returns[lane] = 0.0


def check(agent: Agent, view: View, action: NDArray[Any]) -> None:
    """Raises `Illegal` unless `action` is a legal move in each of the view's games: rules trust what they are given."""
    for forfeit in illegal(agent, view, action).values():
        raise Illegal(forfeit.text)


def illegal(agent: Agent, view: View, action: NDArray[Any]) -> dict[int, Forfeit]:
    """Those of the view's games in which `action` is no legal move, and what is said of it."""
    game, action, lanes = view.game, np.asarray(action), len(view.seat)
    if game.controls:
        fits, what = action.shape == (lanes, len(game.controls)) and action.dtype.kind in "fiu", "one vector"
    else:
        fits, what = action.shape == (lanes,) and action.dtype.kind in "iu", "one whole number"
    if not fits:
        text = (
            f"{agent.name} gave moves of shape {action.shape} and type {action.dtype} for {lanes} games of "
            f"{game.name}; act must return {what} a game."
        )
        return dict.fromkeys(range(lanes), Forfeit("nonsense", text))
    if game.controls:
        wrong = np.flatnonzero(~kernels.in_bounds(game, action))
        bounds = ", ".join(f"{low:g} to {high:g}" for low, high in game.controls)
        return {
            lane: Forfeit("illegal", f"{agent.name} chose {action[lane].tolist()} in {game.name}, outside of {bounds}.")
            for lane in wrong.tolist()
        }
    inside = (action >= 0) & (action < game.actions)
    wrong = np.flatnonzero(~(inside & view.legal[np.arange(lanes), np.where(inside, action, 0)]))
    return {
        lane: Forfeit(
            "illegal", f"{agent.name} chose {_move(view, lane, action[lane])} in {game.name}{legal_named(view, lane)}."
        )
        for lane in wrong.tolist()
    }


def runaway(agent: Agent, decision: Decision) -> dict[int, Forfeit]:
    """The games in which what an agent says of its choice is infinite or no number: its weights have run away."""
    found: dict[int, Forfeit] = {}
    for name in SAID:
        said = np.asarray(decision.extra.get(name, ()), np.float64)
        for lane in np.flatnonzero(~np.isfinite(said).all(axis=tuple(range(1, said.ndim)))).tolist():
            found.setdefault(lane, Forfeit("nonsense", f"{agent.name} gave a {name} that is no finite number."))
    return found


def _move(view: View, lane: int, action: int) -> str:
    names = view.game.told(int(view.seat[lane]))
    return f"move {action} ({names[action]})" if 0 <= action < view.game.actions else f"move {action}"


def legal_named(view: View, lane: int) -> str:
    """The legal moves of one game as all see them, so many as can be read."""
    return f", where {named(view.game, view.legal[lane], int(view.seat[lane]))}"


@compiled
def _player_seeds(seeds: NDArray[np.uint64], player: int, out: NDArray[np.uint64]) -> None:
    for i in range(seeds.shape[0]):
        out[i] = mix(mix(seeds[i] ^ PLAYERS) + np.uint64(player + 1) * GOLDEN)


def player_seeds(seeds: NDArray[np.uint64], player: int) -> NDArray[np.uint64]:
    """Seeds for one player's own random streams, apart from the game's and from the other players'.

    Mixed twice: splitmix64 steps by a constant, so seeds a step apart would give one stream, shifted.
    """
    out = np.empty(len(seeds), np.uint64)
    _player_seeds(np.ascontiguousarray(seeds, np.uint64), player, out)
    return out


@dataclass
class Finished:
    """A game that was played to its end: enough to replay it, and its result."""

    seed: int
    players: tuple[int, ...]
    """Index of the agent at each seat."""
    opening: int
    """How many of the moves were drawn at random before the agents took over."""
    moves: list[Any]
    """Actions: numbers, or tuples of numbers where actions are vectors."""
    reward: tuple[float, ...]
    """Each seat's return: all that it was paid, undiscounted; in most games -1, 0 or 1."""
    number: int = 0
    """Its place among the games of whoever played it."""
    reason: str = ""
    """Why it ended, where it was not by the rules: `written` of the seat that forfeited, or `adjudicated`."""
    broken: str = ""
    """What the program of another project's game did that ended it: a game without a result, whatever was paid."""


class Broken(ValueError):
    """Games of another project came to no result, as their program failed."""

    def __init__(self, game: str, faults: Sequence[str]) -> None:
        many = "A game" if len(faults) == 1 else f"{len(faults)} games"
        super().__init__(
            f"{many} of {game} came to no result, as the program failed ({faults[0]}); what had ended otherwise is "
            "kept, and the same command tries the rest again."
        )


def written(seat: int, forfeit: Forfeit) -> str:
    """A forfeit as it is kept with a game."""
    return f"forfeit {seat} {forfeit.kind}: {forfeit.text}"


ADJUDICATED = "adjudicated: "


def adjudicated(winner: int | None) -> str:
    """A result by perfect play, as it is kept with a game that was not played to its end."""
    return f"{ADJUDICATED}{'a draw' if winner is None else f'seat {winner} wins'} by perfect play."


def read_forfeit(reason: str) -> tuple[int, Forfeit] | None:
    """The seat that forfeited, and why; None if the game ended otherwise."""
    head, _, text = reason.partition(": ")
    words = head.split()
    if len(words) != 3 or words[0] != "forfeit" or not words[1].isdigit():
        return None
    return int(words[1]), Forfeit(words[2], text)


def play_games(
    game: Game,
    agents: Sequence[Agent],
    seating: NDArray[np.int64],
    seeds: NDArray[np.uint64],
    *,
    opening_plies: NDArray[np.int64] | None = None,
    opening_seeds: NDArray[np.uint64] | None = None,
    openings: Sequence[Sequence[Any]] | None = None,
    on_ply: Callable[[int, int], None] | None = None,
    referee: bool = False,
    judge: Judge | None = None,
) -> list[Finished]:
    """Plays len(seeds) games side by side to the end, in the order given.

    Before the agents take over, `opening_plies[i]` random moves are made in game i, drawn from `opening_seeds[i]`
    (two games with the same opening seed begin alike); an opening that would end the game is drawn again, shorter.
    With `openings` those moves are made instead.
    `on_ply(games done, games)` is called after each ply. Under a `referee` an illegal move loses its game; without
    one it raises `Illegal`. A `judge` ends games of two as soon as it knows their result (see `Table`).
    """
    table = Table.new(game, agents, seating, seeds)
    table.referee, table.judge = referee, judge
    if openings is not None:
        table.moves = [list(opening) for opening in openings]
    elif opening_plies is not None:
        table.moves = random_moves(game, seeds, seeds if opening_seeds is None else opening_seeds, opening_plies)
    for i, opening in enumerate(table.moves):
        if opening:
            positions = kernels.replay(game, int(seeds[i]), opening)
            table.rows[i] = positions[-1]
            table.returns[i] = positions[1:]["reward"].sum(axis=0)
    given = [len(opening) for opening in table.moves]
    while not table.rows["done"].all():
        table.step()
        if on_ply is not None:
            on_ply(int(table.rows["done"].sum()), len(seeds))
    return [
        Finished(
            int(seeds[i]),
            tuple(seating[i].tolist()),
            given[i],
            table.moves[i],
            tuple(table.returns[i].tolist()),
            i,
            written(*table.forfeits[i]) if i in table.forfeits else table.judged.get(i, ""),
            broken(game, table.rows[i]) if game.foreign else "",
        )
        for i in range(len(seeds))
    ]


def broken(game: Game, row: Row) -> str:
    """What the program of another project's game did that ended this one; "" if it ended by its rules."""
    from envs.adapters.foreign.programs import programs_of

    programs = programs_of(game)
    fault = programs.fault(row) if programs is not None else None
    return fault.words if fault is not None else ""
