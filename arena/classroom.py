"""A tournament in a classroom: bots dropped into a folder, Swiss rounds in the sandbox, a page, and an archive.

What is found is copied first, so everybody plays with what lay there when the class began. The page is written anew
after every meeting, all or nothing; a class that was cut off goes on where it was, with the same pairings.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shlex
import shutil
import sys
import zipfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path

from agents.external.sandbox import unseen
from agents.files import new_folder, write_bytes, write_text
from agents.registry import RUN_BY
from arena.classpage import Meeting, Score, as_page, table_of
from arena.entrants import ready
from arena.leaderboard import keep_ratings
from arena.records import BadRecord, texts
from arena.store import Store, StoredGame
from arena.text import inert
from arena.tournament import Contest, enter, play_missing, scores
from envs.registry import game as game_of
from leagues.schedule import Course, Pairing, follow, schedule

RUNNERS = {**RUN_BY, ".py": sys.executable}
"""What runs a bot's file, by its ending; other files run by themselves."""

MAIN = ("bot.py", "main.py", "bot.js", "main.js", "bot", "run")
"""What is started of a folder: the first of these."""

NAME = re.compile(r"[\w][\w .+-]{0,63}")
"""A bot's name: that of its folder, or of its file, without the ending where nothing else is called so."""

MOST_BYTES = 1 << 28
"""Of all that one bot is made of."""


@dataclass(frozen=True)
class Class:
    """What a class plays; the same settings go on with it.

    move, box   of every program: see agents/external/README.md
    house       agents of the arena that take part
    """

    game: str
    rounds: int | None = None
    pairs: int = 2
    seed: int = 0
    move: float = 2.0
    box: str = "auto"
    house: tuple[str, ...] = ()


@dataclass
class Entered:
    """Who takes part, and what was found that does not."""

    specs: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    """name of a file or a folder -> why"""
    others: str = ""
    """What lies in the folder otherwise than when the class began, which goes on with its copies; '' if nothing."""


Heard = Callable[[int, int], None]


def hold(entered: Entered, out: Path, chosen: Class, heard: Heard = lambda done, total: None) -> list[Score]:
    """Holds the class that `begin` gave to its end, and returns the table; all of it is then in `out`."""
    contest = Contest(game_of(chosen.game).name, entered.specs, chosen.seed, purpose="tournament")
    course = _course(entered, chosen)
    meetings: list[Meeting] = []
    with Store(out / "arena.db") as store:
        enter(store, contest)

        def show(over: bool) -> list[Score]:
            table = table_of(list(entered.specs), meetings)
            write_text(out / "index.html", as_page(contest, table, meetings, entered.refused, _boxes(contest), over))
            return table

        def play(pairings: list[Pairing]) -> dict[str, float]:
            number = 1 + max((meeting.round for meeting in meetings), default=0)
            some = _meetings(number, pairings)
            meetings.extend(some)
            before = sum(len(m.pairings) for m in meetings) - len(pairings)
            for meeting in some:
                for _ in play_missing(store, contest, meeting.pairings):
                    pass
                meeting.games = [store.stored_game(contest.game_id(pairing)) for pairing in meeting.pairings]
                show(False)
                heard(before + sum(len(m.games) for m in some), before + len(pairings))
            return scores(store, contest, pairings)

        show(False)
        follow(course, play)
        keep_ratings(store, contest.game)
        table = show(True)
    write_bytes(out / "class.zip", archive(contest, table, meetings, (out / "index.html").read_text()))
    return table


def _course(entered: Entered, chosen: Class) -> Course:
    """The rounds to come; raises ValueError if there cannot be so many."""
    return schedule("swiss", sorted(entered.specs), chosen.pairs, chosen.seed, chosen.rounds)


def _meetings(number: int, pairings: Sequence[Pairing]) -> list[Meeting]:
    """The meetings of a round, in the order of their first games."""
    found: dict[tuple[str, str], Meeting] = {}
    for pairing in pairings:
        key = (min(pairing.first, pairing.second), max(pairing.first, pairing.second))
        meeting = found.setdefault(key, Meeting(number, pairing.first, pairing.second))
        meeting.pairings.append(pairing)
    return list(found.values())


def _boxes(contest: Contest) -> str:
    """What is to be said of programs without a box; empty if all have one."""
    from arena.entrants import unboxed

    return next(iter(unboxed(contest.entrants.values())), "")


# --- who takes part ---------------------------------------------------------------------------------------------------


