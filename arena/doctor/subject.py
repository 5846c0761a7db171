"""An algorithm under examination: made again and again for small games, with settings for learning those fast."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from torch import nn

from agents.agent import Unable
from agents.experience import Columns
from agents.learn.learner import Learner, Player
from agents.networks import Network
from agents.registry import ALGORITHMS, PLAYERS
from arena.config import LEARNERS, load
from arena.sections import ConfigError
from envs.game import Game
from envs.registry import game as game_of
from envs.registry import resolve

DISCOUNT = 0.5
"""Low, so that what is a decision away can be told from what is now."""

CHANGES: dict[str, Any] = {
    "average": 0.9, "batch": 64, "discount": DISCOUNT, "entropy": 0.0, "epochs": 2, "epsilon": 0.2, "explore": 0.0,
    "final_rate": 1.0, "learn_from": 64, "learning_rate": 1e-2, "precision": "float32", "target_every": 20,
    "warm_steps": 0, "weight_decay": 0.0, "window": 5_000, "window_start": 2_000, "final_share": 1.0,
    "epsilon_end": 1.0, "history": 0.0, "round": 10_000, "value_clip": 0.0,
}  # fmt: skip
"""Of the settings that a learner has of these."""

OWN: dict[str, dict[str, Any]] = {
    "a2c": {"final_rate": 0.1},
    "pqn": {"learning_rate": 3e-3},
    "nfsp": {"reuse": 8.0, "eta": 0.5},
    "sac": {"learning_rate": 3e-3, "reuse": 32.0},
    "td3": {"learning_rate": 3e-3, "reuse": 32.0, "noise": 0.5},
    "ddpg": {"learning_rate": 3e-3, "reuse": 32.0, "noise": 0.5},
}
FIXED = ("discount", "learn_from", "window", "window_start", "warm_steps", "round")
"""Settings that nobody else may give: by the first the worlds' truths are known, by the others so little is enough."""
GRID, BOARD, CARDS = "frozen_lake:slippery=false", "tic_tac_toe", "kuhn"
"""Small games that are in the arena anyway."""
SIZES = {"ppo": (16, 16, 6_000), "pqn": (8, 8, 6_000), "impala": (8, 8, 6_000), "sac": (8, 8, 1_500)}
"""Lanes, decisions a fragment, and decisions in all; `USUAL` for the others."""
USUAL = (8, 8, 4_000)


@dataclass
class Trial:
    """A learner with its player, in one game."""

    learner: Learner
    player: Player | None

    def collect(self) -> Columns:
        """Experience by the learner's newest weights."""
        assert self.player is not None
        self.player.load(self.learner.weights())
        return self.player.collect(200)[0]

    def learn(self, columns: Columns, progress: float = 0.0) -> None:
        """One update from what the learner reads of the columns."""
        self.learner.update({name: columns[name] for name in self.learner.reads}, progress)

    def train(self, steps: int, goal: float = float("inf")) -> None:
        """Plays and learns until the learner has come so far, on a run that ends at `goal`."""
        while self.learner.steps < steps:
            progress = self.learner.steps / goal
            self.learn(self.collect() if self.player is not None else {}, progress)

    @property
    def network(self) -> Network:
        """The network that learns."""
        network = getattr(self.learner, "network", None)
        if not isinstance(network, Network):
            raise Unable("it has no network to look into")
        return network

    def parameters(self) -> Iterator[tuple[str, nn.Parameter]]:
        """All that it trains, by names like "backbone.layers.0.weight" and "heads.policy.out.weight"."""
        seen: set[int] = set()
        for name, part in vars(self.learner).items():
            for path, parameter in part.named_parameters() if isinstance(part, nn.Module) else ():
                if parameter.requires_grad and id(parameter) not in seen:
                    seen.add(id(parameter))
                    yield (path if name == "network" else f"{name}.{path}"), parameter


class Subject:
    """One algorithm with one backbone, one seed, and settings that are tried in place of the doctor's."""

    def __init__(
        self, algorithm: str, backbone: str = "", seed: int = 0, given: Mapping[str, Any] | None = None
    ) -> None:
        self.algorithm, self.seed, self.given = algorithm, seed, dict(given or {})
        self.kind = resolve(ALGORITHMS, algorithm, "algorithm")
        self.default = resolve(LEARNERS, algorithm, "settings")()
        self.backbone = backbone or "mlp:width=32"
        self.lanes, self.length, self.enough = SIZES.get(algorithm, USUAL)

    @property
    def player(self) -> str:
        """What gathers its experience."""
        return self.kind.player

    def settings(self, **more: Any) -> Any:
        """The algorithm's settings, changed so that small worlds are learned fast, but for those that were given."""
        known = {field.name for field in fields(self.default)}
        changes = {**CHANGES, **OWN.get(self.algorithm, {}), **more, **self.given}
        return replace(self.default, **{name: value for name, value in changes.items() if name in known})

    def playing(self, **more: Any) -> Any:
        """The player's settings, made small."""
        return None if self.kind.playing is None else replace(self.kind.playing, **more)

    def small_game(self) -> str:
        """The first of some small games that it can learn; raises Unable if it learns none of them."""
        for name in (GRID, "point_mass", BOARD, CARDS):
            try:
                self.kind.parts(game_of(name), self.settings())
            except Unable:
                continue
            return name
        raise Unable("it learns none of the games that this is tried in")

    def trial(self, game: Game, backbone: str = "", playing: Any = None, **more: Any) -> Trial:
        """A fresh learner of a game and its player; raises Unable for a game that it cannot learn."""
        settings = self.settings(**more)
        body, heads = self.kind.parts(game, settings)
        network = Network(game, backbone or self.backbone, heads, seed=self.seed) if body else None
        learner = self.kind(game, network, settings, self.seed)
        if network is None or not self.player:
            return Trial(learner, None)
        playing = playing or self.playing(lanes=self.lanes, steps=self.length)
        kind = resolve(PLAYERS, self.player, "player")
        return Trial(learner, kind.of(Network(game, network.spec, heads), playing, self.seed, "torch"))


def decided(columns: Columns, name: str) -> np.ndarray:
    """[n, ...] one column of a fragment's decisions."""
    return columns[name][columns["valid"]]


def learner_settings(algorithm: str, overrides: Sequence[str]) -> dict[str, Any]:
    """What `learner.key=value` overrides come to, by name; raises ValueError for those that cannot be tried."""
    for text in overrides:
        section, _, rest = text.partition("=")[0].strip().partition(".")
        name = rest.partition(".")[0]
        if section != "learner" or name == "algorithm":
            raise ConfigError(f"--set {text}: the doctor tries settings of the learner, as --set learner.NAME=VALUE.")
        if name in FIXED:
            raise ConfigError(f"--set {text}: the doctor's worlds have a {name} of their own; leave it out.")
    subject = Subject(algorithm)
    fixed = [f"learner.algorithm={algorithm}", f"game.name={subject.small_game()}"]
    chosen = load(None, [*overrides, *fixed]).learner
    names = {text.partition("=")[0].split(".")[1].strip() for text in overrides}
    subject.given = {name: getattr(chosen, name) for name in sorted(names)}
    subject.settings()
    return subject.given
