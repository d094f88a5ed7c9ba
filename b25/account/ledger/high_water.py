"""Equity at the day's begin and its peak: what drawdown is measured from. A transfer scales both, so it changes no drawdown."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

DAY_NS: Final = 86_400_000_000_000


@dataclass(slots=True)
class HighWater:
    """State of it; None is unknown.

    Attributes
    ----------
    day : int
        Days since 1970, UTC.
    day_equity, peak : Fraction, optional
    pending : Fraction
        Transfers that could not be scaled yet, because equity was unknown when they came.
    transferred : Fraction
        Net transfers of this day.
    """

    day: int = -1
    day_equity: Fraction | None = None
    peak: Fraction | None = None
    pending: Fraction = Fraction(0)
    transferred: Fraction = Fraction(0)

    def transfer(self, worth: Fraction) -> None:
        """Remember a transfer, which the next known equity includes."""
        self.pending += worth
        self.transferred += worth

    def observe(self, time_ns: int, equity: Fraction | None) -> bool:
        """Take the equity of a moment; True when a day began. A day begins with the first equity known in it."""
        day = time_ns // DAY_NS
        is_new = day != self.day
        if is_new:
            self.day, self.day_equity, self.transferred = day, None, self.pending
        if equity is None:
            return is_new
        before = equity - self.pending
        if self.pending and before > 0 and equity > 0:
            factor = equity / before
            self.day_equity = None if self.day_equity is None else self.day_equity * factor
            self.peak = None if self.peak is None else self.peak * factor
        elif self.pending:
            self.day_equity = self.peak = None  # from nothing or to nothing: there is no scale
        self.pending = Fraction(0)
        self.day_equity = equity if self.day_equity is None else self.day_equity
        self.peak = equity if self.peak is None else max(self.peak, equity)
        return is_new

    def drawdown_daily(self, equity: Fraction | None) -> Fraction | None:
        """Fall since the day's begin, a fraction; None when unknown."""
        return _fall(self.day_equity, equity)

    def drawdown_max(self, equity: Fraction | None) -> Fraction | None:
        """Fall from the peak, a fraction; None when unknown."""
        return _fall(self.peak, equity)


def _fall(before: Fraction | None, equity: Fraction | None) -> Fraction | None:
    if before is None or equity is None or before <= 0:
        return None
    return max(Fraction(0), (before - equity) / before)
