"""Other bots' formulas under their own names, so that people who come from them can reconcile; never our own figures."""

import math
from collections.abc import Mapping
from typing import Final, Literal

import numpy as np
import polars as pl

from b25.analytics.curve import EquityCurve
from b25.analytics.drawdown import drawdown_ratio
from b25.analytics.metric import DAYS_PER_YEAR, NS_PER_DAY, FloatArray, Formula, IntArray, Metric, tidy
from b25.analytics.returns import few
from b25.model.errors import Misuse

Bot = Literal["freqtrade", "jesse", "hummingbot"]

FREQTRADE: Final[Mapping[str, Formula]] = {
    "freqtrade_sharpe": Formula(
        "Sharpe (freqtrade's formula)", "number", "sum of P&L / start / days / per-trade std (ddof 0) * sqrt(365)"
    ),
    "freqtrade_sortino": Formula(
        "Sortino (freqtrade's formula)", "number", "sum of P&L / start / days / std of losing trades (ddof 0) * sqrt(365)"
    ),
    "freqtrade_calmar": Formula(
        "Calmar (freqtrade's formula)", "number", "mean daily profit in per cent * sqrt(365) / max drawdown as a ratio"
    ),
    "freqtrade_winner_holding_avg": Formula(
        "Winners' holding time (freqtrade's formula)", "ns", "mean duration of trades with a profit ratio > 0, rounded to minutes"
    ),
    "freqtrade_loser_holding_avg": Formula(
        "Losers' holding time (freqtrade's formula)", "ns", "mean duration of trades with a profit ratio < 0, rounded to minutes"
    ),
}
JESSE: Final[Mapping[str, Formula]] = {
    "jesse_sortino_ratio": Formula(
        "Sortino (jesse's formula)", "number", "mean(r) / sqrt(sum(min(r, 0)^2) / (n + 1)) * sqrt(365): one day too many below"
    ),
}
HUMMINGBOT: Final[Mapping[str, Formula]] = {
    "hummingbot_sharpe_ratio": Formula(
        "Sharpe (hummingbot's formula)", "number", "mean / std (ddof 1) of the cumulative P&L after each trade, not of returns"
    ),
}
COMPAT: Final[Mapping[str, Formula]] = {**FREQTRADE, **JESSE, **HUMMINGBOT}
NS_PER_MINUTE: Final = 60 * 10**9


def _made(name: str, above: float, below: float, why_not: str) -> Metric:
    if not below > 0 or not math.isfinite(above / below):
        return Metric(name, None, why_not, COMPAT[name])
    return Metric(name, above / below, "", COMPAT[name], above / below)


