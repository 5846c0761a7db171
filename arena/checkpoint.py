"""State on disk for an exact resume: nested dicts of arrays, tensors, numbers and text, without any code in the file.

A folder holds `arrays.safetensors` and `tree.json`; it is written beside its place, synced, and renamed into it, so a
kill at any instant leaves the old state or the new one.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.numpy import load, save

from agents.files import new_folder, recover

VERSION = 2


class Damaged(ValueError):
    """A stored state cannot be read; the text says which and what to do."""


class NotSaved(ValueError):
    """A state could not be written, and the one before is still there; the text says why."""


def save_state(folder: Path, state: Any) -> None:
    """Replaces the state in `folder` by `state`, all or nothing; raises NotSaved."""
    arrays: dict[str, np.ndarray] = {}
    packed = _pack(state, arrays)
    blob = save(arrays)
    tree = {"version": VERSION, "sha256": _digest(packed, blob), "state": packed}
    try:
        with new_folder(folder) as fresh:
            (fresh / "arrays.safetensors").write_bytes(blob)
            (fresh / "tree.json").write_text(json.dumps(tree), encoding="utf-8")
    except OSError as error:
        raise NotSaved(
            f"{folder} cannot be written ({error.strerror or error}); mend that and start again: the run goes on from "
            "the state before."
        ) from error


def load_state(folder: Path) -> Any | None:
    """What `save_state` wrote, or None if nothing was; raises Damaged."""
    try:
        recover(folder)
        if not folder.exists():
            return None
        tree = json.loads((folder / "tree.json").read_text(encoding="utf-8"))
        version = tree["version"]
        if version == VERSION:
            blob = (folder / "arrays.safetensors").read_bytes()
            if tree.get("sha256", wanted := _digest(tree["state"], blob)) != wanted:
                raise ValueError("its sha256 is not the one in tree.json")
            return _unpack(tree["state"], load(blob))
    except Exception as error:  # a damaged file can raise anything: from JSON, from safetensors, from NumPy's dtypes
        reason = " ".join(str(error).split()) or type(error).__name__
        raise Damaged(f"The state in {folder} cannot be read ({reason}); remove that folder to begin again.") from error
    raise Damaged(f"The state in {folder} is of version {version}, not {VERSION}; begin a new run.")


def _digest(packed: Any, blob: bytes) -> str:
    """SHA-256 of a state as it is written; one that was written without it is read all the same."""
    return hashlib.sha256(json.dumps(packed).encode() + hashlib.sha256(blob).digest()).hexdigest()


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
