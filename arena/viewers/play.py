"""A person plays: the source of snapshots in which one seat waits for the mouse."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from agents.agent import Agent, Memory
from agents.play import Table
from arena.viewers.snapshot import Ply, Snapshot
from arena.viewers.sources import GameRecord, action_of, advanced, extended, failed, replayed
from envs import kernels
from envs.adapters.foreign.programs import programs_of
from envs.game import Game, Rows


@dataclass(frozen=True)
class _Step:
    """Where the game can go back to."""

    row: Rows
    memories: list[Memory]


class Duel:
    """A person against an agent, which has every other seat; it thinks in a thread, the person's moves come by `ask`.

    In a game of one seat the agent only moves when it is asked to.

    ask("play", action)  the person's move        ask("undo", 0)  back to the person's last choice
    ask("move", 0)       the agent moves for them  ask("next", 0)  a new game, seats changed
    ask("resign", 0)     the agent has won

    In another project's program no move can be taken back.

    `keep`, if given, is called in that thread with each game that is over, and says what became of it.
    """

    def __init__(
        self, game: Game, agent: Agent, seat: int = 0, *, seed: int = 0, person: str = "you",
        opening: Sequence[int] = (), ratings: Sequence[str] = (), keep: Callable[[Snapshot], str] | None = None,
    ) -> None:  # fmt: skip
        if not 0 <= seat < game.seats:
            raise ValueError(f"{game.name} has seats 0 to {game.seats - 1}, and seat {seat} was asked for.")
        self._game, self._agent, self._seat, self._seed = game, agent, seat, seed
        self._person, self._opening, self._ratings = person, tuple(opening), tuple(ratings)
        self._wishes: queue.Queue[tuple[str, Any]] = queue.Queue()
        self._keep = keep
        self._number, self._closed = 0, False
        self._begin()
        self._thread = threading.Thread(target=self._run, name="duel", daemon=True)
        self._thread.start()

    def _begin(self) -> None:
        seat = (self._seat + self._number) % self._game.seats
        seeds = kernels.seeds(self._seed, 1, self._number)
        others = max(1, self._game.seats - 1)
        seating = (np.arange(self._game.seats) - seat - 1)[None, :] % self._game.seats % others
        self._table = Table.new(self._game, [self._agent] * others, seating, seeds)
        names = [self._agent.name] * self._game.seats
        names[seat] = self._person
        start = replayed(
            GameRecord(self._game, self._opening, tuple(names), int(seeds[0]), len(self._opening), self._ratings)
        )
        self._table.rows[:] = start.rows[-1:]
        self._steps: list[_Step] = []
        thinking = int(start.rows[-1]["seat"])
        self._snapshot = replace(start, live=True, number=self._number, person=seat, thinking=thinking)

    def _run(self) -> None:
        while not self._closed:
            snapshot = self._snapshot
            if snapshot.thinking is not None and snapshot.thinking != snapshot.person and self._wishes.empty():
                self._agent_moves()
                continue
            what, number = self._wishes.get()
            if what == "play" and snapshot.thinking == snapshot.person and self._may(number):
                self._person_moves(number)
            elif what == "move" and snapshot.thinking is not None:
                self._agent_moves()
            elif what == "undo":
                self._undo()
            elif what == "resign" and snapshot.result is None:
                self._resign()
            elif what == "next" and snapshot.result is not None:
                self._number += 1
                self._begin()

    def _may(self, action: Any) -> bool:
        return kernels.may_play(self._game, self._table.rows, action)

    def _remember(self) -> None:
        memories = [{name: part.copy() for name, part in memory.items()} for memory in self._table.memories]
        self._steps.append(_Step(self._table.rows.copy(), memories))

    def _agent_moves(self) -> None:
        self._remember()
        try:
            voice = 1 - (self._snapshot.person or 0) if self._game.seats == 2 else None
            self._snapshot = advanced(self._snapshot, self._table, voice)
        except Exception as error:  # an agent may be anyone's program: say what it did and stay open
            self._steps.pop()
            self._snapshot = replace(self._snapshot, note=failed(self._snapshot, error), thinking=None)
        self._end()

    def _person_moves(self, action: Any) -> None:
        self._remember()
        seat = int(self._table.rows[0]["seat"])
        actions = np.array([action], np.float32 if self._game.controls else np.int64)
        kernels.play_rows(self._game, self._table.rows, actions)
        self._snapshot = extended(self._snapshot, Ply(action_of(self._game, actions[0]), seat), self._table.rows)
        self._end()

    def _resign(self) -> None:
        snapshot = self._snapshot
        lost = tuple(-1.0 if seat == snapshot.person else 1.0 for seat in range(self._game.seats))
        self._snapshot = replace(snapshot, forced=lost, thinking=None, note=f"{self._person} resigned.")
        self._end()

    def _end(self) -> None:
        """Has the game kept, if it is over."""
        snapshot = self._snapshot
        if snapshot.result is None or self._keep is None:
            return
        try:
            words = self._keep(snapshot)
        except ValueError as error:
            words = f"The game was not stored: {error}"
        self._snapshot = replace(snapshot, note=f"{snapshot.note} {words}".strip())

    def _undo(self) -> None:
        snapshot, first = self._snapshot, len(self._opening)
        own = [k for k in range(first, snapshot.length) if snapshot.plies[k].seat == snapshot.person]
        if not own:
            return
        k = own[-1]
        step = self._steps[k - first]
        del self._steps[k - first :]
        self._table.rows[:] = step.row
        self._table.memories = step.memories
        self._snapshot = replace(
            snapshot,
            plies=snapshot.plies[:k],
            rows=snapshot.rows[: k + 1],
            legal=snapshot.legal[: k + 1],
            thinking=snapshot.person,
            forced=None,
            note="",
        )

    def newest(self) -> Snapshot:
        """The newest snapshot, at once."""
        return self._snapshot

    def ask(self, what: str, number: Any) -> str:
        """Asks for a move, a take-back, the agent's move or a new game; a sentence if there is nothing to do."""
        snapshot = self._snapshot
        if what == "undo" and not any(p.seat == snapshot.person for p in snapshot.plies[len(self._opening) :]):
            return "There is no move to take back."
        if what == "undo" and programs_of(self._game) is not None:
            return f"{self._game.name} is another project's program: no move can be taken back in it."
        self._wishes.put((what, number))
        return ""

    def close(self) -> None:
        """Ends the thread once the agent has finished its thought; waits a moment for a game that is being kept."""
        self._closed = True
        self._wishes.put(("close", 0))
        self._thread.join(timeout=2.0)
