"""Placed networks: learners that each see half of every batch end where one learner does that sees it whole."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch

from agents.experience import Columns
from agents.language.model import token_log_p
from agents.learn.learner import Learner, kept_weights
from agents.learn.sac import SAC
from agents.learn.td3 import TD3
from agents.networks import Network, Weights, weights
from agents.placed import Placed
from agents.registry import ALGORITHMS, PLAYERS
from agents.rollouts import Rollouts
from arena.config import LEARNERS
from envs import kernels
from envs.registry import game, resolve

NAMES = [name for name in ALGORITHMS if resolve(ALGORITHMS, name, "algorithm").player]
GAMES = {"rollouts": "tic_tac_toe", "self_play": "tic_tac_toe"}
"""Of each player; where none is named it is a task in words."""

BODIES = {"rollouts": "mlp:width=16", "self_play": "resnet:blocks=1,width=4"}
SPOKEN = "gpt:layers=1,width=16,heads=2"
OWN: dict[str, dict[str, Any]] = {
    "dqn": {"learn_from": 64, "batch": 30, "prioritised": 0.5},
    "nfsp": {"learn_from": 64, "batch": 30},
    "sac": {"learn_from": 64, "batch": 31, "reuse": 2.0},
    "td3": {"learn_from": 64, "batch": 31, "reuse": 2.0},
    "ddpg": {"learn_from": 64, "batch": 31, "reuse": 2.0},
    "alphazero": {"batch": 15, "precision": "float32"},
    "ppo": {"batch": 31, "most_kl": 0.02},
    "grpo": {"batch": 15, "part": 7, "kl": 0.1},
    "sft": {"batch": 9},
    "reward_model": {"batch": 5},
    "rlhf": {"batch": 15},
    "dpo": {"batch": 5, "answers": "policy"},
}


class Threads:
    """Learners that are threads of this process: what `torch.distributed` is among processes."""

    def __init__(self, rank: int, size: int, table: list[Any], barrier: threading.Barrier) -> None:
        self.rank, self.size, self.table, self.barrier = rank, size, table, barrier

    def add(self, tensor: torch.Tensor) -> None:
        self.table[self.rank] = tensor.clone()
        self.barrier.wait(20)
        total = torch.stack([self.table[rank] for rank in range(self.size)]).sum(0)
        self.barrier.wait(20)
        tensor.copy_(total)


def groups(size: int) -> list[Threads]:
    table, barrier = [None] * size, threading.Barrier(size)
    return [Threads(rank, size, table, barrier) for rank in range(size)]


def side_by_side(group: Sequence[Threads], work: Callable[[int], None]) -> None:
    """Does the same work at once in each learner's thread."""
    left = list(range(len(group)))

    def run(rank: int) -> None:
        try:
            work(rank)
            left.remove(rank)
        finally:
            if rank in left:
                group[rank].barrier.abort()

    threads = [threading.Thread(target=run, args=(rank,)) for rank in left]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not left


def learner_of(name: str, backbone: str, make: Callable[..., Network]) -> Learner:
    kind = resolve(ALGORITHMS, name, "algorithm")
    rules = game("pendulum" if name in ("sac", "td3", "ddpg") else GAMES.get(kind.player, "reverse"))
    settings = replace(resolve(LEARNERS, name, "settings")(), **OWN.get(name, {}))
    return kind(rules, make(rules, backbone, kind.parts(rules, settings)[1], seed=1), settings, 1)


def played(name: str, backbone: str) -> list[Columns]:
    """Experience of a learner that has learned nothing yet."""
    learner: Any = learner_of(name, backbone, Network)
    if learner.player == "rollouts":
        player = Rollouts(learner.network, replace(learner.playing, lanes=8, steps=8), 0)
        return [player.collect(64)[0] for _ in range(3)]
    if learner.player != "self_play":
        small = {"prompts": 4, "group": 8} if hasattr(learner.playing, "group") else {"prompts": 24}
        kind = resolve(PLAYERS, learner.player, "player")
        player = kind.of(learner.network, replace(learner.playing, **small), 0, "torch")
        rounds = [player.collect(1)[0] for _ in range(3)]
        for name in {"paid", "right"} & rounds[0].keys():  # what knows nothing is paid nothing
            rounds = [{**columns, name: np.arange(len(columns[name])) % np.float32(2)} for columns in rounds]
        return rounds
    rng = np.random.default_rng(0)
    rows = kernels.new_rows(learner.game, kernels.seeds(0, 30))
    kernels.random_rows(learner.game, rows, 3)
    policy = rng.random((30, 9), np.float32) * kernels.legal_mask(learner.game, rows)
    columns = {"rows": rows, "policy": policy / policy.sum(1, keepdims=True), "left": np.ones(30, np.float32)}
    return [{**columns, "outcome": rng.random(30, np.float32), "blend": rng.random(30, np.float32)}]


