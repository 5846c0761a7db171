"""Other rating systems beside the leaderboard's, and games joined by their anchors, from the store to the terminal."""

from __future__ import annotations

import io
import json
from math import log, sqrt

import pytest
from rich.console import Console

from arena.cli import run
from arena.comparison import compared, compared_table, join, joined_table
from arena.leaderboard import leaderboard
from arena.store import Store, StoredGame, StoreError
from leagues.bradley_terry import Z95
from leagues.glicko import Glicko, after_period
from leagues.rating import Result
from leagues.weng_lin import weng_lin

SOLVER = "solver:epsilon=0.1"


def fill(store: Store, game: str, played: list[tuple[str, str, float]], purpose: str = "match") -> None:
    """Games won by the first (1), drawn or lost (-1)."""
    for name in {name for first, second, _ in played for name in (first, second)}:
        store.add_member(game, name, "agent")
    store.add_games(
        StoredGame(f"{game}{purpose}{i}", game, 1, 0, (first, second), (won, -won), [0], purpose=purpose)
        for i, (first, second, won) in enumerate(played)
    )


def test_every_system_sees_the_same_games_in_their_order(tmp_path):
    with Store(tmp_path / "arena.db") as store:
        fill(store, "connect_four", [("a", "random", 1.0), ("random", "a", 0.0), ("a", "random", -1.0)])
        fill(store, "connect_four", [("random", "a", 1.0)], purpose="selfplay")
        assert store.played("connect_four") == [("a", "random", 1.0), ("random", "a", 0.5), ("a", "random", 0.0)]
        lines, zero = compared(store, "connect_four")
    found = {line.name: line for line in lines}
    assert zero == "random" and set(found) == {"a", "random"}
    for value in ("bradley_terry", "elo", "glicko", "weng_lin"):
        assert getattr(found["random"], value) == pytest.approx(0.0)
    # Elo: +16; then 32 (0.5 - E(32)) = -1.471; then -32 E(29.06) = -17.335: 2 * -2.806
    own = 0.0
    for score in (1.0, 0.5, 0.0):
        own += 32.0 * (score - 1.0 / (1.0 + 10.0 ** (-2.0 * own / 400.0)))
    assert found["a"].elo == pytest.approx(2.0 * own) and -5.7 < found["a"].elo < -5.5
    # ten periods of three games: one each in the 4th, the 7th and the 10th
    a, other = Glicko(), Glicko()
    for period in range(1, 11):
        score = {4: 1.0, 7: 0.5, 10: 0.0}.get(period)
        games = [] if score is None else [(other, score)]
        back = [] if score is None else [(a, 1.0 - score)]
        a, other = (after_period(a, games), after_period(other, back)) if period >= 4 else (a, other)
    assert found["a"].glicko == pytest.approx(a.rating - other.rating)
    assert found["a"].glicko_error == pytest.approx(Z95 * a.deviation)
    skills = weng_lin([Result("a", "random", 1.0), Result("random", "a", 0.5), Result("a", "random", 0.0)])
    unit = 400.0 / log(10.0) / (sqrt(2.0) * 25.0 / 6.0)
    assert found["a"].weng_lin == pytest.approx(unit * (skills["a"].mean - skills["random"].mean))
    track = found["a"].whole_history
    assert track is not None and len(track) == 3 and track[0] > track[1] > track[2]  # it won, drew, lost


def test_who_has_not_played_is_in_no_system_and_on_no_joined_scale(tmp_path):
    """As on the leaderboard: no zero is set by an anchor that waits for its first game."""
    with Store(tmp_path / "arena.db") as store:
        fill(store, "connect_four", [("a", "b", 1.0), ("b", "a", -1.0)] * 20 + [("b", "a", 1.0)])
        for name in ("random", "mcts:sims=10"):
            store.add_member("connect_four", name, "anchor")
        lines, zero = compared(store, "connect_four")
        assert zero is None and {line.name for line in lines} == {"a", "b"}
        assert {one.name: round(one.elo, 6) for one in leaderboard(store, "connect_four").lines} == {
            line.name: round(line.bradley_terry, 6) for line in lines
        }
        assert {line.name for line in join(store, "b", "a")} == {"a", "b"}


def shown(table) -> str:
    console = Console(width=140, file=io.StringIO(), record=True)
    console.print(table)
    return console.export_text()


WON = [("strong", "random"), (SOLVER, "random"), (SOLVER, "strong")]


def games(upset: int) -> list[tuple[str, str, float]]:
    """Each two meet twelve times from either seat, and the weaker takes some."""
    played = [(a, b, 1.0) for a, b in WON] * 12 + [(b, a, -1.0) for a, b in WON] * 12
    return played + [(a, b, -1.0) for a, b in WON] * upset + [(b, a, 1.0) for a, b in WON] * upset


def test_games_are_joined_where_both_anchors_played(tmp_path, capsys):
    path = tmp_path / "arena.db"
    with Store(path) as store:
        fill(store, "connect_four", games(1))
        fill(store, "tic_tac_toe", games(4))
        fill(store, "othello", [("strong", "random", 1.0)])  # no solver there
        lines = {line.name: line for line in join(store, "random", SOLVER)}
        assert set(lines["strong"].games) == {"connect_four", "tic_tac_toe"}
        assert lines["strong"].mean.place == pytest.approx(0.5, abs=1e-3)  # midway, by symmetry, in both
        text = shown(joined_table(list(lines.values()), "random", SOLVER))
        assert "2 games joined" in text and "100 ± 0 %" in text
        assert "whole-history" in shown(compared_table("connect_four", *compared(store, "connect_four")))
        with pytest.raises(StoreError, match="no game in which both"):
            join(store, "random", "nobody")

    def arena(*words: str) -> tuple[int, str, str]:
        code = run(["leaderboard", *words, "--db", str(path)])
        return code, *capsys.readouterr()

    code, out, _ = arena("--join", f"random,{SOLVER}", "--json")
    assert code == 0 and [m["name"] for m in json.loads(out)["members"]] == [SOLVER, "strong", "random"]
    code, out, _ = arena("connect_four", "--systems", "--json")
    assert code == 0 and len(json.loads(out)["members"]) == 3
    for words, said in (
        (("--join", "random"), "--join takes two anchors"),
        (("othello", "--join", f"random,{SOLVER}"), "leave othello out"),
        (("--systems", "--csv"), "tables of their own"),
        (("--systems", "--join", f"random,{SOLVER}"), "tables of their own"),
    ):
        code, _, err = arena(*words)
        assert code == 2 and said in err
