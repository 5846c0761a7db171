"""The command line: every command, what it prints where, and one sentence for whatever is wrong."""

import json
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from agents import registry
from agents.inference import Unsuited
from arena import cli
from arena.cli.look import LISTS
from arena.store import Store
from envs.registry import resolve

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = (
    "league",
    "train",
    "tournament",
    "leaderboard",
    "match",
    "evaluate",
    "watch",
    "play",
    "list",
    "verify",
    "bench",
    "export",
    "import",
    "class",
    "doctor",
    "sweep",
)


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    return tmp_path


@pytest.fixture
def arena(capsys):
    """Runs a command line: its exit code, standard output and standard error."""

    def run(*arguments: str) -> tuple[int, str, str]:
        code = cli.run(arguments)
        out, err = capsys.readouterr()
        return code, out, err

    return run


@pytest.fixture
def played(arena):
    code, _, err = arena("tournament", "tic_tac_toe", "random", "first", "first:last=true", "--pairs", "3")
    assert (code, err) == (0, "")


# --- help and names -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(arena, command):
    code, out, err = arena(command, "--help")
    assert (code, err) == (0, "")
    assert f"Example: arena {command}" in " ".join(out.split())


@pytest.mark.parametrize("columns", ["20", "40", "300"])
def test_help_fits_any_terminal(arena, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    assert arena("--help")[0] == 0
    assert arena("list", "games")[0] == 0


def test_the_first_screen_shows_every_command(arena):
    out = arena("--help")[1]
    assert all(f" {command} " in out for command in COMMANDS)


@pytest.mark.parametrize("what", LISTS)
def test_lists(arena, what, monkeypatch):
    table = resolve(LISTS, what, "table")
    for name in ("first", "slow", "broken", "hostile"):
        monkeypatch.delitem(registry.AGENTS, name, raising=False)
    for name in [name for name in table if not (ROOT / (table[name].split(":")[0].replace(".", "/") + ".py")).exists()]:
        monkeypatch.delitem(table, name)
    code, out, _ = arena("list", what, "--json")
    assert code == 0
    assert [row["name"] for row in json.loads(out)] == list(table)
    assert all(row["summary"].endswith((".", ").", "!")) or row["summary"] for row in json.loads(out))
    assert set(table) <= set(arena("list", what)[1].split())


def test_games_are_listed_with_their_sizes(arena, monkeypatch):
    rows = {row["name"]: row for row in json.loads(arena("list", "games", "--json")[1])}
    go, pendulum, kuhn = rows["go"], rows["pendulum"], rows["kuhn"]
    assert (go["seats"], go["moves"], go["sees"], go["plies"], go["kinds"]) == (2, 82, [4, 9, 9], 162, [])
    assert go["options"]["size"] == 9
    assert (pendulum["seats"], pendulum["moves"]) == (1, [[-2.0, 2.0]])
    assert (kuhn["pays"], kuhn["kinds"]) == ("zero-sum", ["hidden", "chance"])
    for columns, cells in {
        60: ["go", "Go"],
        80: ["go", "2", "82", "162"],
        160: ["go", "2", "82", "162", "4x9x9"],
    }.items():
        monkeypatch.setenv("COLUMNS", str(columns))
        (line,) = (line.split() for line in arena("list", "games")[1].splitlines() if line.startswith("go "))
        assert line[: len(cells)] == cells


def test_help_and_lists_import_nothing_heavy():
    code = (
        "import sys; from arena import cli; heavy = {'numpy', 'numba', 'torch', 'ray', 'scipy', 'pygame'};"
        "[cli.run(words) for words in (['list', 'agents'], ['--help'], ['match', '--help'])];"
        "print(heavy & set(sys.modules), file=sys.stderr); cli.run(['list', 'games']);"
        "print((heavy - {'numpy', 'numba', 'scipy'}) & set(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stderr == "set()\nset()\n"


# --- what the user got wrong ----------------------------------------------------------------------------------------

WRONG = [
    ("leage", "Did you mean 'league'?"),
    ("list gams", "did you mean 'games'?"),
    ("list games --jsn", "--json"),
    ("match connect4 first random", "did you mean 'connect_four'?"),
    ("match tic_tac_toe firs random", "did you mean 'first'?"),
    ("match tic_tac_toe first:lst=true random", "did you mean 'last'?"),
    ("match tic_tac_toe first:last random", "key=value"),
    ("match tic_tac_toe first", "Missing argument"),
    ("match tic_tac_toe first first", "both called 'first'"),
    ("match tic_tac_toe first random --games 0", "--games"),
    ("match tic_tac_toe first random --games many", "--games"),
    ("match tic_tac_toe first random --sprt 5", "--sprt 0,20"),
    ("match tic_tac_toe first random --sprt 5,1", "the smaller first"),
    ("match tic_tac_toe first no/such/folder", "no/such/folder"),
    ("tournament tic_tac_toe first", "two members or more"),
    ("tournament tic_tac_toe first random --format robin", "did you mean 'round-robin'?"),
    ("tournament tic_tac_toe first random --format swiss --rounds 2", "from 1 to 1 rounds"),
    ("tournament tic_tac_toe first random --format knockout --rounds 2", "leave their number out"),
    ("tournament tic_tac_toe first random --db /dev/null/x.db", "cannot be written"),
    ("tournament othello:size=7 first random", "7"),
    ("evaluate first tic_tac_to", "did you mean 'tic_tac_toe'?"),
    ("leaderboard", "There is no database arena.db"),
    ("leaderboard --db .", "no database"),
    ("verify .", "without an agent.toml"),
    ("verify none.db", "There is no database"),
    ("watch", ""),
    ("watch tic_tac_toe", "GAME AGENT"),
    ("watch --league --game-id 3", "Say one of three"),
    ("watch --game-id 3", "There is no database"),
    ("watch reverse untrained", "--group 8"),
    ("play tic_tac_toe", "--against"),
    ("play tic_tac_toe --against first --seat 2", "--seat"),
    ("train alphazer tic_tac_toe", "did you mean 'alphazero'?"),
    ("train alphazero tic_tac_to", "did you mean 'tic_tac_toe'?"),
    ("train alphazero tic_tac_toe --backbone resnett", "did you mean 'resnet'?"),
    ("train alphazero tic_tac_toe --engine natve", "did you mean 'native'?"),
    ("train alphazero tic_tac_toe --steps 5 --minutes 1", "choose one"),
    ("train alphazero tic_tac_toe --resume", "leave --resume out"),
    ("league --config none.toml", "There is no none.toml"),
    ("league --set run.minuts=3", "did you mean 'minutes'?"),
    ("league --workers many", "--workers"),
    ("bench rule", "did you mean 'rules'?"),
    ("bench rules --option x", "key=value"),
]


@pytest.mark.parametrize(("command", "sentence"), WRONG)
def test_what_the_user_got_wrong_is_one_sentence_and_exit_code_2(arena, here, command, sentence):
    code, out, err = arena(*command.split(" "))
    assert code == 2
    assert sentence in err
    assert err.count("\n") == (0 if command == "watch" else 1)
    assert "Traceback" not in err
    assert out == "" or command == "watch"
    assert {path.suffix for path in here.iterdir()} <= {".db", ".lock"}


CAUSED = [
    (PermissionError(13, "Permission denied", "runs/x"), "runs/x: Permission denied.\n"),
    (FileNotFoundError(2, "No such file or directory", b"runs/x"), "runs/x: No such file or directory.\n"),
    (OSError(28, "No space left on device"), "The system: No space left on device.\n"),
    (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"), "invalid start byte.\n"),
    (json.JSONDecodeError("Expecting value", "x", 0), "Expecting value: line 1 column 1 (char 0)\n"),
    (Unsuited("the CPU has no bfloat16 arithmetic"), "the CPU has no bfloat16 arithmetic.\n"),
    (ValueError("one\n  sentence?"), "one sentence?\n"),
    (ValueError(), "ValueError without a word of why; --debug shows where.\n"),
]


@pytest.mark.parametrize(("error", "sentence"), CAUSED, ids=lambda value: type(value).__name__)
def test_what_the_user_can_mend_is_exit_code_2_whatever_its_type(arena, monkeypatch, error, sentence):
    def fail(*_):
        raise error

    monkeypatch.setattr("arena.cli.look.known", fail)
    code, out, err = arena("list", "games")
    assert (code, out) == (2, "")
    assert err.endswith(sentence) and err.count("\n") == 1


def test_a_bug_is_one_sentence_and_a_traceback_on_request(arena):
    for debug in ([], ["--debug"]):
        code, out, err = arena("match", "tic_tac_toe", "broken", "random", *debug)
        assert (code, out) == (1, "")
        assert err.endswith(
            "Something is wrong inside the arena (TypeError: a bug in two lines); --debug shows where.\n"
        )
        assert ("Traceback" in err) == bool(debug)


def test_ctrl_c_keeps_what_was_finished_and_says_how_to_go_on(arena):
    arguments = ("tournament", "tic_tac_toe", "random", "first", "slow", "--pairs", "30")
    code, out, err = arena(*arguments)
    assert (code, out) == (130, "")
    assert err == "Stopped; run the same command again to go on; every game that was finished is kept.\n"
    with Store.read("arena.db") as store:
        kept = store.count()
    assert kept > 0
    assert arena(*arguments)[0] == 0
    with Store.read("arena.db") as store:
        assert store.count() == 180
    assert arena("verify", "arena.db")[0] == 0


# --- commands that play ---------------------------------------------------------------------------------------------


def test_tournament(arena):
    arguments = ("tournament", "tic_tac_toe", "random", "first", "first:last=true", "--pairs", "4")
    code, out, err = arena(*arguments, "--json")
    assert (code, err) == (0, "")
    document = json.loads(out)
    assert document["games"] == 24 and document["zero"] == "random"
    assert {row["name"] for row in document["ratings"]} == {"random", "first", "first:last=true"}
    assert len(document["meetings"]) == 6
    again = arena(*arguments, "--json")[1]
    assert again == out
    table = arena(*arguments)[1]
    assert "first:last=true" in table and "24 games" in table


def test_a_tournament_in_rounds_says_who_came_where(arena):
    arguments = ("tournament", "tic_tac_toe", "random", "first", "first:last=true", "--pairs", "1", "--format")
    for form, games, note in (("swiss", 4, "sat out"), ("knockout", 4, "champion"), ("ladder", 6, "began at 2")):
        code, out, err = arena(*arguments, form, "--json")
        document = json.loads(out)
        assert code == 0 and ("stored earlier" in err) == (form != "swiss") and document["games"] >= games
        assert sorted(standing["name"] for standing in document["standings"]) == ["first", "first:last=true", "random"]
        assert any(note in standing["note"] for standing in document["standings"])
        assert note in arena(*arguments, form)[1]
    assert json.loads(arena(*arguments, "ladder", "--rounds", "1", "--json")[1])["games"] == 2


def test_match(arena):
    code, out, _ = arena("match", "tic_tac_toe", "first", "random", "--games", "20", "--json")
    document = json.loads(out)
    assert code == 0
    assert document["wins"] + document["draws"] + document["losses"] == document["games"] == 20
    assert sum(document["pairs"]) == 10
    assert document["elo"]["low"] < document["elo"]["high"]
    out = arena("match", "tic_tac_toe", "first", "random", "--games", "20")[1]
    assert "first against random" in out and "95 %" in out
    shown = out.split("games ")[1].split()[0]
    assert len(set(document["ids"])) == 20 and document["ids"][0].startswith(shown) and "and 14 more" in out
    assert json.loads(arena("export", shown)[1])["id"] == document["ids"][0]
    out = arena("match", "tic_tac_toe", "first", "random", "--games", "400", "--sprt=-100,0")[1]
    assert "the upper bound holds" in out


def test_evaluate(arena):
    code, out, _ = arena(
        "evaluate", "first", "tic_tac_toe", "--episodes", "5", "--against", "first:last=true", "--json"
    )
    assert code == 0
    returns = json.loads(out)["returns"]
    assert [(one["seat"], one["mean"], one["plies"]) for one in returns] == [(0, 1.0, 5.0), (1, -1.0, 5.0)]
    shown = [arena("evaluate", "random", game, "--episodes", "1")[1] for game in ("tic_tac_toe", "cliff_walking")]
    assert all("mean return" in text for text in shown) and ["against" in text for text in shown] == [True, False]
    assert (
        json.loads(arena("evaluate", "first", "tic_tac_toe", "--episodes", "1", "--json")[1])["returns"][0]["error"]
        is None
    )
    assert not Path("arena.db").exists()


def test_evaluate_says_how_much_may_be_gained_where_that_can_be_worked_out(arena):
    def gain(agent: str, game: str) -> float | None:
        return json.loads(arena("evaluate", agent, game, "--episodes", "2", "--json")[1])["exploitability"]

    assert gain("first", "tic_tac_toe") is None  # nothing is hidden there
    near = gain("cfr:iterations=200", "kuhn")
    assert near is not None and 0.0 <= near < 0.01
    far = gain("first", "kuhn")  # it always passes
    assert far is not None and far > 0.4
    assert "exploitability 0.0" in arena("evaluate", "cfr:iterations=200", "kuhn", "--episodes", "2")[1]


def test_leaderboard(arena, played, here):
    code, out, err = arena("leaderboard", "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["games"] == 18
    assert arena("leaderboard", "tic_tac_toe", "--csv")[1].startswith("rank,name,kind,elo,low,high,games,score,")
    assert "18 rated games" in arena("leaderboard")[1]
    code, out, err = arena("leaderboard", "--html", "deep/page.html")
    assert (code, out) == (0, "") and "deep/page.html" in err
    assert "<svg" in (here / "deep" / "page.html").read_text()
    assert arena("leaderboard", "--json", "--csv")[0] == 2
    assert arena("leaderboard", "othello")[2].startswith("arena.db has no members of othello; it has tic_tac_toe")


def test_a_hostile_name_stays_a_name(arena):
    code, out, _ = arena("tournament", "tic_tac_toe", "hostile", "random", "--pairs", "1")
    assert code == 0 and "\x1b[31m" not in out
    assert "\x1b[31m" not in arena("leaderboard")[1]
    assert arena("leaderboard", "--html", "page.html")[0] == 0
    assert "<script>" not in Path("page.html").read_text()
    json.loads(arena("leaderboard", "--json")[1])


# --- verify ---------------------------------------------------------------------------------------------------------


def test_verify_a_sound_database(arena, played):
    code, out, _ = arena("verify", "arena.db", "--json")
    assert code == 0
    document = json.loads(out)
    assert document["whole"] and (document["checked"]["games"], document["checked"]["ratings"]) == (18, 3)
    assert arena("verify", "arena.db")[1].startswith("arena.db: whole (18 games")


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ("UPDATE games SET moves = '0 0 ' || moves WHERE number = 3", "against the rules"),
        ("UPDATE games SET moves = '99' WHERE number = 3", "against the rules"),
        ("UPDATE games SET moves = '' WHERE number = 3", "stop before the game is over"),
        ("UPDATE seats SET result = 0.5 WHERE number = 3", "its result is given as"),
        ("DELETE FROM seats WHERE number = 3 AND seat = 1", "names 1 players"),
        ("UPDATE games SET rules = 77 WHERE number = 3", "by its rules 77"),
        ("UPDATE games SET game = 'chess' WHERE number = 3", "cannot be played again"),
        ("UPDATE seats SET member = 99 WHERE number = 3", "points to no row"),
        ("UPDATE ratings SET elo = elo + 5 WHERE member = 1", "its games give"),
        ("UPDATE ratings SET elo = elo - 5 WHERE member = 1 AND upto = 12", "after game 12 is kept as"),
    ],
)
def test_verify_finds_what_was_tampered_with(arena, played, change, fault):
    from arena.leaderboard import ratings

    with Store("arena.db") as store:
        for upto in (12, store.last_number()):
            store.add_ratings("tic_tac_toe", upto, ratings(store, "tic_tac_toe", upto=upto).rows())
    assert arena("verify", "arena.db")[0] == 0
    with sqlite3.connect("arena.db") as raw:
        raw.execute(change)
    raw.close()
    code, out, _ = arena("verify", "arena.db")
    assert code == 1
    assert fault in out
    code, out, _ = arena("verify", "arena.db", "--json")
    assert code == 1 and not json.loads(out)["whole"]


# --- commands that hand over to others ------------------------------------------------------------------------------


@pytest.fixture
def calls(monkeypatch):
    """What was handed over, in place of doing it."""
    made: list = []

    def stand_in(*arguments, **more):
        made.append((arguments, more))
        return more.get("export")

    import arena.bench
    import arena.league
    import arena.run
    import arena.viewers.watch

    def begun(config, **more):
        arena.run.write_config(config, config.folder)
        (config.folder / "state").mkdir(exist_ok=True)
        stand_in(config, **more)
        return {"agent": "runs/x/agents/x-1", "seats": 2}

    monkeypatch.setattr(arena.league, "run_league", begun)
    monkeypatch.setattr(arena.run, "run_training", begun)
    for name in ("watch_match", "watch_game", "watch_league", "play"):
        monkeypatch.setattr(arena.viewers.watch, name, stand_in)
    row = {"bench": "rules", "subject": "s", "ours": 2.0, "peer": None, "theirs": None, "unit": "u", "ratio": None,
           "runs": 1, "note": "install it"}  # fmt: skip
    monkeypatch.setattr(arena.bench, "run", lambda *a, **k: (stand_in(*a, **k), [row])[1])
    return made


def test_league_hands_over_its_configuration(arena, calls):
    code, _, err = arena("league", "--minutes", "2", "--workers", "0", "--set", "game.name=tic_tac_toe", "--headless")
    assert (code, err) == (0, "")
    (config,), more = calls[0]
    assert (config.run.minutes, config.worker_count, config.game.name) == (2.0, 0, "tic_tac_toe")
    assert config.viewer.watch is False and more == {"address": None}
    assert 'name = "tic_tac_toe"' in Path("runs/league/config.toml").read_text()
    assert arena("league", "--set", "game.name=tic_tac_toe")[0] == 0
    code, _, err = arena("league")
    assert code == 2 and "is a run of the game 'tic_tac_toe', not 'connect_four'" in err


def test_league_reads_the_file_that_is_here(arena, calls):
    Path("arena.toml").write_text('[run]\nname = "mine"\nminutes = 9\n')
    assert arena("league")[0] == 0
    assert calls[0][0][0].run.name == "mine"
    assert arena("league", "--watch")[0] == 0
    assert calls[1][0][0].viewer.watch is True


def test_train_hands_over_its_configuration(arena, calls):
    arguments = (
        "train",
        "alphazero",
        "tic_tac_toe",
        "--backbone",
        "mlp",
        "--steps",
        "7",
        "--out",
        "deep/ttt",
        "--seed",
        "3",
    )
    Path("deep/ttt").mkdir(parents=True)
    Path("deep/ttt/config.toml").write_text("")  # of one that was refused
    assert arena(*arguments)[0] == 0
    (config,), more = calls[0]
    assert config.folder == Path("deep/ttt") and config.run.seed == 3 and config.network.backbone == "mlp"
    assert more == {"steps": 7, "address": None}
    code, _, err = arena(*arguments)
    assert code == 2 and "add --resume" in err
    assert arena(*arguments, "--resume")[0] == 0


def test_what_is_set_is_not_undone_by_what_was_not_typed(arena, calls):
    arguments = ("train", "alphazero", "tic_tac_toe", "--out", "deep/ttt")
    first = ("--set", "run.seed=3", "--set", "network.backbone=mlp", "--set", "learner.batch=64", "--workers", "0")
    assert arena(*arguments, *first)[0] == 0
    (config,), _ = calls[0]
    assert (config.run.seed, config.network.backbone, config.learner.batch) == (3, "mlp", 64)
    assert arena(*arguments, "--resume", "--set", "learner.clip=2.0", "--minutes", "9")[0] == 0
    (again,), _ = calls[1]
    assert again == replace(
        config, learner=replace(config.learner, clip=2.0), run=config.run.model_copy(update={"minutes": 9.0})
    )
    assert arena(*arguments, "--resume", "--seed", "4")[0] == 0
    assert calls[2][0][0].run.seed == 4 and calls[2][0][0].learner.clip == 2.0


@pytest.mark.parametrize("command", ["league --workers 0", "train alphazero tic_tac_toe --workers 0 --steps 1"])
def test_a_run_folder_that_cannot_be_written(arena, command):
    Path("runs").write_text("a file where the folder should be")
    code, _, err = arena(*command.split())
    assert code == 2 and "cannot be written" in err


def test_watch_and_play_hand_over(arena, calls, played):
    calls.clear()
    assert (
        arena("watch", "tic_tac_toe", "first", "random", "--seed", "4", "--export", "a.png")[2] == "Written to a.png.\n"
    )
    (rules, agents), more = calls[0]
    assert rules.name == "tic_tac_toe" and [a.name for a in agents] == ["first", "random"] and more["seed"] == 4
    with Store.read("arena.db") as store:
        some = store.newest()
    assert arena("watch", "--game-id", some.id[:12], "--analyst", "first")[0] == 0
    shown = calls[1][0][0]
    assert (shown.names, list(shown.moves), shown.seed) == (some.seats, some.moves, some.seed)
    assert arena("watch", "--league")[0] == 0
    feed = calls[2][0][0]
    assert arena("play", "tic_tac_toe", "--against", "first", "--seat", "1")[0] == 0
    assert calls[3][0][2] == 1 and feed is not None


def test_bench_prints_rows(arena, calls):
    code, out, err = arena("bench", "rules", "--runs", "2", "--option", "a=b", "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)[0]["bench"] == "rules"
    assert calls[0][1]["options"] == {"a": "b"} and calls[0][1]["runs"] == 2
    code, out, err = arena("bench", "rules")
    assert out.startswith("bench") and err == "install it\n"
