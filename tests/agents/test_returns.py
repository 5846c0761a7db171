"""Returns and advantages: by hand, in their limits, and with each detail switched off."""

from __future__ import annotations

import numpy as np
import pytest

from agents.returns import gae, lambda_returns, n_step, reward_to_go, v_trace

# One track: a game of three decisions that its rules end, then one that the fragment breaks off; the last entry is
# the position at which it was broken off.
REWARD = np.array([[1, 0, 2, 3, 0]], np.float32)
VALUE = np.array([[0.5, 1, 2, 4, 8]], np.float32)
DONE = np.array([[0, 0, 1, 0, 0]], bool)
VALID = np.array([[1, 1, 1, 1, 0]], bool)
TRACK = (REWARD, VALUE, DONE, VALID)


def test_gae_by_hand():
    # discount 1/2, decay 1/2. deltas: 1 + .5*1 - .5 = 1; 0 + .5*2 - 1 = 0; 2 - 2 = 0; 3 + .5*8 - 4 = 3
    advantage = gae(*TRACK, discount=0.5, decay=0.5)
    assert advantage.tolist() == [[1.0, 0.0, 0.0, 3.0, 0.0]]
    # With decay 1: A_1 = 0 + .5*0, A_0 = 1 + .5*0; make the last reward of the game 6: delta_2 = 4
    reward = np.array([[1, 0, 6, 3, 0]], np.float32)
    assert gae(reward, *TRACK[1:], discount=0.5, decay=1.0).tolist() == [[2.0, 2.0, 4.0, 3.0, 0.0]]


def test_an_end_is_not_a_cut():
    """The same track with the end taken for a cut differs: 2 + .5*4 - 2 = 2, and what follows leaks back."""
    never = np.zeros_like(DONE)
    assert gae(REWARD, VALUE, never, VALID, discount=0.5, decay=1.0)[0, 2] == 2.0 + 0.5 * 3.0
    assert gae(*TRACK, discount=0.5, decay=1.0)[0, 2] == 0.0


def test_nothing_reaches_back_over_a_cut():
    reward = np.array([[1, 0, 100]], np.float32)
    value = np.array([[0, 5, 0]], np.float32)
    valid = np.array([[1, 0, 1]], bool)
    done = np.array([[0, 0, 1]], bool)
    assert gae(reward, value, done, valid, discount=0.5, decay=1.0).tolist() == [[1 + 0.5 * 5, 0.0, 100.0]]
    everything = np.ones_like(valid)
    assert gae(reward, value, done, everything, discount=0.5, decay=1.0)[0, 0] != 3.5


def test_the_limits_of_lambda_returns():
    one = lambda_returns(*TRACK, discount=0.5, decay=0.0)  # reward + discounted next value
    assert one.tolist() == [[1.5, 1.0, 2.0, 7.0, 0.0]]
    all_of_it = reward_to_go(*TRACK, discount=0.5)  # 1 + .5*(0 + .5*2), 0 + .5*2, 2, 3 + .5*8
    assert all_of_it.tolist() == [[1.5, 1.0, 2.0, 7.0, 0.0]]
    reward = np.array([[1, 0, 6, 3, 0]], np.float32)
    assert reward_to_go(reward, *TRACK[1:], discount=0.5).tolist() == [[2.5, 3.0, 6.0, 7.0, 0.0]]
    assert lambda_returns(reward, *TRACK[1:], discount=0.5, decay=0.0).tolist() == [[1.5, 1.0, 6.0, 7.0, 0.0]]


@pytest.mark.parametrize("discount", [0.9, 1.0])
def test_a_constant_reward_is_worth_what_the_series_says(discount):
    """With the right values every advantage is 0, whatever the decay; V = 1 + d + d^2 + ... over what is left."""
    left = np.arange(6, 0, -1)
    value = np.array([[sum(discount**k for k in range(n)) for n in left]], np.float32)
    done = np.zeros((1, 6), bool)
    done[0, -1] = True
    track = (np.ones((1, 6), np.float32), value, done, np.ones((1, 6), bool))
    assert np.abs(gae(*track, discount=discount, decay=0.7)).max() < 1e-6
    assert np.abs(gae(*track, discount=discount - 0.1, decay=0.7)).max() > 1e-2


def test_n_step_by_hand():
    total, ahead, left = n_step(REWARD, DONE, VALID, discount=0.5, n=2)
    assert total.tolist() == [[1.0, 1.0, 2.0, 3.0, 0.0]]
    assert left.tolist() == [[0.25, 0.0, 0.0, 0.5, 1.0]]
    assert ahead[0, [0, 3]].tolist() == [2, 4]  # the others go on from nowhere
    total, ahead, left = n_step(REWARD, DONE, VALID, discount=0.5, n=1)
    assert total.tolist() == REWARD.tolist()
    assert ahead[0, [0, 1, 3]].tolist() == [1, 2, 4]
    assert left[0, :4].tolist() == [0.5, 0.5, 0.0, 0.5]


def test_n_step_agrees_with_the_lambda_return_where_both_say_the_same():
    rng = np.random.default_rng(0)
    shape = (5, 12)
    reward, value = rng.normal(size=shape).astype(np.float32), rng.normal(size=shape).astype(np.float32)
    done, valid = rng.random(shape) < 0.2, np.ones(shape, bool)
    valid[:, -1] = False
    for n, decay in ((1, 0.0), (12, 1.0)):
        total, ahead, left = n_step(reward, done, valid, discount=0.9, n=n)
        whole = total + left * np.take_along_axis(value, ahead, 1)
        expected = lambda_returns(reward, value, done, valid, discount=0.9, decay=decay)
        np.testing.assert_allclose(whole[:, :-1], expected[:, :-1], rtol=1e-5, atol=1e-5)


def test_v_trace_of_ones_own_policy_is_the_lambda_return():
    """Ratios of 1 clip nothing: v_t is the return to go, and the advantage r + discount v_(t+1) - V_t."""
    ones = np.ones_like(REWARD)
    target, advantage = v_trace(ones, *TRACK, discount=0.5)
    np.testing.assert_allclose(target, lambda_returns(*TRACK, discount=0.5, decay=1.0))
    assert advantage[0, :4].tolist() == [1 + 0.5 * 1 - 0.5, 0.0, 0.0, 3.0]


def test_v_trace_by_hand():
    # ratios 2 (clipped to 1) and 1/2; V = 1, 3, and 5 after; rewards 2 and 4; discount 1/2
    ratio = np.array([[2, 0.5, 1]], np.float32)
    reward, value = np.array([[2, 4, 0]], np.float32), np.array([[1, 3, 5]], np.float32)
    done, valid = np.zeros((1, 3), bool), np.array([[1, 1, 0]], bool)
    # delta_1 = .5 (4 + 2.5 - 3) = 1.75, v_1 = 4.75; delta_0 = 2 + 1.5 - 1 = 2.5, v_0 = 1 + 2.5 + .5 * 1 * 1.75 = 4.375
    target, advantage = v_trace(ratio, reward, value, done, valid, discount=0.5)
    assert target[0, :2].tolist() == [4.375, 4.75]
    assert advantage[0, :2].tolist() == [2 + 0.5 * 4.75 - 1, 0.5 * (4 + 2.5 - 3)]
    free, _ = v_trace(ratio, reward, value, done, valid, discount=0.5, clip_delta=9, clip_trace=9)
    assert free[0, 0] == 1 + 2 * 2.5 + 0.5 * 2 * 1.75
