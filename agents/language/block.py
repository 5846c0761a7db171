"""A block: texts that a language model writes side by side, with the keys and values that it keeps of them.

All texts of a block are at the same time `now`: a shorter one began later. So a step writes and reads the caches in
straight lines, texts of several blocks can be brought together by moving what is kept of them, and a block shrinks as
its texts end.
"""

from __future__ import annotations

from math import prod
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from agents.backbones.gpt import Block as Layer
from agents.language.columns import LANES, add_and_norm, attend, bend, embed, move
from agents.language.model import parts
from agents.networks import Network

ROOM = 2048
"""Columns that are computed at once while prompts are read, if one group of texts does not need more."""


class Affine(NamedTuple):
    """A matrix as the products take it, and what is added to them."""

    matrix: Tensor
    offset: NDArray[np.float32]


class Norm(NamedTuple):
    """By what a normalised stream is multiplied, and what is added to it."""

    weight: NDArray[np.float32]
    bias: NDArray[np.float32]


class LayerWeights(NamedTuple):
    """One layer's, in the order in which they are used."""

    norm: Norm
    ask: Affine
    tell: Affine
    then: Norm
    up: Affine
    down: Affine


class Prepared:
    """A language model's weights as a block wants them, in bfloat16 or float32."""

    def __init__(self, network: Network, narrow: bool) -> None:
        body, _ = parts(network)
        self.kind = torch.bfloat16 if narrow else torch.float32
        self.width = body.features
        first = body.blocks[0]
        assert isinstance(first, Layer)
        self.heads = first.heads
        self.table = body.table.detach().float().contiguous()
        self.read = _array(self.table.T)
        place = self.table.new_zeros(body.context, self.width) if body.place is None else body.place
        self.place = _array(place.T)
        turns = self.table.new_zeros(body.context, 2, 0) if body.turns is None else body.turns
        self.sine, self.cosine = _array(turns[:, 0].T), _array(turns[:, 1].T)
        self.layers = [self._layer(layer) for layer in body.blocks]
        self.exit = _norm(body.exit)

    def _layer(self, layer: Any) -> LayerWeights:
        up, down = layer.think[0], layer.think[2]
        ask, tell, up, down = (self._affine(linear) for linear in (layer.ask, layer.tell, up, down))
        return LayerWeights(_norm(layer.norm), ask, tell, _norm(layer.then), up, down)

    def _affine(self, linear: nn.Linear) -> Affine:
        return Affine(linear.weight.detach().to(self.kind).contiguous(), _array(linear.bias))


def _norm(norm: nn.LayerNorm) -> Norm:
    return Norm(_array(norm.weight), _array(norm.bias))


def _array(tensor: Tensor) -> NDArray[np.float32]:
    return np.ascontiguousarray(tensor.detach().float().numpy())


class Work:
    """Room to compute in: each buffer as a tensor [rows, C] and as an array [rows, C / LANES, LANES] of one memory.

    It keeps the caches of blocks that are over for the next: fresh memory costs a twentieth of the time.
    """

    def __init__(self, model: Prepared, columns: int) -> None:
        w, kind = model.width, model.kind
        sizes = {"x": (w, torch.float32), "last": (w, torch.float32), "read": (w, kind), "asked": (3 * w, kind)}
        sizes |= {"seen": (w, kind), "told": (w, kind), "deep": (4 * w, kind)}
        self.columns, self.kind = columns, kind
        self.spare: list[NDArray[Any]] = []
        self.rows = {name: rows for name, (rows, _) in sizes.items()}
        self.flat = {name: torch.zeros(rows * columns, dtype=dtype) for name, (rows, dtype) in sizes.items()}
        self.views: dict[int, tuple[dict[str, Tensor], dict[str, NDArray[Any]]]] = {}

    def of(self, columns: int) -> tuple[dict[str, Tensor], dict[str, NDArray[Any]]]:
        """The buffers with so many columns."""
        if columns not in self.views:
            tensors = {name: self.flat[name][: rows * columns].view(rows, columns) for name, rows in self.rows.items()}
            arrays = {name: bits(tensor).reshape(len(tensor), -1, LANES) for name, tensor in tensors.items()}
            self.views[columns] = tensors, arrays
        return self.views[columns]

    def borrow(self, size: int) -> NDArray[Any]:
        """So many finite numbers or more, whatever they are; they go back to `spare`."""
        fits = [i for i, flat in enumerate(self.spare) if size <= flat.size <= 4 * size]
        return self.spare.pop(fits[0]) if fits else bits(torch.zeros(size, dtype=self.kind))


