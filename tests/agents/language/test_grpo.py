"""GRPO and supervised learning: what is planted is found, nothing is learned from nothing, a resume is exact."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from agents.agent import Unable
from agents.language.groups import Curriculum, Groups, GroupSettings
from agents.language.lessons import Lessons, LessonSettings
from agents.language.losses import VARIANTS
from agents.learn.grpo import GRPO, Answers, GRPOSettings
from agents.learn.sft import SFT, SFTSettings
from agents.networks import Network
from arena.checkpoint import load_state, save_state
from envs.registry import game

REVERSE = game("reverse:length=2,letters=2")
PLAYING = GroupSettings(prompts=8, group=4, curriculum=Curriculum(start=0, easier=0.0))


def made(seed: int = 0, **settings) -> GRPO:
    network = Network(REVERSE, "gpt:layers=1,width=16,heads=2", ("token",), seed=seed)
    return GRPO(
        REVERSE,
        network,
        GRPOSettings(**{"variant": "dr_grpo", "batch": 16, "warm_up": 0, "entropy": 0.0, "dynamic": "no", **settings}),
        seed,
    )


def answers(learner: GRPO | SFT, seed: int = 0, rounds: int = 1, **playing):
    """What a player gathers with the learner's weights as they are."""
    if isinstance(learner, SFT):
        player = Lessons(learner.network, LessonSettings(prompts=24), seed)
    else:
        player = Groups(learner.network, replace(PLAYING, **playing), seed)
    return [player.collect(0)[0] for _ in range(rounds)]


def planted(columns):
    """The same with the rewards of a judge who wants the first token to be one of the first half."""
    first = columns["text"][np.arange(len(columns["text"])), columns["prompted"]]
    paid = (first < 32).astype(np.float32)
    return {**columns, "right": paid, "paid": paid, "format": np.ones(len(first), np.float32)}


def same(one, other) -> bool:
    return all(one[name].tobytes() == other[name].tobytes() for name in one)


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_policy_goes_where_it_is_paid(variant):
    learner = made(variant=variant, learning_rate=1e-2)
    paid = []
    for i in range(24):
        columns = planted(answers(learner, seed=i)[0])
        metrics = learner.update(columns, 0.0)
        paid.append(columns["right"].mean())
        assert all(math.isfinite(value) for value in metrics.values())
    assert paid[0] < 0.7 and paid[-1] > 0.9


def test_equal_rewards_change_nothing_to_the_byte():
    for variant in VARIANTS:
        learner = made(variant=variant, kl=0.0)
        (columns,) = answers(learner)
        none = np.zeros(32, np.float32)
        equal = {**columns, "right": none, "paid": none, "format": np.ones(32, np.float32)}
        before = learner.weights()
        metrics = learner.update(equal, 0.0)
        assert same(learner.weights(), before) and metrics["train/zero_variance"] == 1.0
        learner.update(planted(columns), 0.0)
        assert not same(learner.weights(), before)


def test_parts_of_a_batch_add_up_to_the_whole():
    (columns,) = answers(made())
    gradients = []
    for part in (32, 16, 5):
        learner = made(part=part, average="tokens")
        given = Answers(columns)
        learner._paid(planted(columns), given)
        measured = learner.gradients(given, torch.arange(32))
        gradients.append((measured, [p.grad.clone() for p in learner.network.parameters() if p.grad is not None]))
    (whole, first), *others = gradients
    for measured, parts in others:
        assert measured == pytest.approx(whole, abs=1e-6)
        assert all(torch.allclose(one, other, atol=1e-6) for one, other in zip(first, parts, strict=True))
    assert max(gradient.abs().max() for gradient in first) > 1e-3


