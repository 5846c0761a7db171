"""The bench of tasks: what a row says, and that something is learned in it."""

from __future__ import annotations

import time

import pytest

from agents.networks import Network
from arena.bench import tasks
from arena.bench.tasks import Learned
from envs.registry import game


def test_a_row_by_hand() -> None:
    made = tasks.row("reverse:length=3", [Learned(1.0, 2_000_000, 31.4), Learned(0.5, 1_500_000, None)], 60.0)
    assert (made["ours"], made["theirs"]) == (0.75, 10.0**-3) and made["runs"] == 2
    assert made["note"] == (
        "seed by seed: 100.0% (2 M answers; 99% after 31 s), 50.0% (1.5 M answers; 99% not reached)"
    )


def test_where_guessing_is_worth_nothing_there_is_no_ratio() -> None:
    made = tasks.row("multiplication:digits=4", [Learned(0.25, 10, None)], 60.0)
    assert (made["theirs"], made["ratio"]) == (0.0, None)


def test_trials_are_made_on_the_way_and_their_time_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that goes on by a second at each look at it: a round takes one."""
    clock = iter(range(10**6))
    monkeypatch.setattr(time, "process_time", lambda: float(next(clock)))
    monkeypatch.setattr(tasks, "JUDGED", 50)
    spec, shares = "parity:length=7", [0.5, 0.99, 0.4]
    untrained = Network(game(spec), "gpt:layers=1,width=16,heads=2", ("token",)).eval()
    assert 0.0 <= tasks.right(spec, untrained) < 1.0
    monkeypatch.setattr(tasks, "right", lambda name, network: shares.pop(0))
    assert tasks.learned(spec, 0, 3.0) == Learned(0.4, 3 * 1024, 2.0) and not shares


def test_tasks_of_a_list_and_one_with_options(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "learned", lambda spec, seed, seconds: Learned(0.5, 10, None))
    assert [row["subject"].split(" ")[0] for row in tasks.contests("sort,parity", "1", "1")] == ["sort", "parity"]
    (row,) = tasks.contests("reverse:length=3,letters=4", "2", "1")
    assert row["subject"].startswith("reverse:length=3,letters=4 by grpo") and row["runs"] == 2
