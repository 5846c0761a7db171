"""Writes the golden transcripts and the golden trees anew; read the difference before you commit it.

    python tests/regenerate.py              # all of them
    python tests/regenerate.py my_game      # the transcript of a game or several
    python tests/regenerate.py open_spiel   # what OpenSpiel, which must be there, makes of a population of 43 bots

A transcript is one random game in words and boards: what a change of rules, of numbering or of the generator changes.
A tree is what a search of a position found, with a network of fixed random weights.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from agents.search.search import Search, search
from envs import kernels, randomness
from envs.game import Game
from envs.registry import GAMES, game
from envs.text import text_seen

GOLDEN = Path(__file__).resolve().parent / "golden"
FOLDER = GOLDEN / "transcripts"
TREES = GOLDEN / "trees.txt"
PEER = GOLDEN / "ratings" / "open_spiel.json"
SEARCHES = {
    "puct": Search(simulations=50),
    "puct with noise": Search(simulations=50, noise_share=0.25, noise_alpha=1.0),
    "gumbel": Search(kind="gumbel", simulations=50),
    "gumbel with noise, 4 considered": Search(kind="gumbel", simulations=16, gumbel_scale=1.0, considered=4),
}
POSITIONS = {"tic_tac_toe": ([], [4, 0]), "connect_four": ([3, 3], [3, 0, 3, 0, 6, 0])}
SPECS = [*GAMES, "othello:size=6"]
SEED = 3
PLIES = 72
"""Longer games are cut off here."""
BOARD_EVERY = 6
"""A board is drawn after every so many plies, and after the last."""


def transcript(rules: Game) -> str:
    """The first plies of a game in which the row's own generator picks each move."""
    rows = kernels.new_rows(rules, np.array([SEED], np.uint64))
    lines = [f"{rules.name}, rules version {rules.version}, seed {SEED}", text_seen(rules, rows)]
    while not rows["done"][0] and rows["ply"][0] < PLIES:
        choices = np.flatnonzero(kernels.legal_mask(rules, rows)[0])
        action = drawn(rules, rows, choices)
        seat = rows["seat"][0]
        kernels.play_rows(rules, rows, np.array([action]))
        mark = "xo"[seat] if rules.seats == 2 else f"seat {seat}"
        paid = " ".join(f"{reward:+g}" for reward in rows["reward"][0]) if rules.pays == "general" else ""
        if rules.controls:
            lines.append(f"{rows['ply'][0]}. {mark} {np.round(action, 5).tolist()} {paid}".rstrip())
        else:
            names = rules.told(int(seat))
            others = " ".join(names[a] for a in choices) if len(choices) < rules.actions else "all"
            lines.append(f"{rows['ply'][0]}. {mark} {names[action]}   of {others} {paid}".rstrip())
        if rows["ply"][0] % BOARD_EVERY == 0 or rows["done"][0]:
            lines.append(text_seen(rules, rows))
    lines.append("result " + " ".join(f"{result:+.0f}" for result in rows["reward"][0]))
    return "\n".join(lines) + "\n"


def drawn(rules: Game, rows: np.ndarray, choices: np.ndarray) -> Any:
    """What `kernels.random_rows` would play here, by the row's own generator, which moves on."""
    state = rows["rng"].copy()
    if rules.controls:
        parts = [randomness.unit(np.uint64(randomness.next_random(state, 0))) for _ in rules.controls]
        action = np.array([low + (high - low) * u for (low, high), u in zip(rules.controls, parts, strict=True)])
        rows["rng"] = state
        return action.astype(np.float32)
    bits = np.uint64(randomness.next_random(state, 0))
    rows["rng"] = state
    return int(choices[randomness.below(bits, len(choices))])


def opinionated(rules: Game):
    """An evaluator with fixed random weights: whatever it thinks, it thinks it again."""
    generator = np.random.default_rng(1)
    cells = int(np.prod(rules.shape))
    to_logits = generator.normal(size=(cells, rules.actions)).round(3)
    to_value = generator.normal(size=cells).round(3)

    def evaluate(obs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        flat = obs.reshape(len(obs), -1).astype(np.float64)
        return (flat @ to_logits).astype(np.float32), np.tanh(0.2 * flat @ to_value).astype(np.float32)

    return evaluate


def trees() -> str:
    """What each kind of search finds in each position: per move its visits and its value."""
    lines = []
    for spec, positions in POSITIONS.items():
        rules = game(spec)
        for moves in positions:
            rows = kernels.replay(rules, SEED, moves)[-1:]
            lines += [f"{spec} after {' '.join(rules.names[m] for m in moves) or 'no move'}", text_seen(rules, rows)]
            for name, settings in SEARCHES.items():
                found = search(rules, rows, opinionated(rules), settings, kernels.seeds(SEED, 1), depth=4)
                lines.append(f"  {name}: best {rules.names[found.best[0]]}, value {found.value[0]:+.4f}")
                for a in np.flatnonzero(found.visits[0]):
                    line = " ".join(rules.names[m] for m in found.continuations[0, a] if m >= 0)
                    lines.append(f"    {found.visits[0, a]:4.0f}  {found.q[0, a]:+.4f}  {line}")
    return "\n".join(lines) + "\n"


def path(spec: str) -> Path:
    return FOLDER / f"{spec.replace(':', '_').replace('=', '_')}.txt"


def peer() -> None:
    """Writes what the test of meta-games asks of OpenSpiel."""
    test = Path(__file__).resolve().parent / "leagues" / "test_meta_games.py"
    spec = importlib.util.spec_from_file_location("test_meta_games", test)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    text = ",\n".join(f" {json.dumps(key)}: {json.dumps(value)}" for key, value in module.open_spiel_of_bots().items())
    PEER.write_text(f"{{\n{text}\n}}\n", encoding="utf-8")
    sys.stdout.write(f"{PEER}\n")


def main(named: list[str]) -> None:
    if named == ["open_spiel"]:
        peer()
        return
    FOLDER.mkdir(parents=True, exist_ok=True)
    for spec in named or SPECS:
        path(spec).write_text(transcript(game(spec)), encoding="utf-8")
        sys.stdout.write(f"{path(spec)}\n")
    if named:
        return
    TREES.write_text(trees(), encoding="utf-8")
    sys.stdout.write(f"{TREES}\n")


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    main(sys.argv[1:])
