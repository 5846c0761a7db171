"""Tables of action values, how they play, and how their history is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray
from safetensors import SafetensorError

from agents.agent import Decision, Memory, Unable
from agents.files import read_plain, write_bytes
from envs.game import Game, View
from envs.kernels import pick_legal

MOST_BYTES = 2 * 1024**3


class BadTable(ValueError):
    """Arrays are no table of this game, or a file no history; the text says why."""


@dataclass(frozen=True)
class ActionValues:
    """What each action is worth to who moves, in every state that has been met.

    q     [N, A] the returns expected
    keys  [N] rising, the `Game.key` of each row of q; of length 0 where a row's place is its key
    """

    q: NDArray[np.float32]
    keys: NDArray[np.uint64]

    def arrays(self) -> dict[str, NDArray]:
        """The table as it is stored."""
        return {"q": self.q, "keys": self.keys} if len(self.keys) else {"q": self.q}

    @classmethod
    def of(cls, game: Game, arrays: Mapping[str, NDArray]) -> ActionValues:
        """The table of arrays from anywhere, checked against the game; raises `BadTable`."""
        q, keys = arrays.get("q"), arrays.get("keys", np.zeros(0, np.uint64))
        if q is None or q.dtype != np.float32 or q.ndim != 2 or q.shape[1] != game.actions or not np.isfinite(q).all():
            raise BadTable(f"A table for {game.name} holds q, float32 [states, {game.actions}]; this one does not.")
        if game.key is None:
            raise BadTable(f"{game.name} has no keys, so no table can play it.")
        if "keys" not in arrays and len(q) != game.keys:
            raise BadTable(f"A table for {game.name} has {game.keys} states, and this one has {len(q)}.")
        if "keys" in arrays and (
            keys.dtype != np.uint64 or keys.shape != (len(q),) or not (keys[1:] > keys[:-1]).all() or not len(keys)
        ):
            raise BadTable("The keys of a table are uint64 [states] and rising; those of this one are not.")
        return cls(q, keys)

    def look(self, keys: NDArray[np.uint64]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """(q [B, A], known [B]) of states by their keys; q is 0 where a state is not known."""
        if len(self.keys):
            place = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
            known = self.keys[place] == keys
        else:
            known = keys < np.uint64(len(self.q))
            place = np.where(known, keys, np.uint64(0)).astype(np.int64)
        return np.where(known[:, None], self.q[place], np.float32(0.0)), known


@dataclass
class TableAgent:
    """Plays the action that is worth most by a table; of equals, and in states it does not know, one drawn evenly."""

    table: ActionValues
    game: Game
    name: str

    def begin(self, game: Game, seeds: NDArray[np.uint64]) -> Memory:
        if game.name != self.game.name:
            raise Unable(f"{self.name} was trained for {self.game.name} and cannot play {game.name}.")
        return {"rng": seeds.copy()}

    def act(self, view: View, memory: Memory) -> Decision:
        if view.keys is None:
            raise Unable(f"{self.name} looks states up by their keys, and {view.game.name} gave none.")
        q, _ = self.table.look(view.keys)
        worth = np.where(view.legal, q, -np.inf)
        best = worth.max(axis=1)
        rng = memory["rng"].copy()
        action = pick_legal(worth == best[:, None], rng)
        return Decision(action, {"rng": rng}, {"value": best.astype(np.float32), "q": q})


# --- history --------------------------------------------------------------------------------------------------------


@dataclass
class History:
    """The table at rising numbers of updates, each `growth` times the last, so that all scales of time are there.

    growth  over 1; 0 keeps nothing
    """

    growth: float = 1.25
    steps: list[int] = field(default_factory=list)
    tables: list[ActionValues] = field(default_factory=list)

    def due(self) -> int:
        """The number of updates at which the next table is to be kept; -1 for never."""
        if self.growth == 0.0:
            return -1
        return max(self.steps[-1] + 1, int(self.steps[-1] * self.growth)) if self.steps else 0

    def keep(self, step: int, table: ActionValues) -> None:
        """Adds the table as it is after `step` updates."""
        self.steps.append(step)
        self.tables.append(table)

    def at(self, step: int) -> ActionValues:
        """The newest table that is no newer than `step` updates."""
        return self.tables[max(0, int(np.searchsorted(self.steps, step, side="right")) - 1)]

    def arrays(self) -> dict[str, NDArray]:
        """All of it as arrays: q.000003 is the fourth table kept."""
        out: dict[str, NDArray] = {"steps": np.array(self.steps, np.int64)}
        for i, table in enumerate(self.tables):
            out |= {f"{name}.{i:06d}": array for name, array in table.arrays().items()}
        return out

    @classmethod
    def of(cls, game: Game, arrays: Mapping[str, NDArray], growth: float = 1.25) -> History:
        """The history in arrays from anywhere, each table checked; raises `BadTable`."""
        steps = arrays.get("steps")
        if steps is None or steps.ndim != 1 or not np.issubdtype(steps.dtype, np.integer):
            raise BadTable("A history holds steps, whole numbers; this one does not.")
        tables = []
        for i in range(len(steps)):
            part = {name: arrays[f"{name}.{i:06d}"] for name in ("q", "keys") if f"{name}.{i:06d}" in arrays}
            tables.append(ActionValues.of(game, part))
        return cls(growth, steps.tolist(), tables)

    def save(self, file: Path, game: Game) -> None:
        """Writes it as safetensors, at once."""
        named = {"game": game.name, "rules": str(game.version)}
        write_bytes(Path(file), safetensors.numpy.save(dict(self.arrays()), named))

    @classmethod
    def load(cls, file: Path, game: Game) -> History:
        """What `save` wrote, everything checked; nothing of the file is run; raises `BadTable`."""
        try:
            arrays: Any = safetensors.numpy.load(read_plain(Path(file), MOST_BYTES))
        except (SafetensorError, ValueError, TypeError, KeyError, OverflowError) as error:
            why = str(error).partition("\n")[0]
            raise BadTable(f"{file} is no history of a table ({why}); train anew to make one.") from None
        return cls.of(game, arrays)
