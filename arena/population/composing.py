"""From a configuration and a composition to a league's plan: what each learner learns with, every default filled in."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple

from agents.agent import Unable
from agents.files import write_text
from agents.hardware import device_of
from agents.registry import ALGORITHMS
from arena.config import PLAYING, Config, begun, build, check_sections, require_fixed, tables
from arena.population.plan import LeaguePlan
from arena.population.sparring import Recipe
from arena.run import require_match, require_workers
from arena.sections import COMPOSED, SECTIONS, CannotLearn, ConfigError, checked
from arena.text import folder_name
from arena.toml import dumps
from arena.tournament import contest
from envs.registry import game as game_of
from envs.registry import resolve
from leagues import preset
from leagues.preset import Composition

LEARNS_WITH = "ppo"
"""Unless the configuration or the composition says otherwise."""

PLAYED = {"rollouts": {"lanes": 128, "steps": 32, "hands": 0}}
"""How experience is gathered, unless the configuration says otherwise: rounds long enough to be worth their calls.

Whole hands are played by the learner alone, and not with others.
"""


SHARED: dict[str, tuple[str, ...]] = {
    "run": ("name", "seed", "minutes", "positions", "out", "database", "track"), "game": ("name",),
    "network": ("backend",), "workers": ("count", "device", "threads"), "viewer": ("watch",),
}  # fmt: skip
"""section -> its keys that are a whole league's, as its config.toml has them; all else is each learner's own."""


class Composed(NamedTuple):
    """A league's configuration, its composition, each learner's own configuration, and who is left out and why.

    notes  what else is to be said of it, in sentences
    """

    config: Config
    made: Composition
    learners: dict[str, Config]
    left_out: dict[str, str]
    notes: tuple[str, ...] = ()


def compose(name: str, game: str, path: Path | None, overrides: Sequence[str]) -> Composed:
    """What a league is made of; learners and anchors that cannot play its game are left out of it.

    name       a preset, or a file that ends in .toml with a composition, and perhaps sections of a configuration
    overrides  section.key=value of either

    Raises ConfigError if no learner is left.
    """
    base, composed = _tables(name, game, path, overrides)
    made = preset.composition(composed)
    source = str(path) if path else f"the league {name}"
    learners: dict[str, Config] = {}
    unable: dict[str, str] = {}
    for kind, names in made.kinds().items():
        for one in names:
            try:
                learners[one] = build(_own(base, made, one), f"{source}: [learners.{one}]")
            except CannotLearn as error:
                unable[kind] = f"'{kind}' is left out: {error.why}"
    part, left_out = made.without(unable)
    if part is None:
        raise ConfigError(f"{source}: nobody is left to learn. {' '.join(left_out.values())}")
    learners = {member.name: learners[member.name] for member in part.members() if member.live}
    notes = tuple(filter(None, (_reach(text, base, part, list(learners)) for text in overrides)))
    require_fixed(part.anchors, f"{source}: anchors")
    try:
        config = build(base, source)
    except CannotLearn:  # nothing of it is needed but what it shares with every learner
        config = next(iter(learners.values()))
    absent = _absent(config.game.name, part.anchors)
    part = replace(part, anchors=tuple(anchor for anchor in part.anchors if anchor not in absent))
    return Composed(config, part, learners, {**left_out, **absent}, notes)


def _tables(name: str, game: str, path: Path | None, overrides: Sequence[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The tables of a league's configuration, and those of its composition."""
    text = tables(None, overrides)
    given = preset.tables(name)
    base = tables(path)
    if both := [section for section in COMPOSED if section in base]:
        raise ConfigError(f"{path} is a league by itself, as it has {both[0]}; leave --preset {name} or --config out.")
    check_sections(base, str(path))
    own = {section: table for section, table in given.items() if section not in COMPOSED}
    check_sections(own, f"the league {name}")
    for section, table in own.items():
        base[section] = {**base.get(section, {}), **table}
    composed = {section: given[section] for section in COMPOSED if section in given}
    for section, table in text.items():
        target = composed if section in COMPOSED else base
        target[section] = _over(target.get(section, {}), table)
    base = {**base, "game": {**base.get("game", {}), **({"name": game} if game else {})}}
    base["learner"] = {"algorithm": LEARNS_WITH, **base.get("learner", {})}
    kind = Path(name).stem
    named = folder_name(f"{base['game'].get('name', 'connect_four')}-{kind}")
    base["run"] = {"name": named, **base.get("run", {})}
    if base["run"].get("steps"):
        raise ConfigError("[run] steps is for one learner; take it out here, and say minutes, or --rounds.")
    if base["run"].get("engine", "native") != "native":
        raise ConfigError("[run] engine is for one learner; take it out here: a league trains by our own loop.")
    if "evaluation" in base:
        raise ConfigError("[evaluation] is for `arena train`; take it out here: a league tries learners in matches.")
    for section, table in PLAYED.items():
        base[section] = {**table, **base.get(section, {})}
    league = base.get("league", {})
    if alone := sorted(set(league) - {"anchors"}):
        raise ConfigError(f"[league] {alone[0]} is for a league of one learner; see [snapshots] and [matches] here.")
    if "anchors" in league:
        composed["anchors"] = league["anchors"]
    return base, composed


