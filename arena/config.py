"""arena.toml: the one file that says what a league does.

A section is a frozen model below, or the settings dataclass that a component keeps in its own file, named in a table
here. A key that nobody knows, or a value of the wrong type, is one sentence. To add a setting, add a field; to add a
component, add its settings to a table.
"""

from __future__ import annotations

import os
import re
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_type_hints

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Strict,
    ValidationError,
    create_model,
)

from agents.registry import AGENTS, ALGORITHMS, BACKBONES
from arena.curves import Tracking
from arena.engines import ENGINES
from arena.toml import dumps, parse_value
from envs.registry import GAMES, foreign, game, nearest, parse, require_trusted, resolve

if TYPE_CHECKING:
    from arena.evaluation import EvaluationSettings
    from arena.league import LeagueSettings

LEARNERS: dict[str, str] = {
    "alphazero": "agents.learn.alphazero:AlphaZeroSettings",
    "q_learning": "agents.learn.q_learning:QLearningSettings",
    "ppo": "agents.learn.ppo:PPOSettings",
    "pqn": "agents.learn.pqn:PQNSettings",
    "dqn": "agents.learn.dqn:DQNSettings",
    "nfsp": "agents.learn.nfsp:NFSPSettings",
    "sac": "agents.learn.sac:SACSettings",
    "td3": "agents.learn.td3:TD3Settings",
    "ddpg": "agents.learn.ddpg:DDPGSettings",
    "impala": "agents.learn.impala:ImpalaSettings",
    "reinforce": "agents.learn.reinforce:ReinforceSettings",
    "a2c": "agents.learn.a2c:A2CSettings",
    "grpo": "agents.learn.grpo:GRPOSettings",
    "sft": "agents.learn.sft:SFTSettings",
    "reward_model": "agents.learn.reward_model:RewardModelSettings",
    "rlhf": "agents.learn.rlhf:RLHFSettings",
    "dpo": "agents.learn.dpo:DPOSettings",
}
"""algorithm -> the dataclass of its settings: what [learner] may hold beside `algorithm`."""

OWNED: dict[str, str] = {
    "league": "arena.league:LeagueSettings",
    "evaluation": "arena.evaluation:EvaluationSettings",
}
"""section -> the dataclass of its component; a dataclass inside it is a table inside the section."""

PLAYING: dict[str, str] = {
    "self_play": "agents.self_play:SelfPlay",
    "rollouts": "agents.rollouts:RolloutSettings",
    "groups": "agents.language.groups:GroupSettings",
    "lessons": "agents.language.lessons:LessonSettings",
    "pairs": "agents.language.pairs:PairSettings",
}
"""player of `agents.registry.PLAYERS` -> the dataclass of its settings, which are the section of that name.

Its defaults are the algorithm's own (`Learner.playing`). What a file says of players that the algorithm does not use is
checked and kept, for the next algorithm.
"""


MOST_WORKERS = 4096


class ConfigError(ValueError):
    """A configuration that cannot be used; the text names the file, the key and the mend."""


def _named(table: Mapping[str, str], kind: str, empty: bool = False) -> AfterValidator:
    """Checks that a spec begins with a name of the table, without importing what it names."""

    def check(spec: str) -> str:
        if table is GAMES and foreign(spec) is not None:
            return spec
        name, _ = parse(spec)
        if not spec and empty:
            return spec
        if name not in table:
            raise ValueError(f"There is no {kind} '{name}'; {nearest(name, table)}")
        return spec

    return AfterValidator(check)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def _count(value: object) -> object:
    if value == "auto" or (isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_WORKERS):
        return value
    raise ValueError(f'It must be "auto" or a whole number from 0 to {MOST_WORKERS}.')


