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
WIDE = 120
"""Columns of a terminal that has room to say from whom each member descends."""


def board(told: Mapping[str, Any], width: int = 160, live: bool = False) -> RenderableType:
    """A league as it is: for the `live` display, and for `arena league RUN`."""
    left = "" if told["left"] is None else f", {minutes(told['left'])} left"
    busy = "" if told.get("in_play") is None else f", {told['in_play']:.0%} of the rounds in play"
    if told.get("evaluations"):
        busy += f" · {told['evaluations']:,} evaluations a second"
    head = f"round {told['round']:,} · {minutes(told['seconds'])} gone{left} · {told['workers']} workers{busy}"
    parts: list[RenderableType] = [Text(head), Text(""), learners(told)]
    descends = width >= WIDE
    columns = max(3, min(COLUMNS, (width - (52 if descends else 30)) // 14))
    if told["payoff"]["names"]:
        parts += [Text(""), payoff(told, columns, descends)]
    parts += [Text(line) for line in remarks(told, live)]
    if told["ratings"] and not live:
        parts += [Text(""), standings(told)]
    under = f"{told['doing']} · Ctrl-C stops; nothing kept is lost" if told.get("doing") and live else None
    return Panel(Group(*parts), title=f"[bold]{told['game']}[/] · {told['league']}", subtitle=under)


def learners(told: Mapping[str, Any]) -> Table:
    """Who learns, how far it is, what it is fed and why, and what its next snapshot waits for."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    exact, elo = told["exploitability"], newest_elo(told)
    names = ["learner", "algorithm", "role", "steps", "games", "time", "life"]
    names += [*(["Elo"] if elo else []), *(["exploitable by"] if exact else []), "is fed", "snapshot"]
    for name in names:
        left = name in ("learner", "algorithm", "role", "is fed", "snapshot")
        table.add_column(name, justify="left" if left else "right", no_wrap=name not in ("role", "is fed", "snapshot"))
    for member in told["members"]:
        if not member["live"]:
            continue
        name = member["name"]
        why = member["stopped"] or told["feeds"].get(name, {}).get("why", "")
        share = member.get("share")
        table.add_row(
            name,
            member.get("algorithm", ""),
            Text(member["role"]),
            f"{member['steps']:,}",
            f"{member['games']:,}",
            "…" if share is None else f"{share:.0%}",
            str(member["lives"]),
            *([elo.get(name, "…")] if elo else []),
            *([f"{exact[name]:.3f}" if name in exact else "…"] if exact else []),
            Text(why),
            Text(member["snapshot"]),
        )
    return table


def standings(told: Mapping[str, Any]) -> Table:
    """Everybody's rating with its 95 % interval, the best first."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("", justify="right")
    table.add_column("member", no_wrap=True)
    for name in ("Elo", "95 %", "games", "score"):
        table.add_column(name, justify="right", no_wrap=True)
    for place, row in enumerate(told["ratings"], 1):
        interval = f"{float(row['low']):+.0f} … {float(row['high']):+.0f}"
        games, score = f"{float(row['games']):,.0f}", f"{float(row['score']):.0%}"
        table.add_row(str(place), Text(str(row["name"])), f"{float(row['elo']):+.0f}", interval, games, score)
    return table


def newest_elo(told: Mapping[str, Any]) -> dict[str, str]:
    """The Elo of each learner's newest rated snapshot, with half its 95 % interval."""
    rated = {row["name"]: row for row in told["ratings"]}
    found: dict[str, str] = {}
    for member in told["members"]:
        row = rated.get(member["name"])
        if member["parent"] and row is not None:
            found[member["parent"]] = f"{float(row['elo']):+.0f} ±{(float(row['high']) - float(row['low'])) / 2:.0f}"
    return found


def payoff(told: Mapping[str, Any], columns: int, descends: bool = False) -> Table:
    """Scores of rows against the learners and the newest frozen members, with half an interval and games.

    descends  whether to say from whom each member descends
    """
    names = told["payoff"]["names"]
    live = [i for i, name in enumerate(names) if any(m["name"] == name and m["live"] for m in told["members"])]
    rest = [i for i in range(len(names)) if i not in live]
    room = columns - len(live)
    chosen = live + rest[-room:] if room > 0 else live[:columns]
    table = Table(
        box=None, padding=(0, 2, 0, 0), title="score against (± half its 95 % interval, games)", title_justify="left"
    )
    table.add_column("")
    if descends:
        table.add_column("descends from")
    descent = {member["name"]: Text(member.get("descent", "")) for member in told["members"]}
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
        table.add_row(names[i], *([descent.get(names[i], Text(""))] if descends else []), *cells)
    return table


def remarks(told: Mapping[str, Any], live: bool = False) -> list[str]:
    """What else is to be said, a line each; `live`, of the ratings the best alone, as they change below one's eyes."""
    lines = []
    frozen = sum(1 for member in told["members"] if member["parent"])
    lines.append("1 frozen member" if frozen == 1 else f"{frozen} frozen members")
    if told["cycles"] is not None:
        lines[0] += f"; {told['cycles']:.0%} of who beats whom goes in circles"
    if told.get("diversity") is not None:
        lines[0] += f"; effective diversity {told['diversity']:.2f}"
    mixtures = {name: value for name, value in told["exploitability"].items() if " of the " in name}
    if mixtures:
        lines.append("exploitability: " + ", ".join(f"{name} {value:.4f}" for name, value in mixtures.items()))
    for one in told["exploits"][:4]:
        lines.append(f"{one['who']} exploits {one['whom']}: {one['score']:.0%}, at least {one['low']:.0%}")
    if told["ratings"] and live:
        best = told["ratings"][:5]
        lines.append("Elo: " + ", ".join(f"{row['name']} {float(row['elo']):+.0f}" for row in best))
    for one in told["bred"][-2:]:
        changed = ", ".join(f"{name} {value:.3g}" for name, value in one["settings"].items())
        lines.append(f"round {one['round']}: {one['who']} goes on from {one['from']}, with {changed}")
    lines += list(told["left_out"].values())
    lines += [f"{count:,} games failed and count for nobody: {why}" for why, count in told.get("broken", {}).items()]
    return lines