def _reach(text: str, base: Mapping[str, Any], made: Composition, names: Sequence[str]) -> str:
    """What is to be said of an override that reaches some of a league's learners alone; "" if all, or if it is no such.

    Raises ConfigError if it reaches none of them: then each has its own.
    """
    section, *keys = (key.strip() for key in text.partition("=")[0].split("."))
    if section not in ("learner", "network", *PLAYING):
        return ""
    trees = {name: _own(base, made, name) for name in names}
    players = {n: resolve(ALGORITHMS, tree["learner"]["algorithm"], "algorithm").player for n, tree in trees.items()}
    able = [name for name in names if section not in PLAYING or section == players[name]]
    if not able:
        raise ConfigError(f"--set {text} reaches no learner of this league, as none plays by {section}; leave it out.")
    reached = [name for name in able if _at(trees[name], section, *keys) == _at(base, section, *keys)]
    if len(reached) == len(names):
        return ""
    kind = "playing." if section in PLAYING else "" if keys[0] == "algorithm" else "settings."
    mend = f"learners.NAME.{'backbone' if section == 'network' else kind + '.'.join(keys)}"
    if not reached:
        raise ConfigError(f"--set {text} reaches no learner of this league, as each has its own; say {mend} instead.")
    return f"--set {text} reaches {', '.join(reached)} alone; for another learner of the league there is {mend}."


def _at(tree: Mapping[str, Any], *keys: str) -> Any:
    """What a tree of tables has at a place; None if it has nothing there."""
    found: Any = tree
    for key in keys:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found


def _absent(game: str, anchors: Sequence[str]) -> dict[str, str]:
    """Which anchors cannot play a game, and why, in a sentence."""
    found: dict[str, str] = {}
    if game_of(game).seats == 2:
        for anchor in anchors:
            try:
                contest(game, [anchor])
            except Unable as error:
                found[anchor] = f"'{anchor}' is left out: {error}"
    return found


def _own(base: Mapping[str, Any], made: Composition, name: str) -> dict[str, Any]:
    """The tables of one learner: the league's, with its own algorithm, backbone and settings."""
    of = made.of(name)
    tree = {section: dict(table) for section, table in base.items()}
    if of.algorithm and of.algorithm != tree["learner"]["algorithm"]:
        tree["learner"] = {"algorithm": of.algorithm}
        tree["network"] = {k: v for k, v in tree.get("network", {}).items() if k == "backend"}
    tree["learner"] |= dict(of.settings)
    if of.backbone:
        tree["network"] = {**tree.get("network", {}), "backbone": of.backbone}
    player = resolve(ALGORITHMS, tree["learner"]["algorithm"], "algorithm").player
    if of.playing and player:
        tree[player] = _over(tree.get(player, {}), of.playing)
    return tree


def plan_of(composed: Composed, address: str | None) -> LeaguePlan:
    """What a league trains."""
    config, made, learners, left_out, _ = composed
    require_workers(config, address)
    if any(own.network.start for own in learners.values()):
        raise ConfigError("The learners of a league begin from random weights; leave network.start out.")
    if config.workers.learners > 1:
        raise ConfigError("Each learner of a league learns in one process; leave workers.learners out.")
    if config.workers.learner_device == "cuda":
        raise ConfigError("A league's learners learn on the CPU; leave workers.learner_device out.")
    if config.workers.precision == "bfloat16":
        raise ConfigError("A league's learners compute in float32; leave workers.precision out.")
    for name, own in learners.items():
        try:
            require_match(own)
        except ConfigError as error:
            raise ConfigError(f"[learners.{name}] {error}") from None
    return LeaguePlan(
        game=config.game.name,
        composition=made,
        recipes={
            name: Recipe(own.algorithm, own.network.backbone, own.network.heads, own.playing)
            for name, own in learners.items()
        },
        settings={name: own.learner for name, own in learners.items()},
        seed=config.run.seed,
        workers=config.worker_count,
        ray=config.worker_count > 0,
        positions=config.run.positions,
        backend=config.network.backend,
        threads=config.workers.threads,
        address=address,
        device=device_of(config.workers.device, setting="workers.device"),
        left_out=left_out,
    )


