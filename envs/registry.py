"""The table of games, and the one way in which games, agents and backbones are written as text."""

from __future__ import annotations

import ast
import difflib
import importlib
import importlib.util
import inspect
import math
import re
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from envs.game import Game

GAMES: dict[str, str] = {
    "tic_tac_toe": "envs.boards.tic_tac_toe:tic_tac_toe",
    "connect_four": "envs.boards.connect_four:connect_four",
    "othello": "envs.boards.othello:othello",
    "gardner_chess": "envs.boards.gardner_chess:gardner_chess",
    "go": "envs.boards.go:go",
    "game_2048": "envs.arcade.game_2048:game_2048",
    "hex": "envs.boards.hex:hex",
    "mnk": "envs.boards.mnk:mnk",
    "gomoku": "envs.boards.mnk:gomoku",
    "breakthrough": "envs.boards.breakthrough:breakthrough",
    "nim": "envs.boards.nim:nim",
    "phantom_tic_tac_toe": "envs.boards.phantom_tic_tac_toe:phantom_tic_tac_toe",
    "dark_hex": "envs.boards.dark_hex:dark_hex",
    "battleship": "envs.boards.battleship:battleship",
    "maze": "envs.grids.maze:maze",
    "cliff_walking": "envs.grids.cliff_walking:cliff_walking",
    "frozen_lake": "envs.grids.frozen_lake:frozen_lake",
    "taxi": "envs.grids.taxi:taxi",
    "blackjack": "envs.grids.blackjack:blackjack",
    "windy_grid": "envs.grids.windy_grid:windy_grid",
    "four_rooms": "envs.grids.four_rooms:four_rooms",
    "kuhn": "envs.cards.kuhn:kuhn",
    "leduc": "envs.cards.leduc:leduc",
    "liars_dice": "envs.cards.liars_dice:liars_dice",
    "goofspiel": "envs.cards.goofspiel:goofspiel",
    "matrix": "envs.cards.matrix:matrix",
    "repeated_rps": "envs.cards.repeated_rps:repeated_rps",
    "cart_pole": "envs.control.cart_pole:cart_pole",
    "acrobot": "envs.control.acrobot:acrobot",
    "mountain_car": "envs.control.mountain_car:mountain_car",
    "mountain_car_continuous": "envs.control.mountain_car:mountain_car_continuous",
    "pendulum": "envs.control.pendulum:pendulum",
    "breakout": "envs.arcade.breakout:breakout",
    "asterix": "envs.arcade.asterix:asterix",
    "freeway": "envs.arcade.freeway:freeway",
    "seaquest": "envs.arcade.seaquest:seaquest",
    "space_invaders": "envs.arcade.space_invaders:space_invaders",
    "t_maze": "envs.memory.t_maze:t_maze",
    "copy": "envs.memory.copy:copy",
    "recall": "envs.memory.recall:recall",
    "repeat_previous": "envs.memory.repeat_previous:repeat_previous",
    "parentheses": "envs.memory.parentheses:parentheses",
    "n_back": "envs.memory.n_back:n_back",
    "pong": "envs.arcade.pong:pong",
    "snake": "envs.arcade.snake:snake",
    "pixel_breakout": "envs.arcade.pixel_breakout:pixel_breakout",
    "bandit": "envs.bandits.bandit:bandit",
    "point_mass": "envs.bandits.point_mass:point_mass",
    "maze_family": "envs.bandits.maze_family:maze_family",
    "reverse": "envs.language.reverse:reverse",
    "addition": "envs.language.addition:addition",
    "copy_text": "envs.language.copy_text:copy_text",
    "sort": "envs.language.sort:sort",
    "parity": "envs.language.parity:parity",
    "brackets": "envs.language.brackets:brackets",
    "multiplication": "envs.language.multiplication:multiplication",
    "maximum": "envs.language.maximum:maximum",
    "modular": "envs.language.modular:modular",
    "maze_text": "envs.language.maze_text:maze_text",
    "countdown": "envs.language.countdown:countdown",
    "mixture": "envs.language.mixture:mixture",
    "move": "envs.language.move:move",
}
"""name -> "module:function"; the function's arguments are the game's options."""


FOREIGN: dict[str, str] = {
    "gym": "envs.adapters.foreign.gymnasium:gym",
    "pz": "envs.adapters.foreign.pettingzoo:pz",
    "spiel": "envs.adapters.foreign.open_spiel:spiel",
}
"""What other projects' games begin with -> "module:function"; written "gym:NAME" or "gym:NAME,key=value"."""


class Unknown(ValueError):
    """A name that is in no table; the text names the nearest one that is."""


Option = bool | int | float | str

KINDS: dict[str, str] = {"int": "a whole number", "float": "a number", "bool": "true or false", "str": "text"}
"""How an option is declared -> what is said of it; options declared otherwise see to their values themselves."""


def parse(spec: str) -> tuple[str, dict[str, Option]]:
    """Splits "name:key=value,key=value" into its name and its options."""
    name, _, rest = spec.strip().partition(":")
    options: dict[str, Option] = {}
    for item in filter(None, rest.split(",")):
        key, equals, value = item.partition("=")
        if not equals or not key.strip():
            raise ValueError(f"'{item}' in '{spec}' is not key=value; write for example name:depth=4,seed=1.")
        options[key.strip()] = _value(value.strip())
    return name, options


def _value(text: str) -> Option:
    if text in ("true", "false"):
        return text == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return text


