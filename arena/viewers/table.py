"""The panel beside the board: the table of candidates, and below it a tree, the moves or a log."""

from __future__ import annotations

from dataclasses import replace

from arena.viewers.layout import Layout
from arena.viewers.lettering import cut, width
from arena.viewers.overlays import value_words
from arena.viewers.pages import summary
from arena.viewers.shapes import Box, Line, Rect, Shape, Text
from arena.viewers.snapshot import (
    LOSSES,
    Candidate,
    Ply,
    Snapshot,
    action_words,
    amount,
    changes,
    expected,
    loss,
    percent_of,
    ranked,
    signed,
    to_player_1,
)  # fmt: skip
from arena.viewers.theme import BODY, CORNER, SEATS, SMALL, mix
from arena.viewers.tree import hidden, sized, tree
from arena.viewers.ui import TABS, UI, focused, secret


def panel(snapshot: Snapshot, ui: UI, layout: Layout, shown: bool) -> list[Shape]:
    """The table above, a tab below."""
    if layout.panel is None:
        return []
    if snapshot.scored and ui.tab == "tree" and not any(ply.candidates for ply in snapshot.plies):
        ui = replace(ui, tab="moves")  # nobody searches here
    box = layout.panel
    row = sized(BODY, layout) * 1.5
    above = Box(box.x, box.y, box.w, min(box.h * 0.55, row * 8.6))
    below = Box(box.x, above.bottom + 1, box.w, box.bottom - above.bottom - 1)
    shapes: list[Shape] = [Rect(*above, "panel", radius=CORNER), Rect(*below, "panel", radius=CORNER)]
    shapes += _table(snapshot, ui, layout, above, shown)
    shapes += _tabs(ui, layout, below)
    inner = Box(below.x + 1.5, below.y + row + 1.5, below.w - 3, below.h - row - 2.5)
    match ui.tab:
        case "tree":
            shapes += tree(snapshot, ui, layout, inner) if shown else [hidden(inner, layout)]
        case "moves":
            shapes += _moves(snapshot, ui, layout, inner, shown)
        case _:
            shapes += _log(snapshot, ui, layout, inner, shown)
    return shapes


def _columns(layout: Layout, box: Box, thought: Ply) -> dict[str, Box]:
    """The columns of which something is known, left to right; as room gets scarce the less important ones go."""
    candidates, size, gap = thought.candidates, sized(BODY, layout), 1.2
    digits = width("0", size)
    wants = {"#": 2.2, "move": 4.6, "bar": 0.0}
    if any(c.visits for c in candidates):
        wants |= {"visits": 6.2, "share": 6.0}
    if any(c.value is not None for c in candidates):
        wants["value"] = 6.2
    if any(c.prior is not None for c in candidates) and (layout.wide or "visits" not in wants):
        wants["prior"] = 5.8
    for name in ("share", "#", "visits"):
        if sum(wants.values()) * digits + gap * len(wants) + 8 > box.w:
            wants.pop(name, None)
    expects = layout.wide and any(len(c.pv) > 1 for c in candidates)
    rest = box.w - 3 - gap * len(wants) - sum(wants.values()) * digits
    x, columns = box.x + 1.5, {}
    for name, letters in wants.items():
        columns[name] = Box(x, box.y, letters * digits if letters else rest * (0.4 if expects else 0.95), box.h)
        x += columns[name].w + gap
    if expects and box.right - x > 12:
        columns["line"] = Box(x + gap, box.y, box.right - x - gap - 1.5, box.h)
    return columns


