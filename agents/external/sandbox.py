"""The box that a stranger's program runs in: bubblewrap where there is one, and limits on what it may use.

In the box there is no network, no other process and no file but the system's programs, those that the command names
and a small /tmp of its own; nothing but that /tmp can be written.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc/alternatives", "/etc/ld.so.cache")
"""What programs need of the system, shown read-only where it exists."""

INTERPRETERS = ("python", "pypy", "node", "bun", "deno", "ruby", "java", "julia", "lua")
"""Programs that bring their own library with them: its folder is shown too, wherever it is."""

NOBODY = 65534
MIB = 1 << 20


@dataclass(frozen=True)
class Limits:
    """What a program may use, all of its processes together where that can be told.

    memory     MiB
    disk       MiB of its /tmp, and of any one file
    processes  processes and threads
    """

    memory: int = 1024
    disk: int = 64
    processes: int = 64


@cache
def bubblewrap() -> tuple[str | None, str]:
    """The path of a bubblewrap that works here, or None and one sentence why there is none."""
    path = shutil.which("bwrap")
    if path is None:
        return None, "There is no bubblewrap (bwrap) here, so programs run without a box, under limits alone."
    probe = [path, *_apart(), "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", shutil.which("true") or "true"]
    try:
        done = subprocess.run(probe, capture_output=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return None, f"bubblewrap does not run here ({error}), so programs run without a box, under limits alone."
    if done.returncode:
        why = done.stderr.decode(errors="replace").strip().splitlines()
        return None, (
            f"bubblewrap makes no box here ({why[-1] if why else 'it says no more'}), "
            "so programs run without one, under limits alone."
        )
    return path, ""


def _apart() -> list[str]:
    """Everything of its own; the superuser stays so until the box stands, and then becomes nobody (`limited`)."""
    own = ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"]
    user = ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"] if os.geteuid() == 0 else ["--unshare-user"]
    return [*own, *user, "--die-with-parent", "--new-session"]


def limited(command: Sequence[str], limits: Limits, boxed: bool) -> list[str]:
    """The command under resource limits: of memory, size of files and open files; in a box of processes as well.

    Without a box a limit on processes would count those of the whole user, so there the referee watches alone.
    """
    prlimit, setpriv = shutil.which("prlimit"), shutil.which("setpriv")
    if prlimit is None:
        return list(command)
    bounds = [f"--data={limits.memory * MIB}", f"--fsize={limits.disk * MIB}", "--nofile=256", "--core=0"]
    if boxed:
        bounds.append(f"--nproc={limits.processes}")
    line = [prlimit, *bounds, "--", *command]
    if boxed and os.geteuid() == 0 and setpriv is not None:
        return [setpriv, f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--", *line]
    return line


def boxed(bwrap: str, command: Sequence[str], limits: Limits, folder: Path | None = None) -> list[str]:
    """The command in a box that shows it the system, the files that it names and `folder`."""
    size = str(limits.disk * MIB)
    line = [bwrap, *_apart(), "--proc", "/proc", "--dev", "/dev"]
    line += ["--perms", "1777", "--size", size, "--tmpfs", "/dev/shm", "--perms", "0755", "--dir", "/etc"]
    for path in SYSTEM:
        if os.path.islink(path):
            line += ["--symlink", os.readlink(path), path]
        elif os.path.exists(path):
            line += ["--ro-bind", path, path]
    line += ["--perms", "1777", "--size", size, "--tmpfs", "/tmp"]
    here, seen = folder.resolve() if folder else Path.cwd(), shown(command, folder)
    above = {parent for path in (*seen, here / "file") for parent in path.parents}
    for path in sorted(above, key=lambda path: len(path.parts)):  # or they are closed to nobody
        if path != Path("/") and not _of_system(path):
            line += ["--perms", "0755", "--dir", str(path)]
    for path in seen:
        line += ["--ro-bind", str(path), str(path)]
    line += ["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", str(here), "--"]
    return [*line, *limited(command, limits, boxed=True)]


def shown(command: Sequence[str], folder: Path | None = None) -> list[Path]:
    """What a boxed command sees beside the system: its program and its library, files that it names, its folder."""
    program = Path(shutil.which(command[0]) or command[0]).absolute()
    paths = [program, *library(program), *library(program.resolve())]
    paths += [path.absolute() for word in command[1:] if (path := Path(word)).is_file()]
    paths += [] if folder is None else [folder.resolve()]
    outside: list[Path] = []
    for path in sorted(set(paths), key=lambda path: len(path.parts)):
        if not _of_system(path) and not any(path.is_relative_to(above) for above in outside):
            outside.append(path)
    return outside


def own_files(command: Sequence[str], folder: Path | None = None) -> list[tuple[str, Path]]:
    """The files that a command is made of, each with what it is called there: those it names, and all of its folder.

    Neither the system's nor an interpreter, and nothing hidden or that Python keeps for itself.
    """
    program = Path(shutil.which(command[0]) or command[0])
    foreign = _of_system(program.absolute()) or program.name.startswith(INTERPRETERS)
    found = [(path.name, path) for path in (program, *map(Path, command[1:]))][foreign:]
    if folder is not None:
        inside = ((path.relative_to(folder), path) for path in sorted(folder.rglob("*")))
        found += [(str(short), path) for short, path in inside if not any(map(unseen, short.parts))]
    return [(name, path) for name, path in found if path.is_file() and os.access(path, os.R_OK)]


def unseen(name: str) -> bool:
    """Whether a file or a folder of this name is hidden, or Python's own: it makes no other program of one."""
    return name.startswith(".") or name == "__pycache__"


def _of_system(path: Path) -> bool:
    return any(path.is_relative_to(top) for top in SYSTEM)


def library(program: Path) -> list[Path]:
    """The folder that an interpreter outside the system is installed in: X of X/bin/python3."""
    top = program.parent.parent
    if not program.name.startswith(INTERPRETERS) or program.parent.name != "bin" or top in (Path("/"), Path.home()):
        return []
    return [top] if (top / "pyvenv.cfg").exists() or (top / "lib").is_dir() else []


# --- watching -------------------------------------------------------------------------------------------------------


def usage(root: int) -> tuple[list[int], int]:
    """The processes that descend from one, itself included, and the bytes of memory that they hold; Linux alone."""
    parents: dict[int, int] = {}
    for entry in os.listdir("/proc") if os.path.isdir("/proc/self") else ():
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat", "rb") as file:
                    parents[int(entry)] = int(file.read().rpartition(b")")[2].split()[1])
            except (OSError, IndexError):  # gone meanwhile
                continue
    family, found = {root}, True
    while found:
        young = {child for child, parent in parents.items() if parent in family} - family
        found = bool(young)
        family |= young
    return sorted(family), sum(_resident(process) for process in family)


def _resident(process: int) -> int:
    try:
        with open(f"/proc/{process}/statm", "rb") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0
