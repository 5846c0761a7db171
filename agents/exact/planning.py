"""Planning in the exact model of a game: value iteration, policy iteration and play to a horizon (Bellman 1957)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from agents.agent import Decision, Memory, Unable
from agents.exact.transitions import Model, explore
from envs.game import Game, View
from envs.kernels import compiled, pick_legal

MOST_EQUATIONS = 1_500
"""States up to which a policy is evaluated by solving its equations at once, and not by sweeps."""


@compiled
def _looked_ahead(
    outcomes: NDArray[np.int64], to: NDArray[np.int64], odds: NDArray[np.float64], pays: NDArray[np.float64],
    values: NDArray[np.float64], discount: float, pair: int,
) -> float:  # fmt: skip
    """What a pair is worth to seat 0 by the values of the states that it leads to."""
    total = 0.0
    for n in range(outcomes[pair], outcomes[pair + 1]):
        ahead = values[to[n]] if to[n] >= 0 else 0.0
        total += odds[n] * (pays[n] + discount * ahead)
    return total


@compiled
def _sweep(
    seat: NDArray[np.int8], pairs: NDArray[np.int64], outcomes: NDArray[np.int64], to: NDArray[np.int64],
    odds: NDArray[np.float64], pays: NDArray[np.float64], values: NDArray[np.float64], out: NDArray[np.float64],
    policy: NDArray[np.int64], follow: bool, discount: float,
) -> float:  # fmt: skip
    """Writes better values; `out` may be `values` itself. Returns the largest change.

    Each state takes the value of its best pair, for seat 1 the least, and names it in `policy` (of those that are worth
    the same the first); where `follow` is set it takes that of the pair that `policy` names, the mean of all if -1.
    """
    largest = 0.0
    for s in range(seat.shape[0]):
        sign = 1.0 if seat[s] == 0 else -1.0
        chosen, best = policy[s], -np.inf
        if follow and chosen >= 0:
            best = _looked_ahead(outcomes, to, odds, pays, values, discount, chosen)
        elif follow:
            best = 0.0
            for pair in range(pairs[s], pairs[s + 1]):
                best += _looked_ahead(outcomes, to, odds, pays, values, discount, pair) / (pairs[s + 1] - pairs[s])
        else:
            for pair in range(pairs[s], pairs[s + 1]):
                worth = sign * _looked_ahead(outcomes, to, odds, pays, values, discount, pair)
                if worth > best + 1e-12 * (1.0 + abs(worth)):
                    best, chosen = worth, pair
            best *= sign
        largest = max(largest, abs(best - values[s]))
        out[s] = best
        policy[s] = chosen
    return largest


class Unsettled(ValueError):
    """Values go on changing; the text says what to do about it."""


@dataclass(frozen=True, eq=False)
class Plan:
    """Values [S] of the states to seat 0, and the pair [S] that is played in each; sweeps say what it took."""

    values: NDArray[np.float64]
    policy: NDArray[np.int64]
    sweeps: int


def _swept(
    model: Model, values: NDArray[np.float64], policy: NDArray[np.int64], follow: bool, discount: float,
    out: NDArray[np.float64] | None = None,
) -> float:  # fmt: skip
    out = values if out is None else out
    return _sweep(model.seat, model.pairs, model.outcomes, model.to, model.odds, model.pays, values, out, policy,
                  follow, discount)  # fmt: skip


def _until_settled(
    model: Model, values: NDArray[np.float64], policy: NDArray[np.int64], follow: bool, discount: float,
    tolerance: float, most: int,
) -> int:  # fmt: skip
    for count in range(1, most + 1):
        if _swept(model, values, policy, follow, discount) <= tolerance * max(1.0, float(np.abs(values).max())):
            return count
    raise Unsettled(
        f"The values of {model.game.name} still change after {most} sweeps; "
        "plan with a discount below 1 or to a horizon."
    )


def value_iteration(model: Model, discount: float = 1.0, tolerance: float = 1e-12, most: int = 200_000) -> Plan:
    """The best values and a policy that earns them, by sweeps in place until no value changes by more than tolerance.

    Values start at 0. Undiscounted, that is right where every policy ends the game or not ending it does not pay. Of
    actions that are worth the same one is taken that ends the game sooner: undiscounted, walking in circles may look
    as good. Where the model is small, the values are then those of the policy, to the last digits.
    """
    values, policy = np.zeros(model.size), np.full(model.size, -1)
    sweeps = _until_settled(model, values, policy, False, discount, tolerance, most)
    if discount == 1.0 and model.game.seats == 1:
        policy = _soonest(model, values)
    exact = _solved(model, policy, discount)
    if exact is not None and (np.abs(exact - values) <= 1e-9 * (1.0 + np.abs(values))).all():
        values = exact
    return Plan(values, policy, sweeps)


def _soonest(model: Model, values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Of all policies that lose no value the one that ends the game soonest (plies discounted by 0.999)."""
    loss = np.repeat(values, np.diff(model.pairs)) - pair_values(model, values)
    good = loss <= 1e-9 * (1.0 + float(np.abs(values).max()))
    plies = replace(model, pays=np.where(np.repeat(good, np.diff(model.outcomes)), -1.0, -1e6))
    policy = np.full(model.size, -1)
    _until_settled(plies, np.zeros(model.size), policy, False, 0.999, 1e-12, 200_000)
    return policy


