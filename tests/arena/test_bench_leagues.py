"""A league beside self-play: as many decisions each, and who is worst to meet is told by other games."""

import pytest

from arena.bench import BenchFailed, leagues, matchmaking


def test_the_worst_to_meet_is_found_and_told():
    first = leagues.score("tic_tac_toe", "random", "alphabeta:depth=4", 0, 0, leagues.LOOK)
    assert first < 0.4 < leagues.score("tic_tac_toe", "alphabeta:depth=4", "random", 0, 0, leagues.LOOK)
    found = leagues.worst("tic_tac_toe", "random", ("random", "alphabeta:depth=4"), 0)
    told = leagues.score("tic_tac_toe", "random", "alphabeta:depth=4", 0, leagues.LOOK, leagues.TELL)
    assert found.score == told < 0.4 and found.low < found.score < found.high
    kinder = leagues.worst("tic_tac_toe", "random", ("random",), 0)
    assert kinder.low < 0.5 < kinder.high and kinder.low > found.high


def test_both_sides_learn_from_as_many_decisions(monkeypatch):
    monkeypatch.setattr(leagues, "LOOK", 1)
    monkeypatch.setattr(leagues, "TELL", 4)
    trained = []
    learned = leagues.learned
    monkeypatch.setattr(leagues, "learned", lambda *a: trained.append(learned(*a)) or trained[-1])
    (row,) = leagues.contests("alphastar", "tic_tac_toe", "20000", "1", "mlp:layers=1,width=8")
    league, alone = trained
    assert all(20_000 <= one.decisions < 20_000 + 4 * 9000 for one in trained)
    assert len(league.frozen) == 4 and len(alone.frozen) == 1  # who is never due is frozen at the end
    assert "main-" in league.best and "self-" in alone.best
    assert 0 <= row["ours"] <= 100 and row["runs"] == 1 and f"{alone.decisions:,} decisions" in row["note"]


def test_matchmaking_is_measured_among_as_many_as_are_named():
    (contest,) = matchmaking.contests("3")
    assert contest.subject == "12 learners, 3 frozen" and contest.ours.make()(0.01) > 0


def test_a_disk_that_is_full_is_a_sentence(monkeypatch):
    def full(*given, **more):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(matchmaking, "save_agent", full)
    with pytest.raises(BenchFailed, match=r"cannot hold 3 frozen members \(No space left on device\); set TMPDIR"):
        list(matchmaking.contests("3"))


def test_weights_that_nobody_asked_for_lately_are_not_held(tmp_path, monkeypatch):
    population = matchmaking.grown(12, tmp_path)
    monkeypatch.setattr(population, "_cached", 2)
    few, stored = matchmaking.memory(population)
    monkeypatch.setattr(population, "_cached", 12)
    all_of_them, _ = matchmaking.memory(population)
    assert few < stored / 2 < all_of_them
