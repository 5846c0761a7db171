"""Groups of real, untrained models: what is drawn is what is judged and read again; and the command."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from agents.language.sampling import Sampler
from agents.learn.grpo import GRPO, GRPOSettings
from agents.networks import Network, weights
from agents.storage import save_agent
from arena.cli import run
from arena.config import load, resolved
from arena.viewers.language.group import GroupSnapshot
from arena.viewers.language.source import Groups, Model, models, pay_of
from envs import kernels
from envs.language import task
from envs.language.vocabulary import decode
from envs.registry import game

SPEC = "reverse:length=3,letters=2"
REVERSE = game(SPEC)
BACKBONE = "gpt:layers=1,width=8,heads=2"


def network(seed: int) -> Network:
    """A model that is not even at first."""
    made = Network(REVERSE, BACKBONE, ("token",), seed).eval()
    with torch.no_grad():
        made.get_parameter("backbone.table").mul_(20.0)
    return made


@pytest.fixture(scope="module")
def snapshot() -> GroupSnapshot:
    two = [Model("a", network(1), 0.7), Model("b", network(2), 0.7)]
    return Groups(REVERSE, two, 6, seed=5, head=(1, 2)).snapshot(2)


def test_the_same_prompt_is_answered_by_each(snapshot: GroupSnapshot) -> None:
    assert snapshot.models == ("a", "b") and [group.writer for group in snapshot.groups] == [0, 1]
    assert all(len(group.answers) == 6 for group in snapshot.groups)
    prompt, wanted = decode(snapshot.prompt), decode(snapshot.wanted)
    assert prompt == wanted[::-1] + "="
    for answer in (answer for group in snapshot.groups for answer in group.answers):
        text = decode(answer.tokens)
        assert answer.right == (text == wanted and answer.ended)
        assert answer.right <= answer.format <= (answer.ended and len(text) > 0 and set(text) <= {"a", "b"})
        hits = [0.9 * (token == best) for token, best in zip(answer.tokens, snapshot.wanted, strict=False)]
        assert answer.placed[: len(hits)] == pytest.approx(hits) and not any(answer.placed[len(hits) :])
        whole = 0.1 * answer.right + GRPOSettings().format_reward * answer.format
        assert answer.reward == pytest.approx(whole + sum(answer.placed) / len(answer.tokens), abs=1e-5)
    again = Groups(REVERSE, [Model("a", network(1), 0.7), Model("b", network(2), 0.7)], 6, seed=5).snapshot(2)
    assert again.groups == snapshot.groups and again.prompt == snapshot.prompt


def test_what_was_drawn_is_read_at_the_probability_it_was_drawn_with(snapshot: GroupSnapshot) -> None:
    rows = np.repeat(task.posed(REVERSE, kernels.seeds(5, 1, 11, 2), np.array([3])), 6)
    drawn = Sampler(network(1), 6, narrow=False).sample(
        rows["text"][:, :4], rows["prompted"], 4, kernels.seeds(5, 6, 12, 2), temperature=0.7
    )
    for i, answer in enumerate(snapshot.groups[0].answers):
        count = len(answer.tokens)
        assert answer.tokens == tuple(drawn.tokens[i, :count].tolist()) and count == drawn.length[i]
        assert answer.log_p[0] == pytest.approx(drawn.log_p[i, :count].tolist(), abs=1e-3)
        assert answer.log_p[0] != pytest.approx(answer.log_p[1], abs=0.3)


def test_the_likeliest_tokens_are_of_the_same_places(snapshot: GroupSnapshot) -> None:
    for answer in snapshot.groups[1].answers:
        for t, token in enumerate(answer.tokens):
            first, second = (answer.likeliest[model][t] for model in (0, 1))
            assert [guess.token for guess in first] == [guess.token for guess in second]
            best = [max(a.share, b.share) for a, b in zip(first, second, strict=True)]
            assert best == sorted(best, reverse=True) and sum(guess.share for guess in first) <= 1
            for model, guesses in enumerate((first, second)):
                own = [guess.share for guess in guesses if guess.token == token]
                assert own == pytest.approx([math.exp(answer.log_p[model][t])] * len(own))
            for head in answer.looks[1][0]:
                places = [look.place for look in head[t] if look.weight > 0]
                assert max(places) < len(snapshot.prompt) + t and sum(look.weight for look in head[t]) <= 1 + 1e-6


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("language")
    for step, seed in ((10, 1), (20, 2)):
        path = made / "runs" / "r" / "agents" / f"r-{step:06d}"
        path.parent.mkdir(parents=True, exist_ok=True)
        save_agent(path, REVERSE, weights(network(seed)), backbone=BACKBONE, heads=("token",), step=step, parent="r")
    return made


def test_models_are_found_by_their_folders(folder: Path) -> None:
    run_folder = str(folder / "runs" / "r")
    (newest,) = models([run_folder + ":temperature=0.5"], folder / "no.db")
    assert newest.name == "r-000020" and newest.temperature == 0.5
    before, after = models(["untrained", run_folder], folder / "no.db")
    assert (before.name, after.name) == ("untrained", "r-000020")
    assert not np.allclose(weights(before.network)["backbone.table"], weights(after.network)["backbone.table"])


def test_a_run_says_what_its_answers_were_paid(folder: Path) -> None:
    found = models([str(folder / "runs" / "r")], folder / "no.db")
    assert pay_of(REVERSE, found) == (GRPO.suited(REVERSE)[0].format_reward, 0.9)
    settings = ["learner.algorithm=grpo", f"game.name={SPEC}", "groups.partial=0.25", "learner.format_reward=0.5"]
    written = folder / "runs" / "r" / "config.toml"
    written.write_text(resolved(load(None, settings)))
    try:
        assert pay_of(REVERSE, found) == (0.5, 0.25)
        assert pay_of(REVERSE, [Model("nobody's", found[0].network)]).partial == 0.9
    finally:
        written.unlink()


def test_the_command_draws_and_speaks(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    given = ["watch", SPEC, "runs/r/agents/r-000010", "runs/r", "--group", "4", "--prompt", "1"]
    assert run([*given, "--export", "g.png", "--attention", "1.2"]) == 0
    assert (folder / "g.png").exists() and (folder / "g.png.json").exists()
    assert run([*given, "--describe"]) == 0
    said = capsys.readouterr().out
    assert "answers of r-000010" in said and "answers of r-000020" in said and "prompt 1" in said


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ([SPEC, "runs/r", "--group", "1"], "nothing to be compared with; write --group 2"),
        ([SPEC, "runs/r", "--group", "9999999"], "more than can be looked at; write --group 1024 or less"),
        ([SPEC, "runs/r", "--attention", "1.1"], "add --group 8"),
        ([SPEC, "runs/r", "--group", "4", "--attention", "x"], "written LAYER.HEAD"),
        ([SPEC, "runs/r", "--group", "4", "--attention", "2.1"], "layers 1 to 1 of heads 1 to 2, not 2.1"),
        ([SPEC, "--group", "4"], "of a task and one or two models"),
        (["tic_tac_toe", "runs/r", "--group", "4"], "is no language task"),
        ([SPEC, "nowhere", "--group", "4"], "There is no folder nowhere"),
        ([SPEC, "runs/r:temp=1", "--group", "4"], "did you mean 'temperature'"),
        ([SPEC, "runs/r:temperature=0", "--group", "4"], "a number above 0"),
        ([SPEC, "runs/r:temperature=2", "runs/r", "--group", "4"], "compared at one temperature"),
        (["reverse:length=9,letters=2", "runs/r", "--group", "4"], "texts of up to 20 tokens, and r-000020 reads 8"),
        (["runs/r", "--curves"], "no events"),
        (["runs/r", "--curves", "--group", "4"], "--group shows something else, and this is --curves"),
    ],
)
def test_what_cannot_be_is_one_sentence(
    given: list[str], says: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    assert run(["watch", *given, *([] if "--curves" in given else ["--describe"])]) == 2
    assert says in capsys.readouterr().err
