"""Losses of reinforcement learning for language: GRPO, Dr. GRPO, DAPO, RLOO and REINFORCE++ beside their equations.

To a prompt q a group of G answers o_1 .. o_G is drawn, and each is paid r_i at its end. Every loss here has the form

    loss = - sum_i sum_t w_it min(rho_it A_it, clip(rho_it, 1 - low, 1 + high) A_it) + beta sum_i sum_t w_it KL_it

with rho_it = pi(o_it | q, o_i<t) / pi_old(o_it | q, o_i<t). The papers differ in the advantages A, in the weights w, in
the two ends of the clip, and in whether a ratio belongs to a token or to an answer.

Rewards are [groups, G]. What belongs to answers is [N], N = groups G, one group after the other; what belongs to
tokens is [N, T], with a mask [N, T] that is True on the tokens of the answer. What lies outside of it changes nothing.
As the weights of a whole batch are known before it is cut into parts, the gradients of the parts add up to its own.
The losses of the papers stand here whole to be read, and are what the learner, who puts their parts together by
`Variant`, is held to.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

# --- what all of them share -----------------------------------------------------------------------------------------


def token_ratios(log_p: Tensor, old: Tensor, mask: Tensor) -> Tensor:
    """[N, T] rho_it = exp(log pi - log pi_old), and 1 outside of the answers."""
    return torch.where(mask, log_p - old, 0.0).exp()


def answer_ratios(log_p: Tensor, old: Tensor, mask: Tensor) -> Tensor:
    """[N, T] the ratio of the whole answer, prod_t rho_it, at each of its tokens: an answer is one action."""
    return torch.where(mask, log_p - old, 0.0).sum(1, keepdim=True).exp().expand_as(log_p)


def surrogate(ratio: Tensor, advantage: Tensor, low: float, high: float) -> Tensor:
    """[N, T] min(rho A, clip(rho, 1 - low, 1 + high) A) (Schulman et al. 2017, arXiv:1707.06347, eq. 7)."""
    return torch.minimum(ratio * advantage, ratio.clamp(1.0 - low, 1.0 + high) * advantage)


def k3(log_p: Tensor, reference: Tensor, mask: Tensor) -> Tensor:
    """[N, T] pi_ref / pi - log(pi_ref / pi) - 1, an unbiased estimate of KL(pi | pi_ref) that is never below 0.

    Shao et al. 2024, arXiv:2402.03300, eq. 4; the name is Schulman's.
    """
    gap = torch.where(mask, reference - log_p, 0.0)
    return gap.exp() - gap - 1.0


def weighted(tokens: Tensor, weights: Tensor) -> Tensor:
    """sum_i sum_t w_it x_it, whatever stands where the weight is 0."""
    return torch.where(weights > 0, tokens * weights, 0.0).sum()


def per_answer(answers: Tensor) -> Tensor:
    """[N, 1] one number an answer, to stand at each of its tokens."""
    return answers.reshape(-1, 1)


# --- GRPO: Shao et al. 2024, "DeepSeekMath", arXiv:2402.03300, eq. 3 and section 4.1.2 -------------------------------


def grpo_advantages(reward: Tensor) -> Tensor:
    """[N] A_i = (r_i - mean(r)) / std(r), the sample's standard deviation; exactly 0 in a group of equal rewards."""
    centred = dr_grpo_advantages(reward).view_as(reward)
    return torch.where(told_apart(reward)[:, None], centred / reward.std(1, keepdim=True), 0.0).flatten()


def answer_weights(mask: Tensor) -> Tensor:
    """[N, T] w_it = 1 / (N |o_i|): every answer counts the same, so a token of a long one counts less."""
    return mask / (len(mask) * mask.sum(1, keepdim=True).clamp_min(1))


def grpo(
    reward: Tensor,
    log_p: Tensor,
    old: Tensor,
    reference: Tensor,
    mask: Tensor,
    *,
    clip: float = 0.2,
    beta: float = 0.04,
) -> Tensor:
    """- 1/G sum_i 1/|o_i| sum_t (min(rho_it A_i, clip(rho_it, 1 - eps, 1 + eps) A_i) - beta KL_it)  (eq. 3)."""
    gain = surrogate(token_ratios(log_p, old, mask), per_answer(grpo_advantages(reward)), clip, clip)
    return weighted(beta * k3(log_p, reference, mask) - gain, answer_weights(mask))


