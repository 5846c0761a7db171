"""Schedules are balanced, paired, deterministic and safe to cut short."""

from __future__ import annotations

from collections import Counter
from itertools import combinations, islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envs.registry import Unknown
from leagues.schedule import FORMATS, Pairing, follow, gauntlet, pair, pairs_of, round_robin, rounds, schedule

entrants = st.lists(st.text(min_size=1, max_size=8), min_size=2, max_size=9, unique=True)


def by_id(games: list[Pairing]) -> dict[str, float]:
    """Scores that look random, and are the same for the same game."""
    return {game.id: int(game.id, 16) % 3 / 2 for game in games}


@settings(max_examples=40, deadline=None)
@given(entrants, st.integers(1, 3), st.integers(0, 2**63), st.sampled_from(sorted(FORMATS)))
def test_every_format_plays_balanced_pairs(names: list[str], pairs: int, seed: int, form: str) -> None:
    games, standings = follow(schedule(form, names, pairs, seed), by_id)
    assert (games, standings) == follow(schedule(form, names, pairs, seed), by_id)
    assert not standings or sorted(standing.name for standing in standings) == sorted(names)
    assert [standing.place for standing in standings] == sorted(standing.place for standing in standings)
    assert len({game.id for game in games}) == len(games)
    assert set(Counter(game.pair for game in games).values()) == {2}
    for one, other in zip(games[::2], games[1::2], strict=True):
        assert other == one.swapped()
        assert one.pair == other.pair
        assert 0 <= one.opening < 2**63
    first, second = Counter(game.first for game in games), Counter(game.second for game in games)
    assert first == second  # everybody sits in each seat equally often
    assert set(first) == set(names)


def test_round_robin_meets_everybody_equally_often() -> None:
    names = [f"m{i}" for i in range(7)]
    met = Counter(frozenset((game.first, game.second)) for game in round_robin(names, 3, seed=1))
    assert met == {frozenset(two): 6 for two in combinations(names, 2)}


def test_cut_short_everybody_has_played_about_equally_often() -> None:
    names = [f"m{i}" for i in range(8)]
    games = list(round_robin(names, 5, seed=1))
    for cut in range(0, len(games), 8):  # each round is 4 meetings, 8 games
        played = Counter(name for game in islice(games, cut) for name in (game.first, game.second))
        assert {played[name] for name in names} == {cut // 4}


@pytest.mark.parametrize("number", [2, 3, 8, 9])
def test_rounds_are_those_of_the_circle_method(number: int) -> None:
    names = [f"m{i}" for i in range(number)]
    table = list(rounds(names))
    assert len(table) == number - 1 + number % 2
    for meetings in table:
        playing = [name for meeting in meetings for name in meeting]
        assert len(set(playing)) == len(playing) == number - number % 2
    assert Counter(frozenset(meeting) for meetings in table for meeting in meetings) == {
        frozenset(two): 1 for two in combinations(names, 2)
    }


def test_gauntlet_is_the_hero_against_each() -> None:
    games = list(gauntlet("hero", ["c", "a", "b"], 2, seed=5))
    assert len(games) == 12
    assert all("hero" in (game.first, game.second) for game in games)
    assert [game.second for game in games[:6:2]] == ["a", "b", "c"]


def test_one_more_entrant_leaves_the_other_games_alone() -> None:
    before = set(round_robin(["a", "b", "c"], 2, seed=9))
    after = set(round_robin(["d", "c", "b", "a"], 2, seed=9))
    assert {game.opening for game in before} < {game.opening for game in after}
    assert {game.id for game in before} < {game.id for game in after}


def test_ids_are_of_the_content_and_stay_what_they_are() -> None:
    assert Pairing("a", "b", 1).id != Pairing("b", "a", 1).id != Pairing("a", "b", 2).id
    assert Pairing("ab", "c", 1).id != Pairing("a", "bc", 1).id
    assert Pairing("a", "b", 1).pair == Pairing("b", "a", 1).pair != Pairing("a", "b", 2).pair
    assert Pairing("random", "solver", 7).id == "ef2ee51a0df5b9831455f477ed5680f3"  # stored games are found by it


def test_meetings_that_come_again_get_other_openings() -> None:
    games = list(pairs_of([("a", "b"), ("b", "a"), ("a", "c")], seed=0))
    assert games[0].opening == games[1].opening
    assert len({game.opening for game in games}) == 3
    assert pair("a", "b", 0)[0].opening != pair("a", "b", 1)[0].opening


def test_what_cannot_be_scheduled_is_said() -> None:
    with pytest.raises(ValueError, match="entered twice"):
        round_robin(["a", "b", "a"], 1, 0)
    with pytest.raises(ValueError, match="two members or more"):
        round_robin(["a"], 1, 0)
    with pytest.raises(ValueError, match="one pair"):
        gauntlet("a", ["b"], 0, 0)
    with pytest.raises(ValueError, match="at most 1,000,000 pairs"):
        gauntlet("a", ["b"], 10**14, 0)
    with pytest.raises(ValueError, match="itself"):
        pair("a", "a", 0)
    with pytest.raises(Unknown, match="did you mean 'round-robin'"):
        schedule("roundrobin", ["a", "b"], 1, 0)


@pytest.mark.parametrize("form", sorted(FORMATS))
def test_what_a_format_does_not_allow_is_said_before_the_first_round(form: str) -> None:
    with pytest.raises(ValueError, match="two members or more"):
        schedule(form, ["a"], 1, 0)
    with pytest.raises(ValueError, match="entered twice"):
        schedule(form, ["a", "b", "b"], 1, 0)
    with pytest.raises(ValueError, match=r"leave their number out|to 3 rounds|one round or more"):
        schedule(form, ["a", "b", "c"], 1, 0, rounds=0)
