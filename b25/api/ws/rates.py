"""How often a connection may ask: a bucket that fills with time."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Bucket:
    """So many a second, and so many at once."""

    per_s: float
    burst: float
    _left: float = -1.0
    _at_s: float = 0.0

    def take(self, now_s: float) -> bool:
        """Whether one more may pass now."""
        left = self.burst if self._left < 0 else min(self.burst, self._left + (now_s - self._at_s) * self.per_s)
        self._at_s = now_s
        passes = left >= 1.0
        self._left = left - 1.0 if passes else left
        return passes
