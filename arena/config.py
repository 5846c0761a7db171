"""arena.toml: the one file that says what a league does.

A section is a frozen model of `arena.sections`, or the settings dataclass that a component keeps in its own file, named
in a table here. A key that nobody knows, or a value of the wrong type, is one sentence. To add a setting, add a field;
to add a component, add its settings to a table.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

from pydantic import BaseModel, Strict, create_model

from agents.agent import Unable
from agents.registry import AGENTS, ALGORITHMS, LATER, is_folder, is_person, is_program
from arena.engines import OURS
from arena.sections import (
    COMPOSED,
    SECTIONS,
    CannotLearn,
    ConfigError,
    GameChoice,
    LearnerChoice,
    Network,
    Run,
    Section,
    Viewer,
    Workers,
    checked,
    cores,
)
from arena.toml import dumps, parse_value
from envs.registry import game, nearest, require_trusted, resolve

if TYPE_CHECKING:
    from arena.evaluation import EvaluationSettings
    from arena.league import LeagueSettings

LEARNERS: dict[str, str] = {name: f"{place}Settings" for name, place in ALGORITHMS.items()}
"""algorithm -> the dataclass of its settings, beside the learner: what [learner] may hold beside `algorithm`."""

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
        return cores() if self.workers.count == "auto" else int(self.workers.count)


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
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path} is not TOML: {error}.") from None
    for override in overrides:
        _override(tree, override)
    return tree


def check_sections(tree: Mapping[str, Any], source: str) -> None:
    """Raises ConfigError unless a tree holds known sections alone, each of them a table."""
    known = [*SECTIONS, *OWNED, *PLAYING]
    for name, table in tree.items():
        if name in COMPOSED:
            more = "" if "learners" in tree else " that has [learners], too"
            raise ConfigError(
                f"{source}: [{name}] is of a league of many learners; `arena league` plays such a file{more}."
            )
        if name not in known:
            hint = f"what {name} takes is in [learner]" if name in ALGORITHMS else nearest(name, known)
            raise ConfigError(f"{source}: there is no section [{name}]; {hint}")
        if not isinstance(table, Mapping):
            raise ConfigError(f"{source}: {name} is a section; write [{name}] and its keys below it.")


def build(tree: Mapping[str, Any], source: str = "the configuration", *, trusted: bool = True) -> Config:
    """The configuration that a tree of tables describes; `source` is what errors name."""
    check_sections(tree, source)
    learner = dict(tree.get("learner", {}))
    algorithm = {"algorithm": learner.pop("algorithm")} if "algorithm" in learner else {}
    parts = {
        name: checked(model, algorithm if name == "learner" else tree.get(name, {}), name, source)
        for name, model in SECTIONS.items()
    }
    if not trusted:
        require_trusted(parts["game"].name)
    choice = parts.pop("learner").algorithm
    from agents.learn.learner import Dealing, Trying

    kind = resolve(ALGORITHMS, choice, "algorithm")
    trials = kind.trials if isinstance(kind, Trying) else {}
    defaults = {name: _default(OWNED, name) for name in OWNED}
    defaults["evaluation"] = replace(defaults["evaluation"], **trials)
    owned = {name: _owned(default, tree.get(name, {}), name, source) for name, default in defaults.items()}
    suited = _suited(choice, parts, tree.get("rollouts", {}), source)
    settings = _owned(suited[0], learner, "learner", source)
    playing = {name: player_of(choice, name) for name in PLAYING} | suited[1]
    players = {name: _owned(default, tree.get(name, {}), name, source) for name, default in playing.items()}
    if players["rollouts"].hands and not (isinstance(kind, Dealing) and kind.whole_hands):
        raise ConfigError(f"{source}: {choice} learns from every decision by itself; leave rollouts.hands out.")
    if players["rollouts"].hands and parts["run"].engine != "native":
        raise ConfigError(f"{source}: whole hands are for our own training loop; leave --engine or rollouts.hands out.")
    if players["rollouts"].opening_share and parts["run"].engine != "native":
        raise ConfigError(f"{source}: openings are for our own training loop; leave --engine or opening_share out.")
    if parts["network"].start and parts["run"].engine != "native":
        raise ConfigError(f"{source}: network.start is for our own training loop; leave --engine out, or the start.")
    parts["network"] = _network(parts, choice, settings, source)
    require_fixed(owned["league"].anchors, f"{source}: [league] anchors")
    require_fixed(owned["evaluation"].opponents, f"{source}: [evaluation] opponents")
    return Config(algorithm=choice, learner=settings, players=players, **owned, **parts)


def require_fixed(specs: Sequence[str], where: str) -> None:
    """Raises ConfigError for who cannot stand in a file as somebody who is met again and again and stays the same."""
    for spec in specs:
        name = spec.partition(":")[0]
        if is_person(spec) or is_program(spec):
            why = "its games are played many at a time beside the learning, which would wait for it"
        elif name == "best":
            why = "it is another agent from one day to the next; name the folder of the one you mean"
        elif name in LATER:
            why = LATER[name].rstrip(".")
        elif "/" in name or name in AGENTS or (name and is_folder(name)):
            continue
        else:
            raise ConfigError(f"{where}: there is no agent '{name}'; {nearest(name, AGENTS, 'agent')}")
        raise ConfigError(f"{where}: '{spec}' is not for {where.rpartition(' ')[2]} because {why}.")


def _suited(
    algorithm: str, parts: Mapping[str, Any], rollouts: Mapping[str, Any], source: str
) -> tuple[Any, dict[str, Any]]:
    """An algorithm's default settings for a game, and by name its player's where they depend on the game.

    Another project's training loop has none of those that ours alone knows (`OURS`).
    """
    from agents.learn.learner import Suiting
    from agents.networks import remembers
    from agents.rollouts import RolloutSettings

    kind, network = resolve(ALGORITHMS, algorithm, "algorithm"), parts["network"]
    player, native = kind.player, parts["run"].engine == "native"
    nothing = {} if native else OURS.get(algorithm, {})
    if not isinstance(kind, Suiting):
        return replace(_default(LEARNERS, algorithm), **nothing), {}
    backbone = network.backbone or (network.start and _started(network.start, source))
    try:
        alone = native and _alone(rollouts)
        learning, playing = kind.suited(game(parts["game"].name), bool(network.start), alone)
        if isinstance(playing, RolloutSettings) and playing.hands and backbone and remembers(backbone):
            learning, playing = kind.suited(game(parts["game"].name), bool(network.start), False)
    except (ValueError, TypeError) as error:
        raise ConfigError(f"{source}: {error}") from None
    return replace(learning, **nothing), {player: playing}


def _alone(rollouts: Mapping[str, Any]) -> bool:
    """Whether a learner's own games, from their first moves, are all that is played: it may play whole hands then."""
    own = list(rollouts.get("opponents", ["self"])) == ["self"] and not rollouts.get("opening_share")
    return own and rollouts.get("hands") != 0


