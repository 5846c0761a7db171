"""Grids: the same transitions as Gymnasium's, worked cases of the rules, layouts that are refused."""

from __future__ import annotations

from collections import defaultdict
from functools import cache
from typing import Any

import gymnasium
import numpy as np
import pytest

from agents.exact.transitions import Model, explore
from envs import kernels
from envs.game import Game, Rows
from envs.grids.layouts import LAYOUTS, BadLayout, distances, parse_layout, random_layout
from envs.registry import game

TWINS: list[tuple[str, str, dict[str, Any]]] = [
    ("frozen_lake", "FrozenLake-v1", {}),
    ("frozen_lake:size=8,slippery=false", "FrozenLake8x8-v1", {"is_slippery": False}),
    ("cliff_walking", "CliffWalking-v1", {}),
    ("cliff_walking:slippery=true", "CliffWalking-v1", {"is_slippery": True}),
    ("taxi", "Taxi-v3", {}),
]


@cache
def model(spec: str) -> Model:
    return explore(game(spec))


Follows = dict[tuple[int, int], dict[tuple[int, float, bool], float]]


def follows(found: Model) -> Follows:
    """(key, action) -> {(key after it or 0 at the end, reward, whether it ends): odds}."""
    table: Follows = defaultdict(lambda: defaultdict(float))
    for s, key in enumerate(found.keys.tolist()):
        for pair in range(found.pairs[s], found.pairs[s + 1]):
            for n in range(found.outcomes[pair], found.outcomes[pair + 1]):
                to, pays = int(found.to[n]), float(found.pays[n])
                after = (int(found.keys[to]), pays, False) if to >= 0 else (0, pays, True)
                table[key, int(found.action[pair])][after] += float(found.odds[n])
    return table


def theirs(env: Any, key: int, action: int) -> dict[tuple[int, float, bool], float]:
    table: dict[tuple[int, float, bool], float] = defaultdict(float)
    for odds, to, reward, end in env.P[key][action]:
        table[0 if end else int(to), float(reward), bool(end)] += odds
    return table


@pytest.mark.parametrize(("spec", "name", "options"), TWINS)
def test_gymnasium_has_the_same_transitions(spec: str, name: str, options: dict[str, Any]) -> None:
    env: Any = gymnasium.make(name, **options).unwrapped
    found = model(spec)
    mine = follows(found)
    assert len(mine) == found.size * env.action_space.n
    for (key, action), outcomes in mine.items():
        expected = theirs(env, key, action)
        assert outcomes.keys() == expected.keys(), (key, action)
        assert all(outcomes[after] == pytest.approx(expected[after]) for after in expected)
    start = np.zeros(found.game.keys)
    start[found.keys.astype(int)] = found.start
    np.testing.assert_allclose(start, env.initial_state_distrib)


def test_comparing_notices_another_rule() -> None:
    """The negative control: slippery ice is not the ice that is not."""
    env: Any = gymnasium.make("FrozenLake-v1", is_slippery=False).unwrapped
    mine = follows(model("frozen_lake"))
    assert any(mine[pair].keys() != theirs(env, *pair).keys() for pair in mine)