class Section(BaseModel):
    """A table of the file: no other keys, no type that has to be guessed, nothing changed afterwards."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Run(Section):
    name: str = Field("league", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", description="folder of the run under `out`")
    seed: int = Field(0, ge=0, lt=2**63, description="everything random follows from it")
    minutes: float = Field(
        30.0, gt=0, description="of training; a run cut short gets what is left, a complete one as much again"
    )
    positions: int = Field(4000, gt=0, description="to learn from that each round of training gathers")
    out: str = Field("runs", min_length=1, description="folder of all runs")
    engine: Annotated[str, _named(ENGINES, "engine")] = Field(
        "native", description="whose training loop it is: native, or another project's (`arena train --help`)"
    )
    database: str = Field("arena.db", min_length=1, description="members, games and ratings of all runs")
    track: Tracking = Field("", description="send the curves there, too; empty: nowhere")


class GameChoice(Section):
    name: Annotated[str, _named(GAMES, "game")] = Field("connect_four", description="`arena list games` has them all")


class Network(Section):
    backbone: Annotated[str, _named(BACKBONES, "backbone", empty=True)] = Field(
        "", description="a spec: resnet:blocks=5; empty: the algorithm's choice"
    )
    heads: Annotated[tuple[str, ...], Strict(False)] = Field((), description="specs; empty: the algorithm's choice")
    start: str = Field("", description="folder of an agent, or of its run, whose weights training begins with")
    backend: str = Field("auto", description="of inference: the fastest present, or its name")


class Workers(Section):
    count: Annotated[int | str, BeforeValidator(_count)] = Field(
        "auto", description="Ray workers; auto = one a core, 0 = this process alone, without Ray"
    )
    device: Literal["cpu", "cuda"] = Field(
        "cpu", description="of the networks that play rollouts; where games are searched, network.backend says it"
    )
    threads: int = Field(1, ge=1, le=1024, description="cores that each learner keeps busy beside them")
    learners: int = Field(1, ge=1, le=64, description="processes that learn together, each from its part of a batch")
    learner_device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="of the learners' networks: auto = cuda where there is one for each"
    )
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        "auto", description="of the learners' networks: auto = bfloat16 on cuda, with weights in float32"
    )


class Viewer(Section):
    watch: bool = Field(False, description="open a window on the league's newest games")


class LearnerChoice(Section):
    algorithm: Annotated[str, _named(ALGORITHMS, "algorithm")] = Field("alphazero", description="the learner")


SECTIONS: dict[str, type[Section]] = {
    "run": Run,
    "game": GameChoice,
    "network": Network,
    "learner": LearnerChoice,
    "workers": Workers,
    "viewer": Viewer,
}


@dataclass(frozen=True)
class Config:
    """Everything a run is made from."""

    run: Run
    game: GameChoice
    network: Network
    algorithm: str
    learner: Any
    """The dataclass of the algorithm's settings."""
    players: Mapping[str, Any]
    """The settings of each player there is, by its name."""
    league: LeagueSettings
    evaluation: EvaluationSettings
    workers: Workers
    viewer: Viewer

    @property
    def folder(self) -> Path:
        """runs/<name>"""
        return Path(self.run.out) / self.run.name

    @property
    def playing(self) -> Any:
        """The settings of the player that gathers the algorithm's experience; None if it plays by itself."""
        return self.players.get(resolve(ALGORITHMS, self.algorithm, "algorithm").player)

    @property
    def database(self) -> Path:
        return Path(self.run.database)

    @property
    def worker_count(self) -> int:
        """How many workers there are: for "auto" one a core that this process may use."""
        return _cores() if self.workers.count == "auto" else int(self.workers.count)


def load(path: Path | None, overrides: Sequence[str] = (), *, trusted: bool = True) -> Config:
    """The configuration of a file (`require_trusted`), or the defaults, with `section.key=value` overrides on top."""
    return build(tables(path, overrides), str(path) if path else "the command line", trusted=trusted)


def tables(path: Path | None, overrides: Sequence[str] = ()) -> dict[str, Any]:
    """The tables of a file, or none, with overrides on top; nothing in them is checked yet."""
    try:
        tree = {} if path is None else tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"There is no {path}; write one, or copy the project's arena.toml.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read ({error}).") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not TOML: {error}.") from None
    for override in overrides:
        _override(tree, override)
    return tree


