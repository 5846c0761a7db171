"""Returns and advantages as pure functions of arrays, compiled.

All take tracks: [N, T], one seat's own decisions of a fragment in their order. reward[n, t] is what that seat was paid
from its decision t until its next; value[n, t] what it expected at t; done[n, t] that the game ended there by its
rules, after which nothing follows. Entries that are not `valid` were looked at and not decided: the positions at which
a game was cut short or the fragment ended. Their value stands for all that would have followed, and no return reaches
back over them. Where a result means nothing it is 0.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from envs.kernels import compiled

Reals = NDArray[np.float32]
Flags = NDArray[np.bool_]


@compiled
def _gae(reward: Reals, value: Reals, done: Flags, valid: Flags, discount: float, decay: float, out: Reals) -> None:
    for n in range(reward.shape[0]):
        ahead, after = 0.0, 0.0
        for t in range(reward.shape[1] - 1, -1, -1):
            if valid[n, t]:
                kept = 0.0 if done[n, t] else discount
                delta = reward[n, t] + kept * after - value[n, t]
                ahead = delta + kept * decay * ahead
            else:
                ahead = 0.0
            out[n, t] = ahead
            after = value[n, t]


def gae(reward: Reals, value: Reals, done: Flags, valid: Flags, *, discount: float, decay: float) -> Reals:
    """Generalised advantages (Schulman et al. 2016, arXiv:1506.02438, eq. 16).

    A_t = sum_l (discount decay)^l delta_(t+l), delta_t = reward_t + discount value_(t+1) - value_t. A_t + value_t is
    the lambda-return.
    """
    out = np.zeros(reward.shape, np.float32)
    _gae(*_plain(reward, value, done, valid), float(discount), float(decay), out)
    return out


def lambda_returns(reward: Reals, value: Reals, done: Flags, valid: Flags, *, discount: float, decay: float) -> Reals:
    """G_t = reward_t + discount ((1 - decay) value_(t+1) + decay G_(t+1)) (Sutton & Barto 2018, eq. 12.2)."""
    return np.where(valid, gae(reward, value, done, valid, discount=discount, decay=decay) + value, 0).astype(
        np.float32
    )


@compiled
def _n_step(
    reward: Reals,
    done: Flags,
    valid: Flags,
    discount: float,
    n: int,
    total: Reals,
    ahead: NDArray[np.int64],
    left: Reals,
) -> None:
    steps = reward.shape[1]
    for i in range(reward.shape[0]):
        for t in range(steps):
            share, at = 1.0, t
            while valid[i, at] and at - t < n:
                total[i, t] += share * reward[i, at]
                share *= discount
                if done[i, at]:
                    share = 0.0
                    break
                at += 1
                if at == steps:  # no position was kept from which to go on
                    share, at = 0.0, t
                    break
            ahead[i, t] = at
            left[i, t] = share


def n_step(
    reward: Reals, done: Flags, valid: Flags, *, discount: float, n: int
) -> tuple[Reals, NDArray[np.int64], Reals]:
    """(sums of up to n discounted rewards, the t' from whose value to go on, by what to multiply it): all [N, T].

    G_t = sum_(k<m) discount^k reward_(t+k) + discount^m value_(t+m), with m = n, or less where the game or the track
    ends sooner; what to multiply is 0 after the end of a game (Watkins 1989; Sutton & Barto 2018, eq. 7.1).
    """
    total, left = np.zeros(reward.shape, np.float32), np.zeros(reward.shape, np.float32)
    ahead = np.zeros(reward.shape, np.int64)
    reward = np.ascontiguousarray(reward, np.float32)
    _n_step(
        reward, np.ascontiguousarray(done), np.ascontiguousarray(valid), float(discount), int(n), total, ahead, left
    )
    return total, ahead, left


def reward_to_go(reward: Reals, value: Reals, done: Flags, valid: Flags, *, discount: float) -> Reals:
    """G_t = reward_t + discount G_(t+1); the value stands for what a cut or the fragment's end left out."""
    return lambda_returns(reward, value, done, valid, discount=discount, decay=1.0)


@compiled
def _v_trace(
    ratio: Reals,
    reward: Reals,
    value: Reals,
    done: Flags,
    valid: Flags,
    discount: float,
    decay: float,
    clip_delta: float,
    clip_trace: float,
    target: Reals,
    advantage: Reals,
) -> None:
    for n in range(reward.shape[0]):
        ahead, after, target_after = 0.0, 0.0, 0.0
        for t in range(reward.shape[1] - 1, -1, -1):
            if valid[n, t]:
                kept = 0.0 if done[n, t] else discount
                rho = min(clip_delta, ratio[n, t])
                trace = decay * min(clip_trace, ratio[n, t])
                delta = rho * (reward[n, t] + kept * after - value[n, t])
                advantage[n, t] = rho * (reward[n, t] + kept * target_after - value[n, t])
                ahead = delta + kept * trace * ahead
                target[n, t] = value[n, t] + ahead
                target_after = target[n, t]
            else:
                ahead = 0.0
                target_after = value[n, t]
            after = value[n, t]


def v_trace(
    ratio: Reals,
    reward: Reals,
    value: Reals,
    done: Flags,
    valid: Flags,
    *,
    discount: float,
    decay: float = 1.0,
    clip_delta: float = 1.0,
    clip_trace: float = 1.0,
) -> tuple[Reals, Reals]:
    """V-trace (Espeholt et al. 2018, arXiv:1802.01561, eq. 1): (targets v_t, advantages of the policy gradient).

    v_t = V_t + delta_t + discount c_t (v_(t+1) - V_(t+1)), delta_t = rho_t (r_t + discount V_(t+1) - V_t),
    rho_t = min(clip_delta, ratio_t), c_t = decay min(clip_trace, ratio_t); ratio is pi(a) / mu(a), of the policy that
    learns to the one that played. The advantage is rho_t (r_t + discount v_(t+1) - V_t).
    """
    target, advantage = np.zeros(reward.shape, np.float32), np.zeros(reward.shape, np.float32)
    arrays = (np.ascontiguousarray(ratio, np.float32), *_plain(reward, value, done, valid))
    numbers = (float(discount), float(decay), float(clip_delta), float(clip_trace))
    _v_trace(*arrays, *numbers, target, advantage)
    return target, advantage


def _plain(reward: Reals, value: Reals, done: Flags, valid: Flags) -> tuple[Reals, Reals, Flags, Flags]:
    """The arrays as compiled code knows them: one layout, one type."""
    return (
        np.ascontiguousarray(reward, np.float32),
        np.ascontiguousarray(value, np.float32),
        np.ascontiguousarray(done, np.bool_),
        np.ascontiguousarray(valid, np.bool_),
    )