@pytest.mark.parametrize("spec", ["frozen_lake", "cliff_walking:slippery=true", "taxi", "blackjack"])
def test_what_is_drawn_is_as_likely_as_the_model_says(spec: str) -> None:
    """Every pair of a state and an action, played often by reset and play: chi squared within four deviations."""
    rules, found = game(spec), model(spec)
    lanes = 3000 if rules.keys > 100 else 6000
    rows = kernels.new_rows(rules, kernels.seeds(4, lanes))
    first = found.find(kernels.keys_of(rules, rows))
    assert chi_squared(np.bincount(first, minlength=found.size), found.start * lanes) < 4.0
    generator = np.random.default_rng(4)
    before, actions = first, generator.integers(0, rules.actions, lanes)
    kernels.play_rows(rules, rows, actions)
    over = rows["done"] & ~rows["cut"]
    after = np.where(over, -1, found.find(kernels.keys_of(rules, rows)))
    odds: dict[tuple[int, float], float] = defaultdict(float)
    seen: dict[tuple[int, float], float] = defaultdict(float)
    for to, reward in zip(after.tolist(), rows["reward"][:, 0].tolist(), strict=True):
        seen[to, reward] += 1
    for s in range(found.size):
        for pair in range(found.pairs[s], found.pairs[s + 1]):
            times = np.sum((before == s) & (actions == found.action[pair]))
            for n in range(found.outcomes[pair], found.outcomes[pair + 1]):
                odds[int(found.to[n]), float(found.pays[n])] += times * found.odds[n]
    assert seen.keys() <= odds.keys()
    keys = sorted(odds)
    assert chi_squared(np.array([seen[k] for k in keys]), np.array([odds[k] for k in keys])) < 4.0


def chi_squared(counts: Any, expected: Any) -> float:
    """Deviations by which chi squared exceeds its mean; what is expected less than five times goes in one class."""
    rare = expected < 5
    counts = np.append(counts[~rare], counts[rare].sum())
    expected = np.append(expected[~rare], expected[rare].sum())
    counts, expected = counts[expected > 0], expected[expected > 0]
    freedom = max(1, len(counts) - 1)
    return float((((counts - expected) ** 2 / expected).sum() - freedom) / np.sqrt(2 * freedom))


def play(rules: Game, row: Rows, *names: str) -> list[float]:
    """What each action paid."""
    paid = []
    for name in names:
        kernels.play_rows(rules, row, np.array([rules.action(name)]))
        paid.append(float(row["reward"][0, 0]))
    return paid


def one(spec: str) -> tuple[Game, Rows]:
    return game(spec), kernels.new_rows(game(spec), np.array([0], np.uint64))


def test_a_fall_from_the_cliff_leads_back_to_the_start() -> None:
    rules, row = one("cliff_walking")
    assert play(rules, row, "right", "up", "right", "down") == [-100.0, -1.0, -1.0, -100.0]
    assert row["state"][0] == 36 and not row["done"][0]
    assert play(rules, row, "up", *["right"] * 11, "down") == [-1.0] * 13
    assert row["done"][0] and not row["cut"][0]


def test_the_limit_cuts_and_the_goal_ends() -> None:
    rules, row = one("cliff_walking:limit=13")
    play(rules, row, "up", *["right"] * 11)
    other = row.copy()
    play(rules, row, "down")
    assert row["done"][0] and not row["cut"][0]
    play(rules, other, "up")
    assert other["done"][0] and other["cut"][0]


def test_the_wind_carries_as_in_the_book() -> None:
    rules, row = one("windy_grid")
    ways = ["right"] * 9 + ["down"] * 4 + ["left"] * 2  # the shortest way of the book's figure
    assert play(rules, row, *ways) == [-1.0] * 15
    assert row["done"][0] and row["state"][0] == 37
    table = follows(model("windy_grid:stochastic=true"))
    assert table[33, 1] == {(24, -1.0, False): 1 / 3, (34, -1.0, False): 1 / 3, (14, -1.0, False): 1 / 3}
    assert table[30, 1] == {(31, -1.0, False): 1.0}  # no wind, no gusts


def test_four_rooms_slip_to_the_other_three_sides() -> None:
    table = follows(model("four_rooms"))
    start = 14  # the upper left corner of the upper left room; to the left and above is wall
    assert table[start, 1] == pytest.approx({(15, 0.0, False): 2 / 3, (14, 0.0, False): 2 / 9, (27, 0.0, False): 1 / 9})
    above_goal = 6 * 13 + 9
    assert table[above_goal, 2][0, 1.0, True] == pytest.approx(2 / 3)
    assert model("four_rooms").size == 103  # 104 cells of floor, of which the goal is no state


