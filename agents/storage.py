"""Agents as folders: `agent.toml`, `weights.safetensors`, `CARD.md`; reading one never runs what it holds.

The reader trusts nothing: the names of the files are fixed, links and oversized files are refused, the text is TOML,
the arrays are safetensors whose digest the TOML names, and every name in it is looked up in the project's own tables.
"""

from __future__ import annotations

import hashlib
import json
import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import safetensors.numpy
import torch
from safetensors import SafetensorError

from agents.actor import Actor, ActorAgent
from agents.agent import Agent
from agents.files import Refused, new_folder, read_plain
from agents.inference import evaluator
from agents.language.agent import LanguageAgent
from agents.networks import Network, Weights, load_weights, misfits
from agents.policy import NetworkAgent
from agents.search.agent import SearchAgent
from agents.search.search import Evaluate, Search
from agents.symmetry import Symmetric
from agents.table import ActionValues, BadTable, TableAgent
from envs.registry import check_options, kept_game, nearest, parse

if TYPE_CHECKING:
    from envs.game import Game

FORMAT, READ = 2, (1, 2)
"""The format that is written, and those that are read: they differ in what `agent_digest` covers."""
MOST_TEXT = 64 * 1024
MOST_DOTS = 1000
"""In agent.toml: a key of very many parts takes Python's reader minutes."""
MOST_HEADS = 64
"""In agent.toml: a network of thousands takes half a minute to be refused."""
MOST_HEADER = 1024 * 1024
MOST_WEIGHTS = 2 * 1024**3


class BadAgent(ValueError):
    """An agent's folder is not what it should be; the text names the folder, the fault and the mend."""


@dataclass(frozen=True)
class Stored:
    """All that an agent's folder says.

    game, rules  name of the game and version of its rules
    backbone     spec of the network's body; empty where the weights are a table of action values
    search       settings of `agents.search.search.Search` that it plays with
    step         of training, when it was frozen
    parent       whose snapshot it is
    sha256       of weights.safetensors
    created      UTC, ISO 8601
    """

    game: str
    rules: int
    backbone: str
    heads: tuple[str, ...]
    step: int
    parent: str
    sha256: str
    created: str
    search: dict[str, Any] = field(default_factory=dict)
    format: int = FORMAT


def save_agent(
    folder: Path,
    game: Game,
    weights: Weights,
    *,
    backbone: str,
    heads: Sequence[str],
    search: Mapping[str, Any] | None = None,
    step: int = 0,
    parent: str = "",
) -> Stored:
    """Writes an agent's folder, whole or not at all; a folder that exists is left alone and refused."""
    folder = Path(folder)
    if folder.exists():
        raise BadAgent(f"{folder} exists already; agents are never overwritten, so choose another name.")
    blob = safetensors.numpy.save({name: np.asarray(array, order="C") for name, array in weights.items()})
    stored = Stored(
        game=game.name,
        rules=game.version,
        backbone=backbone,
        heads=tuple(heads),
        step=step,
        parent=parent,
        sha256=hashlib.sha256(blob).hexdigest(),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        search=dict(search or {}),
    )
    _checked(folder, stored)
    count = sum(array.size for array in weights.values())
    with new_folder(folder, replace=False) as fresh:
        (fresh / "weights.safetensors").write_bytes(blob)
        (fresh / "agent.toml").write_text(to_toml(stored), encoding="utf-8")
        (fresh / "CARD.md").write_text(card(folder.name, stored, count), encoding="utf-8")
    return stored


def read_agent(folder: Path) -> tuple[Stored, Network]:
    """What a folder says and the network it holds, everything checked; raises `BadAgent`."""
    folder = Path(folder)
    stored = read_text(folder)
    blob = _weights(folder, stored)
    rules = _checked(folder, stored)
    arrays = _arrays(folder, blob)
    try:
        with torch.device("meta"):  # no memory is spent until the arrays are known to fit
            empty = Network(rules, stored.backbone, stored.heads)
        if wrong := misfits(empty, arrays):
            raise ValueError(wrong)
        network = Network(rules, stored.backbone, stored.heads)
        load_weights(network, arrays)
    except ValueError as error:
        raise BadAgent(f"{folder} cannot be used: {error}") from None
    return stored, network.eval()


