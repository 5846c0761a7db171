"""What the group view is shown: one prompt, its answers, and what one or two language models make of every token.

What a group teaches follows from here by arithmetic alone: its mean, the advantage of each answer, (r - mean) / std as
in "DeepSeekMath" (arXiv:2402.03300, section 4.1.2), and how much likelier one model makes a token than the other.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import zip_longest
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from envs.language.vocabulary import END, SIGNS, WORDS

FACTORS = (1.2, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0)
"""What the full tint of a change may mean."""


class Guess(NamedTuple):
    """A token that might stand in a place, and its probability there."""

    token: int
    share: float


class Look(NamedTuple):
    """A place of the text, counted from the first token of the prompt, and the attention paid to it."""

    place: int
    weight: float


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, as it was paid.

    tokens         with the one that ends it, if it was not cut off
    reward         what it is paid in its group: for being right, a little for its form, the mean of what its tokens are
    placed         what each token is paid by itself for being the right one in its place; () where none is
    log_p          [models][T] of each token after all before it, at the temperature of the draw
    likeliest      [models][T] the likeliest tokens of each place, most first
    looks          [models][layers][heads][T] what the most attention is paid to in writing each token
    """

    tokens: tuple[int, ...]
    reward: float
    format: float
    right: float
    log_p: tuple[tuple[float, ...], ...]
    likeliest: tuple[tuple[tuple[Guess, ...], ...], ...] = ()
    looks: tuple[tuple[tuple[tuple[tuple[Look, ...], ...], ...], ...], ...] = ()
    placed: tuple[float, ...] = ()

    @property
    def whole(self) -> float:
        """What it is paid but for its tokens."""
        return self.reward - float(np.mean(self.placed)) if self.placed else self.reward

    @property
    def ended(self) -> bool:
        """Whether it was not cut off."""
        return bool(self.tokens) and self.tokens[-1] == END

    def share(self, model: int) -> float:
        """The probability of the whole answer."""
        return math.exp(sum(self.log_p[model]))

    def changes(self) -> tuple[float, ...]:
        """By how much the second model makes each token likelier: the logarithm of the ratio of probabilities."""
        return tuple(b - a for a, b in zip(self.log_p[0], self.log_p[1], strict=True))


@dataclass(frozen=True)
class Group:
    """The answers that one model gave, in the order in which they were drawn."""

    writer: int
    answers: tuple[Answer, ...]

    @cached_property
    def rewards(self) -> NDArray[np.float64]:
        """[G] what each answer is paid."""
        return np.array([answer.reward for answer in self.answers], np.float64)

    @property
    def mean(self) -> float:
        return float(self.rewards.mean())

    @property
    def std(self) -> float:
        """Of the group itself, not an estimate for more."""
        return float(self.rewards.std())

    @property
    def wasted(self) -> bool:
        """Whether all answers are paid the same, and so are tokens of one place, so that none can be preferred."""
        apart = any(len(set(paid)) > 1 for paid in zip_longest(*(answer.placed for answer in self.answers)))
        return bool(self.rewards.max() == self.rewards.min()) and not apart

    @cached_property
    def advantages(self) -> NDArray[np.float64]:
        """[G] (r - mean) / std; exactly 0 where all are paid the same."""
        return (self.rewards - self.mean) / self.std if self.rewards.max() > self.rewards.min() else 0.0 * self.rewards

    @cached_property
    def credit(self) -> tuple[NDArray[np.float64], ...]:
        """[G][T] what each token is paid beyond the mean: with its answer, and beyond others' tokens in its place."""
        whole = np.array([answer.whole for answer in self.answers])
        longest = max(len(answer.tokens) for answer in self.answers)
        placed = np.full((len(self.answers), longest), np.nan)
        for row, answer in zip(placed, self.answers, strict=True):
            row[: len(answer.tokens)] = answer.placed or 0.0
        beyond = placed - np.nanmean(placed, axis=0) + (whole - whole.mean())[:, None]
        return tuple(row[: len(answer.tokens)] for row, answer in zip(beyond, self.answers, strict=True))

    @cached_property
    def most_credit(self) -> float:
        """The largest of these, whichever its sign; 1 if all are 0."""
        return max(float(np.abs(row).max(initial=0.0)) for row in self.credit) or 1.0

    @cached_property
    def order(self) -> tuple[int, ...]:
        """The answers by what they are paid, most first; like answers stand together."""
        return tuple(sorted(range(len(self.answers)), key=lambda i: (-self.rewards[i], self.answers[i].tokens)))

    def repeated(self, order: Sequence[int]) -> tuple[int, ...]:
        """How many first tokens of each answer, in this order, stand in the same way in an answer above it."""
        counts: list[int] = []
        for k, i in enumerate(order):
            above = (_alike(self.answers[i].tokens, self.answers[j].tokens) for j in order[:k])
            counts.append(max(above, default=0))
        return tuple(counts)