def evaluate(
    model: Model, policy: NDArray[np.int64] | None = None, discount: float = 1.0, tolerance: float = 1e-12,
    most: int = 200_000,
) -> Plan:  # fmt: skip
    """What a policy (a pair a state; None or -1: every action as likely) is worth in each state."""
    chosen = np.full(model.size, -1) if policy is None else policy.copy()
    values = _solved(model, chosen, discount)
    if values is not None:
        return Plan(values, chosen, 0)
    values = np.zeros(model.size)
    sweeps = _until_settled(model, values, chosen, True, discount, tolerance, most)
    return Plan(values, chosen, sweeps)


def _solved(model: Model, policy: NDArray[np.int64], discount: float) -> NDArray[np.float64] | None:
    """The values of a policy as the solution of its linear equations; None if they are too many or have none."""
    if model.size > MOST_EQUATIONS:
        return None
    state = np.repeat(np.arange(model.size), np.diff(model.pairs))
    ways = np.diff(model.pairs)[state]
    weight = np.where(policy[state] < 0, 1.0 / ways, policy[state] == np.arange(len(state)))
    pair = np.repeat(np.arange(len(state)), np.diff(model.outcomes))
    share = weight[pair] * model.odds
    goes = model.to >= 0
    system = np.eye(model.size)
    np.subtract.at(system, (state[pair][goes], model.to[goes]), discount * share[goes])
    paid = np.bincount(state[pair], weights=share * model.pays, minlength=model.size)
    try:
        values = np.linalg.solve(system, paid).astype(np.float64)
    except np.linalg.LinAlgError:
        return None
    return values if np.abs(system @ values - paid).max() <= 1e-9 * max(1.0, float(np.abs(values).max())) else None


def policy_iteration(model: Model, discount: float = 1.0, tolerance: float = 1e-12, most: int = 200_000) -> Plan:
    """The best values and policy, by evaluating and improving in turn (Howard 1960), from play at random.

    Play at random ends every game here, and an improved policy ends those that the last one ended: so undiscounted
    values exist throughout. `sweeps` counts the policies. A state keeps its action unless another is worth more. Only
    for games of one seat: where two improve at once, neither need get better.
    """
    if model.game.seats != 1:
        raise Unable(f"Policy iteration is for games of one seat, and {model.game.name} has two; use value iteration.")
    plan = evaluate(model, None, discount, tolerance, most)
    for count in range(1, most + 1):
        worths = pair_values(model, plan.values, discount)
        kept = np.where(plan.policy >= 0, worths[plan.policy], -np.inf)
        best = np.maximum.reduceat(worths, model.pairs[:-1])
        better = best > kept + 1e-10 * (1.0 + np.abs(best))
        if not better.any():
            return Plan(plan.values, plan.policy, count)
        greedy = greedy_policy(model, plan.values, discount)
        plan = evaluate(model, np.where(better, greedy, plan.policy), discount, tolerance, most)
    raise Unsettled(f"The policy for {model.game.name} still changes after {most} improvements; report this.")


