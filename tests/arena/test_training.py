"""Training as a whole: in process equals Ray, a resume equals no interruption, a dead worker costs nothing."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest
import torch

from agents.learn.alphazero import AlphaZeroSettings
from agents.search.search import Search
from agents.self_play import SelfPlay
from arena.checkpoint import Damaged, load_state, save_state
from arena.train import Plan, Trainer

ROUNDS = 4


def plan(*, ray: bool = False, workers: int = 1) -> Plan:
    return Plan(
        "tic_tac_toe",
        "mlp",
        self_play=SelfPlay(lanes=24, search=Search(simulations=16, noise_share=0.25), fast_simulations=4),
        learner=AlphaZeroSettings(batch=32, window=2000, window_start=200, warm_steps=5),
        workers=workers,
        ray=ray,
        positions=120,
        backend="torch",
    )


def digest(trainer: Trainer) -> str:
    return hashlib.sha256(b"".join(value.tobytes() for value in trainer.learner.weights().values())).hexdigest()


def run(trainer: Trainer, first: int = 0, between=None) -> str:
    trainer.begin()
    for i in range(first, ROUNDS):
        trainer.round(i / ROUNDS, between if i == 1 else None)
    trainer.close()
    return digest(trainer)


@pytest.fixture(scope="module")
def straight() -> str:
    return run(Trainer(plan()))


def test_a_resumed_run_ends_byte_for_byte_where_the_straight_one_does(straight, tmp_path):
    trainer = Trainer(plan())
    run(trainer, between=lambda: save_state(tmp_path / "state", trainer.state()))
    assert run(Trainer(plan(), load_state(tmp_path / "state")), first=2) == straight


def test_two_workers_in_turn_differ_from_one(straight):
    assert run(Trainer(plan(workers=2))) != straight


@pytest.mark.ray
def test_ray_gives_the_same_bytes_even_if_a_worker_dies(straight):
    import ray

    trainer = Trainer(plan(ray=True))
    trainer.begin()
    for i in range(ROUNDS):
        trainer.round(i / ROUNDS)
        if i == 1:
            ray.kill(trainer.pool.actors[0])  # type: ignore[attr-defined]
    assert digest(trainer) == straight
    assert trainer.pool.restarts == 1
    trainer.close()


def test_states_come_back_as_they_were(tmp_path):
    rows = np.zeros(3, np.dtype([("a", np.uint64), ("b", np.int8, (2,))], align=True))
    rows["a"] = 2**63 + 1
    state = {
        "rows": rows,
        "tensor": torch.arange(3.0),
        "nested": {0: [1, 2.5, None, True, "text"], "big": 2**127},
        "empty": np.zeros((0, 4), np.float32),
    }
    save_state(tmp_path / "s", state)
    back = load_state(tmp_path / "s")
    assert (back["rows"] == rows).all()
    assert back["rows"].dtype == rows.dtype
    assert torch.equal(back["tensor"], state["tensor"])
    assert back["nested"] == state["nested"]
    assert back["empty"].shape == (0, 4)
    assert load_state(tmp_path / "nothing") is None


def test_a_damaged_state_is_one_sentence(tmp_path):
    save_state(tmp_path / "s", {"x": np.arange(4)})
    (tmp_path / "s" / "arrays.safetensors").write_bytes(b"\x80\x04nonsense")
    with pytest.raises(Damaged, match="cannot be read"):
        load_state(tmp_path / "s")
    save_state(tmp_path / "s", {"x": np.arange(4)})
    tree = json.loads((tmp_path / "s" / "tree.json").read_text())
    (tmp_path / "s" / "tree.json").write_text(json.dumps({**tree, "version": 99}))
    with pytest.raises(Damaged, match="version 99"):
        load_state(tmp_path / "s")


@pytest.mark.ray
def test_what_a_worker_raises_arrives_as_it_was_raised():
    from arena.worker import Meeting
    from envs.registry import Unknown
    from leagues.schedule import Pairing

    trainer = Trainer(plan(ray=True))
    ticket = trainer.pool.start(0, "meet", Meeting((Pairing("random", "rondom", 1),)))
    with pytest.raises(Unknown, match="did you mean 'random'"):
        trainer.pool.finish(ticket)
    trainer.close()
