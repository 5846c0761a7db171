"""Pairs, reward models, DPO and RLHF: what they are told, where they go, and what they leave alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from agents.agent import Unable
from agents.language.groups import Curriculum, Groups, GroupSettings, answered
from agents.language.judges import Taste
from agents.language.model import scores, token_log_p
from agents.language.pairs import Pairs, PairSettings
from agents.learn import rlhf
from agents.learn.dpo import DPO
from agents.learn.reward_model import RewardModel
from agents.learn.rlhf import RLHF, RLHFSettings
from agents.networks import Network, load_weights
from arena.config import LEARNERS, load
from envs.registry import game, resolve

REVERSE = game("reverse:length=3,letters=2")
BODY = "gpt:layers=1,width=16,heads=2"
PAIRS = PairSettings(prompts=32, answers=3)
GROUPS = GroupSettings(prompts=16, group=4, curriculum=Curriculum(start=0))
KINDS: dict[str, Any] = {"reward_model": RewardModel, "rlhf": RLHF, "dpo": DPO}


def made(name: str, **settings: Any) -> Any:
    kind = KINDS[name]
    network = Network(REVERSE, BODY, ("token", "returns"), seed=3)
    own = {"learning_rate": 8e-3, "batch": 12, "epochs": 2} | ({} if name == "rlhf" else {"batch": 4, "warm_up": 0})
    chosen = replace(resolve(LEARNERS, name, "settings")(), **(own | settings))
    return kind(REVERSE, network, chosen, 0)


def liked(columns) -> np.ndarray:
    """[N] share of an answer's tokens that are of the first half: what a planted judge wants, and nothing else."""
    written = np.arange(columns["log_p"].shape[1]) < columns["length"][:, None]
    return ((answered(columns) < 32) & written[:, : answered(columns).shape[1]]).sum(1) / columns["length"]


def answers(learner: Any, seed: int = 0, turned: bool = False):
    """What is gathered with the learner's weights, with the choices or the pay of the planted judge."""
    network = Network(REVERSE, BODY, ("token", "returns")).eval()
    load_weights(network, learner.weights())
    if learner.player == "groups":
        columns = Groups(network, GROUPS, seed).collect(0)[0]
        return {**columns, "paid": liked(columns).astype(np.float32)}
    columns = Pairs(network, PAIRS, seed).collect(0)[0]
    order = np.argsort((liked(columns) if turned else -liked(columns)).reshape(-1, 3), axis=1, kind="stable")
    return {**columns, "rank": np.argsort(order, axis=1).ravel()}


def strayed(learner: Any, columns) -> float:
    """The mean of |log pi / pi_ref| over the tokens of some answers."""
    text, prompted, length = (torch.from_numpy(columns[name].copy()) for name in ("text", "prompted", "length"))
    with torch.no_grad():
        now, then = (
            token_log_p(network, text, prompted, length, 4).log_p for network in (learner.network, learner.reference)
        )
    return (now - then).abs().mean().item()


def test_a_judge_tells_ranks_and_nothing_else():
    taste = Taste(temperature=0.0)
    network = Network(REVERSE, BODY, ("token",), seed=3).eval()
    player = Pairs(network, replace(PAIRS, taste=taste, level=2), 5)
    columns, games = player.collect(0)
    assert not {"right", "format", "paid"} & columns.keys()
    assert {len(column) for column in columns.values()} == {96} == {len(games)}
    ranks, worths = columns["rank"].reshape(-1, 3), np.array([game.reward[0] for game in games]).reshape(-1, 3)
    assert (np.sort(ranks, axis=1) == np.arange(3)).all() and (columns["level"] <= 2).all()
    in_order = np.take_along_axis(worths, np.argsort(ranks, axis=1), axis=1)
    assert (np.diff(in_order, axis=1) <= 0).all() and (np.diff(in_order, axis=1) < 0).any()
    assert Pairs(network, PAIRS, 5).groups.level == 2 and Pairs(network, replace(PAIRS, level=3), 5).groups.level == 3
    with pytest.raises(Unable, match=f"pairs.level is level 9, and {REVERSE.name} has levels 1 to 3; set it"):
        Pairs(network, replace(PAIRS, level=9), 5)
    assert player.evaluations == columns["length"].sum()


def test_pairs_go_on_exactly_and_follow_from_the_seed():
    network = Network(REVERSE, BODY, ("token",), seed=3).eval()
    straight, resumed = Pairs(network, PAIRS, 5), Pairs(network, PAIRS, 5)
    first = straight.collect(0)[0]
    resumed.restore(straight.state())
    second, again = straight.collect(0)[0], resumed.collect(0)[0]
    assert all(np.array_equal(second[name], again[name]) for name in second)
    assert not np.array_equal(first["rank"], second["rank"])
    with pytest.raises(Unable, match="tic_tac_toe is none; try reverse, sort or addition"):
        Pairs(Network(game("tic_tac_toe"), "mlp:width=8"), PAIRS, 5)


