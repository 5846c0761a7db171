"""Commands that train: a league, one learner; and the benchmarks."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Any

import typer

from arena.cli.frame import Interrupted, Wanting, document, going_on, known, overrides, progress, put, say
from arena.cli.league import league
from arena.cli.options import Address, Algorithm, GameName, Json, Minutes, Settings, Tuned, Workers
from arena.text import folder_name, printable

if TYPE_CHECKING:
    from arena.bench import Row
    from arena.config import Config


def add_to(app: typer.Typer) -> None:
    """Adds this file's commands."""
    app.command()(league)
    app.command(no_args_is_help=True)(train)
    app.command()(bench)


def train(
    algorithm: Algorithm,
    game: GameName,
    backbone: Annotated[
        str | None,
        typer.Option(help="A spec: resnet:blocks=5; left out: what suits the algorithm. `arena list backbones`"),
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(min=1, help="How far to train, as --minutes: in decisions, answers, or alphazero's updates."),
    ] = None,
    minutes: Minutes = None,
    workers: Workers = None,
    learners: Annotated[
        int | None, typer.Option(min=1, help="Processes that learn together, averaging gradients.")
    ] = None,
    address: Address = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Everything random follows from it; left out: 0.")] = None,
    engine: Annotated[str | None, typer.Option(help="Whose training loop: native, sb3, rllib; left out: ours.")] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The run's folder; left out: runs/GAME-ALGORITHM.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the folder's last state.")] = False,
    tuned: Tuned = False,
    settings: Settings = None,
    json: Json = False,
) -> None:
    """Train one learner, with no league around it.

    --tuned takes settings that are known to be good, how long to train among them; what is given besides counts more.
    --resume takes every setting from the folder's config.toml, but for those that are given again.
    A run that was cut short gets what is left; one that had ended gets as much again, and its rates and its exploration
    then go by all its training, as if so much had been asked for at first.
    --engine trains by another project's algorithm of that name, with the same settings; such a run is not resumed.

    Example: [bold]arena train alphazero tic_tac_toe --backbone mlp --minutes 3 --out runs/ttt[/]

    Example: [bold]arena train ppo acrobot --tuned --workers 0[/]
    """
    from agents.registry import ALGORITHMS, BACKBONES
    from arena.engines import ENGINES
    from arena.engines import engine as engine_of
    from arena.sections import require_unsaid
    from envs.registry import GAMES

    for table, name, kind in (
        (ALGORITHMS, algorithm, "algorithm"),
        (GAMES, game, "game"),
        (BACKBONES, backbone, "backbone"),
        (ENGINES, engine, "engine"),
    ):
        if name is not None:
            known(table, name, kind)
    require_unsaid("train", settings or ())
    folder = out or Path("runs") / folder_name(f"{game}-{algorithm}")
    given = {
        "learner.algorithm": algorithm, "game.name": game, "network.backbone": backbone, "run.seed": seed,
        "run.out": str(folder.parent), "run.name": folder.name, "run.minutes": minutes,
        "run.steps": steps, "workers.count": workers, "workers.learners": learners, "run.engine": engine,
    }  # fmt: skip
    chosen = _chosen(folder, resume, tuned, overrides(given, settings), algorithm, game)
    native = chosen.run.engine == "native"
    how = f"add --resume to go on from {folder}." if native else f"{folder} holds the agent as it was by then."
    with going_on(how):
        done = engine_of(chosen.run.engine)(chosen, address=address)
    if json:
        document(done)
    else:
        put(_hint(algorithm, game, done))


def _hint(algorithm: str, game: str, done: dict[str, Any]) -> str:
    made = done["agent"]
    if algorithm == "reward_model":  # a judge of answers, which gives none
        return f"The judge is in {made}; try `arena train rlhf {game} --set groups.reward={quote(made)}`.\n"
    what = f"evaluate {quote(made)} {done['held_out']}" if done["seats"] == 1 else f"match {game} {quote(made)} random"
    best = Path(made).parent.parent / "best"
    seen = f"The best of those tried in training is in {printable(str(best))}{_judged(done)}.\n"
    return f"The agent is in {made}; try `arena {what}`.\n{seen if best.is_dir() else ''}"


def _judged(done: dict[str, Any]) -> str:
    """What the best agent got in games that it was not chosen by."""
    metrics = done.get("metrics", {})
    mean, error = (metrics.get(f"eval/best_fresh_{name}") for name in ("reward", "error"))
    if mean is None:
        return ""
    return f"; in fresh games it got {mean:.2f}" + (f" ± {error:.2f}" if error is not None else "")


