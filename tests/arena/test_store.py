"""The database: nothing lost, nothing twice, one writer, and one sentence for whatever is wrong with the file."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from arena.database import VERSION, StoreError
from arena.lock import Busy, Lock
from arena.store import Store, StoredGame

ROOT = Path(__file__).resolve().parents[2]


def game(id: str, *, seats=("a", "b"), results=(1.0, -1.0), **more) -> StoredGame:
    fields = {"game": "connect_four", "rules": 1, "seed": 7, "moves": [3, 3, 2], "finished": 5.0, **more}
    return StoredGame(id, seats=seats, results=results, **fields)


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "arena.db") as store:
        for name in ("a", "b"):
            store.add_member("connect_four", name, "agent")
        yield store


def test_a_game_comes_back_as_it_went_in(store):
    first = game("one", seed=2**64 - 1, opening=2, purpose="rating", run="r", reason="time", moves=[6, 0, 3])
    assert store.add_games([first]) == 1
    back = store.stored_game("one")
    assert back.number == 1
    assert back == StoredGame(**{**first.__dict__, "number": 1})
    assert list(store.games()) == [back]


def test_no_game_is_counted_twice(store):
    assert store.add_games([game("one"), game("two"), game("one")]) == 2
    assert store.add_games([game("two"), game("three")]) == 1
    assert store.count() == 3
    assert store.known(["one", "three", "four"]) == {"one", "three"}


def test_results_are_counted_by_who_moved_first(store):
    store.add_games(
        [
            game("1", purpose="rating"),
            game("2", purpose="rating"),
            game("3", seats=("b", "a"), results=(0.0, 0.0), purpose="match"),
            game("4", seats=("b", "a"), results=(-1.0, 1.0), purpose="tournament", run="t"),
            game("5", purpose="selfplay"),
            game("6", seats=("a", "a"), purpose="rating"),
        ]
    )
    assert store.results("connect_four") == {("a", "b", 1.0): 2, ("b", "a", 0.5): 1, ("b", "a", 0.0): 1}
    assert store.results("connect_four", run="t") == {("b", "a", 0.0): 1}
    assert store.results("connect_four", upto=3) == {("a", "b", 1.0): 2, ("b", "a", 0.5): 1}
    assert store.results("othello") == {}
    store.add_games([game("7", results=(2.5, -2.5), purpose="match"), game("8", results=(0.5, 0.25), purpose="match")])
    assert store.results("connect_four")["a", "b", 1.0] == 4  # more is a win, however much more


def test_games_by_other_rules_do_not_count(store):
    store.add_games([game("1", purpose="rating"), game("2", purpose="rating", rules=2), game("3", rules=2)])
    store.add_games([game("4", purpose="selfplay", rules=2)])
    assert store.results("connect_four") == {("a", "b", 1.0): 1}
    assert store.outdated("connect_four") == 2
    assert store.outdated("othello") == 0


def test_games_are_filtered_and_followed(store):
    store.add_games(game(str(i), purpose="rating" if i % 2 else "selfplay", run="r") for i in range(6))
    assert [g.id for g in store.games(purpose="rating")] == ["1", "3", "5"]
    assert [g.id for g in store.games("connect_four", run="r", after=4, limit=1)] == ["4"]
    assert store.newest().id == "5"
    assert store.newest(after=6) is None
    assert store.newest(game="othello") is None
    assert store.count("connect_four", "selfplay") == 3
    assert store.last_number() == 6


def test_a_game_is_found_by_the_beginning_of_its_id(store):
    store.add_games([game("abc"), game("abd"), game("ab")])
    assert store.stored_game("abc").id == "abc"
    assert store.stored_game("ab").id == "ab"
    with pytest.raises(StoreError, match="no game 'zz'"):
        store.stored_game("zz")
    store.add_games([game("xy1"), game("xy2")])
    with pytest.raises(StoreError, match="several games"):
        store.stored_game("xy")
    with pytest.raises(StoreError, match="no game ''"):
        store.stored_game("")


def test_a_batch_goes_in_whole_or_not_at_all(store):
    with pytest.raises(StoreError, match="no member 'nobody'"):
        store.add_games([game("one"), game("two", seats=("a", "nobody"))])
    assert store.count() == 0
    with pytest.raises(StoreError):
        store.add_games([game("one"), game("two", results=(float("nan"), 0.0))])
    assert store.count() == 0
    assert store.faults() == []


def test_a_member_is_entered_once(store):
    a = store.add_member("connect_four", "net", "snapshot", "runs/x/agents/net", parent="a", step=5, sha256="s1")
    assert (a.parent, a.step, a.spec) == ("a", 5, "runs/x/agents/net")
    assert store.add_member("connect_four", "net", "snapshot", sha256="s1") == a
    assert store.add_member("othello", "net", "agent").id != a.id
    with pytest.raises(StoreError, match="another agent"):
        store.add_member("connect_four", "net", "snapshot", sha256="s2")
    assert [m.name for m in store.members("connect_four")] == ["a", "b", "net"]
    assert store.games_with_members() == ["connect_four", "othello"]
    with pytest.raises(StoreError, match="no member 'zed'"):
        store.member("connect_four", "zed")


def test_ratings_are_kept_over_time(store):
    row = {"name": "a", "elo": 10.0, "low": -5.0, "high": 25.0, "games": 4.0, "score": 0.5}
    store.add_ratings("connect_four", 3, [row, {**row, "name": "b", "elo": 0.0}])
    history = store.rating_history("connect_four")
    assert [(p.name, p.elo, p.upto, p.games) for p in history] == [("a", 10.0, 3, 4), ("b", 0.0, 3, 4)]
    assert store.rating_history("connect_four", after=time.time() + 1) == []
    store.add_ratings("connect_four", 3, [{**row, "elo": 20.0}])  # by a run that goes on after a kill
    store.add_ratings("connect_four", 4, [row])
    assert [(p.name, p.elo, p.upto) for p in store.rating_history("connect_four")] == [("a", 20.0, 3), ("a", 10.0, 4)]


def test_the_last_game_that_counts_is_no_game_of_self_play(store):
    assert store.last_counted("connect_four") == 0
    store.add_games([game("one"), game("two", purpose="selfplay")])
    assert (store.last_counted("connect_four"), store.last_number()) == (1, 2)


def test_a_reader_sees_what_is_committed_and_cannot_write(store):
    store.add_games([game("one")])
    with Store.read(store.path) as reader:
        assert reader.count() == 1
        store.add_games([game("two")])
        assert reader.newest(after=1).id == "two"
        with pytest.raises(StoreError, match="read-only"):
            reader.add_games([game("three")])


def test_a_second_writer_is_told_who_the_first_is(store):
    with pytest.raises(Busy, match="this very process"):
        Store(store.path)
    code = "import sys; from arena.store import Store; Store(sys.argv[1])"
    second = subprocess.run([sys.executable, "-c", code, store.path], cwd=ROOT, capture_output=True, text=True)
    assert f"being written by process {os.getpid()}" in second.stderr
    store.add_games([game("still mine")])


def test_a_link_to_a_database_shares_its_lock(store, tmp_path):
    link = tmp_path / "elsewhere" / "link.db"
    link.parent.mkdir()
    link.symlink_to(store.path)
    with pytest.raises(Busy, match="this very process"):
        Store(link)
    with Store.read(link) as reader:
        assert [member.name for member in reader.members()] == ["a", "b"]


def test_a_writer_says_that_it_waits_for_another_program(store, capsys, monkeypatch):
    monkeypatch.setattr("arena.store.TRIES", 3)
    with sqlite3.connect(store.path, isolation_level=None) as other:
        store._db.execute("PRAGMA busy_timeout = 20")
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="locked by another program; close it"):
            store.add_games([game("one")])
        assert capsys.readouterr().err.count("waiting") == 1
        other.execute("ROLLBACK")
        assert store.add_games([game("one")]) == 1 and not capsys.readouterr().err
    other.close()


def test_what_is_no_plain_file_is_refused_and_gets_no_lock(tmp_path):
    with pytest.raises(StoreError, match="no plain file"):
        Store(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(StoreError, match="no plain file"):
        Store(tmp_path / "pipe")
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]


def test_a_lock_dies_with_its_process(tmp_path):
    path = tmp_path / "x"
    code = (
        "import sys, os, time; from arena.lock import Lock; from pathlib import Path; lock = Lock(Path(sys.argv[1]));"
        "os.fork() or time.sleep(60); print('held', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen([sys.executable, "-c", code, path], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None and holder.stdout.readline() == "held\n"
        with pytest.raises(Busy, match=f"process {holder.pid}"):
            Lock(path)
    finally:
        holder.kill()
        holder.wait()
    with Lock(path):  # a forked child may live on; the lock does not
        pass
    with Lock(path):
        pass


WRITER = """
import sys
from arena.store import Store, StoredGame
start = int(sys.argv[2])
with Store(sys.argv[1]) as store:
    for name in "ab":
        store.add_member("connect_four", name, "agent")
    for batch in range(start, start + 100_000):
        games = [
            StoredGame(f"{batch}-{i}", "connect_four", 1, i, ("a", "b"), (1.0, -1.0), [1] * 30, run=str(batch))
            for i in range(20)
        ]
        store.add_games(games)
        print(batch, flush=True)
