"""Sweeps: what is tried, that nothing is run twice, and the statistics, by hand and by their coverage."""

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from agents.learn.descent import Diverged
from agents.learn.q_learning import QLearning
from arena import cli, samplers, sweep
from arena.config import load, resolved
from arena.evaluation import Evaluation
from arena.lock import Busy, occupy
from arena.ranking import summarise
from arena.samplers import Choice, Listed, choice, settings
from arena.sections import SAID, ConfigError
from arena.summary import (
    band,
    improvement,
    improvement_interval,
    interquartile_mean,
    interval,
    mean_interval,
    stratified,
    table,
)
from arena.sweep import Job, plan, run_all, search
from arena.train import Trainer
from arena.viewers import curves

# --- statistics -----------------------------------------------------------------------------------------------------


def test_interquartile_mean_by_hand():
    assert interquartile_mean([1, 2, 3, 100]) == 2.5  # one left out at either end
    assert interquartile_mean([5, 0, 1, 2, 90]) == pytest.approx(8 / 3)  # floor(5 / 4) = 1: of 0 1 2 5 90, 1 2 5
    assert interquartile_mean([1, 2, 6]) == 3.0  # of fewer than four, the mean
    assert interquartile_mean([[0, 10], [1, 11]]) == 5.5  # over runs and tasks together
    assert interquartile_mean([1, 2, 3, 1000]) != np.mean([1, 2, 3, 1000])


def test_probability_of_improvement_by_hand():
    assert improvement([1, 2], [0, 1]) == (1 + 0.5 + 1 + 1) / 4  # pairs: 1>0, 1=1, 2>0, 2>1
    assert improvement([0, 0], [1, 1]) == 0.0
    assert improvement([3, 1, 2], [3, 1, 2]) == 0.5
    assert improvement([[1, 0], [1, 0]], [[0, 0], [0, 0]]) == 0.75  # 1 in the one task, 1/2 in the other
    low, high = improvement_interval([5, 6, 7, 8], [1, 2, 3, 4])[1:]
    assert (low, high) == (1.0, 1.0)


def test_runs_are_drawn_within_their_task():
    scores = np.array([[0.0, 100.0], [1.0, 101.0], [2.0, 102.0]])
    for seed in range(20):
        drawn = stratified(scores, np.random.default_rng(seed))
        assert set(drawn[:, 0]) <= {0.0, 1.0, 2.0} and set(drawn[:, 1]) <= {100.0, 101.0, 102.0}
    assert table([1, 2, 3]).shape == (3, 1)


def test_an_interval_holds_the_truth_about_as_often_as_it_says():
    """Of 300 experiments with 20 runs each, of a standard normal, whose interquartile mean is 0."""
    generator = np.random.default_rng(0)
    held = {0.95: 0, 0.5: 0}
    for experiment in range(300):
        scores = generator.normal(size=20)
        for level in held:
            _, low, high = interval(scores, level=level, resamples=200, seed=experiment)
            held[level] += low <= 0.0 <= high
    assert 0.88 < held[0.95] / 300 < 0.98  # the percentile bootstrap is a little narrow with so few runs
    assert 0.40 < held[0.5] / 300 < 0.60


def test_an_interval_by_students_t_by_hand():
    # mean 0.9, spread 0.1, Student's t for 2 degrees of freedom 4.3027: 0.9 -+ 4.3027 * 0.1 / sqrt(3)
    assert mean_interval([1.0, 0.8, 0.9]) == pytest.approx((0.9, 0.9 - 0.24841, 0.9 + 0.24841), abs=1e-4)
    assert mean_interval([1.0]) == (1.0, -np.inf, np.inf)


def test_an_interval_of_equal_runs_is_a_point_and_more_runs_make_it_narrower():
    assert tuple(interval([2.0, 2.0, 2.0])) == (2.0, 2.0, 2.0)
    few, many = np.linspace(0, 1, 5), np.linspace(0, 1, 50)
    assert interval(many).high - interval(many).low < interval(few).high - interval(few).low


def test_curves_are_compared_where_all_of_them_are():
    steps = np.array([0.0, 10.0])
    found = band([(steps, np.array([0.0, 10.0])), (steps + 5, np.array([0.0, 10.0]))], points=2)
    assert found.steps.tolist() == [5.0, 10.0]
    assert found.value.tolist() == [2.5, 7.5]  # (5 + 0) / 2 and (10 + 5) / 2
    assert (found.low <= found.value).all() and (found.value <= found.high).all()


