"""Programs in the hall: a bot that fails loses games, not the tournament; what it did is kept and told everywhere."""

import json
import shlex
import sys
import textwrap
from pathlib import Path

import pytest

from arena.entrants import unboxed
from arena.store import Store, StoredGame, written_move
from arena.tournament import contest, tournament
from arena.tryout import try_out
from arena.verify import replayed_wrong
from envs import kernels
from envs.registry import game as game_of

BOT = """
import sys
for line in sys.stdin:
    word, *rest = line.split()
    if word == "hello":
        print("ready", flush=True)
    elif word == "legal":
        legal = rest
    elif word == "go":
{go}
"""
FIRST = "print(legal[0], flush=True)"


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")


@pytest.fixture
def bot(tmp_path):
    """Makes the spec of a bot that does `go` when it is to move."""

    def make(name: str, go: str, **settings) -> str:
        file = tmp_path / f"{name}.py"
        file.write_text(BOT.format(go=textwrap.indent(textwrap.dedent(go), " " * 8)))
        said = ",".join(f"{key}={value}" for key, value in {"name": name, "box": "no", **settings}.items())
        return f"exec,{said}:{shlex.join([sys.executable, str(file)])}"

    return make


def test_a_tournament_with_a_bot_that_crashes_ends_and_rates_it(arena, bot):
    entered = ["random", bot("good", FIRST), bot("bad", f"if len(legal) < 8: sys.exit('[b]tired')\n{FIRST}")]
    code, out, err = arena("tournament", "tic_tac_toe", *entered, "--format", "swiss", "--pairs", "2", "--json")
    assert code == 0 and err.count("without a box") == 1
    assert unboxed(entered) == ["box=no: this program runs without a box, under limits alone."]
    assert not unboxed(["random", "http://127.0.0.1:9/"])
    found = json.loads(out)
    lost = found["forfeits"]
    assert lost and {one["name"] for one in lost} == {"bad"} and {one["kind"] for one in lost} == {"crash"}
    assert "'[b]tired'" in lost[0]["text"]
    assert "bad" in {row["name"] for row in found["ratings"]}
    again = arena("tournament", "tic_tac_toe", *entered, "--format", "swiss", "--pairs", "2")[1]
    assert f"bad forfeited {len(lost)} game" in again and "[b]tired" in again

    board = json.loads(arena("leaderboard", "--json")[1])
    assert {line["name"]: line["forfeits"] for line in board["lines"]}["bad"] == {"crash": len(lost)}
    assert f"bad forfeited {len(lost)} of" in arena("leaderboard")[1]
    assert arena("leaderboard", "--html", "board.html")[0] == 0
    with open("board.html") as page:
        assert "bad forfeited" in page.read()
    told = arena("watch", "--game-id", lost[0]["game"], "--describe")[1]
    assert "forfeit: bad (crash): it exited with code 1" in told
    assert arena("verify", "arena.db")[0] == 0


def test_the_table_does_not_depend_on_the_order_in_which_games_end(bot, monkeypatch, tmp_path):
    """As with many processes, where what was given out last may be over first."""
    entered = contest("tic_tac_toe", ["random", "first", bot("bad", f"if len(legal) < 5: sys.exit(1)\n{FIRST}")])
    with Store(tmp_path / "one.db") as store:
        whole = tournament(store, entered, "round-robin", 2)
        order = [game.id for game in store.games()]
    assert len(whole.forfeits) > 1

    def backwards(call, items, workers, address=None):
        assert workers == 2
        for i in reversed(range(len(items))):
            yield i, call(items[i])

    monkeypatch.setattr("arena.tournament.spread", backwards)
    with Store(tmp_path / "two.db") as store:
        assert str(tournament(store, entered, "round-robin", 2, workers=2)) == str(whole)
        turned = [game.id for game in store.games()]
    assert turned != order and sorted(turned) == sorted(order)


