"""The one equity curve that every ratio comes from: what the account was worth, when, with deposits taken out."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from b25.analytics.metric import DAYS_SHOWN_MIN, NS_PER_DAY, FloatArray, IntArray
from b25.model.errors import Misuse


@dataclass(frozen=True, slots=True, eq=False)
class DailyPoints:
    """An equity curve seen at 00:00 UTC of each day, and at its end.

    Parameters
    ----------
    time_ns : ndarray of int64, shape (n + 1,)
        Start of the curve, every midnight in between, end of the curve.
    equity : ndarray of float64, shape (n + 1,)
        Account value at those times, flows taken out (see `EquityCurve.index`).
    returns : ndarray of float64, shape (n,)
        ``(E_t - F_t) / E_{t-1} - 1``; NaN where the account was worth nothing or less before.
    """

    time_ns: IntArray
    equity: FloatArray
    returns: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class EquityCurve:
    """Mark-to-market account value: cash and positions at mark, fees and funding booked; the starting balance is point 0.

    Parameters
    ----------
    time_ns : ndarray of int64, shape (n,)
        UTC epoch, never decreasing.
    equity : ndarray of float64, shape (n,)
        Account value in the settlement currency. Unknown values (NaN) are allowed at the head only and are cut off.
    flow_ns : ndarray of int64, shape (m,), optional
        Times of deposits and withdrawals.
    flow : ndarray of float64, shape (m,), optional
        Deposits (+) and withdrawals (-); the first point at or after a flow's time already contains it.

    Raises
    ------
    Misuse
        When the curve is empty, out of order, of unequal lengths, or holds something that is not a number.
    """

    time_ns: IntArray
    equity: FloatArray
    flow_ns: IntArray | None = None
    flow: FloatArray | None = None

    def __post_init__(self) -> None:
        time_ns, equity = np.asarray(self.time_ns, np.int64), np.asarray(self.equity, np.float64)
        if time_ns.ndim != 1 or time_ns.shape != equity.shape:
            raise Misuse(f"equity curve: {time_ns.shape} times and {equity.shape} values", remedy="give two arrays of one length")
        known = np.flatnonzero(~np.isnan(equity))
        if not known.size:
            raise Misuse("equity curve: it has no point", remedy="give at least the starting balance")
        time_ns, equity = time_ns[known[0] :], equity[known[0] :]
        bad = np.flatnonzero(~np.isfinite(equity))
        if bad.size:
            raise Misuse(
                f"equity curve: point {int(bad[0])} is {equity[bad[0]]}", remedy="mark positions at the last known price"
            )
        back = np.flatnonzero(np.diff(time_ns) < 0)
        if back.size:
            raise Misuse(f"equity curve: time runs backwards at point {int(back[0]) + 1}", remedy="sort it by time")
        object.__setattr__(self, "time_ns", time_ns)
        object.__setattr__(self, "equity", equity)
        if (self.flow_ns is None) != (self.flow is None):
            raise Misuse("equity curve: flows need times and amounts", remedy="give both flow_ns and flow")
        if self.flow_ns is not None and self.flow is not None:
            object.__setattr__(self, "flow_ns", np.asarray(self.flow_ns, np.int64))
            object.__setattr__(self, "flow", np.asarray(self.flow, np.float64))

    @classmethod
    def from_profits(cls, time_ns: IntArray, profit: FloatArray, *, starting_balance: float, start_ns: int | None = None) -> Self:
        """Curve of a starting balance and dated profits, in any order; profits of one instant are one point.

        Parameters
        ----------
        time_ns : ndarray of int64, shape (n,)
            When each profit was booked.
        profit : ndarray of float64, shape (n,)
            Profit or loss in the settlement currency.
        starting_balance : float
            Value of point 0.
        start_ns : int, optional
            Time of point 0; by default that of the first profit.
        """
        instants, which = np.unique(np.asarray(time_ns, np.int64), return_inverse=True)
        sums = np.bincount(which.reshape(-1), weights=np.asarray(profit, np.float64), minlength=instants.size)
        first = start_ns if start_ns is not None else (int(instants[0]) if instants.size else 0)
        equity = np.concatenate(([starting_balance], starting_balance + np.cumsum(sums)))
        return cls(np.concatenate(([first], instants)).astype(np.int64), equity)

    @property
    def starting_balance(self) -> float:
        """Point 0."""
        return float(self.equity[0])

    @property
    def final_balance(self) -> float:
        """Last point, open positions at mark."""
        return float(self.equity[-1])

    @property
    def net_profit(self) -> float:
        """What the account gained, deposits and withdrawals taken out."""
        flows = 0.0 if self.flow is None else float(self.flow.sum())
        return self.final_balance - self.starting_balance - flows

    @property
    def span_days(self) -> float:
        """Length of the curve in days of 86 400 s."""
        return float(self.time_ns[-1] - self.time_ns[0]) / NS_PER_DAY

    @property
    def is_short(self) -> bool:
        """True below 30 days: annualised figures are then computed but not shown."""
        return self.span_days < DAYS_SHOWN_MIN

    def index(self) -> FloatArray:
        """Account value with deposits and withdrawals taken out.

        Returns
        -------
        ndarray of float64, shape (n,)
            The equity itself without flows. With flows, the value of a share in the account that cost E_0 at the
            start: it grows by ``(E_t - F_t) / E_{t-1}`` at each point, so that a deposit is no profit and a withdrawal no
            drawdown. NaN after the account was worth nothing or less.
        """
        if self.flow_ns is None or self.flow is None or not self.flow_ns.size:
            return self.equity
        inflow = np.zeros(self.equity.size)
        point = np.minimum(np.searchsorted(self.time_ns, self.flow_ns, side="left"), self.equity.size - 1)
        np.add.at(inflow, point, self.flow)
        inflow[0] = 0.0
        before = self.equity[:-1]
        growth = np.full(before.size, np.nan)
        np.divide(self.equity[1:] - inflow[1:], before, out=growth, where=before > 0)
        index: FloatArray = self.equity[0] * np.concatenate(([1.0], np.cumprod(growth)))
        return index

    def daily(self) -> DailyPoints:
        """Return the points of the daily statistics: the start, each 00:00 UTC after it, and the end."""
        first, last = int(self.time_ns[0]), int(self.time_ns[-1])
        midnights = np.arange(first // NS_PER_DAY + 1, -(-last // NS_PER_DAY), dtype=np.int64) * NS_PER_DAY
        index = self.index()
        at = np.searchsorted(self.time_ns, midnights, side="right") - 1
        end = [last] if last > first else []
        time_ns = np.concatenate(([first], midnights, end)).astype(np.int64)
        equity = np.concatenate((index[:1], index[at], index[-1:] if end else index[:0]))
        before = equity[:-1]
        returns = np.full(before.size, np.nan)
        np.divide(equity[1:], before, out=returns, where=before > 0)
        return DailyPoints(time_ns, equity, returns - 1.0)

    def sampled(self, step_ns: int) -> FloatArray:
        """Equity at the start and then each `step_ns` later, as far as the curve reaches."""
        instants = np.arange(int(self.time_ns[0]), int(self.time_ns[-1]) + 1, step_ns, dtype=np.int64)
        index = self.index()
        sample: FloatArray = index[np.searchsorted(self.time_ns, instants, side="right") - 1]
        sample[0] = index[0]  # several points may share the first instant; the curve begins with the first of them
        return sample
