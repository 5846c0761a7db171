"""Terms: clocks, budgets of simulations and adjudication, from the command line to the verifier."""

import json
from dataclasses import replace

import numpy as np
import pytest

from agents.agent import Unable
from agents.clock import Clock, Clocked
from agents.registry import agent
from agents.scripted.solver import worth
from arena import cli
from arena.store import Store, StoredGame
from arena.terms import FREE, Terms, terms, with_clock
from arena.tournament import LANES, SLOW_LANES, contest, match
from arena.verify import replayed_wrong, verify
from envs import kernels
from envs.registry import game as game_of

TIC_TAC_TOE = game_of("tic_tac_toe")
WINS = "adjudicated: seat 0 wins by perfect play."


def test_budgets_are_written_into_the_specs():
    specs = ["mcts:c=1", "random", "mcts"]
    assert terms(sims="50").written(specs) == ["mcts:c=1,sims=50", "random", "mcts:sims=50"]
    assert terms(sims="50,-,200").written(specs) == ["mcts:c=1,sims=50", "random", "mcts:sims=200"]
    assert FREE.written(specs) == specs
    for sims, said in (
        ("50,60", "2 budgets for 3 agents"),
        ("50,60,70", "'random' does no simulations"),
        ("none", "whole numbers"),
        ("0", "at least 1"),
    ):
        with pytest.raises(ValueError, match=said):
            terms(sims=sims).written(specs)
    with pytest.raises(ValueError, match="says its simulations itself"):
        terms(sims="50").written(["mcts:sims=9", "random"])


def test_a_program_is_told_the_time_and_keeps_its_own():
    clock = Clock(2.0, 60.0)
    assert with_clock("exec:./bot --a=b:c", clock) == "exec,move=2,game=60:./bot --a=b:c"
    assert with_clock("exec,move=5,name=x:./bot", clock) == "exec,game=60,move=5,name=x:./bot"
    assert with_clock("random", clock) == "random" and with_clock("exec:true", Clock()) == "exec:true"
    player = agent("random")
    assert isinstance(Terms(clock).bound(player, "random"), Clocked)
    assert Terms(clock).bound(player, "exec,box=no:true") is player is FREE.bound(player, "random")


def test_other_terms_are_other_games_and_none_change_nothing():
    ids = {contest("tic_tac_toe", ["random", "mcts"], terms=some).id for some in (
        None, Terms(Clock(move=1.0)), Terms(Clock(game=1.0)), Terms(adjudicate=3),
    )}  # fmt: skip
    assert len(ids) == 4
    assert contest("tic_tac_toe", ["random", "mcts"], terms=FREE).id in ids
    assert set(contest("tic_tac_toe", ["mcts", "mcts:c=2"], terms=terms(sims="5,7")).entrants) == {
        "mcts:sims=5", "mcts:sims=7,c=2",
    }  # fmt: skip


def test_who_takes_time_plays_fewer_games_at_once():
    slow = [
        contest("tic_tac_toe", ["random", "mcts"], terms=Terms(Clock(game=1.0))),
        contest("kuhn", ["random", "exec,box=no:true"]),
    ]
    assert {some.lanes for some in slow} == {SLOW_LANES} and contest("tic_tac_toe", ["random", "mcts"]).lanes == LANES


def test_a_clock_on_the_command_line(tmp_path, capsys):
    words = ("match", "tic_tac_toe", "first", "random", "--games", "4", "--db", str(tmp_path / "arena.db"), "--json")
    assert cli.run([*words, "--move-time", "1e-9"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {lost["kind"] for lost in found["forfeits"]} == {"late"} and len(found["forfeits"]) == found["games"] == 4
    assert cli.run([*words, "--game-time", "60"]) == 0
    assert json.loads(capsys.readouterr().out)["forfeits"] == []
    assert verify(tmp_path / "arena.db").whole


# --- adjudication -----------------------------------------------------------------------------------------------------


def test_what_positions_are_worth():
    lines = {"": 0, "a1 a2": 1, "b2 a2": 1, "a1 b2": 0, "a1 b1 b2 c3": 1, "a1 b1 b2": -1}
    rows = [kernels.replay(TIC_TAC_TOE, 0, [TIC_TAC_TOE.action(m) for m in line.split()])[-1:] for line in lines]
    assert worth(TIC_TAC_TOE, np.concatenate(rows)).tolist() == list(lines.values())
    with pytest.raises(Unable, match="Perfect play is known of"):
        worth(game_of("hex"), rows[0])


def test_a_game_ends_as_perfect_play_would_end_it(tmp_path):
    entered = contest("tic_tac_toe", ["random", "first"], opening_plies=0, terms=Terms(adjudicate=4), purpose="match")
    with Store(tmp_path / "arena.db") as store:
        match(store, entered, 40)
        games = list(store.games())
    ended = [game for game in games if game.reason]
    assert ended and all(len(game.moves) == 5 for game in ended) and all(len(game.moves) <= 5 for game in games)
    for game in ended:
        last = kernels.replay(TIC_TAC_TOE, game.seed, game.moves)[-1:]
        first = float(worth(TIC_TAC_TOE, last)[0]) * (1 - 2 * int(last["seat"][0]))
        assert game.results == (first, -first)
        who = {1.0: "seat 0 wins", -1.0: "seat 1 wins", 0.0: "a draw"}[first]
        assert game.reason == f"adjudicated: {who} by perfect play."
    assert len({game.reason for game in ended}) > 1
    assert verify(tmp_path / "arena.db").whole


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"results": (-1.0, 1.0), "reason": "adjudicated: seat 1 wins by perfect play."}, "gives (1.0, -1.0)"),
        ({"results": (0.0, 0.0), "reason": "adjudicated: a draw by perfect play."}, "gives (1.0, -1.0)"),
        ({"reason": "adjudicated: a draw by perfect play."}, "perfect play gives"),
        ({"moves": [0, 3, 1, 4, 2]}, "its moves end it by the rules"),
    ],
)
def test_a_false_adjudication_is_found(change, fault):
    whole = StoredGame("1", "tic_tac_toe", 1, 7, ("a", "b"), (1.0, -1.0), [0, 3, 1, 8], reason=WINS)
    assert replayed_wrong(TIC_TAC_TOE, [whole]) == [""]
    assert fault in replayed_wrong(TIC_TAC_TOE, [replace(whole, **change)])[0]


def test_adjudication_needs_a_solver(tmp_path, capsys):
    assert cli.run(["match", "hex", "random", "first", "--adjudicate", "5", "--db", str(tmp_path / "a.db")]) == 2
    assert "there is one for connect_four and tic_tac_toe" in capsys.readouterr().err
    hex_game = StoredGame("1", "hex", 1, 7, ("a", "b"), (1.0, -1.0), [0], reason=WINS)
    assert "not of hex" in replayed_wrong(game_of("hex"), [hex_game])[0]
