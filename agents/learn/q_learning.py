"""Q-learning in a table (Watkins 1989; Watkins & Dayan 1992), and SARSA, expected SARSA and double Q beside it.

    Q(s, a) <- Q(s, a) + step_size * (r + discount * V(s') - Q(s, a))

where V(s') is, by `rule`,

    q         the best action's value, max Q(s', .)                      Watkins 1989
    sarsa     Q(s', a') of the action that is then taken                 Rummery & Niranjan 1994
    expected  the mean of Q(s', .) under the epsilon-greedy policy       van Seijen et al. 2009

With `double` there are two tables: one, drawn anew each time, is updated, and what it thinks best is valued by the
other (van Hasselt 2010). Where two seats play for the same stakes each value is the mover's, and that of a position in
which the other moves counts with its sign turned (Littman 1994, for games in turns).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from agents.agent import Unable
from agents.experience import Columns
from agents.learn.learner import Metrics, State
from agents.ranges import within
from agents.table import ActionValues, History
from envs.game import Bits, Game, Row, Rows, rule
from envs.kernels import ACTIONS, Loop, compiled, key, legal, new_rows, play, restart, seeds
from envs.randomness import below, mix, next_random, unit

RULES = ("q", "sarsa", "expected")
Q, SARSA, EXPECTED = range(3)
FULL = 0.6
"""The share of a hash table's places above which it is made larger."""

borrower = partial(rule, constants=True, borrows=True)
"""Marks what every update calls: to count who holds its arrays would take longer than all the rest."""


@dataclass(frozen=True)
class QLearningSettings:
    """How a table learns.

    rule           what the next state is worth: q, sarsa or expected
    double         whether two tables value each other's choices
    discount       of a ply
    epsilon        the share of moves drawn evenly, at first
    epsilon_end    and at last; it falls in a straight line
    epsilon_share  over this share of the run
    step_size      of an update
    step_power     a pair's n-th update is n to this power times smaller; over 0.5 and up to 1 the values converge
    initial        the value of what has not been tried; higher than the truth makes it curious
    lanes          games side by side, which share the table
    round          updates a round
    history        by how many times the updates grow from one kept table to the next; 0 keeps none
    """

    rule: Literal["q", "sarsa", "expected"] = "q"
    double: bool = False
    discount: float = 0.99
    epsilon: float = 1.0
    epsilon_end: float = 0.05
    epsilon_share: float = 0.5
    step_size: float = 0.1
    step_power: float = 0.0
    initial: float = 0.0
    lanes: int = 8
    round: int = 20_000
    history: float = 1.25

    def __post_init__(self) -> None:
        if self.rule not in RULES:
            raise ValueError(f"rule must be one of {', '.join(RULES)}, and {self.rule} is not.")
        within(self, discount="[0, 1]", epsilon="[0, 1]", epsilon_end="[0, 1]", epsilon_share="[0, 1]")
        within(self, step_size="(0, 1]", step_power="[0, 1]", initial="(-inf, inf)", lanes="[1, 65536]")
        within(self, round="[1, 10000000]")
        if self.history != 0.0 and not 1.01 <= self.history <= 1e6:
            raise ValueError(f"history must be 0 or lie in [1.01, 1000000], and {self.history} does not.")


# --- the table ------------------------------------------------------------------------------------------------------


class Table(NamedTuple):
    """Values in place: where `taken` has length 0 a state's row is its key, else it is found by hashing.

    q       [1 or 2, N, A]      tried  [1 or 2, N, A] updates of each value
    keys    [N]                 taken  [N] whether a place holds a state; N is a power of 2
    used    [1] places taken
    """

    q: NDArray[np.float64]
    tried: NDArray[np.int64]
    keys: NDArray[np.uint64]
    taken: NDArray[np.bool_]
    used: NDArray[np.int64]


def new_table(tables: int, places: int, actions: int, initial: float, hashed: bool) -> Table:
    """A table in which nothing is known."""
    shape, places = (tables, places, actions), places if hashed else 0
    return Table(
        np.full(shape, initial), np.zeros(shape, np.int64), np.zeros(places, np.uint64), np.zeros(places, np.bool_),
        np.zeros(1, np.int64),
    )  # fmt: skip


