"""Training as a whole: in process equals Ray, a resume equals no interruption, a dead worker costs nothing."""

from __future__ import annotations

import gc
import json
import os
import signal
import time
from dataclasses import replace

import numpy as np
import pytest
import torch

from agents.agent import Decision, Memory, Unable
from agents.learn.alphazero import AlphaZero, AlphaZeroSettings
from agents.scripted.random import Random
from agents.search.search import Search
from agents.self_play import SelfPlay
from arena import worker
from arena.checkpoint import Damaged, NotSaved, load_state, save_state
from arena.train import Plan, Trainer
from arena.worker import Meeting, play_pairings
from envs.game import View
from envs.registry import Unknown
from leagues.schedule import Pairing
from tests.arena.trained import ROUNDS, digest, run

SMALL = "resnet:blocks=1,width=8"


def plan(backbone: str = "mlp", *, ray: bool = False, workers: int = 1, threads: int = 1) -> Plan:
    return Plan(
        game="tic_tac_toe",
        algorithm="alphazero",
        backbone=backbone,
        heads=("policy", "value", "left"),
        playing=SelfPlay(lanes=12, search=Search(simulations=8, noise_share=0.25), fast_simulations=4),
        learner=AlphaZeroSettings(batch=32, window=1000, window_start=100, warm_steps=5),
        seed=0,
        workers=workers,
        ray=ray,
        positions=60,
        backend="torch",
        threads=threads,
    )


