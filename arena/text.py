"""Text for people: shares in per cent, and names from elsewhere that must stay names."""

from __future__ import annotations

import os
import re


def percent(share: float | None) -> str:
    """A share in per cent; 100 % and 0 % are not written for what is only nearly so."""
    if share is None:
        return ""
    if 0.0 < share < 0.005 or 0.995 <= share < 1.0:
        return f"{100 * share:.1f} %" if 0.0005 <= share < 0.9995 else ("<0.1 %" if share < 0.5 else ">99.9 %")
    return f"{100 * share:.0f} %"


def counted(number: int, what: str) -> str:
    """1 move, 2 moves."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def printable(text: str) -> str:
    """Text that cannot steer a terminal."""
    return "".join(c if c.isprintable() else "?" for c in text)


def sentence(error: ValueError | OSError) -> str:
    """What an error says, as a sentence: the arena's own errors are one; the system's are made one."""
    text = " ".join(str(error).split()) or f"{type(error).__name__} without a word of why; --debug shows where"
    if isinstance(error, OSError) and error.strerror:
        text = f"{os.fsdecode(error.filename or 'The system')}: {error.strerror}"
    return text if text.endswith((".", "?", "!", ")")) else text + "."


def folder_name(specs: str) -> str:
    """What a folder is called that is named after specs: hex-size7-ppo."""
    return specs.replace(":", "-").replace("=", "").replace(",", "-")


def inert(text: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    return "'" + text if text[:1] in tuple("=+-@\t\r") else text


def listed(specs: str) -> list[str]:
    """Specs with commas between them: `mlp:layers=2,width=64,gru` are two, for `width=` goes on with the one before."""
    return [spec.strip() for spec in re.split(r",(?!\s*[\w.-]+\s*=)", specs)]