@borrower
def place_of(keys: NDArray[np.uint64], taken: NDArray[np.bool_], used: NDArray[np.int64], state: Bits) -> int:
    """The row of a state, which is given a free place when it is new (open addressing, linear probing)."""
    if taken.shape[0] == 0:
        return np.int64(state)  # pyright: ignore[reportReturnType]
    last = taken.shape[0] - 1
    place = np.int64(mix(state) & np.uint64(last))
    while taken[place]:
        if keys[place] == state:
            return place  # pyright: ignore[reportReturnType]
        place = (place + 1) & last
    taken[place] = True
    keys[place] = state
    used[0] += 1
    return place  # pyright: ignore[reportReturnType]


@compiled
def _moved(old: Table, new: Table, states: NDArray[np.int64]) -> None:
    """Copies a hash table into an empty, larger one, and says in `states` where those places have gone."""
    for place in range(old.taken.shape[0]):
        if old.taken[place]:
            to = place_of(new.keys, new.taken, new.used, old.keys[place])
            for table in range(new.q.shape[0]):
                for action in range(new.q.shape[2]):
                    new.q[table, to, action] = old.q[table, place, action]
                    new.tried[table, to, action] = old.tried[table, place, action]
    for i in range(states.shape[0]):
        if old.taken[states[i]]:  # else the lane begins a game, and stands nowhere yet
            states[i] = place_of(new.keys, new.taken, new.used, old.keys[states[i]])


# --- one update after the other --------------------------------------------------------------------------------------


class Lanes(NamedTuple):
    """The games in progress, and where each stands.

    rows    [B]                         rng     [B] what moves are drawn by
    state   [B] its place in the table  action  [B] what is played next, drawn already
    paid    [B] seat 0's return so far  mask    [A] to work in
    """

    rows: Rows
    rng: NDArray[np.uint64]
    state: NDArray[np.int64]
    action: NDArray[np.int64]
    paid: NDArray[np.float64]
    mask: NDArray[np.bool_]


@borrower
def chosen(
    q: NDArray[np.float64], state: int, mask: NDArray[np.bool_], actions: int, epsilon: float, rng: NDArray[np.uint64],
    lane: int,
) -> int:  # fmt: skip
    """An action by the epsilon-greedy policy, -1 where none is legal; of those that are worth most one drawn evenly.

    Of two tables the sum counts (with one table `last` is it too, and twice a value is best where the value is).
    """
    last = q.shape[0] - 1
    stray = unit(next_random(rng, lane)) < epsilon
    top, count, best = -np.inf, 0, -1
    for a in range(actions):
        if mask[a]:
            value = 0.0 if stray else q[0, state, a] + q[last, state, a]
            if value > top:
                top, count, best = value, 0, a
            count += value == top
    if count <= 1:
        return best
    left = below(next_random(rng, lane), count)
    for a in range(actions):
        if mask[a] and (stray or q[0, state, a] + q[last, state, a] == top):
            if left == 0:
                return a
            left -= 1
    return best


@borrower
def value_of(
    q: NDArray[np.float64], table: int, state: int, mask: NDArray[np.bool_], actions: int, kind: int, epsilon: float
) -> float:
    """V(s') of the rules Q and EXPECTED: `table` says what is best, the other, if there is one, what it is worth.

    Of two tables the policy of EXPECTED is thus greedy in `table` alone; the one that plays is greedy in their sum.
    """
    valued = q.shape[0] - 1 - table
    top, best = -np.inf, 0
    for a in range(actions):
        if mask[a] and q[table, state, a] > top:
            top, best = q[table, state, a], a
    if kind == Q:
        return q[valued, state, best]
    every, greedy, count, ties = 0.0, 0.0, 0, 0
    for a in range(actions):
        if mask[a]:
            count += 1
            every += q[valued, state, a]
            if q[table, state, a] == top:
                ties += 1
                greedy += q[valued, state, a]
    return epsilon * every / count + (1.0 - epsilon) * greedy / ties