@pytest.fixture(scope="module", params=["mlp", SMALL])
def backbone(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def straight(backbone) -> str:
    return run(Trainer(plan(backbone)))


def kept(folder, the_plan: Plan) -> Trainer:
    """A trainer that has run to its end, and whose state after the second round is kept."""
    trainer = Trainer(the_plan)
    run(trainer, between=lambda: save_state(folder, trainer.state()))
    return trainer


def test_a_resumed_run_ends_byte_for_byte_where_the_straight_one_does(backbone, straight, tmp_path):
    kept(tmp_path / "state", plan(backbone))
    assert run(Trainer(plan(backbone), load_state(tmp_path / "state")), first=2) == straight


def test_goes_on_with_more_workers_and_with_fewer(tmp_path):
    kept(tmp_path / "state", plan(workers=2))
    one = Trainer(plan(workers=1), load_state(tmp_path / "state"))
    one.begin()
    assert gc.get_freeze_count() > 100_000  # so many objects are not looked through for garbage
    one.round(0.5, lambda: save_state(tmp_path / "state", one.state()))
    assert [chunk.stream for chunk in one.arrived] == [0]
    one.close()
    assert gc.get_freeze_count() < 1000
    three = Trainer(plan(workers=3), load_state(tmp_path / "state"))
    three.begin()
    for i in range(2):
        three.round(0.5 + i / 10)
    assert [chunk.stream for chunk in three.arrived] == [0, 2, 3]  # stream 1 was another worker's
    three.close()


def test_a_state_of_another_network_is_one_sentence(tmp_path):
    kept(tmp_path / "state", plan())
    with pytest.raises(Damaged, match="not one of this run"):
        Trainer(plan(SMALL), load_state(tmp_path / "state"))
    with pytest.raises(Damaged, match="not one of this run"):
        Trainer(plan(), {"number": 3})


def test_every_algorithm_is_looked_up_by_its_name():
    with pytest.raises(Unknown, match="did you mean 'alphazero'"):
        Trainer(replace(plan(), algorithm="alphazro"))


def test_the_learner_takes_as_many_threads_as_it_is_given():
    trainer = Trainer(plan(threads=2))
    trainer.begin()
    trainer.round(0.0)
    assert torch.get_num_threads() == 2  # a worker in the same process takes none away
    trainer.close()
    Trainer(plan()).close()
    assert torch.get_num_threads() == 1


def test_a_learner_whose_player_does_not_gather_what_it_reads_says_so(monkeypatch):
    monkeypatch.setattr(AlphaZero, "reads", (*AlphaZero.reads, "weather"))
    trainer = Trainer(plan())
    trainer.begin()
    with pytest.raises(Unable, match=r"AlphaZero learns from weather, too, which its player \(self_play\)"):
        trainer.round(0.0)
    trainer.close()


def test_decisions_of_searched_games_are_their_moves_after_the_opening():
    """Its steps are the optimiser's, and few of the moves are learned from."""
    trainer = Trainer(plan())
    trainer.begin()
    done = trainer.round(0.0)
    trainer.close()
    games = [finished for chunk in done.chunks for finished in chunk.games]
    assert done.decisions == sum(len(finished.moves[finished.opening :]) for finished in games)
    assert any(finished.opening for finished in games)


def test_weights_that_play_are_one_round_old():
    trainer = Trainer(plan(workers=2))
    trainer.begin()
    assert [trainer.round(0.0).staleness for _ in range(3)] == [1, 1, 1]
    trainer.close()


@pytest.mark.parametrize("backbone", ["mlp"], indirect=True)
def test_two_workers_in_turn_differ_from_one(backbone, straight):
    assert run(Trainer(plan(workers=2))) != straight


@pytest.mark.ray
@pytest.mark.parametrize("backbone", [SMALL], indirect=True)
def test_ray_gives_the_same_bytes_even_if_a_worker_is_killed_over_its_games(backbone, straight):
    trainer = Trainer(plan(backbone, ray=True))
    process = pid(trainer)
    trainer.begin()
    for i in range(ROUNDS):
        if i == 1:
            trainer.round(i / ROUNDS, lambda: os.kill(process, signal.SIGSTOP))
            os.kill(process, signal.SIGKILL)  # it was told to collect, and has not
        else:
            trainer.round(i / ROUNDS)
    assert digest(trainer.learner.weights()) == straight
    assert trainer.pool.restarts == 1
    trainer.close()


def pid(trainer: Trainer) -> int:
    """Worker 0's process."""
    return trainer.pool.finish(trainer.pool.start(0, "__ray_call__", lambda worker: os.getpid()))


def test_who_plays_illegally_in_a_match_forfeits(monkeypatch: pytest.MonkeyPatch):
    class Stubborn(Random):
        name = "stubborn"

        def act(self, view: View, memory: Memory) -> Decision:
            return Decision(
                np.zeros(len(view.seat), np.int64), memory
            )  # the first move, whether it may be played or not

    players = {"stubborn": Stubborn(), "random": Random()}
    monkeypatch.setattr(worker, "cached_agent", players.__getitem__)
    ((_, played),) = play_pairings("tic_tac_toe", Meeting((Pairing("stubborn", "random", 0),)))
    assert played.reward == (-1.0, 1.0)
    assert played.reason.startswith("forfeit 0 illegal: stubborn chose move 0 (a3) in tic_tac_toe, where ")


@pytest.mark.ray
def test_a_worker_that_is_killed_over_rating_games_is_made_again_and_plays_them():
    trainer = Trainer(plan(ray=True))
    process = pid(trainer)
    meeting = Meeting(tuple(Pairing("mcts:sims=1000", "random", i) for i in range(40)))
    ticket = trainer.pool.start(0, "meet", meeting)
    time.sleep(0.1)  # it has begun, and imports what it needs
    os.kill(process, signal.SIGKILL)
    games = trainer.pool.finish(ticket)
    assert trainer.pool.restarts == 1
    trainer.close()
    assert games == play_pairings("tic_tac_toe", meeting)


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


@pytest.mark.parametrize("name", ["tree.json", "arrays.safetensors"])
@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[" * 100_000, b"null", b"\xff\xfe", b"\x08" + bytes(7) + b"{}      "]
)
def test_whatever_is_in_its_files_a_damaged_state_is_one_sentence(tmp_path, name, content):
    save_state(tmp_path / "s", {"x": np.arange(4)})
    (tmp_path / "s" / name).write_bytes(content)
    with pytest.raises(Damaged, match="cannot be read") as caught:
        load_state(tmp_path / "s")
    assert "\n" not in str(caught.value)


def test_no_number_of_a_state_changes_unseen(tmp_path):
    """A number that a failing disk changed would be learned on from."""
    save_state(tmp_path / "s", state := {"x": np.arange(3.0), "seed": 12345})
    for name, was, now in (("arrays.safetensors", np.float64(2).tobytes(), np.float64(3).tobytes()),
                           ("tree.json", b"12345", b"12346")):  # fmt: skip
        whole = (tmp_path / "s" / name).read_bytes()
        assert whole.count(was) == 1
        (tmp_path / "s" / name).write_bytes(whole.replace(was, now))
        with pytest.raises(Damaged, match=r"cannot be read \(its sha256 is not the one in tree.json\); remove that"):
            load_state(tmp_path / "s")
        (tmp_path / "s" / name).write_bytes(whole)
    assert str(load_state(tmp_path / "s")) == str(state)


@pytest.mark.parametrize("layout", ["O", "nonsense", [["a", "(2,"]], [[]], 3, {"names": 1}])
def test_a_damaged_layout_is_one_sentence(tmp_path, layout):
    save_state(tmp_path / "s", {"x": np.zeros(2, [("a", np.int8)])})
    tree = json.loads((tmp_path / "s" / "tree.json").read_text())
    tree["state"]["$dict"][0][1]["layout"] = layout
    del tree["sha256"]  # as of one that was written before there was any
    (tmp_path / "s" / "tree.json").write_text(json.dumps(tree))
    with pytest.raises(Damaged, match="cannot be read"):
        load_state(tmp_path / "s")


def test_a_full_disk_is_one_sentence_and_leaves_the_state_before(tmp_path, monkeypatch):
    save_state(tmp_path / "s", {"x": 1})

    def fail(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", fail)
        with pytest.raises(NotSaved, match=r"cannot be written \(No space left on device\)"):
            save_state(tmp_path / "s", {"x": 2})
    assert load_state(tmp_path / "s") == {"x": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["s"]


@pytest.mark.ray
def test_what_a_worker_raises_arrives_as_it_was_raised():
    for ray in (False, True):
        broken = Trainer(replace(plan(ray=ray), backend="torhc"))
        with pytest.raises(Unknown, match="did you mean 'torch'"):
            broken.ready()
        ticket = broken.pool.start(0, "meet", Meeting((Pairing("random", "rondom", 1),)))
        with pytest.raises(Unknown, match="did you mean 'random'"):
            broken.pool.finish(ticket)
        assert broken.pool.restarts == 0
        broken.close()
