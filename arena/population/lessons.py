"""Learners of a league that learn at the same time, each in a thread; what comes of it is what came of it in turn.

A learner's update reads and changes what is its own and nothing else, and compiled steps and PyTorch's operators let go
of the interpreter. So updates may overlap, but when each begins and when it is waited for is up to who calls.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import torch


class Lessons:
    """Updates that are under way, by learner.

    threads  how many learn at once; 0: each as soon as it is to begin, while the caller waits
    cores    that each of them keeps busy
    """

    def __init__(self, threads: int, cores: int) -> None:
        # PyTorch's number of threads is each thread's own.
        self._pool = ThreadPoolExecutor(threads, "lesson", torch.set_num_threads, (cores,)) if threads else None
        self._begun: dict[str, Future[None]] = {}

    def begin(self, name: str, update: Callable[[], None]) -> None:
        """Has a learner learn, after those that were to begin before it."""
        if self._pool is None:
            update()
        else:
            self._begun[name] = self._pool.submit(update)

    def finish(self, name: str) -> None:
        """Waits until a learner has learned whatever it had begun; raises what its update raised."""
        if name in self._begun:
            self._begun.pop(name).result()

    def close(self) -> None:
        """Waits for who learns just now; the others do not begin any more."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
