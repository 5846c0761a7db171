"""The losses beside TRL's own code on the same tensors, where TRL is installed."""

from __future__ import annotations

from collections import defaultdict
from types import SimpleNamespace

import pytest
import torch

from agents.language import losses

GROUPS, SIZE, LONG = 3, 4, 7


def tensors(seed: int = 0) -> dict[str, torch.Tensor]:
    """Rewards [groups, G], log-probabilities far enough apart that some ratios are clipped, and a mask."""
    generator = torch.Generator().manual_seed(seed)
    count = GROUPS * SIZE
    log_p = -3.0 * torch.rand(count, LONG, generator=generator)
    made = {
        "log_p": log_p,
        "old": log_p + 0.4 * torch.randn(count, LONG, generator=generator),
        "reference": log_p + 0.5 * torch.randn(count, LONG, generator=generator),
        "reward": torch.rand(GROUPS, SIZE, generator=generator),
        "mask": torch.arange(LONG) < torch.randint(1, LONG + 1, (count, 1), generator=generator),
    }
    made["reward"][1] = 0.5  # nothing is learned from a group that was paid alike
    return made


def theirs(kind: str, given: dict[str, torch.Tensor], advantage: torch.Tensor, **settings: float) -> torch.Tensor:
    """The loss by TRL's trainer, which is told of log-probabilities instead of asking a model for them."""
    trl = pytest.importorskip("trl")
    chosen = {"beta": 0.0, "epsilon_low": 0.2, "epsilon_high": 0.2, **settings}
    alone = SimpleNamespace(gather=lambda x: x, reduce=lambda x, reduction: x, num_processes=1)
    trainer = SimpleNamespace(
        **chosen,
        loss_type=kind,
        importance_sampling_level="token",
        top_entropy_quantile=1.0,
        off_policy_mask_threshold=None,
        aux_loss_enabled=False,
        use_vllm=False,
        max_completion_length=LONG,
        current_gradient_accumulation_steps=1,
        accelerator=alone,
        model=SimpleNamespace(training=True),
        args=SimpleNamespace(delta=None, use_bias_correction_kl=False, steps_per_generation=1),
        _entropy_bonus_enabled=False,
        _metrics={"train": defaultdict(list)},
        _get_per_token_logps_and_entropies=lambda *_, **__: (given["log_p"], torch.zeros_like(given["log_p"]), None),
    )
    mask = given["mask"].int()
    tokens = torch.zeros_like(mask)
    inputs = {
        "prompt_ids": tokens[:, :1],
        "prompt_mask": mask[:, :1],
        "completion_ids": tokens,
        "completion_mask": mask,
        "advantages": advantage,
        "old_per_token_logps": given["old"],
        "ref_per_token_logps": given["reference"],
        "num_items_in_batch": mask.sum(),
    }
    return trl.GRPOTrainer._compute_loss(trainer, None, inputs)


def ours(kind: str, given: dict[str, torch.Tensor], **settings: float) -> torch.Tensor:
    reward, log_p, old, mask = (given[name] for name in ("reward", "log_p", "old", "mask"))
    if kind == "grpo":
        return losses.grpo(reward, log_p, old, given["reference"], mask, beta=settings.get("beta", 0.0))
    if kind == "dr_grpo":
        return losses.dr_grpo(reward, log_p, old, mask, most=LONG)
    return losses.dapo(reward, log_p, old, mask, high=settings["epsilon_high"])


@pytest.mark.parametrize(
    ("kind", "settings"),
    [("grpo", {}), ("grpo", {"beta": 0.04}), ("dr_grpo", {}), ("dapo", {"epsilon_high": 0.28})],
)
def test_loss_and_gradient_are_those_of_trl(kind: str, settings: dict[str, float]) -> None:
    given = tensors()
    centred = losses.dr_grpo_advantages if kind == "dr_grpo" else losses.grpo_advantages
    found = []
    for side in ("ours", "theirs"):
        given["log_p"] = given["log_p"].detach().clone().requires_grad_()
        if side == "ours":
            loss = ours(kind, given, **settings)
        else:
            loss = theirs(kind, given, centred(given["reward"]), **settings)
        loss.backward()
        found.append((loss.detach(), given["log_p"].grad))
    torch.testing.assert_close(found[0], found[1], rtol=1e-5, atol=1e-6)
    assert found[0][1] is not None and found[0][1].abs().max() > 1e-3
    plain = theirs("bnpo", given, centred(given["reward"])).detach()  # the control: another average is another loss
    assert kind == "dapo" or (plain - found[0][0]).abs() > 1e-4
