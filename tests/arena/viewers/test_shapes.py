from __future__ import annotations

import io

import pytest

from arena.viewers import lettering
from arena.viewers.paint import Painter, pygame
from arena.viewers.shapes import (
    Arrow,
    Box,
    Disc,
    Group,
    Line,
    Poly,
    Rect,
    Ring,
    Text,
    bounds,
    hit_at,
    in_order,
)  # fmt: skip
from tests.arena.viewers.draw_lists import to_json


def surface(width: int = 100, height: int = 100) -> pygame.Surface:
    return pygame.Surface((width, height))


def test_widths_are_those_of_the_fonts() -> None:
    pygame.font.init()
    for weight in lettering.FONTS:
        font = pygame.font.Font(io.BytesIO(lettering.font_file(weight)), 1000)
        for text in ("Connect Four", "−0.31", "61 %", "alpha → beta: ½×"):
            assert lettering.width(text, 1000.0, weight) == pytest.approx(font.size(text)[0], rel=0.01)


def test_digits_are_equally_wide() -> None:
    for weight in lettering.FONTS:
        assert len({lettering.width(digit, 1.0, weight) for digit in "0123456789"}) == 1


def test_text_is_cut_to_its_room() -> None:
    assert lettering.cut("abc", 100, 2.0) == "abc"
    short = lettering.cut("a very long name indeed", 10, 2.0)
    assert short.endswith("…")
    assert lettering.width(short, 2.0) <= 10
    assert lettering.cut("x", 0.1, 2.0) == ""


def test_lines_break_at_spaces() -> None:
    lines = lettering.lines("one two three four five six", 12, 2.0)
    assert " ".join(lines) == "one two three four five six"
    assert all(lettering.width(line, 2.0) <= 12 for line in lines)
    assert lettering.lines("one two three four five six", 12, 2.0, most=2)[-1].endswith("…")


def test_the_uppermost_shape_is_hit() -> None:
    below, above = Rect(0, 0, 10, 10, layer=1, hit="below"), Disc(5, 5, 2, "sky", layer=2, hit="above")
    plain = Rect(0, 0, 10, 10, "sky", layer=3)
    shapes = [above, below, plain]
    assert hit_at(shapes, 5, 5) == "above"
    assert hit_at(shapes, 1, 1) == "below"
    assert hit_at(shapes, 11, 1) is None
    assert hit_at([Group((below,), Box(0, 0, 4, 4))], 5, 5) is None
    assert hit_at([Group((below,), Box(0, 0, 4, 4))], 3, 3) == "below"


def test_layers_decide_and_then_the_order() -> None:
    a, b, c = Rect(0, 0, 1, 1, layer=2), Rect(0, 0, 1, 1, layer=1), Rect(1, 0, 1, 1, layer=1)
    assert in_order([a, b, c]) == [b, c, a]


def test_text_stands_where_it_should() -> None:
    box = Box(10, 20, 40, 10)
    left, right = Text("abc", box, 3.0), Text("abc", box, 3.0, align="right")
    assert bounds(left).x == 10
    assert bounds(right).right == pytest.approx(50)
    assert bounds(left).cy == pytest.approx(25)


def test_json_leaves_out_what_is_default() -> None:
    assert to_json([Disc(1.00004, 2, 3, "sky")]) == '{"shape": "Disc", "x": 1.0, "y": 2, "r": 3, "fill": "sky"}'


def test_painting_needs_no_display() -> None:
    shapes = [
        Rect(0, 0, 100, 100, "ground", layer=0), Rect(10, 10, 30, 20, "sky", "ground", radius=3, stroke="text", blur=1),
        Disc(50, 50, 10, "orange", rim="ink"), Ring(50, 50, 15, 1, "yellow", dashes=8),
        Line(((0, 0), (100, 100), (100, 0)), 1, "text", dash=3), Arrow(0, 50, 40, 50, 1, "sky"),
        Poly(((60, 60), (90, 60), (75, 90)), "teal", 0.5), Text("words", Box(0, 0, 50, 10), 5, halo="ink"),
        Group((Rect(0, 0, 100, 100, "purple"),), Box(90, 90, 10, 10)),
    ]  # fmt: skip
    pygame.display.quit()  # a test before this one may have opened a window
    painted = surface()
    Painter().paint(shapes, painted)
    assert not pygame.display.get_init()
    assert painted.get_at((95, 95))[:3] == (0xCC, 0x79, 0xA7)
    assert painted.get_at((89, 95))[:3] != (0xCC, 0x79, 0xA7)
    assert painted.get_at((45, 53))[:3] == (0xE6, 0x9F, 0x00)


def test_a_disc_covers_its_area() -> None:
    painted = surface()
    Painter().paint([Disc(50, 50, 20, "#FFFFFF")], painted)
    covered = pygame.surfarray.array3d(painted)[:, :, 0].sum() / 255
    assert covered == pytest.approx(3.14159 * 400, rel=0.01)


def test_half_transparent_is_half() -> None:
    painted = surface()
    Painter().paint([Rect(0, 0, 100, 100, "#FFFFFF", alpha=0.5)], painted)
    assert painted.get_at((50, 50))[0] == pytest.approx(128, abs=1)


def test_the_same_list_paints_the_same_pixels() -> None:
    shapes = [Disc(30, 30, 20, "sky", "ink"), Text("0.31", Box(0, 40, 90, 20), 12, "text", "centre", "bold")]
    first, second, painter = surface(), surface(), Painter()
    painter.paint(shapes, first)
    painter.paint(shapes, second)
    again = surface()
    Painter().paint(shapes, again)
    assert first.get_buffer().raw == second.get_buffer().raw == again.get_buffer().raw