def player_of(algorithm: str, player: str) -> Any:
    """The settings of a player as an algorithm wants them, or its own defaults if that has no use for it."""
    learner = resolve(ALGORITHMS, algorithm, "algorithm")
    return learner.playing if learner.player == player else _default(PLAYING, player)


def _network(parts: Mapping[str, Any], algorithm: str, settings: Any, source: str) -> Network:
    """The network section with the algorithm's own choices where it makes none; refuses games it cannot learn."""
    chosen, name, engine = parts["network"], parts["game"].name, parts["run"].engine
    try:
        backbone, heads = resolve(ALGORITHMS, algorithm, "algorithm").parts(game(name), settings)
    except Unable as error:
        raise CannotLearn(source, str(error)) from None
    except (ValueError, TypeError) as error:
        raise ConfigError(f"{source}: {error}") from None
    if chosen.start and not backbone:
        raise ConfigError(f"{source}: {algorithm} keeps a table, which begins from nothing; leave network.start out.")
    if chosen.start and not chosen.backbone:
        backbone = _started(chosen.start, source)
    body = _standardised(chosen, chosen.backbone or backbone, algorithm, engine, source)
    return chosen.model_copy(update={"backbone": body, "heads": chosen.heads or heads})


def _standardised(chosen: Network, backbone: str, algorithm: str, engine: str, source: str) -> str:
    """A body's spec with `network.standardise` in it; refuses learners that would count no observations."""
    from agents.networks import standardises

    if not backbone:
        if chosen.standardise:
            raise ConfigError(f"{source}: {algorithm} keeps a table; leave network.standardise out.")
        return backbone
    try:
        already = standardises(backbone)
    except (ValueError, TypeError) as error:
        raise ConfigError(f"{source}: {error}") from None
    if not (already or chosen.standardise):
        return backbone
    if resolve(ALGORITHMS, algorithm, "algorithm").player != "rollouts":
        raise ConfigError(f"{source}: standardise is for learners of rollouts, and {algorithm} is none; leave it out.")
    if engine != "native":
        raise ConfigError(f"{source}: standardise is for our own training loop; leave --engine out, or standardise.")
    return backbone if already else f"{backbone}{',' if ':' in backbone else ':'}standardise=true"


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
    if written.with_name("league.toml").exists():
        raise ConfigError(f"{written.parent} is a league of many learners; give this one another run.name.")
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
    return _instance(default, checked(model_of(default), values, section, source), section, source)


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
