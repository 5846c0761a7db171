"""Checks of a learner's parts, one update at a time: gradients, one batch, masks, memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from agents.agent import Unable
from agents.experience import Columns
from agents.learn.worlds import WORLDS
from arena.doctor.findings import Finding, bad, good
from arena.doctor.known import small_search
from arena.doctor.planted import ABOUT, BARRED
from arena.doctor.subject import BOARD, Subject, Trial
from envs.registry import game as game_of

GRADIENT = "every parameter gets a gradient"
BATCH = "one batch, seen again and again, is fitted"
AGREES = "playing and learning see the same values in the same games"
RESCALED = "heads.returns.score"
"""What moves with the returns' own spread, gradient or not."""
VALUED = ("heads.returns.", "heads.q.")
"""Where the numbers of what says what a position is worth are."""
FORGETS = "a game begins with nothing remembered, and a fragment with what was"


def moved(trial: Trial, rounds: int) -> dict[str, bool]:
    """Whether each parameter differs after some rounds of play and learning."""
    before = {name: parameter.detach().clone() for name, parameter in trial.parameters()}
    for _ in range(rounds):
        trial.learn(trial.collect())
    return {name: not torch.equal(before[name], parameter) for name, parameter in trial.parameters()}


def gradient_check(subject: Subject) -> Finding:
    """Without a gradient an optimiser leaves a parameter as it is, to the last bit."""
    if subject.player == "self_play":
        trial = subject.trial(game_of(BOARD), playing=small_search())
    else:
        game = WORLDS["ended"] if _chooses(subject) else game_of("point_mass")
        trial = subject.trial(game)
    found = moved(trial, 12)
    still = [name for name, has in found.items() if not has]
    count = sum(parameter.numel() for _, parameter in trial.parameters())
    if not still:
        return good("gradient", GRADIENT, f"all {len(found)} arrays of {count:,} numbers move")
    heads = [name.split(".")[1] for name in still if name.startswith("heads.")]
    learned = [name for name, has in found.items() if has and not name.startswith(RESCALED)]
    kind = "all" if not learned else heads[0] if heads else still[0].split(".")[0]
    more = f" and {len(still) - 3} more" if len(still) > 3 else ""
    return bad("gradient", GRADIENT, f"{', '.join(still[:3])}{more} never move", kind)


def _chooses(subject: Subject) -> bool:
    """Whether it can learn games with actions to choose among."""
    try:
        subject.kind.parts(WORLDS["ended"], subject.default)
    except Unable:
        return False
    return True


def batch_check(subject: Subject) -> Finding:
    """Every decision ends its game; what is shown is worth 1 or -1, and the second action half a point more.

    Values are fitted where the action that was taken is the only one, so that no policy learns beside them; then a
    fresh learner is shown what paid more.
    """
    trial, columns = _batch(subject)
    taken = {**columns, "legal": np.eye(2, dtype=np.bool_)[columns["action"]], "log_p": 0 * columns["log_p"]}
    for _ in range(60):
        _again(trial, taken)
        trial.learn(taken)
    valid, out = columns["valid"], seen(trial, columns)
    value = out["returns"] if "returns" in out else _taken(out["q"], columns["action"]) if "q" in out else None
    paid = columns["reward"][valid]
    fit = 1.0 if value is None else 1.0 - float((paid - value[valid]).var() / paid.var())
    trial, columns = _batch(subject)
    first = preferred(seen(trial, columns), valid)
    for _ in range(20):
        _again(trial, columns)
        trial.learn(columns)
    likes = preferred(seen(trial, columns), valid) - first
    said = f"explains {fit:.0%} of what was paid; leans {likes:+.2f} towards the action that paid more"
    if likes < -0.02:
        return bad("batch", BATCH, said, "policy away")
    if fit < 0.6:
        return bad("batch", BATCH, said, "value")
    return good("batch", BATCH, said) if likes > 0.02 else bad("batch", BATCH, said, "policy even")


def _batch(subject: Subject) -> tuple[Trial, Columns]:
    """A learner, and decisions of which each has its own observation and ends its game."""
    trial = subject.trial(WORLDS["observed"], playing=subject.playing(lanes=8, steps=8))
    generator = np.random.default_rng(subject.seed)
    columns = {name: array.copy() for name, array in trial.collect().items()}
    columns["obs"] = generator.normal(size=columns["obs"].shape).astype(np.float32)
    columns["done"] = columns["valid"].copy()
    columns["fresh"] = np.ones_like(columns["valid"])
    worth = np.where(columns["obs"][..., 0] > 0, 1.0, -1.0)
    columns["reward"] = (worth + 0.5 * (2 * columns["action"] - 1)).astype(np.float32)
    return trial, columns


