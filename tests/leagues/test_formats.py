"""Swiss, knockout and ladder: who meets next follows from who won."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from leagues.knockout import REPLAYS, bracket
from leagues.schedule import Pairing, Scores, follow, schedule
from leagues.swiss import MOST, matching


def by_strength(order: str):
    """Whoever comes earlier in `order` wins every game."""

    def play(games: list[Pairing]) -> Scores:
        return {game.id: float(order.index(game.first) < order.index(game.second)) for game in games}

    return play


def rounds_of(form: str, names: str, play, pairs: int = 1, rounds: int | None = None):
    """The couples of each round, and the standings."""
    heard: list[list[frozenset[str]]] = []

    def listen(games: list[Pairing]) -> Scores:
        heard.append([frozenset((game.first, game.second)) for game in games[:: 2 * pairs]])
        return play(games)

    _, standings = follow(schedule(form, list(names), pairs, 0, rounds), listen)
    return heard, standings


def couples(*texts: str) -> list[frozenset[str]]:
    return [frozenset(text) for text in texts]


# --- Swiss ----------------------------------------------------------------------------------------------------------


def test_a_swiss_of_eight_by_hand() -> None:
    played, standings = rounds_of("swiss", "abcdefgh", by_strength("abcdefgh"))
    # halves of each group against each other: first by seed, then winners and losers apart
    assert set(played[0]) == set(couples("ae", "bf", "cg", "dh"))
    assert set(played[1]) == set(couples("ac", "bd", "eg", "fh"))
    # 2 points: a b; 1 point: c d e f; 0 points: g h
    assert set(played[2]) == set(couples("ab", "ce", "df", "gh"))
    assert standings[0] == (1, "a", 3.0, "Buchholz 5")  # e had 1 in the end, c and b had 2
    assert (standings[-1].name, standings[-1].points) == ("h", 0.0)


@pytest.mark.parametrize("number", [4, 5, 6, 7, 9, 10])
def test_in_a_swiss_nobody_meets_or_sits_out_again_while_that_can_be(number: int) -> None:
    names = "abcdefghij"[:number]
    for rounds in range(1, number // 2 + 1):
        played, _ = rounds_of("swiss", names, by_strength("jcafhbdgie"), rounds=rounds)
        met = Counter(couple for some in played for couple in some)
        assert set(met.values()) == {1}  # below half the field a way is always left (Dirac)
        free = Counter(name for some in played for name in names if not any(name in couple for couple in some))
        assert sum(free.values()) == rounds * (number % 2)
        assert not free or max(free.values()) == 1


def test_sitting_out_is_a_point_and_is_said() -> None:
    played, standings = rounds_of("swiss", "abc", by_strength("abc"), rounds=1)
    assert played == [couples("ab")]
    assert {s.name: (s.place, s.points) for s in standings} == {"a": (1, 1.0), "c": (2, 1.0), "b": (3, 0.0)}
    assert [s.note.endswith("sat out") for s in standings] == [False, True, False]


def test_the_strongest_wins_a_swiss_whatever_the_seeds() -> None:
    for names in ("abcdefg", "gfedcba", "dbgface"):
        _, standings = rounds_of("swiss", names, by_strength("abcdefg"))
        assert standings[0].name == "a"


def test_limits_of_the_swiss() -> None:
    with pytest.raises(ValueError, match="128 members at most, not 129"):
        schedule("swiss", [str(i) for i in range(MOST + 1)], 1, 0)
    with pytest.raises(ValueError, match="from 1 to 5 rounds, not 6"):
        schedule("swiss", list("abcdef"), 1, 0, 6)
    assert len(rounds_of("swiss", "abcdef", by_strength("abcdef"), rounds=5)[0]) == 5


def test_matching_by_hand() -> None:
    # 0-1 is cheapest alone, but leaves 2-3 at 9: 0-2 and 1-3 cost 4
    cost = np.array([[0, 1, 2, 5], [1, 0, 5, 2], [2, 5, 0, 9], [5, 2, 9, 0]])
    assert matching(cost) == [(0, 2), (1, 3)]
    assert matching(np.zeros((4, 4), int), cost) == [(0, 2), (1, 3)]  # where the first says nothing the second decides
    assert matching(cost, -cost) == [(0, 2), (1, 3)]  # the second cost has no say where the first has one
    # two triangles joined by one dear edge: the relaxed programme would take half of each edge of the triangles
    far = np.full((6, 6), 9)
    for triangle in ((0, 1, 2), (3, 4, 5)):
        far[np.ix_(triangle, triangle)] = 0
    assert sum(far[i, j] for i, j in matching(far)) == 9


def test_matching_is_that_of_networkx() -> None:
    networkx = pytest.importorskip("networkx")
    rng = np.random.default_rng(0)
    for n in (4, 6, 8, 12):
        cost = np.triu(rng.integers(0, 30, (n, n)), 1)
        cost += cost.T
        graph = networkx.from_numpy_array(100 - cost)
        best = networkx.max_weight_matching(graph, maxcardinality=True)
        assert sum(cost[i, j] for i, j in matching(cost)) == sum(cost[i, j] for i, j in best)


# --- knockout -------------------------------------------------------------------------------------------------------


def test_the_bracket_keeps_the_best_apart() -> None:
    assert bracket(8) == [0, 7, 3, 4, 1, 6, 2, 5]
    assert bracket(5) == bracket(8) and bracket(2) == [0, 1]
    for size in (2, 4, 8, 16, 32):
        seeds = bracket(size)
        assert all(one + other == size - 1 for one, other in zip(seeds[::2], seeds[1::2], strict=True))


def test_a_knockout_of_six_by_hand() -> None:
    played, standings = rounds_of("knockout", "abcdef", by_strength("bacdef"))
    assert played == [couples("de", "cf"), couples("ad", "bc"), couples("ab")]  # a and b pass the first round
    assert [(s.place, s.name, s.points) for s in standings] == [
        (1, "b", 3.0),
        (2, "a", 2.0),
        (3, "c", 1.0),
        (3, "d", 1.0),
        (5, "e", 0.0),
        (5, "f", 0.0),
    ]
    assert [s.note for s in standings[:3]] == ["champion", "out in round 3", "out in round 2"]


def test_a_level_meeting_is_played_again_from_new_openings_and_then_the_better_seed_goes_on() -> None:
    games, standings = follow(schedule("knockout", ["b", "a"], 2, 0), lambda some: {game.id: 0.5 for game in some})
    assert len(games) == 2 * (2 + REPLAYS) and len({game.opening for game in games}) == 2 + REPLAYS
    assert [s.name for s in standings] == ["b", "a"]

    def second_replay_to_a(some: list[Pairing]) -> Scores:
        late = {game.id for game in games[6:8]}
        return {game.id: float(game.first == "a") if game.id in late else 0.5 for game in some}

    again, standings = follow(schedule("knockout", ["b", "a"], 2, 0), second_replay_to_a)
    assert again == games[:8] and [s.name for s in standings] == ["a", "b"]


# --- ladder ---------------------------------------------------------------------------------------------------------


def test_a_ladder_of_four_by_hand() -> None:
    played, standings = rounds_of("ladder", "dcba", by_strength("abcd"), rounds=2)
    # d c b a -> (d c)(b a): c d a b -> d and a: c a d b
    assert played == [couples("dc", "ba"), couples("da")]
    assert [s.name for s in standings] == list("cadb")
    assert {s.name: s.points for s in standings} == {"a": 2, "b": 0, "c": 1, "d": 0}
    assert standings[1].note == "began at 4"


def test_a_ladder_puts_everybody_in_order_in_as_many_rounds_as_members() -> None:
    rng = np.random.default_rng(1)
    for number in (2, 3, 7, 8):
        order = "abcdefgh"[:number]
        for names in ["".join(rng.permutation(list(order))) for _ in range(5)] + [order[::-1]]:
            assert [s.name for s in rounds_of("ladder", names, by_strength(order))[1]] == list(order)
    upside_down = rounds_of("ladder", "hgfedcba", by_strength("abcdefgh"), rounds=7)[1]
    assert any(one.name > other.name for one, other in pairwise(upside_down))  # one round fewer is not enough


def test_a_level_meeting_leaves_the_ladder_as_it_is() -> None:
    _, standings = rounds_of("ladder", "cab", lambda games: {game.id: 0.5 for game in games})
    assert [s.name for s in standings] == ["c", "a", "b"]
