"""Workers as Ray actors, or in this process; Ray is started, called and asked here alone.

Both kinds of pool give the same results for the same calls: a call's outcome depends on the worker's state, the
arguments and nothing else. A worker that dies is made again from its order and the state that came with its last
chunk, and its calls are given out again, in their order.

Ray is always asked for token authentication, and never to report its use. Where its own process on a machine dies, it
ends all that called it there, without a reason: so a thread waits for that, and gives one. A crowded machine is waited
for, with a sentence, where Ray would give up.
"""

from __future__ import annotations

import atexit
import inspect
import os
import secrets
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, TypeVar

from arena.stopping import Terminated
from arena.worker import Worker

Item = TypeVar("Item")

DEATHS = 5
"""Of one worker, one after the other without a finished call between them, before the pool gives up."""

SLOW = 60.0
"""Seconds after which a worker that has not answered since it was made is spoken of."""
PATIENCE = {"RAY_agent_register_timeout_ms": "600000", "RAY_worker_register_timeout_seconds": "600"}
"""How long Ray's own processes and workers may take to start before it ends them; by itself half a minute and one."""

DIED = (
    "Ray's process on this machine (raylet) has died, perhaps for want of memory; start again: a run goes on from its "
    "last kept state.\n"
)

_running: list[threading.Event] = []
"""Of the Ray that runs: set once it is wanted no more, so that its end is no death."""

_broken_off: list[int] = []
"""The exit code for what came while Ray was started, Ctrl-C or SIGTERM."""


@atexit.register  # before Ray's own, which is registered on import: so it is called after that
def _end_at_once() -> None:
    """Ends this process if a signal has broken off Ray's start.

    Ray's library may have begun threads of which its own shutdown does not know: they hold the process for half a
    minute, and then crash it.
    """
    if _broken_off:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(_broken_off[0])


class NoCluster(ValueError):
    """Ray could not be started or reached, or cannot keep workers alive; the text says why and what to do."""


class Pool(Protocol):
    """Workers that can be given calls and asked for the results later."""

    size: int
    restarts: int

    def share(self, value: Any) -> Any:
        """A handle for a large value that many calls will be given."""
        ...

    def start(self, worker: int, method: str, *args: Any) -> Any:
        """Gives worker number `worker` a call; its calls are done in order. Returns a ticket."""
        ...

    def finish(self, ticket: Any) -> Any:
        """The result of a call."""
        ...

    def remember(self, worker: int, state: Mapping[str, Any]) -> None:
        """The state from which this worker is to be made again, should it die."""
        ...

    def close(self) -> None: ...


class LocalPool:
    """Workers in this process; a call runs when its result is asked for."""

    def __init__(
        self, orders: Sequence[Any], states: Sequence[Mapping[str, Any] | None], kind: Callable[..., Any] = Worker
    ) -> None:
        self.size = len(orders)
        self.restarts = 0
        self.workers = [kind(order, state) for order, state in zip(orders, states, strict=True)]

    def share(self, value: Any) -> Any:
        return value

    def start(self, worker: int, method: str, *args: Any) -> Callable[[], Any]:
        return lambda: getattr(self.workers[worker], method)(*args)

    def finish(self, ticket: Callable[[], Any]) -> Any:
        return ticket()

    def remember(self, worker: int, state: Mapping[str, Any]) -> None:
        pass

    def close(self) -> None:
        pass


@dataclass(eq=False)
class Ticket:
    """A call under way on Ray."""

    worker: int
    method: str
    args: tuple[Any, ...]
    reference: Any


