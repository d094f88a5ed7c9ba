"""Several instruments at once: their returns on one clock, and weights turned into quantities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from b25.market.bars import Bars
from b25.model.errors import Misuse

if TYPE_CHECKING:
    import polars as pl

FloatArray = npt.NDArray[np.float64]


def returns_frame(bars: Sequence[Bars]) -> pl.DataFrame:
    """Returns of several instruments from close to close, on the times at which any of them closes a bar.

    Parameters
    ----------
    bars : sequence of Bars
        One an instrument, of one timeframe.

    Returns
    -------
    polars.DataFrame
        ``close`` (UTC), then one column a symbol. A return is null where the bar, or the one just before it, is missing:
        nothing is carried over a gap.

    Raises
    ------
    Misuse
        When timeframes differ, two are of one instrument, or bars are not by time: these close at times of their own.
    """
    import polars as pl

    names = _column_names(bars)
    if any(" " in one.timeframe for one in bars):
        raise Misuse(
            f"bars of {next(one.timeframe for one in bars if ' ' in one.timeframe)} close at times of their own",
            remedy="use bars by time, e.g. 1h",
        )
    if len({one.timeframe for one in bars}) > 1:
        raise Misuse(
            f"returns of bars of {', '.join(one.timeframe for one in bars)}", remedy="resample them to one timeframe first"
        )
    times = np.unique(np.concatenate([one.rows["close_ns"] for one in bars]))
    columns = {"close": pl.Series(times).cast(pl.Datetime("ns", "UTC"))}
    for name, one in zip(names, bars, strict=True):
        found = np.full(times.size, np.nan)
        found[np.searchsorted(times, one.rows["close_ns"])] = _returns(one)
        columns[name] = pl.Series(found).fill_nan(None)
    return pl.DataFrame(columns)


def target_quantities(
    weights: npt.ArrayLike, equity: float, prices: npt.ArrayLike, *, lots: npt.ArrayLike | None = None
) -> FloatArray:
    """Quantities that give each instrument its share of the equity.

    Parameters
    ----------
    weights : array of float, shape (n,)
        Shares of the equity; negative is short; their sum need not be 1.
    equity : float
        Account value in the settlement currency.
    prices : array of float, shape (n,)
        Of one base unit.
    lots : array of float, shape (n,), optional
        Smallest quantities; results are cut towards zero to whole lots.

    Returns
    -------
    ndarray of float64, shape (n,)
        Base units, signed. NaN where a weight or a price is NaN: leave that instrument as it is.

    Raises
    ------
    Misuse
        When shapes differ, the equity is not finite, or a price or lot is not positive.
    """
    share, price = np.asarray(weights, np.float64), np.asarray(prices, np.float64)
    if share.shape != price.shape or share.ndim != 1:
        raise Misuse(f"{share.size} weights for {price.size} prices", remedy="give one of each an instrument")
    if not np.isfinite(equity):
        raise Misuse(f"an equity of {equity}", remedy="wait until every held instrument has a price")
    if (price <= 0).any():
        i = int(np.argmax(price <= 0))
        raise Misuse(f"price {i} is {price[i]:g}", remedy="give positive prices")
    quantities: FloatArray = share * equity / price
    if lots is None:
        return quantities
    step = np.asarray(lots, np.float64)
    if step.shape != price.shape or not (step > 0).all():
        raise Misuse(f"lots {step.tolist()} for {price.size} prices", remedy="give one positive lot an instrument")
    # A quantity that is a whole number of lots but for the last bit is that number.
    return np.trunc(quantities / step + np.sign(quantities) * 1e-9) * step


def inverse_volatility(returns: npt.ArrayLike) -> FloatArray:
    """Weights in inverse proportion to the standard deviation of trailing returns.

    Parameters
    ----------
    returns : array of float, shape (times, n)
        NaN is left out.

    Returns
    -------
    ndarray of float64, shape (n,)
        Not negative, adding up to 1; 0 for an instrument with fewer than two returns, or whose returns are all the same. All 0
        when there is no other.
    """
    table = np.asarray(returns, np.float64)
    weights = np.zeros(table.shape[1])
    for j in range(table.shape[1]):
        known = table[~np.isnan(table[:, j]), j]
        if known.size > 1 and np.ptp(known) > 0:
            weights[j] = 1.0 / np.std(known, ddof=1)
    total = weights.sum()
    return weights / total if total > 0 else weights


def _returns(one: Bars) -> FloatArray:
    close = one.view["close"]
    found = np.full(len(one), np.nan)
    follows = one.rows["open_ns"][1:] == one.rows["close_ns"][:-1]
    found[1:] = np.where(follows, close[1:] / close[:-1] - 1.0, np.nan)
    return found


def _column_names(bars: Sequence[Bars]) -> list[str]:
    if not bars:
        raise Misuse("returns of no bars", remedy="give a list of Bars")
    symbols = [one.symbol for one in bars]
    # The venue is named only where the symbol does not tell two instruments apart.
    names = [s if symbols.count(s) == 1 else f"{s} {one.venue}" for s, one in zip(symbols, bars, strict=True)]
    for name in names:
        if names.count(name) > 1:
            raise Misuse(f"{name} is given twice", remedy="give each instrument once")
    return names
