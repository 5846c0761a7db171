"""Seaquest on 10 x 10 cells: a submarine shoots fish and submarines, gathers divers and must surface for air.

The rules of MinAtar (Young & Tian 2019), with its order of events; by its ramp each surfacing brings more enemies.
Things are kept in order of age, as MinAtar keeps them: where two are equal, the elder one is taken away, and the one
that was meant has its turn a second time.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from envs.arcade.buttons import DOWN, FIRE, LEFT, LIMIT, NONE, RIGHT, STICKY, UP, buttons, cabinet, check, presses
from envs.episode import count_ply
from envs.game import Game, Row, row_dtype, rule
from envs.options import spec
from envs.randomness import below, draw, unit

SHAPE = (10, 10, 10)
AIR = 200
CREW = 6
RELOAD, ENEMY_RELOAD = 5, 10
SPAWN, SPAWN_DIVER = 20, 30
MOVE, MOVE_DIVER = 5, 5

# The columns of the lists of things: where it is, whether it goes right, plies to its next step and its next shot.
X, Y, TO_RIGHT, TIMER, SHOT_TIMER = range(5)
# How many there can be: an enemy comes a ply at most and is gone after 30 by then; each shoots every 11th ply and
# shots last 9; divers come every 30th ply and stay 60; own shots come every 5th and last 9.
ENEMIES, BOMBS, DIVERS, SHOTS = 40, 48, 4, 4

ROW = row_dtype(
    1, score=np.int32, air=np.int16, divers_aboard=np.int16, ramp=np.int16,
    fish=(np.int8, (ENEMIES, 4)), subs=(np.int8, (ENEMIES, 5)), bombs=(np.int8, (BOMBS, 3)),
    divers=(np.int8, (DIVERS, 4)), shots=(np.int8, (SHOTS, 3)),
    n_fish=np.int8, n_subs=np.int8, n_bombs=np.int8, n_divers=np.int8, n_shots=np.int8,
    x=np.int8, y=np.int8, to_right=np.bool_, surfaced=np.bool_, spawn_speed=np.int8, spawn_timer=np.int8,
    diver_timer=np.int8, move_speed=np.int8, shot_timer=np.int8, last=np.int8,
)  # fmt: skip


@rule
def reset(row: Row) -> None:
    row.fish[:] = 0
    row.subs[:] = 0
    row.bombs[:] = 0
    row.divers[:] = 0
    row.shots[:] = 0
    row.n_fish = 0
    row.n_subs = 0
    row.n_bombs = 0
    row.n_divers = 0
    row.n_shots = 0
    row.air = AIR
    row.divers_aboard = 0
    row.x = 5
    row.y = 0
    row.to_right = False
    row.surfaced = True
    row.spawn_speed = SPAWN
    row.spawn_timer = SPAWN
    row.diver_timer = SPAWN_DIVER
    row.move_speed = MOVE
    row.shot_timer = 0
    row.ramp = 0
    row.last = NONE
    row.score = 0


@rule
def first_like(things: NDArray[np.int8], i: int) -> int:
    """The index of the eldest thing that is equal to thing i."""
    for j in range(i):
        equal = True
        for k in range(things.shape[1]):
            equal = equal and things[j, k] == things[i, k]
        if equal:
            return j
    return i


@rule
def take_away(things: NDArray[np.int8], count: int, i: int) -> int:
    """Takes thing i out of the first `count`; returns how many are left."""
    for j in range(i, count - 1):
        for k in range(things.shape[1]):
            things[j, k] = things[j + 1, k]
    for k in range(things.shape[1]):
        things[count - 1, k] = 0
    return count - 1


@rule
def at(things: NDArray[np.int8], count: int, x: int, y: int) -> int:
    """The index of the eldest thing at (x, y), or -1."""
    for i in range(count):
        if things[i, X] == x and things[i, Y] == y:
            return i
    return -1


@rule
def step(things: NDArray[np.int8], i: int) -> bool:
    """Moves thing i a cell on; whether it is still in the field."""
    things[i, X] += 1 if things[i, TO_RIGHT] else -1
    return 0 <= things[i, X] <= 9


@rule
def pay(row: Row, reward: float) -> None:
    row.reward[0] += reward
    row.score += np.int64(reward)


@rule
def against(things: NDArray[np.int8], count: int, y: int, to_right: bool) -> bool:
    """Whether anything in line y goes the other way."""
    found = False
    for i in range(count):
        found = found or (things[i, Y] == y and (things[i, TO_RIGHT] != 0) != to_right)
    return found


@rule
def spawn_enemy(row: Row) -> None:
    """A fish, or one time in three a submarine, at one end of a line that nobody goes along the other way."""
    to_right = unit(draw(row)) < 1 / 2
    armed = unit(draw(row)) < 1 / 3
    y = 1 + below(draw(row), 8)
    if against(row.subs, row.n_subs, y, to_right) or against(row.fish, row.n_fish, y, to_right):
        return
    if armed and row.n_subs < ENEMIES:
        put(row.subs, row.n_subs, y, to_right)
        row.subs[row.n_subs, TIMER] = row.move_speed
        row.subs[row.n_subs, SHOT_TIMER] = ENEMY_RELOAD
        row.n_subs += 1
    elif not armed and row.n_fish < ENEMIES:
        put(row.fish, row.n_fish, y, to_right)
        row.fish[row.n_fish, TIMER] = row.move_speed
        row.n_fish += 1


@rule
def put(things: NDArray[np.int8], i: int, y: int, to_right: bool) -> None:
    """Thing i enters line y from the left or the right."""
    things[i, X] = 0 if to_right else 9
    things[i, Y] = y
    things[i, TO_RIGHT] = to_right


@rule
def spawn_diver(row: Row) -> None:
    to_right = unit(draw(row)) < 1 / 2
    y = 1 + below(draw(row), 8)
    if row.n_divers < DIVERS:
        put(row.divers, row.n_divers, y, to_right)
        row.divers[row.n_divers, TIMER] = MOVE_DIVER
        row.n_divers += 1


@rule
def steer(row: Row, button: int) -> None:
    """The player's submarine shoots or moves."""
    if button == FIRE and row.shot_timer == 0:
        row.shots[row.n_shots, X] = row.x
        row.shots[row.n_shots, Y] = row.y
        row.shots[row.n_shots, TO_RIGHT] = row.to_right
        row.n_shots += 1
        row.shot_timer = RELOAD
    elif button == LEFT:
        row.x = max(0, row.x - 1)
        row.to_right = False
    elif button == RIGHT:
        row.x = min(9, row.x + 1)
        row.to_right = True
    elif button == UP:
        row.y = max(0, row.y - 1)
    elif button == DOWN:
        row.y = min(8, row.y + 1)


