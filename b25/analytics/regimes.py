"""In which market a result was made: by trend and volatility before each day, and by month and year."""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from b25.analytics import holdings
from b25.analytics.curve import EquityCurve
from b25.analytics.formulas import measured, missing
from b25.analytics.metric import DAYS_PER_YEAR, FloatArray, Metric, all_equal
from b25.analytics.series import InstrumentTrace

WINDOW_DAYS: Final = 30
DAYS_MIN: Final = 60  # below these a largest share says nothing
SHARPE_DAYS_MIN: Final = 30
SIDEWAYS: Final = 0.5  # a move below this share of what chance makes in the window is no trend
TRENDS: Final = ("up", "sideways", "down")
VOLATILITIES: Final = ("calm", "usual", "wild")
UNKNOWN: Final = ""
SCHEMA: Final[dict[str, pl.DataType | type[pl.DataType]]] = {
    "kind": pl.String,
    "regime": pl.String,
    "days": pl.Int64,
    "time_share": pl.Float64,
    "total_return": pl.Float64,
    "gain_share": pl.Float64,
    "sharpe": pl.Float64,
    "worst_day": pl.Float64,
}

Labels = npt.NDArray[np.str_]


def market_regimes(market: FloatArray, *, window: int = WINDOW_DAYS) -> tuple[Labels, Labels]:
    """Trend and volatility of the market before each day.

    Parameters
    ----------
    market : ndarray of float64, shape (n + 1,)
        Price of the market at each daily point; NaN where unknown.
    window : int
        Days looked back on from the start of each day.

    Returns
    -------
    trend : ndarray of str, shape (n,)
        "up", "down" or "sideways": the window's move against half of what a walk of its daily deviation makes in as many
        days; "" until the window is full.
    volatility : ndarray of str, shape (n,)
        "calm", "usual" or "wild": tercile of the window's deviation among all days of the series (so the borders, though not
        the deviation, are known in hindsight only); "" until the window is full.
    """
    days = market.size - 1
    trend, volatility = np.full(days, UNKNOWN, "U8"), np.full(days, UNKNOWN, "U8")
    if days <= window:
        return trend, volatility
    log = np.log(market)
    change = np.diff(log)
    deviation = np.lib.stride_tricks.sliding_window_view(change, window).std(axis=1, ddof=1)[:-1]
    move = (log[window:] - log[:-window])[: deviation.size]
    known = ~np.isnan(deviation) & ~np.isnan(move)
    if not np.any(known):
        return trend, volatility
    edge = SIDEWAYS * deviation * math.sqrt(window)
    trend[window:] = np.where(known, np.where(move > edge, "up", np.where(move < -edge, "down", "sideways")), UNKNOWN)
    low, high = np.quantile(deviation[known], (1 / 3, 2 / 3))
    level = np.where(deviation <= low, "calm", np.where(deviation <= high, "usual", "wild"))
    volatility[window:] = np.where(known, level, UNKNOWN)
    return trend, volatility


def _labels(curve: EquityCurve, traces: Sequence[InstrumentTrace], window: int) -> dict[str, Labels]:
    """Regime of each day by kind."""
    daily = curve.daily()
    starts = daily.time_ns[:-1].astype("datetime64[ns]")
    out: dict[str, Labels] = {}
    if any(trace.mids is not None for trace in traces):
        out["trend"], out["volatility"] = market_regimes(holdings.market_index(traces, daily.time_ns), window=window)
    out["year"], out["month"] = starts.astype("datetime64[Y]").astype(str), starts.astype("datetime64[M]").astype(str)
    return out


def regimes(curve: EquityCurve, traces: Sequence[InstrumentTrace] = (), *, window: int = WINDOW_DAYS) -> pl.DataFrame:
    """Return, Sharpe and share of the time in each regime of the market.

    Parameters
    ----------
    curve : EquityCurve
        Account value over time.
    traces : sequence of InstrumentTrace
        Their mids are the market, equally weighted; without them only years and months are shown.
    window : int
        Days looked back on for trend and volatility.

    Returns
    -------
    polars.DataFrame
        `kind` (trend, volatility, year, month), `regime`, `days`, `time_share`, `total_return` (compounded over its days),
        `gain_share` (of the sum of daily returns; null when that sum is not positive), `sharpe` (annualised; null below 30
        days or without a spread), `worst_day`. Days before the window is full are in no trend and no volatility.
    """
    returns = curve.daily().returns
    if not returns.size or np.any(~np.isfinite(returns)):
        return pl.DataFrame(schema=SCHEMA)
    total = float(returns.sum())
    rows = []
    for kind, labels in _labels(curve, traces, window).items():
        order = {"trend": TRENDS, "volatility": VOLATILITIES}.get(kind) or tuple(np.unique(labels).tolist())
        for regime in order:
            mine = returns[labels == regime]
            if mine.size:
                rows.append((kind, regime, mine.size, mine.size / returns.size, *_figures(mine, total)))
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _figures(returns: FloatArray, total: float) -> tuple[float, float | None, float | None, float]:
    ratio = None
    if returns.size >= SHARPE_DAYS_MIN and not all_equal(returns):
        ratio = float(returns.mean() / returns.std(ddof=1)) * math.sqrt(DAYS_PER_YEAR)
    share = float(returns.sum()) / total if total > 0 else None
    return float(np.prod(1.0 + returns)) - 1.0, share, ratio, float(returns.min())


def regime_metrics(curve: EquityCurve, traces: Sequence[InstrumentTrace] = ()) -> dict[str, Metric]:
    """How much of the gain hangs on one trend of the market, and on one month.

    Parameters
    ----------
    curve : EquityCurve
        Account value over time; fewer than 60 daily returns make both figures n/a.
    traces : sequence of InstrumentTrace
        For the market.
    """
    names = ("best_regime_share", "best_month_share")
    returns = curve.daily().returns
    fault = ""
    if returns.size < DAYS_MIN:
        fault = f"{returns.size} daily return{'s' if returns.size != 1 else ''}; at least {DAYS_MIN} are needed"
    elif np.any(~np.isfinite(returns)):
        fault = "equity was not positive on every day"
    elif returns.sum() <= 0:
        fault = "there is no gain to be shared"
    if fault:
        return {name: missing(name, fault) for name in names}
    table = regimes(curve, traces)
    out = {}
    for name, kind, why in ((names[0], "trend", "no mid prices"), (names[1], "month", "")):
        rows = table.filter(pl.col("kind") == kind).sort("gain_share", descending=True, maintain_order=True)
        if not rows.height:
            out[name] = missing(name, why)
            continue
        best = rows.row(0, named=True)
        note = f"{best['regime']}: {best['days']} days, {best['time_share']:.0%} of the time"
        out[name] = measured(name, best["gain_share"], note=note)
    return out
