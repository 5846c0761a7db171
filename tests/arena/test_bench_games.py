"""The benchmark of every game: which contests it holds, that each side plays, and its table for people."""

from __future__ import annotations

import pytest

from arena.bench import Row
from arena.bench.games import (
    GOALS,
    LIBRARIES,
    TWINS,
    WIDTHS,
    contests,
    main,
    markdown,
    means,
    side_by_side,
    vector,
)  # fmt: skip
from arena.bench.measure import compare
from envs.registry import GAMES, Unknown, game


def row(subject: str, ours: float, peer: str | None, theirs: float | None) -> Row:
    ratio = ours / theirs if theirs else None
    return Row(
        bench="games", subject=subject, ours=ours, peer=peer, theirs=theirs, unit="steps/s", ratio=ratio, runs=1,
        note="",
    )  # fmt: skip


def test_every_game_is_measured_and_every_twin_is_of_a_known_library() -> None:
    held = list(contests())
    vectors = {f"cart_pole x {width}" for width in WIDTHS}
    assert {contest.subject for contest in held} == set(GAMES) | set(TWINS) | vectors
    assert {spec.partition(":")[0] for spec in TWINS} <= set(GAMES)
    assert set(GOALS) <= set(LIBRARIES)
    assert {twin.partition(":")[0] for twins in TWINS.values() for twin in twins} <= set(LIBRARIES)
    assert [c.peer and c.peer.name for c in contests("tic_tac_toe")] == list(TWINS["tic_tac_toe"])
    assert [c.subject for c in contests("othello:size=6")] == ["othello:size=6"] * len(TWINS["othello"])
    assert [c.peer and c.peer.name for c in contests("go:size=19")] == list(TWINS["go:size=19"])
    only = [c.peer.name for c in contests(library="gymnasium") if c.peer]
    assert only and all(name.startswith("gymnasium:") for name in only)
    assert len(only) == len(list(contests(library="gymnasium")))
    with pytest.raises(Unknown, match="did you mean 'gymnasium'"):
        next(contests(library="gymnasum"))
    with pytest.raises(Unknown, match="did you mean 'othello'"):
        next(contests("othelo"))


def test_a_game_that_nobody_else_has_is_measured_alone() -> None:
    alone = next(c for c in contests() if c.peer is None)
    measured = compare("games", next(contests("tic_tac_toe")), runs=1, seconds=0.01)
    assert measured["ours"] > 0
    assert alone.subject not in TWINS


@pytest.mark.parametrize(("library", "name"), [("gymnasium", "CartPole-v1"), ("gymnasium", "Pendulum-v1")])
def test_libraries_that_are_always_there_play(library: str, name: str) -> None:
    assert LIBRARIES[library](name)(0.01) > 0


@pytest.mark.parametrize(
    ("library", "module", "name"),
    [
        ("open_spiel", "pyspiel", "kuhn_poker"),
        ("minatar", "minatar", "breakout"),
        ("pettingzoo", "pettingzoo.classic.tictactoe_v3", "tictactoe_v3"),
    ],
)
def test_other_libraries_play_where_they_are_installed(library: str, module: str, name: str) -> None:
    pytest.importorskip(module)
    assert LIBRARIES[library](name)(0.01) > 0


def test_the_table_has_a_line_a_game_and_a_column_a_library(tmp_path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        row("hex", 9e6, "open_spiel:hex", 1000.0),
        row("hex", 8e6, "pgx:hex", 2e6),
        row("nim", 5e6, None, None),
    ]
    words = (
        "| game | arena, steps a second | open_spiel | pgx |\n| --- | ---: | ---: | ---: |\n"
        "| `hex` | 9,000,000 | 1,000 (9,000x) | 2,000,000 (4x) |\n| `nim` | 5,000,000 |  |  |\n"
    )
    assert markdown(rows) == words
    import json

    (tmp_path / "a.json").write_text(json.dumps(rows))
    assert main([str(tmp_path / "a.json")]) == 0
    assert capsys.readouterr().out == words


def test_means_are_geometric_and_name_what_falls_short() -> None:
    rows = [
        row("hex", 9e6, "pgx:hex", 2e6),  # 4.5 times
        row("go", 8e6, "pgx:go_9x9", 1e5),  # 80 times
        row("nim", 8e6, "open_spiel:nim", 1e5),
        row("maze", 5e6, None, None),
    ]
    assert [mean["peer"] for mean in means(rows)] == ["pgx"]  # of one alone there is no mean
    mean = means(rows)[0]
    assert mean["ratio"] == pytest.approx(360**0.5)
    assert "below it: hex (4.5x)." in mean["note"]
    assert markdown(rows).splitlines()[-1] == f"- pgx, geometric mean of 2: 19x. {mean['note']}"
    rows[0]["ratio"] = 5.0
    assert "every game reaches it" in means(rows)[0]["note"]


def test_more_is_wanted_of_connect_four_beside_pettingzoo() -> None:
    rows = [row("connect_four", 5e6, "pettingzoo:a", 1e4), row("tic_tac_toe", 5e6, "pettingzoo:b", 1e4)]
    assert "below it: connect_four (500x)." in means(rows)[0]["note"]


def test_vectors_are_compared_with_vectors() -> None:
    assert LIBRARIES["gymnasium_vector"]("CartPole-v1*8")(0.01) > 0
    assert vector("cart_pole", 4)(0.01) > 0


def test_a_game_is_measured_at_a_batch_that_its_core_holds() -> None:
    # A row, four bytes for each number that is seen, one for each action; 131,072 bytes in all, from 16 to 256 games.
    assert side_by_side(game("tic_tac_toe")) == 256
    go = game("go")
    assert side_by_side(go) == 131_072 // (go.row.itemsize + 4 * 4 * 81 + 82)
    assert side_by_side(game("go:size=19")) == 16
