"""The command line: `arena` and `python -m arena`."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

from arena.stopping import Terminated


def run(arguments: Sequence[str]) -> int:
    """Runs a command line and returns its exit code: 0, 1 (found wanting), 2 (the user's to mend), 130 (Ctrl-C)."""
    try:
        from arena.cli.commands import app
        from arena.cli.frame import conduct
    except KeyboardInterrupt:  # Ctrl-C at once, while the commands are read
        sys.stderr.write("Stopped.\n")
        return 130
    return conduct(app, list(arguments))


def main() -> NoReturn:
    """The console script; SIGTERM stops a command as Ctrl-C does, with exit code 143."""
    _open_streams()
    ended: list[int] = []

    def end(number: int, _: object) -> NoReturn:
        signal.signal(number, signal.SIG_DFL)  # a second one ends it at once
        ended.append(128 + number)
        raise Terminated

    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, end)
    code = run(sys.argv[1:])
    code = ended[0] if ended and code == 130 else code
    for number in (signal.SIGINT, signal.SIGTERM):  # while Python takes itself down they end it, and no more
        signal.signal(number, signal.SIG_DFL)
    exec("")  # Python ends by the signal, not with our code, if Ctrl-C came within an exec and no other ran since
    sys.exit(code)


def _open_streams() -> None:
    """Gives a process that was started with a stream closed an empty one, before a file of ours takes its number."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            stream = os.fdopen(os.open(os.devnull, os.O_RDWR), mode, encoding="utf-8")
            setattr(sys, name, stream)
            setattr(sys, f"__{name}__", stream)
