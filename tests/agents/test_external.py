"""Programs over a pipe: they play, what they do wrong is a forfeit of one kind, and what attacks stays in its box."""

from __future__ import annotations

import os
import shlex
import shutil
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest

from agents.agent import EpsilonGreedy, Unable
from agents.external import program
from agents.external.outside import hello, turn, understood
from agents.external.process import Fault, Process
from agents.external.program import Program, Settings
from agents.external.sandbox import Limits, bubblewrap, shown, usage
from agents.play import Finished, play_games, read_forfeit, written
from agents.registry import agent
from envs import kernels
from envs.registry import Unknown, game

BOTS = Path(__file__).resolve().parents[2] / "agents" / "external" / "bots"
TIC_TAC_TOE = game("tic_tac_toe")
in_a_box = pytest.mark.skipif(bubblewrap()[0] is None, reason=bubblewrap()[1])

BOT = """
import os, sys, time
legal = []
for line in sys.stdin:
    word, *rest = line.split()
    if word == "hello":
        print("ready", flush=True)
    elif word == "legal":
        legal = rest
    elif word == "go":
{go}
"""


@pytest.fixture
def bot(tmp_path):
    """Makes the command line of a bot that does `go` when it is to move."""

    def make(go: str, whole: bool = False) -> str:
        file = tmp_path / f"bot{len(list(tmp_path.iterdir()))}.py"
        file.write_text(textwrap.dedent(go) if whole else BOT.format(go=textwrap.indent(textwrap.dedent(go), " " * 8)))
        return shlex.join([sys.executable, str(file)])

    return make


FIRST = "print(legal[0], flush=True)"


def meet(command: str, count: int = 2, rules=TIC_TAC_TOE, **settings) -> list[Finished]:
    settings = {"box": "no", **settings}
    player = Program(command, Settings(**settings))
    seating = np.array([[i % 2, 1 - i % 2] for i in range(count)])
    try:
        return play_games(rules, [player, agent("random")], seating, kernels.seeds(1, count))
    finally:
        player.close()


def kinds(games: list[Finished]) -> list[str]:
    """What the program forfeited by in each game; '' where it did not."""
    found = [read_forfeit(played.reason) for played in games]
    for played, forfeit in zip(games, found, strict=True):
        if forfeit is not None:
            assert played.players[forfeit[0]] == 0
            assert played.reward == tuple(-1.0 if seat == forfeit[0] else 1.0 for seat in range(2))
    return ["" if forfeit is None else forfeit[1].kind for forfeit in found]


# --- the protocol -----------------------------------------------------------------------------------------------------


def test_what_a_program_is_told() -> None:
    rows = kernels.replay(TIC_TAC_TOE, 1, [4, 0])[-1:]
    view = kernels.view(TIC_TAC_TOE, rows)._replace(moves=[[4, 0]])
    names = TIC_TAC_TOE.names
    assert hello(TIC_TAC_TOE, 2.0) == b"arena 1\ngame tic_tac_toe\nrules 1\nseats 2\nseconds 2\nhello\n"
    legal = " ".join(names[a] for a in (1, 2, 3, 5, 6, 7, 8))
    assert turn(view, 0, 7, 1.5, "o . .\n. x .").decode().splitlines() == [
        "turn 7 0", "seconds 1.5", f"moves {names[4]} {names[0]}", f"legal {legal}", "board o . .", "board . x .", "go",
    ]  # fmt: skip
    assert understood(view, 0, names[1]) == 1
    for answer, kind in ((names[4], "illegal"), ("z9", "nonsense"), ("", "nonsense"), ("NaN", "nonsense")):
        with pytest.raises(Fault) as fault:
            understood(view, 0, answer)
        assert fault.value.kind == kind and not fault.value.fatal


def test_the_page_shows_a_turn_as_it_is_said() -> None:
    rules = game("connect_four")
    moves = [rules.action(column) for column in "ddcd"]
    view = kernels.view(rules, kernels.replay(rules, 1, moves)[-1:])._replace(moves=[moves])
    assert view.text is not None
    page = (BOTS.parent / "README.md").read_text()
    assert f"```\n{turn(view, 0, 7, 2.0, view.text(0)).decode()}```" in page


