"""The venue's time, as far as it is known: what to sign with, and what is surely past."""

from __future__ import annotations

from collections.abc import Callable

from b25.venue.port.port import VenuePort


class VenueTime:
    """Offset of the venue's clock, with its uncertainty.

    Parameters
    ----------
    now_ns : callable
        Local wall clock.
    """

    def __init__(self, now_ns: Callable[[], int]) -> None:
        self.now_ns = now_ns
        self.offset_ms, self.error_ms = 0.0, float("inf")

    @property
    def is_known(self) -> bool:
        """Whether it was ever measured."""
        return self.error_ms != float("inf")

    async def measure(self, port: VenuePort) -> bool:
        """Ask the venue; tell whether it answered."""
        before_ns = self.now_ns()
        told = await port.server_time_ms()
        after_ns = self.now_ns()
        if told.value is None:
            return False
        self.offset_ms = told.value - (before_ns + after_ns) / 2e6
        self.error_ms = (after_ns - before_ns) / 2e6 + 1
        return True

    def sign_ms(self) -> int:
        """Best guess: for the signature of a request."""
        return int(self.now_ns() / 1e6 + self.offset_ms)

    def surely_ms(self) -> int:
        """Lower bound: the venue's clock shows at least this. Nothing is proven before it was measured."""
        return int(self.now_ns() / 1e6 + self.offset_ms - self.error_ms) if self.is_known else 0
