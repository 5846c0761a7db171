"""A stored reward model that says what answers are worth."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from agents.language.model import parts, scores
from agents.networks import Network
from agents.storage import BadAgent, agent_folder, read_agent
from envs.registry import parse

PART = 1024
"""Answers that go through the network at once."""


class Scorer:
    """A reward model from a folder, for the answers of a language model; raises `BadAgent` unless it can read them."""

    def __init__(self, folder: Path, writer: Network) -> None:
        self.folder = agent_folder(folder)
        stored, network = read_agent(self.folder)
        if "returns" not in network.heads:
            raise BadAgent(
                f"{self.folder} is no reward model: it has no head returns; `arena train reward_model` makes one."
            )
        if parse(stored.game)[0] != parse(writer.game.name)[0]:
            raise BadAgent(
                f"{self.folder} judges answers of {stored.game}, and these are of {writer.game.name}; train one there."
            )
        if network.game.names != writer.game.names or parts(network)[0].context < writer.game.shape[2]:
            raise BadAgent(
                f"{self.folder} scores answers of {stored.game}, and cannot read those of {writer.game.name}; train it "
                "on that task."
            )
        self.network = network.requires_grad_(False)

    def score(
        self, text: NDArray[np.uint8], prompted: NDArray[np.int64], length: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """[N] of answers of `length` [N] that stand in texts [N, L] after `prompted` [N] tokens."""
        of = [torch.from_numpy(np.ascontiguousarray(array)) for array in (text, prompted, length)]
        with torch.inference_mode():
            pieces = zip(*(array.split(PART) for array in of), strict=True)
            return torch.cat([scores(self.network, *piece) for piece in pieces]).numpy()
