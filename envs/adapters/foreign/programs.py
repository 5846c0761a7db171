"""Somebody else's program as the rules of a game: the row holds a handle, the program lives in a table.

What such a game cannot do: a position cannot be copied and played on from twice, so nothing can search in it, openings
cannot be drawn, and no move can be taken back; agents are given no rows (`View.rows` is None), and those that need
them refuse. A row that is played where the program has gone on says so (`CannotGoBack`).

What goes wrong costs its own game only: where the program cannot be started, raises, returns what is no number, or
takes longer than `seconds`, that game is over (done and cut, paying 0), the program is thrown away, and the fault is
kept (`Programs.faults`) and logged.
"""

from __future__ import annotations

import logging
import queue
import threading
import weakref
import zlib
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from envs.game import Game, Row, row_dtype
from envs.randomness import draw

LOG = logging.getLogger("arena.foreign")

MOST_KEPT = 4096
"""Games of which the table remembers the last observation; older ones are forgotten, those that go on last."""
MOST_PLIES = 32_000
PATIENCE = 60.0
"""Seconds that a program may take for its beginning or for one action, where no other limit is asked for."""


class CannotGoBack(ValueError):
    """A position of a foreign game was to be played on from where its program no longer is."""


class State(NamedTuple):
    """Where a program stands after its beginning or an action.

    obs     [seats, *shape] what each seat sees
    legal   [A] what the seat to move may do; [0] where actions are vectors
    reward  [seats] what the last action paid
    """

    seat: int
    obs: NDArray[np.float32]
    legal: NDArray[np.bool_]
    reward: NDArray[np.float32]
    over: bool = False
    cut: bool = False


class Program(Protocol):
    """One game in progress elsewhere.

    picture()   the whole position as pixels or words, or None where there is no such thing
    told(seat)  what a seat alone may know, in words; None where the program does not say that
    """

    def begin(self, seed: int) -> State: ...
    def play(self, action: Any) -> State: ...
    def picture(self) -> NDArray[np.uint8] | str | None: ...
    def told(self, seat: int) -> str | None: ...
    def close(self) -> None: ...


@dataclass
class Fault:
    """What a program did that ended its game."""

    ply: int
    words: str


@dataclass
class _Place:
    """One game of the table; `program` is None once another game uses it, or it was thrown away."""

    program: Program | None
    state: State
    late: bool = False
    ply: int = 0
    over: bool = False
    fault: Fault | None = None
    kept: dict[int, Any] = field(default_factory=dict)
    told: dict[int, list[str | None]] = field(default_factory=dict)


