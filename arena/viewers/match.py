"""The match view: header, gauge, board, panel, timeline and caption put together from one snapshot."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from arena.text import counted
from arena.viewers import returns
from arena.viewers.dials import dials
from arena.viewers.layout import Layout
from arena.viewers.lettering import cut, lines, width
from arena.viewers.overlays import ghost, last_move, overlays
from arena.viewers.pages import end_card, help_page
from arena.viewers.pictures import Picture, Spot, look
from arena.viewers.shapes import BOARD, CAPTION, GROUND, PANEL, Box, Line, Poly, Rect, Shape, Text
from arena.viewers.snapshot import (
    LOSSES,
    OUTCOMES,
    Snapshot,
    action_words,
    amount,
    changes,
    loss,
    outcome,
    percent,
    percent_of,
    ranked,
    signed,
    to_player_1,
)
from arena.viewers.table import panel
from arena.viewers.theme import BODY, CORNER, LABEL, SEATS, SMALL, mix
from arena.viewers.theme import CAPTION as CAPTION_SIZE
from arena.viewers.timeline import timeline
from arena.viewers.tree import sized
from arena.viewers.ui import SPEEDS, UI, analysis, dialled, eyes, secret, to_move


def scene(snapshot: Snapshot, ui: UI, layout: Layout) -> list[Shape]:
    """Everything on the screen, from what is known and what was chosen; pure."""
    shown = analysis(snapshot, ui)
    draw = partial(look, snapshot.game, layout=layout, flipped=ui.flipped, seen_by=eyes(snapshot, ui))
    before = snapshot.rows[ui.ply - 1] if ui.ply else None
    picture = draw(snapshot.rows[ui.ply], before=before, part=_eased(ui.part))
    told = ui.ply > 0 and not secret(snapshot, ui, ui.ply - 1)
    earlier = draw(before) if before is not None and told else None
    turn = to_move(snapshot, ui)
    shapes: list[Shape] = [Rect(*layout.window, "ground", layer=GROUND)]
    shapes += picture.shapes + _hits(snapshot, ui, picture, turn) + _dials(snapshot, ui, layout, turn, told)
    if shown and ui.part >= 1:
        shapes += overlays(snapshot, ui, picture, draw)
    shapes += last_move(snapshot, ui, earlier, shown)
    if turn:
        shapes += ghost(snapshot, ui, picture)
    shapes += _gauge(snapshot, ui, layout, shown)
    shapes += _header(snapshot, ui, layout, picture, shown)
    shapes += panel(snapshot, ui, layout, shown)
    shapes += timeline(snapshot, ui, layout, shown)
    shapes += _caption(snapshot, ui, layout, shown)
    shapes += end_card(snapshot, ui, layout)
    return shapes + (help_page(ui, layout) if ui.help else [])


def _eased(part: float) -> float:
    return 1 - (1 - part) ** 2


def _hits(snapshot: Snapshot, ui: UI, picture: Picture, turn: bool) -> list[Shape]:
    """The invisible places to click or point at."""
    if turn:
        actions = [a for a in picture.hits if snapshot.legal[ui.ply][a]]
    else:
        thought = snapshot.thought(ui.ply)
        actions = [c.action for c in thought.candidates if c.action in picture.hits] if thought else []
    return [Rect(*picture.hits[a], layer=BOARD, hit=f"action:{a}") for a in actions]


def _dials(snapshot: Snapshot, ui: UI, layout: Layout, turn: bool, told: bool) -> list[Shape]:
    """The person's dials, if it is their turn; else the last move on them, where a move is numbers."""
    if not snapshot.game.controls or not (turn or told):
        return []
    values = dialled(ui, snapshot) if turn else snapshot.plies[ui.ply - 1].action
    return dials(snapshot.game, layout, values, ui.dial if turn else None)


def _gauge(snapshot: Snapshot, ui: UI, layout: Layout, shown: bool) -> list[Shape]:
    """The value as a bar on the timeline's scale: player 1 from below, player 2 from above; or the returns."""
    box = layout.gauge
    shapes: list[Shape] = [Rect(*box, "raised", radius=0.5)]
    if snapshot.scored:
        return shapes + returns.gauge(snapshot, ui.ply, box)
    seen = snapshot.value(ui.ply) if shown else None
    if seen is not None:
        y = box.bottom - box.h * (seen[0] + 1) / 2
        if y > box.y:
            shapes.append(Rect(box.x, box.y, box.w, y - box.y, "orange", radius=min(0.5, (y - box.y) / 2)))
        if y < box.bottom:
            shapes.append(Rect(box.x, y, box.w, box.bottom - y, "sky", radius=min(0.5, (box.bottom - y) / 2)))
    for eighth in range(1, 8):
        y, half = box.y + box.h * eighth / 8, eighth == 4
        shapes.append(Line(((box.x, y), (box.right if half else box.x + 0.7, y)), 0.3 if half else 0.15, "ink"))
    return shapes