def _table(snapshot: Snapshot, ui: UI, layout: Layout, box: Box, shown: bool) -> list[Shape]:
    if snapshot.result is not None and ui.ply == snapshot.length:
        return summary(snapshot, layout, box)
    if not shown:
        return [hidden(box, layout)]
    if snapshot.note and not snapshot.length:
        return [hidden(box, layout, "No game yet.")]
    thought = snapshot.thought(ui.ply)
    if snapshot.game.controls and thought is not None:
        return _controls(snapshot, ui, layout, box, thought)
    if thought is None or not thought.candidates:
        seat = int(snapshot.rows[ui.ply]["seat"])
        waiting = thought is None and snapshot.live
        words = f"{snapshot.names[seat]} names no candidates here."
        if waiting:
            words = "It is your move." if seat == snapshot.person else f"{snapshot.names[seat]} is thinking."
        return [hidden(box, layout, words)]
    small, size = sized(SMALL, layout), sized(BODY, layout)
    columns, row = _columns(layout, box, thought), size * 1.5
    shapes: list[Shape] = []
    heads = {
        "move": "move",
        "visits": "visits",
        "share": "share",
        "value": "value",
        "prior": "prior",
        "line": "expects",
    }
    if not any(c.visits for c in thought.candidates):  # an agent that does not search says how it chooses
        heads["prior"] = "policy"
    for name, words in heads.items():
        if name in columns:
            head = columns[name]._replace(y=box.y + 0.8, h=row)
            align = "left" if name in ("move", "line") else "right"
            shapes.append(Text(words, head, small, "muted", align))
    y = box.y + 0.8 + row
    shapes.append(Line(((box.x + 1.5, y), (box.right - 1.5, y)), 0.15, mix("raised", "line", 0.4)))
    candidates = ranked(thought.candidates)
    room = int((box.bottom - y - 0.6) / row)
    for number, candidate in enumerate(candidates[:room]):
        shapes += _row(snapshot, ui, layout, thought, candidate, number, y + 0.3 + number * row, row, columns, box)
    return shapes


def _controls(snapshot: Snapshot, ui: UI, layout: Layout, box: Box, ply: Ply) -> list[Shape]:
    """The numbers of an action that is a vector, each on a bar from its lowest to its highest."""
    game, size = snapshot.game, sized(BODY, layout)
    row, wide = size * 1.9, max(width(name, size, "bold") for name in game.names) + 2
    words = f"{snapshot.names[ply.seat]} does"
    shapes: list[Shape] = [
        Text(cut(words, box.w - 4, size), Box(box.x + 2, box.y + 0.8, box.w - 4, row), size, "muted")
    ]
    bar, room = box.w - 4 - wide - 9, int((box.h - 1.6) / row) - 1
    for i, (name, (low, high)) in enumerate(list(zip(game.names, game.controls, strict=True))[:room]):
        y, value = box.y + 0.8 + (i + 1) * row, float(ply.action[i])
        at = Box(box.x + 2 + wide, y + row * 0.3, bar, row * 0.4)
        zero = at.x + at.w * min(1.0, max(0.0, -low / (high - low)))
        x = at.x + at.w * (value - low) / (high - low)
        shapes.append(Text(name, Box(box.x + 2, y, wide, row), size, weight="bold"))
        shapes.append(Rect(*at, mix("panel", "raised", 0.9), radius=0.4))
        shapes.append(Rect(min(x, zero), at.y, max(0.3, abs(x - zero)), at.h, "yellow", radius=0.3))
        shapes.append(Text(amount(value, plus=True), Box(at.right + 0.5, y, 8.5, row), size, "text", "right", "bold"))
    return shapes


