"""Tabular learning: each rule's update by hand, exact optima reached, planted worlds, and what is kept of a table."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from agents.agent import Unable
from agents.exact.planning import pair_values, to_horizon, value_iteration
from agents.exact.transitions import Model, explore
from agents.learn.q_learning import QLearning, QLearningSettings, train
from agents.play import play_games
from agents.storage import BadAgent, load_agent, save_agent
from agents.table import ActionValues, BadTable, History, TableAgent
from arena.checkpoint import load_state, save_state
from envs import kernels
from envs.game import Game
from envs.registry import game
from tests.agents.horizons import within


@cache
def model(spec: str) -> Model:
    return explore(game(spec))


def settings(**changes: Any) -> QLearningSettings:
    return replace(QLearningSettings(history=0.0), **changes)


def greedy(found: Model, values: ActionValues) -> NDArray[np.int64]:
    """[S] the pair that a table likes best in each state; of equals the first."""
    q, _ = values.look(found.keys)
    policy = np.zeros(found.size, np.int64)
    for s in range(found.size):
        pairs = np.arange(found.pairs[s], found.pairs[s + 1])
        policy[s] = pairs[np.argmax(q[s, found.action[pairs]])]
    return policy


def earned(spec: str, values: ActionValues, discount: float = 1.0) -> float:
    """What the greedy policy of a table earns in a thousand plies, exactly."""
    found = model(spec)
    return found.worth(within(found, greedy(found, values), 1000, discount))


# --- the update -----------------------------------------------------------------------------------------------------


def expected_value(kind: str, q: NDArray[np.float64], other: NDArray[np.float64], then: int, epsilon: float) -> float:
    """V(s') by the formulas: q says what is best, other what that is worth (the same but for double)."""
    if kind == "sarsa":
        return float(other[then])
    if kind == "q":
        return float(other[np.argmax(q)])
    best = q == q.max()
    return float((epsilon / len(q) + (1 - epsilon) * best / best.sum()) @ other)


def differences(kind: str, formula: str, *, double: bool = False, flips: bool = True) -> list[float]:
    """By how much single updates of tic-tac-toe or the cliff differ from a formula."""
    spec = "tic_tac_toe" if kind == "q" else "cliff_walking:slippery=true"
    how = settings(rule=kind, double=double, lanes=1, epsilon=0.3, epsilon_end=0.3, step_size=0.25, discount=0.9)
    learner = QLearning(game(spec), None, how, seed=3)
    learner.learn(5001, 0.0)
    found = []
    for _ in range(60):
        lanes, q = learner.lanes, learner.table.q.copy()
        if lanes.action[0] < 0:  # a game begins: its first action is drawn in the next call
            learner.learn(1, 0.0)
            continue
        state, action, seat = int(lanes.state[0]), int(lanes.action[0]), int(lanes.rows["seat"][0])
        before = lanes.rows.copy()
        learner.learn(1, 0.0)
        into = int(np.argmax((learner.table.q != q).any(axis=(1, 2))))
        after = lanes.rows
        if lanes.action[0] < 0:
            kernels.play_rows(learner.game, before, np.array([action]))
            target = float(before["reward"][0, seat])
        else:
            legal = kernels.legal_mask(learner.game, after)[0]
            then = int(np.flatnonzero(legal).tolist().index(lanes.action[0]))
            to = int(lanes.state[0])
            ahead = expected_value(formula, q[into, to, legal], q[-1 - into, to, legal], then, 0.3)
            sign = -1.0 if flips and learner.game.seats == 2 else 1.0
            target = float(after["reward"][0, seat]) + 0.9 * sign * ahead
        hand = q[into, state, action] + 0.25 * (target - q[into, state, action])
        found.append(abs(hand - learner.table.q[into, state, action]))
    return found


@pytest.mark.parametrize("double", [False, True])
@pytest.mark.parametrize("kind", ["q", "sarsa", "expected"])
def test_an_update_is_the_formula(kind: str, double: bool) -> None:
    found = differences(kind, kind, double=double)
    assert len(found) > 30
    assert max(found) < 1e-12


def test_an_update_is_no_other_formula() -> None:
    """The negative control."""
    assert max(differences("sarsa", "q")) > 1e-3
    assert max(differences("expected", "sarsa")) > 1e-3
    assert max(differences("q", "q", flips=False)) > 1e-3


def test_step_sizes_shrink_with_the_count() -> None:
    """SG pays 1: with sizes 1, 1/2, 1/3 ... the value is the mean of what was paid, with 0.25 it nears it slowly."""
    mean = QLearning(game("maze:layout=SG"), None, settings(lanes=1, step_size=1.0, step_power=1.0), 0)
    mean.learn(200, 0.0)
    assert mean.table.q[0, 0, 1] == 1.0
    slow = QLearning(game("maze:layout=SG"), None, settings(lanes=1, step_size=0.25), 0)
    while slow.table.tried[0, 0, 1] < 3:
        slow.learn(1, 0.0)
    assert slow.table.q[0, 0, 1] == pytest.approx(1 - 0.75**3)


def test_epsilon_falls_in_a_line_and_then_stays() -> None:
    learner = QLearning(game("maze"), None, settings(epsilon=1.0, epsilon_end=0.2, epsilon_share=0.5), 0)
    assert [learner.epsilon(p) for p in (0.0, 0.25, 0.5, 1.0)] == pytest.approx([1.0, 0.6, 0.2, 0.2])


# --- planted worlds -------------------------------------------------------------------------------------------------


def test_a_constant_reward_is_worth_its_discounted_sum() -> None:
    """1 a step for ever at discount 0.5 is worth 2, though every game is cut after three steps: a cut is no end."""
    spec = "maze:layout=S.........G,step=1,goal=0,limit=3"
    learner = train(game(spec), settings(discount=0.5, epsilon_end=1.0), 40_000)
    assert learner.values().q[0].max() == pytest.approx(2.0, abs=1e-3)


def test_an_end_is_an_end() -> None:
    """The same reward, but the way leads into the goal: S of SG has 1 + 0.5 * 2 for staying and 1 for going."""
    learner = train(game("maze:layout=SG,step=1,goal=0"), settings(discount=0.5, epsilon_end=1.0), 20_000)
    assert learner.values().q[0].tolist() == pytest.approx([2.0, 1.0, 2.0, 2.0], abs=1e-3)


def test_double_q_does_not_hope_for_too_much() -> None:
    """Whether to hit is a matter of luck: a maximum of noise is too high, what the other table says of it is not."""
    found = model("blackjack")
    exact = value_iteration(found).values
    states, excess = found.keys.astype(np.int64), []
    for double in (False, True):
        how = settings(double=double, discount=1.0, step_size=0.3, epsilon_end=1.0)
        q = train(game("blackjack"), how, 400_000).table.q[:, states]
        excess.append(found.worth(q[-1][np.arange(len(states)), q[0].argmax(axis=1)] - exact))
    assert excess[0] > 0.05
    assert excess[1] < 0.0


# --- optima ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", ["q", "expected"])
def test_frozen_lake_is_learned_exactly(rule: str) -> None:
    """Without slipping; expected SARSA with an epsilon that falls to 0."""
    spec = "frozen_lake:slippery=false"
    learner = train(game(spec), settings(rule=rule, epsilon_end=0.0 if rule == "expected" else 0.1), 100_000, seed=1)
    assert earned(spec, learner.values(), 0.99) == pytest.approx(0.99**5)


def test_slippery_ice_is_learned_within_a_percent() -> None:
    learner = train(game("frozen_lake"), settings(step_size=0.02, epsilon_end=1.0), 1_000_000)
    best = model("frozen_lake").worth(value_iteration(model("frozen_lake"), 0.99).values)
    assert earned("frozen_lake", learner.values(), 0.99) == pytest.approx(best, rel=0.01)


def test_a_maze_is_learned_to_the_last_digits() -> None:
    """Every value that play comes to again and again is the exact one; the way is as short as can be."""
    found = model("maze:layout=pits")
    exact = value_iteration(found, 0.9)
    learner = train(found.game, settings(discount=0.9, step_size=0.5, epsilon_end=0.5), 600_000)
    truth = found.dense(pair_values(found, exact.values, 0.9))
    tried = learner.table.tried[0] > 500
    assert tried.sum() > 40
    dry = np.array([sign != "~" for sign in "S....P...##..#...#P..P#..#...#.....P.#...###......~~.##.P....#.G"])
    sure = tried & dry[:, None]
    assert np.abs(learner.table.q[0] - truth)[sure].max() < 0.05
    assert earned("maze:layout=pits", learner.values(), 0.9) == pytest.approx(found.worth(exact.values), rel=0.01)


def test_taxi_is_learned_within_a_percent() -> None:
    learner = train(game("taxi"), settings(step_size=0.5), 1_500_000)
    assert earned("taxi", learner.values()) == pytest.approx(7.93, rel=0.01)


def cliff_path(learner: QLearning) -> list[int]:
    """The cells that a greedy walk comes through."""
    agent = TableAgent(learner.values(), learner.game, "walker")
    finished = play_games(learner.game, [agent], np.zeros((1, 1), np.int64), kernels.seeds(0, 1))
    rows = kernels.replay(learner.game, finished[0].seed, finished[0].moves)
    return rows["state"].tolist()


def test_sarsa_keeps_away_from_the_cliff_and_q_learning_walks_along_it() -> None:
    """Sutton & Barto 2018, example 6.6: epsilon 0.1, undiscounted; online SARSA earns more, and walks a longer way."""
    how = settings(epsilon=0.1, epsilon_end=0.1, discount=1.0, step_size=0.1)
    q, sarsa = (QLearning(game("cliff_walking"), None, replace(how, rule=rule), 5) for rule in ("q", "sarsa"))
    for learner in (q, sarsa):
        learner.learn(400_000, 0.0)
    edge, safe = cliff_path(q), cliff_path(sarsa)
    assert edge == [36, *range(24, 36), 47]
    assert len(safe) > len(edge)
    assert sum(24 < cell < 35 for cell in safe) == 0
    online = [learner.learn(100_000, 0.0)["rollout/ep_rew_mean"] for learner in (q, sarsa)]
    assert online[1] > online[0] + 10


def worst_case(found: Model, values: ActionValues, seat: int) -> float:
    """What `seat` gets with the table's greedy moves against the worst opponent, exactly: all others are tried."""
    policy = greedy(found, values)
    kept = np.repeat(found.seat == seat, np.diff(found.pairs))
    kept[policy[found.seat == seat]] = False  # of the seat's own pairs, those that it does not play
    worst = -10.0 if seat == 0 else 10.0
    pays = np.where(np.repeat(kept, np.diff(found.outcomes)), worst, found.pays)
    values_at, _ = to_horizon(replace(found, pays=pays), 9)
    return found.worth(values_at[9]) * (1 if seat == 0 else -1)


def test_tic_tac_toe_learned_by_self_play_never_loses() -> None:
    found = model("tic_tac_toe")
    how = settings(discount=1.0, epsilon_end=0.5, step_size=0.5)
    learner = train(found.game, how, 1_500_000)
    assert [worst_case(found, learner.values(), seat) for seat in (0, 1)] == [0.0, 0.0]
    early = train(found.game, how, 2_000)
    assert min(worst_case(found, early.values(), seat) for seat in (0, 1)) == -1.0  # the negative control


# --- what is kept ---------------------------------------------------------------------------------------------------


def hashed(spec: str) -> Game:
    """The same game, whose keys are not said to be dense."""
    return replace(game(spec), keys=0)


def test_hashing_learns_the_same_table() -> None:
    """Tic-tac-toe's table begins with a few places and is made larger on the way."""
    how = settings(lanes=3)
    dense, sparse = train(game("tic_tac_toe"), how, 30_000), train(hashed("tic_tac_toe"), how, 30_000)
    assert len(sparse.table.taken) > 64
    values = sparse.values()
    assert 1000 < len(values.keys) < 5478
    np.testing.assert_array_equal(values.q, dense.values().q[values.keys.astype(int)])
    q, known = values.look(np.array([values.keys[5], 3**9 + 7], np.uint64))
    assert known.tolist() == [True, False] and not q[1].any()


def test_a_table_holds_no_state_that_was_not_met() -> None:
    """In the taxi's state 0 the passenger is where it wants to go: no game begins there, or comes there."""
    learner = train(hashed("taxi"), settings(lanes=3), 3_000)
    met = learner.values().keys
    assert 0 not in met and len(met) == learner.table.used[0] > 64
    model = explore(game("taxi"))
    assert (model.find(met) >= 0).all() and (model.find(np.zeros(1, np.uint64)) < 0).all()


@pytest.mark.parametrize("sparse", [False, True])
def test_a_run_that_stops_and_goes_on_is_one_that_did_not(sparse: bool, tmp_path: Path) -> None:
    rules = hashed("tic_tac_toe") if sparse else game("tic_tac_toe")
    how = QLearningSettings(round=3000, double=True, rule="sarsa")
    straight, first = QLearning(rules, None, how, 1), QLearning(rules, None, how, 1)
    for progress in (0.0, 0.3, 0.6):
        straight.update({}, progress)
    first.update({}, 0.0)
    save_state(tmp_path / "state", first.state())
    second = QLearning(rules, None, how, 9)
    state = load_state(tmp_path / "state")
    assert state is not None
    second.restore(state)
    for progress in (0.3, 0.6):
        second.update({}, progress)
    assert second.steps == straight.steps == 9000
    for name, array in straight.weights().items():
        np.testing.assert_array_equal(array, second.weights()[name])
    assert straight.history.steps == second.history.steps


def test_a_seed_is_a_table() -> None:
    tables = [train(game("maze"), settings(), 5000, seed).values().q for seed in (1, 1, 2)]
    np.testing.assert_array_equal(tables[0], tables[1])
    assert (tables[0] != tables[2]).any()


def test_the_history_has_every_scale_of_time_and_survives_its_file(tmp_path: Path) -> None:
    rules = game("maze")
    history = train(rules, QLearningSettings(history=2.0), 5000).history
    assert history.steps == [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 5000]
    assert not history.at(0).q.any() and history.at(4999) is history.tables[-2] and history.at(7) is history.tables[3]
    changed = [(table.q != 0).sum() for table in history.tables]
    assert changed == sorted(changed) and changed[-1] >= 2
    history.save(tmp_path / "history.safetensors", rules)
    again = History.load(tmp_path / "history.safetensors", rules)
    assert again.steps == history.steps
    for a, b in zip(again.tables, history.tables, strict=True):
        np.testing.assert_array_equal(a.q, b.q)
    with pytest.raises(BadTable, match="A table for taxi"):
        History.load(tmp_path / "history.safetensors", game("taxi"))
    (tmp_path / "broken.safetensors").write_bytes(b"\x08" + bytes(30))
    with pytest.raises(BadTable, match="is no history"):
        History.load(tmp_path / "broken.safetensors", rules)


def test_tables_that_do_not_fit_are_refused() -> None:
    rules = game("maze")
    good = np.zeros((64, 4), np.float32)
    for arrays, fault in [
        ({}, "holds q"),
        ({"q": good.astype(np.float64)}, "holds q"),
        ({"q": good + np.float32(np.nan)}, "holds q"),
        ({"q": good[:9]}, "has 64 states, and this one has 9"),
        ({"q": good[:2], "keys": np.array([3, 3], np.uint64)}, "rising"),
        ({"q": good[:2], "keys": np.array([3], np.uint64)}, "rising"),
    ]:
        with pytest.raises(BadTable, match=fault):
            ActionValues.of(rules, arrays)
    with pytest.raises(BadTable, match="no keys"):
        ActionValues.of(game("connect_four"), {"q": np.zeros((5, 7), np.float32)})


def test_a_table_plays_its_own_game_alone() -> None:
    agent = TableAgent(train(game("maze"), settings(), 1000).values(), game("maze"), "t")
    with pytest.raises(Unable, match="trained for maze and cannot play taxi"):
        agent.begin(game("taxi"), kernels.seeds(0, 2))


def test_what_a_table_cannot_learn_is_refused_by_name() -> None:
    for spec in ("connect_four", "cart_pole"):
        with pytest.raises(Unable, match=spec):
            QLearning(game(spec), None, settings(), 0)
    with pytest.raises(ValueError, match="rule must be one of q, sarsa, expected"):
        settings(rule="td")
    for name, value in (("discount", 1.5), ("step_size", 0.0), ("epsilon", -0.1), ("history", 1.0), ("lanes", 0)):
        with pytest.raises(ValueError, match=name):
            settings(**{name: value})


@pytest.mark.parametrize("sparse", [False, True])
def test_a_table_is_stored_and_plays_as_it_did(sparse: bool, tmp_path: Path) -> None:
    rules = game("tic_tac_toe")
    values = train(hashed("tic_tac_toe") if sparse else rules, settings(), 20_000).values()
    save_agent(tmp_path / "t", rules, values.arrays(), backbone="", heads=(), step=20_000)
    loaded, kept = load_agent(tmp_path / "t"), TableAgent(values, rules, "t")
    finished = [
        play_games(rules, [agent, agent], np.tile([0, 1], (20, 1)), kernels.seeds(1, 20)) for agent in (loaded, kept)
    ]
    assert finished[0] == finished[1]
    assert loaded.name == "t" and "none: a table" in (tmp_path / "t" / "CARD.md").read_text(encoding="utf-8")
    with pytest.raises(ValueError, match="no option 'sims'"):
        load_agent(tmp_path / "t", "sims=3")
    save_agent(tmp_path / "bad", rules, {"q": values.q[:3]}, backbone="", heads=())
    with pytest.raises(BadAgent, match="has 19683 states, and this one has 3"):
        load_agent(tmp_path / "bad")
