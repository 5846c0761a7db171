"""What holds for every learner of self-play: it learns, shares nothing, goes on exactly, and says what it reads."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from agents.networks import Network, load_weights
from agents.registry import ALGORITHMS
from agents.search.search import Search
from agents.self_play import SelfPlay, SelfPlayer
from arena.checkpoint import load_state, save_state
from arena.config import LEARNERS
from envs import kernels
from envs.registry import game, resolve

THREE = game("tic_tac_toe")
HEADS = ("policy", "value", "left")

NAMES = [name for name in ALGORITHMS if resolve(ALGORITHMS, name, "algorithm").player == "self_play"]
pytestmark = pytest.mark.parametrize("name", NAMES)


def made(name: str, backbone: str = "mlp", seed: int = 0):
    """A learner with the settings that it has by default."""
    settings = resolve(LEARNERS, name, "settings")()
    return resolve(ALGORITHMS, name, "algorithm")(THREE, Network(THREE, backbone, HEADS, seed=seed), settings, seed)


def planted(count: int = 2048, seed: int = 0):
    """Random positions in which who has the centre has won, and the best move is an edge, a corner, or else the centre.

    Both look the same however the board is turned: a learner may turn it.
    """
    rng = np.random.default_rng(seed)
    rows = kernels.new_rows(THREE, np.arange(count, dtype=np.uint64))
    for ply in range(5):
        legal = kernels.legal_mask(THREE, rows)
        moves = (rng.random(legal.shape) * legal).argmax(1)
        going = ~rows["done"] & (rng.random(count) < 0.9 - 0.1 * ply)
        kernels.play_rows(THREE, rows, np.where(going, moves, -1))
    rows = rows[~rows["done"]]
    legal = kernels.legal_mask(THREE, rows)
    worth = legal * np.array([2, 3, 2, 3, 1, 3, 2, 3, 2])
    best = worth == worth.max(1, keepdims=True)
    policy = (best / best.sum(1, keepdims=True)).astype(np.float32)
    view = kernels.view(THREE, rows)
    outcome = view.obs[:, 0, 1, 1] - view.obs[:, 1, 1, 1]
    left = (9 - rows["ply"]).astype(np.float32)
    return {"rows": rows, "policy": policy, "outcome": outcome, "blend": outcome.copy(), "left": left}


def right(weights, columns, backbone: str = "mlp") -> tuple[float, float]:
    """Share of the planted moves that these weights prefer, and their correlation with the planted results."""
    network = Network(THREE, backbone, HEADS).eval()
    load_weights(network, weights)
    view = kernels.view(THREE, columns["rows"])
    with torch.inference_mode():
        out = network(torch.from_numpy(view.obs))
    best = np.where(view.legal, out["policy"].numpy(), -np.inf).argmax(1)
    value = np.tanh(out["value"].numpy() / 2)
    moves = float((columns["policy"][np.arange(len(best)), best] > 0).mean())
    return moves, float(np.corrcoef(value, columns["outcome"])[0, 1])


@pytest.mark.learns
def test_learns_what_is_planted(name: str) -> None:
    learner, columns, unseen = made(name), planted(), planted(500, seed=1)
    before = right(learner.weights(), unseen)
    for _ in range(12):
        learner.update(columns, 0.0)
    after = right(learner.weights(), unseen)
    assert before[0] < 0.7
    assert after[0] > 0.9
    assert after[1] > 0.8
    assert learner.steps > 0


def test_weights_are_copies(name: str) -> None:
    learner, columns = made(name), planted()
    given = learner.weights()
    kept = {key: value.copy() for key, value in given.items()}
    learner.update(columns, 0.0)
    assert all((given[key] == kept[key]).all() for key in kept)
    now = learner.weights()
    assert any((now[key] != kept[key]).any() for key in kept)
    for value in now.values():
        value[...] = 0
    again = learner.weights()
    assert any((again[key] != 0).any() for key in kept)


@pytest.mark.parametrize("backbone", ["mlp", "resnet:blocks=1,width=8"])
def test_goes_on_byte_for_byte_from_its_state_on_disk(name: str, backbone: str, tmp_path) -> None:
    columns = planted()
    straight = made(name, backbone)
    straight.update(columns, 0.2)
    save_state(tmp_path / "state", straight.state())
    resumed = made(name, backbone, seed=1)
    resumed.restore(load_state(tmp_path / "state"))
    assert resumed.steps == straight.steps
    fresh = made(name, backbone, seed=1)
    for learner in (straight, resumed, fresh):
        learner.update(planted(seed=2), 0.7)
    expected, got, other = straight.weights(), resumed.weights(), fresh.weights()
    assert all(expected[key].tobytes() == got[key].tobytes() for key in expected)
    assert any(expected[key].tobytes() != other[key].tobytes() for key in expected)


def test_reads_the_columns_that_it_says_and_no_others(name: str) -> None:
    learner, columns = made(name), planted()

    def flat(obs):
        return np.zeros((len(obs), 9), np.float32), np.zeros(len(obs), np.float32)

    settings = SelfPlay(lanes=4, search=Search(simulations=4), fast_simulations=2)
    produced, _ = SelfPlayer(THREE, flat, settings, seed=0).collect(10)
    assert set(learner.reads) <= set(produced)
    learner.update({key: columns[key] for key in learner.reads}, 0.0)
    for missing in learner.reads:
        with pytest.raises(KeyError):
            made(name).update({key: columns[key] for key in learner.reads if key != missing}, 0.0)