def test_squares_are_named_as_on_the_board_that_is_shown() -> None:
    """1 d3 exd3 2 Bd2: seat 1's own side calls its capture e2d3, and from there White's pawn would be taken."""
    rules = game("gardner_chess")
    moves = [rules.action(name) for name in ("d2d3", "e2d3", "c1d2")]
    view = kernels.view(rules, kernels.replay(rules, 1, moves)[-1:])._replace(moves=[moves])
    assert view.text is not None
    lines = turn(view, 0, 1, 2.0, view.text(0)).decode().splitlines()
    assert lines[2:4] == ["moves d2d3 e4d3 c1d2", "legal d3c2 d3e2 a4a3 b4b3 c4c3 b5a3 b5c3 d5e4 e5e4"]
    assert lines[4:9] == [
        "board 5 r n b q k", "board 4 p p p p .", "board 3 . . . p .", "board 2 P P P B P", "board 1 R N . Q K",
    ]  # fmt: skip
    assert rules.names[understood(view, 0, "d3c2")] == "d3c4"
    with pytest.raises(Fault, match=r"'d3c4', which is not legal, where d3c2, d3e2"):
        understood(view, 0, "d3c4")
    assert rules.told(0) == rules.names and TIC_TAC_TOE.told(1) == TIC_TAC_TOE.names


def test_numbers_as_answers() -> None:
    rules = game("pendulum")
    view = kernels.view(rules, kernels.new_rows(rules, kernels.seeds(1, 1)))
    assert understood(view, 0, "0.5").tolist() == [0.5]
    for answer, kind in (
        ("nan", "nonsense"),
        ("inf", "nonsense"),
        ("1 1", "nonsense"),
        ("a", "nonsense"),
        ("9", "illegal"),
    ):
        with pytest.raises(Fault) as fault:
            understood(view, 0, answer)
        assert fault.value.kind == kind


def test_the_example_in_python_plays_whatever_there_is() -> None:
    command = shlex.join([sys.executable, str(BOTS / "random_bot.py")])
    for spec in ("tic_tac_toe", "kuhn"):
        games = meet(command, 4, game(spec))
        assert kinds(games) == [""] * 4
    rules = game("pendulum:limit=5")
    (played,) = play_games(rules, [agent(f"exec,box=no:{command}")], np.zeros((1, 1), np.int64), kernels.seeds(1, 1))
    assert len(played.moves) == 5 and not played.reason


@pytest.mark.skipif(shutil.which("node") is None, reason="no node here")
def test_the_example_in_javascript_plays() -> None:
    assert kinds(meet(f"node {BOTS / 'random_bot.js'}", 4)) == [""] * 4


@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler here")
def test_the_example_in_c_plays(tmp_path) -> None:
    assert os.spawnvp(os.P_WAIT, "cc", ["cc", "-o", f"{tmp_path}/bot", str(BOTS / "random_bot.c")]) == 0
    assert kinds(meet(f"{tmp_path}/bot", 4)) == [""] * 4


def test_the_moves_so_far_lead_to_the_position_shown(bot, tmp_path) -> None:
    heard = tmp_path / "heard"
    command = bot(f"open({str(heard)!r}, 'a').write(moves + '\\n')\n{FIRST}")
    source = Path(shlex.split(command)[1])
    source.write_text(
        source.read_text().replace(
            '    elif word == "legal"',
            '    elif word == "moves":\n        moves = " ".join(rest)\n    elif word == "legal"',
        )
    )
    (played,) = meet(command, 1)
    told = heard.read_text().splitlines()
    names = [TIC_TAC_TOE.names[move] for move in played.moves]
    assert told == [" ".join(names[:ply]) for ply in range(0, len(names), 2)]


# --- what goes wrong --------------------------------------------------------------------------------------------------

