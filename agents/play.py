"""The one loop in which agents play: self-play, matches, tournaments, evaluation and viewers all run through it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from agents.agent import Agent, Decision, Memory, put, take
from envs import kernels
from envs.game import Game, Rows, View


@dataclass
class Table:
    """B games in progress, the agents at their seats, and what the agents remember.

    agents   the players
    seating  [B, seats] index into `agents` of who sits where
    rows     [B] the positions
    """

    game: Game
    agents: Sequence[Agent]
    seating: NDArray[np.int64]
    rows: Rows
    memories: list[Memory] = field(default_factory=list)

    @classmethod
    def new(cls, game: Game, agents: Sequence[Agent], seating: NDArray[np.int64], seeds: NDArray[np.uint64]) -> Table:
        """A table with every lane at the first position; seeds [B] start each lane's game and its players."""
        table = cls(game, agents, seating, kernels.new_rows(game, seeds))
        table.memories = [agent.begin(game, player_seeds(seeds, i)) for i, agent in enumerate(agents)]
        return table

    def restart(self, lanes: NDArray[np.int64], seeds: NDArray[np.uint64]) -> None:
        """Begins new games in some lanes."""
        self.rows[lanes] = kernels.new_rows(self.game, seeds)
        for i, agent in enumerate(self.agents):
            put(self.memories[i], lanes, agent.begin(self.game, player_seeds(seeds, i)))

    def step(self) -> tuple[NDArray[np.int64], list[tuple[NDArray[np.int64], View, Decision]]]:
        """One move in every game that is not done.

        Returns ([B] the actions, -1 where a game was done; for each agent that moved its lanes, what it saw and what
        it decided).
        """
        actions = np.full(len(self.rows), -1, np.int64)
        moved = []
        waiting = np.flatnonzero(~self.rows["done"])
        player = self.seating[waiting, self.rows["seat"][waiting]]
        for i, agent in enumerate(self.agents):
            lanes = waiting[player == i]
            if len(lanes):
                view = kernels.view(self.game, self.rows[lanes])
                decision = agent.act(view, take(self.memories[i], lanes))
                put(self.memories[i], lanes, decision.memory)
                actions[lanes] = decision.action
                moved.append((lanes, view, decision))
        kernels.play_rows(self.game, self.rows, actions)
        return actions, moved


def player_seeds(seeds: NDArray[np.uint64], player: int) -> NDArray[np.uint64]:
    """Seeds for one player's own random streams, apart from the game's and from the other players'."""
    return seeds * np.uint64(0x9E3779B97F4A7C15) + np.uint64(player + 1)


@dataclass
class Finished:
    """A game that was played to its end: enough to replay it, and its result."""

    seed: int
    players: tuple[int, ...]
    """Index of the agent at each seat."""
    opening: int
    """How many of the moves were drawn at random before the agents took over."""
    moves: list[int]
    reward: tuple[float, ...]
    """Each seat's result, -1, 0 or 1."""
    number: int = 0
    """Its place among the games of whoever played it."""


def play_games(
    game: Game,
    agents: Sequence[Agent],
    seating: NDArray[np.int64],
    seeds: NDArray[np.uint64],
    *,
    opening_plies: NDArray[np.int64] | None = None,
    opening_seeds: NDArray[np.uint64] | None = None,
    on_ply: Callable[[int, int], None] | None = None,
) -> list[Finished]:
    """Plays len(seeds) games side by side to the end, in the order given.

    Before the agents take over, `opening_plies[i]` random moves are made in game i, drawn from `opening_seeds[i]`
    (two games with the same opening seed begin alike); an opening that would end the game is drawn again, shorter.
    `on_ply(games done, games)` is called after each ply.
    """
    table = Table.new(game, agents, seating, seeds)
    moves: list[list[int]] = [[] for _ in seeds]
    if opening_plies is not None:
        moves = random_moves(game, seeds, seeds if opening_seeds is None else opening_seeds, opening_plies)
        for i, opening in enumerate(moves):
            if opening:
                table.rows[i] = kernels.replay(game, int(seeds[i]), opening)[-1]
    openings = [len(opening) for opening in moves]
    while not table.rows["done"].all():
        actions, _ = table.step()
        for i in np.flatnonzero(actions >= 0):
            moves[i].append(int(actions[i]))
        if on_ply is not None:
            on_ply(int(table.rows["done"].sum()), len(seeds))
    return [
        Finished(
            int(seeds[i]),
            tuple(seating[i].tolist()),
            openings[i],
            moves[i],
            tuple(table.rows["reward"][i].tolist()),
            i,
        )
        for i in range(len(seeds))
    ]


def random_moves(
    game: Game, seeds: NDArray[np.uint64], opening_seeds: NDArray[np.uint64], plies: NDArray[np.int64]
) -> list[list[int]]:
    """A random opening for each game, none of which ends it."""
    openings = []
    for seed, opening_seed, wanted in zip(seeds, opening_seeds, plies, strict=True):
        generator = np.random.default_rng(int(opening_seed))
        row = kernels.new_rows(game, np.array([seed], np.uint64))
        moves: list[int] = []
        while len(moves) < wanted:
            choices = np.flatnonzero(kernels.legal_mask(game, row)[0])
            after = np.repeat(row, len(choices))
            kernels.play_rows(game, after, choices)
            alive = np.flatnonzero(~after["done"])
            if not len(alive):
                break
            pick = int(generator.choice(alive))
            moves.append(int(choices[pick]))
            row = after[pick : pick + 1].copy()
        openings.append(moves)
    return openings
