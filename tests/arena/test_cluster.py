"""Ray: how it is started, what it is told, and what becomes of workers that are lost."""

from __future__ import annotations

import functools
import inspect
import os
import subprocess
import sys
import types
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from arena import cluster
from arena.cluster import NoCluster, make_pool, stop_ray
from arena.config import load
from arena.store import Store
from arena.tournament import contest, tournament


def light() -> type:
    """A worker that is made at once: it is sent whole, and imports nothing."""

    class Light:
        def __init__(self, order, state):
            self.order = order

        def ready(self):
            return self.order

    return Light


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home of its own, where no token is."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / ".ray"


def test_a_token_is_made_once_and_for_this_user_alone(home):
    cluster._own_token()
    token = home / "auth_token"
    first = token.read_text()
    assert len(first) == 64 and token.stat().st_mode & 0o777 == 0o600
    token.chmod(0o644)
    cluster._own_token()
    assert token.read_text() == first and token.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in home.iterdir()] == ["auth_token"]


def test_an_empty_token_is_replaced(home):
    home.mkdir()
    (home / "auth_token").touch()
    cluster._own_token()
    assert len((home / "auth_token").read_text()) == 64


def test_two_first_starts_at_once_agree_on_a_token(home, monkeypatch):
    real, seen = os.link, []

    def late(source, target):
        """The other start is faster."""
        if not seen:
            seen.append(True)
            cluster._own_token()
            seen.append(Path(target).read_text())
        real(source, target)

    monkeypatch.setattr(os, "link", late)
    cluster._own_token()
    assert (home / "auth_token").read_text() == seen[1]
    assert [path.name for path in home.iterdir()] == ["auth_token"]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: cluster._own_token(), range(32)))
    assert (home / "auth_token").read_text() == seen[1]


def test_a_start_that_is_cut_short_leaves_no_token(home, monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(NoCluster, match="No space left on device"):
            cluster._own_token()
    assert list(home.iterdir()) == []


def test_ray_is_always_asked_for_tokens_and_never_to_report(tmp_path):
    stub = tmp_path / "ray"
    stub.mkdir()
    (stub / "__init__.py").write_text("def is_initialized(): return True\n")
    (stub / "exceptions.py").write_text("class RayError(Exception): pass\n")
    program = """
import os, sys
if sys.argv[1] == "imported":
    import ray
from arena.cluster import start_ray
start_ray(1, None)
print(os.environ["RAY_AUTH_MODE"], os.environ["RAY_USAGE_STATS_ENABLED"])
"""

    def run(how: str) -> subprocess.CompletedProcess[str]:
        root = Path(__file__).resolve().parents[2]
        env = {**os.environ, "HOME": str(tmp_path), "RAY_AUTH_MODE": "disabled", "PYTHONPATH": f"{tmp_path}:{root}"}
        command = [sys.executable, "-c", program, how]
        return subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert run("fresh").stdout.split() == ["token", "0"]
    assert "RAY_AUTH_MODE" in run("imported").stderr  # too late to turn it on


def test_what_was_never_started_is_not_imported_to_be_stopped(monkeypatch):
    monkeypatch.delitem(sys.modules, "ray", raising=False)
    stop_ray()
    assert "ray" not in sys.modules


@pytest.mark.skipif(sys.platform == "win32", reason="Ray's socket is a file elsewhere")
@pytest.mark.parametrize(("how", "code", "out"), [("dies", 2, ""), ("stopped", 0, "it lives\n")])
def test_the_death_of_rays_own_process_is_told_and_its_end_is_not(tmp_path, how, code, out):
    program = """
import socket, sys, threading
from arena import cluster
path, how = sys.argv[1:]
server = socket.socket(socket.AF_UNIX)
server.bind(path)
server.listen()
stopped = threading.Event()
waiting = threading.Thread(target=cluster._outlive, args=(path, stopped))
waiting.start()
line, _ = server.accept()
if how == "stopped":
    stopped.set()
line.close()
server.close()
waiting.join()
print("it lives")
"""
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-c", program, "raylet", how]
    env = {**os.environ, "PYTHONPATH": str(root)}
    done = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (code, out)
    assert done.stderr == (cluster.DIED if how == "dies" else "")


def test_a_ray_that_starts_too_slowly_is_one_sentence(home, monkeypatch):
    def init(**_):
        raise Exception("The current node timed out during startup. This could happen because ...")

    stub = types.ModuleType("ray")
    stub.is_initialized, stub.init = lambda: False, init  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "ray", stub)
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    with pytest.raises(NoCluster, match=r"\(The current node timed out during startup\); --workers 0 runs without it"):
        cluster.start_ray(1, None)


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ("raise KeyboardInterrupt", 130),
        ("os.kill(os.getpid(), signal.SIGTERM)", 143),
        ("raise SystemExit(15)", 143),  # by Ray's own handler of SIGTERM
    ],
)
def test_a_signal_while_ray_starts_ends_the_process_before_rays_own_threads_can_crash_it(tmp_path, how, code):
    (tmp_path / "ray.py").write_text(
        "import atexit, os, signal\n"
        "def is_initialized(): return False\n"
        f"def init(**_): {how}\n"
        "atexit.register(print, 'shutdown')\n"
    )
    program = """
import atexit, sys
atexit.register(print, "what Python goes on with, and C++ after it")
from arena import cli
from arena.cluster import start_ray, stop_ray
import arena.cli.inventory as at

def known(*_):
    try:
        start_ray(1, None)
    finally:
        stop_ray()

at.known = known
sys.argv[1:] = ["list", "algorithms"]
cli.main()
"""
    root = Path(__file__).resolve().parents[2]
    env = {**os.environ, "HOME": str(tmp_path), "PYTHONPATH": f"{tmp_path}:{root}", "RAY_AUTH_TOKEN": "x"}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (code, "shutdown\n", "Stopped.\n")