class Programs:
    """The live programs of one game; each is used again for later games.

    seconds  how long a program may take for one action, 0 for as long as it likes; a program that took longer is left
             to itself in a thread that nobody waits for any more, and the others go on in another
    """

    def __init__(self, make: Callable[[], Program], seats: int, shape: tuple[int, ...], actions: int, seconds: float):
        self._make, self._seconds = make, seconds
        nothing = np.zeros((seats, *shape), np.float32)
        self._seats = seats
        self._nowhere = State(0, nothing, np.zeros(actions, np.bool_), np.zeros(seats, np.float32), True, True)
        self._places: OrderedDict[int, _Place] = OrderedDict()
        self._free: deque[_Place] = deque()
        self._handles = count(1)
        self._thread: _Thread | None = None
        self.faults: list[Fault] = []

    def reset(self, row: Row) -> None:
        """A new game, on a program that has finished one if there is any."""
        seed = int(draw(row)) & 0x7FFF_FFFF
        row["handle"] = next(self._handles)
        place = self._seat()
        self._places[int(row["handle"])] = place
        self._do(row, place, lambda: self._started(place).begin(seed))
        row["ply"] = 0
        while len(self._places) > MOST_KEPT:
            oldest = next((handle for handle, p in self._places.items() if p.over), next(iter(self._places)))
            self._dismiss(self._places.pop(oldest))

    def play(self, row: Row, action: Any) -> None:
        """One action of the seat to move."""
        place = self._place(row)
        if place.program is None or place.ply != int(row["ply"]):
            raise CannotGoBack(
                f"A position after {int(row['ply'])} moves was played on from, and its program is elsewhere by now; "
                "positions of other projects' games cannot be copied and tried."
            )
        place.ply += 1
        self._do(row, place, lambda: self._started(place).play(action))
        row["ply"] = place.ply
        if place.ply >= MOST_PLIES and not row["done"]:
            row["done"] = row["cut"] = place.over = True
            self._free.append(place)

    def legal(self, row: Row, out: NDArray[np.bool_]) -> None:
        """What the seat to move may do, or anybody else once it is their turn."""
        out[:] = self._place(row).state.legal

    def observe(self, row: Row, out: NDArray[np.float32]) -> None:
        """What the row's seat sees."""
        out[:] = self._place(row).state.obs[int(row["seat"])]

    def fault(self, row: Row) -> Fault | None:
        """What ended this game, if its program failed."""
        place = self._places.get(int(row["handle"]))
        return place.fault if place else None

    def keep(self, row: Row) -> None:
        """Keeps how the position looks now, for viewers that come back to it later."""
        place = self._places.get(int(row["handle"]))
        if place is None or place.program is None or place.ply != int(row["ply"]) or place.ply in place.kept:
            return
        program = self._started(place)
        try:
            seen = self._timed(place, program.picture)
        except Exception:  # it cannot be drawn, which ends no game
            seen = None
        try:
            place.told[place.ply] = self._timed(place, lambda: [program.told(seat) for seat in range(self._seats)])
        except Exception as error:  # nor does this
            LOG.warning("A program could not say what its seats see (%s: %s).", type(error).__name__, error)
        if isinstance(seen, np.ndarray):
            seen = (seen.shape, zlib.compress(np.ascontiguousarray(seen).tobytes(), 1))
        place.kept[place.ply] = seen

    def picture(self, row: Row) -> NDArray[np.uint8] | str | None:
        """How a position looks or looked: pixels [height, width, 3], words, or None if that was not kept."""
        self.keep(row)
        place = self._places.get(int(row["handle"]))
        seen = place.kept.get(int(row["ply"])) if place else None
        if isinstance(seen, tuple):
            shape, packed = seen
            return np.frombuffer(zlib.decompress(packed), np.uint8).reshape(shape)
        return seen

    def told(self, row: Row, seat: int) -> str | None:
        """What a seat alone may know there, in words; None if its program does not say, or it was not kept."""
        self.keep(row)
        place = self._places.get(int(row["handle"]))
        return place.told.get(int(row["ply"]), [None] * self._seats)[seat] if place else None

    def gone(self, row: Row) -> bool:
        """Whether the program is no longer where this row is, so that nothing can be seen from it."""
        place = self._places.get(int(row["handle"]))
        return place is None or place.ply != int(row["ply"])

    def _place(self, row: Row) -> _Place:
        place = self._places.get(int(row["handle"]))
        return place if place is not None else _Place(None, self._nowhere)

    def _seat(self) -> _Place:
        """A place with a program that is free, or for a new one."""
        while self._free:
            place = self._free.popleft()
            if place.program is not None and not place.late:
                program, place.program = place.program, None
                return _Place(program, self._nowhere)
        return _Place(None, self._nowhere)

    def _started(self, place: _Place) -> Program:
        """The program of a place, started if it has none yet."""
        if place.program is None:
            place.program = self._make()
        return place.program

    def _timed(self, place: _Place, work: Callable[[], Any]) -> Any:
        """What the work returns or raises; TimeoutError if it takes too long."""
        if not self._seconds:
            return work()
        self._thread = thread = self._thread or _Thread()
        try:
            return thread.do(work, self._seconds)
        except _Late:
            self._thread, place.late = None, True
            thread.end()
            raise TimeoutError(f"it took more than {self._seconds:g} seconds") from None

    def _do(self, row: Row, place: _Place, work: Callable[[], State]) -> None:
        """Has the program do something and writes what came of it; a fault ends this game and no other."""
        try:
            state = self._timed(place, work)
            if state.obs.shape != self._nowhere.obs.shape or state.legal.shape != self._nowhere.legal.shape:
                raise ValueError(
                    f"it gave an observation of shape {state.obs.shape[1:]}, not {self._nowhere.obs.shape[1:]}"
                )
            if not (np.isfinite(state.obs).all() and np.isfinite(state.reward).all()):
                raise ValueError("it gave an observation or a reward that is no number")
        except (Exception, SystemExit) as error:
            place.fault = Fault(place.ply, f"{type(error).__name__}: {error}" if str(error) else type(error).__name__)
            self.faults.append(place.fault)
            LOG.warning("A game was ended after %d moves by its program (%s).", place.ply, place.fault.words)
            self._dismiss(place)
            place.state = place.state._replace(reward=np.zeros_like(place.state.reward), over=True, cut=True)
        else:
            place.state = state
            row["seat"] = state.seat
        place.over = bool(place.state.over)
        if place.over:
            self._free.append(place)
        row["reward"] = place.state.reward
        row["done"], row["cut"] = place.over, place.over and bool(place.state.cut)

    def _dismiss(self, place: _Place) -> None:
        """Throws a program away; one that hangs is left alone."""
        program, place.program = place.program, None
        if program is not None and not place.late:
            try:
                program.close()
            except Exception as error:  # its own business, once nobody plays it
                LOG.warning("A program could not be closed (%s).", error)


