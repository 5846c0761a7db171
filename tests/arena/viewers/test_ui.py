"""Recorded keys and clicks lead to the states they should; no clock, no screen."""

from __future__ import annotations

from dataclasses import replace

import pytest

from arena.viewers.layout import layout
from arena.viewers.match import caption_lines, scene
from arena.viewers.shapes import hit_at
from arena.viewers.snapshot import Snapshot, changes
from arena.viewers.timeline import ply_at, x_of
from arena.viewers.ui import (
    PLY_SECONDS,
    REST_SECONDS,
    SPEEDS,
    UI,
    Key,
    Move,
    Press,
    Release,
    Tick,
    Wheel,
    analysis,
    update,
)  # fmt: skip
from tests.arena.viewers.draw_lists import to_json

WHERE = layout(1280, 720)


def after(snapshot: Snapshot, *events: object, ui: UI | None = None) -> UI:
    ui = ui or UI(playing=False)
    for event in events:
        ui = update(ui, Key(event) if isinstance(event, str) else event, snapshot, WHERE)  # pyright: ignore
    return ui


@pytest.fixture
def mine(connect_four: Snapshot) -> Snapshot:
    """The same game after two moves, a person's turn in seat 0."""
    return replace(
        connect_four, plies=connect_four.plies[:2], rows=connect_four.rows[:3], legal=connect_four.legal[:3],
        person=0, thinking=0, live=True,
    )  # fmt: skip


def test_steps(connect_four: Snapshot) -> None:
    last = connect_four.length
    assert after(connect_four, "right", "right", "left").ply == 1
    assert after(connect_four, "left").ply == 0
    assert after(connect_four, "shift+right").ply == 10
    assert after(connect_four, "end").ply == last
    assert after(connect_four, "end", "right", "shift+left").ply == last - 10
    assert after(connect_four, "end", "home").ply == 0
    assert after(connect_four, "j", "j", "k").ply == 1
    assert after(connect_four, "right", Wheel(-2), Wheel(1)).ply == 2
    assert after(connect_four, "right", "m", "end", "'").ply == 1


def test_an_unknown_key_does_nothing(connect_four: Snapshot) -> None:
    assert after(connect_four, "ß") == UI(playing=False)


def test_time_plays_the_game(connect_four: Snapshot) -> None:
    ui = after(connect_four, Tick(0.01), ui=UI())
    assert (ui.ply, ui.part) == (1, 0.0)  # the first move at once
    ui = after(connect_four, Tick(PLY_SECONDS / 2), ui=ui)
    assert (ui.ply, ui.part) == (1, 1.0)
    ui = after(connect_four, Tick(PLY_SECONDS / 2 + 0.01), ui=ui)
    assert ui.ply == 2
    assert after(connect_four, Tick(9.0)).ply == 0  # paused
    ticks = [Tick(1.0)] * (2 * connect_four.length + 1)
    assert after(connect_four, *ticks, ui=UI()).ply == connect_four.length


def test_speeds(connect_four: Snapshot) -> None:
    assert SPEEDS[after(connect_four, ">").speed] == 2.0
    assert SPEEDS[after(connect_four, *"<" * 9).speed] == SPEEDS[0]
    fast = after(connect_four, *">" * 9, "space")
    for _ in range(connect_four.length):
        fast = after(connect_four, Tick(0.02), ui=fast)
    assert fast.ply == connect_four.length


def test_space_pauses_and_starts_again_at_the_end(connect_four: Snapshot) -> None:
    assert not after(connect_four, "space", ui=UI()).playing
    again = after(connect_four, "end", "space")
    assert (again.ply, again.playing) == (0, True)


def test_the_next_game_is_asked_for_after_a_rest(connect_four: Snapshot) -> None:
    end = UI(ply=connect_four.length)
    assert after(connect_four, Tick(REST_SECONDS - 0.1), ui=end).asks == ()
    assert after(connect_four, Tick(REST_SECONDS + 0.1), ui=end).asks == (("next", 0),)
    new = replace(connect_four, number=1)
    assert after(new, Tick(0.0), ui=end).ply in (0, 1)


def test_big_changes(connect_four: Snapshot) -> None:
    big = [k + 1 for k, change in changes(connect_four).items() if abs(change) >= 0.2]
    assert len(big) >= 2
    assert after(connect_four, "n").ply == big[0]
    assert after(connect_four, "n", "n").ply == big[1]
    assert after(connect_four, "n", "n", "shift+n").ply == big[0]
    assert after(connect_four, "home", "N").message


def test_overlays(connect_four: Snapshot) -> None:
    assert "candidates" in UI().overlays
    assert after(connect_four, "e").candidates == 2
    assert "candidates" not in after(connect_four, "e", "e").overlays
    assert after(connect_four, "e", "e", "e").candidates == 1
    assert "prior" in after(connect_four, "r").overlays
    assert after(connect_four, "a").overlays == frozenset()
    assert after(connect_four, "a", "a").overlays >= {"next", "map", "prior"}


def test_candidates_by_number_and_by_arrow(connect_four: Snapshot) -> None:
    ranked = sorted(connect_four.plies[0].candidates, key=lambda c: -c.visits)
    assert after(connect_four, "1").focus == ranked[0].action
    assert after(connect_four, "3").focus == ranked[2].action
    assert after(connect_four, "down", "down").focus == ranked[1].action
    assert after(connect_four, "down", "escape").focus is None
    assert after(connect_four, "down", "right").focus is None  # another position


