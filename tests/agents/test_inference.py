"""Every inference backend that is present gives what plain PyTorch gives, at any batch size and after any refresh."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import cache

import numpy as np
import pytest
import torch

from agents import inference
from agents.inference import BACKENDS, LOGIT_TOLERANCE, VALUE_TOLERANCE, Unsuited, evaluator, padded
from agents.networks import Misfit, Network, weights
from agents.registry import BACKBONES
from envs import kernels
from envs.registry import Unknown, game

C4 = game("connect_four")
EXACT = ("torch", "openvino", "onnxruntime")


LESS = {"gpt": "gpt:layers=2,width=32,heads=2"}
"""Bodies that are deep as they come, with fewer layers of the same make."""


@pytest.fixture(autouse=True, scope="module")
def operators() -> Iterator[None]:
    """PyTorch's exporter reads the sources of all that ONNX has at every export: half a second, and always the same.

    And it looks for all operators of its own that are made of others: a twentieth.
    """
    registry = pytest.importorskip("torch.onnx._internal.exporter._registration").ONNXRegistry
    own = pytest.importorskip("torch._export.utils")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "from_torchlib", staticmethod(cache(registry.from_torchlib)))
        patch.setattr(own, "_materialize_cpp_cia_ops", cache(own._materialize_cpp_cia_ops))
        yield


def trained(backbone: str = "resnet:blocks=2,width=16", seed: int = 0, rules=C4) -> Network:
    """A network with opinions as strong as a trained one's, and running averages of its own."""
    network = Network(rules, backbone, ("policy", "value", "left"), seed=seed)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            if name.endswith("running_mean"):
                tensor.normal_(0, 0.3, generator=generator)
            elif name.endswith("running_var"):
                tensor.uniform_(0.5, 2, generator=generator)
            elif name.endswith("score.weight"):
                tensor.mul_(10)
    return network.eval()


def positions(count: int) -> np.ndarray:
    rows = np.concatenate([kernels.random_openings(C4, kernels.seeds(1, count, k), k) for k in (0, 6, 15)])
    return kernels.view(C4, rows[kernels.seeds(0, count) % len(rows)]).obs


