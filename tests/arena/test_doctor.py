"""The doctor: learners that are well pass, and of each planted fault it names the part."""

from __future__ import annotations

import json
import sys
import types
from dataclasses import replace

import numpy as np
import pytest

from agents.exact.planning import value_iteration
from agents.exact.transitions import explore
from agents.learn.a2c import A2C
from agents.learn.alphazero import AlphaZero
from agents.learn.policy_gradient import Batch
from agents.learn.ppo import PPO
from agents.learn.reinforce import Reinforce
from agents.registry import ALGORITHMS, PLAYERS
from agents.rollouts import Rollouts
from arena import cli
from arena.doctor import planted
from arena.doctor.diagnosis import TABLE, diagnose
from arena.doctor.examination import checks, examine
from arena.doctor.findings import bad, good
from arena.doctor.known import policy_values
from arena.doctor.subject import Subject
from envs.registry import game


@pytest.fixture
def examined(monkeypatch):
    """Makes some checks of a learner, or player, that takes the place of the sound one; gives symptoms and parts."""

    def run(kind, *only, table=ALGORITHMS, name="", algorithm=""):
        module = types.ModuleType("faults")
        module.Faulty = kind  # pyright: ignore[reportAttributeAccessIssue]
        monkeypatch.setitem(sys.modules, "faults", module)
        name = name or {PPO: "ppo", A2C: "a2c", AlphaZero: "alphazero", Reinforce: "reinforce"}[kind.__bases__[0]]
        monkeypatch.setitem(table, name, "faults:Faulty")
        report = examine(algorithm or name, only=only)
        assert len(report.findings) == len(only)
        return {f.symptom for f in report.findings} - {""}, [complaint.part for complaint in report.complaints]

    return run


def changed(**how):
    """A2C that learns from columns which have been tampered with: name -> a function of the column and all others."""

    class Changed(A2C):
        def update(self, experience, progress):
            return super().update({**experience, **{k: f(experience) for k, f in how.items()}}, progress)

    return Changed


# --- planted faults -------------------------------------------------------------------------------------------------


def test_a_learner_without_a_fault_has_no_complaint():
    """The checks of the faults below, of sound learners: what is said there is said of the faults alone."""
    report = examine("a2c", only=("gradient", "later", "repeated", "forgotten", "resume"))
    assert report.healthy and not report.complaints and len(report.findings) == 5
    assert examine("ppo", only=("batch", "barred")).healthy


def test_a_learner_of_a_policy_alone_has_no_complaint(examined):
    """It says nothing of what a position is worth, and so nothing that could be wrong; barred moves are seen still."""

    class Bare(Reinforce):
        barred = True

        @staticmethod
        def parts(game, settings):
            return Reinforce.parts(game, replace(settings, baseline="none"))

        def __init__(self, game, network, settings, seed):
            super().__init__(game, network, replace(settings, baseline="none"), seed)

        def update(self, experience, progress):
            legal = experience["legal"]
            return super().update(experience if self.barred else {**experience, "legal": legal | True}, progress)

    assert examined(Bare, "barred", "repeated", "forgotten") == (set(), [])
    Bare.barred = False
    assert examined(Bare, "barred")[0] == {"barred: mask"}


def test_flipped_advantage(examined):
    class Turned(Batch):
        def __getitem__(self, name):
            return -super().__getitem__(name) if name == "advantage" else super().__getitem__(name)

    class Flipped(PPO):
        def step(self, batch, clip, bonus):
            return super().step(Turned(batch.fragment, batch.at, batch.out), clip, bonus)

    symptoms, parts = examined(Flipped, "batch", "constant")
    assert symptoms == {"batch: policy away"}  # the value is learned all the same
    assert parts == ["the sign of the advantage"]


def test_values_from_beyond_the_end_of_a_game(examined):
    symptoms, parts = examined(changed(done=lambda of: np.zeros_like(of["done"])), "constant")
    assert (symptoms, parts) == ({"constant: through"}, ["ends of games"])


def test_no_discount(examined):
    class Undiscounted(A2C):
        def __init__(self, game, network, settings, seed):
            super().__init__(game, network, settings, seed)
            object.__setattr__(settings, "discount", 1.0)

    symptoms, parts = examined(Undiscounted, "later")
    assert (symptoms, parts) == ({"later: undiscounted"}, ["the discount"])


def test_reward_of_the_wrong_ply(examined):
    symptoms, parts = examined(changed(reward=lambda of: np.roll(of["reward"], 1, axis=1)), "later")
    assert (symptoms, parts) == ({"later: misplaced"}, ["the rewards' places"])


