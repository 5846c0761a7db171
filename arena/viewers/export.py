"""Pictures and films of a game, painted without a display: what is exported is what the window shows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from arena.viewers.layout import layout
from arena.viewers.match import scene
from arena.viewers.paint import Painter, pygame
from arena.viewers.snapshot import Snapshot
from arena.viewers.ui import MOVE_SECONDS, PLY_SECONDS, TEXT_SIZES, UI

ENDINGS = ("png", "gif", "mp4")
View = TypeVar("View")
Shot: TypeAlias = Callable[[View, tuple[int, int], Painter], pygame.Surface]
"""Paints a view on a surface of so many pixels."""
GIF_WIDTH = 960
GIF_FPS, MP4_FPS = 12, 30
END_SECONDS = 3.0
"""How long the last position is shown."""


class CannotExport(ValueError):
    """What was asked for cannot be written; the text says why and what to do instead."""


def picture(snapshot: Snapshot, ui: UI, size: tuple[int, int], painter: Painter | None = None) -> pygame.Surface:
    """One view painted on a plain surface of `size` pixels."""
    where = layout(*size, TEXT_SIZES[ui.text], lecture=ui.lecture, presentation=ui.presentation, captions=ui.captions)
    surface = pygame.Surface(size)
    (painter or Painter()).paint(scene(snapshot, ui, where), surface)
    return surface


def frames(snapshot: Snapshot, ui: UI, fps: int) -> Iterator[tuple[UI, float]]:
    """Every different view of the game in order, with the seconds it lasts; views of a moving piece last 1/fps."""
    moving = max(1, round(MOVE_SECONDS * fps))
    for ply in range(snapshot.length + 1):
        base = replace(ui, ply=ply, part=1.0)
        for i in range(1, moving if ply else 1):
            yield replace(base, part=i / moving), 1 / fps
        still = END_SECONDS if ply == snapshot.length else max(PLY_SECONDS - (moving - 1) / fps, 1 / fps)
        yield base, still


def export(
    snapshot: Snapshot, file: Path | str, *, size: tuple[int, int] = (1280, 720), ui: UI | None = None,
    ply: int | None = None, progress: Callable[[float], None] = lambda share: None,
) -> Path:  # fmt: skip
    """Writes a picture (.png, of the final position or of `ply`) or a film of the whole game (.gif, .mp4).

    Beside a picture goes `<file>.json` with the game, the ply and the choices, so that it can be made again.
    """
    path, kind = check_export(file)
    ui = replace(ui or UI(), playing=False, hover=None, message="", asks=())
    try:
        if kind == "png":
            _png(snapshot, replace(ui, ply=snapshot.length if ply is None else ply, part=1.0), size, path)
        else:
            film(path, kind, partial(frames, snapshot, ui), partial(picture, snapshot), size, progress)
    except OSError as error:
        raise CannotExport(f"{path} could not be written: {error.strerror or error}.") from error
    return path


def check_export(file: Path | str) -> tuple[Path, str]:
    """Whether a file can be exported to, before work is put into it: (path, ending)."""
    path = Path(file)
    kind = path.suffix.lower().removeprefix(".")
    if kind not in ENDINGS:
        raise CannotExport(f"'{path.name}' does not say what to write; end it in .png, .gif or .mp4.")
    if not path.parent.is_dir():
        raise CannotExport(f"There is no folder {path.parent}; make it first, or name another.")
    return path, kind


def _png(snapshot: Snapshot, ui: UI, size: tuple[int, int], path: Path) -> None:
    if not 0 <= ui.ply <= snapshot.length:
        raise CannotExport(f"The game has positions 0 to {snapshot.length}, and {ui.ply} was asked for.")
    png(picture(snapshot, ui, size), path, _record(snapshot, ui, size))


def png(surface: pygame.Surface, path: Path, record: dict[str, object]) -> None:
    """Writes a picture, and beside it what it shows."""
    from PIL import Image

    Image.fromarray(_pixels(surface)).save(path, "PNG")
    path.with_name(path.name + ".json").write_text(json.dumps(record, indent=1) + "\n")


def _record(snapshot: Snapshot, ui: UI, size: tuple[int, int]) -> dict[str, object]:
    kept = ("ply", "candidates", "zen", "tab", "presentation", "lecture", "text", "captions", "flipped", "mover_side")
    chosen = asdict(ui)
    return {
        "game": snapshot.game.name,
        "version": snapshot.game.version,
        "seed": snapshot.seed,
        "moves": [list(ply.action) if snapshot.game.controls else ply.action for ply in snapshot.plies],
        "opening": snapshot.opening,
        "names": list(snapshot.names),
        "ratings": list(snapshot.ratings),
        "size": list(size),
        "ui": {**{name: chosen[name] for name in kept}, "overlays": sorted(ui.overlays)},
    }


def _pixels(surface: pygame.Surface) -> NDArray[np.uint8]:
    """[height, width, 3] of a surface."""
    return np.ascontiguousarray(pygame.surfarray.array3d(surface).swapaxes(0, 1))


def film(
    path: Path, kind: str, views: Callable[[int], Iterable[tuple[View, float]]], shot: Shot[View],
    size: tuple[int, int], progress: Callable[[float], None],
) -> None:  # fmt: skip
    """Writes views, given the frames a second, each with the seconds it lasts, as a .gif or .mp4."""
    if kind == "gif":
        _gif(list(views(GIF_FPS)), shot, size, path, progress)
    else:
        _mp4(list(views(MP4_FPS)), shot, size, path, progress)


def _gif(
    views: list[tuple[View, float]], shot: Shot[View], size: tuple[int, int], path: Path,
    progress: Callable[[float], None],
) -> None:  # fmt: skip
    from PIL import Image

    share = min(1.0, GIF_WIDTH / size[0])
    size = (round(size[0] * share), round(size[1] * share))
    painter = Painter()
    palette = _palette([_pixels(shot(view, size, painter)) for view, _ in _some(views, 6)])
    images = []
    for i, (view, _) in enumerate(views):
        full = Image.fromarray(_pixels(shot(view, size, painter)))
        images.append(full.quantize(palette=palette, dither=Image.Dither.NONE))
        progress((i + 1) / len(views))
    lasts = [max(20, round(seconds * 100) * 10) for _, seconds in views]
    images[0].save(path, "GIF", save_all=True, append_images=images[1:], duration=lasts, loop=0, optimize=False)


def _some(views: list[tuple[View, float]], count: int) -> list[tuple[View, float]]:
    return [views[i] for i in np.linspace(0, len(views) - 1, min(count, len(views))).astype(int)]


def _palette(samples: list[NDArray[np.uint8]]):
    """One palette of 256 colours for a whole film, from some of its frames."""
    from PIL import Image

    return Image.fromarray(np.concatenate(samples)).quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)


def _mp4(
    views: list[tuple[View, float]], shot: Shot[View], size: tuple[int, int], path: Path,
    progress: Callable[[float], None],
) -> None:  # fmt: skip
    import imageio_ffmpeg

    size, painter = (size[0] // 2 * 2, size[1] // 2 * 2), Painter()
    writer = imageio_ffmpeg.write_frames(
        str(path), size, fps=MP4_FPS, codec="libx264", pix_fmt_out="yuv420p", macro_block_size=2, quality=7,
        output_params=["-fflags", "+bitexact", "-flags:v", "+bitexact", "-movflags", "+faststart",
                       "-threads", "2", "-preset", "veryfast"],
    )  # fmt: skip
    writer.send(None)
    try:
        for i, (view, seconds) in enumerate(views):
            for frame in _repeated(_pixels(shot(view, size, painter)), seconds):
                writer.send(frame)
            progress((i + 1) / len(views))
    finally:
        writer.close()


def _repeated(pixels: NDArray[np.uint8], seconds: float) -> Iterable[bytes]:
    frame = pixels.tobytes()
    return (frame for _ in range(max(1, round(seconds * MP4_FPS))))