def place_advantages(paid: Tensor, mask: Tensor) -> Tensor:
    """[N, T] A_it = r_it - mean_j r_jt, among the group's answers that reach place t; paid is [groups, G, T].

    Process supervision (section 4.1.3) of steps of one token. Differs: the paper adds up what all later steps are paid;
    here each place is judged by itself, whatever stands in the others, so that its own pay is all there is to learn.
    """
    reach = mask.view_as(paid)
    mean = torch.where(reach, paid, 0.0).sum(1, keepdim=True) / reach.sum(1, keepdim=True).clamp_min(1)
    apart = torch.where(reach, paid, -torch.inf).amax(1) > torch.where(reach, paid, torch.inf).amin(1)
    return torch.where(reach & apart[:, None], paid - mean, 0.0).flatten(0, 1)


# --- Dr. GRPO: Liu et al. 2025, "Understanding R1-Zero-like training", arXiv:2503.20783, section 3.2 -----------------


def dr_grpo_advantages(reward: Tensor) -> Tensor:
    """[N] A_i = r_i - mean(r), not divided by the spread, which favours prompts that are too easy or too hard.

    Exactly 0 in a group of equal rewards.
    """
    centred = reward - reward.mean(1, keepdim=True)
    return torch.where(told_apart(reward)[:, None], centred, 0.0).flatten()


def budget_weights(mask: Tensor, most: int) -> Tensor:
    """[N, T] w_it = 1 / (N most): a constant, `most` the tokens that an answer may have, so that no length is favoured.

    The paper leaves 1 / |o_i| out; its code divides by the budget of generation.
    """
    return mask / (len(mask) * most)


def dr_grpo(reward: Tensor, log_p: Tensor, old: Tensor, mask: Tensor, *, most: int, clip: float = 0.2) -> Tensor:
    """- 1/G sum_i sum_t min(rho_it A_i, clip(rho_it, 1 - eps, 1 + eps) A_i), over `most` (figure 1)."""
    gain = surrogate(token_ratios(log_p, old, mask), per_answer(dr_grpo_advantages(reward)), clip, clip)
    return -weighted(gain, budget_weights(mask, most))


# --- DAPO: Yu et al. 2025, arXiv:2503.14476, eq. 8 to 13 -------------------------------------------------------------


def token_weights(mask: Tensor) -> Tensor:
    """[N, T] w_it = 1 / sum_i |o_i|: every token counts the same (eq. 12)."""
    return mask / mask.sum().clamp_min(1)


def told_apart(reward: Tensor) -> Tensor:
    """[groups] whether a group's answers were paid differently: the others teach nothing (dynamic sampling, eq. 11)."""
    return reward.amax(1) > reward.amin(1)


def overlong(length: Tensor, most: int, buffer: int) -> Tensor:
    """[N] what an answer loses for its length: 0 up to most - buffer tokens, from there in a line to 1 (- eq. 13)."""
    return ((length - (most - buffer)) / max(1, buffer)).clamp(0.0, 1.0)


def dapo(reward: Tensor, log_p: Tensor, old: Tensor, mask: Tensor, *, low: float = 0.2, high: float = 0.28) -> Tensor:
    """- 1 / sum_i |o_i| sum_i sum_t min(rho_it A_i, clip(rho_it, 1 - low, 1 + high) A_i)  (eq. 8).

    A_i as in GRPO; groups of equal rewards are to be left out before, and answers too long to be paid less.
    """
    gain = surrogate(token_ratios(log_p, old, mask), per_answer(grpo_advantages(reward)), low, high)
    return -weighted(gain, token_weights(mask))


# --- RLOO: Ahmadian et al. 2024, "Back to basics", arXiv:2402.14740, section 3.2 -------------------------------------


def rloo_advantages(reward: Tensor) -> Tensor:
    """[N] A_i = r_i - 1/(G-1) sum_{j != i} r_j: the baseline is the mean of the others, so it is unbiased."""
    size = reward.shape[1]
    return dr_grpo_advantages(reward) * (size / (size - 1))


