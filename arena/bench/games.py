"""Every game of the table: random legal play with all a learner is given, beside its twins in other libraries.

One step is one action by one seat, with the mask of legal actions, a float32 observation and a new game after the
last. All on one core, by the time that core worked; the rules need not be the same to the letter, only the game.

    arena bench games --json > games.json
    python -m arena.bench.games games.json        # the same as a table in Markdown
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from arena.bench import Row, figure
from arena.bench.measure import Contest, Measure, Side, core_rate
from arena.bench.twins import gymnasium_twin, minatar_twin, open_spiel_twin, pettingzoo_twin, pgx_twin
from envs import kernels
from envs.registry import GAMES, Unknown, nearest
from envs.registry import game as game_of

LANES = 256

LIBRARIES: dict[str, Callable[[str], Measure]] = {
    "gymnasium": gymnasium_twin,
    "minatar": minatar_twin,
    "pettingzoo": pettingzoo_twin,
    "open_spiel": open_spiel_twin,
    "pgx": pgx_twin,
}
"""How a game of a library is measured, by its name there."""

TWINS: dict[str, tuple[str, ...]] = {
    "tic_tac_toe": ("pettingzoo:tictactoe_v3", "open_spiel:tic_tac_toe", "pgx:tic_tac_toe"),
    "connect_four": ("pettingzoo:connect_four_v3", "open_spiel:connect_four", "pgx:connect_four"),
    "othello": ("open_spiel:othello", "pgx:othello"),
    "go": ("open_spiel:go(board_size=9)", "pgx:go_9x9"),
    "gardner_chess": ("pgx:gardner_chess",),
    "hex": ("open_spiel:hex", "pgx:hex"),
    "breakthrough": ("open_spiel:breakthrough",),
    "nim": ("open_spiel:nim",),
    "mnk": ("open_spiel:tic_tac_toe",),
    "gomoku": ("open_spiel:gomoku",),
    "phantom_tic_tac_toe": ("open_spiel:phantom_ttt",),
    "dark_hex": ("open_spiel:dark_hex",),
    "kuhn": ("open_spiel:kuhn_poker", "pgx:kuhn_poker"),
    "leduc": ("open_spiel:leduc_poker", "pgx:leduc_holdem"),
    "liars_dice": ("open_spiel:liars_dice",),
    "goofspiel": ("open_spiel:goofspiel(num_cards=4,imp_info=True)",),
    "cliff_walking": ("gymnasium:CliffWalking-v1",),
    "frozen_lake": ("gymnasium:FrozenLake-v1",),
    "taxi": ("gymnasium:Taxi-v3",),
    "blackjack": ("gymnasium:Blackjack-v1",),
    "cart_pole": ("gymnasium:CartPole-v1",),
    "acrobot": ("gymnasium:Acrobot-v1",),
    "mountain_car": ("gymnasium:MountainCar-v0",),
    "mountain_car_continuous": ("gymnasium:MountainCarContinuous-v0",),
    "pendulum": ("gymnasium:Pendulum-v1",),
    "game_2048": ("open_spiel:2048", "pgx:2048"),
    "breakout": ("minatar:breakout", "pgx:minatar-breakout"),
    "asterix": ("minatar:asterix", "pgx:minatar-asterix"),
    "freeway": ("minatar:freeway", "pgx:minatar-freeway"),
    "seaquest": ("minatar:seaquest", "pgx:minatar-seaquest"),
    "space_invaders": ("minatar:space_invaders", "pgx:minatar-space_invaders"),
}
"""Our game -> the same game elsewhere, as "library:its name there"."""


def contests(game: str = "", library: str = "") -> Iterator[Contest]:
    """One game (a spec), or all of the table, against each twin, or those of one library alone."""
    name = game.partition(":")[0]
    if game and name not in GAMES:
        raise Unknown(f"There is no game '{game}'; {nearest(name, GAMES)}")
    if library and library not in LIBRARIES:
        raise Unknown(f"There is no library '{library}'; {nearest(library, list(LIBRARIES))}")
    for spec in [game] if game else sorted(GAMES):
        ours = Side("arena", lambda spec=spec: arena(spec))
        twins = [twin for twin in TWINS.get(spec.partition(":")[0], ()) if twin.startswith(library)]
        for twin in twins:
            where, _, there = twin.partition(":")
            yield Contest(spec, "steps/s", ours, Side(twin, lambda of=LIBRARIES[where], there=there: of(there)))
        if not twins and not library:
            yield Contest(spec, "steps/s", ours)


def arena(spec: str, lanes: int = LANES, steps: int = 32) -> Measure:
    """The compiled loop over rows."""
    rules = game_of(spec)
    rows = kernels.new_rows(rules, kernels.seeds(0, lanes))
    obs = np.empty((lanes, *rules.shape), np.float32)
    mask = np.empty((lanes, rules.actions), np.bool_)
    steps_of = kernels.random_steps.of(rules)
    steps_of(rows, obs, mask, 1)

    def work() -> float:
        steps_of(rows, obs, mask, steps)
        return lanes * steps

    return core_rate(work)


def markdown(rows: Iterable[Row]) -> str:
    """The rows as a table in Markdown: a line a game, a column a library."""
    found: dict[str, dict[str, Row]] = {}
    for row in rows:
        found.setdefault(row["subject"], {})[(row["peer"] or "").partition(":")[0]] = row
    libraries = [name for name in LIBRARIES if any(name in of for of in found.values())]
    lines = [["game", "arena, steps a second", *libraries], ["---", *["---:"] * (1 + len(libraries))]]
    for subject, of in found.items():
        cells = [_cell(of.get(name)) for name in libraries]
        lines.append([f"`{subject}`", figure(max(row["ours"] for row in of.values())), *cells])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _cell(row: Row | None) -> str:
    if row is None or row["theirs"] is None or row["ratio"] is None:
        return ""
    return f"{figure(row['theirs'])} ({figure(row['ratio'])}x)"


def main(words: Sequence[str]) -> int:
    """`python -m arena.bench.games FILE...`: what `arena bench games --json` printed, as Markdown."""
    if not words:
        sys.stderr.write("Name the files that `arena bench games --json` printed.\n")
        return 2
    rows: list[Row] = []
    for word in words:
        rows += json.loads(Path(word).read_text(encoding="utf-8"))
    sys.stdout.write(markdown(row for row in rows if row["bench"] == "games"))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
