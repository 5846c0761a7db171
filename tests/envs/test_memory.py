"""The tasks of memory: agents that remember are right throughout, and none without memory is better than chance."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest

from envs import kernels
from envs.game import Game, Rows
from envs.memory.parentheses import opens
from envs.registry import game

CHANCE = {"copy": 1 / 8, "recall": 1 / 8, "repeat_previous": 1 / 4, "n_back": 1 / 2, "parentheses": 1 / 3}
LANES = 300

Policy = Callable[[list[list[int]]], int]
"""What an agent says after all that it has seen: per ply the numbers of the 1s in the observation."""


def shown(seen: list[int], symbols: int) -> int | None:
    return next((k for k in seen if k < symbols), None)


def copier(past: list[list[int]]) -> int:
    symbols = [k for seen in past if (k := shown(seen, 8)) is not None]
    questions = sum(8 in seen for seen in past)
    return symbols[questions - 1] if questions else 0


def recaller(past: list[list[int]]) -> int:
    pairs = {seen[0]: seen[1] for seen in past if len(seen) == 2 and 16 not in seen}
    key = past[-1][0] if past[-1] else None
    return pairs[key] - 8 if key is not None and 16 in past[-1] else 0


def repeater(past: list[list[int]]) -> int:
    return past[-5][0] if len(past) > 4 else 0


def comparer(past: list[list[int]]) -> int:
    return int(len(past) > 2 and past[-3][0] == past[-1][0])


def stacker(past: list[list[int]]) -> int:
    stack: list[int] = []
    top = 0
    for seen in past:
        if seen == [3]:
            top = stack.pop()
        else:
            stack.append(seen[0])
    return top


REMEMBERS: dict[str, Policy] = {
    "copy": copier,
    "recall": recaller,
    "repeat_previous": repeater,
    "n_back": comparer,
    "parentheses": stacker,
}

every_stream = pytest.mark.parametrize("spec", list(CHANCE))


def played(rules: Game, policy: Policy, seeds: int) -> float:
    """The return of one game that a policy of all that was seen plays."""
    rows = kernels.new_rows(rules, np.array([seeds], np.uint64))
    past: list[list[int]] = []
    total = 0.0
    while not rows["done"][0]:
        past.append(np.flatnonzero(kernels.view(rules, rows).obs[0]).tolist())
        kernels.play_rows(rules, rows, np.array([policy(past)]))
        total += float(rows["reward"][0, 0])
    return total


def histories(spec: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(observations [T, LANES, n], what is asked [T, LANES] or -1), whatever is said."""
    rules = game(spec)
    rows = kernels.new_rows(rules, kernels.seeds(seed, LANES))
    seen, asked = [], []
    while not rows["done"].all():
        seen.append(kernels.view(rules, rows).obs)
        asked.append(rows["answer"].copy())
        kernels.play_rows(rules, rows, np.zeros(LANES, np.int64))
    return np.stack(seen), np.stack(asked)


def best_share(spec: str, memory: int) -> tuple[float, int]:
    """(share of right answers, questions) of the best table from the last 1 + memory observations to what is said.

    The table is filled from one set of games and tried on another: luck does not count.
    """
    counts: dict[bytes, Counter[int]] = defaultdict(Counter)
    right = total = 0
    for learning in (True, False):
        seen, asked = histories(spec, 1 if learning else 2)
        for t, lane in zip(*np.nonzero(asked >= 0), strict=True):
            eyes = seen[max(0, t - memory) : t + 1, lane].tobytes()
            if learning:
                counts[eyes][int(asked[t, lane])] += 1
            else:
                guess = counts[eyes].most_common(1)
                right += bool(guess) and guess[0][0] == asked[t, lane]
                total += 1
    return right / total, total


@every_stream
def test_who_remembers_is_always_right(spec: str) -> None:
    returns = [played(game(spec), REMEMBERS[spec], seed) for seed in range(8)]
    assert returns == pytest.approx([1.0] * 8, abs=1e-5)


@every_stream
def test_nobody_without_memory_is_better_than_the_chance_that_is_stated(spec: str) -> None:
    share, questions = best_share(spec, memory=0)
    chance = CHANCE[spec]
    assert abs(share - chance) < 4 * np.sqrt(chance * (1 - chance) / questions)


def test_a_little_memory_is_worth_a_little() -> None:
    """So that the test above could fail: as many plies back as are needed, and fewer."""
    share, _ = best_share("parentheses", memory=1)  # brackets that close as soon as they open
    assert CHANCE["parentheses"] + 0.1 < share < 0.99
    share, questions = best_share("n_back", memory=1)
    assert abs(share - 0.5) < 4 * np.sqrt(0.25 / questions)
    share, _ = best_share("n_back", memory=2)
    assert share > 0.99


