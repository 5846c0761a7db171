"""Deep CFR of whole hands: regrets of what was not played are added up, and networks learn what these make of it.

Brown et al. 2019, "Deep counterfactual regret minimization", arXiv:1811.00164: hands are played by a network, what each
action would have paid more than was got is added up for each information set, and the network learns to play by regret
matching; another learns the mean of all that was played, which nears an equilibrium and is the agent. What is not in
the paper is marked `Differs`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from agents.agent import Unable
from agents.experience import Columns
from agents.hands import Hands, hindrance
from agents.learn import descent
from agents.learn import policy_gradient as shared
from agents.learn.information import Information
from agents.learn.learner import Metrics, State
from agents.learn.mean_strategy import MeanStrategy, learn
from agents.networks import Network, Weights, weights
from agents.ranges import within
from agents.stem import see
from envs.game import Game

TABLES = ("regrets", "visits", "worth")
RECENT = 0.05
"""What the last round weighs in how often a set is visited, and in what it is worth."""


@dataclass(frozen=True)
class DeepCFRSettings:
    """How deep CFR learns.

    hands          whole games a round, which the network plays at all the seats (`agents.hands`)
    explore        share of their moves that are drawn evenly, so that answers to rare moves are learned, too
    even           decisions that an action's regret of a round is brought towards 0 by
    passes         steps of the network that plays, a round; the mean's takes one
    batch          information sets a step
    learning_rate  of both networks' Adam, at the beginning
    final_rate     share of it at the end of the run, reached in a straight line
    average        share of the decisions so far over which strategies are averaged; 0.5 weighs them in a line
    """

    hands: int = 20_000
    explore: float = 0.2
    even: float = 5.0
    passes: int = 4
    batch: int = 4096
    learning_rate: float = 5e-3
    final_rate: float = 0.1
    average: float = 0.4

    def __post_init__(self) -> None:
        within(self, hands="[1, 1000000]", explore="[0, 1)", even="(0, inf)", passes="[1, inf)", batch="[2, inf)")
        within(self, learning_rate="(0, inf)", final_rate="[0, 1]", average="(0, 1]")


class DeepCFR:
    """The learner: the hands that it plays by itself, regrets, a network that plays by them, and the mean's.

    regrets  [S, A] of the actions in the information sets that have come up
    visits   [S] how often these come up in a round, lately     worth  [S] what play pays its seat from there, lately
    """

    player = ""
    playing = None
    ahead = False
    reads: tuple[str, ...] = ()

    @staticmethod
    def parts(game: Game, settings: DeepCFRSettings) -> tuple[str, tuple[str, ...]]:
        """A body that suits the observation, twice as wide as others', with a policy and the returns it expects."""
        zero_sum = game.seats == 2 and game.pays in ("result", "zero-sum")
        if not (game.hidden and zero_sum and game.key is not None) or game.simultaneous or game.foreign:
            raise Unable(
                f"Deep CFR plays games of two seats in turn, of which one wins what the other loses, and that hide "
                f"something and number what a seat knows; {game.name} is none. Train it with ppo."
            )
        body = shared.body(game)
        return ("mlp:layers=2,width=128" if body.startswith("mlp") else body), shared.heads(game)

    def __init__(self, game: Game, network: Network, settings: DeepCFRSettings, seed: int) -> None:
        if reason := hindrance(network):
            raise Unable(f"Deep CFR plays whole hands, which it cannot here, for {reason}.")
        self.game, self.settings, self.steps = game, settings, 0
        self.network, self.mean = network.eval(), network.twin()
        self.hands = Hands(network.twin(), settings.hands, seed, settings.explore)
        self.generator = np.random.default_rng([seed, 9])
        self.optimiser = torch.optim.Adam(network.parameters(), lr=settings.learning_rate, eps=1e-5, fused=True)
        self.sets = Information(game)
        self.strategy = MeanStrategy(self.mean, self.sets, settings.learning_rate)
        self.regrets, self.visits, self.worth = np.zeros((0, game.actions)), np.zeros(0), np.zeros(0)

    def update(self, experience: Columns, progress: float) -> Metrics:
        """Plays a round of hands, adds up the regrets, and takes the steps of both networks."""
        s = self.settings
        self.hands.load(weights(self.network))
        hands, told = self.hands.collect(0)
        taken = int(hands["count"].sum())
        self.steps += taken
        share = taken / max(taken, s.average * self.steps)
        at = self.sets.meet(hands)
        rate = s.learning_rate * descent.line(1.0, s.final_rate, progress)
        own = self.strategy.follow(self.network, share, rate, s.batch, self.generator)  # of what has just been played
        self._add_up(at, hands)
        descent.set_rate(self.optimiser, rate)
        target, worth = matched(self.regrets, self.sets.legal), torch.from_numpy(self.worth).float()
        # Differs: the network learns regret matching's policy, and not the regrets; and goes on from where it was.
        losses = [
            learn(
                self.network, self.optimiser, self.sets, target, np.sqrt(self.visits), worth, share, s.batch,
                self.generator,
            )
            for _ in range(s.passes)
        ]  # fmt: skip
        see(hands, self.network, self.mean)
        return {
            **own,
            "train/loss": float(np.mean(losses)),
            "train/learning_rate": rate,
            "train/information_sets": len(self.sets),
            "rollout/games": s.hands,
            "rollout/ep_rew_mean": float(np.mean([one.reward[0] for one in told])),
            "rollout/ep_len_mean": taken / s.hands,
        }

    def _add_up(self, at: NDArray[np.int64], hands: Columns) -> None:
        """Adds a round's regrets, the rows of `hands` being of the sets `at`."""
        self.regrets, self.visits, self.worth = (self.sets.grown(getattr(self, name)) for name in TABLES)
        size, action = self.regrets.shape, hands["action"][:, 0]
        count, paid, policy, reach = np.zeros(size), np.zeros(size), np.zeros(size), np.ones(size[0])
        count[at, action], paid[at, action] = hands["count"][:, 0], hands["reward"][:, 0]
        policy[at, action] = np.exp(hands["log_p"][:, 0].astype(np.float64)) + 1e-9
        reach[at] = hands["reach"][:, 0]
        worth = (policy * paid).sum(1) / np.maximum(policy.sum(1), 1e-9)
        regret = (paid - worth[:, None]) * count / (count + self.settings.even)
        seen = count.sum(1)
        # It counts as often as all but its seat lead to the set. Differs: by their moves as they were drawn, those of
        # `explore` among them; and none falls below 0 (CFR+; Tammelin 2014).
        self.regrets = np.maximum(self.regrets + (seen / reach)[:, None] * regret, 0.0)
        self.visits += np.where(self.visits > 0, RECENT, 1.0) * (seen - self.visits)
        self.worth += np.where(seen > 0, RECENT, 0.0) * (worth - self.worth)

    def weights(self) -> Weights:
        return weights(self.network)

    def kept(self) -> Weights:
        """What is kept as an agent: the network of the mean strategy."""
        return weights(self.mean)

    def state(self) -> State:
        return descent.state(
            self.network,
            self.optimiser,
            self.generator,
            steps=self.steps,
            hands=self.hands.state(),
            mean=self.mean.state_dict(),
            sets=self.sets.state(),
            strategy=self.strategy.state(),
            tables={name: getattr(self, name) for name in TABLES},
        )

    def restore(self, state: Mapping[str, Any]) -> None:
        descent.restore(self.network, self.optimiser, self.generator, state)
        self.steps = int(state["steps"])
        self.hands.restore(state["hands"])
        self.mean.load_state_dict(state["mean"])
        self.sets.restore(state["sets"])
        self.strategy.restore(state["strategy"])
        for name in TABLES:
            setattr(self, name, np.array(state["tables"][name]))


def matched(regrets: NDArray[np.float64], legal: NDArray[np.bool_]) -> NDArray[np.float64]:
    """[S, A] play in proportion to positive regrets, or evenly if there are none (Hart & Mas-Colell 2000)."""
    positive = np.maximum(regrets, 0.0) * legal
    total = positive.sum(1, keepdims=True)
    return np.where(total > 0.0, positive / np.where(total > 0.0, total, 1.0), legal / legal.sum(1, keepdims=True))
