"""The contract of every agent of the table, in a game of every kind that it does not refuse: none is exempt by name.

Agents are made with the options they have by default; a person is given something that answers.
"""

from __future__ import annotations

from itertools import zip_longest
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from agents.agent import Agent, Decision, EpsilonGreedy, Illegal, Memory, Unable, part_of, put, take
from agents.play import Table, play_games, player_seeds, read_forfeit
from agents.registry import AGENTS, agent
from agents.scripted.human import Human
from agents.scripted.random import Random
from envs import kernels, randomness
from envs.game import Game, View
from envs.kernels import uniform
from envs.registry import GAMES, game
from tests.envs import toys


def kind(rules: Game) -> tuple[object, ...]:
    """What an agent may have to do with: two games of one kind ask nothing different of it."""
    traits = (rules.seats, rules.pays, rules.hidden, rules.chance, rules.simultaneous, len(rules.controls))
    return (*traits, rules.key is None, rules.chances is None, bool(rules.keys))


def smallest_of_each_kind() -> list[str]:
    """A game for every kind that the table has."""
    by_size = sorted(GAMES, key=lambda name: (game(name).max_plies * (1 + game(name).actions), name))
    first: dict[tuple[object, ...], str] = {}
    for name in by_size:
        first.setdefault(kind(game(name)), name)
    return sorted(first.values())


SPECS = sorted({*smallest_of_each_kind(), "connect_four", "othello:size=6"})  # the last has passes
LANES = 8


def first_legal(view: View, legal: NDArray[np.bool_], names: tuple[str, ...]) -> Any:
    """The answer of a person: the first move that is legal, or the lowest controls."""
    return [low for low, _ in view.game.controls] if view.game.controls else int(np.argmax(legal))


REFUSED: dict[tuple[str, str], str] = {}
"""Who refused which game with what words; to look into a large game before it is refused takes seconds."""


def make(name: str) -> Agent:
    made = agent(name)
    return Human(first_legal) if isinstance(made, Human) else made


def begin(player: Agent, rules: Game, seeds: NDArray[np.uint64]) -> Memory:
    """The memory of new games; an agent may refuse a game, in one sentence, and is then not asked."""
    asked = player.name, rules.name
    try:
        if asked not in REFUSED:
            return player.begin(rules, seeds)
    except ValueError as refusal:
        REFUSED[asked] = text = str(refusal)
        assert rules.name in text and text.endswith("."), text
    pytest.skip(REFUSED[asked])