@rule
def fly_shots(row: Row) -> None:
    """Own shots move and take the fish or submarine that they reach with them."""
    for i in range(row.n_shots - 1, -1, -1):
        if not step(row.shots, i):
            row.n_shots = take_away(row.shots, row.n_shots, first_like(row.shots, i))
            continue
        x, y = row.shots[i, X], row.shots[i, Y]
        fish = at(row.fish, row.n_fish, x, y)
        sub = at(row.subs, row.n_subs, x, y) if fish < 0 else -1
        if fish >= 0:
            row.n_fish = take_away(row.fish, row.n_fish, fish)
        if sub >= 0:
            row.n_subs = take_away(row.subs, row.n_subs, sub)
        if fish >= 0 or sub >= 0:
            row.n_shots = take_away(row.shots, row.n_shots, first_like(row.shots, i))
            pay(row, 1.0)


@rule
def move_divers(row: Row) -> None:
    """Divers swim; those who reach the player come aboard while there is room."""
    for i in range(row.n_divers - 1, -1, -1):
        diver = row.divers[i]
        gone = False
        taken = diver[X] == row.x and diver[Y] == row.y and row.divers_aboard < CREW
        if not taken:
            if diver[TIMER] == 0:
                diver[TIMER] = MOVE_DIVER
                gone = not step(row.divers, i)
                taken = diver[X] == row.x and diver[Y] == row.y and row.divers_aboard < CREW
            else:
                diver[TIMER] -= 1
        if taken or gone:
            row.n_divers = take_away(row.divers, row.n_divers, first_like(row.divers, i))
            row.divers_aboard += taken


@rule
def meet(row: Row, things: NDArray[np.int8], count: int, i: int) -> int:
    """Enemy i moves: out of the field, into the player, or into one of the player's shots; how many are left."""
    if not step(things, i):
        return take_away(things, count, first_like(things, i))
    x, y = things[i, X], things[i, Y]
    if x == row.x and y == row.y:
        row.done = True
        return count
    shot = at(row.shots, row.n_shots, x, y)
    if shot >= 0:
        row.n_shots = take_away(row.shots, row.n_shots, shot)
        pay(row, 1.0)
        return take_away(things, count, first_like(things, i))
    return count


@rule
def move_subs(row: Row) -> None:
    """Enemy submarines move when it is time, and shoot when it is time, the lost ones a last time."""
    for i in range(row.n_subs - 1, -1, -1):
        sub = row.subs[i]
        if sub[X] == row.x and sub[Y] == row.y:
            row.done = True
        y, to_right, shot_timer = sub[Y], sub[TO_RIGHT], sub[SHOT_TIMER]
        x = sub[X]
        place = i
        if sub[TIMER] == 0:
            sub[TIMER] = row.move_speed
            x += 1 if to_right else -1
            # Which of two equal submarines goes is to be known before it is gone: the one left may have moved up.
            sub[X] = x
            elder = first_like(row.subs, i)
            sub[X] = x - (1 if to_right else -1)
            before = row.n_subs
            row.n_subs = meet(row, row.subs, row.n_subs, i)
            if row.n_subs < before:
                place = i - 1 if elder < i else -1
        else:
            sub[TIMER] -= 1
        if place >= 0:
            row.subs[place, SHOT_TIMER] = ENEMY_RELOAD if shot_timer == 0 else shot_timer - 1
        if shot_timer == 0 and row.n_bombs < BOMBS:
            row.bombs[row.n_bombs, X] = x
            row.bombs[row.n_bombs, Y] = y
            row.bombs[row.n_bombs, TO_RIGHT] = to_right
            row.n_bombs += 1


