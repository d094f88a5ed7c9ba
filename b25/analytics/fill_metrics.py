"""Figures of single fills, for strategies whose trades may never end: spread capture, mark-outs, fees, maker share."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from b25.analytics.figures import duration_text
from b25.analytics.formulas import measured, missing
from b25.analytics.metric import NS_PER_SECOND, FloatArray, Metric
from b25.analytics.series import FillSeries, InstrumentTrace, TimeSeries

NO_FILL: Final = "no fill"
NO_MID: Final = "no mid price at any fill"
HORIZONS_S: Final = (1, 10, 60)


def markout(fills: FillSeries, mids: TimeSeries, horizon_ns: int) -> FloatArray:
    """Money that each fill was worth `horizon_ns` later, at mid, before fees.

    Parameters
    ----------
    fills : FillSeries
        Executions in time order.
    mids : TimeSeries
        Mid price over time.
    horizon_ns : int
        How much later; 0 gives the spread capture.

    Returns
    -------
    ndarray of float64, shape (n,)
        ``side * (worth(mid) - worth(price)) * quantity``, positive when the fill was good for us; NaN where the data ends
        before the horizon or the mid is unknown.
    """
    later = fills.worth(mids.at(fills.time_ns + horizon_ns))
    out: FloatArray = fills.side * (later - fills.worth(fills.price)) * fills.quantity
    return out


def spread_capture(fills: FillSeries, mids: TimeSeries | None) -> FloatArray:
    """Money between each fill's price and the mid at that moment; NaN where the mid is unknown, never 0."""
    if fills.mid is not None:
        out: FloatArray = fills.side * (fills.worth(fills.mid) - fills.worth(fills.price)) * fills.quantity
        return out
    return markout(fills, mids, 0) if mids is not None else np.full(fills.size, np.nan)


def _bps(name: str, money: FloatArray, notional: FloatArray, none: str) -> Metric:
    known = ~np.isnan(money)
    if not np.any(known):
        return missing(name, none)
    share = f"{int(known.sum()):,} of {money.size:,} fills" if not np.all(known) else ""
    return measured(name, float(money[known].sum() / notional[known].sum() * 1e4), note=share)


def fill_metrics(
    traces: Sequence[InstrumentTrace], *, net_profit: float | None = None, funding: float = 0.0
) -> dict[str, Metric]:
    """Figures of the fills of all instruments, which share one settlement currency.

    Parameters
    ----------
    traces : sequence of InstrumentTrace
        Fills and mids of each instrument.
    net_profit : float, optional
        Net profit of the whole session; with it the profit is attributed to spread, inventory, fees and funding.
    funding : float
        Funding received (+) or paid (-).

    Notes
    -----
    ``net = spread capture + inventory P&L - fees + funding``, exactly: inventory P&L is what the first and the last two
    leave, i.e. what the held position earned while the mid moved.
    """
    notional = _joined([trace.fills.notional for trace in traces])
    sides = _joined([trace.fills.side.astype(np.float64) for trace in traces])
    fees = float(sum(float(trace.fills.fee.sum()) for trace in traces))
    volume = float(notional.sum())
    out = {
        "fills": measured("fills", sides.size),
        "fills_buy": measured("fills_buy", int(np.sum(sides > 0))),
        "fills_sell": measured("fills_sell", int(np.sum(sides < 0))),
        "volume": measured("volume", volume),
        "fees": measured("fees", fees),
        "funding": measured("funding", funding),
        "maker_share": _maker_share(traces),
    }
    captured = _joined([spread_capture(trace.fills, trace.mids) for trace in traces])
    whole = bool(captured.size) and not np.any(np.isnan(captured))
    part = f"the mid is unknown at {int(np.isnan(captured).sum())} of {captured.size} fills" if captured.size else NO_FILL
    if sides.size:
        out["fees_bps"] = measured("fees_bps", fees / volume * 1e4)
        out["spread_capture_bps"] = _bps("spread_capture_bps", captured, notional, NO_MID)
    else:
        out |= {name: missing(name, NO_FILL) for name in ("fees_bps", "spread_capture_bps")}
    out["spread_capture"] = measured("spread_capture", float(captured.sum())) if whole else missing("spread_capture", part)
    out |= _attributed(net_profit, fees, funding, volume, sides.size, float(captured.sum()) if whole else None, part)
    for seconds in HORIZONS_S:
        out[f"markout_{seconds}s"] = _markout_metric(traces, notional, seconds)
    return out | _waits(traces)


def _markout_metric(traces: Sequence[InstrumentTrace], notional: FloatArray, seconds: int) -> Metric:
    name = f"markout_{seconds}s"
    if not notional.size:
        return missing(name, NO_FILL)
    coarsest = max(trace.resolution_ns for trace in traces)
    if coarsest > seconds * NS_PER_SECOND:
        return missing(name, f"prices are known every {duration_text(coarsest)} only")
    parts = [
        markout(trace.fills, trace.mids, seconds * NS_PER_SECOND) if trace.mids is not None else np.full(trace.fills.size, np.nan)
        for trace in traces
    ]
    return _bps(name, _joined(parts), notional, f"no mid price {seconds} s after any fill")


def _joined(parts: Sequence[FloatArray]) -> FloatArray:
    return np.concatenate(parts) if parts else np.zeros(0)


def _maker_share(traces: Sequence[InstrumentTrace]) -> Metric:
    notional = sum(float(trace.fills.notional.sum()) for trace in traces)
    if not notional:
        return missing("maker_share", NO_FILL)
    if any(trace.fills.maker is None for trace in traces):
        return missing("maker_share", "it is not known which fills were maker")
    made = sum(float(trace.fills.notional[trace.fills.maker].sum()) for trace in traces if trace.fills.maker is not None)
    return measured("maker_share", made / notional)


def _attributed(
    net: float | None, fees: float, funding: float, volume: float, fills: int, captured: float | None, part: str
) -> dict[str, Metric]:
    names = ("gross_profit", "inventory_profit", "profit_fill", "profit_bps")
    if net is None:
        return {name: missing(name, "the net profit was not given") for name in names}
    gross = net + fees - funding
    out = {"gross_profit": measured("gross_profit", gross)}
    out["inventory_profit"] = (
        missing("inventory_profit", part) if captured is None else measured("inventory_profit", gross - captured)
    )
    out["profit_fill"] = measured("profit_fill", net / fills) if fills else missing("profit_fill", NO_FILL)
    out["profit_bps"] = measured("profit_bps", net / volume * 1e4) if volume else missing("profit_bps", NO_FILL)
    return out


def _waits(traces: Sequence[InstrumentTrace]) -> dict[str, Metric]:
    waits = [
        trace.fills.time_ns - trace.fills.submit_ns for trace in traces if trace.fills.submit_ns is not None and trace.fills.size
    ]
    if not waits:
        return {name: missing(name, "submission times were not given") for name in ("wait_p50", "wait_p95", "wait_p99")}
    quantiles = np.quantile(np.concatenate(waits), (0.5, 0.95, 0.99)).tolist()
    return {name: measured(name, value) for name, value in zip(("wait_p50", "wait_p95", "wait_p99"), quantiles, strict=True)}
