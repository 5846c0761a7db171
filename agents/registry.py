"""The tables of agents, backbones and algorithms, and how an agent is made from its spec."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from envs.registry import build, resolve

if TYPE_CHECKING:
    from agents.agent import Agent

AGENTS: dict[str, str] = {
    "random": "agents.scripted.random:Random",
    "alphabeta": "agents.scripted.alphabeta:AlphaBeta",
    "mcts": "agents.scripted.rollouts:Rollouts",
    "solver": "agents.scripted.solver:Solver",
    "human": "agents.scripted.human:Human",
}
"""name -> "module:class"; the constructor's arguments are the agent's options."""

BACKBONES: dict[str, str] = {
    "mlp": "agents.backbones.mlp:MLP",
    "resnet": "agents.backbones.resnet:ResNet",
}
"""name -> "module:class" of a network body."""

ALGORITHMS: dict[str, str] = {
    "alphazero": "agents.learn.alphazero:AlphaZero",
}
"""name -> "module:class" of a learner."""


def agent(spec: str) -> Agent:
    """The agent written as `spec`: a name of the table with options, or the folder of a trained agent.

    A folder may be followed by options for its search, as in `runs/a/agents/a-0010:sims=600`; `sims=0` is the raw
    policy. Raises `Unknown` for a name that is nowhere, with the nearest one that is.
    """
    folder, _, options = spec.partition(":")
    if "/" in folder or (Path(folder) / "agent.toml").exists():
        return resolve({"folder": "agents.storage:load_agent"}, "folder", "agent")(Path(folder), options)
    return build(AGENTS, spec, "agent")