# --- what is tried --------------------------------------------------------------------------------------------------


def test_values_and_ranges():
    assert choice("ppo.learning_rate=1e-3,3e-4", "ppo") == Choice("learner.learning_rate", (1e-3, 3e-4))
    assert choice('rollouts.opponents=["self", "past"]', "ppo").values == (["self", "past"],)
    bodies = ("mlp:layers=2,width=64", "gru:width=32,span=8", "mlp")  # commas between them, and commas of their own
    assert choice(f"network.backbone={', '.join(bodies)}", "ppo").values == bodies
    ranged = choice("learner.clip=0.01..0.4", "ppo")
    assert ranged.ranged and ranged.logarithmic and not choice("learner.clip=0.1..0.4", "ppo").logarithmic
    grid = settings([Choice("a.b", (1, 2)), Choice("c.d", ("x", "y"))], None)
    assert [tuple(one.values()) for one in grid] == [(1, "x"), (1, "y"), (2, "x"), (2, "y")]
    drawn = settings([ranged, Choice("a.n", (), 1, 9)], 40)
    values = np.array([one["learner.clip"] for one in drawn])
    assert len(drawn) == 40 and (values >= 0.01).all() and (values <= 0.4).all()
    assert np.median(values) < 0.15  # evenly over orders of magnitude: the middle is 0.063
    assert all(isinstance(one["a.n"], int) for one in drawn)
    assert len(settings([Choice("a.b", (1, 2))], 10)) == 2
    assert settings([], None) == [{}]


@pytest.mark.parametrize("text", ["learning_rate", "ppo=1", "ppo.clip=", "ppo.clip=0.4..0.1", "ppo.clip=a..b"])
def test_what_cannot_be_read_is_said(text):
    with pytest.raises(ConfigError, match="--set"):
        choice(text, "ppo")


@pytest.mark.parametrize("key", SAID["sweep"])
def test_what_a_sweep_gives_its_runs_itself_is_not_tried(key):
    """With run.seed=7 every run would have been the same one, and the interval over them a point."""
    path = key if "." in key else f"{key}.watch"
    with pytest.raises(ConfigError, match=f"leave {path} out"):
        choice(f"{path}=1,2", "ppo")


def test_a_setting_is_tried_by_one_list_of_values():
    with pytest.raises(ConfigError, match=r"learner\.clip is set twice"):
        settings([choice("ppo.clip=0.1,0.2", "ppo"), choice("learner.clip=0.3", "ppo")], None)


def test_a_range_wants_samples_and_a_sampler_its_name():
    with pytest.raises(ConfigError, match="--samples"):
        settings([Choice("a.b", (), 1.0, 2.0)], None)
    with pytest.raises(ConfigError, match="what --set names, and that is nothing"):
        samplers.sampler("random", [], 5, 0)
    with pytest.raises(ConfigError, match="random or tpe"):
        samplers.sampler("best", [], None, 0)


def test_optuna_is_asked_for_in_a_sentence_where_it_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(ConfigError, match="pip install optuna"):
        samplers.sampler("tpe", [Choice("a.b", (1, 2))], 3, 0)


def test_optuna_finds_the_better_half():
    pytest.importorskip("optuna")
    asked = samplers.sampler("tpe", [Choice("a.b", (), 0.0, 1.0)], 25, 0)
    tried = []
    for wave in asked.waves():
        tried += wave
        asked.tell({"score": -abs(wave[0]["a.b"] - 0.2)})
    assert np.mean([abs(one["a.b"] - 0.2) for one in tried[15:]]) < 0.2


def test_what_diverges_is_the_worst_that_a_search_hears_of(monkeypatch):
    told = []

    class Study:
        def ask(self):
            return None

        def tell(self, trial, value):
            told.append(value)

    optuna = SimpleNamespace(
        logging=SimpleNamespace(set_verbosity=lambda level: None, ERROR=0),
        create_study=lambda **given: Study(),
        samplers=SimpleNamespace(TPESampler=lambda seed: None),
    )
    monkeypatch.setitem(sys.modules, "optuna", optuna)
    asked = samplers.sampler("tpe", [Choice("a.b", (1, 2))], 2, 0)
    monkeypatch.setattr(asked, "_propose", lambda trial: {})
    for number, _ in enumerate(asked.waves()):
        for score in range(4):
            asked.tell({"score": score})
        asked.tell({"diverged": "The loss is nan."} if number else {"score": 4})
    assert told == [2.0, -np.inf]