@pytest.mark.parametrize("turned", [False, True])
def test_a_reward_model_recovers_the_judges_order(turned):
    learner = made("reward_model")
    before = learner.weights()
    told = [learner.update(answers(learner, seed, turned), 0.0)["rollout/agreement"] for seed in range(8)]
    assert np.mean(told[-3:]) > 0.75 and told[0] < 0.7
    assert all(np.array_equal(array, before[name]) for name, array in learner.weights().items())  # who answers stays
    model = Network(REVERSE, BODY, ("token", "returns")).eval()
    load_weights(model, learner.kept())
    columns = answers(learner, 99)
    with torch.no_grad():
        found = scores(model, *(torch.from_numpy(columns[name].copy()) for name in ("text", "prompted", "length")))
    assert np.corrcoef(found.numpy(), liked(columns))[0, 1] * (-1 if turned else 1) > 0.7
    assert abs(found.mean()) < 0.5 * found.std() and learner.centre  # what it has seen scores 0 in the mean


@pytest.mark.parametrize("answering", ["reference", "policy"])
def test_dpo_goes_where_the_judge_points(answering):
    learner = made("dpo", answers=answering)
    first = learner.kept()
    gaps, margins, shares = [], [], []
    for seed in range(12):
        columns = answers(learner, seed)
        metrics = learner.update(columns, 0.0)
        gaps.append(metrics["train/best_reward"] - metrics["train/worst_reward"])
        margins.append(metrics["train/margin"])
        shares.append(liked(columns).mean())
    assert np.mean(gaps) > 0.05 and np.mean(margins) > 0.01  # the last are those of few pairs that still differ
    assert (shares[-1] > 0.7) == (answering == "policy") and shares[0] < 0.6
    plays = learner.weights()
    assert all(np.array_equal(array, first[name]) for name, array in plays.items()) == (answering == "reference")
    policy = Network(REVERSE, BODY, ("token", "returns")).eval()
    load_weights(policy, learner.kept())
    assert liked(Pairs(policy, PAIRS, 50).collect(0)[0]).mean() > 0.7


def test_a_dear_divergence_leaves_the_policy_where_it_was(monkeypatch):
    far, near = made("rlhf", beta=0.0), made("rlhf", beta=1e4)
    told = []
    for seed in range(10):
        told.append(far.update(answers(far, seed), 0.0))
        assert abs(near.update(answers(near, seed), 0.0)["rollout/kl"]) < 0.5
    columns = answers(far, 99)
    assert told[0]["rollout/score"] < 0.6 and liked(columns).mean() > 0.8 and told[-1]["rollout/kl"] > 1.0
    assert far.far > 1.0 > abs(near.far) and near.warnings() == ()
    monkeypatch.setattr(rlhf, "FAR", 1.0)
    assert "raise learner.beta" in far.warnings()[0] and near.warnings() == ()
    assert strayed(far, columns) > 0.5 and strayed(near, columns) < 0.2


def test_ppo_is_asked_at_the_level_that_the_judge_was_shown():
    config = load(None, ["learner.algorithm=rlhf", f"game.name={REVERSE.name}"])
    assert load(None, ["learner.algorithm=reward_model", f"game.name={REVERSE.name}"]).evaluation.every == 0
    assert config.playing.curriculum.start == 2 and config.playing.group == 4 and config.learner == RLHFSettings()
    assert load(None, ["learner.algorithm=rlhf", "game.name=reverse:length=1"]).playing.curriculum.start == 1


def test_ppo_begins_at_the_policy_that_answered():
    learner = made("rlhf", epochs=1, batch=4096, learning_rate=1e-9)
    told = learner.update(answers(learner), 0.0)
    assert told["rollout/kl"] == 0.0 and told["train/clip_fraction"] == 0.0 and told["train/approx_kl"] < 1e-6


@pytest.mark.parametrize("name", KINDS)
def test_it_reads_the_columns_that_it_says_and_no_others(name):
    columns = answers(made(name))
    made(name).update({key: columns[key] for key in KINDS[name].reads}, 0.0)
    for missing in KINDS[name].reads:
        with pytest.raises(KeyError):
            made(name).update({key: columns[key] for key in KINDS[name].reads if key != missing}, 0.0)
    with pytest.raises(Unable, match="tic_tac_toe is none"):
        KINDS[name].parts(game("tic_tac_toe"), None)
