"""The sections that every arena.toml has, as strict models, and what is wrong with one in a sentence."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, Strict, ValidationError

from agents.registry import ALGORITHMS, BACKBONES
from arena.curves import Tracking
from arena.engines import ENGINES
from envs.registry import GAMES, foreign, nearest, parse

MOST_WORKERS = 4096

COMPOSED = ("anchors", "learners", "snapshots", "matches", "breeding")
"""The sections of a league of many learners (`leagues.preset`), which only `arena league` reads."""


class ConfigError(ValueError):
    """A configuration that cannot be used; the text names the file, the key and the mend."""


class CannotLearn(ConfigError):
    """The configuration is right, but its algorithm cannot learn its game; `why` says so without the file's name."""

    def __init__(self, source: str, why: str) -> None:
        super().__init__(f"{source}: {why}")
        self.why = why


def _named(table: Mapping[str, str], kind: str, empty: bool = False) -> AfterValidator:
    """Checks that a spec begins with a name of the table, without importing what it names."""

    def check(spec: str) -> str:
        if table is GAMES and foreign(spec) is not None:
            return spec
        name, _ = parse(spec)
        if not spec and empty:
            return spec
        if name not in table:
            raise ValueError(f"There is no {kind} '{name}'; {nearest(name, table, kind)}")
        return spec

    return AfterValidator(check)


def cores() -> int:
    """How many cores this process may use."""
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
    steps: int = Field(
        0, ge=0, description="of training in place of minutes, as `arena train --steps` counts them; 0: minutes"
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
    standardise: bool = Field(
        False, description="show it observations by their running mean and spread, also as backbone:standardise=true"
    )
    start: str = Field("", description="folder of an agent, or of its run, whose weights training begins with")
    backend: str = Field("auto", description="of inference: the fastest present, or its name")


class Workers(Section):
    count: Annotated[int | str, BeforeValidator(_count)] = Field(
        "auto", description="Ray workers; auto = one a core, 0 = this process alone, without Ray"
    )
    device: Literal["cpu", "cuda"] = Field(
        "cpu",
        description="of networks that play rollouts or write answers; where games are searched, see network.backend",
    )
    threads: int = Field(1, ge=1, le=1024, description="cores that each learner keeps busy beside them")
    learners: int = Field(1, ge=1, le=64, description="processes that learn together, each from its part of a batch")
    learner_device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="of the learners' networks: auto = cuda where there is one for each"
    )
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        "auto",
        description="of learners' networks but the last layers: auto = bfloat16 on cuda; bfloat16: in rollouts, too",
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


# --- what a command says itself ---------------------------------------------------------------------------------------

_LEAGUES = "a league's settings are for `arena league`"

SAID: dict[str, dict[str, str]] = {
    "train": {
        "learner.algorithm": "the algorithm is the word after `arena train`",
        "game.name": "the game is the word after the algorithm", "run.out": "--out DIR says where the run is kept",
        "run.name": "--out DIR says where the run is kept", "league": _LEAGUES, "viewer": _LEAGUES,
    },
    "evaluate": {
        "learner.algorithm": "--best-response names the algorithm", "game.name": "the answer learns this very game",
        "run.out": "--out DIR says where the answer is kept", "run.name": "--out DIR says where the answer is kept",
        "run.minutes": "--minutes says how long an answer trains", "run.steps": "--steps says how far an answer trains",
        "run.seed": "--seed is the answer's too", "run.engine": "an answer is trained by our own training loop",
        "workers.count": "an answer is trained in one process", "league": _LEAGUES, "viewer": _LEAGUES,
        "evaluation": "an answer is tried against the agent that it answers",
    },
    "sweep": {
        "run.seed": "--seed and --seeds say which runs there are", "run.steps": "--steps says how far each run goes",
        "run.minutes": "--steps says how far each run goes", "run.out": "--out says where runs are kept",
        "run.name": "each run has a name of its own", "run.engine": "a sweep is by our own training loop",
        "game.name": "a sweep is of one game", "learner.algorithm": "a sweep is of one algorithm",
        "league": _LEAGUES, "viewer": _LEAGUES,
    },
}  # fmt: skip
"""command -> settings, or whole sections, that it gives its runs itself or that none of them reads -> why."""


def require_unsaid(command: str, overrides: Iterable[str]) -> None:
    """Raises ConfigError if `section.key=value` overrides hold a setting that a command says otherwise (`SAID`)."""
    for text in overrides:
        names = [name.strip() for name in text.partition("=")[0].split(".")]
        for path in (".".join(names[:count]) for count in (1, 2)):
            if why := SAID[command].get(path):
                raise ConfigError(f"--set {text}: {why}; leave {'.'.join(names)} out.")


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


def checked(model: type[Section], values: Mapping[str, Any], section: str, source: str) -> Any:
    """The model of a section's values; raises ConfigError."""
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
        hint = f"it belongs in [{homes[0]}]." if homes else nearest(key, keys)
        return f"[{section}] has no key '{key}'; {hint}"
    where = f"[{section}] {key}"
    if error["type"] in EXPECTED:
        return f"{where} must be {EXPECTED[error['type']]}, not {_shown(error['input'])}."
    if error["type"] == "value_error":
        return f"{where} = {_shown(error['input'])}: {error['ctx']['error']}"
    return f"{where} = {_shown(error['input'])}: {error['msg'].replace('Input should', 'it should')}."


def _shown(value: object) -> str:
    text = repr(value) if not isinstance(value, bool) else str(value).lower()
    return text if len(text) < 60 else text[:57] + "..."