def _chosen(folder: Path, resume: bool, tuned: bool, given: list[str], algorithm: str, game: str) -> Config:
    """A run's configuration: what was given, over the folder's own if it goes on, over the recipe if it is tuned."""
    from arena.config import load
    from arena.recipes import RECIPES, recipe

    _check_resume(folder, resume, algorithm)
    if resume and tuned:
        raise ValueError("--resume takes the settings of the folder's config.toml; leave --tuned out.")
    known_good = recipe(algorithm, game).overrides() if tuned else []
    if any(word.startswith("run.minutes=") for word in given):  # what was said before in steps counts no more
        known_good.append("run.steps=0")
    told = any(
        word.startswith(("learner.", "network.", "rollouts.")) for word in given if "learner.algorithm" not in word
    )
    if f"{algorithm} {game}" in RECIPES and not (tuned or resume or told):
        say(f"There are settings by which {algorithm} has learned {game} well; --tuned takes them.")
    chosen = load(folder / "config.toml" if resume else None, [*known_good, *given])
    if resume and chosen.run.engine != "native":
        raise ValueError(f"{folder} is a run of --engine {chosen.run.engine}, which cannot go on; name another --out.")
    return chosen


def _check_resume(folder: Path, resume: bool, algorithm: str) -> None:
    from arena.config import begun, tables

    if begun(folder) and not resume:
        raise ValueError(f"{folder} holds a run already; add --resume to go on with it, or name another --out.")
    if resume and not (folder / "config.toml").exists():
        raise ValueError(f"There is no run in {folder} to go on with; leave --resume out to begin one.")
    learner = tables(folder / "config.toml").get("learner") if resume else None
    was = learner.get("algorithm", algorithm) if isinstance(learner, dict) else algorithm
    if was != algorithm:  # the settings of one are not those of another
        raise ValueError(f"{folder} is a run of the algorithm '{was}', not '{algorithm}'; name another --out.")


def bench(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME...]", help="Left out: `arena list benchmarks`, all but train.")
    ] = None,
    runs: Annotated[
        int | None, typer.Option(min=1, help="Rounds in which ours and the peer take turns; 5 if left out.")
    ] = None,
    seconds: Annotated[float | None, typer.Option(min=0.01, help="For each side of each round; 1 if left out.")] = None,
    options: Annotated[
        list[str] | None, typer.Option("--option", metavar="KEY=VALUE", help="For the benchmark.")
    ] = None,
    json: Json = False,
) -> None:
    """Measure the arena against its peers, side by side, as ratios.

    Each in a process of its own, one after the other; `arena list benchmarks` says what each does. Of them selfplay,
    throughput, workers, goal and train start Ray; tasks learns for 48 minutes, and train, which has to be named, for
    hours, of which nothing that is finished is done again. One that fails is told at the end, with exit code 1, beside
    what the others measured.

    Rounds are for speed. What is counted or learned has options of its own (`--option seeds=3`): all of goal, strength,
    leagues, memory, tasks, preferences and train, and single rows of tabular, workers and ratings.

    Example: [bold]arena bench rules search --runs 3[/]
    """
    from arena.bench import BENCHES, BenchCrashed, BenchFailed, run, unnamed

    for name in names or ():
        known(BENCHES, name, "benchmark")
    pairs = [option.partition("=") for option in options or ()]
    for key, equals, _ in pairs:
        if not equals:
            raise ValueError(f"--option takes key=value, not '{key}'.")
    more = {key: value for key, _, value in pairs}
    total, over, crashed = len(names or unnamed()), 0, False
    rows: list[Row] = []
    wrong: list[str] = []
    try:
        with progress("benchmarks") as heard:
            told = run(names or (), runs=runs, seconds=seconds, options=more, began=lambda now: heard(over, total, now))
            for name, found in told:
                over += 1
                if isinstance(found, BenchFailed):
                    wrong.append(f"{name}: {found}")
                    crashed |= isinstance(found, BenchCrashed)
                else:
                    rows += found
    except KeyboardInterrupt:
        raise Interrupted("what was measured by then is above." if rows else "nothing was measured by then.") from None
    finally:
        _put_rows(rows, json)
    if wrong and not rows and not crashed:
        raise BenchFailed(" ".join(wrong))
    for text in wrong:
        say(text)
    if wrong:
        raise Wanting


def _put_rows(rows: list[Row], json: bool) -> None:
    """Prints what was measured, if anything was."""
    from arena.bench import as_table

    if rows and json:
        document(rows)
    elif rows:
        put(as_table(rows) + "\n")
        for note in sorted({row["note"] for row in rows if row["note"]}):
            say(note)
