"""The tables of agents, backbones and algorithms, and how an agent is made from its spec."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from envs.registry import Unknown, build, resolve

if TYPE_CHECKING:
    from agents.agent import Agent

AGENTS: dict[str, str] = {
    "random": "agents.scripted.random:Random",
    "alphabeta": "agents.scripted.alphabeta:AlphaBeta",
    "mcts": "agents.scripted.rollouts:Rollouts",
    "solver": "agents.scripted.solver:solver",
    "planner": "agents.exact.planning:Planner",
    "cfr": "agents.exact.cfr:CFR",
    "human": "agents.scripted.human:Human",
}
"""name -> "module:class" or "module:function"; its arguments are the agent's options."""

BACKBONES: dict[str, str] = {
    "mlp": "agents.backbones.mlp:MLP",
    "resnet": "agents.backbones.resnet:ResNet",
    "conv": "agents.backbones.conv:Conv",
    "windows": "agents.backbones.windows:Windows",
    "elman": "agents.backbones.elman:Elman",
    "gru": "agents.backbones.gru:GRU",
    "lstm": "agents.backbones.lstm:LSTM",
    "transformer": "agents.backbones.transformer:Transformer",
    "gpt": "agents.backbones.gpt:GPT",
}
"""name -> "module:class" of a network body."""

ALGORITHMS: dict[str, str] = {
    "alphazero": "agents.learn.alphazero:AlphaZero",
    "q_learning": "agents.learn.q_learning:QLearning",
    "ppo": "agents.learn.ppo:PPO",
    "pqn": "agents.learn.pqn:PQN",
    "dqn": "agents.learn.dqn:DQN",
    "nfsp": "agents.learn.nfsp:NFSP",
    "deep_cfr": "agents.learn.deep_cfr:DeepCFR",
    "sac": "agents.learn.sac:SAC",
    "td3": "agents.learn.td3:TD3",
    "ddpg": "agents.learn.ddpg:DDPG",
    "impala": "agents.learn.impala:Impala",
    "reinforce": "agents.learn.reinforce:Reinforce",
    "a2c": "agents.learn.a2c:A2C",
    "grpo": "agents.learn.grpo:GRPO",
    "sft": "agents.learn.sft:SFT",
    "reward_model": "agents.learn.reward_model:RewardModel",
    "rlhf": "agents.learn.rlhf:RLHF",
    "dpo": "agents.learn.dpo:DPO",
}
"""name -> "module:class" of a learner."""

PLAYERS: dict[str, str] = {
    "self_play": "agents.self_play:SelfPlayer",
    "rollouts": "agents.rollouts:Rollouts",
    "groups": "agents.language.groups:Groups",
    "lessons": "agents.language.lessons:Lessons",
    "pairs": "agents.language.pairs:Pairs",
}
"""name -> "module:class" of what gathers a learner's experience."""

PROGRAMS: dict[str, str] = {"exec": "agents.external.program:program", "http": "agents.external.served:served"}
"""What the specs of programs begin with -> "module:function"; written exec:COMMAND or exec,key=value:COMMAND."""

RUN_BY = {".py": "python", ".js": "node"}
"""What runs a program's file, by its ending; others run by themselves."""

LATER = {
    "best": "best:GAME is looked up in a database, by the commands that have one (`arena match`, `arena watch` ...).",
    "untrained": "it is a model before it was trained, for `arena watch TASK untrained RUN --group 8`.",
}
"""Specs that are read elsewhere, or not yet, and what to say of them."""


def is_folder(name: str) -> bool:
    """Whether a name of no table is the folder of an agent or of a run."""
    folder = Path(name)
    return name not in AGENTS and ((folder / "agent.toml").exists() or (folder / "agents").is_dir())


def is_program(spec: str) -> bool:
    """Whether a spec is a command line to be run (`exec:./mybot`), or the address of who listens (`http://...`)."""
    return ":" in spec and spec.partition(":")[0].partition(",")[0] in PROGRAMS


def is_person(spec: str) -> bool:
    """Whether a spec is somebody who is asked for each move."""
    return spec.partition(":")[0] == "human"


def program_meant(words: str) -> str:
    """How a program is written as an agent that was named as one names it to run it; '' if these words name none."""
    first, *more = words.split() or [""]
    if more and not Path(words).exists():
        return f"exec:{words}" if shutil.which(first) or Path(first).is_file() else ""
    path = Path(words)
    if path.suffix in RUN_BY and not path.is_dir():
        return f"exec:{RUN_BY[path.suffix]} {words}"
    if not path.is_file() or not os.access(path, os.X_OK) or path.suffix == ".db":
        return ""
    return f"exec:{words}" if "/" in words else f"exec:./{words}"


def agent(spec: str) -> Agent:
    """The agent written as `spec`: a name of the table with options, or the folder of an agent or a run.

    A run stands for its newest agent. A folder may be followed by options for its search, as in
    `runs/a/agents/a-0010:sims=600`; `sims=0` is the raw policy. After `exec:` stands a command line, just as one types
    it; its settings come before the colon, as in `exec,move=5:./mybot --fast`. Raises `Unknown` for a name that is
    nowhere, with the nearest one that is.
    """
    folder, _, options = spec.partition(":")
    if is_program(spec):
        return resolve(PROGRAMS, folder.partition(",")[0], "program")(options, folder.partition(",")[2])
    if folder in LATER:
        raise Unknown(f"'{spec}' cannot be made here: {LATER[folder]}")
    parts = spec.split(":")
    if not is_folder(folder) and any(is_folder(":".join(parts[:count])) for count in range(2, len(parts) + 1)):
        raise Unknown(f"'{spec}' names a folder with a colon in it, which is where options begin; rename the folder.")
    if not is_folder(folder) and (meant := program_meant(spec)):
        raise Unknown(f"'{spec}' is no agent; for a program write \"{meant}\", in quotes.")
    if "/" in folder or is_folder(folder):
        return resolve({"folder": "agents.storage:load_agent"}, "folder", "agent")(Path(folder), options)
    return build(AGENTS, spec, "agent")