def test_copy_by_hand() -> None:
    rules = game("copy")
    rows = kernels.new_rows(rules, np.zeros(1, np.uint64))
    rows["kept"] = [[3, 1, 4, 1, 5]]
    rows["shown"] = 3
    paid = []
    for ply, said in enumerate([0] * 15 + [3, 1, 4, 1, 0]):
        obs = kernels.view(rules, rows).obs[0]
        expected = np.zeros(9)
        if ply < 5:
            expected[[3, 1, 4, 1, 5][ply]] = 1
        expected[8] = ply >= 15
        np.testing.assert_array_equal(obs, expected)
        kernels.play_rows(rules, rows, np.array([said]))
        paid.append(float(rows["reward"][0, 0]))
    assert paid == pytest.approx([0.0] * 15 + [0.2] * 4 + [0.0])
    assert rows["done"][0]
    assert not rows["cut"][0]


def test_recall_asks_for_every_pair_once() -> None:
    rows = kernels.new_rows(game("recall"), kernels.seeds(0, 2000))
    assert (np.sort(rows["keys"], axis=1) == np.arange(8)).all()
    assert (np.sort(rows["order"], axis=1) == np.arange(4)).all()
    for numbers, kinds in ((rows["keys"][:, 0], 8), (rows["order"][:, 3], 4), (rows["values"], 8)):
        counts = np.bincount(numbers.reshape(-1), minlength=kinds)
        assert (abs(counts - counts.mean()) < 5 * np.sqrt(counts.mean())).all()


def well_formed(left: int, height: int) -> int:
    """How many well-formed ends of `left` brackets there are from a height, counted one by one."""
    if height < 0 or height > left:
        return 0
    return 1 if left == 0 else well_formed(left - 1, height + 1) + well_formed(left - 1, height - 1)


def test_brackets_open_in_proportion_to_what_can_follow() -> None:
    assert opens(5, 1) == pytest.approx(3 / 5)  # of the five strings of six, three begin with two opening brackets
    for left, height in product(range(1, 11), range(11)):
        if well_formed(left, height):
            expected = well_formed(left - 1, height + 1) / well_formed(left, height)
            assert opens(left, height) == pytest.approx(expected)


def test_in_a_t_maze_no_agent_without_memory_is_paid_more_than_0() -> None:
    """All 81 tables from what is seen (sign up, sign down, corridor, junction) to actions, on both signs."""
    rules = game("t_maze")
    tables = np.array(list(product(range(3), repeat=4))).repeat(2, axis=0)
    rows = kernels.new_rows(rules, np.zeros(len(tables), np.uint64))
    rows["sign"] = np.tile([1, 2], 81)
    while not rows["done"].all():
        obs = kernels.view(rules, rows).obs
        state = np.where(obs[:, 0] == 1, 0, np.where(obs[:, 1] == 1, 1, np.where(obs[:, 2] == 1, 2, 3)))
        kernels.play_rows(rules, rows, tables[np.arange(len(tables)), state])
    returns = rows["reward"][:, 0].reshape(81, 2)
    assert returns.mean(axis=1).max() == 0.0
    assert returns.max() == 1.0  # each sign alone can be won
    assert (rows["ply"][returns.reshape(-1) == 1.0] == 11).all()
    assert rows["ply"].max() == 44


def test_in_a_t_maze_who_remembers_is_paid_1() -> None:
    rules = game("t_maze")

    def walker(past: list[list[int]]) -> int:
        return 1 + past[0][0] if past[-1] == [3] else 0

    assert [played(rules, walker, seed) for seed in range(6)] == [1.0] * 6
    assert {int(row["sign"]) for row in kernels.new_rows(rules, kernels.seeds(0, 20))} == {1, 2}


def test_tasks_last_a_thousand_plies_and_no_longer() -> None:
    rules = game("copy:length=2,delay=996,symbols=8")
    assert rules.max_plies == 1000
    assert played(rules, copier, 5) == pytest.approx(1.0)
    for spec, plies in (("repeat_previous:steps=1000,k=900", 1000), ("parentheses:length=1000", 1000)):
        assert game(spec).max_plies == plies
    assert game("t_maze:length=999").max_plies == 4000


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("copy:length=3,delay=995", "copy would take 1001 plies and may take 1000"),
        ("copy:symbols=27", "symbols of copy is a whole number from 2 to 26, not 27"),
        ("recall:pairs=9", "pairs of recall is a whole number from 1 to 8, not 9"),
        ("repeat_previous:k=100", "k of repeat_previous is a whole number from 1 to 99, not 100"),
        ("n_back:steps=1001", "steps of n_back is a whole number from 2 to 1000, not 1001"),
        ("parentheses:length=7", "length is even, not 7"),
        ("parentheses:kinds=5", "kinds of parentheses is a whole number from 2 to 4, not 5"),
        ("t_maze:length=1000", "length of t_maze is a whole number from 1 to 999, not 1000"),
    ],
)
def test_options_that_cannot_be_are_refused_in_a_sentence(spec: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        game(spec)


def test_positions_in_words() -> None:
    rows: Rows = kernels.new_rows(game("n_back"), np.zeros(1, np.uint64))
    text: Any = game("n_back").text
    row = rows.view(np.recarray)[0]
    row.shown, row.answer, row.ply = 2, 1, 7
    assert text(row) == "7 of 100: c, asked for same; 0 of 98 right"
