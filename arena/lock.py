"""One writer a file: a lock that names its holder and that no crash can leave behind."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType

_held: set[Path] = set()


class Busy(ValueError):
    """Somebody else holds the lock; the text says who."""


class Lock:
    """The right to write `path`, held from construction until `release` or the end of the process, however it ends.

    It lies on `<path>.lock`, which stays behind and means nothing by itself: the kernel holds the lock, for this
    process alone, not for its children. A link shares the lock of what it points to. Errors call it `named`, or else
    by its path.
    """

    def __init__(
        self, path: Path, *, named: Path | None = None, otherwise: str = "wait until it ends or stop it."
    ) -> None:
        file, named = path.resolve(), named or path
        self.path = file.with_name(f"{file.name}.lock")
        if self.path in _held:
            raise Busy(f"{named} is being written by this very process already; {otherwise}")
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.read(handle, 20).decode("ascii", "replace").strip() or "unknown"
            os.close(handle)
            raise Busy(f"{named} is being written by process {holder}; {otherwise}") from None
        try:
            os.ftruncate(handle, 0)
            os.write(handle, f"{os.getpid()}\n".encode())
        except OSError:
            os.close(handle)
            raise
        self._handle: int | None = handle
        _held.add(self.path)

    def release(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
            _held.discard(self.path)

    def __enter__(self) -> Lock:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.release()


def occupy(folder: Path) -> Lock:
    """The right to write into the folder of a run or a league, which is made if need be.

    Raises ValueError where agents that will lie in it could not be named (`agents.registry.agent`).
    """
    whole = folder.resolve()
    if any(":" in part for part in whole.parts[1:]):
        raise ValueError(f"{whole} has a colon in it, which is where an agent's options begin; choose another folder.")
    folder.mkdir(parents=True, exist_ok=True)
    return Lock(folder / "run", named=folder, otherwise="wait until it ends, or name this run otherwise.")
