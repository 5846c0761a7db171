"""What is stored is looked at without running what it names."""

import re
import sqlite3
from pathlib import Path

import pytest

from arena.config import load, resolved
from arena.replays import shown
from arena.store import Store, StoredGame
from arena.tournament import Contest, tournament
from arena.verify import verify


def test_no_stored_game_imports_a_module_of_its_choice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    trace = tmp_path / "ran"
    (tmp_path / "planted.py").write_text(f"open({str(trace)!r}, 'w').close()\n")
    monkeypatch.syspath_prepend(tmp_path)
    stored = StoredGame("one", "gym:planted:Any-v0", 1, 1, ("a", "b"), (1.0, -1.0), [1])
    with Store(tmp_path / "arena.db") as store:
        for name in ("a", "b"):
            store.add_member(stored.game, name, "agent")
        store.add_games([stored])
        with pytest.raises(ValueError, match="would run 'planted'"):
            shown(store, store.stored_game("one"))
    report = verify(tmp_path / "arena.db")
    assert any("would run 'planted'" in fault for fault in report.faults) and not trace.exists()
    for algorithm in ("ppo", "a2c"):
        (tmp_path / "config.toml").write_text(f"""
            game.name = "gym:planted:Any-v0"
            learner.algorithm = "{algorithm}"
        """)
        faults = verify(tmp_path).faults
        assert any("would run 'planted'" in fault for fault in faults) and not trace.exists()


def test_ratings_are_kept_after_each_tournament_that_played_and_all_made_anew(tmp_path: Path):
    with Store(tmp_path / "arena.db") as store:
        for pairs in (1, 1, 2):  # the second plays nothing
            tournament(store, Contest("tic_tac_toe", {"random": "random", "first": "first"}), "round-robin", pairs)
        assert [point.upto for point in store.rating_history("tic_tac_toe")] == [2, 2, 4, 4]
    heard: list[tuple[int, int]] = []
    report = verify(tmp_path / "arena.db", lambda *of: heard.append(of))
    assert report.whole and report.checked["ratings"] == 4
    assert heard == [(4, 6), (5, 6), (6, 6)]  # four games, and the ratings of two times


def test_a_rating_that_was_altered_is_named_and_no_other(tmp_path: Path):
    """Whoever stood at 0 then follows from who was rated then, and not from what was kept."""
    path = tmp_path / "arena.db"
    with Store(path) as store:
        tournament(store, Contest("tic_tac_toe", {"first": "first", "center": "alphabeta:depth=1"}), "round-robin", 2)
        tournament(store, Contest("tic_tac_toe", {"random": "random", "first": "first"}), "round-robin", 2)
    assert verify(path).whole  # the mean of both stood at 0 before random came

    def altered(change: str) -> list[str]:
        with sqlite3.connect(path) as raw:
            raw.execute(f"UPDATE ratings SET {change}")
        raw.close()
        return [fault for fault in verify(path).faults if "its games give" in fault]

    (fault,) = altered("elo = elo + 30 WHERE upto = 4 AND elo > 0")
    assert "after game 4" in fault
    altered("elo = elo - 30 WHERE upto = 4 AND elo > 0")
    assert len(altered("elo = elo + 100")) == 5


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("moves = 'x y'", "its moves are not of the kind"),
        ("moves = '0 99999999999999999999999 1'", r"move 2 \(99999999999999999999999\) is against the rules"),
        ("moves = '0 -1 1'", r"move 2 \(-1\) is against the rules"),
        ("opening = -5", "-5 of its"),
    ],
)
def test_a_game_that_no_arena_wrote_is_a_fault_among_others(tmp_path: Path, change: str, words: str) -> None:
    store = Store(tmp_path / "arena.db")
    tournament(store, Contest("tic_tac_toe", {"random": "random", "other": "random"}), "round-robin", 1)
    store.close()
    with sqlite3.connect(tmp_path / "arena.db") as database:
        database.execute(f"UPDATE games SET {change} WHERE number = 2")
    report = verify(tmp_path / "arena.db")
    assert any(re.search(words, fault) for fault in report.faults), report.faults


def test_a_run_whose_settings_are_gone_is_not_whole(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(resolved(load(None, ["game.name=tic_tac_toe"])))
    assert verify(tmp_path).whole
    (tmp_path / "config.toml").write_text("")
    (fault,) = verify(tmp_path).faults
    assert "is damaged" in fault
