"""Reward models from folders: they pay in the verifier's place, and those that cannot read the answers are refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from agents.language import scoring
from agents.language.groups import Curriculum, Groups, GroupSettings
from agents.language.model import scores
from agents.networks import Network, weights
from agents.storage import BadAgent, save_agent
from envs.registry import game

REVERSE = game("reverse:length=3,letters=2")
BODY = "gpt:layers=1,width=8,heads=1"
SMALL = GroupSettings(prompts=6, group=4, curriculum=Curriculum(start=0))


def network(*heads: str, task: str = REVERSE.name) -> Network:
    return Network(game(task), BODY, heads or ("token", "returns"), seed=5).eval()


def stored(folder, made: Network) -> str:
    save_agent(folder, made.game, weights(made), backbone=made.spec, heads=made.head_specs)
    return str(folder)


def test_a_reward_model_pays_in_the_verifiers_place(tmp_path, monkeypatch):
    model, writer = network(), network("token")
    plain = Groups(writer, SMALL, 0).collect(0)[0]
    assert np.array_equal(plain["paid"], plain["right"])
    monkeypatch.setattr(scoring, "PART", 5)  # in parts it is the same
    run = tmp_path / "run"
    stored(run / "agents" / "a", model)
    columns = Groups(writer, replace(SMALL, reward=str(run)), 0).collect(0)[0]
    of = (torch.from_numpy(columns[name].copy()) for name in ("text", "prompted", "length"))
    with torch.inference_mode():
        expected = scores(model, *of).numpy()
    assert columns["paid"] == pytest.approx(expected, abs=1e-6) and expected.std() > 0
    assert all(np.array_equal(columns[name], plain[name]) for name in plain if name != "paid")


def test_what_cannot_score_is_refused(tmp_path):
    def told(folder: str, task: str = REVERSE.name) -> str:
        with pytest.raises(BadAgent) as error:
            Groups(network("token", task=task), replace(SMALL, reward=folder), 0)
        return str(error.value)

    assert "is no reward model: it has no head returns" in told(stored(tmp_path / "a", network("token")))
    short = stored(tmp_path / "b", network())
    assert "cannot read those of reverse:length=5" in told(short, "reverse:length=5,letters=2")
    assert "judges answers of reverse:length=3,letters=2, and these are of sort" in told(short, "sort:length=3")
    assert "is no agent" in told(str(tmp_path / "none"))
