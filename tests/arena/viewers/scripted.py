"""Games to look at: a scripted agent that says everything a search can say, and the snapshots of its games."""

from __future__ import annotations

from functools import cache

import numpy as np

from agents.agent import Decision, Memory
from arena.viewers.snapshot import Snapshot
from arena.viewers.sources import Live, advanced
from envs import kernels
from envs.game import Game, View
from envs.registry import game

SPECS = ("tic_tac_toe", "connect_four", "othello:size=6", "othello")


class Thinker:
    """Plays by a fixed stream of numbers and says that it searched, all from the mover's side."""

    def __init__(self, name: str, *, says: tuple[str, ...] = ("visits", "prior", "q", "value", "pv")) -> None:
        self.name, self.says = name, says

    def begin(self, game: Game, seeds: np.ndarray) -> Memory:
        self.game = game
        return {"rng": seeds.copy(), "moves": np.zeros(len(seeds), np.int64)}

    def act(self, view: View, memory: Memory) -> Decision:
        lanes, actions = view.legal.shape
        chosen = np.zeros(lanes, np.int64)
        extra = {name: np.zeros((lanes, actions)) for name in ("visits", "prior", "q")}
        extra |= {"value": np.zeros(lanes), "pv": np.full((lanes, actions, 4), -1)}
        for lane in range(lanes):
            stream = np.random.default_rng(int(memory["rng"][lane]) + int(memory["moves"][lane]))
            legal = np.flatnonzero(view.legal[lane])
            weights = np.round(stream.random(len(legal)) ** 3 * 900)
            extra["visits"][lane, legal] = weights
            extra["prior"][lane, legal] = 1 / len(legal)
            extra["q"][lane, legal] = np.clip(weights / 1000 - 0.4 + 0.3 * stream.normal(), -0.97, 0.97)
            chosen[lane] = legal[weights.argmax()]
            extra["value"][lane] = extra["q"][lane, chosen[lane]]
            for action in legal:
                extra["pv"][lane, action] = self._line(view.rows[lane : lane + 1], int(action))
        memory = {**memory, "moves": memory["moves"] + 1}
        return Decision(chosen, memory, {name: extra[name] for name in self.says})

    def _line(self, row: np.ndarray, action: int) -> list[int]:
        row, line = row.copy(), [action]
        while len(line) < 4:
            kernels.play_rows(self.game, row, np.array([line[-1]]))
            if row[0]["done"]:
                break
            line.append(int(np.flatnonzero(kernels.legal_mask(self.game, row)[0])[0]))
        return line + [-1] * (4 - len(line))


@cache
def finished(spec: str, one_voice: bool = False) -> Snapshot:
    """A whole game of two scripted agents."""
    names = ("alpha", "alpha") if one_voice else ("alpha", "beta:sims=800")
    agents = [Thinker(name) for name in names]
    return Live(game(spec), agents, seed=5, ratings=("1523 ± 34", "1410 ± 51"), start=False).play_out()


class Sayer:
    """Plays any game at random, and says of every move what a search would, in numbers of any size."""

    def __init__(self, name: str) -> None:
        self.name = name

    def begin(self, game: Game, seeds: np.ndarray) -> Memory:
        return {"rng": seeds.copy()}

    def act(self, view: View, memory: Memory) -> Decision:
        lanes = len(view.seat)
        stream = np.random.default_rng(int(memory["rng"][0]))
        memory = {"rng": memory["rng"] + np.uint64(1)}
        if view.game.controls:
            low, high = np.array(view.game.controls, np.float32).T
            vectors = stream.uniform(low, high, (lanes, len(low))).astype(np.float32)
            return Decision(np.clip(vectors, low, high), memory, {"value": stream.normal(size=lanes)})
        weights = view.legal * (1.0 + stream.random(view.legal.shape))
        extra = {"visits": np.round(100 * weights), "prior": weights / weights.sum(axis=1, keepdims=True)}
        extra |= {"q": 30 * stream.normal(size=weights.shape), "value": 30 * stream.normal(size=lanes)}
        return Decision(weights.argmax(axis=1), memory, extra)


@cache
def begun(rules: Game, plies: int = 30) -> Snapshot:
    """The first moves of a game of agents that say much, or all of it."""
    agents = [Sayer(f"agent {seat}") for seat in range(rules.seats)]
    live = Live(rules, agents, seed=3, start=False)
    snapshot = live.newest()
    while snapshot.length < plies and snapshot.result is None:
        snapshot = advanced(snapshot, live._table)
    return snapshot
