"""Rock-paper-scissors as a planted world: what a league's feed does to a learner that only ever answers its feed.

The games are exact tables of win rates, the learner a mixed strategy that takes steps towards the best response to
whoever its role gives it; no network and no chance. All roles get the same learner; only the feed differs.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from leagues.census import Census, Member
from leagues.meta_games import nash
from leagues.payoff import Payoff
from leagues.roles import feed

EVEN = np.array([[0.5, 0.0, 1.0], [1.0, 0.5, 0.0], [0.0, 1.0, 0.5]])
"""Win rates of rock, paper and scissors."""
UNEVEN = np.array([[0.5, 0.0, 0.75], [1.0, 0.5, 0.25], [0.25, 0.75, 0.5]])
"""Paper always beats rock, the others win three times in four: equilibrium (1, 1, 2) / 4."""
EQUILIBRIUM = {"even": np.full(3, 1 / 3), "uneven": np.array([0.25, 0.25, 0.5])}
GAMES = {"even": EVEN, "uneven": UNEVEN}


class Exact(Payoff):
    """The payoff table after endlessly many games between strategies."""

    def __init__(self, game: np.ndarray, strategies: dict[str, np.ndarray]) -> None:
        super().__init__()
        self.game, self.strategies = game, strategies

    def winrates(self, names: Sequence[str] | None = None, against: Sequence[str] | None = None) -> np.ndarray:
        names = list(self.strategies) if names is None else names
        against = names if against is None else against
        rows = np.array([self.strategies[name] for name in names]).reshape(-1, len(self.game))
        columns = np.array([self.strategies[name] for name in against]).reshape(-1, len(self.game))
        return np.clip(rows @ self.game @ columns.T, 0.0, 1.0)

    def counts(self, names: Sequence[str] | None = None, against: Sequence[str] | None = None) -> np.ndarray:
        return np.ones_like(self.winrates(names, against))


def exploitability(game: np.ndarray, strategy: np.ndarray) -> float:
    """How much more often than half the best response wins."""
    return float((game @ strategy).max() - 0.5)


def league(
    game: np.ndarray, role: str, generations: int, steps: int = 20, size: float = 0.1
) -> tuple[np.ndarray, np.ndarray]:
    """The frozen strategies, and the mixtures that it was fed last in each generation; [generations, n] each."""
    me = Member("me", role, live=True)
    strategies = {"me": np.eye(len(game))[0]}
    members, feeds = [me], []
    for generation in range(generations):
        name = f"me@{generation}"
        strategies[name] = strategies["me"].copy()
        members.append(Member(name, role, parent="me"))
        census, mixture = Census(members, Exact(game, strategies)), np.zeros(len(game))
        for _ in range(steps):
            mixture = sum(odds * strategies[who] for who, odds in feed(me, census).odds.items())
            strategies["me"] = strategies["me"] + size * (
                np.eye(len(game))[(game @ mixture).argmax()] - strategies["me"]
            )
        feeds.append(mixture)
    return np.array([strategies[m.name] for m in members[1:]]), np.array(feeds)


def distance(feeds: np.ndarray, name: str) -> float:
    """The greatest difference from equilibrium of any probability in any of these mixtures."""
    return float(np.abs(feeds - EQUILIBRIUM[name]).max())


@pytest.mark.parametrize("name", GAMES)
def test_equilibria(name: str) -> None:
    assert exploitability(GAMES[name], EQUILIBRIUM[name]) == pytest.approx(0)
    assert exploitability(GAMES[name], np.array([0.3, 0.4, 0.3])) > 0.01


@pytest.mark.parametrize("name", GAMES)
def test_self_play_alone_goes_round_in_circles(name: str) -> None:
    """A latest self that is wholly answered in each generation: rock, paper, scissors, rock ... for ever."""
    frozen, feeds = league(GAMES[name], "latest", 60, steps=1, size=1.0)
    assert [strategy.argmax() for strategy in frozen] == [0, 1, 2] * 20
    assert all(exploitability(GAMES[name], mixture) >= 0.25 for mixture in feeds)


@pytest.mark.parametrize("name", GAMES)
def test_a_learner_of_small_steps_circles_in_self_play_and_settles_in_a_league(name: str) -> None:
    game = GAMES[name]
    assert distance(league(game, "latest", 60)[1][-20:], name) > 0.1
    assert distance(league(game, "prioritised", 60)[1][-20:], name) < 0.05
    frozen, feeds = league(game, "main", 60)
    assert distance(feeds[-20:], name) < 0.05
    assert distance(frozen.mean(0), name) < 0.05


@pytest.mark.parametrize("name", GAMES)
@pytest.mark.parametrize("solver", ["nash", "projected_replicator"])
def test_psro_settles_once_it_has_seen_all(name: str, solver: str) -> None:
    """Even a learner that answers wholly, and circles in self-play, is fed the equilibrium from the third one on."""
    generations = 6 if solver == "nash" else 4
    _, feeds = league(GAMES[name], f"psro:solver={solver}", generations, steps=1, size=1.0)
    assert distance(feeds[2:], name) < (1e-4 if solver == "nash" else 0.05)
    assert distance(feeds[:2], name) > 0.3


def test_psro_with_uniform_weights_is_fictitious_self_play() -> None:
    psro = league(UNEVEN, "psro:solver=uniform", 40, steps=1, size=1.0)
    assert np.array_equal(psro[1], league(UNEVEN, "uniform_past", 40, steps=1, size=1.0)[1])


def test_psro_by_alpha_rank_goes_evenly_round_a_circle_of_three() -> None:
    """At its great alpha only who beats whom counts, so it is even in both games: no equilibrium in the uneven one."""
    for game in GAMES.values():
        _, feeds = league(game, "psro:solver=alpha_rank", 3, steps=1, size=1.0)
        assert feeds[2] == pytest.approx([1 / 3] * 3, abs=1e-6)


def test_43_bots_are_settled_by_psro_and_past_opponents_and_not_by_self_play() -> None:
    """Bots of repeated rock-paper-scissors, as exact table; a learner that answers its feed wholly is one of them."""
    file = Path(__file__).parents[1] / "golden" / "ratings" / "rrps_bot_table_file.txt"
    cells = {(a, b): gain / 1000 for a, b, gain in map(ast.literal_eval, file.read_text().splitlines())}
    bots = sorted({a for a, _ in cells})
    table = np.array([[cells[a, b] for b in bots] for a in bots])
    game = 0.5 + (table - table.T) / 4
    frozen, feeds = league(game, "psro:solver=nash", 12, steps=1, size=1.0)
    assert len({strategy.argmax() for strategy in frozen}) < 12 < len(bots)  # it needs but few of them
    assert exploitability(game, feeds[-1]) < 1e-6
    assert feeds[-1] == pytest.approx(nash(game - game.T), abs=1e-4)
    for role in ("prioritised", "main"):
        _, feeds = league(game, role, 40, steps=1, size=1.0)
        assert max(exploitability(game, mixture) for mixture in feeds[-10:]) < 0.05
    frozen, feeds = league(game, "latest", 30, steps=1, size=1.0)
    answers = [bots[strategy.argmax()] for strategy in frozen]
    assert answers[-6:] == answers[-12:-6]
    assert len(set(answers[-6:])) == 6
    assert max(exploitability(game, mixture) for mixture in feeds[-6:]) > 0.1
