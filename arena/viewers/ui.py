"""What the person in front of the screen has chosen: one frozen record, changed by `update` alone.

The keys are data (`keys.py`): `update` obeys them and the help page prints them. Nothing here draws, waits or reads a
clock; time comes in as `Tick` events, and what only the outside can do goes out as `asks`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from arena.viewers.dials import STEPS, middle, value_at
from arena.viewers.keys import KEYS
from arena.viewers.layout import Layout
from arena.viewers.snapshot import Snapshot, big, ranked
from arena.viewers.timeline import ply_at

SPEEDS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 1000.0)
PLY_SECONDS = 0.8
"""How long a ply is shown at speed 1."""
MOVE_SECONDS = 0.15
"""How long a piece takes to its place."""
REST_SECONDS = 4.0
"""How long the end of a game is shown before the next one begins."""
TEXT_SIZES = (0.8, 1.0, 1.25, 1.6, 2.0)
TABS = ("tree", "moves", "log")
OVERLAYS = ("next", "quality", "candidates", "prior", "map", "line", "threat")
RESIGN = "Shift+R once more resigns."


class Key(NamedTuple):
    """A key: what was typed (`?`, `n`) or its name (`left`), with `shift+` and `ctrl+` where they matter."""

    name: str


class Press(NamedTuple):
    """The left button went down on `hit` at (x, y) in u."""

    hit: str | None
    x: float
    y: float


class Move(NamedTuple):
    """The pointer is on `hit` at (x, y) in u."""

    hit: str | None
    x: float
    y: float


class Release(NamedTuple):
    """The left button went up."""


class Wheel(NamedTuple):
    """The wheel was turned by so many steps, up positive."""

    steps: int


class Tick(NamedTuple):
    """So much time went by."""

    seconds: float


Event: TypeAlias = Key | Press | Move | Release | Wheel | Tick


@dataclass(frozen=True, slots=True)
class UI:
    """Everything that is chosen rather than given."""

    ply: int = 0
    part: float = 1.0
    """How far the shown ply's piece has come, 0 to 1."""
    playing: bool = True
    speed: int = 2
    clock: float = 0.0
    """Seconds (times speed) that the shown ply has been shown."""
    game: int = 0
    """The number of the game that `ply` counts in."""
    overlays: frozenset[str] = frozenset({"quality", "candidates", "line"})
    candidates: int = 1
    """1: at most three; 2: every one with a visit."""
    zen: bool = False
    tab: str = "tree"
    help: bool = False
    card: bool = True
    """Whether the card at the end of a game played by a person is shown."""
    presentation: bool = False
    lecture: bool = False
    text: int = 1
    captions: bool = True
    motion: bool = True
    flipped: bool = False
    """The board turned round, as the other player sees it."""
    typed: str | None = None
    """The digits of a move's number, while one is typed."""
    mover_side: bool = False
    """Show values from the side of the seat to move instead of player 1's."""
    eyes: int | None = None
    """The seat through whose eyes a game that hides something is shown; None: everything is."""
    bookmark: int | None = None
    hover: str | None = None
    focus: int | None = None
    """The action chosen with the keyboard."""
    dragging: bool = False
    dials: tuple[float, ...] = ()
    """Where the person's dials stand, in games in which a move is numbers; empty: not touched yet."""
    dial: int = 0
    """The one that the keys turn."""
    turning: bool = False
    """Whether the mouse holds it."""
    message: str = ""
    message_left: float = 0.0
    asks: tuple[tuple[str, Any], ...] = ()
    """What the window or the source is to do: (what, number), emptied by whoever does it."""


def bounded(ply: int, snapshot: Snapshot) -> int:
    """The nearest position that the game has."""
    return min(max(0, ply), snapshot.length)


def ask(ui: UI, what: str, number: Any = 0) -> UI:
    """Asks the outside to do something."""
    return replace(ui, asks=(*ui.asks, (what, number)))


def say(ui: UI, message: str) -> UI:
    """Shows a sentence for a few seconds."""
    return replace(ui, message=message, message_left=4.0)


def goto(ui: UI, ply: int, snapshot: Snapshot) -> UI:
    """Shows a position and stops there; the last one goes on following a live game."""
    ply = bounded(ply, snapshot)
    step = ply == ui.ply + 1 and ui.motion
    playing = ply == snapshot.length and snapshot.result is None
    return replace(ui, ply=ply, part=0.0 if step else 1.0, playing=playing, clock=0.0, focus=None)


def choices(ui: UI, snapshot: Snapshot) -> list[int]:
    """The actions the keyboard walks through: the person's legal moves, else the candidates by visits."""
    if to_move(snapshot, ui):
        return [int(a) for a in np.flatnonzero(snapshot.legal[ui.ply])]
    thought = snapshot.thought(ui.ply)
    return [c.action for c in ranked(thought.candidates)] if thought else []


