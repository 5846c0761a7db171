"""Memory: what each backbone is paid in a task that nobody solves who does not remember, after PPO has trained it.

    arena bench memory --option game=t_maze:length=200 --option backbones=mlp,lstm

A row is a backbone: the mean over seeds of what 200 games pay that it has not seen, beside the same of a perceptron,
which remembers nothing. Training ends when the last 200 games paid 0.99 on average, or after `steps` decisions.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from agents.actor import Actor, ActorAgent
from agents.learn.ppo import PPO, PPOSettings
from agents.networks import Network
from agents.rollouts import Rollouts, RolloutSettings
from arena.bench import Row
from arena.evaluation import evaluated
from arena.summary import mean_interval
from arena.text import listed
from envs import kernels
from envs.game import Game
from envs.registry import game as game_of

HELD_OUT = 10**6
"""Seeds of the games that are judged begin here; those of training are drawn otherwise."""
JUDGED = 200
SOLVED = 0.99


@dataclass(frozen=True)
class Trained:
    """How one seed ended: the mean return of the judged games, decisions and seconds of one core that it took."""

    reward: float
    steps: int
    seconds: float


def contests(
    game: str = "t_maze",
    backbones: str = "mlp,elman,gru,lstm,transformer",
    seeds: str = "3",
    steps: str = "0",
) -> Iterator[Row]:
    """One row a backbone, in the order given.

    backbones  names or specs with commas between them; a name stands for the sizes of `sized`
    steps      decisions at most; 0 = 3,000 for each ply that a game may have
    """
    torch.set_num_threads(1)
    rules = game_of(game)
    most = int(steps) or 3000 * rules.max_plies
    names = listed(backbones)
    beside = [train(rules, sized("mlp", rules.max_plies), seed, most) for seed in range(int(seeds))]
    for name in names:
        spec = sized(name, rules.max_plies)
        found = beside if name == "mlp" else [train(rules, spec, seed, most) for seed in range(int(seeds))]
        yield row(rules.name, spec, found, beside)


def sized(name: str, plies: int) -> str:
    """The spec of a backbone for tasks of so many plies: about 32 units, memory back to the first."""
    specs = {
        "mlp": "mlp:layers=2,width=64",
        "elman": "elman:width=32",
        "gru": f"gru:width=32,span={plies}",
        "lstm": f"lstm:width=32,span={plies}",
        "transformer": f"transformer:layers=1,width=32,heads=2,window={plies}",
    }
    return specs.get(name, name)


def settings(plies: int, lanes: int = 32) -> tuple[PPOSettings, RolloutSettings]:
    """What solves these tasks: whole games, so that what is learned reaches back to the sign, in eight batches."""
    learning = PPOSettings(
        discount=0.99, decay=0.95, entropy=0.01, learning_rate=3e-3, batch=max(2, lanes * plies // 8)
    )
    return learning, RolloutSettings(lanes=lanes, steps=plies, whole=True)


def train(rules: Game, backbone: str, seed: int, most: int) -> Trained:
    """Trains by PPO until it is solved or `most` decisions are over, and judges what came of it."""
    learning, playing = settings(rules.max_plies)
    network = Network(rules, backbone, PPO.parts(rules, learning)[1], seed=seed)
    learner, rollouts = PPO(rules, network, learning, seed), Rollouts(network, playing, seed)
    recent: list[float] = []
    begun = time.process_time()
    while learner.steps < most and not (len(recent) == JUDGED and np.mean(recent) >= SOLVED):
        rollouts.load(learner.weights())
        columns, games = rollouts.collect(0)
        learner.update(columns, learner.steps / most)
        recent = [*recent, *(one.reward[0] for one in games)][-JUDGED:]
    return Trained(judged(rules, network), learner.steps, time.process_time() - begun)


def judged(rules: Game, network: Network) -> float:
    """The mean return of games that were not trained on."""
    agent = ActorAgent(Actor(network), "trained")
    return float(evaluated(rules, agent, (), kernels.seeds(HELD_OUT, JUDGED)).rewards.mean())


def row(game: str, spec: str, found: list[Trained], beside: list[Trained]) -> Row:
    """One backbone beside the perceptron; there is no ratio, for what chance is paid is 0."""
    rewards = np.array([one.reward for one in found])
    mean, low, high = mean_interval(rewards)
    steps = sorted(one.steps for one in found)[len(found) // 2]
    seconds = sorted(one.seconds for one in found)[len(found) // 2]
    each = ", ".join(f"{reward:.2f}" for reward in rewards)
    return Row(
        bench="memory",
        subject=f"{game}, {spec}",
        ours=mean,
        peer="mlp, which remembers nothing",
        theirs=float(np.mean([one.reward for one in beside])),
        unit="mean return",
        ratio=None,
        runs=len(found),
        note=f"{spec}: seeds {each}; 95 % interval of the mean {low:.2f} to {high:.2f}; "
        f"{steps:,} decisions and {seconds:.0f} s of one core in the median",
    )
