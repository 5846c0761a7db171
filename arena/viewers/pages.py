"""What lies over the match view: the page of keys and marks, and the card at the end of a person's game."""

from __future__ import annotations

from arena.viewers import returns
from arena.viewers.help import grouped, key_page
from arena.viewers.keys import KEYS
from arena.viewers.layout import Layout
from arena.viewers.lettering import cut, width
from arena.viewers.overlays import LEGEND
from arena.viewers.shapes import CARD, Box, Rect, Shape, Text, lifted
from arena.viewers.snapshot import Snapshot, action_words, biggest, changes, to_player_1
from arena.viewers.theme import BODY, CAPTION, CORNER, H1, SEATS, SMALL
from arena.viewers.ui import UI

GROUPS = (
    ("time", "time"),
    ("board", "marks on the board"),
    ("play", "playing"),
    ("view", "view"),
)

MARKS = {"value": "graph", "proof": "W D L"}
"""What stands in place of a key where a mark has none."""


def help_page(ui: UI, layout: Layout) -> list[Shape]:
    """The keys, and what every mark on the board means."""
    marks = [(key or MARKS[name], says) for name, key, says in LEGEND]
    return key_page([*grouped(KEYS, GROUPS), ("what the marks mean", marks)], layout.window, layout.text, "key:?")


def end_card(snapshot: Snapshot, ui: UI, layout: Layout) -> list[Shape]:
    """After a person's game, where there is no panel to say it: the summary on a card over the board."""
    over = snapshot.result is not None and ui.ply == snapshot.length and ui.part >= 1
    if not over or snapshot.person is None or not ui.card or layout.panel is not None:
        return []
    wide = min(layout.w - 4, 70.0)
    box = Box(max(2.0, layout.board.cx - wide / 2), layout.board.cy - 18, wide, 36)
    box = box._replace(x=min(box.x, layout.w - wide - 2))
    shapes: list[Shape] = [
        Rect(box.x, box.y + 1, box.w, box.h, "shadow", radius=2, alpha=0.6, blur=3),
        Rect(*box, "panel", radius=1.6, stroke="line", stroke_width=0.2, hit="card"),
    ]
    return lifted(shapes + summary(snapshot, layout, box), CARD)


def summary(snapshot: Snapshot, layout: Layout, box: Box) -> list[Shape]:
    """A finished game: its result and the three moves that changed the value most, each a jump."""
    if snapshot.scored:
        return returns.summary(snapshot, layout, box)
    assert snapshot.result is not None
    person, result = snapshot.person, snapshot.result
    winner = next((seat for seat, r in enumerate(result) if r > 0), None)
    if person is not None:
        title = "You won." if result[person] > 0 else "You lost." if result[person] < 0 else "A draw."
    else:
        title = "A draw." if winner is None else f"{snapshot.names[winner]} won."
    turns = biggest(changes(snapshot))
    size, head = max(SMALL, BODY * layout.text), min(H1, max(CAPTION, H1 * layout.text))
    row, wide = size * 1.75, box.w - 4
    colour = "text" if winner is None else SEATS[winner]
    y = box.y + 1.2
    shapes: list[Shape] = [
        Text(cut(title, wide, head, "bold"), Box(box.x + 2, y, wide, head * 1.4), head, colour, "left", "bold")
    ]
    y += head * 1.5
    words = "The moves that changed the game most:" if turns else "Nobody said how the value changed."
    shapes.append(Text(cut(words, wide, size), Box(box.x + 2, y, wide, row), size, "muted"))
    y += row
    for k, change in turns:
        if y + row > box.bottom - row:
            break
        shapes += _turn(snapshot, k, change, Box(box.x + 2, y, wide, row - 0.4), size)
        y += row
    words = "Enter: a new game.   Esc: look at this one." if person is not None else "Space: once more."
    shapes.append(Text(cut(words, wide, size), Box(box.x + 2, box.bottom - row - 0.5, wide, row), size, "muted"))
    return shapes


def _turn(snapshot: Snapshot, k: int, change: float, line: Box, size: float) -> list[Shape]:
    """One move with its change of value, from the person's side if one plays, else from player 1's."""
    ply, side = snapshot.plies[k], snapshot.person or 0
    gained = to_player_1(change, side)
    value = ("+" if gained > 0 else "−") + f"{abs(gained):.2f}"
    long = width(value, size, "bold") + 1
    words = f"{k + 1}.  {action_words(snapshot.game, ply.action, ply.seat)}  by {snapshot.names[ply.seat]}"
    room = line.w - long - 3
    return [
        Rect(*line, "raised", radius=CORNER, hit=f"move:{k + 1}"),
        Text(cut(words, room, size), Box(line.x + 1, line.y, room, line.h), size),
        Text(value, line.inset(1, 0), size, SEATS[side if gained > 0 else 1 - side], "right", "bold"),
    ]