def test_a_match_says_who_forfeited(arena, bot):
    words = ("match", "tic_tac_toe", bot("bad", "print('z9', flush=True)"), "random", "--games", "2", "--opening", "0")
    code, out, _ = arena(*words, "--json")
    found = json.loads(out)
    assert code == 0 and (found["losses"], found["games"]) == (2, 2)
    assert [(one["name"], one["kind"]) for one in found["forfeits"]] == [("bad", "nonsense")] * 2
    told = arena(*words)[1]
    assert "score 0 %, Elo below +" in told and "stronger with probability 25 %" in told
    assert "bad forfeited 2 games: nonsense 2: it answered 'z9', which is no move of tic_tac_toe, where a3, b3" in told


def test_an_edited_bot_is_another_member_and_plays_its_own_games(arena, bot):
    spec = bot("ann", FIRST)
    words = ("match", "tic_tac_toe", spec, "random", "--games", "2")

    def played(*more: str) -> tuple[str, int, int, str]:
        _, out, err = arena(*words, *more, "--json")
        found = json.loads(out)
        return found["first"], found["stored"], len(found["forfeits"]), err

    first, stored, forfeits, err = played()
    assert (first, stored, forfeits) == ("ann", 0, 0) and "stored" not in err
    first, stored, _, err = played()
    assert (first, stored) == ("ann", 2)
    assert "2 of 2 games were stored earlier and not played again; --seed 1 or --db FILE plays new ones." in err
    assert arena("tournament", "tic_tac_toe", spec, "random", "--pairs", "1")[2].count("stored earlier") == 0

    whole = Path("ann.py").read_text()
    Path("ann.py").write_text(whole.replace(FIRST, "sys.exit(1)"))
    first, stored, forfeits, _ = played()
    assert first.startswith("ann@") and len(first) == 10 and (stored, forfeits) == (0, 2)
    assert played()[:3] == (first, 2, 2)
    Path("ann.py").write_text(whole)
    assert played()[:3] == ("ann", 2, 0)
    with Store.read("arena.db") as store:
        assert sorted(member.name for member in store.members()) == sorted(["ann", first, "random"])
    assert arena("verify", "arena.db")[0] == 0
    assert "no trained agent" in arena("match", "tic_tac_toe", "best:tic_tac_toe", "random")[2]


def test_a_member_of_whom_only_the_name_is_known_stays_by_itself(arena, bot):
    """Its games may be another program's; what plays under its name now goes by that and letters, and keeps them."""
    spec = bot("ann", FIRST)
    with Store("arena.db") as store:
        store.add_member("tic_tac_toe", "ann", "agent", "ann")
    names = [json.loads(arena("match", "tic_tac_toe", spec, "random", "--games", "2", "--json")[1]) for _ in range(2)]
    assert names[0]["first"] == names[1]["first"] != "ann" and names[0]["first"].startswith("ann@")
    assert [found["stored"] for found in names] == [0, 2]


def test_games_in_which_a_program_changed_are_not_kept(arena, bot):
    spec = bot("eve", f"open(__file__, 'a').write('#'); {FIRST}")
    code, _, err = arena("match", "tic_tac_toe", spec, "random", "--games", "2")
    assert code == 2 and "The files of 'eve' changed while it played" in err
    with Store.read("arena.db") as store:
        assert store.count() == 0