# --- running --------------------------------------------------------------------------------------------------------


def tiny(out, rates=(0.1, 0.5), seeds=2):
    found = [{"learner.step_size": rate, "learner.round": 500} for rate in rates]
    game = "frozen_lake:slippery=false"
    return plan("q_learning", game, found, seeds=seeds, steps=1_000, episodes=4, out=out)


def test_a_result_counts_once_and_is_not_run_again(tmp_path, monkeypatch):
    jobs = tiny(tmp_path)
    assert len({job.id for job in jobs}) == 4
    seen = []
    first = list(run_all(jobs[:3], heard=lambda done, total: seen.append((done, total))))
    assert seen == [(0, 3), (1, 3), (2, 3), (3, 3)] and all(job.result.exists() for job in jobs[:3])
    assert len(first[0]["curve"]) > 1 and first[0]["settings"] == {"learner.step_size": 0.1, "learner.round": 500}
    played = []
    sound = sweep.perform
    monkeypatch.setattr(sweep, "perform", lambda job: played.append(job.id) or sound(job))
    again = list(run_all(jobs))
    assert again[:3] == first and played == [jobs[3].id]
    jobs[3].result.unlink()  # killed between the training and its result: the same agent is scored, not trained on
    played.clear()
    assert list(run_all(jobs))[3] == again[3] and played == [jobs[3].id]
    whole = first[0]
    wrong = ({"curve": [[1], [2, 3]]}, {"agent": 3}, {"seconds": "long"}, {"diverged": 1})
    damages = ("{", "[]", "{}", jobs[1].result.read_text(), *(json.dumps({**whole, **one}) for one in wrong))
    for text in damages:
        jobs[0].result.write_text(text)
        with pytest.raises(ValueError, match=f"{jobs[0].id}.json is damaged"):
            list(run_all(jobs))


def test_a_value_written_in_two_ways_is_one_run_and_another_default_is_another(tmp_path, monkeypatch):
    jobs = tiny(tmp_path, rates=(0.1, 1e-1), seeds=2)
    assert len(jobs) == 2
    with monkeypatch.context() as reworded:  # what a key means may be said otherwise
        reworded.setattr(sweep, "resolved", lambda config: resolved(config) + "# other words")
        assert jobs[0].id == tiny(tmp_path, rates=(0.1,), seeds=1)[0].id
    monkeypatch.setattr(QLearning, "trials", {"every": 7})
    other = tiny(tmp_path, rates=(0.1,), seeds=2)
    assert jobs[0] == other[0] and jobs[0].id != other[0].id


def test_what_a_search_asks_for_again_is_one_result(tmp_path):
    class Again(Listed):
        def waves(self):
            yield from (self.found, self.found)

    found = [{"learner.step_size": 0.1, "learner.round": 500}]
    planned = partial(plan, "q_learning", "frozen_lake", seeds=2, steps=1_000, episodes=4, out=tmp_path)
    results = search(Again(found), planned, workers=0)
    assert [one["seed"] for one in results] == [0, 1]
    (run, _) = (tmp_path / "runs").iterdir()
    config = load(run / "config.toml")
    assert config.folder == run and config.learner.step_size == 0.1
    assert cli.run(["verify", str(run)]) == 0


