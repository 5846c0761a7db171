"""One token looked at: what else might have stood there, or where one head of attention looks; and the legend."""

from __future__ import annotations

import math

from arena.viewers.language.chips import Chip, along, drawn, fitting, row_of, wide
from arena.viewers.language.choices import Choices, compared, cursor, group_looked_at, scored
from arena.viewers.language.group import Answer, Group, GroupSnapshot, chance, name_of
from arena.viewers.language.rows import MODELS
from arena.viewers.lettering import cut, width
from arena.viewers.shapes import BOARD, PANEL, Box, Line, Rect, Shape, Text
from arena.viewers.theme import BODY, CORNER, SMALL, cividis, diverging

LEGEND = 54.0
"""The width of the legend; a page of less than twice as much has none."""


def detail(snapshot: GroupSnapshot, chosen: Choices, room: Box, text: float) -> list[Shape]:
    """The strip below the answers."""
    size = max(SMALL, BODY * min(text, 1.25))
    shapes: list[Shape] = [Rect(*room, "panel", radius=CORNER, layer=BOARD)]
    inner = room.inset(1.5, 0.8)
    if inner.w > 2 * LEGEND:
        legend = Box(inner.right - LEGEND, inner.y, LEGEND, inner.h)
        shapes += _legend(snapshot, chosen, legend, min(size, BODY))
        inner = inner._replace(w=inner.w - LEGEND - 3)
    at = cursor(snapshot, chosen)
    if at is None:
        words = "Each answer is drawn token by token from the probabilities of the model."
        return [*shapes, Text(cut(words, inner.w, size), inner, size, "muted")]
    group = group_looked_at(snapshot, chosen)
    answer = group.answers[at[0]]
    model = len(snapshot.models) - 1 if compared(snapshot, chosen) else group.writer
    if chosen.attention and answer.looks:
        return shapes + _attention(snapshot, chosen, answer, model, at[1], inner, size)
    return shapes + _likely(snapshot, chosen, group, answer, at[1], inner, size)


def _likely(
    snapshot: GroupSnapshot, chosen: Choices, group: Group, answer: Answer, t: int, room: Box, size: float
) -> list[Shape]:
    """The likeliest tokens of one place, with a bar for each model."""
    models = [0, 1] if compared(snapshot, chosen) else [group.writer]
    words = f"Token {t + 1} was “{name_of(answer.tokens[t])}”; the likeliest in its place:"
    shapes: list[Shape] = [Text(cut(words, room.w, size), Box(room.x, room.y, room.w, 3), size, "muted")]
    guesses = answer.likeliest[models[0]][t] if answer.likeliest else ()
    guesses = guesses[: max(1, int(room.w / 15))]
    step = room.w / max(1, len(guesses))
    for k, guess in enumerate(guesses):
        box = Box(room.x + k * step, room.y + 3.4, step - 1.5, room.h - 3.4)
        letter = min(3.4 if len(name_of(guess.token)) == 1 else 2.5, (box.h - 1) / 1.8)
        chip = Chip(guess.token, None, "raised", ring=guess.token == answer.tokens[t])
        long = wide(guess.token, letter)
        shapes += drawn(chip, Box(box.x, box.cy - 0.81 * letter, long, 1.62 * letter), letter)
        first, tall = box.x + max(long, 4.0) + 0.8, min(3.4, box.h / len(models))
        for line, model in enumerate(models):
            share = answer.likeliest[model][t][k].share
            y = box.cy + (line - len(models) / 2) * tall
            number = width("0.00", size) + 0.8
            bar = max(0.0, (box.right - first - number) * share)
            colour = MODELS[model] if len(snapshot.models) > 1 else cividis(share)
            if bar > 0.05:
                shapes.append(Rect(first, y + 0.2 * tall, bar, 0.6 * tall, colour))
            shapes.append(Text(chance(share), Box(first + bar + 0.6, y, number + 3, tall), size, "text"))
    return shapes


def _attention(
    snapshot: GroupSnapshot, chosen: Choices, answer: Answer, model: int, t: int, room: Box, size: float
) -> list[Shape]:
    """Arcs from the place of a token to the five that one head looks at most in writing it; opacity is weight."""
    looks = answer.looks[model][chosen.layer][chosen.head][t]
    words = (
        f"Layer {chosen.layer + 1}, head {chosen.head + 1} of {snapshot.models[model]} looks back to write "
        f"“{name_of(answer.tokens[t])}”"
    )
    shapes: list[Shape] = [Text(cut(words, room.w, size), Box(room.x, room.y, room.w, 3), size, "muted")]
    text = (*snapshot.prompt, *answer.tokens[: t + 1])
    place = len(text) - 1
    letter = fitting(text, room.w, 2.8)
    first = 0
    while along(text[first:], letter) > room.w:  # what does not fit is the beginning
        first += 1
    line = Box(room.x, room.bottom - 1.8 * letter, room.w, 1.7 * letter)
    chips = [Chip(token, tint="raised", ring=first + i == place) for i, token in enumerate(text[first:])]
    words_drawn, middles = row_of(chips, line, letter)
    shapes += words_drawn
    arch = line.y - room.y - 3.2
    for look in sorted(looks, key=lambda one: one.weight):
        if look.place < first or look.weight <= 0:
            continue
        a, b = middles[look.place - first], middles[place - first]
        high = arch * (0.35 + 0.65 * abs(b - a) / max(1e-6, middles[-1] - middles[0]))
        points = tuple((a + (b - a) * s / 16, line.y - 0.2 - high * math.sin(math.pi * s / 16)) for s in range(17))
        shapes.append(Line(points, 0.45, "yellow", 0.12 + 0.88 * look.weight, layer=PANEL))
    most = max(looks, key=lambda one: one.weight, default=None)
    if most is not None:
        shares = ", ".join(f"{name_of(text[one.place])} {one.weight:.2f}" for one in looks)
        at = Box(room.x, room.y, room.w, 3)
        if width(words, size) + width(shares, size) + 3 < room.w:
            shapes.append(Text(shares, at, size, "text", "right"))
    return shapes


def _legend(snapshot: GroupSnapshot, chosen: Choices, room: Box, size: float) -> list[Shape]:
    """What underlines and tints mean, and what an answer is paid for."""
    row, bar = room.h / 3, 15.0
    both = compared(snapshot, chosen)
    shapes: list[Shape] = []
    for k in range(15):
        shapes.append(Rect(room.x + k * bar / 15, room.y + row * 0.4, bar / 15 + 0.05, row * 0.25, cividis(k / 14)))
    words = f"underline: probability{' after' if both else ''}, 0 – 1"
    shapes.append(Text(words, Box(room.x + bar + 1.5, room.y, room.w, row), size, "muted"))
    y = room.y + row
    if scored(snapshot, chosen):
        for k in range(15):
            shapes.append(Rect(room.x + k * bar / 15, y + row * 0.2, bar / 15 + 0.05, row * 0.6, diverging(k / 7 - 1)))
        words = "tint: pay beyond the mean"
        if both:
            words = f"tint: {snapshot.full_change:g}× less to {snapshot.full_change:g}× likelier"
        shapes.append(Text(words, Box(room.x + bar + 1.5, y, room.w, row), size, "muted"))
        y += row
    shapes += drawn(
        Chip(snapshot.prompt[0], faint=True), Box(room.x, y + row * 0.1, 3.2, row * 0.8), min(2.2, row * 0.5)
    )
    shapes.append(Text("grey: as in an answer above", Box(room.x + 4.2, y, room.w, row), size, "muted"))
    return shapes
