"""An examination: every check that fits a learner, in order, and what they come to."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch

from agents.agent import Unable
from agents.learn.worlds import WORLDS
from agents.networks import remembers
from arena.doctor import known, parts, planted
from arena.doctor.diagnosis import diagnose
from arena.doctor.findings import Finding, Report, bad, unfit
from arena.doctor.subject import Subject
from envs.registry import game as game_of
from envs.registry import nearest, parse

Check = Callable[[Subject], Finding]
Heard = Callable[[int, int], None]

REMEMBERS = "gru:width=16"
"""The backbone that memory is tried with, if the one asked for has none."""

VALUE_WORLDS = ("constant", "observed", "later", "endless", "ended")


PLAYS = ("", "self_play", "rollouts")
"""Players of the doctor's worlds; a learner without one plays by itself."""


def checks(subject: Subject) -> dict[str, tuple[str, Check]]:
    """name -> (what it is about, the check), in the order in which they are made."""
    about = planted.ABOUT
    network = {
        "gradient": (parts.GRADIENT, parts.gradient_check),
        "batch": (parts.BATCH, parts.batch_check),
    }
    values = {world: (about[world], partial(_valued, world=world)) for world in VALUE_WORLDS}
    policies = {world: (about[world], partial(planted.policy_check, world=world)) for world in ("chosen", "matched")}
    vectors = {world: (about[world], partial(planted.vector_check, world=world)) for world in ("aimed", "followed")}
    backbone = subject.backbone if remembers(subject.backbone) else REMEMBERS
    memory = {
        "repeated": (parts.AGREES, partial(parts.agreement_check, backbone=backbone)),
        "forgotten": (parts.FORGETS, partial(parts.forgetting_check, backbone=backbone)),
        "recalled": (about["recalled"], partial(planted.recall_check, backbone=backbone)),
    }
    last = {"exact": (known.EXACT, known.exact_check), "resume": (known.RESUME, known.resume_check)}
    if subject.player == "rollouts":
        masks = {"barred": (about["barred"], _barred)}
        return {**network, **values, **masks, **policies, **vectors, **memory, **last}
    if subject.player == "self_play":
        return {"gradient": network["gradient"], "answered": (known.SEARCHED, known.answered_check), **last}
    return {**values, "barred": (about["barred"], _barred), **policies, **last}


def _valued(subject: Subject, world: str) -> Finding:
    _require_values(subject, world)
    return planted.value_check(subject, world)


def _require_values(subject: Subject, world: str) -> None:
    if not subject.player:
        return
    heads = subject.kind.parts(WORLDS[world], subject.settings())[1]
    if not {"q", "returns"} & {parse(head)[0] for head in heads}:
        raise Unable("it expects no returns while it plays")


def _barred(subject: Subject) -> Finding:
    """By the policy's stillness where there is a policy, else by what is expected."""
    if subject.player:
        heads = subject.kind.parts(planted.BARRED, subject.settings())[1]
        if any(parse(head)[0] == "policy" for head in heads):
            return parts.masks_check(subject)
    return planted.value_check(subject, "barred")


def examine(
    algorithm: str,
    backbone: str = "",
    seed: int = 0,
    only: Sequence[str] = (),
    heard: Heard = lambda done, total: None,
    given: Mapping[str, Any] | None = None,
) -> Report:
    """Examines an algorithm of `agents.registry.ALGORITHMS`; `only` names the checks to make, none all.

    given  settings of the learner by name, in place of those that the doctor has for its worlds
    """
    begun = time.monotonic()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the worlds are small: more threads than one only wait for each other
    subject = Subject(algorithm, backbone, seed, given)
    chosen = {name: check for name, check in checks(subject).items() if not only or name in only}
    findings: list[Finding] = []
    try:
        for i, (name, (about, check)) in enumerate(chosen.items()):
            heard(i, len(chosen))
            findings.append(attempt(subject, name, about, check))
    finally:
        torch.set_num_threads(threads)
    heard(len(chosen), len(chosen))
    seconds = time.monotonic() - begun
    return Report(algorithm, subject.backbone, subject.given, seed, tuple(findings), diagnose(findings), seconds)


def require_checks(algorithm: str, backbone: str, only: Sequence[str]) -> None:
    """Raises ValueError, before anything is tried, for what cannot be: a check, a backbone, games for the algorithm."""
    subject = Subject(algorithm, backbone)
    if subject.player not in PLAYS:
        raise Unable(
            f"The doctor's worlds are games of moves, and {algorithm} learns language tasks; watch its curves with "
            "`arena watch RUN --curves`."
        )
    if backbone and not subject.kind.parts(game_of(subject.small_game()), subject.settings())[0]:
        raise Unable(f"{algorithm} keeps a table and has no network; leave --backbone out.")
    there = checks(subject)
    for name in only:
        if name not in there:
            raise ValueError(f"There is no check '{name}' for {algorithm}; {nearest(name, list(there))}")


def attempt(subject: Subject, name: str, about: str, check: Check) -> Finding:
    """One check; whatever the learner raises is a finding like any other."""
    try:
        return check(subject)
    except Unable as why:
        return unfit(name, about, str(why).rstrip("."))
    except Exception as error:
        return bad(name, about, f"{type(error).__name__}: {str(error).rstrip('.')}", "raised")
