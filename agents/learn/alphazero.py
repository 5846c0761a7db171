"""AlphaZero: a network learns what a search guided by it finds (Silver et al. 2017, 2018, arXiv:1712.01815).

The loss is theirs, l = (z - v)^2 - pi^T log p + c |theta|^2, with a cross-entropy in place of the square (see
`losses.value_cross_entropy`), z mixed with the search's own value, and decoupled weight decay.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from agents.agent import require_open
from agents.experience import Columns, Window
from agents.hardware import native_bfloat16
from agents.learn import descent
from agents.learn.learner import Metrics, State
from agents.losses import entropy, policy_cross_entropy, value_cross_entropy
from agents.networks import Network, Weights, follow, weights
from agents.ranges import within
from agents.self_play import SelfPlay
from envs import kernels
from envs.game import Game


@dataclass(frozen=True)
class AlphaZeroSettings:
    """How AlphaZero learns.

    batch           positions a step
    learning_rate   of AdamW, at its highest
    warm_steps      steps in which it rises from 0
    final_share     share of the highest to which it falls over the last part of the run
    fall_from       where that part begins, as a share of the run
    weight_decay    decoupled; on weights of layers alone
    reuse           how often a position is learned from before it leaves the window, on average
    window          positions held at the end of the run
    window_start    positions held at the beginning: early games are soon wrong
    window_share    between the two, share of all positions so far that are held (Wu 2019 lets it grow likewise)
    search_share    value target: this much of the search's values blended over the game, the rest the result
    value_weight, left_weight  of the losses beside the policy's
    average         decay a step of the averaged weights, which play (Polyak & Juditsky 1992)
    clip            largest norm of a gradient
    precision       of all but the last layers: bfloat16, float32, or auto = bfloat16 where the machine computes in it
    """

    batch: int = 512
    learning_rate: float = 2e-3
    warm_steps: int = 200
    final_share: float = 0.05
    fall_from: float = 0.5
    weight_decay: float = 1e-3
    reuse: float = 4.0
    window: int = 400_000
    window_start: int = 20_000
    window_share: float = 0.5
    search_share: float = 0.5
    value_weight: float = 1.0
    left_weight: float = 0.1
    average: float = 0.995
    clip: float = 4.0
    precision: Literal["auto", "bfloat16", "float32"] = "auto"

    def __post_init__(self) -> None:
        within(self, batch="[1, inf)", learning_rate="(0, inf)", warm_steps="[0, inf)", weight_decay="[0, inf)")
        within(self, final_share="[0, 1]", fall_from="[0, 1]", reuse="(0, inf)", clip="(0, inf)")
        within(self, window="[1, inf)", window_start="[1, inf)", window_share="[0, 1]", search_share="[0, 1]")
        within(self, value_weight="[0, inf)", left_weight="[0, inf)", average="[0, 1)")
        if min(self.window, self.window_start) < self.batch:
            raise ValueError(
                f"window ({self.window:,}) and window_start ({self.window_start:,}) must each hold a batch "
                f"of {self.batch:,}; raise them, or lower batch."
            )


class AlphaZero:
    """The learner: a network, its averaged twin, the window of experience and the optimiser."""

    player = "self_play"
    playing = SelfPlay()
    ahead = True
    reads = ("rows", "policy", "outcome", "blend", "left")

    @staticmethod
    def parts(game: Game, settings: AlphaZeroSettings) -> tuple[str, tuple[str, ...]]:
        """A residual tower; refuses games that no search can look into."""
        require_open("AlphaZero", game)
        return "resnet", ("policy:planes=32", "value:planes=32,width=128", "left")

    def __init__(self, game: Game, network: Network, settings: AlphaZeroSettings, seed: int) -> None:
        self.game, self.settings = game, settings
        self.network = network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        self.half = settings.precision == "bfloat16" or (settings.precision == "auto" and native_bfloat16())
        self.average = deepcopy(network).eval().requires_grad_(False)
        self.window = Window(settings.window)
        self.generator = np.random.default_rng([seed, 7])
        self.steps = 0
        self.owed = 0.0
        plain = [p for p in network.parameters() if p.ndim < 2]
        decayed = [p for p in network.parameters() if p.ndim >= 2]
        self.optimiser = torch.optim.AdamW(
            [{"params": decayed, "weight_decay": settings.weight_decay}, {"params": plain, "weight_decay": 0.0}],
            lr=settings.learning_rate,
        )
        turns = [np.arange(int(np.prod(game.shape[1:])))] + [s.cells for s in game.symmetries]
        moves = [np.arange(game.actions)] + [s.actions for s in game.symmetries]
        self.cells, self.moves = np.stack(turns), np.stack(moves)

    def update(self, experience: Columns, progress: float) -> Metrics:
        """Takes new positions in and learns `reuse` times as many from the window."""
        self.window.add({name: experience[name] for name in self.reads})
        s = self.settings
        due, self.owed = descent.due(self.owed, len(experience["policy"]), s.reuse, s.batch)
        self.network.train()
        metrics = descent.means([self.step(progress) for _ in range(due)])
        return {**metrics, "train/steps": self.steps, "train/window": self.held(), "train/positions": self.window.added}

    def held(self) -> int:
        """How many of the newest positions are learned from now."""
        s = self.settings
        return int(min(s.window, max(s.window_start, s.window_share * self.window.added)))

    def rate(self, progress: float) -> float:
        """The learning rate now: a rise, a plateau, and a cosine down over the last part of the run."""
        s = self.settings
        warm = min(1.0, (self.steps + 1) / max(1, s.warm_steps))
        through = max(0.0, (progress - s.fall_from) / (1.0 - s.fall_from)) if s.fall_from < 1.0 else 0.0
        fall = s.final_share + (1.0 - s.final_share) * 0.5 * (1.0 + math.cos(math.pi * min(1.0, through)))
        return s.learning_rate * warm * fall

    def batch(self) -> dict[str, torch.Tensor]:
        """A batch from the window, each position turned by a symmetry drawn for it."""
        s = self.settings
        at = self.window.sample(s.batch, self.held(), self.generator)
        kept = self.window.columns
        view = kernels.view(self.game, kept["rows"][at])
        turn = self.generator.integers(0, len(self.cells), s.batch)
        obs = view.obs.reshape(s.batch, self.game.shape[0], -1)
        obs = np.take_along_axis(obs, self.cells[turn][:, None], 2).reshape(view.obs.shape)
        moves = self.moves[turn]
        value = (1.0 - s.search_share) * kept["outcome"][at] + s.search_share * kept["blend"][at]
        arrays: dict[str, NDArray[Any]] = {
            "obs": obs,
            "legal": np.take_along_axis(view.legal, moves, 1),
            "policy": np.take_along_axis(kept["policy"][at], moves, 1),
            "value": value.astype(np.float32),
            "left": kept["left"][at] / self.game.max_plies,
        }
        return {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in arrays.items()}

    def step(self, progress: float) -> Metrics:
        """One step of gradient descent."""
        s = self.settings
        batch = self.batch()
        with torch.autocast("cpu", torch.bfloat16, enabled=self.half):
            out = {name: tensor.float() for name, tensor in self.network(batch["obs"]).items()}
        policy = policy_cross_entropy(out["policy"], batch["legal"], batch["policy"])
        value = value_cross_entropy(out["value"], batch["value"])
        loss = policy + s.value_weight * value
        metrics = {"loss": 0.0, "policy_loss": policy.item(), "value_loss": value.item()}
        metrics["policy_divergence"] = metrics["policy_loss"] - entropy(batch["policy"]).item()
        if "left" in out:
            left = nn.functional.binary_cross_entropy_with_logits(out["left"], batch["left"])
            loss = loss + s.left_weight * left
            metrics["left_loss"] = left.item()
        descent.set_rate(self.optimiser, self.rate(progress))
        norm = descent.descend(self.network, self.optimiser, loss, "AlphaZero's loss", self.steps, s.clip, metrics)
        metrics |= {"loss": loss.item(), "gradient": norm.item()}
        self.steps += 1
        self.average_weights()
        return metrics

    def average_weights(self) -> None:
        """Moves the averaged network towards the trained one; faster while it has seen few steps."""
        share = 1.0 - min(self.settings.average, self.steps / (self.steps + 10.0))
        follow(self.average, self.network, share)

    def weights(self) -> Weights:
        return weights(self.average)

    def state(self) -> State:
        own = {"steps": self.steps, "owed": self.owed, "window": self.window.state()}
        own["average"] = self.average.state_dict()
        return descent.state(self.network, self.optimiser, self.generator, **own)

    def restore(self, state: Mapping[str, Any]) -> None:
        descent.restore(self.network, self.optimiser, self.generator, state)
        self.average.load_state_dict(state["average"])
        self.window.restore(state["window"])
        self.steps, self.owed = int(state["steps"]), float(state["owed"])