def test_a_program_that_never_starts_is_said_and_is_no_result(arena):
    missing = f"exec,box=no:{shlex.join([sys.executable, 'nothere.py'])}"
    kinds = (("match", "tic_tac_toe", missing, "random"), ("tournament", "tic_tac_toe", "random", missing))
    for words in (*kinds, ("evaluate", missing, "tic_tac_toe", "--episodes", "1")):
        code, out, err = arena(*words)
        assert (code, out) == (2, "") and "cannot play: when started, it exited with code 2" in err
    assert not Path("arena.db").exists() or arena("leaderboard")[0] == 2


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"results": (1.0, -1.0)}, "a forfeit gives"),
        ({"moves": [0]}, "that seat is not to move"),
        ({"moves": [0, 0]}, "is against the rules"),
        ({"reason": ""}, "stop before the game is over"),
        ({"seats": ("a",), "results": (1.0,)}, "1 players"),
        ({"moves": [(0.5,)]}, "not of the kind"),
    ],
)
def test_a_forfeit_that_cannot_have_been_is_found(change, fault):
    whole = {"moves": [0, 1], "reason": "forfeit 0 late: x.", "results": (-1.0, 1.0), "seats": ("a", "b")}
    rules = game_of("tic_tac_toe")
    assert replayed_wrong(rules, [StoredGame("1", "tic_tac_toe", 1, 7, **whole)]) == [""]
    (found,) = replayed_wrong(rules, [StoredGame("1", "tic_tac_toe", 1, 7, **{**whole, **change})])
    assert fault in found


def test_games_of_vectors_are_kept_exactly_and_checked(tmp_path):
    rules = game_of("pendulum:limit=5")
    moves = [(0.1,), (1e-7,), (-2.0,), (3.0 / 7.0,), (2.0,)]
    total = float(kernels.replay(rules, 3, moves)[1:]["reward"].astype(float).sum())
    stored = StoredGame("one", rules.name, rules.version, 3, ("a",), (total,), moves)
    with Store(tmp_path / "arena.db") as store:
        store.add_member(rules.name, "a", "agent")
        store.add_games([stored])
        assert store.stored_game("one").moves == moves
    assert replayed_wrong(rules, [stored]) == [""]
    wrong = StoredGame("one", rules.name, rules.version, 3, ("a",), (total + 1.0,), moves)
    assert "the rules give" in replayed_wrong(rules, [wrong])[0]
    far = StoredGame("one", rules.name, rules.version, 3, ("a",), (total,), [(9.0,)])
    assert "move 1" in replayed_wrong(rules, [far])[0]
    assert written_move((0.5, -1.25)) == "0.5,-1.25" and written_move(7) == "7"


# --- the test kit -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rules", ["tic_tac_toe", "kuhn", "pendulum:limit=5"])
def test_the_example_passes_in_every_kind_of_game(rules):
    bots = Path(__file__).resolve().parents[2] / "agents" / "external" / "bots"
    report = try_out(f"exec,box=no,move=20:{shlex.join([sys.executable, str(bots / 'random_bot.py')])}", rules)
    assert report.whole, report.faults
    assert (
        report.checked["games"] == (20 if rules == "kuhn" else 3 * game_of(rules).seats) and report.checked["turns"] > 0
    )
    assert [note for note in report.notes if "box" not in note] == []


WRONG = {
    "start": (FIRST, "start in 6 of 6 games: when started, it answered hello with 'hi'", "Answer the line `hello`"),
    "late": ("print(legal[0])", "late in", "Flush every answer"),
    "illegal": ("print('b2' if len(legal) < 8 else legal[0], flush=True)", "illegal in", "`legal` line"),
    "nonsense": (
        "print('I play', legal[0], flush=True)",
        "nonsense in 6 of 6 games: it answered 'I play",
        "standard error",
    ),
    "crash": ("raise KeyError('x')", "KeyError: 'x'", "told:\n  arena 1\n  game tic_tac_toe\n"),
}


@pytest.mark.parametrize("wrong", sorted(WRONG))
def test_an_author_is_told_what_is_wrong(arena, bot, wrong):
    go, said, mend = WRONG[wrong]
    spec = bot("bot", go, move=0.3 if wrong == "late" else 9.0, start=9.0)
    source = Path("bot.py").read_text()
    if wrong == "start":
        Path("bot.py").write_text(source.replace('"ready"', '"hi"'))
    if wrong == "late":  # an answer without its end
        Path("bot.py").write_text(source.replace(go, "sys.stdout.write(legal[0])"))
    code, out, _ = arena("verify", spec, "--game", "tic_tac_toe")
    assert code == 1 and said in out and mend in out, out


