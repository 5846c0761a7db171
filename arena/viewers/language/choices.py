"""What is chosen in the group view: one frozen record, changed by `update` alone, and the keys as data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from arena.viewers.keys import Binding
from arena.viewers.language.group import Group, GroupSnapshot
from arena.viewers.ui import TEXT_SIZES, Event, Key, Move, Press, Tick

SIDES = ("both", "before", "after")
TOKEN_SECONDS = 0.35
"""How long a token is shown before the next is written."""
STAGE_SECONDS = 2.0
"""How long the scores stand before the second model is asked."""

GROUPS = (("time", "time"), ("answers", "answers"), ("view", "view"))
"""(group of keys, its title)."""

KEYS: tuple[Binding, ...] = (
    Binding((".", "right"), "forward", "one token on", "time"),
    Binding((",", "left"), "back", "one token back", "time"),
    Binding(("space",), "pause", "write on by itself, or stop", "time"),
    Binding(("home",), "first", "the prompt alone", "time"),
    Binding(("end",), "last", "everything", "time"),
    Binding(("n",), "next", "the next prompt", "time"),
    Binding(("shift+n", "N"), "previous", "the prompt before", "time"),
    Binding(("up",), "row up", "the answer above", "answers"),
    Binding(("down",), "row down", "the answer below", "answers"),
    Binding(("]", "j"), "cursor on", "the answer's next token", "answers"),
    Binding(("[", "k"), "cursor back", "the answer's token before", "answers"),
    Binding(("b",), "side", "both models' answers, or one's", "answers"),
    Binding(("t",), "tint", "tints on or off", "answers"),
    Binding(("a",), "attention", "attention, or likely tokens", "answers"),
    Binding(("h",), "head", "the next head", "answers"),
    Binding(("shift+h", "H"), "layer", "the next layer", "answers"),
    Binding(("+", "="), "larger", "larger text", "view"),
    Binding(("-",), "smaller", "smaller text", "view"),
    Binding(("f11",), "fullscreen", "full screen", "view"),
    Binding(("s",), "save png", "save a picture", "view"),
    Binding(("shift+s", "S"), "save gif", "save a film", "view"),
    Binding(("?", "f1"), "help", "this page", "view"),
    Binding(("escape",), "escape", "back", "view"),
    Binding(("ctrl+q",), "quit", "close the window", "view"),
)


@dataclass(frozen=True, slots=True)
class Choices:
    """Everything that is chosen rather than given.

    stage   how many tokens of each answer are written; beyond the longest come the scores, then the second model
    row     which answer is looked at, counted from the top; cursor: which of its tokens, or None for the tellingest
    side    whose answers: both models' beside one another, or one's
    """

    stage: int = 0
    playing: bool = False
    clock: float = 0.0
    row: int = 0
    cursor: int | None = None
    side: str = "both"
    group: int = 0
    """Of the two groups beside one another, the one whose row is chosen."""
    tint: bool = True
    attention: bool = False
    layer: int = 0
    head: int = 0
    text: int = 1
    help: bool = False
    message: str = ""
    message_left: float = 0.0
    asks: tuple[str, ...] = ()
    """What the window is to do, emptied when it is done."""


def begun(snapshot: GroupSnapshot) -> Choices:
    """What is chosen at first: everything is shown."""
    layer, head = snapshot.head or (1, 1)
    return Choices(snapshot.stages, attention=snapshot.head is not None, layer=layer - 1, head=head - 1)


def shown_groups(snapshot: GroupSnapshot, chosen: Choices) -> tuple[Group, ...]:
    """The groups on the screen."""
    if len(snapshot.groups) == 1 or chosen.side == "both":
        return snapshot.groups
    return (snapshot.groups[chosen.side == "after"],)


def group_looked_at(snapshot: GroupSnapshot, chosen: Choices) -> Group:
    """The group whose row is chosen."""
    groups = shown_groups(snapshot, chosen)
    return groups[min(chosen.group, len(groups) - 1)]


def scored(snapshot: GroupSnapshot, chosen: Choices) -> bool:
    """Whether all answers are written and paid."""
    return chosen.stage > snapshot.longest


def compared(snapshot: GroupSnapshot, chosen: Choices) -> bool:
    """Whether the second model has been asked."""
    return len(snapshot.models) > 1 and chosen.stage >= snapshot.stages


def order(snapshot: GroupSnapshot, chosen: Choices, group: Group) -> tuple[int, ...]:
    """The answers from the top: as they were drawn, and by what they are paid once that is known."""
    return group.order if scored(snapshot, chosen) else tuple(range(len(group.answers)))


def cursor(snapshot: GroupSnapshot, chosen: Choices) -> tuple[int, int] | None:
    """(answer, token) that is looked at: what was chosen, else the last one written or, at the end, the tellingest."""
    group = group_looked_at(snapshot, chosen)
    rows = order(snapshot, chosen, group)
    which = rows[min(chosen.row, len(rows) - 1)]
    answer = group.answers[which]
    written = min(chosen.stage, len(answer.tokens))
    if written == 0:
        return None
    if chosen.cursor is not None:
        return which, min(chosen.cursor, written - 1)
    if not scored(snapshot, chosen):
        return which, written - 1
    telling = [abs(x) for x in (answer.changes() if compared(snapshot, chosen) else answer.log_p[group.writer])]
    return which, max(range(len(telling)), key=lambda t: telling[t])


def update(chosen: Choices, event: Event, snapshot: GroupSnapshot) -> Choices:
    """The record after an event. Pure: the same events give the same record."""
    match event:
        case Tick():
            return _tick(chosen, event.seconds, snapshot)
        case Key():
            binding = next((b for b in KEYS if event.name in b.keys), None)
            return chosen if binding is None else DOES[binding.does](chosen, snapshot)
        case Press():
            return _press(chosen, event.hit or "", snapshot)
        case Move():  # what is pointed at is looked at
            return _press(chosen, event.hit or "", snapshot) if (event.hit or "").startswith("token:") else chosen
    return chosen


def _tick(chosen: Choices, seconds: float, snapshot: GroupSnapshot) -> Choices:
    if chosen.message:
        left = chosen.message_left - seconds
        chosen = replace(chosen, message=chosen.message if left > 0 else "", message_left=max(0.0, left))
    if not chosen.playing:
        return chosen
    clock = chosen.clock + seconds
    if clock < lasts(snapshot, chosen.stage):
        return replace(chosen, clock=clock)
    stage = min(chosen.stage + 1, snapshot.stages)
    return replace(chosen, stage=stage, clock=0.0, playing=stage < snapshot.stages)


def lasts(snapshot: GroupSnapshot, stage: int) -> float:
    """Seconds that a stage is shown while the text is written."""
    return TOKEN_SECONDS if stage < snapshot.longest else STAGE_SECONDS


def _press(chosen: Choices, hit: str, snapshot: GroupSnapshot) -> Choices:
    if chosen.help:
        return replace(chosen, help=False)
    kind, *numbers = hit.split(":")
    if kind == "row":
        return replace(chosen, group=int(numbers[0]), row=int(numbers[1]), cursor=None)
    if kind == "token":
        return replace(chosen, group=int(numbers[0]), row=int(numbers[1]), cursor=int(numbers[2]))
    return chosen


def _stage(chosen: Choices, snapshot: GroupSnapshot, stage: int) -> Choices:
    return replace(chosen, stage=min(max(0, stage), snapshot.stages), playing=False, clock=0.0, cursor=None)


def _pause(chosen: Choices, snapshot: GroupSnapshot) -> Choices:
    if chosen.stage >= snapshot.stages:
        return replace(chosen, stage=0, playing=True, clock=0.0, cursor=None)
    return replace(chosen, playing=not chosen.playing, clock=0.0)


def _row(chosen: Choices, snapshot: GroupSnapshot, step: int) -> Choices:
    rows = len(group_looked_at(snapshot, chosen).answers)
    groups = len(shown_groups(snapshot, chosen))
    group, row = chosen.group, chosen.row + step
    if not 0 <= row < rows and groups > 1:  # on to the other group
        group = 1 - group
    return replace(chosen, group=group, row=row % rows, cursor=None)


def _cursor(chosen: Choices, snapshot: GroupSnapshot, step: int) -> Choices:
    at = cursor(snapshot, chosen)
    if at is None:
        return chosen
    written = min(chosen.stage, len(group_looked_at(snapshot, chosen).answers[at[0]].tokens))
    return replace(chosen, cursor=min(max(0, at[1] + step), written - 1))


def _side(chosen: Choices, snapshot: GroupSnapshot) -> Choices:
    if len(snapshot.groups) == 1:
        return say(chosen, "There is one model's answers; name a second agent to compare.")
    return replace(chosen, side=SIDES[(SIDES.index(chosen.side) + 1) % 3], group=0, row=0, cursor=None)


def _head(chosen: Choices, snapshot: GroupSnapshot) -> Choices:
    return replace(chosen, attention=True, head=(chosen.head + 1) % max(1, snapshot.heads[1]))


def _layer(chosen: Choices, snapshot: GroupSnapshot) -> Choices:
    return replace(chosen, attention=True, layer=(chosen.layer + 1) % max(1, snapshot.heads[0]))


def _escape(chosen: Choices, snapshot: GroupSnapshot) -> Choices:
    if chosen.help or chosen.cursor is not None:
        return replace(chosen, help=False, cursor=None)
    return _ask("window")(chosen, snapshot)


def _ask(what: str) -> Callable[[Choices, GroupSnapshot], Choices]:
    return lambda chosen, _: replace(chosen, asks=(*chosen.asks, what))


def say(chosen: Choices, message: str) -> Choices:
    """Shows a sentence for a few seconds."""
    return replace(chosen, message=message, message_left=4.0)


DOES: dict[str, Callable[[Choices, GroupSnapshot], Choices]] = {
    "forward": lambda c, s: _stage(c, s, c.stage + 1),
    "back": lambda c, s: _stage(c, s, c.stage - 1),
    "pause": _pause,
    "first": lambda c, s: _stage(c, s, 0),
    "last": lambda c, s: _stage(c, s, s.stages),
    "row up": lambda c, s: _row(c, s, -1),
    "row down": lambda c, s: _row(c, s, 1),
    "cursor on": lambda c, s: _cursor(c, s, 1),
    "cursor back": lambda c, s: _cursor(c, s, -1),
    "side": _side,
    "tint": lambda c, _: replace(c, tint=not c.tint),
    "attention": lambda c, _: replace(c, attention=not c.attention),
    "head": _head,
    "layer": _layer,
    "larger": lambda c, _: replace(c, text=min(c.text + 1, len(TEXT_SIZES) - 1)),
    "smaller": lambda c, _: replace(c, text=max(c.text - 1, 0)),
    "help": lambda c, _: replace(c, help=not c.help),
    "escape": _escape,
    **{what: _ask(what) for what in ("next", "previous", "fullscreen", "save png", "save gif", "quit")},
}
"""What a key can do, by the names that `KEYS` uses."""