def check_sections(tree: Mapping[str, Any], source: str) -> None:
    """Raises ConfigError unless a tree holds known sections alone, each of them a table."""
    known = [*SECTIONS, *OWNED, *PLAYING]
    for name, table in tree.items():
        if name not in known:
            raise ConfigError(f"{source}: there is no section [{name}]; {_near(name, known)}")
        if not isinstance(table, Mapping):
            raise ConfigError(f"{source}: {name} is a section; write [{name}] and its keys below it.")


def build(tree: Mapping[str, Any], source: str = "the configuration", *, trusted: bool = True) -> Config:
    """The configuration that a tree of tables describes; `source` is what errors name."""
    check_sections(tree, source)
    learner = dict(tree.get("learner", {}))
    algorithm = {"algorithm": learner.pop("algorithm")} if "algorithm" in learner else {}
    parts = {
        name: _checked(model, algorithm if name == "learner" else tree.get(name, {}), name, source)
        for name, model in SECTIONS.items()
    }
    if not trusted:
        require_trusted(parts["game"].name)
    choice = parts.pop("learner").algorithm
    trials = getattr(resolve(ALGORITHMS, choice, "algorithm"), "trials", {})
    defaults = {name: _default(OWNED, name) for name in OWNED}
    defaults["evaluation"] = replace(defaults["evaluation"], **trials)
    owned = {name: _owned(default, tree.get(name, {}), name, source) for name, default in defaults.items()}
    suited = _suited(choice, parts, tree.get("rollouts", {}), source)
    settings = _owned(suited[0], learner, "learner", source)
    playing = {name: player_of(choice, name) for name in PLAYING} | suited[1]
    players = {name: _owned(default, tree.get(name, {}), name, source) for name, default in playing.items()}
    if players["rollouts"].hands and not getattr(resolve(ALGORITHMS, choice, "algorithm"), "whole_hands", False):
        raise ConfigError(f"{source}: {choice} learns from every decision by itself; leave rollouts.hands out.")
    if players["rollouts"].hands and parts["run"].engine != "native":
        raise ConfigError(f"{source}: whole hands are for our own training loop; leave --engine or rollouts.hands out.")
    if parts["network"].start and parts["run"].engine != "native":
        raise ConfigError(f"{source}: network.start is for our own training loop; leave --engine out, or the start.")
    parts["network"] = _network(parts["network"], parts["game"].name, choice, settings, source)
    named = {"league] anchors": owned["league"].anchors, "evaluation] opponents": owned["evaluation"].opponents}
    for key, specs in named.items():
        for name in (spec.partition(":")[0] for spec in specs):
            if "/" not in name and name not in AGENTS:
                raise ConfigError(f"{source}: [{key}: there is no agent '{name}'; {nearest(name, AGENTS)}")
    return Config(algorithm=choice, learner=settings, players=players, **owned, **parts)


def _suited(
    algorithm: str, parts: Mapping[str, Any], rollouts: Mapping[str, Any], source: str
) -> tuple[Any, dict[str, Any]]:
    """An algorithm's default settings for a game, and by name its player's where they depend on the game."""
    kind, network = resolve(ALGORITHMS, algorithm, "algorithm"), parts["network"]
    if not hasattr(kind, "suited"):
        return _default(LEARNERS, algorithm), {}
    from agents.networks import remembers

    backbone = network.backbone or (network.start and _started(network.start, source))
    try:
        alone = parts["run"].engine == "native" and _alone(rollouts)
        learning, playing = kind.suited(game(parts["game"].name), bool(network.start), alone)
        if getattr(playing, "hands", 0) and backbone and remembers(backbone):
            learning, playing = kind.suited(game(parts["game"].name), bool(network.start), False)
    except (ValueError, TypeError) as error:
        raise ConfigError(f"{source}: {error}") from None
    return learning, {kind.player: playing}


def _alone(rollouts: Mapping[str, Any]) -> bool:
    """Whether a learner's own games are all that is played, so that it may play whole hands."""
    return list(rollouts.get("opponents", ["self"])) == ["self"] and rollouts.get("hands") != 0


