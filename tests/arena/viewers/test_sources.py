from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest

from agents.agent import Agent, Decision
from arena.viewers.play import Duel
from arena.viewers.snapshot import Snapshot
from arena.viewers.sources import Follow, GameRecord, Live, Replay, Source, replayed
from envs.game import Game
from envs.registry import game
from tests.arena.viewers.scripted import Sayer, Thinker
from tests.envs import toys

FOUR = game("connect_four")


def wait(source: Source, until: Callable[[Snapshot], bool]) -> Snapshot:
    for _ in range(2000):
        snapshot = source.newest()
        if until(snapshot):
            return snapshot
        time.sleep(0.005)
    raise AssertionError(f"never came to be: {source.newest().plies}")


def test_a_stored_game_is_played_again(connect_four: Snapshot) -> None:
    moves = tuple(ply.action for ply in connect_four.plies)
    again = replayed(GameRecord(FOUR, moves, ("a", "b"), connect_four.seed))
    assert (again.rows == connect_four.rows).all()
    assert again.result == connect_four.result
    assert [ply.seat for ply in again.plies] == [ply.seat for ply in connect_four.plies]


def test_a_broken_game_is_refused() -> None:
    with pytest.raises(ValueError, match="Move 7"):
        replayed(GameRecord(FOUR, (0,) * 7, ("a", "b")))


def test_a_game_that_time_ended_keeps_its_result() -> None:
    snapshot = replayed(GameRecord(FOUR, (3, 3), ("a", "b"), result=(1.0, -1.0)))
    assert snapshot.result == (1.0, -1.0)
    assert replayed(GameRecord(FOUR, (3, 3), ("a", "b"))).result is None


def test_an_analyst_judges_every_position() -> None:
    source = Replay(GameRecord(FOUR, (3, 3, 2), ("a", "b")), Thinker("judge"))
    snapshot = wait(source, lambda s: all(p.candidates for p in s.plies) and s.thoughts is not None)
    source.close()
    assert [ply.action for ply in snapshot.plies] == [3, 3, 2]
    assert {ply.voice for ply in snapshot.plies} == {None}


def test_live_plays_the_same_game_as_out_of_time() -> None:
    def new(start: bool) -> Live:
        return Live(FOUR, [Thinker("a"), Thinker("b")], seed=11, opening=(3,), start=start)

    live, done = new(True), new(False).play_out()
    seen = wait(live, lambda s: s.result is not None)
    assert [p.action for p in seen.plies] == [p.action for p in done.plies]
    assert seen.plies[0].action == 3 and seen.opening == 1
    assert seen.plies == done.plies
    live.ask("next", 0)
    other = wait(live, lambda s: s.number == 1)
    assert other.names == ("b", "a")
    live.close()


class Broken:
    name = "broken"

    def begin(self, game: object, seeds: np.ndarray) -> dict:
        return {}

    def act(self, view: object, memory: dict) -> Decision:
        raise RuntimeError("out of order")


def test_an_agent_that_fails_is_named() -> None:
    live = Live(FOUR, [Broken(), Thinker("b")])
    assert wait(live, lambda s: bool(s.note)).note == "broken could not move: out of order"
    live.close()


class Feed:
    """A league that is not there yet, then has games of one move, two moves and so on, and then no more."""

    def __init__(self, games: int, late: int = 0, judge: Agent | None = None) -> None:
        self.games, self.late, self.judge, self.given = games, late, judge, 0

    def game(self) -> Game:
        return FOUR

    def next(self) -> GameRecord | None:
        self.late -= 1
        if self.late >= 0:
            raise ValueError("out of reach")
        if self.given == self.games:
            return None
        self.given += 1
        return GameRecord(FOUR, (3,) * self.given, ("a", "b"))

    def waiting(self) -> str:
        return "Waiting for games."

    def analyst(self, game: Game) -> Agent | None:
        return self.judge


def test_following_a_league() -> None:
    source = Follow(Feed(2, judge=Thinker("judge")))
    first = wait(source, lambda s: s.number == 1 and s.thoughts is not None)
    assert first.length == 1 and first.plies[0].candidates
    assert ("analyst", "judge") in first.facts
    source.ask("next", 0)
    second = wait(source, lambda s: s.number == 2)
    assert second.length == 2
    source.ask("next", 0)
    assert wait(source, lambda s: bool(s.note)).note == "Waiting for games."
    assert source.newest().length == 2
    source.close()


def test_a_league_that_has_not_begun_is_waited_for() -> None:
    source = Follow(Feed(0))
    empty = source.newest()
    assert (empty.length, empty.note, empty.number) == (0, "Waiting for games.", 0)
    source.close()
    late = Follow(Feed(1, late=1))
    assert wait(late, lambda s: s.number == 1).length == 1
    late.close()


def test_a_league_whose_games_cannot_be_read_says_so() -> None:
    source = Follow(Feed(1, late=9**9))
    assert wait(source, lambda s: "read" in s.note).note == "The league's games could not be read: out of reach"
    source.close()