def truth(network: Network, obs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    with torch.inference_mode():
        out = network(torch.from_numpy(obs))
    return out["policy"].numpy(), np.tanh(out["value"].numpy() / 2)


def made(network: Network, backend: str, **options: int) -> inference.Evaluator:
    try:
        return evaluator(network, backend=backend, **options)
    except Unsuited as error:
        if "Error " in str(error):  # a failure of its own, and nothing that this machine lacks
            raise
        pytest.skip(str(error))


def assert_agrees(answer: tuple[np.ndarray, np.ndarray], want: tuple[np.ndarray, np.ndarray], exact: bool) -> None:
    logits, value = answer
    scale = max(1.0, float(np.abs(want[0]).max()))
    np.testing.assert_allclose(logits, want[0], rtol=0, atol=(1e-4 if exact else LOGIT_TOLERANCE) * scale)
    np.testing.assert_allclose(value, want[1], rtol=0, atol=1e-4 if exact else VALUE_TOLERANCE)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("backbone", [*BACKBONES, "resnet:blocks=2,width=16,pre=true,pool=1"])
def test_agrees_with_plain_torch(backend: str, backbone: str) -> None:
    network = trained(LESS.get(backbone, backbone))
    run = made(network, backend)
    obs = positions(64)
    want = truth(network, obs)
    answer = run(obs)
    assert run.backend == backend
    assert answer[0].dtype == answer[1].dtype == np.float32
    assert (np.abs(answer[1]) < 1).all()
    assert_agrees(answer, want, backend in EXACT)
    # The control: these positions do differ, by far more than the tolerance.
    assert np.ptp(want[0], axis=0).max() > 10 * LOGIT_TOLERANCE
    assert np.ptp(want[1]) > 2 * VALUE_TOLERANCE


@pytest.fixture(scope="module", params=BACKENDS)
def run(request: pytest.FixtureRequest) -> inference.Evaluator:
    """Of each backend one, for tests that give it weights of their own: to be made takes onnxruntime a second."""
    return made(Network(C4, "resnet:blocks=2,width=16", ("policy", "value", "left")), request.param, batch=32)


def test_any_batch_size_and_no_row_depends_on_its_neighbours(run: inference.Evaluator) -> None:
    run.load(weights(trained()))
    obs = positions(75)
    logits, value = run(obs)
    for count in (0, 1, 2, 17, 32, 33, 64, 75):
        part = run(obs[:count])
        assert part[0].shape == (count, 7) and part[1].shape == (count,)
        np.testing.assert_allclose(part[0], logits[:count], rtol=0, atol=LOGIT_TOLERANCE)
        np.testing.assert_allclose(part[1], value[:count], rtol=0, atol=VALUE_TOLERANCE)
    again = run(obs)
    assert np.array_equal(logits, again[0]) and np.array_equal(value, again[1])


def test_takes_new_weights_and_keeps_the_old_if_they_do_not_fit(run: inference.Evaluator) -> None:
    run.load(weights(Network(C4, "resnet:blocks=2,width=16", ("policy", "value", "left"))))
    network, obs = trained(seed=4), positions(32)
    before = run(obs)
    run.load(weights(network))
    after = run(obs)
    assert not np.allclose(before[0], after[0], atol=0.1)
    assert_agrees(after, truth(network, obs), run.backend in EXACT)
    with pytest.raises(Misfit):
        run.load(weights(Network(C4, "resnet:blocks=2,width=8", ("policy", "value", "left"))))
    assert np.array_equal(run(obs)[0], after[0])


def test_zero_weights_leave_no_scar(run: inference.Evaluator) -> None:
    """A compiler may drop what is zero; the next weights must find it there again."""
    network = trained()
    arrays = weights(network)
    run.load({name: array if "running_var" in name else array * 0 for name, array in arrays.items()})
    logits, value = run(positions(8))
    assert not logits.any() and not value.any()
    run.load(arrays)
    obs = positions(8)
    assert_agrees(run(obs), truth(network, obs), run.backend in EXACT)


def test_the_evaluator_does_not_follow_the_network_while_it_learns() -> None:
    network, obs = trained(), positions(8)
    run = evaluator(network, backend="torch")
    before = run(obs)[0]
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(1)
    assert np.array_equal(run(obs)[0], before)


def test_an_answer_outlives_the_next_call() -> None:
    run = evaluator(trained())
    obs = positions(16)
    first = run(obs)[0]
    kept = first.copy()
    run(obs[::-1].copy())
    assert np.array_equal(first, kept)


def test_other_games_and_layouts() -> None:
    rules = game("othello:size=6")
    network = trained("resnet:blocks=1,width=8", rules=rules)
    run = evaluator(network)
    obs = np.asfortranarray(np.random.default_rng(0).integers(0, 2, (5, *rules.shape)).astype(np.float64))
    logits, value = run(obs)  # neither float32 nor in order: taken all the same
    assert_agrees((logits, value), truth(network, np.ascontiguousarray(obs, np.float32)), False)


def test_auto_takes_the_first_that_works_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    monkeypatch.delitem(sys.modules, "agents.inference.openvino", raising=False)
    monkeypatch.setitem(inference.BACKENDS, "torch-bf16", "agents.inference.nowhere:Nothing")
    monkeypatch.setitem(inference.BACKENDS, "onnxruntime", f"{__name__}:Liar")
    monkeypatch.setattr(inference.importlib, "import_module", importer(inference.importlib.import_module))
    run = evaluator(trained())
    assert run.backend == "torch"
    assert "openvino-bf16" in run.note and "nowhere" in run.note
    assert "onnxruntime: logits differ from PyTorch's" in run.note


def test_for_a_network_that_overflows_no_backend_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inference, "ORDER", ("nowhere", "torch"))
    sound, huge = trained("mlp:width=16"), trained("mlp:width=16")
    with torch.no_grad():
        for tensor in huge.parameters():
            tensor.mul_(1e38)
    tried, spared = evaluator(sound), evaluator(huge)
    assert tried.backend == spared.backend == "torch"
    assert tried.note.startswith("nowhere: ") and spared.note.startswith("the network's numbers overflow")


def importer(real):
    return lambda name: sys.modules.get(name) or (sys.modules[__name__] if name == __name__ else real(name))


class Liar:
    """An engine whose every answer is wrong."""

    exact = True

    def __init__(self, playing, threads) -> None: ...

    def run(self, obs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.full((len(obs), 7), 3.0, np.float32), np.zeros(len(obs), np.float32)


def test_a_backend_asked_for_by_name_is_used_or_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Unknown, match="did you mean 'openvino'"):
        evaluator(trained(), backend="openvin")
    monkeypatch.setitem(inference.BACKENDS, "openvino", "agents.inference.nowhere:Nothing")
    with pytest.raises(Unsuited, match="cannot run here"):
        evaluator(trained(), backend="openvino")


def test_torch_keeps_its_number_of_threads() -> None:
    before = torch.get_num_threads()
    evaluator(trained(), backend="torch", threads=before + 1)(positions(4))
    assert torch.get_num_threads() == before


def test_padding_has_few_sizes_and_little_waste() -> None:
    sizes = {len(padded(np.ones((n, 1), np.float32))) for n in range(1, 513)}
    assert len(sizes) <= 16 * 6
    for n in (1, 15, 16, 17, 31, 33, 100, 500, 512):
        out = padded(np.ones((n, 1), np.float32))
        assert n <= len(out) <= n * 17 / 16 and out.sum() == n
