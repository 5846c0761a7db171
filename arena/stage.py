"""What every league plays before: its database, its display, and the window if one is wanted."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from arena.display import Display
from arena.store import Store

if TYPE_CHECKING:
    from arena.config import Config


@contextmanager
def stage(config: Config) -> Iterator[tuple[Store, Display]]:
    """A league's database and live display; at the end, however it comes, Ray and the window are let go."""
    from arena.cluster import stop_ray

    window = None
    try:
        with Store(config.database) as store, Display(phases=True) as display:
            window = open_window(config) if config.viewer.watch else None
            yield store, display
    finally:
        stop_ray()
        if window is not None:
            window.terminate()


def open_window(config: Config) -> subprocess.Popen[bytes]:
    """The viewer on the league's newest games, as a process of its own that reads the database."""
    command = [sys.executable, "-m", "arena", "watch", "--league", config.game.name]
    command += ["--database", str(config.database), "--run", config.run.name]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
