"""How few games hold the leader up: by hand, and against trying everything."""

from __future__ import annotations

from collections import Counter
from itertools import product

import numpy as np
import pytest

from leagues.overturn import EQUAL, Lead, LeftOut, overturn
from leagues.rating import Result, rate, strengths


def played(*meetings: tuple[str, str, float]) -> Counter[Result]:
    return Counter(Result(*meeting) for meeting in meetings)


def ahead(wins: int, draws: int, losses: int) -> Counter[Result]:
    """What a, who always moves first, came to against b."""
    return +Counter({Result("a", "b", 1.0): wins, Result("a", "b", 0.5): draws, Result("a", "b", 0.0): losses})


def without(results: Counter[Result], lead: Lead) -> Counter[Result]:
    left = results.copy()
    for one in lead.left_out:
        left[Result(one.first, one.second, one.score)] -= one.games
    assert min(left.values()) >= 0
    return +left


@pytest.mark.parametrize(
    ("wins", "draws", "losses", "games"), [(2, 0, 1, 2), (4, 0, 1, 4), (3, 4, 2, 2), (1, 9, 0, None)]
)
def test_of_two_members_the_wins_ahead_and_one_more(wins: int, draws: int, losses: int, games: int | None) -> None:
    """2 wins against 1: without one they are level, without both b leads. Where a never lost, b never leads."""
    lead = overturn(ahead(wins, draws, losses))
    assert lead is not None and (lead.leader, lead.games, lead.exact) == ("a", games, True)
    if games is None:
        assert lead.rival is None and not lead.left_out
    else:
        assert lead.rival == "b" and lead.left_out == [LeftOut("a", "b", 1.0, games)]


def test_who_is_level_needs_none_and_one_game_may_lift_nobody() -> None:
    assert overturn(ahead(2, 1, 2)) == Lead("a", "b", 0, True, ())
    assert overturn(ahead(1, 0, 0)) == Lead("a", None, None, True, ())
    assert overturn(played(("a", "b", 1.0)), ["c"]) == Lead("a", None, None, True, ())  # without it all are level
    assert overturn({}, ["a", "b"]) == Lead("a", "b", 0, True, ())
    assert overturn({}, ["a"]) is None and overturn({}) is None


def least(results: Counter[Result], names: list[str]) -> int | None:
    """By trying all that can be left out."""
    kinds = list(results)
    index = {name: i for i, name in enumerate(names)}

    def leading(counts: tuple[int, ...]) -> np.ndarray:
        games = [kind for kind, count in zip(kinds, counts, strict=True) for _ in range(count)]
        first, second = ([index[str(one[i])] for one in games] for i in (0, 1))
        score = np.array([one.score for one in games], np.float64)
        return strengths(np.array(first, np.int64), np.array(second, np.int64), score, len(names)) / 173.7

    leader = int(np.argmax(leading(tuple(results.values()))))
    fewest = None
    for counts in sorted(product(*(range(n + 1) for n in results.values())), key=lambda one: -sum(one)):
        found = leading(counts)
        if np.delete(found, leader).max() > found[leader] + EQUAL:
            fewest = sum(results.values()) - sum(counts)
            break
    return fewest


@pytest.mark.parametrize("seed", range(6))
def test_as_few_as_by_trying_everything(seed: int) -> None:
    generator, names = np.random.default_rng(seed), ["a", "b", "c"]
    results: Counter[Result] = Counter()
    for _ in range(9):
        first, second = generator.choice(names, 2, replace=False)
        results[Result(str(first), str(second), float(generator.choice([1.0, 1.0, 0.5, 0.0])))] += 1
    lead, fewest = overturn(results, names), least(results, names)
    assert lead is not None and lead.exact and (lead.games == fewest or lead.games == 0)


def test_what_is_left_out_does_change_the_leader_of_many() -> None:
    generator = np.random.default_rng(0)
    names, worth = [f"m{i}" for i in range(12)], np.linspace(0.0, 1.0, 12)
    results: Counter[Result] = Counter()
    for i, j in generator.integers(0, 12, (400, 2)):
        if i != j:
            won = generator.random() < 1 / (1 + np.exp(worth[j] - worth[i]))
            results[Result(names[i], names[j], float(won))] += 1
    lead = overturn(results)
    assert lead is not None and lead.games is not None and lead.rival is not None
    before, after = rate(results, anchor=None), rate(without(results, lead), members=names, anchor=None)
    assert before.rows()[0]["name"] == lead.leader and after.rows()[0]["name"] == lead.rival
    assert sum(one.games for one in lead.left_out) == lead.games < 20
    spared = Counter({Result(one.first, one.second, one.score): one.games for one in lead.left_out})
    one = next(iter(spared))
    spared[one] -= 1  # one game fewer of those is not enough
    assert rate(results - spared, members=names, anchor=None).rows()[0]["name"] == lead.leader