def player_of(algorithm: str, player: str) -> Any:
    """The settings of a player as an algorithm wants them, or its own defaults if that has no use for it."""
    learner = resolve(ALGORITHMS, algorithm, "algorithm")
    return learner.playing if learner.player == player else _default(PLAYING, player)


def _network(chosen: Network, name: str, algorithm: str, settings: Any, source: str) -> Network:
    """The network section with the algorithm's own choices where it makes none; refuses games it cannot learn."""
    try:
        backbone, heads = resolve(ALGORITHMS, algorithm, "algorithm").parts(game(name), settings)
    except (ValueError, TypeError) as error:
        raise ConfigError(f"{source}: {error}") from None
    if chosen.start and not backbone:
        raise ConfigError(f"{source}: {algorithm} keeps a table, which begins from nothing; leave network.start out.")
    if chosen.start and not chosen.backbone:
        backbone = _started(chosen.start, source)
    return chosen.model_copy(update={"backbone": chosen.backbone or backbone, "heads": chosen.heads or heads})


def _started(folder: str, source: str) -> str:
    """The backbone of the agent that training is to begin from."""
    from agents.storage import BadAgent, agent_folder, read_text

    try:
        return read_text(agent_folder(Path(folder))).backbone
    except BadAgent as error:
        raise ConfigError(f"{source}: [network] start: {error}") from None


def resolved(config: Config) -> str:
    """The configuration as TOML, with every default written out and every key's meaning beside it."""
    tables: dict[str, Any] = {}
    notes: dict[str, str] = {}
    for name, model in SECTIONS.items():
        section = LearnerChoice(algorithm=config.algorithm) if name == "learner" else getattr(config, name)
        tables[name] = section.model_dump()
        notes |= {f"{name}.{key}": field.description or "" for key, field in model.model_fields.items()}
    used = resolve(ALGORITHMS, config.algorithm, "algorithm").player
    players = {name: it for name, it in config.players.items() if name == used or it != _default(PLAYING, name)}
    owned = {name: getattr(config, name) for name in OWNED}
    for name, settings in {"learner": config.learner, **players, **owned}.items():
        tables[name] = {**tables.get(name, {}), **_tree(settings)}
        notes |= _notes(settings, name)
    return dumps(tables, notes)


def begun(folder: Path) -> bool:
    """Whether a run has left something in its folder that cannot be had again: a state, or agents.

    One that was refused or cut off before that leaves its config.toml alone, and may be written differently.
    """
    return any((folder / name).exists() for name in ("state", ".state.old", "agents", "best"))


def check_same_run(config: Config, written: Path) -> None:
    """Raises ConfigError if a run's config.toml says that it was of another game, network or algorithm."""
    if not written.exists():
        return
    try:
        tree = tomllib.loads(written.read_text(encoding="utf-8"))
        network = tree["network"]
        was = [tree["game"]["name"], network["backbone"], ", ".join(network["heads"]), tree["learner"]["algorithm"]]
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, KeyError, TypeError):
        raise ConfigError(f"{written} is damaged; move its folder away, or name this run otherwise.") from None
    now = [config.game.name, config.network.backbone, ", ".join(config.network.heads), config.algorithm]
    for kind, before, after in zip(("game", "backbone", "heads", "algorithm"), was, now, strict=True):
        if before != after:
            raise ConfigError(
                f"{written.parent} is a run of the {kind} '{before}', not '{after}'; "
                "give this one another run.name, or move that folder away."
            )


# --- sections that components own -----------------------------------------------------------------------------------


def _default(table: Mapping[str, str], name: str) -> Any:
    return resolve(table, name, "component")()


def _owned(default: Any, values: Mapping[str, Any], section: str, source: str) -> Any:
    return _instance(default, _checked(model_of(default), values, section, source), section, source)


def model_of(default: Any) -> type[Section]:
    """A strict model with the fields of a settings dataclass, whose defaults are those of the instance given."""
    hints = get_type_hints(type(default), include_extras=True)
    columns: dict[str, Any] = {}
    for field in fields(default):
        value, hint = getattr(default, field.name), hints[field.name]
        if is_dataclass(value):
            inner = model_of(value)
            columns[field.name] = (inner, inner())
        else:
            columns[field.name] = (Annotated[hint, Strict(False)] if isinstance(value, tuple) else hint, value)
    return create_model(type(default).__name__, __base__=Section, **columns)


