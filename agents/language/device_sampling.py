"""Sampling on a GPU: what `Sampler` writes, by PyTorch, and all of a token's work in one launch.

A lane is a row of caches that are made once. A step reads the newest token of every lane and draws the next, by random
numbers that the text's own generator gave beforehand; so it is the same work on the same memory every time, and a CUDA
device records it once and repeats it by itself. After every few steps texts that are over leave their lanes: the last
lanes move into the gaps, prompts that wait come behind them, and when none waits fewer lanes are computed.

What a text becomes depends on its own prompt and seed, as far as a device rounds alike in batches of several sizes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from agents.backbones.gpt import Block, looked
from agents.hardware import native_bfloat16
from agents.language.block import different
from agents.language.draws import Picking, marks
from agents.language.model import parts
from agents.language.sampling import Sampler, Samples, check
from agents.networks import Network, Weights, load_weights
from envs.language.vocabulary import END

CPU_LANES, DEVICE_LANES = 512, 4096
"""Texts that are written at a time at most: beyond that a core gains nothing, and a device spends memory on caches."""
LEAST, STRIDE = 16, 4
"""Lanes that are computed at least, and steps between two looks at which texts are over."""


def sampler_of(network: Network, texts: int) -> Sampler | DeviceSampler:
    """What writes so many texts with a language model where that is: compiled on the CPU, by PyTorch elsewhere."""
    device = next(network.parameters()).device
    lanes = lanes_of(device, texts)
    return Sampler(network, lanes) if device.type == "cpu" else DeviceSampler(network, lanes, device=device)


def lanes_of(device: torch.device, texts: int) -> int:
    """How many of so many texts are written at a time on a device."""
    return min(texts, CPU_LANES if device.type == "cpu" else DEVICE_LANES)


class DeviceSampler:
    """A copy of a language model on a device, that writes up to `lanes` texts at a time.

    narrow  whether products are of bfloat16; by default on a GPU, and where the processor multiplies that. What lies
            between layers, and the scores, are of float32.
    """

    def __init__(
        self, network: Network, lanes: int, narrow: bool | None = None, device: torch.device | str = "cuda"
    ) -> None:
        self.device, self.lanes = torch.device(device), lanes
        self.narrow = (self.device.type != "cpu" or native_bfloat16()) if narrow is None else narrow
        self.network = network.twin().to(self.device).eval().requires_grad_(False)
        self.body, self.head = parts(self.network)
        self.kind = torch.bfloat16 if self.narrow else torch.float32
        for module in self.body.blocks.modules():
            if isinstance(module, nn.Linear):
                module.to(self.kind)
        self.desk: Desk | None = None

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
        """`Sampler.sample`."""
        picking = Picking.of(temperature, top_k, top_p, greedy)
        before = np.asarray(prompted, np.int64)
        check(prompts, before, most, self.body.context)
        out = Samples.blank(len(prompts), most)
        room = -(-(prompts.shape[1] + most - 1) // 8) * 8  # masks of attention lie best in eights
        with torch.inference_mode():
            if self.desk is None or (self.desk.room, self.desk.most, self.desk.picking) != (room, most, picking):
                self.desk = None  # its memory first
                self.desk = Desk(self, room, most, picking)
            self.desk.write(prompts, before, marks(seeds, most), out)
        return out


class Desk:
    """Lanes for texts of up to `room` tokens, `most` of them answers; the first of them have a text each.

    Tensors of one row a lane; what is written goes into column `most` where a text is over.
    """

    def __init__(self, sampler: DeviceSampler, room: int, most: int, picking: Picking) -> None:
        self.body, self.head, self.kind, self.device = sampler.body, sampler.head, sampler.kind, sampler.device
        self.lanes, self.room, self.most, self.picking = sampler.lanes, room, most, picking
        first = self.body.blocks[0]
        assert isinstance(first, Block)
        shape = (self.lanes, len(self.body.blocks), 2, first.heads, room, self.body.features // first.heads)
        self.cache = torch.zeros(shape, dtype=self.kind, device=self.device)
        self.token, self.at, self.count = torch.zeros(3, self.lanes, dtype=torch.int64, device=self.device)
        self.going = torch.zeros(self.lanes, dtype=torch.bool, device=self.device)
        self.marks = torch.zeros(self.lanes, most, device=self.device)
        self.tokens = torch.zeros(self.lanes, most + 1, dtype=torch.uint8, device=self.device)
        self.log_p, self.drawn = torch.zeros(2, self.lanes, most + 1, device=self.device)
        self.written = (self.tokens, self.log_p, self.drawn)
        self.rows = (self.cache, self.token, self.at, self.count, self.going, self.marks, *self.written)
        self.number = torch.arange(max(self.lanes, room), device=self.device)
        self.steps: dict[int, Callable[[], object]] = {}

    def write(
        self, prompts: NDArray[np.uint8], prompted: NDArray[np.int64], chances: NDArray[np.float32], out: Samples
    ) -> None:
        """Writes a text after each prompt, by uniform numbers [N, most]."""
        self.going.zero_()
        text, age, begun = np.zeros(0, np.int64), np.zeros(0, np.int64), 0  # of each lane: its text, and steps so far
        while True:
            free = self.lanes - len(text)
            if begun < len(prompts) and 4 * free >= self.lanes:
                new = np.arange(begun, min(begun + free, len(prompts)))
                self._read(len(text), prompts[new], prompted[new], chances[new])
                text, age = np.concatenate((text, new)), np.concatenate((age, np.zeros_like(new)))
                begun += len(new)
            if not len(text):
                return
            step, count = self._step(len(text)), min(STRIDE, self.most - int(age.min()))
            for _ in range(count):
                step()
            text, age = self._leave(text, age + count, out)

    def _read(
        self, first: int, prompts: NDArray[np.uint8], prompted: NDArray[np.int64], chances: NDArray[np.float32]
    ) -> None:
        """Keeps what prompts [n, P] say in lanes first .. first+n-1; a prompt that stands there often is read once.

        A prompt's last token is read again by the first step, which draws what comes after it.
        """
        reach, lanes = int(prompted.max()), slice(first, first + len(prompts))
        once, which = different(prompts, prompted)
        take, token = self._moved(which), prompts[np.arange(len(prompts)), prompted - 1].astype(np.int64)
        x = self.body.table[self._moved(prompts[once, :reach].astype(np.int64))]
        x = x if self.body.place is None else x + self.body.place[:reach]
        turn = None if self.body.turns is None else self.body.turns[:reach]
        with self._computing():
            for i, block in enumerate(self.body.blocks):
                assert isinstance(block, Block)
                query, key, value = (part.to(self.kind) for part in block.asked(x, turn))
                self.cache[lanes, i, 0, :, :reach] = key[take]
                self.cache[lanes, i, 1, :, :reach] = value[take]
                x = block.added(x, looked(query, key, value, is_causal=True))
        self.token[lanes], self.at[lanes] = self._moved(token), self._moved(prompted - 1)
        self.marks[lanes] = self._moved(chances)
        self.going[lanes] = True
        for kept in (self.count, *self.written):
            kept[lanes] = 0

    def _step(self, texts: int) -> Callable[[], object]:
        """The step for so many texts, as a device does it fastest."""
        lanes = min(self.lanes, max(LEAST, 1 << (texts - 1).bit_length()))
        if lanes not in self.steps:
            going = self.going.clone()
            self.going.zero_()  # then a step changes nothing that anybody reads
            self.steps[lanes] = recorded(partial(self.step, lanes), self.device)
            self.going.copy_(going)
        return self.steps[lanes]

    def step(self, lanes: int) -> None:
        """One more token of each of the first lanes whose text goes on."""
        token, at, count, going = (kept[:lanes] for kept in (self.token, self.at, self.count, self.going))
        scores = self._scores(token, at, self.cache[:lanes])
        mark = self.marks[:lanes].gather(1, count.clamp_max(self.most - 1)[:, None])
        drawn = chosen(scores, mark, self.picking)
        place = count.masked_fill(~going, self.most)[:, None]
        for kept, new in zip(self.written, drawn, strict=True):
            kept[:lanes].scatter_(1, place, new[:, None].to(kept.dtype))
        token.copy_(torch.where(going, drawn[0], token))
        count.add_(going)
        going.logical_and_((token != END) & (count < self.most))
        at.add_(going)

    def _scores(self, token: Tensor, at: Tensor, cache: Tensor) -> Tensor:
        """[n, V] scores of what comes after tokens [n] at places `at` [n], which the caches take in."""
        body, lane = self.body, self.number[: len(token)]
        x = body.table[token][:, None]
        x = x if body.place is None else x + body.place[at][:, None]
        turn = None if body.turns is None else body.turns[at][:, None, None]
        seen = (self.number[: self.room] <= at[:, None])[:, None, None]
        with self._computing():
            for i, block in enumerate(body.blocks):
                assert isinstance(block, Block)
                query, key, value = (part.to(self.kind) for part in block.asked(x, turn))
                keys, values = cache[:, i].unbind(1)
                keys[lane, :, at], values[lane, :, at] = key[:, :, 0], value[:, :, 0]
                x = block.added(x, looked(query, keys, values, attn_mask=seen))
        return self.head.scores(body.exit(x[:, 0]))

    def _leave(
        self, text: NDArray[np.int64], age: NDArray[np.int64], out: Samples
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Puts down texts that are over, and moves the last lanes into their gaps."""
        going = self.going[: len(text)].cpu().numpy()
        over, left = np.flatnonzero(~going), int(going.sum())
        if not len(over):
            return text, age
        lanes, done = self._moved(over), text[over]
        out.length[done] = self.count[lanes].cpu().numpy()
        for kept, to in zip(self.written, (out.tokens, out.log_p, out.drawn), strict=True):
            to[done] = kept[lanes, : self.most].cpu().numpy()
        gaps, last = over[over < left], left + np.flatnonzero(going[left:])
        if len(gaps):
            to, of = self._moved(gaps), self._moved(last)
            for kept in self.rows:
                kept[to] = kept[of]
            text[gaps], age[gaps] = text[last], age[last]
        self.going[left : len(text)] = False
        return text[:left], age[:left]

    def _moved(self, array: NDArray) -> Tensor:
        return torch.from_numpy(array).to(self.device)

    def _computing(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.kind == torch.bfloat16)


