"""Sampling: texts are written by a language model, many at once, each with a random generator of its own.

A lane is a place for one text in the caches. Prompts wait for a lane; a text that ends gives its lane to the next
(continuous batching; Yu et al. 2022, "Orca", OSDI), and when none waits the batch shrinks. What a text becomes depends
on its own prompt and seed: not on its neighbours, nor on how many lanes there are, nor on when it got one.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from agents.language.draws import Picking, draw_tokens
from agents.language.model import parts
from agents.networks import Network, Weights, load_weights

END = 0
"""The token that ends an answer."""


class Samples(NamedTuple):
    """Answers to N prompts, of at most T tokens."""

    tokens: NDArray[np.uint8]
    """[N, T] 0 after the end."""
    length: NDArray[np.int64]
    """[N] tokens of each, the one that ends it included; T without that one is an answer cut off."""
    log_p: NDArray[np.float32]
    """[N, T] the logarithm of each token's probability at the temperature, over all tokens; 0 after the end."""
    drawn: NDArray[np.float32]
    """[N, T] the same in the distribution drawn from: among the tokens that top-k and top-p left, or the likeliest."""


class Sampler:
    """A copy of a language model that writes up to `lanes` texts at a time."""

    def __init__(self, network: Network, lanes: int) -> None:
        self.network = network.twin().eval().requires_grad_(False)
        self.body, self.head = parts(self.network)
        self.lanes = lanes
        self.cache = self.body.begin(lanes)

    def load(self, arrays: Weights) -> None:
        """Takes the weights of another network of the same make."""
        load_weights(self.network, arrays)

    def sample(
        self,
        prompts: NDArray[np.uint8],
        prompted: NDArray[np.integer],
        most: int,
        seeds: NDArray[np.uint64],
        temperature: float = 1.0,
        top_k: int = 0,
        top_p: float = 1.0,
        greedy: bool = False,
    ) -> Samples:
        """Continues prompts [N, P], the first `prompted` [N] tokens of each, until END or `most` tokens.

        temperature  divides the scores
        top_k        keeps the so many likeliest tokens (Fan et al. 2018, arXiv:1805.04833); 0 = all
        top_p        of these, the likeliest that together have so much probability (Holtzman et al. 2019,
                     arXiv:1904.09751)
        greedy       the likeliest token
        """
        picking = Picking.of(temperature, top_k, top_p, greedy)
        count = len(prompts)
        before = np.asarray(prompted, np.int64)
        self._check(prompts, before, most)
        out = Samples(
            np.zeros((count, most), np.uint8),
            np.zeros(count, np.int64),
            np.zeros((count, most), np.float32),
            np.zeros((count, most), np.float32),
        )
        rng = np.array(seeds, np.uint64)
        free = np.arange(self.lanes)[::-1]
        waiting = 0
        text = np.zeros(0, np.int64)  # which text each busy lane writes
        lane = np.zeros(0, np.int64)
        with torch.inference_mode():
            while waiting < count or len(text):
                if waiting < count and (len(free) * 8 >= self.lanes or not len(text)):
                    new = np.arange(waiting, min(waiting + len(free), count))
                    given, free = free[len(free) - len(new) :], free[: len(free) - len(new)]
                    waiting += len(new)
                    scores = self._prefill(given, prompts[new], before[new])
                    draw_tokens(scores, new, picking, rng, *out)
                    text, lane = np.concatenate((text, new)), np.concatenate((lane, given))
                going = (out.tokens[text, out.length[text] - 1] != END) & (out.length[text] < most)
                free = np.concatenate((free, lane[~going]))
                text, lane = text[going], lane[going]
                if len(text):
                    at = before[text] + out.length[text] - 1
                    scores = self._step(lane, out.tokens[text, out.length[text] - 1].astype(np.int64), at)
                    draw_tokens(scores, text, picking, rng, *out)
        return out

    def _check(self, prompts: NDArray[np.uint8], prompted: NDArray[np.int64], most: int) -> None:
        if most < 1 or not len(prompts) or prompted.min() < 1 or prompted.max() > prompts.shape[1]:
            raise ValueError("A sampler wants prompts of at least one token, and answers of at least one.")
        longest, context = int(prompted.max()) + most, self.body.context
        if longest - 1 > context:
            raise ValueError(
                f"Prompts of up to {int(prompted.max())} tokens and answers of up to {most} make texts of {longest}, "
                f"and this model's context is {context}; train it with gpt:context={longest}."
            )

    def _prefill(
        self, lanes: NDArray[np.int64], prompts: NDArray[np.uint8], prompted: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """[n, V] scores of the first token of each answer; the caches of these lanes hold the prompts."""
        reach = int(prompted.max())
        tokens = torch.from_numpy(prompts[:, :reach].astype(np.int64))
        cache = self.body.begin(len(lanes))
        features = self.body.prefill(tokens, cache)
        chosen = torch.from_numpy(lanes.copy())
        self.cache.keys[:, chosen], self.cache.values[:, chosen] = cache.keys, cache.values
        return self.head.scores(features[torch.arange(len(lanes)), torch.from_numpy(prompted - 1)]).numpy()

    def _step(self, lanes: NDArray[np.int64], token: NDArray[np.int64], at: NDArray[np.int64]) -> NDArray[np.float32]:
        """[n, V] scores of the token after these, which stand at places `at` of the lanes' texts."""
        tokens, places = np.zeros(self.lanes, np.int64), np.zeros(self.lanes, np.int64)
        tokens[lanes], places[lanes] = token, at
        features = self.body.step(torch.from_numpy(tokens), torch.from_numpy(places), self.cache)
        return self.head.scores(features[torch.from_numpy(lanes)]).numpy()
