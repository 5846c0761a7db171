"""Hands: whole games in a compiled loop, where what a seat can tell is looked at by the network once a fragment.

In a small game the same information sets come up over and over: in Leduc poker there are 936 of them. So the network is
asked once for each that comes up, in batches, and the games are played by what it said; and what is learned from is not
every decision, but each action in each information set, with how often it was taken and what it paid in the mean. The
gradient is that of the whole fragment, at a small part of its cost.

What a policy hardly ever does, nobody learns to answer; so a share of the moves may be drawn evenly, and each game
weighs, in what an action is said to pay, as much less or more as the policy would have played it (importance sampling;
with exploration, Lanctot et al. 2009, "Monte Carlo sampling for regret minimization in extensive games").
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.actor import Actor
from agents.agent import Unable
from agents.experience import Columns
from agents.networks import Network, Weights
from agents.play import Finished
from envs import kernels
from envs.game import Game, Rows
from envs.kernels import Loop, compiled, key, legal, observe, play
from envs.randomness import mix, next_random, unit

TOLD = 100
"""Games of a fragment that are told one by one; those there are besides are in the columns alone."""
ROOM = 4096
"""Information sets that there is room for at first."""
LEAST = 1e-30
"""That the games behind an action weigh, so that nothing is divided by 0."""
MOST_BYTES = 2**30
"""What a worker may take for its games, and as much again for their information sets."""


class Known:
    """Information sets that have come up, by a hash table of their keys, and what the network says of each.

    used   how many there are         slots  [2^n] the number of the set in each place of the hash table, or -1
    after  [sets, 2] the set of its seat's own decision before, and what it did there; -1 where that was none
    reach  [sets] how likely a seat was to be drawn there, had all else led there
    """

    def __init__(self, game: Game) -> None:
        self.game, self.used = game, 0
        self.slots = np.full(4 * ROOM, -1)
        self.keys = np.zeros(ROOM, np.uint64)
        self.obs = np.zeros((ROOM, *game.shape), np.float32)
        self.legal = np.zeros((ROOM, game.actions), np.bool_)
        self.policy = np.zeros((ROOM, game.actions), np.float32)
        self.value = np.zeros(ROOM, np.float32)
        self.after = np.zeros((ROOM, 2), np.int32)
        self.reach = np.zeros(ROOM, np.float64)

    def make_room(self, more: int) -> None:
        """Sees to it that so many more have their place."""
        size = len(self.keys)
        while size < self.used + more:
            size *= 2
        if size == len(self.keys):
            return
        kept = (self.keys, self.obs, self.legal, self.policy, self.value, self.after, self.reach)
        each = sum(array[0].nbytes for array in kept) + 4 * self.slots.itemsize + 2 * 8 * self.game.actions
        if size * each > MOST_BYTES:  # with the hash table, and what is added up of each action
            raise Unable(
                f"Seats knew {self.used:,} different things in these games of {self.game.name}, and more would take "
                f"over {MOST_BYTES / 2**30:g} GiB; set rollouts.hands lower."
            )
        longer = (self._longer(array, size) for array in kept)
        self.keys, self.obs, self.legal, self.policy, self.value, self.after, self.reach = longer
        self.slots = np.full(4 * size, -1)
        _enter(self.keys[: self.used], self.slots)

    def _longer(self, array: NDArray[Any], size: int) -> NDArray[Any]:
        longer = np.zeros((size, *array.shape[1:]), array.dtype)
        longer[: self.used] = array[: self.used]
        return longer


class Hands:
    """A worker's games: so many whole ones a fragment, by a network that plays all seats.

    Columns, the first axis one an action in an information set that it was taken in: obs [R, 1, *shape],
    legal [R, 1, A], and [R, 1] action, log_p, value, done, valid, fresh, reward: the mean of all that its seat was paid
    from there to the end, had all seats played the policy; count: how often it was taken; alike: decisions of its
    information set; set: its key, int64; above, by: the key of the set of its seat's own decision before, and what it
    did there, -1 where that was none; reach: how likely its seat was to be drawn to the set, had all else led there.
    """

    backend = "torch"

    def __init__(self, network: Network, games: int, seed: int, explore: float = 0.0) -> None:
        rules = network.game
        if reason := hindrance(network):
            raise Unable(f"Whole hands cannot be played here, for {reason}; set rollouts.hands to 0.")
        each = rules.row.itemsize + (rules.max_plies + 1) * (13 + 4 * rules.seats)  # bytes of the arrays below
        if games * each > MOST_BYTES:
            raise Unable(
                f"{games:,} games of {rules.name} at once, of up to {rules.max_plies:,} plies each, take over "
                f"{MOST_BYTES / 2**30:g} GiB; set rollouts.hands to {MOST_BYTES // each:,} or less."
            )
        self.game, self.games, self.seed, self.explore = rules, games, seed, explore
        self.actor = Actor(network)
        self.evaluations = self.begun = 0
        size = (games, rules.max_plies + 1)
        self.rows = np.zeros(games, rules.row)
        self.rng = np.zeros(games, np.uint64)
        self.length = np.zeros(games, np.int64)
        self.sets, self.actions = np.zeros(size, np.int32), np.zeros(size, np.int32)
        self.seats = np.zeros(size, np.int8)
        self.paid = np.zeros((*size, rules.seats), np.float32)
        self.ratio = np.zeros(size, np.float32)

    def load(self, arrays: Weights) -> None:
        self.actor.load(arrays)

    def collect(self, positions: int) -> tuple[Columns, list[Finished]]:
        """Plays the games; it takes no notice of `positions`."""
        starts = kernels.seeds(self.seed, self.games, 3, self.begun)
        kernels.reset_rows(self.game, self.rows, starts)
        self.rng = kernels.seeds(self.seed, self.games, 4, self.begun)
        self.length[:] = 0
        known, looked = Known(self.game), 0
        while True:
            known.make_room(self.games)
            known.used = play_on(
                self.game, self.rows, self.rng, known.slots, known.keys, known.obs, known.legal, known.after,
                known.reach, known.policy, looked, known.used, self.explore, self.length, self.sets, self.actions,
                self.seats, self.paid, self.ratio,
            )  # fmt: skip
            if known.used == looked:
                break
            self._look(known, looked)
            looked = known.used
        size = (known.used, self.game.actions)
        count, weight, total = np.zeros(size), np.zeros(size), np.zeros(size)
        add_up(self.length, self.sets, self.actions, self.seats, self.paid, self.ratio, count, weight, total)
        self.begun += self.games
        return _columns(known, count, total / np.maximum(weight, LEAST)), [
            self._finished(i, int(starts[i])) for i in range(min(TOLD, self.games))
        ]

    def _look(self, known: Known, start: int) -> None:
        """Asks the network about the information sets from `start` on."""
        at = slice(start, known.used)
        count = known.used - start
        acted = self.actor.act(known.obs[at], known.legal[at], {}, np.zeros(count, np.uint64))
        known.policy[at], known.value[at] = acted.policy, acted.value
        lost = np.flatnonzero(~np.isfinite(acted.policy).all(1))  # nothing can be drawn there: one legal move is played
        known.policy[start + lost, acted.action[lost]] = 1.0
        self.evaluations += count

    def _finished(self, lane: int, seed: int) -> Finished:
        plies = int(self.length[lane])
        moves = self.actions[lane, :plies].tolist()
        returns = tuple(self.paid[lane, :plies].astype(np.float64).sum(0).tolist())
        return Finished(seed, (0,) * self.game.seats, 0, moves, returns, self.begun - self.games + lane)

    def state(self) -> Mapping[str, Any]:
        """How many games there were: each fragment begins new ones."""
        return {"begun": self.begun}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.begun = int(state["begun"])


def hindrance(network: Network) -> str:
    """Why a network cannot play whole hands; "" where seats move by what is numbered, and the network by that alone."""
    rules = network.game
    if rules.key is None or rules.foreign or rules.simultaneous:
        return f"{rules.name} does not number what a seat knows at its turn"
    if network.memory:
        return f"{network.spec} remembers more than a seat knows at its turn"
    if "policy" not in network.heads or "q" in network.heads:
        return f"moves are drawn from a policy alone, and this network's heads are {', '.join(network.heads)}"
    return ""


def _columns(known: Known, count: NDArray[np.float64], mean: NDArray[np.float64]) -> Columns:
    at, action = np.nonzero(count)
    often = count[at, action]
    ones = np.ones((len(at), 1), np.bool_)
    columns = {
        "obs": known.obs[at],
        "legal": known.legal[at],
        "action": action,
        "log_p": np.log(np.maximum(known.policy[at, action], np.float32(LEAST))),
        "value": known.value[at],
        "reward": mean[at, action].astype(np.float32),
        "count": often.astype(np.float32),
        "alike": count.sum(1)[at].astype(np.float32),
        "set": known.keys[at].view(np.int64),
        "above": np.where(known.after[at, 0] < 0, -1, known.keys[known.after[at, 0]].view(np.int64)),
        "by": known.after[at, 1].astype(np.int64),
        "reach": known.reach[at].astype(np.float32),
    }
    return {name: column[:, None] for name, column in columns.items()} | {"done": ones, "valid": ones, "fresh": ones}


@Loop
def play_on(
    rows: Rows, rng: NDArray[np.uint64], slots: NDArray[np.int64], keys: NDArray[np.uint64], obs: NDArray[np.float32],
    mask: NDArray[np.bool_], after: NDArray[np.int32], reach: NDArray[np.float64], policy: NDArray[np.float32],
    looked: int, used: int, explore: float, length: NDArray[np.int64], sets: NDArray[np.int32],
    actions: NDArray[np.int32], seats: NDArray[np.int8], paid: NDArray[np.float32], ratio: NDArray[np.float32],
) -> int:  # fmt: skip
    """Plays every game until it is over, or comes to an information set that has not been `looked` at.

    Writes down those that are new and returns how many there are now; of each ply [B, plies] the set, the action, the
    seat, what all seats were paid, and how likely the policy takes the action over how likely it was drawn here, with
    `explore` of the moves drawn evenly.
    """
    last = np.uint64(slots.shape[0] - 1)
    for i in range(rows.shape[0]):
        while not rows[i].done:
            word = key(rows[i])
            place = mix(word) & last
            while slots[place] >= 0 and keys[slots[place]] != word:
                place = (place + np.uint64(1)) & last
            at = slots[place]
            if at < 0:
                at = used
                slots[place] = at
                keys[at] = word
                observe(rows[i], obs[at])
                legal(rows[i], mask[at])
                after[at], reach[at] = -1, 1.0
                for ply in range(length[i]):
                    if seats[i, ply] == rows[i].seat:
                        last_set, action = sets[i, ply], actions[i, ply]
                        after[at, 0], after[at, 1] = last_set, action
                        even = explore / mask[last_set].sum()
                        reach[at] = reach[last_set] * ((1.0 - explore) * policy[last_set, action] + even)
                used += 1
            if at >= looked:
                break
            moves = 0
            for a in range(mask.shape[1]):
                moves += mask[at, a]
            ply, left, action = length[i], unit(next_random(rng, i)), -1
            for a in range(mask.shape[1]):
                drawn = (1.0 - explore) * policy[at, a] + explore * mask[at, a] / moves
                if drawn > 0.0:
                    action = a
                    ratio[i, ply] = policy[at, a] / drawn
                    left -= drawn
                    if left < 0.0:
                        break
            sets[i, ply], actions[i, ply], seats[i, ply] = at, action, rows[i].seat
            play(rows[i], action)
            for seat in range(paid.shape[2]):
                paid[i, ply, seat] = rows[i].reward[seat]
            length[i] = ply + 1
    return used


@compiled
def add_up(
    length: NDArray[np.int64],
    sets: NDArray[np.int32],
    actions: NDArray[np.int32],
    seats: NDArray[np.int8],
    paid: NDArray[np.float32],
    ratio: NDArray[np.float32],
    count: NDArray[np.float64],
    weight: NDArray[np.float64],
    total: NDArray[np.float64],
) -> None:
    """How often action a was taken in set s, what these games weigh together, and what they paid from there to the end.

    count, weight, total [sets, A]. A game weighs the ratios of the others' moves before, and of all moves after: its
    seat's own before are the same throughout the set, in which a seat forgets nothing that it did.
    """
    to_come, others = np.zeros(paid.shape[2]), np.ones(paid.shape[2])
    before = np.ones(paid.shape[1])
    for i in range(length.shape[0]):
        others[:] = 1.0
        for ply in range(length[i]):
            before[ply] = others[seats[i, ply]]
            for seat in range(len(others)):
                if seat != seats[i, ply]:
                    others[seat] *= ratio[i, ply]
        to_come[:] = 0.0
        after = 1.0
        for ply in range(length[i] - 1, -1, -1):
            for seat in range(paid.shape[2]):
                to_come[seat] += paid[i, ply, seat]
            at, action = sets[i, ply], actions[i, ply]
            count[at, action] += 1.0
            weight[at, action] += before[ply] * after
            total[at, action] += before[ply] * after * to_come[seats[i, ply]]
            after *= ratio[i, ply]


@compiled
def _enter(keys: NDArray[np.uint64], slots: NDArray[np.int64]) -> None:
    last = np.uint64(slots.shape[0] - 1)
    for i in range(keys.shape[0]):
        place = mix(keys[i]) & last
        while slots[place] >= 0:
            place = (place + np.uint64(1)) & last
        slots[place] = i