@dataclass
class RayPool:
    """Workers as Ray actors of one core each."""

    orders: Sequence[Any]
    states: list[Mapping[str, Any] | None]
    address: str | None = None
    kind: type = Worker
    restarts: int = 0
    actors: list[Any] = field(default_factory=list)
    calls: list[list[Ticket]] = field(default_factory=list)
    """Of each worker those whose results nobody has had yet, in order."""
    deaths: list[int] = field(default_factory=list)
    """Of each worker since it last finished a call."""
    up: list[bool] = field(default_factory=list)
    """Whether each worker has finished a call in this life, or has been said to be slow."""

    def __post_init__(self) -> None:
        self.size = len(self.orders)
        start_ray(self.size, self.address)
        self.actors = [self._make(i) for i in range(self.size)]
        self.calls = [[] for _ in range(self.size)]
        self.deaths = [0] * self.size
        self.up = [False] * self.size

    def _make(self, worker: int) -> Any:
        import ray

        actor = ray.remote(num_cpus=1, max_restarts=0)(self.kind)
        return actor.remote(self.orders[worker], self.states[worker])

    def share(self, value: Any) -> Any:
        import ray

        return ray.put(value)

    def start(self, worker: int, method: str, *args: Any) -> Ticket:
        ticket = Ticket(worker, method, args, self._call(worker, method, args))
        self.calls[worker].append(ticket)
        return ticket

    def _call(self, worker: int, method: str, args: tuple[Any, ...]) -> Any:
        return getattr(self.actors[worker], method).remote(*args)

    def finish(self, ticket: Ticket) -> Any:
        import ray
        from ray import exceptions as of

        while True:
            try:
                self._await(ticket)
                result = ray.get(ticket.reference)
            except of.RayTaskError as error:
                self.calls[ticket.worker].remove(ticket)
                raise error.cause from error  # what the worker raised, as it would be raised without Ray
            except (
                of.RayActorError,
                of.WorkerCrashedError,
                of.OutOfMemoryError,
                of.NodeDiedError,
                of.ObjectLostError,  # the worker may live, but it is past the call whose result is gone
            ) as death:
                self._replace(ticket.worker, death)
            except of.RayError as error:
                raise NoCluster(f"Ray has failed ({_first_line(error)}); start again to go on.") from error
            else:
                self.calls[ticket.worker].remove(ticket)
                self.deaths[ticket.worker] = 0
                self.up[ticket.worker] = True
                return result

    def _await(self, ticket: Ticket) -> None:
        """Says of a worker that is long in coming that it is waited for."""
        import ray

        if self.up[ticket.worker] or ray.wait([ticket.reference], timeout=SLOW)[0]:
            return
        self.up[ticket.worker] = True
        _say(f"Worker {ticket.worker} is slow to start, or slow at its first call; it is waited for.")

    def _replace(self, worker: int, death: Exception) -> None:
        """Makes a worker again and gives it its calls in their order, the one that failed and those after it.

        Raises NoCluster if that has not helped so far or cannot help.
        """
        import ray
        from ray.exceptions import RayActorError

        if isinstance(death, RayActorError) and death.actor_init_failed:
            raise NoCluster(f"Ray cannot make workers ({_last_line(death)}); --workers 0 runs without it.") from death
        self.deaths[worker] += 1
        if self.deaths[worker] >= DEATHS:
            raise NoCluster(
                f"Worker {worker} has died {DEATHS} times in a row ({_last_line(death)}); if memory runs out, set fewer"
                " workers or smaller lanes of the player; started again, the run goes on."
            ) from death
        ray.kill(self.actors[worker])  # it may live on, unreachable, and hold its core
        _say(f"Worker {worker} has died; it is made again, and its calls are made anew.")
        self.restarts += 1
        self.up[worker] = False
        self.actors[worker] = self._make(worker)
        for ticket in self.calls[worker]:
            ticket.reference = self._call(worker, ticket.method, ticket.args)

    def remember(self, worker: int, state: Mapping[str, Any]) -> None:
        self.states[worker] = state

    def close(self) -> None:
        import ray

        for actor in self.actors:
            with suppress(Exception):  # a Ray that has failed must not hide why
                ray.kill(actor)


def make_pool(
    orders: Sequence[Any],
    states: Sequence[Mapping[str, Any] | None],
    *,
    local: bool,
    address: str | None = None,
    kind: type = Worker,
) -> Pool:
    """Workers for these orders, each going on from its state; `local` = in this process, without Ray.

    A worker is made as `kind(order, state)`.
    """
    return LocalPool(orders, states, kind) if local else RayPool(orders, list(states), address, kind)


def spread(
    call: Callable[[Item], Any], items: Sequence[Item], workers: int, address: str | None = None
) -> Iterator[tuple[int, Any]]:
    """(number of the item, result) of a call of each item, as they finish.

    On so many cores of this machine, or of the cluster at `address`; with no workers, in turn in this process. A call
    whose process dies is made again.
    """
    if not workers:
        for i, item in enumerate(items):
            yield i, call(item)
        return
    if not items:
        return
    start_ray(workers, address)
    import ray
    from ray.exceptions import RayError, RayTaskError

    task = ray.remote(num_cpus=1, max_retries=DEATHS)(call)
    waiting = {task.remote(item): i for i, item in enumerate(items)}
    try:
        while waiting:
            (done,), _ = ray.wait(list(waiting), num_returns=1)
            try:
                result = ray.get(done)
            except RayTaskError as error:
                raise error.cause from error
            except RayError as error:
                raise NoCluster(f"Ray has failed ({_first_line(error)}); start again to go on.") from error
            yield waiting.pop(done), result
    finally:
        for left in waiting:
            ray.cancel(left, force=True)


