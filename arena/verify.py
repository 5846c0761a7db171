"""Is a database, a run or an agent whole, and does it say what it claims: every stored game is played again."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from agents.agent import Unable
from agents.play import ADJUDICATED, adjudicated, illegal, read_forfeit, runaway
from agents.registry import is_program
from arena.entrants import weights_digest
from arena.leaderboard import ANCHOR, ratings
from arena.store import RatingPoint, Store, StoredGame, StoreError
from envs import kernels
from envs.registry import game as game_of
from envs.registry import kept_game

if TYPE_CHECKING:
    from envs.game import Game, Row, Rows

PIECE = 4096
"""Games played again side by side."""


@dataclass
class Report:
    """What was looked at, and what was wrong."""

    path: str
    kind: str
    checked: dict[str, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What is worth knowing and no fault."""

    @property
    def whole(self) -> bool:
        return not self.faults

    def fault(self, text: str) -> None:
        """Notes a fault; the twentieth and later are only counted."""
        self.checked["faults"] = self.checked.get("faults", 0) + 1
        if len(self.faults) < 20:
            self.faults.append(text)


def verify(path: Path, heard: Callable[[int, int], None] = lambda done, total: None) -> Report:
    """Looks through a database, a run's folder or an agent's; raises ValueError if the path is none of them."""
    if not path.is_dir():
        return verify_database(path, heard)
    if (path / "agent.toml").exists():
        return verify_agent(path)
    if (path / "config.toml").exists():
        return verify_run(path, heard)
    raise StoreError(f"{path} is a folder without an agent.toml or a config.toml; name an agent, a run or a database.")


def verify_run(folder: Path, heard: Callable[[int, int], None]) -> Report:
    """Reads a run's settings and the state that it would go on from, and tries each of its agents."""
    from arena.checkpoint import load_state
    from arena.config import check_same_run, load
    from arena.population.composing import shared

    def settings(path: Path) -> object:
        if (folder / "league.toml").exists():
            return shared(folder)
        config = load(path, trusted=False)
        check_same_run(config, path)  # one that was emptied reads as all defaults
        return config

    report = Report(str(folder), "run")
    for what, read in (("config.toml", settings), ("state", load_state)):
        try:
            found = read(folder / what)
        except ValueError as error:
            report.fault(str(error))
        else:
            report.checked[what] = int(found is not None)
    _league(folder, report)
    agents = sorted(path for path in (folder / "agents").glob("[!.]*"))
    for done, path in enumerate(agents):
        heard(done, len(agents))
        one = verify_agent(path)
        report.checked["agents"] = report.checked.get("agents", 0) + 1
        for text in one.faults:
            report.fault(text)
    return report


def _league(folder: Path, report: Report) -> None:
    """Reads what a league of many learners keeps beside a run's files; does nothing if this run is none."""
    from arena.config import tables
    from arena.population.standing import read

    def learners(path: Path) -> None:
        if not tables(path).get("learners"):
            raise ValueError(f"{path} names no learners; move {folder} away.")

    def points(path: Path) -> None:
        try:
            for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
                if line.endswith("\n"):  # a kill may have cut the last one short
                    json.loads(line)
        except (OSError, ValueError) as error:
            raise ValueError(f"{path} cannot be read ({error}); without it the league goes on.") from None

    files = {"league.toml": learners, "league.json": lambda path: read(path.parent), "history.jsonl": points}
    if not any((folder / name).exists() for name in files):
        return
    for name, reader in files.items():
        if name == "league.toml" or (folder / name).exists():  # the others come with the first measurement
            try:
                reader(folder / name)
            except ValueError as error:
                report.fault(str(error))
            else:
                report.checked[name] = 1


def verify_agent(folder: Path) -> Report:
    """Loads an agent, lets it move in its game's first positions, and looks that all it says there is finite."""
    from agents.storage import BadAgent, load_agent, read_text

    report = Report(str(folder), "agent")
    try:
        player, rules = load_agent(folder), game_of(read_text(folder).game)
    except BadAgent as error:
        report.fault(str(error))
        return report
    rows = kernels.random_openings(rules, np.arange(16, dtype=np.uint64), 2)
    rows = rows[~rows["done"]]
    view = kernels.view(rules, rows)
    decision = player.act(view, player.begin(rules, np.arange(len(rows), dtype=np.uint64)))
    report.checked["positions"] = len(rows)
    for wrong in (illegal(player, view, decision.action), runaway(player, decision)):
        for forfeit in list(wrong.values())[:1]:
            report.fault(f"of {len(rows)} positions {len(wrong)} went wrong: {forfeit.text}")
    return report