def test_a_slippery_maze_slips_sideways_and_a_dry_one_does_not() -> None:
    spec = "maze:layout=S~G/.P.,slip=0.5"
    table = follows(model(spec))
    assert table[0, 1] == {(1, 0.0, False): 1.0}
    assert table[1, 1] == {(0, 1.0, True): 0.5, (1, 0.0, False): 0.25, (0, -1.0, True): 0.25}
    dry = follows(explore(game("maze:layout=S~G/.P.,slip=0")))
    assert dry[1, 1] == {(0, 1.0, True): 1.0}


def test_a_maze_pays_what_it_is_told_to() -> None:
    rules, row = one("maze:layout=S.G/P..,goal=10,pit=-5,step=-1")
    other = row.copy()
    assert play(rules, row, "up", "right", "right") == [-1.0, -1.0, 9.0]
    assert play(rules, other, "down") == [-6.0]
    assert other["done"][0]


def test_the_taxi_stops_at_walls_and_pays_for_what_it_may_not() -> None:
    rules, row = one("taxi")
    row["state"] = ((0 * 5 + 0) * 5 + 0) * 4 + 1  # at R, the passenger too, bound for G
    assert play(rules, row, "set-down", "take-up", "set-down", "take-up") == [-10.0, -1.0, -1.0, -1.0]
    assert play(rules, row, "east", "east") == [-1.0, -1.0]
    assert row["state"][0] // 20 == 1  # a wall is to the east of the second column
    assert play(rules, row, "south", "south", "east", "east", "east", "north", "north") == [-1.0] * 7
    assert play(rules, row, "set-down") == [20.0]
    assert row["done"][0]


def deal(spec: str, *cards: int) -> tuple[Game, Rows]:
    """A hand of blackjack dealt by hand: the dealer's card, then the player's."""
    rules = game(spec)
    row = np.zeros(1, rules.row)
    row["shown"], row["points"], row["aces"] = cards[0], [[sum(cards[1:]), cards[0]]], [[cards.count(1), 0]]
    row["cards"] = [[len(cards) - 1, 1]]
    return rules, row


def test_blackjack_naturals_pay_what_the_options_say() -> None:
    """Against a six the dealer never has a natural; what a natural then pays when it wins."""
    for spec, most in (("blackjack", 1.0), ("blackjack:natural=true", 1.5), ("blackjack:sab=true", 1.0)):
        rules, row = deal(spec, 6, 1, 10)
        assert kernels.keys_of(rules, row)[0] == (22 * 11 + 6) * 2 + 1
        rows = np.repeat(row, 400)
        rows["rng"] = kernels.seeds(1, 400)
        kernels.play_rows(rules, rows, np.zeros(400, int))
        assert rows["done"].all()
        paid = set(rows["reward"][:, 0].tolist())
        assert paid == ({most} if "sab" in spec else {most, 0.0})  # 21 in more cards is equal, but for the book
        rules, row = deal(spec, 6, 1, 5, 5)
        assert kernels.keys_of(rules, row)[0] == (21 * 11 + 6) * 2 + 1


def test_blackjack_is_dealt_as_gymnasium_deals() -> None:
    """Sums of hands and of rewards under one policy (hit below 17) agree within four standard errors."""
    env: Any = gymnasium.make("Blackjack-v1", sab=False, natural=True)
    theirs = []
    for seed in range(1500):
        (total, _, _), _ = env.reset(seed=seed)
        reward, done = 0.0, False
        while not done:
            (total, _, _), reward, done, _, _ = env.step(int(total < 17))
        theirs.append((total, reward))
    rules = game("blackjack:natural=true")
    rows = kernels.new_rows(rules, kernels.seeds(2, 6000))
    while not rows["done"].all():
        totals = np.rint(kernels.view(rules, rows).obs[:, 0] * 21)
        kernels.play_rows(rules, rows, (totals < 17).astype(int))
    mine = np.stack([np.rint(kernels.view(rules, rows).obs[:, 0] * 21), rows["reward"][:, 0]], axis=1)
    them = np.array(theirs)
    error = np.sqrt(mine.var(axis=0) / len(mine) + them.var(axis=0) / len(them))
    assert (np.abs(mine.mean(axis=0) - them.mean(axis=0)) < 4 * error).all()


