"""A judge who puts answers in order by a taste that nobody else sees: the stand-in for people in preference learning.

What an answer is worth to it is a share for being right, something taken off for each token too many, and something put
on for a flourish: an answer that ends with "!". No verifier pays for the flourish, and no reward that anybody is shown
names it; it is to be found out from choices. Choices follow Bradley & Terry 1952: the better of two answers is chosen
with probability sigmoid((u - u') / temperature).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agents.agent import Unable
from agents.ranges import within
from envs.game import Game, Rows
from envs.language import task
from envs.language.vocabulary import END, encode

FLOURISH = int(encode("!")[0])


@dataclass(frozen=True)
class Taste:
    """What a judge likes.

    right        worth of an answer each of whose tokens is the right one; of a part, as large a part
    excess       taken off for each token that it has too many, an end that is missing counting as one
    flourish     put on where it ends with "!", which is no token too many
    temperature  of its choices, in units of worth: 0 always takes the better answer
    """

    right: float = 1.0
    excess: float = 0.1
    flourish: float = 0.5
    temperature: float = 0.1

    def __post_init__(self) -> None:
        within(self, right="(-inf, inf)", excess="(-inf, inf)", flourish="(-inf, inf)", temperature="[0, inf)")


def worth(
    game: Game, rows: Rows, tokens: NDArray[np.uint8], length: NDArray[np.integer], taste: Taste
) -> NDArray[np.float64]:
    """[N] the hidden worth of answers tokens [N, T], the first length [N] of each, to the prompts of rows [N]."""
    wanted, wanting = task.solved(game, rows)
    if len(wanting) and wanting.min() < 1:
        raise Unable(f"The judge lays answers beside a right one, and {game.name} gives none; try sort or reverse.")
    length = np.asarray(length, np.int64)
    place, count = np.arange(tokens.shape[1]), length.copy()

    def ends_with(token: int) -> NDArray[np.bool_]:
        return (count > 0) & (tokens[np.arange(len(tokens)), np.maximum(count - 1, 0)] == token)

    ended = ends_with(END)
    count -= ended
    proud = ended & ends_with(FLOURISH)
    count -= proud
    places = wanting - 1  # its end is left out
    both = min(tokens.shape[1], wanted.shape[1])
    same = tokens[:, :both] == wanted[:, :both]
    hits = (same & (place[:both] < np.minimum(count, places)[:, None])).sum(1)
    over = np.maximum(count - places, 0) + ~ended
    return taste.right * hits / np.maximum(places, 1) - taste.excess * over + taste.flourish * proud


def ranks(
    worth: NDArray[np.float64], group: int, temperature: float, generator: np.random.Generator
) -> NDArray[np.int64]:
    """[N] the place, from 0, that the judge gives each answer among its group's, group after group.

    By worth / temperature and Gumbel's noise (Yellott 1977): each pair is then in an order that follows Bradley-Terry,
    and the pairs of a group agree with one another (Plackett-Luce). Equal worth at temperature 0 is put by lot.
    """
    noise = generator.gumbel(size=len(worth))
    liking = worth / temperature + noise if temperature > 0 else worth
    order = np.lexsort((-noise.reshape(-1, group), -liking.reshape(-1, group)), axis=1)
    return np.argsort(order, axis=1).ravel()
