"""What is stored is looked at without running what it names."""

from pathlib import Path

import pytest

from arena.replays import shown
from arena.store import Store, StoredGame
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