def begin(folder: Path, out: Path, chosen: Class) -> Entered:
    """The class that was begun in `out`, or a new one of what lies in the folder; raises ValueError if it cannot be.

    A class that was cut off goes on with its copies; of one that is over, another of other bots is not the same.
    """
    kept = out / "class.json"
    settings = json.loads(json.dumps(asdict(chosen)))
    if kept.is_file():
        found = json.loads(kept.read_text("utf-8"))
        if found["settings"] != settings:
            changed = ", ".join(key for key in settings if found["settings"].get(key) != settings[key])
            raise ValueError(f"{out} holds a class of other settings ({changed}); name another --out, or remove it.")
        others = _others(found["files"], _files(folder, out)) if "files" in found and folder.is_dir() else ""
        if others and (out / "class.zip").is_file():
            raise ValueError(f"{out} holds a class of other bots ({others}); name another --out, or remove it.")
        return Entered(found["entered"], found["refused"], others)
    rules = game_of(chosen.game)
    if rules.seats != 2:
        raise ValueError(f"A class plays games for two, and {rules.name} has {rules.seats} seats.")
    if not folder.is_dir():
        raise ValueError(f"There is no folder {folder}; make it, and let everybody drop a bot into it.")
    if any(c in ",:'\"" or 0xD800 <= ord(c) < 0xE000 for c in str(out.absolute())):
        raise ValueError(
            f"{str(out.absolute())!a} has a comma, a colon, a quote or what is no UTF-8 in it; name another --out."
        )
    entered = Entered({f"house {spec}": spec for spec in chosen.house})
    out.mkdir(parents=True, exist_ok=True)
    with new_folder(out / "bots") as bots:
        dropped = _dropped(folder, out)
        stems = Counter(path.name if path.is_dir() else path.stem for path in dropped)
        for path in dropped:
            name = path.stem if path.is_file() and stems[path.stem] == 1 else path.name
            _enter(path, name, bots, out / "bots", chosen, entered)
    _only_who_can(entered, chosen.game)
    if len(entered.specs) < 2:
        refused = "".join(f" {name}: {why}" for name, why in entered.refused.items())
        raise ValueError(f"A class needs two bots or more, and {folder} has {len(entered.specs)}.{refused}")
    _course(entered, chosen)
    said = {"settings": settings, "entered": entered.specs, "refused": entered.refused, "files": _files(folder, out)}
    write_text(kept, json.dumps(said, indent=2))
    return entered


def _dropped(folder: Path, out: Path) -> list[Path]:
    """What was dropped into the folder."""
    found = sorted(folder.iterdir())
    return [path for path in found if not path.name.startswith((".", "_")) and path.resolve() != out.resolve()]


def _files(folder: Path, out: Path) -> dict[str, str]:
    """All that was dropped into the folder, each with what it is known by; edited, it is another."""
    return {path.name: _known_by(path) for path in _dropped(folder, out)}


def _known_by(path: Path) -> str:
    """A digest of all plain files; of what cannot be read, or is too large for a bot, of no more than that it is so."""
    found, budget = sha256(), MOST_BYTES
    try:
        for file in [path, *sorted(path.rglob("*"))] if path.is_dir() and not path.is_symlink() else [path]:
            short = file.relative_to(path)
            if file.is_file() and not file.is_symlink() and not any(map(unseen, short.parts)):
                size = file.stat().st_size
                budget -= size
                read = os.access(file, os.R_OK) and budget >= 0
                inside = sha256(file.read_bytes()).hexdigest() if read else f"{size} bytes"
                found.update(os.fsencode(f"{short} {os.access(file, os.X_OK)} {inside}\n"))
    except OSError as error:
        found.update(f"{error.strerror}\n".encode())
    return found.hexdigest()


def _others(began: Mapping[str, str], there: Mapping[str, str]) -> str:
    """What lies in the folder otherwise than when the class began; '' if nothing does."""
    changed = [f"{name} changed" for name in began if name in there and there[name] != began[name]]
    new = [f"{name} is new" for name in there if name not in began]
    return ", ".join([*changed, *new, *(f"{name} is gone" for name in began if name not in there)])


