"""The referee's clock: who answers too late loses that game, and getting ready costs nothing."""

import numpy as np
import pytest

from agents import clock as module
from agents.agent import Decision
from agents.clock import Clock, Clocked
from agents.play import play_games, read_forfeit
from agents.registry import agent
from agents.scripted.random import Random
from envs import kernels
from envs.registry import game

RULES = game("tic_tac_toe")
NOW = [0.0]


@pytest.fixture(autouse=True)
def hands(monkeypatch):
    """A clock that stands still but for what agents take."""
    NOW[0] = 0.0
    monkeypatch.setattr(module.time, "monotonic", lambda: NOW[0])


class Thinker(Random):
    """Random, and takes so many seconds for the n-th move that it is asked for, getting ready included."""

    def __init__(self, *seconds: float) -> None:
        super().__init__()
        self.seconds, self.moves = seconds, 0

    def act(self, view, memory):
        assert len(view.seat) == len(memory["rng"]) == 1
        assert view.text is not None and view.text(0).count("x") == view.text(0).count("o") + int(view.seat[0])
        NOW[0] += self.seconds[min(self.moves, len(self.seconds) - 1)]
        self.moves += 1
        return super().act(view, memory)


def meet(thinker, clock: Clock, count: int = 1, rules=RULES):
    seating = np.tile([0, 1], (count, 1))
    return play_games(rules, [Clocked(thinker, clock), agent("random")], seating, kernels.seeds(1, count), referee=True)


def test_a_late_move_loses_the_game():
    (played,) = meet(Thinker(0, 1.0, 1.5, 0), Clock(move=1.25))
    seat, forfeit = read_forfeit(played.reason)  # type: ignore[misc]
    assert (seat, forfeit.kind, played.reward) == (0, "late", (-1.0, 1.0)) and len(played.moves) == 2
    assert forfeit.text == "it answered after 1.50 s, and had 1.25 s."
    (played,) = meet(Thinker(0, 1.0, 1.25, 0), Clock(move=1.25))
    assert played.reason == ""


def test_all_moves_of_a_game_share_its_time():
    (played,) = meet(Thinker(0, 0.8, 0.8, 0.8), Clock(game=2.0))
    _, forfeit = read_forfeit(played.reason)  # type: ignore[misc]
    assert forfeit.kind == "late" and "its 2 s for the game: 1.60 s before, then 0.80 s" in forfeit.text
    assert meet(Thinker(0, 0.5), Clock(move=0.5, game=2.0))[0].reason == ""


def test_getting_ready_and_other_games_cost_nothing():
    assert meet(Thinker(60.0, 0.1), Clock(move=0.2, game=1.0))[0].reason == ""
    games = meet(Thinker(0, 0.1, 5.0, 0.1), Clock(move=0.2), 4)
    assert [played.reason != "" for played in games] == [False, True, False, False]


@pytest.mark.parametrize("spec", ["tic_tac_toe", "kuhn", "pendulum:limit=4"])
def test_against_the_clock_the_same_moves_are_made(spec):
    rules = game(spec)
    seating, seeds = np.zeros((5, rules.seats), np.int64), kernels.seeds(3, 5)
    timed = play_games(rules, [Clocked(agent("random"), Clock(move=9.0))], seating, seeds)
    assert [played.moves for played in timed] == [g.moves for g in play_games(rules, [agent("random")], seating, seeds)]


def test_nonsense_stays_nonsense_under_the_clock():
    class Wild(Random):
        def act(self, view, memory):
            return Decision(np.array([99]), memory)

    (played,) = meet(Wild(), Clock(move=1.0))
    assert read_forfeit(played.reason)[1].kind == "illegal"  # type: ignore[index]


def test_what_a_clock_leaves():
    assert Clock(2.0, 5.0).left(0.0) == 2.0 and Clock(2.0, 5.0).left(4.0) == 1.0
    assert Clock().left(1e9) == float("inf") and not Clock() and Clock(game=1.0)
    for wrong in (-1.0, float("nan"), 1e9):
        with pytest.raises(ValueError, match=r"86,400 seconds, not"):
            Clock(move=wrong)