def chosen(scores: Tensor, mark: Tensor, picking: Picking) -> tuple[Tensor, Tensor, Tensor]:
    """Tokens [n] by scores [n, V] and uniform numbers [n, 1], log_p and drawn: what `draw_tokens` does, by PyTorch."""
    depth = (scores - scores.amax(1, keepdim=True)) / picking.temperature
    share = depth.exp()
    whole = share.sum(1, keepdim=True)
    if picking.greedy:
        token = scores.argmax(1, keepdim=True)
        log_p = depth.gather(1, token) - whole.log()
        return token[:, 0], log_p[:, 0], torch.zeros_like(log_p[:, 0])
    if picking.top_k > 0 or picking.top_p < 1.0:
        share = _likeliest(share, picking.top_k, picking.top_p)
    running = share.cumsum(1)
    total = running[:, -1:]
    token = ((running <= mark * total) & (running < total)).sum(1, keepdim=True)  # never one that has no share
    depth = depth.gather(1, token)
    return token[:, 0], (depth - whole.log())[:, 0], (depth - total.log())[:, 0]


def _likeliest(share: Tensor, top_k: int, top_p: float) -> Tensor:
    """Shares [n, V] of the likeliest tokens, 0 for the rest."""
    ranked, order = share.sort(stable=True, dim=1, descending=True)
    if top_k > 0:
        ranked[:, top_k:] = 0.0
    if top_p < 1.0:
        running = ranked.cumsum(1)
        ranked[:, 1:] = ranked[:, 1:].masked_fill(running[:, :-1] >= top_p * running[:, -1:], 0.0)
    return torch.zeros_like(share).scatter(1, order, ranked)


def recorded(work: Callable[[], object], device: torch.device) -> Callable[[], object]:
    """The same work, recorded by a CUDA device, so that its hundreds of kernels are one launch (CUDA graphs).

    It is done a few times while it is recorded, and from then on always with the same tensors.
    """
    if device.type != "cuda":
        return work
    with torch.cuda.device(device), _any_order():
        beside = torch.cuda.Stream()
        beside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(beside):
            for _ in range(3):  # libraries choose their kernels and take their memory
                work()
        torch.cuda.current_stream().wait_stream(beside)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            work()
    return graph.replay


@contextmanager
def _any_order() -> Iterator[None]:
    """Spares a step the sorting by which PyTorch repeats writes exactly: no two of its lanes write to one place."""
    exact, warns = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    torch.use_deterministic_algorithms(False)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(exact, warn_only=warns)
