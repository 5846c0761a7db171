"""The league end to end, in this process: it trains, freezes, rates, goes on, and survives being killed."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from agents.learn.alphazero import AlphaZeroSettings
from agents.learn.ppo import PPO, PPOSettings
from agents.rollouts import RolloutSettings
from agents.search.search import Search
from agents.self_play import SelfPlay
from arena.league import League, LeagueSettings
from arena.store import Store
from arena.tournament import contest, match
from arena.train import Plan
from arena.verify import verify
from arena.worker import play_pairings
from envs.registry import game

SETTINGS = LeagueSettings(
    anchors=("random", "alphabeta:depth=2"),
    snapshot_minutes=0.0,
    rating_pairs=4,
    rating_simulations=8,
)
PLAN = Plan(
    game="tic_tac_toe",
    algorithm="alphazero",
    backbone="mlp",
    heads=("policy", "value", "left"),
    seed=0,
    playing=SelfPlay(lanes=16, search=Search(simulations=8, noise_share=0.25), fast_simulations=4),
    learner=AlphaZeroSettings(batch=32, window=2000, window_start=200),
    workers=2,
    ray=False,
    positions=100,
    backend="torch",
)


def league(folder: Path, store: Store, minutes: float = 0.02) -> League:
    return League(folder / "runs" / "x", PLAN, SETTINGS, store, minutes=minutes, show=lambda status: None)


def test_trains_freezes_rates_and_goes_on(tmp_path):
    with Store(tmp_path / "arena.db") as store:
        ratings = league(tmp_path, store).play()
        assert ratings is not None
        members = store.members("tic_tac_toe")
        snapshots = [m for m in members if m.kind == "snapshot"]
        assert snapshots
        assert {m.name for m in members} >= {"random", "alphabeta:depth=2", "x"}
        assert ratings.elo[ratings.names.index("random")] == 0.0
        assert np.isfinite(ratings.low).all()
        played = store.count(purpose="selfplay")
        assert played > 0
        assert store.count(purpose="rating") >= 8
        again = league(tmp_path, store)
        assert again.run.resumed
        assert again.run.trainer.learner.steps == snapshots[-1].step
        again.play()
        assert store.count(purpose="selfplay") > played
    assert not verify(tmp_path / "arena.db").faults


def test_a_snapshot_that_a_kill_cut_short_is_made_again_the_same(tmp_path):
    """State kept, agent not yet entered: the resumed run has the same weights to freeze."""
    with Store(tmp_path / "arena.db") as store:
        first = league(tmp_path, store, minutes=0.005)
        first.play()
        name = first.status.newest
        assert name is not None
        folder = tmp_path / "runs" / "x" / "agents" / name
        before = (folder / "weights.safetensors").read_bytes()
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()
        second = league(tmp_path, store)
        again, path = second.run.snapshot()
        second.run.close()
        assert again == name
        assert (path / "weights.safetensors").read_bytes() == before


def test_rating_games_that_fail_count_for_nobody_and_no_opening_comes_twice(tmp_path):
    specs, dealt = {"random": "random", "alphabeta:depth=2": "alphabeta:depth=2"}, []
    with Store(tmp_path / "arena.db") as store:
        one = league(tmp_path, store)

        def failing(worker, method, meeting):
            found = play_pairings("tic_tac_toe", meeting)
            dealt.extend(pairing.id for pairing, _ in found)
            broken = [
                (p, replace(f, broken="out of order")) if i % 4 == 0 else (p, f) for i, (p, f) in enumerate(found)
            ]
            return lambda: broken

        one.ledger.specs = specs
        one.run.trainer.pool.start = failing  # type: ignore[method-assign]
        for _ in range(3):
            one.send_out(4)
            one.gather()
        assert len(dealt) == len(set(dealt)) == 24
        assert one.status.broken == 6 and one.status.rated == store.count(purpose="rating") == 18
        one.run.close()
        again = league(tmp_path, store)
        assert sum(again.ledger.openings.values()) == 9  # of what was stored: half a pair is an opening that was given
        again.run.close()


@pytest.mark.timeout(240)
def test_killed_at_any_instant_it_goes_on_and_counts_nothing_twice(tmp_path):
    command = [
        sys.executable, "-m", "arena", "league", "--headless", "--workers", "0", "--minutes", "5",
        *(f"--set={setting}" for setting in (
            "game.name=tic_tac_toe", "network.backbone=mlp", "network.backend=torch", "run.name=x",
            "run.positions=60", "self_play.lanes=16", "self_play.search.simulations=8",
            "self_play.fast_simulations=4", "learner.batch=32", "league.snapshot_minutes=0.01",
            "league.rating_pairs=2", "league.rating_simulations=4",
            'league.anchors=["random","alphabeta:depth=2"]',
        )),
    ]  # fmt: skip
    chance = random.Random(1)
    counts = [0]
    database = tmp_path / "arena.db"
    for _ in range(2):
        process = subprocess.Popen(
            command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=dict(os.environ)
        )
        deadline = time.monotonic() + 110
        while time.monotonic() < deadline and process.poll() is None and games_in(database) <= counts[-1] + 30:
            time.sleep(0.1)
        assert process.poll() is None, process.communicate()[1].decode()
        time.sleep(chance.random())
        process.send_signal(signal.SIGKILL)
        assert b"starting the workers ...\nSelf-play and learning ...\n" in process.communicate()[1]
        counts.append(games_in(database))
    assert counts == sorted(set(counts))  # every start went on
    report = verify(database)
    assert not report.faults
    with sqlite3.connect(database) as db:
        assert db.execute("SELECT count(*) - count(DISTINCT id) FROM games").fetchone() == (0,)


def games_in(database: Path) -> int:
    try:
        with sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=5) as db:
            return db.execute("SELECT count(*) FROM games").fetchone()[0]
    except sqlite3.OperationalError:
        return 0


def test_snapshots_that_do_not_search_are_rated_too(tmp_path):
    """Their specs say nothing of simulations, which they would refuse."""
    settings = PPOSettings()
    heads = PPO.parts(game("tic_tac_toe"), settings)[1]
    playing = RolloutSettings(lanes=8, steps=8)
    plan = replace(PLAN, algorithm="ppo", backbone="mlp:width=16", heads=heads, learner=settings, playing=playing)
    anchors = replace(SETTINGS, anchors=("random",))
    with Store(tmp_path / "arena.db") as store:
        one = League(tmp_path / "runs" / "x", plan, anchors, store, minutes=0.005, show=lambda status: None)
        ratings = one.play()
        snapshots = [member for member in store.members("tic_tac_toe") if member.kind == "snapshot"]
        assert snapshots and not any("sims" in member.spec for member in snapshots)
        assert ratings is not None and snapshots[-1].name in ratings.names
    assert "rollout/ep_rew_mean" in one.status.metrics


def test_a_new_run_under_an_old_name_is_refused(tmp_path):
    with Store(tmp_path / "arena.db") as store:
        league(tmp_path, store, minutes=0.005).play()
        with pytest.raises(ValueError, match="an earlier run 'x'"):
            League(tmp_path / "elsewhere" / "x", PLAN, SETTINGS, store, minutes=1, show=lambda status: None)


def test_others_in_the_database_are_rated_but_not_called_to_play(tmp_path):
    """A trained agent entered by hand, a frozen learner whose folder is gone, an anchor of an earlier file."""
    with Store(tmp_path / "arena.db") as store:
        first = league(tmp_path, store, minutes=0.005)
        first.play()
        frozen = first.status.newest
        assert frozen is not None
        folder = tmp_path / "runs" / "x" / "agents" / frozen
        match(store, contest("tic_tac_toe", [f"{folder}:sims=4", "alphabeta:depth=1"], purpose="match"), 2)
        (folder / "weights.safetensors").write_bytes(b"gone")
        second = league(tmp_path, store, minutes=0.005)
        assert set(second.ledger.specs) == {"random", "alphabeta:depth=2"}
        ratings = second.play()
    assert ratings is not None
    assert {frozen, "alphabeta:depth=1", f"{frozen}:sims=4"} <= set(ratings.names)


def test_an_anchor_that_cannot_play_is_refused_before_it_is_entered(tmp_path):
    settings = replace(SETTINGS, anchors=("random", "alphabeta:dept=2"))
    with Store(tmp_path / "arena.db") as store:
        with pytest.raises(ValueError, match="did you mean 'depth'"):
            League(tmp_path / "runs" / "x", PLAN, settings, store, minutes=1, show=lambda status: None)
        assert store.members() == []
