"""Pictures of a league, from its document: who beats whom, who descends from whom, Elo, exploitability, roles."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import cos, log10, pi, sin
from typing import Any

from arena.text import folder_name
from arena.viewers.curves import short, ticks
from arena.viewers.lettering import cut
from arena.viewers.lettering import lines as wrapped
from arena.viewers.shapes import BOARD, GROUND, OVERLAY, Arrow, Box, Disc, Line, Rect, Ring, Shape, Text
from arena.viewers.theme import BODY, CAPTION, H1, LABEL, SEATS, SMALL, STROKE, Colour, diverging, ink_on

PAGE = Box(0, 0, 160, 90)
"""In the shares of a picture that is 16 to 9; u is a ninetieth of its height."""

Place = Callable[[float, float], tuple[float, float]]
"""Where a value stands in a picture: of (along, up) its (x, y)."""

Told = Mapping[str, Any]
"""A league's document, as `arena.population.standing.document` makes it."""

BESIDE = 3.0
"""The most that two of one round stand apart in the Elo picture, in u."""

MOST_CELLS = 24
"""Members on a side of the payoff map."""


def page(told: Told, title: str) -> list[Shape]:
    """The ground of every picture, its title, and of which league it is."""
    named = told["league"].startswith(folder_name(told["game"]))
    of = told["league"] if named else f"{told['game']} · {told['league']}"
    when = f"{of} · round {told['round']:,}"
    return [
        Rect(*PAGE, "ground", layer=GROUND),
        Text(title, Box(5, 3, 100, 6), H1, "text", weight="bold"),
        Text(when, Box(75, 3, 80, 6), LABEL, "muted", "right"),
    ]


def learners(told: Told) -> dict[str, Colour]:
    """Every learner with its colour, which its snapshots share."""
    live = [member["name"] for member in told["members"] if member["live"]]
    return {name: SEATS[i % len(SEATS)] for i, name in enumerate(live)}


def colour_of(told: Told, name: str) -> Colour:
    """The colour of a member; anchors have none of their own."""
    mine = learners(told)
    parents = {member["name"]: member["parent"] for member in told["members"]}
    return mine.get(name) or mine.get(parents.get(name) or "", "muted")


def thinned(told: Told) -> list[int]:
    """Which members the payoff map shows: the learners, and of the frozen ones some of every age."""
    names, mine = told["payoff"]["names"], learners(told)
    live = [i for i, name in enumerate(names) if name in mine]
    rest = [i for i in range(len(names)) if i not in live]
    room = max(0, MOST_CELLS - len(live))
    if len(rest) > room > 0:
        rest = [rest[round(k * (len(rest) - 1) / max(1, room - 1))] for k in range(room)]
    return [*live, *rest[: room or None]]


# --- who beats whom -------------------------------------------------------------------------------------------------


def payoff_map(told: Told) -> list[Shape]:
    """The payoff table: sky where the row wins, orange where the column does; scores, half intervals and games."""
    shapes = page(told, "Who beats whom")
    chosen = thinned(told)
    if not chosen:
        return [*shapes, _nothing("Nobody has met anybody yet.")]
    side = min(13.0, 70.0 / len(chosen))
    left, top = 38.0, 16.0
    size = SMALL
    names = told["payoff"]["names"]
    for k, i in enumerate(chosen):
        y, x = top + k * side, left + k * side
        words = cut(f"{names[i]}  {k + 1}", left - 6, size)
        shapes.append(Text(words, Box(4, y, left - 5, side), size, colour_of(told, names[i]), "right"))
        shapes.append(Text(str(k + 1), Box(x, top - 4, side, 4), size, colour_of(told, names[i]), "centre"))
        for m, j in enumerate(chosen):
            shapes += _cell(told["payoff"], i, j, Box(left + m * side, y, side, side))
    return shapes + _beside(told, left + len(chosen) * side + 4)