WRONGS = {
    "illegal": ("print('a1 b2 c3 a2 b1 c1 a3 b3 c2'.split()[0] if 'a1' not in legal else 'b2', flush=True)", "illegal"),
    "no move": ("print('xyzzy', flush=True)", "nonsense"),
    "NaN": ("print('NaN', flush=True)", "nonsense"),
    "JSON": ("print('{\"move\":', flush=True)", "nonsense"),
    "nothing": ("print(flush=True)", "nonsense"),
    "bytes": ("os.write(1, bytes(range(128, 255)) + b'\\n')", "nonsense"),
    "twice": ("os.write(1, (legal[0] + '\\n' + legal[0] + '\\n').encode())", "nonsense"),
    "late": ("time.sleep(60)", "late"),
    "endless": ("while True: pass", "late"),
    "exit": ("sys.exit(3)", "crash"),
    "exception": ("raise RuntimeError('no idea')", "crash"),
    "kill": ("os.kill(os.getpid(), 9)", "crash"),
    "kill its group": ("os.kill(0, 15); time.sleep(9)", "crash"),
    "closed": ("os.close(1); time.sleep(60)", "crash"),
    "long line": ("os.write(1, b'x' * 10_000_000)", "flood"),
    "flood": ("while True: os.write(1, b'y\\n' * 4096)", "flood"),
    "loud": ("while True: os.write(2, b'z' * 65536)", "flood"),
    "many lines": ("os.write(1, b'y\\n' * 1000)", "nonsense"),
}


@pytest.mark.parametrize("wrong", sorted(WRONGS))
def test_a_wrong_is_a_forfeit_of_its_kind(wrong: str, bot) -> None:
    go, kind = WRONGS[wrong]
    if wrong == "illegal":
        taken = TIC_TAC_TOE.names[0]
        go = f"print({taken!r} if {taken!r} not in legal else legal[0], flush=True)"
    games = meet(bot(go), 2, move=0.4)
    assert kind in kinds(games), [played.reason for played in games]
    assert set(kinds(games)) <= {kind, ""} | ({"crash", "late"} if kind == "flood" else set())


def test_a_forfeit_loses_one_game_and_the_program_plays_on(bot) -> None:
    games = meet(bot(f"if len(legal) == 9: sys.exit('not as the first')\n{FIRST}"), 6)
    assert kinds(games) == ["crash", "", "crash", "", "crash", ""]
    assert "'not as the first'" in games[0].reason and games[0].moves == []
    assert all(kernels.replay(TIC_TAC_TOE, played.seed, played.moves)[-1]["done"] for played in games[1::2])


def test_who_never_answers_costs_three_moves_time_and_not_one_for_each_game(bot) -> None:
    player = Program(bot("time.sleep(60)"), Settings(move=0.2, box="no"))
    starts: list[int] = []
    original = Process.ask

    def counted(self: Process, message: bytes, seconds: float) -> str:
        starts.append(message.startswith(b"turn"))
        return original(self, message, seconds)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Process, "ask", counted)
        games = play_games(TIC_TAC_TOE, [player, player], np.tile([0, 1], (20, 1)), kernels.seeds(1, 20))
    assert [read_forfeit(played.reason)[1].kind for played in games] == ["late"] * 20  # type: ignore[index]
    assert sum(starts) == 3


@pytest.mark.parametrize(
    "start", ["import sys; sys.exit('no')", "print('hello', flush=True); input()", "import time; time.sleep(60)"]
)
def test_who_does_not_start_forfeits(start: str, bot) -> None:
    assert kinds(meet(bot(start, whole=True), 2, start=0.5)) == ["start"] * 2


def test_the_time_for_a_game_runs_out(bot) -> None:
    games = meet(bot(f"time.sleep(0.15)\n{FIRST}"), 1, game=0.2)
    assert kinds(games) == ["late"] and len(games[0].moves) == 2
    assert kinds(meet(bot(FIRST), 2, game=60)) == [""] * 2


def test_a_forfeit_survives_a_wrapper_and_its_writing(bot) -> None:
    player = EpsilonGreedy(Program(bot("print('no', flush=True)"), Settings(box="no")), 0.0)
    (played,) = play_games(TIC_TAC_TOE, [player, agent("random")], np.array([[1, 0]]), kernels.seeds(1, 1))
    seat, forfeit = read_forfeit(played.reason)  # type: ignore[misc]
    assert (seat, forfeit.kind, played.reward) == (1, "nonsense", (1.0, -1.0)) and len(played.moves) == 1
    assert written(seat, forfeit) == played.reason
    assert read_forfeit("") is None and read_forfeit("stopped: by hand") is None


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        ("exec:", "needs a command"),
        ("exec:no_such_program_anywhere --x", "There is no program 'no_such_program_anywhere'"),
        ("exec,move=0:true", "above 0"),
        ("exec,move=nan:true", "above 0"),
        ("exec,processes=0:true", "from 1 to 4096"),
        ("exec,box=maybe:true", "auto, yes or no"),
        ("exec,folder=no/such:true", "no folder"),
        ("exec,log=no/such/file:true", "log is a file in a folder that there is"),
        ("exec,moves=3:true", "did you mean 'move'"),
        ("exec:'open", "no command line"),
    ],
)
def test_what_cannot_be_run_is_said_and_is_no_result(spec: str, text: str) -> None:
    with pytest.raises((Unable, Unknown), match=text) as error:
        agent(spec)
    assert str(error.value).endswith((".", "?"))


