"""What stops a command from outside: Ctrl-C, which is Python's KeyboardInterrupt, and SIGTERM."""

from __future__ import annotations


class Terminated(KeyboardInterrupt):
    """SIGTERM has come: who tidies up after Ctrl-C does so now, and the process ends with exit code 143, not 130."""
