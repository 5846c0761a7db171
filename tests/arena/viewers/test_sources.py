from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest

from agents.agent import Decision
from arena.viewers.play import Duel
from arena.viewers.snapshot import Snapshot
from arena.viewers.sources import Follow, Live, Replay, Source, StoredGame, replayed
from envs.registry import game
from tests.arena.viewers.scripted import Thinker

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
    again = replayed(StoredGame(FOUR, moves, ("a", "b"), connect_four.seed))
    assert (again.rows == connect_four.rows).all()
    assert again.result == connect_four.result
    assert [ply.seat for ply in again.plies] == [ply.seat for ply in connect_four.plies]


def test_a_broken_game_is_refused() -> None:
    with pytest.raises(ValueError, match="Move 7"):
        replayed(StoredGame(FOUR, (0,) * 7, ("a", "b")))


def test_a_game_that_time_ended_keeps_its_result() -> None:
    snapshot = replayed(StoredGame(FOUR, (3, 3), ("a", "b"), result=(1.0, -1.0)))
    assert snapshot.result == (1.0, -1.0)
    assert replayed(StoredGame(FOUR, (3, 3), ("a", "b"))).result is None


def test_an_analyst_judges_every_position() -> None:
    source = Replay(StoredGame(FOUR, (3, 3, 2), ("a", "b")), Thinker("judge"))
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
    """Three stored games; a new one appears with each question."""

    def __init__(self, games: int) -> None:
        self.games, self.asked = games, 0

    def newest(self, after: int | None) -> StoredGame | None:
        self.asked += 1
        key = min(self.asked, self.games)
        return StoredGame(FOUR, (3,) * key, ("a", "b"), key=key) if after is None or key > after else None


def test_following_a_league() -> None:
    source = Follow(Feed(2))
    assert source.newest().length == 1
    source.ask("next", 0)
    second = wait(source, lambda s: s.number == 1)
    assert second.length == 2
    source.ask("next", 0)
    assert "Waiting" in wait(source, lambda s: bool(s.note)).note
    assert source.newest().length == 2
    source.close()


class Empty:
    def newest(self, after: int | None) -> StoredGame | None:
        return None


def test_a_league_without_games_says_so() -> None:
    with pytest.raises(ValueError, match="no finished game yet"):
        Follow(Empty())


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


def test_a_seat_that_does_not_exist() -> None:
    with pytest.raises(ValueError, match="seats 0 to 1"):
        Duel(FOUR, Thinker("agent"), seat=2)
