"""What a program complained of on standard error before it ended: of all its lines the one that says why, and where."""

from __future__ import annotations

import re

LONGEST = 200
"""Characters of a complaint that are quoted: its end, where the reason stands."""

BESIDE = re.compile(r"\s|}|- /|Require stack:|Node\.js v\d|note: ")
"""How lines begin that follow the reason: a stack, the parts of an object, the version of what ran it."""

PYTHON = re.compile(r'\s*File "([^"]+)", line (\d+)')
NODE = re.compile(r"(?:file://)?(/[^:]*):(\d+)$")
STACK = re.compile(r"\s+at (?:.* )?\(?(?:file://)?(/[^:()]*):(\d+):\d+\)?(?: {)?$")


def complaint(said: str) -> str:
    """The line of the reason, printable and quoted, and the file and the line it stands in; '' if nothing was said."""
    lines = [line for line in said.splitlines() if line.strip()]
    reasons = [number for number, line in enumerate(lines) if not BESIDE.match(line)]
    if not lines:
        return ""
    last = reasons[-1] if reasons else len(lines) - 1
    return shortened(lines[last].strip()) + _place(lines, last)


def shortened(text: str) -> str:
    """A text in quotes and printable; of a long one the end."""
    return ascii(text) if len(text) <= LONGEST else f"{ascii(text)[0]}...{ascii(text[-LONGEST:])[1:]}"


def _place(lines: list[str], reason: int) -> str:
    """Where the reason arose, as Python, Node and those like them write it."""
    before = [found for line in lines[:reason] if (found := PYTHON.match(line) or NODE.match(line))]
    after = [found for line in lines[reason + 1 :] if (found := STACK.match(line))]
    for found in (*before[-1:], *after[:1]):
        return f" ({found[1].rpartition('/')[2]}, line {found[2]})"
    return ""
