"""Puts shapes on a pygame Surface, antialiased, without ever needing a display.

Every shape becomes a small sprite: how much of each pixel it covers, computed from the distance to its outline, times
its colour. Sprites and words are kept, so a frame in which little changes costs little.
"""

from __future__ import annotations

import io
import os
from collections import OrderedDict
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
os.environ.setdefault("SDL_AUDIODRIVER", "dummy")  # other projects' games start all of pygame, and there is no sound
import pygame

from arena.viewers import lettering
from arena.viewers.shapes import Arrow, Disc, Group, Line, Pixels, Poly, Rect, Ring, Shape, Text, in_order
from arena.viewers.theme import Colour, rgb

Coverage: TypeAlias = NDArray[np.float32]
"""[width, height] how much of each pixel is covered, 0 to 1."""

MOST_PIXELS = 24_000_000
"""Sprites kept, in pixels (4 bytes each)."""
FINER = 4
"""How many times finer words and polygons are drawn before they are made smaller."""


class Painter:
    """Paints draw lists and remembers the sprites and words it made."""

    def __init__(self) -> None:
        self._sprites: OrderedDict[object, pygame.Surface] = OrderedDict()
        self._pixels = 0
        self._fonts: dict[tuple[str, int], pygame.font.Font] = {}
        self._u = 0.0
        if not pygame.font.get_init():
            pygame.font.init()

    def paint(self, shapes: Iterable[Shape], surface: pygame.Surface) -> None:
        """Paints the shapes from the lowest to the highest; u is a hundredth of the surface's height."""
        self._u = surface.get_height() / 100
        self._layers(shapes, surface)

    def _layers(self, shapes: Iterable[Shape], surface: pygame.Surface) -> None:
        for shape in in_order(shapes):
            match shape:
                case Text():
                    self._text(shape, surface)
                case Group():
                    self._group(shape, surface)
                case Rect():
                    self._rect(shape, surface)
                case Disc():
                    self._disc(shape, surface)
                case Ring():
                    self._ring(shape, surface)
                case Line():
                    self._line(shape, surface)
                case Arrow():
                    self._arrow(shape, surface)
                case Poly():
                    self._poly(shape, surface)
                case Pixels():
                    self._pixel_picture(shape, surface)

    def _group(self, group: Group, surface: pygame.Surface) -> None:
        before = surface.get_clip()
        x, y, w, h = (round(side * self._u) for side in group.clip)
        surface.set_clip(pygame.Rect(x, y, w, h).clip(before))
        self._layers(group.shapes, surface)
        surface.set_clip(before)

    def _pixel_picture(self, picture: Pixels, surface: pygame.Surface) -> None:
        """Dots made larger stay dots, made smaller they are blended."""
        u = self._u
        x, y = round(picture.x * u), round(picture.y * u)
        size = max(1, round((picture.x + picture.w) * u) - x), max(1, round((picture.y + picture.h) * u) - y)
        dots = pygame.image.frombuffer(picture.dots, (picture.columns, picture.rows), "RGB")
        larger = size[0] >= picture.columns and size[1] >= picture.rows
        surface.blit((pygame.transform.scale if larger else pygame.transform.smoothscale)(dots, size), (x, y))

    def _rect(self, rect: Rect, surface: pygame.Surface) -> None:
        u = self._u
        x, y = round(rect.x * u), round(rect.y * u)
        w, h = max(1, round((rect.x + rect.w) * u) - x), max(1, round((rect.y + rect.h) * u) - y)
        if rect.fill and rect.alpha >= 1 and not (rect.radius or rect.fill2 or rect.blur):
            surface.fill(rgb(rect.fill), pygame.Rect(x, y, w, h))
        elif rect.fill:
            soft = max(1.0, rect.blur * u)
            pad = round(soft) if rect.blur else 0
            radius = min(rect.radius * u, w / 2, h / 2)
            self._blit(
                surface, x - pad, y - pad, (w + 2 * pad, h + 2 * pad), rect.fill, rect.fill2, rect.alpha,
                ("rect", w, h, round(radius, 1), round(soft, 1)),
                lambda: _boxed(w + 2 * pad, h + 2 * pad, w, h, radius, soft),
            )  # fmt: skip
        if rect.stroke:
            thick = max(1.0, round(rect.stroke_width * u))
            radius = min(rect.radius * u, w / 2, h / 2)
            self._blit(
                surface, x, y, (w, h), rect.stroke, None, rect.alpha,
                ("frame", w, h, round(radius, 1), thick),
                lambda: _boxed(w, h, w, h, radius, 1.0)
                - _boxed(w, h, w - 2 * thick, h - 2 * thick, max(0.0, radius - thick), 1.0),
            )  # fmt: skip

    def _disc(self, disc: Disc, surface: pygame.Surface) -> None:
        if disc.rim:
            self._round(surface, disc.x, disc.y, disc.r, disc.rim, None, disc.alpha, disc.blur)
            inner = disc.r - max(disc.rim_width, 1 / self._u)
            self._round(surface, disc.x, disc.y, inner, disc.fill, disc.fill2, disc.alpha, 0.0)
        else:
            self._round(surface, disc.x, disc.y, disc.r, disc.fill, disc.fill2, disc.alpha, disc.blur)

    def _round(
        self, surface: pygame.Surface, x: float, y: float, r: float,
        fill: Colour, fill2: Colour | None, alpha: float, blur: float,
    ) -> None:  # fmt: skip
        u = self._u
        r, soft = round(r * u * 4) / 4, max(1.0, blur * u)
        left, top, fx, fy, size = _place(x * u, y * u, r + (soft if blur else 1))
        self._blit(
            surface, left, top, (size, size), fill, fill2, alpha, ("disc", fx, fy, r, round(soft, 1)),
            lambda: _step(r - _distance(size, size, fx, fy), soft),
        )  # fmt: skip

    def _ring(self, ring: Ring, surface: pygame.Surface) -> None:
        u = self._u
        r, width = round(ring.r * u * 4) / 4, max(1.0, ring.width * u)
        left, top, fx, fy, size = _place(ring.x * u, ring.y * u, r + 1)

        def coverage() -> Coverage:
            far = _distance(size, size, fx, fy)
            cover = np.minimum(_step(r - far, 1.0), _step(far - (r - width), 1.0))
            if ring.dashes:
                xs, ys = np.ogrid[0:size, 0:size]
                turn = np.arctan2(ys + 0.5 - fy, xs + 0.5 - fx) / (2 * np.pi) * ring.dashes
                away = 0.25 - np.abs((turn % 1.0) - 0.5)
                cover = np.minimum(cover, _step(away * (2 * np.pi * r / ring.dashes), 1.0))
            return cover

        key = ("ring", fx, fy, r, round(width, 1), ring.dashes)
        self._blit(surface, left, top, (size, size), ring.colour, None, ring.alpha, key, coverage)

    def _line(self, line: Line, surface: pygame.Surface) -> None:
        u = self._u
        half = max(1.0, line.width * u) / 2
        points = [(x * u, y * u) for x, y in line.points]
        left, top, size = _frame(points, half + 1)
        parts = list(pairwise(points))
        if line.dash:
            parts = [piece for a, b in parts for piece in _dashes(a, b, line.dash * u)]
        key = ("line", tuple((round(x - left, 1), round(y - top, 1)) for x, y in points), round(half, 1), line.dash)

        def coverage() -> Coverage:
            cover = np.zeros(size, np.float32)
            for a, b in parts:
                _stroke(cover, (a[0] - left, a[1] - top), (b[0] - left, b[1] - top), half)
            return cover

        self._blit(surface, left, top, size, line.colour, None, line.alpha, key, coverage)

    def _arrow(self, arrow: Arrow, surface: pygame.Surface) -> None:
        dx, dy = arrow.x2 - arrow.x, arrow.y2 - arrow.y
        length = max((dx * dx + dy * dy) ** 0.5, 1e-6)
        dx, dy, head = dx / length, dy / length, min(3 * arrow.width, length)
        neck = (arrow.x2 - dx * head, arrow.y2 - dy * head)
        side = (-dy * 1.4 * arrow.width, dx * 1.4 * arrow.width)
        self._line(Line(((arrow.x, arrow.y), neck), arrow.width, arrow.colour, arrow.alpha), surface)
        tip = ((arrow.x2, arrow.y2), (neck[0] + side[0], neck[1] + side[1]), (neck[0] - side[0], neck[1] - side[1]))
        self._poly(Poly(tip, arrow.colour, arrow.alpha), surface)

    def _poly(self, poly: Poly, surface: pygame.Surface) -> None:
        points = [(x * self._u, y * self._u) for x, y in poly.points]
        left, top, size = _frame(points, 1)
        inside = tuple((round(x - left, 2), round(y - top, 2)) for x, y in points)
        self._blit(
            surface, left, top, size, poly.fill, None, poly.alpha, ("poly", inside), lambda: _filled(size, inside)
        )

    def _text(self, text: Text, surface: pygame.Surface) -> None:
        if not text.text:
            return
        pixels = round(text.size * self._u * 4) / 4
        key = ("text", text.text, text.weight, pixels, text.colour, text.halo)
        sprite = self._sprites.get(key)
        if sprite is None:
            sprite = self._keep(key, self._written(text, pixels))
        self._sprites.move_to_end(key)
        edge = _halo(pixels) if text.halo else 0
        left = text.left * self._u - edge
        top = text.baseline * self._u - lettering.ASCENT * pixels - edge
        if text.alpha < 1:
            sprite = sprite.copy()
            sprite.set_alpha(round(255 * text.alpha))
        surface.blit(sprite, (round(left), round(top)))

    def _written(self, text: Text, pixels: float) -> pygame.Surface:
        """The words, drawn finer and made smaller, so that letters keep their exact widths at every size."""
        font = self._font(text.weight, round(pixels * FINER))
        edge = _halo(pixels) * FINER if text.halo else 0
        words = font.render(text.text, True, (255, 255, 255))
        w, h = (-(-(side + 2 * edge) // FINER) for side in words.get_size())
        fine = pygame.Surface((w * FINER, h * FINER), pygame.SRCALPHA)
        fine.fill((255, 255, 255, 0))
        fine.blit(words, (edge, edge))
        face = pygame.surfarray.array_alpha(pygame.transform.smoothscale(fine, (w, h))).astype(np.float32) / 255
        if text.halo is None:
            return _tinted(face, text.colour, None)
        for angle in np.linspace(0, 2 * np.pi, 16, endpoint=False):
            fine.blit(words, (edge + edge * np.cos(angle), edge + edge * np.sin(angle)))
        around = pygame.surfarray.array_alpha(pygame.transform.smoothscale(fine, (w, h))).astype(np.float32) / 255
        sprite = _tinted(around, text.halo, None)
        sprite.blit(_tinted(face, text.colour, None), (0, 0))
        return sprite

    def _font(self, weight: str, pixels: int) -> pygame.font.Font:
        if (weight, pixels) not in self._fonts:
            self._fonts[weight, pixels] = pygame.font.Font(io.BytesIO(lettering.font_file(weight)), pixels)
        return self._fonts[weight, pixels]

    def _blit(
        self, surface: pygame.Surface, left: int, top: int, size: tuple[int, int], fill: Colour, fill2: Colour | None,
        alpha: float, shape: tuple[object, ...], coverage: Callable[[], Coverage],
    ) -> None:  # fmt: skip
        key = (fill, fill2, round(alpha, 2), size, shape)
        sprite = self._sprites.get(key)
        if sprite is None:
            sprite = self._keep(key, _tinted(coverage() * alpha, fill, fill2))
        self._sprites.move_to_end(key)
        surface.blit(sprite, (left, top))

    def _keep(self, key: object, sprite: pygame.Surface) -> pygame.Surface:
        self._sprites[key] = sprite
        self._pixels += sprite.get_width() * sprite.get_height()
        while self._pixels > MOST_PIXELS and len(self._sprites) > 1:
            _, old = self._sprites.popitem(last=False)
            self._pixels -= old.get_width() * old.get_height()
        return sprite


def _halo(pixels: float) -> int:
    return max(1, round(pixels / 12))


def _place(x: float, y: float, reach: float) -> tuple[int, int, float, float, int]:
    """The upper left pixel of a round sprite, its centre in the sprite to a quarter pixel, and its size."""
    x, y = round(x * 4) / 4, round(y * 4) / 4
    left, top = int(np.floor(x - reach)), int(np.floor(y - reach))
    return left, top, x - left, y - top, int(np.ceil(2 * reach)) + 2


def _frame(points: list[tuple[float, float]], pad: float) -> tuple[int, int, tuple[int, int]]:
    xs, ys = [x for x, _ in points], [y for _, y in points]
    left, top = int(np.floor(min(xs) - pad)), int(np.floor(min(ys) - pad))
    return left, top, (int(np.ceil(max(xs) + pad)) - left, int(np.ceil(max(ys) + pad)) - top)


def _step(inside: NDArray[np.floating], soft: float) -> Coverage:
    """Coverage from the distance inside the outline; over more than a pixel the step is rounded."""
    cover = np.clip(inside / soft + 0.5, 0, 1).astype(np.float32)
    return cover if soft <= 1 else cover * cover * (3 - 2 * cover)


def _distance(w: int, h: int, x: float, y: float) -> NDArray[np.float32]:
    xs, ys = np.ogrid[0:w, 0:h]
    return np.hypot(xs + 0.5 - x, ys + 0.5 - y).astype(np.float32)


def _boxed(width: int, height: int, w: float, h: float, radius: float, soft: float) -> Coverage:
    """A rounded rectangle w x h in the middle of a sprite."""
    xs, ys = np.ogrid[0:width, 0:height]
    dx = np.abs(xs + 0.5 - width / 2) - (w / 2 - radius)
    dy = np.abs(ys + 0.5 - height / 2) - (h / 2 - radius)
    outside = np.hypot(np.maximum(dx, 0), np.maximum(dy, 0)) + np.minimum(np.maximum(dx, dy), 0)
    return _step((radius - outside).astype(np.float32), soft)


def _stroke(cover: Coverage, a: tuple[float, float], b: tuple[float, float], half: float) -> None:
    """Adds the segment a-b with round ends."""
    low = [max(0, int(np.floor(min(a[i], b[i]) - half - 1))) for i in (0, 1)]
    high = [min(cover.shape[i], int(np.ceil(max(a[i], b[i]) + half + 1))) for i in (0, 1)]
    if low[0] >= high[0] or low[1] >= high[1]:
        return
    xs, ys = np.ogrid[low[0] : high[0], low[1] : high[1]]
    px, py, dx, dy = xs + 0.5 - a[0], ys + 0.5 - a[1], b[0] - a[0], b[1] - a[1]
    along = np.clip((px * dx + py * dy) / max(dx * dx + dy * dy, 1e-9), 0, 1)
    near = _step((half - np.hypot(px - along * dx, py - along * dy)).astype(np.float32), 1.0)
    part = cover[low[0] : high[0], low[1] : high[1]]
    np.maximum(part, near, out=part)


def _dashes(
    a: tuple[float, float], b: tuple[float, float], dash: float
) -> list[tuple[tuple[float, float], tuple[float, float]]]:
    length = float(np.hypot(b[0] - a[0], b[1] - a[1]))
    pairs = max(1, round((length + dash) / (2 * dash)))
    step = 1 / (2 * pairs - 1)

    def at(t: float) -> tuple[float, float]:
        return a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t

    return [(at(2 * i * step), at((2 * i + 1) * step)) for i in range(pairs)]


def _filled(size: tuple[int, int], points: tuple[tuple[float, float], ...], finer: int = FINER) -> Coverage:
    mask = pygame.Surface((size[0] * finer, size[1] * finer), pygame.SRCALPHA)
    pygame.draw.polygon(mask, (255, 255, 255, 255), [(x * finer, y * finer) for x, y in points])
    fine = pygame.surfarray.array_alpha(mask).astype(np.float32) / 255
    return fine.reshape(size[0], finer, size[1], finer).mean(axis=(1, 3))


def _tinted(cover: NDArray[np.floating], fill: Colour, fill2: Colour | None) -> pygame.Surface:
    sprite = pygame.Surface(cover.shape, pygame.SRCALPHA)
    colours = pygame.surfarray.pixels3d(sprite)
    top = np.array(rgb(fill), np.float32)
    if fill2 is None:
        colours[:] = top
    else:
        down = np.linspace(0, 1, cover.shape[1], dtype=np.float32)[:, None]
        colours[:] = np.round(top + (np.array(rgb(fill2), np.float32) - top) * down)
    del colours
    alphas = pygame.surfarray.pixels_alpha(sprite)
    alphas[:] = np.round(np.clip(cover, 0, 1) * 255).astype(np.uint8)
    return sprite
