"""Options of games: what is refused and in which words, and the spec that is left."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from envs.options import choice, flag, number, spec, whole


def test_what_is_within_its_bounds_passes() -> None:
    whole("go", "size", 5, 5, 19)
    whole("go", "size", 19, 5, 19)
    number("pong", "skill", 0, 0, 1)
    number("pong", "skill", 1.0, 0, 1)
    flag("go", "suicide", False)
    choice("go", "ko", "simple", ("positional", "simple"))


@pytest.mark.parametrize(
    ("check", "says"),
    [
        (lambda: whole("go", "size", 4, 5, 19, 13),
         "The option size of go is a whole number from 5 to 19, not 4; write for example go:size=13."),
        (lambda: whole("go", "size", 20, 5, 19), "from 5 to 19, not 20; write for example go:size=6."),
        (lambda: whole("go", "limit", 1, 0, 0), "from 0 to 0, not 1; write for example go:limit=0."),
        (lambda: whole("go", "size", 9.0, 5, 19), "not 9.0;"),
        (lambda: whole("go", "size", True, 0, 19), "not True;"),
        (lambda: number("pong", "skill", 1.5, 0, 1),
         "The option skill of pong is a number from 0 to 1, not 1.5; write for example pong:skill=0.25."),
        (lambda: number("pong", "skill", float("nan"), 0, 1), "not nan;"),
        (lambda: number("pong", "skill", "high", 0, 1, 0.8), "not high; write for example pong:skill=0.8."),
        (lambda: number("pong", "skill", True, 0, 1), "not True;"),
        (lambda: flag("go", "suicide", 1),
         "The option suicide of go is true or false, not 1; write for example go:suicide=true."),
        (lambda: choice("othello", "size", 5, (4, 6, 8)),
         "The option size of othello is 4, 6 or 8, not 5; write for example othello:size=8."),
        (lambda: choice("othello", "size", 6.0, (4, 6, 8)), "not 6.0;"),
    ],
)  # fmt: skip
def test_what_is_not_is_refused_in_one_form_of_sentence(check: Callable[[], None], says: str) -> None:
    with pytest.raises(ValueError) as refused:
        check()
    assert says in str(refused.value)


def test_a_spec_leaves_out_what_is_as_always() -> None:
    assert spec("go", size=(9, 9), komi=(7.5, 7.5)) == "go"
    assert spec("go", size=(13, 9), suicide=(True, False), ko=("simple", "positional")) == (
        "go:size=13,suicide=true,ko=simple"
    )
    assert spec("matrix", game=("chicken", "rps")) == "matrix:game=chicken"
