"""A league's document as tables for a terminal: members and what they are fed, the payoff table, the curves' ends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from arena.display import minutes

COLUMNS = 10
"""Of the payoff table on a wide terminal."""


def board(told: Mapping[str, Any], width: int = 160) -> RenderableType:
    """A league as it is: for the live display, and for `arena league RUN`."""
    left = "" if told["left"] is None else f", {minutes(told['left'])} left"
    busy = "" if told.get("in_play") is None else f", {told['in_play']:.0%} of the rounds in play"
    head = f"round {told['round']:,} · {minutes(told['seconds'])} gone{left} · {told['workers']} workers{busy}"
    parts: list[RenderableType] = [Text(head), Text(""), learners(told)]
    parts += [Text(""), payoff(told, max(3, min(COLUMNS, (width - 30) // 14)))]
    parts += [Text(line) for line in remarks(told)]
    return Panel(Group(*parts), title=f"[bold]{told['game']}[/] · {told['league']}")


def learners(told: Mapping[str, Any]) -> Table:
    """Who learns, how far it is, what it is fed and why, and what its next snapshot waits for."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    exact = told["exploitability"]
    for name in ("learner", "role", "steps", "life", *(["exploitable by"] if exact else []), "is fed", "snapshot"):
        table.add_column(name, justify="right" if name in ("steps", "life", "exploitable by") else "left")
    for member in told["members"]:
        if not member["live"]:
            continue
        name = member["name"]
        why = member["stopped"] or told["feeds"].get(name, {}).get("why", "")
        own = [f"{exact[name]:.3f}" if name in exact else "…"] if exact else []
        table.add_row(
            name,
            member["role"],
            f"{member['steps']:,}",
            str(member["lives"]),
            *own,
            Text(why),
            Text(member["snapshot"]),
        )
    return table


def payoff(told: Mapping[str, Any], columns: int) -> Table:
    """Scores of rows against the learners and the newest frozen members, with half an interval and games."""
    names = told["payoff"]["names"]
    live = [i for i, name in enumerate(names) if any(m["name"] == name and m["live"] for m in told["members"])]
    rest = [i for i in range(len(names)) if i not in live]
    room = columns - len(live)
    chosen = live + rest[-room:] if room > 0 else live[:columns]
    table = Table(
        box=None, padding=(0, 2, 0, 0), title="score against (± half its 95 % interval, games)", title_justify="left"
    )
    table.add_column("")
    for j in chosen:
        table.add_column(names[j], justify="right", overflow="fold")
    score, games = told["payoff"]["score"], told["payoff"]["games"]
    low, high = told["payoff"]["low"], told["payoff"]["high"]
    for i in chosen:
        cells = []
        for j in chosen:
            said = "·"
            if i != j and games[i][j]:
                half = (high[i][j] - low[i][j]) / 2
                said = f"{score[i][j]:.0%} ±{100 * half:.0f} {games[i][j]:.0f}"
            cells.append(Text(said))
        table.add_row(names[i], *cells)
    return table


def remarks(told: Mapping[str, Any]) -> list[str]:
    """What else is to be said, a line each."""
    lines = []
    frozen = sum(1 for member in told["members"] if member["parent"])
    lines.append(f"{frozen} frozen members")
    if told["cycles"] is not None:
        lines[0] += f"; {told['cycles']:.0%} of who beats whom goes in circles"
    mixtures = {name: value for name, value in told["exploitability"].items() if " of the " in name}
    if mixtures:
        lines.append("exploitability: " + ", ".join(f"{name} {value:.4f}" for name, value in mixtures.items()))
    for one in told["exploits"][:4]:
        lines.append(f"{one['who']} exploits {one['whom']}: {one['score']:.0%}, at least {one['low']:.0%}")
    if told["ratings"]:
        best = told["ratings"][:5]
        lines.append("Elo: " + ", ".join(f"{row['name']} {float(row['elo']):+.0f}" for row in best))
    for one in told["bred"][-2:]:
        changed = ", ".join(f"{name} {value:.3g}" for name, value in one["settings"].items())
        lines.append(f"round {one['round']}: {one['who']} goes on from {one['from']}, with {changed}")
    lines += list(told["left_out"].values())
    return lines
