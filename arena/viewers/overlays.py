"""What is drawn over the pieces: candidates, priors, values, the expected line, what followed, marks of bad moves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from arena.viewers.lettering import width
from arena.viewers.pictures import Picture
from arena.viewers.shapes import MAP, OVERLAY, Box, Disc, Line, Rect, Ring, Shape, Text
from arena.viewers.snapshot import (
    LOSSES,
    Candidate,
    Snapshot,
    amount,
    changes,
    loss,
    outcome,
    percent_of,
    ranked,
    scored,
    signed,
    to_player_1,
)  # fmt: skip
from arena.viewers.theme import SEATS, SMALL, cividis, diverging, ink_on
from arena.viewers.ui import UI, focused, secret
from envs import kernels
from envs.game import Game, Row

LEGEND: tuple[tuple[str, str, str], ...] = (
    ("candidates", "e", "disc: area = visits, brightness = quality, number = value; double ring = most visits"),
    ("prior", "r", "teal bar: what the network expected before the search"),
    ("map", "t", "fill: value of each move, sky good for player 1, orange for player 2"),
    ("line", "y", "numbered ghosts: the expected continuation of the move pointed at"),
    ("next", "q", "dashed rings: the moves that followed in this game"),
    (
        "value",
        "",
        "white: one voice judged; else dots are player 1's opinion, squares player 2's; diamonds: big changes",
    ),
    ("proof", "", "in place of a value: a proven win, draw or loss for the seat to move"),
    ("threat", "x", "! in a player's colour: a move there would win at once, if it were their turn"),
    ("quality", "w", "?! ? ??: the last move lost 0.1, 0.2, 0.3 or more for its mover"),
)
"""Each overlay: its name, its key, what its marks mean."""


def shown_candidates(snapshot: Snapshot, ui: UI) -> list[Candidate]:
    """The candidates that deserve a mark: by default three with at least 2 % of the visits."""
    thought = snapshot.thought(ui.ply)
    if thought is None:
        return []
    candidates = ranked(thought.candidates)
    total = sum(c.visits for c in candidates)
    if total == 0:
        likely = [c for c in candidates if (c.prior or 0.0) >= 0.02 or (c.prior is None and c.value is not None)]
        return likely[: 3 if ui.candidates == 1 else None]
    if ui.candidates == 1:
        return [c for c in candidates if c.visits >= 0.02 * total][:3]
    return [c for c in candidates if c.visits >= 1]


Drawing = Callable[[Row], Picture]
"""The picture of another position, drawn as the one that is shown."""


def overlays(snapshot: Snapshot, ui: UI, picture: Picture, draw: Drawing) -> list[Shape]:
    """All overlays that are on, for the position shown."""
    on = ui.overlays
    shapes = _map(snapshot, ui, picture) if "map" in on else []
    line = _line(snapshot, ui, picture, draw) if "line" in on else []
    if line:  # one thing at a time: the continuation takes the place of the discs
        return shapes + line
    if "next" in on:
        shapes += _next(snapshot, ui, picture, draw)
    if "candidates" in on:
        shapes += _candidates(snapshot, ui, picture)
    if "prior" in on:
        shapes += _priors(snapshot, ui, picture)
    if "threat" in on:
        shapes += _threats(snapshot, ui, picture)
    return shapes


def value_words(candidate: Candidate, ui: UI, seat: int, game: Game) -> str:
    """A move's value, or what it is proven to be; '' if nothing is known."""
    if candidate.value is None:
        return ""
    if scored(game):
        return amount(candidate.value)
    if candidate.proven:
        return outcome(candidate.value, seat)
    return signed(to_player_1(candidate.value, seat) if ui.mover_side else candidate.value)


def _candidates(snapshot: Snapshot, ui: UI, picture: Picture) -> list[Shape]:
    thought = snapshot.thought(ui.ply)
    candidates = shown_candidates(snapshot, ui)
    if thought is None or not candidates:
        return []
    total = sum(c.visits for c in thought.candidates)
    most = max(c.visits for c in candidates)
    game = snapshot.game
    goods = [to_player_1(c.value, thought.seat, game) for c in candidates if c.value is not None]
    spread = max(2.5 * (max(goods) - min(goods)), 1e-9) if goods and snapshot.scored else 1.0
    shapes: list[Shape] = []
    for number, candidate in enumerate(candidates):
        spot = picture.spots.get(candidate.action)
        if spot is None:
            continue
        weight = candidate.visits / most if most else (candidate.prior or 0.0)
        faint = total > 0 and (candidate.visits < 25 or candidate.visits < 0.01 * total) and number > 0
        r = picture.cell * (0.28 + 0.14 * weight**0.5)
        worse = 0.0
        if candidate.value is not None and goods:
            worse = (max(goods) - to_player_1(candidate.value, thought.seat, game)) / spread
        fill = cividis(1.0 - min(1.0, 2.5 * worse))
        alpha = 0.6 if faint else 0.94
        hit = f"action:{candidate.action}"
        shapes.append(
            Disc(spot.x, spot.y, r * (0.7 if faint else 1), fill, None, alpha, "ink", 0.25, layer=OVERLAY, hit=hit)
        )
        if number == 0:
            shapes.append(Ring(spot.x, spot.y, r + 0.55, 0.3, fill, layer=OVERLAY))
        if not faint:
            words, size = _disc_words(candidate, number, ui, thought.seat, game, r)
            box = Box(spot.x - r, spot.y - size * 0.7, 2 * r, size * 1.4)
            shapes.append(Text(words, box, size, ink_on(fill), "centre", "bold", layer=OVERLAY))
    return shapes