def freqtrade_metrics(
    profit: FloatArray, *, open_ns: IntArray, close_ns: IntArray, starting_balance: float, max_drawdown: float
) -> dict[str, Metric]:
    """Sharpe, Sortino and Calmar as freqtrade prints them.

    Parameters
    ----------
    profit : ndarray of float64, shape (n,)
        Absolute profit of each closed trade.
    open_ns, close_ns : ndarray of int64, shape (n,)
        When each trade was opened and closed; whole days from the first opening to the last closing count.
    starting_balance : float
        Account value at the start.
    max_drawdown : float
        Largest relative drawdown on the curve of closed trades, as a ratio.

    Notes
    -----
    A mean over *days* is divided by a deviation over *trades*: ten trades for one multiply this "Sharpe" by ten. It is
    offered as a column of an import, labelled, and used for nothing else.
    """
    share = np.asarray(profit, np.float64) / starting_balance
    days = max(1, int(np.max(close_ns) - np.min(open_ns)) // NS_PER_DAY) if share.size else 1
    daily = float(share.sum()) / days
    year = math.sqrt(DAYS_PER_YEAR)
    spread = float(np.std(share)) if share.size else 0.0
    losses = share[share < 0]
    return {
        "freqtrade_sharpe": _made("freqtrade_sharpe", daily * year, spread, "all trades made the same"),
        "freqtrade_sortino": _made(
            "freqtrade_sortino",
            daily * year,
            float(np.std(losses)) if losses.size else 0.0,
            "fewer than two different losing trades",
        ),
        "freqtrade_calmar": _made("freqtrade_calmar", 100.0 * daily * year, max_drawdown, "there is no drawdown"),
    }


def freqtrade_holding(holding_ns: IntArray, profit_ratio: FloatArray) -> dict[str, Metric]:
    """Mean holding time of winners and losers as freqtrade prints it: by profit ratio, rounded to whole minutes.

    Parameters
    ----------
    holding_ns : ndarray of int64, shape (n,)
        Time that each closed trade was held.
    profit_ratio : ndarray of float64, shape (n,)
        Its profit over its stake.
    """
    out = {}
    for name, chosen in (("winner", profit_ratio > 0), ("loser", profit_ratio < 0)):
        key, held = f"freqtrade_{name}_holding_avg", holding_ns[chosen]
        mean = float(round(float(np.mean(held)) / NS_PER_MINUTE) * NS_PER_MINUTE) if held.size else None
        out[key] = Metric(key, mean, "" if held.size else f"no {name}", COMPAT[key], mean)
    return out


def jesse_metrics(daily_returns: FloatArray) -> dict[str, Metric]:
    """Sortino as jesse prints it: the empty first day counts below the root and not above it.

    Parameters
    ----------
    daily_returns : ndarray of float64, shape (n,)
        Daily returns; NaN at the head is ignored.
    """
    name = "jesse_sortino_ratio"
    values, fault = tidy(daily_returns)
    if fault or values.size < 2:
        return {name: Metric(name, None, fault or few(values.size), COMPAT[name])}
    below = math.sqrt(float(np.sum(np.minimum(values, 0.0) ** 2)) / (values.size + 1))
    return {name: _made(name, float(np.mean(values)) * math.sqrt(DAYS_PER_YEAR), below, "no losing day")}


def hummingbot_metrics(profit: FloatArray) -> dict[str, Metric]:
    """Sharpe as hummingbot prints it: of the level of the cumulative P&L, which rises with the length of the record.

    Parameters
    ----------
    profit : ndarray of float64, shape (n,)
        Net profit of each closed trade, in order of exit.
    """
    name, level = "hummingbot_sharpe_ratio", np.cumsum(np.asarray(profit, np.float64))
    spread = float(np.std(level, ddof=1)) if level.size > 1 else 0.0
    mean = float(np.mean(level)) if level.size else 0.0
    return {name: _made(name, mean, spread, "fewer than two different levels of P&L")}


def compat_metrics(bot: Bot, *, curve: EquityCurve, trades: pl.DataFrame) -> dict[str, Metric]:
    """Columns that people who come from another bot know, in its formulas and under its names.

    Parameters
    ----------
    bot : {"freqtrade", "jesse", "hummingbot"}
        Whose.
    curve : EquityCurve
        Account value over time.
    trades : polars.DataFrame
        As made by `metrics.trades_of`; closed ones count.

    Raises
    ------
    Misuse
        For any other bot.
    """
    closed = trades.filter(~pl.col("is_open")).sort("exit_time", maintain_order=True)
    profit = closed["net"].to_numpy()
    if bot == "jesse":
        return jesse_metrics(curve.daily().returns)
    if bot == "hummingbot":
        return hummingbot_metrics(profit)
    if bot != "freqtrade":
        raise Misuse(f"no formulas of {bot!r} are known", remedy="choose freqtrade, jesse or hummingbot")
    close_ns = closed["exit_time"].dt.epoch("ns").to_numpy()
    fall = 0.0
    if profit.size and curve.starting_balance > 0:
        by_trade = EquityCurve.from_profits(close_ns, profit, starting_balance=curve.starting_balance)
        fall = float(np.max(drawdown_ratio(by_trade.equity)))
    ratios = freqtrade_metrics(
        profit if curve.starting_balance > 0 else np.zeros(0),
        open_ns=closed["entry_time"].dt.epoch("ns").to_numpy(),
        close_ns=close_ns,
        starting_balance=curve.starting_balance,
        max_drawdown=fall,
    )
    ratio = closed["return_ratio"].cast(pl.Float64).fill_null(0.0).to_numpy()
    return ratios | freqtrade_holding(closed["holding_ns"].to_numpy(), ratio)
