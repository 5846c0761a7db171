"""NFSP's parts by hand: who moves, an even sample, two networks that leave each other alone; Kuhn poker is learned."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
import torch

from agents.actor import Actor, ActorAgent
from agents.agent import Unable
from agents.exact.best_response import exploitability
from agents.exact.policy import policy_of
from agents.exact.tree import flatten
from agents.learn.nfsp import NFSP, NFSPSettings
from agents.networks import Network
from agents.registry import agent
from agents.reservoir import Reservoir
from agents.rollouts import Rollouts, RolloutSettings
from agents.storage import save_agent
from envs.registry import game

KUHN = game("kuhn")


def made(seed: int = 0, **changes) -> NFSP:
    settings = NFSPSettings(**{"learn_from": 64, "batch": 32, "target_every": 20, **changes})
    body, heads = "mlp:width=32", NFSP.parts(KUHN, settings)[1]
    return NFSP(KUHN, Network(KUHN, body, heads, seed=seed), settings, seed)


def rollouts(learner: NFSP, lanes: int = 8, steps: int = 8) -> Rollouts:
    return Rollouts(learner.network, RolloutSettings(lanes=lanes, steps=steps), 0)


# --- the reservoir ----------------------------------------------------------------------------------------------------


class Late:
    """The negative control: one too few to draw among, so that those who come late get in too often."""

    def __init__(self, generator: np.random.Generator) -> None:
        self.generator = generator

    def integers(self, low, high):
        return self.generator.integers(low, np.maximum(1, high - 1))


def shares(generator, trials: int = 3000) -> dict[tuple[int, int], float]:
    """How often each pair of seven entries is held by a reservoir of three, to which they came in twos and threes."""
    counts = dict.fromkeys(combinations(range(7), 2), 0)
    for _ in range(trials):
        reservoir = Reservoir(3)
        for first, last in ((0, 2), (2, 5), (5, 7)):
            reservoir.add({"x": np.arange(first, last)}, generator)
        for pair in combinations(sorted(reservoir.columns["x"].tolist()), 2):
            counts[pair] += 1
    return {pair: count / trials for pair, count in counts.items()}


def test_every_pair_is_held_as_often_as_any_other() -> None:
    """3 of 7: a pair is held with probability 3/7 2/6 = 1/7, within 4 standard deviations of 3,000 trials."""
    within = 4 * (1 / 7 * 6 / 7 / 3000) ** 0.5
    even = shares(np.random.default_rng(0))
    assert max(abs(share - 1 / 7) for share in even.values()) < within
    assert max(abs(share - 1 / 7) for share in shares(Late(np.random.default_rng(0))).values()) > 2 * within


def test_entries_in_one_go_are_entries_one_by_one() -> None:
    one, other = Reservoir(5), Reservoir(5)
    generators = [np.random.default_rng(3) for _ in range(2)]
    one.add({"x": np.arange(40), "y": -np.arange(40)}, generators[0])
    for i in range(40):
        other.add({"x": np.array([i]), "y": np.array([-i])}, generators[1])
    assert one.columns["x"].tolist() == other.columns["x"].tolist() and one.seen == other.seen == 40
    assert (one.columns["y"] == -one.columns["x"]).all() and len(one) == 5
    assert set(one.draw(200, generators[0])["x"].tolist()) == set(one.columns["x"].tolist())


def test_a_reservoir_goes_on_with_as_much_room_or_an_even_part() -> None:
    whole, same, small, large = Reservoir(4), Reservoir(4), Reservoir(2), Reservoir(9)
    generators = [np.random.default_rng(1) for _ in range(2)]
    whole.add({"x": np.arange(10)}, generators[0])
    generators[1].bit_generator.state = generators[0].bit_generator.state
    same.restore(whole.state(), generators[1])
    for one, generator in zip((whole, same), generators, strict=True):
        one.add({"x": np.arange(10, 30)}, generator)
    assert whole.columns["x"].tolist() == same.columns["x"].tolist()
    state, held = whole.state(), set(whole.columns["x"].tolist())
    firsts = set()
    for seed in range(20):
        small.capacity = 2
        small.restore(state, np.random.default_rng(seed))
        assert len(small) == 2 and set(small.columns["x"].tolist()) < held
        firsts |= set(small.columns["x"].tolist())
    assert firsts == held  # not the first two alone
    large.restore(state, generators[0])
    assert len(large) == 4 and set(large.columns["x"].tolist()) == held


# --- who moves --------------------------------------------------------------------------------------------------------


def test_a_seat_is_of_one_mind_through_a_game_and_responds_in_a_share_of_them() -> None:
    learner = made(eta=0.25)
    learner.head.epsilon.fill_(0.0)
    player = rollouts(learner, 64)
    fragments = [player.collect(0)[0] for _ in range(6)]
    drawn: list[bool] = []
    open_games: dict[int, bool] = {}
    for columns in fragments:
        assert (columns["log_p"][columns["valid"] & columns["responds"]] == 0.0).all()
        assert (columns["log_p"][columns["valid"] & ~columns["responds"]] < 0.0).all()
        for track, at in np.argwhere(columns["valid"]):
            responds = bool(columns["responds"][track, at])
            if columns["fresh"][track, at]:
                drawn.append(responds)
            else:
                assert responds == open_games[track]
            open_games[track] = responds
    assert len(drawn) > 1500 and np.mean(drawn) == pytest.approx(0.25, abs=4 * (0.25 * 0.75 / len(drawn)) ** 0.5)


def test_the_response_takes_what_is_worth_most_and_the_agent_plays_the_average(tmp_path) -> None:
    learner = made(eta=1.0)
    learner.head.epsilon.fill_(0.0)
    with torch.no_grad():
        for name, weight in learner.network.named_parameters():
            weight.mul_(0.0)
            if name in ("heads.q.action.bias", "heads.policy.score.bias"):
                weight.copy_(torch.tensor([1.0, -1.0] if name.startswith("heads.q") else [0.0, 2.0]))
    columns = rollouts(learner).collect(0)[0]
    assert columns["responds"][columns["valid"]].all() and (columns["action"][columns["valid"]] == 0).all()
    folder = tmp_path / "agent"
    save_agent(folder, KUHN, learner.weights(), backbone="mlp:width=32", heads=learner.network.head_specs)
    tree = flatten(KUHN)
    for player in (ActorAgent(Actor(learner.network), "average", 1.0), agent(str(folder))):
        assert policy_of(player, tree)[:, 1] == pytest.approx(np.exp(2) / (1 + np.exp(2)))


def test_only_a_response_s_own_moves_are_kept_of_and_each_once() -> None:
    learner = made(learn_from=10**6)
    player, moves = rollouts(learner, 32), 0
    for _ in range(4):
        columns = player.collect(0)[0]
        for array in columns.values():
            array.flags.writeable = False  # as what comes from another process is
        learner.update(columns, 0.0)
        moves += int((columns["valid"] & columns["responds"]).sum())
    assert learner.reservoir.seen == moves > 20 and len(learner.replay) == learner.steps > 5 * moves


# --- two networks -----------------------------------------------------------------------------------------------------


def test_neither_network_moves_the_other() -> None:
    learner = made(learn_from=0)
    columns = rollouts(learner, 64).collect(0)[0]
    learner.update(columns, 0.0)
    for step, moves in ((lambda: learner.step(0.0), True), (learner.imitate, False)):
        before = learner.weights()
        step()
        changed = {name for name, array in learner.weights().items() if (array != before[name]).any()}
        assert changed and all(name.startswith(("apart.q.", "heads.q.")) == moves for name in changed)


def test_the_average_becomes_the_shares_of_what_was_done() -> None:
    """One observation, the second action in 3 of 4 entries: log-likelihood is highest at 3/4."""
    learner = made(average_rate=1e-2, batch=256)
    obs, legal = np.ones((8, *KUHN.shape), np.float32), np.ones((8, 2), np.bool_)
    learner.reservoir.add({"obs": obs, "legal": legal, "action": np.array([0, 1, 1, 1] * 2)}, learner.generator)
    for _ in range(60):
        learner.imitate()
    with torch.no_grad():
        policy = learner.network(torch.from_numpy(obs[:1]))["policy"].softmax(1)[0]
    assert policy[1].item() == pytest.approx(0.75, abs=0.05)


def test_straying_falls_to_never() -> None:
    learner = made(epsilon=0.08)
    assert [learner.straying(at) for at in (0.0, 0.5, 1.0)] == pytest.approx([0.08, 0.04, 0.0])
    assert made(epsilon=0.08, explore=0.25).straying(0.125) == pytest.approx(0.04)


@pytest.mark.parametrize(
    ("rules", "body", "sentence"),
    [("pendulum", "", "those of pendulum are vectors; train it with ppo"), ("kuhn", "gru:width=8", "remembers")],
)
def test_games_and_bodies_that_do_not_fit_are_refused(rules: str, body: str, sentence: str) -> None:
    with pytest.raises(Unable, match=sentence):
        heads = NFSP.parts(game(rules), NFSPSettings())[1]
        Network(game(rules), body, heads)
    with pytest.raises(Unable, match=r"heads policy and q:eta=0\.1, not policy, q"):
        NFSP(KUHN, Network(KUHN, "mlp:width=8", ("policy", "q")), NFSPSettings(), 0)
    with pytest.raises(ValueError, match="eta must lie"):
        NFSPSettings(eta=0.0)


@pytest.mark.learns
def test_in_kuhn_poker_the_average_nears_equilibrium() -> None:
    """Even play, with which it begins, is exploited by 0.4583."""
    learner, tree = made(learning_rate=3e-3, average_rate=5e-3, batch=64), flatten(KUHN)
    player = rollouts(learner, 64)
    agent = ActorAgent(player.actor, "average", 1.0)
    assert exploitability(tree, policy_of(agent, tree)) == pytest.approx(0.4583, abs=0.03)
    while learner.steps < 25_000:
        learner.update(player.collect(0)[0], learner.steps / 25_000)
        player.load(learner.weights())
    assert exploitability(tree, policy_of(agent, tree)) < 0.3
