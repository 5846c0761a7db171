"""Writing files so that a reader, or a crash, sees the old file or the new one and nothing between."""

from __future__ import annotations

import errno
import glob
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def write_text(path: Path, text: str) -> None:
    """Puts a text file in place at once, its folders made where missing."""
    write_bytes(path, text.encode("utf-8"))


def write_bytes(path: Path, content: bytes) -> None:
    """Puts a file in place at once: written beside it, synced, renamed."""
    require_plain(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle, beside = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".new", dir=path.parent)
    except OSError as error:
        error.filename = str(path)
        raise
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(file.fileno(), 0o644)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException as error:
        with suppress(OSError):
            os.unlink(beside)
        if isinstance(error, OSError):
            error.filename, error.filename2 = str(path), None  # not of what lay beside it for a moment
        raise
    sync_folder(path.parent)


def require_plain(path: Path) -> None:
    """Raises OSError where a rename to `path` would take the place of a device, a pipe or a folder."""
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "This is no plain file; name one", str(path))


@contextmanager
def new_folder(path: Path, *, replace: bool = True) -> Iterator[Path]:
    """A folder to fill, which appears as `path` only when the block ends well; what `path` held before is gone then.

    One process at a time may write a folder: what a killed one left half filled beside it is removed. A crash between
    the two renames leaves the old folder as `.<name>.old`, which the next call puts back. Without `replace`, a folder
    that is there by the end is left alone, and OSError raised.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    old = path.with_name(f".{path.name}.old")
    if old.exists():
        if path.exists():
            shutil.rmtree(old)
        else:
            old.rename(path)
    for left in path.parent.glob(f".{glob.escape(path.name)}.*.new"):
        shutil.rmtree(left, ignore_errors=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".new", dir=path.parent))
    try:
        beside.chmod(0o755)
        yield beside
        for file in beside.rglob("*"):
            _sync(file)
        _sync(beside)
        if replace and path.exists():
            path.rename(old)
        beside.rename(path)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    sync_folder(path.parent)
    shutil.rmtree(old, ignore_errors=True)


def recover(path: Path) -> Path:
    """`path`, put back first if a crash left it under its old name (see `new_folder`)."""
    old = path.with_name(f".{path.name}.old")
    if old.exists() and not path.exists():
        old.rename(path)
    return path


class Refused(ValueError):
    """A file from elsewhere is not read; the text says why."""


def read_plain(path: Path, most: int) -> bytes:
    """The content of a plain file of at most `most` bytes; raises `Refused` for a link, a pipe or a device.

    What is looked at is the opened file itself, so nothing can be put in its place in between.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if os.path.lexists(path) and not stat.S_ISREG(os.lstat(path).st_mode):
            raise Refused(f"{path} is a link or no plain file, and is not read; copy what it stands for.") from None
        raise Refused(f"{path} cannot be read ({error.strerror}); is its folder whole?") from None
    try:
        what = os.fstat(handle)
        if not stat.S_ISREG(what.st_mode):
            raise Refused(f"{path} is a link or no plain file, and is not read; copy what it stands for.")
        if what.st_size > most:
            raise Refused(f"{path} is larger than {most:,} bytes, and is not read.")
        with os.fdopen(handle, "rb", closefd=False) as opened:
            content = opened.read(most + 1)
    finally:
        os.close(handle)
    if len(content) > most:  # it grew meanwhile
        raise Refused(f"{path} is larger than {most:,} bytes, and is not read.")
    return content


def sync_folder(path: Path) -> None:
    """Makes a rename inside a folder outlast a power cut."""
    _sync(path)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
