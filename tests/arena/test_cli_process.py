"""The command line as a process of its own: what it prints where, signals, closed pipes."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from arena import cli
from arena.store import Store, StoreError
from envs.registry import GAMES

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def subprocess_arena(*arguments: str, **more) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "arena", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, **more)


def test_json_is_pure_whatever_is_printed_below(tmp_path):
    code = (
        "import os, sys; from arena import cli; from arena.cli import frame; import arena.cli.inventory as at;"
        "was = at.known; at.known = lambda *a: (print('noise'), os.system('echo deep noise'), was(*a));"
        "sys.exit(cli.run(['list', 'games', '--json']))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)) == len(GAMES)
    assert "noise" in done.stderr and "deep noise" in done.stderr


def test_the_console_script_and_the_module(tmp_path):
    done = subprocess_arena("match", "tic_tac_toe", "nobody", "random", cwd=tmp_path)
    assert done.returncode == 2 and done.stdout == "" and done.stderr.startswith("There is no agent 'nobody'")
    assert subprocess_arena("list", "games", cwd=tmp_path).returncode == 0


def test_ctrl_c_while_the_commands_are_read_is_no_traceback():
    code = (
        "import sys\n"
        "class Impatient:\n"
        "    def find_spec(self, name, *more):\n"
        "        if name == 'typer': raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Impatient())\n"
        "from arena.cli import main\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "Stopped.\n")


def test_sigterm_ends_a_command_as_ctrl_c_does():
    code = (
        "import os, signal, sys\n"
        "import arena.cli.inventory as at\n"
        "at.known = lambda *_: os.kill(os.getpid(), signal.SIGTERM)\n"
        "sys.argv[1:] = ['list', 'algorithms']\n"
        "from arena.cli import main\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (143, "Stopped.\n")


def test_ctrl_c_once_all_is_said_is_no_traceback():
    code = (
        "import atexit, os, signal, sys\n"
        "atexit.register(lambda: os.kill(os.getpid(), signal.SIGINT))\n"
        "sys.argv[1:] = ['list', 'algorithms']\n"
        "from arena.cli import main\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (-signal.SIGINT, "") and "alphazero" in done.stdout


def test_what_a_thread_ends_of_is_one_sentence(monkeypatch, capsys):
    def fail():
        raise FileNotFoundError(2, "No such file or directory", b"runs/x")

    def known(*_):
        (thread := threading.Thread(target=fail)).start()
        thread.join()

    was = threading.excepthook
    monkeypatch.setattr("arena.cli.inventory.known", known)
    assert cli.run(["list", "algorithms"]) == 0
    assert capsys.readouterr().err == "In the background: runs/x: No such file or directory.\n"
    assert threading.excepthook is was


def test_a_closed_pipe_is_no_error(tmp_path):
    done = subprocess.run(
        f"{sys.executable} -m arena list games | true", shell=True, cwd=ROOT, capture_output=True, text=True
    )
    assert "Traceback" not in done.stderr and "Error" not in done.stderr


def test_help_into_a_closed_pipe_is_no_error():
    away, pipe = os.pipe()
    os.close(away)
    command = [sys.executable, "-m", "arena", "--help"]
    done = subprocess.run(command, cwd=ROOT, stdout=pipe, stderr=subprocess.PIPE, text=True)
    os.close(pipe)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("closed", [">&-", "<&- >&- 2>&-"])
def test_a_closed_stream_is_an_empty_one(closed):
    """Nothing of ours is opened under its number: what a library prints there would go into a database."""
    code = "import sys; from arena import cli; cli.run = lambda _: open('file', 'w').fileno(); cli.main()"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(["sh", "-c", f'exec "$0" -c "$1" {closed}', sys.executable, code], env=environment)
    assert done.returncode > 2
    assert subprocess.run(f"{sys.executable} -m arena list roles {closed}", shell=True, cwd=ROOT).returncode == 0


def test_ctrl_c_within_an_exec_ends_with_our_code(tmp_path):
    """Python keeps in mind that Ctrl-C ended an exec, such as makes a dataclass, and then ends by the signal."""
    (tmp_path / "interrupted.py").write_text(
        "from arena import cli\n"
        "def run(_):\n"
        "    try: exec('raise KeyboardInterrupt')\n"
        "    except KeyboardInterrupt: return 130\n"
        "cli.run = run\n"
        "cli.main()\n"
    )
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}"}
    assert subprocess.run([sys.executable, "-m", "interrupted"], env=environment).returncode == 130


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (MemoryError(), "There is not enough memory for this; close other programs"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), "not enough memory"),
        (ImportError("libtorch.so: failed to map segment"), "cannot be loaded (libtorch.so: failed to map segment)"),
        (ModuleNotFoundError("No module named 'x'"), "is not installed (No module named 'x')"),
    ],
)
def test_what_the_machine_lacks_is_one_sentence(error, said, monkeypatch, capsys):
    def known(*_):
        raise error

    monkeypatch.setattr("arena.cli.inventory.known", known)
    assert cli.run(["list", "algorithms"]) == 2
    assert said in capsys.readouterr().err


PLAY = '''
import signal, sys, types
from agents import registry
from agents.inference import Unsuited
from arena import cli
from arena.store import Store, StoreError
import agents.scripted.random as random
import time

def stored():
    try:
        with Store.read("arena.db") as store:
            return store.count()
    except StoreError:
        return 0

begun = stored()

class Patient(random.Random):
    """Waits for the signal as soon as there is a game more."""
    name = "patient"
    def act(self, view, memory):
        while stored() > begun:
            time.sleep(0.05)
        return super().act(view, memory)

module = types.ModuleType("patience")
module.Patient = Patient
sys.modules["patience"] = module
registry.AGENTS["patient"] = "patience:Patient"
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs begin without it
sys.exit(cli.run(["tournament", "tic_tac_toe", "random", "patient", "--pairs", "2000"]))
'''


def test_a_tournament_killed_or_interrupted_goes_on_without_a_game_lost(tmp_path):
    def games() -> dict[str, str]:
        try:
            store = Store.read("arena.db")
        except StoreError:  # not there, or empty so far
            return {}
        with store:
            assert store.faults() == []
            return {game.id: " ".join(map(str, game.moves)) for game in store.games()}

    def count() -> int:
        """How many there are: quickly, so that the signal comes while there is something to interrupt."""
        try:
            with Store.read("arena.db") as store:
                return store.count()
        except StoreError:
            return 0

    before: dict[str, str] = {}
    for way, code in ((signal.SIGKILL, -9), (signal.SIGINT, 130)):
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        process = subprocess.Popen([sys.executable, "-c", PLAY], env=environment, stderr=subprocess.PIPE, text=True)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.02)
            if (tmp_path / "arena.db-wal").exists() and count() > len(before):
                break
        process.send_signal(way)
        try:
            _, err = process.communicate(timeout=60)
        finally:
            process.kill()
        assert process.returncode == code, err
        after = games()
        assert before.items() <= after.items() and len(after) > len(before)
        before = after
    assert "run the same command again" in err