def _disc_words(candidate: Candidate, number: int, ui: UI, seat: int, game: Game, r: float) -> tuple[str, float]:
    """What fits into the disc: the value (+0.31 or +.31), a policy's share, else the rank; and its size."""
    if candidate.value is not None:
        value = value_words(candidate, ui, seat, game)
        for words in (value, value.replace("0.", ".")):
            size = min(2.8, 1.75 * r / width(words, 1.0, "bold"))
            if size >= SMALL:
                return words, size
    if candidate.prior is not None and not candidate.visits:
        words = percent_of(candidate.prior, 1.0).replace(" ", "")
        size = min(2.8, 1.75 * r / width(words, 1.0, "bold"))
        if size >= SMALL:
            return words, size
    return str(number + 1), min(2.8, max(SMALL, r))


def _priors(snapshot: Snapshot, ui: UI, picture: Picture) -> list[Shape]:
    thought = snapshot.thought(ui.ply)
    shapes: list[Shape] = []
    for candidate in thought.candidates if thought else ():
        spot = picture.spots.get(candidate.action)
        if spot is None or not candidate.prior or candidate.prior < 0.005:
            continue
        whole = picture.cell * 0.84
        x, y = spot.x - whole / 2, spot.y + picture.cell * 0.40
        shapes.append(Rect(x, y, whole, 0.8, "ink", radius=0.3, alpha=0.8, layer=OVERLAY))
        shapes.append(Rect(x, y, max(0.3, whole * candidate.prior), 0.8, "teal", radius=0.3, layer=OVERLAY))
    return shapes


def threats(game: Game, row: Row) -> list[tuple[int, int]]:
    """Who would win where at once, if it were their turn: (seat, action); only where moves alone tell that."""
    found: list[tuple[int, int]] = []
    if scored(game) or game.chance or game.hidden or game.foreign:
        return found
    for seat in range(0 if row["done"] else game.seats):
        turn = np.array([row])
        turn["seat"] = seat
        actions = np.flatnonzero(kernels.legal_mask(game, turn)[0])
        after = np.repeat(turn, len(actions))
        kernels.play_rows(game, after, actions)
        found += [
            (seat, int(a)) for a, end in zip(actions, after, strict=True) if end["done"] and end["reward"][seat] > 0
        ]
    return found


def _threats(snapshot: Snapshot, ui: UI, picture: Picture) -> list[Shape]:
    shapes: list[Shape] = []
    for seat, action in threats(snapshot.game, snapshot.rows[ui.ply]):
        spot = picture.spots.get(action)
        if spot is not None:
            r = max(1.6, 0.14 * picture.cell)
            x, y = spot.x + (1 if seat else -1) * spot.r * 0.75, spot.y + spot.r * 0.75
            shapes.append(Disc(x, y, r, SEATS[seat], rim="ink", rim_width=0.25, layer=OVERLAY))
            shapes.append(Text("!", Box(x - r, y - r, 2 * r, 2 * r), SMALL, "ink", "centre", "bold", layer=OVERLAY))
    return shapes


def _map(snapshot: Snapshot, ui: UI, picture: Picture) -> list[Shape]:
    thought = snapshot.thought(ui.ply)
    shapes: list[Shape] = []
    known = [c.value for c in thought.candidates if c.value is not None] if thought else []
    for candidate in thought.candidates if thought else ():
        spot = picture.spots.get(candidate.action)
        if spot is not None and candidate.value is not None:
            half = picture.cell * 0.48
            area = Box(spot.x - half, spot.y - half, 2 * half, 2 * half)
            value = between(candidate.value, known) if snapshot.scored else candidate.value
            shapes.append(Rect(*area, diverging(value), radius=0.8, alpha=0.6, layer=MAP))
    return shapes


def between(value: float, others: list[float]) -> float:
    """Where a value lies among others, from -1 (the least) to 1; 0 if all are equal."""
    low, high = min(others), max(others)
    return 2 * (value - low) / (high - low) - 1 if high > low else 0.0


