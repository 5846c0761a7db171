"""A group as a picture, a film or words, without a display: what is exported is what the window shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from arena.viewers.export import END_SECONDS, CannotExport, check_export, film, png
from arena.viewers.language.choices import Choices, begun, lasts
from arena.viewers.language.group import Group, GroupSnapshot, chance, sentence, told, verdict
from arena.viewers.language.scene import scene
from arena.viewers.paint import Painter, pygame
from envs.language.vocabulary import decode


def picture(
    snapshot: GroupSnapshot, chosen: Choices, size: tuple[int, int], painter: Painter | None = None
) -> pygame.Surface:
    """One view painted on a plain surface of `size` pixels."""
    surface = pygame.Surface(size)
    (painter or Painter()).paint(scene(snapshot, chosen, size), surface)
    return surface


def views(snapshot: GroupSnapshot, chosen: Choices, fps: int) -> Iterator[tuple[Choices, float]]:
    """Every stage in order, with the seconds it lasts."""
    for stage in range(snapshot.stages + 1):
        last = stage == snapshot.stages
        yield replace(chosen, stage=stage, cursor=None), 2 * END_SECONDS if last else lasts(snapshot, stage)


def export_group(
    snapshot: GroupSnapshot, file: Path | str, chosen: Choices | None = None, *, size: tuple[int, int] = (1280, 720),
    progress: Callable[[float], None] = lambda share: None,
) -> Path:  # fmt: skip
    """Writes a picture (.png), or a film of the answers being written, paid and compared (.gif, .mp4)."""
    path, kind = check_export(file)
    chosen = replace(chosen or begun(snapshot), playing=False, message="", asks=(), help=False)
    try:
        if kind == "png":
            png(picture(snapshot, chosen, size), path, record(snapshot))
        else:
            film(path, kind, partial(views, snapshot, chosen), partial(picture, snapshot), size, progress)
    except OSError as error:
        raise CannotExport(f"{path} could not be written: {error.strerror or error}.") from error
    return path


def record(snapshot: GroupSnapshot) -> dict[str, object]:
    """What a picture shows, in plain numbers."""
    return {
        "task": snapshot.task,
        "level": snapshot.level,
        "seed": snapshot.seed,
        "number": snapshot.number,
        "temperature": snapshot.temperature,
        "prompt": decode(snapshot.prompt),
        "models": list(snapshot.models),
        "groups": [
            {
                "writer": snapshot.models[group.writer],
                "mean": group.mean,
                "std": group.std,
                "answers": [
                    {"text": decode(answer.tokens), "reward": answer.reward, "format": answer.format,
                     "right": answer.right, "placed": answer.placed, "advantage": float(group.advantages[i]),
                     "credit": group.credit[i].tolist(), "log_p": answer.log_p}
                    for i, answer in enumerate(group.answers)
                ],
            }
            for group in snapshot.groups
        ],
    }  # fmt: skip


def described(snapshot: GroupSnapshot) -> str:
    """The whole view in words: a line an answer."""
    lines = [
        f"task: {snapshot.task}, level {snapshot.level}, prompt {snapshot.number}",
        f"prompt: {decode(snapshot.prompt)}",
    ]
    if snapshot.wanted:
        lines.append(f"wanted: {decode(snapshot.wanted)}")
    for group in snapshot.groups:
        lines += ["", f"answers of {snapshot.models[group.writer]}", *_rows(snapshot, group)]
        lines.append(f"  mean {group.mean:.2f}, std {group.std:.2f}. {sentence(group)}")
        if len(snapshot.models) > 1:
            lines.append(f"  {told(group)}")
    return "\n".join(lines) + "\n"


def _rows(snapshot: GroupSnapshot, group: Group) -> list[str]:
    table = [("reward", "advantage", "checks", "probability", "answer")]
    for i in group.order:
        answer = group.answers[i]
        shares = " → ".join(chance(answer.share(k)) for k in range(len(snapshot.models)))
        checks = ", ".join(verdict(answer))
        table.append((f"{answer.reward:g}", f"{group.advantages[i]:+.2f}", checks, shares, decode(answer.tokens)))
    wide = [max(len(row[k]) for row in table) for k in range(5)]
    return ["  " + "  ".join(cell.ljust(wide[k]) for k, cell in enumerate(row)).rstrip() for row in table]