def to_move(snapshot: Snapshot, ui: UI) -> bool:
    """Whether the person may move now: it is their turn and the newest position is shown."""
    return (
        snapshot.person is not None
        and snapshot.result is None
        and ui.ply == snapshot.length
        and snapshot.thinking == snapshot.person
    )


def analysis(snapshot: Snapshot, ui: UI) -> bool:
    """Whether thoughts and values may be shown: `z` hides them; against a person they are hidden until the end."""
    secret = snapshot.person is not None and snapshot.result is None
    return ui.zen if secret else not ui.zen


def eyes(snapshot: Snapshot, ui: UI) -> int | None:
    """The seat of which alone is shown what it knows; a person sees their own side until the game is over."""
    if not snapshot.game.hidden:
        return None
    return snapshot.person if snapshot.person is not None and snapshot.result is None else ui.eyes


def secret(snapshot: Snapshot, ui: UI, ply: int) -> bool:
    """Whether what was done at `ply` is not to be told: another seat did it than the one whose eyes are used."""
    looking = eyes(snapshot, ui)
    return looking is not None and snapshot.plies[ply].seat != looking


def focused(ui: UI) -> int | None:
    """The action that is pointed at, with the mouse or the keyboard."""
    kind, _, number = (ui.hover or "").partition(":")
    return int(number) if kind in ("row", "action") else ui.focus


def update(ui: UI, event: Event, snapshot: Snapshot, layout: Layout) -> UI:
    """The record after an event. Pure: the same events give the same record."""
    match event:
        case Tick():
            return _tick(ui, event.seconds, snapshot)
        case Key():
            return _key(ui, event.name, snapshot)
        case Press():
            return _press(ui, event, snapshot, layout)
        case Move():
            if ui.turning:
                return _turned(ui, value_at(snapshot.game, layout.board, ui.dial, event.x), snapshot)
            if ui.dragging:
                return goto(ui, ply_at(layout, snapshot, event.x), snapshot)
            return replace(ui, hover=event.hit) if event.hit != ui.hover else ui
        case Release():
            done = ui.turning and len(ui.dials) == 1 and to_move(snapshot, ui)
            ui = replace(ui, dragging=False, turning=False)
            return ask(replace(ui, playing=True), "play", ui.dials) if done else ui
        case Wheel():
            return goto(ui, ui.ply - event.steps, snapshot)


def _tick(ui: UI, seconds: float, snapshot: Snapshot) -> UI:
    if snapshot.number != ui.game:
        ui = replace(ui, game=snapshot.number, ply=0, part=1.0, clock=0.0, playing=True, card=True, focus=None)
    if ui.ply > snapshot.length:  # a move was taken back
        ui = replace(ui, ply=snapshot.length, part=1.0, playing=True, clock=0.0)
    if ui.message:
        left = ui.message_left - seconds
        ui = replace(ui, message=ui.message if left > 0 else "", message_left=max(0.0, left))
    if ui.part < 1:
        part = min(1.0, ui.part + seconds / MOVE_SECONDS) if ui.motion else 1.0
        return replace(ui, part=part, clock=ui.clock + seconds * SPEEDS[ui.speed])
    if not ui.playing:
        return ui
    clock = ui.clock + seconds * SPEEDS[ui.speed]
    if ui.ply < snapshot.length:
        wait = PLY_SECONDS * (0.4 if snapshot.person is not None else 1.0)
        if clock < wait and ui.ply > 0:
            return replace(ui, clock=clock)
        part = 0.0 if ui.motion and SPEEDS[ui.speed] <= 8 else 1.0
        return replace(ui, ply=ui.ply + 1, clock=0.0, part=part, focus=None)
    if snapshot.result is not None and snapshot.person is None and clock >= REST_SECONDS * SPEEDS[ui.speed]:
        return ask(replace(ui, clock=0.0), "next")
    return replace(ui, clock=clock)


def _key(ui: UI, name: str, snapshot: Snapshot) -> UI:
    if ui.typed is not None:
        return _typed(ui, ui.typed, name, snapshot)
    for binding in KEYS:
        if name in binding.keys:
            if binding.does == "digit":
                return _digit(ui, int(name), snapshot)
            return DOES[binding.does](ui, snapshot)
    return ui


def _typed(ui: UI, typed: str, name: str, snapshot: Snapshot) -> UI:
    """A key while the number of a move is typed; any other than those of a number ends it."""
    if len(name) == 1 and name in "0123456789":
        return replace(ui, typed=(typed + name)[:4])
    if name == "backspace":
        return replace(ui, typed=typed[:-1])
    done = replace(ui, typed=None)
    return goto(done, int(typed), snapshot) if name == "return" and typed else done