def verify_database(path: Path, heard: Callable[[int, int], None]) -> Report:
    """Asks SQLite, plays every game again, looks for the agents' weights, and makes all ratings anew."""
    report = Report(str(path), "database")
    with Store.read(path) as store:
        for text in store.faults():
            report.fault(text)
        kept = {game: _snapshots(store, game) for game in store.games_with_members()}
        total = store.count() + sum(map(len, kept.values()))
        piece: list[StoredGame] = []
        for stored in store.games():
            piece.append(stored)
            if len(piece) == PIECE:
                _replay(piece, report)
                piece = []
                heard(report.checked.get("games", 0), total)
        _replay(piece, report)
        _weights(store, report)
        done = report.checked.get("games", 0)
        for game, snapshots in kept.items():
            for upto, points in snapshots:
                heard(done, total)
                _rated_anew(store, game, upto, points, report)
                done += 1
        heard(total, total)
    return report


def _replay(games: Sequence[StoredGame], report: Report) -> None:
    kinds: dict[tuple[str, int], list[StoredGame]] = {}
    for stored in games:
        kinds.setdefault((stored.game, stored.rules), []).append(stored)
    for (name, version), some in kinds.items():
        report.checked["games"] = report.checked.get("games", 0) + len(some)
        try:
            rules = kept_game(name)
        except ValueError as error:
            report.fault(f"{len(some)} games of '{name}' cannot be played again: {error}")
            continue
        if rules.version != version:
            report.fault(
                f"{len(some)} games of {name} were played by its rules {version}; here are rules {rules.version}"
            )
            continue
        report.checked["plies"] = report.checked.get("plies", 0) + sum(len(stored.moves) for stored in some)
        for stored, wrong in zip(some, replayed_wrong(rules, some), strict=True):
            if wrong:
                report.fault(f"game {stored.id}: {wrong}")


def replayed_wrong(rules: Game, games: Sequence[StoredGame]) -> list[str]:
    """What is wrong with each game ('' if nothing), found by playing all of them again side by side."""
    wrong = [_strange(rules, stored) for stored in games]
    lengths = np.array([len(stored.moves) if not wrong[i] else 0 for i, stored in enumerate(games)])
    blank = kernels.no_actions(rules, len(games))
    moves = np.repeat(blank[:, None], lengths.max(initial=0), axis=1)
    for i, stored in enumerate(games):
        if lengths[i]:
            moves[i, : lengths[i]] = stored.moves
    rows = kernels.new_rows(rules, np.array([stored.seed for stored in games], np.uint64))
    returns = np.zeros((len(games), rules.seats))
    alive = np.array([not text for text in wrong], np.bool_)
    for ply in range(moves.shape[1]):
        lanes = np.flatnonzero(alive & (lengths > ply))
        actions = moves[lanes, ply]
        legal = _legal(rules, rows[lanes], actions)
        for i in lanes[~legal].tolist():
            wrong[i] = f"move {ply + 1} ({moves[i, ply]}) is against the rules"
        alive[lanes[~legal]] = False
        going = lanes[legal]
        part = rows[going]
        kernels.play_rows(rules, part, actions[legal])
        rows[going] = part
        returns[going] += part["reward"]
    for i in np.flatnonzero(alive).tolist():
        wrong[i] = _wrong_end(rules, games[i], rows[i], returns[i])
    return wrong


def _strange(rules: Game, stored: StoredGame) -> str:
    """What can be seen to be wrong before a move is played."""
    if len(stored.seats) != rules.seats or len(stored.results) != rules.seats:
        return f"it names {len(stored.seats)} players, and {rules.name} has {rules.seats} seats"
    if any(isinstance(move, tuple) != bool(rules.controls) for move in stored.moves):
        return f"its moves are not of the kind that {rules.name} has"
    if any(len(move) != len(rules.controls) for move in stored.moves if rules.controls):
        return f"a move is not of {len(rules.controls)} numbers"
    if stored.opening < 0 or 0 < len(stored.moves) < stored.opening:
        return f"{stored.opening} of its {len(stored.moves)} moves are said to be drawn"
    for ply, move in enumerate(stored.moves, start=1):
        if not rules.controls and not 0 <= move < rules.actions:
            return f"move {ply} ({move}) is against the rules"
    return ""