@Loop
def learn(
    lanes: Lanes, table: Table, begun: int, steps: int, kind: int, discount: float, epsilon: float, step_size: float,
    step_power: float,
) -> NDArray[np.float64]:  # fmt: skip
    """Makes `steps` moves and as many updates, a move in each lane in turn; `begun` were made before.

    The next action is drawn before the update, as SARSA needs it; it is -1 where a game begins.
    Returns [games ended, seat 0's returns in them, their plies, the sum of the sizes of all errors].
    """
    rows, rng, states, actions, paid, mask = lanes
    q, tried, keys, taken, used = table
    sums = np.zeros(4)
    lane = begun % rows.shape[0] - 1
    for _ in range(steps):
        lane = lane + 1 if lane + 1 < rows.shape[0] else 0
        row: Row = rows[lane]
        if actions[lane] < 0:
            first = place_of(keys, taken, used, key(row))
            legal(row, mask)
            states[lane], actions[lane] = first, chosen(q, first, mask, ACTIONS, epsilon, rng, lane)
        state: Any = states[lane]
        action: Any = actions[lane]
        seat = row.seat
        play(row, action)
        paid[lane] += row.reward[0]
        into = below(next_random(rng, lane), 2) if q.shape[0] == 2 else 0
        ahead, after, then = 0.0, 0, -1
        if not row.done or row.cut:  # time being up ends nothing: what would have followed counts
            after = place_of(keys, taken, used, key(row))
            legal(row, mask)
            then = chosen(q, after, mask, ACTIONS, epsilon, rng, lane)
            if then >= 0:
                valued = q.shape[0] - 1 - into
                if kind == SARSA:
                    ahead = q[valued, after, then]
                else:
                    ahead = value_of(q, into, after, mask, ACTIONS, kind, epsilon)
                ahead = ahead if row.seat == seat else -ahead
        tried[into, state, action] += 1
        size = step_size / tried[into, state, action] ** step_power if step_power > 0.0 else step_size
        error = row.reward[seat] + discount * ahead - q[into, state, action]
        q[into, state, action] += size * error
        sums[3] += abs(error)
        if row.done:
            sums[0] += 1.0
            sums[1] += paid[lane]
            sums[2] += row.ply
            paid[lane] = 0.0
            restart(row)
            then = -1
        states[lane], actions[lane] = after, then
    return sums


# --- the learner ----------------------------------------------------------------------------------------------------


