"""How much money a strategy could move before its own impact eats its profit: the square-root law, with its inputs shown."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import polars as pl

from b25.analytics.formulas import measured, missing
from b25.analytics.metric import NS_PER_DAY, NS_PER_SECOND, Metric
from b25.analytics.series import TimeSeries
from b25.analytics.slippage import Traded, last_known

STEPS_MIN: Final = 30
STEPS: Final = {86_400: "1 d", 3_600: "1 h", 600: "10 min", 60: "1 min", 10: "10 s", 1: "1 s"}


def daily_volatility(mids: TimeSeries | None) -> tuple[float | None, str]:
    """Standard deviation of a day's log return, and how it was found or why it was not.

    Parameters
    ----------
    mids : TimeSeries
        Mid or close prices.

    Returns
    -------
    float or None
        From returns over the longest of 1 d, 1 h, 10 min, 1 min, 10 s, 1 s that gives at least 30 of them, scaled by the square
        root of time.
    str
        The step and their number, or the reason for None.
    """
    if mids is None or mids.time_ns.size < 2:
        return None, "prices are not known"
    first, last = int(mids.time_ns[0]), int(mids.time_ns[-1])
    for seconds in STEPS:
        step = seconds * NS_PER_SECOND
        # Counted in whole numbers: arange with a step divides floats, and loses the last point of a long span.
        grid = first + step * np.arange((last - first) // step + 1, dtype=np.int64)
        if grid.size <= STEPS_MIN:
            continue
        moves = np.diff(np.log(last_known(mids, grid)))
        moves = moves[np.isfinite(moves)]
        if moves.size >= STEPS_MIN:
            return float(np.std(moves, ddof=1)) * float(np.sqrt(NS_PER_DAY / step)), f"{moves.size:,} returns of {STEPS[seconds]}"
    return None, f"fewer than {STEPS_MIN} returns of 1 s"


def capacity_metrics(
    traded: Sequence[Traded], orders: pl.DataFrame, *, net_profit: float | None, balance: float | None, span_days: float
) -> dict[str, Metric]:
    """Participation, estimated impact, and the account size at which that impact eats the profit.

    Parameters
    ----------
    traded : sequence of Traded
        With `volume_day`.
    orders : polars.DataFrame
        As made by `slippage.order_costs`, of all instruments.
    net_profit, balance : float, optional
        Of the run, and what it began with.
    span_days : float
        Length of the run.

    Notes
    -----
    An order of quantity Q moves the price by ``sigma_day * sqrt(Q / V_day)`` (factor 1). An account k times as large sends
    orders k times as large, so profit grows with k and impact with k^1.5. What the fill model charged already is in the
    profit; the estimate comes on top.
    """
    names = ("participation", "participation_max", "impact_estimate", "capacity", "capacity_best")
    used = orders.filter(pl.col("filled") > 0)
    if not used.height:
        return {name: missing(name, "no fill") for name in names}
    impact = most = value = market = 0.0
    notes = []
    for one in traded:
        mine = used.filter(pl.col("symbol") == one.trace.name)
        if not mine.height:
            continue
        if not one.volume_day:
            return {name: missing(name, f"the traded volume of {one.trace.name} is not known") for name in names}
        sigma, how = daily_volatility(one.trace.mids)
        filled, worth = mine["filled"].to_numpy(), mine["value"].to_numpy()
        most = max(most, float(filled.max()) / one.volume_day)
        value += float(worth.sum())
        market += one.volume_day * span_days * float(worth.sum() / filled.sum())
        if sigma is None:
            reason = f"the volatility of {one.trace.name} is not known: {how}"
            return _shares(value, market, most) | {name: missing(name, reason) for name in names[2:]}
        impact += float(np.sum(worth * sigma * np.sqrt(filled / one.volume_day)))
        notes.append(f"{one.trace.name}: sigma {sigma:.2%} a day ({how}), volume {one.volume_day:,.6g} a day")
    out = _shares(value, market, most)
    out["impact_estimate"] = measured("impact_estimate", impact, note="; ".join(notes))
    return out | _sizes(impact, net_profit, balance)


def _shares(value: float, market: float, most: float) -> dict[str, Metric]:
    return {
        "participation": measured("participation", value / market if market else None, why_not="the run has no length"),
        "participation_max": measured("participation_max", most),
    }


def _sizes(impact: float, net_profit: float | None, balance: float | None) -> dict[str, Metric]:
    names = ("capacity", "capacity_best")
    if net_profit is None or balance is None:
        return {name: missing(name, "the equity curve was not given") for name in names}
    if net_profit <= 0:
        return {name: missing(name, "there is no net profit for impact to eat") for name in names}
    if not impact > 0:
        return {name: missing(name, "the estimated impact is zero") for name in names}
    scale = (net_profit / impact) ** 2
    return {
        "capacity": measured("capacity", balance * scale, note=f"{scale:,.3g} times the balance of this run"),
        "capacity_best": measured("capacity_best", balance * scale * 4 / 9),
    }