def _row(
    snapshot: Snapshot, ui: UI, layout: Layout, thought: Ply, candidate: Candidate, number: int, y: float, row: float,
    columns: dict[str, Box], box: Box,
) -> list[Shape]:  # fmt: skip
    size = sized(BODY, layout)
    total = sum(c.visits for c in thought.candidates)
    most = max(c.visits for c in thought.candidates)
    best, lit = number == 0, focused(ui) == candidate.action
    whole = Box(box.x + 0.6, y, box.w - 1.2, row)
    shapes: list[Shape] = [Rect(*whole, "raised" if lit else None, radius=0.6, hit=f"row:{candidate.action}")]
    played = ui.ply < snapshot.length and snapshot.plies[ui.ply].action == candidate.action
    if played:
        shapes.append(Rect(whole.x, y + 0.5, 0.5, row - 1.0, SEATS[thought.seat], radius=0.25))

    def cell(name: str, words: str, colour: str = "text", weight: str = "regular", align: str = "right") -> None:
        if name in columns and words:
            at = columns[name]._replace(y=y, h=row)
            shapes.append(Text(cut(words, at.w, size, weight), at, size, colour, align, weight))

    cell("#", str(number + 1), "muted", align="left")
    cell("move", snapshot.game.told(thought.seat)[candidate.action], "yellow" if best else "text", "bold", "left")
    share = candidate.visits / most if most else candidate.prior or 0.0
    bar = columns["bar"]
    shapes.append(Rect(bar.x, y + row * 0.27, bar.w, row * 0.46, mix("panel", "raised", 0.9), radius=0.4))
    if share > 0:
        filled = max(0.5, bar.w * share)
        shapes.append(Rect(bar.x, y + row * 0.27, filled, row * 0.46, "yellow" if best else "muted", radius=0.4))
    if total:
        cell("visits", f"{candidate.visits:,.0f}".replace(",", " "))
        cell("share", percent_of(candidate.visits, total), "muted")
    if candidate.value is not None:
        value = candidate.value  # words may be the mover's; the colour is always that of who stands better
        if ui.mover_side and not candidate.proven:
            value = to_player_1(value, thought.seat, snapshot.game)
        colour = "sky" if value > 0.005 else "orange" if value < -0.005 else "text"
        colour = "text" if snapshot.scored else colour
        cell("value", value_words(candidate, ui, thought.seat, snapshot.game), colour, "bold")
    if candidate.prior is not None:
        cell("prior", percent_of(candidate.prior, 1.0), "teal")
    cell("line", " ".join(name for _, name in expected(snapshot.game, candidate)), "muted", align="left")
    return shapes


def _tabs(ui: UI, layout: Layout, box: Box) -> list[Shape]:
    shapes: list[Shape] = []
    size, x = sized(BODY, layout), box.x + 1.5
    row = size * 1.5
    for name in TABS:
        on = name == ui.tab
        long = width(name, size, "bold") + 2.4
        shapes.append(
            Text(
                name,
                Box(x, box.y + 0.6, long, row),
                size,
                "text" if on else "muted",
                "centre",
                "bold" if on else "regular",
                hit=f"tab:{name}",
            )
        )
        if on:
            shapes.append(Rect(x + 0.8, box.y + row + 0.4, long - 1.6, 0.4, "yellow", radius=0.2))
        x += long + 0.8
    y = box.y + row + 0.8
    return [Line(((box.x + 1.5, y), (box.right - 1.5, y)), 0.15, mix("raised", "line", 0.4)), *shapes]


