"""Writing files so that a crash leaves the old or the new: see `agents.files`, which agents and runs share."""

from __future__ import annotations

from agents.files import new_folder, recover, sync_folder, write_bytes, write_text

__all__ = ["new_folder", "recover", "sync_folder", "write_bytes", "write_text"]
