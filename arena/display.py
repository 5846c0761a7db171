"""The live terminal display of a league: what is played, how fast, what is learned, and who stands where."""

from __future__ import annotations

import re
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.columns import Columns
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from arena.status import Status
    from leagues.rating import Ratings

SHOWN = 12
"""Members in the table at most; the newest snapshot is always among them."""

MEASURES = {
    "rollout/ep_rew_mean": "reward of a game, the learner's first seat",
    "eval/mean_reward": "reward when tried in earnest",
    "eval/best_mean_reward": "the best of that so far",
    "eval/accuracy": "right answers to unseen prompts",
    "rollout/accuracy": "answers that are right",
    "rollout/format": "answers that are well formed",
    "rollout/level": "level of the prompts",
    "rollout/length": "tokens of an answer",
    "rollout/thought_length": "tokens of a thought",
    "train/answer_probability": "probability of the right answer",
    "train/entropy": "entropy of a token",
    "train/kl": "divergence from the reference",
    "train/clip_fraction": "share of ratios clipped",
    "train/zero_variance": "groups that were all paid the same",
    "train/policy_divergence": "policy loss above its least",
    "train/policy_gradient_loss": "policy loss",
    "train/policy_loss": "policy loss",
    "train/value_loss": "value loss",
    "train/loss": "loss",
    "train/q": "return expected of its moves",
    "train/entropy_loss": "entropy of its policy, negative",
    "train/td_error": "error of its values",
    "train/explained_variance": "variance of returns explained",
    "rollout/exploration_rate": "share of straying moves",
}
"""Metrics for people, of whichever learner has them."""


class Display:
    """Shows each status it is given on standard error.

    Where nothing can be drawn (no terminal, or TERM=dumb), new warnings alone; and if `phases`, a line each time
    something else begins.
    """

    def __init__(self, phases: bool = False) -> None:
        self.console = Console(stderr=True)
        self.live = Live(console=self.console, refresh_per_second=4, transient=True)
        self.quiet = not self.console.is_terminal or self.console.is_dumb_terminal  # rich draws nothing on those
        self.warned: tuple[str, ...] = ()
        self.phases, self.doing, self.drawn = phases, "", False

    def __enter__(self) -> Self:
        if not self.quiet:
            self.live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if not self.quiet:
            self.live.stop()

    def show(self, status: Status) -> None:
        """Replaces what is on the screen."""
        self.put(picture(status, self.console.width))
        self.phase(status.doing)
        kinds = tuple(_kind(warning) for warning in status.warnings)
        for kind, warning in zip(kinds, status.warnings, strict=True):
            if self.quiet and kind not in self.warned:
                self.console.print(warning, style="yellow", markup=False, soft_wrap=True)
        self.warned = kinds

    def phase(self, doing: str) -> None:
        """Says what begins now, once, where no picture shows it."""
        said = f"{doing[:1].upper()}{doing[1:]} ..."
        if self.quiet and self.phases and doing != self.doing:
            self.console.print(said, markup=False, highlight=False, soft_wrap=True)
        elif not self.quiet and not self.drawn:
            self.live.update(Text(said))
        self.doing = doing

    def put(self, drawn: RenderableType) -> None:
        """Replaces what is on the screen by something that is drawn already."""
        self.drawn = True
        if not self.quiet:
            self.live.update(drawn)


def picture(status: Status, width: int) -> RenderableType:
    """A status as a panel for a terminal `width` columns wide."""
    parts: list[RenderableType] = [clock(status, max(10, min(60, width - 6))), Text("")]
    tables: list[RenderableType] = [numbers(status)]
    if status.ratings is not None:
        tables.append(standings(status.ratings, status.newest))
    parts.append(Columns(tables, padding=(0, 4)) if width >= 90 else Group(*tables))
    parts += [Text(f"! {warning}", style="yellow") for warning in status.warnings]
    title = f"[bold]{status.game}[/] · {status.run}"
    return Panel(Group(*parts), title=title, subtitle=f"{status.doing} · Ctrl-C stops; nothing kept is lost")


def _kind(warning: str) -> str:
    """What a warning is about, whatever its numbers are."""
    return re.sub(r"[\d.%]+", "#", warning)


def clock(status: Status, width: int) -> RenderableType:
    """Time gone and time left."""
    if status.left is None:
        return Text(f"{minutes(status.elapsed)} so far; runs until it is stopped")
    bar = ProgressBar(total=max(1.0, status.elapsed + status.left), completed=status.elapsed, width=width)
    return Group(Text(f"{minutes(status.elapsed)} gone, {minutes(status.left)} left"), bar)


def numbers(status: Status) -> Table:
    """What self-play and learning do."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    table.add_column(justify="right")
    rows = [
        ("games of self-play", f"{status.games:,}"),
        ("decisions a second", f"{status.decisions_per_second:,.0f}"),
        ("evaluations a second", f"{status.evaluations_per_second:,.0f}"),
        ("learner's steps", f"{status.steps:,}"),
        *((text, _number(status.metrics.get(name))) for name, text in learned(status)),
        ("rated games", f"{status.rated:,}"),
        ("inference", status.backend or "…"),
    ]
    if status.broken:
        rows.append(("rating games that failed, and do not count", f"{status.broken:,}"))
    if status.restarts:
        rows.append(("workers that died and came back", f"{status.restarts}"))
    for row in rows:
        table.add_row(*row)
    return table


def learned(status: Status) -> list[tuple[str, str]]:
    """What the learner says of itself that is worth a row: names among its metrics, and what to call them."""
    found = [(name, text) for name, text in MEASURES.items() if name in status.metrics]
    return found or [("train/loss", "loss")]  # nothing is learned yet


def standings(ratings: Ratings, newest: str | None) -> Table:
    """The best members and the newest, with 95 % intervals."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    for name, justify in (("", "right"), ("member", "left"), ("Elo", "right"), ("95 %", "left"), ("games", "right")):
        table.add_column(name, justify=justify)  # pyright: ignore[reportArgumentType]
    rows = ratings.rows()
    chosen = set(range(min(SHOWN, len(rows)))) | {i for i, row in enumerate(rows) if row["name"] == newest}
    for i in sorted(chosen):
        row = rows[i]
        interval = f"{float(row['low']):+.0f} … {float(row['high']):+.0f}"
        style = "bold yellow" if row["name"] == newest else ""
        cells = (
            str(i + 1),
            Text(str(row["name"])),
            f"{float(row['elo']):+.0f}",
            interval,
            f"{float(row['games']):.0f}",
        )
        table.add_row(*cells, style=style)
    return table


def minutes(seconds: float) -> str:
    """1:02:03, or 2:03."""
    whole = int(seconds)
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"


def _number(value: float | None) -> str:
    return "…" if value is None else f"{value:.3f}"