def read_weights(folder: Path) -> Weights:
    """The weights in an agent's folder; who takes them sees whether they fit. Raises `BadAgent`.

    It is for agents that are known already: `read_agent` makes two networks, which takes thirty times as long.
    """
    return _arrays(folder, _weights(folder, read_text(folder)))


def read_table(folder: Path) -> tuple[ActionValues, Game]:
    """The table that a folder without a backbone holds, and its game, everything checked; raises `BadAgent`."""
    stored = read_text(folder)
    blob = _weights(folder, stored)
    rules = _checked(folder, stored)
    try:
        return ActionValues.of(rules, _arrays(folder, blob)), rules
    except BadTable as error:
        raise BadAgent(f"{folder} cannot be used: {error}") from None


def agent_digest(folder: Path) -> str:
    """SHA-256 of the weights and of what agent.toml says of how they play, whether or not they belong together.

    When and by whom an agent was made is no part of it, but in format 1, whose digests databases hold. Raises
    `BadAgent`.
    """
    text, blob = _bytes(folder / "agent.toml", MOST_TEXT), _bytes(folder / "weights.safetensors", MOST_WEIGHTS)
    return hashlib.sha256(_playing(text) + hashlib.sha256(blob).digest()).hexdigest()


def _playing(text: bytes) -> bytes:
    """Of agent.toml what decides how an agent plays; all of it where that is not known."""
    try:
        table = _parsed(text)
        if table.get("format") != FORMAT:
            return text
        kept = {key: value for key, value in table.items() if key not in ("created", "parent", "step")}
        return json.dumps(kept, sort_keys=True, default=str).encode()
    except (ValueError, RecursionError):
        return text


def _weights(folder: Path, stored: Stored) -> bytes:
    blob = _bytes(folder / "weights.safetensors", MOST_WEIGHTS)
    if hashlib.sha256(blob).hexdigest() != stored.sha256:
        raise BadAgent(f"{folder}/weights.safetensors is damaged (its sha256 is not the one in agent.toml); copy anew.")
    return blob


def newest_agent(run: Path) -> Path:
    """The folder of the agent of a run that was trained longest; raises `BadAgent` if there is none.

    In a league of many learners, whose steps do not compare, those that search come before the others.
    """
    found = [folder for folder in sorted((Path(run) / "agents").glob("[!.]*")) if (folder / "agent.toml").exists()]
    if not found:
        raise BadAgent(f"{run} is no agent and no run with agents; name a folder such as runs/NAME/agents/MEMBER.")
    texts = {folder: read_text(folder) for folder in found}
    return max(found, key=lambda folder: (bool(texts[folder].search), texts[folder].step))


def agent_folder(folder: Path) -> Path:
    """The folder itself if an agent is in it, or that of the newest agent of a run."""
    folder = Path(folder)
    inside = not os.path.lexists(folder / "agent.toml") and (folder / "agents").is_dir()
    return newest_agent(folder) if inside else folder


def begin_from(network: Network, folder: Path) -> None:
    """Gives a network the weights of a stored agent, or of a run's newest; raises `BadAgent` unless the bodies match.

    Heads that the agent lacks, or has in another size, stay as they are.
    """
    folder = agent_folder(folder)
    stored, other = read_agent(folder)
    given, own = other.state_dict(), network.state_dict()
    taken = {name: value for name, value in given.items() if name in own and value.shape == own[name].shape}
    body = ("backbone.", "stem.")
    lacking = [name for name in own if name.startswith(body) and name not in taken]
    lacking += [f"{name}, by standardise=true" for name in given if name.startswith("stem.") and name not in own]
    if lacking:
        raise BadAgent(
            f"{folder} has {stored.backbone} for {stored.game}, whose weights do not fit {network.spec} for "
            f"{network.game.name} ({lacking[0]}); choose the same backbone, or leave it out."
        )
    network.load_state_dict({**own, **taken})