def _press(ui: UI, press: Press, snapshot: Snapshot, layout: Layout) -> UI:
    kind, _, rest = (press.hit or "").partition(":")
    ui = replace(ui, typed=None)
    if ui.help:
        return replace(ui, help=False)
    match kind:
        case "ply":
            return replace(goto(ui, ply_at(layout, snapshot, press.x), snapshot), dragging=True)
        case "move":
            return goto(ui, int(rest), snapshot)
        case "action" if to_move(snapshot, ui) and snapshot.legal[ui.ply][int(rest)]:
            return ask(replace(ui, focus=None, playing=True), "play", int(rest))
        case "dial" if to_move(snapshot, ui):
            ui = replace(ui, dial=int(rest), turning=True)
            return _turned(ui, value_at(snapshot.game, layout.board, ui.dial, press.x), snapshot)
        case "row":
            return replace(ui, focus=None if ui.focus == int(rest) else int(rest))
        case "tab":
            return replace(ui, tab=rest)
        case "key":
            return _key(ui, rest, snapshot)
        case "card":
            return replace(ui, card=False)
    return ui


def dialled(ui: UI, snapshot: Snapshot) -> tuple[float, ...]:
    """Where the person's dials stand."""
    controls = snapshot.game.controls
    return ui.dials if len(ui.dials) == len(controls) else middle(snapshot.game)


def _turned(ui: UI, value: float, snapshot: Snapshot) -> UI:
    """The chosen dial turned to a value, or as far as it goes."""
    values, (low, high) = dialled(ui, snapshot), snapshot.game.controls[ui.dial]
    value = min(max(round(value, 3), low), high)
    return replace(ui, dials=(*values[: ui.dial], value, *values[ui.dial + 1 :]))


def _digit(ui: UI, number: int, snapshot: Snapshot) -> UI:
    if snapshot.game.controls:
        return replace(ui, dial=number - 1) if number <= len(snapshot.game.controls) else ui
    if to_move(snapshot, ui):
        action = number - 1
        fits = snapshot.game.actions <= 9 and action < snapshot.game.actions and snapshot.legal[ui.ply][action]
        return ask(replace(ui, playing=True, focus=None), "play", action) if fits else ui
    actions = choices(ui, snapshot)
    return replace(ui, focus=actions[number - 1]) if number <= len(actions) else ui


def _walk(ui: UI, snapshot: Snapshot, step: int) -> UI:
    if snapshot.game.controls:
        if not to_move(snapshot, ui):
            return ui
        low, high = snapshot.game.controls[ui.dial]
        return _turned(ui, dialled(ui, snapshot)[ui.dial] - step * (high - low) / STEPS, snapshot)
    actions = choices(ui, snapshot)
    if not actions:
        return ui
    if ui.focus not in actions:
        return replace(ui, focus=actions[0 if step > 0 else -1])
    return replace(ui, focus=actions[(actions.index(ui.focus) + step) % len(actions)])


def _pause(ui: UI, snapshot: Snapshot) -> UI:
    if ui.ply == snapshot.length and snapshot.result is not None:
        return replace(ui, ply=0, part=1.0, playing=True, clock=0.0)
    return replace(ui, playing=not ui.playing, clock=0.0)


def _jump(ui: UI, snapshot: Snapshot, back: bool) -> UI:
    after = [k + 1 for k in big(snapshot)]
    there = [k for k in after if (k < ui.ply if back else k > ui.ply)]
    return goto(ui, (there[-1] if back else there[0]), snapshot) if there else say(ui, "No big change there.")


def _toggle(name: str) -> Callable[[UI, Snapshot], UI]:
    return lambda ui, _: replace(ui, overlays=ui.overlays ^ {name}, zen=False)


def _candidates(ui: UI, snapshot: Snapshot) -> UI:
    if "candidates" not in ui.overlays:
        return replace(ui, overlays=ui.overlays | {"candidates"}, candidates=1)
    if ui.candidates == 1:
        return replace(ui, candidates=2)
    return replace(ui, overlays=ui.overlays - {"candidates"}, candidates=1)


def _enter(ui: UI, snapshot: Snapshot) -> UI:
    if snapshot.result is not None:
        return ask(ui, "next")
    if to_move(snapshot, ui) and snapshot.game.controls:
        return ask(replace(ui, playing=True), "play", dialled(ui, snapshot))
    if to_move(snapshot, ui) and ui.focus is not None:
        return ask(replace(ui, focus=None, playing=True), "play", ui.focus)
    return ask(replace(ui, playing=True), "move")