def _alike(a: Sequence[int], b: Sequence[int]) -> int:
    """How many tokens two answers begin with in common."""
    return next((n for n, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))


@dataclass(frozen=True)
class GroupSnapshot:
    """A prompt and the answers that each model gave to it.

    models       the names of one model, or of two: before and after
    wanted       a right answer, if the task offers one
    number       which prompt of its seed it is
    head         (layer, head) whose attention was asked for, counted from 1
    """

    task: str
    level: int
    prompt: tuple[int, ...]
    models: tuple[str, ...]
    groups: tuple[Group, ...]
    wanted: tuple[int, ...] = ()
    temperature: float = 1.0
    number: int = 0
    seed: int = 0
    head: tuple[int, int] | None = None
    heads: tuple[int, int] = field(default=(0, 0))
    """How many layers, and heads in each."""

    @property
    def longest(self) -> int:
        """Tokens of the longest answer of all groups."""
        return max(len(answer.tokens) for group in self.groups for answer in group.answers)

    @property
    def stages(self) -> int:
        """Views of it one after the other: a token more in each, then the scores, then what the second model says."""
        return self.longest + len(self.models)

    @cached_property
    def full_change(self) -> float:
        """By how many times a token's probability is multiplied, or divided, that is tinted in full.

        One in ten changes more.
        """
        changes = np.abs([x for group in self.groups for answer in group.answers for x in answer.changes()])
        most = float(np.exp(np.quantile(changes, 0.9)))
        return next((factor for factor in FACTORS if factor >= most), FACTORS[-1])


def name_of(token: int) -> str:
    """A token as it is read: its character, or its name where it has none that could be seen."""
    return "end" if token == END else WORDS.get(SIGNS[token], SIGNS[token])


def chance(share: float) -> str:
    """A probability in words: 0.93, 0.04, 3e−5."""
    if share >= 0.995:
        return "1.00" if share > 0.9995 else f"{share:.3f}"[:4]
    if share >= 0.01 or share <= 0.0:
        return f"{share:.2f}"
    power = math.floor(math.log10(share))
    lead = round(share / 10.0**power)
    return f"{1 if lead == 10 else lead}e−{-power - (lead == 10)}"


def verdict(answer: Answer) -> tuple[str, str]:
    """What the checks say, in words: of the form, and of the content."""
    if answer.format < 1 and answer.right <= 0:
        return ("malformed" if answer.ended else "cut off"), "wrong"
    partly = f"{answer.right:.2f} right" if 0 < answer.right < 1 else "right" if answer.right else "wrong"
    return "well formed", partly


def sentence(group: Group) -> str:
    """What the group teaches, in a sentence."""
    size, up = len(group.answers), int((group.advantages > 0).sum())
    if group.wasted:
        rest = "teaches nothing more" if group.answers[0].right >= 1 else "is wasted"
        return f"All {size} answers are paid {group.mean:g}, so every advantage is 0: the group {rest}."
    more, rest = ("is" if up == 1 else "are"), size - up
    return (
        f"{up} of {size} {more} paid more than the mean and will be likelier (sky), {rest} less likely (orange); "
        "the rarer in the group, the more."
    )


def told(group: Group) -> str:
    """What became of a group's answers under the second model, in a sentence."""
    right = [a for a in group.answers if a.right > 0]
    wrong = [a for a in group.answers if a.right <= 0]
    words = []
    for what, some in (("right", right), ("wrong", wrong)):
        if some:
            before, after = (float(np.mean([a.share(model) for a in some])) for model in (0, 1))
            words.append(f"of a {what} answer {chance(before)}→{chance(after)}")
    return f"Probability, before→after: {', '.join(words)}."