def learn(learner: Learner, batches: Sequence[Columns]) -> None:
    for columns in batches:
        learner.update(columns, 0.3)


def apart(one: dict[str, Any], other: dict[str, Any]) -> float:
    return max(float(np.abs(one[key].astype(np.float64) - other[key]).max()) for key in one)


def known(learner: Learner) -> Weights:
    """All that it has learned, critics too."""
    critics = weights(learner.critics) if isinstance(learner, (SAC, TD3)) else {}
    return kept_weights(learner) | {f"critics.{name}": array for name, array in critics.items()}


def body(name: str) -> str:
    return BODIES.get(resolve(ALGORITHMS, name, "algorithm").player, SPOKEN)


@pytest.mark.parametrize(
    ("name", "backbone"),
    [
        *((name, body(name)) for name in NAMES),
        ("ppo", "gru:width=8"),
        ("dqn", "gru:width=8"),
        ("ppo", "mlp:width=16,standardise=true"),
    ],
)
def test_two_learners_on_half_batches_equal_one_on_the_whole(name: str, backbone: str) -> None:
    batches = played(name, backbone)
    alone = learner_of(name, backbone, Network)
    before = known(alone)
    group = groups(2)
    pair = [learner_of(name, backbone, partial(Placed, group=one)) for one in group]

    learn(alone, batches)
    side_by_side(group, lambda rank: learn(pair[rank], batches))
    whole, first, second = (known(learner) for learner in (alone, *pair))
    assert all(first[key].tobytes() == second[key].tobytes() for key in first)
    # Adam makes much of the gradients near 0 that tokens have which hardly ever come.
    assert apart(whole, before) > 1e-4 and apart(first, whole) < (3e-5 if backbone == SPOKEN else 1e-6)


def test_learners_may_be_more_than_a_batch_holds() -> None:
    rules = game("tic_tac_toe")
    obs = torch.rand(2, *rules.shape)
    alone = Network(rules, "mlp:width=16")
    group = groups(3)
    several = [Placed(rules, "mlp:width=16", group=one) for one in group]

    def look(rank: int) -> None:
        network = several[rank]
        out = network(obs)
        assert not out["value"].isnan().any() and len(out["policy"]) == 2
        (out["policy"].square().sum() + out["value"].sum()).backward()
        network.add_up(network.parameters())
        network.add_up(network.parameters())  # nothing was asked since

    out = alone(obs)
    (out["policy"].square().sum() + out["value"].sum()).backward()
    side_by_side(group, look)
    for name, parameter in alone.named_parameters():
        for one in several:
            torch.testing.assert_close(one.get_parameter(name).grad, parameter.grad, rtol=0, atol=1e-6)


def test_gradients_that_are_not_added_up_are_of_a_part_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    batches, group = played("a2c", "mlp:width=16"), groups(2)
    pair = [learner_of("a2c", "mlp:width=16", partial(Placed, group=one)) for one in group]
    monkeypatch.setattr(Placed, "add_up", lambda self, weights: None)
    side_by_side(group, lambda rank: learn(pair[rank], batches[:1]))
    assert apart(pair[0].weights(), pair[1].weights()) > 1e-4