def test_ratios_begin_at_one_and_tell_how_old_the_policy_is():
    learner = made(batch=32)
    (columns,) = answers(learner, temperature=0.8)
    metrics = learner.update(planted(columns), 0.0)
    assert metrics["train/clip_fraction"] == 0 and metrics["train/approx_kl"] == pytest.approx(0, abs=1e-5)
    stale = {**columns, "log_p": columns["log_p"] - np.float32(0.5)}
    assert made(batch=32).update(planted(stale), 0.0)["train/clip_fraction"] > 0.9
    hot = {**columns, "temperature": np.ones(32, np.float32)}  # not what it was drawn at
    assert made(batch=32).update(planted(hot), 0.0)["train/approx_kl"] > 1e-4


def test_a_reference_is_kept_and_renewed():
    rounds = answers(made(), rounds=4)
    kls = {}
    for reference in (0, 1):
        learner = made(kl=0.1, reference=reference, learning_rate=1e-2, batch=32)
        kls[reference] = [learner.update(planted(columns), 0.0)["train/kl"] for columns in rounds]
    assert kls[1] == pytest.approx([0] * 4, abs=1e-6)  # of before this very round
    assert kls[0][0] == pytest.approx(0, abs=1e-6) and kls[0][3] > 1e-3
    assert (
        "reference" not in made(kl=0.0).state() and "reference" in made(variant="grpo", kl=-1.0).state()
    )  # the paper's 0.04


def test_a_bonus_for_entropy_keeps_more_tokens_likely():
    """Equal pay teaches nothing, so that all that moves the policy is the bonus."""
    (columns,) = answers(made())
    equal = {**columns, "right": np.ones(32, np.float32), "paid": np.ones(32, np.float32)}
    equal["format"] = np.ones(32, np.float32)
    for bonus in (0.0, 0.1):
        learner = made(entropy=bonus, batch=32, learning_rate=1e-2)
        with torch.no_grad():
            learner.network.get_submodule("backbone").table[:4] *= 30  # some tokens are far likelier than others
        entropy = [learner.update(equal, 0.0)["train/entropy"] for _ in range(8)]
        assert (entropy[-1] > entropy[0] + 0.01) == (bonus > 0)


def test_a_token_that_is_paid_by_itself_moves_no_other():
    """The first token is to be of the first half and the second of the other; only the paid place is learned."""
    for place in (0, 1):
        learner = made(learning_rate=1e-2)
        for i in range(24):
            (columns,) = answers(learner, i)
            said = np.take_along_axis(columns["text"], columns["prompted"][:, None] + np.arange(2), 1)
            wanted = (said < 32) == np.array([True, False])
            none = np.zeros(len(said), np.float32)
            placed = np.zeros_like(columns["log_p"])
            placed[:, place] = wanted[:, place] & (columns["length"] > place)
            learner.update({**columns, "paid": none, "format": none, "placed": placed}, 0.0)
        share = wanted[columns["length"] > 1].mean(0)
        assert share[place] > 0.9 and share[1 - place] < 0.75


def test_where_one_answer_is_right_its_tokens_are_paid_each_by_itself():
    for name, start in (("reverse", 0), ("addition", 0), ("parity", 2)):  # a verdict begins short
        learning, playing = GRPO.suited(game(name))
        assert playing.partial == 0.9 and playing.curriculum.start == start and learning.entropy >= 0.1
    for name in ("countdown", "addition:think=true", "cart_pole"):  # several right answers, no language
        assert GRPO.suited(game(name))[1] == GRPO.playing
    fresh, begun = (GRPO.suited(game("sort"), begun) for begun in (False, True))
    assert begun[0].entropy < fresh[0].entropy and begun[0].learning_rate < fresh[0].learning_rate
    assert begun[1] == fresh[1]
    for name in ("countdown", "addition:think=true"):  # taught, and paid for whole answers
        learning, playing = GRPO.suited(game(name), begun=True)
        assert playing.temperature < 1.0 and playing.curriculum.start == 0 and learning.learning_rate == 1e-4