def _legal(rules: Game, rows: Rows, actions: NDArray[Any]) -> NDArray[np.bool_]:
    """[B] whether each action, from anywhere, may be played in its row."""
    if rules.controls:
        return kernels.in_bounds(rules, actions) & ~rows["done"]
    inside = (actions >= 0) & (actions < rules.actions) & ~rows["done"]
    return kernels.legal_mask(rules, rows)[np.arange(len(rows)), np.where(inside, actions, 0)] & inside


def _wrong_end(rules: Game, stored: StoredGame, row: Row, returns: NDArray[np.float64]) -> str:
    """What is wrong with how a game ended: by the rules, by a forfeit, adjudicated, or by a person who resigned."""
    if stored.reason.startswith(ADJUDICATED):
        return _wrongly_adjudicated(rules, stored, row)
    lost = read_forfeit(stored.reason)
    if not row["done"] and lost is None:
        return "" if stored.reason else "its moves stop before the game is over"
    if lost is not None:
        seat = lost[0]
        returns = np.where(np.arange(rules.seats) == seat, -1.0, 1.0)
        if row["done"] or row["seat"] != seat:
            return f"it is said that seat {seat} forfeited, and that seat is not to move"
    if not np.allclose(returns, stored.results, rtol=1e-5, atol=1e-4):
        by = "a forfeit gives" if lost is not None else "the rules give"
        return f"its result is given as {stored.results}, and {by} {tuple(returns.tolist())}"
    return ""


def _wrongly_adjudicated(rules: Game, stored: StoredGame, row: Row) -> str:
    """What is wrong with a result that is said to follow from perfect play."""
    from agents.scripted.solver import worth

    if row["done"]:
        return "it is said to have been adjudicated, and its moves end it by the rules"
    try:
        value = float(worth(rules, row[None])[0])
    except Unable as error:
        return f"it is said to have been adjudicated. {error}"
    seat = int(row["seat"])
    due = tuple((value if p == seat else -value) + 0.0 for p in range(rules.seats))
    winner = seat if value > 0 else 1 - seat if value < 0 else None
    if np.isnan(value) or due != tuple(stored.results) or stored.reason != adjudicated(winner):
        known = "no result that is known" if np.isnan(value) else str(due)
        return f"it was adjudicated as {stored.results}, and perfect play gives {known}"
    return ""


def _weights(store: Store, report: Report) -> None:
    for member in store.members():
        if member.sha256 is None or is_program(member.spec):  # of a bot that was edited the games are as true
            continue
        report.checked["weights"] = report.checked.get("weights", 0) + 1
        found = weights_digest(member.spec)
        if found is None:
            report.fault(f"'{member.name}' is not at {member.spec}, or cannot be read there")
        elif found != member.sha256:
            report.fault(f"the weights or the settings of '{member.name}' are not those it was entered with")


def _snapshots(store: Store, game: str) -> list[tuple[int, list[RatingPoint]]]:
    """All ratings that were ever kept, those of one time together, each with the last game that counted in them."""
    history: dict[tuple[float, int], list[RatingPoint]] = {}
    for point in store.rating_history(game):
        history.setdefault((point.taken, point.upto), []).append(point)
    return [(upto, points) for (_, upto), points in history.items()]


def _rated_anew(store: Store, game: str, upto: int, points: Sequence[RatingPoint], report: Report) -> None:
    """Makes ratings that were kept anew, from the games that counted in them."""
    try:
        anew = ratings(store, game, upto=upto)
    except ValueError as error:
        report.fault(f"the ratings of {game} after game {upto} cannot be made anew: {error}")
    else:
        _compared(points, dict(zip(anew.names, anew.elo.tolist(), strict=True)), game, report)


def _compared(points: Sequence[RatingPoint], elos: dict[str, float], game: str, report: Report) -> None:
    both = [point.name for point in points if point.name in elos]
    # Who stands at 0 follows from who was rated then: members who came later have moved it.
    zero = elos[ANCHOR] if ANCHOR in both else float(np.mean([elos[name] for name in both])) if both else 0.0
    for point in points:
        report.checked["ratings"] = report.checked.get("ratings", 0) + 1
        if point.name not in elos:
            report.fault(f"'{point.name}' has a rating in {game} and is not among those rated")
        elif abs((found := elos[point.name] - zero) - point.elo) > 0.05:
            report.fault(
                f"the rating of '{point.name}' in {game} after game {point.upto} is kept as {point.elo:.1f}; "
                f"its games give {found:.1f}"
            )