class _Late(Exception):
    """What was waited for did not come in time."""


class _Thread:
    """A thread in which programs are run, so that waiting for one can be given up."""

    def __init__(self) -> None:
        self._work: queue.Queue[Callable[[], Any] | None] = queue.Queue()
        self._done: queue.Queue[tuple[bool, Any]] = queue.Queue()
        threading.Thread(target=self._run, name="foreign", daemon=True).start()

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            try:
                self._done.put((True, work()))
            except Exception as error:
                self._done.put((False, error))
            except BaseException as error:  # a program's own way to leave; Ctrl-C comes to the main thread
                self._done.put((False, RuntimeError(f"it raised {type(error).__name__} {error}".strip())))

    def do(self, work: Callable[[], Any], seconds: float) -> Any:
        """What the work returns or raises; _Late if that takes too long."""
        self._work.put(work)
        try:
            well, result = self._done.get(timeout=seconds)
        except queue.Empty:
            raise _Late from None
        if well:
            return result
        raise result

    def end(self) -> None:
        """Ends the thread after its work, if that ever ends."""
        self._work.put(None)


_TABLES: weakref.WeakKeyDictionary[Game, Programs] = weakref.WeakKeyDictionary()


def programs_of(game: Game) -> Programs | None:
    """The live programs of a foreign game; None of one that is played without."""
    return _TABLES.get(game)


def foreign_game(
    name: str, make: Callable[[], Program], *, seats: int, actions: int, shape: tuple[int, ...], names: tuple[str, ...],
    seconds: float, limit: int = MOST_PLIES, controls: tuple[tuple[float, float], ...] = (), **traits: Any,
) -> Game:  # fmt: skip
    """A game whose rules are a program that `make` starts; its name tells a time limit that is not the usual one."""
    if not 0 <= seconds < float("inf"):
        raise ValueError(f"seconds={seconds:g} is no time limit; write for example seconds=5, or 0 for none.")
    name += "" if seconds == PATIENCE else f",seconds={seconds:g}"
    programs = Programs(make, seats, shape, actions, seconds)
    row = row_dtype(seats, handle=np.int64)
    game = Game(
        name, seats, actions, shape, row, programs.reset, programs.play, programs.legal, programs.observe, names,
        min(limit, MOST_PLIES), controls=controls, foreign=True, **traits,
    )  # fmt: skip
    _TABLES[game] = programs
    return game
