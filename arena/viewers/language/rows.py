"""The rows of a group: what an answer is paid, its advantage as a bar, its checks, its tokens, its probability."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from arena.viewers.language.chips import Chip, along, row_of, set_into
from arena.viewers.language.choices import Choices, compared, cursor, group_looked_at, order, scored
from arena.viewers.language.group import Answer, Group, GroupSnapshot, chance, verdict
from arena.viewers.lettering import cut, width
from arena.viewers.shapes import MAP, OVERLAY, PIECES, Box, Line, Rect, Shape, Text
from arena.viewers.shapes import Group as Clipped
from arena.viewers.theme import BODY, CORNER, LABEL, SMALL, Colour, diverging

MODELS: tuple[Colour, Colour] = ("sand", "teal")
"""The colours of the model before and the model after."""
MOST_ROWS = 20
WIDE, NARROW = 120.0, 70.0
"""From this width on a panel has every column in full; below that it has no checks, which the rewards tell too."""


class Columns(NamedTuple):
    """Where the parts of a row stand, (x, width) each, and whether there is room for all words."""

    reward: tuple[float, float]
    number: tuple[float, float]
    bar: tuple[float, float]
    checks: tuple[float, float]
    answer: tuple[float, float]
    share: tuple[float, float]
    full: bool


def panel(snapshot: GroupSnapshot, chosen: Choices, group: Group, index: int, room: Box, text: float) -> list[Shape]:
    """One model's answers."""
    small = max(SMALL, BODY * min(text, 1.25) * (1.0 if room.w >= WIDE else 0.92))
    shapes: list[Shape] = []
    top = room.y
    if len(snapshot.models) > 1:
        words = cut(f"answers of {snapshot.models[group.writer]}", room.w, LABEL, "bold")
        shapes.append(Text(words, Box(room.x, top, room.w, 4), LABEL, MODELS[group.writer], weight="bold"))
        top += 4
    columns = _columns(snapshot, chosen, group, room, small)
    shapes += _heads(snapshot, chosen, columns, Box(room.x, top, room.w, 3.4), small)
    top += 3.4
    rows = order(snapshot, chosen, group)
    tall = room.bottom - top - 4.2
    count = min(len(rows), MOST_ROWS, max(1, int(tall / (1.45 * SMALL))))
    at = chosen.row if group is group_looked_at(snapshot, chosen) else 0
    first = min(max(0, at - count // 2), len(rows) - count)
    row_h = min(9.0, tall / count)
    repeated = group.repeated(rows)
    for k in range(first, first + count):
        line = Box(room.x, top + (k - first) * row_h, room.w, row_h)
        shapes += _row(snapshot, chosen, group, index, k, rows[k], repeated[k], line, columns, text)
    body = Box(room.x, top, room.w, row_h * count)
    if scored(snapshot, chosen):
        shapes += _mean(group, columns, body)
    shapes += _foot(snapshot, chosen, group, len(rows) - count, Box(room.x, body.bottom + 0.4, room.w, 3.8), small)
    return shapes


def _columns(snapshot: GroupSnapshot, chosen: Choices, group: Group, room: Box, small: float) -> Columns:
    """As wide as what stands in them; where the answers have too little room, the bars' numbers go first."""
    full, both = room.w >= WIDE, compared(snapshot, chosen)
    ends = [chance(answer.share(1 if both else group.writer)) for answer in group.answers]
    begins = [f"{chance(answer.share(0))} →" if both else "" for answer in group.answers]
    shares = [f"{a} {b}".strip() for a, b in zip(begins, ends, strict=True)]
    share = max(width(words, small, "bold") for words in [*shares, _share_head(both)]) + 2
    checks = max(width(words, small) for words in ["checks", *(_checked(answer, full) for answer in group.answers)])
    reward, number = width("reward", small) + 1.5, width("+0.00", small) + 1.5
    bar = 18.0 if full else width("advantage", small) + 2
    wanting = along(_widest(group), LABEL) - (room.w - 3 - reward - number - bar - checks - 3 - share)
    if wanting > 0:
        number = 0.0
    if room.w < NARROW or wanting > number + 0.3 * room.w:
        bar, checks = 6.0 if room.w < NARROW else bar, -3.0
    elif full:
        bar += min(14.0, -wanting / 2)
    x, places = room.x + 1, []
    for wide in (reward, number, bar, checks + 3):
        places.append((x, wide))
        x += wide
    places.append((x, room.right - share - x - 1))
    places.append((room.right - share, share - 0.8))
    return Columns(*places, full=full)


def _widest(group: Group) -> tuple[int, ...]:
    """The answer that takes most room."""
    return max((answer.tokens for answer in group.answers), key=lambda tokens: along(tokens, 1.0))


def _share_head(both: bool) -> str:
    return "before → after" if both else "probability"


def _heads(snapshot: GroupSnapshot, chosen: Choices, columns: Columns, room: Box, small: float) -> list[Shape]:
    """What the columns are."""
    bar = (columns.number[0], columns.number[1] + columns.bar[1] - 0.5)
    words = (
        ("reward", columns.reward, "left"),
        ("advantage", bar, "centre"),
        ("checks", columns.checks, "left"),
        ("answer", columns.answer, "left"),
        (_share_head(compared(snapshot, chosen)), columns.share, "right"),
    )
    return [
        Text(cut(name, wide, small), Box(x, room.y, wide, room.h), small, "muted", align)
        for name, (x, wide), align in words
    ]


def _row(
    snapshot: GroupSnapshot, chosen: Choices, group: Group, index: int, k: int, which: int, repeated: int,
    line: Box, columns: Columns, text: float,
) -> list[Shape]:  # fmt: skip
    """One answer: k-th from the top, `which` as drawn."""
    answer = group.answers[which]
    written = min(chosen.stage, len(answer.tokens))
    over, all_in = written == len(answer.tokens), scored(snapshot, chosen)
    box = line.inset(0, 0.18)
    looked = group is group_looked_at(snapshot, chosen) and k == min(chosen.row, len(group.answers) - 1)
    shapes: list[Shape] = [Rect(*box, "panel", radius=CORNER, layer=MAP, hit=f"row:{index}:{k}")]
    if looked:
        shapes.append(Rect(box.x, box.y, 0.5, box.h, "yellow", layer=PIECES))
    size = max(SMALL, min(LABEL * text, line.h * 0.5))
    small = min(size, max(SMALL, BODY * min(text, 1.25)))
    if over:
        paid = Box(columns.reward[0] + 0.4, line.y, columns.reward[1], line.h)
        shapes.append(Text(f"{answer.reward:.3g}", paid, size, "text", weight="bold"))
        checks = Box(columns.checks[0], line.y, columns.checks[1], line.h)
        words = cut(_checked(answer, columns.full), checks.w, small)
        shapes.append(Text(words, checks, small, "text" if answer.right > 0 else "muted"))
    if all_in:
        shapes += _bar(group, which, line, columns, small)
        shapes += _share(
            snapshot, chosen, group, answer, Box(columns.share[0], line.y, columns.share[1], line.h), small
        )
    place = Box(columns.answer[0], line.y, columns.answer[1], line.h)
    letters, lines = set_into(_widest(group), place, 4.2 * text)
    chips = _chips(snapshot, chosen, group, index, k, which, written, repeated)
    return shapes + row_of(chips, place, letters, lines)[0]


def _chips(
    snapshot: GroupSnapshot, chosen: Choices, group: Group, index: int, k: int, which: int, written: int, repeated: int
) -> list[Chip]:
    """The answer's tokens: how likely, how tinted, and which only repeat an answer above."""
    answer, both, all_in = group.answers[which], compared(snapshot, chosen), scored(snapshot, chosen)
    changes = answer.changes() if both else ()
    at = cursor(snapshot, chosen) if group is group_looked_at(snapshot, chosen) else None
    chips = []
    for t in range(written):
        tint = "raised"
        if chosen.tint and both:
            tint = diverging(changes[t] / math.log(snapshot.full_change))
        elif chosen.tint and all_in:
            tint = diverging(float(group.credit[which][t]) / group.most_credit)
        chips.append(
            Chip(
                answer.tokens[t],
                math.exp(answer.log_p[1 if both else group.writer][t]),
                tint,
                t < repeated,
                f"token:{index}:{k}:{t}",
                at == (which, t),
            )
        )
    return chips


def _checked(answer: Answer, full: bool) -> str:
    """What the checks say, in words."""
    form, content = verdict(answer)
    if form != "well formed":
        return form
    return f"{form}, {content}" if full else content


def _bar(group: Group, which: int, line: Box, columns: Columns, size: float) -> list[Shape]:
    """The advantage: a bar from the line of the group's mean, to the right if paid more."""
    advantage = float(group.advantages[which])
    x, wide = columns.bar[0] + columns.bar[1] / 2, columns.bar[1] / 2 - 1.2
    shapes: list[Shape] = []
    if columns.number[1]:
        words = f"{advantage:+.2f}".replace("-", "−") if advantage else "0"
        place = Box(columns.number[0], line.y, columns.number[1] - 0.8, line.h)
        shapes.append(Text(words, place, size, "text", "right"))
    long = wide * abs(advantage) / (float(np.abs(group.advantages).max()) or 1.0)
    tall = min(2.6, line.h * 0.46)
    if advantage:
        left, colour = (x, "sky") if advantage > 0 else (x - long, "orange")
        shapes.append(Rect(left, line.cy - tall / 2, long, tall, colour, layer=PIECES))
    return shapes


def _mean(group: Group, columns: Columns, body: Box) -> list[Shape]:
    """The line at the group's mean; hatched where all are paid the same, and nothing is learned."""
    x = columns.bar[0] + columns.bar[1] / 2
    shapes: list[Shape] = []
    if group.wasted:
        room = Box(columns.bar[0] + 0.5, body.y, columns.bar[1] - 1.7, body.h)
        slants: list[Shape] = [
            Line(((room.x + d, room.y), (room.x + d - room.h, room.bottom)), 0.3, "line", 0.7)
            for d in np.arange(0.0, room.w + room.h, 2.2).tolist()
        ]
        shapes.append(Clipped(tuple(slants), room, layer=PIECES))
    return [*shapes, Line(((x, body.y), (x, body.bottom)), 0.3, "text", layer=OVERLAY)]


def _share(
    snapshot: GroupSnapshot, chosen: Choices, group: Group, answer: Answer, room: Box, size: float
) -> list[Shape]:
    """The probability of the whole answer; before and after, once the second model has been asked."""
    if not compared(snapshot, chosen):
        return [Text(chance(answer.share(group.writer)), room, size, "text", "right")]
    before, after = answer.share(0), answer.share(1)
    words = chance(after)
    colour = "sky" if after > before else "orange" if after < before else "text"
    left = room._replace(w=room.w - width(words, size, "bold") - 0.6)
    return [
        Text(f"{chance(before)} →", left, size, "muted", "right"),
        Text(words, room, size, colour, "right", weight="bold"),
    ]


def _foot(
    snapshot: GroupSnapshot, chosen: Choices, group: Group, left_out: int, room: Box, small: float
) -> list[Shape]:
    """The group in numbers."""
    parts = [f"and {left_out} more" if left_out else ""]
    if scored(snapshot, chosen):
        size = len(group.answers)
        right = sum(answer.right > 0 for answer in group.answers)
        formed = sum(answer.format > 0 for answer in group.answers)
        length = np.mean([len(answer.tokens) for answer in group.answers])
        parts += [f"mean {group.mean:.2f}", f"std {group.std:.2f}", f"{right} of {size} right",
                  f"{formed} well formed", f"{length:.1f} tokens"]  # fmt: skip
    words = "    ".join(part for part in parts if part)
    return [Text(cut(words, room.w, small), room, small, "text")]
