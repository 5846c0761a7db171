"""Writing TOML, which the standard library only reads: tables of plain values, with notes beside the keys."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Mapping
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def dumps(tables: Mapping[str, Any], notes: Mapping[str, str] | None = None) -> str:
    """TOML text of nested tables of text, numbers, booleans and lists; notes by dotted key become comments."""
    lines: list[str] = []
    _table(tables, "", notes or {}, lines)
    return "\n".join(lines).strip() + "\n"


def _table(table: Mapping[str, Any], path: str, notes: Mapping[str, str], lines: list[str]) -> None:
    for key, value in table.items():
        if not isinstance(value, Mapping) and value is not None:
            note = notes.get(f"{path}{key}", "").replace("\n", " ")
            lines.append(f"{_key(key)} = {literal(value)}" + (f"  # {note}" if note else ""))
    for key, value in table.items():
        if isinstance(value, Mapping):
            name = f"{path}{_key(key)}"
            lines += ["", f"[{name}]"]
            _table(value, f"{name}.", notes, lines)


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _text(key)


def literal(value: Any) -> str:
    """One value as TOML."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if not math.isfinite(value):
            return "nan" if math.isnan(value) else ("inf" if value > 0 else "-inf")
        text = repr(value)
        return text if any(c in text for c in ".e") else text + ".0"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(literal(item) for item in value) + "]"
    raise ValueError(f"TOML has no form for {value!r}.")


def _text(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + re.sub(r"[\x00-\x1f\x7f]", lambda c: f"\\u{ord(c[0]):04x}", escaped) + '"'


def parse_value(text: str) -> Any:
    """A value as typed on a command line: TOML if it is TOML, else the text itself."""
    try:
        tree = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    return tree["value"] if list(tree) == ["value"] else text
