"""Where groups come from: a prompt is dealt, one or two language models answer it, and each reads all answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from agents.language.attention import attention
from agents.language.groups import GroupSettings
from agents.language.model import logits, parts
from agents.language.sampling import Sampler
from agents.learn.grpo import GRPO, GRPOSettings
from agents.networks import Network
from agents.storage import newest_agent, read_agent
from arena.config import load
from arena.specs import expand
from arena.viewers.language.group import Answer, Group, GroupSnapshot, Guess, Look
from envs import kernels
from envs.game import Game
from envs.language import task
from envs.registry import check_options, parse

UNTRAINED = "untrained"
"""In place of an agent: the other one's network as it was before any training."""
LIKELY, LOOKED = 5, 5
"""How many of the likeliest tokens of a place are kept, and of the places that a head looks at."""

MOST = 1024
"""Answers of a group that is shown, at most."""


@dataclass(frozen=True)
class Model:
    """A language model with its name."""

    name: str
    network: Network
    temperature: float = 1.0
    folder: Path | None = None


def models(specs: Sequence[str], database: Path, seed: int = 0) -> list[Model]:
    """The language models in folders of agents or runs, with temperature=T as an option; 'untrained' is one of them."""
    if len(specs) > 2 or list(specs) == [UNTRAINED] * len(specs):
        raise ValueError("A group is answered by one language model, or by two, before and after; name their folders.")
    found = {k: _model(expand(spec, database)) for k, spec in enumerate(specs) if spec != UNTRAINED}
    if len(found) < len(specs):
        (other,) = found.values()
        network = Network(other.network.game, other.network.spec, other.network.head_specs, seed).eval()
        made = Model(UNTRAINED, network, other.temperature)
        return [found.get(k, made) for k in range(2)]
    return [found[k] for k in range(len(specs))]


def _model(spec: str) -> Model:
    name, _, options = spec.partition(":")
    folder = Path(name)
    if not (folder / "agent.toml").exists():
        if not folder.is_dir():
            raise ValueError(f"There is no folder {name}; name a run, or an agent of it, that `arena train grpo` made.")
        folder = newest_agent(folder)
    chosen = parse(f"agent:{options}")[1]
    check_options(chosen, ["temperature"], "A language model in the group view")
    temperature = chosen.get("temperature", 1.0)
    if isinstance(temperature, bool | str) or not temperature > 0:
        raise ValueError(f"A temperature is a number above 0, not {temperature}.")
    _, network = read_agent(folder)
    parts(network)
    return Model(folder.name, network, float(temperature), folder)


class Pay(NamedTuple):
    """What answers are paid for: their form, and as a share each token that is the right one in its place."""

    format: float
    partial: float


def pay_of(game: Game, models: Sequence[Model]) -> Pay:
    """What the run of the last model that learned by GRPO paid; where none did, what suits the task."""
    for model in reversed(models):
        written = model.folder.parent.parent / "config.toml" if model.folder else None
        if written and written.exists():
            config = load(written, trusted=False)
            if isinstance(config.learner, GRPOSettings) and isinstance(config.playing, GroupSettings):
                return Pay(config.learner.format_reward, config.playing.partial)
    learning, playing = GRPO.suited(game)
    return Pay(learning.format_reward, playing.partial)


