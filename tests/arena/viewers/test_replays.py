"""From the database into the window and back."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from arena import cli
from arena.replays import LeagueGames, keep_play, shown
from arena.store import Store, StoredGame, StoreError
from arena.viewers import watch
from arena.viewers.match import caption_lines
from arena.viewers.play import Duel
from arena.viewers.snapshot import Snapshot
from arena.viewers.sources import Follow, replayed
from arena.viewers.ui import UI
from envs.registry import game

TOE = game("tic_tac_toe")


def stored(id: str, purpose: str = "rating", run: str = "r", spec: str = "tic_tac_toe", **more) -> StoredGame:
    return StoredGame(
        id=id, game=spec, rules=1, seed=1, seats=("a", "b"), results=(1.0, -1.0), moves=[0, 3, 1, 4, 2],
        purpose=purpose, run=run, **more,
    )  # fmt: skip


def fill(path: Path, *games: StoredGame) -> None:
    with Store(path) as store:
        for name in ("a", "b"):
            store.add_member("tic_tac_toe", name, "anchor")
        store.add_member("tic_tac_toe", "first", "snapshot", "first", parent="a", step=1)
        store.add_games(games)
        store.add_ratings("tic_tac_toe", 1, [{"name": "a", "elo": 1200.0, "low": 1170.0, "high": 1230.0, "games": 5}])


def ids(feed: LeagueGames) -> list[str]:
    found = []
    while (record := feed.next()) is not None:
        found.append(dict(record.facts)["game"])
    return found


def test_the_newest_rating_games_come_first_and_each_once(tmp_path: Path) -> None:
    path = tmp_path / "arena.db"
    fill(path, stored("one"), stored("self", "selfplay"), stored("two"), stored("other", run="s"))
    feed = LeagueGames(path)
    record = feed.next()
    assert record is not None and record.ratings == ("1200 ± 30", "") and record.result == (1.0, -1.0)
    assert ids(feed) == ["two", "one"]
    fill(path, stored("three"), stored("four"))
    assert ids(feed) == ["four", "three"]
    assert ids(LeagueGames(path, purpose="selfplay")) == ["self"]
    assert ids(LeagueGames(path, run="s")) == ["other"]
    assert ids(LeagueGames(path, "connect_four")) == []
    assert ids(LeagueGames(path, purpose="any"))[:2] == ["four", "three"]


def test_a_league_is_waited_for_from_before_its_database(tmp_path: Path) -> None:
    path = tmp_path / "arena.db"
    feed = LeagueGames(path, judge="none")
    assert feed.game().name == "connect_four" and "no database arena.db yet" in feed.waiting()
    source = Follow(feed)
    assert source.newest().length == 0
    path.write_bytes(b"")  # the league has just opened it
    time.sleep(0.6)
    assert source.newest().number == 0
    path.unlink()
    fill(path, stored("one"))
    until = time.monotonic() + 20
    while source.newest().number == 0 and time.monotonic() < until:
        time.sleep(0.01)
    source.close()
    assert source.newest().names == ("a", "b") and source.newest().game.name == "tic_tac_toe"


def test_the_newest_snapshot_judges(tmp_path: Path) -> None:
    path = tmp_path / "arena.db"
    fill(path, stored("one"))
    with Store(path) as store:
        store.add_member("tic_tac_toe", "later", "snapshot", "solver", parent="b", step=2)
    names = [LeagueGames(path, judge=judge).analyst(TOE) for judge in ("newest", "none", "mcts:sims=5")]
    assert [judge and judge.name for judge in names] == ["solver", None, "mcts:sims=5"]
    assert LeagueGames(path).analyst(game("connect_four")) is None
    feed = LeagueGames(path)
    assert feed.analyst(TOE) is feed.analyst(TOE)
    with pytest.raises(ValueError, match="--analyst none"):
        LeagueGames(path, judge="no/such/folder").analyst(TOE)


def test_a_league_in_another_folder_has_its_agents_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from arena.replays import analyst_spec

    path = tmp_path / "deep" / "arena.db"
    fill(path)
    with Store(path) as store:
        store.add_member("tic_tac_toe", "x", "snapshot", "runs/x:sims=9")
    (tmp_path / "deep" / "runs" / "x").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    with Store.read(path) as store:
        assert analyst_spec(store, "tic_tac_toe", "newest") == f"{tmp_path}/deep/runs/x:sims=9"
    monkeypatch.chdir(tmp_path / "deep")
    with Store.read(path) as store:
        assert analyst_spec(store, "tic_tac_toe", "newest") == "runs/x:sims=9"


def test_of_a_league_of_many_the_newest_that_searches_judges(tmp_path: Path) -> None:
    from arena.replays import analyst_spec

    with Store(tmp_path / "arena.db") as store:
        for name, spec, parent in (
            ("a-main-9", "a/main-9:sims=9", "a-main"),
            ("a-other-7", "a/other-7", "a-other"),
            ("b-5", "b/b-5", "b"),
        ):
            store.add_member("tic_tac_toe", parent, "learner", parent)
            store.add_member("tic_tac_toe", name, "snapshot", spec, parent=parent)
        assert analyst_spec(store, "tic_tac_toe", "newest", "a") == "a/main-9:sims=9"
        assert analyst_spec(store, "tic_tac_toe", "newest", "b") == "b/b-5"
        assert analyst_spec(store, "tic_tac_toe", "newest", "c") is None


def finished(seat: int, name: str = "you", resign: bool = False) -> Snapshot:
    from agents.registry import agent

    found: list[Snapshot] = []
    duel = Duel(TOE, agent("mcts:sims=5"), seat, person=name, keep=lambda s: found.append(s) or "kept")
    until = time.monotonic() + 20
    for _ in range(2):
        if not resign:
            for _ in range(9):
                duel.ask("move", 0)
    if resign:
        duel.ask("resign", 0)
    while not found and time.monotonic() < until:
        time.sleep(0.01)
    duel.close()
    return found[0]


def test_a_game_with_a_person_is_kept_and_counts_for_nothing(tmp_path: Path) -> None:
    path = tmp_path / "arena.db"
    id = keep_play(path, finished(1), "mcts:sims=5")
    given_up = keep_play(path, finished(0, resign=True), "mcts:sims=5")
    with Store.read(path) as store:
        kept, resigned = store.stored_game(id), store.stored_game(given_up)
        kinds = {member.name: member.kind for member in store.members("tic_tac_toe")}
        assert store.results("tic_tac_toe") == {}
    assert (kept.seats, kept.purpose, kept.reason) == (("mcts:sims=5", "you"), "play", "")
    assert kinds == {"mcts:sims=5": "anchor", "you": "person"}
    assert (resigned.results, resigned.reason, resigned.seats[0]) == ((-1.0, 1.0), "resigned", "you")
    with pytest.raises(StoreError, match="name of an agent"):
        keep_play(path, finished(0, "mcts:sims=5"), "random")


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("resigned", "b resigned."),
        ("forfeit 1 late: it had not answered within 2 s.", "b forfeited (late): it had not answered within 2 s."),
        ("adjudicated: seat 0 wins by perfect play.", "adjudicated"),
        ("ended: B+3.5", "As its record says: B+3.5."),
    ],
)
def test_a_game_that_no_move_ended_says_under_its_last_position_what_did(reason: str, said: str) -> None:
    game = replace(stored("one"), moves=[0, 3, 1], reason=reason)
    snapshot = replayed(shown(None, game))
    lines = caption_lines(snapshot, UI(ply=3), True)
    assert said in lines[0] and lines[1] == "a wins after 3 moves."
    assert said not in " ".join(caption_lines(snapshot, UI(ply=2), True))


@pytest.fixture
def arena(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> tuple[int, str, str]:
        code = cli.run(list(words))
        return (code, *capsys.readouterr())

    return run


def test_describe_and_export_from_the_command_line(arena, tmp_path: Path) -> None:
    code, _, err = arena("watch", "--league", "--describe")
    assert code == 2 and "no database arena.db yet" in err
    fill(tmp_path / "arena.db", stored("one"))
    code, out, err = arena("watch", "--league", "tic_tac_toe", "--describe", "--analyst", "solver")
    assert (code, err) == (0, "")
    assert "player 1: a  1200 ± 30" in out and "analyst: solver" in out and "proven" in out
    code, out, _ = arena("watch", "--game-id", "one", "--describe", "--ply", "2")
    assert code == 0 and out.count("\n2. ") == 1
    code, _, err = arena("watch", "--game-id", "one", "--analyst", "solver", "--export", "x.png")
    assert (code, err) == (0, "Written to x.png.\n")
    for wrong, says in (
        ("watch --league tic_tac_to", "did you mean 'tic_tac_toe'?"),
        ("watch --league --purpose ratings", "did you mean 'rating'?"),
        ("watch --league --purpose league --describe", "Waiting for the first league game."),
        ("watch tic_tac_toe first random --analyst solver", "--analyst is for a file of games, --league"),
        ("watch --game-id one --describe --export x.png", "choose one"),
        ("watch --game-id one --ply 2 --export x.gif", "x.gif shows them all; leave it out"),
        ("play tic_tac_toe --against random --name random", "name of the agent"),
    ):
        code, _, err = arena(*wrong.split())
        assert code == 2 and says in err, (wrong, err)


def test_play_says_where_the_game_is(arena, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def window(rules, agent, seat, *, seed, person, keep) -> None:
        assert "Stored as game play-" in keep(finished(seat, person))

    monkeypatch.setattr(watch, "play", window)
    code, _, err = arena("play", "tic_tac_toe", "--against", "mcts:sims=5", "--name", "ada")
    assert code == 0 and "arena watch --game-id play-" in err
    with Store.read(tmp_path / "arena.db") as store:
        found = store.newest()
    assert found is not None and "ada" in found.seats and found.purpose == "play"


@pytest.mark.filterwarnings("ignore")
def test_one_agent_takes_every_seat_that_is_left(arena) -> None:
    code, out, _ = arena("watch", "tic_tac_toe", "random", "--describe", "--seed", "1")
    assert code == 0 and "player 1: random" in out and "player 2: random" in out
    code, out, _ = arena("watch", "gym:FrozenLake-v1,is_slippery=false", "random", "--describe", "--ply", "1")
    assert code == 0 and "game: gym:FrozenLake-v1,is_slippery=false" in out and "returns 0" in out
    for wrong, says in (
        ("watch tic_tac_toe random random random", "has 2 seats, and 3 agents"),
        ("watch gym:NoSuch-v0 random", "Gymnasium cannot make 'NoSuch-v0'"),
        ("play tic_tac_toe --against random --seat 2", "--seat 2"),
    ):
        code, _, err = arena(*wrong.split())
        assert code == 2 and says in err, (wrong, err)
