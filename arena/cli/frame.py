"""What every command shares: one sentence for an error, one document for --json, progress that keeps quiet."""

from __future__ import annotations

import io
import json
import math
import os
import re
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from opcode import opmap
from typing import TYPE_CHECKING, Any, TypeGuard

import typer

from arena.text import printable, sentence

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

SETTING = re.compile(r"[a-z_]+(\.[a-z_]+)+=")
"""How a word begins that is a setting."""

RAISE = opmap["RAISE_VARARGS"]
"""A `raise`, in Python's bytecode."""

_documents: list[Any] = []


class Interrupted(Exception):
    """Ctrl-C, with how to go on."""


class Wanting(Exception):
    """A check that did its work and found a fault: nothing to say, exit code 1."""


def conduct(app: typer.Typer, arguments: list[str]) -> int:
    """Runs a command line; whatever goes wrong is one sentence on standard error, or a traceback with --debug."""
    own = arguments[: arguments.index("--")] if "--" in arguments else arguments
    debug, as_json = "--debug" in own, "--json" in own
    arguments = [a for i, a in enumerate(arguments) if a != "--debug" or i >= len(own)]
    _documents.clear()
    if isinstance(sys.stdout, io.TextIOWrapper):  # letters that a terminal lacks are shown as ?, and end no run
        sys.stdout.reconfigure(errors="replace")
    was = threading.excepthook
    if not debug:
        threading.excepthook = _told_of_thread
    try:
        with _kept_clean() if as_json else _plainly():
            code = app(args=arguments, prog_name="arena", standalone_mode=False)
        _put_documents()
        sys.stdout.flush()
        if code == 130:
            say("Stopped.")
        return code if isinstance(code, int) else 0
    except BrokenPipeError:  # `arena leaderboard | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 0
    except BaseException as error:
        if debug and not isinstance(error, Wanting):
            traceback.print_exc()
        return _told(error, arguments)
    finally:
        threading.excepthook = was


def _told_of_thread(what: threading.ExceptHookArgs) -> None:
    """Says what a thread has ended of: of one that writes files, whoever gave it something to write hears too."""
    error = what.exc_value
    if _meant(error):
        say(f"In the background: {sentence(error)}")
    elif error is not None and not isinstance(error, SystemExit):
        say(f"Something is wrong in the background ({type(error).__name__}: {error}); --debug shows where.")


def _told(error: BaseException, arguments: Sequence[str]) -> int:
    """Says what is wrong and returns the exit code."""
    if isinstance(error, Wanting):
        _put_documents()
        return 1
    if isinstance(error, (Interrupted, KeyboardInterrupt)):
        _put_documents()
        say(f"Stopped; {error}" if str(error) else "Stopped.")
        return 130
    if isinstance(error, SystemExit):
        if isinstance(error.__context__, BrokenPipeError):  # rich's way out of `arena --help | head`
            return 0
        return error.code if isinstance(error.code, int) else 1
    if type(error).__name__ == "NoArgsIsHelpError":  # typer has shown the help
        return 2
    if hasattr(error, "format_message"):  # typer's own, for a command line that it cannot read
        command = next((a for a in arguments if not a.startswith("-")), "")
        context = getattr(error, "ctx", None)
        place = context.command_path if context is not None else f"arena {command}".strip()
        said = _usage(error)
        say(f"{said}{_hint(said, arguments, context)} `{place} --help` shows how it is written.")
        return 2
    if _meant(error):
        say(sentence(error))
        return 2
    if isinstance(error, ModuleNotFoundError):
        say(f"A part of the arena is not installed ({error}); `make setup` installs it.")
        return 2
    if isinstance(error, ImportError):  # of a library that is there
        say(f"A part of the arena cannot be loaded ({error}); free some memory, or install it anew with `make setup`.")
        return 2
    if isinstance(error, MemoryError) or "can't allocate memory" in str(error):  # NumPy's, and PyTorch's RuntimeError
        say("There is not enough memory for this; close other programs, or ask for less, as fewer lanes or workers.")
        return 2
    say(f"Something is wrong inside the arena ({type(error).__name__}: {error}); --debug shows where.")
    return 1


def _meant(error: BaseException | None) -> TypeGuard[ValueError | OSError]:
    """Whether an error says what a user can mend.

    A plain ValueError that no `raise` has raised does not: it is what Python or NumPy says of arrays that do not fit,
    or of lists of other lengths. The bytecode tells, as the source may not be there.
    """
    if type(error) is not ValueError or (at := error.__traceback__) is None:
        return isinstance(error, (ValueError, OSError))
    while at.tb_next is not None:
        at = at.tb_next
    code = at.tb_frame.f_code.co_code
    return 0 <= at.tb_lasti < len(code) and code[at.tb_lasti] == RAISE  # of what was compiled there is none


def _usage(error: Any) -> str:
    text = " ".join(str(error.format_message()).split())
    return text if text.endswith((".", "?", "!")) else text + "."


