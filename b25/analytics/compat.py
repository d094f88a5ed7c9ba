"""Other bots' formulas under their own names, so that people who come from them can reconcile; never our own figures."""

import math
from collections.abc import Mapping
from typing import Final

import numpy as np

from b25.analytics.metric import DAYS_PER_YEAR, NS_PER_DAY, FloatArray, Formula, IntArray, Metric

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
}


def _made(name: str, above: float, below: float, why_not: str) -> Metric:
    if not below > 0 or not math.isfinite(above / below):
        return Metric(name, None, why_not, FREQTRADE[name])
    return Metric(name, above / below, "", FREQTRADE[name], above / below)


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
