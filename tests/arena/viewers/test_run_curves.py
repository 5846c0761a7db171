"""A run's curves: read from its events, smoothed by hand-worked numbers, drawn where they belong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from arena.cli import run
from arena.viewers.curves_window import EVERY, CurvesWindow
from arena.viewers.paint import pygame
from arena.viewers.run_curves import Curve, NoCurves, curves_of, panels_of, picture, smoothed, spoken, title_of
from arena.viewers.shapes import OVERLAY, Line, Text, bounds
from arena.viewers.theme import SMALL

STEPS = np.arange(0.0, 100.0)


def curves(**values: float) -> dict[str, Curve]:
    return {name.replace("__", "/"): (STEPS, np.linspace(0.0, top, 100)) for name, top in values.items()}


LANGUAGE = curves(rollout__accuracy=1.0, rollout__format=1.0, rollout__length=12, train__entropy=4, train__kl=0,
                  train__approx_kl=0.01, rollout__thought_length=0, rollout__ep_rew_mean=1)  # fmt: skip


def test_a_smoothed_value_is_the_mean_of_its_neighbours() -> None:
    assert smoothed(np.array([0.0, 3.0, 6.0, 0.0]), 0.25).tolist() == [1.5, 3.0, 3.0, 3.0]
    assert smoothed(np.array([5.0, 1.0]), 0.02).tolist() == [5.0, 1.0]


def test_panels_are_those_that_have_something_to_show() -> None:
    found = {panel.title: [name for _, name in panel.curves] for panel in panels_of(LANGUAGE)}
    assert found["share of answers"] == ["right", "well formed"] and found["tokens"] == ["answer"]
    assert found["KL, nats"] == ["to the policy that drew"]
    other = {panel.title for panel in panels_of(curves(rollout__ep_rew_mean=1, eval__mean_reward=1))}
    assert other == {"return"}
    assert panels_of({}) == []
    none_right = panels_of(curves(rollout__accuracy=0, rollout__format=1))
    assert [name for _, name in none_right[0].curves] == ["right", "well formed"]  # that nothing is right is told


@pytest.mark.parametrize("size", [(1280, 720), (1920, 1080), (720, 1280)])
def test_a_picture_stays_on_its_page_and_can_be_read(size: tuple[int, int]) -> None:
    shapes = picture("run", LANGUAGE, size)
    for shape in shapes:
        box = bounds(shape)
        assert box.x >= -0.5 and box.right <= 100 * size[0] / size[1] + 0.5 and box.y >= -0.5 and box.bottom <= 100.5
        assert not isinstance(shape, Text) or shape.size >= SMALL
    assert {"right 0.99", "well formed 0.99"} <= {s.text for s in shapes if isinstance(s, Text)}


def test_a_curve_rises_where_its_values_do() -> None:
    (line,) = [s for s in picture("run", curves(train__entropy=4), (1280, 720)) if getattr(s, "layer", 0) == OVERLAY]
    assert isinstance(line, Line)
    assert line.points[0][1] > line.points[-1][1] and line.points[0][0] < line.points[-1][0]
    assert "There are no curves" in str([s.text for s in picture("run", {}, (1280, 720)) if isinstance(s, Text)])


def test_the_window_follows_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from torch.utils.tensorboard import SummaryWriter

    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    writer = SummaryWriter(str(tmp_path / "events"))
    writer.add_scalar("rollout/accuracy", 0.5, 1)
    writer.flush()
    window = CurvesWindow(tmp_path, (640, 360))
    try:
        window.turn(0.0)
        before = window.shapes
        writer.add_scalar("rollout/accuracy", 1.0, 2)
        writer.flush()
        window.turn(EVERY / 2)
        assert window.shapes is before and len(window.curves["rollout/accuracy"][0]) == 1
        window.turn(EVERY / 2)
        assert window.shapes is not before and len(window.curves["rollout/accuracy"][0]) == 2
        pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=pygame.K_ESCAPE, unicode="", mod=0))
        window.turn(0.0)
        assert not window.open
    finally:
        writer.close()
        pygame.display.quit()


def test_the_command_reads_events(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from torch.utils.tensorboard import SummaryWriter

    writer = SummaryWriter(str(tmp_path / "r" / "events"))
    for step in range(10):
        writer.add_scalar("rollout/accuracy", step / 10, step * 100)
        writer.add_scalar("train/entropy", float("nan") if step == 3 else 1.0, step * 100)
    writer.close()
    (tmp_path / "r" / "config.toml").write_text('[game]\nname = "reverse"\n[learner]\nalgorithm = "grpo"\n')
    read = curves_of(tmp_path / "r")
    assert read["rollout/accuracy"][1].tolist() == pytest.approx([k / 10 for k in range(10)])
    assert read["train/entropy"][0].tolist() == [k * 100 for k in range(10) if k != 3]
    assert title_of(tmp_path / "r") == "r: grpo, reverse" and title_of(tmp_path) == tmp_path.name
    assert "share of answers: right: 0 → 0.5 → 0.9   (900 steps)" in spoken(read)
    monkeypatch.chdir(tmp_path)
    assert run(["watch", "r", "--curves", "--export", "c.png"]) == 0 and Image.open("c.png").size == (1280, 720)
    assert run(["watch", "r", "--curves", "--describe"]) == 0 and "share of answers" in capsys.readouterr().out
    assert run(["watch", "r", "--curves", "--export", "c.gif"]) == 2 and "end it in .png" in capsys.readouterr().err
    assert run(["watch", "r", "--curves", "--export", "no/c.png"]) == 2
    (tmp_path / "e" / "events").mkdir(parents=True)
    with pytest.raises(NoCurves, match="nothing in its events yet"):
        curves_of(tmp_path / "e")
