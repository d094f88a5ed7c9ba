"""What was held over time: position statistics weighted by time, exposure against equity, and what the market did meanwhile."""

from collections.abc import Sequence

import numpy as np

from b25.analytics.curve import EquityCurve
from b25.analytics.formulas import measured, missing
from b25.analytics.metric import DAYS_PER_YEAR, FloatArray, IntArray, Metric
from b25.analytics.series import InstrumentTrace, TimeSeries

POSITION_NAMES = (
    "position_end", "position_mean", "position_abs_mean", "position_std", "position_max", "position_min",
    "time_flat", "inventory_turns",
)  # fmt: skip


def position_metrics(position: TimeSeries) -> dict[str, Metric]:
    """Time-weighted statistics of a signed position that holds from each time until the next.

    Parameters
    ----------
    position : TimeSeries
        From the start of the session to its end (`InstrumentTrace.held`).
    """
    length = np.diff(position.time_ns).astype(np.float64)
    total = float(length.sum())
    if total <= 0:
        return {name: missing(name, "the session has no length") for name in POSITION_NAMES}
    held = position.values[:-1]
    mean = float(np.sum(held * length) / total)
    signs = np.sign(position.values)
    signs = signs[signs != 0]
    return {
        "position_end": measured("position_end", float(position.values[-1])),
        "position_mean": measured("position_mean", mean),
        "position_abs_mean": measured("position_abs_mean", float(np.sum(np.abs(held) * length) / total)),
        "position_std": measured("position_std", float(np.sqrt(np.sum((held - mean) ** 2 * length) / total))),
        "position_max": measured("position_max", max(0.0, float(position.values.max()))),
        "position_min": measured("position_min", min(0.0, float(position.values.min()))),
        "time_flat": measured("time_flat", float(length[held == 0].sum() / total)),
        "inventory_turns": measured("inventory_turns", int(np.sum(signs[1:] != signs[:-1]))),
    }


def exposure(time_ns: IntArray, equity: FloatArray, net_value: FloatArray, gross_value: FloatArray) -> dict[str, Metric]:
    """Time-weighted position value as a share of equity.

    Parameters
    ----------
    time_ns : ndarray of int64, shape (n,)
        Times of the equity curve.
    equity, net_value, gross_value : ndarray of float64, shape (n,)
        Account value, signed and absolute value of all positions, each holding until the next time.
    """
    names = ("exposure_gross", "exposure_net")
    length = np.diff(time_ns).astype(np.float64)
    if length.sum() <= 0:
        return {name: missing(name, "the curve has no length") for name in names}
    if np.any(equity <= 0):
        return {name: missing(name, "equity was not positive") for name in names}
    out = {}
    for name, value in zip(names, (gross_value, net_value), strict=True):
        known = ~np.isnan(value[:-1])
        if not length[known].sum() > 0:
            out[name] = missing(name, "no mid price")
            continue
        share = value[:-1][known] / equity[:-1][known]
        out[name] = measured(name, float(np.sum(share * length[known]) / length[known].sum()))
    return out


def turnover(volume: float, curve: EquityCurve) -> dict[str, Metric]:
    """Traded notional on mean equity, over the span of the curve and a year."""
    length = np.diff(curve.time_ns)
    mean = float(np.average(curve.equity[:-1], weights=length)) if length.sum() else curve.starting_balance
    if not mean > 0:
        return {name: missing(name, "mean equity is not positive") for name in ("turnover", "turnover_year")}
    yearly = volume / mean * DAYS_PER_YEAR / curve.span_days if curve.span_days else None
    return {
        "turnover": measured("turnover", volume / mean),
        "turnover_year": measured("turnover_year", yearly, why_not="the curve has no length"),
    }


def position_values(traces: Sequence[InstrumentTrace], time_ns: IntArray) -> tuple[FloatArray, FloatArray]:
    """Signed and absolute value of all positions at mid; NaN where a position is held and its mid is unknown."""
    net, gross = np.zeros(time_ns.size), np.zeros(time_ns.size)
    for trace in traces:
        held = trace.held(int(time_ns[0]), int(time_ns[-1])).at(time_ns)
        if trace.mids is None:
            value = np.where(held == 0, 0.0, np.nan)
        else:
            # An inverse contract's worth is negative and rises with the price; its exposure is the absolute amount.
            value = np.where(held == 0, 0.0, held * np.abs(trace.fills.worth(_last_known(trace.mids, time_ns))))
        net, gross = net + value, gross + np.abs(value)
    return net, gross


def _last_known(mids: TimeSeries, time_ns: IntArray) -> FloatArray:
    known = ~np.isnan(mids.values)
    times, values = mids.time_ns, mids.values
    if not known.all():  # a copy of half a million rows is worth a look
        times, values = times[known], values[known]
    if not times.size:
        return np.full(time_ns.size, np.nan)
    place = np.searchsorted(times, time_ns, side="right") - 1
    return np.where(place >= 0, values[np.maximum(place, 0)], np.nan)


def market_index(traces: Sequence[InstrumentTrace], time_ns: IntArray) -> FloatArray:
    """Equal-weight buy and hold of the traded instruments: 1 at the start; NaN before all mids are known."""
    parts = []
    for trace in traces:
        if trace.mids is not None:
            mid = _last_known(trace.mids, time_ns)
            known = np.flatnonzero(~np.isnan(mid))
            parts.append(mid / mid[known[0]] if known.size else mid)
    return np.mean(parts, axis=0) if parts else np.full(time_ns.size, np.nan)


def market_change(traces: Sequence[InstrumentTrace], curve: EquityCurve) -> Metric:
    """What an equal-weight buy and hold of the traded instruments made over the same span."""
    index = market_index(traces, curve.time_ns[[0, -1]]) if len(traces) else np.full(2, np.nan)
    if traces and all(trace.mids is not None for trace in traces) and np.isnan(index[0]):
        index = _from_first_mid(traces, curve)
    return measured("market_change", float(index[-1] - 1.0), why_not="no mid prices")


def _from_first_mid(traces: Sequence[InstrumentTrace], curve: EquityCurve) -> FloatArray:
    """Index at the first known mids and at the end; the curve may begin before the first book is whole."""
    firsts = [int(trace.mids.time_ns[~np.isnan(trace.mids.values)][:1].sum()) for trace in traces if trace.mids is not None]
    return market_index(traces, np.array([max(firsts), int(curve.time_ns[-1])], np.int64))
