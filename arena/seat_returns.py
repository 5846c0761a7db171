"""What an agent is paid in each seat: `arena evaluate`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from agents.play import Finished, play_games
from agents.registry import is_person
from arena.entrants import greet, ready
from arena.tournament import LANES, Heard
from envs.kernels import seeds
from envs.registry import game as game_of
from leagues.bradley_terry import Z95


@dataclass(frozen=True)
class SeatReturn:
    """What an agent gets on average in one seat."""

    seat: int
    opponent: str | None
    """None in games of one seat."""
    episodes: int
    mean: float
    error: float
    """Half the 95 % interval."""
    plies: float
    """The games' mean length."""
    broken: int = 0
    """Games that another project's program has ended by failing; they count with what they had paid until then."""


def evaluate(
    game: str,
    spec: str,
    opponents: Sequence[str],
    episodes: int,
    *,
    seed: int = 0,
    heard: Heard = lambda done, total: None,
) -> list[SeatReturn]:
    """An agent's mean return in each seat against each opponent, from the game's own beginning; nothing is stored.

    In games of one seat nobody is met, whoever is named.
    """
    rules = game_of(game)
    names = list(opponents) if rules.seats > 1 else []
    agent, others = ready(spec, rules), [ready(name, rules) for name in names]
    greet({name: name for name in (spec, *names)}, rules)
    found, total = [], rules.seats * max(1, len(others)) * episodes
    lanes = 1 if any(map(is_person, (spec, *names))) else LANES
    for other in others or [None]:
        players = [agent] if other is None else [agent, other]
        against = None if other is None else other.name
        for seat in range(rules.seats):
            seating = np.ones((episodes, rules.seats), np.int64)
            seating[:, seat] = 0
            games: list[Finished] = []
            for start in range(0, episodes, lanes):
                stop = min(episodes, start + lanes)
                lane_seeds = seeds(seed, episodes, seat)[start:stop]
                games += play_games(rules, players, seating[start:stop], lane_seeds)
                heard(len(found) * episodes + stop, total)
            returns = np.array([finished.reward[seat] for finished in games], np.float64)
            error = Z95 * float(returns.std(ddof=1)) / np.sqrt(episodes) if episodes > 1 else float("inf")
            plies = float(np.mean([len(finished.moves) for finished in games]))
            broken = sum(bool(finished.broken) for finished in games)
            found.append(SeatReturn(seat, against, episodes, float(returns.mean()), float(error), plies, broken))
    return found
