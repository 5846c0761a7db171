"""From symptoms to parts: which checks fail while which others hold says what is broken.

The rows are tried in order, root causes before what follows from them. A row fits where each of its `needs` is there
("a|b" is either) and none of its `without`; it then explains the symptoms that begin with one of its `explains`, which
no later row has to account for. What is left at the end is told as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from arena.doctor.findings import Complaint, Finding

VALUES = ("constant", "observed", "later", "endless", "ended", "exact", "batch: value", "answered")
"""Symptoms of values that are wrong, for whatever reason."""
POLICIES = ("chosen", "matched", "aimed", "followed", "batch: policy")
WORLDS = (*VALUES, *POLICIES, "batch", "recalled")
TOWARDS = "batch: policy away|chosen: away|matched: away|aimed: away|followed: away"
EVEN = "batch: policy even|chosen: even|matched: even|aimed: off|followed: off"


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    part: str
    needs: tuple[str, ...]
    says: str
    explains: tuple[str, ...]
    without: tuple[str, ...] = ()


TABLE: tuple[Row, ...] = (
    Row(
        "the state that is kept",
        ("resume: other",),
        "stopped and gone on from its state, it ends with other weights; look at state() and restore() for what is "
        "missing there: the optimiser's moments, counters, random generators, the replay, averaged weights.",
        ("resume",),
    ),
    Row(
        "the optimiser",
        ("gradient: all",),
        "not one weight moves; look whether the optimiser steps, holds the network's parameters, and has a learning "
        "rate above 0, and whether the loss hangs on the network at all.",
        (*WORLDS, "gradient", "barred"),
    ),
    Row(
        "the value head",
        ("gradient: returns|gradient: value|gradient: q",),
        "no gradient reaches it; look for a detach() or no_grad() on its way into the loss, or a weight of 0.",
        ("gradient: returns", "gradient: value", "gradient: q", *VALUES, "barred: body"),
    ),
    Row(
        "the policy head",
        ("gradient: policy|gradient: gaussian",),
        "no gradient reaches it; look for a detach() or no_grad() between its log-probabilities and the loss.",
        ("gradient: policy", "gradient: gaussian", *POLICIES),
    ),
    Row(
        "the body",
        ("gradient: backbone",),
        "parts of the backbone get no gradient; look for a detach() between it and the heads, or layers that the "
        "forward pass leaves out.",
        ("gradient: backbone", "observed", "matched", "followed", "batch", "exact", "recalled", "barred: body"),
    ),
    Row(
        "the rewards' places",
        ("later: misplaced",),
        "a reward counts for the decision before or after the one that earned it; look at how rewards are lined up "
        "with decisions.",
        WORLDS,
    ),
    Row(
        "the sign of the rewards",
        ("observed: reversed",),
        "what pays is taken for what costs; look at the sign with which rewards, or results, enter the targets.",
        WORLDS,
    ),
    Row(
        "the side that results are seen from",
        ("answered: reversed|exact: reversed",),
        "positions that are won for the mover are held to be lost; look at the one place where a result is turned to "
        "the mover's side.",
        VALUES,
    ),
    Row(
        "the discount",
        ("later: undiscounted",),
        "what comes a decision later counts in full; look for where the discount multiplies the value that follows.",
        ("later", "endless", "ended", "exact", "barred"),
    ),
    Row(
        "ends of games",
        ("constant: through|ended: through",),
        "values are taken from beyond the end of a game; what follows an end by the rules must be multiplied by 0: "
        "look at how `done` enters the targets.",
        ("constant", "ended", "later", "observed", "exact"),
    ),
    Row(
        "bootstrapping",
        ("later: unforeseen",),
        "a reward does not reach back to the decision before; look whether the value that follows enters the targets.",
        ("later", "endless", "ended", "exact", "barred"),
    ),
    Row(
        "games that are cut short",
        ("endless: ended",),
        "a limit is taken for an end; where a game is cut, the value of the position there must stand for the rest: "
        "look at how `valid` and `done` are told apart.",
        ("endless", "exact"),
    ),
    Row(
        "the sign of the advantage",
        (TOWARDS,),
        "the value head learns but the policy goes away from what pays; look at the sign of the advantage, and of the "
        "policy's loss.",
        (*POLICIES, "recalled", "exact"),
        VALUES[:5],
    ),
    Row(
        "the policy",
        (TOWARDS,),
        "it goes away from what pays, and the values are wrong as well; mend the values first, then look at the sign "
        "of the advantage.",
        (*POLICIES, "recalled", "exact"),
    ),
    Row(
        "the observation",
        ("observed: blind|matched: blind|followed: blind",),
        "it acts or judges alike whatever it is shown; look at what the network is given while playing and while "
        "learning, and in what order.",
        ("observed", "matched", "followed", "exact", "recalled", "batch"),
    ),
    Row(
        "the advantage",
        (EVEN,),
        "the value head learns and the policy's head moves, but not towards what pays; look whether advantages are 0, "
        "normalised away, or lined up with other actions.",
        (*POLICIES, "recalled", "exact"),
        VALUES[:5],
    ),
    Row(
        "masks of legal actions",
        ("barred: mask",),
        "an action that is barred is reckoned with; look whether masks enter the loss, and the best of what follows, "
        "just as they enter play.",
        ("barred",),
    ),
    Row(
        "the body",
        ("barred: body",),
        "where nothing can be chosen the body does not move: the value's gradient does not reach it.",
        ("barred",),
    ),
    Row(
        "memory between games",
        ("forgotten: kept",),
        "while learning, a game begins with what was remembered of another; look whether `fresh` resets the memory "
        "where a game begins.",
        ("forgotten", "recalled", "repeated"),
    ),
    Row(
        "memory while playing",
        ("repeated: reset",),
        "what the network said while playing is not what it says of the same games while learning, from their first "
        "positions on: the player does not clear its memory where a game begins.",
        ("repeated", "recalled"),
    ),
    Row(
        "memory while playing",
        ("repeated: other",),
        "what the network said while playing is not what it says of the same games while learning; look at the memory "
        "that a fragment begins with.",
        ("repeated", "recalled"),
    ),
    Row(
        "memory while learning",
        ("forgotten: unused",),
        "what was remembered when a fragment began makes no difference to learning; look whether it is handed on.",
        ("forgotten", "recalled"),
    ),
    Row(
        "memory",
        ("recalled: even",),
        "one thing at a time is learned, but not what has to be remembered; look at how gradients go back through a "
        "game, and whether the backbone remembers.",
        ("recalled",),
    ),
    Row(
        "the capacity to fit",
        ("batch: value|batch: policy",),
        "one batch, seen again and again, is not learned; look at the learning rate, the clipping of gradients, and "
        "whether the update uses the whole batch.",
        ("batch",),
    ),
    Row(
        "something",
        ("exact: off",),
        "the small worlds are learned, but values in a small game are not the exact ones; look at what longer games "
        "bring: traces (lambda), fragments' ends, exploration.",
        ("exact",),
    ),
)


def diagnose(findings: Sequence[Finding]) -> tuple[Complaint, ...]:
    """What is broken, root causes first; empty if every check holds."""
    left = {finding.symptom for finding in findings if finding.symptom}
    all_of_them = frozenset(left)
    complaints: list[Complaint] = []
    for row in TABLE:
        fits = all(_any(need.split("|"), left) for need in row.needs)
        if fits and not _any(row.without, all_of_them):
            complaints.append(Complaint(row.part, row.says))
            left = {symptom for symptom in left if not symptom.startswith(row.explains)}
    for finding in findings:
        if finding.symptom in left:
            complaints.append(Complaint(finding.about, f"{finding.says}."))
    return tuple(complaints)


def _any(beginnings: Iterable[str], symptoms: Iterable[str]) -> bool:
    return any(symptom.startswith(beginning) for beginning in beginnings for symptom in symptoms)
