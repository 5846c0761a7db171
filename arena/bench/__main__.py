"""One benchmark in a process of its own: `python -m arena.bench NAME key=value ...`."""

from __future__ import annotations

import sys

from arena.bench.measure import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