LISTED = ("game", "agent", "algorithm", "backbone", "role", "recipe", "benchmark")
"""Kinds of names that `arena list` knows, each by its plural."""


def nearest(name: str, known: Mapping[str, Any] | list[str], kind: str = "") -> str:
    """A sentence's end: what a name was perhaps meant to be, or what there is, or what lists it if that is too long."""
    if not known:
        return "it has none."
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    if close:
        return f"did you mean '{close[0]}'?"
    if len(known) > 16 and kind in LISTED:
        return f"`arena list {kind}s` names all there are."
    names = ", ".join(sorted(known))
    return f"there are: {names}." if len(names) < 400 else f"there are {len(known)} others."


def resolve(table: Mapping[str, str], name: str, kind: str) -> Any:
    """What a name of a table stands for, imported now."""
    if name not in table:
        raise Unknown(f"There is no {kind} '{name}'; {nearest(name, table, kind)}")
    module, _, attribute = table[name].partition(":")
    return getattr(importlib.import_module(module), attribute)


def build(table: Mapping[str, str], spec: str, kind: str) -> Any:
    """Calls what a spec names with the options it gives."""
    name, options = parse(spec)
    factory = resolve(table, name, kind)
    known = inspect.signature(factory).parameters
    check_options(options, known, f"The {kind} '{name}'")
    return factory(**{key: _fitting(value, key, known[key], f"The {kind} '{name}'") for key, value in options.items()})


def _fitting(value: Option, key: str, parameter: inspect.Parameter, whose: str) -> Option:
    """The value of an option as the kind of value that it is declared to be; raises ValueError if it is of another."""
    wanted = KINDS.get(str(parameter.annotation))
    if wanted is None:
        return value
    if wanted == "a number" and type(value) is int:
        value = float(value)
    if wanted == "text" and not isinstance(value, str):
        return _text(value)
    fits = type(value).__name__ == parameter.annotation and (type(value) is not float or math.isfinite(value))
    if not fits:
        default = parameter.default
        example = "" if default in (parameter.empty, "", -1) else f"; write for example {key}={_text(default)}"
        raise ValueError(f"{whose} takes {wanted} as {key}, not '{_text(value)}'{example}.")
    return value


def _text(value: Option) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def check_options(options: Iterable[str], known: Iterable[str], whose: str) -> None:
    """Raises Unknown for an option that there is not, with the nearest one that there is; `whose` begins the text."""
    names = list(known)
    for key in options:
        if key not in names:
            raise Unknown(f"{whose} has no option '{key}'; {nearest(key, names)}")


def summary(table: Mapping[str, str], name: str) -> str:
    """The first sentence of the file in which a name is defined, read without importing it."""
    path = Path(__file__).resolve().parent.parent.joinpath(*table[name].partition(":")[0].split("."))
    source = path.with_suffix(".py") if path.with_suffix(".py").exists() else path / "__init__.py"
    return (ast.get_docstring(ast.parse(source.read_text(encoding="utf-8"))) or "").partition("\n")[0]


def foreign(spec: str) -> tuple[str, str, dict[str, Option]] | None:
    """The project, the name and the options of another project's game; None if `spec` is none."""
    project, colon, rest = spec.strip().partition(":")
    if project not in FOREIGN or not colon:
        return None
    name = re.match(r"[^,(]*(\([^)]*\))?", rest)
    assert name is not None
    if not name[0]:
        raise ValueError(f"'{spec}' names no game; write for example gym:CartPole-v1.")
    return project, name[0], parse(f"{project}:{rest[name.end() + 1 :]}")[1]


def outside(spec: str) -> str:
    """The module, of none of the projects, that making another project's game would import by its name; '' if none."""
    project, name, _ = foreign(spec) or ("", "", {})
    if project == "gym":
        return name.partition(":")[0] if ":" in name else ""
    if project != "pz":
        return ""
    try:
        return "" if importlib.util.find_spec(f"pettingzoo.{name}") else name
    except (ImportError, ValueError):
        return name


def kept_game(spec: str) -> Game:
    """The game that a file or a database names, as far as it is trusted to (`require_trusted`)."""
    require_trusted(spec)
    return game(spec)


def require_trusted(spec: str) -> None:
    """Raises ValueError where making the game that a file or a database names would run what nobody here has named.

    A module is trusted once it was imported, as by a command that names the game itself. A configuration that a user
    gives to a command (`arena league --config`) is trusted like the command; one that lies in a run's folder, and is
    only looked at, is not.
    """
    module = outside(spec)
    if module and module not in sys.modules:
        raise ValueError(
            f"its game would run '{module}', a module that what is stored is not trusted to name; where you trust it, "
            "use a command that names the game itself, such as `arena match`."
        )


@cache
def game(spec: str) -> Game:
    """The game written as `spec`, always the same object for the same text."""
    elsewhere = foreign(spec)
    if elsewhere is None:
        return build(GAMES, spec, "game")
    project, name, options = elsewhere
    factory = resolve(FOREIGN, project, "project")
    whose = f"The game '{project}:{name}'"
    known = {key: each for key, each in inspect.signature(factory).parameters.items() if key != "name"}
    if not any(each.kind is each.VAR_KEYWORD for each in known.values()):
        check_options(options, known, whose)
    kept = {key: _fitting(value, key, known[key], whose) if key in known else value for key, value in options.items()}
    return factory(name, **kept)
