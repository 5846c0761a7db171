"""What answers are worth, told once more in plain Python from prompt and answer alone, and answers to try.

Nothing here reads a row or calls a rule: expressions are read by Python's own parser and reckoned in fractions.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable
from fractions import Fraction
from itertools import product

MALFORMED, WRONG, RIGHT = (0.0, 0.0), (1.0, 0.0), (1.0, 1.0)
Worth = tuple[float, float]


def one_answer(alphabet: str, wanted: Callable[[str], str], *, measured: bool = False) -> Callable[[str, str], Worth]:
    """The oracle of tasks with one right answer, as long as it where they are `measured`."""

    def worth(prompt: str, answer: str) -> Worth:
        best = wanted(prompt)
        if not answer or set(answer) - set(alphabet) or (measured and len(answer) != len(best)):
            return MALFORMED
        return RIGHT if answer == best else WRONG

    return worth


def residue(prompt: str) -> str:
    a, sign, b, modulus = re.fullmatch(r"(\d+)([-+*])(\d+)%(\d+)=", prompt).groups()  # pyright: ignore
    made = {"+": int(a) + int(b), "-": int(a) - int(b), "*": int(a) * int(b)}[sign]
    return str(made % int(modulus))


def brackets(prompt: str, answer: str) -> Worth:
    """By crossing out pairs until there are no more."""
    if not answer or set(answer) - set("()[]{}"):
        return MALFORMED
    text = prompt.removesuffix(":") + answer
    while (shorter := re.sub(r"\(\)|\[\]|\{\}", "", text)) != text:
        text = shorter
    return WRONG if text else RIGHT


def maze_text(prompt: str, answer: str) -> Worth:
    """By walking over the lines of the maze."""
    if not answer or set(answer) - set("udlr"):
        return MALFORMED
    cells = {(x, y): c for y, line in enumerate(prompt.rstrip(":").split("\n")) for x, c in enumerate(line)}
    x, y = next(at for at, c in cells.items() if c == "s")
    for letter in answer:
        dx, dy = {"u": (0, -1), "d": (0, 1), "l": (-1, 0), "r": (1, 0)}[letter]
        x, y = x + dx, y + dy
        if cells.get((x, y), "#") == "#":
            return WRONG
    return RIGHT if cells[x, y] == "e" else WRONG


def countdown(prompt: str, answer: str) -> Worth:
    numbers, _, target = prompt.removesuffix(":").partition(">")
    if not answer or set(answer) - set("0123456789+-*/()") or re.search(r"(?<!\d)0\d", answer):
        return MALFORMED
    used: list[int] = []
    try:
        value = reckoned(ast.parse(answer, mode="eval").body, used)
    except ZeroDivisionError:
        value = None
    except (SyntaxError, TypeError):
        return MALFORMED
    return RIGHT if value == int(target) and sorted(used) == sorted(map(int, numbers.split())) else WRONG


def reckoned(node: ast.expr, used: list[int]) -> Fraction:
    """The value of an expression, whose numbers are added to `used`; TypeError for what is none of ours."""
    if isinstance(node, ast.Constant) and isinstance(node.value, int):
        used.append(node.value)
        return Fraction(node.value)
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Add | ast.Sub | ast.Mult | ast.Div):
        raise TypeError
    if any(isinstance(each, ast.BinOp) and isinstance(each.op, ast.Pow | ast.FloorDiv) for each in ast.walk(node)):
        raise TypeError
    zero = False
    try:
        a = reckoned(node.left, used)
    except ZeroDivisionError:  # what stands on the right must be well formed all the same
        a, zero = Fraction(0), True
    b = reckoned(node.right, used)
    if zero:
        raise ZeroDivisionError
    match node.op:
        case ast.Add():
            return a + b
        case ast.Sub():
            return a - b
        case ast.Mult():
            return a * b
    return a / b


DIGITS = "0123456789"
ORACLES: dict[str, Callable[[str, str], Worth]] = {
    "copy_text": one_answer("abcdefghij", lambda prompt: prompt[:-1], measured=True),
    "reverse": one_answer("abcdefghij", lambda prompt: prompt[-2::-1], measured=True),
    "sort": one_answer(DIGITS, lambda prompt: "".join(sorted(prompt[:-1])), measured=True),
    "parity": one_answer("01", lambda prompt: str(prompt.count("1") % 2), measured=True),
    "brackets": brackets,
    "addition": one_answer(DIGITS, lambda prompt: str(sum(map(int, prompt[:-1].split("+"))))),
    "multiplication": one_answer(
        DIGITS, lambda prompt: str(int(prompt[:-1].split("*")[0]) * int(prompt[:-1].split("*")[1]))
    ),
    "maximum": one_answer(DIGITS, lambda prompt: str(max(map(int, prompt[:-1].split())))),
    "modular": one_answer(DIGITS, residue),
    "maze_text": maze_text,
    "countdown": countdown,
}


def thought(worth: Callable[[str, str], Worth]) -> Callable[[str, str], Worth]:
    """The same task told to think: an answer begins with a thought, and what follows it is the answer."""

    def behind(prompt: str, answer: str) -> Worth:
        found = re.fullmatch(r"<think>((?:(?!</?think>).)*)</think>((?:(?!</?think>).)*)", answer, re.DOTALL)
        return worth(prompt, found[2]) if found else MALFORMED

    return behind


def all_strings(signs: Iterable[str], most: int) -> list[str]:
    """Every text of up to `most` of these signs, the empty one too."""
    signs = list(signs)
    return ["".join(each) for length in range(most + 1) for each in product(signs, repeat=length)]
