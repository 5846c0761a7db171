"""What `arena watch` shows of language models: a group of answers to one prompt, and the curves of a run."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from arena.cli.frame import progress, put, say
from arena.text import printable

if TYPE_CHECKING:
    from arena.cli.look import Showing


def look_at(
    words: list[str], showing: Showing, size: int | None, prompt: int, head: str | None, curves: bool, seed: int,
    database: Path,
) -> None:  # fmt: skip
    """A group, or a run's curves, in a window, in a file or in words."""
    if curves:
        if size is not None or head is not None or len(words) != 1:
            raise ValueError("--curves takes one run's folder, as in `arena watch runs/reverse-grpo --curves`.")
        _curves(showing, Path(words[0]))
        return
    if showing.ply is not None and showing.describe:
        raise ValueError("--describe tells a --group's answers whole; leave --ply out.")
    if size is None:
        raise ValueError("--attention shows where a head looks in a group of answers; add --group 8.")
    if not 2 <= len(words) <= 3:
        raise ValueError("A group is of a task and one or two models: arena watch reverse BEFORE AFTER --group 8.")
    _group(words, showing, size, prompt, looked_at(head), seed, database)


def looked_at(words: str | None) -> tuple[int, int] | None:
    """(layer, head) written as 1.2."""
    if words is None:
        return None
    found = re.fullmatch(r"(\d+)\.(\d+)", words)
    if found is None:
        raise ValueError(f"A head of attention is written LAYER.HEAD, counted from 1, as in 1.2, not '{words}'.")
    return int(found[1]), int(found[2])


def _group(
    words: list[str], showing: Showing, size: int, prompt: int, head: tuple[int, int] | None, seed: int, database: Path
) -> None:
    from arena.viewers.export import check_export
    from arena.viewers.language.choices import begun
    from arena.viewers.language.export import described, export_group
    from arena.viewers.language.source import Groups, models
    from envs.registry import game

    if showing.export is not None:
        check_export(showing.export)
    groups = Groups(game(words[0]), models(words[1:], database, seed), size, seed, head)
    if showing.describe:
        put("".join(c if c == "\n" else printable(c) for c in described(groups.snapshot(prompt))))
    elif showing.export is not None:
        with progress("drawing") as heard:
            snapshot = groups.snapshot(prompt)
            chosen = begun(snapshot)
            if showing.ply is not None:  # a token of each answer is a ply
                chosen = replace(chosen, stage=min(showing.ply, snapshot.stages))
            path = export_group(snapshot, showing.export, chosen, progress=lambda share: heard(round(100 * share), 100))
        say(f"Written to {path}.")
    else:
        from arena.viewers.language.window import GroupWindow

        GroupWindow(groups, prompt, (1280, 720), Path.cwd()).run()


def _curves(showing: Showing, folder: Path) -> None:
    from arena.viewers.run_curves import curves_of, spoken, title_of, write

    if showing.describe:
        put(spoken(curves_of(folder)))
    elif showing.export is None:
        from arena.viewers.curves_window import CurvesWindow

        CurvesWindow(folder).run()
    elif showing.export.suffix.lower() != ".png":
        raise ValueError("Curves are written as a picture; end it in .png, as in --export curves.png.")
    else:
        write(showing.export, title_of(folder), curves_of(folder))
        say(f"Written to {showing.export}.")
