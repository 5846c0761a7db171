"""The leaderboard as one HTML file that needs nothing else: no script, no server, no network."""

from __future__ import annotations

from html import escape

from arena.leaderboard import Leaderboard, Line, weight
from arena.text import percent, printable

STYLE = """
:root { color-scheme: dark; --ground:#14181D; --panel:#1D232A; --raised:#2A323B; --text:#F2F4F6; --muted:#A9B4BF;
        --line:#8794A1; --sky:#56B4E9; --orange:#E69F00; --yellow:#F0E442; }
* { box-sizing: border-box }
body { margin: 0; padding: 4vw 3vw; background: var(--ground); color: var(--text);
       font: 16px/1.45 "Noto Sans", system-ui, sans-serif; font-variant-numeric: tabular-nums }
main { max-width: 76rem; margin: auto }
h1 { font-size: 2rem; margin: 0 0 .3rem; letter-spacing: -.01em }
p { color: var(--muted); margin: .2rem 0 1.4rem; max-width: 60rem }
.scroll { overflow-x: auto }
table { border-collapse: collapse; width: 100%; background: var(--panel); border-radius: .5rem }
th, td { padding: .5rem .7rem; text-align: right; white-space: nowrap }
th { color: var(--muted); font-weight: 500; border-bottom: 1px solid var(--raised); font-size: .85rem }
tr + tr td { border-top: 1px solid var(--raised) }
td.name, th.name { text-align: left; max-width: 24rem; overflow: hidden; text-overflow: ellipsis }
td.elo { font-weight: 700 }
td.rank, .small { color: var(--muted) }
td.bar { padding: 0 .7rem; width: 34% } td.bar svg { display: block; width: 100%; min-width: 12rem; height: 2rem }
.dot { display: inline-block; width: .7em; height: .7em; border-radius: 50%; margin-right: .55em }
"""

COLOURS = {"anchor": "#A9B4BF", "snapshot": "#56B4E9", "agent": "#E69F00", "person": "#F0E442"}


def framed(title: str, main: str, style: str = "", refresh: int = 0) -> str:
    """A whole page around `main`, which may load nothing; `style` adds to `STYLE`, and `refresh` are seconds until it
    is read again, or 0."""
    again = f'<meta http-equiv="refresh" content="{refresh}">\n' if refresh else ""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
{again}<title>{escape(printable(title))}</title>
<style>{STYLE}{style}</style>
</head>
<body>
<main>
{main}
</main>
</body>
</html>
"""


def as_page(board: Leaderboard) -> str:
    """A page of the whole leaderboard, its intervals drawn; names are text whatever they hold."""
    left_out = f" ({board.left_out})" if board.left_out else ""
    zero = f"<b>{escape(board.zero)}</b> stands at 0" if board.zero else "the mean of all stands at 0"
    circles = f" {escape(board.in_circles)}." if board.in_circles else ""
    first = f"Moving first is worth {board.first_move:+.0f} ± {board.first_move_error:.0f} Elo."
    lost = f" {escape(board.forfeited)}." if board.forfeited else ""
    hangs = f" {escape(board.hangs_on[:1].upper() + board.hangs_on[1:])}." if board.hangs_on else ""
    unasked = f" {escape(board.unasked[:1].upper() + board.unasked[1:])}." if board.unasked else ""
    exact = " “Exploit” is what a best response to it gains a seat, over the game’s whole tree." if board.exact else ""
    gain = "<th>exploit</th>" if board.exact else ""
    heads = gain + "".join(f"<th>v {escape(printable(anchor))}</th>" for anchor in board.anchors)
    low, high = _range(board)
    rows = "\n".join(_row(line, board, low, high) for line in board.lines)
    main = f"""<h1>{escape(board.game)}</h1>
<p>{board.games:,} rated games{left_out}; {zero}. Bars are 95 % intervals: where two overlap much, the order is not
settled. “Better” is the probability that a member is truly stronger than the next one down; “Nash” its weight in the
mixture of members that no member beats, “α-rank” the share of time that evolution among them spends at it.{exact}
{first}{hangs}{circles}{unasked}{lost}</p>
<div class="scroll">
<table>
<thead>
<tr><th>#</th><th class="name">name</th><th>Elo</th><th>95 %</th><th></th><th>games</th><th>better</th><th>Nash</th>
<th>α-rank</th>{heads}</tr>
</thead>
<tbody>
{rows}
</tbody>
</table>
</div>"""
    return framed(f"{board.game} leaderboard", main)


def _range(board: Leaderboard) -> tuple[float, float]:
    """The Elo at both ends of the bars."""
    low = min(line.low for line in board.lines)
    high = max(line.high for line in board.lines)
    margin = 0.02 * max(1.0, high - low)
    return low - margin, high + margin


def _row(line: Line, board: Leaderboard, low: float, high: float) -> str:
    name = escape(printable(line.name))
    colour = COLOURS.get(line.kind, "#F2F4F6")
    scores = "".join(f"<td>{percent(line.anchors[anchor])}</td>" for anchor in board.anchors)
    better = "" if line.better is None else percent(line.better)
    nash, evolved = weight(line.nash), weight(line.alpha_rank)
    gained = "" if line.exploitability is None else f"{line.exploitability:.3f}"
    gain = f"<td>{gained}</td>" if board.exact else ""
    kind = escape(line.kind)
    dot = f'<span class="dot" style="background:{colour}" title="{kind}"></span>'
    return (
        f'<tr><td class="rank">{line.rank}</td><td class="name" title="{name}">'
        f'{dot}{name} <span class="small">{kind}</span></td>'
        f'<td class="elo">{line.elo:.0f}</td><td class="small">{line.low:.0f} … {line.high:.0f}</td>'
        f'<td class="bar">{_bar(line, colour, low, high)}</td><td>{line.games:,}</td><td>{better}</td>'
        f"<td>{nash}</td><td>{evolved}</td>{gain}{scores}</tr>"
    )


def _bar(line: Line, colour: str, low: float, high: float) -> str:
    """A member's interval and rating on the common scale, with a tick at 0."""

    def x(elo: float) -> float:
        return 1000.0 * (elo - low) / (high - low)

    said = escape(f"{line.elo:.0f}, 95 % between {line.low:.0f} and {line.high:.0f}")
    tick = (
        f'<rect x="{x(0):.1f}" y="0" width="2" height="32" fill="#8794A1" fill-opacity=".6"/>' if low < 0 < high else ""
    )
    return (
        f'<svg viewBox="0 0 1000 32" preserveAspectRatio="none" role="img" aria-label="{said}">{tick}'
        f'<rect x="{x(line.low):.1f}" y="11" width="{max(2.0, x(line.high) - x(line.low)):.1f}" height="10" rx="3" '
        f'fill="{colour}" fill-opacity=".38"/>'
        f'<rect x="{x(line.elo) - 3:.1f}" y="5" width="6" height="22" rx="2" fill="{colour}"/></svg>'
    )
