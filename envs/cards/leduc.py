"""Leduc poker: a card each, a round of bets, a card for all, another round; a pair wins, or else the highest card.

Southey et al., "Bayes' bluff: opponent modelling in poker" (2005). The deck has two suits and one rank more than there
are players. Everybody antes one chip. In each round a player folds (facing a raise only), calls or raises, by 2 chips
in the first and 4 in the second; two raises a round. Equal hands share the pot. The rules, also those for more than two
players, and what is observed are those of open_spiel's leduc_poker; the value for two is -0.085606424078 for the first.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from envs.cards.deck import evenly
from envs.cards.recall import woven
from envs.chance import drawn
from envs.game import CHANCE, Bits, Chances, Game, Row, row_dtype, rule
from envs.options import spec, whole

FOLD, CALL, RAISE = 0, 1, 2
RAISES = 2
"""How often a round may be raised."""


def leduc(players: int = 2) -> Game:
    """Leduc poker for 2 to 6 players."""
    whole("leduc", "players", players, 2, 6)
    ranks, deck, most = players + 1, 2 * players + 2, 3 * players - 2

    @rule
    def begin(row: Row) -> None:
        row.gone = 0
        row.dealt = 0
        row.public = -1
        row.folded = 0
        row.left = players
        row.raises = 0
        row.calls = 0
        row.stakes = 1
        row.street = 0
        for i in range(2):
            row.said[i] = 0
            row.spoken[i] = 0
        for seat in range(players):
            row.cards[seat] = 0
            row.chips[seat] = 1
        row.seat = CHANCE

    @rule
    def settle(row: Row, outcome: int) -> None:
        """Deals a card to the next player, or the one for all."""
        row.gone |= 1 << outcome
        if row.street == 0:
            row.cards[row.dealt] = outcome
            row.dealt += 1
            if row.dealt == players:
                row.seat = 0
        else:
            row.public = outcome
            row.dealt += 1
            row.seat = next_in(row, 0)

    @rule
    def next_in(row: Row, seat: int) -> int:
        """The first of `seat` and those after it who has not folded."""
        while (row.folded >> seat) & 1:
            seat = seat + 1 if seat + 1 < players else 0
        return seat

    @rule
    def strength(row: Row, seat: int) -> int:
        own, shared = row.cards[seat] >> 1, row.public >> 1
        if own == shared:
            return ranks * ranks + own
        return max(own, shared) * ranks + min(own, shared)

    @rule
    def pay(row: Row) -> None:
        """The best hand of those who have not folded takes the pot, or equal ones their shares."""
        pot, best, shares = 0, -1, 0
        for seat in range(players):
            pot += row.chips[seat]
            if not (row.folded >> seat) & 1:
                hand = 0 if row.left == 1 else strength(row, seat)
                if hand > best:
                    best, shares = hand, 0
                shares += hand == best
        for seat in range(players):
            row.reward[seat] = -np.float64(row.chips[seat])
            if not (row.folded >> seat) & 1 and (row.left == 1 or strength(row, seat) == best):
                row.reward[seat] += pot / shares

    @rule
    def act(row: Row, action: int) -> None:
        seat, turn = row.seat, row.street
        row.said[turn] |= np.uint64(action + 1) << np.uint64(2 * row.spoken[turn])
        row.spoken[turn] += 1
        row.ply += 1
        if action == FOLD:
            row.folded |= 1 << seat
            row.left -= 1
        else:
            if action == RAISE:
                row.stakes += 2 if turn == 0 else 4
                row.raises += 1
                row.calls = 0
            else:
                row.calls += 1
            row.chips[seat] = row.stakes
        over = row.calls == (row.left if row.raises == 0 else row.left - 1)
        if row.left == 1 or (over and turn == 1):
            row.done = True
            pay(row)
        elif over:
            row.street = 1
            row.raises = 0
            row.calls = 0
            row.seat = CHANCE
        else:
            row.seat = next_in(row, seat + 1 if seat + 1 < players else 0)

    @rule
    def legal(row: Row, out: NDArray[np.bool_]) -> None:
        out[FOLD] = row.stakes > row.chips[row.seat]
        out[CALL] = True
        out[RAISE] = row.raises < RAISES

    @rule
    def observe(row: Row, out: NDArray[np.float32]) -> None:
        """One of each: the seat, its card, the card for all; then for each word said whether it was a call, a raise."""
        out[:] = 0.0
        out[row.seat] = 1.0
        out[players + row.cards[row.seat]] = 1.0
        if row.public >= 0:
            out[players + deck + row.public] = 1.0
        for i in range(2):
            start = players + 2 * deck + 2 * most * i
            for n in range(row.spoken[i]):
                word = np.int64((row.said[i] >> np.uint64(2 * n)) & np.uint64(3)) - 1
                if word > FOLD:
                    out[start + 2 * n + word - 1] = 1.0

    @rule
    def key(row: Row) -> Bits:
        """Seat, own card, the card for all, and all that was said in either round."""
        cards = np.uint64(row.seat) | np.uint64(row.cards[row.seat]) << np.uint64(8)
        cards |= np.uint64(row.public + 1) << np.uint64(16)
        return woven(woven(cards, row.said[0]), row.said[1])

    def text(row: Row, seen_by: int | None = None) -> str:
        *cards, public = (f"{int(c) // 2}{'ab'[int(c) % 2]}" if c >= 0 else "-" for c in (*row["cards"], row["public"]))
        held = f"cards {' '.join(cards)}" if seen_by is None else f"you are seat {seen_by}, with card {cards[seen_by]}"
        said = [" ".join(words(row, i)) or "-" for i in (0, 1)]
        chips = " ".join(map(str, row["chips"]))
        return (
            f"{held}; the card for all: {public}\n"
            f"chips put in: {chips}\nfirst round: {said[0]}\nsecond round: {said[1]}"
        )

    chances = Chances(begin, act, evenly(deck), settle, deck)
    reset, play = drawn(chances)
    return Game(
        name=spec("leduc", players=(players, 2)),
        seats=players,
        actions=3,
        shape=(players + 2 * deck + 4 * most,),
        row=row_dtype(
            players,
            said=(np.uint64, (2,)),
            gone=np.uint32,
            cards=(np.uint8, (players,)),
            chips=(np.uint8, (players,)),
            spoken=(np.uint8, (2,)),
            public=np.int8,
            dealt=np.uint8,
            folded=np.uint8,
            left=np.uint8,
            raises=np.uint8,
            calls=np.uint8,
            stakes=np.uint8,
            street=np.uint8,  # not `round`: records of NumPy have a method of that name
        ),
        reset=reset,
        play=play,
        legal=legal,
        observe=observe,
        names=("fold", "call", "raise"),
        max_plies=2 * most,
        pays="zero-sum",
        key=key,
        chances=chances,
        text=text,
        hidden=True,
        chance=True,
    )


def words(row: Row, turn: int) -> list[str]:
    """What was said in a round, in order."""
    said, count = int(row["said"][turn]), int(row["spoken"][turn])
    return [("fold", "call", "raise")[(said >> 2 * n & 3) - 1] for n in range(count)]
