"""Planted worlds: games so small that what a learner must find in them is known, each for one thing that can be wrong.

constant  every game pays 1 at once                      the value of anything is learned at all
observed  pays what the observation says, 1 or -1        the value follows the observation
later     pays 1 at the second of two decisions          what comes later counts, and is discounted
endless   pays 1 at every ply, and is cut after 5        a limit is not an end: all is worth 1 / (1 - discount)
ended     pays 1 at every ply, and is over after 5       an end is an end
chosen    pays 1 for one action and 0 for the other      the policy goes where it is paid
matched   pays 1 for the action that is shown            the policy follows the observation
masked    like chosen, but the paying action is barred   what is illegal is neither done nor counted on
aimed     pays 1 - (a - 1/2)^2 for a vector a            vectors as actions
recalled  shows a sign, then nothing, then asks for it   memory
"""

from __future__ import annotations

from collections.abc import Callable

from envs.game import Game, Row, row_dtype, rule, unbarred
from envs.randomness import draw, unit


@rule
def _sign(row: Row) -> None:
    row.sign = 1.0 if unit(draw(row)) < 0.5 else -1.0


@rule
def _anything(row: Row, out) -> None:
    out[:] = True


@rule
def _first_only(row: Row, out) -> None:
    out[0], out[1] = True, False


@rule
def _see_ply(row: Row, out) -> None:
    out[0], out[1] = 1.0, row.ply


@rule
def _see_nothing(row: Row, out) -> None:
    out[0], out[1] = 1.0, 0.0


@rule
def _see_sign(row: Row, out) -> None:
    out[0], out[1] = 1.0, row.sign


@rule
def _see_sign_at_first(row: Row, out) -> None:
    out[0], out[1] = 1.0, row.sign if row.ply == 0 else 0.0


@rule
def _over(row: Row) -> None:
    row.ply += 1
    row.done = True


@rule
def _pay_one(row: Row, action: int) -> None:
    row.reward[0] = 1.0
    _over(row)


@rule
def _pay_sign(row: Row, action: int) -> None:
    row.reward[0] = row.sign
    _over(row)


@rule
def _pay_second(row: Row, action: int) -> None:
    row.reward[0] = row.ply
    row.ply += 1
    row.done = row.ply == 2


@rule
def _pay_always(row: Row, action: int) -> None:
    row.reward[0] = 1.0
    row.ply += 1
    row.done = row.ply == 5
    row.cut = row.done


@rule
def _pay_till_over(row: Row, action: int) -> None:
    row.reward[0] = 1.0
    row.ply += 1
    row.done = row.ply == 5


@rule
def _pay_action(row: Row, action: int) -> None:
    row.reward[0] = action
    _over(row)


@rule
def _pay_match(row: Row, action: int) -> None:
    row.reward[0] = 1.0 if (action == 1) == (row.sign > 0) else 0.0
    _over(row)


@rule
def _pay_aim(row: Row, action) -> None:
    row.reward[0] = 1.0 - (action[0] - 0.5) ** 2
    _over(row)


@rule
def _pay_recall(row: Row, action: int) -> None:
    row.reward[0] = 0.0
    if row.ply == 2:
        row.reward[0] = 1.0 if (action == 1) == (row.sign > 0) else -1.0
    row.ply += 1
    row.done = row.ply == 3


ROW = row_dtype(1, sign="f4")


def _world(name: str, play: Callable, observe: Callable = _see_ply, legal: Callable = _anything) -> Game:
    return Game(
        name=name, seats=1, actions=2, shape=(2,), row=ROW, reset=_sign, play=play, legal=legal, observe=observe,
        names=("left", "right"), max_plies=5, pays="general", chance=True,
    )  # fmt: skip


WORLDS: dict[str, Game] = {
    "constant": _world("constant", _pay_one),
    "observed": _world("observed", _pay_sign, _see_sign),
    "later": _world("later", _pay_second),
    "endless": _world("endless", _pay_always, _see_nothing),
    "ended": _world("ended", _pay_till_over),
    "chosen": _world("chosen", _pay_action),
    "matched": _world("matched", _pay_match, _see_sign),
    "masked": _world("masked", _pay_action, legal=_first_only),
    "recalled": _world("recalled", _pay_recall, _see_sign_at_first),
    "aimed": Game(
        name="aimed", seats=1, actions=0, shape=(2,), row=ROW, reset=_sign, play=_pay_aim, legal=unbarred,
        observe=_see_ply, names=("push",), max_plies=1, pays="general", chance=True, controls=((-1.0, 1.0),),
    ),
}  # fmt: skip
"""name -> the game."""


def values(discount: float) -> dict[str, list[tuple[tuple[float, float], float]]]:
    """What observations of each world are worth to a player who makes no mistakes, where that needs no memory."""
    ended = [sum(discount**k for k in range(5 - ply)) for ply in range(5)]
    return {
        "constant": [((1.0, 0.0), 1.0)],
        "observed": [((1.0, 1.0), 1.0), ((1.0, -1.0), -1.0)],
        "later": [((1.0, 0.0), discount), ((1.0, 1.0), 1.0)],
        "endless": [((1.0, 0.0), 1.0 / (1.0 - discount))],
        "ended": [((1.0, float(ply)), ended[ply]) for ply in range(5)],
        "masked": [((1.0, 0.0), 0.0)],
    }