def test_memory_that_is_not_reset_while_learning(examined):
    symptoms, parts = examined(changed(fresh=lambda of: np.zeros_like(of["fresh"])), "forgotten", "repeated")
    assert (symptoms, parts) == ({"forgotten: kept"}, ["memory between games"])


def test_memory_that_is_not_reset_while_playing(examined):
    class Keeping(Rollouts):
        def _begin(self, lanes):
            kept = {name: array.copy() for name, array in self.memory.items()}
            super()._begin(lanes)
            self.memory = kept

    symptoms, parts = examined(Keeping, "repeated", "forgotten", table=PLAYERS, name="rollouts", algorithm="a2c")
    assert (symptoms, parts) == ({"repeated: reset"}, ["memory while playing"])


def test_detached_value_head(examined):
    class Detached(PPO):
        def _value_loss(self, batch):
            batch.out["returns"] = batch.out["returns"].detach()
            return super()._value_loss(batch)

    symptoms, parts = examined(Detached, "gradient", "barred", "batch")
    assert {"gradient: returns", "barred: body", "batch: value"} == symptoms
    assert parts == ["the value head"]


def test_an_optimiser_that_never_steps(examined):
    class Idle(A2C):
        def __init__(self, game, network, settings, seed):
            super().__init__(game, network, settings, seed)
            self.optimiser.step = lambda closure=None: None

    symptoms, parts = examined(Idle, "gradient")
    assert parts == ["the optimiser"] and symptoms == {"gradient: all"}


def test_masks_left_out(examined):
    symptoms, parts = examined(changed(legal=lambda of: np.ones_like(of["legal"])), "barred")
    assert (symptoms, parts) == ({"barred: mask"}, ["masks of legal actions"])


@pytest.mark.parametrize("lost", ["moments", "mean"])
def test_a_state_that_lacks_something(examined, lost):
    """The optimiser's moments; or the averaged weights, which play no game and are what is stored."""

    class Forgetful(PPO):
        def state(self):
            kept = super().state()
            if lost == "moments":
                return {**kept, "optimiser": {}}
            return {name: value for name, value in kept.items() if name != lost}

    symptoms, parts = examined(Forgetful, "resume")
    assert (symptoms, parts) == ({"resume: other"}, ["the state that is kept"])


def test_results_from_the_wrong_side(examined):
    class Turned(AlphaZero):
        def update(self, experience, progress):
            turned = {name: -experience[name] for name in ("outcome", "blend")}
            return super().update({**experience, **turned}, progress)

    symptoms, parts = examined(Turned, "exact")
    assert (symptoms, parts) == ({"exact: reversed"}, ["the side that results are seen from"])


def test_what_a_learner_raises_is_a_finding(examined):
    class Raising(A2C):
        def update(self, experience, progress):
            raise RuntimeError("two shapes do not fit")

    symptoms, parts = examined(Raising, "gradient")
    assert symptoms == {"gradient: raised"} and parts == ["every parameter gets a gradient"]


# --- the table ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("symptoms", "parts"),
    [
        ((), []),
        (("chosen: away", "matched: away"), ["the sign of the advantage"]),
        (("chosen: away", "observed: wrong"), ["the policy", "observed"]),
        (("observed: reversed", "chosen: away", "batch: policy away"), ["the sign of the rewards"]),
        (("chosen: even", "batch: policy even"), ["the advantage"]),
        (("matched: blind", "observed: blind"), ["the observation"]),
        (("endless: ended",), ["games that are cut short"]),
        (("later: unforeseen", "ended: wrong", "endless: wrong"), ["bootstrapping"]),
        (("later: undiscounted", "endless: runaway", "ended: wrong", "exact: off"), ["the discount"]),
        (("constant: through", "ended: through", "later: wrong"), ["ends of games"]),
        (("recalled: even",), ["memory"]),
        (("resume: other", "later: misplaced", "ended: wrong"), ["the state that is kept", "the rewards' places"]),
        (("gradient: policy", "chosen: even"), ["the policy head"]),
        (("gradient: target",), ["gradient"]),
    ],
)
def test_from_symptoms_to_parts(symptoms, parts):
    findings = [bad(check, check, "x", kind) for check, kind in (symptom.split(": ") for symptom in symptoms)]
    assert [complaint.part for complaint in diagnose([*findings, good("ended", "ended", "x")])] == parts


def test_every_row_of_the_table_can_be_reached():
    """Its own needs, alone, bring out its part; so no row stands in another's shadow."""
    for row in TABLE:
        symptoms = [need.split("|")[0] for need in row.needs]
        if row.part == "the policy":  # the same as the row before it, with values that are wrong
            symptoms.append("observed: wrong")
        findings = [bad(check, check, "x", kind) for check, kind in (symptom.split(": ") for symptom in symptoms)]
        assert row.part in [complaint.part for complaint in diagnose(findings)]
        assert all(any(s.startswith(e) for e in row.explains) for s in symptoms[: len(row.needs)])


