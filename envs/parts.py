"""Functions that are compiled as parts of others: into LLVM's language, and into machine code where they are called.

numba makes machine code, and an entry for Python, of every function that it compiles. Rules are copied into the loops
that call them and need neither: without, the loops of four games are compiled in 6.6 s of CPU instead of 9.7 s.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numba
from numba import types
from numba.core import config
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler
from numba.core.registry import CPUDispatcher


def part(function: Callable[..., Any], constants: bool = False, **options: Any) -> Any:
    """Marks a function that compiled functions call; `options` as of numba.njit.

    With `constants` it is compiled anew for each constant that it is called with, which it then knows.
    """
    if config.DISABLE_JIT:  # pyright: ignore[reportAttributeAccessIssue]
        return function
    made = Part(function, targetoptions={**options, "nopython": True, "boundscheck": None})
    made.constants = constants
    return made


class Part(CPUDispatcher):
    """A function for compiled functions; called from Python it is compiled once more, as a whole."""

    constants = False

    def __init__(self, py_func: Callable[..., Any], locals: Any = None, targetoptions: Any = None) -> None:
        super().__init__(py_func, locals or {}, targetoptions, _UpToLlvm)

    @cached_property
    def whole(self) -> Any:
        """The same with an entry for Python."""
        return numba.njit(**{name: value for name, value in self.targetoptions.items() if name != "nopython"})(
            self.py_func
        )

    def get_call_template(self, args: Any, kws: Any) -> Any:
        if self.constants:
            return super().get_call_template(args, kws)
        named = {name: types.unliteral(kind) for name, kind in kws.items()}
        return super().get_call_template(tuple(types.unliteral(kind) for kind in args), named)

    def add_overload(self, cres: Any) -> None:
        cres = cres._replace(entry_point=object())  # what it is known by to those who call it
        self.targetctx.insert_user_function(cres.entry_point, cres.fndesc, [cres.library])
        self.overloads[tuple(cres.signature.args)] = cres

    def _compile_for_args(self, *args: Any, **kws: Any) -> Any:
        return self.whole


class _UpToLlvm(Compiler):
    """numba's steps, but for those after LLVM has optimised."""

    def compile_extra(self, func: Any) -> Any:
        self.state.flags.no_cpython_wrapper = self.state.flags.no_compile = True
        self.state.library = _Library(self.state.targetctx.codegen(), func.__qualname__)
        return super().compile_extra(func)


class _Library(JITCodeLibrary):
    """What is never handed to the engine that makes machine code, only to other libraries."""

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._finalized = True
