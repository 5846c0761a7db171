"""Liar's dice: everybody rolls in secret and bids how many of a face lie on the table, until somebody calls a liar.

A bid must be higher: more dice, or as many of a higher face. The highest face is wild and counts as any. If the last
bid holds, its bidder wins, otherwise who called. The rules and what is observed are those of open_spiel's liars_dice;
with a die of six sides each the value is -7/258 for the first.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from envs.cards.recall import woven
from envs.chance import drawn
from envs.game import CHANCE, Bits, Chances, Game, Row, row_dtype, rule
from envs.options import spec, whole


def liars_dice(dice: int = 1, sides: int = 6) -> Game:
    """Two players with `dice` dice each of `sides` sides; at most 30 sides on the dice of a player."""
    whole("liars_dice", "dice", dice, 1, 5)
    whole("liars_dice", "sides", sides, 2, 9, 6)
    if dice * sides > 30:
        raise ValueError(
            f"A player of liars_dice has dice of 30 sides in all at most, not dice={dice},sides={sides}; "
            "write for example liars_dice:dice=2,sides=6."
        )
    bids = 2 * dice * sides

    @rule
    def begin(row: Row) -> None:
        row.bids = 0
        row.last = -1
        row.rolled = 0
        for seat in range(2):
            for face in range(sides):
                row.faces[seat, face] = 0
        row.seat = CHANCE

    @rule
    def odds(row: Row, outcome: int) -> float:
        return 1.0 / sides

    @rule
    def settle(row: Row, outcome: int) -> None:
        """Rolls the next die: first all of seat 0, then all of seat 1."""
        row.faces[row.rolled // dice, outcome] += 1
        row.rolled += 1
        if row.rolled == 2 * dice:
            row.seat = 0

    @rule
    def act(row: Row, action: int) -> None:
        seat = row.seat
        row.ply += 1
        row.seat = 1 - seat
        if action < bids:
            row.bids |= np.uint64(1) << np.uint64(action)
            row.last = action
            return
        face, wild = row.last % sides, sides - 1
        found = row.faces[0, face] + row.faces[1, face]
        if face != wild:
            found += row.faces[0, wild] + row.faces[1, wild]
        row.done = True
        caller = -1.0 if found > row.last // sides else 1.0
        row.reward[seat] = caller
        row.reward[1 - seat] = -caller

    @rule
    def legal(row: Row, out: NDArray[np.bool_]) -> None:
        for bid in range(bids):
            out[bid] = bid > row.last
        out[bids] = row.last >= 0

    @rule
    def observe(row: Row, out: NDArray[np.float32]) -> None:
        """One of each: the seat, the face of each of its dice in rising order; then every bid made, and the call."""
        out[:] = 0.0
        out[row.seat] = 1.0
        place = 2
        for face in range(sides):
            for _ in range(row.faces[row.seat, face]):
                out[place + face] = 1.0
                place += sides
        place = 2 + dice * sides
        for bid in range(bids):
            out[place + bid] = (row.bids >> np.uint64(bid)) & np.uint64(1)
        out[place + bids] = row.done

    @rule
    def key(row: Row) -> Bits:
        """Seat, own dice, and the bids so far, whose order is that of their height."""
        hand = np.uint64(row.seat)
        for face in range(sides):
            hand |= np.uint64(row.faces[row.seat, face]) << np.uint64(1 + 3 * face)
        return woven(hand, row.bids)

    names = (*(f"{bid // sides + 1}x{bid % sides + 1}" for bid in range(bids)), "liar")

    def text(row: Row, seen_by: int | None = None) -> str:
        def hand(seat: int) -> str:
            return " ".join(str(face + 1) for face in range(sides) for _ in range(row["faces"][seat][face]))

        made = [names[bid] for bid in range(bids) if int(row["bids"]) >> bid & 1]
        if seen_by is None:
            held = f"seat 0 has {hand(0)}, seat 1 has {hand(1)}"
        else:
            held = f"you are seat {seen_by}, with {hand(seen_by)}"
        return f"{held}; {sides} is wild\nbids: {' '.join(made) or '-'}"

    chances = Chances(begin, act, odds, settle, sides)
    reset, play = drawn(chances)
    return Game(
        name=spec("liars_dice", dice=(dice, 1), sides=(sides, 6)),
        seats=2,
        actions=bids + 1,
        shape=(2 + dice * sides + bids + 1,),
        row=row_dtype(2, bids=np.uint64, faces=(np.uint8, (2, sides)), last=np.int8, rolled=np.uint8),
        reset=reset,
        play=play,
        legal=legal,
        observe=observe,
        names=names,
        max_plies=bids + 1,
        key=key,
        chances=chances,
        text=text,
        hidden=True,
        chance=True,
    )
