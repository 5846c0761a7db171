"""Which values a setting may take, written as intervals are in mathematics: "[1, inf)", "(0, 1]"."""

from __future__ import annotations

from typing import Any


def within(settings: Any, **intervals: str) -> None:
    """Raises ValueError, in one sentence, unless each named field lies in its interval; NaN lies in none."""
    for name, interval in intervals.items():
        value = getattr(settings, name)
        low, high = (float(end) for end in interval[1:-1].split(","))
        above = value > low or (interval[0] == "[" and value == low)
        below = value < high or (interval[-1] == "]" and value == high)
        if not (above and below):
            raise ValueError(f"{name} must lie in {interval}, and {value} does not.")