def test_what_else_the_protocol_asks(arena, bot):
    spec = bot("strict", FIRST)
    source = Path("strict.py").read_text()
    known = "('arena', 'game', 'rules', 'seats', 'seconds', 'turn', 'moves', 'board')"
    Path("strict.py").write_text(source + f"    elif word not in {known}: sys.exit('what?')\n")
    assert "unknown line" in arena("verify", spec)[1]
    Path("strict.py").write_text(source + "import time; time.sleep(60)\n")
    code, out, _ = arena("verify", spec, "--json")
    assert code == 0 and any("after its input ended" in note for note in json.loads(out)["notes"])


def test_who_never_looks_at_the_legal_moves_is_found_though_games_are_over_too_soon(arena, bot):
    code, out, _ = arena("verify", bot("d", "print('d', flush=True)"), "--game", "connect_four")
    assert code == 1 and "illegal in" in out
    go = "if len(legal) < 6 and 'a' not in legal: legal = ['a']\n" + FIRST
    code, out, _ = arena("verify", bot("a", go), "--game", "connect_four")
    assert code == 1 and "positions: it answered 'a', which is not legal, where" in out and "\n  board  6 " in out
    code, out, _ = arena("verify", bot("good", FIRST), "--game", "connect_four")
    assert code == 0 and "nothing is wrong: 6 games, " in out and " positions; passes over unknown lines; ends" in out
    assert json.loads(arena("verify", bot("good", FIRST), "--json")[1])["checked"]["positions"] > 90


def test_who_does_not_start_is_tried_once_and_told_what_happened(bot, tmp_path):
    (tmp_path / "syntax.py").write_text("open('starts', 'a').write('1')\nexec(\n")
    (tmp_path / "mute.py").write_text("open('starts', 'a').write('1')\nraise KeyError('no')\n")
    for name, said in (("syntax", "SyntaxError: '(' was never closed"), ("mute", "mute.py, line 2")):
        for more, rules in (("", "tic_tac_toe"), (",protocol=gtp", "go:size=5")):
            report = try_out(f"exec,box=no{more}:{sys.executable} {name}.py", rules)
            (text,) = report.faults
            assert "start in 6 of 6 games" in text and said in text and "It ended before it answered" in text
            assert f"run `{sys.executable} {name}.py` by hand" in text and "hello" not in text
    assert Path("starts").read_text() == "11"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("verify|my.js", '`arena verify "exec:node my.js"`'),
        ("verify|node my.js", '`arena verify "exec:node my.js"`'),
        ("verify|./run", '`arena verify "exec:./run"`'),
        ("match|tic_tac_toe|my.js|random", 'for a program write "exec:node my.js", in quotes.'),
        ("match|tic_tac_toe|./my.py|random", '"exec:python ./my.py"'),
        ("match|tic_tac_toe|sh run|random", '"exec:sh run"'),
        ("match|tic_tac_toe|run|random", '"exec:./run"'),
        ("match|tic_tac_toe|exec:./my.js|random", "`chmod +x` lets it if it begins with a line `#!`; or put what runs"),
        ("match|tic_tac_toe|exec:run|random", "as in exec:./run"),
        ("match|tic_tac_toe|exec:./on.js|random", "exec:node ./on.js"),
        ("match|tic_tac_toe|exec:node|my.js|random", 'Quote a command that has spaces, as in "exec:node mybot.js".'),
    ],
)
def test_who_leaves_exec_out_is_told_how_a_program_is_written(arena, words, said):
    for name, mode in (("my.js", 0o644), ("my.py", 0o644), ("run", 0o755), ("on.js", 0o755)):
        Path(name).write_text("x")
        Path(name).chmod(mode)
    code, _, err = arena(*words.split("|"))
    assert code == 2 and said in err
    assert "for a program" not in arena("match", "tic_tac_toe", "mcst", "random")[2]
    assert "There is no database none.db" in arena("verify", "none.db")[2]
