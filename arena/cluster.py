"""Workers as Ray actors, or in this process; the only file that imports ray.

Both kinds of pool give the same results for the same calls: a call's outcome depends on the worker's state, the
arguments and nothing else. A worker that dies is made again from its order and the state that came with its last
chunk, and its call is given out again.
"""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from arena.worker import Order, Worker


class NoCluster(ValueError):
    """Ray could not be started or reached; the text says why and what to do."""


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

    def __init__(self, orders: Sequence[Order], states: Sequence[Mapping[str, Any] | None]) -> None:
        self.size = len(orders)
        self.restarts = 0
        self.workers = [Worker(order, state) for order, state in zip(orders, states, strict=True)]

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


@dataclass
class Ticket:
    """A call under way on Ray."""

    worker: int
    method: str
    args: tuple[Any, ...]
    life: int
    """Which life of the worker the call was given to."""
    reference: Any


@dataclass
class RayPool:
    """Workers as Ray actors of one core each."""

    orders: Sequence[Order]
    states: list[Mapping[str, Any] | None]
    address: str | None = None
    restarts: int = 0
    actors: list[Any] = field(default_factory=list)
    lives: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.size = len(self.orders)
        start_ray(self.size, self.address)
        self.actors = [self._make(i) for i in range(self.size)]
        self.lives = [0] * self.size

    def _make(self, worker: int) -> Any:
        import ray

        actor = ray.remote(num_cpus=1, max_restarts=0)(Worker)
        return actor.remote(self.orders[worker], self.states[worker])

    def share(self, value: Any) -> Any:
        import ray

        return ray.put(value)

    def start(self, worker: int, method: str, *args: Any) -> Ticket:
        reference = getattr(self.actors[worker], method).remote(*args)
        return Ticket(worker, method, args, self.lives[worker], reference)

    def finish(self, ticket: Ticket) -> Any:
        import ray
        from ray.exceptions import RayActorError, RayTaskError

        while True:
            try:
                return ray.get(ticket.reference)
            except RayTaskError as error:
                raise error.cause from error  # what the worker raised, as it would be raised without Ray
            except RayActorError as death:
                if self.restarts >= 1000:
                    raise NoCluster("Workers have died a thousand times; look at Ray's logs.") from death
                if ticket.life == self.lives[ticket.worker]:
                    self.restarts += 1
                    self.lives[ticket.worker] += 1
                    self.actors[ticket.worker] = self._make(ticket.worker)
                ticket = self.start(ticket.worker, ticket.method, *ticket.args)

    def remember(self, worker: int, state: Mapping[str, Any]) -> None:
        self.states[worker] = state

    def close(self) -> None:
        import ray

        for actor in self.actors:
            ray.kill(actor)


def make_pool(
    orders: Sequence[Order], states: Sequence[Mapping[str, Any] | None], *, local: bool, address: str | None = None
) -> Pool:
    """Workers for these orders, each going on from its state; `local` = in this process, without Ray."""
    return LocalPool(orders, states) if local else RayPool(orders, list(states), address)


def start_ray(cores: int, address: str | None) -> None:
    """Starts Ray on this machine, or joins the cluster at `address`; always with token authentication."""
    if "ray" not in sys.modules:  # read once, on import; a Ray of this machine's own turns it on in any case
        os.environ.setdefault("RAY_AUTH_MODE", "token")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    if address is None:
        _own_token()
    import ray

    if ray.is_initialized():
        return
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": "error"}
    if address is None:
        options |= {"num_cpus": max(1, cores), "include_dashboard": False}
    try:
        ray.init(address=address or "local", **options)
    except (ConnectionError, RuntimeError, ValueError, OSError) as error:
        where = f"at {address}" if address else "on this machine"
        raise NoCluster(f"Ray could not be reached {where} ({error}); --workers 0 runs without it.") from error


def stop_ray() -> None:
    """Stops what `start_ray` started, if anything."""
    import ray

    if ray.is_initialized():
        ray.shutdown()


def _own_token() -> None:
    """Makes the token that Ray's processes show each other, readable by this user alone."""
    if "RAY_AUTH_TOKEN" in os.environ or "RAY_AUTH_TOKEN_PATH" in os.environ:
        return
    path = Path.home() / ".ray" / "auth_token"
    if path.exists():
        path.chmod(0o600)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(secrets.token_hex(32))