def _instance(default: Any, model: BaseModel, section: str, source: str) -> Any:
    """The settings themselves; what their own checks refuse is one sentence that names the section."""
    values = {name: getattr(model, name) for name in type(model).model_fields}
    for name, value in values.items():
        if isinstance(value, BaseModel):
            values[name] = _instance(getattr(default, name), value, f"{section}.{name}", source)
    try:
        return type(default)(**values)
    except ValueError as error:
        raise ConfigError(f"{source}: [{section}] {error}") from error


def _tree(settings: Any) -> dict[str, Any]:
    values = {field.name: getattr(settings, field.name) for field in fields(settings)}
    return {name: _tree(value) if is_dataclass(value) else value for name, value in values.items()}


def _notes(settings: Any, path: str) -> dict[str, str]:
    """What the docstring of a settings dataclass says of each field, in lines of `name  meaning`."""
    notes: dict[str, str] = {}
    for names, meaning in re.findall(r"^ +(\w+(?:, \w+)*) {2,}(\S.*)$", type(settings).__doc__ or "", re.MULTILINE):
        notes |= {f"{path}.{name}": meaning for name in names.split(", ")}
    for field in fields(settings):
        value = getattr(settings, field.name)
        if is_dataclass(value):
            notes |= _notes(value, f"{path}.{field.name}")
    return notes


# --- what is wrong, in one sentence ---------------------------------------------------------------------------------

EXPECTED = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "string_type": "text in quotes",
    "bool_type": "true or false",
    "tuple_type": "a list in square brackets",
    "model_type": "a table",
    "dict_type": "a table",
    "string_pattern_mismatch": "letters, digits, dots, dashes and underscores",
}


def _checked(model: type[Section], values: Mapping[str, Any], section: str, source: str) -> Any:
    try:
        return model.model_validate(dict(values))
    except ValidationError as errors:
        raise ConfigError(f"{source}: {_sentence(model, errors.errors()[0], section)}") from None


def _sentence(model: type[BaseModel], error: Any, section: str) -> str:
    *tables, key = [part for part in error["loc"] if isinstance(part, str)]
    for table in tables:
        inner = model.model_fields[table].annotation if table in model.model_fields else None
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            model, section = inner, f"{section}.{table}"
    if error["type"] == "extra_forbidden":
        homes = [name for name, other in SECTIONS.items() if key in other.model_fields and other is not model]
        keys = list(model.model_fields)
        hint = f"it belongs in [{homes[0]}]." if homes else _near(key, keys)
        return f"[{section}] has no key '{key}'; {hint}"
    where = f"[{section}] {key}"
    if error["type"] in EXPECTED:
        return f"{where} must be {EXPECTED[error['type']]}, not {_shown(error['input'])}."
    if error["type"] == "value_error":
        return f"{where} = {_shown(error['input'])}: {error['ctx']['error']}"
    return f"{where} = {_shown(error['input'])}: {error['msg'].replace('Input should', 'it should')}."


def _near(name: str, known: Sequence[str]) -> str:
    hint = nearest(name, list(known))
    return hint if len(hint) < 400 else f"there are {len(known)} others."


def _shown(value: object) -> str:
    text = repr(value) if not isinstance(value, bool) else str(value).lower()
    return text if len(text) < 60 else text[:57] + "..."


def _override(tree: dict[str, Any], text: str) -> None:
    """Writes `section.key=value` into the tree; the value is TOML, or else plain text."""
    path, equals, value = text.partition("=")
    names = [name.strip() for name in path.split(".")]
    if not equals or len(names) < 2 or not all(names):
        raise ConfigError(f"--set {text}: write it as section.key=value, for example --set run.minutes=5.")
    for name in names[:-1]:
        tree = tree.setdefault(name, {})
        if not isinstance(tree, dict):
            raise ConfigError(f"--set {text}: {name} is not a table.")
    tree[names[-1]] = parse_value(value.strip())
