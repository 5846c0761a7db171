"""A class: whoever can play does, whoever cannot is told why, and page and archive say what happened and no more."""

import csv
import io
import json
import os
import subprocess
import sys
import zipfile
from html.parser import HTMLParser
from pathlib import Path

import pytest

from arena import cli
from arena.classpage import Meeting, as_page, described, table_of
from arena.classroom import Class, Refused, _copy, _known_by, begin, hold
from arena.records import read_text
from arena.store import Store, StoredGame
from arena.tournament import Contest, tournament
from leagues.schedule import Pairing

BOT = """
import sys
for line in sys.stdin:
    word, *rest = line.split()
    if word == "hello":
        print("ready", flush=True)
    elif word == "legal":
        legal = rest
    elif word == "go":
        print({go}, flush=True)
"""


class Words(HTMLParser):
    """The tags of a page that are closed in order, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        assert not [name for name, _ in attrs if name.startswith("on") or name in ("src", "href")]
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")
    bots = tmp_path / "bots"
    (bots / "cy").mkdir(parents=True)
    (bots / "ann.py").write_text(BOT.format(go="legal[0]"))
    (bots / "bo b.py").write_text(BOT.format(go="legal[-1]"))
    (bots / "cy" / "bot.py").write_text("import own\n" + BOT.format(go="own.choose(legal)"))
    (bots / "cy" / "own.py").write_text("def choose(legal):\n    return legal[len(legal) // 2]\n")
    (bots / "dan.py").write_text(BOT.format(go="1 / 0"))
    (bots / "notes.txt").write_text("not a bot")
    (bots / "<i>.py").write_text(BOT.format(go="legal[0]"))
    (bots / "link.py").symlink_to(bots / "ann.py")
    (bots / ".hidden.py").write_text("")
    return bots


CHOSEN = Class("tic_tac_toe", pairs=1, box="no", house=("first",))


def test_a_class_from_its_folder_to_its_archive(folder, capsys):
    words = ["class", "bots", "--game", "tic_tac_toe", "--pairs", "1", "--box", "no", "--with", "first"]
    assert cli.run(words) == 0
    out, err = capsys.readouterr()
    assert (
        "The page is runs/bots-class/index.html" in err
        and "dan" in out
        and "Sat out: round 1 " in out
        and "three quarters" in out
    )
    assert "notes.txt does not take part: it is no bot" in err
    page = (folder.parent / "runs" / "bots-class" / "index.html").read_text()
    seen = Words(page)
    assert seen.open == [] and not {"script", "i", "b" * 2} & seen.tags
    assert 'http-equiv="refresh"' not in page and "Over after 3 rounds" in seen.text
    assert seen.text.count("Sits out: ") == 3
    for why in ("it is no bot", "a bot's name has letters", "it is a link"):
        assert why in seen.text
    assert "dan forfeited (crash): it exited with code 1: 'ZeroDivisionError: division by zero'" in seen.text
    assert "moves (1 move given)" in seen.text or "moves:" in seen.text

    with zipfile.ZipFile(folder.parent / "runs" / "bots-class" / "class.zip") as file:
        held = {name.removeprefix("class/"): file.read(name).decode() for name in file.namelist()}
    assert set(held) == {"index.html", "games.jsonl", "games.pgn", "results.csv", "results.json"}
    assert held["index.html"] == page and "bots" not in held
    games = read_text(held["games.jsonl"])
    assert [g.id for g in read_text(held["games.pgn"])] == [g.id for g in games] and len(games) == 3 * 2 * 2
    rows = list(csv.DictReader(io.StringIO(held["results.csv"])))
    assert {row["name"] for row in rows} == {"ann", "bo b", "cy", "dan", "house first"}
    assert rows[-1]["name"] == "dan" and rows[-1]["forfeits"] == "crash:4"
    assert sum(float(row["points"]) for row in rows) == 3 * 3  # two meetings and one who sits out, each round
    assert json.loads(held["results.json"])["table"][-1]["name"] == "dan"

    assert cli.run([*words, "--json"]) == 0  # all of it is there already
    assert [row["name"] for row in json.loads(capsys.readouterr().out)["table"]] == [row["name"] for row in rows]
    assert cli.run([*words, "--seed", "1"]) == 2
    assert "a class of other settings (seed)" in capsys.readouterr().err
    (folder / "ann.py").write_text(BOT.format(go="legal[-1]"))
    (folder / "zoe.py").write_text(BOT.format(go="legal[0]"))
    (folder / "dan.py").unlink()
    (folder / "cy" / "__pycache__").mkdir()
    (folder / "cy" / "__pycache__" / "own.pyc").write_text("made by running it")
    (folder / "cy" / "__init__.py").write_text("made by its author")
    assert cli.run(words) == 2
    told = capsys.readouterr().err
    assert (
        "holds a class of other bots (ann.py changed, cy changed, zoe.py is new, dan.py is gone); name another --out"
        in told
    )


def test_two_bots_of_one_stem_both_take_part(folder, tmp_path):
    for path in (folder / "ann.js", folder / "cy.py"):
        path.write_text("")
    entered = begin(folder, tmp_path / "out", Class("tic_tac_toe", box="no"))
    assert set(entered.specs) == {"ann.py", "ann.js", "bo b", "cy", "cy.py", "dan"}
    assert entered.specs["ann.js"].endswith("ann.js") and "name=ann.js," in entered.specs["ann.js"]
    assert set(entered.refused) == {"notes.txt", "<i>.py", "link.py"}


def held(folder, out, heard=lambda done, total: None):
    """The table of a class from its folder."""
    return hold(begin(folder, out, CHOSEN), out, CHOSEN, heard)


def test_a_class_that_was_cut_off_goes_on_as_if_it_had_not_been(folder, tmp_path):
    def stop(done, total):
        if (folder / "dan.py").exists():
            (folder / "dan.py").unlink()  # copies play on
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        held(folder, tmp_path / "cut", stop)
    page = (tmp_path / "cut" / "index.html").read_text()
    assert 'http-equiv="refresh"' in page and "Round 1 is on; 2 games so far" in page and "to be played" in page
    (folder / "eve.py").write_text(BOT.format(go="legal[0]"))  # too late
    assert begin(folder, tmp_path / "cut", CHOSEN).others == "eve.py is new, dan.py is gone"
    table = held(folder, tmp_path / "cut")
    (folder / "eve.py").unlink()
    (folder / "dan.py").write_text(BOT.format(go="1 / 0"))
    assert table == held(folder, tmp_path / "whole")
    for name in ("games", "results"):
        files = [
            zipfile.ZipFile(tmp_path / where / "class.zip").read(f"class/{name}.json{'l' * (name == 'games')}")
            for where in ("cut", "whole")
        ]
        found = [
            [{**json.loads(line), "finished": 0} for line in one.splitlines()] if name == "games" else one
            for one in files
        ]
        assert found[0] == found[1]


KILLED = """
import os, signal, sys
from pathlib import Path
from arena import store
from arena.classroom import Class, begin, hold
chosen, left = Class("tic_tac_toe", pairs=1, box="no", house=("random", "alphabeta:depth=1")), int(sys.argv[1])
write = store._columns
def counted(*of):
    global left
    left -= 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)  # in the middle of a transaction
    return write(*of)
