"""What learners share: schedules, steps that are due, shuffled batches, means, exact resumes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from agents.learn import descent


def test_schedules_by_hand():
    assert [descent.line(2.0, 0.5, progress) for progress in (-1.0, 0.0, 0.5, 1.0, 2.0)] == [2.0, 2.0, 1.25, 0.5, 0.5]
    assert [descent.warmed(1.0, updates, 3) for updates in (0, 1, 2, 3, 9)] == [0.25, 0.5, 0.75, 1.0, 1.0]
    assert descent.warmed(1.0, 0, 0) == 1.0


def test_as_many_steps_are_due_as_entries_are_to_be_seen():
    assert descent.due(0.5, fresh=10, reuse=4.0, batch=16) == (3, 0.0)
    owed, taken = 0.0, []
    for _ in range(8):
        due, owed = descent.due(owed, fresh=3, reuse=2.0, batch=16)
        taken.append(due)
    assert taken == [0, 0, 1, 0, 0, 1, 0, 1] and owed == 0.0  # 8 x 3 x 2 / 16 = 3
    assert descent.due(0.0, fresh=3, reuse=2.0, batch=16)[1] == 0.375


def test_batches_are_shuffled_hold_each_number_once_and_are_nearly_as_large():
    batches = [batch.tolist() for batch in descent.shuffled(10, 4, np.random.default_rng(0))]
    flat = [number for batch in batches for number in batch]
    assert sorted(flat) == list(range(10)) and flat != list(range(10))
    assert [len(batch) for batch in batches] == [5, 5]
    assert batches != [batch.tolist() for batch in descent.shuffled(10, 4, np.random.default_rng(1))]
    assert [len(batch) for batch in descent.shuffled(3, 100, np.random.default_rng(0))] == [3]


def test_means_of_steps():
    assert descent.means([{"loss": 1.0, "q": -2.0}, {"loss": 2.0, "q": 0.0}]) == {"train/loss": 1.5, "train/q": -1.0}
    assert descent.means([]) == {}


def quadratic(rate: float) -> tuple[torch.nn.Linear, torch.optim.Adam]:
    torch.manual_seed(0)
    network = torch.nn.Linear(2, 1, bias=False)
    return network, torch.optim.Adam(network.parameters(), lr=rate)


def walked(network: torch.nn.Linear, optimiser: torch.optim.Optimizer, steps: int) -> list[float]:
    for _ in range(steps):
        descent.descend(network, optimiser, network(torch.tensor([[1.0, 2.0]])).square().sum(), "A loss", 0)
    return network.weight.detach().flatten().tolist()


def test_an_optimiser_goes_on_with_its_moments_and_the_settings_of_now():
    first, optimiser = quadratic(0.1)
    walked(first, optimiser, 3)
    kept = {name: {k: v.clone() for k, v in one.items()} for name, one in optimiser.state_dict()["state"].items()}
    weights = {name: value.clone() for name, value in first.state_dict().items()}
    further = walked(first, optimiser, 2)

    def resumed(rate: float, moments: bool) -> list[float]:
        network, other = quadratic(rate)
        network.load_state_dict(weights)
        if moments:
            descent.restore_optimiser(other, kept)
        assert other.param_groups[0]["lr"] == rate
        descent.set_rate(other, 0.1)
        return walked(network, other, 2)

    assert resumed(0.5, True) == further
    assert resumed(0.5, False) != further


def test_a_loss_that_is_no_number_changes_nothing():
    network, optimiser = quadratic(0.1)
    before = network.weight.detach().clone()
    terms = {"policy_loss": torch.ones(()), "value_loss": float("inf")}
    with pytest.raises(descent.Diverged, match=r"A loss is inf at step 4, as value_loss is inf; a smaller"):
        descent.descend(network, optimiser, network.weight.sum() * float("inf"), "A loss", 4, terms=terms)
    assert torch.equal(network.weight, before)