def _header(snapshot: Snapshot, ui: UI, layout: Layout, picture: Picture, shown: bool) -> list[Shape]:
    """The players and the status; all names in one size, ratings only where all have room."""
    box, seats = layout.header, snapshot.game.seats
    narrow = layout.w < 80
    wide = box.w * (1.0 if narrow else 0.72) / max(2, seats) - 0.5
    size, small = sized(LABEL, layout), sized(SMALL, layout)
    standings = [_standing(snapshot, ui, seat, shown) for seat in range(seats)]
    longest_standing = max(width(words, size, "bold") for words in (*standings, "" if snapshot.scored else "100 %"))
    room = wide - 8.5 - longest_standing
    if room < 5:  # many seats: the graph tells how they stand
        standings, room = [""] * seats, wide - 7.0
    longest = max(width(name, size, "bold") for name in snapshot.names)
    named = max(SMALL, min(size, size * room / longest))
    rated = all(
        width(name, named, "bold") + width(rating, small) + 2 <= room
        for name, rating in zip(snapshot.names, snapshot.ratings, strict=False)
    )
    shapes: list[Shape] = []
    for seat in range(seats):
        plate = Box(box.x + seat * (wide + 1), box.y, wide, box.h)
        shapes += _plate(snapshot, ui, picture, plate, seat, standings[seat], size)
        line = Box(plate.x + 5.8, plate.y, room, plate.h)
        name = cut(snapshot.names[seat], room, named, "bold")
        shapes.append(Text(name, line, named, "text", "left", "bold"))
        if rated and seat < len(snapshot.ratings):
            shapes.append(Text(snapshot.ratings[seat], line, small, "muted", "right"))
    if not narrow:
        left = box.x + max(2, seats) * (wide + 1) + 1
        right = Box(left, box.y, box.right - left, box.h)
        shapes += _status(snapshot, ui, layout, right)
    return shapes


def _standing(snapshot: Snapshot, ui: UI, seat: int, shown: bool) -> str:
    """How a seat stands: its result at the end, before that its chance to win if that may be told; or its return."""
    if snapshot.scored:
        return amount(float(snapshot.returns[ui.ply, seat]))
    if snapshot.result is not None and ui.ply == snapshot.length:
        return {1: "won", 0: "draw", -1: "lost"}[int(snapshot.result[seat])]
    seen = snapshot.value(ui.ply) if shown else None
    return percent(to_player_1(seen[0], seat)) if seen is not None else ""


def _plate(
    snapshot: Snapshot, ui: UI, picture: Picture, plate: Box, seat: int, standing: str, size: float
) -> list[Shape]:  # fmt: skip
    """The ground of one player's name, with a piece and how the seat stands; framed if it is to move."""
    over = snapshot.result is not None and ui.ply == snapshot.length
    moving = not over and int(snapshot.rows[ui.ply]["seat"]) == seat and snapshot.game.seats > 1
    fill = mix("panel", SEATS[seat], 0.14) if moving else "panel"
    piece = picture.piece(seat, Spot(plate.x + 2.9, plate.cy, 1.75), 1.0)
    return [
        Rect(*plate, fill, radius=CORNER, stroke=SEATS[seat] if moving else None, stroke_width=0.3),
        *(replace(shape, layer=PANEL) for shape in piece),
        Text(standing, plate.inset(1.5, 0), size, SEATS[seat], "right", "bold"),
    ]


def _status(snapshot: Snapshot, ui: UI, layout: Layout, box: Box) -> list[Shape]:
    """Move number, play or pause, speed, live, help."""
    size = sized(BODY, layout)
    x, shapes = box.right, []

    def button(words: str, hit: str, colour: str = "text", least: float = 4.4) -> Box:
        nonlocal x
        long = max(least, width(words, size, "bold") + 1.8)
        x -= long
        at = Box(x, box.y, long, box.h)
        x -= 0.8
        lit = ui.hover == hit
        shapes.append(Rect(*at, "raised" if lit else "panel", radius=CORNER, hit=hit))
        shapes.append(Text(words, at, size, colour, "centre", "bold"))
        return at

    button("?", "key:?")
    speed = {0.25: "¼", 0.5: "½"}.get(SPEEDS[ui.speed], "max" if SPEEDS[ui.speed] > 100 else f"{SPEEDS[ui.speed]:g}")
    button(speed if speed == "max" else f"{speed}×", "key:>", "muted", least=6.0)
    at = button("", "key:space")
    if ui.playing:
        for dx in (-0.75, 0.35):
            shapes.append(Rect(at.cx + dx, at.cy - 1.1, 0.6, 2.2, "text", radius=0.15))
    else:
        shapes.append(Poly(((at.cx - 0.8, at.cy - 1.2), (at.cx - 0.8, at.cy + 1.2), (at.cx + 1.3, at.cy)), "text"))
    if snapshot.result is None and ui.ply == snapshot.length and snapshot.live:
        button("live", "key:end", "yellow")
    words = f"move {ui.ply}/{snapshot.length}"
    if ui.mover_side and x - box.x > width(words + "  mover's side", size):
        words += "  mover's side"
    if x - box.x >= width(words, size):
        shapes.append(Text(words, Box(box.x, box.y, x - box.x, box.h), size, "muted", "right"))
    return shapes