RAY = """
import signal, socket
on, number = False, 0
def is_initialized(): return on
def init(**_):
    global on, number, server
    on, number = True, number + 1
    signal.signal(signal.SIGTERM, lambda *_: None)  # as the real one does
    server = socket.socket(socket.AF_UNIX)
    server.bind(f"ray{number}")
    server.listen()
def shutdown():
    global on
    on = False
def nodes(): return [{"NodeID": 0, "RayletSocketName": f"ray{number}"}]
def get_runtime_context():
    class Here:
        def get_node_id(self): return 0
    return Here()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Ray's socket is a file elsewhere")
def test_ray_that_was_stopped_may_end_late_when_it_was_started_again(tmp_path):
    stub = tmp_path / "ray"
    stub.mkdir()
    (stub / "__init__.py").write_text(RAY)
    (stub / "exceptions.py").write_text("class RayError(Exception): pass\n")
    program = """
import signal, threading
from arena.cluster import start_ray, stop_ray
import ray
start_ray(1, None)
assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
(first,), before = [t for t in threading.enumerate() if t is not threading.main_thread()], ray.server
line, _ = before.accept()
stop_ray()
start_ray(1, None)
second, _ = ray.server.accept()
line.close()
before.close()
first.join(60)
print(first.is_alive(), len(threading.enumerate()), flush=True)
second.close()
ray.server.close()
[thread.join() for thread in threading.enumerate() if thread is not threading.main_thread()]
"""
    root = Path(__file__).resolve().parents[2]
    env = {**os.environ, "HOME": str(tmp_path), "PYTHONPATH": f"{tmp_path}:{root}", "RAY_AUTH_TOKEN": "x"}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (2, "False 2\n", cluster.DIED)  # the second's end is a death


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says which cores a process may use")
def test_there_are_as_many_workers_as_cores_that_may_be_used(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3})
    assert load(None, ["workers.count=auto"]).worker_count == 1


@pytest.mark.ray
@pytest.mark.parametrize("kind", ["ActorUnavailableError", "ObjectLostError"])
def test_a_worker_that_is_lost_is_ended_and_made_again(monkeypatch, kind):
    import ray
    from ray import exceptions as of

    pool = make_pool(["order"], [None], local=False, kind=light())
    assert isinstance(pool, cluster.RayPool)
    assert pool.finish(pool.start(0, "ready")) == "order"
    errors = {
        "ActorUnavailableError": of.ActorUnavailableError("gone for now", None),
        "ObjectLostError": of.ObjectLostError("00" * 28, None, ""),  # type: ignore[arg-type]
    }
    real, left, old = ray.get, [errors[kind]], pool.actors[0]

    def get(reference):
        if left:
            raise left.pop()
        return real(reference)

    monkeypatch.setattr(ray, "get", get)
    assert pool.finish(pool.start(0, "ready")) == "order"
    assert pool.restarts == 1 and pool.deaths == [0]
    with pytest.raises(of.RayActorError):
        real(old.ready.remote())
    left.append(of.RaySystemError("the node is gone"))
    with pytest.raises(NoCluster, match="Ray has failed"):
        pool.finish(pool.start(0, "ready"))
    pool.close()


@pytest.mark.ray
def test_a_worker_that_cannot_be_made_says_why_at_once():
    class Broken:
        def __init__(self, *_):
            raise KeyError("boom")

        def ready(self): ...

    pool = make_pool([None], [None], local=False, kind=Broken)
    with pytest.raises(NoCluster, match=r"cannot make workers \(KeyError: .boom.\)"):
        pool.finish(pool.start(0, "ready"))
    assert pool.restarts == 0
    pool.close()


@pytest.mark.ray
def test_a_worker_that_dies_again_and_again_is_given_up(monkeypatch, capfd):
    monkeypatch.setattr(cluster, "DEATHS", 2)
    monkeypatch.setattr(cluster, "SLOW", 0.001)
    pool = make_pool(["order"], [None], local=False, kind=light())
    with pytest.raises(NoCluster, match="Worker 0 has died 2 times in a row"):
        pool.finish(pool.start(0, "__ray_call__", lambda worker: os._exit(1)))
    assert pool.restarts == 1
    slow = "Worker 0 is slow to start, or slow at its first call; it is waited for.\n"  # once in each life
    assert capfd.readouterr().err == f"{slow}Worker 0 has died; it is made again, and its calls are made anew.\n{slow}"
    pool.close()


@pytest.mark.ray
def test_ray_waits_for_none_of_its_agents_to_name_a_port(monkeypatch, tmp_path):
    """It would end itself after 15 seconds, which a crowded machine needs; told by Ray's own signature and files."""
    from ray._private import services

    given, told = inspect.signature(services.start_raylet), []

    @functools.wraps(services.start_raylet)
    def started(*args, **more):
        told.append(given.bind(*args, **more).arguments)

    monkeypatch.setattr(services, "start_raylet", started)
    node, needed = "0f" * 28, {name: None for name, one in given.parameters.items() if one.default is one.empty}
    with cluster._unhurried():
        services.start_raylet(**{**needed, "session_dir": str(tmp_path), "node_id": node, "runtime_env_agent_port": 0})
    assert services.start_raylet is started and told[0]["runtime_env_agent_port"] > 1023
    ports = [f"{name}_port_{node}" for name in ("dashboard_agent_listen", "metrics_agent", "metrics_export")]
    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == dict.fromkeys(ports, "-1")


@pytest.mark.ray
def test_a_tournament_on_ray_is_the_one_in_this_process(tmp_path):
    entered, tables = contest("tic_tac_toe", ["random", "alphabeta:depth=1", "alphabeta:depth=2"], seed=1), []
    for workers in (0, 1):
        with Store(tmp_path / f"{workers}.db") as store:
            tables.append(tournament(store, entered, "swiss", 3, workers=workers))
            assert store.count() == tables[0].games
    assert str(tables[0]) == str(tables[1])