def rloo(reward: Tensor, log_p: Tensor, old: Tensor, mask: Tensor, *, clip: float = 0.2) -> Tensor:
    """- 1/N sum_i A_i log pi(o_i | q), whose gradient this has at pi = pi_old; the answer is one action.

    Differs: the paper takes one step from what was just sampled; for several, the answer's ratio is clipped.
    """
    gain = surrogate(answer_ratios(log_p, old, mask), per_answer(rloo_advantages(reward)), clip, clip)
    return -weighted(gain, answer_weights(mask))


# --- REINFORCE++: Hu et al. 2025, arXiv:2501.03262 -------------------------------------------------------------------


def reinforce_pp_advantages(
    reward: Tensor, mask: Tensor, old: Tensor | None = None, reference: Tensor | None = None, beta: float = 0.0
) -> Tensor:
    """[N, T] A_it = r_i - beta sum_{s >= t} log(pi_old / pi_ref), then brought to mean 0 and spread 1 in the batch.

    There are no groups; exactly 0 where all that the batch was paid is equal.
    """
    paid = per_answer(reward).expand(mask.shape)
    if old is not None and reference is not None and beta:
        cost = torch.where(mask, old - reference, 0.0)
        paid = paid - beta * cost.flip(1).cumsum(1).flip(1)
    within = paid[mask]
    if not len(within) or bool(within.max() == within.min()):
        return torch.zeros_like(paid)
    return torch.where(mask, (paid - within.mean()) / within.std(correction=0), 0.0)


def reinforce_pp(
    reward: Tensor,
    log_p: Tensor,
    old: Tensor,
    reference: Tensor,
    mask: Tensor,
    *,
    clip: float = 0.2,
    beta: float = 0.01,
) -> Tensor:
    """- 1/N sum_i 1/|o_i| sum_t min(rho_it A_it, clip(rho_it, 1 - eps, 1 + eps) A_it): PPO's, without a critic."""
    advantage = reinforce_pp_advantages(reward, mask, old, reference, beta)
    return -weighted(surrogate(token_ratios(log_p, old, mask), advantage, clip, clip), answer_weights(mask))


# --- the same as switches --------------------------------------------------------------------------------------------


class Variant(NamedTuple):
    """What sets one paper's loss apart from the others'.

    advantage  group_std (GRPO), group_mean (Dr. GRPO), others (RLOO) or batch (REINFORCE++)
    average    answers, tokens or budget: what the weights of tokens make equal
    ratio      token or answer
    low, high  the clip's two ends
    kl         beta, of k3 in the loss; in the reward where the advantage is of the batch
    dynamic    whether groups of equal rewards are left out
    overlong   share of the budget at whose end an answer is paid less and less
    """

    advantage: str
    average: str
    ratio: str
    low: float
    high: float
    kl: float
    dynamic: bool
    overlong: float


VARIANTS: dict[str, Variant] = {
    "grpo": Variant("group_std", "answers", "token", 0.2, 0.2, 0.04, False, 0.0),
    "dr_grpo": Variant("group_mean", "budget", "token", 0.2, 0.2, 0.0, False, 0.0),
    "dapo": Variant("group_std", "tokens", "token", 0.2, 0.28, 0.0, True, 0.2),
    "rloo": Variant("others", "answers", "answer", 0.2, 0.2, 0.0, False, 0.0),
    "reinforce++": Variant("batch", "answers", "token", 0.2, 0.2, 0.01, False, 0.0),
}
"""name -> its switches, with the papers' numbers."""

GROUP_ADVANTAGES: dict[str, Callable[[Tensor], Tensor]] = {
    "group_std": grpo_advantages,
    "group_mean": dr_grpo_advantages,
    "others": rloo_advantages,
}


def weights_of(average: str, mask: Tensor, most: int) -> Tensor:
    """[N, T] the weights of tokens that `average` names."""
    if average == "budget":
        return budget_weights(mask, most)
    return token_weights(mask) if average == "tokens" else answer_weights(mask)
