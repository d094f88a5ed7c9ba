"""The figures of a sweep's points as columns: the same definitions as a single result's, from sums that each point kept."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from b25.analytics.metric import DAYS_PER_YEAR, NS_PER_DAY

Array = np.ndarray

# Columns of a sweep's table, and what each is; the formulas are those of the metrics of the same name.
FIGURES: Final = (
    "net_profit", "total_return", "cagr", "volatility", "sharpe", "sortino", "max_drawdown", "max_drawdown_money", "calmar",
    "trades", "win_rate", "profit_factor", "expectancy", "fills", "volume", "fees", "funding", "borrow", "time_in_market",
    "refused",
)  # fmt: skip
COUNTS: Final = {"trades", "fills", "refused"}
# A standard deviation below this share of the mean size of the returns is rounding, not risk.
TINY: Final = 1e-12


def figures(points: Array) -> dict[str, Array]:
    """Compute the columns of FIGURES from POINT rows; NaN where a figure is undefined.

    Parameters
    ----------
    points : ndarray of POINT, shape (n,)
        A point that did not end well (its status is not 0) has no figures.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        start, end = points["start_equity"], points["equity"]
        days = (points["end_ns"] - points["begin_ns"]) / NS_PER_DAY
        broke = points["broke"] != 0
        mean, deviation, down = _daily(points)
        steady = (points["days"] >= 2) & (points["day_best"] == points["day_worst"])
        out: dict[str, Any] = {
            "net_profit": end - start,
            "total_return": np.where(broke, np.nan, end / start - 1.0),
            "cagr": np.where((end > 0) & (days > 0), (end / start) ** (DAYS_PER_YEAR / days) - 1.0, np.nan),
            "volatility": np.where(broke, np.nan, np.where(steady, 0.0, deviation * math.sqrt(DAYS_PER_YEAR))),
            "sharpe": np.where(broke, np.nan, mean / deviation * math.sqrt(DAYS_PER_YEAR)),
            "sortino": np.where(broke | ~(down > 0) | np.isnan(deviation), np.nan, mean / down * math.sqrt(DAYS_PER_YEAR)),
            "max_drawdown": points["drawdown"].copy(),
            "max_drawdown_money": points["drawdown_money"].copy(),
            "trades": points["trades"].copy(),
            "win_rate": points["wins"] / points["trades"],
            "profit_factor": np.where(points["loss_money"] > 0, points["win_money"] / points["loss_money"], np.nan),
            "expectancy": (points["win_money"] - points["loss_money"]) / points["trades"],
            "fills": points["fills"].copy(),
            "time_in_market": points["in_market_bars"] / points["bars"],
        }
        out["calmar"] = np.where(out["max_drawdown"] > 0, out["cagr"] / out["max_drawdown"], np.nan)
    for name in ("volume", "fees", "funding", "borrow", "refused"):
        out[name] = points[name].copy()
    failed = points["status"] != 0
    for name, column in out.items():
        if name not in COUNTS:
            out[name] = np.where(failed | ~np.isfinite(column), np.nan, column)
    return {name: out[name] for name in FIGURES}


def _daily(points: Array) -> tuple[Array, Array, Array]:
    """Mean, deviation (ddof 1) and downside deviation of the daily returns; NaN where there are too few or all are equal."""
    n = points["days"].astype(np.float64)
    sums = points["day_sums"]
    mean = sums[:, 0] / n
    variance = np.maximum(sums[:, 1] - sums[:, 0] ** 2 / n, 0.0) / (n - 1)
    constant = (points["day_best"] == points["day_worst"]) | (n < 2)
    deviation = np.where(constant, np.nan, np.sqrt(variance))
    return mean, deviation, np.sqrt(points["day_down"] / n)


def daily_sharpe(points: Array) -> Array:
    """Sharpe ratio of the daily returns, not annualised; NaN where undefined. It is what trials are counted with."""
    with np.errstate(divide="ignore", invalid="ignore"):
        mean, deviation, _ = _daily(points)
        found: Array = np.where((points["status"] != 0) | (points["broke"] != 0), np.nan, mean / deviation)
    return found


def why_undefined(point: Any, name: str) -> str:
    """Say why a figure of a point is undefined."""
    if point["status"] != 0:
        return "its strategy raised" if point["status"] < 0 else "it halted"
    if point["broke"]:
        return "its equity was not positive at some time"
    if name in ("sharpe", "sortino", "volatility") and point["days"] < 2:
        return f"it has {int(point['days'])} daily returns, and two are needed"
    if point["fills"] == 0:
        return "it never traded"
    if name in ("win_rate", "expectancy", "profit_factor") and point["trades"] == 0:
        return "it has no closed trade"
    return "its denominator is 0"
