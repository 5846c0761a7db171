"""Self-play: an agent that explores, against itself, and the experience that comes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.agent import Agent, Decision, Memory, pick_weighted, require_open
from agents.experience import Columns
from agents.guests import Guests
from agents.inference import Evaluator, evaluator
from agents.networks import Network, Weights
from agents.openings import lengths, random_moves
from agents.play import Finished, Table
from agents.ranges import within
from agents.search.search import MOST_SIMULATIONS, Evaluate, Search, search
from envs import kernels
from envs.game import Game, View
from envs.kernels import uniform

EXPLORING = Search(simulations=96, noise_share=0.25, noise_alpha=1.4, gumbel_scale=1.0)
"""With noise of either kind of search: Dirichlet's for puct, and Gumbel's, without which its play never varies."""


@dataclass(frozen=True)
class SelfPlay:
    """How games of self-play are played.

    lanes             games side by side on one worker
    search            how a move that is learned from is searched
    fast_simulations  simulations of the other moves: they only carry the game on
    full_share        share of moves searched in full (playout-cap randomisation; Wu 2019, arXiv:1902.10565, 3.1: 0.25)
    temperature       of the first move: drawn by policy ** (1 / temperature) with puct, by its own noise with gumbel
    half_life         plies over which the temperature halves
    temperature_end   below which it does not fall
    opening_share     share of games that begin with random moves, so that more than the beaten path is learned
    opening_plies     at most so many random moves, drawn evenly from 0 up; never more than half of the longest game
    value_decay       of the column `blend`: share of what came after in a position's value, the rest the search's own
    """

    lanes: int = 512
    search: Search = field(default_factory=lambda: EXPLORING)
    fast_simulations: int = 16
    full_share: float = 0.25
    temperature: float = 1.0
    half_life: float = 8.0
    temperature_end: float = 0.2
    opening_share: float = 0.5
    opening_plies: int = 12
    value_decay: float = 0.9

    def __post_init__(self) -> None:
        if self.search.simulations < 1:
            raise ValueError("Self-play learns from what a search finds, so simulations of a search must be 1 or more.")
        within(self, lanes="[1, inf)", fast_simulations=f"[1, {MOST_SIMULATIONS}]", full_share="(0, 1]")
        within(self, temperature="(0, inf)", half_life="(0, inf)", temperature_end="(0, inf)")
        within(self, opening_share="[0, 1]", opening_plies="[0, inf)", value_decay="[0, 1]")


class Explorer:
    """The self-play agent: some moves are searched in full, with noise, the rest fast; moves are drawn."""

    name = "self-play"

    def __init__(self, evaluate: Evaluate, game: Game, settings: SelfPlay) -> None:
        require_open("Self-play by search", game)
        self.evaluate, self.game, self.settings = evaluate, game, settings
        self.fast = replace(settings.search, simulations=settings.fast_simulations, noise_share=0.0)
        self.evaluations = 0

    def begin(self, game: Game, seeds: NDArray[np.uint64]) -> Memory:
        return {"rng": seeds.copy()}

    def act(self, view: View, memory: Memory) -> Decision:
        assert view.rows is not None
        rng = memory["rng"].copy()
        full = uniform(rng) < self.settings.full_share
        policy = np.empty(view.legal.shape, np.float32)
        visits = np.empty_like(policy)
        value = np.empty(len(policy), np.float32)
        proven = np.empty(len(policy), np.bool_)
        best = np.empty(len(policy), np.int64)
        for lanes, how in ((np.flatnonzero(full), self.settings.search), (np.flatnonzero(~full), self.fast)):
            if len(lanes):
                part = rng[lanes]
                found = search(self.game, view.rows[lanes], self.evaluate, how, part)
                rng[lanes] = part
                policy[lanes], visits[lanes], value[lanes] = found.policy, found.visits, found.value
                proven[lanes], best[lanes] = found.proven, found.best
                self.evaluations += found.evaluations
        action = self.draw(policy, best, proven, view.rows["ply"], rng)
        extra = {"policy": policy, "visits": visits, "value": value, "full": full, "proven": proven}
        return Decision(action, {"rng": rng}, extra)

    def draw(
        self,
        policy: NDArray[np.float32],
        best: NDArray[np.int64],
        proven: NDArray[np.bool_],
        ply: NDArray[np.int16],
        rng: NDArray[np.uint64],
    ) -> NDArray[np.int64]:
        """Moves drawn at the temperature of their ply; proved positions are played exactly."""
        s = self.settings
        temperature = np.maximum(s.temperature_end, s.temperature * 0.5 ** (ply / s.half_life))[:, None]
        weights = (policy / policy.max(1, keepdims=True)).astype(np.float64) ** (1.0 / temperature)
        drawn = best if s.search.kind == "gumbel" else pick_weighted(weights, rng)
        return np.where(proven, best, drawn)


class SelfPlayer:
    """A worker's self-play: B lanes that run on from one call of `collect` to the next.

    Everything it does follows from `seed`, the evaluator's weights at each call and nothing else; `state` holds what an
    exact resume needs.
    """

    def __init__(self, game: Game, evaluate: Evaluate, settings: SelfPlay, seed: int) -> None:
        self.game, self.settings, self.seed = game, settings, seed
        self.explorer = Explorer(evaluate, game, settings)
        lanes, plies = settings.lanes, game.max_plies
        self.begun = 0
        self.guests: Guests | None = None
        self.rows = np.zeros((lanes, plies), game.row)
        self.actions = np.zeros((lanes, plies), np.int16)
        self.policy = np.zeros((lanes, plies, game.actions), np.float32)
        self.value = np.zeros((lanes, plies), np.float32)
        self.full = np.zeros((lanes, plies), np.bool_)
        self.proven = np.zeros((lanes, plies), np.bool_)
        self.opening = np.zeros(lanes, np.int64)
        self.seeds = np.zeros(lanes, np.uint64)
        self.number = np.zeros(lanes, np.int64)
        seating = np.zeros((lanes, game.seats), np.int64)
        self.table = Table.new(game, [self.explorer], seating, kernels.seeds(seed, lanes))
        self._begin(np.arange(lanes))

    @classmethod
    def of(cls, network: Network, settings: SelfPlay, seed: int, backend: str) -> SelfPlayer:
        """A worker's self-play by a network."""
        return cls(network.game, evaluator(network, backend=backend, batch=settings.lanes), settings, seed)

    @property
    def evaluator(self) -> Evaluator:
        """The network that plays, where one does."""
        assert isinstance(self.explorer.evaluate, Evaluator)
        return self.explorer.evaluate

    @property
    def backend(self) -> str:
        return self.evaluator.backend

    @property
    def evaluations(self) -> int:
        return self.explorer.evaluations

    def load(self, arrays: Weights) -> None:
        """Takes new weights of the network that plays."""
        self.evaluator.load(arrays)

    def invite(self, agents: Mapping[str, Agent], drawn: Sequence[str]) -> None:
        """Seats guests at new games from now on (`agents.guests`); only the learner's own moves are learned from."""
        self.guests = self.guests or Guests(self.game, self.settings.lanes)
        gone = self.guests.invite(agents, drawn)
        self.table.agents = [self.explorer, *self.guests.agents]
        self.table.memories = [self.table.memories[0], *self.guests.memories]
        self.table.seating = self.guests.seating
        if len(gone):
            self._begin(gone)

    def _begin(self, lanes: NDArray[np.int64]) -> None:
        """Starts a new game in some lanes, a share of them from a random opening."""
        s = self.settings
        seeds = kernels.seeds(self.seed, len(lanes), 1, self.begun)
        generator = np.random.default_rng([self.seed, 2, self.begun])
        self.number[lanes] = self.begun + np.arange(len(lanes))
        self.begun += len(lanes)
        self.table.restart(lanes, seeds)
        if self.guests is not None:
            self.guests.sit(lanes, seeds, np.random.default_rng([self.seed, 3, self.begun]))
        self.seeds[lanes] = seeds
        plies = lengths(self.game, len(lanes), s.opening_share, s.opening_plies, generator)
        for lane, moves in zip(lanes, random_moves(self.game, seeds, seeds, plies), strict=True):
            self.opening[lane] = len(moves)
            self.actions[lane, : len(moves)] = moves
            if moves:
                self.table.rows[lane] = kernels.replay(self.game, int(self.seeds[lane]), moves)[-1]

    def collect(self, positions: int) -> tuple[Columns, list[Finished]]:
        """Plays on until finished games have yielded so many positions to learn from."""
        if self.guests is not None:
            self.guests.require_agents()
        parts: list[Columns] = []
        games: list[Finished] = []
        gathered = 0
        while gathered < positions:
            ply = self.table.rows["ply"].astype(np.int64)
            before = self.table.rows.copy()
            actions, moved = self.table.step()
            for lanes, _, decision in moved:
                at = (lanes, ply[lanes])
                self.rows[at] = before[lanes]
                self.actions[at] = actions[lanes]
                for name in ("policy", "value", "full", "proven"):
                    getattr(self, name)[at] = decision.extra[name] if "full" in decision.extra else 0  # a guest's
            ended = np.flatnonzero(self.table.rows["done"])
            if len(ended):
                parts.append(self._experience(ended))
                games.extend(self._finished(int(lane)) for lane in ended)
                gathered += len(parts[-1]["policy"])
                self._begin(ended)
        return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}, games

    def _finished(self, lane: int) -> Finished:
        row = self.table.rows[lane]
        return Finished(
            int(self.seeds[lane]),
            tuple(self.table.seating[lane].tolist()),
            int(self.opening[lane]),
            self.actions[lane, : row["ply"]].tolist(),
            tuple(row["reward"].tolist()),
            int(self.number[lane]),
        )

    def _experience(self, lanes: NDArray[np.int64]) -> Columns:
        """The positions of finished games that were searched in full.

        rows     [N] the positions; all that follows is from their movers' sides
        policy   [N, A] what the search would teach
        outcome  [N] result of the game
        blend    [N] the search's values blended over the rest of the game, see `lambda_values`
        left     [N] plies to the end
        """
        last = self.table.rows[lanes]
        ply = np.arange(self.game.max_plies)
        rows = self.rows[lanes]
        played = (ply >= self.opening[lanes, None]) & (ply < last["ply"][:, None])
        mover = rows["seat"].astype(np.int64)
        played &= np.take_along_axis(self.table.seating[lanes], mover.clip(0), 1) == 0  # not by a guest
        keep = played & self.full[lanes]
        outcome = np.take_along_axis(last["reward"], mover.clip(0), 1)
        value, proven, decay = self.value[lanes], self.proven[lanes], self.settings.value_decay
        return {
            "rows": rows[keep],
            "policy": self.policy[lanes][keep],
            "outcome": outcome[keep].astype(np.float32),
            "blend": lambda_values(value, proven, outcome, mover, played, decay)[keep],
            "left": (last["ply"][:, None] - ply)[keep].astype(np.float32),
        }

    def state(self) -> dict[str, Any]:
        """Every array that the rest of this self-play depends on."""
        kept = {name: getattr(self, name) for name in _STATE}
        return {
            **kept,
            "table_rows": self.table.rows,
            "rng": self.table.memories[0]["rng"],
            "begun": np.array([self.begun], np.int64),
            **({} if self.guests is None else {"guests": self.guests.state()}),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Goes on exactly where `state` was taken.

        With fewer lanes than then, the games in those that are gone end here; with more, the others begin new games.
        """
        kept = min(len(state["rng"]), self.settings.lanes)
        for name in _STATE:
            getattr(self, name)[:kept] = state[name][:kept]
        self.table.rows[:kept] = state["table_rows"][:kept]
        self.table.memories[0]["rng"][:kept] = state["rng"][:kept]
        self.begun = int(state["begun"][0])
        if "guests" in state:
            self.guests = Guests(self.game, self.settings.lanes)
            self.guests.restore(state["guests"], kept)
            self.table.seating = self.guests.seating
        if kept < self.settings.lanes:
            self._begin(np.arange(kept, self.settings.lanes))


_STATE = ("rows", "actions", "policy", "value", "full", "proven", "opening", "seeds", "number")


def lambda_values(
    value: NDArray[np.float32],
    proven: NDArray[np.bool_],
    outcome: NDArray[np.float32],
    mover: NDArray[np.int64],
    played: NDArray[np.bool_],
    decay: float,
) -> NDArray[np.float32]:
    """[B, T] search values blended over the rest of the game: G_t = (1 - decay) v_t + decay G_(t+1), G_end = outcome.

    Each from its own mover's side; where a value is proved it stands alone (Sutton 1988's lambda-return without
    rewards on the way). Entries that were not `played` mean nothing.
    """
    blended = np.zeros_like(value)
    ahead = np.zeros(len(value), np.float32)
    begun = np.zeros(len(value), np.bool_)
    later = np.zeros(len(value), np.int64)
    for t in range(value.shape[1] - 1, -1, -1):
        here = played[:, t]
        following = np.where(begun, np.where(mover[:, t] == later, ahead, -ahead), outcome[:, t])
        mixed = np.where(proven[:, t], value[:, t], (1 - decay) * value[:, t] + decay * following)
        blended[:, t] = mixed
        ahead = np.where(here, mixed, ahead).astype(np.float32)
        later = np.where(here, mover[:, t], later)
        begun |= here
    return blended
