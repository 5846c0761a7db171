"""Arrays looked at in other ways, where compiled code would spend more on the looking than on the work.

`reshape` costs compiled code 27 ns, as much as a whole ply of a small game; an array's entries one by one, as bits,
0.5 ns each. The functions below are plain Python where nothing is compiled.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic, overload
from numba.np.arrayobj import make_array, populate_array
from numpy.typing import NDArray

from envs.game import Bits

WORD = 64


def as_planes(out: NDArray[np.float32], count: int, cells: int) -> NDArray[np.float32]:
    """The same numbers as [count, cells]; `out` has so many, without gaps."""
    return out.reshape(count, cells)


def word(mask: NDArray[np.bool_], start: int) -> Bits:
    """The 64 entries from `start` on as bits, the first the lowest; the mask is without gaps and has them all."""
    return np.uint64(int.from_bytes(np.packbits(mask[start : start + WORD], bitorder="little").tobytes(), "little"))


def _lay_out(context: Any, out: Any, count: Any, cells: Any) -> Any:
    seen = types.Array(out.dtype, 2, "C")

    def generate(target: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        whole = make_array(signature.args[0])(target, builder, arguments[0])
        shape = [target.cast(builder, value, types.intp, types.intp) for value in arguments[1:]]
        strides = [builder.mul(shape[1], whole.itemsize), whole.itemsize]
        view = make_array(seen)(target, builder)
        populate_array(
            view, data=whole.data, shape=shape, strides=strides, itemsize=whole.itemsize,
            meminfo=whole.meminfo, parent=whole.parent,
        )  # fmt: skip
        made = view._getvalue()
        target.nrt.incref(builder, seen, made)
        return made

    return seen(out, types.intp, types.intp), generate


def _pack(context: Any, mask: Any, start: Any) -> Any:
    def generate(target: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        byte, bits = ir.IntType(8), ir.VectorType(ir.IntType(8), WORD)
        data = make_array(signature.args[0])(target, builder, arguments[0]).data
        first = builder.gep(builder.bitcast(data, byte.as_pointer()), [arguments[1]])
        entries = builder.load(builder.bitcast(first, bits.as_pointer()), align=1)
        true = builder.icmp_unsigned("!=", entries, ir.Constant(bits, [0] * WORD))
        return builder.bitcast(true, ir.IntType(WORD))

    return types.uint64(mask, types.intp), generate


_planes: Any = intrinsic(_lay_out)
_word: Any = intrinsic(_pack)


def _gapless(array: Any) -> bool:
    return isinstance(array, types.Array) and array.layout == "C"


@overload(as_planes, strict=False)
def _compiled_planes(out: Any, count: Any, cells: Any) -> Any:
    if _gapless(out):
        return lambda out, count, cells: _planes(out, count, cells)
    return lambda out, count, cells: out.reshape((count, cells))


@overload(word, strict=False)
def _compiled_word(mask: Any, start: Any) -> Any:
    return (lambda mask, start: _word(mask, start)) if _gapless(mask) else None