def test_a_stand_in_of_a_version_manager_is_no_program_for_a_box(tmp_path, monkeypatch) -> None:
    (tmp_path / "shims").mkdir()
    (tmp_path / "shims/python9").write_text("#!/bin/sh\n")
    (tmp_path / "shims/python9").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "shims"), prepend=os.pathsep)
    monkeypatch.setattr(program, "bubblewrap", lambda: ("/usr/bin/bwrap", ""))
    with pytest.raises(Unable, match="pyenv which python9"):
        agent("exec:python9 bot.py")
    assert agent("exec,box=no:python9 bot.py").name == "python9 bot.py"


def test_a_command_is_taken_as_it_stands() -> None:
    made = agent("exec,move=5,box=no:true --a=b,c:d 'two words'")
    assert isinstance(made, Program)
    assert made._command == ["true", "--a=b,c:d", "two words"]
    assert (made.settings.move, made.name) == (5, "true --a=b,c:d 'two words',move=5")
    assert agent("exec,name=ann,box=no:true").name == "ann"


def test_all_that_is_heard_and_said_can_be_kept(bot, tmp_path) -> None:
    log = tmp_path / "bot.log"
    command = bot(f"if len(legal) < 9: sys.exit('tired')\nprint('thinking', file=sys.stderr, flush=True)\n{FIRST}")
    (played,) = meet(command, 1, log=str(log))
    lines = log.read_text().splitlines()
    assert lines[:2] == ["> arena 1", "> game tic_tac_toe"] and lines[5:7] == ["> hello", "< ready"]
    first = TIC_TAC_TOE.names[played.moves[0]]
    assert f"< {first}" in lines and "# thinking" in lines and "# tired" in lines
    assert lines[-1] == "! crash: it exited with code 1: 'tired'."
    told = "".join(f"{line[2:]}\n" for line in lines if line.startswith("> "))
    again = subprocess.run(shlex.split(command), input=told, capture_output=True, text=True, check=False)
    assert again.stdout.split() == ["ready", first] and again.returncode == 1


def test_nothing_is_left_of_a_program_that_is_closed(bot) -> None:
    go = f"import subprocess\nsubprocess.Popen(['sleep', '600'])\n{FIRST}"
    player = Program(bot(go), Settings(box="no"))
    play_games(TIC_TAC_TOE, [player, agent("random")], np.array([[0, 1]]), kernels.seeds(1, 1))
    (process,) = player._lines.values()
    family = usage(process._popen.pid)[0]
    assert len(family) > 1
    player.close()
    deadline = time.monotonic() + 5
    while any(alive(one) for one in family) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not any(alive(one) for one in family)


def alive(process: int) -> bool:
    try:
        return b") Z" not in Path(f"/proc/{process}/stat").read_bytes()
    except OSError:
        return False


# --- attacks ----------------------------------------------------------------------------------------------------------

