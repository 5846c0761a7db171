"""A game in words: for every position the captions and the table of candidates that the window shows."""

from __future__ import annotations

from arena.viewers.match import caption_lines
from arena.viewers.overlays import value_words
from arena.viewers.snapshot import Ply, Snapshot, action_words, amount, expected, percent, percent_of, ranked
from arena.viewers.table import log_lines
from arena.viewers.ui import UI


def described(snapshot: Snapshot, ply: int | None = None, ui: UI | None = None) -> str:
    """The facts of a game, then every position, or only the one after `ply` moves."""
    ui = ui or UI()
    if ply is not None and not 0 <= ply <= snapshot.length:
        raise ValueError(f"The game has positions 0 to {snapshot.length}, and {ply} was asked for.")
    facts = [line for line in log_lines(snapshot) if not line[0].startswith("move ")]
    lines = [f"{what}: {words}" for what, words in facts]
    for k in range(snapshot.length + 1) if ply is None else [ply]:
        lines += ["", *_position(snapshot, k, UI(ply=k, mover_side=ui.mover_side))]
    return "\n".join(lines) + "\n"


def _position(snapshot: Snapshot, k: int, ui: UI) -> list[str]:
    """What the screen says of one position."""
    game = snapshot.game
    last = snapshot.plies[k - 1] if k else None
    head = f"{k}. {action_words(game, last.action, last.seat)} by {_who(snapshot, k - 1)}" if last else "start"
    seen = snapshot.value(k)
    chance = f"   {snapshot.names[0]} (player 1) {percent(seen[0])}" if seen is not None else ""
    if snapshot.scored and k:
        chance = "   returns " + "  ".join(amount(float(paid)) for paid in snapshot.returns[k])
    lines = [head + chance, *(f"  {words}" for words in caption_lines(snapshot, ui, True))]
    thought = snapshot.thought(k)
    return lines + (_rows(snapshot, thought, ui) if thought is not None else [])


def _who(snapshot: Snapshot, k: int) -> str:
    seat = snapshot.plies[k].seat
    return f"{snapshot.names[seat]} (player {seat + 1})"


def _rows(snapshot: Snapshot, thought: Ply, ui: UI) -> list[str]:
    """The table of candidates, the columns that have something in them."""
    names, total = snapshot.game.told(thought.seat), sum(c.visits for c in thought.candidates)
    table = [("move", "visits", "value", "prior", "expects")]
    for c in ranked(thought.candidates):
        table.append(
            (
                names[c.action],
                f"{c.visits:.0f}" if total else "",
                value_words(c, ui, thought.seat, snapshot.game),
                "" if c.prior is None else percent_of(c.prior, 1.0),
                " ".join(name for _, name in expected(snapshot.game, c)),
            )
        )
    filled = [i for i in range(5) if i == 0 or any(row[i] for row in table[1:])]
    if len(filled) == 1:
        return []
    wide = [max(len(row[i]) for row in table) for i in range(5)]
    rows = ("  ".join(row[i].ljust(wide[i]) if i in (0, 4) else row[i].rjust(wide[i]) for i in filled) for row in table)
    return [f"    {row}".rstrip() for row in rows]
