"""Sampling by PyTorch on a device: the compiled sampler's texts, whatever the lanes, and each its own affair."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from agents.language import device_sampling
from agents.language.columns import LANES
from agents.language.device_sampling import DeviceSampler, chosen, lanes_of, recorded, sampler_of
from agents.language.draws import Picking, draw_tokens, marks
from agents.language.groups import Curriculum, Groups, GroupSettings
from agents.language.sampling import Sampler, Samples
from agents.networks import Network, weights
from agents.placed import Placed
from envs import kernels
from envs.registry import game
from tests.agents.language.scribble import BODIES, model, prompts

GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="PyTorch finds no GPU")
DEVICES = ["cpu", pytest.param("cuda", marks=GPU)]
COUNT, MOST = 150, 8


def alike(got: Samples, want: Samples, atol: float = 1e-4) -> bool:
    """Whether answers are the same; a hundredth may part ways, at a draw that rounding decides."""
    same = (got.tokens == want.tokens).all(1)
    np.testing.assert_array_equal(got.length[same], want.length[same])
    near = all(np.allclose(a[same], b[same], rtol=0, atol=atol) for a, b in ((got[2], want[2]), (got[3], want[3])))
    return bool(same.mean() >= 0.99) and near


def some(samples: Samples, which: Any) -> Samples:
    """Some of the answers."""
    return Samples(samples.tokens[which], samples.length[which], samples.log_p[which], samples.drawn[which])


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(
    ("body", "picking"),
    [
        *((body, {}) for body in BODIES),
        *((BODIES[0], {"greedy": True, "temperature": temperature}) for temperature in (1.0, 0.5)),
        (BODIES[0], {"temperature": 0.7, "top_k": 3}),
        (BODIES[2], {"top_p": 0.8}),
        (BODIES[1], {"top_k": 4, "top_p": 0.9}),
    ],
)
def test_it_writes_what_the_compiled_sampler_writes(device: str, body: str, picking: dict[str, Any]) -> None:
    """Prompts of unequal length, answers that end early, lanes that are refilled and come together."""
    network = model(body)
    given, prompted, seeds = prompts(COUNT)
    want = Sampler(network, 64, False, 1).sample(given, prompted, MOST, seeds, **picking)
    got = DeviceSampler(network, 64, False, device).sample(given, prompted, MOST, seeds, **picking)
    assert alike(got, want)
    assert [a.dtype for a in got] == [a.dtype for a in want]
    assert len(np.unique(want.length)) > (1 if picking.get("greedy") else 3) and len(np.unique(prompted)) > 3
    other = DeviceSampler(network, 64, False, device).sample(given, prompted, MOST, kernels.seeds(1, COUNT), **picking)
    assert alike(other, want) == bool(picking.get("greedy"))  # the control
    assert not alike(got._replace(log_p=got.log_p + np.float32(1e-3)), want)


@pytest.mark.parametrize("device", DEVICES)
def test_in_bfloat16_it_stays_near_what_the_whole_text_says(device: str) -> None:
    network = model(BODIES[2])
    given, prompted, seeds = prompts(COUNT)
    want, got = (
        DeviceSampler(network, 64, narrow, device).sample(given, prompted, 2, seeds) for narrow in (False, True)
    )
    same = (got.tokens == want.tokens).all(1)
    assert same.mean() > 0.9
    np.testing.assert_allclose(got.log_p[same], want.log_p[same], rtol=0, atol=0.1)
    assert np.abs(got.log_p[same] - want.log_p[same]).max() > 1e-4


@pytest.mark.parametrize("device", DEVICES)
def test_a_text_is_its_own_affair(device: str) -> None:
    """Neither neighbours nor lanes, nor what the sampler wrote before, nor repeated prompts make another text of it."""
    network = model(BODIES[2])
    given, prompted, seeds = prompts(COUNT)
    sampler = DeviceSampler(network, COUNT, False, device)
    want = sampler.sample(given, prompted, MOST, seeds)
    assert alike(sampler.sample(given, prompted, MOST, seeds), want, 1e-6)
    for lanes in (64, 7, 1):
        part = slice(0, 4 * lanes)
        got = DeviceSampler(network, lanes, False, device).sample(given[part], prompted[part], MOST, seeds[part])
        assert alike(got, some(want, part))
    order = np.random.default_rng(0).permutation(COUNT)[:25]
    got = sampler.sample(given[order], prompted[order], MOST, seeds[order])
    assert alike(got, some(want, order))
    first = np.zeros(16, np.int64)  # one prompt, many seeds
    many = sampler.sample(given[first], prompted[first], MOST, seeds[:16])
    assert alike(some(many, [0]), some(want, [0])) and len(np.unique(many.tokens)) > 2


@pytest.mark.parametrize("device", DEVICES)
def test_new_weights_are_taken(device: str) -> None:
    first, second = model(), model(seed=1)
    given, prompted, seeds = prompts(20)
    sampler = DeviceSampler(first, 20, False, device)
    before = sampler.sample(given, prompted, 6, seeds)
    sampler.load(weights(second))
    after = sampler.sample(given, prompted, 6, seeds)
    want = Sampler(second, 20, False, 1).sample(given, prompted, 6, seeds)
    assert alike(after, want) and not alike(before, want)


# Probabilities 1/2, 1/4, 1/8, 1/8 in another order; the sums of these are 1/8, 5/8, 6/8, 1.
SCORES = [float(np.log(p)) for p in (1 / 8, 1 / 2, 1 / 8, 1 / 4)]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(
    ("picking", "mark", "token", "log_p", "drawn"),
    [
        ({}, 0.12, 0, 1 / 8, 1 / 8),
        ({}, 0.13, 1, 1 / 2, 1 / 2),
        ({}, 0.62, 1, 1 / 2, 1 / 2),
        ({}, 0.63, 2, 1 / 8, 1 / 8),
        ({}, 0.76, 3, 1 / 4, 1 / 4),
        ({}, 1.0, 3, 1 / 4, 1 / 4),  # what a number just below 1 is rounded to
        ({"temperature": 0.5}, 0.04, 0, 1 / 22, 1 / 22),  # squares 1 : 16 : 1 : 4
        ({"temperature": 0.5}, 0.05, 1, 16 / 22, 16 / 22),
        ({"top_k": 2}, 0.66, 1, 1 / 2, 2 / 3),
        ({"top_k": 2}, 0.67, 3, 1 / 4, 1 / 3),
        ({"top_k": 2}, 1.0, 3, 1 / 4, 1 / 3),
        ({"top_k": 3}, 0.1, 0, 1 / 8, 1 / 7),  # of two that are equally likely, the first
        ({"top_p": 0.5}, 0.99, 1, 1 / 2, 1),
        ({"top_p": 0.51}, 0.99, 3, 1 / 4, 1 / 3),
        ({"top_k": 2, "top_p": 0.6}, 0.99, 1, 1 / 2, 1),  # of the two, the first has 2/3
        ({"greedy": True}, 0.99, 1, 1 / 2, 1),
    ],
)
def test_tokens_are_chosen_as_hand_worked_numbers_say(
    device: str, picking: dict[str, Any], mark: float, token: int, log_p: float, drawn: float
) -> None:
    scores = torch.tensor([SCORES, SCORES], device=device)
    got = [
        part.tolist() for part in chosen(scores, torch.tensor([[mark], [mark]], device=device), Picking.of(**picking))
    ]
    assert got[0] == [token, token]
    np.testing.assert_allclose(np.exp(got[1:]), [[log_p] * 2, [drawn] * 2], rtol=1e-5)


@pytest.mark.parametrize("picking", [{}, {"top_k": 3, "temperature": 1.3}, {"top_p": 0.7}, {"greedy": True}])
def test_the_same_numbers_choose_the_same_tokens_in_both(picking: dict[str, Any]) -> None:
    count, choices = 4 * LANES, 9
    scores = np.random.default_rng(0).normal(0.0, 2.0, (choices, count)).astype(np.float32)
    want, each, seeds = Samples.blank(count, 3), np.arange(count), kernels.seeds(0, count)
    rng = seeds.copy()
    for _ in range(3):
        draw_tokens(scores, each, each, Picking.of(**picking), rng, *want)
    mark = torch.from_numpy(marks(seeds, 3))
    assert (seeds == kernels.seeds(0, count)).all()
    got = [chosen(torch.from_numpy(scores.T), mark[:, [i]], Picking.of(**picking)) for i in range(3)]
    tokens, log_p, drawn = (torch.stack(parts, 1).numpy() for parts in zip(*got, strict=True))
    assert (tokens == want.tokens).mean() > 0.99
    same = tokens == want.tokens
    np.testing.assert_allclose(log_p[same], want.log_p[same], atol=1e-5)
    np.testing.assert_allclose(drawn[same], want.drawn[same], atol=1e-5)
    wrong = chosen(torch.from_numpy(scores.T), mark[:, [1]], Picking.of(**picking))[0].numpy()
    assert ((wrong == want.tokens[:, 0]).mean() == 1.0) == bool(picking.get("greedy"))  # the control


def test_what_does_not_fit_is_refused_as_by_the_compiled_one() -> None:
    given, _, seeds = prompts(3)
    sampler = DeviceSampler(model(), 3, False, "cpu")
    with pytest.raises(ValueError, match="context is 12"):
        sampler.sample(given, np.full(3, 4), 10, seeds)
    with pytest.raises(ValueError, match="at least one token"):
        sampler.sample(given, np.zeros(3, np.int64), 4, seeds)
    with pytest.raises(ValueError, match="greedy"):
        sampler.sample(given, np.ones(3, np.int64), 4, seeds, temperature=0.0)
    assert DeviceSampler(model(), 3, False, "cpu").sample(given, np.full(3, 4), 9, seeds).tokens.shape == (3, 9)


def test_a_network_is_written_with_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(sampler_of(model(), 4), Sampler)
    assert (sampler_of(model(), 4).lanes, sampler_of(model(), 9999).lanes) == (4, 512)
    assert [lanes_of(torch.device("cuda"), texts) for texts in (4, 1024, 9999)] == [4, 1024, 4096]
    made = []
    monkeypatch.setattr(device_sampling, "DeviceSampler", lambda *given, **how: made.append((given, how)))
    network = model().to("meta")
    sampler_of(network, 4)
    assert made == [((network, 4), {"device": torch.device("meta")})]


def test_without_a_graph_work_is_itself() -> None:
    done: list[int] = []
    work = recorded(lambda: done.append(1), torch.device("cpu"))
    assert not done
    work()
    assert done == [1]


@GPU
def test_a_graph_repeats_its_work_on_the_same_memory() -> None:
    x = torch.zeros(3, device="cuda")
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        work = recorded(lambda: x.add_(1.0), x.device)
        assert torch.are_deterministic_algorithms_enabled() and torch.is_deterministic_algorithms_warn_only_enabled()
    finally:
        torch.use_deterministic_algorithms(False)
    x.zero_()
    for _ in range(5):
        work()
    assert x.tolist() == [5.0, 5.0, 5.0]


@GPU
def test_groups_are_written_on_a_gpu() -> None:
    rules, body = game("reverse:length=3,letters=6"), "gpt:layers=1,width=16,heads=2"
    settings = GroupSettings(prompts=6, group=4, curriculum=Curriculum(start=0))
    found = []
    for network in (Network(rules, body, ("token",), seed=0), Placed(rules, body, ("token",), seed=0, device="cuda")):
        groups = Groups(network, settings, 3)
        assert isinstance(groups.sampler, Sampler) == (not isinstance(network, Placed))
        found.append(groups.collect(0)[0])
    same = (found[0]["text"] == found[1]["text"]).all(1)
    assert same.mean() > 0.7  # one is in bfloat16
    np.testing.assert_allclose(found[0]["log_p"][same], found[1]["log_p"][same], atol=0.1)
