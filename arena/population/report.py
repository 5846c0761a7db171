"""A league's pictures: who beats whom, who descends from whom, Elo, exploitability, and who learns from whom."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any


def write_report(told: Mapping[str, Any], folder: Path, wide: int = 1600) -> list[Path]:
    """Paints a league's document into PNGs of a folder, but for those that have nothing to say; returns the files."""
    from arena.viewers.league import PAGE, PICTURES
    from arena.viewers.stills import still

    try:
        folder.mkdir(parents=True, exist_ok=True)
        shapes = {name: draw(told) for name, draw in PICTURES.items()}
        return [still(drawn, PAGE, folder / f"{name}.png", wide) for name, drawn in shapes.items() if drawn]
    except OSError as error:
        raise ValueError(f"{folder} cannot be written ({error.strerror or error}); name another folder.") from error
