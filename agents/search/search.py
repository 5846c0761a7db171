"""Search: grows a forest from B positions and says what it found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from agents.ranges import within
from agents.search.forest import continuations, grow, plant, results
from agents.search.formulas import considered_visits
from agents.search.nodes import GUMBEL, PUCT, Rules, new_forest, tree_bytes
from agents.symmetry import Symmetric
from envs import kernels
from envs.game import Game, Rows

Evaluate: TypeAlias = Callable[[NDArray[np.float32]], tuple[NDArray[np.float32], NDArray[np.float32]]]
"""observations [B, *shape] -> (policy logits [B, A], values [B] in (-1, 1) for the seat to move)."""


@dataclass(frozen=True)
class Search:
    """How positions are searched.

    kind           puct (Silver et al. 2017) or gumbel (Danihelka et al. 2022), which needs fewer simulations
    simulations    new positions looked at per move; 0 asks the network alone
    c_puct         weight of the prior against the value
    fpu_reduction  how much worse than its node an untried move is taken to be
    noise_share    share of the root's prior that is Dirichlet noise (puct); 0 = none
    noise_alpha    concentration of that noise; about 10 / legal moves
    gumbel_scale   size of the root's Gumbel noise (gumbel); 0 = none
    considered     moves that sequential halving begins with (gumbel)
    c_visit, c_scale  how much a value is worth in units of logit (gumbel, and every improved policy)
    average        whether the network's answers are averaged over the symmetries of the board (each is asked)
    """

    kind: Literal["puct", "gumbel"] = "puct"
    simulations: int = 64
    c_puct: float = 1.5
    fpu_reduction: float = 0.2
    noise_share: float = 0.0
    noise_alpha: float = 1.0
    gumbel_scale: float = 0.0
    considered: int = 16
    c_visit: float = 50.0
    c_scale: float = 0.2
    average: bool = False

    def __post_init__(self) -> None:
        if self.kind not in ("puct", "gumbel"):
            raise ValueError(f"A search's kind is puct or gumbel, not {self.kind!r}.")
        within(self, simulations=f"[0, {MOST_SIMULATIONS}]", c_puct="[0, inf)", fpu_reduction="[0, inf)")
        within(self, noise_share="[0, 1]", noise_alpha="(0, inf)", gumbel_scale="[0, inf)", considered="[1, inf)")
        within(self, c_visit="[0, inf)", c_scale="[0, inf)")


MOST_SIMULATIONS = 100_000
MOST_BYTES = 512 * 1024**2
"""Of trees that grow side by side; more positions are searched in pieces."""


class Found(NamedTuple):
    """What B searches found; all values as the seat to move sees them."""

    visits: NDArray[np.float32]
    """[B, A]"""
    q: NDArray[np.float32]
    """[B, A], NaN where no simulation went."""
    value: NDArray[np.float32]
    """[B], exact where `proven`; else NaN where the network has answered what is no finite number."""
    policy: NDArray[np.float32]
    """[B, A] the policy that the search would teach: improved over the prior, proved losses left out."""
    prior: NDArray[np.float32]
    """[B, A] by the network, without noise."""
    proven: NDArray[np.bool_]
    """[B] whether the value is exact."""
    best: NDArray[np.int64]
    """[B] the move to play when nothing is to be explored."""
    evaluations: int
    """Positions that went to the network."""
    continuations: NDArray[np.int16]
    """[B, A, depth] the moves most visited from each move on, the move itself first; -1 past the end."""


def search(
    game: Game, rows: Rows, evaluate: Evaluate | None, settings: Search, rng: NDArray[np.uint64], depth: int = 0
) -> Found:
    """Searches B positions, none of them done, side by side; rng [B] feeds the noise and moves on.

    Without `evaluate` nobody is asked: every move is as likely as another, and a position worth 0 unless it is proved.
    `depth` is how many moves of each continuation are wanted. Trees of more than MOST_BYTES in all are grown in pieces
    of B, which changes nothing but the sizes of the batches that are evaluated.
    """
    if evaluate is not None and settings.average:
        evaluate = Symmetric(evaluate, game)
    size = max(1, MOST_BYTES // tree_bytes(game, settings.simulations))
    parts = [
        _search(game, rows[at : at + size], evaluate, settings, rng[at : at + size], depth)
        for at in range(0, max(1, len(rows)), size)
    ]
    if len(parts) == 1:
        return parts[0]
    columns = [name for name in Found._fields if name != "evaluations"]
    joined = {name: np.concatenate([getattr(part, name) for part in parts]) for name in columns}
    return Found(**joined, evaluations=sum(part.evaluations for part in parts))


def _search(
    game: Game, rows: Rows, evaluate: Evaluate | None, settings: Search, rng: NDArray[np.uint64], depth: int
) -> Found:
    b = len(rows)
    forest = new_forest(game, b, settings.simulations)
    if evaluate is None:
        obs = np.empty((0, *game.shape), np.float32)
        logits, values = np.zeros((b, game.actions), np.float32), np.zeros(b, np.float32)
        lost = np.zeros(b, np.bool_)
    else:
        obs = kernels.view(game, rows).obs
        logits, values, lost = _answers(evaluate, obs)
    gumbel = settings.kind == "gumbel"
    share = -settings.gumbel_scale if gumbel else settings.noise_share
    plant(game, forest, rows, logits, values, (float(share), settings.noise_alpha), rng)
    considered = min(settings.considered, game.actions)
    table = considered_visits(considered, max(1, settings.simulations))
    rules = Rules(
        GUMBEL if gumbel else PUCT,
        evaluate is not None,
        settings.simulations,
        settings.c_puct,
        settings.fpu_reduction,
        settings.c_visit,
        settings.c_scale,
        considered,
    )
    waiting, evaluations = np.arange(b), 0
    count = grow(game, forest, rules, table, waiting, b, logits, values, obs)
    if evaluate is not None:
        evaluations = b
        while count:
            logits, values, wrong = _answers(evaluate, obs[:count])
            lost[waiting[:count][wrong]] = True
            evaluations += count
            count = grow(game, forest, rules, table, waiting, count, logits, values, obs)
    visits, q, policy = (np.empty((b, game.actions), np.float32) for _ in range(3))
    value, proven, keeps = np.empty(b, np.float32), np.empty(b, np.bool_), np.empty(q.shape, np.bool_)
    results(game, forest, rules, visits, q, value, proven, keeps, policy)
    value[lost & ~proven] = np.nan
    prior = np.exp(forest.trees["logits"])
    if gumbel:
        most = visits >= visits.max(1, keepdims=True)
        score = np.where(most, np.log(policy + 1e-30) + forest.trees["noise"], -np.inf)
    else:
        policy = visit_policy(visits, q, prior)
        score = policy
    policy[proven] = keep_value(policy[proven], keeps[proven])
    score[proven] = policy[proven]
    best = score.argmax(1)
    lines = np.full((b, game.actions, depth), -1, np.int16)
    if depth:
        continuations(game, forest, lines)
    return Found(visits, q, value, policy, prior, proven, best, evaluations, lines)


def _answers(
    evaluate: Evaluate, obs: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_]]:
    """A network's logits and values, 0 where they are no finite numbers, and [B] where that was.

    Of NaN no move is the best, and the rules trust what they are given to be a legal one.
    """
    logits, values = evaluate(obs)
    lost = ~(np.isfinite(logits).all(1) & np.isfinite(values))
    if lost.any():
        logits, values = np.where(lost[:, None], np.float32(0), logits), np.where(lost, np.float32(0), values)
    return logits, values, lost


def visit_policy(
    visits: NDArray[np.float32], q: NDArray[np.float32], prior: NDArray[np.float32]
) -> NDArray[np.float32]:
    """[B, A] shares of visits, those of moves proved lost taken away; the prior where that leaves none."""
    with np.errstate(invalid="ignore"):
        kept = np.where(q <= -1.0, np.float32(0), visits)
    total = kept.sum(1, keepdims=True)
    if not total.all():
        kept = np.where(total > 0, kept, prior)
        total = kept.sum(1, keepdims=True)
    return kept / total


def keep_value(policy: NDArray[np.float32], keeps: NDArray[np.bool_]) -> NDArray[np.float32]:
    """[B, A] a policy held to the moves that keep a proved value; where none is marked, nothing means anything."""
    kept = np.where(keeps, policy + 1e-6, 0.0)
    return (kept / np.maximum(kept.sum(1, keepdims=True), 1e-30)).astype(np.float32)
