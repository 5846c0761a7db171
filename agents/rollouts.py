"""Rollouts: B games side by side, played by a network as it is, in fragments that learners of every kind can read.

One seat's own decisions, in their order, are a track; B games of S seats have N = B S of them, and a fragment is
[N, T]. What a seat is paid until its next decision belongs to the one before. Where a game is cut short by a limit,
where the fragment ends, and where a seat has not been asked again by then, a track has an entry that is not `valid`:
a position with the value that the network gives it, from which to go on counting (`agents.returns`). A decision that
still waits for its seat's next turn opens the next fragment, so that nothing is lost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.actor import Actor, bounded
from agents.agent import Agent, Unable, put, take
from agents.experience import Columns
from agents.guests import Guests
from agents.hands import Hands
from agents.networks import Network, Weights
from agents.openings import lengths, openable, opened
from agents.opponents import Opponents
from agents.play import Finished
from agents.ranges import within
from agents.tracks import Tracks
from envs import kernels
from envs.game import Game


@dataclass(frozen=True)
class RolloutSettings:
    """How games are played to learn from.

    lanes       games side by side on one worker
    steps       decisions of a seat in a fragment; where seats move unequally often, of the one that moves most
    whole       whether each lane plays one whole game a fragment, of at most `steps` decisions, instead of playing on
    hands       0, or so many whole games a fragment, told by what was done in each information set (`agents.hands`);
                of ppo alone, where the game numbers those and a network that remembers nothing plays all the seats
    explore     share of the moves of whole hands that are drawn evenly, so that answers to rare moves are learned, too
    opponents   who sits at the other seats, drawn for every game: self, past, or agents' specs (`agents.opponents`)
    past_every  rounds after which the weights are put aside for "past"
    past_kept   so many of them are kept
    opening_share  share of games that begin with random moves, so that more than the beaten path is learned
    opening_plies  at most so many random moves, drawn evenly from 0 up; never more than half of the longest game
    """

    lanes: int = 32
    steps: int = 64
    whole: bool = False
    hands: int = 0
    explore: float = 0.0
    opponents: tuple[str, ...] = ("self",)
    past_every: int = 10
    past_kept: int = 5
    opening_share: float = 0.0
    opening_plies: int = 12

    def __post_init__(self) -> None:
        within(self, lanes="[1, 65536]", steps="[1, 1000000]", past_every="[1, inf)", past_kept="[1, 64]")
        within(self, hands="[0, 1000000]", explore="[0, 1)", opening_share="[0, 1]", opening_plies="[0, inf)")
        if not self.opponents:
            raise ValueError('opponents must hold somebody for the other seats, for example opponents = ["self"].')
        if self.hands and self.opponents != ("self",):
            raise ValueError("whole hands are played by one network at all the seats; leave opponents out, or hands.")
        if self.hands and self.opening_share:
            raise ValueError("whole hands are played from the first move; leave opening_share out, or hands.")
        if self.explore and not self.hands:
            raise ValueError(
                "explore is of whole hands, which weigh what they do not believe; set hands, or explore to 0."
            )

    def require_batch(self, batch: int, game: Game, workers: int) -> None:
        """Raises ValueError where all workers' fragments together are smaller than one batch; whole hands never are."""
        most = max(1, workers) * self.lanes * self.steps * game.seats
        if batch > most and not self.hands:
            raise ValueError(
                f"[learner] batch is {batch:,}, and a round has at most {most:,} decisions; lower learner.batch, or "
                "raise rollouts.lanes or rollouts.steps."
            )


