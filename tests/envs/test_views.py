"""Other ways to look at arrays: compiled as in Python, with gaps as without."""

from __future__ import annotations

import numba
import numpy as np
import pytest
from numba.core.errors import TypingError

from envs.views import WORD, as_planes, word


@numba.njit
def counted(out: np.ndarray, lines: int, cells: int) -> None:
    planes = as_planes(out, lines, cells)
    for line in range(lines):
        for cell in range(cells):
            planes[line, cell] = 10 * line + cell


@numba.njit
def packed(mask: np.ndarray, start: int) -> int:
    return word(mask, start)


def test_planes_are_the_same_numbers_line_by_line() -> None:
    out = np.zeros((2, 3, 2, 2), np.float32)
    counted(out[1], 3, 4)
    assert out[1].tolist() == [[[0, 1], [2, 3]], [[10, 11], [12, 13]], [[20, 21], [22, 23]]]
    assert not out[0].any()
    assert as_planes(out[1], 3, 4)[2].tolist() == [20, 21, 22, 23]


def test_a_word_is_64_entries_the_first_the_lowest_bit() -> None:
    mask = np.zeros(WORD + 7, np.bool_)
    mask[[3, 4, 66, 70]] = True
    for start, bits in ((0, 2**3 + 2**4), (4, 1 + 2**62), (7, 2**59 + 2**63)):
        assert packed(mask, start) == bits
        assert word(mask, start) == bits


def test_what_has_gaps_is_no_word() -> None:
    with pytest.raises(TypingError):
        packed(np.zeros(4 * WORD, np.bool_)[::2], 0)
