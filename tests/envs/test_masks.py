"""Counting along a mask, against NumPy."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import pytest
from numba import types

from envs.game import COMPILED
from envs.masks import count_true, nth_of_few, nth_true, word_at


@pytest.mark.parametrize("length", [1, 9, 16, 17, 32, 33, 63, 64, 65, 121, 128, 225])
def test_the_nth_true_is_where_numpy_finds_it(length: int) -> None:
    generator = np.random.default_rng(length)
    for share in (0.0, 0.05, 0.5, 1.0):
        mask = generator.random(length) < share
        found = np.flatnonzero(mask).tolist()
        assert count_true(mask, length) == len(found)
        assert [nth_true(mask, n, length) for n in range(len(found))] == found
        assert nth_true(mask, len(found), length) == -1
        assert nth_true(mask, len(found) + 20, length) == -1


def test_looking_leaves_the_mask_as_it_is() -> None:
    mask = np.array([False, True] * 20)
    assert nth_true(mask, 3, 40) == 7
    assert mask.tolist() == [False, True] * 20


@pytest.mark.parametrize("length", [9, 40, 121])
def test_a_length_known_to_the_compiler_changes_nothing(length: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for counting in (count_true, nth_of_few, nth_true, word_at):
        monkeypatch.setattr(counting, "constants", True)

    @numba.njit(**COMPILED)
    def counted(mask: Any, n: int) -> tuple[int, int]:
        return count_true(mask, length), nth_true(mask, n, length)

    mask = np.random.default_rng(length).random(length) < 0.4
    found = np.flatnonzero(mask).tolist()
    assert [counted(mask, n) for n in range(len(found) + 1)] == [(len(found), place) for place in [*found, -1]]
    assert types.literal(length) in {kinds[1] for kinds in count_true.overloads}
