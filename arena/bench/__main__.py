"""One benchmark in a process of its own: `python -m arena.bench NAME key=value ...`."""

from __future__ import annotations

import signal
import sys
from types import FrameType


def once(number: int, frame: FrameType | None) -> None:
    """Stops what is measured; whatever else the terminal sends meanwhile does not stop the tidying up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    try:
        signal.signal(signal.SIGINT, once)
        from arena.bench.measure import main

        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
