"""Checks against what is known exactly: values of a small game, and the weights of a run that was not stopped."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from agents.agent import Unable
from agents.exact.planning import pair_values, value_iteration
from agents.exact.transitions import Model, explore
from agents.learn.learner import kept_weights
from agents.learn.q_learning import QLearning
from agents.networks import load_weights
from agents.search.search import Search
from agents.self_play import SelfPlay
from arena.checkpoint import load_state, save_state
from arena.doctor.findings import Finding, bad, good
from arena.doctor.subject import BOARD, GRID, Subject, Trial
from arena.train import Plan, Trainer
from envs import kernels
from envs.game import Game, Row, Rows, row_dtype, rule
from envs.registry import game as game_of

EXACT = "values in a small game are the exact ones"
RESUME = "stopped and gone on, it comes to the same weights"
SEARCHED = "the second of two wins by answering alike: it does, and both know"
DISCOUNT = 0.9
STEPS = 20_000
AT_LENGTH = {
    "discount": DISCOUNT,
    "explore": 0.5,
    "epsilon": 0.1,
    "learn_from": 500,
    "target_every": 100,
    "entropy": 0.01,
}
"""Settings and decisions for the small game."""
VISITED = 0.02
"""States that take at least so much of the play's time count."""


# --- a game of two plies for learners that search ---------------------------------------------------------------------


@rule
def _begin(row: Row) -> None:
    row.said = 0.0


@rule
def _anything(row: Row, out) -> None:
    out[:] = True


@rule
def _see(row: Row, out) -> None:
    out[0], out[1] = row.ply, row.said


@rule
def _answer(row: Row, action: int) -> None:
    said = 2.0 * action - 1.0
    if row.ply == 1:
        row.reward[1] = 1.0 if said == row.said else -1.0
        row.reward[0] = -row.reward[1]
        row.done = True
    row.said = said
    row.ply += 1
    row.seat = 1 - row.seat


ANSWERED = Game(
    name="answered", seats=2, actions=2, shape=(2,), row=row_dtype(2, said="f4"), reset=_begin, play=_answer,
    legal=_anything, observe=_see, names=("left", "right"), max_plies=2,
)  # fmt: skip


def small_search() -> SelfPlay:
    """Self-play of a moment."""
    search = Search(simulations=16, noise_share=0.25, noise_alpha=1.0)
    return SelfPlay(lanes=64, search=search, fast_simulations=8, full_share=1.0)


def _looked(trial: Trial, rows: Rows) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(values [B] in (-1, 1), policy [B, A]) of positions by the weights that play."""
    network = trial.network.twin().eval()
    load_weights(network, trial.learner.weights())
    view = kernels.view(network.game, rows)
    with torch.inference_mode():
        out = network(torch.from_numpy(view.obs))
        policy = torch.softmax(out["policy"].masked_fill(~torch.from_numpy(view.legal), -1e9), 1)
        return torch.tanh(out["value"] / 2).numpy(), policy.numpy()


def answered_check(subject: Subject) -> Finding:
    """Positions: the first seat's, lost; the second's after each word, won by the same word."""
    trial = subject.trial(ANSWERED, playing=small_search())
    trial.train(250)
    rows = kernels.new_rows(ANSWERED, kernels.seeds(0, 3))
    kernels.play_rows(ANSWERED, rows[1:], np.array([0, 1]))
    value, policy = _looked(trial, rows)
    right = float(min(policy[1, 0], policy[2, 1]))
    said = f"found {value[0]:+.2f}, {value[1]:+.2f}, {value[2]:+.2f}; true is -1, +1, +1; answers right {right:.0%}"
    about = SEARCHED
    if value[0] > 0.3 and value[1:].max() < -0.3:
        return bad("answered", about, said, "reversed")
    if value[0] > -0.6 or value[1:].min() < 0.6:
        return bad("answered", about, said, "wrong")
    return good("answered", about, said) if right > 0.7 else bad("matched", about, said, "even")


# --- exact values ---------------------------------------------------------------------------------------------------


def exact_check(subject: Subject) -> Finding:
    """Compares with value iteration, or with the exact value of the learner's own policy where it has one."""
    if subject.player == "self_play":
        return _board_check(subject)
    if not subject.player:
        return _table_check(subject)
    rules = game_of(GRID)
    whole = getattr(subject.kind.playing, "whole", False)
    playing = subject.playing(lanes=16) if whole else subject.playing(lanes=16, steps=16)
    trial = subject.trial(rules, subject.backbone, playing, learning_rate=3e-3, **AT_LENGTH)
    trial.train(STEPS, STEPS)
    model, columns = explore(rules), trial.collect()
    rows = _rows_of(model)
    view = kernels.view(rules, rows)
    network = trial.network
    network_out = network(torch.from_numpy(view.obs))
    out = {name: tensor.detach().numpy() for name, tensor in network_out.items()}
    if "q" in out:
        found, truth = out["q"].max(1), value_iteration(model, DISCOUNT).values
    elif "returns" in out:
        policy = torch.softmax(network_out["policy"], 1).detach().numpy()
        found, truth = out["returns"], policy_values(model, policy, DISCOUNT)
    else:
        raise Unable("it expects no returns that could be compared")
    shares = _shares(view.obs, columns["obs"][columns["valid"]])
    return _compared(found, truth, shares)


def _rows_of(model: Model) -> Rows:
    """One row of each state, found by playing every action of every state."""
    rules = model.game
    rows, found = kernels.new_rows(rules, kernels.seeds(0, 1)), {}
    while len(rows):
        fresh = [row for row, name in zip(rows, kernels.keys_of(rules, rows), strict=True) if int(name) not in found]
        found |= {int(kernels.keys_of(rules, np.array([row]))[0]): row for row in fresh}
        after = []
        for row in fresh:
            legal = np.flatnonzero(kernels.view(rules, np.array([row])).legal[0])
            many = np.repeat(np.array([row]), len(legal))
            kernels.play_rows(rules, many, legal)
            after.extend(many[~many["done"]])
        rows = np.array(after, rules.row)
    return np.array([found[int(name)] for name in model.keys], rules.row)