def test_a_run_that_diverges_is_told_and_not_made_again_and_the_others_go_on(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    sound = Trainer.round

    def round_(self, *given):
        if self.plan.learner.step_size == 0.5 and self.plan.seed == 1:
            raise Diverged("The loss is nan at step 0.")
        return sound(self, *given)

    line = ["sweep", "q_learning", "frozen_lake", "--steps", "1000", "--episodes", "4", "--workers=0", "--seeds=2"]
    line += ["--set", "q_learning.step_size=0.1,0.5", "--set", "q_learning.round=500", "--json"]
    with monkeypatch.context() as broken:
        broken.setattr(Trainer, "round", round_)
        assert cli.run(line) == 1
    out, err = capsys.readouterr()
    rows = json.loads(out)["rows"]
    assert [(row["settings"]["learner.step_size"], row["runs"], row["diverged"]) for row in rows] == [
        (0.1, 2, 0), (0.5, 2, 1),
    ]  # fmt: skip
    assert len(rows[1]["scores"]) == 1 and "step_size=0.5 with seed 1 diverged: The loss is nan at step 0." in err
    monkeypatch.setattr(sweep, "perform", None)  # nothing is left to do
    assert cli.run(line) == 1 and json.loads(capsys.readouterr().out)["rows"] == rows
    monkeypatch.setenv("COLUMNS", "120")
    assert cli.run(line[:-1]) == 1 and "1 of 2 diverged" in " ".join(capsys.readouterr().out.split())


def test_runs_that_have_workers_of_their_own_hold_no_cores_that_these_wait_for(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(sweep, "spread", lambda call, items, workers, address: asked.append(workers) or ())
    for base, setting in (({}, {}), ({"workers.count": 2}, {}), ({}, {"workers.count": "auto"})):
        given = {"seeds": 2, "steps": 10, "episodes": 1, "out": tmp_path, "base": base}
        list(run_all(plan("ppo", "cart_pole", [setting], **given), workers=2))
    assert asked == [2, 0, 0]
    with pytest.raises(ConfigError, match=r"leave workers\.count out, or --address"):
        list(run_all(plan("ppo", "cart_pole", [{"workers.count": 2}], **given), workers=2, address="here"))


def test_runs_are_made_on_the_cluster_that_is_named(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(sweep, "cores", lambda: 4)
    monkeypatch.setattr(sweep, "spread", lambda call, items, workers, address: asked.append((workers, address)) or ())
    ways = ((1, None, None), (3, None, None), (1, None, "there"), (9, 2, "there"), (9, 0, None))
    for seeds, workers, address in ways:
        planned = partial(plan, "q_learning", "frozen_lake", seeds=seeds, steps=10, episodes=1, out=tmp_path)
        search(Listed([{}]), planned, workers=workers, address=address)
    assert asked == [(0, None), (3, None), (1, "there"), (2, "there"), (0, None)]
    with pytest.raises(ConfigError, match="leave one out"):
        search(Listed([{}]), planned, workers=0, address="there")


def test_a_run_that_another_process_trains_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(sweep, "_trained", lambda *given: pytest.fail("read"))
    (job,) = tiny(tmp_path, rates=(0.1,), seeds=1)
    with occupy(tmp_path / "runs" / job.id), pytest.raises(Busy, match="is being written"):
        sweep.perform(job)


def test_a_sweep_that_is_cut_short_keeps_what_was_finished(tmp_path, monkeypatch):
    jobs, sound = tiny(tmp_path), sweep.perform

    def killed(job: Job):
        if job is jobs[2]:
            raise KeyboardInterrupt
        return sound(job)

    monkeypatch.setattr(sweep, "perform", killed)
    with pytest.raises(KeyboardInterrupt):
        list(run_all(jobs))
    assert [job.result.exists() for job in jobs] == [True, True, False, False]


def test_a_setting_that_does_not_exist_is_refused_before_anything_runs(tmp_path):
    with pytest.raises(ConfigError, match="step_sizes"):
        plan("q_learning", "frozen_lake", [{"learner.step_sizes": 1}], seeds=1, steps=10, episodes=1, out=tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_best_agent_is_one_that_was_tried():
    given = {"seeds": 1, "steps": 10, "episodes": 1, "out": Path("x")}
    found = [{"evaluation.every": 0}]
    assert len(plan("q_learning", "frozen_lake", found, **given)) == 1
    with pytest.raises(ConfigError, match=r"with evaluation.every=0 none is"):
        plan("q_learning", "frozen_lake", found, best=True, **given)


def test_runs_are_scored_on_prompts_that_training_never_deals(monkeypatch):
    dealt = []

    def evaluated(rules, *rest):
        dealt.append(rules.name)
        return Evaluation(np.zeros(1), np.zeros(1, np.int64))

    monkeypatch.setattr("arena.evaluation.in_earnest", lambda folder: None)
    monkeypatch.setattr("arena.evaluation.evaluated", evaluated)
    for name in ("reverse", "cart_pole"):
        sweep.scored(name, Path(), 1)
    assert dealt == ["reverse:split=test", "cart_pole"]


def test_summaries_put_the_best_first_with_its_curve():
    def result(rate, seed, score):
        return {"settings": {"learner.clip": rate}, "seed": seed, "score": score, "curve": [[0, 0.0], [10, score]]}

    found = summarise([result(0.1, s, s) for s in range(4)] + [result(0.2, s, 10 + s) for s in range(4)])
    assert [one.name for one in found] == ["clip=0.2", "clip=0.1"]
    assert found[0].score.value == 11.5 and found[0].mean == 11.5 and found[1].ahead.value == 0.0
    assert found[0].curve is not None and found[0].curve.value[-1] == 11.5
    assert [one.count for one in found] == ["4", "4"]


def test_a_setting_of_which_a_run_diverged_comes_after_those_of_which_none_did():
    def results(name, scores, lost):
        whole = [{"settings": {"a.b": name}, "seed": i, "score": s, "curve": [[0, s]]} for i, s in enumerate(scores)]
        return whole + [{"settings": {"a.b": name}, "seed": 9 - i, "diverged": "nan"} for i in range(lost)]

    found = summarise([*results("all", [], 3), *results("some", [485.0, 486.0], 3), *results("none", [450.0] * 5, 0)])
    assert [(one.name, one.count) for one in found] == [
        ("b=none", "5"), ("b=some", "3 of 5 diverged"), ("b=all", "3 of 3 diverged"),
    ]  # fmt: skip
    assert [one.ahead.value for one in found] == [0.5, 0.4, 0.0]  # two of five runs beat any of the best
    assert found[1].score is not None and found[1].score.value == 485.5
    assert found[2].score is None and found[2].mean is None and found[2].curve is None
    (alone,) = summarise(results("all", [], 2))
    assert alone.ahead.value == 0.5 and alone.count == "2 of 2 diverged"


def test_the_picture_shows_each_curve_and_its_name(tmp_path):
    steps = np.linspace(0, 20_000, 30)
    bands = [(f"rate={i}", band([(steps, steps * i + j) for j in range(3)])) for i in (1, 2)]
    shapes = curves.picture("ppo in cart_pole", bands, (640, 360), 3)
    words = [shape.text for shape in shapes if isinstance(shape, curves.Text)]
    assert {"rate=1", "rate=2", "20k", "ppo in cart_pole"} <= set(words)
    assert sum(isinstance(shape, curves.Poly) for shape in shapes) == 2
    assert curves.ticks(0, 500) == [0, 100, 200, 300, 400, 500] and curves.ticks(-0.1, 0.32) == [-0.1, 0, 0.1, 0.2, 0.3]
    curves.write(tmp_path / "x.png", "ppo in cart_pole", bands, 3, (640, 360))
    assert (tmp_path / "x.png").read_bytes()[:4] == b"\x89PNG"


def test_the_command_prints_a_table_or_a_document(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    line = ["sweep", "q_learning", "frozen_lake:slippery=false", "--seeds", "2", "--steps", "1000", "--episodes", "4"]
    line += ["--set", "q_learning.round=500", "--workers", "0"]
    line += ["--set", "q_learning.step_size=0.0625", "--set", "q_learning.epsilon_share=0.25"]
    assert cli.run([*line, "--json"]) == 0
    out = json.loads(capsys.readouterr().out)
    (row,) = out["rows"]
    assert row["runs"] == 2 and row["interquartile_mean"]["low"] <= row["mean"] <= row["interquartile_mean"]["high"]
    monkeypatch.setenv("COLUMNS", "80")  # settings are told apart by their names alone: none may be cut
    assert cli.run(line) == 0
    said = capsys.readouterr().out
    assert all(setting in said for setting in ("round=500", "step_size=0.0625", "epsilon_share=0.25"))
    assert "…" in said and max(map(len, said.partition("Learning")[0].splitlines())) <= 80
    assert list(tmp_path.glob("runs/sweep-*/curves.png"))
    assert cli.run(["sweep", "ppo", "cart_pole", "--set", "ppo.learning_rat=1"]) == 2
    assert "learning_rate" in capsys.readouterr().err
