"""Benchmarks: turns, medians, missing peers, the JSON contract, and the labelled positions behind `strength`."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Callable
from inspect import signature

import numpy as np
import pytest

from agents.self_play import SelfPlay
from arena import cli
from arena.bench import (
    BENCHES,
    COUNTED,
    BenchCrashed,
    BenchFailed,
    Row,
    _require,
    _stop,
    as_table,
    exact,
    figure,
    games,
    inference,
    measure,
    run,
    search,
    selfplay,
    solved,
    strength,
    twins,
)
from arena.bench.measure import Contest, Measure, Side, bench, compare, machine_rate, rate
from envs import kernels
from envs.registry import Unknown, game, resolve

KEYS = {"bench", "subject", "ours", "peer", "theirs", "unit", "ratio", "runs", "note"}


def scripted(name: str, rates: list[float], log: list[str]) -> Side:
    """A side that measures what it is told to."""
    given = iter(rates)

    def make() -> Measure:
        def measure(seconds: float) -> float:
            log.append(name)
            return next(given)

        return measure

    return Side(name, make)


def absent() -> Measure:
    raise ModuleNotFoundError("No module named 'nowhere'", name="nowhere")


def test_sides_take_turns_and_medians_are_compared() -> None:
    log: list[str] = []
    contest = Contest("s", "u", scripted("ours", [9.0, 1.0, 8.0], log), scripted("peer", [2.0, 4.0, 100.0], log))
    row = compare("b", contest, runs=3, seconds=0.1)
    assert log == ["ours", "peer"] * 3
    assert (row["ours"], row["theirs"], row["ratio"], row["runs"]) == (8.0, 4.0, 2.0, 3)
    assert set(row) == KEYS


def test_a_missing_peer_is_a_row_that_says_what_to_install() -> None:
    row = compare("b", Contest("s", "u", scripted("ours", [3.0], []), Side("peer", absent)), runs=1, seconds=0.1)
    assert (row["ours"], row["peer"], row["theirs"], row["ratio"]) == (3.0, None, None, None)
    assert "nowhere is not installed" in row["note"] and "pip install -e '.[peers]'" in row["note"]


def test_a_rate_counts_whole_calls_by_its_clock() -> None:
    ticks = iter([0.0, 1.0, 2.0, 3.0])
    assert rate(lambda: 10.0, lambda: next(ticks))(2.5) == 10.0  # three calls, 30 units, 3 seconds
    ticks = iter([0.0, 4.0])
    assert rate(lambda: 10.0, lambda: next(ticks))(0.5) == 2.5


def test_the_rate_of_a_machine_is_by_what_others_left(monkeypatch: pytest.MonkeyPatch) -> None:
    wall, own, idle = (iter([0.0, 2.0]) for _ in range(3))
    monkeypatch.setattr(measure.time, "perf_counter", lambda: next(wall))
    monkeypatch.setattr(measure.time, "process_time", lambda: next(own) * 0.5)  # 1 second of ours
    monkeypatch.setattr(measure, "idle_seconds", lambda: next(idle) * 0.25)  # half a second of nobody's
    monkeypatch.setattr(measure, "machine_cores", lambda: 2)
    assert machine_rate(lambda: 30.0)(1.0) == 40.0  # 1.5 of 4 seconds of cores: 0.75 of the machine's
    wall, own, idle = iter([0.0, 2.0]), iter([0.0, 4.0]), iter([0.0, 20.0])
    assert machine_rate(lambda: 30.0)(1.0) == 15.0  # never slower than by the clock


def test_what_is_wrong_is_a_sentence(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def refused(name: str, options: dict[str, str]) -> list[Row]:
        raise ValueError(f"{name} has no {options['game']}.")

    monkeypatch.setattr(measure, "bench", refused)
    assert measure.main(["games", "game=ludo"]) == 2
    assert capsys.readouterr() == ('{"wrong": "games has no ludo."}\n', "")


@pytest.mark.parametrize(
    ("bench", "option", "text"),
    [
        ("ratings", "games=many", "games is a whole number, as in --option games=10000."),
        ("ratings", "games=2.5", "games is a whole number"),
        ("ratings", "games=1,2", "games is a whole number"),
        ("matchmaking", "frozen=10,x", "frozen is a whole number, or several with commas between them"),
        ("tasks", "core_seconds=x", "core_seconds is a number, as in"),
        ("memory", "seeds=0", "seeds is 1 or more, as in --option seeds=3."),
        ("strength", "positions=0", "positions is 1 or more"),
        ("search", "trees=-1", "trees is 1 or more"),
        ("matchmaking", "frozen=10,0", "frozen is 1 or more, as in --option frozen=10,100,500,1000."),
        ("tasks", "core_seconds=0", "core_seconds is above 0, as in --option core_seconds=240.0."),
        ("tasks", "core_seconds=nan", "core_seconds is above 0"),
        ("train", "first=-1", "first is 0 or more"),
        ("preferences", "betas=0,-1", "betas is 0 or more"),
        ("selfplay", "ray=true", "ray is yes or no."),
    ],
)
def test_an_option_that_cannot_be_is_named_before_anything_starts(
    bench: str, option: str, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["bench", bench, "--option", option]) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"--option {option}: {text}") and err.count("\n") == 1


@pytest.mark.parametrize(
    ("key", "value", "usual"),
    [("a", "60", "240.0"), ("a", "6e1", "240.0"), ("a", "0.01", "240.0"), ("b", "3", "10,100"), ("c", "x", "random"),
     ("steps", "0", "0"), ("betas", "0", "0,0.1,1"), ("workers", "0", "2"), ("first", "0", "1"), ("ray", "no", "yes")],
)  # fmt: skip
def test_an_option_that_can_be_passes(key: str, value: str, usual: str) -> None:
    _require(key, value, usual)


def test_what_is_counted_or_learned_is_refused_rounds(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = {name: str(signature(resolve(BENCHES, name, "benchmark")).return_annotation) for name in BENCHES}
    assert {name for name, gives in made.items() if "Contest" not in gives} == COUNTED
    given: list[tuple[str, dict[str, str]]] = []
    monkeypatch.setattr("arena.bench._in_own_process", lambda name, options: given.append((name, options)) or [])
    with pytest.raises(BenchFailed, match=r"^strength, memory: measured in no rounds; leave --runs out\."):
        list(run(["strength", "memory"], runs=3))
    list(run(["strength", "rules"], runs=3, seconds=0.5))
    list(run(["strength"]))
    both = {"runs": "3", "seconds": "0.5"}
    assert given == [("strength", both), ("rules", both), ("strength", {})]
    monkeypatch.setenv("COLUMNS", "300")
    assert cli.run(["bench", "--help"]) == 0
    told = capsys.readouterr().out.partition(": all of ")[2].partition(", and single rows")[0]
    assert set(re.split(r", | and ", " ".join(told.split()))) == COUNTED


def test_a_benchmark_that_ends_of_a_fault_of_its_own_is_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "false")
    ((_, found),) = run(["rules"])
    assert isinstance(found, BenchCrashed) and str(found).startswith("it stopped with exit code 1;")


def test_what_takes_hours_is_measured_when_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("arena.bench._in_own_process", lambda name, options: [])
    assert [name for name, _ in run()] == [name for name in BENCHES if name != "train"]
    assert [name for name, _ in run(["train"])] == ["train"]


def test_idle_time_can_be_read() -> None:
    assert measure.idle_seconds() > 0


@pytest.mark.parametrize("name", BENCHES)
def test_every_bench_of_the_table_can_be_asked(name: str) -> None:
    made = resolve(BENCHES, name, "benchmark")
    assert callable(made) and not {"runs", "seconds"} & set(signature(made).parameters)  # the command's own


@pytest.mark.parametrize(
    "make",
    [
        lambda: games.arena("connect_four", lanes=4, steps=2),
        lambda: twins.pettingzoo_twin("connect_four_v3"),
        lambda: search.arena(trees=3, simulations=4),
        lambda: exact.gains_anew("kuhn"),
        lambda: next(iter(inference.contests(backbone="mlp", threads="2"))).ours.make(),
        lambda: next(iter(inference.contests(backbone="mlp", threads="2"))).peer.make(),
    ],
    ids=["rules", "pettingzoo", "search", "tree and all", "inference", "eager"],
)
def test_what_is_installed_can_be_measured(make: Callable[[], Measure]) -> None:
    assert make()(0.0) > 0


@pytest.mark.parametrize(
    ("module", "make"),
    [
        ("pyspiel", lambda: twins.open_spiel_twin("connect_four")),
        ("pgx", lambda: twins.pgx_twin("connect_four", 4, 2)),
        ("mctx", lambda: search.mctx(2, 4)),
    ],
)
def test_peers_are_measured_where_they_are_installed(module: str, make: Callable[[], Measure]) -> None:
    pytest.importorskip(module)
    assert make()(0.0) > 0


def test_self_play_is_measured_end_to_end() -> None:
    small = selfplay.SelfPlayBench("mlp", SelfPlay(lanes=4), positions=1)
    assert small.alone()(0.0) > 0
    assert small.inference()(0.0) > 0
    assert small.by_clock(small.local, 1)(0.0) > 0


def test_rows_come_back_from_a_process_of_their_own() -> None:
    began: list[str] = []
    ((name, rows),) = run(
        ["strength"], options={"agent": "random", "against": "", "positions": "20"}, began=began.append
    )
    assert began == [name] == ["strength"] and isinstance(rows, list) and len(rows) == 3
    assert all(set(row) == KEYS and row["bench"] == "strength" for row in rows)


def test_what_is_wrong_in_a_process_of_its_own_comes_back_in_its_words(capfd: pytest.CaptureFixture[str]) -> None:
    ((_, found),) = run(["strength"], options={"agent": "nobody"})
    assert isinstance(found, BenchFailed) and str(found).startswith("There is no agent 'nobody'")
    assert capfd.readouterr() == ("", "")


def test_a_benchmark_that_is_stopped_tidies_up_and_ends() -> None:
    """It has time for what Ctrl-C makes it do, however often it is pressed."""
    code = "import sys, time; from arena.bench.__main__ import once; import signal; signal.signal(signal.SIGINT, once)"
    tidy = "try:\n print(1, flush=True); time.sleep(60)\nfinally:\n time.sleep(0.2); print('tidy', flush=True)"
    command = [sys.executable, "-c", f"{code}\n{tidy}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "1\n"
        process.send_signal(signal.SIGINT)
        _stop(process)
        assert process.stdout.read() == "tidy\n"


def test_an_option_that_no_bench_has_is_refused() -> None:
    with pytest.raises(Unknown, match="did you mean 'agent'"):
        list(run(["strength"], options={"agnet": "random"}))


def test_the_table_for_people() -> None:
    row = Row(bench="b", subject="s", ours=27_612_345.0, peer="p", theirs=0.0, unit="u/s", ratio=None, runs=1, note="")
    head, line = as_table([row]).splitlines()
    assert head.split() == ["bench", "subject", "ours", "peer", "theirs", "unit", "ratio"]
    assert line.split() == ["b", "s", "27,600,000", "p", "0", "u/s", "-"]
    assert [figure(x) for x in (0.4123, 12.34, 999.0, 1234.0, 56_789.0)] == ["0.412", "12.3", "999", "1,230", "56,800"]


def worth(rows: np.ndarray) -> int:
    """The value of one position for its mover, by trying everything."""
    if rows["done"][0]:
        return int(rows["reward"][0][rows["seat"][0]])
    return max(-worth(after) for after in moves(rows))


def moves(rows: np.ndarray) -> list[np.ndarray]:
    out = []
    for action in np.flatnonzero(kernels.legal_mask(game("connect_four"), rows)[0]):
        after = rows.copy()
        kernels.play_rows(game("connect_four"), after, np.array([action]))
        out.append(after)
    return out


def test_labels_agree_with_trying_everything() -> None:
    checked = 0
    positions = solved.solved("near")
    for rows, value in zip(positions.rows[:, None], positions.value, strict=True):
        if rows["ply"][0] >= 34:
            assert value[value > -2].tolist() == [-worth(after) for after in moves(rows)]
            checked += 1
    assert checked >= 20


@pytest.mark.parametrize("kind", solved.KINDS)
def test_the_stored_positions_are_whole(kind: str) -> None:
    positions = solved.solved(kind)
    rows, value = positions
    assert len(rows) == 1000 and len({solved.canonical(s) for s in rows["stones"]}) == 1000
    assert not rows["done"].any() and rows["ply"].min() >= solved.EARLIEST
    legal = kernels.legal_mask(game("connect_four"), rows)
    assert ((value > -2) == legal).all()
    assert strength.can_lose(positions).mean() > 0.3
    assert not strength.mistakes("solver", solved.solved(kind, 10)).any()
    assert strength.mistakes("random", positions).mean() > 0.1


def test_a_position_and_its_mirror_image_are_one() -> None:
    left, right = np.array([1, 2], np.uint64), np.array([1 << 42, 2 << 42], np.uint64)
    assert solved.canonical(left) == solved.canonical(right) == (1, 2)
    assert solved.canonical(np.array([2, 1], np.uint64)) != (1, 2)


def test_positions_are_gathered_and_labelled_alike_every_time() -> None:
    rules_ = game("connect_four")
    first = solved.gather(rules_, "random", 12, 5, 40)
    assert (first == solved.gather(rules_, "random", 12, 5, 40)).all()
    late = first[np.bitwise_count(first).sum(1) >= 12]
    labelled = solved.label(late)
    assert ((labelled["left"] > 0) & (labelled["left"] <= 42 - np.bitwise_count(late).sum(1))).all()
    assert (labelled["kind"] == np.digitize(labelled["left"], [14, 29])).all()


def test_folders_are_measured_without_search_too() -> None:
    assert strength.raw_policy("runs/a/agents/a-0010:sims=600") == "runs/a/agents/a-0010:sims=0"
    assert strength.raw_policy("runs/a/agents/a-0010") == "runs/a/agents/a-0010:sims=0"
    assert strength.raw_policy("runs/a/agents/a-0010:sims=0") == ""
    assert strength.raw_policy("mcts:sims=600") == ""


def test_strength_rows_compare_shares() -> None:
    rows = bench("strength", {"agent": "mcts:sims=50", "against": "random", "positions": "40", "kinds": "near"})
    assert len(rows) == 1
    ours, theirs, ratio = rows[0]["ours"], rows[0]["theirs"], rows[0]["ratio"]
    assert theirs is not None and ratio is not None
    assert ratio == pytest.approx(ours / theirs) and ratio < 1
    assert "95 % interval" in rows[0]["note"]
    with pytest.raises(Unknown, match="kinds: there is no 'nar'; did you mean 'near'"):
        bench("strength", {"kinds": "middle,nar"})
