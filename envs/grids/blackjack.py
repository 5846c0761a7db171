"""Blackjack against a dealer who draws to 17, from an endless deck (Sutton & Barto 2018, example 5.1).

Equal to Gymnasium 1.2.2's Blackjack-v1. The dealer's second card and all further ones are drawn when the player sticks,
which is the same to the player as drawing them unseen before; so nothing in a row is hidden.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from envs.chance import drawn
from envs.episode import anything
from envs.game import CHANCE, Bits, Chances, Game, Row, row_dtype, rule
from envs.options import flag, spec

STICK, HIT = 0, 1
CARDS = 10
"""Outcome 0 is an ace, 1 .. 8 are the cards 2 .. 9, and 9 is a ten or one of the three kinds of picture."""
NATURAL = 22
"""What a hand of an ace and a ten counts as in a key, where no other hand with a usable ace is."""


@rule
def best(points: int, aces: int) -> int:
    """What a hand counts: an ace is 11 if that does not go over 21."""
    return points + 10 if aces and points <= 11 else points


@rule
def begin(row: Row) -> None:
    row.points[:] = 0
    row.aces[:] = 0
    row.cards[:] = 0
    row.shown = 0
    row.stuck = False
    row.seat = CHANCE


@rule
def odds(row: Row, outcome: int) -> float:
    return 4.0 / 13.0 if outcome == CARDS - 1 else 1.0 / 13.0


@rule
def take(row: Row, hand: int, outcome: int) -> None:
    """Gives a card to hand 0, the player's, or 1, the dealer's."""
    row.points[hand] += outcome + 1
    row.aces[hand] += outcome == 0
    row.cards[hand] += 1


@rule
def usable(row: Row) -> bool:
    """Whether the player's hand has an ace that counts 11."""
    return row.aces[0] > 0 and row.points[0] <= 11


@rule
def natural_hand(row: Row, hand: int) -> bool:
    """Whether a hand is an ace and a ten."""
    return row.cards[hand] == 2 and row.aces[hand] == 1 and row.points[hand] == 11


@rule
def observe(row: Row, out: NDArray[np.float32]) -> None:
    """What the hand counts over 21, the dealer's card over 10, whether an ace counts 11, whether it is a natural."""
    out[0] = best(row.points[0], row.aces[0]) / 21.0
    out[1] = row.shown / 10.0
    out[2] = usable(row)
    out[3] = natural_hand(row, 0)


@rule
def key(row: Row) -> Bits:
    """(count * 11 + dealer's card) * 2 + usable ace, Gymnasium's triple; a natural counts 22 here."""
    count = NATURAL if natural_hand(row, 0) else best(row.points[0], row.aces[0])
    return np.uint64((count * 11 + row.shown) * 2 + (usable(row)))


def text(row: Row) -> str:
    """Both hands' counts."""
    own, dealer = (int(p) + (10 if a and p <= 11 else 0) for p, a in zip(row["points"], row["aces"], strict=True))
    usable = " with an ace as 11" if row["aces"][0] and row["points"][0] <= 11 else ""
    return f"you have {own}{usable}\nthe dealer shows {int(row['shown'])}" + (
        f" and has {dealer}" if row["done"] else ""
    )


def blackjack(natural: bool = False, sab: bool = False) -> Game:
    """Blackjack; a natural that wins pays 1.5 (`natural`) or wins unless the dealer has one (`sab`, the book's)."""
    flag("blackjack", "natural", natural)
    flag("blackjack", "sab", sab)

    @rule
    def finish(row: Row) -> None:
        own, dealer = best(row.points[0], row.aces[0]), best(row.points[1], row.aces[1])
        reward = 1.0 if dealer > 21 or own > dealer else -1.0 if own < dealer else 0.0
        if sab and natural_hand(row, 0) and not natural_hand(row, 1):
            reward = 1.0
        elif natural and not sab and natural_hand(row, 0) and reward == 1.0:
            reward = 1.5
        row.reward[0] = reward
        row.done = True

    @rule
    def act(row: Row, action: int) -> None:
        row.ply += 1
        row.stuck = action == STICK
        row.seat = CHANCE
        row.reward[0] = 0.0

    @rule
    def settle(row: Row, outcome: int) -> None:
        dealing = row.ply == 0
        if row.stuck or row.cards[1] == 0:
            take(row, 1, outcome)
            if row.cards[1] == 1:
                row.shown = outcome + 1
        else:
            take(row, 0, outcome)
        if row.stuck:
            if best(row.points[1], row.aces[1]) >= 17:
                row.seat = 0
                finish(row)
        elif not dealing or row.cards[0] == 2:
            row.seat = 0
            if row.points[0] > 21:
                row.reward[0] = -1.0
                row.done = True

    chances = Chances(begin, act, odds, settle, CARDS)
    reset, play = drawn(chances)
    return Game(
        name=spec("blackjack", natural=(natural, False), sab=(sab, False)),
        seats=1,
        actions=2,
        shape=(4,),
        row=row_dtype(1, points=(np.int32, 2), aces=(np.int32, 2), cards=(np.int32, 2), shown=np.int32, stuck=np.bool_),
        reset=reset,
        play=play,
        legal=anything(2),
        observe=observe,
        names=("stick", "hit"),
        max_plies=20,
        pays="general",
        key=key,
        keys=32 * 11 * 2,
        chances=chances,
        text=text,
        chance=True,
    )
