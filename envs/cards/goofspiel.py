"""Goofspiel: both bid a card for each prize at the same time and unseen; the higher card takes it, ties discard it.

Each has the cards 1 .. N and so has the pile of prizes, which comes up in falling, rising or random order; most points
win. Bids stay hidden: all that is told is who took the prize. The last card of each is played by itself. The rules are
those of open_spiel's goofspiel with imp_info; Ross, "Goofspiel: the game of pure strategy" (1971).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from envs.cards.recall import woven
from envs.chance import drawn
from envs.game import CHANCE, Bits, Chances, Game, Row, row_dtype, rule
from envs.options import choice, spec, whole

ORDERS = ("descending", "ascending", "random")
TIED = 2
"""What `took` says of a prize that nobody took; otherwise it says who did."""


def goofspiel(cards: int = 4, order: str = "descending") -> Game:
    """Goofspiel with 3 to 13 cards, the prizes in `order`: descending, ascending or random."""
    whole("goofspiel", "cards", cards, 3, 13, 5)
    choice("goofspiel", "order", order, ORDERS)
    is_random = order == "random"
    first, step = (cards - 1, -1) if order == "descending" else (0, 1)
    last = cards - 1

    @rule
    def begin(row: Row) -> None:
        row.turn = 0
        row.gone = 0
        row.prize = -1
        row.pending = -1
        for seat in range(2):
            row.hand[seat] = (1 << cards) - 1
            row.points[seat] = 0
            for turn in range(cards):
                row.bids[seat, turn] = 0
        for turn in range(cards):
            row.prizes[turn] = 0
            row.took[turn] = 0
        if is_random:
            row.seat = CHANCE
        else:
            settle(row, first)

    @rule
    def odds(row: Row, outcome: int) -> float:
        if (row.gone >> outcome) & 1:
            return 0.0
        return 1.0 / (cards - row.turn)

    @rule
    def settle(row: Row, outcome: int) -> None:
        """Turns up the next prize."""
        row.prize = outcome
        row.prizes[row.turn] = outcome
        row.gone |= 1 << outcome
        row.seat = 0

    @rule
    def only(hand: int) -> int:
        """The lowest card of a hand."""
        card = 0
        while not (hand >> card) & 1:
            card += 1
        return card

    @rule
    def resolve(row: Row, bid: int, other: int) -> None:
        """Both bids are in."""
        turn = row.turn
        row.bids[0, turn] = bid
        row.bids[1, turn] = other
        row.hand[0] &= ~(1 << bid)
        row.hand[1] &= ~(1 << other)
        if bid == other:
            row.took[turn] = TIED
        else:
            winner = 0 if bid > other else 1
            row.took[turn] = winner
            row.points[winner] += row.prize + 1
        row.turn = turn + 1
        row.pending = -1

    @rule
    def act(row: Row, action: int) -> None:
        row.ply += 1
        if row.seat == 0:
            row.pending = action
            row.seat = 1
            return
        resolve(row, row.pending, action)
        row.seat = 0
        if row.turn < last:
            if is_random:
                row.seat = CHANCE
            else:
                settle(row, row.prize + step)
            return
        settle(row, only(~row.gone))
        resolve(row, only(row.hand[0]), only(row.hand[1]))
        row.done = True
        margin = np.float64(row.points[0]) - np.float64(row.points[1])
        row.reward[0] = np.sign(margin)
        row.reward[1] = -np.sign(margin)

    @rule
    def legal(row: Row, out: NDArray[np.bool_]) -> None:
        for card in range(cards):
            out[card] = (row.hand[row.seat] >> card) & 1

    @rule
    def observe(row: Row, out: NDArray[np.float32]) -> None:
        """Own hand, the prize bid for; then of each prize: won, lost, tied, and as shares own bid and turn."""
        flat, seat = out.flat, row.seat
        for place in range(7 * cards):  # places that are known beforehand are written in whole registers
            flat[place] = 0.0
        for card in range(cards):
            out[card] = (row.hand[seat] >> card) & 1
        if not row.done:
            out[cards + row.prize] = 1.0
        for turn in range(row.turn):
            place = 2 * cards + 5 * row.prizes[turn]
            out[place + (2 if row.took[turn] == TIED else 0 if row.took[turn] == seat else 1)] = 1.0
            out[place + 3] = np.float32(row.bids[seat, turn] + 1) / np.float32(cards)
            out[place + 4] = np.float32(turn + 1) / np.float32(cards)

    @rule
    def key(row: Row) -> Bits:
        """Seat, and turn by turn the prize, the own bid and who took it."""
        known = np.uint64(row.seat)
        for turn in range(row.turn):
            prize, bid = np.uint64(row.prizes[turn]), np.uint64(row.bids[row.seat, turn])
            known = woven(known, prize | bid << np.uint64(8) | np.uint64(row.took[turn]) << np.uint64(16))
        return woven(known, np.uint64(row.prize))

    def text(row: Row, seen_by: int | None = None) -> str:
        taken = ("seat 0", "seat 1", "nobody")
        lines = []
        for seat in (0, 1) if seen_by is None else (seen_by,):
            held = " ".join(str(card + 1) for card in range(cards) if int(row["hand"][seat]) >> card & 1)
            lines.append(f"{'you are ' if seen_by is not None else ''}seat {seat}, with {held or 'no card'}")
        for turn in range(row["turn"]):
            first, second = (int(row["bids"][seat][turn]) + 1 for seat in (0, 1))
            bids = f"bids {first} and {second}" if seen_by is None else f"you bid {(first, second)[seen_by]}"
            lines.append(f"prize {int(row['prizes'][turn]) + 1}: {bids}, taken by {taken[row['took'][turn]]}")
        if seen_by is None and row["pending"] >= 0:
            lines.append(f"seat 0 has bid {int(row['pending']) + 1}")
        lines += [] if row["done"] else [f"prize {int(row['prize']) + 1} is up"]
        return "\n".join([*lines, f"points: {row['points'][0]} {row['points'][1]}"])

    chances = Chances(begin, act, odds, settle, cards)
    drawn_reset, drawn_play = drawn(chances)
    return Game(
        name=spec("goofspiel", cards=(cards, 4), order=(order, ORDERS[0])),
        seats=2,
        actions=cards,
        shape=(7 * cards,),
        row=row_dtype(
            2,
            hand=(np.int16, (2,)),
            gone=np.int16,
            points=(np.uint8, (2,)),
            bids=(np.uint8, (2, cards)),
            prizes=(np.uint8, (cards,)),
            took=(np.uint8, (cards,)),
            turn=np.uint8,
            prize=np.int8,
            pending=np.int8,
        ),
        reset=drawn_reset if is_random else begin,
        play=drawn_play if is_random else act,
        legal=legal,
        observe=observe,
        names=tuple(str(card + 1) for card in range(cards)),
        max_plies=2 * (cards - 1),
        key=key,
        chances=chances if is_random else None,
        text=text,
        hidden=True,
        chance=is_random,
        simultaneous=True,
    )