def test_dragging_along_the_line(connect_four: Snapshot) -> None:
    timeline = WHERE.timeline
    assert timeline is not None
    for ply in (0, 3, connect_four.length):
        x = x_of(WHERE, connect_four, ply)
        assert ply_at(WHERE, connect_four, x) == ply
        hit = hit_at(scene(connect_four, UI(), WHERE), x, timeline.bottom - 0.5)
        assert after(connect_four, Press(hit, x, timeline.cy)).ply == ply
    down = after(connect_four, Press("ply:", x_of(WHERE, connect_four, 2), timeline.cy))
    moved = after(connect_four, Move(None, x_of(WHERE, connect_four, 7), 0), ui=down)
    assert moved.ply == 7
    assert after(connect_four, Release(), Move(None, 0, 0), ui=moved).ply == 7


def test_scrubbing_shows_what_playing_shows(connect_four: Snapshot) -> None:
    for ply in (0, 1, 5, connect_four.length):
        scrubbed = after(connect_four, Press("ply:", x_of(WHERE, connect_four, ply), 0), Release())
        played = after(connect_four, *["right"] * ply)
        quiet = {"clock": 0.0, "part": 1.0, "playing": False}
        a, b = replace(scrubbed, **quiet), replace(played, **quiet)
        assert to_json(scene(connect_four, a, WHERE)) == to_json(scene(connect_four, b, WHERE))


def test_buttons_do_what_their_keys_do(connect_four: Snapshot) -> None:
    assert after(connect_four, Press("key:space", 0, 0)).playing
    assert after(connect_four, Press("key:?", 0, 0)).help
    assert not after(connect_four, "?", Press(None, 0, 0)).help
    assert after(connect_four, Press("tab:log", 0, 0)).tab == "log"
    assert after(connect_four, "tab").tab == "moves"
    assert after(connect_four, Press("move:4", 0, 0)).ply == 4


def test_views(connect_four: Snapshot) -> None:
    assert after(connect_four, "v").presentation
    assert after(connect_four, "V").lecture
    assert not after(connect_four, "v", "escape").presentation
    assert not after(connect_four, "c").captions
    assert after(connect_four, "+", "+", "-").text == 2
    assert after(connect_four, "escape").asks == (("window", 0),)
    assert after(connect_four, "f11").asks == (("fullscreen", 0),)
    assert after(connect_four, "right", "s").asks == (("save png", 1),)
    assert after(connect_four, "ctrl+q").asks == (("quit", 0),)


def test_a_person_moves_only_in_turn(mine: Snapshot, connect_four: Snapshot) -> None:
    here = UI(ply=2)
    assert after(mine, Press("action:3", 0, 0), ui=here).asks == (("play", 3),)
    assert after(mine, "4", ui=here).asks == (("play", 3),)
    assert after(mine, "down", "return", ui=here).asks == (("play", 0),)
    assert after(mine, "return", ui=here).asks == (("move", 0),)
    assert after(mine, "u", ui=here).asks == (("undo", 0),)
    for refused in (
        after(replace(mine, thinking=1), Press("action:3", 0, 0), ui=here),
        after(mine, Press("action:3", 0, 0), ui=UI(ply=1)),
        after(connect_four, Press("action:3", 0, 0), ui=here),
        after(mine, "p", ui=here),
    ):
        assert refused.asks == ()


def test_an_illegal_move_is_not_asked_for(mine: Snapshot) -> None:
    closed = replace(mine, legal=mine.legal & False)
    assert after(closed, Press("action:3", 0, 0), "4", ui=UI(ply=2)).asks == ()


def test_a_move_taken_back_shows_the_position_before(mine: Snapshot, connect_four: Snapshot) -> None:
    assert after(mine, Tick(0.1), ui=UI(ply=9)).ply == 2


def test_analysis_is_hidden_while_a_person_plays(mine: Snapshot, connect_four: Snapshot) -> None:
    assert not analysis(mine, UI())
    assert analysis(mine, after(mine, "z"))
    assert analysis(connect_four, UI())
    assert not analysis(connect_four, after(connect_four, "z"))


def test_a_move_is_gone_to_by_its_number(connect_four: Snapshot) -> None:
    assert after(connect_four, "g", "1", "2", "return").ply == 12
    assert after(connect_four, "g", "1", "2", "backspace", "return").ply == 1
    assert after(connect_four, "g", *"9999", "return").ply == connect_four.length
    assert after(connect_four, "g", "5", "escape").ply == 0
    assert after(connect_four, "g", "return").ply == 0
    assert after(connect_four, "g", "1", "right").typed is None
    assert after(connect_four, "g", "3").focus is None  # digits are no candidates meanwhile
    assert "Go to move 1" in caption_lines(connect_four, after(connect_four, "g", "1"), True)[0]


def test_the_board_is_turned_round(connect_four: Snapshot) -> None:
    assert after(connect_four, "f").flipped and not after(connect_four, "f", "f").flipped


def test_resigning_takes_two(mine: Snapshot, connect_four: Snapshot) -> None:
    here = UI(ply=2)
    once = after(mine, "R", ui=here)
    assert once.asks == () and "once more" in once.message
    assert after(mine, "R", ui=once).asks == (("resign", 0),)
    late = after(mine, Tick(5.0), "shift+r", ui=once)
    assert late.asks == ()
    assert after(connect_four, "R", "R").asks == ()  # nobody plays here


def test_messages_go(connect_four: Snapshot) -> None:
    ui = after(connect_four, "m")
    assert ui.message
    assert not after(connect_four, Tick(2.0), Tick(2.1), ui=ui).message
