"""Rules as parts of loops: what they compute, that no machine code is made of them alone, and calls from Python."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
import pytest
from numba import types

from envs.game import COMPILED, rule
from envs.parts import Part, part


@rule
def squared(x: float) -> float:
    return x * x


@rule
def shifted(x: float, by: float = 1.0) -> float:
    return squared(x) + by


@numba.njit
def total(values: np.ndarray, by: float) -> Any:
    found = 0
    for value in values:
        found += shifted(value) + shifted(value, by)
    return found


def entries(function: Any) -> int:
    """Entries for Python in what numba made of a function."""
    return sum(text.count("define i8* @_ZN7cpython") + text.count("define ptr @_ZN7cpython") for text in made(function))


def made(function: Any) -> list[str]:
    return list(function.inspect_llvm().values())


def test_a_loop_calls_its_parts_with_all_kinds_of_numbers() -> None:
    assert total(np.array([1.0, 2.0]), 0.5) == 2 * (1 + 4) + 2 * 1.5
    assert total(np.array([1, 2]), 0.5) == 2 * (1 + 4) + 2 * 1.5
    assert len(squared.overloads) >= 2


def test_no_machine_code_is_made_of_a_part_alone() -> None:
    total(np.array([1.0]), 0.5)
    engine = squared.targetctx.codegen()._engine

    def defined(function: Any) -> list[bool]:
        return [engine.is_symbol_defined(of.fndesc.llvm_func_name) for of in function.overloads.values()]

    alone = numba.njit(**COMPILED)(squared.py_func)
    alone(1.0)
    assert defined(alone) == [True] and entries(alone) == 1
    assert made(squared) and entries(squared) == 0
    fresh = rule(lambda x: x + 2.0)
    fresh.compile((types.float64,))
    assert defined(fresh) == [False]


def test_a_part_called_from_python_is_the_same_function() -> None:
    assert squared(3.0) == 9.0 and squared(np.int64(3)) == 9
    assert shifted(2.0) == 5.0 and shifted(2.0, by=0.25) == 4.25
    with pytest.raises(TypeError):
        shifted()
    assert isinstance(squared, Part) and squared.py_func(3) == 9
    assert squared.whole is squared.whole and entries(squared.whole) == len(squared.whole.overloads)


def test_parts_of_one_name_are_not_mixed_up() -> None:
    def adds(n: int) -> Callable[[int], int]:
        return rule(lambda x: x + n)

    one, two = adds(1), adds(2)
    both = numba.njit(lambda x: 10 * one(x) + two(x))
    assert both(0) == 12 and both(1.0) == 23.0


def test_what_a_part_raises_arrives() -> None:
    third = rule(lambda x: 3 // x)
    assert numba.njit(lambda x: third(x))(2) == 1
    with pytest.raises(ZeroDivisionError):
        numba.njit(lambda x: third(x))(0)


def test_a_part_that_is_sent_elsewhere_works_there() -> None:
    there = pickle.loads(pickle.dumps(part(squared.py_func, nogil=True)))
    assert isinstance(there, Part) and numba.njit(lambda x: there(x))(4.0) == 16.0 and there(4.0) == 16.0


def test_constants_are_numbers_like_others_but_where_they_are_asked_for() -> None:
    plain, known = rule(lambda x, by: x + by), rule(lambda x, by: x + by, constants=True)
    calls = numba.njit(lambda x: plain(x, 1) + plain(x, by=2) + plain(x, x) + plain(x, True))
    assert calls(3) == 4 + 5 + 6 + 4
    assert list(plain.overloads) == [(types.int64, types.int64), (types.int64, types.boolean)]
    assert numba.njit(lambda x: known(x, 1) + known(x, 2))(3) == 4 + 5
    assert [by.literal_value for _, by in known.overloads] == [1, 2]


def test_a_rule_is_copied_into_its_callers_only_where_that_pays() -> None:
    """numba hands `forceinline` down to what is compiled on the way, and from there on."""

    def first_called_by_forced(mark: Any) -> tuple[Any, str]:
        inner = mark(lambda x: x // 3)
        outer = part(lambda x: inner(x) + 1, forceinline=True, **COMPILED)
        assert numba.njit(lambda x: outer(x))(7) == 3
        return outer, made(inner)[0]

    outer, left_free = first_called_by_forced(rule)
    assert "alwaysinline" not in left_free and "alwaysinline" in made(outer)[0]
    assert "alwaysinline" in first_called_by_forced(lambda function: part(function, **COMPILED))[1]


def test_a_rule_that_borrows_its_arrays_does_not_count_who_holds_them() -> None:
    def swapped(one: np.ndarray, other: np.ndarray, times: int) -> float:
        for _ in range(times):
            one, other = other, one
        return one[0]

    def counts(found: Any) -> bool:
        arrays = np.array([3.0]), np.array([4.0])
        assert numba.njit(lambda one, other: found(one, other, 3))(*arrays) == 4.0 and found(*arrays, 2) == 3.0
        return "NRT_incref" in made(found)[0]

    assert [counts(rule(swapped)), counts(rule(swapped, borrows=True))] == [True, False]