def _pass(ui: UI, snapshot: Snapshot) -> UI:
    names = snapshot.game.names
    legal = to_move(snapshot, ui) and "pass" in names and snapshot.legal[ui.ply][names.index("pass")]
    return ask(ui, "play", names.index("pass")) if legal else say(ui, "A pass is not legal here.")


def _resign(ui: UI, snapshot: Snapshot) -> UI:
    if snapshot.person is None or snapshot.result is not None:
        return say(ui, "There is no game to resign.")
    return ask(replace(ui, message="", playing=True), "resign") if ui.message == RESIGN else say(ui, RESIGN)


def _escape(ui: UI, snapshot: Snapshot) -> UI:
    if ui.help:
        return replace(ui, help=False)
    if ui.focus is not None:
        return replace(ui, focus=None)
    if ui.card and snapshot.person is not None and snapshot.result is not None:
        return replace(ui, card=False)
    if ui.presentation or ui.lecture:
        return replace(ui, presentation=False, lecture=False)
    return ask(ui, "window")


def _eyes(ui: UI, snapshot: Snapshot) -> UI:
    if not snapshot.game.hidden:
        return say(ui, "This game hides nothing.")
    if snapshot.person is not None and snapshot.result is None:
        return say(ui, "The others' side is shown when the game is over.")
    seat = 0 if ui.eyes is None else ui.eyes + 1
    if seat >= snapshot.game.seats:
        return say(replace(ui, eyes=None), "Everything is shown.")
    return say(replace(ui, eyes=seat), f"What {snapshot.names[seat]} (player {seat + 1}) knows is shown.")


def _field(name: str, change: Callable[[UI], object]) -> Callable[[UI, Snapshot], UI]:
    return lambda ui, _: replace(ui, **{name: change(ui)})


DOES: dict[str, Callable[[UI, Snapshot], UI]] = {
    "pause": _pause,
    "back": lambda ui, s: goto(ui, ui.ply - 1, s),
    "forward": lambda ui, s: goto(ui, ui.ply + 1, s),
    "back 10": lambda ui, s: goto(ui, ui.ply - 10, s),
    "forward 10": lambda ui, s: goto(ui, ui.ply + 10, s),
    "first": lambda ui, s: goto(ui, 0, s),
    "last": lambda ui, s: goto(ui, s.length, s),
    "next change": lambda ui, s: _jump(ui, s, back=False),
    "previous change": lambda ui, s: _jump(ui, s, back=True),
    "slower": _field("speed", lambda ui: max(0, ui.speed - 1)),
    "faster": _field("speed", lambda ui: min(len(SPEEDS) - 1, ui.speed + 1)),
    "type": _field("typed", lambda ui: ""),
    "mark": lambda ui, s: say(replace(ui, bookmark=ui.ply), f"Bookmark at move {ui.ply}."),
    "to mark": lambda ui, s: goto(ui, ui.ply if ui.bookmark is None else ui.bookmark, s),
    "candidates": _candidates,
    **{name: _toggle(name) for name in OVERLAYS if name != "candidates"},
    "all": _field("overlays", lambda ui: frozenset() if ui.overlays else frozenset(OVERLAYS)),
    "zen": _field("zen", lambda ui: not ui.zen),
    "focus next": lambda ui, s: _walk(ui, s, 1),
    "focus previous": lambda ui, s: _walk(ui, s, -1),
    "flip": _field("flipped", lambda ui: not ui.flipped),
    "eyes": _eyes,
    "side": _field("mover_side", lambda ui: not ui.mover_side),
    "tab": _field("tab", lambda ui: TABS[(TABS.index(ui.tab) + 1) % len(TABS)]),
    "captions": _field("captions", lambda ui: not ui.captions),
    "larger": _field("text", lambda ui: min(len(TEXT_SIZES) - 1, ui.text + 1)),
    "smaller": _field("text", lambda ui: max(0, ui.text - 1)),
    "presentation": _field("presentation", lambda ui: not ui.presentation),
    "lecture": _field("lecture", lambda ui: not ui.lecture),
    "motion": _field("motion", lambda ui: not ui.motion),
    "help": _field("help", lambda ui: not ui.help),
    "fullscreen": lambda ui, s: ask(ui, "fullscreen"),
    "save png": lambda ui, s: ask(ui, "save png", ui.ply),
    "save gif": lambda ui, s: ask(ui, "save gif"),
    "escape": _escape,
    "quit": lambda ui, s: ask(ui, "quit"),
    "enter": _enter,
    "resign": _resign,
    "undo": lambda ui, s: ask(ui, "undo"),
    "pass": _pass,
}
"""What a key can do, by the names that `KEYS` uses."""
