"""Search: its formulas with numbers worked by hand, planted worlds, laws, and what must not depend on what."""

from __future__ import annotations

import importlib.util
import math
from pathlib import Path

import numpy as np
import pytest

from agents.search import formulas
from agents.search.agent import SearchAgent
from agents.search.nodes import tree_bytes
from agents.search.search import Search, keep_value, search, visit_policy
from envs import kernels
from envs.registry import game

FOUR = game("connect_four")
THREE = game("tic_tac_toe")


def flat(obs):
    """An evaluator that knows nothing."""
    return np.zeros((len(obs), 7 if obs.shape[1:] == FOUR.shape else 9), np.float32), np.zeros(len(obs), np.float32)


def position(rules, moves):
    return kernels.replay(rules, 0, moves)[-1:]


def found(rules, moves, **settings):
    return search(rules, position(rules, moves), flat, Search(**settings), kernels.seeds(0, 1))


def test_puct_is_the_papers():
    # Q + c P sqrt(N) / (1 + n): 0.5 + 2 * 0.25 * 3 / (1 + 2)
    assert formulas.puct(0.5, 0.25, 2.0, 3.0, 2.0) == pytest.approx(1.0)
    assert formulas.puct(0.5, 0.25, 2.0, 9.0, 2.0) != pytest.approx(1.0)  # N for sqrt(N), the famous slip


def test_the_one_sign_flip():
    assert formulas.seen_from(0, 1, 0.25) == -0.25
    assert formulas.seen_from(1, 1, 0.25) == 0.25


def test_first_play_urgency_falls_with_what_was_tried():
    assert formulas.first_play_urgency(0.1, 0.25, 0.2) == pytest.approx(0.1 - 0.2 * 0.5)
    assert formulas.first_play_urgency(0.1, 0.0, 0.2) == pytest.approx(0.1)


def test_sigma_by_hand():
    # (50 + 10) * 0.1 * (0.5 + 1) / 2
    assert formulas.sigma(0.5, 10.0, 50.0, 0.1) == pytest.approx(4.5)


def test_mixed_value_by_hand():
    visits = np.array([3, 1, 0, 0], np.float32)
    q = np.array([0.5, -0.5, 9.0, 9.0], np.float32)
    prior = np.array([0.25, 0.25, 0.5, -1.0], np.float32)
    # (v + 4 * (0.25 * 0.5 - 0.25 * 0.5) / 0.5) / 5
    assert formulas.mixed_value(1.0, visits, q, prior) == pytest.approx(0.2)
    assert formulas.mixed_value(0.3, np.zeros(4, np.float32), q, prior) == pytest.approx(0.3)


def test_considered_visits_halve():
    table = formulas.considered_visits(4, 8)
    # 4 moves, 2 phases of 4: one visit each, then the better two get two each.
    assert table[4].tolist() == [0, 0, 0, 0, 1, 1, 2, 2]
    assert table[2].tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert table[1].tolist() == list(range(8))


def test_gamma_has_its_mean_and_variance():
    states = kernels.seeds(3, 1)
    for shape in (0.3, 2.0):
        draws = np.array([formulas.gamma(shape, states, 0) for _ in range(20_000)])
        assert draws.mean() == pytest.approx(shape, abs=5 * math.sqrt(shape / 20_000))
        assert draws.var() == pytest.approx(shape, rel=0.1)


def test_gumbel_noise_has_its_mean():
    states = kernels.seeds(4, 1)
    draws = np.array([formulas.gumbel(states, 0) for _ in range(20_000)])
    assert draws.mean() == pytest.approx(0.5772, abs=0.05)


KINDS = [{"kind": "puct"}, {"kind": "gumbel"}, {"kind": "gumbel", "gumbel_scale": 1.0}]