def bits(tensor: Tensor) -> NDArray[Any]:
    """The same memory as an array: uint16 of bfloat16."""
    if tensor.dtype == torch.bfloat16:
        return tensor.view(torch.int16).numpy().view(np.uint16)
    return tensor.numpy()


def forward(
    model: Prepared,
    work: Work,
    tokens: NDArray[np.int64],
    at: NDArray[np.int64],
    keys: NDArray[Any],
    values: NDArray[Any],
    start: NDArray[np.int64],
    now: int,
) -> NDArray[np.float32]:
    """Scores [V, M] after the last of S tokens [S M] that M texts get at times now .. now+S-1, at places `at` [S M]."""
    tensors, arrays = work.of(len(tokens))
    x, read, told = arrays["x"], arrays["read"], arrays["told"]
    half, groups = len(model.sine), len(at) // LANES  # half is 0 where nothing is turned
    sine, cosine = (np.take(part, at, axis=1).reshape(half, groups, LANES) for part in (model.sine, model.cosine))
    embed(model.read, model.place, tokens, at, tensors["x"].numpy())
    told[:] = 0
    offset = np.zeros(model.width, np.float32)
    for i, layer in enumerate(model.layers):
        add_and_norm(x, told, offset, layer.norm.weight, layer.norm.bias, read)
        torch.mm(layer.ask.matrix, tensors["read"], out=tensors["asked"])
        asked = arrays["asked"]
        if layer is model.layers[-1] and len(tokens) > len(start):  # the rest concerns the last token of each text
            newest = x[:, -(len(start) // LANES) :].copy()
            tensors, arrays = work.of(len(start))
            x, read, told = arrays["x"], arrays["read"], arrays["told"]
            x[:] = newest
        attend(asked, layer.ask.offset, keys[i], values[i], start, now, sine, cosine, arrays["seen"])
        torch.mm(layer.tell.matrix, tensors["seen"], out=tensors["told"])
        add_and_norm(x, told, layer.tell.offset, layer.then.weight, layer.then.bias, read)
        torch.mm(layer.up.matrix, tensors["read"], out=tensors["deep"])
        bend(bits(tensors["deep"]), layer.up.offset)
        torch.mm(layer.down.matrix, tensors["deep"], out=tensors["told"])
        offset = layer.down.offset
    add_and_norm(x, told, offset, model.exit.weight, model.exit.bias, arrays["last"])
    return torch.mm(model.table, tensors["last"]).numpy()


def different(prompts: NDArray[np.uint8], prompted: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Which of prompts [n, P] are different ones [U], and which of these each is [n]."""
    beyond = np.arange(prompts.shape[1]) >= prompted[:, None]
    keyed = np.concatenate((np.where(beyond, 0, prompts), prompted[:, None]), axis=1)
    _, first, which = np.unique(keyed, axis=0, return_index=True, return_inverse=True)
    return first, which.reshape(-1).astype(np.int64)


class Block:
    """Texts, one a lane, of which lane[i] writes text[i]; the others are over.

    start   [M] time at which each lane's text begins
    keys, values  [layers, M / LANES, heads, T, d, LANES]
    """

    def __init__(self, model: Prepared, work: Work, count: int, longest: int) -> None:
        self.model, self.work = model, work
        groups = -(-count // LANES)
        shape = (len(model.layers), groups, model.heads, longest, model.width // model.heads, LANES)
        size = prod(shape)
        self.memory = [work.borrow(size) for _ in range(2)]
        self.keys, self.values = (flat[:size].reshape(shape) for flat in self.memory)
        self.columns = groups * LANES
        self.start = np.zeros(self.columns, np.int64)
        self.text = np.zeros(0, np.int64)
        self.lane = np.zeros(0, np.int64)
        self.now = 0

    @staticmethod
    def reading(
        model: Prepared,
        work: Work,
        text: NDArray[np.int64],
        prompts: NDArray[np.uint8],
        prompted: NDArray[np.int64],
        most: int,
    ) -> tuple[Block, NDArray[np.float32]]:
        """A block that has read prompts [n, P] of texts [n], and scores [V, M] of the first token of each answer.

        A prompt that stands there several times over is read once.
        """
        reach = int(prompted.max())
        first, lanes = different(prompts, prompted)
        if 2 * len(first) > len(text):
            block = Block(model, work, len(text), reach + most - 1)
            scores = block._read(prompts, prompted, reach)
        else:
            once = Block(model, work, len(first), reach)
            scores = once._read(prompts[first], prompted[first], reach)
            block = Block(model, work, len(text), reach + most - 1)
            block._take(once, lanes, 0, 0, reach)
            once.close()
            scores = np.take(scores, np.pad(lanes, (0, block.columns - len(lanes))), axis=1)
        block.now, block.text, block.lane = reach, text, np.arange(len(text))
        return block, scores

    def _read(self, prompts: NDArray[np.uint8], prompted: NDArray[np.int64], reach: int) -> NDArray[np.float32]:
        count = len(prompts)
        self.start[:] = reach - 1
        self.start[:count] = reach - prompted
        at = np.arange(reach)[:, None] - self.start
        tokens = np.zeros((reach, self.columns), np.int64)
        tokens[:, :count] = np.take_along_axis(prompts.T.astype(np.int64), np.maximum(at[:, :count], 0), axis=0)
        at = np.maximum(at, 0)
        piece = max(1, self.work.columns // reach // LANES)
        found: list[NDArray[np.float32]] = []
        for g in range(0, self.columns // LANES, piece):
            lanes = slice(g * LANES, (g + piece) * LANES)
            keys, values = self.keys[:, g : g + piece], self.values[:, g : g + piece]
            given, places = tokens[:, lanes].ravel(), at[:, lanes].ravel()
            found.append(forward(self.model, self.work, given, places, keys, values, self.start[lanes], 0))
        return np.concatenate(found, axis=1)

    def step(self, token: NDArray[np.int64]) -> NDArray[np.float32]:
        """Scores [V, M] after one more token of each text [n] that goes on."""
        tokens = np.zeros(self.columns, np.int64)
        tokens[self.lane] = token
        at = np.minimum(self.now - self.start, self.model.place.shape[1] - 1)  # of texts that are over, any
        scores = forward(self.model, self.work, tokens, at, self.keys, self.values, self.start, self.now)
        self.now += 1
        return scores

    def close(self) -> None:
        """Lets go of its memory."""
        self.work.spare = [*self.work.spare, *self.memory][-8:]

    def keep(self, going: NDArray[np.bool_]) -> None:
        """Lets the other texts [n] go."""
        self.text, self.lane = self.text[going], self.lane[going]

    def _take(self, other: Block, lanes: NDArray[np.int64], first: int, shift: int, until: int) -> None:
        move(other.keys, other.values, lanes, shift, self.keys, self.values, first, until)
        self.start[first : first + len(lanes)] = other.start[lanes] + shift

    @staticmethod
    def joined(blocks: list[Block], left: NDArray[np.int64]) -> Block:
        """One block of all texts that go on in some; left [N] is how many tokens each text of all may still get."""
        model, work = blocks[0].model, blocks[0].work
        text = np.concatenate([block.text for block in blocks])
        now = max(int((block.now - block.start[block.lane]).max()) for block in blocks)
        made = Block(model, work, len(text), now + int(left[text].max()))
        made.start[:] = now
        first = 0
        for block in blocks:
            made._take(block, block.lane, first, now - block.now, block.now)
            first += len(block.lane)
            block.close()
        made.now, made.text, made.lane = now, text, np.arange(len(text))
        return made