def _cell(table: Mapping[str, Any], i: int, j: int, box: Box) -> list[Shape]:
    inner = box.inset(0.12)
    games = table["games"][i][j]
    if i == j or games == 0:
        return [Rect(*inner, "panel", layer=BOARD)]
    score = table["score"][i][j]
    fill = diverging(2 * score - 1)
    shapes: list[Shape] = [Rect(*inner, fill, layer=BOARD)]
    if box.w >= 4.0:
        lines = [f"{score:.0%}"]
        if box.w >= 7.5:
            lines += [f"±{50 * (table['high'][i][j] - table['low'][i][j]):.0f}", f"n {games:.0f}"]
        high = box.h / (len(lines) + 0.4)
        for k, line in enumerate(lines):
            at = Box(box.x, box.y + (k + 0.2) * high, box.w, high)
            shapes.append(Text(line, at, SMALL, ink_on(fill), "centre"))
    return shapes


def _beside(told: Told, x: float) -> list[Shape]:
    """Beside the map: the scale, circles, and who exploits whom."""
    wide = 156 - x
    if wide < 18:
        return []
    shapes: list[Shape] = [Text("the row's score; n: games; dark: never met", Box(x, 14, wide, 3), SMALL, "muted")]
    step = min(30.0, wide) / 20
    for k in range(20):
        shapes.append(Rect(x + k * step, 18, step + 0.05, 3, diverging(k / 9.5 - 1)))
    for words, align in (("0", "left"), ("½", "centre"), ("1", "right")):
        shapes.append(Text(words, Box(x, 21.5, 20 * step, 3), SMALL, "muted", align))
    y = 28.0
    if told["cycles"] is not None:
        shapes.append(Text(f"{told['cycles']:.0%} goes in circles", Box(x, y, wide, 4), BODY, "text"))
        y += 5
    if told.get("diversity") is not None:
        shapes.append(Text(f"effective diversity {told['diversity']:.2f}", Box(x, y, wide, 4), BODY, "text"))
        y += 5
    y += 1
    if told["exploits"]:
        shapes.append(Text("Who exploits a learner", Box(x, y, wide, 4), BODY, "text", weight="bold"))
    for one in told["exploits"][:8]:
        y += 4.6
        words = cut(f"{one['who']} beats {one['whom']}: {one['score']:.0%} (> {one['low']:.0%})", wide, SMALL)
        shapes.append(Text(words, Box(x, y, wide, 4), SMALL, colour_of(told, one["who"])))
    return shapes


# --- who descends from whom -----------------------------------------------------------------------------------------


