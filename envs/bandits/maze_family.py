"""Maze family: a small random maze a seed, its goal unseen; several episodes in the same one make a trial (RL^2 2016).

The maze is a spanning tree of rooms, each tree as likely (Aldous 1990, Broder 1989); start and goal are two of its
rooms. A step pays -0.01, into a wall too, and the goal 1 more. An episode ends at the goal or after `limit` steps, and
the next begins at the start: only who remembers the maze and the goal is faster then.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.bandits.tasks import ANY, check_task, of_task
from envs.bits import ONE
from envs.episode import MOST_PLIES, anything
from envs.game import Game, Row, row_dtype, rule
from envs.options import spec, whole
from envs.randomness import below, draw

COST, PRIZE = 0.01, 1.0
UP, RIGHT, DOWN, LEFT = range(4)


def maze_family(size: int = 4, episodes: int = 3, limit: int = 50, task: int = ANY) -> Game:
    """Trials of `episodes` in a maze of size x size rooms, size 2 to 8; `task` fixes maze, start and goal."""
    whole("maze_family", "size", size, 2, 8)
    whole("maze_family", "episodes", episodes, 1, 100)
    whole("maze_family", "limit", limit, 1, MOST_PLIES // 100)
    check_task("maze_family", task)
    rooms = size * size

    @rule
    def towards(room: int, side: int) -> int:
        """The room beside a room, or -1 where the maze ends."""
        line, column = room // size, room % size
        if side == UP:
            return room - size if line > 0 else -1
        if side == RIGHT:
            return room + 1 if column < size - 1 else -1
        if side == DOWN:
            return room + size if line < size - 1 else -1
        return room - 1 if column > 0 else -1

    @rule
    def open_side(row: Row, room: int, side: int) -> bool:
        """Whether one may leave a room by a side."""
        to = towards(room, side)
        doors = row.eastern if side in (RIGHT, LEFT) else row.southern
        return to >= 0 and (doors >> np.uint64(min(room, to))) & ONE != 0

    @rule
    def lay(row: Row) -> None:
        """A walk at random that opens a door whenever it enters a room for the first time, until it was in all."""
        row.eastern = 0
        row.southern = 0
        here, left = below(draw(row), rooms), rooms - 1
        entered = ONE << np.uint64(here)
        while left:
            side = below(draw(row), 4)
            to = towards(here, side)
            if to < 0:
                continue
            if (entered >> np.uint64(to)) & ONE == 0:
                entered |= ONE << np.uint64(to)
                left -= 1
                door = ONE << np.uint64(min(here, to))
                if side in (RIGHT, LEFT):
                    row.eastern |= door
                else:
                    row.southern |= door
            here = to
        row.start = below(draw(row), rooms)
        row.goal = (row.start + 1 + below(draw(row), rooms - 1)) % rooms

    begin = of_task(task, lay)

    @rule
    def reset(row: Row) -> None:
        begin(row)
        row.room = row.start
        row.entered = ONE << np.uint64(row.start)
        row.episode = 0
        row.step = 0
        row.found = 0
        row.last = -1

    @rule
    def play(row: Row, action: int) -> None:
        if open_side(row, row.room, action):
            row.room = towards(row.room, action)
            row.entered |= ONE << np.uint64(row.room)
        row.reward[0] = -COST
        row.last = action
        row.ply += 1
        row.step += 1
        there = row.room == row.goal
        if there:
            row.reward[0] = PRIZE - COST
            row.found += 1
        if there or row.step == limit:
            row.episode += 1
            row.done = row.episode == episodes
            if not row.done:
                row.room = row.start
                row.step = 0

    @rule
    def observe(row: Row, out: NDArray[np.float32]) -> None:
        """Which of the four sides are open [4], line and column in [0, 1], the last action one-hot [4], what it paid,

        1 at the first step of an episode, the share of the trial's episodes that are over.
        """
        for side in range(4):
            out[side] = open_side(row, row.room, side)
            out[6 + side] = row.last == side
        out[4] = row.room // size / (size - 1)
        out[5] = row.room % size / (size - 1)
        out[10] = row.reward[0]
        out[11] = row.step == 0
        out[12] = row.episode / episodes

    sides = ("up", "right", "down", "left")

    def text(row: Any, seen_by: int | None = None) -> str:
        if seen_by is not None:
            room, eastern, southern = int(row.room), int(row.eastern), int(row.southern)
            line, column = divmod(room, size)
            free = (
                line > 0 and southern >> (room - size) & 1, eastern >> room & 1, southern >> room & 1,
                column > 0 and eastern >> (room - 1) & 1,
            )  # fmt: skip
            ways = " ".join(side for side, open_ in zip(sides, free, strict=True) if open_)
            last = f"; {sides[row.last]} paid {row.reward[0]:+.2f}" if row.last >= 0 else ""
            begun = "; an episode begins" if row.step == 0 else ""
            return (
                f"{row.episode} of {episodes} episodes over{begun}\n"
                f"line {line + 1}, column {column + 1} of {size}; free to go: {ways}{last}"
            )
        lines = ["+" + "--+" * size]
        for line in range(size):
            cells, floor = "|", "+"
            for room in range(line * size, line * size + size):
                sign = "@" if room == row.room else "G" if room == row.goal else "S" if room == row.start else " "
                cells += sign + " " + (" " if int(row.eastern) >> room & 1 else "|")
                floor += ("  " if int(row.southern) >> room & 1 else "--") + "+"
            lines += [cells, floor]
        return "\n".join(lines)

    return Game(
        name=spec("maze_family", size=(size, 4), episodes=(episodes, 3), limit=(limit, 50), task=(task, ANY)),
        seats=1,
        actions=4,
        shape=(13,),
        row=row_dtype(
            1, eastern=np.uint64, southern=np.uint64, entered=np.uint64, start=np.int8, goal=np.int8, room=np.int8,
            last=np.int8, episode=np.int8, found=np.int8, step=np.int16,
        ),
        reset=reset,
        play=play,
        legal=anything(4),
        observe=observe,
        names=sides,
        max_plies=episodes * limit,
        pays="general",
        text=text,
        hidden=True,
        chance=True,
    )  # fmt: skip