# --- what is true ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("world", "values", "kind"),
    [
        ("constant", [1.1], ""),
        ("constant", [2.0], "through"),
        ("constant", [0.0], "stuck"),
        ("observed", [-1.0, 1.0], "reversed"),
        ("observed", [0.1, -0.1], "blind"),
        ("later", [0.5, 1.0], ""),
        ("later", [1.0, 1.0], "undiscounted"),
        ("later", [0.0, 1.0], "unforeseen"),
        ("later", [1.0, 0.0], "misplaced"),
        ("later", [2 / 3, 4 / 3], "wrong"),
        ("endless", [2.0], ""),
        ("endless", [(1 + 1.5 + 1.75 + 1.875 + 1.9375) / 5], "ended"),
        ("endless", [5.0], "runaway"),
        ("ended", [1.9375, 1.875, 1.75, 1.5, 1.0], ""),
        ("ended", [2.0] * 5, "through"),
        ("barred", [-1.0], "mask"),
    ],
)
def test_what_values_mean(world, values, kind):
    assert planted.JUDGES[world](values)[0] == kind


def test_a_policy_is_valued_by_hand():
    """Of the best policy, value iteration's values; of standing still against a wall, nothing."""
    model = explore(game("frozen_lake:slippery=false"))
    plan = value_iteration(model, 0.9)
    best = np.zeros((model.size, 4))
    best[np.arange(model.size), model.action[plan.policy]] = 1.0
    assert policy_values(model, best, 0.9) == pytest.approx(plan.values)
    assert plan.values.max() == pytest.approx(1.0) and model.worth(plan.values) == pytest.approx(0.9**5)
    idle = np.tile(np.array([1.0, 0.0, 0.0, 0.0]), (model.size, 1))
    assert policy_values(model, idle, 0.9) == pytest.approx(np.zeros(model.size))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_algorithm_has_its_checks(algorithm):
    there = set(checks(Subject(algorithm)))
    assert {"exact", "resume"} < there


# --- the command ----------------------------------------------------------------------------------------------------


def test_the_command_says_what_is_wrong_and_how_it_ends(capsys, examined):
    assert cli.run(["doctor", "q_learning", "--only", "resume", "--json"]) == 0
    out = json.loads(capsys.readouterr().out)
    assert out["healthy"] and out["findings"][0]["holds"] and out["complaints"] == []
    examined(changed(legal=lambda of: np.ones_like(of["legal"])), "barred")  # which leaves the fault in the table
    assert cli.run(["doctor", "a2c", "--only", "barred"]) == 1
    out, err = capsys.readouterr()
    assert "✗ barred" in out and "Look at masks of legal actions:" in out and err == ""
    assert cli.run(["doctor", "a2c", "--only", "bared"]) == 2
    assert "barred" in capsys.readouterr().err
    for algorithm in ("grpo", "sft", "dpo"):
        assert cli.run(["doctor", algorithm]) == 2
        assert "learns language tasks" in capsys.readouterr().err
    assert cli.run(["doctor", "q_learning", "--backbone", "gru"]) == 2
    assert "q_learning keeps a table and has no network; leave --backbone out." in capsys.readouterr().err


def test_settings_are_tried_in_place_of_the_doctors(capsys):
    """With a step of nothing the optimiser moves nothing, and that is what is said; the same check holds without."""
    assert cli.run(["doctor", "a2c", "--only", "gradient", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["settings"] == {}
    still = ["doctor", "a2c", "--only", "gradient", "--set", "learner.learning_rate=1e-60"]
    assert cli.run([*still, "--json"]) == 1
    out = json.loads(capsys.readouterr().out)
    assert out["settings"] == {"learning_rate": 1e-60} and out["complaints"][0]["part"] == "the optimiser"
    assert cli.run(still) == 1
    assert "Tried with learning_rate = 1e-60." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("learner.discount=0.9", "a discount of their own"),
        ("rollouts.lanes=4", "settings of the learner"),
        ("learner.algorithm=ppo", "settings of the learner"),
        ("learner.learnin_rate=1", "learning_rate"),
        ("learner.learning_rate=fast", "learning_rate"),
        ("learner.learning_rate=-1", "learning_rate"),
        ("learner", "section.key=value"),
    ],
)
def test_a_setting_that_cannot_be_tried_is_a_sentence(setting, said, capsys):
    assert cli.run(["doctor", "a2c", "--only", "gradient", "--set", setting]) == 2
    out, err = capsys.readouterr()
    assert said in err and err.count("\n") == 1 and not out