def _hint(said: str, arguments: Sequence[str], context: Any) -> str:
    """What was meant, where more was written than a command takes; begins with a space if it is anything."""
    if "extra argument" not in said:
        return ""
    if any(a.startswith("exec") for a in arguments):
        return ' Quote a command that has spaces, as in "exec:node mybot.js".'
    settable = context is not None and any("--set" in option.opts for option in context.command.params)
    setting = next((a for a in arguments if settable and SETTING.match(a) and a in said), None)
    return f" A setting comes after --set, as in --set {setting}." if setting is not None else ""


@contextmanager
def _plainly() -> Iterator[None]:
    yield


@contextmanager
def _kept_clean() -> Iterator[None]:
    """Sends whatever is printed meanwhile, by Python or below it, to standard error."""
    was = sys.stdout
    was.flush()
    real = was is sys.__stdout__
    kept = os.dup(1) if real else -1
    if real:
        os.dup2(2, 1)
    sys.stdout = sys.stderr
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stdout = was
        if real:
            os.dup2(kept, 1)
            os.close(kept)


@contextmanager
def going_on(how: str | Callable[[], str]) -> Iterator[None]:
    """Within it Ctrl-C says how to go on, as it stands by then."""
    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted(how if isinstance(how, str) else how()) from None


def known(table: Mapping[str, Any], spec: str, kind: str) -> None:
    """Raises Unknown, with the nearest name, unless a spec's name is in the table; imports nothing that it names."""
    from envs.registry import GAMES, Unknown, foreign, nearest, parse

    if table is GAMES and foreign(spec) is not None:
        return
    name, _ = parse(spec)
    if name not in table:
        raise Unknown(f"There is no {kind} '{name}'; {nearest(name, table, kind)}")


OPTIONS = {
    "game.name": "GAME", "network.backbone": "--backbone", "run.seed": "--seed", "run.minutes": "--minutes",
    "run.steps": "--steps", "run.engine": "--engine", "workers.count": "--workers", "workers.learners": "--learners",
    "viewer.watch": "--watch",
}  # fmt: skip
"""Settings that have an option of their own, by its name."""


def overrides(given: Mapping[str, Any], settings: Sequence[str] | None = None) -> list[str]:
    """What was given on the command line, by --set and by options, as overrides of the configuration.

    Raises ValueError where both say the same setting, or when to stop: one of them would count for nothing.
    """
    from arena.toml import literal

    said = {key: value for key, value in given.items() if value is not None}
    keys = {".".join(map(str.strip, text.partition("=")[0].split("."))): text for text in settings or ()}
    for key, text in keys.items():
        if key in said:
            raise ValueError(f"--set {text}: {OPTIONS.get(key, 'the command')} says that already; leave one out.")
    if {"run.minutes", "run.steps"} <= said.keys() | keys.keys():
        first, second = (f"--set {keys[k]}" if k in keys else OPTIONS[k] for k in ("run.steps", "run.minutes"))
        raise ValueError(f"{first} and {second} both say when to stop; choose one.")
    return [*(settings or ()), *(f"{key}={literal(value)}" for key, value in said.items())]


def spelled(context: typer.Context) -> dict[str, str]:
    """What was given on the command line: parameter -> the option as it is spelled, or an argument's name."""
    told: dict[str, str] = {}
    for one in context.command.params:
        source = context.get_parameter_source(one.name or "")
        if one.name and source is not None and source.name == "COMMANDLINE":
            told[one.name] = one.opts[0]
    return told


def document(value: Any) -> None:
    """The JSON document of this command, printed when the command is over."""
    _documents.append(value)


def _put_documents() -> None:
    lacking = (sys.stdout.encoding or "utf-8").lower() not in ("utf-8", "utf8")
    for value in _documents:
        put(json.dumps(plain(value), indent=2, ensure_ascii=lacking, allow_nan=False) + "\n")


def put(text: str) -> None:
    """Text on standard output, just as it is."""
    sys.stdout.write(text)


def plain(value: Any) -> Any:
    """A value as JSON has it: what is not finite becomes null, tuples lists."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def say(text: str) -> None:
    """One line on standard error."""
    sys.stderr.write(printable(" ".join(text.split())) + "\n")


def show(*things: RenderableType) -> None:
    """Tables, and text with rich's markup, on standard output."""
    console = screen()
    for thing in things:
        console.print(thing, soft_wrap=isinstance(thing, str))


def screen() -> Console:
    """Standard output: as wide as the terminal, or wide enough for everything if it is a file."""
    from rich.console import Console

    terminal = sys.stdout.isatty()
    return Console(file=sys.stdout, width=None if terminal or "COLUMNS" in os.environ else 160, highlight=False)


@contextmanager
def progress(what: str) -> Iterator[Callable[..., None]]:
    """A bar on standard error while the block runs; nothing if that is no terminal.

    It is fed with (done, in all), and with what is under way now where that changes.
    """
    if not sys.stderr.isatty():
        yield lambda done, total, now="": None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total, now=what: bar.update(task, completed=done, total=total or None, description=now)