class Groups:
    """Prompts of a task, one after the other, and what some models answer to them."""

    def __init__(
        self, game: Game, models: Sequence[Model], size: int, seed: int = 0, head: tuple[int, int] | None = None
    ) -> None:
        asked = task.language(game)
        if size < 2:
            raise ValueError("A group of one answer has nothing to be compared with; write --group 2 or more.")
        if size > MOST:
            raise ValueError(f"A group of {size} answers is more than can be looked at; write --group {MOST} or less.")
        temperatures = {model.temperature for model in models}
        if len(temperatures) > 1:
            raise ValueError("Two models are compared at one temperature; write the same for both.")
        self.game, self.asked, self.models, self.size, self.seed, self.head = game, asked, models, size, seed, head
        self.temperature = temperatures.pop()
        self.pay = pay_of(game, models)
        longest = asked.prompt + asked.answer
        for model in models:
            context = parts(model.network)[0].context
            if longest - 1 > context:
                raise ValueError(
                    f"{game.name} has texts of up to {longest} tokens, and {model.name} reads {context}; take shorter "
                    "prompts, or train it with a longer gpt:context."
                )
        body, _ = parts(models[-1].network)
        first = body.blocks[0]
        self.heads = (len(body.blocks), int(getattr(first, "heads", 0)))
        if head is not None and not (1 <= head[0] <= self.heads[0] and 1 <= head[1] <= self.heads[1]):
            layers, heads = self.heads
            raise ValueError(
                f"{models[-1].name} has layers 1 to {layers} of heads 1 to {heads}, not {head[0]}.{head[1]}."
            )

    def snapshot(self, number: int) -> GroupSnapshot:
        """The prompt of that number and everybody's answers to it; the same whenever it is asked for."""
        language = self.asked
        row = task.posed(self.game, kernels.seeds(self.seed, 1, 11, number), np.array([language.levels]))
        prompted = int(row["prompted"][0])
        wanted, length = task.solved(self.game, row)
        return GroupSnapshot(
            task=self.game.name,
            level=language.levels,
            prompt=tuple(row["text"][0, :prompted].tolist()),
            models=tuple(model.name for model in self.models),
            groups=tuple(self._group(row, writer, number) for writer in range(len(self.models))),
            wanted=tuple(wanted[0, : max(0, int(length[0]))].tolist()),
            temperature=self.temperature,
            number=number,
            seed=self.seed,
            head=self.head,
            heads=self.heads,
        )

    def _group(self, row: NDArray[np.void], writer: int, number: int) -> Group:
        """One model's answers, read by all."""
        rows, language = np.repeat(row, self.size), self.asked
        samples = Sampler(self.models[writer].network, self.size, narrow=False).sample(
            rows["text"][:, : language.prompt], rows["prompted"], language.answer,
            kernels.seeds(self.seed, self.size, 12, number), temperature=self.temperature,
        )  # fmt: skip
        task.write(self.game, rows, samples.tokens, samples.length)
        format, right = task.judged(self.game, rows)
        text, prompted = rows["text"], int(rows["prompted"][0])
        reads = [self._read(model, text, prompted, samples.length) for model in self.models]
        share = self.pay.partial if language.hits else 0.0
        placed = share * task.hits(self.game, rows) if share else np.zeros((len(rows), 0))
        whole = (1.0 - share) * right + self.pay.format * format
        answers: list[Answer] = []
        for i, count in enumerate(samples.length.tolist()):
            tokens = text[i, prompted : prompted + count].astype(np.int64)
            shares = [read[0][i, :count] for read in reads]
            best = np.argsort(-np.maximum.reduce([np.exp(share) for share in shares]), axis=1)[:, :LIKELY]
            answers.append(
                Answer(
                    tokens=tuple(tokens.tolist()),
                    reward=round(float(whole[i] + placed[i, :count].sum() / count), 6),
                    format=float(format[i]),
                    right=float(right[i]),
                    log_p=tuple(tuple(share[np.arange(count), tokens].tolist()) for share in shares),
                    likeliest=tuple(_guesses(share, best) for share in shares),
                    looks=tuple(_looks(read[1][i, :, :, :count]) for read in reads),
                    placed=tuple(placed[i, :count].tolist()),
                )
            )
        return Group(writer, tuple(answers))

    def _read(
        self, model: Model, text: NDArray[np.uint8], prompted: int, length: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """[G, T, V] log-probabilities of what stands in each place of the answers, [G, layers, heads, T, L] attention.

        A token is written by what stands before it: the weights are those of the token before.
        """
        last = prompted + int(length.max())
        tokens = torch.from_numpy(text[:, : last - 1].astype(np.int64))
        with torch.no_grad():
            log_p = (logits(model.network, tokens)[:, prompted - 1 :].double() / self.temperature).log_softmax(-1)
        return log_p.numpy(), attention(model.network, tokens)[:, :, :, prompted - 1 :].double().numpy()


def _guesses(log_p: NDArray[np.float64], best: NDArray[np.int64]) -> tuple[tuple[Guess, ...], ...]:
    return tuple(
        tuple(Guess(int(token), float(np.exp(log_p[t, token]))) for token in some) for t, some in enumerate(best)
    )


def _looks(weights: NDArray[np.float64]) -> tuple[tuple[tuple[tuple[Look, ...], ...], ...], ...]:
    """The places that are looked at most; weights [layers, heads, T, L]."""
    most = np.argsort(-weights, axis=-1)[..., :LOOKED]
    return tuple(
        tuple(
            tuple(
                tuple(Look(int(p), float(weights[a, b, t, p])) for p in most[a, b, t]) for t in range(weights.shape[2])
            )
            for b in range(weights.shape[1])
        )
        for a in range(weights.shape[0])
    )
