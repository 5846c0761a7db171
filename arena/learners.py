"""Several learners: one in this process and companions beside it, which share every batch by torch.distributed.

Each has the whole experience, and shows its network its part of every batch (`agents.placed`); so all take the same
steps, and the learner here is the one that is asked for weights and states. Companions are processes of this machine,
by gloo, or by NCCL with a GPU each; a folder that is this user's alone is where they find each other.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import torch
import torch.distributed as dist
from torch import Tensor

from agents.experience import Columns
from agents.hardware import repeat_exactly
from agents.learn.learner import Learner, Metrics
from agents.networks import Network
from agents.placed import Group, Placed
from agents.registry import ALGORITHMS
from agents.storage import begin_from
from arena.checkpoint import load_state, save_state
from envs.registry import game, resolve

if TYPE_CHECKING:
    from arena.train import Plan

PATIENCE = timedelta(minutes=10)
"""How long a learner waits for the others before it takes them for lost."""

LOOPBACK = {"linux": "lo", "darwin": "lo0"}


class LostLearner(ValueError):
    """A companion has died or failed; the text says which and what to do."""


def learner_of(plan: Plan, group: Group | None = None) -> Learner:
    """The learner that a plan describes, perhaps as one of a group."""
    rules = game(plan.game)
    kind = resolve(ALGORITHMS, plan.algorithm, "algorithm")
    made = rules, plan.backbone, plan.heads, plan.seed
    if plan.device != "cpu":
        repeat_exactly()
    network = Network(*made) if plan.backbone else None
    if network is not None and (group is not None or plan.device != "cpu" or plan.half):
        device = "cpu" if plan.device == "cpu" else f"{plan.device}:{0 if group is None else group.rank}"
        network = Placed(*made, device=device, half=plan.half, group=group)
    if network is not None and plan.start:
        begin_from(network, Path(plan.start))
    return kind(rules, network, plan.learner, plan.seed)


class Processes:
    """A group of learners that are processes."""

    def __init__(self, rank: int, plan: Plan, folder: str) -> None:
        self.rank, self.size = rank, plan.learners
        if sys.platform in LOOPBACK:
            os.environ.setdefault("GLOO_SOCKET_IFNAME", LOOPBACK[sys.platform])
        if plan.device != "cpu":
            torch.cuda.set_device(rank)
        dist.init_process_group(
            "gloo" if plan.device == "cpu" else "cpu:gloo,cuda:nccl",
            init_method=f"file://{folder}/meeting",
            rank=rank,
            world_size=self.size,
            timeout=PATIENCE,
        )

    def add(self, tensor: Tensor) -> None:
        dist.all_reduce(tensor)

    def close(self) -> None:
        dist.destroy_process_group()


class Companions:
    """The learners beside this process's own, and the group in which all of them are."""

    def __init__(self, plan: Plan) -> None:
        self.folder = TemporaryDirectory(prefix="learners-")
        context = multiprocessing.get_context("spawn")
        self.pipes: list[Connection] = []
        self.processes = []
        for rank in range(1, plan.learners):
            here, there = context.Pipe()
            process = context.Process(target=_accompany, args=(plan, rank, self.folder.name, there), daemon=True)
            with _undisturbed():
                process.start()
            there.close()
            self.pipes.append(here)
            self.processes.append(process)
        try:
            self._hear()
            self.group = Processes(0, plan, self.folder.name)
        except BaseException:
            self._end()
            raise

    def restore(self, state: Mapping[str, Any]) -> None:
        """Lets all go on from a learner's state."""
        folder = Path(self.folder.name) / "state"
        save_state(folder, state)
        self._tell("restore", folder)
        self._hear()

    def update(self, learner: Learner, experience: Columns, progress: float) -> Metrics:
        """One update by all at once; what this process's learner says of it."""
        self._tell("update", experience, progress)
        try:
            metrics = learner.update(experience, progress)
        except RuntimeError as error:  # what torch raises where a connection is closed
            raise self._lost(error) from error
        self._hear()
        return metrics

    def _tell(self, *call: Any) -> None:
        for pipe in self.pipes:
            try:
                pipe.send(call)
            except OSError as error:
                raise self._lost(error) from error

    def _hear(self) -> None:
        """Waits until all have done what they were told."""
        for pipe in self.pipes:
            try:
                trouble = pipe.recv()
            except (EOFError, OSError) as error:
                raise self._lost(error) from error
            if trouble:
                raise LostLearner(f"A learner beside this one has failed ({trouble}); --resume goes on with the run.")

    def _lost(self, error: Exception) -> LostLearner:
        for process in self.processes:
            process.join(1)  # a connection is closed before its process is gone
        dead = {rank: process.exitcode for rank, process in enumerate(self.processes, 1) if not process.is_alive()}
        reason = str(error).strip().partition("\n")[0][:200] or type(error).__name__
        who = ", ".join(
            f"learner {rank} of {len(self.processes) + 1} (exit code {code})" for rank, code in dead.items()
        )
        lost = f"{who[0].upper()}{who[1:]} died" if dead else f"A learner beside this one was lost ({reason})"
        return LostLearner(f"{lost}; --resume goes on from the run's last kept state.")

    def close(self) -> None:
        """Lets the others go."""
        self.group.close()
        self._end()

    def _end(self) -> None:
        for pipe in self.pipes:
            pipe.close()
        for process in self.processes:
            process.join(2)
            if process.is_alive():
                process.kill()
                process.join()
        self.folder.cleanup()


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Processes that are started within it begin with Ctrl-C blocked, so that it is no traceback while they import."""
    resource_tracker.ensure_running()  # it would be started, too, and Ctrl-C let through again
    was = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, was)


def _accompany(plan: Plan, rank: int, folder: str, pipe: Connection) -> None:
    """A companion's life: does what it is told, and says what went wrong, until the pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for who started this
    torch.set_num_threads(plan.threads)
    pipe.send("")
    group = Processes(rank, plan, folder)
    learner = learner_of(plan, group)
    while True:
        try:
            method, *given = pipe.recv()
        except EOFError:
            os._exit(0)  # it holds nothing that is not in its folder or in the others
        trouble = ""
        try:
            if method == "restore":
                learner.restore(load_state(*given) or {})
            else:
                learner.update(*given)
        except Exception as error:
            trouble = str(error) or type(error).__name__
        try:
            pipe.send(trouble)
        except OSError:
            return
