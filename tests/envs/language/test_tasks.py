"""The laws of language tasks: levels, splits, right answers, chance, and lanes of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from numba.core.errors import TypingError
from numpy.typing import NDArray

from envs import kernels
from envs.game import Game, Language, Rows
from envs.language import task
from envs.language.vocabulary import END, TOKENS, decode, encode
from envs.registry import GAMES, game
from tests.envs.language.oracles import ORACLES, RIGHT, one_answer, thought

TASKS = [name for name, where in GAMES.items() if where.startswith("envs.language.")]


def language(rules: Game) -> Language:
    assert rules.language is not None
    return rules.language


def dealt(rules: Game, level: int, count: int, seed: int = 1) -> Rows:
    if level == language(rules).levels:  # what is dealt to games anyway: nothing more to compile
        return kernels.new_rows(rules, kernels.seeds(seed, count))
    return task.posed(rules, kernels.seeds(seed, count), np.full(count, level))


def prompts(rows: Rows) -> list[str]:
    return [decode(text[:length]) for text, length in zip(rows["text"], rows["prompted"], strict=True)]


def answers(rows: Rows) -> list[str]:
    """The right answers that came with the prompts."""
    return [decode(text[:length]) for text, length in zip(rows["wanted"], rows["wanting"], strict=True)]


def judged(rules: Game, rows: Rows, said: list[str]) -> NDArray[np.float32]:
    """[B] what answers, each with its end, are worth."""
    length = np.array([len(encode(each)) + 1 for each in said])
    tokens = np.zeros((len(said), length.max()), np.uint8)
    for i, each in enumerate(said):
        tokens[i, : length[i] - 1] = encode(each)
    rows = rows.copy()
    task.write(rules, rows, tokens, length)
    return task.judged(rules, rows)[1]


@pytest.mark.parametrize("spec", TASKS)
def test_a_task_says_what_it_is(spec: str) -> None:
    rules, asked = game(spec), language(game(spec))
    assert rules.names == TOKENS and rules.shape == (64, 1, asked.prompt + asked.answer)
    assert rules.max_plies == asked.answer
    assert len(asked.held) == asked.levels and any(asked.held)
    assert 0.0 <= asked.chance <= 0.6
    assert language(game(asked.held_out)).held_out == asked.held_out != rules.name
    assert game(asked.held_out).row == rules.row


LAWS = """
import importlib.util, json, sys
import numpy as np
np.seterr(all="ignore")
spec = importlib.util.spec_from_file_location("here", sys.argv[1])
here = importlib.util.module_from_spec(spec)
spec.loader.exec_module(here)
print(json.dumps({name: here.faults(name) for name in here.VARIANTS}))
"""
VARIANTS = [
    *(name for name in TASKS if name != "move"),
    *("sort:length=4,think=true", "parity:length=9,think=true", "addition:digits=4,think=true"),
    *("multiplication:digits=3,think=true", "maximum:digits=3,think=true", "modular:modulus=11,think=true"),
    *("brackets:depth=7,kinds=2", "maze_text:size=4", "countdown:numbers=4", "reverse:length=4,letters=26"),
    "mixture:tasks=maze_text+countdown+parity",
]


def faults(spec: str) -> list[str]:
    """What is wrong with a task: its levels, its right answers or its split. Runs without the compiler."""
    found: list[str] = []
    rules, asked = game(spec), language(game(spec))
    for level in {1, 2, asked.levels // 2, asked.levels - 1, asked.levels} & set(range(1, asked.levels + 1)):
        rows = dealt(rules, level, 3)
        tokens, length = task.solved(rules, rows)
        if rows["prompted"].max() > asked.prompt or length.max() > asked.answer or length.min() < 2:
            found.append(f"level {level} is too long")
        if (rows["level"] != level).any() or rows["done"].any() or rows["reward"].any():
            found.append(f"level {level} is not fresh")
        found += [f"{ask} is not {said}" for ask, said in zip(prompts(rows), answers(rows), strict=True)
                  if worth(spec, ask, said) != RIGHT]  # fmt: skip
        task.write(rules, rows, tokens, length)
        form, right = task.judged(rules, rows)
        if not (rows["done"].all() and form.all() and right.all() and rows["reward"].all()):
            found.append(f"level {level} has wrong solutions, as to {prompts(rows[right == 0])[:1]}")
    test = game(asked.held_out)
    inside, outside = prompts(dealt(rules, asked.levels, 24)), prompts(dealt(test, asked.levels, 6))
    everything = game(asked.held_out.replace("split=test", "split=all"))
    both = prompts(dealt(everything, asked.levels, 6))
    if len(set(inside)) < 12 or len(set(outside)) < 4 or len(set(both)) < 4:
        found.append("prompts are few")
    for split, asks, dealing in (("train", inside, rules), ("test", outside, test)):
        if any(held_out(dealing, prompt) != (split == "test") for prompt in asks):
            found.append(f"{split} deals what is the other's")
    return found


def worth(spec: str, prompt: str, answer: str) -> tuple[float, float]:
    """What an answer is worth by plain Python."""
    name, proper = spec.partition(":")[0], prompt
    if name == "mixture":
        name, _, proper = prompt.partition(":")
    oracle = one_answer("abcdefghijklmnopqrstuvwxyz", lambda ask: ask[-2::-1]) if "letters" in spec else ORACLES[name]
    return (thought(oracle) if "think" in spec else oracle)(proper, answer)


def held_out(rules: Game, prompt: str) -> bool:
    """Whether a prompt is held out, worked out once more in Python's own integers."""
    whole, proper = (1 << 64) - 1, prompt.split(":", 1)[1] if rules.name.startswith("mixture") else prompt
    tokens = encode(proper).tolist()
    bits = len(tokens)
    for token in tokens:
        x = (bits ^ token) * 0x9E3779B97F4A7C15 & whole
        x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & whole
        x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & whole
        bits = x ^ (x >> 31)
    return bits % 8 == 0