def caption_lines(snapshot: Snapshot, ui: UI, shown: bool) -> list[str]:
    """At most two sentences on what is to be seen, with live numbers."""
    if ui.typed is not None:
        return [f"Go to move {ui.typed or '…'}   (Enter; Esc leaves it)"]
    if ui.message:
        return [ui.message]
    if snapshot.note and not snapshot.length:
        return [snapshot.note]
    names, k = snapshot.names, ui.ply
    said: list[str] = []
    if snapshot.note and k == snapshot.length:
        said.append(snapshot.note)
    if snapshot.result is not None and k == snapshot.length:
        winner = next((names[s] for s, r in enumerate(snapshot.result) if r > 0), None)
        if snapshot.scored:
            said.append(f"{returns.verdict(snapshot)} after {counted(k, 'move')}.")
        else:
            ended = f"{winner} {'win' if winner == 'you' else 'wins'}" if winner else "A draw"
            said.append(f"{ended} after {counted(k, 'move')}.")
        return said[:2]
    if shown and k and k - 1 in changes(snapshot):
        ply, lost = snapshot.plies[k - 1], loss(snapshot, k - 1, changes(snapshot)[k - 1])
        if lost >= LOSSES[-1][0]:
            said.append(
                f"{action_words(snapshot.game, ply.action, ply.seat)} costs {names[ply.seat]} {lost:.2f} in value."
            )
    thought = snapshot.thought(k) if shown else None
    if to_move(snapshot, ui) and snapshot.game.controls:
        how = "drag a dial, or up and down" if len(snapshot.game.controls) == 1 else "drag the dials"
        said.append(f"Your move: {how}; Enter plays it.{'' if snapshot.game.foreign else '  u takes back.'}")
    elif to_move(snapshot, ui):
        back = "" if snapshot.game.foreign else "u takes back, "
        said.append(f"Your move.  {back}Enter lets the agent move.")
    elif snapshot.game.controls and k < snapshot.length:
        ply = snapshot.plies[k]
        said.append(f"{action_words(snapshot.game, ply.action, ply.seat)} by {names[ply.seat]}.")
    elif thought is not None and thought.candidates:
        said.append(_search_words(snapshot, k))
    elif k == snapshot.length and snapshot.thinking is not None:
        said.append(f"{names[snapshot.thinking]} is thinking.")
    if len(said) < 2 and k < snapshot.opening:
        said.append(f"The opening: the first {snapshot.opening} moves are given, not chosen.")
    if not said:
        said.append(f"{names[int(snapshot.rows[k]['seat'])]} is to make move {k + 1}.")
    return said[:2]


def _search_words(snapshot: Snapshot, k: int) -> str:
    thought = snapshot.thought(k)
    assert thought is not None
    best = ranked(thought.candidates)[0]
    move = snapshot.game.told(thought.seat)[best.action]
    total = sum(c.visits for c in thought.candidates)
    name = snapshot.names[thought.voice if thought.voice is not None else thought.seat]
    who = "The analyst" if thought.voice is None and len(set(snapshot.names)) > 1 else name
    if total:
        visits = f"{total:,.0f} visit{'s' if total > 1 else ''}".replace(",", " ")
        words = f"{who} gives {move} {percent_of(best.visits, total)} of {visits}"
    elif best.prior is not None:
        words = f"{who} plays {move} with {percent_of(best.prior, 1.0)}"
    else:
        words = f"{who} prefers {move}"
    value = best.value if best.value is not None else thought.value
    if value is not None and (best.proven if best.value is not None else thought.proven):
        return f"{words}: a proven {OUTCOMES[outcome(value, thought.seat)]}."
    told = amount(value or 0.0) if snapshot.scored else signed(value or 0.0)
    return f"{words}: value {told}." if value is not None else f"{words}."


def _caption(snapshot: Snapshot, ui: UI, layout: Layout, shown: bool) -> list[Shape]:
    if layout.caption is None:
        return []
    box = layout.caption
    size = min(sized(CAPTION_SIZE, layout), box.h / 2.3)
    said = [line for words in caption_lines(snapshot, ui, shown) for line in lines(words, box.w - 4, size, most=2)][:2]
    top = box.cy - len(said) * size * 1.3 / 2
    return [
        Text(words, Box(box.x + 2, top + i * size * 1.3, box.w - 4, size * 1.3), size, "text", "centre", layer=CAPTION)
        for i, words in enumerate(said)
    ]
