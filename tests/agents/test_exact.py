"""Exact yardsticks against values worked by hand, published values and open_spiel's."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from agents.agent import EpsilonGreedy, Unable
from agents.exact.best_response import best_response, exploitability, nash_conv
from agents.exact.cfr import CFR, Regrets, solution
from agents.exact.policy import policy_of
from agents.exact.tree import TooLarge, Tree, flatten
from agents.play import play_games
from agents.registry import agent
from agents.scripted.random import Random
from envs import kernels
from envs.game import rule
from envs.registry import game

KNOWN: dict[str, Any] = json.loads(
    (Path(__file__).resolve().parents[1] / "golden" / "exact.json").read_text(encoding="utf-8")
)


@cache
def tree(spec: str) -> Tree:
    return flatten(game(spec))


def always(where: Tree, action: int, otherwise: int) -> NDArray[np.float64]:
    """[I, A] the policy that plays one action wherever it is legal, and another where it is not."""
    policy = np.zeros(where.legal.shape)
    policy[np.arange(len(policy)), np.where(where.legal[:, action], action, otherwise)] = 1.0
    return policy


# --- trees and best responses ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("spec", sorted(KNOWN["trees"]))
def test_trees_have_the_known_numbers_of_positions_and_information_sets(spec: str) -> None:
    known = KNOWN["trees"][spec]
    assert tree(spec).nodes == known["nodes"]
    assert np.diff(tree(spec).bounds).tolist() == known["sets"]
    assert tree(spec).chance.sum() >= 1.0
    assert len(set(tree(spec).keys.tolist())) == len(tree(spec).keys)


@pytest.mark.parametrize("spec", sorted(KNOWN["uniform_nash_conv"]))
def test_what_can_be_gained_against_uniform_play(spec: str) -> None:
    where = tree(spec)
    assert nash_conv(where, where.uniform()) == pytest.approx(KNOWN["uniform_nash_conv"][spec], abs=1e-9)


def test_probabilities_of_the_ends_sum_to_one_under_any_policy() -> None:
    where, generator = tree("leduc"), np.random.default_rng(0)
    policy = where.legal * generator.random(where.legal.shape)
    flat = where.flat(policy / policy.sum(axis=1, keepdims=True))
    reach = np.ones(len(flat))
    for s in range(2, len(flat)):  # by hand: down the tree of each seat
        reach[s] = reach[where.above[where.sets[s]]] * flat[s]
    assert (where.chance * reach[where.ends].prod(axis=0)).sum() == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("alpha", [0.0, 0.2, 1 / 3])
def test_kuhns_equilibria_gain_nothing_and_are_worth_minus_an_eighteenth(alpha: float) -> None:
    """Kuhn (1950): seat 0 bets the jack with alpha, the king with 3 alpha, calls with the queen with alpha + 1/3."""
    where = tree("kuhn")
    bet = np.zeros(len(where.keys))
    first = {(0, 0): alpha, (1, 0): 0.0, (2, 0): 3 * alpha, (0, 2): 0.0, (1, 2): alpha + 1 / 3, (2, 2): 1.0}
    second = {(0, 0): 1 / 3, (1, 0): 0.0, (2, 0): 1.0, (0, 1): 0.0, (1, 1): 1 / 3, (2, 1): 1.0}
    for i, row in enumerate(where.rows):
        seat, card, ply, opened = int(row["seat"]), int(row["cards"][row["seat"]]), int(row["ply"]), row["opened"] >= 0
        bet[i] = first[card, ply] if seat == 0 else second[card, int(opened)]
    found = best_response(where, np.stack([1 - bet, bet], axis=1))
    np.testing.assert_allclose(found.values, [-1 / 18, 1 / 18], atol=1e-12)
    assert found.nash_conv == pytest.approx(0.0, abs=1e-12)
    bet[:6] = np.clip(bet[:6] + 0.1, 0, 1)  # the negative control
    assert nash_conv(where, np.stack([1 - bet, bet], axis=1)) > 0.01


@pytest.mark.parametrize("spec", ["kuhn", "leduc"])
def test_who_always_folds_loses_the_ante(spec: str) -> None:
    """Each seat wins the other's ante by betting on: 1 a seat against a value of 0 or of less."""
    where = tree(spec)
    assert nash_conv(where, always(where, 0, 1)) == pytest.approx(2.0, abs=1e-12)


