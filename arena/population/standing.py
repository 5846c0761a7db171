"""A league as a document: who is in it, what is played and why, and how everybody does; what --json and files hold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from leagues.roles import Feed

if TYPE_CHECKING:
    from arena.population.season import Season

SHOWN = 60
"""Members of the payoff table in the document: the learners and the newest frozen ones."""


def document(season: Season) -> dict[str, Any]:
    """Everything about a league that is for people, as plain values."""
    trainers = season.trainers
    return {
        "league": season.folder.name,
        "game": season.game,
        "doing": season.doing,
        "round": trainers.number,
        "seconds": round(season.elapsed(), 1),
        "left": None if season.minutes is None else round((1.0 - season.progress()) * 60.0 * season.minutes, 1),
        "progress": season.progress(),
        "workers": trainers.pool.size,
        "restarts": trainers.pool.restarts,
        "in_play": round(trainers.played / trainers.lasted, 4) if trainers.lasted else None,
        "evaluations": round(trainers.evaluations * trainers.pool.size / trainers.lasted) if trainers.lasted else None,
        "inference": season.backend,
        "members": members(season),
        "feeds": {name: fed(p.fed) for name, p in trainers.pupils.items() if p.fed is not None},
        "payoff": payoff(season),
        "exploits": exploits(season),
        "ratings": standings(season),
        "cycles": season.history[-1]["cycles"] if season.history else None,
        "diversity": season.history[-1].get("diversity") if season.history else None,
        "exploitability": season.history[-1]["exploitability"] if season.history else {},
        "bred": trainers.bred,
        "left_out": {**season.plan.left_out, **trainers.population.unusable},
        "broken": dict(season.ledger.broken),
        "history": season.history,
    }


def members(season: Season) -> list[dict[str, Any]]:
    """Everybody, in the order in which they came."""
    trainers, digests = season.trainers, season.population.digests()
    frozen = {str(one["name"]): one for one in season.frozen}
    found: list[dict[str, Any]] = []
    for member in trainers.plan.composition.members():
        pupil = trainers.pupils.get(member.name)
        line: dict[str, Any] = {"name": member.name, "role": member.role, "live": member.live, "parent": None}
        if pupil is not None:
            recipe = trainers.plan.recipes[member.name]
            line |= {
                "algorithm": recipe.algorithm,
                "backbone": recipe.backbone,
                "steps": pupil.steps,
                "games": pupil.games,
                "share": round(pupil.seconds / trainers.played, 4) if trainers.played else None,
                "descent": descent(season, member.name),
                "lives": pupil.lives + 1,
                "snapshot": pupil.verdict.reason if pupil.verdict is not None else "",
                "stopped": pupil.stopped,
                "metrics": dict(pupil.metrics),
            }
        found.append(line)
    for name, one in frozen.items():
        found.append(
            {"name": name, "role": one["role"], "live": False, "parent": one["parent"], "steps": one["step"],
             "descent": f"{one['parent']}, round {one['round']:,}",
             "round": one["round"], "snapshot": one["why"], "anew": one["anew"], "sha256": digests.get(name, "")}
        )  # fmt: skip
    return found


def descent(season: Season, name: str) -> str:
    """What a learner goes on from, in words."""
    trainers = season.trainers
    pupil, bred = trainers.pupils[name], [one for one in trainers.bred if one["who"] == name]
    anew = [one for one in season.frozen if one["parent"] == name and one["anew"]]
    if bred and (not anew or bred[-1]["round"] >= anew[-1]["round"]):
        return f"{bred[-1]['from']}, round {bred[-1]['round']:,}"
    return f"its first weights, life {pupil.lives + 1}" if anew else "random weights"


def fed(feed: Feed) -> dict[str, Any]:
    """What a learner is fed, and why."""
    parts = [{"share": part.share, "reason": part.reason, "odds": dict(part.odds)} for part in feed.parts]
    return {"why": feed.reason, "odds": feed.odds, "parts": parts}


def payoff(season: Season) -> dict[str, Any]:
    """The payoff table, of learners and the newest frozen members: scores of rows against columns."""
    names, table = shown(season), season.trainers.payoff
    low, high = table.intervals(names)
    rounded = {"score": table.winrates(names), "low": low, "high": high, "games": table.counts(names)}
    return {"names": names, **{name: np.round(array, 4).tolist() for name, array in rounded.items()}}


def shown(season: Season) -> list[str]:
    """Learners, then frozen members from oldest to newest, as many as are shown."""
    pupils, frozen = season.trainers.pupils, season.trainers.census.frozen()
    room = max(0, SHOWN - len(pupils))
    return [*pupils, *frozen[max(0, len(frozen) - room) :]]


def exploits(season: Season) -> list[dict[str, Any]]:
    """Who beats a learner for certain: the whole interval of its score is above one half; the surest first."""
    table, found = season.trainers.payoff, []
    names = shown(season)
    low, _ = table.intervals(names)
    score, games = table.winrates(names), table.counts(names)
    for j, whom in enumerate(names):
        if whom not in season.trainers.pupils:
            continue
        for i, who in enumerate(names):
            if i != j and low[i, j] > 0.5:
                found.append(
                    {"who": who, "whom": whom, "score": round(float(score[i, j]), 4), "low": round(float(low[i, j]), 4),
                     "games": round(float(games[i, j]), 1)}
                )  # fmt: skip
    return sorted(found, key=lambda one: -one["low"])


def standings(season: Season) -> list[dict[str, Any]]:
    """Ratings of this league's members and the anchors, best first, by their names in the league."""
    ledger = season.ledger
    if ledger.ratings is None:
        return []
    own = {season.entry(m.name): m.name for m in season.trainers.census.members}
    anchors = set(ledger.contest.entrants) if ledger.contest is not None else set()
    rows = ledger.ratings.rows()
    return [
        {**row, "name": own.get(str(row["name"]), str(row["name"]))}
        for row in rows
        if str(row["name"]) in own or str(row["name"]) in anchors
    ]


def read(folder: Path) -> dict[str, Any]:
    """The document that a league last wrote into its folder."""
    path = folder / "league.json"
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(told, dict) or not {"members", "left"} <= told.keys():
            raise ValueError("it is not a league's")
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} cannot be read ({error}); start the league again, and it is written anew.") from None
    return told
