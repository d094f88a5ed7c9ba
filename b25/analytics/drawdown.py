"""How far below its peak an account fell, when, and for how long; the starting balance is the first peak."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from b25.analytics.formulas import measured, missing
from b25.analytics.metric import NS_PER_DAY, FloatArray, IntArray, Metric

OTHER_UNIT: Final = ("max_drawdown_amount", "max_drawdown_money_ratio")  # the relative fall in money, the absolute as a ratio


@dataclass(frozen=True, slots=True)
class Drawdown:
    """One fall from a peak.

    Parameters
    ----------
    ratio : float or None
        ``(P - E) / P`` at the trough; None when the peak was not positive.
    money : float
        ``P - E`` at the trough.
    peak_ns, trough_ns : int
        When the peak was last held, and when the trough was reached.
    recovery_ns : int or None
        When the peak was reached again; None when it was not.
    peak, trough : float
        Account value at both.
    profit_at_peak, profit_at_trough : float
        The same as a gain over point 0.
    end_ns : int
        Recovery, or the end of the curve.
    """

    ratio: float | None
    money: float
    peak_ns: int
    trough_ns: int
    recovery_ns: int | None
    peak: float
    trough: float
    profit_at_peak: float
    profit_at_trough: float
    end_ns: int

    @property
    def duration_ns(self) -> int:
        """Time from the peak to the recovery, or to the end."""
        return self.end_ns - self.peak_ns

    @property
    def of_peak_profit(self) -> float | None:
        """Share of the profit at the peak that was given back; None when there was no profit."""
        return self.money / self.profit_at_peak if self.profit_at_peak > 0 else None


def drawdown_ratio(equity: FloatArray) -> FloatArray:
    """Fall from the running peak.

    Parameters
    ----------
    equity : ndarray of float64, shape (n,)
        Account value in time order, flows taken out.

    Returns
    -------
    ndarray of float64, shape (n,)
        ``(P_t - E_t) / P_t``; above 1 when the account went below zero, NaN where the peak is not positive.
    """
    peak = np.maximum.accumulate(equity)
    ratio = np.full(equity.size, np.nan)
    np.divide(peak - equity, peak, out=ratio, where=peak > 0)
    return ratio


def _around(time_ns: IntArray, equity: FloatArray, trough: int) -> Drawdown:
    peak_value = float(np.max(equity[: trough + 1]))
    # The fall begins when the peak is left, not when it is first touched.
    peak = trough - int(np.argmax(equity[trough::-1] == peak_value))
    later = np.flatnonzero(equity[trough:] >= peak_value) if peak < trough else np.zeros(1, np.int64)
    recovery = int(time_ns[trough + int(later[0])]) if later.size else None
    low = float(equity[trough])
    return Drawdown(
        ratio=(peak_value - low) / peak_value if peak_value > 0 else None,
        money=peak_value - low,
        peak_ns=int(time_ns[peak]),
        trough_ns=int(time_ns[trough]),
        recovery_ns=recovery,
        peak=peak_value,
        trough=low,
        profit_at_peak=peak_value - float(equity[0]),
        profit_at_trough=low - float(equity[0]),
        end_ns=recovery if recovery is not None else int(time_ns[-1]),
    )


def largest_relative(time_ns: IntArray, equity: FloatArray) -> Drawdown | None:
    """Return the drawdown with the largest share of its peak lost; None when no peak was positive."""
    ratio = drawdown_ratio(equity)
    if np.all(np.isnan(ratio)):
        return None
    return _around(time_ns, equity, int(np.nanargmax(ratio)))


def largest_absolute(time_ns: IntArray, equity: FloatArray) -> Drawdown:
    """Return the drawdown with the most money lost."""
    return _around(time_ns, equity, int(np.argmax(np.maximum.accumulate(equity) - equity)))


def drawdown_table(time_ns: IntArray, equity: FloatArray, *, count: int = 10) -> list[Drawdown]:
    """Return the `count` deepest separate falls, by money, deepest first; falls do not overlap.

    Parameters
    ----------
    time_ns : ndarray of int64, shape (n,)
        Times of the curve.
    equity : ndarray of float64, shape (n,)
        Account value, flows taken out.
    count : int
        How many to return at most.
    """
    peak = np.maximum.accumulate(equity)
    depth = peak - equity
    at_peak = np.flatnonzero(depth == 0)
    # Between two visits of the running peak lies at most one fall.
    gaps = np.flatnonzero(np.diff(np.append(at_peak, equity.size)) > 1)
    if not gaps.size:
        return []
    begins = at_peak[gaps]
    worst = np.maximum.reduceat(depth, begins)
    deepest = np.argsort(-worst, kind="stable")[:count]
    ends = np.append(begins[1:], equity.size)
    troughs = [int(begins[i] + np.argmax(depth[begins[i] : ends[i]])) for i in deepest]
    return [_around(time_ns, equity, trough) for trough in troughs]


def _spans(time_ns: IntArray, equity: FloatArray) -> tuple[float, int]:
    """Share of the time below the peak, and the longest span from leaving a peak to its recovery or the end, in ns."""
    below = equity < np.maximum.accumulate(equity)
    length = np.diff(time_ns, append=time_ns[-1])
    total = int(time_ns[-1] - time_ns[0])
    share = float(np.sum(length[below]) / total) if total else 0.0
    edges = np.flatnonzero(np.diff(np.concatenate(([False], below, [False])).astype(np.int8)))
    begins, ends = edges[::2] - 1, np.minimum(edges[1::2], equity.size - 1)
    return share, int(np.max(time_ns[ends] - time_ns[begins])) if begins.size else 0


def drawdown_metrics(time_ns: IntArray, index: FloatArray, daily_equity: FloatArray) -> dict[str, Metric]:
    """Every drawdown figure of a curve.

    Parameters
    ----------
    time_ns : ndarray of int64, shape (n,)
        Times of the full curve.
    index : ndarray of float64, shape (n,)
        Account value at every point, flows taken out (`EquityCurve.index`).
    daily_equity : ndarray of float64, shape (m,)
        The same at the daily points (`DailyPoints.equity`).
    """
    if np.any(np.isnan(index)):
        why = "the account was worth nothing or less while money was moved"
        names = ("underwater_now", "time_under_water", "longest_under_water", "drawdown_daily", "drawdown_daily_close")
        falls = {name: missing(name, why) for name in (*names, "max_drawdown", "max_drawdown_money", *OTHER_UNIT)}
        return falls | _dated("max_drawdown", None, why) | _dated("max_drawdown_money", None, why)
    relative, absolute = largest_relative(time_ns, index), largest_absolute(time_ns, index)
    share, longest = _spans(time_ns, index)
    daily = drawdown_ratio(daily_equity)
    no_peak = "equity was never positive"
    out = {
        "max_drawdown": measured("max_drawdown", relative.ratio if relative else None, why_not=no_peak),
        "max_drawdown_money": measured("max_drawdown_money", absolute.money),
        OTHER_UNIT[0]: measured(OTHER_UNIT[0], relative.money if relative else None, why_not=no_peak),
        OTHER_UNIT[1]: measured(OTHER_UNIT[1], absolute.ratio, why_not=no_peak),
        **_dated("max_drawdown", relative, no_peak),
        **_dated("max_drawdown_money", absolute, ""),
        "drawdown_daily_close": measured(
            "drawdown_daily_close", None if np.all(np.isnan(daily)) else float(np.nanmax(daily)), why_not=no_peak
        ),
        "underwater_now": measured("underwater_now", float(drawdown_ratio(index)[-1]), why_not=no_peak),
        "longest_under_water": measured("longest_under_water", longest),
        "drawdown_daily": _worst_day_fall(time_ns, index),
    }
    flat = time_ns[-1] == time_ns[0]
    out["time_under_water"] = (
        missing("time_under_water", "the curve has no length") if flat else measured("time_under_water", share)
    )
    return out


def _dated(prefix: str, fall: Drawdown | None, why: str) -> dict[str, Metric]:
    """When and where a drawdown was; n/a when there is none."""
    parts = ("peak_time", "trough_time", "recovery_time", "duration", "profit_at_peak", "profit_at_trough")
    if fall is None or fall.money == 0:
        return {
            f"{prefix}_{part}": missing(f"{prefix}_{part}", why if fall is None else "there is no drawdown") for part in parts
        }
    values = (fall.peak_ns, fall.trough_ns, fall.recovery_ns, fall.duration_ns, fall.profit_at_peak, fall.profit_at_trough)
    return {
        f"{prefix}_{part}": measured(f"{prefix}_{part}", value, why_not="not recovered")
        for part, value in zip(parts, values, strict=True)
    }


def _worst_day_fall(time_ns: IntArray, equity: FloatArray) -> Metric:
    """Fall from a day's start; a day starts with the value brought over from the day before."""
    begins = np.flatnonzero(np.diff(time_ns // NS_PER_DAY, prepend=time_ns[0] // NS_PER_DAY - 1))
    brought = equity[np.maximum(begins - 1, 0)]
    lowest = np.minimum.reduceat(equity, begins)
    if np.any(brought <= 0):
        return missing("drawdown_daily", "equity was not positive at the start of a day")
    return measured("drawdown_daily", float(np.max(np.maximum(1.0 - lowest / brought, 0.0))))