def test_a_person_plays_takes_back_and_lets_the_agent_move() -> None:
    duel = Duel(FOUR, Thinker("agent"), seat=0, seed=4)
    assert duel.newest().names == ("you", "agent")
    assert duel.ask("undo", 0) == "There is no move to take back."
    duel.ask("play", 3)
    first = wait(duel, lambda s: s.length == 2)
    assert first.plies[0].action == 3 and first.thinking == 0
    assert {p.voice for p in first.plies if p.value is not None} == {1}
    duel.ask("undo", 0)
    back = wait(duel, lambda s: s.length == 0)
    assert back.rows[0]["ply"] == 0 and back.thinking == 0
    duel.ask("play", 3)
    again = wait(duel, lambda s: s.length == 2)
    assert again.plies == first.plies  # its memory went back too
    duel.ask("move", 0)
    assert wait(duel, lambda s: s.length == 4).plies[2].seat == 0
    duel.close()


def test_a_person_in_the_second_seat_is_answered() -> None:
    duel = Duel(FOUR, Thinker("agent"), seat=1)
    assert wait(duel, lambda s: s.length == 1).person == 1
    while duel.newest().result is None:
        before = duel.newest()
        duel.ask("move", 0)
        wait(duel, lambda s, n=before.length: s.length > n and (s.result is not None or s.thinking == 1))
    duel.ask("next", 0)
    assert wait(duel, lambda s: s.number == 1).person == 0
    duel.close()


def test_a_person_resigns_and_the_game_is_kept_once() -> None:
    kept: list[Snapshot] = []

    def keep(snapshot: Snapshot) -> str:
        kept.append(snapshot)
        return "Stored."

    duel = Duel(FOUR, Thinker("agent"), seat=0, keep=keep)
    duel.ask("play", 3)
    wait(duel, lambda s: s.length == 2)
    assert kept == []
    duel.ask("resign", 0)
    over = wait(duel, lambda s: s.note == "you resigned. Stored.")
    assert over.result == (-1.0, 1.0) and over.thinking is None
    duel.ask("resign", 0)
    duel.ask("move", 0)
    duel.ask("undo", 0)
    back = wait(duel, lambda s: s.length == 0)
    assert back.result is None and back.note == ""
    duel.close()
    assert len(kept) == 1 and kept[0].result == (-1.0, 1.0)


def test_a_game_that_cannot_be_kept_says_why() -> None:
    def keep(snapshot: Snapshot) -> str:
        raise ValueError("the disk is full")

    duel = Duel(FOUR, Thinker("agent"), seat=1, keep=keep)
    wait(duel, lambda s: s.length == 1)
    duel.ask("resign", 0)
    assert "not stored: the disk is full" in wait(duel, lambda s: s.result is not None and "stored" in s.note).note
    duel.close()


def test_a_seat_that_does_not_exist() -> None:
    with pytest.raises(ValueError, match="seats 0 to 1"):
        Duel(FOUR, Thinker("agent"), seat=2)


def test_a_person_among_three_seats_takes_back_what_all_have_done() -> None:
    duel = Duel(toys.cards(), Sayer("agent"), seat=1, seed=4)
    first = wait(duel, lambda s: s.thinking == 1)
    assert first.names == ("agent", "you", "agent") and first.length == 1
    duel.ask("play", 0)
    over = wait(duel, lambda s: s.result is not None)
    assert [ply.seat for ply in over.plies] == [0, 1, 2] and over.result is not None and sum(over.result) == 0
    duel.ask("undo", 0)
    back = wait(duel, lambda s: s.length == 1)
    assert back.plies == first.plies and back.result is None
    duel.ask("play", 0)
    assert wait(duel, lambda s: s.length == 3).plies == over.plies  # every memory went back too
    duel.ask("next", 0)
    assert wait(duel, lambda s: s.number == 1).names == ("agent", "agent", "you")
    duel.close()


def test_a_person_plays_alone() -> None:
    duel = Duel(toys.walk(), Sayer("agent"), seat=0)
    assert duel.newest().names == ("you",) and duel.newest().thinking == 0
    for _ in range(3):
        duel.ask("play", 1)
    duel.ask("move", 0)  # the agent for the person
    assert wait(duel, lambda s: s.length == 4).returns[3].tolist() == [1.5]
    duel.close()


def test_a_person_plays_numbers_and_nothing_beyond_their_bounds() -> None:
    duel = Duel(toys.pull(), Sayer("agent"), seat=0)
    for action in ((0.25, 9.0), (float("nan"), 0.0), (0.25,), (0.25, -0.5)):
        duel.ask("play", action)
    snapshot = wait(duel, lambda s: s.length == 1)
    assert snapshot.plies[0].action == (0.25, -0.5)
    duel.ask("undo", 0)
    assert wait(duel, lambda s: s.length == 0).thinking == 0
    duel.close()


def test_a_person_plays_in_another_projects_program_and_takes_nothing_back() -> None:
    duel = Duel(game("gym:CartPole-v1"), Sayer("agent"))
    for action in (1, 0, 2, 1):  # there is no action 2
        duel.ask("play", action)
    duel.ask("move", 0)
    snapshot = wait(duel, lambda s: s.length == 4)
    assert [ply.action for ply in snapshot.plies[:3]] == [1, 0, 1] and snapshot.returns[4].tolist() == [4.0]
    assert "no move can be taken back" in duel.ask("undo", 0) and duel.newest().length == 4
    duel.close()


def test_agents_of_three_seats_change_places() -> None:
    live = Live(toys.cards(), [Sayer("a"), Sayer("b"), Sayer("c")], seed=1)
    assert wait(live, lambda s: s.result is not None).names == ("a", "b", "c")
    live.ask("next", 0)
    assert wait(live, lambda s: s.number == 1).names == ("c", "a", "b")
    live.close()
