"""When "not found" proves that an order does not exist: asked after its window and the read lag, twice, a second apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MARGIN_MS_MIN: Final = 2_000
LAGS: Final = 4  # margin in units of the longest read lag seen
APART_MS: Final = 1_000
BACK_OFF_NS: Final = (250_000_000, 500_000_000, 1_000_000_000, 2_000_000_000)
LATER_NS: Final = 5_000_000_000


@dataclass(slots=True)
class Absence:
    """What was asked in vain about one request.

    Attributes
    ----------
    bound_ms : int
        Venue time after which a question counts.
    first_ms : int
        Venue time at which the first question that counts was begun; -1 before.
    """

    bound_ms: int
    first_ms: int = -1

    def not_found(self, started_ms: int) -> bool:
        """Take one answer "not found" to a question begun at `started_ms`; tell whether absence is proven by now."""
        if started_ms <= self.bound_ms:
            return False
        if self.first_ms < 0:
            self.first_ms = started_ms
        return started_ms - self.first_ms >= APART_MS


def bound_ms(sign_ms: int, recv_window_ms: int, margin_ms: int) -> int:
    """Venue time after which a request can no longer be accepted, nor its acceptance be hidden by a lagging read."""
    return sign_ms + recv_window_ms + margin_ms


def margin_ms(read_lag_ms: float) -> int:
    """Margin for the longest read lag seen."""
    return max(MARGIN_MS_MIN, int(read_lag_ms * LAGS) + 1)


def wait_ns(asked: int) -> int:
    """How long to wait before the question after `asked` questions."""
    return BACK_OFF_NS[asked] if asked < len(BACK_OFF_NS) else LATER_NS
