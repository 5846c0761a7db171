"""Several learners in processes: they end where one does, go on exactly, and say what went wrong."""

from __future__ import annotations

import os
import re
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch

from agents.agent import Unable
from agents.hardware import NoDevice, device_of
from agents.learn.ppo import PPOSettings
from agents.networks import Network
from agents.placed import Placed
from agents.rollouts import Rollouts, RolloutSettings
from arena import cli
from arena.checkpoint import load_state, save_state
from arena.config import load
from arena.learners import LostLearner, learner_of
from arena.run import plan_of
from arena.sections import ConfigError
from arena.train import Plan, Trainer
from arena.worker import Worker
from tests.arena.trained import ROUNDS, digest, trained

PLAN = Plan(
    "tic_tac_toe", "ppo", "mlp:width=16", ("policy", "returns"), PPOSettings(batch=32, epochs=2),
    RolloutSettings(lanes=8, steps=8), 0, 0, False, 1, "torch",
)  # fmt: skip


def network_of(learner: Any) -> Network:
    return learner.network


def test_two_end_where_one_does_and_go_on_byte_for_byte_until_one_dies(tmp_path):
    alone = trained(Trainer(PLAN))
    trainer = Trainer(replace(PLAN, learners=2))
    assert isinstance(network_of(trainer.learner), Placed)
    two = trained(trainer, between=lambda: save_state(tmp_path / "state", trainer.state()))
    assert max(float(np.abs(alone[name] - two[name]).max()) for name in alone) < 1e-6
    on = Trainer(PLAN, load_state(tmp_path / "state"))  # what two began may be gone on with alone
    assert max(float(np.abs(value - two[name]).max()) for name, value in trained(on, first=2).items()) < 1e-6
    trainer = Trainer(replace(PLAN, learners=2), load_state(tmp_path / "state"))
    companions = trainer.companions
    assert companions is not None
    trainer.begin()
    # Ctrl-C is no traceback of its imports
    if (status := Path(f"/proc/{companions.processes[0].pid}/status")).exists():
        blocked = re.search(r"SigBlk:\s*(\w+)", status.read_text())
        assert blocked is not None and int(blocked[1], 16) & 1 << signal.SIGINT - 1
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())
    for i in range(2, ROUNDS):
        trainer.round(i / ROUNDS)
    assert digest(trainer.learner.weights()) == digest(two)
    os.kill(companions.processes[0].pid or 0, signal.SIGKILL)
    with pytest.raises(LostLearner, match=r"Learner 1 of 2 \(exit code -9\) died; --resume goes on"):
        trainer.round(0.1)
    trainer.close()
    assert not torch.distributed.is_initialized() and not companions.processes[0].is_alive()


def test_a_table_learns_alone(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Unable, match="q_learning keeps a table and learns alone"):
        plan_of(load(None, ["learner.algorithm=q_learning", "game.name=tic_tac_toe", "workers.learners=2"]))
    assert cli.run(["train", "q_learning", "tic_tac_toe", "--learners", "2", "--steps", "10", "--workers", "0"]) == 2
    assert "leave --learners out" in capsys.readouterr().err and not (tmp_path / "runs").exists()
    with pytest.raises(ConfigError, match=r"\[workers\] learners = 0"):
        load(None, ["workers.learners=0"])


# --- devices --------------------------------------------------------------------------------------------------------


def test_a_device_that_is_not_there_is_refused_and_auto_takes_what_there_is(monkeypatch):
    chosen = ["learner.algorithm=ppo", "game.name=cart_pole", "workers.count=0"]
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for setting in ("workers.learner_device", "workers.device"):
        with pytest.raises(NoDevice, match=rf'{setting} is "cuda", and .*none that PyTorch can use; set it to "cpu"'):
            plan_of(load(None, [*chosen, f"{setting}=cuda"]))
    plan = plan_of(load(None, chosen))
    assert (plan.device, plan.half, plan.playing_device) == ("cpu", False, "cpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    plan = plan_of(load(None, chosen))
    assert (plan.device, plan.half, plan.playing_device) == ("cuda", True, "cpu")
    assert not plan_of(load(None, [*chosen, "workers.precision=float32"])).half
    assert not plan.playing_half and plan_of(load(None, [*chosen, "workers.precision=bfloat16"])).playing_half
    assert device_of("auto", 2) == "cpu" and device_of("cpu") == "cpu"
    with pytest.raises(NoDevice, match="this machine has 1, and 2 learners want one each"):
        plan_of(load(None, [*chosen, "workers.learners=2", "workers.learner_device=cuda"]))
    with pytest.raises(ConfigError, match="learner_device"):
        load(None, ["workers.learner_device=tpu"])


def test_learners_and_workers_hold_their_networks_where_they_are_told():
    half = network_of(learner_of(replace(PLAN, half=True)))
    assert isinstance(half, Placed) and half.halved and str(half.device) == "cpu"
    assert type(network_of(learner_of(PLAN))) is not Placed
    player = Worker(replace(PLAN, playing_half=True).order(0)).player
    assert isinstance(player, Rollouts) and cast(Placed, player.actor.network).halved
    there = Worker(replace(PLAN, playing_device="meta").order(0)).order
    assert there.device == "meta"
    with torch.device("meta"):
        network = Placed(half.game, "mlp", ("policy",), device="meta")
    assert next(network.parameters()).device.type == "meta"


def test_a_league_of_many_learners_has_one_process_for_each(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    line = "league kuhn --preset alphastar --minutes 1 --headless --set workers.count=0 --set workers.learners=2"
    assert cli.run(line.split()) == 2
    assert "leave workers.learners out" in capsys.readouterr().err and not (tmp_path / "runs").exists()