FORK_BOMB = "while True:\n    try: os.fork()\n    except OSError: pass"
SHARED = "import mmap\nbig = mmap.mmap(-1, 8 << 30)\nfor i in range(0, 8 << 30, 4096): big[i] = 1"
WRITE = "part = b'x' * (1 << 20)\nfor i in range(10_000):\n    open(f'/tmp/{i // 32}', 'ab').write(part)"
ATTACKS = {
    "fork bomb": (FORK_BOMB, {"late", "crash", "limit", "flood"}),
    "8 GB": ("hoard = bytearray(8 << 30)", {"crash"}),
    "8 GB shared": (SHARED, {"limit", "crash", "late"}),
    "endless loop": ("while True: pass", {"late"}),
    "network": ("import socket\nsocket.create_connection(('127.0.0.1', PORT), 2)", {"crash"}),
    "the opponent's files": ("print(open(OPPONENT).read(), file=sys.stderr)\n" + FIRST, {"crash"}),
    "passwords": ("open('/etc/passwd').read()", {"crash"}),
    "10 GB": (WRITE, {"crash", "late"}),
    "writing beside itself": ("open(__file__, 'a').write('#')", {"crash"}),
    "writing to the root": ("open('/here', 'w').write('#')", {"crash"}),
    "flood": ("while True: os.write(1, b'y' * 65536)", {"flood"}),
    "kill": ("os.kill(os.getpid(), 9)", {"crash"}),
    "killing others": ("os.kill(-1, 9) if os.getppid() else None\ntime.sleep(9)", {"crash", "late"}),
}


@in_a_box
@pytest.mark.parametrize("attack", sorted(ATTACKS))
def test_an_attack_stays_in_its_box(attack: str, bot, tmp_path) -> None:
    go, expected = ATTACKS[attack]
    secret = tmp_path / "opponent.py"
    secret.write_text("the winning move")
    listener = socket.create_server(("127.0.0.1", 0))
    go = go.replace("PORT", str(listener.getsockname()[1])).replace("OPPONENT", repr(str(secret)))
    hostile, honest = bot(go), bot(FIRST)
    free = shutil.disk_usage(tmp_path).free
    games = meet(hostile, 1, box="yes", move=1.5, memory=256)
    assert set(kinds(games)) <= expected, games[0].reason
    listener.setblocking(False)
    with pytest.raises(BlockingIOError):
        listener.accept()
    assert secret.read_text() == "the winning move" and free - shutil.disk_usage(tmp_path).free < 1 << 30
    assert kinds(meet(honest, 2, box="yes")) == [""] * 2
    listener.close()


def test_without_a_box_limits_hold_all_the_same(bot) -> None:
    if shutil.which("prlimit") is None:
        pytest.skip("no prlimit here")
    assert kinds(meet(bot("hoard = bytearray(8 << 30)"), 1, memory=256)) == ["crash"]
    (played,) = meet(
        bot("import subprocess\nfor _ in range(30): subprocess.Popen(['sleep', '9'])\ntime.sleep(9)"), 1, processes=8
    )
    assert kinds([played]) == ["limit"], played.reason


def test_a_box_shows_what_the_command_names(tmp_path) -> None:
    (tmp_path / "bin").mkdir()
    for name in ("bot.py", "other.py", "bin/python3"):
        (tmp_path / name).write_text("")
    (tmp_path / "bin/python3").chmod(0o755)
    (tmp_path / "pyvenv.cfg").write_text("")
    assert shown(["sh", str(tmp_path / "bot.py"), "--x", "nothing"]) == [tmp_path / "bot.py"]
    assert shown(["sh"], tmp_path) == [tmp_path]
    assert shown([str(tmp_path / "bin/python3")]) == [tmp_path]
    assert Limits().processes == Settings().limits.processes


def test_a_program_is_known_by_its_command_and_its_files(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "all" / "__pycache__").mkdir(parents=True)
    for name in ("bot.py", "book", "other", "all/more.py", "all/__pycache__/x"):
        (tmp_path / name).write_text(name)

    def known(command: str, folder: str = "", log: str = "") -> str:
        return Program(f"{sys.executable} {command}", Settings(box="no", folder=folder, log=log)).digest()

    first, inside = known("bot.py book"), known("bot.py", folder="all")
    assert first == known(f"{tmp_path}/bot.py book") and len({first, inside, known("bot.py book -v")}) == 3
    for name in ("other", "all/__pycache__/x"):
        (tmp_path / name).write_text("changed")
    assert first == known("bot.py book") and inside == known("bot.py", folder="all")
    (tmp_path / "all" / "bot.log").write_text("> hello")
    assert inside == known("bot.py", folder="all", log="all/bot.log") != known("bot.py", folder="all")
    (tmp_path / "all" / "bot.log").unlink()
    (tmp_path / "all" / "more.py").write_text("changed")
    assert first == known("bot.py book") and inside != known("bot.py", folder="all")
    (tmp_path / "book").write_text("changed")
    assert first != known("bot.py book")
