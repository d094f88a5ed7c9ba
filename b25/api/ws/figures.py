"""What passes over the sockets, counted: messages by kind, bytes, times; a snapshot is never counted as an update."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

KEPT: Final = 1_024


def _recent() -> deque[float]:
    return deque(maxlen=KEPT)


@dataclass(slots=True)
class Figures:
    """Counts since the start, and the latest times.

    Attributes
    ----------
    sent, received : Counter
        By kind of message.
    refused : Counter
        By the code of the error.
    encode_s, broadcast_s, lag_s : deque of float
        For each round: encoding what changed; with handing it to every queue; from the first change to that.
    """

    sent: Counter[str] = field(default_factory=Counter)
    received: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    bytes_sent: int = 0
    opened: int = 0
    closed: Counter[str] = field(default_factory=Counter)
    overflows: int = 0
    encode_s: deque[float] = field(default_factory=_recent)
    broadcast_s: deque[float] = field(default_factory=_recent)
    lag_s: deque[float] = field(default_factory=_recent)

    def facts(self) -> dict[str, Any]:
        """Return all of it as plain values."""
        return {
            "sent": dict(self.sent), "received": dict(self.received), "refused": dict(self.refused), "closed": dict(self.closed),
            "bytes_sent": self.bytes_sent, "opened": self.opened, "overflows": self.overflows,
            "encode_p99_ms": p99_ms(self.encode_s),
            "broadcast_p99_ms": p99_ms(self.broadcast_s), "lag_p99_ms": p99_ms(self.lag_s),
        }  # fmt: skip


def p99_ms(taken_s: Sequence[float]) -> float | None:
    """Return the 99th percentile in ms; None when nothing was measured."""
    if not taken_s:
        return None
    ordered = sorted(taken_s)
    return ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))] * 1e3
