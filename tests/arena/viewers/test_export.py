from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from PIL import Image

from arena.viewers.export import CannotExport, export, frames, picture
from arena.viewers.paint import pygame
from arena.viewers.snapshot import Snapshot
from arena.viewers.sources import GameRecord
from arena.viewers.ui import UI
from arena.viewers.watch import game_judged, play, watch_game, watch_league, watch_match
from envs.game import Game
from envs.registry import game
from tests.arena.viewers.scripted import Thinker, finished

SMALL = (480, 270)


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("kind", ["png", "gif", "mp4"])
def test_exporting_twice_gives_the_same_bytes(kind: str, tmp_path: Path) -> None:
    pygame.display.quit()  # another test's
    snapshot = finished("tic_tac_toe")
    first = export(snapshot, tmp_path / f"a.{kind}", size=SMALL)
    second = export(snapshot, tmp_path / f"b.{kind}", size=SMALL)
    assert digest(first) == digest(second)
    assert not pygame.display.get_init()


def test_a_picture_and_how_to_make_it_again(connect_four: Snapshot, tmp_path: Path) -> None:
    path = export(connect_four, tmp_path / "p.png", size=SMALL, ply=6)
    assert Image.open(path).size == SMALL
    record = json.loads(path.with_name("p.png.json").read_text())
    assert record["ui"]["ply"] == 6
    assert record["moves"] == [ply.action for ply in connect_four.plies]
    stored = GameRecord(game(record["game"]), tuple(record["moves"]), tuple(record["names"]), record["seed"])
    assert watch_game(stored, export=tmp_path / "again.png", size=SMALL, ply=6) is not None


def test_a_gif_has_a_frame_for_every_view_and_one_palette(tmp_path: Path) -> None:
    snapshot = finished("tic_tac_toe")
    path = export(snapshot, tmp_path / "g.gif", size=(1280, 720))
    with Image.open(path) as film:
        assert film.size == (960, 540)
        assert film.n_frames == len(list(frames(snapshot, UI(), 12)))
        film.seek(film.n_frames - 1)
        last = np.asarray(film.convert("RGB")).astype(float)
    surface = picture(snapshot, UI(ply=snapshot.length), (960, 540))
    painted = pygame.surfarray.array3d(surface).swapaxes(0, 1)
    assert np.abs(last - painted).mean() < 3


def test_a_film_has_even_sides(tmp_path: Path) -> None:
    import imageio_ffmpeg

    path = export(finished("tic_tac_toe"), tmp_path / "f.mp4", size=(321, 241))
    count, seconds = imageio_ffmpeg.count_frames_and_secs(str(path))
    assert next(imageio_ffmpeg.read_frames(str(path)))["size"] == (320, 240)
    assert count == pytest.approx(seconds * 30, abs=2)


@pytest.mark.parametrize(
    ("name", "ply", "says"),
    [("p.bmp", None, "end it in .png"), ("no/such/p.png", None, "no folder"), ("p.png", 99, "positions 0 to")],
)
def test_what_cannot_be_exported_is_said(name: str, ply: int | None, says: str, tmp_path: Path) -> None:
    with pytest.raises(CannotExport, match=says):
        export(finished("tic_tac_toe"), tmp_path / name, size=SMALL, ply=ply)


def test_a_wrong_ending_is_told_before_the_game_is_played(tmp_path: Path) -> None:
    class Never(Thinker):
        def act(self, view: object, memory: object) -> None:  # pyright: ignore
            raise AssertionError("played in vain")

    with pytest.raises(CannotExport):
        watch_match(game("tic_tac_toe"), [Never("a"), Never("b")], export=tmp_path / "x.jpeg")


def test_a_match_and_a_league_export(tmp_path: Path) -> None:
    agents = [Thinker("a"), Thinker("b")]
    assert watch_match(game("tic_tac_toe"), agents, seed=2, export=tmp_path / "m.png", size=SMALL)

    class Feed:
        games: ClassVar = [GameRecord(game("othello"), (19,), ("a", "b"))]

        def game(self) -> Game:
            return game("othello")

        def next(self) -> GameRecord | None:
            return self.games.pop() if self.games else None

        def waiting(self) -> str:
            return "Waiting for games."

        def analyst(self, game: Game) -> Thinker:
            return Thinker("judge")

    assert watch_league(Feed(), export=tmp_path / "l.png", size=SMALL)
    with pytest.raises(CannotExport, match="Waiting for games"):
        watch_league(Feed(), export=tmp_path / "l.png", size=SMALL)


def test_an_analyst_judges_what_is_shown_and_says_how_far_it_is(tmp_path: Path) -> None:
    class Counting(Thinker):
        asked = 0

        def act(self, *position: Any) -> Any:
            Counting.asked += 1
            return super().act(*position)

    stored = GameRecord(game("tic_tac_toe"), (0, 4, 1, 8), ("a", "b"))
    shares: list[float] = []
    judged = game_judged(stored, Counting("judge"), 1, shares.append)
    assert Counting.asked == 2 and shares == [0.5, 1.0]
    assert judged.plies[1].value is not None and judged.plies[2].value is None
    game_judged(stored, Counting("judge"))
    assert Counting.asked == 2 + 5
    for name, shown in (("p.png", 2), ("g.gif", 5)):  # a film shows the whole game, whatever ply is asked for
        Counting.asked = 0
        watch_game(stored, analyst=Counting("judge"), export=tmp_path / name, size=SMALL, ply=1)
        assert Counting.asked == shown


def test_pixels_show_the_board(connect_four: Snapshot) -> None:
    """Sky and orange stones are where the position has them: the only test that looks at pixels of a scene."""
    surface = picture(connect_four, UI(ply=connect_four.length, overlays=frozenset(), zen=True), (1280, 720))
    pixels = pygame.surfarray.array3d(surface).astype(int)
    stones = connect_four.rows[connect_four.length]["stones"]
    ratio = int(stones[0]).bit_count() / int(stones[1]).bit_count()
    board = pixels[30:530, 80:500]
    sky = (np.abs(board - (0x56, 0xB4, 0xE9)).sum(axis=2) < 60).sum()
    orange = (np.abs(board - (0xE6, 0x9F, 0x00)).sum(axis=2) < 60).sum()
    assert sky / orange == pytest.approx(ratio, rel=0.25)


def test_a_person_without_a_screen_is_not_sent_to_export(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ValueError, match=r"needs a screen") as told:
        play(game("tic_tac_toe"), Thinker("agent"))
    assert "--export" not in str(told.value)


def test_no_display_is_one_sentence_that_names_export() -> None:
    script = (
        "from arena.viewers.window import open_display, NoDisplay\n"
        "try: open_display((640, 480), 'x')\n"
        "except NoDisplay as error: print(error)\n"
    )
    hidden = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER")}
    for more in ({}, {"DISPLAY": ":987"}):
        result = subprocess.run(
            [sys.executable, "-c", script], env={**hidden, **more}, capture_output=True, text=True, check=True
        )
        assert "--export" in result.stdout
        assert result.stdout.count("\n") == 1