@pytest.mark.parametrize("how", KINDS, ids=str)
class TestPlantedPositions:
    def test_wins_in_one_for_either_seat(self, how):
        for moves, win in (([3, 0, 3, 0, 3, 0], 3), ([6, 0, 3, 0, 3, 0, 5], 0)):
            result = found(FOUR, moves, simulations=60, **how)
            assert result.best[0] == win
            assert result.value[0] == 1.0
            assert result.proven[0]
            assert result.policy[0, win] > 0.9

    def test_blocks_and_knows_what_loses(self, how):
        result = found(FOUR, [3, 0, 3, 0, 6, 0], simulations=300, **how)
        assert result.best[0] == 0
        assert (result.q[0, 1:] == -1.0).all()
        assert result.policy[0, 0] > 0.95

    def test_sees_that_all_is_lost(self, how):
        result = found(FOUR, [3, 0, 2, 0, 4], simulations=300, **how)
        assert result.value[0] == -1.0
        assert result.proven[0]
        assert FOUR.names[result.best[0]] in FOUR.names

    def test_proves_a_draw_at_the_end(self, how):
        # X O X / X O O / . X . with O to move: nobody can win any more
        result = found(THREE, [0, 1, 2, 4, 3, 5, 7], simulations=50, **how)
        assert result.proven[0]
        assert result.value[0] == 0.0

    def test_a_full_search_solves_tic_tac_toe(self, how):
        assert found(THREE, [0], simulations=6000, **how).best[0] == 4  # only the centre holds

    def test_takes_no_more_simulations_than_asked(self, how):
        rows = kernels.random_openings(FOUR, kernels.seeds(1, 64), 4)
        result = search(FOUR, rows, flat, Search(simulations=40, **how), kernels.seeds(0, 64))
        assert (result.visits.sum(1) <= 40).all()
        assert (result.visits.sum(1)[~result.proven] == 40).all()

    def test_policies_are_distributions_over_legal_moves(self, how):
        rows = kernels.random_openings(FOUR, kernels.seeds(2, 200), 20)
        rows = rows[~rows["done"]]
        result = search(FOUR, rows, flat, Search(simulations=30, **how), kernels.seeds(0, len(rows)))
        legal = kernels.legal_mask(FOUR, rows)
        assert result.policy.sum(1) == pytest.approx(np.ones(len(rows)), abs=1e-5)
        assert (result.policy[~legal] == 0).all()
        assert (result.visits[~legal] == 0).all()
        assert legal[np.arange(len(rows)), result.best].all()

    def test_a_tree_does_not_depend_on_its_neighbours(self, how):
        rows = kernels.random_openings(FOUR, kernels.seeds(3, 50), 8)
        rows, rng = rows[~rows["done"]], kernels.seeds(9, 50)
        settings = Search(simulations=50, noise_share=0.25, **how)
        together = search(FOUR, rows, flat, settings, rng[: len(rows)].copy())
        for i in (0, 7, len(rows) - 1):
            alone = search(FOUR, rows[i : i + 1], flat, settings, rng[i : i + 1].copy())
            assert (alone.visits[0] == together.visits[i]).all()
            assert alone.best[0] == together.best[i]

    def test_asking_nobody_is_asking_who_knows_nothing(self, how):
        rows, settings = kernels.random_openings(FOUR, kernels.seeds(3, 20), 8), Search(simulations=50, **how)
        rows, rng, other = rows[~rows["done"]], kernels.seeds(9, 20), kernels.seeds(9, 20)
        alone = search(FOUR, rows, None, settings, rng[: len(rows)], depth=3)
        asked = search(FOUR, rows, flat, settings, other[: len(rows)], depth=3)
        for name in [*alone._fields[:-2], "continuations"]:
            np.testing.assert_array_equal(getattr(alone, name), getattr(asked, name), err_msg=name)
        assert (rng == other).all()
        assert alone.evaluations == 0 < asked.evaluations
        biased = search(FOUR, rows, lambda obs: (flat(obs)[0], flat(obs)[1] + 0.5), settings, rng[: len(rows)])
        assert (biased.visits != alone.visits).any()

    def test_leaves_the_positions_alone(self, how):
        rows = kernels.random_openings(FOUR, kernels.seeds(4, 10), 3)
        before = rows.copy()
        search(FOUR, rows, flat, Search(simulations=20, **how), kernels.seeds(0, 10))
        assert (rows == before).all()


PRIOR = {0: 0.2, 4: 0.5, 8: 0.3}
WORTH = {0: 0.02, 4: -0.25, 8: 0.0}
"""Of a move on the empty board, for who makes it."""
BY_HAND = [[0, 1, 0], [0, 1, 1], [1, 1, 1], [1, 1, 2]]
"""Visits of cells 0, 4 and 8 after 1 .. 4 simulations of Q + P sqrt(1 + sum N) / (1 + n), Q = 0 before the first visit:

0.2, 0.5, 0.3 -> 4;  0.283, -0.25 + 0.354, 0.424 -> 8;  0.346, -0.25 + 0.433, 0.26 -> 0;
0.02 + 0.2, -0.25 + 0.5, 0.3 -> 8.
"""