def test_a_batch_is_normalised_whole() -> None:
    group = groups(2)
    rules = game("tic_tac_toe")
    obs = torch.rand(6, *rules.shape)
    alone = Network(rules, "resnet:blocks=1,width=4")
    halves = [Placed(rules, "resnet:blocks=1,width=4", group=one) for one in group]
    expected = alone(obs)["policy"]
    said: list[Any] = [None, None]

    def look(rank: int) -> None:
        said[rank] = halves[rank](obs)["policy"].detach()

    side_by_side(group, look)
    torch.testing.assert_close(said[0], expected, rtol=0, atol=1e-6)
    for name, buffer in alone.named_buffers():
        torch.testing.assert_close(halves[0].get_buffer(name), buffer, rtol=0, atol=1e-6)
    assert (said[0] == said[1]).all() and (alone(obs[:3])["policy"] - expected[:3]).abs().max() > 1e-3


def test_a_placed_network_answers_as_it_would_anywhere_and_half_the_bits_are_nearly_enough() -> None:
    rules = game("tic_tac_toe")
    obs = torch.rand(5, *rules.shape)
    plain, placed = Network(rules, "mlp:width=16"), Placed(rules, "mlp:width=16", device="cpu")
    assert (plain(obs)["policy"] == placed(obs)["policy"]).all()
    out = Placed(rules, "mlp:width=16", half=True)(obs)["policy"]
    assert out.dtype == torch.float32 and 0 < (out - plain(obs)["policy"]).abs().max() < 0.01
    assert isinstance(placed.twin(), Placed)


# --- precision, and what a learner has beside its network -----------------------------------------------------------


def test_what_is_said_has_all_its_bits_where_other_layers_compute_with_half_of_them() -> None:
    """In bfloat16 all numbers from 98.75 to 99.25 are 99."""
    rules, obs = game("tic_tac_toe"), torch.rand(8, 3, *game("tic_tac_toe").shape)
    for name in ("dqn", "pqn"):
        for backbone in ("mlp:width=16", "gru:width=8"):
            learner: Any = learner_of(name, backbone, partial(Placed, half=True))
            with torch.no_grad():
                learner.head.action.bias.fill_(99.0)
            plain = Network(rules, backbone, learner.network.head_specs)
            plain.load_state_dict(learner.network.state_dict())
            carried, fresh = plain.begin(8), torch.zeros(8, 3, dtype=torch.bool)
            for ask in (lambda n: n(obs[:, 0]), lambda n: n.unroll(obs, carried, fresh)[0]):  # noqa: B023
                q, exact = ask(learner.network)["q"], ask(plain)["q"]
                assert q.dtype == torch.float32 and len(q.unique()) > 0.9 * q.numel()
                assert 0 < (q - exact).abs().max() < 0.01


@pytest.mark.parametrize("name", ["grpo", "rlhf"])
def test_of_texts_too(name: str) -> None:
    learner: Any = learner_of(name, SPOKEN, partial(Placed, half=True))
    with torch.no_grad():
        learner.network.get_submodule("backbone").table *= 100  # log-probabilities are far apart, down to -150
    plain = Network(learner.game, SPOKEN, learner.network.head_specs)
    plain.load_state_dict(learner.network.state_dict())
    text, two = torch.arange(384).view(64, 6) % 26, torch.full((64,), 2)
    said, exact = (token_log_p(network, text, two, 2 * two, 4).log_p for network in (learner.network, plain))
    assert said.min() < -100 and 0 < (said - exact).abs().max() < 0.1


@pytest.mark.parametrize("name", ["sac", "td3"])
def test_critics_are_where_the_actor_is_and_are_asked_as_it_is(name: str) -> None:
    batches, group = played(name, "mlp:width=16"), groups(2)
    pair: list[Any] = [learner_of(name, "mlp:width=16", partial(Placed, group=one, half=True)) for one in group]
    asked: list[set[Any]] = [set(), set()]
    for learner, seen in zip(pair, asked, strict=True):
        for critic in (*learner.critics, *learner.targets):
            critic.register_forward_hook(lambda _, given, said, seen=seen: seen.add((len(given[0]), said.dtype)))
            critic.body.register_forward_hook(lambda _, given, said, seen=seen: seen.add(said.dtype))
    side_by_side(group, lambda rank: learn(pair[rank], batches))
    assert asked == [{(rows, torch.float32), torch.bfloat16} for rows in (15, 16)]
    away: Any = learner_of(name, "mlp:width=16", partial(Placed, device="meta"))
    assert all(weight.is_meta for part in (away.critics, away.targets) for weight in part.parameters())
