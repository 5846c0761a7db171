"""What compiled code depends on, as a digest: cached machine code is known by it, and rules of one name apart.

numba's cache sees that a function's own file has changed, and nothing of the files of what it calls.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import numpy as np
from numba.core.dispatcher import Dispatcher


def names_in(code: CodeType) -> set[str]:
    """The names that a function's code looks up, those of the functions inside it too."""
    inner = [names_in(constant) for constant in code.co_consts if isinstance(constant, CodeType)]
    return set(code.co_names).union(*inner)


def fingerprint(function: Any) -> str:
    """A digest of the source files, closures and constants that a function's compiled code depends on.

    Where they lie belongs to it: what is cached names the modules of its parts.
    """
    seen: set[int] = set()
    digest = hashlib.sha256()

    def visit(value: Any) -> None:
        if isinstance(value, Dispatcher):
            value = value.py_func
        if isinstance(value, FunctionType):
            if id(value) not in seen and not value.__module__.startswith(("numba", "numpy")):
                seen.add(id(value))
                digest.update(f"{value.__module__}.{value.__code__.co_qualname}".encode())
                digest.update(_source(value.__code__.co_filename))
                for name in sorted(names_in(value.__code__)):
                    visit(value.__globals__.get(name))
                for cell in value.__closure__ or ():
                    visit(cell.cell_contents)
        elif isinstance(value, np.ndarray):
            digest.update(value.tobytes())
        elif isinstance(value, (int, float, str, tuple, np.generic)):
            digest.update(repr(value).encode())

    visit(function)
    return digest.hexdigest()[:16]


def tell_closures_apart(function: Any) -> None:
    """Gives each closure among the rules that a function calls a name of its own.

    numba tells rules of one name (`othello.<locals>.moves` on 6 x 6 and on 8 x 8) apart by a number that starts anew
    in every process. Objects cached by two processes may then define one symbol twice, and whichever is loaded first
    serves both: the rules of one game would run in another.
    """
    seen: set[int] = set()

    def visit(value: Any) -> None:
        if isinstance(value, Dispatcher):
            value = value.py_func
        if isinstance(value, FunctionType) and id(value) not in seen:
            seen.add(id(value))
            if not value.__module__.startswith(("numba", "numpy")):
                cells = [cell.cell_contents for cell in value.__closure__ or ()]
                if cells and not value.__qualname__.endswith(fingerprint(value)):
                    value.__qualname__ += f".{fingerprint(value)}"
                for item in [*(value.__globals__.get(name) for name in names_in(value.__code__)), *cells]:
                    visit(item)

    visit(function)


@cache
def _source(path: str) -> bytes:
    return Path(path).read_bytes()
