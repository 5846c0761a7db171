"""Every key and everything that can be clicked, as data: `ui.update` obeys it, the help page prints it."""

from __future__ import annotations

from typing import NamedTuple


class Binding(NamedTuple):
    """Keys, what they do (a name of `ui.DOES`), how help describes it, and the group it is listed in."""

    keys: tuple[str, ...]
    does: str
    says: str
    group: str


KEYS: tuple[Binding, ...] = (
    Binding(("space",), "pause", "play or pause", "time"),
    Binding(("left", "k"), "back", "one move back", "time"),
    Binding(("right", "j"), "forward", "one move on", "time"),
    Binding(("shift+left", "pageup"), "back 10", "ten moves back", "time"),
    Binding(("shift+right", "pagedown"), "forward 10", "ten moves on", "time"),
    Binding(("home", "ctrl+left"), "first", "the start", "time"),
    Binding(("end", "ctrl+right"), "last", "the newest move, live", "time"),
    Binding(("n",), "next change", "next big change of value", "time"),
    Binding(("shift+n", "N"), "previous change", "previous big change", "time"),
    Binding(("<", "["), "slower", "slower", "time"),
    Binding((">", "]"), "faster", "faster", "time"),
    Binding(("g",), "type", "go to a move: its number, Enter", "time"),
    Binding(("m",), "mark", "set a bookmark", "time"),
    Binding(("'",), "to mark", "go to the bookmark", "time"),
    Binding(("e",), "candidates", "candidates: off, three, all", "board"),
    Binding(("r",), "prior", "prior of each move", "board"),
    Binding(("t",), "map", "value of each move", "board"),
    Binding(("y",), "line", "expected continuation", "board"),
    Binding(("q",), "next", "the moves that followed", "board"),
    Binding(("w",), "quality", "marks of bad moves", "board"),
    Binding(("x",), "threat", "who would win where at once", "board"),
    Binding(("a",), "all", "all marks on or off", "board"),
    Binding(("z",), "zen", "hide all analysis, or show it", "board"),
    Binding(("up",), "focus previous", "move before in the list; a number up", "board"),
    Binding(("down",), "focus next", "next move in the list; a number down", "board"),
    Binding(("f",), "flip", "turn the board round", "board"),
    Binding(("o",), "eyes", "hidden things: all, or one seat's", "board"),
    Binding(("shift+f", "F"), "side", "values from the mover's side", "board"),
    Binding(("tab",), "tab", "tree, moves, log", "view"),
    Binding(("c",), "captions", "captions", "view"),
    Binding(("+", "="), "larger", "larger text", "view"),
    Binding(("-",), "smaller", "smaller text", "view"),
    Binding(("v",), "presentation", "board and caption only", "view"),
    Binding(("shift+v", "V"), "lecture", "lecture: larger words", "view"),
    Binding(("shift+m", "M"), "motion", "motion on or off", "view"),
    Binding(("f11",), "fullscreen", "full screen", "view"),
    Binding(("s",), "save png", "save a picture", "view"),
    Binding(("shift+s", "S"), "save gif", "save the game as GIF", "view"),
    Binding(("?", "f1"), "help", "this page", "view"),
    Binding(("escape",), "escape", "back", "view"),
    Binding(("ctrl+q",), "quit", "close the window", "view"),
    Binding(("return",), "enter", "make the chosen move; let the agent move; new game", "play"),
    Binding(("u",), "undo", "take back", "play"),
    Binding(("shift+r", "R"), "resign", "resign, pressed twice", "play"),
    Binding(("p",), "pass", "pass, where it is legal", "play"),
    Binding(tuple("123456789"), "digit", "candidate, move or control of that number", "play"),
)
"""Every key there is."""
