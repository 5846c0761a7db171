"""A draw list as text, by which tests compare pictures."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import fields

from arena.viewers.shapes import Shape, in_order


def to_json(shapes: Iterable[Shape]) -> str:
    """The draw list as readable text: a shape a line, numbers to a thousandth of u, no field that is at its default."""
    return "\n".join(json.dumps(_plain(shape), ensure_ascii=False) for shape in in_order(shapes))


def _plain(shape: Shape) -> dict[str, object]:
    record: dict[str, object] = {"shape": type(shape).__name__}
    for field in fields(shape):
        value = getattr(shape, field.name)
        if field.name == "shapes":
            value = [_plain(inner) for inner in value]
        if value != field.default:
            record[field.name] = _rounded(value)
    return record


def _rounded(value: object) -> object:
    if isinstance(value, bytes):
        return hashlib.sha256(value).hexdigest()[:16]
    if isinstance(value, float):
        return round(value, 3)
    if isinstance(value, tuple):
        return [_rounded(part) for part in value]
    return value
