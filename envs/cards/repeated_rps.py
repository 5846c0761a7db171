"""Repeated rock-paper-scissors: many rounds at the same table, each paid at once; whoever can be read loses.

The game of the first international RoShamBo programming competition (Billings 1999) and of "Population-based evaluation
in repeated rock-paper-scissors" (Lanctot et al. 2023): 1,000 rounds, of which the last 10 are observed; agents that use
more keep it in their memory.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from envs.cards.recall import woven
from envs.game import Bits, Game, Row, row_dtype, rule
from envs.options import spec, whole

NAMES = ("rock", "paper", "scissors")
LONGEST = 16_000
WIDEST = 32


def repeated_rps(rounds: int = 1000, recall: int = 10) -> Game:
    """`rounds` rounds, of which the last `recall` are observed."""
    whole("repeated_rps", "rounds", rounds, 1, LONGEST, 200)
    whole("repeated_rps", "recall", recall, 1, WIDEST, 5)

    @rule
    def reset(row: Row) -> None:
        row.pending = -1
        row.seen = 0
        for seat in range(2):
            row.past[seat] = 0
            row.total[seat] = 0

    @rule
    def play(row: Row, action: int) -> None:
        row.ply += 1
        if row.seat == 0:
            row.pending = action
            row.seat = 1
            row.reward[0] = 0.0
            row.reward[1] = 0.0
            return
        first = row.pending
        paid = (first - action + 4) % 3 - 1  # 1 where `first` beats `action`: paper rock, scissors paper, rock scissors
        row.reward[0] = paid
        row.reward[1] = -paid
        row.total[0] += paid
        row.total[1] -= paid
        row.past[0] = row.past[0] << np.uint64(2) | np.uint64(first)
        row.past[1] = row.past[1] << np.uint64(2) | np.uint64(action)
        row.seen = woven(row.seen, np.uint64(4 * first + action))
        row.pending = -1
        row.seat = 0
        row.done = row.ply == 2 * rounds

    @rule
    def legal(row: Row, out: NDArray[np.bool_]) -> None:
        for choice in range(3):
            out[choice] = True

    @rule
    def observe(row: Row, out: NDArray[np.float32]) -> None:
        """Of each of the last rounds, the last first, one of own and one of the other's choices; the share played."""
        out[:] = 0.0
        own, other = row.past[row.seat], row.past[1 - row.seat]
        for back in range(min(recall, row.ply // 2)):
            out[6 * back + np.int64((own >> np.uint64(2 * back)) & np.uint64(3))] = 1.0
            out[6 * back + 3 + np.int64((other >> np.uint64(2 * back)) & np.uint64(3))] = 1.0
        out[6 * recall] = np.float32(row.ply // 2) / np.float32(rounds)

    @rule
    def key(row: Row) -> Bits:
        """Seat, and every round so far."""
        return woven(row.seen, np.uint64(row.seat))

    def text(row: Row, seen_by: int | None = None) -> str:
        seat, played = seen_by or 0, int(row["ply"]) // 2
        who = ("seat 0", "seat 1") if seen_by is None else ("you", "the other")
        lines = [f"round {min(played + 1, rounds)} of {rounds}, {who[0]} won less lost {row['total'][seat]}"]
        for each, name in ((seat, who[0]), (1 - seat, who[1])):
            shown = [NAMES[int(row["past"][each]) >> 2 * back & 3] for back in reversed(range(min(recall, played)))]
            lines.append(f"{name}: {' '.join(shown) or '-'}")
        if seen_by is None and row["pending"] >= 0:
            lines.append(f"seat 0 has chosen {NAMES[row['pending']]}")
        return "\n".join(lines)

    return Game(
        name=spec("repeated_rps", rounds=(rounds, 1000), recall=(recall, 10)),
        seats=2,
        actions=3,
        shape=(6 * recall + 1,),
        row=row_dtype(2, past=(np.uint64, (2,)), seen=np.uint64, total=(np.int16, (2,)), pending=np.int8),
        reset=reset,
        play=play,
        legal=legal,
        observe=observe,
        names=NAMES,
        max_plies=2 * rounds,
        pays="zero-sum",
        key=key,
        text=text,
        hidden=True,
        simultaneous=True,
    )
