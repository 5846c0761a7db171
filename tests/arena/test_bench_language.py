"""What the benchmark of language models counts, and that it can measure."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from agents.hardware import NoDevice
from agents.language.groups import Groups
from agents.language.sampling import Sampler
from arena.bench import language
from envs import kernels


def test_multiplications_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("LAYERS", 2), ("WIDTH", 4), ("TOKENS", 8), ("PROMPT", 3), ("ANSWER", 2)):
        monkeypatch.setattr(language, name, value)
    # Four passes, each of 12 * 16 in the first layer; in the second two of them, and two of 3 * 16. Looks of 1 + 2 + 3
    # + 4 in the first and 3 + 4 in the second, of two times 4. Two scores of 8 by 4.
    assert language.multiplications() == 192 * 4 + 192 * 2 + 48 * 2 + 8 * 10 + 8 * 7 + 64


def test_its_model_never_ends_an_answer_and_its_prompts_differ() -> None:
    given = language.prompts()
    assert len(np.unique(given, axis=0)) == len(given)
    sampler = Sampler(language.model(), 32, False, 1)
    samples = sampler.sample(given[:32], np.full(32, language.PROMPT), language.ANSWER, kernels.seeds(0, 32))
    assert (samples.length == language.ANSWER).all() and (samples.tokens > 0).all()


def test_both_sides_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(language, "LANES", 4)
    monkeypatch.setattr(language, "ANSWER", 2)
    assert language.writing(False, 1)() == 8.0
    assert language.scaled(lambda seconds: 3.0 * seconds, 2.0)(4.0) == 24.0
    assert language.products(torch.float32, 1)() > 0


def test_generate_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("transformers")
    monkeypatch.setattr(language, "LANES", 4)
    monkeypatch.setattr(language, "ANSWER", 2)
    assert language.generating(torch.float32)() == 8.0


def test_learning_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(language, "ROUNDS", 1)
    made: list[bool] = []
    collect = Groups.collect
    monkeypatch.setattr(Groups, "collect", lambda self, count: made.append(self.sampler.narrow) or collect(self, count))
    for half in (False, True):
        assert language.learning(1, half)() == language.PROMPTS * language.GROUP * language.ANSWER
        assert set(made) == {half}  # what is called float32 is written in it too
        made.clear()


def test_a_device_that_is_not_there_is_said_and_one_that_is_has_rows_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(ValueError, match="not tpu"):
        next(language.contests(device="tpu"))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(NoDevice, match='device is "cuda"'):
        next(language.contests(device="cuda"))
    monkeypatch.setattr(language, "device_of", lambda name: name)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "a GPU")
    monkeypatch.setattr(torch, "set_num_threads", lambda count: None)
    rows = list(language.contests(device="cuda"))
    assert len({row.subject for row in rows}) == len(rows) == 6
    assert all("a GPU" in row.subject and row.unit == language.UNIT for row in rows)


def test_what_a_device_does_is_awaited(monkeypatch: pytest.MonkeyPatch) -> None:
    order = []
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: order.append("waited"))
    assert language.device_rate(lambda: order.append("asked") or 3.0)(0.0) > 0
    assert order == ["asked", "waited"]


def test_subjects_name_what_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "set_num_threads", lambda count: None)
    rows = list(language.contests(threads="2"))
    assert len({row.subject for row in rows}) == len(rows)
    assert {row.peer.name.split()[0] for row in rows if row.peer} == {"Hugging", "TRL's", "its"}
    assert not any("GRPO" in row.subject for row in language.contests(training="no"))