def policy_values(model: Model, policy: NDArray[np.floating], discount: float) -> NDArray[np.float64]:
    """[S] what a policy [S, A] of probabilities is worth, by sweeps until nothing changes."""
    state = np.repeat(np.arange(model.size), np.diff(model.pairs))
    weight = policy[state, model.action].astype(np.float64)
    values = np.zeros(model.size)
    for _ in range(10_000):
        better = np.bincount(state, weight * pair_values(model, values, discount), model.size).astype(np.float64)
        if np.abs(better - values).max() < 1e-10:
            break
        values = better
    return values


def _shares(states: NDArray[np.float32], seen: NDArray[np.float32]) -> NDArray[np.float64]:
    """[S] how much of the play's time was spent in each state, told apart by what is observed."""
    flat, seen = states.reshape(len(states), -1), seen.reshape(len(seen), -1)
    return np.array([(seen == state).all(1).mean() for state in flat])


def _compared(found: NDArray, truth: NDArray, shares: NDArray) -> Finding:
    counted = shares >= VISITED
    error = float(np.abs(found - truth)[counted].mean()) if counted.any() else 1.0
    spread = float(truth[counted].max() - truth[counted].min()) if counted.any() else 0.0
    said = f"off by {error:.3f} on average in {counted.sum()} states, of values up to {truth.max():.2f}"
    about = EXACT
    if counted.sum() > 3 and spread > 0.2 and np.corrcoef(found[counted], truth[counted])[0, 1] < -0.3:
        return bad("exact", about, said, "reversed")
    return good("exact", about, said) if error <= 0.12 else bad("exact", about, said, "off")


def _table_check(subject: Subject) -> Finding:
    rules = game_of(GRID)
    trial = subject.trial(rules, discount=DISCOUNT)
    trial.train(200_000)
    assert isinstance(trial.learner, QLearning)
    model = explore(rules)
    found = trial.learner.values().q[model.keys.astype(np.int64)].max(1)
    return _compared(found, value_iteration(model, DISCOUNT).values, np.ones(model.size))


def _board_check(subject: Subject) -> Finding:
    rules = game_of(BOARD)
    trial = subject.trial(rules, playing=replace(small_search(), opening_plies=6))
    trial.train(400)
    model = explore(rules)
    generator = np.random.default_rng(subject.seed)
    rows = _some_rows(rules, generator, 400)
    exact = value_iteration(model).values[model.find(kernels.keys_of(rules, rows))] * np.where(rows["seat"] == 0, 1, -1)
    found, _ = _looked(trial, rows)
    decided = np.abs(exact) > 0.5
    agree = float((np.sign(found) == np.sign(exact))[decided].mean())
    said = f"{agree:.0%} of {decided.sum()} positions that are won or lost are seen to be"
    if agree < 0.3:
        return bad("exact", EXACT, said, "reversed")
    return good("exact", EXACT, said) if agree > 0.75 else bad("exact", EXACT, said, "off")


def _some_rows(rules: Game, generator: np.random.Generator, count: int) -> Rows:
    """Positions from random play, one of each game."""
    rows = kernels.new_rows(rules, kernels.seeds(1, count))
    plies = generator.integers(0, 7, count)
    for ply in range(7):
        on = np.flatnonzero((plies > ply) & ~rows["done"])
        part = rows[on]
        legal = kernels.view(rules, part).legal
        moves = (legal * generator.random(legal.shape)).argmax(1)
        kernels.play_rows(rules, part, moves)
        rows[on] = part
    return rows[~rows["done"]]


# --- resume -----------------------------------------------------------------------------------------------------------


def resume_check(subject: Subject) -> Finding:
    """Through the trainer and the disk: three rounds, stop, one round; against four rounds.

    What is kept has seen two updates: a running mean of one is what it is a mean of.
    """
    plan = _plan(subject)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "state"
        straight = Trainer(plan)
        straight.begin()
        straight.round(0.1)
        straight.round(0.2)
        straight.round(0.3, lambda: save_state(path, straight.state()))
        if not straight.learner.player:  # what plays by itself learned after its state was taken
            save_state(path, straight.state())
        straight.round(0.4)
        resumed = Trainer(plan, load_state(path))
        resumed.begin()
        resumed.round(0.4)
    one, other = digest(straight), digest(resumed)
    if one == other:
        return good("resume", RESUME, f"sha256 {one[:12]} both ways in {plan.game}")
    return bad("resume", RESUME, f"sha256 {one[:12]} without, {other[:12]} with a stop in {plan.game}", "other")


def _plan(subject: Subject) -> Plan:
    """A small run of the first game that it can learn."""
    settings, name = subject.settings(learn_from=16), subject.small_game()
    body, heads = subject.kind.parts(game_of(name), settings)
    playing = small_search() if subject.player == "self_play" else subject.playing(lanes=4, steps=16)
    return Plan(name, subject.algorithm, body and subject.backbone, heads, settings,
                playing if subject.player else None, subject.seed, 1, False, 200, "torch")  # fmt: skip


def digest(trainer: Trainer) -> str:
    """sha256 of the weights that play, and of those that a snapshot stores."""
    learner = trainer.learner
    arrays = [*sorted(learner.weights().items()), *sorted(kept_weights(learner).items())]
    return sha256(b"".join(name.encode() + array.tobytes() for name, array in arrays)).hexdigest()
