"""Mark price, index price and funding rate of a perpetual, from what its own and its spot book say."""

from collections import deque
from dataclasses import dataclass, field
from typing import Final

FUNDING_INTERVAL_MS: Final = 8 * 3_600_000
RATE_ONE: Final = 10**8  # funding rates are kept in 1e-8
INTEREST_E8: Final = 10_000  # 0.01 % per interval
CLAMP_E8: Final = 50_000  # the premium's damper: 0.05 %
BASIS_SAMPLES: Final = 300  # five minutes of seconds


def next_funding_ms(now_ms: int) -> int:
    """The next of 00:00, 08:00 and 16:00 UTC, strictly after now."""
    return (now_ms // FUNDING_INTERVAL_MS + 1) * FUNDING_INTERVAL_MS


def funding_rate_e8(premium_e8: int, cap_e8: int) -> int:
    """Binance's formula: premium + clamp(interest - premium, +-0.05 %), within the symbol's cap."""
    rate = premium_e8 + max(-CLAMP_E8, min(CLAMP_E8, INTEREST_E8 - premium_e8))
    return max(-cap_e8, min(cap_e8, rate))


@dataclass(eq=False)
class MarkState:
    """Mark and funding of one perpetual; rates in 1e-8.

    Parameters
    ----------
    pinned_index_ticks, pinned_mark_ticks, pinned_rate_e8 : int, optional
        Set by an operator or a flow; None lets the venue compute them.
    history : deque
        Fundings paid: (time_ms, rate_e8, mark_ticks).
    """

    next_funding_ms: int = 0
    mark_ticks: int = 0
    index_ticks: int = 0
    rate_e8: int = INTEREST_E8
    last_rate_e8: int = INTEREST_E8
    cap_e8: int = 2_000_000
    pinned_index_ticks: int | None = None
    pinned_mark_ticks: int | None = None
    pinned_rate_e8: int | None = None
    history: deque[tuple[int, int, int]] = field(default_factory=lambda: deque(maxlen=3000))
    basis: deque[int] = field(default_factory=lambda: deque(maxlen=BASIS_SAMPLES))
    basis_sum: int = 0
    premium_sum_e8: int = 0
    premium_samples: int = 0

    def sample(self, *, index_ticks: int, bid_ticks: int, ask_ticks: int, last_ticks: int, now_ms: int) -> None:
        """Take a look at the market, once a second."""
        self.index_ticks = self.pinned_index_ticks or index_ticks or self.index_ticks
        index = self.index_ticks
        if not index:
            return
        mid = (bid_ticks + ask_ticks) // 2 if bid_ticks and ask_ticks else last_ticks or index
        if len(self.basis) == BASIS_SAMPLES:
            self.basis_sum -= self.basis[0]
        self.basis.append(mid - index)
        self.basis_sum += mid - index
        if bid_ticks and ask_ticks:
            premium = max(0, bid_ticks - index) - max(0, index - ask_ticks)
            self.premium_sum_e8 += premium * RATE_ONE // index
            self.premium_samples += 1
        average = self.premium_sum_e8 // self.premium_samples if self.premium_samples else 0
        self.rate_e8 = funding_rate_e8(average, self.cap_e8) if self.pinned_rate_e8 is None else self.pinned_rate_e8
        left_ms = max(0, self.next_funding_ms - now_ms)
        by_funding = index + index * self.rate_e8 * left_ms // (RATE_ONE * FUNDING_INTERVAL_MS)
        by_basis = index + self.basis_sum // len(self.basis)
        median = sorted((by_funding, by_basis, last_ticks or mid))[1]
        self.mark_ticks = self.pinned_mark_ticks or max(1, median)

    def settle_funding(self, now_ms: int) -> int:
        """Close the interval: the rate that is paid now, 1e-8."""
        rate = self.rate_e8
        self.last_rate_e8 = rate
        self.history.append((now_ms, rate, self.mark_ticks))
        self.next_funding_ms = next_funding_ms(now_ms)
        self.premium_sum_e8 = self.premium_samples = 0
        return rate