def load_agent(folder: Path, options: str = "") -> Agent:
    """The agent in a folder, or the newest of a run's folder, with options as in "sims=600,threads=2".

    sims         simulations a move; 0 is the network's raw policy
    temperature  of the raw policy; of a language model's tokens, which take top_k, top_p and retries as well
    backend, threads  of inference
    and any setting of `Search`
    """
    folder = agent_folder(folder)
    if not read_text(folder).backbone:
        check_options(parse(f"agent:{options}")[1], [], "A table's folder")
        return TableAgent(*read_table(folder), folder.name)
    stored, network = read_agent(folder)
    name = folder.name + (f":{options}" if options else "")
    chosen = parse(f"agent:{options}")[1]
    if "value" not in network.heads:
        return _without_search(network, name, chosen)
    own = {"sims", "temperature", "backend", "threads"}
    known = own | {f.name for f in fields(Search)}
    check_options(chosen, sorted(known), "An agent's folder")
    if "sims" in chosen:
        chosen["simulations"] = chosen["sims"]
    threads = chosen.get("threads", 1)
    if not isinstance(threads, int) or not 1 <= threads <= 1024:
        raise ValueError(f"threads is a whole number from 1 to 1024, not {threads}.")
    settings = search_settings({**stored.search, **{k: v for k, v in chosen.items() if k not in own}})
    temperature = chosen.get("temperature", 0.0)
    if isinstance(temperature, (bool, str)):
        raise ValueError(f"A temperature is a number of at least 0, not {temperature}.")
    if temperature and settings.simulations:
        raise ValueError("A temperature is for the raw policy; write sims=0,temperature=1.")
    evaluate: Evaluate = evaluator(network, backend=str(chosen.get("backend", "auto")), threads=threads)
    if settings.simulations == 0:
        if settings.average:
            evaluate = Symmetric(evaluate, network.game)
        return NetworkAgent(evaluate, network.game, name, float(temperature))
    return SearchAgent(evaluate, network.game, name=name, settings=settings)


def _without_search(network: Network, name: str, chosen: Mapping[str, Any]) -> Agent:
    """The agent of a network that was trained to choose its moves itself, with no head that a search could ask."""
    speaks = "token" in network.heads and network.game.language is not None
    known = ["temperature", "sims", *(["top_k", "top_p", "retries"] if speaks else [])]
    check_options(chosen, known, "The folder of an agent that does not search")
    if chosen.get("sims", 0) != 0:
        raise ValueError(f"{name} was trained without a search and plays without one; leave sims out.")
    temperature = chosen.get("temperature")
    if isinstance(temperature, (bool, str)):
        raise ValueError(f"A temperature is a number of at least 0, not {temperature}.")
    if speaks:
        return LanguageAgent(network, name, **{key: value for key, value in chosen.items() if key != "sims"})
    return ActorAgent(Actor(network), name, temperature)


def search_settings(table: Mapping[str, Any]) -> Search:
    """The search that a table of settings asks for; raises ValueError on what a search does not have."""
    default = Search(simulations=600)
    kinds = {f.name: type(getattr(default, f.name)) for f in fields(Search)}
    taken: dict[str, Any] = {}
    check_options(table, kinds, "A search")
    for key, value in table.items():
        if kinds[key] is float and type(value) is int:
            value = float(value)
        if type(value) is not kinds[key] or (isinstance(value, float) and not np.isfinite(value)):
            raise ValueError(f"The search's {key} is a {kinds[key].__name__}, not {value!r}.")
        taken[key] = value
    return replace(default, **taken)


# --- reading --------------------------------------------------------------------------------------------------------


def read_text(folder: Path) -> Stored:
    """What agent.toml says, each entry of its type; nothing else of the folder is opened."""
    file = Path(folder) / "agent.toml"
    if not os.path.lexists(file):
        raise BadAgent(f"{folder} is no agent: it has no agent.toml; name a folder such as runs/NAME/agents/MEMBER.")
    try:
        table = _parsed(_bytes(file, MOST_TEXT))
    except (ValueError, RecursionError) as error:
        if isinstance(error, BadAgent):
            raise
        raise BadAgent(f"{file} is not TOML ({error}); copy the folder anew.") from None
    if table.get("format") not in READ:
        known = " and ".join(map(str, READ))
        raise BadAgent(f"{file} has format {table.get('format')!r}, and this version reads {known}; update.")
    kinds: dict[str, type] = {"rules": int, "step": int, "heads": list, "search": dict, "format": int}
    known = [f.name for f in fields(Stored)]
    for key in table:
        if key not in known:
            raise BadAgent(f"{file} has an unknown key '{key[:40]}'; {nearest(key[:40], known)}")
    for key in known:
        kind = kinds.get(key, str)
        if type(table.get(key)) is not kind:
            raise BadAgent(f"{file} needs '{key}' as {kind.__name__}; copy the folder anew.")
    if len(table["heads"]) > MOST_HEADS or not all(type(head) is str for head in table["heads"]):
        raise BadAgent(f"{file} needs 'heads' as a list of names, {MOST_HEADS} at most; copy the folder anew.")
    if not 0 <= table["step"] < 2**63:
        raise BadAgent(f"{file} needs 'step' as a whole number that is not negative; copy the folder anew.")
    return Stored(**{**table, "heads": tuple(table["heads"])})