def family_tree(told: Told) -> list[Shape]:
    """Each learner's life as a line over the rounds; its snapshots branch off, and a ring is where it started anew."""
    shapes = page(told, "Who descends from whom")
    mine, last = learners(told), max(1, told["round"])
    lane = min(22.0, 66.0 / max(1, len(mine)))
    left, right = 38.0, 145.0
    for k, (name, colour) in enumerate(mine.items()):
        y = 17 + (k + 0.75) * lane
        role = next(member["role"] for member in told["members"] if member["name"] == name)
        shapes += [
            Text(cut(name, 30, LABEL, "bold"), Box(5, y - 3.4, 31, 3.4), LABEL, colour, weight="bold"),
            Text(cut(role, 30, SMALL), Box(5, y + 0.4, 31, 3), SMALL, "muted"),
            Line(((left, y), (right, y)), STROKE, colour),
            Disc(right, y, 1.0, colour),
        ]
        own = [member for member in told["members"] if member["parent"] == name]
        every = max(1, -(-len(own) // 12))
        for n, member in enumerate(own):
            x = left + (right - left) * member["round"] / last
            labelled = n % every == 0
            up = y - lane * ((0.34 if (n // every) % 2 == 0 else 0.52) if labelled else 0.18)  # below who has a label
            shapes.append(Line(((x, y), (x + 0.8, up + 1)), 0.15, colour, 0.7))
            shapes.append(Disc(x + 0.8, up, 0.8, colour))
            if labelled:
                shapes.append(Text(f"{member['steps']:,}", Box(x + 2, up - 1.2, 14, 2.4), SMALL, "muted"))
            if member["anew"]:
                shapes.append(Ring(x, y, 1.3, 0.35, "yellow"))
    rounds = Box(left, 84, right - left, 3)
    words = "rounds; at a snapshot its learner's steps; yellow: it started anew from its first weights"
    return [*shapes, Text("0", rounds, SMALL, "muted"), Text(f"{last:,}", rounds, SMALL, "muted", "right"),
            Text(words, rounds, SMALL, "muted", "centre")]  # fmt: skip


# --- curves ---------------------------------------------------------------------------------------------------------


def elo_curves(told: Told) -> list[Shape]:
    """The Elo of each learner's snapshots over the rounds, with 95 % intervals; anchors are dashed.

    Over rounds, as algorithms count steps of different kinds, from the first that has a snapshot to the last; those of
    one round stand side by side.
    """
    shapes = page(told, "Elo of snapshots")
    rated = {row["name"]: row for row in told["ratings"]}
    lines: dict[str, list[tuple[int, Mapping[str, Any]]]] = {}
    for member in told["members"]:
        if member["name"] in rated and member["parent"]:
            lines.setdefault(member["parent"], []).append((member["round"], rated[member["name"]]))
    if not lines:
        return [*shapes, _nothing("Nobody has been rated yet.")]
    anchors = [m["name"] for m in told["members"] if not m["live"] and not m["parent"] and m["name"] in rated]
    ends = [row[key] for points in lines.values() for _, row in points for key in ("low", "high")]
    ends += [rated[name]["elo"] for name in anchors]
    rounds = [when for points in lines.values() for when, _ in points]
    first, last = min(rounds), max(rounds)
    room = Box(16, 14, 112, 66)
    at = _places(room, min(ends), max(ends), first - 0.5, last + 0.5)
    marks = ticks(first, last, min(5, max(1, last - first)))
    shapes += _frame(room, at, ticks(min(ends), max(ends)), marks, "rounds", lambda value: f"{value:+.0f}")
    heights = {name: at(first, rated[name]["elo"])[1] for name in anchors}
    for name, label in apart(heights, 3.0, room).items():
        y = heights[name]
        shapes.append(Line(((room.x, y), (room.right, y)), 0.2, "muted", dash=1.0))
        shapes.append(Line(((room.right, y), (129.6, label)), 0.12, "muted"))
        shapes.append(Text(cut(name, 26, SMALL), Box(130, label - 1.5, 27, 3), SMALL, "muted"))
    apiece = min(BESIDE, 0.8 * room.w / (last - first + 1) / len(lines))
    for k, name in enumerate(name for name in learners(told) if name in lines):
        shapes += _rated(lines[name], at, (k - (len(lines) - 1) / 2) * apiece, colour_of(told, name))
    wide = room.w / min(6, len(lines))
    for k, name in enumerate([name for name in learners(told) if name in lines][:6]):
        words = cut(name, wide - 4, SMALL)
        shapes.append(Disc(room.x + k * wide + 1, 12, 0.7, colour_of(told, name)))
        shapes.append(Text(words, Box(room.x + k * wide + 3, 10.4, wide - 3, 3), SMALL, colour_of(told, name)))
    return shapes


def _rated(points: Sequence[tuple[int, Mapping[str, Any]]], at: Place, aside: float, colour: Colour) -> list[Shape]:
    """One learner's snapshots: (round, row of the ratings) of each, with its interval; all of them moved aside."""
    shapes: list[Shape] = []
    line: list[tuple[float, float]] = []
    for when, row in points:
        (x, y), low, high = at(when, row["elo"]), at(when, row["low"])[1], at(when, row["high"])[1]
        line.append((x + aside, y))
        shapes.append(Line(((x + aside, low), (x + aside, high)), 0.25, colour, 0.5))
        shapes.append(Disc(x + aside, y, 0.7, colour))
    return [*shapes, Line(tuple(line), STROKE, colour, 0.8)]


def apart(heights: Mapping[str, float], least: float, room: Box) -> dict[str, float]:
    """Where labels stand that want these heights: in their order, `least` from each other, and within a box."""
    found: dict[str, float] = {}
    at = room.y - least
    for name, height in sorted(heights.items(), key=lambda one: one[1]):
        found[name] = at = max(height, at + least)
    top = room.bottom + least
    for name in reversed(list(found)):
        found[name] = top = min(found[name], top - least)
    return found


def exploitability_curves(told: Told) -> list[Shape]:
    """How far learners, and mixtures of the frozen, are from perfect play: exact, on a scale of powers of ten.

    Empty where nobody can be exact: the game's tree is too large, or its members search.
    """
    series: dict[str, list[tuple[float, float]]] = {}
    for point in told["history"]:
        for name, value in point["exploitability"].items():
            series.setdefault(name, []).append((point["seconds"], log10(max(value, 1e-4))))
    if not series:
        return []
    shapes = page(told, "Exploitability")
    values = [value for points in series.values() for _, value in points]
    low, high, most = min(values), max(values), max(seconds for points in series.values() for seconds, _ in points)
    room = Box(16, 14, 112, 66)
    at = _places(room, low, high, 0.0, most)
    shapes += _frame(room, at, ticks(low, high), ticks(0.0, most), "seconds", lambda value: f"{10**value:.3g}")
    mixed = dict(zip((name for name in series if " of the " in name), ("yellow", "text"), strict=False))
    for name, points in series.items():
        colour = mixed.get(name) or colour_of(told, name)
        some = points[:: max(1, len(points) // 400)]
        shapes.append(Line(tuple(at(*point) for point in some), 0.5 if name in mixed else 0.25, colour))
    latest = {name: f"{10 ** points[-1][1]:.3f}" for name, points in series.items()}
    return shapes + _legend(told, list(series), mixed, latest)


def _places(room: Box, low: float, high: float, first: float, last: float) -> Place:
    """Where a value from low to high stands over what goes from first to last."""
    span, length = max(1e-9, high - low), max(1e-9, last - first)

    def at(x: float, y: float) -> tuple[float, float]:
        return room.x + room.w * (x - first) / length, room.bottom - room.h * (y - low) / span

    return at


def _frame(
    room: Box, at: Place, up: Sequence[float], along: Sequence[float], what: str, shown: Callable[[float], str]
) -> list[Shape]:
    """Axes with marks at these values upwards, as `shown` writes them, and along, where it says `what` they are."""
    shapes: list[Shape] = [Rect(*room, "panel", layer=BOARD)]
    for value in up:
        y = at(0.0, value)[1]
        shapes.append(Line(((room.x, y), (room.right, y)), 0.12, "raised", layer=BOARD))
        shapes.append(Text(shown(value), Box(2, y - 1.5, room.x - 3, 3), SMALL, "muted", "right"))
    for value in along:
        x = at(value, 0.0)[0]
        shapes.append(Text(short(value), Box(x - 8, room.bottom + 0.6, 16, 3), SMALL, "muted", "centre"))
    return [*shapes, Text(what, Box(room.x, room.bottom + 4, room.w, 3), SMALL, "muted", "centre")]


def _legend(
    told: Told, names: Sequence[str], colours: Mapping[str, Colour], said: Mapping[str, str] | None = None
) -> list[Shape]:
    shapes: list[Shape] = []
    for k, name in enumerate(names[:14]):
        y, colour = 18 + k * 4.4, colours.get(name) or colour_of(told, name)
        value = (said or {}).get(name, "")
        shapes.append(Text(cut(name, 21 if value else 27, SMALL), Box(130, y, 27, 3.4), SMALL, colour))
        shapes.append(Text(value, Box(130, y, 27, 3.4), SMALL, "text", "right"))
    return shapes


def _nothing(why: str) -> Shape:
    return Text(why, PAGE, CAPTION, "muted", "centre")


# --- roles ----------------------------------------------------------------------------------------------------------


def role_diagram(told: Told) -> list[Shape]:
    """What each learner is fed right now: arrows to whom it meets, as wide as often; yellow, who exploits whom."""
    shapes = page(told, "Who learns from whom")
    mine = learners(told)
    count = len(mine)
    parents = {member["name"]: member["parent"] for member in told["members"]}
    live: dict[str, tuple[float, float]] = {}
    past: dict[str, tuple[float, float]] = {}
    for k, name in enumerate(mine):
        turn = pi if count == 1 else pi / 2 + 2 * pi * k / count
        live[name] = (34 + 20 * cos(turn), 48 - 24 * sin(turn))
        past[name] = (88.0, 48 + (k - (count - 1) / 2) * min(20.0, 66 / count))
    for name, fed in told["feeds"].items():
        shares: dict[tuple[str, bool], float] = {}
        for other, odds in fed["odds"].items():
            of = (other, True) if other in live else (parents.get(other) or other, False)
            shares[of] = shares.get(of, 0.0) + odds
        for (other, here), odds in shares.items():
            if other == name and here:
                shapes.append(Ring(*live[name], 6.6, 0.3 + 1.2 * odds, mine[name], layer=BOARD))
            elif other in live:
                shapes += _arrow(live[name], (live if here else past)[other], 0.25 + 1.1 * odds, mine[name])
    frozen = {name: sum(1 for parent in parents.values() if parent == name) for name in mine}
    for one in told["exploits"][:6]:
        here = live if one["who"] in live else past
        who = one["who"] if one["who"] in live else parents.get(one["who"])
        if who in here and one["whom"] in live and not (here is live and who == one["whom"]):
            shapes += _arrow(here[who], live[one["whom"]], 0.35, "yellow", 2.2)
    for name, colour in mine.items():
        shapes.append(Disc(*live[name], 5.0, colour))
        x, y = live[name]
        shapes.append(
            Text(cut(name, 9.4, SMALL, "bold"), Box(x - 5, y - 2, 10, 4), SMALL, ink_on(colour), "centre", "bold")
        )
        x, y = past[name]
        shapes.append(Disc(x, y, 3.6, "raised", rim=colour, rim_width=0.4))
        shapes.append(Text(str(frozen[name]), Box(x - 4, y - 2, 8, 4), BODY, colour, "centre"))
        shapes.append(Text("its past", Box(x - 8, y + 3.8, 16, 3), SMALL, "muted", "centre"))
    return shapes + _reasons(told)


def _arrow(
    start: tuple[float, float], end: tuple[float, float], width: float, colour: Colour, aside: float = 0.0
) -> list[Shape]:
    """An arrow from the edge of one disc to that of another, moved aside so that two do not cover each other."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    far = max(1e-6, (dx * dx + dy * dy) ** 0.5)
    ux, uy = dx / far, dy / far
    ox, oy = -uy * aside, ux * aside
    head = (end[0] - ux * 5.8 + ox, end[1] - uy * 5.8 + oy)
    return [Arrow(start[0] + ux * 5.4 + ox, start[1] + uy * 5.4 + oy, *head, width, colour, layer=OVERLAY - 1)]


def _reasons(told: Told) -> list[Shape]:
    """Each learner's feed in words."""
    shapes: list[Shape] = []
    x, wide, y = 104.0, 53.0, 14.0
    room = 70 / max(1, len(told["feeds"]))
    for name, fed in told["feeds"].items():
        shapes.append(
            Text(cut(name, wide, BODY, "bold"), Box(x, y, wide, 3.6), BODY, colour_of(told, name), weight="bold")
        )
        lines = [line for part in fed["why"].split("; ") for line in wrapped(part, wide, SMALL)]
        for k, line in enumerate(lines[: max(1, int((room - 5) / 3))]):
            shapes.append(Text(line, Box(x, y + 4 + 3 * k, wide, 3), SMALL, "text"))
        y += room
    legend = (
        "arrows lead to whom a learner meets, as wide as often; a ring: itself; yellow: from who beats it for certain"
    )
    return [*shapes, Text(legend, Box(5, 85, 150, 3), SMALL, "muted")]


PICTURES: dict[str, Callable[[Told], list[Shape]]] = {
    "payoff": payoff_map,
    "family": family_tree,
    "elo": elo_curves,
    "exploitability": exploitability_curves,
    "roles": role_diagram,
}
"""file name -> the picture."""
