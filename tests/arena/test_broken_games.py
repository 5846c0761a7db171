"""Games of another project whose program fails: no result is made of them, and what ended otherwise is kept."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from gymnasium import spaces
from pettingzoo import AECEnv

from agents.play import Broken
from arena.seat_returns import evaluate
from arena.store import Member, Store
from arena.tournament import Contest, contest, match, tournament
from envs.registry import game


class Duel(AECEnv[str, Any, Any]):
    """Two plies, the first seat wins; every game after the first three fails at its second ply, unless `mended`."""

    metadata = {"name": "duel", "render_modes": []}  # noqa: RUF012
    begun = 0
    mended = False

    def __init__(self) -> None:
        super().__init__()
        self.possible_agents = ["one", "two"]

    def observation_space(self, agent: str) -> spaces.Box:
        return spaces.Box(-1, 1, (1,), np.float32)

    def action_space(self, agent: str) -> spaces.Discrete:
        return spaces.Discrete(2)

    def observe(self, agent: str) -> Any:
        return np.zeros(1, np.float32)

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> None:
        Duel.begun += 1
        self.fails, self.agents, self.agent_selection = Duel.begun > 3 and not Duel.mended, ["one", "two"], "one"
        self.rewards = dict.fromkeys(self.agents, 0.0)
        self._cumulative_rewards = dict(self.rewards)
        self.terminations = dict.fromkeys(self.agents, False)
        self.truncations, self.infos = dict(self.terminations), {agent: {} for agent in self.agents}

    def step(self, action: Any) -> None:
        if self.terminations[self.agent_selection]:
            self._was_dead_step(action)
            return
        if self.agent_selection == "one":
            self.agent_selection = "two"
            return
        if self.fails:
            raise RuntimeError("out of order")
        self.rewards = {"one": 1.0, "two": -1.0}
        self._cumulative_rewards = dict(self.rewards)
        self.terminations = dict.fromkeys(self.agents, True)


@pytest.fixture
def duel(monkeypatch: pytest.MonkeyPatch) -> str:
    module = ModuleType("duel_of_two")
    module.__dict__["env"] = Duel
    monkeypatch.setitem(sys.modules, "duel_of_two", module)
    spec = game("pz:duel_of_two").name  # which looks at what is seen there, and so begins one
    Duel.begun, Duel.mended = 0, False
    return spec


@pytest.mark.parametrize("form", ["match", "round-robin"])
def test_a_game_whose_program_fails_is_no_draw(duel: str, form: str, tmp_path: Path) -> None:
    """Three games end by their rules and five fail; mended, those five are played."""
    store = Store(tmp_path / "arena.db")
    plays = Contest(duel, {"random": "random", "other": "random"})

    def play() -> Any:
        return match(store, plays, 8) if form == "match" else tournament(store, plays, form, 4)

    with pytest.raises(Broken, match=r"5 games of pz:duel_of_two came to no result.*out of order"):
        play()
    kept = list(store.games(plays.game))
    assert len(kept) == 3 and {one.results for one in kept} == {(1.0, -1.0)}
    Duel.mended = True
    assert play().games == 8 and play().stored == 8
    assert {one.results for one in store.games(plays.game)} == {(1.0, -1.0)}
    store.close()


def test_evaluation_says_how_many_games_have_failed(duel: str) -> None:
    (first, second) = evaluate(duel, "random", ["random"], 4)
    assert (first.broken, second.broken) == (1, 4) and first.mean == 0.75  # the fifth game is the first of the second


def test_the_names_of_our_own_agents_are_taken(tmp_path: Path) -> None:
    """A program called random would be the zero of the scale, and share its games with the real one."""
    bot = tmp_path / "bot.py"
    bot.write_text("")
    with pytest.raises(ValueError, match="'random' is the name of an agent of the arena's own"):
        contest("tic_tac_toe", ["mcts:sims=2", f"exec,name=random:python {bot}"])
    known = [Member(1, "tic_tac_toe", "random", "agent", "exec,name=random:bot", None, None, "1f" * 32, 0.0)]
    with pytest.raises(ValueError, match="is a program or a trained agent in this database"):
        contest("tic_tac_toe", ["mcts:sims=2", "random"], members=known)
    assert "random" in contest("tic_tac_toe", ["mcts:sims=2", "random"]).entrants
