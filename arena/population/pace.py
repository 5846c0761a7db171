"""How often something that takes time may be done, so that it never takes more than a small share of it."""

from __future__ import annotations

import time


class Pace:
    """Something is due again `least` seconds after it was done, and no sooner than its share of the time allows.

    least  seconds between two times
    share  of the time at most that goes into it
    """

    def __init__(self, least: float, share: float) -> None:
        self.least, self.share = least, share
        self._next = 0.0

    def due(self) -> bool:
        """Whether it may be done now; at first it may."""
        return time.monotonic() >= self._next

    def done(self, begun: float) -> None:
        """Notes that it has just been done, since `begun` of `time.monotonic`."""
        now = time.monotonic()
        self._next = now + max(self.least, (now - begun) / self.share)