def test_rock_paper_scissors_by_hand() -> None:
    """Against 1/2 rock, 1/4 paper, 1/4 scissors, paper wins 1/2 and loses 1/4."""
    where = tree("matrix")
    found = best_response(where, np.array([[0.5, 0.25, 0.25]] * 2))
    assert found.values.tolist() == [0.0, 0.0]
    assert found.best.tolist() == [0.25, 0.25]
    assert found.answers.tolist() == [1, 1]
    assert (found.nash_conv, found.exploitability) == (0.5, 0.25)
    assert nash_conv(where, always(where, 0, 0)) == 2.0


def test_prisoners_defect() -> None:
    """Both cooperating are paid 5; either gains 5 by defecting. Both defecting are paid 1 and gain nothing."""
    where = tree("matrix:game=prisoners")
    found = best_response(where, always(where, 0, 1))
    assert (found.values.tolist(), found.gains.tolist()) == ([5.0, 5.0], [5.0, 5.0])
    assert nash_conv(where, always(where, 1, 0)) == 0.0


def test_what_is_paid_along_the_way_is_counted() -> None:
    """Three rounds of rock, paper, scissors against rock: paper wins 1 in each."""
    where = tree("repeated_rps:rounds=3")
    found = best_response(where, always(where, 0, 0))
    assert found.values.tolist() == [0.0, 0.0]
    assert found.best.tolist() == [3.0, 3.0]


def test_what_drawing_decides_is_weighed() -> None:
    """Goofspiel with random prizes, seat 1 bidding what the prize is worth: as it comes out over 2,000 games."""
    where = tree("goofspiel:cards=3,order=random")
    policy = where.uniform()
    policy[where.bounds[1] :] = policy_of(Matching(), where)[where.bounds[1] :]
    players = (Random(), Matching())
    games = play_games(where.game, players, np.tile([0, 1], (2000, 1)), kernels.seeds(1, 2000))
    paid = np.array([finished.reward[0] for finished in games])
    expected = best_response(where, policy).values[0]
    assert abs(paid.mean() - expected) < 4 * paid.std() / len(paid) ** 0.5
    assert expected < -0.2


class Matching(Random):
    """Bids for each of three prizes the card that is worth as much, where it has not strayed from that."""

    name = "matching"

    def act(self, view: Any, memory: Any) -> Any:
        action = (0.5 * view.obs[:, 3:6] + view.legal).argmax(axis=1)
        return super().act(view, memory)._replace(action=action, extra={})


class Highest(Random):
    """Plays card 2, or else card 1, or else 0."""

    name = "highest"

    def act(self, view: Any, memory: Any) -> Any:
        action = np.where(view.legal[:, 2], 2, np.where(view.legal[:, 1], 1, 0))
        return super().act(view, memory)._replace(action=action, extra={})


@pytest.mark.parametrize("spec", ["kuhn", "leduc", "liars_dice:sides=3", "kuhn:players=3"])
def test_open_spiel_agrees_on_any_policy(spec: str) -> None:
    pyspiel = pytest.importorskip("pyspiel")
    exploits: Any = pytest.importorskip("open_spiel.python.algorithms.exploitability")
    policies: Any = pytest.importorskip("open_spiel.python.policy")
    name = {"kuhn": "kuhn_poker", "leduc": "leduc_poker", "liars_dice:sides=3": "liars_dice(dice_sides=3)"}
    theirs = pyspiel.load_game(name.get(spec, "kuhn_poker(players=3)"))
    skewed = policies.TabularPolicy(theirs)
    weights = skewed.legal_actions_mask * np.random.default_rng(4).random(skewed.action_probability_array.shape)
    skewed.action_probability_array = weights / weights.sum(axis=1, keepdims=True)
    where = tree(spec)
    policy, place = np.zeros(where.legal.shape), {int(key): i for i, key in enumerate(where.keys)}
    for ours, state in states(spec, theirs):
        view = kernels.view(where.game, ours)
        assert view.keys is not None
        policy[place[int(view.keys[0])]] = skewed.action_probability_array[skewed.state_lookup[state]]
    assert nash_conv(where, policy) == pytest.approx(exploits.nash_conv(theirs, skewed), abs=1e-9)


