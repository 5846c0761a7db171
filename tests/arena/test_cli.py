"""The command line: every command, what it prints where, and one sentence for whatever is wrong."""

import io
import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from agents import registry
from agents.inference import Unsuited
from arena.cli.frame import conduct, document, put
from arena.cli.inventory import LISTS
from arena.store import Store
from envs.registry import resolve

pytestmark = pytest.mark.usefixtures("here")

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
    if what != "recipes":  # which are settings, no places in the code
        for name, place in list(table.items()):
            if not (ROOT / (place.split(":")[0].replace(".", "/") + ".py")).exists():
                monkeypatch.delitem(table, name)
    code, out, _ = arena("list", what, "--json")
    assert code == 0
    assert [row["name"] for row in json.loads(out)] == list(table)
    assert all(row["summary"].endswith((".", ")", "!")) for row in json.loads(out))
    assert set(" ".join(table).split()) <= set(arena("list", what)[1].split())


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
    ("match zzzzzzzz first random", "`arena list games` names all there are."),
    ("train zzzzzzzz kuhn", "`arena list algorithms` names all there are."),
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
    ("tournament tic_tac_toe first random --db .", "no plain file"),
    ("tournament othello:size=7 first random", "7"),
    ("evaluate random cart_pole --against random", "cart_pole has one seat, and nobody is met there"),
    ("evaluate first tic_tac_to", "did you mean 'tic_tac_toe'?"),
    ("evaluate first kuhn --pairs 5", "--pairs is for the training of an answer; add --best-response ppo."),
    ("leaderboard", "There is no database arena.db"),
    ("leaderboard --db .", "no database"),
    ("verify .", "without an agent.toml"),
    ("verify none.db", "There is no database"),
    ("watch tic_tac_toe", "GAME AGENT"),
    ("watch --league --game-id 3", "Say one of three"),
    ("watch --game-id 3", "There is no database"),
    ("watch reverse untrained", "--group 8"),
    ("watch tic_tac_toe random --purpose play", "--purpose is for --league, and this is a game that is played now;"),
    ("watch tic_tac_toe random --run x", "--run is for --league, and this is a game"),
    ("watch tic_tac_toe random --prompt 3 --describe", "--prompt is for --group, and this is a game"),
    ("watch tic_tac_toe random --ply 3", "a window shows all"),
    ("watch reverse untrained --group 4 --analyst random", "--analyst is for a file of games, --league, --game-id"),
    ("watch reverse untrained --group 4 --league", "--league shows something else, and this is --group"),
    ("watch reverse untrained --group 4 --ply 3 --describe", "leave --ply out"),
    ("watch runs/x --curves --seed 0", "--seed is for --group, a game that is played now, and this is --curves;"),
    ("watch runs/x --curves --ply 0", "--ply is for --group"),
    ("watch x.pgn --run x", "--run is for --league, and this is a file of games;"),
    ("play tic_tac_toe", "--against"),
    ("play tic_tac_toe --against first --seat 2", "--seat"),
    ("train alphazer tic_tac_toe", "did you mean 'alphazero'?"),
    ("train alphazero tic_tac_to", "did you mean 'tic_tac_toe'?"),
    ("train alphazero tic_tac_toe --backbone resnett", "did you mean 'resnet'?"),
    ("train alphazero tic_tac_toe --engine natve", "did you mean 'native'?"),
    ("train alphazero tic_tac_toe --steps 5 --minutes 1", "choose one"),
    ("train alphazero tic_tac_toe --resume", "leave --resume out"),
    ("train ppo kuhn learner.clip=0.3", "A setting comes after --set, as in --set learner.clip=0.3. "),
    ("match tic_tac_toe first random mcts.sims=3", "(mcts.sims=3). `arena match --help`"),
    ("league --config none.toml", "There is no none.toml"),
    ("league --set run.minuts=3", "did you mean 'minutes'?"),
    ("league --workers many", "--workers"),
    ("bench rule", "did you mean 'rules'?"),
    ("bench rules --option x", "key=value"),
    ("bench rules --option x=1", "no option 'x'; it has none."),
]


@pytest.mark.parametrize(("command", "sentence"), WRONG)
def test_what_the_user_got_wrong_is_one_sentence_and_exit_code_2(arena, here, command, sentence):
    code, out, err = arena(*command.split(" "))
    assert code == 2
    assert sentence in err
    assert err.count("\n") == 1
    assert "Traceback" not in err
    assert out == ""
    assert {path.suffix for path in here.iterdir()} <= {".db", ".lock"}


@pytest.mark.parametrize("command", ["watch", "list"])
def test_a_command_that_wants_words_shows_its_help_without_any(arena, command):
    code, out, err = arena(command)
    assert (code, out.strip(), err) == (2, arena(command, "--help")[1].strip(), "")


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

    monkeypatch.setattr("arena.cli.inventory.known", fail)
    code, out, err = arena("list", "games")
    assert (code, out) == (2, "")
    assert err.endswith(sentence) and err.count("\n") == 1


def test_what_is_raised_in_so_many_words_is_the_users_to_mend_where_the_source_is_not_there_too(arena, monkeypatch):
    there: dict[str, Any] = {}
    exec(compile("def fail(*_):\n    raise ValueError(\n        'One sentence.')", "nowhere.py", "exec"), there)
    monkeypatch.setattr("arena.cli.inventory.known", there["fail"])
    assert arena("list", "games") == (2, "", "One sentence.\n")


OURS = {
    "operands could not be": lambda *_: np.zeros(2) + np.zeros(3),
    "a must be": lambda *_: np.random.default_rng(0).choice(0),  # in compiled code, which has frames of its own
    "Unknown format code": lambda *_: _raised(f"{'one':d}"),  # on the line of a raise, and before it
}


def _raised(words: str) -> None:
    raise ValueError(words)


@pytest.mark.parametrize("words", OURS)
def test_what_python_and_numpy_say_of_values_that_do_not_fit_is_a_fault_of_the_arenas(arena, monkeypatch, words):
    monkeypatch.setattr("arena.cli.inventory.known", OURS[words])
    code, out, err = arena("list", "games")
    assert (code, out) == (1, "") and f"Something is wrong inside the arena (ValueError: {words}" in err


def test_a_bug_is_one_sentence_and_a_traceback_on_request(arena):
    for debug in ([], ["--debug"]):
        code, out, err = arena("match", "tic_tac_toe", "broken", "random", *debug)
        assert (code, out) == (1, "")
        assert err.endswith(
            "Something is wrong inside the arena (TypeError: a bug in two lines); --debug shows where.\n"
        )
        assert ("Traceback" in err) == bool(debug)


def test_a_terminal_that_lacks_letters_ends_no_run_and_takes_nothing_from_json(monkeypatch):
    def printed(show: Callable[[], None], *arguments: str) -> str:
        out = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
        monkeypatch.setattr("sys.stdout", out)
        assert conduct(cast(Any, lambda **_: show()), list(arguments)) == 0
        return cast(io.BytesIO, out.buffer).getvalue().decode("latin-1")

    assert printed(lambda: put("naïve α-rank")) == "naïve ?-rank"
    assert json.loads(printed(lambda: document({"name": "naïve α"}), "--json")) == {"name": "naïve α"}


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