def pair_values(model: Model, values: NDArray[np.float64], discount: float = 1.0) -> NDArray[np.float64]:
    """[P] what each pair is worth to seat 0 by the values of the states after it."""
    ahead = np.where(model.to >= 0, values[model.to], 0.0)
    return np.add.reduceat(model.odds * (model.pays + discount * ahead), model.outcomes[:-1])


def greedy_policy(model: Model, values: NDArray[np.float64], discount: float = 1.0) -> NDArray[np.int64]:
    """[S] the pair that looks best from each state, by the values of the states after it."""
    policy = np.full(model.size, -1)
    _swept(model, values, policy, False, discount, np.empty(model.size))
    return policy


def to_horizon(model: Model, plies: int, discount: float = 1.0) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """(values [plies + 1, S], policy [plies, S]) of the best play with t plies left, by backward induction.

    values[t] are those with t plies left, policy[t] what to play with t + 1 left.
    """
    values, policy = np.zeros((plies + 1, model.size)), np.full((plies, model.size), -1)
    for t in range(plies):
        _swept(model, values[t], policy[t], False, discount, values[t + 1])
    return values, policy


ITERATIONS: dict[str, Callable[[Model, float], Plan]] = {"value": value_iteration, "policy": policy_iteration}
"""How the planner may plan without a clock."""


class Planner:
    """Plays what planning found, exactly.

    discount   of a ply
    clock      whether it looks at the clock of the game's limit
    iteration  value or policy: how it plans without the clock
    """

    def __init__(self, discount: float = 1.0, clock: bool = False, iteration: str = "value") -> None:
        if isinstance(discount, (bool, str)) or not 0.0 <= discount <= 1.0:
            raise ValueError(
                f"discount is a number from 0 to 1, not {discount}; write for example planner:discount=0.99."
            )
        if not isinstance(clock, bool):
            raise ValueError(f"clock is true or false, not {clock}; write for example planner:clock=true.")
        if iteration not in ITERATIONS:
            raise ValueError(
                f"iteration is {' or '.join(ITERATIONS)}, not {iteration}; write planner:iteration=policy."
            )
        if clock and iteration != "value":
            raise ValueError("To a clock one plans back from the end, and iterates nothing; leave iteration out.")
        chosen = [f"discount={discount:g}"] * (discount != 1.0) + ["clock=true"] * clock
        chosen += [f"iteration={iteration}"] * (iteration != "value")
        self.name = "planner" + (f":{','.join(chosen)}" if chosen else "")
        self.discount, self.clock, self.plan = float(discount), clock, ITERATIONS[iteration]
        self.plans: dict[str, tuple[Model, NDArray[np.float64], NDArray[np.int64]]] = {}

    def begin(self, game: Game, seeds: NDArray[np.uint64]) -> Memory:
        """Plans, at the first game of each kind."""
        if game.name not in self.plans:
            model = explore(game)
            if self.clock:
                values, policy = to_horizon(model, game.max_plies, self.discount)
                self.plans[game.name] = model, values[1:], policy
            else:
                plan = self.plan(model, self.discount)
                self.plans[game.name] = model, plan.values[None], plan.policy[None]
        return {"rng": seeds ^ np.uint64(0x9A)}

    def act(self, view: View, memory: Memory) -> Decision:
        """The planned action; an evenly drawn one where a position is none that the game can come to."""
        if view.game.name not in self.plans or view.keys is None or view.rows is None:
            raise Unable(f"{self.name} has not begun a game of {view.game.name}; call begin first.")
        model, values, policy = self.plans[view.game.name]
        states = model.find(view.keys)
        left = view.game.max_plies - 1 - view.rows["ply"].astype(np.int64) if self.clock else np.zeros(len(states), int)
        rng = memory["rng"].copy()
        stray = pick_legal(view.legal, rng)
        chosen = policy[np.maximum(left, 0), states]
        action = np.where(states >= 0, model.action[chosen], stray)
        sign = np.where(view.seat == 0, 1.0, -1.0)
        value = np.where(states >= 0, values[np.maximum(left, 0), states], 0.0) * sign
        return Decision(action, {"rng": rng}, {"value": value})
