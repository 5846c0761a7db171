"""Averaging over symmetries: by hand, and as a law over games with every number of symmetries that there is."""

from __future__ import annotations

import numpy as np
import pytest

from agents.symmetry import Symmetric
from envs import kernels
from envs.registry import GAMES, game


def lopsided(actions: int, shape: tuple[int, ...]):
    """An evaluator that is not symmetric at all, but the same for the same observation."""
    generator = np.random.default_rng(0)
    to_logits = generator.normal(size=(int(np.prod(shape)), actions)).astype(np.float32)
    to_value = generator.normal(size=int(np.prod(shape))).astype(np.float32)

    def evaluate(obs):
        flat = obs.reshape(len(obs), -1)
        return flat @ to_logits, np.tanh(flat @ to_value * 0.1)

    return evaluate


def one_for_each_number_of_symmetries() -> list[str]:
    names = sorted(GAMES, key=lambda name: (game(name).max_plies * game(name).actions, name), reverse=True)
    return sorted({len(game(name).symmetries): name for name in names if game(name).symmetries}.values())


@pytest.mark.parametrize("name", one_for_each_number_of_symmetries())
def test_answers_turn_with_the_board(name):
    rules = game(name)
    rows = kernels.random_openings(rules, kernels.seeds(1, 32), 4)
    obs = kernels.view(rules, rows).obs
    plain = lopsided(rules.actions, rules.shape)
    even = Symmetric(plain, rules)
    logits, values = even(obs)
    for symmetry in rules.symmetries:
        turned = obs.reshape(*obs.shape[:2], -1)[:, :, symmetry.cells].reshape(obs.shape)
        turned_logits, turned_values = even(turned)
        assert turned_logits == pytest.approx(logits[:, symmetry.actions], abs=1e-4)
        assert turned_values == pytest.approx(values, abs=1e-5)
        assert plain(turned)[1] != pytest.approx(plain(obs)[1], abs=1e-5)  # it is not the evaluator's doing


def test_mirror_of_connect_four_by_hand():
    rules = game("connect_four")

    def first_column(obs):
        """Likes column a; says how many stones of the mover stand in column a."""
        return np.tile(np.eye(7, dtype=np.float32)[:1], (len(obs), 1)), obs[:, 0, :, 0].sum(1)

    obs = kernels.view(rules, kernels.replay(rules, 0, [0, 3])[-1:]).obs  # the mover has one stone, in column a
    logits, values = Symmetric(first_column, rules)(obs)
    assert logits[0].tolist() == [0.5, 0, 0, 0, 0, 0, 0.5]
    assert values[0] == 0.5
