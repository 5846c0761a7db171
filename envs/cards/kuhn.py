"""Kuhn poker: a card each from a deck of one more than there are players, one chip to bet, the highest card wins.

H. W. Kuhn, "A simplified two-person poker" (1950). Everybody antes one chip. In turn each passes or bets a chip; after
a bet each of the others, once more in turn, bets too or folds by passing. Among those who have bet (all, if nobody has)
the highest card takes the pot. With two players the value is -1/18 for the first. The rules for more, and what is
observed, are those of open_spiel's kuhn_poker.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from envs.cards.deck import evenly
from envs.chance import drawn
from envs.game import CHANCE, Bits, Chances, Game, Row, row_dtype, rule
from envs.options import spec, whole

PASS, BET = 0, 1


def kuhn(players: int = 2) -> Game:
    """Kuhn poker for 2 to 10 players."""
    whole("kuhn", "players", players, 2, 10)
    deck, plies = players + 1, 2 * players - 1

    @rule
    def begin(row: Row) -> None:
        row.gone = 0
        row.dealt = 0
        row.bets = 0
        row.opened = -1
        for seat in range(players):
            row.cards[seat] = 0
        row.seat = CHANCE

    @rule
    def settle(row: Row, outcome: int) -> None:
        """Deals a card to the next player."""
        row.cards[row.dealt] = outcome
        row.gone |= 1 << outcome
        row.dealt += 1
        if row.dealt == players:
            row.seat = 0

    @rule
    def pay(row: Row) -> None:
        best, best_card, pot = 0, -1, 0
        for seat in range(players):
            bet = (row.bets >> seat | row.bets >> (seat + players)) & 1
            pot += 1 + bet
            row.reward[seat] = -1.0 - bet
            if (row.cards[seat] > best_card) & ((bet == 1) | (row.bets == 0)):
                best, best_card = seat, row.cards[seat]
        row.reward[best] += pot

    @rule
    def act(row: Row, action: int) -> None:
        row.bets |= action << row.ply
        row.opened = row.ply if (action == BET) & (row.opened < 0) else row.opened
        row.ply += 1
        row.seat = row.ply % players
        if row.ply == (players if row.opened < 0 else row.opened + players):
            row.done = True
            pay(row)

    @rule
    def legal(row: Row, out: NDArray[np.bool_]) -> None:
        out[PASS] = True
        out[BET] = True

    @rule
    def observe(row: Row, out: NDArray[np.float32]) -> None:
        """One of each: the seat, its card; then for each ply whether it passed, whether it bet."""
        card = row.cards[row.seat]
        for seat in range(players):
            out[seat] = row.seat == seat
        for i in range(deck):
            out[players + i] = card == i
        for ply in range(plies):
            made, bet = ply < row.ply, (row.bets >> ply) & 1
            out[players + deck + 2 * ply] = made & (bet == 0)
            out[players + deck + 2 * ply + 1] = made & (bet == 1)

    @rule
    def key(row: Row) -> Bits:
        """Seat, own card, plies, and what was done in each: in fields of their own."""
        known = np.uint64(row.seat) | np.uint64(row.cards[row.seat]) << np.uint64(4)
        return known | np.uint64(row.ply) << np.uint64(8) | np.uint64(row.bets) << np.uint64(16)

    def text(row: Row, seen_by: int | None = None) -> str:
        done = " ".join("bet" if int(row["bets"]) >> ply & 1 else "pass" for ply in range(row["ply"]))
        if seen_by is None:
            held = "cards " + " ".join(map(str, row["cards"]))
        else:
            held = f"you are seat {seen_by}, with card {row['cards'][seen_by]}"
        return f"{held} of 0 to {players}\nso far: {done or '-'}"

    chances = Chances(begin, act, evenly(deck), settle, deck)
    reset, _ = drawn(chances)
    return Game(
        name=spec("kuhn", players=(players, 2)),
        seats=players,
        actions=2,
        shape=(players + deck + 2 * plies,),
        row=row_dtype(
            players, cards=(np.uint8, (players,)), gone=np.uint32, bets=np.uint32, dealt=np.uint8, opened=np.int8
        ),
        reset=reset,
        play=act,  # after the deal chance has no say
        legal=legal,
        observe=observe,
        names=("pass", "bet"),
        max_plies=plies,
        pays="zero-sum",
        key=key,
        chances=chances,
        text=text,
        hidden=True,
        chance=True,
    )