def _parsed(text: bytes) -> dict[str, Any]:
    written = text.decode("utf-8")
    if written.count(".") > MOST_DOTS:
        raise ValueError(f"it has more than {MOST_DOTS:,} dots")
    return tomllib.loads(written)


def _checked(folder: Path, stored: Stored) -> Game:
    """The game of an agent; raises `BadAgent` unless these are its rules and the search can be had."""
    try:
        rules = kept_game(stored.game)
        search_settings(stored.search)
    except (ValueError, TypeError) as error:
        raise BadAgent(f"{folder}/agent.toml: {error}") from None
    if rules.version != stored.rules:
        raise BadAgent(
            f"{folder} was trained under version {stored.rules} of the rules of {rules.name}, and this is version "
            f"{rules.version}; train it anew, or use the release that made it."
        )
    return rules


def _bytes(file: Path, most: int) -> bytes:
    try:
        return read_plain(file, most)
    except Refused as error:
        raise BadAgent(str(error)) from None


def _arrays(folder: Path, blob: bytes) -> Weights:
    header = int.from_bytes(blob[:8], "little")
    try:
        if len(blob) < 8 or header > min(MOST_HEADER, len(blob) - 8):
            raise ValueError("its header is too long")
        return safetensors.numpy.load(blob)
    except (SafetensorError, ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
        why = str(error).partition("\n")[0]
        raise BadAgent(f"{folder}/weights.safetensors is no safetensors file ({why}); copy the folder anew.") from None


# --- writing --------------------------------------------------------------------------------------------------------


def to_toml(stored: Stored) -> str:
    """The text of agent.toml."""
    entries = {f.name: getattr(stored, f.name) for f in fields(Stored) if f.name != "search"}
    lines = [f"{key} = {_toml(entries[key])}" for key in ("format", *(k for k in entries if k != "format"))]
    return "\n".join([*lines, "", "[search]", *(f"{key} = {_toml(value)}" for key, value in stored.search.items()), ""])


def _toml(value: Any) -> str:
    """One value; JSON's strings, numbers and lists are TOML's too."""
    if isinstance(value, float) and not isinstance(value, bool):
        return repr(float(value))
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def card(name: str, stored: Stored, count: int) -> str:
    """A model card: YAML front matter, then what a person would ask."""
    rows = {"sha256 of the weights": stored.sha256, "numbers in the weights": f"{count:,}", "made": stored.created}
    rows |= {
        "backbone": stored.backbone or "none: a table",
        "heads": ", ".join(stored.heads),
        "training step": str(stored.step),
    }
    rows |= {f"search: {key}": str(value) for key, value in stored.search.items()}
    table = "\n".join(f"| {key} | {value} |" for key, value in rows.items())
    return f"""---
library_name: arena
license: mit
tags: [reinforcement-learning, {json.dumps(stored.game)}]
model_name: {json.dumps(name)}
---

# {name}

Plays {stored.game} (rules version {stored.rules}){f", a snapshot of {stored.parent}" if stored.parent else ""}.

    arena play {stored.game} --against PATH_OF_THIS_FOLDER
    arena watch {stored.game} PATH_OF_THIS_FOLDER PATH_OF_THIS_FOLDER:sims=0

| | |
|---|---|
{table}

The weights are safetensors and the settings TOML: loading them runs no code.
It knows its one game; how well it plays is for a league's table to say.
"""
