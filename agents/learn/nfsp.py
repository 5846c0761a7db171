"""NFSP: a best response by DQN, and beside it the average of all best responses so far, learned from their moves.

Heinrich & Silver 2016, "Deep reinforcement learning from self-play in imperfect-information games", arXiv:1603.01121:
fictitious play (Brown 1951) with networks. In two-seat zero-sum games it is the average that nears an equilibrium, so
the average is the policy that the agent plays; in games of one seat it nears the best policy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from agents.agent import Unable
from agents.experience import Columns
from agents.learn import descent
from agents.learn.dqn import DQN, DQNSettings
from agents.learn.learner import Metrics, State
from agents.losses import chosen_and_entropy
from agents.networks import Network
from agents.ranges import within
from agents.reservoir import Reservoir
from agents.rollouts import RolloutSettings
from envs.game import Game


@dataclass(frozen=True)
class NFSPSettings(DQNSettings):
    """How NFSP learns; in brackets what the paper takes for Leduc. What is not named here is DQN's.

    eta            share of a seat's games in which the best response moves; in the others it is the average (0.1)
    discount       of what comes a decision later (1)
    batch          entries a step of either network (128)
    learning_rate  of the best response's Adam, at the beginning (SGD, 0.1)
    average_rate   of the average's Adam, at the beginning (SGD, 0.005)
    final_rate     share of both at the end of the run, reached in a straight line (1)
    reuse          how often a transition is learned from, on average (2)
    replay         newest transitions held, of all games (200,000)
    reservoir      moves of best responses held, an even sample of all there ever were (2,000,000)
    epsilon        how often the best response strays, at the beginning (0.06)
    explore        share of the run in which that falls to never, in a straight line (1)
    target_every   steps after which the target network is made anew (300)
    steps          rewards that are summed before the network is asked what follows; above 1 they are not all the best
                   response's own (1)
    """

    eta: float = 0.1
    discount: float = 1.0
    batch: int = 128
    learning_rate: float = 2e-3
    average_rate: float = 2e-3
    reuse: float = 2.0
    replay: int = 200_000
    reservoir: int = 500_000
    epsilon: float = 0.06
    explore: float = 1.0
    target_every: int = 100
    steps: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        within(self, eta="(0, 1]", average_rate="(0, inf)", reservoir="[1, inf)")


class NFSP(DQN):
    """The learner: DQN's, and the average policy with its reservoir and an optimiser of its own."""

    playing = RolloutSettings(lanes=256, steps=8)
    reads = (*DQN.reads, "responds")
    settings: NFSPSettings

    @staticmethod
    def parts(game: Game, settings: Any) -> tuple[str, tuple[str, ...]]:
        """DQN's body and head, and beside it a policy; each of the two has its own body."""
        if game.controls:
            raise Unable(f"NFSP chooses among actions, and those of {game.name} are vectors; train it with ppo.")
        body, (q,) = DQN.parts(game, settings)
        return body, ("policy", f"{q}{',' if ':' in q else ':'}eta={settings.eta}")

    def __init__(self, game: Game, network: Network, settings: NFSPSettings, seed: int) -> None:
        if "policy" not in network.heads or "q" not in network.apart:
            raise Unable(f"NFSP's network has the heads policy and q:eta=0.1, not {', '.join(network.head_specs)}.")
        super().__init__(game, network, settings, seed)
        self.reservoir = Reservoir(settings.reservoir)
        policy = [
            weight for name, weight in network.named_parameters() if not name.startswith(("apart.q.", "heads.q."))
        ]
        self.average_optimiser = torch.optim.Adam(policy, lr=settings.average_rate, fused=True)

    def straying(self, progress: float) -> float:
        """Differs: the paper's falls with the inverse square root of the iterations."""
        return descent.line(self.settings.epsilon, 0.0, progress / max(self.settings.explore, 1e-9))

    def update(self, experience: Columns, progress: float) -> Metrics:
        """Takes experience into both memories, and takes as many steps with the average as DQN with the response."""
        s = self.settings
        moved = experience["valid"] & experience["responds"]
        own = {name: experience[name][moved] for name in ("obs", "legal", "action")}
        if len(own["action"]):
            self.reservoir.add(own, self.generator)
        before = self.updates
        metrics = super().update(experience, progress)
        descent.set_rate(self.average_optimiser, s.average_rate * descent.line(1.0, s.final_rate, progress))
        count = self.updates - before if len(self.reservoir) else 0
        losses = [self.imitate() for _ in range(count)]
        metrics |= {"train/average_loss": float(np.mean(losses))} if losses else {}
        return {**metrics, "train/reservoir": len(self.reservoir)}

    def imitate(self) -> float:
        """One step of the average towards what best responses did: down - log Pi(a | s) (section 4)."""
        drawn = self.reservoir.draw(self.settings.batch, self.generator)
        batch = {name: torch.from_numpy(array) for name, array in drawn.items()}
        log_p, _ = chosen_and_entropy(self.network(batch["obs"], ("policy",)), batch["legal"], batch["action"])
        loss = -log_p.mean()
        what = "NFSP's average's loss"
        descent.descend(self.network, self.average_optimiser, loss, what, self.steps, self.settings.gradient)
        return loss.item()

    def state(self) -> State:
        average = self.average_optimiser.state_dict()["state"]
        return {**super().state(), "average": average, "reservoir": self.reservoir.state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        super().restore(state)
        descent.restore_optimiser(self.average_optimiser, state["average"])
        self.reservoir.restore(state["reservoir"], self.generator)
