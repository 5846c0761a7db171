"""Language models: what is written token by token is what the whole text says, and each text is its own affair."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.special import chdtrc

from agents.actor import Actor
from agents.language.columns import LANES
from agents.language.draws import Picking, draw_tokens
from agents.language.model import logits, parts, token_log_p
from agents.language.sampling import Sampler
from agents.networks import Network, weights
from envs import kernels
from tests.agents.language.scribble import BODIES, GAME, LONG, TOKENS, model, prompts


def whole(given: np.ndarray, prompted: np.ndarray, samples) -> torch.Tensor:
    """Prompts and answers as texts [N, L]."""
    text = np.zeros((len(given), LONG), np.int64)
    for i, (start, length) in enumerate(zip(prompted, samples.length, strict=True)):
        text[i, :start] = given[i, :start]
        text[i, start : start + length] = samples.tokens[i, :length]
    return torch.from_numpy(text)


@pytest.mark.parametrize("body", BODIES)
def test_a_later_token_changes_nothing_before_it_and_an_earlier_one_does(body: str) -> None:
    network = model(body)
    text = torch.randint(TOKENS, (3, LONG), generator=torch.Generator().manual_seed(2))
    other = text.clone()
    other[:, 6] = (text[:, 6] + 1) % TOKENS
    with torch.no_grad():
        change = (logits(network, text) - logits(network, other)).abs().amax((0, 2))
    assert (change[:6] == 0).all()
    assert (change[6:] > 1e-3).all()


@pytest.mark.parametrize("body", BODIES)
def test_places_tell_the_same_token_apart(body: str) -> None:
    network = model(body)
    with torch.no_grad():
        scores = logits(network, torch.tensor([[3, 5, 3, 5, 5, 3]]))[0]
    assert (scores[1] - scores[3]).abs().max() > 1e-3


def test_a_rotary_model_sees_distances_and_not_places() -> None:
    network = model(BODIES[2])
    body = parts(network)[0]
    assert body.turns is not None
    text = torch.tensor([[3, 5, 1, 2, 4, 6]])
    with torch.no_grad():
        want = body.hidden(text)
        body.turns = body.turns.roll(-3, 0)  # the first token now stands at the fourth place
        torch.testing.assert_close(body.hidden(text), want, rtol=1e-4, atol=1e-5)


def test_features_for_heads_are_those_after_the_last_token_written() -> None:
    network = model()
    text = torch.zeros(2, LONG, dtype=torch.long)
    text[0, :3], text[1, :5] = torch.tensor([3, 1, 2]), torch.tensor([3, 4, 0, 6, 7])
    obs = torch.zeros(2, TOKENS, 1, LONG)
    for i, count in enumerate((3, 5)):
        obs[i, text[i, :count], 0, torch.arange(count)] = 1.0
    with torch.no_grad():
        want = logits(network, text)
        torch.testing.assert_close(network(obs)["token"], want[torch.arange(2), torch.tensor([2, 4])])


def test_the_head_reads_with_the_table_it_is_read_with() -> None:
    network = model()
    assert not any(name.startswith("heads.") for name in network.state_dict())
    assert parts(network.twin())[1].body[0] is not network.backbone
    apart = Network(GAME, "mlp", ("token",))
    assert any(name.startswith("heads.token") for name in apart.state_dict())
    with pytest.raises(ValueError, match="A language model is a gpt"):
        parts(apart)


def test_an_untrained_model_writes_evenly() -> None:
    network = Network(GAME, "gpt", ("token",)).eval()
    with torch.no_grad():
        shares = logits(network, torch.randint(TOKENS, (50, LONG))).softmax(2)
    assert -(shares * shares.log()).sum(2).mean() > 0.85 * np.log(TOKENS)


def test_log_probabilities_of_answers_by_hand() -> None:
    network = model()
    text = torch.tensor([[3, 1, 2, 5, 0, 0], [3, 4, 0, 0, 0, 0]])
    with torch.no_grad():
        said = token_log_p(network, text, torch.tensor([2, 1]), torch.tensor([3, 2]), 4, temperature=2.0)
        scores = logits(network, text)
    want = (scores[0, [1, 2, 3]] / 2.0).log_softmax(1)[[0, 1, 2], [2, 5, 0]]
    torch.testing.assert_close(said.log_p[0, :3], want)
    torch.testing.assert_close(said.log_p[1, :2], (scores[1, [0, 1]] / 2.0).log_softmax(1)[[0, 1], [4, 0]])
    assert said.log_p[0, 3] == 0 and (said.log_p[1, 2:] == 0).all()
    p = (scores[1, 1] / 2.0).softmax(0)
    torch.testing.assert_close(said.entropy[1, 1], -(p * p.log()).sum())
    assert (said.entropy[1, 2:] == 0).all()


@pytest.mark.parametrize("body", BODIES)
def test_what_many_answers_follow_is_read_once_to_the_same_end(body: str) -> None:
    """Prompts and answers of unequal length: log-probabilities and gradients are those of each text by itself."""
    generator = torch.Generator().manual_seed(3)
    prompted = torch.tensor([4, 2, 3]).repeat_interleave(5)
    length = torch.tensor([1, 3, 6, 2, 5] * 3)
    text = torch.randint(1, TOKENS, (3, LONG), generator=generator).repeat_interleave(5, 0)
    other = torch.randint(TOKENS, (15, LONG), generator=generator)
    text = torch.where(torch.arange(LONG) < prompted[:, None], text, other)
    found = []
    for together in (True, False):
        network = model(body)
        rows = [torch.arange(15)] if together else torch.arange(15).split(1)
        said = torch.cat([token_log_p(network, text[i], prompted[i], length[i], 6).log_p for i in rows])
        (said * torch.linspace(-1, 1, 6)).sum().backward()
        found.append([said.detach(), *(p.grad for p in network.parameters())])
    torch.testing.assert_close(found[0], found[1], rtol=1e-4, atol=1e-5)
    assert parts(network)[0].table.grad.abs().max() > 0.1


@pytest.mark.parametrize(
    ("body", "narrow", "temperature"),
    [*((body, False, 1.0) for body in BODIES), (BODIES[0], False, 0.7), (BODIES[2], True, 1.0)],
)
def test_the_sampler_says_how_likely_its_tokens_were(body: str, narrow: bool, temperature: float) -> None:
    """Prompts of unequal length, lanes that are refilled, blocks that shrink: as the whole text at once says."""
    network = model(body)
    given, prompted, seeds = prompts(150)
    samples = Sampler(network, 64, narrow, 1).sample(given, prompted, 8, seeds, temperature)
    text = whole(given, prompted, samples)
    with torch.no_grad():
        said = token_log_p(network, text, torch.from_numpy(prompted), torch.from_numpy(samples.length), 8, temperature)
    np.testing.assert_allclose(samples.log_p, said.log_p, rtol=0, atol=0.05 if narrow else 1e-5)
    assert (np.abs(samples.log_p - said.log_p.numpy()).max() > 1e-4) == narrow
    np.testing.assert_allclose(samples.drawn, samples.log_p, atol=1e-6)
    ended = samples.tokens[np.arange(150), samples.length - 1] == 0
    assert (ended | (samples.length == 8)).all() and ended.any() and not ended.all()
    assert all((samples.tokens[i, : n - 1] != 0).all() for i, n in enumerate(samples.length))


@pytest.mark.parametrize("narrow", [False, True])
def test_a_text_is_its_own_affair(narrow: bool) -> None:
    """Neither neighbours nor lanes nor threads nor the order in which they fall free change a bit of it."""
    network = model()
    given, prompted, seeds = prompts(150)
    want = Sampler(network, 150, narrow, 1).sample(given, prompted, 8, seeds)
    for lanes, threads in ((150, 2), (64, 1), (7, 1)):
        got = Sampler(network, lanes, narrow, threads).sample(given, prompted, 8, seeds)
        assert all(np.array_equal(a, b) for a, b in zip(got, want, strict=True))
    order = np.random.default_rng(0).permutation(150)[:25]
    got = Sampler(network, 10, narrow, 1).sample(given[order], prompted[order], 8, seeds[order])
    assert np.array_equal(got.tokens, want.tokens[order]) and np.array_equal(got.log_p, want.log_p[order])
    other = Sampler(network, 150, narrow, 1).sample(given, prompted, 8, kernels.seeds(1, 150))
    assert not np.array_equal(other.tokens, want.tokens)  # the control


def test_a_prompt_that_stands_there_often_is_read_once() -> None:
    network = model(BODIES[2])
    given, prompted, _ = prompts(6)
    many = [np.repeat(array, 16, axis=0) for array in (given, prompted)]
    own = kernels.seeds(3, 96)
    want = [Sampler(network, 8, False, 1).sample(given[[i // 16]], prompted[[i // 16]], 8, own[[i]]) for i in (5, 95)]
    got = Sampler(network, 96, False, 1).sample(*many, 8, own)
    for i, one in zip((5, 95), want, strict=True):
        assert np.array_equal(got.tokens[i], one.tokens[0]) and np.array_equal(got.log_p[i], one.log_p[0])


def test_new_weights_are_taken() -> None:
    first, second = model(), model(seed=1)
    given, prompted, seeds = prompts(10)
    sampler = Sampler(first, 10, False)
    before = sampler.sample(given, prompted, 6, seeds)
    sampler.load(weights(second))
    after = sampler.sample(given, prompted, 6, seeds)
    want = Sampler(second, 10, False).sample(given, prompted, 6, seeds)
    assert np.array_equal(after.tokens, want.tokens) and not np.array_equal(before.tokens, want.tokens)


def drawn(scores: list[float], count: int = 1, seed: int = 0, **picking) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Tokens drawn `count` times by the same scores, and the two logarithms of their probabilities."""
    columns = np.tile(np.array(scores, np.float32)[:, None], (1, -(-count // LANES) * LANES))
    each = np.arange(count)
    tokens, length = np.zeros((count, 1), np.uint8), np.zeros(count, np.int64)
    log_p, kept = np.zeros((2, count, 1), np.float32)
    draw_tokens(columns, each, each, Picking.of(**picking), kernels.seeds(seed, count), tokens, length, log_p, kept)
    assert (length == 1).all()
    return tokens[:, 0], log_p[:, 0], kept[:, 0]


def p_value(counts: np.ndarray, expected: np.ndarray) -> float:
    """Of Pearson's chi-square: how likely counts lie at least so far from what is expected."""
    return float(chdtrc(len(counts) - 1, ((counts - expected) ** 2 / expected).sum()))


# Probabilities 1/2, 1/4, 1/8, 1/8 in another order.
SCORES = [float(np.log(p)) for p in (1 / 8, 1 / 2, 1 / 8, 1 / 4)]


@pytest.mark.parametrize(
    ("picking", "shares"),
    [
        ({}, (1 / 8, 1 / 2, 1 / 8, 1 / 4)),
        ({"temperature": 0.5}, (1 / 22, 16 / 22, 1 / 22, 4 / 22)),  # squares 1 : 16 : 1 : 4
        ({"top_k": 2}, (0, 2 / 3, 0, 1 / 3)),
        ({"top_p": 0.5}, (0, 1, 0, 0)),
        ({"top_p": 0.51}, (0, 2 / 3, 0, 1 / 3)),
        ({"top_k": 2, "top_p": 0.6}, (0, 1, 0, 0)),  # of the two, the first has 2/3
        ({"greedy": True}, (0, 1, 0, 0)),
    ],
)
def test_tokens_are_drawn_as_often_as_hand_worked_numbers_say(picking: dict, shares: tuple[float, ...]) -> None:
    tokens, log_p, kept = drawn(SCORES, 4000, **picking)
    counts = np.bincount(tokens, minlength=4)
    p = np.array(shares)
    assert (counts[p == 0] == 0).all()
    if (p > 0).sum() > 1:
        assert p_value(counts[p > 0], 4000 * p[p > 0]) > 1e-3
        wrong = np.full(4, 0.25)[p > 0]
        assert p_value(counts[p > 0], 4000 * wrong / wrong.sum()) < 1e-9  # the control
    np.testing.assert_allclose(np.exp(kept), p[tokens], rtol=1e-5)
    plain = np.array((1 / 22, 16 / 22, 1 / 22, 4 / 22) if "temperature" in picking else (1 / 8, 1 / 2, 1 / 8, 1 / 4))
    np.testing.assert_allclose(np.exp(log_p), plain[tokens], rtol=1e-5)


def test_first_tokens_come_as_often_as_the_model_says() -> None:
    network = model()
    given = np.full((3000, 1), 3, np.uint8)
    samples = Sampler(network, 1000, False).sample(given, np.ones(3000, np.int64), 1, kernels.seeds(5, 3000))
    with torch.no_grad():
        p = logits(network, torch.tensor([[3]]))[0, 0].softmax(0).numpy().astype(float)
    counts = np.bincount(samples.tokens[:, 0], minlength=TOKENS)
    assert p_value(counts, 3000 * p / p.sum()) > 1e-3
    assert p_value(counts, np.full(TOKENS, 3000 / TOKENS)) < 1e-9


@pytest.mark.parametrize(
    ("wrong", "says"),
    [({"temperature": 0.0}, "greedy"), ({"top_k": -1}, "top_k"), ({"top_p": 0.0}, "top_p"), ({"top_p": 1.5}, "top_p")],
)
def test_settings_that_are_none_are_refused_by_name(wrong: dict, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Picking.of(**wrong)


def test_texts_that_do_not_fit_are_refused() -> None:
    given, _, seeds = prompts(3)
    with pytest.raises(ValueError, match="context is 12"):
        Sampler(model(), 3, False).sample(given, np.full(3, 4), 10, seeds)
    with pytest.raises(ValueError, match="at least one token"):
        Sampler(model(), 3, False).sample(given, np.zeros(3, np.int64), 4, seeds)
    with pytest.raises(ValueError, match="shorter than the game's texts"):
        Network(GAME, "gpt:context=5", ("token",))


def test_an_actor_writes_by_the_same_model() -> None:
    network = model()
    view = kernels.view(GAME, kernels.new_rows(GAME, kernels.seeds(0, 4)))
    acted = Actor(network).act(view.obs, view.legal, {}, kernels.seeds(1, 4))
    with torch.no_grad():
        want = logits(network, torch.tensor([[3]]))[0, 0].log_softmax(0).numpy()
    np.testing.assert_allclose(acted.log_p, want[acted.action], rtol=1e-4)