def states(spec: str, theirs: Any) -> list[tuple[Any, str]]:
    """(our row, their information state) of every decision, by walking both trees at once."""
    rules, found = game(spec), []
    assert rules.chances is not None
    rows = np.zeros(1, rules.row)
    rules.chances.begin(rows.view(np.recarray)[0])
    todo = [(rows, theirs.new_initial_state())]
    while todo:
        rows, state = todo.pop()
        if state.is_terminal():
            continue
        drawn = state.is_chance_node()
        if not drawn:
            found.append((rows, state.information_state_string()))
        for action in state.legal_actions():
            after = rows.copy()
            (rules.chances.settle if drawn else rules.chances.act)(after.view(np.recarray)[0], action)
            todo.append((after, state.child(action)))
    return found


# --- CFR ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("plus", [False, True])
@pytest.mark.parametrize("spec", ["kuhn", "leduc"])
def test_cfr_goes_down_the_known_curve(spec: str, plus: bool) -> None:
    """To 1e-12: alternating updates, and for CFR+ regrets cut at 0 and the average weighed by the iteration."""
    regrets = Regrets(tree(spec), plus=plus)
    for iterations, expected in KNOWN["cfr_plus" if plus else "cfr"][spec].items():
        regrets.run(int(iterations) - regrets.iterations)
        assert exploitability(tree(spec), regrets.average()) == pytest.approx(expected, abs=1e-12)


def test_cfr_finds_the_value_of_the_game() -> None:
    """And best responses bound it from both sides: each seat's is worth at least what the game is."""
    for spec, iterations, within in (("kuhn", 1000, 2e-4), ("leduc", 1000, 2e-4), ("liars_dice", 200, 2e-3)):
        expected = KNOWN["value"][spec]
        regrets = Regrets(tree(spec), plus=True)
        regrets.run(iterations)
        found = best_response(tree(spec), regrets.average())
        assert found.values[0] == pytest.approx(expected, abs=within)
        assert -found.best[1] <= expected <= found.best[0]


def test_regret_matching_by_hand() -> None:
    """Matching pennies, seat 0 first: all even, then nothing to regret; the current policy stays even."""
    where = tree("matrix:game=prisoners")
    regrets = Regrets(where, plus=False)
    regrets.run(1)
    # Against an even opponent cooperating is worth 2.5, defecting 5.5, the policy 4: seat 0 regrets -1.5 and 1.5.
    # Seat 1 then meets a seat 0 that defects: 0 and 1, of which its even policy got 0.5.
    np.testing.assert_allclose(regrets.regrets[2:], [-1.5, 1.5, -0.5, 0.5])
    assert where.table(regrets.policy).tolist() == [[0, 1], [0, 1]]
    assert regrets.average().tolist() == [[0.5, 0.5], [0.5, 0.5]]
    regrets.run(1)
    np.testing.assert_allclose(regrets.average(), [[0.25, 0.75], [0.25, 0.75]])
    weighed = Regrets(where, plus=True)
    weighed.run(2)
    np.testing.assert_allclose(weighed.average(), [[1 / 6, 5 / 6], [1 / 6, 5 / 6]])
    assert (weighed.regrets >= 0).all()


def test_the_same_in_one_run_or_in_many() -> None:
    whole, parts = Regrets(tree("kuhn")), Regrets(tree("kuhn"))
    whole.run(30)
    for n in (1, 4, 25):
        parts.run(n)
    np.testing.assert_array_equal(whole.average(), parts.average())


def test_the_agent_cfr_plays_what_it_has_found() -> None:
    rules, count = game("kuhn"), 20_000
    player = agent("cfr:iterations=200")
    policy = policy_of(player, tree("kuhn"))
    assert exploitability(tree("kuhn"), policy) < 2e-3
    games = play_games(rules, [player, player], np.tile([0, 1], (count, 1)), kernels.seeds(2, count))
    paid = np.array([finished.reward[0] for finished in games])
    assert abs(paid.mean() + 1 / 18) < 4 * paid.std() / count**0.5


def test_cfr_says_what_it_cannot_play() -> None:
    with pytest.raises(Unable, match="cfr is for games that hide something, and tic_tac_toe does not"):
        CFR().begin(game("tic_tac_toe"), kernels.seeds(0, 1))
    with pytest.raises(ValueError, match="at least 1, not 0"):
        agent("cfr:iterations=0")
    assert agent("cfr:plus=false").name == "cfr:iterations=1000,plus=false"
    assert solution(game("kuhn"), 5, True) is solution(game("kuhn"), 5, True)