@rule
def fly_bombs(row: Row) -> None:
    """The enemies' shots move; one that touches the player before or after ends the game."""
    for i in range(row.n_bombs - 1, -1, -1):
        if row.bombs[i, X] == row.x and row.bombs[i, Y] == row.y:
            row.done = True
        if not step(row.bombs, i):
            row.n_bombs = take_away(row.bombs, row.n_bombs, first_like(row.bombs, i))
        elif row.bombs[i, X] == row.x and row.bombs[i, Y] == row.y:
            row.done = True


@rule
def move_fish(row: Row) -> None:
    for i in range(row.n_fish - 1, -1, -1):
        fish = row.fish[i]
        if fish[X] == row.x and fish[Y] == row.y:
            row.done = True
        if fish[TIMER] == 0:
            fish[TIMER] = row.move_speed
            row.n_fish = meet(row, row.fish, row.n_fish, i)
        else:
            fish[TIMER] -= 1


@rule
def surface(row: Row, ramping: bool) -> None:
    """New air for one diver, or for six the reward of the air left; each time more and faster enemies.

    As MinAtar has it, who sets six divers ashore owes one: -1 are aboard, and surfacing again ends nothing.
    """
    row.surfaced = True
    if row.divers_aboard == CREW:
        row.divers_aboard = 0
        pay(row, row.air * 10 // AIR)
    row.air = AIR
    row.divers_aboard -= 1
    if ramping and (row.spawn_speed > 1 or row.move_speed > 2):
        if row.move_speed > 2 and row.ramp % 2:
            row.move_speed -= 1
        if row.spawn_speed > 1:
            row.spawn_speed -= 1
        row.ramp += 1


@rule
def breathe(row: Row, ramping: bool) -> None:
    """Air runs out below; up there it is renewed, and without a diver aboard the game is over."""
    if row.air <= 0:
        row.done = True
    if row.y > 0:
        row.air -= 1
        row.surfaced = False
    elif not row.surfaced:
        if row.divers_aboard == 0:
            row.done = True
        else:
            surface(row, ramping)


@rule
def show(out: NDArray[np.float32], plane: int, things: NDArray[np.int8], count: int, trail: bool) -> None:
    """Marks things in their plane, and the cells that they come from in the plane of trails."""
    for i in range(count):
        x, y = things[i, X], things[i, Y]
        out[plane, y, x] = 1.0
        back = x - 1 if things[i, TO_RIGHT] else x + 1
        if trail and 0 <= back <= 9:
            out[3, y, back] = 1.0


@rule
def observe(row: Row, out: NDArray[np.float32]) -> None:
    """Ten planes: own bow and stern, own shots, trails, enemies' shots, fish, enemy submarines, air, divers aboard,
    divers."""
    out[:] = 0.0
    out[0, row.y, row.x] = 1.0
    out[1, row.y, row.x - 1 if row.to_right else row.x + 1] = 1.0
    for column in range(max(0, row.air) * 10 // AIR):
        out[7, 9, column] = 1.0
    for column in range(9 - row.divers_aboard, 9):
        out[8, 9, column] = 1.0
    show(out, 2, row.shots, row.n_shots, False)
    show(out, 4, row.bombs, row.n_bombs, False)
    show(out, 5, row.fish, row.n_fish, True)
    show(out, 6, row.subs, row.n_subs, True)
    show(out, 9, row.divers, row.n_divers, True)


def seaquest(sticky: float = STICKY, ramping: bool = True, limit: int = LIMIT) -> Game:
    """1 for every enemy shot, up to 10 for six divers brought up with much air left; all six buttons have effects."""
    check("seaquest", sticky, limit)
    pressed = buttons(False, ())
    press = presses(pressed, sticky)

    @rule
    def play(row: Row, action: int) -> None:
        button = press(row, action)
        row.reward[0] = 0.0
        if row.spawn_timer == 0:
            spawn_enemy(row)
            row.spawn_timer = row.spawn_speed
        if row.diver_timer == 0:
            spawn_diver(row)
            row.diver_timer = SPAWN_DIVER
        steer(row, button)
        fly_shots(row)
        move_divers(row)
        move_subs(row)
        fly_bombs(row)
        move_fish(row)
        row.spawn_timer -= row.spawn_timer > 0
        row.diver_timer -= row.diver_timer > 0
        row.shot_timer -= row.shot_timer > 0
        breathe(row, ramping)
        count_ply(row, limit)

    name = spec("seaquest", sticky=(sticky, STICKY), ramping=(ramping, True), limit=(limit, LIMIT))
    return cabinet(name, pressed, limit, "@o*-+fsABd", shape=SHAPE, row=ROW, reset=reset, play=play, observe=observe)
