"""Exploitability from below, by an answer that is learned: in the units of the exact one, and never above it."""

import json

import numpy as np
import pytest

from agents.agent import Unable
from agents.play import play_games
from agents.registry import agent
from agents.storage import newest_agent
from arena.best_response import HELD_OUT, answering, config_of, gains, learned
from arena.evaluation import half_interval, held_out
from arena.exploitability import exact
from envs.registry import game


def test_in_kuhn_it_comes_near_the_exact_value_and_not_above_it():
    """Even play is exploited by 0.4583 a seat."""
    found, truth = learned("kuhn", "random", steps=20_000), exact("kuhn", "random")
    assert truth is not None
    assert found.mean - found.error <= truth.exploitability
    assert found.mean > 0.8 * truth.exploitability and found.at_least > 0.7 * truth.exploitability
    assert found.mean == pytest.approx(np.mean(found.seats)) and len(found.seats) == 2
    assert found.agent is None and 0 < found.snapshot <= found.steps


def test_the_best_answer_itself_gains_the_exact_value():
    """`first` always passes in Kuhn: whoever always bets takes the pot of two antes, a chip a game and seat."""
    truth = exact("kuhn", "first")
    gained = gains(game("kuhn"), agent("first:last=true"), agent("first"), 400, 0)
    assert truth is not None and gained.shape == (400, 2)
    assert (gained == 1.0).all() and truth.exploitability == 1.0
    begins = gains(game("tic_tac_toe"), agent("first"), agent("first:last=true"), 3, 0)
    assert (begins == [[1.0, -1.0]] * 3).all()


def test_where_payments_need_not_sum_to_nothing_what_the_agent_gets_from_itself_is_taken_off():
    """Who always cooperates gets 5 from himself, and who betrays him 10."""
    truth = exact("matrix:game=prisoners", "first")
    gained = gains(game("matrix:game=prisoners"), agent("first:last=true"), agent("first"), 4, 0)
    assert truth is not None and (gained == 5.0).all() and truth.exploitability == 5.0


def test_the_games_that_are_reported_are_none_that_the_snapshot_was_chosen_by(monkeypatch):
    seen: list[np.ndarray] = []

    def play(rules, table, seating, seeds):
        seen.append(seeds)
        return play_games(rules, table, seating, seeds)

    monkeypatch.setattr("arena.best_response.play_games", play)
    gains(game("kuhn"), agent("first"), agent("first"), 200, 3)
    assert len(seen) == 2 and (seen[0] == seen[1]).all()  # the same deals in either seat
    assert not np.isin(seen[0], held_out(3, HELD_OUT)).any()


def test_an_interval_is_never_without_width_where_results_are_bounded():
    equal = np.ones(98)
    assert half_interval(equal, bounded=False) == 0.0
    assert half_interval(equal, bounded=True) == pytest.approx(
        1.96 * np.sqrt((99 * 0.02**2 + 1.98**2) / 99) / 10, rel=1e-3
    )
    assert half_interval(np.array([0.0, 2.0]), bounded=False) == pytest.approx(1.96, rel=1e-3)
    assert half_interval(np.zeros(1), bounded=False) == float("inf")


def test_a_search_learns_to_answer_and_is_kept(tmp_path):
    small = ("self_play.lanes=8", "run.positions=40", "self_play.search.simulations=8", "learner.batch=16")
    found = learned(
        "tic_tac_toe", "first", "alphazero", steps=4, pairs=4, out=tmp_path / "x",
        settings=("network.backbone=mlp:width=8", *small),
    )  # fmt: skip
    kept = newest_agent(tmp_path / "x" / "best")
    assert found.agent == str(kept) and found.steps >= 4
    assert answering(kept).name.endswith(":sims=100")
    assert found.seats == (1.0, 1.0)  # a hundred simulations see a row of three coming
    with pytest.raises(ValueError, match="holds a run already"):
        learned("tic_tac_toe", "first", "alphazero", steps=4, out=tmp_path / "x")


@pytest.mark.parametrize(("written", "left"), [((), "nothing of it is kept."), (("state",), "has a state of its")])
def test_ctrl_c_says_what_is_kept_where(arena, tmp_path, monkeypatch, written, left):
    out = tmp_path / "x"

    def stopped(*given, **more):
        for name in written:
            (out / name).mkdir(parents=True)
        raise KeyboardInterrupt

    monkeypatch.setattr("arena.best_response.learned", stopped)
    asked = ["evaluate", "random", "kuhn", "--episodes", "2", "--best-response", "ppo", "--out", str(out)]
    code, _, err = arena(*asked)
    assert code == 130 and left in err and ("name another --out" in err) == bool(written)
    (out / "best").mkdir(parents=True, exist_ok=True)
    code, _, err = arena(*asked)
    assert code == 2 and "holds a run already; name another --out" in err  # before any game


@pytest.mark.parametrize(
    ("where", "who", "how", "why"),
    [
        ("cart_pole", "random", "ppo", "cart_pole is played alone, so there is nobody to answer"),
        ("kuhn", "random", "q_learning", "q_learning plays by itself and cannot learn to answer another; take one of"),
        ("kuhn", "exec:./mybot", "ppo", "would be asked millions of times"),
        ("kuhn", "human", "ppo", "would be asked millions of times"),
        ("kuhn", "alphabeta", "ppo", "alphabeta"),
        ("kuhn", "random", "alphazero", "AlphaZero looks ahead in the position, which kuhn"),
    ],
)
def test_what_cannot_be_answered_is_refused(where, who, how, why):
    with pytest.raises((Unable, ValueError), match=why):
        learned(where, who, how, steps=10)


def test_the_command_line_says_how_it_was_come_by(arena):
    asked = ["evaluate", "random", "kuhn", "--episodes", "2", "--best-response", "ppo", "--steps", "2000"]
    code, out, err = arena(*asked, "--pairs", "50", "--json")
    said = json.loads(out)
    assert (code, err) == (0, "")
    assert said["exploitability"] == pytest.approx(0.4583, abs=1e-4)
    assert said["exact"]["best"] == pytest.approx([0.5, 5 / 12])
    bound = said["lower_bound"]
    assert bound["pairs"] == 50 and bound["algorithm"] == "ppo"
    assert bound["at_least"] == max(0.0, bound["mean"] - bound["error"])
    assert "a lower bound" in bound["how"] and "in 50 fresh games from each" in bound["how"]
    for wrong, why in (
        (["--minutes", "1"], "--minutes is for the training of an answer; add --best-response ppo."),
        (["--best-response", "pppo"], "There is no algorithm 'pppo'"),
        (["--best-response", "ppo", "--set", "run.minutes=5"], "--minutes says how long an answer trains; leave"),
        (["--best-response", "ppo", "--set", "run.name=x"], "--out DIR says where the answer is kept; leave run.name"),
        (["--best-response", "ppo", "--steps", "5", "--minutes", "1"], "choose one"),
    ):
        code, _, err = arena("evaluate", "random", "kuhn", *wrong)
        assert code == 2 and why in err


@pytest.mark.parametrize("count", ["2", "auto"])
def test_its_opponent_is_seated_in_this_process_and_nowhere_else(count, tmp_path):
    with pytest.raises(Unable, match=r"is trained in this process, .* leave workers\.count out"):
        config_of("ppo", "kuhn", "random", tmp_path / "x", 0, [f"workers.count={count}"])
