"""State on disk for an exact resume: nested dicts of arrays, tensors, numbers and text, without any code in the file.

A folder holds `arrays.safetensors` and `tree.json`; it is written beside its place, synced, and renamed into it, so a
kill at any instant leaves the old state or the new one.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from arena.files import new_folder, recover

VERSION = 1


class Damaged(ValueError):
    """A stored state cannot be read; the text says which and what to do."""


def save_state(folder: Path, state: Any) -> None:
    """Replaces the state in `folder` by `state`, all or nothing."""
    arrays: dict[str, np.ndarray] = {}
    tree = {"version": VERSION, "state": _pack(state, arrays)}
    with new_folder(folder) as fresh:
        save_file(arrays, fresh / "arrays.safetensors")
        (fresh / "tree.json").write_text(json.dumps(tree), encoding="utf-8")


def load_state(folder: Path) -> Any | None:
    """What `save_state` wrote, or None if nothing was; raises Damaged."""
    recover(folder)
    if not folder.exists():
        return None
    try:
        tree = json.loads((folder / "tree.json").read_text(encoding="utf-8"))
        arrays = load_file(folder / "arrays.safetensors")
        if tree["version"] != VERSION:
            raise Damaged(f"The state in {folder} is of version {tree['version']}, not {VERSION}; begin a new run.")
        return _unpack(tree["state"], arrays)
    except (OSError, KeyError, TypeError, json.JSONDecodeError, SafetensorError) as error:
        raise Damaged(f"The state in {folder} cannot be read ({error}); remove that folder to begin again.") from error


def _pack(value: Any, arrays: dict[str, np.ndarray]) -> Any:
    if isinstance(value, torch.Tensor):
        return {"$tensor": _store(value.detach().cpu().numpy(), arrays)}
    if isinstance(value, np.ndarray):
        if value.dtype.names:
            layout = np.lib.format.dtype_to_descr(value.dtype)
            flat = np.ascontiguousarray(value).view(np.uint8).reshape(*value.shape, value.dtype.itemsize)
            return {"$rows": _store(flat, arrays), "layout": layout}
        return {"$array": _store(value, arrays)}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, dict):
        return {"$dict": [[key, _pack(item, arrays)] for key, item in value.items()]}
    if isinstance(value, (list, tuple)):
        return [_pack(item, arrays) for item in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"{type(value).__name__} has no place in a state.")


def _store(array: np.ndarray, arrays: dict[str, np.ndarray]) -> str:
    name = str(len(arrays))
    arrays[name] = np.asarray(array, order="C")
    return name


def _unpack(value: Any, arrays: dict[str, np.ndarray]) -> Any:
    if isinstance(value, list):
        return [_unpack(item, arrays) for item in value]
    if not isinstance(value, dict):
        return value
    if "$dict" in value:
        return {key: _unpack(item, arrays) for key, item in value["$dict"]}
    if "$tensor" in value:
        return torch.from_numpy(arrays[value["$tensor"]].copy())
    if "$rows" in value:
        dtype = np.lib.format.descr_to_dtype(_layout(value["layout"]))
        return np.ascontiguousarray(arrays[value["$rows"]]).view(dtype)[..., 0]
    return arrays[value["$array"]].copy()


def _layout(descr: Any) -> Any:
    """JSON's lists as the tuples that NumPy wants."""
    if isinstance(descr, list):
        return [(part[0], _layout(part[1]), *[tuple(shape) for shape in part[2:]]) for part in descr]
    return descr