"""


def test_sigkill_leaves_whole_batches_and_no_lock(tmp_path):
    path = tmp_path / "arena.db"
    rng = random.Random(1)
    reported: list[str] = []
    for round in range(12):
        arguments = [sys.executable, "-c", WRITER, str(path), str(round * 1_000_000)]
        writer = subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert writer.stdout is not None
        if round % 4:  # and sometimes before the tables are made
            reported.append(writer.stdout.readline().strip())
        time.sleep(rng.uniform(0, 0.08))
        writer.send_signal(signal.SIGKILL)
        reported += writer.stdout.read().split("\n")[:-1]
        writer.wait()
    with Store(path) as store:
        assert store.faults() == []
        batches: dict[str, int] = {}
        for stored in store.games():
            batches[stored.run] = batches.get(stored.run, 0) + 1
            assert len(stored.seats) == 2
    assert set(batches.values()) == {20}
    assert set(reported) <= set(batches)  # what was said to be stored is stored
    assert len(batches) >= 9


def test_an_old_a_newer_and_a_foreign_database_are_refused(tmp_path):
    path = tmp_path / "arena.db"
    Store(path).close()
    for version, word in ((VERSION - 1, "old database"), (VERSION + 1, "newer arena")):
        with sqlite3.connect(path) as raw:
            raw.execute("UPDATE schema SET version = ?", (version,))
        for opened in (Store, Store.read):
            with pytest.raises(StoreError, match=word):
                opened(path)
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as raw:
        raw.execute("CREATE TABLE mine (x)")
    with pytest.raises(StoreError, match="not one of the arena's"):
        Store(other)
    assert sqlite3.connect(other).execute("SELECT count(*) FROM sqlite_schema").fetchone() == (1,)


@pytest.mark.parametrize("content", [b"not a database at all" * 100, b"SQLite format 3\x00" + b"\xff" * 5000])
def test_a_damaged_file_is_one_sentence_and_left_alone(tmp_path, content):
    path = tmp_path / "arena.db"
    path.write_bytes(content)
    for opened in (Store, Store.read):
        with pytest.raises(StoreError, match=r"damaged|cannot be opened|not one of") as problem:
            opened(path)
        assert "\n" not in str(problem.value)
    assert path.read_bytes() == content


def test_a_page_overwritten_in_the_middle_is_noticed(store):
    store.add_games(game(str(i)) for i in range(2000))
    store.close()
    content = bytearray(store.path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 4096] = b"\xa5" * 4096
    store.path.write_bytes(content)
    with Store.read(store.path) as damaged:
        try:
            assert damaged.faults() != []
        except StoreError as problem:
            assert "damaged" in str(problem)


def test_no_database_and_no_folder(tmp_path):
    with pytest.raises(StoreError, match="no database"):
        Store.read(tmp_path / "none.db")
    (tmp_path / "empty.db").touch()
    with pytest.raises(StoreError, match="empty so far"):
        Store.read(tmp_path / "empty.db")
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written"):
        Store(tmp_path / "file" / "arena.db")
    with pytest.raises(StoreError, match="is no plain file"):
        Store(tmp_path)


FULL = """
import resource, signal, sys
from arena.store import Store, StoredGame
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with Store(sys.argv[1]) as store:
    for name in "ab":
        store.add_member("connect_four", name, "agent")
    store.add_games([StoredGame("kept", "connect_four", 1, 1, ("a", "b"), (1.0, -1.0), [1])])
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
    try:
        for batch in range(100):
            ids = [f"{batch}-{i}" for i in range(50)]
            store.add_games(StoredGame(id, "connect_four", 1, 1, ("a", "b"), (0.0, 0.0), [1] * 40) for id in ids)
            print(batch)
    except ValueError as error:
        print(error)
