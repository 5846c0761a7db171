"""Every colour and size of the viewer, and the functions that prove they can be read.

Dark ground, because on it all accents pass 5.8:1 while on paper white most do not. Sky is player 1 and positive,
orange is player 2 and negative, everywhere; amounts are cividis, brighter = more. Never red against green.
"""

from __future__ import annotations

from functools import cache

Colour = str
"""A token of `TOKENS`, or `#RRGGBB`."""

TOKENS: dict[str, str] = {
    "ground": "#14181D",
    "panel": "#1D232A",
    "raised": "#2A323B",
    "text": "#F2F4F6",
    "muted": "#A9B4BF",
    "line": "#8794A1",
    "sky": "#56B4E9",
    "orange": "#E69F00",
    "yellow": "#F0E442",
    "purple": "#CC79A7",
    "teal": "#2BC49A",
    "sand": "#D8C3A5",
    "lilac": "#B3A6F7",
    "rose": "#FF9D9D",
    "lime": "#B5D96B",
    "ink": "#101214",
    "shadow": "#000000",
    "frame": "#35506E",
    "felt": "#2E7D5B",
    "white stone": "#F5F3EE",
    "black stone": "#101214",
}

SEATS: tuple[Colour, ...] = ("sky", "orange", "teal", "purple", "sand", "lilac", "rose", "lime")
"""The colour of each seat, in order of moving."""

SMALL, BODY, LABEL, CAPTION, H1, HERO = 2.0, 2.4, 2.8, 3.4, 4.6, 7.0
"""Text sizes in u; u = window height / 100. Nothing is ever smaller than SMALL."""

CORNER, STROKE = 0.8, 0.35
"""The radius of a panel's corners and the width of a curve, in u."""

# Pairs that carry words (need 4.5:1) and pairs that carry shapes (need 3:1); a test computes both lists.
WORDS: tuple[tuple[Colour, Colour], ...] = (
    *((ink, ground) for ground in ("ground", "panel", "raised") for ink in ("text", "muted")),
    *((ink, ground) for ground in ("ground", "panel") for ink in ("sky", "orange", "yellow", "purple", "teal")),
    *(("ink", accent) for accent in ("sky", "orange", "yellow", "purple", "teal", "white stone")),
)
GRAPHICS: tuple[tuple[Colour, Colour], ...] = (
    *((ink, ground) for ground in ("ground", "panel", "raised") for ink in ("line", *SEATS, "yellow")),
    ("sky", "frame"),
    ("orange", "frame"),
    ("black stone", "felt"),
    ("white stone", "felt"),
)

# Seventeen even steps of the cividis table (Nuñez, Anderton & Renslow 2018).
_CIVIDIS = (
    "#00224E", "#002E6A", "#1A386F", "#32436D", "#434E6C", "#535A6D", "#61656F", "#6F7073", "#7D7C78",
    "#8B8778", "#9A9376", "#AAA073", "#BBAD6D", "#CCBA64", "#DDC858", "#EFD748", "#FEE838",
)  # fmt: skip


def rgb(colour: Colour) -> tuple[int, int, int]:
    """The red, green and blue of a colour, 0 to 255."""
    code = TOKENS.get(colour, colour)
    if len(code) != 7 or code[0] != "#":
        raise ValueError(f"'{colour}' is neither a colour of the theme nor '#RRGGBB'.")
    return int(code[1:3], 16), int(code[3:5], 16), int(code[5:7], 16)


def code(red: float, green: float, blue: float) -> Colour:
    """`#RRGGBB` of three channels, 0 to 255."""
    return "#" + "".join(f"{min(255, max(0, round(c))):02X}" for c in (red, green, blue))


@cache
def mix(a: Colour, b: Colour, share: float) -> Colour:
    """`share` of b in a, channel by channel: 0 gives a, 1 gives b."""
    return code(*(x + (y - x) * share for x, y in zip(rgb(a), rgb(b), strict=True)))


def diverging(value: float) -> Colour:
    """The colour of a value in [-1, 1]: orange, slate at zero, sky."""
    value = min(1.0, max(-1.0, value))
    return mix("raised", "sky" if value >= 0 else "orange", round(abs(value), 3))


@cache
def cividis(share: float) -> Colour:
    """The colour of an amount in [0, 1]; brighter is more."""
    at = min(1.0, max(0.0, share)) * (len(_CIVIDIS) - 1)
    low = min(int(at), len(_CIVIDIS) - 2)
    return mix(_CIVIDIS[low], _CIVIDIS[low + 1], at - low)


def luminance(colour: Colour) -> float:
    """Relative luminance, 0 to 1 (WCAG 2.2)."""
    linear = [c / 255 / 12.92 if c <= 0.04045 * 255 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in rgb(colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: Colour, b: Colour, flare: float = 0.05) -> float:
    """The contrast ratio of two colours, 1 to 21 (WCAG 2.2); a lit hall has a flare of about 0.10."""
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + flare) / (low + flare)


@cache
def ink_on(ground: Colour) -> Colour:
    """The one of `text` and `ink` that reads better on `ground`."""
    return max(("text", "ink"), key=lambda ink: contrast(ink, ground))