def seen(trial: Trial, columns: Columns) -> dict[str, np.ndarray]:
    """[N, T, ...] what each head says of a fragment now."""
    network = trial.network
    memory = {name: torch.from_numpy(columns[f"memory.{name}"]) for name in network.memory}
    with torch.inference_mode():
        out, _ = network.unroll(torch.from_numpy(columns["obs"]), memory, torch.from_numpy(columns["fresh"]))
    return {name: tensor.numpy() for name, tensor in out.items()}


def preferred(out: dict[str, np.ndarray], valid: np.ndarray) -> float:
    """By how much the second of two actions is preferred, on average."""
    if "q" in out:
        return float((out["q"][..., 1] - out["q"][..., 0])[valid].mean())
    logit = (out["policy"][..., 1] - out["policy"][..., 0])[valid]
    return float(np.tanh(logit / 2).mean())


def _again(trial: Trial, columns: Columns) -> None:
    """Brings what was recorded of the network up to date, as if it had just played these games."""
    out = seen(trial, columns)
    if "policy" in out:
        masked = torch.from_numpy(np.where(columns["legal"], out["policy"], -1e9))
        log_p = torch.log_softmax(masked, -1).numpy()
        columns["log_p"] = _taken(log_p, columns["action"]).astype(np.float32)
    if "returns" in out:
        columns["value"] = out["returns"]
    elif "q" in out:
        columns["value"] = out["q"].max(-1)


def _taken(table: np.ndarray, action: np.ndarray) -> np.ndarray:
    return np.take_along_axis(table, action[..., None], -1)[..., 0]


def masks_check(subject: Subject) -> Finding:
    """Where one action is left, a policy learns nothing and stays still; the body learns the value, if there is one."""
    trial = subject.trial(BARRED)
    found = moved(trial, 6)
    head = [has for name, has in found.items() if name.startswith("heads.policy.")]
    body = [has for name, has in found.items() if name.startswith(("backbone.", "apart."))]
    about = ABOUT["barred"]
    if any(head):
        return bad("barred", about, "the policy moves where nothing can be chosen", "mask")
    if not any(name.startswith(VALUED) for name in found):
        return good("barred", about, "the policy rests where nothing can be chosen")
    if body and not any(body):
        return bad("barred", about, "the body does not move for the value alone", "body")
    return good("barred", about, "the policy rests where nothing can be chosen, the body learns the value")


# --- memory -----------------------------------------------------------------------------------------------------------


def _fragment(subject: Subject, backbone: str) -> tuple[Trial, Columns]:
    """A second fragment, into which games and memory reach from the first."""
    trial = subject.trial(WORLDS["recalled"], backbone, subject.playing(lanes=4, steps=8), learn_from=0)
    trial.collect()
    return trial, trial.collect()


def agreement_check(subject: Subject, backbone: str) -> Finding:
    """What the network said while playing against what it says when it goes along the same games again."""
    trial, columns = _fragment(subject, backbone)
    out = seen(trial, columns)
    if not {"returns", "q"} & set(out):
        raise Unable("it expects no returns while it plays")
    now = out["returns"] if "returns" in out else out["q"].max(-1)
    error = np.abs(now - columns["value"]) * columns["valid"]
    said = f"they differ by {error.max():.1e} at most"
    if error.max() < 1e-4:
        return good("repeated", AGREES, said)
    began = np.maximum.accumulate(columns["fresh"], axis=1)
    return bad("repeated", AGREES, said, "other" if (error * ~began).max() > 1e-4 else "reset")


def forgetting_check(subject: Subject, backbone: str) -> Finding:
    """Two twins learn from one fragment with different memories at its beginning: it must not matter to new games."""

    def after(fresh: bool, remembered: float) -> bytes:
        trial, columns = _fragment(subject, backbone)
        first = columns["fresh"].copy()
        first[:, 0] = fresh
        given: dict[str, Any] = {**columns, "fresh": first}
        given |= {k: np.full_like(v, remembered) for k, v in columns.items() if k.startswith("memory.")}
        trial.learn(given)
        return b"".join(array.tobytes() for _, array in sorted(trial.learner.weights().items()))

    if after(True, 0.0) != after(True, 3.0):
        return bad(
            "forgotten", FORGETS, "what was remembered before a game began changes what is learned of it", "kept"
        )
    if after(False, 0.0) == after(False, 3.0):
        return bad("forgotten", FORGETS, "what was remembered makes no difference within a game either", "unused")
    return good("forgotten", FORGETS, "it makes a difference within a game, and none where one begins")
