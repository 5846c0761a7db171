"""Sampling: texts are written by a language model, many at once, each with a random generator of its own.

A lane is a place for one text in the caches. Prompts wait for a lane; a text that ends gives its lane to the next
(continuous batching; Yu et al. 2022, "Orca", OSDI), and when none waits the batch shrinks. What a text becomes depends
on its own prompt and seed: not on its neighbours, nor on how many lanes there are, nor on when it got one.

Measured on one core of a busy Zen 4, 512 texts of 12 + 24 tokens through 4 layers of width 128: of the time, products
take 0.56, attention 0.25, norms and activations 0.12. For 256 texts, with a text a column instead of a row, products
of a layer in bfloat16 take 0.41 ms instead of 0.56 (1.04 in float32), and GELU 0.06 instead of PyTorch's 0.37. Loops
whose length the compiler does not know are faster than loops of 32, which it unrolls before it looks for vectors:
attention takes 0.6 of the time.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from agents.hardware import native_bfloat16
from agents.language.block import ROOM, Block, Prepared, Work
from agents.language.columns import LANES
from agents.language.draws import Picking, draw_tokens
from agents.language.model import parts
from agents.networks import Network, Weights, load_weights
from envs.language.vocabulary import END

WIDEST = 256
"""Texts in a block at most."""


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

    @staticmethod
    def blank(count: int, most: int) -> Samples:
        """As many answers before anything is written."""
        shape = (count, most)
        length = np.zeros(count, np.int64)
        return Samples(np.zeros(shape, np.uint8), length, np.zeros(shape, np.float32), np.zeros(shape, np.float32))


class Sampler:
    """A copy of a language model that writes up to `lanes` texts at a time.

    narrow   whether products are of bfloat16; by default where the processor multiplies that
    threads  cores to use; by default as many as PyTorch would
    """

    def __init__(self, network: Network, lanes: int, narrow: bool | None = None, threads: int = 0) -> None:
        self.network = network.twin().cpu().eval().requires_grad_(False)
        self.context = parts(self.network)[0].context
        self.narrow = native_bfloat16() if narrow is None else narrow
        self.lanes, self.threads = lanes, threads
        self.model = Prepared(self.network, self.narrow)
        self.works: dict[int, Work] = {}

    def load(self, arrays: Weights) -> None:
        """Takes the weights of another network of the same make."""
        load_weights(self.network, arrays)
        self.model = Prepared(self.network, self.narrow)

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
        before = np.asarray(prompted, np.int64)
        check(prompts, before, most, self.context)
        out = Samples.blank(len(prompts), most)
        task = _Task(prompts, before, most, picking, np.array(seeds, np.uint64), out)
        usual = torch.get_num_threads()
        threads = max(1, min(self.threads or usual, -(-min(len(prompts), self.lanes) // LANES)))
        try:
            with ThreadPoolExecutor(threads) as pool:
                list(pool.map(self._write, [task] * threads, [self.lanes // threads] * threads, range(threads)))
        finally:
            torch.set_num_threads(usual)
        return out

    def _write(self, task: _Task, lanes: int, thread: int) -> None:
        """Writes texts until none waits: one thread's part, in blocks of its own."""
        torch.set_num_threads(1)
        model, lanes = self.model, min(lanes, WIDEST)
        room = max(ROOM, int(task.prompted.max()) * LANES)
        if thread not in self.works or self.works[thread].columns < room:
            self.works[thread] = Work(model, room)
        work = self.works[thread]
        blocks: list[Block] = []
        with torch.inference_mode():
            while True:
                free = lanes - sum(len(block.text) for block in blocks)
                new = task.take(free if not blocks or 4 * free >= lanes else 0)
                if len(new):
                    block, scores = Block.reading(model, work, new, task.prompts[new], task.prompted[new], task.most)
                    task.draw(block, scores)
                    blocks.append(block)
                if not blocks:
                    return
                for block in blocks:
                    if len(block.text):
                        task.draw(block, block.step(task.last(block.text)))
                blocks = together(blocks, task)


def check(prompts: NDArray[np.uint8], prompted: NDArray[np.int64], most: int, context: int) -> None:
    """Raises ValueError for prompts or answers that are empty, or too long for a model's context."""
    if most < 1 or not len(prompts) or prompted.min() < 1 or prompted.max() > prompts.shape[1]:
        raise ValueError("A sampler wants prompts of at least one token, and answers of at least one.")
    longest = int(prompted.max()) + most
    if longest - 1 > context:
        raise ValueError(
            f"Prompts of up to {int(prompted.max())} tokens and answers of up to {most} make texts of {longest}, "
            f"and this model's context is {context}; train it with gpt:context={longest}."
        )


class _Task:
    """What is to be written: threads take texts from it, and put down what they drew."""

    def __init__(
        self,
        prompts: NDArray[np.uint8],
        prompted: NDArray[np.int64],
        most: int,
        picking: Picking,
        rng: NDArray[np.uint64],
        out: Samples,
    ) -> None:
        self.prompts, self.prompted, self.most = prompts, prompted, most
        self.picking, self.rng, self.out = picking, rng, out
        self.begun, self.lock = 0, Lock()

    def take(self, count: int) -> NDArray[np.int64]:
        """At most so many texts that nobody has begun."""
        with self.lock:
            first, self.begun = self.begun, min(self.begun + count, len(self.prompts))
            return np.arange(first, self.begun)

    def last(self, text: NDArray[np.int64]) -> NDArray[np.int64]:
        """[n] the newest token of some texts."""
        return self.out.tokens[text, self.out.length[text] - 1].astype(np.int64)

    def draw(self, block: Block, scores: NDArray[np.float32]) -> None:
        """One more token of each of a block's texts; those that are over are let go."""
        draw_tokens(scores, block.lane, block.text, self.picking, self.rng, *self.out)
        block.keep((self.last(block.text) != END) & (self.out.length[block.text] < self.most))


def together(blocks: list[Block], task: _Task) -> list[Block]:
    """The blocks of which something goes on; those of which a quarter or more is over are brought together."""
    for block in blocks:
        if not len(block.text):
            block.close()
    blocks = [block for block in blocks if len(block.text)]
    full = [block for block in blocks if 4 * len(block.text) > 3 * block.columns]
    loose = [block for block in blocks if 4 * len(block.text) <= 3 * block.columns]
    while loose:
        batch = [loose.pop()]
        while loose and len(loose[-1].text) + sum(len(block.text) for block in batch) <= WIDEST:
            batch.append(loose.pop())
        wanted = -(-sum(len(block.text) for block in batch) // LANES) * LANES
        if 4 * wanted <= 3 * sum(block.columns for block in batch):
            full.append(Block.joined(batch, task.most - task.out.length))
        else:
            full += batch
    return full
