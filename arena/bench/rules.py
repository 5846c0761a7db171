"""Random legal play of Connect Four with all a learner is given: mask, float32 observation, a new game after the last.

Everything on one core, by the time that core worked. One ply counts as one, whoever makes it.
"""

from __future__ import annotations

from collections.abc import Iterator

from arena.bench.games import arena
from arena.bench.measure import Contest, Side
from arena.bench.twins import open_spiel_twin, pettingzoo_twin, pgx_twin

STEPS = 256
PGX_LANES, PGX_STEPS = 4096, 64
"""At which pgx is fastest on one core: 3.5 million plies a second, as with 1,024 games; 65,536, best on two, 3.0."""


def contests() -> Iterator[Contest]:
    """Ours against PettingZoo, open_spiel from Python, and pgx."""
    subject = "connect_four, random legal play, mask and observation"
    ours = Side("arena", lambda: arena("connect_four", steps=STEPS))
    pgx = Side(
        f"pgx on the CPU, batch {PGX_LANES}", lambda: pgx_twin("connect_four", PGX_LANES, PGX_STEPS, every_core=False)
    )
    yield Contest(
        subject, "plies/s", ours, Side("pettingzoo connect_four_v3", lambda: pettingzoo_twin("connect_four_v3"))
    )
    yield Contest(subject, "plies/s", ours, Side("open_spiel from Python", lambda: open_spiel_twin("connect_four")))
    yield Contest(subject, "plies/s", ours, pgx)