class QLearning:
    """The learner: the table, the games that it plays by itself, and the table's history.

    steps  updates so far
    """

    player = ""
    playing = None
    ahead = False
    reads: tuple[str, ...] = ()
    trials: ClassVar[Mapping[str, int]] = {"every": 4_000_000}  # a fifth of a second's updates

    def __init__(self, game: Game, network: object, settings: QLearningSettings, seed: int) -> None:
        self.parts(game, settings)
        if network is not None:
            raise Unable("Q-learning keeps a table and has no network; leave the backbone and the heads out.")
        self.game, self.settings, self.steps = game, settings, 0
        hashed = game.keys == 0
        tables = 2 if settings.double else 1
        places = 1 << (4 * settings.lanes).bit_length() if hashed else game.keys
        self.table = new_table(tables, places, game.actions, settings.initial, hashed)
        self.history = History(settings.history)
        rows = new_rows(game, seeds(seed, settings.lanes, 0))
        self.lanes = self._lanes(rows, seeds(seed, settings.lanes, 1), np.zeros(settings.lanes))

    def _lanes(self, rows: Rows, rng: NDArray[np.uint64], paid: NDArray[np.float64]) -> Lanes:
        count, actions = len(rows), self.game.actions
        return Lanes(rows, rng, np.zeros(count, np.int64), np.full(count, -1), paid, np.zeros(actions, np.bool_))

    @staticmethod
    def parts(game: Game, settings: QLearningSettings) -> tuple[str, tuple[str, ...]]:
        """("", ()): there is no network. Raises `Unable` for a game that a table cannot learn."""
        if game.key is None or game.controls or game.foreign:
            raise Unable(f"Q-learning keeps a table of states, and those of {game.name} have no key; take dqn or ppo.")
        if game.seats > 2 or (game.seats == 2 and (game.pays == "general" or game.hidden or game.simultaneous)):
            raise Unable(
                f"Q-learning is for one seat, or two that see everything and play for the same stakes; {game.name} is "
                "neither, so take cfr or ppo."
            )
        return "", ()

    def epsilon(self, progress: float) -> float:
        """The share of moves drawn evenly, so far into the run."""
        how = self.settings
        over = min(1.0, progress / how.epsilon_share) if how.epsilon_share > 0.0 else 1.0
        return how.epsilon + over * (how.epsilon_end - how.epsilon)

    def update(self, experience: Columns, progress: float) -> Metrics:
        """Plays and learns one round; there is nothing to be given."""
        return self.learn(self.settings.round, progress)

    def learn(self, steps: int, progress: float) -> Metrics:
        """Makes so many updates, at the epsilon that belongs to `progress`."""
        how, epsilon = self.settings, self.epsilon(progress)
        sums, left = np.zeros(4), steps
        while left > 0:
            if self.steps == self.history.due():
                self.history.keep(self.steps, self.values())
            now = min(left, 100_000)
            if self.history.due() >= 0:
                now = min(now, self.history.due() - self.steps)
            self._make_room(2 * now)
            kind = RULES.index(how.rule)
            sums += learn(
                self.game, self.lanes, self.table, self.steps, now, kind, how.discount, epsilon, how.step_size,
                how.step_power,
            )  # fmt: skip
            self.steps += now
            left -= now
        metrics = {"train/td_error": sums[3] / steps, "train/epsilon": epsilon, "rollout/games": sums[0]}
        if sums[0]:
            metrics |= {"rollout/ep_rew_mean": sums[1] / sums[0], "rollout/ep_len_mean": sums[2] / sums[0]}
        if len(self.table.taken):
            metrics["train/states"] = float(self.table.used[0])
        return {name: float(value) for name, value in metrics.items()}

    def _make_room(self, more: int) -> None:
        """Makes a hash table large enough for so many more states."""
        places = len(self.table.taken)
        if places == 0 or self.table.used[0] + more <= FULL * places:
            return
        while self.table.used[0] + more > FULL * places:
            places *= 2
        old = self.table
        self.table = new_table(len(old.q), places, self.game.actions, self.settings.initial, True)
        _moved(old, self.table, self.lanes.state)

    def values(self) -> ActionValues:
        """The table as it would play now; of two, their mean."""
        q = self.table.q.mean(axis=0).astype(np.float32)
        if not len(self.table.taken):
            return ActionValues(q, np.zeros(0, np.uint64))
        held = np.flatnonzero(self.table.taken)
        held = held[np.argsort(self.table.keys[held])]
        return ActionValues(q[held], self.table.keys[held])

    def weights(self) -> dict[str, NDArray]:
        """The table, to be played by `agents.table.TableAgent`."""
        return self.values().arrays()

    def state(self) -> State:
        """The tables, the games in progress and the history."""
        return {
            "steps": self.steps,
            "table": dict(self.table._asdict()),
            "rows": self.lanes.rows,
            "rng": self.lanes.rng,
            "state": self.lanes.state,
            "action": self.lanes.action,
            "paid": self.lanes.paid,
            "history": self.history.arrays(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Goes on from `state`; with more lanes than there were, the new ones begin games."""
        self.steps = int(state["steps"])
        table = Table(**{name: np.array(value) for name, value in state["table"].items()})
        if table.q.shape[2] != self.game.actions or (len(table.taken) == 0 and table.q.shape[1] != self.game.keys):
            raise ValueError(f"the table is not one of {self.game.name}")
        if (len(table.q) == 2) != self.settings.double:
            raise ValueError("double was set otherwise; it cannot change within a run")
        self.table = table
        kept = min(len(self.lanes.rows), len(state["rows"]))
        for name in ("rows", "rng", "state", "action", "paid"):
            getattr(self.lanes, name)[:kept] = state[name][:kept]
        self.history = History.of(self.game, state["history"], self.settings.history)


def train(
    game: Game, settings: QLearningSettings | None = None, steps: int = 100_000, seed: int = 0, rounds: int = 100
) -> QLearning:
    """A learner after `steps` updates, over which its epsilon has fallen as it would over a run of so many."""
    learner = QLearning(game, None, settings or QLearningSettings(), seed)
    for i in range(rounds):
        learner.learn(steps * (i + 1) // rounds - steps * i // rounds, i / rounds)
    learner.history.keep(learner.steps, learner.values())
    return learner
