"""Every game of the table: random legal play with all a learner is given, beside its twins in other libraries.

One step is one action by one seat, with the mask of legal actions, a float32 observation and a new game after the
last. Ours and what is driven from Python on one core, by the time that core worked; pgx on every core, at the batch
where it is fastest, by the time that others left it. The rules need not be the same to the letter, only the game.

    arena bench games --json > games.json
    python -m arena.bench.games games.json        # the same as a table in Markdown
"""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from arena.bench import Row, figure
from arena.bench.measure import Contest, Measure, Side, core_rate
from arena.bench.twins import (
    gymnasium_twin,
    gymnasium_vector_twin,
    minatar_twin,
    open_spiel_twin,
    pettingzoo_twin,
    pgx_twin,
    vector_rate,
)
from envs import kernels
from envs.game import Game
from envs.registry import GAMES, Unknown, nearest
from envs.registry import game as game_of

LANES, NEAR = 256, 1 << 17
"""At most so many games of ours side by side, and no more than these bytes hold: what a core has close to it."""
WIDTHS = (64, 1024, 4096)
"""How many games a vector environment plays side by side."""

LIBRARIES: dict[str, Callable[[str], Measure]] = {
    "gymnasium": gymnasium_twin,
    "gymnasium_vector": gymnasium_vector_twin,
    "minatar": minatar_twin,
    "pettingzoo": pettingzoo_twin,
    "open_spiel": open_spiel_twin,
    "pgx": pgx_twin,
}
"""How a game of a library is measured, by its name there; a vector environment's is followed by `*` and its width."""

TWINS: dict[str, tuple[str, ...]] = {
    "tic_tac_toe": ("pettingzoo:tictactoe_v3", "open_spiel:tic_tac_toe", "pgx:tic_tac_toe"),
    "connect_four": ("pettingzoo:connect_four_v3", "open_spiel:connect_four", "pgx:connect_four"),
    "othello": ("open_spiel:othello", "pgx:othello"),
    "go": ("open_spiel:go(board_size=9)", "pgx:go_9x9"),
    "go:size=19": ("open_spiel:go(board_size=19)", "pgx:go_19x19"),
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
    "cart_pole": ("gymnasium:CartPole-v1", *(f"gymnasium_vector:CartPole-v1*{width}" for width in WIDTHS)),
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

GOALS: dict[str, float] = {"gymnasium": 150, "gymnasium_vector": 2, "pettingzoo": 150, "open_spiel": 30, "pgx": 5}
"""How many times as fast as each library's twin a game is to be."""
ABOVE: dict[tuple[str, str], float] = {("connect_four", "pettingzoo"): 1000}
"""(game, library) -> the same where it is another."""
MEANS: dict[str, float] = {"pgx": 12}
"""The same for the geometric mean over a library's twins."""


def contests(game: str = "", library: str = "") -> Iterator[Contest]:
    """One game (a spec), or all of the table, against each twin, or those of one library alone."""
    name = game.partition(":")[0]
    if game and name not in GAMES:
        raise Unknown(f"There is no game '{game}'; {nearest(name, GAMES, 'game')}")
    if library and library not in LIBRARIES:
        raise Unknown(f"There is no library '{library}'; {nearest(library, list(LIBRARIES))}")
    for spec in [game] if game else sorted({*GAMES, *TWINS}):
        twins = TWINS.get(spec, TWINS.get(spec.partition(":")[0], ()))
        twins = [twin for twin in twins if not library or twin.partition(":")[0] == library]
        for twin in twins:
            where, _, there = twin.partition(":")
            width = int(there.partition("*")[2] or 0)
            ours = (lambda spec, width=width: vector(spec, width)) if width else arena
            yield Contest(
                f"{spec} x {width}" if width else spec,
                "steps/s",
                Side("arena", lambda ours=ours, spec=spec: ours(spec)),
                Side(twin, lambda of=LIBRARIES[where], there=there: of(there)),
            )
        if not twins and not library:
            yield Contest(spec, "steps/s", Side("arena", lambda spec=spec: arena(spec)))


def means(rows: Sequence[Row]) -> list[Row]:
    """A row for each library that is aimed at: the geometric means over its twins, and which fell short of the goal."""
    found: list[Row] = []
    for library, goal in GOALS.items():
        of = [row for row in rows if row["peer"] and row["peer"].partition(":")[0] == library and row["ratio"]]
        if len(of) < 2:
            continue
        ours = statistics.geometric_mean(row["ours"] for row in of)
        theirs = statistics.geometric_mean(row["theirs"] or 0.0 for row in of)
        words = f"{library}: {goal:g}x is aimed at"
        if library in MEANS:
            words += f", {MEANS[library]:g}x in the mean"
        short = [
            f"{row['subject']} ({figure(row['ratio'] or 0.0)}x)"
            for row in of
            if (row["ratio"] or 0.0) < ABOVE.get((row["subject"], library), goal)
        ]
        found.append(
            Row(
                bench="games",
                subject=f"geometric mean of {len(of)}",
                ours=ours,
                peer=library,
                theirs=theirs,
                unit="steps/s",
                ratio=ours / theirs,
                runs=min(row["runs"] for row in of),
                note=f"{words}; {'below it: ' + ', '.join(short) if short else 'every game reaches it'}.",
            )
        )
    return found


def arena(spec: str, lanes: int = 0, steps: int = 32) -> Measure:
    """The compiled loop over so many rows, or as many as suit it."""
    rules = game_of(spec)
    lanes = lanes or side_by_side(rules)
    rows = kernels.new_rows(rules, kernels.seeds(0, lanes))
    obs = np.empty((lanes, *rules.shape), np.float32)
    mask = np.empty((lanes, rules.actions), np.bool_)
    steps_of = kernels.random_steps.of(rules)
    steps_of(rows, obs, mask, 1)

    def work() -> float:
        steps_of(rows, obs, mask, steps)
        return lanes * steps

    return core_rate(work)


def side_by_side(rules: Game) -> int:
    """How many games of ours are played at once: as pgx, each at a batch that suits it."""
    size = rules.row.itemsize + 4 * int(np.prod(rules.shape)) + rules.actions
    return max(16, min(LANES, NEAR // size))


def vector(spec: str, lanes: int) -> Measure:
    """The same game as a vector environment of Gymnasium."""
    from envs.adapters.gymnasium import OneSeatVectorEnv

    return vector_rate(OneSeatVectorEnv(spec, lanes), lanes)


def markdown(rows: Iterable[Row]) -> str:
    """The rows as a table in Markdown: a line a game, a column a library; then the geometric means."""
    found: dict[str, dict[str, Row]] = {}
    for row in rows:
        found.setdefault(row["subject"], {})[(row["peer"] or "").partition(":")[0]] = row
    rows = [row for of in found.values() for row in of.values()]
    libraries = [name for name in LIBRARIES if any(name in of for of in found.values())]
    lines = [["game", "arena, steps a second", *libraries], ["---", *["---:"] * (1 + len(libraries))]]
    for subject, of in found.items():
        cells = [_cell(of.get(name)) for name in libraries]
        lines.append([f"`{subject}`", figure(max(row["ours"] for row in of.values())), *cells])
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"
    ends = [
        f"- {row['peer']}, {row['subject']}: {figure(row['ratio'] or 0.0)}x. {row['note']}\n" for row in means(rows)
    ]
    return "\n".join([table, "".join(ends)]) if ends else table


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
    sys.stdout.write(markdown(row for row in rows if row["bench"] == "games" and not row["subject"].startswith("geo")))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
