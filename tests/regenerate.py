"""Writes the golden transcripts anew; read the difference before you commit it.

    python tests/regenerate.py

A transcript is one random game in words and boards: what a change of rules, of numbering or of the generator changes.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from envs import kernels
from envs.game import Game
from envs.registry import GAMES, game
from envs.text import board_text

FOLDER = Path(__file__).resolve().parent / "golden" / "transcripts"
SPECS = [*GAMES, "othello:size=6"]
SEED = 3
BOARD_EVERY = 6
"""A board is drawn after every so many plies, and after the last."""


def transcript(rules: Game) -> str:
    """A game in which the row's own generator picks each move."""
    rows = kernels.new_rows(rules, np.array([SEED], np.uint64))
    lines = [f"{rules.name}, rules version {rules.version}, seed {SEED}", board_text(rules, rows)]
    while not rows["done"][0]:
        choices = np.flatnonzero(kernels.legal_mask(rules, rows)[0])
        before = rows.copy()
        kernels.random_rows(rules, rows, np.empty(rules.actions, np.bool_), 1)
        action = chosen(rules, before, rows, choices)
        mark = "xo"[before["seat"][0]]
        others = " ".join(rules.names[a] for a in choices)
        lines.append(f"{rows['ply'][0]}. {mark} {rules.names[action]}   of {others}")
        if rows["ply"][0] % BOARD_EVERY == 0 or rows["done"][0]:
            lines.append(board_text(rules, rows))
    lines.append("result " + " ".join(f"{result:+.0f}" for result in rows["reward"][0]))
    return "\n".join(lines) + "\n"


def chosen(rules: Game, before: np.ndarray, after: np.ndarray, choices: np.ndarray) -> int:
    """The move that leads from one position to the next."""
    tried = before.repeat(len(choices))
    kernels.play_rows(rules, tried, choices)
    (found,) = np.flatnonzero((tried["stones"] == after["stones"]).all(axis=1))
    return int(choices[found])


def path(spec: str) -> Path:
    return FOLDER / f"{spec.replace(':', '_').replace('=', '_')}.txt"


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for spec in SPECS:
        path(spec).write_text(transcript(game(spec)), encoding="utf-8")
        sys.stdout.write(f"{path(spec)}\n")


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    main()