def judge(obs):
    logits = np.full((len(obs), 9), -1e9, np.float32)
    logits[:, list(PRIOR)] = np.log(list(PRIOR.values()))
    alone = obs.sum((1, 2, 3)) == 1
    values = np.where(alone, -(obs[:, 1].reshape(-1, 9)[:, list(WORTH)] @ np.array(list(WORTH.values()))), 0.0)
    return logits, values.astype(np.float32)


def written_out(root) -> list[list[int]]:
    """The same four simulations in plain Python; `root` makes of all visits what puct multiplies with."""
    visits, counts = dict.fromkeys(PRIOR, 0), []
    for simulation in range(4):
        q = {a: WORTH[a] if visits[a] else 0.0 for a in PRIOR}
        scores = {a: formulas.puct(q[a], PRIOR[a], float(visits[a]), root(simulation), 1.0) for a in PRIOR}
        visits[max(PRIOR, key=scores.__getitem__)] += 1
        counts.append(list(visits.values()))
    return counts


def test_visits_follow_a_written_out_search():
    def visits(simulations, c):
        settings = Search(simulations=simulations, c_puct=c, fpu_reduction=0.0)
        return search(THREE, position(THREE, []), judge, settings, kernels.seeds(0, 1)).visits[0, list(PRIOR)].tolist()

    assert written_out(lambda n: math.sqrt(1 + n)) == BY_HAND
    assert [visits(n, 1.0) for n in (1, 2, 3, 4)] == BY_HAND
    assert written_out(lambda n: math.sqrt(n)) != BY_HAND  # the paper's root finds no first move
    assert written_out(lambda n: 1.0 + n) != BY_HAND  # N for sqrt(N)
    assert [visits(n, 0.1) for n in (1, 2, 3, 4)] != BY_HAND


@pytest.mark.parametrize("kind", ["puct", "gumbel"])
@pytest.mark.parametrize("when", [1, 2])
def test_whose_network_overflows_has_no_value_and_neither_crashes_nor_disturbs_others(kind, when):
    """At its root (1), or at its first new position (2), one tree of ten is answered what is no number."""
    rows, calls = kernels.random_openings(FOUR, kernels.seeds(5, 10), 3), []

    def broken(obs):
        logits, values = flat(obs)
        calls.append(len(obs))
        logits[3] = math.nan if len(calls) == when else 0.0
        return logits, values

    settings = Search(kind=kind, simulations=30)
    sound = search(FOUR, rows, flat, settings, kernels.seeds(6, 10))
    result = search(FOUR, rows, broken, settings, kernels.seeds(6, 10))
    assert np.flatnonzero(np.isnan(result.value)).tolist() == [3] and not np.isnan(sound.value).any()
    assert np.delete(result.visits == sound.visits, 3, 0).all() and result.visits[3].sum() == 30
    assert kernels.legal_mask(FOUR, rows)[range(10), result.best].all()


def test_a_search_too_large_for_memory_is_done_in_pieces(monkeypatch):
    rows = kernels.random_openings(FOUR, kernels.seeds(5, 10), 3)
    settings, seen = Search(simulations=30, noise_share=0.25), []

    def watched(obs):
        seen.append(len(obs))
        return flat(obs)

    whole_rng, rng = kernels.seeds(6, 10), kernels.seeds(6, 10)
    whole = search(FOUR, rows, watched, settings, whole_rng, depth=3)
    assert max(seen) == 10
    seen.clear()
    monkeypatch.setattr("agents.search.search.MOST_BYTES", 4 * tree_bytes(FOUR, 30) + 1)
    pieces = search(FOUR, rows, watched, settings, rng, depth=3)
    assert max(seen) == 4
    for name, value in whole._asdict().items():
        np.testing.assert_array_equal(value, getattr(pieces, name), err_msg=name)
    assert (rng == whole_rng).all()
    monkeypatch.setattr("agents.search.search.MOST_BYTES", 1)  # one tree is always allowed
    assert (search(FOUR, rows, flat, settings, kernels.seeds(6, 10)).visits == whole.visits).all()


