"""The search of one position as a tree: its most visited moves and what each expects next."""

from __future__ import annotations

from collections.abc import Sequence

from arena.viewers.layout import Layout
from arena.viewers.lettering import cut, width
from arena.viewers.overlays import between
from arena.viewers.shapes import PANEL, Box, Disc, Group, Line, Point, Shape, Text
from arena.viewers.snapshot import OUTCOMES, Candidate, Snapshot, amount, expected, outcome, ranked, scored, signed
from arena.viewers.theme import BODY, SEATS, SMALL, Colour, diverging, ink_on, mix
from arena.viewers.ui import UI, focused
from envs.game import Game


def sized(base: float, layout: Layout) -> float:
    """A text size as the person wants it, never below the smallest that can be read."""
    return max(SMALL, base * layout.text)


def hidden(box: Box, layout: Layout, words: str = "Hidden until the game ends.  z shows it.") -> Text:
    """A sentence in the middle of a part that has nothing else to show."""
    size = sized(BODY, layout)
    return Text(cut(words, box.w, size), Box(box.x, box.cy - size, box.w, 2 * size), size, "muted", "centre")


def tree(snapshot: Snapshot, ui: UI, layout: Layout, box: Box) -> list[Shape]:
    """The root and its moves, the best seven; area of a node = visits, fill = value, width of an edge = share."""
    thought = snapshot.thought(ui.ply)
    known = ranked(thought.candidates) if thought else []
    candidates = [c for c in known if c.visits or c.prior or c.value is not None]
    if thought is None or not candidates:
        return [hidden(box, layout, "No search tree for this position.")]
    size, focus = sized(SMALL, layout), focused(ui)
    candidates = candidates[: min(7, max(1, int(box.h / (2.6 * size))))]
    most = max(c.visits for c in candidates)
    gap, longest = box.h / len(candidates), max(len(c.pv) for c in candidates) - 1
    radius = min(0.42 * gap, 3.4)
    root = (box.x + 3.4, box.cy)
    column = box.x + (18.0 if longest > 0 else 0.45 * box.w)
    shapes: list[Shape] = []
    for number, candidate in enumerate(candidates):
        share = candidate.visits / most if most else candidate.prior or 0.0
        at, r = (column, box.y + (number + 0.5) * gap), max(0.9, radius * share**0.5)
        lit = focus == candidate.action
        edge = "yellow" if lit or number == 0 else "line"
        shapes.append(Line((*_bend(root, (column - 7.0, at[1])), at), max(0.2, 1.1 * share), edge, 0.8))
        ahead = Box(column + radius + 2, at[1] - size * 0.7, box.right - column - radius - 2, size * 1.4)
        if longest > 0:
            shapes += _ahead(snapshot, candidate, ahead, at[0] + r, size, min(7, longest), share, edge)
        else:
            shapes.append(
                Text(cut(_words(candidate, thought.seat, snapshot.game), ahead.w, size), ahead, size, "muted")
            )
        shapes += _node(
            snapshot.game.told(thought.seat), candidate, at, r, size, lit, _colour(snapshot, candidate, candidates)
        )
    seen = snapshot.value(ui.ply)
    shapes.append(Disc(*root, 2.4, diverging(seen[0] if seen else 0.0), rim="text", rim_width=0.25, layer=PANEL))
    return [Group(tuple(shapes), box.inset(-1))]


def _colour(snapshot: Snapshot, candidate: Candidate, candidates: list[Candidate]) -> Colour:
    """A move's value as a colour; in a scored game, how it compares with the others."""
    if candidate.value is None or not snapshot.scored:
        return diverging(candidate.value or 0.0)
    return diverging(between(candidate.value, [c.value for c in candidates if c.value is not None]))


def _words(candidate: Candidate, seat: int, game: Game) -> str:
    words = f"{candidate.visits:,.0f} visits   ".replace(",", " ") if candidate.visits else ""
    if candidate.proven and candidate.value is not None and not scored(game):
        return words + f"proven {OUTCOMES[outcome(candidate.value, seat)]}"
    said = amount if scored(game) else signed
    return words + (said(candidate.value) if candidate.value is not None else "")


def _node(
    names: Sequence[str], candidate: Candidate, at: Point, r: float, size: float, lit: bool, fill: Colour
) -> list[Shape]:
    """A move of the root; its name is inside if it fits, else on the edge that leads to it."""
    name = names[candidate.action]
    rim, hit = "yellow" if lit else "text", f"row:{candidate.action}"
    disc = Disc(*at, r, fill, rim=rim, rim_width=0.25, layer=PANEL, hit=hit)
    if width(name, size, "bold") <= 1.7 * r and r >= 0.8 * size:
        box = Box(at[0] - r, at[1] - size * 0.7, 2 * r, size * 1.4)
        return [disc, Text(name, box, size, ink_on(fill), "centre", "bold")]
    box = Box(at[0] - r - 6.0, at[1] - size * 1.45, 5.6, size * 1.2)
    return [disc, Text(name, box, size, "text", "right", "bold", halo="panel")]


def _ahead(
    snapshot: Snapshot, candidate: Candidate, room: Box, start: float, size: float, depth: int, share: float, edge: str
) -> list[Shape]:  # fmt: skip
    """The expected continuation, one disc a move in the colour of its mover."""
    shapes: list[Shape] = []
    depth = max(1, min(depth, int(room.w / (3.2 * size))))
    r = 0.7 * size
    inside = max(width(name, size) for name in snapshot.game.names) <= 1.5 * r
    for i, (seat, name) in enumerate(expected(snapshot.game, candidate)[:depth]):
        x = room.x + (i + 0.5) * room.w / depth
        shapes.append(Line(((start, room.cy), (x - r, room.cy)), max(0.15, 0.6 * share), edge, 0.6 - 0.05 * i))
        fill = mix("panel", SEATS[seat], 0.28)
        if inside:
            shapes.append(Disc(x, room.cy, r, fill, rim=SEATS[seat], rim_width=0.15, layer=PANEL))
            shapes.append(Text(name, Box(x - r, room.y, 2 * r, room.h), size, "text", "centre"))
            start = x + r
        else:
            shapes.append(Disc(x - 0.4 * r, room.cy, 0.6 * r, fill, rim=SEATS[seat], rim_width=0.15, layer=PANEL))
            words = Box(x + 0.4 * r, room.y, width(name, size) + 0.3, room.h)
            shapes.append(Text(name, words, size, "text"))
            start = words.right + 0.4
    return shapes


def _bend(a: Point, b: Point) -> tuple[Point, ...]:
    """A smooth way from a to b, level at both ends."""
    steps = [i / 12 for i in range(13)]
    return tuple((a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t * t * (3 - 2 * t)) for t in steps)
