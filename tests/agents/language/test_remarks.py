"""What is said when learning goes wrong, and that nothing is said otherwise."""

from __future__ import annotations

import pytest

from agents.language.remarks import PATIENCE, Remarks

WELL = {
    "train/entropy": 0.5,
    "train/zero_variance": 0.3,
    "rollout/accuracy": 0.4,
    "rollout/cut_off": 0.1,
    "rollout/length": 7.0,
}


def heard(rounds: int = 3 * PATIENCE, **changes: float) -> Remarks:
    remarks = Remarks()
    for _ in range(rounds):
        remarks.hear({**WELL, **{name.replace("_", "/", 1): value for name, value in changes.items()}})
    return remarks


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"train_entropy": 0.004}, ["entropy has collapsed to 0.004 nats", "accuracy of 40%", "raise learner.entropy"]),
        ({"train_zero_variance": 0.95}, ["In 95% of the groups", "mostly nothing", "groups.curriculum.start=1"]),
        ({"train_zero_variance": 0.95, "rollout_accuracy": 0.8}, ["mostly in full", "groups.refill=2"]),
        ({"rollout_cut_off": 0.75}, ["75% of the answers run on", "7 tokens", "learner.overlong=0.2"]),
    ],
)
def test_each_fault_is_said_with_what_helps(changes, words):
    (said,) = heard(**changes).now()
    assert all(word in said for word in words) and said.count(".") >= 1 and "\n" not in said
    assert heard(rounds=PATIENCE - 1, **changes).now() == ()  # it may pass
    assert heard(**{**changes, "rollout_accuracy": 0.99}).now() == ()  # little is left to learn


def test_nothing_is_said_when_all_is_well_or_has_become_so():
    assert heard().now() == ()
    remarks = heard(train_entropy=0.001)
    again = Remarks()
    again.restore(remarks.state())
    assert again.now() == remarks.now() != ()
    for _ in range(PATIENCE):
        again.hear(WELL)
    assert again.now() == ()