def start_ray(cores: int, address: str | None) -> None:
    """Starts Ray on this machine, or joins the cluster at `address`; always with token authentication."""
    if "ray" not in sys.modules:  # these are read once, on import
        os.environ["RAY_AUTH_MODE"] = "token"
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        os.environ.setdefault("RAY_DEDUP_LOGS_SKIP_REGEX", "^")  # what Ray would write between our own lines
    elif os.environ.get("RAY_AUTH_MODE", "token").lower() != "token":
        raise NoCluster("Ray was imported without token authentication; take RAY_AUTH_MODE out of the environment.")
    if address is None:
        _own_token()
    import ray

    if ray.is_initialized():
        return
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": "error"}
    if address is None:
        options |= {"num_cpus": max(1, cores), "include_dashboard": False}
        for name, limit in PATIENCE.items():
            os.environ.setdefault(name, limit)
    terminated = signal.getsignal(signal.SIGTERM) or signal.SIG_DFL  # None: it was set by C
    try:
        with _unhurried() if address is None else nullcontext():
            ray.init(address=address or "local", **options)
    except (KeyboardInterrupt, SystemExit) as stop:  # the latter of Ray's own handler of SIGTERM
        _broken_off.append(143 if isinstance(stop, (Terminated, SystemExit)) else 130)
        raise KeyboardInterrupt from None
    except Exception as error:  # Ray's reasons have many types; one that starts too slowly has none of its own
        where = f"at {address}" if address else "on this machine"
        raise NoCluster(
            f"Ray could not be reached {where} ({_first_line(error)}); --workers 0 runs without it."
        ) from error
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, terminated)  # Ray's own handler prints a C++ stack and aborts
    stopped = threading.Event()  # its own: Ray may be stopped and started again before its thread has seen that
    _running.append(stopped)
    atexit.register(stopped.set)  # before Ray's own, which was registered on import
    own = ray.get_runtime_context().get_node_id()
    path = next((node["RayletSocketName"] for node in ray.nodes() if node["NodeID"] == own), "")
    if os.path.exists(path):  # on Windows it is no file
        threading.Thread(target=_outlive, args=(path, stopped), daemon=True).start()


@contextmanager
def _unhurried() -> Iterator[None]:
    """Within it, Ray's process on this machine starts without waiting for its agents to name their ports.

    It would wait 15 seconds for each, whatever its settings say, and then end itself: on a crowded machine Ray never
    starts (ray-project/ray#65983). Metrics and dashboard are not used here, so their agent's ports are given as -1,
    which is what Ray's smallest installation gives; the port of the other one is chosen beforehand. Another version of
    Ray that is started otherwise is left to itself.
    """
    try:
        services, raylet = import_module("ray._private.services"), import_module("ray._raylet")
        real, persist = services.start_raylet, raylet.persist_port
        unused = (
            raylet.METRICS_AGENT_PORT_NAME,
            raylet.METRICS_EXPORT_PORT_NAME,
            raylet.DASHBOARD_AGENT_LISTEN_PORT_NAME,
        )
        given = inspect.signature(real)
    except (ImportError, AttributeError):
        yield
        return

    def start(*args: Any, **more: Any) -> Any:
        call = given.bind(*args, **more)
        with suppress(LookupError):
            node = call.arguments["session_dir"], call.arguments["node_id"]
            for name in unused:
                persist(*node, name, -1)
        if "runtime_env_agent_port" in call.arguments:
            with socket.socket() as free:
                free.bind(("", 0))
                call.arguments["runtime_env_agent_port"] = free.getsockname()[1]
        return real(*call.args, **call.kwargs)

    services.start_raylet = start  # type: ignore[attr-defined]
    try:
        yield
    finally:
        services.start_raylet = real  # type: ignore[attr-defined]


def stop_ray() -> None:
    """Stops what `start_ray` started, if anything."""
    if "ray" not in sys.modules:
        return
    import ray

    if ray.is_initialized():
        while _running:
            _running.pop().set()
        ray.shutdown()


def _outlive(path: str, stopped: threading.Event) -> None:
    """Waits until nobody listens at Ray's socket; if it was not stopped, says so and ends this process."""
    listening = True
    while listening and not stopped.wait(0.01):
        try:
            with socket.socket(socket.AF_UNIX) as line:
                line.connect(path)
                line.recv(1)  # there is nothing to be read before the end
        except ConnectionResetError:
            pass
        except OSError:
            listening = False
    if not stopped.is_set():
        sys.stderr.write(DIED)
        sys.stderr.flush()
        os._exit(2)


def _own_token() -> None:
    """Makes the token that Ray's processes show each other, readable by this user alone.

    It appears whole or not at all, and of two that are made at once the first counts for both.
    """
    if "RAY_AUTH_TOKEN" in os.environ or "RAY_AUTH_TOKEN_PATH" in os.environ:
        return
    path = Path.home() / ".ray" / "auth_token"
    try:
        if path.exists() and path.stat().st_size > 0:
            path.chmod(0o600)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, beside = tempfile.mkstemp(prefix=".auth_token.", dir=path.parent)  # of mode 0600
        try:
            with os.fdopen(handle, "w") as file:
                file.write(secrets.token_hex(32))
                file.flush()
                os.fsync(file.fileno())
            if path.exists():
                os.replace(beside, path)
            else:
                with suppress(FileExistsError):
                    os.link(beside, path)
        finally:
            with suppress(FileNotFoundError):
                os.unlink(beside)
    except OSError as error:
        reason = error.strerror or error
        raise NoCluster(f"Ray's token cannot be kept at {path} ({reason}); --workers 0 runs without Ray.") from error


def _say(sentence: str) -> None:
    sys.stderr.write(f"{sentence}\n")
    sys.stderr.flush()


def _first_line(error: Exception) -> str:
    return _sentence(error, str(error).splitlines())


def _last_line(error: Exception) -> str:
    return _sentence(error, reversed(str(error).splitlines()))


def _sentence(error: Exception, lines: Iterable[str]) -> str:
    text = next((line.strip() for line in lines if line.strip()), type(error).__name__)
    return text.partition(". ")[0].rstrip(".")[:300]
