"""A game in words says what the screen says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from arena.viewers.describe import described
from arena.viewers.match import caption_lines
from arena.viewers.snapshot import Candidate, Ply, Snapshot
from arena.viewers.sources import GameRecord, replayed
from arena.viewers.ui import UI
from envs.registry import game

TOE = game("tic_tac_toe")


def test_exactly_this() -> None:
    snapshot = replayed(GameRecord(TOE, (0, 3, 1, 4, 2), ("ada", "bob"), ratings=("1200 ± 30", ""), seed=7))
    last = Ply(
        2, 0, 1.0,
        (Candidate(5, 20, 0.25, -0.5, (5, 2)), Candidate(2, 60, 0.5, 1.0, (2,), proven=True), Candidate(8)),
        proven=True,
    )  # fmt: skip
    words = described(replace(snapshot, plies=(*snapshot.plies[:4], last)))
    assert words.startswith(
        "game: tic_tac_toe, rules version 1\nseed: 7\nplayer 1: ada  1200 ± 30\nplayer 2: bob\n\n"
        "start\n  ada is to make move 1.\n\n"
        f"1. {TOE.names[0]} by ada (player 1)\n"
    )
    a, b = TOE.names[2], TOE.names[5]
    assert words.endswith(
        f"4. {TOE.names[4]} by bob (player 2)   ada (player 1) 100 %\n"
        f"  The analyst gives {a} 75 % of 80 visits: a proven win.\n"
        "    move  visits  value  prior  expects\n"
        f"    {a}        60      W   50 %\n"
        f"    {b}        20  −0.50   25 %  {a}\n"
        f"    {TOE.names[8]}         0\n\n"
        f"5. {a} by ada (player 1)   ada (player 1) 100 %\n"
        "  ada wins after 5 moves.\n"
    )


def test_every_position_has_its_captions(snapshot: Snapshot) -> None:
    words = described(snapshot)
    for k in range(snapshot.length + 1):
        for line in caption_lines(snapshot, UI(ply=k), True):
            assert f"  {line}\n" in words


def test_one_position(snapshot: Snapshot) -> None:
    words = described(snapshot, 3)
    assert words.count("\n3. ") == 1 and "\n4. " not in words and "start\n" not in words
    with pytest.raises(ValueError, match="positions 0 to"):
        described(snapshot, 99)