def _enter(path: Path, name: str, bots: Path, final: Path, chosen: Class, entered: Entered) -> None:
    """Copies a file or a folder into `bots`, which `final` will be, and enters it there."""
    try:
        if not NAME.fullmatch(name) or not NAME.fullmatch(path.name):
            raise Refused("a bot's name has letters, digits, spaces and .+-_ and at most 64 of them.")
        if name in entered.specs:
            raise Refused(f"there is another bot of the name {name}.")
        main = _main(path)
        _copy(path, bots / path.name)
    except Refused as error:
        entered.refused[path.name] = str(error)
        return
    except OSError as error:
        entered.refused[path.name] = f"it cannot be copied ({error.strerror})."
        return
    if main is None:
        entered.specs[name] = str(final / path.name)
        return
    file = (final / path.name / main if path.is_dir() else final / path.name).absolute()
    runner = RUNNERS.get(file.suffix)
    command = shlex.join([str(file)] if runner is None else [runner, str(file)])
    shown = f",folder={file.parent}" if path.is_dir() else ""
    entered.specs[name] = f"exec,name={name},move={chosen.move:g},box={chosen.box}{shown}:{command}"


class Refused(ValueError):
    """Something in the folder does not take part; the text says why."""


def _main(path: Path) -> str | None:
    """What is started of a file or a folder; None for the folder of a trained agent."""
    if path.is_symlink():
        raise Refused("it is a link; copy what it stands for.")
    if path.is_dir():
        if (path / "agent.toml").is_file():
            return None
        for name in MAIN:
            if (path / name).is_file():
                return name
        raise Refused(f"the folder has neither an agent.toml nor a file called {', '.join(MAIN)}.")
    if path.suffix not in RUNNERS and not os.access(path, os.X_OK):
        raise Refused("it is no bot: a .py or .js file, or a program that may be run (chmod +x).")
    return path.name


def _copy(path: Path, to: Path) -> None:
    """Copies plain files and folders alone: a link could show what its owner may not read."""
    budget = MOST_BYTES
    for source in [path, *sorted(path.rglob("*"))] if path.is_dir() else [path]:
        target = to / source.relative_to(path) if source != path else to
        if source.is_symlink() or not (source.is_dir() or source.is_file()):
            raise Refused(f"it holds a link or no plain file ({source.name}); copy what it stands for.")
        if source.is_dir():
            target.mkdir()
            target.chmod(0o755)
            continue
        budget -= source.stat().st_size
        if budget < 0:
            raise Refused(f"it is larger than {MOST_BYTES >> 20} MiB.")
        shutil.copyfile(source, target, follow_symlinks=False)
        target.chmod(0o755 if os.access(source, os.X_OK) else 0o644)


def _only_who_can(entered: Entered, game: str) -> None:
    """Leaves out who cannot play the game here; a program that fails later loses its games instead."""
    for name, spec in list(entered.specs.items()):
        try:
            ready(spec, game_of(game))
        except ValueError as error:
            entered.refused[name] = str(error)
            del entered.specs[name]


# --- the archive ------------------------------------------------------------------------------------------------------


def archive(contest: Contest, table: Sequence[Score], meetings: Sequence[Meeting], page: str) -> bytes:
    """A ZIP file of the page, the games and the results, of which every computer can open all."""
    games = [stored for meeting in meetings for stored in meeting.games]
    files = {"index.html": page, "results.csv": as_csv(table), "results.json": as_json(contest, table, meetings)}
    for form in ("jsonl", "pgn", "sgf"):
        try:
            files[f"games.{form}"] = "".join(texts(games, form))
        except BadRecord:  # SGF has few games
            continue
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        for name, text in files.items():
            file.writestr(zipfile.ZipInfo(f"class/{name}"), text, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def as_csv(table: Sequence[Score]) -> str:
    """The table as comma-separated values."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(
        ["place", "name", "points", "buchholz", "game points", "won", "drawn", "lost", "forfeits", "sat out"]
    )
    for s in table:
        lost = " ".join(f"{kind}:{count}" for kind, count in s.forfeits.items())
        out = " ".join(map(str, s.sat_out))
        writer.writerow(
            [s.place, inert(s.name), s.points, s.buchholz, s.game_points, s.won, s.drawn, s.lost, lost, out]
        )
    return written.getvalue()


def as_json(contest: Contest, table: Sequence[Score], meetings: Sequence[Meeting]) -> str:
    """The table and every meeting with its games' ids."""
    met = [
        {"round": m.round, "first": m.first, "second": m.second, "points": m.points, "games": _ids(m.games)}
        for m in meetings
    ]
    return json.dumps({"game": contest.game, "table": [asdict(score) for score in table], "meetings": met}, indent=2)


def _ids(games: Sequence[StoredGame]) -> list[str]:
    return [stored.id for stored in games]
