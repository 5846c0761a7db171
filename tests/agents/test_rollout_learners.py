"""What holds for every learner of rollouts: what is planted is found, and a resume is exact to the byte."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from agents.actor import Actor
from agents.agent import Unable
from agents.learn.learner import given
from agents.learn.worlds import WORLDS, values
from agents.networks import Network
from agents.registry import ALGORITHMS
from agents.rollouts import Rollouts
from arena.checkpoint import load_state, save_state
from arena.config import LEARNERS
from envs.game import Game
from envs.registry import game, parse, resolve

NAMES = [name for name in ALGORITHMS if resolve(ALGORITHMS, name, "algorithm").player == "rollouts"]
DISCOUNT = 0.5
CHANGES = {
    "learn_from": 64,
    "explore": 0.0,
    "target_every": 20,
    "epsilon": 0.2,
    "discount": DISCOUNT,
    "entropy": 0.0,
    "learning_rate": 1e-2,
    "final_rate": 1.0,
    "epochs": 2,
}
"""Of the settings that a learner has of these: the worlds are small, and are learned fast."""

OWN = {
    "pqn": {"learning_rate": 3e-3, "batch": 128, "decay": 0.65},
    "dqn": {"batch": 128, "reuse": 8.0},
    "nfsp": {"batch": 128, "reuse": 5.0, "eta": 0.5, "average_rate": 1e-2},
    "sac": {"learning_rate": 3e-3, "batch": 32, "reuse": 8.0, "drift": 0.05},
    "td3": {"learning_rate": 3e-3, "batch": 32, "reuse": 16.0, "drift": 0.05, "noise": 0.5},
    "ddpg": {"learning_rate": 3e-3, "batch": 32, "reuse": 16.0, "drift": 0.05, "noise": 0.5},
}
USUAL = (8, 8, 4_000, 14_000)
"""Lanes, decisions a fragment, decisions in all, and in `ended`, whose values are built up one upon the other."""

SIZES = {"ppo": (16, 16, 8_000, 14_000), "pqn": (8, 8, 6_000, 14_000), "impala": (8, 8, 6_000, 14_000)}
SIZES |= {"reinforce": (8, 8, 2_000, 14_000), "dqn": (8, 8, 2_500, 6_000), "nfsp": (8, 8, 4_000, 6_000)}
SIZES |= dict.fromkeys(("sac", "td3", "ddpg"), (8, 8, 1_500, 1_500))
"""Of those that learn faster or slower than is usual."""

PARTS = {"constant", "later", "chosen"}
"""Worlds contained in others (observed, ended, matched), there to tell what is wrong; these learners do for them."""

DOING_PARTS = {"dqn", "ppo"}


def unable(name: str, rules: Game) -> bool:
    """Whether a learner says that it cannot learn a game."""
    kind = resolve(ALGORITHMS, name, "algorithm")
    try:
        kind.parts(rules, resolve(LEARNERS, name, "settings")())
    except Unable:
        return True
    return False


def pairs(worlds) -> list[tuple[str, str]]:
    """Every learner with every world that it is tried in."""
    chosen = [(name, world) for name in NAMES for world in worlds if world not in PARTS or name in DOING_PARTS]
    return [(name, world) for name, world in chosen if not unable(name, WORLDS[world])]


def valued(worlds) -> list[tuple[str, str]]:
    """Of `pairs` those whose learner expects something: one of a policy alone says nothing that could be wrong."""
    settings = {name: resolve(LEARNERS, name, "settings")() for name in NAMES}
    heads = {
        (name, world): resolve(ALGORITHMS, name, "algorithm").parts(WORLDS[world], settings[name])[1]
        for name, world in pairs(worlds)
    }
    return [pair for pair, specs in heads.items() if {"returns", "q"} & {parse(spec)[0] for spec in specs}]


def games(name: str) -> list[str]:
    """Games that a learner can learn, of one seat and of two, or else of vectors."""
    able = [rules for rules in ("cart_pole", "connect_four") if not unable(name, game(rules))]
    return able or ["pendulum"]


def made(name: str, rules, backbone: str = "", seed: int = 0, **more):
    """A learner with its default settings but for `CHANGES`, and its player."""
    kind = resolve(ALGORITHMS, name, "algorithm")
    default = resolve(LEARNERS, name, "settings")()
    known = {field.name for field in fields(default)}
    changes = {**CHANGES, **OWN.get(name, {}), **more}
    settings = replace(default, **{k: v for k, v in changes.items() if k in known})
    _, heads = kind.parts(rules, settings)
    network = Network(rules, backbone or "mlp:width=32", heads, seed=seed)
    lanes, steps, _, _ = SIZES.get(name, USUAL)
    playing = replace(kind.playing, lanes=lanes, steps=steps)
    return kind(rules, network, settings, seed), Rollouts(network, playing, seed)


def train(name: str, learner, rollouts) -> Actor:
    """Learns; returns what plays then."""
    enough = SIZES.get(name, USUAL)[3 if learner.game.name == "ended" else 2]
    while learner.steps < enough:
        rollouts.load(learner.weights())
        columns, _ = rollouts.collect(0)
        learner.update({key: columns[key] for key in learner.reads}, 0.0)
    rollouts.load(learner.weights())
    return rollouts.actor


def worth(actor: Actor, observation) -> float:
    """What an agent takes a position to be worth."""
    legal = np.ones((1, 2), bool)
    if actor.game.name == "masked":
        legal[0, 1] = False
    acted = actor.act(np.array([observation], np.float32), legal, actor.begin(1), np.zeros(1, np.uint64), stray=False)
    return float(acted.value[0])


@pytest.mark.learns
@pytest.mark.parametrize(("name", "world"), valued(values(DISCOUNT)))
def test_values_are_what_is_planted(name: str, world: str) -> None:
    learner, rollouts = made(name, WORLDS[world])
    actor = train(name, learner, rollouts)
    for observation, value in values(DISCOUNT)[world]:
        assert worth(actor, observation) == pytest.approx(value, abs=0.15 * max(1.0, abs(value)))


@pytest.mark.learns
@pytest.mark.parametrize(
    ("name", "world", "more"),
    [(*pair, {}) for pair in pairs(["chosen", "matched", "aimed"])]
    + [("reinforce", "matched", {"baseline": baseline}) for baseline in ("none", "mean")],  # learned is its default
)
def test_the_policy_goes_where_it_is_paid(name: str, world: str, more: dict[str, Any]) -> None:
    rules = WORLDS[world]
    learner, rollouts = made(name, rules, **more)
    actor = train(name, learner, rollouts)
    for sign in (1.0, -1.0):
        seen = np.array([[1.0, sign if world == "matched" else 0.0]], np.float32)
        legal = np.ones((1, rules.actions), bool)
        action = actor.act(seen, legal, {}, np.zeros(1, np.uint64), temperature=0.0, stray=False).action[0]
        if world == "aimed":
            assert action[0] == pytest.approx(0.5, abs=0.2)
        else:
            assert action == (1 if world == "chosen" or sign > 0 else 0)


def test_vectors_are_learned_by_some_and_refused_by_the_others() -> None:
    assert {name for name in NAMES if not unable(name, WORLDS["aimed"])} >= {"ppo", "sac", "td3", "ddpg"}
    assert {name for name in NAMES if unable(name, WORLDS["chosen"])} == {"sac", "td3", "ddpg"}


@pytest.mark.parametrize(("name", "rules"), [(name, rules) for name in NAMES for rules in games(name)])
def test_goes_on_byte_for_byte_from_its_state_on_disk(name: str, rules: str, tmp_path) -> None:
    straight, rollouts = made(name, game(rules))
    rollouts.load(straight.weights())
    batches = [rollouts.collect(0)[0] for _ in range(5)]
    for columns in batches[:3]:
        straight.update(columns, 0.2)
    save_state(tmp_path / "state", straight.state())
    resumed, fresh = made(name, game(rules), seed=1)[0], made(name, game(rules), seed=1)[0]
    resumed.restore(load_state(tmp_path / "state"))
    assert resumed.steps == straight.steps > 0
    for learner in (straight, resumed, fresh):
        for columns in batches[3:]:
            learner.update(columns, 0.7)
    expected, got, other = straight.weights(), resumed.weights(), fresh.weights()
    assert all(expected[key].tobytes() == got[key].tobytes() for key in expected)
    assert any(expected[key].tobytes() != other[key].tobytes() for key in expected)


REMEMBERING = sorted(set(NAMES) - {"ddpg", "nfsp", "sac", "td3"})
"""Those whose networks may remember, and are then led along tracks."""

READERS = [(name, "mlp:width=32") for name in NAMES] + [(name, "gru:width=8") for name in REMEMBERING]


@pytest.mark.parametrize(("name", "backbone"), READERS)
def test_weights_are_copies_and_the_columns_read_are_those_it_names(name: str, backbone: str) -> None:
    rules = game(games(name)[0])
    learner, rollouts = made(name, rules, backbone, learn_from=0)
    columns, _ = rollouts.collect(0)
    told = learner.weights()
    kept = {key: value.copy() for key, value in told.items()}
    for _ in range(8):
        learner.update({key: columns[key] for key in learner.reads}, 0.0)
    assert all((told[key] == kept[key]).all() for key in kept)
    assert any((learner.weights()[key] != kept[key]).any() for key in kept)
    for missing in learner.reads:
        fewer = {key: columns[key] for key in learner.reads if key != missing}
        with pytest.raises(Unable, match=f"{missing}, too, which its player"):
            given(learner, fewer)
        with pytest.raises(KeyError):
            made(name, rules, backbone)[0].update(fewer, 0.0)


@pytest.mark.parametrize("name", ["dqn", "sac", "td3", "ddpg"])
def test_learning_begins_after_so_many_decisions_though_the_replay_holds_fewer(name: str) -> None:
    learner, rollouts = made(name, game(games(name)[0]), learn_from=100, replay=80, batch=8, reuse=1.0)
    columns, _ = rollouts.collect(0)
    while learner.steps < 100:
        assert learner.updates == 0
        learner.update(columns, 0.0)
    assert learner.updates > 0


def test_what_only_some_settings_need_is_read_with_them_alone() -> None:
    rules = game("cart_pole")
    assert "fresh" in made("ppo", rules, normalise_rewards=True)[0].reads
    assert "fresh" not in made("ppo", rules)[0].reads
