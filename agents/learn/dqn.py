"""DQN: a network learns what each action is worth, from memories drawn at random (Mnih et al. 2013, 2015).

"Human-level control through deep reinforcement learning", Nature 518:529. The target network is of 2015; the switches
are later papers', named where they act. By default two are on: it is double, and returns sum five rewards, uncorrected
for actions that it would choose otherwise by now; `double=false` and `steps=1` are the paper's. A network that
remembers learns from whole tracks of a fragment, which begin with what it remembered when they were played (R2D2,
Kapturowski et al. 2019, "Recurrent experience replay in distributed reinforcement learning", ICLR).
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from torch import Tensor

from agents.agent import Unable
from agents.experience import Columns
from agents.heads import Q
from agents.learn import descent
from agents.learn import policy_gradient as shared
from agents.learn.learner import Metrics, State, along
from agents.losses import beyond, huber, projected, q_of
from agents.networks import Network, Weights, weights
from agents.ranges import within
from agents.replay import Replay, roomy, sequences, transitions
from agents.rollouts import RolloutSettings
from agents.stem import see
from envs.game import Game


@dataclass(frozen=True)
class DQNSettings:
    """How DQN learns; in brackets what the paper takes for Atari.

    discount       of what comes a decision later (0.99)
    batch          transitions a step (32)
    learning_rate  of Adam, at the beginning (RMSProp, 2.5e-4)
    final_rate     share of it at the end of the run, reached in a straight line (1)
    reuse          how often a transition is learned from, on average (8)
    replay         transitions held (1,000,000)
    learn_from     transitions to be made before the first step (50,000)
    target_every   steps after which the target network is made anew (10,000)
    explore        share of the run in which straying falls from always to `epsilon` in a straight line (0.02)
    epsilon        how often the mover strays from then on (0.1)
    gradient       largest norm of a gradient
    steps          rewards that are summed before the network is asked what follows (1; 3 in Hessel et al. 2018)
    double         the online network chooses the next action, the target network says what it is worth
    dueling        the head adds up a position's value and each action's advantage
    prioritised    how much surprise counts when transitions are drawn (0; 0.6 in Schaul et al.)
    correction     how much of the bias of that is taken back, at the beginning; all of it at the end (0.4)
    atoms          above 1: a distribution over so many returns between low and high (51 in Bellemare et al.)
    low, high      the least and the most return that such a distribution knows; what lies beyond counts as these
    burn_in        decisions at the head of a track that only bring a memory up to date (40 of 80 in R2D2); they are
                   never learned from, for tracks do not overlap here as they do there, by half
    """

    discount: float = 0.99
    batch: int = 64
    learning_rate: float = 2e-3
    final_rate: float = 0.1
    reuse: float = 16.0
    replay: int = 20_000
    learn_from: int = 1_000
    target_every: int = 40
    explore: float = 0.2
    epsilon: float = 0.04
    gradient: float = 10.0
    steps: int = 5
    double: bool = True
    dueling: bool = False
    prioritised: float = 0.0
    correction: float = 0.4
    atoms: int = 1
    low: float = -10.0
    high: float = 10.0
    burn_in: int = 0

    def __post_init__(self) -> None:
        within(self, discount="[0, 1]", batch="[1, inf)", learning_rate="(0, inf)", reuse="(0, inf)", steps="[1, inf)")
        within(self, replay="[1, inf)", learn_from="[0, inf)", target_every="[1, inf)", explore="[0, 1]")
        within(self, epsilon="[0, 1]", gradient="(0, inf)", prioritised="[0, 1]", correction="[0, 1]", atoms="[1, inf)")
        within(self, final_rate="[0, 1]", burn_in="[0, inf)")
        if self.atoms > 1 and not self.low < self.high:
            raise ValueError(f"low must be below high, and {self.low} is not below {self.high}.")
        roomy(self.replay, self.batch)


BEYOND = 0.1
"""The share of returns beyond `low` or `high` above which it is told."""


def require_rest(burn_in: int, steps: int) -> None:
    """Raises `Unable` where tracks of so many decisions have none left to learn from."""
    if burn_in >= steps:
        raise Unable(f"burn_in = {burn_in} leaves nothing to learn from; set rollouts.steps above it.")


class Asked(NamedTuple):
    """What the networks say of n decisions that are learned from."""

    chosen: Tensor
    """[n] what the action is worth, or its log-odds [n, atoms]."""
    after: Tensor
    """[n, ...] likewise of the best action of the next position."""
    reward: Tensor
    left: Tensor
    row: Tensor
    """[n] which of those that were drawn each is of."""


class DQN:
    """The learner: a network, its target, the replay and an optimiser."""

    player = "rollouts"
    playing = RolloutSettings(lanes=16, steps=8)
    ahead = True
    reads: tuple[str, ...] = ("obs", "legal", "action", "reward", "done", "valid")

    @staticmethod
    def parts(game: Game, settings: DQNSettings) -> tuple[str, tuple[str, ...]]:
        """A body that suits the observation, normalised layer by layer, with a head of the actions' returns.

        Differs: the paper's network has no normalisation. Without it values run away when the target is renewed often.
        """
        if game.controls:
            raise Unable(f"DQN chooses among actions, and those of {game.name} are vectors; train it with ppo.")
        s = settings
        options = []
        if s.dueling:
            options.append("dueling=true")
        if s.atoms > 1:
            options.append(f"atoms={s.atoms},low={s.low},high={s.high}")
        return shared.normed(game), (f"q:{','.join(options)}" if options else "q",)

    @staticmethod
    def match(settings: DQNSettings, playing: RolloutSettings, game: Game, *, workers: int, remembers: bool) -> None:
        if remembers:
            require_rest(settings.burn_in, playing.steps)

    def __init__(self, game: Game, network: Network, settings: DQNSettings, seed: int) -> None:
        self.game, self.settings, self.reads = game, settings, along(self.reads, network)
        self.network = network.eval()
        self.target = deepcopy(self.network).requires_grad_(False)
        self.head = cast(Q, self.network.heads["q"])
        self.replay = Replay(settings.replay, settings.prioritised)
        self.steps = self.updates = 0
        self.owed = self.beyond = 0.0
        self.generator = np.random.default_rng([seed, 7])
        self.optimiser = torch.optim.Adam(network.parameters(), lr=settings.learning_rate, fused=True)

    def update(self, experience: Columns, progress: float) -> Metrics:
        """Takes transitions in, and learns from `reuse` times as many."""
        s = self.settings
        count = self._remember(experience)
        self.steps += count
        self.head.epsilon.fill_(self.straying(progress))
        rate = s.learning_rate * descent.line(1.0, s.final_rate, progress)
        descent.set_rate(self.optimiser, rate)
        due = 0
        if self.steps >= s.learn_from and len(self.replay):
            due, self.owed = descent.due(self.owed, count, s.reuse, s.batch)
        correction = descent.line(s.correction, 1.0, progress)
        measured = descent.means([self.step(correction) for _ in range(due)])
        self.beyond = measured.get("train/beyond", self.beyond)
        see(experience, self.network, self.target)
        return {
            **measured,
            "train/learning_rate": rate,
            "train/n_updates": self.updates,
            "rollout/exploration_rate": self.head.epsilon.item(),
        }

    def straying(self, progress: float) -> float:
        """How often the mover strays."""
        return descent.line(1.0, self.settings.epsilon, progress / max(self.settings.explore, 1e-9))

    def _remember(self, experience: Columns) -> int:
        """Puts a fragment's decisions into the replay; returns how many there are to learn from."""
        s = self.settings
        if not self.network.memory:
            fresh = transitions(experience, s.discount, s.steps)
            self.replay.add(fresh)
            return len(fresh["action"])
        # Differs: R2D2's tracks overlap, so that what is burn-in in one is learned from in another.
        fresh = sequences(experience, s.discount, s.steps, s.burn_in)
        count, length = int(fresh["learned"].sum()), fresh["learned"].shape[1]
        require_rest(s.burn_in, length - 2)  # a fragment has two entries more than `steps`
        if not len(self.replay):
            self.replay = Replay(max(1, s.replay // length), s.prioritised)
        if count:
            self.replay.add(fresh)
        return count

    def step(self, correction: float) -> dict[str, float]:
        """One step of gradient descent on a batch of memories (algorithm 1)."""
        s = self.settings
        length = self.replay.window.columns["learned"].shape[1] if self.network.memory else 1
        drawn = max(1, s.batch // length)
        places, weight = self.replay.draw(drawn, correction if s.prioritised else 0.0, self.generator)
        batch = {name: torch.from_numpy(array) for name, array in self.replay.take(places).items()}
        asked = self._along(batch) if self.network.memory else self._singly(batch)
        told: dict[str, float] = {}
        if s.atoms > 1:
            what_follows = (asked.after.softmax(1), asked.reward, asked.left, self.head.support.cpu())
            wanted, told["beyond"] = projected(*what_follows), beyond(*what_follows).mean().item()
            error = -(wanted * torch.log_softmax(asked.chosen, 1)).sum(1)  # Bellemare et al. 2017, algorithm 1
            surprise = error.detach()
        else:
            difference = asked.chosen - (asked.reward + asked.left * asked.after)
            error, surprise = huber(difference), difference.detach().abs()
        loss = (torch.from_numpy(weight)[asked.row] * error).mean()
        descent.descend(self.network, self.optimiser, loss, "DQN's loss", self.steps, s.gradient)
        if s.prioritised:
            self.replay.reweigh(places, self._priority(surprise, asked.row, drawn).numpy() + 1e-3)
        self.updates += 1
        if self.updates % s.target_every == 0:
            self.target.load_state_dict(self.network.state_dict())
        return {"loss": loss.item(), "q": float(self.head.expected(asked.chosen.detach()[:, None]).mean()), **told}

    def _singly(self, batch: Mapping[str, Tensor]) -> Asked:
        chosen = q_of(self.network(batch["obs"], ("q",))["q"], batch["action"])
        after = self._after(batch["next_obs"], batch["next_legal"])
        return Asked(chosen, after, batch["reward"], batch["left"], torch.arange(len(chosen)))

    def _along(self, batch: Mapping[str, Tensor]) -> Asked:
        """The same of tracks, by what both networks remember along them; through the burn-in no gradient flows."""
        burn = self.settings.burn_in
        carried = {name: batch[f"memory.{name}"] for name in self.network.memory}
        obs, fresh = batch["obs"], batch["fresh"]
        with torch.no_grad():
            worth = self.target.unroll(obs, carried, fresh)[0]["q"][:, burn:]
            if burn:
                carried = self.network.unroll(obs[:, :burn], carried, fresh[:, :burn])[1]
        q = self.network.unroll(obs[:, burn:], carried, fresh[:, burn:])[0]["q"]
        row, at = batch["learned"][:, burn:].nonzero(as_tuple=True)
        told = {name: batch[name][:, burn:][row, at] for name in ("action", "reward", "left", "ahead")}
        after = (told["ahead"] - burn).clamp_min(0)  # after an end it is multiplied by 0, wherever it is
        judge = q.detach() if self.settings.double else worth
        best = self._best(judge[row, after], batch["legal"][row, told["ahead"]])
        return Asked(q_of(q[row, at], told["action"]), q_of(worth[row, after], best), told["reward"], told["left"], row)

    @torch.no_grad()
    def _after(self, obs: Tensor, legal: Tensor) -> Tensor:
        """What the best legal action of the next positions is worth: [B], or its log-odds [B, atoms].

        Double (van Hasselt et al. 2016, arXiv:1509.06461): best in the online network's eyes, worth by the target's.
        """
        worth = self.target(obs, ("q",))["q"]
        judge = self.network(obs, ("q",))["q"] if self.settings.double else worth
        return q_of(worth, self._best(judge, legal))

    def _best(self, judge: Tensor, legal: Tensor) -> Tensor:
        return self.head.expected(judge).masked_fill(~legal, -torch.inf).argmax(1)

    def _priority(self, surprise: Tensor, row: Tensor, drawn: int) -> Tensor:
        """[drawn] a decision's surprise, or a track's as R2D2 has it: 0.9 of the most and 0.1 of the mean."""
        if not self.network.memory:
            return surprise
        most = torch.zeros(drawn).scatter_reduce(0, row, surprise, "amax")
        mean = torch.zeros(drawn).scatter_reduce(0, row, surprise, "mean", include_self=False)
        return 0.9 * most + 0.1 * mean

    def warnings(self) -> tuple[str, ...]:
        """What goes wrong just now."""
        if self.beyond <= BEYOND:
            return ()
        s = self.settings
        return (
            f"{self.beyond:.0%} of the returns that are learned lie beyond learner.low = {s.low:g} or learner.high = "
            f"{s.high:g} and count as these; set them to the least and the most that a game returns.",
        )

    def weights(self) -> Weights:
        return weights(self.network)

    def state(self) -> State:
        own = {"steps": self.steps, "updates": self.updates, "owed": self.owed, "replay": self.replay.state()}
        own["target"] = self.target.state_dict()
        return descent.state(self.network, self.optimiser, self.generator, **own)

    def restore(self, state: Mapping[str, Any]) -> None:
        descent.restore(self.network, self.optimiser, self.generator, state)
        self.target.load_state_dict(state["target"])
        if self.network.memory:
            self.replay = Replay(int(state["replay"]["capacity"]), self.settings.prioritised)
        self.replay.restore(state["replay"])
        self.steps, self.updates, self.owed = int(state["steps"]), int(state["updates"]), float(state["owed"])