def test_every_variant_solves_and_splits_without_the_compiler() -> None:
    root = Path(__file__).resolve().parents[3]
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(root)}
    done = subprocess.run(
        [sys.executable, "-c", LAWS, __file__], env=environment, capture_output=True, text=True, cwd=root
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert set(found) == set(VARIANTS)
    assert {spec: faults for spec, faults in found.items() if faults} == {}


@pytest.mark.parametrize("spec", ["parity"])
def test_what_is_held_out_is_never_dealt(spec: str) -> None:
    """All 128 words of 7 bits: training deals those that are not held out, and tests the others."""
    train, test = game(spec), game(language(game(spec)).held_out)
    inside, outside = set(prompts(dealt(train, 7, 3000))), set(prompts(dealt(test, 7, 400)))
    words = {f"{word:07b}=" for word in range(128)}
    assert outside == {word for word in words if held_out(test, word)}
    assert inside == words - outside
    assert 6 <= len(outside) <= 32
    with pytest.raises(ValueError, match=r"holds out prompts of levels 7, 8, .*, 16 alone"):
        dealt(test, 6, 3)


@pytest.mark.parametrize("spec", ["reverse", "maze_text"])
def test_a_prompt_depends_on_its_own_seed_and_level_alone(spec: str) -> None:
    rules = game(spec)
    seeds, levels = kernels.seeds(3, 40), np.arange(40) % language(rules).levels + 1
    together = task.posed(rules, seeds, levels)
    for lanes in (slice(7, 8), slice(0, 40, 3), slice(30, 10, -1)):
        few = task.posed(rules, seeds[lanes], levels[lanes])
        assert (few["text"] == together["text"][lanes]).all() and (few["wanted"] == together["wanted"][lanes]).all()
    last = language(rules).levels
    first = task.posed(rules, kernels.seeds(1, 5), np.full(5, last))
    assert prompts(first) == prompts(kernels.new_rows(rules, kernels.seeds(1, 5)))  # what reset deals
    again = together.copy()
    task.pose(rules, again, levels)  # by the rows' own generators, which have moved on
    assert (again["text"] != together["text"]).any(axis=1).mean() > 0.8
    assert not again["done"].any() and (again["level"] == together["level"]).all()


@pytest.mark.parametrize("spec", ["reverse"])
def test_an_answer_is_ended_or_cut_off(spec: str) -> None:
    rules = game(spec)
    rows = dealt(rules, 3, 5)
    tokens, _ = task.solved(rules, rows)
    task.write(rules, rows, tokens, np.array([4, 3, 0, 4, 4]))
    form, right = task.judged(rules, rows)
    assert form.tolist() == right.tolist() == rows["reward"][:, 0].tolist() == [1, 0, 0, 1, 1]
    assert rows["done"].all() and rows["ply"].tolist() == [4, 3, 0, 4, 4]
    full = dealt(rules, 3, 1)
    task.write(rules, full, np.full((1, 99), 11, np.uint8), np.array([99]))
    assert full["ply"][0] == language(rules).answer == 13  # no room for more
    assert task.judged(rules, full)[0][0] == 0.0
    task.write(rules, full, np.full((1, 1), END, np.uint8), np.array([1]))
    assert full["ply"][0] == 13  # what is done stays as it is


def guessed(values: NDArray[np.int64], target: NDArray[np.int64], generator: np.random.Generator) -> float:
    """How often numbers [B, n] joined pair after neighbouring pair at random come to their target, in fractions."""
    lanes, count = np.arange(len(values)), values.shape[1]
    over = generator.permuted(values, axis=1)
    under = np.ones_like(over)
    for left in range(count - 1, 0, -1):
        k, sign = generator.integers(left, size=len(lanes)), generator.integers(4, size=len(lanes))
        a, b, c, d = over[lanes, k], under[lanes, k], over[lanes, k + 1], under[lanes, k + 1]
        over[lanes, k] = np.choose(sign, [a * d + c * b, a * d - c * b, a * c, a * d])
        under[lanes, k] = np.choose(sign, [b * d, b * d, b * d, np.where(d == 0, 0, b * c)])
        for i in range(1, left):
            moved = i > k
            over[moved, i], under[moved, i] = over[moved, i + 1], under[moved, i + 1]
    return float(((under[:, 0] != 0) & (over[:, 0] == target * under[:, 0])).mean())


@pytest.mark.parametrize(
    ("spec", "same", "level"),
    [
        ("reverse", "reverse:length=2", 2), ("sort", "sort:length=2", 2),
        ("parity", "parity", 16), ("addition", "addition", 2), ("multiplication", "multiplication", 2),
        ("maximum", "maximum", 5), ("modular", "modular", 3), ("brackets", "brackets:depth=2", 2),
    ],
)  # fmt: skip
def test_chance_is_what_the_likeliest_answer_is_paid(spec: str, same: str, level: int) -> None:
    """The last level of `same` is a level of `spec`, which is compiled already."""
    rows = dealt(game(spec), level, 20_000)
    answer, count = Counter(answers(rows)).most_common(1)[0]
    chance = language(game(same)).chance
    assert abs(count / len(rows) - chance) < 6 * np.sqrt(chance / len(rows))
    assert judged(game(spec), rows[:2000], [answer] * 2000).mean() == pytest.approx(chance, abs=0.05)


@pytest.mark.parametrize("spec", ["maze_text"])
def test_chance_in_a_maze_is_to_guess_every_move(spec: str) -> None:
    rules, generator = game(spec), np.random.default_rng(0)
    for level in (1, 2):
        said = ["".join(each) for each in generator.choice(list("udlr"), (4000, level)).tolist()]
        assert judged(rules, dealt(rules, level, 4000), said).mean() == pytest.approx(4.0**-level, abs=0.02)
    assert language(rules).chance == 4.0**-8


@pytest.mark.parametrize("spec", ["countdown"])
def test_chance_in_countdown_is_to_join_the_numbers_anyhow(spec: str) -> None:
    rows = dealt(game(spec), 4, 40_000)
    asks = [prompt.rstrip(":").split(">") for prompt in prompts(rows)]
    values = np.array([list(map(int, numbers.split())) for numbers, _ in asks])
    target = np.array([int(target) for _, target in asks])
    assert (np.diff(values) >= 0).all() and 10 <= target.min() <= target.max() <= 100
    assert guessed(values, target, np.random.default_rng(0)) == pytest.approx(language(game(spec)).chance, abs=0.005)
    assert language(game("countdown:numbers=4")).chance < language(game(spec)).chance


@pytest.mark.parametrize("spec", ["mixture"])
def test_a_mixture_deals_each_of_its_tasks_as_often(spec: str) -> None:
    rules = game(spec)
    rows = dealt(rules, language(rules).levels, 6000)
    begun = Counter(prompt.partition(":")[0] for prompt in prompts(rows))
    assert set(begun) == {"reverse", "sort", "addition"}
    assert min(begun.values()) > 1800
    parts = [language(game(name)) for name in begun]
    assert language(rules).chance == pytest.approx(sum(part.chance for part in parts) / 3)
    longest = {name: max(len(p) for p in prompts(rows) if p.startswith(name)) - len(name) - 1 for name in begun}
    assert longest == {name: language(game(name)).prompt for name in begun}


def test_what_cannot_be_asked_is_refused_in_a_sentence() -> None:
    for spec, sentence in (
        ("reverse:length=0", "whole number from 1 to"),
        ("parity:length=3,split=test", "holds nothing out"),
        ("sort:split=trial", "train, all or test, not trial"),
        ("sort:think=1", "true or false"),
        ("countdown:numbers=5", "3 or 4, not 5"),
        ("mixture:tasks=sort", "two tasks or more"),
        ("mixture:tasks=sort+sort", "each named once"),
        ("mixture:tasks=sort+chess", "no task 'chess'"),
    ):
        with pytest.raises(ValueError, match=sentence):
            game(spec)
    with pytest.raises(ValueError, match="levels 1 to 12, not 0 to 13"):
        task.posed(game("reverse"), kernels.seeds(0, 2), np.array([0, 13]))
    with pytest.raises(ValueError, match="no language task"):
        task.posed(game("tic_tac_toe"), kernels.seeds(0, 1), np.array([1]))


def test_a_verifier_that_raises_is_said_to_be_whose(monkeypatch: pytest.MonkeyPatch) -> None:
    rules = game("reverse")
    rows = kernels.new_rows(rules, kernels.seeds(1, 2))

    def raised(*_: object) -> None:
        raise ZeroDivisionError

    for loop in ("_write_rows", "_judge_rows"):
        with monkeypatch.context() as patched:
            patched.setattr(task, loop, raised)
            with pytest.raises(ValueError, match="The verifier of reverse raised ZeroDivisionError; mend its rule"):
                task.write(rules, rows, np.zeros((2, 1), np.uint8), np.ones(2, np.int64))
                task.judged(rules, rows)

    def no_rule(*_: object) -> None:
        raise TypingError("judge.py, line 3: there is no such field")

    monkeypatch.setattr(task, "_judge_rows", no_rule)
    with pytest.raises(TypingError, match="line 3"):
        task.judged(rules, rows)