def _next(snapshot: Snapshot, ui: UI, picture: Picture, draw: Drawing) -> list[Shape]:
    shapes: list[Shape] = []
    for k in range(ui.ply, min(ui.ply + 3, snapshot.length)):
        ply = snapshot.plies[k]
        if snapshot.game.controls or secret(snapshot, ui, k):
            continue
        spots = picture.spots if k == ui.ply else draw(snapshot.rows[k]).spots
        spot = spots.get(ply.action)
        if spot is not None:
            shapes.append(Ring(spot.x, spot.y, spot.r * 1.02, 0.4, SEATS[ply.seat], dashes=12, layer=OVERLAY))
            box = Box(spot.x + spot.r * 0.35, spot.y - spot.r * 1.15, 3.6, 2.4)
            shapes.append(Text(str(k + 1), box, SMALL, "text", "centre", "bold", halo="ink", layer=OVERLAY))
    return shapes


def _line(snapshot: Snapshot, ui: UI, picture: Picture, draw: Drawing) -> list[Shape]:
    """The expected continuation of the move pointed at, as numbered ghosts."""
    thought, action = snapshot.thought(ui.ply), focused(ui)
    chosen = next((c for c in thought.candidates if c.action == action), None) if thought else None
    if chosen is None or chosen.rows is None or len(chosen.pv) < 1:
        return []
    shapes: list[Shape] = []
    for i, (move, row) in enumerate(zip(chosen.pv[:8], chosen.rows, strict=False)):
        spots = picture.spots if i == 0 else draw(row).spots
        spot = spots.get(move)
        if spot is None:
            continue
        alpha, size = 0.85 - 0.07 * i, min(2.8, max(SMALL, picture.cell * 0.3))
        shapes += [_over(shape) for shape in picture.piece(int(row["seat"]), spot, alpha)]
        box = Box(spot.x - spot.r, spot.y - size * 0.7, 2 * spot.r, size * 1.4)
        shapes.append(Text(str(i + 1), box, size, "text", "centre", "bold", halo="ink", layer=OVERLAY))
    return shapes


def _over(shape: Shape) -> Shape:
    return replace(shape, layer=OVERLAY)


def last_move(snapshot: Snapshot, ui: UI, picture_before: Picture | None, shown: bool) -> list[Shape]:
    """A yellow dot ring on the newest piece, and the mark of the move if it was a bad one."""
    if picture_before is None or ui.ply == 0 or ui.part < 1 or snapshot.game.controls:
        return []
    ply = snapshot.plies[ui.ply - 1]
    spot = picture_before.rests.get(ply.action) or picture_before.spots.get(ply.action)
    if spot is None:
        return []
    shapes: list[Shape] = [Ring(spot.x, spot.y, spot.r * 0.36, max(0.3, spot.r * 0.10), "yellow", layer=OVERLAY)]
    change = changes(snapshot).get(ui.ply - 1)
    if not shown or "quality" not in ui.overlays or change is None:
        return shapes
    lost = loss(snapshot, ui.ply - 1, change)
    for least, glyph in LOSSES:
        if lost >= least:
            r = max(1.6, 0.14 * picture_before.cell) * (1 + 0.3 * min(1.0, lost))
            x, y = spot.x + spot.r * 0.75, spot.y - spot.r * 0.75
            box = Box(x - r, y - r, 2 * r, 2 * r)
            shapes.append(Disc(x, y, r, "purple", rim="ink", rim_width=0.25, layer=OVERLAY))
            shapes.append(Text(glyph, box, SMALL, "ink", "centre", "bold", layer=OVERLAY))
            break
    return shapes


def ghost(snapshot: Snapshot, ui: UI, picture: Picture) -> list[Shape]:
    """For a person who may move: where the piece would go, and a dot on every other legal place."""
    shapes: list[Shape] = []
    action = focused(ui)
    for legal, spot in picture.spots.items():
        if not snapshot.legal[ui.ply][legal]:
            continue
        if legal == action:
            shapes += [_over(s) for s in picture.piece(int(snapshot.rows[ui.ply]["seat"]), spot, 0.55)]
            shapes.append(Ring(spot.x, spot.y, spot.r + 0.2, 0.4, "yellow", layer=OVERLAY))
        else:
            shapes.append(
                Disc(spot.x, spot.y, max(0.5, spot.r * 0.14), SEATS[snapshot.person or 0], alpha=0.8, layer=OVERLAY)
            )
    if action is not None and action in picture.hits and action not in picture.spots:
        box = picture.hits[action].inset(0.4)
        if snapshot.legal[ui.ply][action]:
            shapes.append(Line(((box.x, box.bottom), (box.right, box.bottom)), 0.5, "yellow", layer=OVERLAY))
    return shapes