def test_layouts_are_read_and_the_faults_of_others_named() -> None:
    assert parse_layout("S.#\n..G\n") == parse_layout(" S.#/..G ") == ("S.#", "..G")
    for name, text in LAYOUTS.items():
        assert game(f"maze:layout={name}").shape[1:] == (len(parse_layout(text)), len(parse_layout(text)[0]))
    for text, fault in [
        ("", "at least one line"),
        ("S.G/..", "Line 2 of the layout has 2 cells and line 1 has 3"),
        ("S.G/.x.", "'x' in line 2, column 2"),
        ("..G", "without a start"),
        ("S..", "without a goal"),
        ("S#G", "No goal can be walked to from the S in line 1, column 1"),
        ("SPG", "No goal can be walked to"),
        ("S" + "." * 64 + "G", "at most 64"),
    ]:
        with pytest.raises(BadLayout, match=fault):
            parse_layout(text)


def test_random_mazes_are_trees_and_a_seed_is_a_maze() -> None:
    for seed in range(5):
        text = random_layout(11, 7, seed, loops=0.0, pits=0, slippery=False)
        assert text == random_layout(11, 7, seed, loops=0.0, pits=0, slippery=False)
        cells = np.array([list(line) for line in parse_layout(text)]) != "#"
        doors = (cells[1:] & cells[:-1]).sum() + (cells[:, 1:] & cells[:, :-1]).sum()
        assert cells.sum() - doors == 1  # connected (parse_layout) without a way around: a tree
        assert cells[::2, ::2].all()
        away = distances(tuple(text.replace("G", ".").split("/")), "S")
        assert max(away) == away[text.replace("/", "").index("G")]
    assert len({random_layout(11, 7, seed, loops=0.0, pits=0, slippery=False) for seed in range(5)}) == 5
    assert random_layout(11, 7, 1, loops=1.0, pits=0, slippery=False).count("#") == 5 * 3
    assert "P" in random_layout(21, 21, 1, loops=0.0, pits=2, slippery=False)
    assert "." not in random_layout(11, 7, 1, loops=0.0, pits=0, slippery=True)


def test_a_maze_is_made_again_from_its_name() -> None:
    for spec in ("maze:width=9,seed=4,slip=0.3,loops=0.5,pits=1", "maze:layout=S~G/.P.,slip=0", "maze:layout=lecture"):
        rules = game(spec)
        again = game(rules.name)
        assert again.name == rules.name
        row = kernels.new_rows(rules, np.zeros(1, np.uint64))[0]
        assert rules.text is not None and again.text is not None
        assert rules.text(row) == again.text(row)
    assert game("maze:layout=lecture").name == "maze"
    assert game("frozen_lake:limit=100").name == "frozen_lake"


@pytest.mark.parametrize(
    ("spec", "fault"),
    [
        ("frozen_lake:size=5", "size of frozen_lake is 4 or 8"),
        ("frozen_lake:slippery=perhaps", "true or false"),
        ("cliff_walking:limit=0", "limit of cliff_walking is a whole number from 1 to 32000"),
        ("cliff_walking:limit=32001", "limit of cliff_walking is a whole number"),
        ("four_rooms:slip=2", "slip of four_rooms is a number from 0 to 1"),
        ("four_rooms:start=hall", "corner or anywhere"),
        ("maze:layout=smal", "did you mean 'small'"),
        ("maze:layout=small,width=5", "not both"),
        ("maze:width=4", "odd number"),
        ("maze:slip=wet", "a number"),
        ("blackjack:sab=1", "true or false"),
    ],
)
def test_options_out_of_range_are_refused_by_name(spec: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        game(spec)