@pytest.mark.parametrize(
    "wrong",
    [{"simulations": -1}, {"simulations": 10**9}, {"c_puct": -1.0}, {"noise_share": 1.5}, {"noise_alpha": 0.0},
     {"considered": 0}, {"kind": "uct"}, {"c_scale": math.nan}],
)  # fmt: skip
def test_settings_that_no_search_can_have_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))) as problem:
        Search(**wrong)
    assert str(problem.value).endswith(".")


def test_noise_changes_the_search_and_its_absence_does_not():
    rows = kernels.new_rows(FOUR, kernels.seeds(0, 8))
    plain = search(FOUR, rows, flat, Search(simulations=64), kernels.seeds(1, 8))
    again = search(FOUR, rows, flat, Search(simulations=64), kernels.seeds(2, 8))
    noisy = search(FOUR, rows, flat, Search(simulations=64, noise_share=0.5), kernels.seeds(1, 8))
    assert (plain.visits == again.visits).all()
    assert len(np.unique(plain.visits, axis=0)) == 1
    assert len(np.unique(noisy.visits, axis=0)) > 1


def test_values_are_the_movers():
    """An evaluator that counts stones of the mover: the search's value must follow whoever is to move."""

    def proud(obs):
        return np.zeros((len(obs), 7), np.float32), np.tanh(obs[:, 0].sum((1, 2)) - obs[:, 1].sum((1, 2)))

    for moves in ([], [3]):
        result = search(FOUR, position(FOUR, moves), proud, Search(simulations=1), kernels.seeds(0, 1))
        own = proud(kernels.view(FOUR, position(FOUR, moves)).obs)[1][0]
        child = [*moves, int(result.visits[0].argmax())]
        below = proud(kernels.view(FOUR, position(FOUR, child)).obs)[1][0]
        assert result.q[0, child[-1]] == pytest.approx(-below)
        assert result.value[0] == pytest.approx((own - below) / 2)


def test_continuations_are_lines_of_the_tree():
    rows = kernels.new_rows(FOUR, kernels.seeds(0, 2))
    lines = search(FOUR, rows, flat, Search(simulations=200), kernels.seeds(0, 2), depth=6).continuations
    assert (lines[0] == lines[1]).all()
    for action in range(7):
        line = [int(move) for move in lines[0, action] if move >= 0]
        assert line[0] == action
        kernels.replay(FOUR, 0, line)  # legal move by move
        assert (lines[0, action, len(line) :] == -1).all()


def test_golden_trees():
    path = Path(__file__).resolve().parent.parent / "regenerate.py"
    spec = importlib.util.spec_from_file_location("regenerate", path)
    assert spec is not None
    assert spec.loader is not None
    regenerate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(regenerate)
    golden = regenerate.TREES.read_text(encoding="utf-8")
    assert regenerate.trees() == golden, "If the change is meant: python tests/regenerate.py"


def test_visit_policy_by_hand():
    visits = np.array([[6, 3, 1], [5, 5, 0], [4, 0, 0]], np.float32)
    q = np.array([[0.2, -1.0, 0.0], [0.1, 1.0, np.nan], [-1.0, np.nan, np.nan]], np.float32)
    prior = np.array([[0.2, 0.3, 0.5]] * 3, np.float32)
    policy = visit_policy(visits, q, prior)
    assert policy[0] == pytest.approx([6 / 7, 0, 1 / 7])
    assert policy[1] == pytest.approx([0.5, 0.5, 0])
    assert policy[2] == pytest.approx([0.2, 0.3, 0.5])


def test_proved_values_are_kept():
    policy = np.array([[0.9, 0.1, 0.0]], np.float32)
    assert keep_value(policy, np.array([[False, True, True]]))[0] == pytest.approx([0, 1, 0], abs=1e-4)


def test_the_agent_refuses_another_game():
    agent = SearchAgent(flat, FOUR, name="a")
    with pytest.raises(ValueError, match="was trained for connect_four"):
        agent.begin(THREE, kernels.seeds(0, 1))
    with pytest.raises(ValueError, match="at least one simulation"):
        SearchAgent(flat, FOUR, name="a", settings=Search(simulations=0))
