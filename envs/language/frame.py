"""What language tasks share: a prompt is dealt, tokens are written behind it, and a verifier pays at the end.

A task says how a prompt and one right answer to it are drawn, and how answers are judged. What a task asks stands in
the row, and the texts of all tasks lie in rows of a few sizes, so that most compiled loops of one serve the others.

The split: a prompt is held out where 64 bits made of its tokens are a multiple of 8. Training deals the others and
tests deal those, each by drawing until one fits. Levels of fewer than 128 prompts are for training alone.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from envs.episode import anything
from envs.game import Bits, Game, Language, Row, row_dtype, rule
from envs.language.vocabulary import END, TOKENS, decode, letters
from envs.language.writing import exact, hits, solve, want
from envs.options import choice, spec
from envs.randomness import GOLDEN, mix

SPLITS = ("train", "all", "test")
HELD = np.uint64(8)
"""One in so many prompts is held out."""
FEWEST = 128
"""Levels of fewer prompts hold none out."""
ROOM = 128
"""The texts of rows are as long as a multiple of this."""

Judge = Callable[[Row], tuple[float, float]]


def inlined(function: Any) -> Any:
    """A rule that is compiled as a part of what calls it: prompts are drawn in layers, which cost a compiler each."""
    return numba.njit(nogil=True, inline="always")(getattr(function, "py_func", function))


@rule
def content(row: Row) -> Bits:
    """64 bits made of the tokens of the prompt, without the prefix of a mixture."""
    bits = np.uint64(row.prompted - row.asked)
    for i in range(row.asked, row.prompted):
        bits = mix((bits ^ np.uint64(row.text[i])) * GOLDEN)
    return bits


@rule
def clear(row: Row) -> None:
    """Takes back prompt and answer, but for the prefix of a mixture."""
    for i in range(row.asked, len(row.text)):
        row.text[i] = 0
    for i in range(len(row.wanted)):
        row.wanted[i] = 0
    row.prompted = row.asked
    row.wanting = 0
    row.spoken = 0


@rule
def observe(row: Row, out: NDArray[np.float32]) -> None:
    """out[token, 0, place] = 1 for what is written."""
    out[:] = 0.0
    for place in range(row.written):
        out[row.text[place], 0, place] = 1.0


@cache
def playing(judge: Judge) -> Callable[[Row, int], None]:
    """The `play` of tasks that are judged alike."""

    @rule
    def play(row: Row, token: int) -> None:
        row.text[row.written] = token
        row.written += 1
        row.ply += 1
        if token == END or row.written == row.limit:
            row.done = True
            row.reward[0] = judge(row)[1]

    return play


def text(row: Row) -> str:
    """The prompt; what is written behind it; at the end, whether it is right."""
    prompt, answer = decode(row.text[: row.prompted]), decode(row.text[row.prompted : row.written])
    verdict = ["right" if row.reward[0] > 0 else "wrong"] if row.done else []
    return "\n".join([prompt, f"answer {answer}".rstrip(), *verdict])


def task(
    name: str, options: dict[str, tuple[Any, Any]], *, prompt: int, answer: int, levels: int,
    write: Callable[[Row, int], None], prompts: Callable[[int], float], chance: float, alphabet: str, split: str,
    thinks: bool = False, measured: bool = False, judge: Judge = exact,
) -> Game:  # fmt: skip
    """A task from how its prompts are drawn, `write(row, level)`, and how answers are judged.

    `write` puts a prompt with `put` and a right answer with `want`, its end left out. There are `prompts(level)`
    different ones, or at least so many. `alphabet` are the characters of answers; where they are `measured`, the prompt
    says how many, and an answer of another length is malformed. `options` are (value, default).
    """
    choice(name, "split", split, SPLITS)
    held = np.array([level > 0 and prompts(level) >= FEWEST for level in range(levels + 1)])
    if split == "test" and not held[levels]:
        raise ValueError(f"{name} holds nothing out where it has fewer than {FEWEST} prompts; make them longer.")
    called = spec(name, **options, split=(split, "train"))
    everything, testing, characters = split == "all", split == "test", letters(alphabet)

    write = inlined(write)

    @inlined
    def pose(row: Row, level: int) -> None:
        row.level = level
        row.thinks = thinks
        row.measured = measured
        row.letters = characters
        while True:
            clear(row)
            write(row, level)
            if everything or not held[level] or (content(row) % HELD == np.uint64(0)) == testing:
                break
        want(row, END)
        row.written = row.prompted
        row.limit = row.prompted + answer

    return framed(
        called, pose, judge, prompt=prompt, answer=answer, levels=levels, chance=chance,
        held_out=spec(name, **options, split=("test", "train")), held=tuple(bool(each) for each in held[1:]),
        hits=hits if judge is exact and not thinks else None,
    )  # fmt: skip


def framed(called: str, pose: Callable[[Row, int], None], judge: Judge, **asked: Any) -> Game:
    """The game of a task whose prompts `pose` deals; `asked` is what else there is to its `Language`."""
    language = Language(pose=pose, judge=judge, solve=solve, **asked)
    levels, places = language.levels, language.prompt + language.answer

    @rule
    def reset(row: Row) -> None:
        row.task = 0
        row.asked = 0
        pose(row, levels)

    return Game(
        name=called,
        seats=1,
        actions=len(TOKENS),
        shape=(len(TOKENS), 1, places),
        row=rows_of(room(places)),
        reset=reset,
        play=playing(judge),
        legal=anything(len(TOKENS)),
        observe=observe,
        names=TOKENS,
        max_plies=language.answer,
        pays="general",
        text=text,
        chance=True,
        language=language,
    )


def room(places: int) -> int:
    """How long the texts of rows are in which so many tokens are to have room."""
    return -(-places // ROOM) * ROOM


@cache
def rows_of(length: int) -> np.dtype[Any]:
    """The rows of tasks whose texts have room for so many tokens.

    text      the prompt and what is written behind it, then 0      wanted  a right answer, then 0
    prompted, written, wanting  how long they are                   limit   where there is no more room for an answer
    asked     where the prompt proper begins, behind the prefix of a mixture
    spoken    where in `wanted` the thought has ended               thinks  an answer begins with a thought
    letters   the characters of answers, as bits                    task    which task of a mixture
    measured  answers are as long as the wanted one
    """
    places = dict.fromkeys(("prompted", "written", "wanting", "limit", "asked", "spoken", "level"), np.int16)
    texts = {"text": (np.uint8, (length,)), "wanted": (np.uint8, (length,))}
    return row_dtype(1, letters=np.uint64, **texts, **places, task=np.int8, thinks=np.bool_, measured=np.bool_)