@pytest.mark.parametrize("kind", ["grpo", "reinforce++", "sft"])
def test_goes_on_byte_for_byte_from_its_state_on_disk(kind, tmp_path):
    def fresh(seed: int):
        if kind == "sft":
            return SFT(REVERSE, made(seed).network, SFTSettings(batch=8), seed)
        return made(seed, variant=kind, kl=0.1, reference=2, epochs=2, final_rate=0.5)

    straight = fresh(0)
    rounds = answers(straight, rounds=5)
    rounds = rounds if kind == "sft" else [planted(columns) for columns in rounds]
    for columns in rounds[:3]:
        straight.update(columns, 0.2)
    save_state(tmp_path / "state", straight.state())
    resumed, other = fresh(1), fresh(1)
    kept = load_state(tmp_path / "state")
    assert kept is not None
    resumed.restore(kept)
    assert resumed.steps == straight.steps > 0
    for learner in (straight, resumed, other):
        for columns in rounds[3:]:
            learner.update(columns, 0.7)
    assert same(straight.weights(), resumed.weights()) and not same(straight.weights(), other.weights())


@pytest.mark.parametrize("kind", [GRPO, SFT])
def test_weights_are_copies_and_the_columns_read_are_those_it_names(kind):
    learner = made() if kind is GRPO else SFT(REVERSE, made().network, SFTSettings(), 0)
    (columns,) = answers(learner)
    columns = planted(columns) if kind is GRPO else columns
    given = learner.weights()
    kept = {name: value.copy() for name, value in given.items()}
    learner.update({name: columns[name] for name in learner.reads}, 0.0)
    assert same(given, kept) and not same(learner.weights(), kept)
    for missing in learner.reads:
        with pytest.raises(KeyError):
            learner.update({name: columns[name] for name in learner.reads if name != missing}, 0.0)


def test_right_answers_are_learned_by_heart():
    learner = SFT(REVERSE, made().network, SFTSettings(batch=12, learning_rate=5e-3, warm_up=5), 0)
    said = [learner.update(columns, 0.0) for columns in answers(learner, rounds=80)]
    assert said[0]["train/answer_probability"] < 0.01 and said[-1]["train/answer_probability"] > 0.9
    (columns,) = answers(GRPO(REVERSE, learner.network, GRPOSettings(), 0))
    assert columns["right"].mean() > 0.8


def test_an_answer_that_ends_in_its_last_place_is_not_cut_off():
    (columns,) = answers(made())
    full = {**columns, "text": columns["text"].copy(), "length": np.full(32, 3)}
    last = columns["prompted"] + 2
    full["text"][np.arange(32), last] = np.where(np.arange(32) < 8, 0, 5)  # the first 8 end there
    assert made().update(planted(full), 0.0)["rollout/cut_off"] == 0.75


def test_switches_are_the_variants_own_unless_they_are_set():
    assert all(GRPOSettings(variant=name).switches == VARIANTS[name] for name in VARIANTS)
    ours = ("group_mean", "tokens", "token", 0.2, 0.2, 0.0, True, 0.0)
    assert GRPOSettings().switches == ours
    for task in ("reverse", "parity", "countdown"):  # what suits a task is not mixed into a paper's
        for begun in (False, True):
            assert replace(GRPO.suited(game(task), begun)[0], variant="rloo").switches == VARIANTS["rloo"]
    mixed = GRPOSettings(variant="dapo", average="budget", clip_high=0.3, dynamic="no", overlong=0.0).switches
    assert mixed == VARIANTS["dapo"]._replace(average="budget", high=0.3, dynamic=False, overlong=0.0)
    with pytest.raises(Unable, match="GRPO learns language tasks, and connect_four is none"):
        GRPO.parts(game("connect_four"), GRPOSettings())
    with pytest.raises(ValueError, match="learning_rate must lie in"):
        GRPOSettings(learning_rate=0.0)
    with pytest.raises(ValueError, match="A language model is a gpt"):
        Groups(Network(REVERSE, "mlp:width=4", ("token",)), PLAYING, 0)