class Rollouts:
    """A worker's games, played by a network, that run on from one call of `collect` to the next.

    Columns, the first axis one a track: obs [N, T, *shape], legal [N, T, A], action [N, T] (or [N, T, controls], before
    they are clipped), log_p, value, reward [N, T] float32, done (by the rules), valid, fresh (the first decision of its
    game) [N, T], and `memory.NAME` [N, ...], what a recurrent network remembered at the beginning; where two heads take
    turns (`Actor.RESPONDS`), also responds [N, T]: the action is q's.
    """

    backend = "torch"

    def __init__(self, network: Network, settings: RolloutSettings, seed: int) -> None:
        game = network.game
        self.game, self.settings, self.seed = game, settings, seed
        self.actor = Actor(network)
        self.evaluations = 0
        if settings.opening_share and not openable(game):
            raise Unable(f"{game.name} cannot begin with random moves; set rollouts.opening_share to 0.")
        lanes, tracks = settings.lanes, settings.lanes * game.seats
        specs = settings.opponents if game.seats > 1 else ("self",)
        self.others: Opponents | Guests = Opponents(network, specs, lanes, settings.past_every, settings.past_kept)
        self.rows = np.zeros(lanes, game.row)
        self.rng = kernels.seeds(seed, lanes)
        self.seeds = np.zeros(lanes, np.uint64)
        self.number = np.zeros(lanes, np.int64)
        self.returns = np.zeros((lanes, game.seats))
        self.moves: NDArray[Any] = np.zeros(
            (lanes, 64, *self._action_shape()), np.float32 if game.controls else np.int32
        )
        self.opening = np.zeros(lanes, np.int64)
        self.begun = 0
        self.memory = self.actor.begin(tracks)
        self.before = self.actor.begin(tracks)
        self.starting = np.ones(tracks, np.bool_)
        self.waiting = np.zeros(0, np.int64)
        self.kept = Tracks(tracks, 1, game, self.memory).entries(self.waiting)
        self._begin(np.arange(lanes))

    @classmethod
    def of(cls, network: Network, settings: RolloutSettings, seed: int, backend: str) -> Rollouts | Hands:
        """A worker's rollouts; they are played by PyTorch, whatever the backend of searches."""
        if settings.hands:
            return Hands(network, settings.hands, seed, settings.explore)
        return cls(network, settings, seed)

    def _action_shape(self) -> tuple[int, ...]:
        return (len(self.game.controls),) if self.game.controls else ()

    def load(self, arrays: Weights) -> None:
        self.actor.load(arrays)
        self.others.load(arrays)

    @property
    def guests(self) -> Guests | None:
        return self.others if isinstance(self.others, Guests) else None

    def invite(self, agents: Mapping[str, Agent], drawn: Sequence[str]) -> None:
        """Seats guests at the new games from now on, in place of the settings' opponents (`agents.guests`)."""
        if not isinstance(self.others, Guests):
            self.others = Guests(self.game, self.settings.lanes)
        gone = self.others.invite(agents, drawn)
        if len(gone):
            still = ~np.isin(self.waiting // self.game.seats, gone)
            self.waiting = self.waiting[still]
            self.kept = {name: array[still] for name, array in self.kept.items()}
            self._begin(gone)

    def _begin(self, lanes: NDArray[np.int64]) -> None:
        """Starts a new game in some lanes."""
        seeds = kernels.seeds(self.seed, len(lanes), 1, self.begun)
        generator = np.random.default_rng([self.seed, 2, self.begun])
        self.number[lanes] = self.begun + np.arange(len(lanes))
        self.begun += len(lanes)
        if self.game.foreign:
            for lane, seed in zip(lanes, seeds, strict=True):  # in place: these rows cannot be copied
                kernels.reset_rows(self.game, self.rows[lane : lane + 1], np.array([seed]))
        else:
            rows = self.rows[lanes]
            kernels.reset_rows(self.game, rows, seeds)
            self.rows[lanes] = rows
        self.seeds[lanes] = seeds
        self.returns[lanes] = 0.0
        self.others.sit(lanes, seeds, generator)
        tracks = (lanes[:, None] * self.game.seats + np.arange(self.game.seats)).ravel()
        self.starting[tracks] = True
        for memory in self.memory.values():
            memory[tracks] = 0.0
        if self.settings.opening_share:
            self._open_games(lanes, generator)

    def _open_games(self, lanes: NDArray[np.int64], generator: np.random.Generator) -> None:
        """Has a share of new games begin with random moves, which nobody learns from."""
        s = self.settings
        plies = lengths(self.game, len(lanes), s.opening_share, s.opening_plies, generator)
        rows, moves, self.returns[lanes] = opened(self.game, self.rows[lanes], plies, generator)
        self.rows[lanes], self.opening[lanes] = rows, rows["ply"]
        self._make_room(moves.shape[1])
        self.moves[lanes, : moves.shape[1]] = moves

    def collect(self, positions: int) -> tuple[Columns, list[Finished]]:
        """Plays a fragment of `steps` decisions; it takes no notice of `positions`."""
        s = self.settings
        tracks = self._open()
        games: list[Finished] = []
        playing = np.ones(s.lanes, np.bool_)
        while tracks.count.max() < s.steps and playing.any():
            self._ply(tracks, np.flatnonzero(playing))
            ended = np.flatnonzero(playing & self.rows["done"])
            if len(ended):
                games.extend(self._finished(int(lane)) for lane in ended)
                playing[ended] = not s.whole
                if not s.whole:
                    self._begin(ended)
        self._close(tracks, np.flatnonzero(playing))
        return tracks.columns(), games

    def _open(self) -> Tracks:
        """A new fragment, which begins with the decisions that still wait for their seats' next turns."""
        s = self.settings
        if s.whole:
            self._begin(np.arange(s.lanes))
        memory = {name: array.copy() for name, array in self.memory.items()}
        put(memory, self.waiting, take(self.before, self.waiting))
        tracks = Tracks(s.lanes * self.game.seats, s.steps + 2, self.game, memory)
        tracks.begin_with(self.waiting, self.kept)
        return tracks

    def _ply(self, tracks: Tracks, lanes: NDArray[np.int64]) -> None:
        """One move in each of some lanes."""
        game, seats, rows = self.game, self.game.seats, self.rows
        obs = np.empty((len(rows), *game.shape), np.float32)
        legal = np.empty((len(rows), game.actions), np.bool_)
        kernels.view_rows(game, rows, obs, legal)
        seat = rows["seat"].astype(np.int64)
        player = np.full(len(rows), -1)
        player[lanes] = self.others.seating[lanes, seat[lanes]]
        actions = kernels.no_actions(game, len(rows))
        own = np.flatnonzero(player == 0)
        if len(own):
            asked = own * seats + seat[own]
            memory = take(self.memory, asked)
            rng = self.rng[own]
            acted = self.actor.act(obs[own], legal[own], memory, rng)
            self.rng[own] = rng
            self.evaluations += len(own)
            put(self.before, asked, memory)
            put(self.memory, asked, acted.memory)
            tracks.decide(asked, obs[own], legal[own], acted.action, acted.log_p, acted.value, self.starting)
            if self.actor.eta:
                tracks.responds[asked, tracks.count[asked] - 1] = acted.memory[Actor.RESPONDS] == 1
            actions[own] = bounded(game, acted.action) if game.controls else acted.action
        self.others.act(rows, player, actions)
        self._keep_moves(lanes, actions)
        kernels.play_rows(game, rows, actions)
        self._settle(tracks, lanes)

    def _settle(self, tracks: Tracks, lanes: NDArray[np.int64]) -> None:
        """Pays what the moves just made have earned, and looks at where games were cut short."""
        rows, seats = self.rows, self.game.seats
        reward = np.zeros((len(rows), seats), np.float32)
        reward[lanes] = rows["reward"][lanes]
        self.returns += reward
        over = np.zeros(len(rows), np.bool_)
        over[lanes] = rows["done"][lanes]
        tracks.pay(reward.ravel(), np.repeat(over & ~rows["cut"], seats))
        if over.any():
            self._look(tracks, np.flatnonzero(tracks.open & np.repeat(over, seats)))

    def _look(self, tracks: Tracks, which: NDArray[np.int64]) -> None:
        """Ends some tracks, for now, with the positions as their seats see them, and what these are worth to them."""
        if not len(which):
            return
        seats = self.game.seats
        rows = self.rows[which // seats]
        rows["seat"], rows["done"] = which % seats, False
        obs = np.empty((len(rows), *self.game.shape), np.float32)
        legal = np.empty((len(rows), self.game.actions), np.bool_)
        kernels.view_rows(self.game, rows, obs, legal)
        tracks.look(which, obs, legal, self.actor.value(obs, legal, take(self.memory, which)))
        tracks.open[which] = False

    def _close(self, tracks: Tracks, lanes: NDArray[np.int64]) -> None:
        """Ends a fragment: who is to move looks at the position, who still waits for a turn is kept for the next."""
        seat = self.rows["seat"][lanes].astype(np.int64)
        own = self.others.seating[lanes, seat] == 0
        self._look(tracks, (lanes * self.game.seats + seat)[own])
        self.waiting = np.flatnonzero(tracks.open)
        tracks.valid[self.waiting, tracks.count[self.waiting] - 1] = False
        self.kept = tracks.entries(self.waiting)
        if self.settings.whole:
            self.waiting, self.kept = self.waiting[:0], {name: value[:0] for name, value in self.kept.items()}

    def _keep_moves(self, lanes: NDArray[np.int64], actions: NDArray[Any]) -> None:
        """Writes moves down, so that every game can be replayed."""
        ply = self.rows["ply"][lanes].astype(np.int64)
        self._make_room(int(ply.max()) + 1)
        self.moves[lanes, ply] = actions[lanes]

    def _make_room(self, plies: int) -> None:
        """Has room for so many moves of a game."""
        while plies > self.moves.shape[1]:
            self.moves = np.concatenate([self.moves, np.zeros_like(self.moves)], axis=1)

    def _finished(self, lane: int) -> Finished:
        moves = self.moves[lane, : self.rows["ply"][lane]].tolist()
        return Finished(
            int(self.seeds[lane]),
            tuple(self.others.seating[lane].tolist()),
            int(self.opening[lane]),
            [tuple(move) for move in moves] if self.game.controls else moves,
            tuple(self.returns[lane].tolist()),
            int(self.number[lane]),
        )

    def state(self) -> dict[str, Any]:
        """Every array that the rest of these games depends on."""
        kept = {name: getattr(self, name) for name in _LANES}
        longest = int(self.rows["ply"].max())
        moves = self.moves[:, : longest + 1].copy()
        moves[np.arange(moves.shape[1]) >= self.rows["ply"][:, None]] = 0  # of games before these
        return {
            **kept,
            "moves": moves,
            "begun": self.begun,
            "starting": self.starting,
            "memory": dict(self.memory),
            "before": dict(self.before),
            "waiting": self.waiting,
            "kept": dict(self.kept),
            "others": self.others.state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Goes on exactly where `state` was taken.

        With fewer lanes than then, the games in those that are gone end here; with more, the others begin new games.
        """
        lanes, seats = self.settings.lanes, self.game.seats
        kept = min(len(state["rng"]), lanes)
        for name in _LANES:
            if name in state:  # runs of before there were openings have none
                getattr(self, name)[:kept] = state[name][:kept]
        self.moves = np.zeros((lanes, *state["moves"].shape[1:]), self.moves.dtype)
        self.moves[:kept] = state["moves"][:kept]
        self.begun = int(state["begun"])
        if "guests" in state["others"]:
            self.others = Guests(self.game, lanes)
        self.others.restore(state["others"], kept)
        self.starting[: kept * seats] = state["starting"][: kept * seats]
        for memory, was in ((self.memory, state["memory"]), (self.before, state["before"])):
            put(memory, np.arange(kept * seats), {name: array[: kept * seats] for name, array in was.items()})
        still = state["waiting"] < kept * seats
        self.waiting = state["waiting"][still]
        self.kept = {name: array[still] for name, array in state["kept"].items()}
        if kept < lanes:
            self._begin(np.arange(kept, lanes))


_LANES = ("rows", "rng", "seeds", "number", "returns", "opening")