def _moves(snapshot: Snapshot, ui: UI, layout: Layout, box: Box, shown: bool) -> list[Shape]:
    """Every move, a round a line and several lines side by side; marks of bad ones; a click goes there."""
    if not snapshot.length:
        return [hidden(box, layout, "No move has been made.")]
    size = sized(BODY, layout)
    row, found = size * 1.45, changes(snapshot) if shown else {}
    abreast = snapshot.game.seats if 2 <= snapshot.game.seats <= 4 else 1
    if snapshot.game.controls:
        longest = max(width(action_words(snapshot.game, ply.action, ply.seat), size) for ply in snapshot.plies[:50]) + 2
    else:
        longest = max(width(name, size) for name in snapshot.game.names)
    count = -(-snapshot.length // abreast)
    number_w, move_w = width(f"{max(10, count)}.", size) + 0.8, longest + width("??", size) + 1.8
    while abreast > 1 and number_w + abreast * move_w > box.w:
        abreast -= 1
        count = -(-snapshot.length // abreast)
    move_w = min(move_w, (box.w - number_w) / abreast)
    pair_w = number_w + abreast * move_w + 1.5
    lines = max(1, int(box.h / row))
    columns = max(1, int((box.w + 1.5) / pair_w))
    first = 0
    if count > lines * columns:
        first = min(max(0, (ui.ply - 1) // abreast - lines * columns // 2), count - lines * columns)
    shapes: list[Shape] = []
    for pair in range(first, min(count, first + lines * columns)):
        x = box.x + (pair - first) // lines * pair_w
        y = box.y + (pair - first) % lines * row
        shapes.append(Text(f"{pair + 1}.", Box(x, y, number_w - 0.8, row), size, "muted", "right"))
        for k in range(abreast * pair, abreast * (pair + 1)):
            if k < snapshot.length:
                at = Box(x + number_w + (k % abreast) * move_w, y, move_w, row)
                shapes += _move(snapshot, ui, at, k, size, found)
    return shapes


def _move(snapshot: Snapshot, ui: UI, at: Box, k: int, size: float, found: dict[int, float]) -> list[Shape]:
    ply, here = snapshot.plies[k], ui.ply == k + 1
    words = HIDDEN if secret(snapshot, ui, k) else action_words(snapshot.game, ply.action, ply.seat)
    name = cut(words, at.w - 1.0, size, "bold")
    shapes: list[Shape] = [Rect(*at.inset(0.1), "yellow" if here else None, radius=0.5, hit=f"move:{k + 1}")]
    colour = "ink" if here else "muted" if k < snapshot.opening else SEATS[ply.seat]
    shapes.append(Text(name, at.inset(0.5, 0), size, colour, weight="bold" if here else "regular"))
    lost = loss(snapshot, k, found.get(k, 0.0))
    glyph = next((mark for least, mark in LOSSES if lost >= least), "")
    if glyph:
        words = Box(at.x + 0.5 + width(name, size, "bold") + 0.2, at.y, width(glyph, size, "bold") + 0.2, at.h)
        shapes.append(Text(glyph, words, size, "ink" if here else "purple", weight="bold"))
    return shapes


HIDDEN = "·"
"""What stands for a move that the seat whose eyes are used may not know."""


def log_lines(snapshot: Snapshot, shown: bool = True, ui: UI | None = None) -> list[tuple[str, str]]:
    """The facts and the course of a game as (what, words)."""
    game = snapshot.game
    lines = [("game", f"{game.name}, rules version {game.version}"), ("seed", str(snapshot.seed))]
    for seat, name in enumerate(snapshot.names):
        rating = snapshot.ratings[seat] if seat < len(snapshot.ratings) else ""
        lines.append((f"player {seat + 1}", f"{name}  {rating}".rstrip()))
    lines += list(snapshot.facts)
    if snapshot.opening:
        given = " ".join(action_words(game, p.action, p.seat) for p in snapshot.plies[: snapshot.opening])
        lines.append(("opening", given))
    for k in range(snapshot.opening, snapshot.length):
        ply = snapshot.plies[k]
        closed = ui is not None and secret(snapshot, ui, k)
        words = HIDDEN if closed else action_words(game, ply.action, ply.seat)
        paid = float(snapshot.rows[k + 1]["reward"][ply.seat])
        if snapshot.scored and paid:
            words += f"   paid {amount(paid)}"
        if shown and ply.value is not None and not closed:
            words += f"   value {amount(ply.value) if snapshot.scored else signed(ply.value)}"
            visits = sum(c.visits for c in ply.candidates)
            words += f"   {visits:,.0f} visits".replace(",", " ") if visits else ""
        lines.append((f"move {k + 1}", words))
    return lines


def _log(snapshot: Snapshot, ui: UI, layout: Layout, box: Box, shown: bool) -> list[Shape]:
    size = sized(BODY, layout)
    row, lines = size * 1.4, log_lines(snapshot, shown, ui)
    room, head = max(2, int(box.h / row)), len(lines) - (snapshot.length - snapshot.opening)
    first = 0
    if len(lines) > room and ui.ply > snapshot.opening:
        first = min(max(0, head + ui.ply - snapshot.opening - room // 2), len(lines) - room)
    left = width(f"move {max(100, snapshot.length)}" if snapshot.length > 99 else "player 00", size) + 1
    shapes: list[Shape] = []
    for i, (what, words) in enumerate(lines[first : first + room]):
        y, here = box.y + i * row, what == f"move {ui.ply}"
        shapes.append(Text(what, Box(box.x, y, left, row), size, "yellow" if here else "muted"))
        shapes.append(Text(cut(words, box.w - left, size), Box(box.x + left, y, box.w - left, row), size))
    return shapes