def positions(rules: Game) -> Any:
    """Open positions from all stages of the game, enough for LANES."""
    stages = [min(24, rules.max_plies * tenths // 10) for tenths in range(3, 10)]
    parts = [kernels.random_openings(rules, kernels.seeds(plies, LANES), plies) for plies in stages]
    rows = np.concatenate(parts)
    rows = rows[~rows["done"]]
    if not len(rows):  # a game of one ply or two
        rows = kernels.new_rows(rules, kernels.seeds(1, LANES))
    return rows[:: max(1, len(rows) // LANES)][:LANES].copy()


every_agent = pytest.mark.parametrize("name", sorted(AGENTS))
every_game = pytest.mark.parametrize("rules", [game(spec) for spec in SPECS], ids=SPECS)


def same(a: Memory, b: Memory) -> bool:
    return a.keys() == b.keys() and all(np.array_equal(a[key], b[key]) for key in a)


@every_agent
@every_game
def test_an_agent_keeps_its_contract(name: str, rules: Game) -> None:
    player = make(name)
    rows = positions(rules)
    lanes = len(rows)
    seeds = kernels.seeds(1, lanes)
    memory = begin(player, rules, seeds)
    assert all(len(value) == lanes for value in memory.values())
    view = kernels.view(rules, rows)
    shown = [view.obs, view.legal, view.seat, seeds, *(rows[field] for field in rows.dtype.names)]
    before = [part.copy() for part in shown]
    kept = {key: value.copy() for key, value in memory.items()}
    decision = player.act(view, memory)

    if rules.controls:
        low, high = np.array(rules.controls, np.float32).T
        assert decision.action.dtype == np.float32
        assert decision.action.shape == (lanes, len(rules.controls))
        assert (low <= decision.action).all() and (decision.action <= high).all()
    else:
        assert decision.action.dtype == np.int64
        assert decision.action.shape == (lanes,)
        assert view.legal[np.arange(lanes), decision.action].all()
    assert decision.memory.keys() == memory.keys()
    for key, value in decision.memory.items():
        assert value.shape == memory[key].shape
        assert value.dtype == memory[key].dtype
    assert all(map(np.array_equal, before, shown)), "what was shown was written to"
    assert same(memory, kept), "the memory that was given was written to"
    for key, value in decision.extra.items():
        assert len(value) == lanes
        if key in ("value", "policy", "visits", "q"):
            assert np.isfinite(value[view.legal] if value.shape == view.legal.shape else value).all()
        if key == "policy":
            np.testing.assert_allclose(value.sum(axis=1), 1.0, atol=1e-5)
        if key in ("policy", "visits"):
            assert (value >= 0).all() and (value[~view.legal] == 0).all()
        if key == "value":
            assert value.shape == (lanes,) and np.isfinite(value).all()
            assert rules.pays != "result" or (np.abs(value) <= 1.0 + 1e-6).all()


@every_agent
@every_game
def test_a_lane_depends_on_its_own_memory_alone(name: str, rules: Game) -> None:
    player = make(name)
    rows = positions(rules)
    seeds = kernels.seeds(2, len(rows))
    memory = begin(player, rules, seeds)
    together = player.act(kernels.view(rules, rows), memory)
    again = player.act(kernels.view(rules, rows), player.begin(rules, seeds))
    np.testing.assert_array_equal(together.action, again.action)
    assert same(together.memory, again.memory)
    for lanes in (np.array([min(3, len(rows) - 1)]), np.arange(len(rows))[::-2]):
        assert same(take(memory, lanes), player.begin(rules, seeds[lanes]))
        apart = player.act(kernels.view(rules, rows[lanes].copy()), take(memory, lanes))
        np.testing.assert_array_equal(apart.action, together.action[lanes])
        assert same(apart.memory, take(together.memory, lanes))
        for key, value in apart.extra.items():
            np.testing.assert_allclose(value, together.extra[key][lanes], rtol=1e-4, atol=1e-5)


@every_agent
@every_game
def test_an_agent_plays_whole_games_the_same_way_twice(name: str, rules: Game) -> None:
    player, other = make(name), Random()
    begin(player, rules, kernels.seeds(3, 1))
    seats = np.arange(rules.seats)
    seating, seeds = np.array([seats % 2, (seats + 1) % 2]), kernels.seeds(3, 2)
    games = play_games(rules, [player, other], seating, seeds)
    assert games == play_games(rules, [player, other], seating, seeds)
    for played in games:
        rows = kernels.replay(rules, played.seed, played.moves)
        assert rows[-1]["done"] and not rows[:-1]["done"].any()
        np.testing.assert_allclose(played.reward, rows[1:]["reward"].sum(axis=0, dtype=np.float64), rtol=1e-6)
        assert rules.pays == "general" or sum(played.reward) == 0.0


@every_agent
def test_an_agent_has_the_name_of_its_spec(name: str) -> None:
    assert make(name).name.partition(":")[0] == name


class Forgetful:
    """The negative control: draws from one stream for all lanes, so lanes depend on each other."""

    name = "forgetful"

    def begin(self, game: Game, seeds: NDArray[np.uint64]) -> Memory:
        return {}

    def act(self, view: View, memory: Memory) -> Any:
        generator = np.random.default_rng(0)
        action = np.argmax(view.legal * (1 + generator.random(view.legal.shape)), axis=1)
        return type("Decision", (), {"action": action, "memory": {}, "extra": {}})


def test_an_agent_whose_lanes_depend_on_each_other_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "make", lambda name: Forgetful())
    with pytest.raises(AssertionError):
        test_a_lane_depends_on_its_own_memory_alone("forgetful", game("connect_four"))


@every_agent
def test_one_agent_plays_two_games_in_turns(name: str) -> None:
    """Games of one agent are begun side by side and played move by move in turns: each is as if it were alone."""
    both = [game("connect_four"), game("tic_tac_toe")]

    def play(rules: Game, player: Agent, memory: Memory) -> Any:
        rows = positions(rules)
        while not rows["done"].all():
            lanes = np.flatnonzero(~rows["done"])
            part = rows[lanes]
            decision = player.act(kernels.view(rules, part), take(memory, lanes))
            put(memory, lanes, decision.memory)
            kernels.play_rows(rules, part, decision.action)
            rows[lanes] = part
            yield decision.action.tolist()

    def alone(rules: Game) -> list[list[int]]:
        player = make(name)
        return list(play(rules, player, begin(player, rules, kernels.seeds(4, len(positions(rules))))))

    player = make(name)
    memories = [begin(player, rules, kernels.seeds(4, len(positions(rules)))) for rules in both]
    games = [play(rules, player, memory) for rules, memory in zip(both, memories, strict=True)]
    moves: list[list[list[int]]] = [[], []]
    for turns in zip_longest(*games):
        for i, action in enumerate(turns):
            moves[i] += [action] if action is not None else []
    assert moves == [alone(rules) for rules in both]


class Wrong(Forgetful):
    """Chooses what it is told."""

    def __init__(self, answer: Any) -> None:
        self.name, self.answer = "wrong", answer

    def act(self, view: View, memory: Memory) -> Any:
        return Decision(np.array(self.answer), {})


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ([0, 7], "wrong chose move 7 in connect_four, where a, b, c, d, e, f, g are legal"),
        ([-1, 0], "wrong chose move -1"),
        ([0, 2**62], "wrong chose move 46"),
        ([3, 3], r"move 3 \(d\) in connect_four, where a, b, c, e, f, g are legal"),
        ([0], r"shape \(1,\)"),
        ([0.0, 1.0], "type float64"),
    ],
)
def test_an_illegal_move_is_refused_with_the_agents_name(answer: Any, text: str) -> None:
    rules = game("connect_four")
    table = Table.new(rules, [Wrong(answer)], np.zeros((2, 2), np.int64), kernels.seeds(0, 2))
    if answer == [3, 3]:
        table.rows[1] = kernels.replay(rules, 0, [3] * 6)[-1]
    before = table.rows.copy()
    with pytest.raises(Illegal, match=text):
        table.step()
    assert (table.rows == before).all()


@pytest.mark.parametrize("answer", [99, -1, 0.5])
def test_a_referee_has_who_plays_illegally_lose_that_game_alone(answer: Any) -> None:
    """At its second move of the game that it begins, the agent chooses what is none; in the other it plays on."""

    class Slips(Random):
        name = "slips"

        def act(self, view: View, memory: Memory) -> Decision:
            decision = super().act(view, memory)
            late = (view.seat == 0) & (view.obs.reshape(len(view.seat), -1).sum(axis=1) >= 2)
            action = np.where(late, answer, decision.action)
            return decision._replace(action=action if answer == 0.5 and late.any() else action.astype(np.int64))

    rules, seating = game("tic_tac_toe"), np.array([[0, 1], [1, 0]])
    with pytest.raises(Illegal, match="slips"):
        play_games(rules, [Slips(), Random()], seating, kernels.seeds(3, 2))
    first, second = play_games(rules, [Slips(), Random()], seating, kernels.seeds(3, 2), referee=True)
    assert first.reward == (-1.0, 1.0) and len(first.moves) == 2
    forfeit = read_forfeit(first.reason)
    assert forfeit is not None and forfeit[0] == 0
    kind, words = ("nonsense", "one whole number") if answer == 0.5 else ("illegal", "are legal")
    assert forfeit[1].kind == kind and words in forfeit[1].text and "slips" in forfeit[1].text
    assert second.reason == "" and kernels.replay(rules, second.seed, second.moves)[-1]["done"]


def test_a_referee_knows_the_bounds_of_vectors() -> None:
    class Slips(Random):
        def act(self, view: View, memory: Memory) -> Decision:
            decision = super().act(view, memory)
            action = decision.action.copy()
            action[1:2] = np.nan
            return decision._replace(action=action)

    rules = toys.pull()
    games = play_games(rules, [Slips()], np.zeros((3, 1), np.int64), kernels.seeds(0, 3), referee=True)
    forfeits = [read_forfeit(played.reason) for played in games]
    assert [forfeit is None for forfeit in forfeits] == [True, False, False]  # one after the other, until one is left
    assert all(forfeit is None or "outside of" in forfeit[1].text for forfeit in forfeits)


def test_players_of_neighbouring_seeds_have_streams_of_their_own() -> None:
    seeds = kernels.seeds(0, 1) + np.arange(64, dtype=np.uint64) * randomness.GOLDEN  # a step of the generator apart
    draws = []
    for player in (0, 1):
        rng = player_seeds(seeds, player)
        draws += [uniform(rng) for _ in range(64)]
    assert len(np.unique(np.concatenate(draws))) == 2 * 64 * 64
    control = seeds.copy()
    assert len(np.unique(np.concatenate([uniform(control) for _ in range(64)]))) == 127  # one stream, shifted
    assert (player_seeds(seeds[3:4], 1) == player_seeds(seeds, 1)[3]).all()


def test_epsilon_greedy_strays_as_often_as_it_says() -> None:
    rules = game("connect_four")
    rows = kernels.new_rows(rules, kernels.seeds(0, 7000))
    for epsilon, expected in [(0.0, 0.0), (0.5, 0.5 * 6 / 7), (1.0, 6 / 7)]:
        player = EpsilonGreedy(Human(first_legal), epsilon)
        decision = player.act(kernels.view(rules, rows), player.begin(rules, kernels.seeds(5, 7000)))
        assert np.mean(decision.action != 0) == pytest.approx(expected, abs=0.025)
    with pytest.raises(ValueError, match="between 0 and 1"):
        EpsilonGreedy(Random(), 1.5)


def test_random_play_is_even() -> None:
    rules = game("tic_tac_toe")
    rows = kernels.new_rows(rules, kernels.seeds(0, 9000))
    player = Random()
    action = player.act(kernels.view(rules, rows), player.begin(rules, kernels.seeds(1, 9000))).action
    counts = np.bincount(action, minlength=9)
    assert ((counts - 1000) ** 2 / 1000).sum() < 30.0  # chi-square of 8 degrees; beyond 26 once in a thousand


def test_parts_of_a_memory_are_taken_and_put_back() -> None:
    memory: Memory = {"a": np.arange(5), "b": np.zeros((5, 2))}
    part = take(memory, np.array([4, 1]))
    assert part["a"].tolist() == [4, 1]
    put(memory, np.array([4, 1]), {"a": np.array([40, 10]), "b": np.ones((2, 2))})
    assert memory["a"].tolist() == [0, 10, 2, 3, 40]
    assert memory["b"].sum() == 4.0


def test_a_stray_moves_policy_is_mixed_in() -> None:
    """Half of the moves even among two legal ones, half the agent's own, which is sure of the first."""

    class Sure(Random):
        def act(self, view: View, memory: Memory) -> Decision:
            policy = np.zeros(view.legal.shape, np.float32)
            policy[np.arange(len(policy)), view.legal.argmax(axis=1)] = 1.0
            return Decision(view.legal.argmax(axis=1), memory, {"policy": policy})

    rules = game("nim:piles=1-1")
    rows = kernels.new_rows(rules, kernels.seeds(0, 4))
    player = EpsilonGreedy(Sure(), 0.5)
    decision = player.act(kernels.view(rules, rows), player.begin(rules, kernels.seeds(1, 4)))
    np.testing.assert_allclose(np.sort(decision.extra["policy"])[:, ::-1], [[0.75, 0.25]] * 4)


def test_straying_among_vectors_is_refused() -> None:
    with pytest.raises(Unable, match="actions are vectors"):
        EpsilonGreedy(Random(), 0.5).begin(game("pendulum"), kernels.seeds(0, 1))


def test_what_some_lanes_of_a_view_see():
    rules = game("tic_tac_toe")
    rows = np.concatenate([kernels.replay(rules, 0, line)[-1:] for line in ([], [4], [4, 0])])
    view = kernels.view(rules, rows)._replace(moves=[[], [4], [4, 0]])
    some = part_of(view, np.array([2, 0]))
    assert some.moves == [[4, 0], []] and some.seat.tolist() == [0, 0] and some.rows is not None
    assert (some.obs == view.obs[[2, 0]]).all() and (some.legal == view.legal[[2, 0]]).all()
    assert some.text is not None and view.text is not None
    assert some.text(0) == view.text(2) != view.text(0) == some.text(1)
    bare = part_of(view._replace(rows=None, moves=None, text=None), np.array([1]))
    assert bare.rows is bare.moves is bare.text is None and bare.seat.tolist() == [1]
