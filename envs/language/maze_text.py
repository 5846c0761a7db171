"""Maze text: a maze in lines of text and the moves through it, u, d, l and r, from "s" to "e".

Every maze is a tree (drawn evenly, after Aldous and Broder), so that one path is shortest; right is every walk that
ends at "e" and meets no wall. The level is the length of the shortest. Chance is to guess as many moves evenly.
"""

from __future__ import annotations

from envs.game import Game, Row, rule
from envs.language.frame import task
from envs.language.vocabulary import encode
from envs.language.writing import COLON, said, want
from envs.options import whole
from envs.randomness import below, draw

FREE, WALL, START, GOAL, NEWLINE = (int(token) for token in encode(".#se\n"))
UP, DOWN, LEFT, RIGHT = (int(token) for token in encode("udlr"))


@rule
def step(way: int, line: int) -> int:
    """How far a way, 0 to 3, leads in a text of lines of `line` tokens: up, left, right, down."""
    if way == 0:
        return -line
    if way == 3:
        return line
    return -1 if way == 1 else 1


@rule
def move(token: int, line: int) -> int:
    """How far the move that is written as a token leads."""
    if token == UP:
        return step(0, line)
    if token == LEFT:
        return step(1, line)
    return step(2, line) if token == RIGHT else step(3, line)


@rule
def named(way: int) -> int:
    """The token of a way."""
    if way == 0:
        return UP
    if way == 1:
        return LEFT
    return RIGHT if way == 2 else DOWN


@rule
def blocked(row: Row, place: int) -> bool:
    """Whether a place of the text is none of the maze, or a wall of it."""
    if place < row.asked or place >= row.prompted - 1:
        return True
    return row.text[place] == WALL or row.text[place] == NEWLINE


@rule
def judge(row: Row) -> tuple[float, float]:
    """(format, right): moves alone, and they lead from the start to the goal."""
    first, stop = said(row)
    if first < 0:
        return 0.0, 0.0
    at, line = int(row.asked), 1
    while row.text[at] != START:
        at += 1
    while row.text[row.asked + line - 1] != NEWLINE:
        line += 1
    for i in range(first, stop):
        at += move(row.text[i], line)
        if blocked(row, at):
            return 1.0, 0.0
    return 1.0, 1.0 if row.text[at] == GOAL else 0.0


def maze_text(size: int = 3, split: str = "train") -> Game:
    """Mazes of size x size cells with walls between them, drawn in 2 * size - 1 lines of as many tokens."""
    whole("maze_text", "size", size, 3, 6)
    width, line = 2 * size - 1, 2 * size
    levels = 4 * (size - 1)  # from corner to corner there are at least so many moves, in every maze

    @rule
    def dig(row: Row) -> None:
        """Writes a maze: a walk over the cells opens the wall to each that it comes to for the first time."""
        for i in range(width * line):
            row.text[row.asked + i] = NEWLINE if i % line == width else WALL
        row.prompted = row.asked + width * line
        row.text[row.prompted - 1] = COLON
        x, y, found = 0, 0, 1
        row.text[row.asked] = FREE
        while found < size * size:
            way = below(draw(row), 4)
            nx = x + (way == 2) - (way == 1)
            ny = y + (way == 3) - (way == 0)
            if 0 <= nx < size and 0 <= ny < size:
                place = row.asked + 2 * (ny * line + nx)
                if row.text[place] == WALL:
                    row.text[place] = FREE
                    row.text[place - step(way, line)] = FREE
                    found += 1
                x, y = nx, ny

    @rule
    def onward(row: Row, at: int, last: int) -> int:
        """A way on from a place, drawn evenly from those that do not go back; -1 where there is none."""
        ways = 0
        chosen = -1
        for way in range(4):
            if way != 3 - last and not blocked(row, at + step(way, line)):
                ways += 1
                if below(draw(row), ways) == 0:
                    chosen = way
        return chosen

    @rule
    def write(row: Row, level: int) -> None:
        dig(row)
        while row.wanting < level:  # in a tree a walk that never goes back is the shortest path
            row.wanting = 0
            start = row.asked + below(draw(row), width * line)
            if blocked(row, start):
                continue
            at, way = start, -1
            while row.wanting < level:
                way = onward(row, at, way)
                if way < 0:
                    break
                at += step(way, line)
                want(row, named(way))
            if row.wanting == level:
                row.text[start] = START
                row.text[at] = GOAL

    return task(
        "maze_text", {"size": (size, 3)}, prompt=width * line, answer=2 * levels + 1, levels=levels, write=write,
        prompts=lambda level: 192.0,  # as many trees there are on 3 x 3 cells, and more on more
        chance=4.0**-levels, alphabet="udlr", split=split, judge=judge,
    )  # fmt: skip