# --- agents as tables -----------------------------------------------------------------------------------------------


class Drawing(Random):
    """Random by another name, of which nobody knows what it draws from."""


def test_random_is_the_uniform_policy() -> None:
    where = tree("leduc")
    assert (policy_of(Random(), where) == where.uniform()).all()
    counted = policy_of(Drawing(), where, samples=400)  # it says nothing and answers differently, so it is counted
    assert np.abs(counted - where.uniform()).max() < 0.15
    assert np.abs((counted - where.uniform()).mean(axis=0)).max() < 0.01


def test_an_agent_without_a_policy_is_taken_at_its_word() -> None:
    where = tree("goofspiel:cards=3")
    policy = policy_of(Highest(), where)
    np.testing.assert_array_equal(policy, always(where, 2, 1) * where.legal[:, [2]] + _lower(where))


def _lower(where: Tree) -> NDArray[np.float64]:
    out = np.zeros(where.legal.shape)
    for i in np.flatnonzero(~where.legal[:, 2]):
        out[i, 1 if where.legal[i, 1] else 0] = 1.0
    return out


def test_a_stray_move_is_seen_by_counting() -> None:
    """EpsilonGreedy over Highest: the share of stray moves is found within its error."""
    where = tree("goofspiel:cards=3")
    counted = policy_of(EpsilonGreedy(Highest(), 0.6), where, samples=300)
    three = where.legal.all(axis=1)
    assert counted[three, 2].mean() == pytest.approx(0.4 + 0.6 / 3, abs=0.06)


def test_what_an_agent_says_of_its_moves_may_be_doubted() -> None:
    """One that says it plays evenly and plays the highest card is found out by counting."""
    where = tree("goofspiel:cards=3")

    class Liar(Highest):
        def act(self, view: Any, memory: Any) -> Any:
            return super().act(view, memory)._replace(extra={"policy": view.legal / view.legal.sum(1, keepdims=True)})

    np.testing.assert_array_equal(policy_of(Liar(), where), where.uniform())
    np.testing.assert_array_equal(policy_of(Liar(), where, believe=False), policy_of(Highest(), where))


class Counts(Random):
    """Plays the number of its earlier moves in the game, if it may, which it keeps in its memory."""

    name = "counts"

    def begin(self, game: Any, seeds: Any) -> Any:
        return {"moves": np.zeros(len(seeds), np.int64)}

    def act(self, view: Any, memory: Any) -> Any:
        lanes = np.arange(len(view.legal))
        action = np.where(view.legal[lanes, memory["moves"]], memory["moves"], view.legal.argmax(axis=1))
        return (
            super()
            .act(view, {"rng": np.ones(len(lanes), np.uint64)})
            ._replace(action=action, memory={"moves": memory["moves"] + 1}, extra={})
        )


def test_agents_are_asked_with_what_they_would_remember() -> None:
    where = tree("repeated_rps:rounds=3")
    policy = policy_of(Counts(), where)
    rounds = where.rows["ply"] // 2
    np.testing.assert_array_equal(policy.argmax(axis=1), rounds)


# --- what cannot be done --------------------------------------------------------------------------------------------


def test_large_trees_are_refused_before_they_fill_the_memory() -> None:
    with pytest.raises(TooLarge, match="more than 100 positions, too many for exact work"):
        flatten(game("leduc"), most=100)
    assert flatten(game("kuhn"), most=58).nodes == 58
    with pytest.raises(TooLarge):
        flatten(game("kuhn"), most=57)


def test_a_key_that_forgets_is_found_out() -> None:
    @rule
    def forgetful(row: Any) -> Any:
        return np.uint64(row.seat)

    with pytest.raises(ValueError, match="forgets moves of its own"):
        flatten(replace(game("repeated_rps:rounds=3"), key=forgetful, name="forgetful"))
    with pytest.raises(ValueError, match="allow different moves"):
        flatten(replace(game("leduc"), key=forgetful, name="forgetful_leduc"))
    with pytest.raises(Unable, match="does not number what a seat can tell"):
        flatten(replace(game("leduc"), key=None))
    with pytest.raises(Unable, match="does not lay its chance open"):
        flatten(replace(game("leduc"), chances=None))


def test_a_policy_of_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match="12 information sets by 2 actions, not 3 by 2"):
        nash_conv(tree("kuhn"), np.ones((3, 2)))