def write_league(composed: Composed, folder: Path) -> None:
    """Writes what a league is made of into its folder; raises ConfigError if that of another has begun there.

    What its learners share is in config.toml, the rest in league.toml; together they make the same league again.
    """
    config, made, learners = composed.config, composed.made, composed.learners
    text = league_toml(made, learners)
    there = folder / "league.toml"
    if (folder / "config.toml").exists() and not there.exists():
        raise ConfigError(f"{folder} is a run of one learner; give the league another run.name.")
    if begun(folder):
        try:
            was = _makings(there.read_text(encoding="utf-8"))
            game = shared(folder)["game"]["name"]
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            raise ConfigError(f"{there} or config.toml beside it is damaged; move {folder} away.") from None
        if game != config.game.name:
            raise ConfigError(f"{folder} is a league of {game}; give this one another run.name.")
        if other := first_difference({"learners": was}, {"learners": _makings(text)}):
            raise ConfigError(f"{folder} is a league of other learners: {other}. Give this one another run.name.")
    write_text(there, text)
    write_text(folder / "config.toml", shared_toml(config))


def shared(folder: Path) -> dict[str, Any]:
    """The tables of a league's config.toml; raises ConfigError if it is not whole."""
    path = folder / "config.toml"
    tree = tables(path)
    check_sections(tree, str(path))
    for section in SHARED:
        checked(SECTIONS[section], tree.get(section, {}), section, str(path))
    if "name" not in tree.get("game", {}):
        raise ConfigError(f"{path} is damaged: it names no game; move {folder} away.")
    return tree


def _makings(text: str) -> dict[str, Any]:
    """Of a league.toml, what makes its learners those that they are: how they play may change from start to start."""
    learners = tomllib.loads(text)["learners"]
    return {name: {key: it for key, it in of.items() if key != "playing"} for name, of in learners.items()}


def first_difference(was: Any, now: Any, at: str = "") -> str:
    """The first key, in words, in which two tables of TOML differ; "" if they are the same."""
    if not (isinstance(was, dict) and isinstance(now, dict)):
        return "" if was == now else f"{at} was {was!r} there and is {now!r}"
    for key in {**was, **now}:
        here = f"{at}.{key}".removeprefix(".")
        if key not in was or key not in now:
            return f"{here} is set {'here and not there' if key in now else 'there and not here'}"
        if other := first_difference(was[key], now[key], here):
            return other
    return ""


def league_toml(made: Composition, learners: Mapping[str, Config]) -> str:
    """A composition as TOML, with every default written out and each learner by its own name."""
    roles = {member.name: member.role for member in made.members()}
    own = {
        name: {
            "role": roles[name],
            "algorithm": config.algorithm,
            "backbone": config.network.backbone,
            "settings": asdict(config.learner),
            "playing": asdict(config.playing),
            **{key: given for key in ("positions", "snapshots") if (given := getattr(made.of(name), key))},
        }
        for name, config in learners.items()
    }
    return dumps({**asdict(made), "learners": own})


def shared_toml(config: Config) -> str:
    """What the learners of a league share as TOML, with every default written out and every key's meaning beside it."""
    fields = {f"{section}.{key}": SECTIONS[section].model_fields[key] for section in SHARED for key in SHARED[section]}
    values = {section: getattr(config, section).model_dump() for section in SHARED}
    return dumps(
        {section: {key: values[section][key] for key in keys} for section, keys in SHARED.items()},
        {path: field.description or "" for path, field in fields.items()},
    )


def _over(table: Any, more: Any) -> Any:
    """One tree of tables over another."""
    if not isinstance(table, Mapping) or not isinstance(more, Mapping):
        return more
    return {**table, **{key: _over(table.get(key), value) for key, value in more.items()}}


def run_season(composed: Composed, *, rounds: int | None, address: str | None) -> dict[str, Any]:
    """Plays a league to its end, showing it live; returns its document."""
    from arena.population.board import board
    from arena.population.season import Season
    from arena.stage import stage

    config, plan = composed.config, plan_of(composed, address)
    with stage(config) as (store, display):
        for why in (*composed.left_out.values(), *composed.notes):
            display.console.print(why, style="yellow", markup=False, soft_wrap=True)
        season = Season(
            config.folder,
            plan,
            store,
            minutes=None if rounds else config.run.minutes,
            rounds=rounds,
            show=lambda told: display.put(board(told, display.console.width, live=True)),
            phase=display.phase,
            prepare=lambda folder: write_league(composed, folder),
        )
        return season.play()
