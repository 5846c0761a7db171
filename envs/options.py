"""The options of games: what they may be, said in one form of sentence, and the spec that makes a game again."""

from __future__ import annotations

from typing import Any


def whole(game: str, option: str, value: object, low: int, high: int, example: object = None) -> None:
    """Raises ValueError where an option is no whole number from low to high."""
    if isinstance(value, bool) or not (isinstance(value, int) and low <= value <= high):
        example = min(high, low + 1) if example is None else example
        raise _wrong(game, option, f"a whole number from {low} to {high}", value, example)


def number(game: str, option: str, value: object, low: float, high: float, example: object = None) -> None:
    """Raises ValueError where an option is no number from low to high."""
    if isinstance(value, bool) or not (isinstance(value, int | float) and low <= value <= high):
        example = f"{low + (high - low) / 4:g}" if example is None else example
        raise _wrong(game, option, f"a number from {low:g} to {high:g}", value, example)


def flag(game: str, option: str, value: object) -> None:
    """Raises ValueError where an option that is true or false is something else."""
    if not isinstance(value, bool):
        raise _wrong(game, option, "true or false", value, "true")


def choice(game: str, option: str, value: object, choices: tuple[object, ...]) -> None:
    """Raises ValueError where an option is none of these choices, the last of which is the example."""
    if not any(type(value) is type(each) and value == each for each in choices):
        *others, last = map(str, choices)
        raise _wrong(game, option, f"{', '.join(others)} or {last}", value, last)


def spec(game: str, /, **options: tuple[Any, Any]) -> str:
    """ "game:key=value,..." of those options whose (value, default) differ."""
    chosen = [
        f"{key}={str(value).lower() if isinstance(value, bool) else value}"
        for key, (value, default) in options.items()
        if value != default
    ]
    return f"{game}:{','.join(chosen)}" if chosen else game


def _wrong(game: str, option: str, may_be: str, value: object, example: object) -> ValueError:
    return ValueError(
        f"The option {option} of {game} is {may_be}, not {value}; write for example {game}:{option}={example}."
    )