"""


def test_a_disk_that_takes_no_more_loses_nothing_that_was_stored(tmp_path):
    path = tmp_path / "arena.db"
    done = subprocess.run([sys.executable, "-c", FULL, path], cwd=ROOT, capture_output=True, text=True)
    *batches, sentence = done.stdout.strip().split("\n")
    assert "what was stored before is safe" in sentence, done.stderr
    with Store.read(path) as store:
        assert store.faults() == []
        assert store.count() == 1 + 50 * len(batches)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
def test_a_full_disk(tmp_path):
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", tmp_path], capture_output=True).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        with Store(tmp_path / "arena.db") as store:
            store.add_member("connect_four", "a", "agent")
            stored = 0
            with pytest.raises(StoreError, match="disk is full"):
                for batch in range(1000):
                    stored += store.add_games(game(f"{batch}-{i}", seats=("a", "a")) for i in range(50))
            assert store.count() == stored > 0
            assert store.faults() == []
    finally:
        subprocess.run(["umount", tmp_path], check=True)


@pytest.mark.skipif(os.geteuid() == 0 and not hasattr(os, "seteuid"), reason="root writes everywhere")
def test_a_read_only_folder_can_be_read_and_not_written(tmp_path):
    with Store(tmp_path / "arena.db") as store:
        store.add_member("connect_four", "a", "agent")
    tmp_path.chmod(0o555)
    for folder in (tmp_path, *(p for p in tmp_path.parents if p.name.startswith(("pytest-", "popen-")))):
        folder.chmod(folder.stat().st_mode | 0o055)
    was = os.geteuid()
    try:
        if was == 0:
            os.seteuid(65534)
        with pytest.raises(StoreError, match=r"cannot be written|read-only"):
            Store(tmp_path / "arena.db")
        with pytest.raises(StoreError, match=r"cannot be written"):
            Store(tmp_path / "new.db")
        with Store.read(tmp_path / "arena.db") as store:
            assert [m.name for m in store.members()] == ["a"]
    finally:
        os.seteuid(was)
        tmp_path.chmod(0o755)