store._columns = counted
hold(begin(Path("bots"), Path("cut"), chosen), Path("cut"), chosen)
"""


def test_a_class_that_was_killed_between_two_games_of_a_batch_counts_nothing_twice(folder, tmp_path):
    chosen = Class("tic_tac_toe", pairs=1, box="no", house=("random", "alphabeta:depth=1"))
    for name in ("cy", "bo b.py", "dan.py"):
        (folder / name).rename(tmp_path / name)
    root = str(Path(cli.__file__).parents[2])
    words, there = [sys.executable, "-c", KILLED, "4"], {**os.environ, "PYTHONPATH": root}
    assert subprocess.run(words, cwd=tmp_path, env=there, check=False).returncode == -9
    with Store.read(tmp_path / "cut" / "arena.db") as store:
        assert store.count() == 2  # of the second batch, of two games likewise, nothing
    tables, games = [], []
    for where in ("cut", "whole"):
        tables.append(hold(begin(folder, tmp_path / where, chosen), tmp_path / where, chosen))
        with Store.read(tmp_path / where / "arena.db") as store:
            games.append([(one.id, one.seats, one.results, one.moves) for one in store.games()])
    assert tables[0] == tables[1] and games[0] == games[1] and len(games[0]) == 4


def test_the_table_is_that_of_the_swiss_system(tmp_path):
    entrants = {name: name for name in ("random", "first", "first:last=true", "first:note=a", "first:note=b")}
    with Store(tmp_path / "a.db") as store:
        contest = Contest("tic_tac_toe", entrants, 3)
        whole = tournament(store, contest, "swiss", 1, rounds=3)
        games = list(store.games())
    meetings: list[Meeting] = []
    for number in range(3):  # two meetings a round, two games a meeting
        for start in (0, 2):
            some = games[4 * number + start : 4 * number + start + 2]
            pairings = [Pairing(one.seats[0], one.seats[1], 0) for one in some]
            meetings.append(Meeting(number + 1, some[0].seats[0], some[0].seats[1], pairings, some))
    table = table_of(list(entrants), meetings)
    assert {s.name: (s.place, s.points, f"{s.buchholz:g}") for s in table} == {
        s.name: (s.place, s.points, s.note.removeprefix("Buchholz ").removesuffix(", sat out")) for s in whole.standings
    }


def test_names_and_what_programs_wrote_are_text():
    bad = "<script>alert(1)</script>\u202e"
    reason = f"forfeit 1 crash: it said {bad}."
    stored = StoredGame("x", "tic_tac_toe", 1, 0, (bad, "b"), (1.0, -1.0), [0], reason=reason)
    meetings = [Meeting(1, bad, "b", [Pairing(bad, "b", 0)], [stored])]
    contest = Contest("tic_tac_toe", {bad: "x", "b": "y"})
    page = as_page(contest, table_of([bad, "b"], meetings), meetings, {bad: bad}, bad, True)
    assert "script" not in Words(page).tags and "\u202e" not in page and "&lt;script&gt;" in page
    assert "b forfeited (crash): it said" in described(stored)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("class none", "There is no folder none"),
        ("class empty", "needs two bots or more, and empty has 0"),
        ("class bots --game cliff_walking", "plays games for two"),
        ("class bots --game tictactoe", "did you mean 'tic_tac_toe'"),
        ("class bots --out a,b", "has a comma"),
        ("class bots --out a\udcff", "what is no UTF-8 in it; name another --out"),
        ("class bots --box maybe", "There is no box 'maybe'"),
        ("class bots --box no --rounds 9", "rounds, not 9"),
    ],
)
def test_what_the_teacher_got_wrong(words, text, folder, capsys):
    (folder.parent / "empty").mkdir()
    assert cli.run(words.split()) == 2
    told = capsys.readouterr().err
    assert text in told and "The page is" not in told


def test_a_link_inside_a_folder_is_not_followed(folder, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("a password")
    (folder / "cy" / "more.txt").symlink_to(secret)
    with pytest.raises(Refused, match=r"more\.txt"):
        _copy(folder / "cy", tmp_path / "copy")
    assert not (tmp_path / "copy" / "more.txt").exists()


def test_what_cannot_be_copied_is_left_out_and_the_others_begin(folder, tmp_path, monkeypatch):
    """A folder too deep for any path, a file too large to read, a pipe, a name that is no text."""
    monkeypatch.setattr("arena.classroom.MOST_BYTES", 10_000)
    (folder / "deep").mkdir()
    (folder / "deep" / "bot.py").write_text("")
    at = os.open(folder / "deep", os.O_RDONLY)
    for _ in range(25):
        os.mkdir("d" * 200, dir_fd=at)
        inner = os.open("d" * 200, os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = inner
    os.close(at)
    (folder / "huge.py").write_text("x" * 20_000)
    os.mkfifo(folder / "pipe.py")
    (folder / os.fsdecode(b"\xff.py")).write_text("")
    entered = begin(folder, tmp_path / "out", CHOSEN)
    assert {"ann", "bo b", "cy", "dan"} <= set(entered.specs)
    for name, why in (
        ("deep", "cannot be copied (File name too long)"),
        ("huge.py", "larger than"),
        ("pipe.py", "link"),
    ):
        assert why in entered.refused[name] and len(entered.refused[name]) < 200
    known = _known_by(folder / "huge.py")
    (folder / "huge.py").write_text("y" * 20_000)
    assert _known_by(folder / "huge.py") == known, "it was read"
    assert begin(folder, tmp_path / "out", CHOSEN).others == ""
