"""Labels for supervised learning on bars: what happened next, and the last row that each label looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from b25.model.errors import Misuse
from b25.research.features import frame_of

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """One label a row.

    Attributes
    ----------
    values : ndarray of float64, shape (n,)
        NaN where the data ends too soon to know.
    end : ndarray of int64, shape (n,)
        Last row that the label looks at, included; the row itself where it is unknown.
    text : str
        What the label is; kept in a model's manifest.
    """

    values: FloatArray
    end: IntArray
    text: str

    @property
    def known(self) -> npt.NDArray[np.bool_]:
        """Where there is a label."""
        return ~np.isnan(self.values)


def forward_return(bars: Any, horizon: int, *, over_bps: float | None = None) -> Labels:
    """Label a row with the return of the close over the next `horizon` bars.

    Parameters
    ----------
    bars : Bars or polars.DataFrame
        With a column ``close``.
    horizon : int
        Bars.
    over_bps : float, optional
        Instead of the return: 1.0 where it is above so many basis points, else 0.0.

    Returns
    -------
    Labels
        ``close[t + horizon] / close[t] - 1``; unknown in the last `horizon` rows.

    Raises
    ------
    Misuse
        When the horizon is no whole number of bars within the data, or a close is not positive.
    """
    close = _prices(bars, "close")
    n = close.size
    _check_horizon(horizon, n)
    values = np.full(n, np.nan)
    values[: n - horizon] = close[horizon:] / close[: n - horizon] - 1.0
    text = f"close[t + {horizon}] / close[t] - 1"
    if over_bps is not None:
        known = ~np.isnan(values)
        values[known] = values[known] > over_bps / 1e4
        text += f" > {over_bps:g} bps"
    end = np.arange(n, dtype=np.int64)
    end[: n - horizon] += horizon
    return Labels(values, end, text)


def triple_barrier(bars: Any, horizon: int, *, up: npt.ArrayLike, down: npt.ArrayLike) -> Labels:
    """Label a row with the barrier that the price touches first: +1 above, −1 below, 0 when time runs out.

    The barriers stand at ``close[t]·(1 + up)`` and ``close[t]·(1 − down)``; the bars after t touch them with their high and
    low. A bar that touches both counts as below, the worse of the two for a buyer.

    Parameters
    ----------
    bars : Bars or polars.DataFrame
        With columns ``high``, ``low``, ``close``.
    horizon : int
        Bars until time runs out.
    up, down : float or array of float, shape (n,)
        Distances as shares of the price, positive; an array, such as a multiple of the volatility known at t, for each row. A
        row whose distance is NaN has no label.

    Returns
    -------
    Labels
        With `end` at the touching bar. The last `horizon` rows are unknown, also those that touch early: to keep only these
        would favour large moves.

    Raises
    ------
    Misuse
        When the horizon is no whole number of bars within the data, a distance or a close is not positive.
    """
    high, low, close = (_prices(bars, name) for name in ("high", "low", "close"))
    n = close.size
    _check_horizon(horizon, n)
    above, below = (_distance(name, given, n) for name, given in (("up", up), ("down", down)))
    rows = n - horizon
    upper, lower = close[:rows] * (1.0 + above[:rows]), close[:rows] * (1.0 - below[:rows])
    values = np.where(np.isnan(upper) | np.isnan(lower), np.nan, 0.0)
    end = np.arange(rows, dtype=np.int64) + np.where(np.isnan(values), 0, horizon)
    waiting = np.flatnonzero(values == 0.0)
    for step in range(1, horizon + 1):
        under = low[waiting + step] <= lower[waiting]
        touched = under | (high[waiting + step] >= upper[waiting])
        hit = waiting[touched]
        values[hit] = np.where(under[touched], -1.0, 1.0)
        end[hit] = hit + step
        waiting = waiting[~touched]
    sides = ", ".join(f"{sign}1 ({_shown(given)} {where})" for sign, given, where in (("+", up, "above"), ("-", down, "below")))
    return Labels(
        np.append(values, np.full(horizon, np.nan)),
        np.append(end, np.arange(rows, n, dtype=np.int64)),
        f"the first of {sides}, else 0 after {horizon} bars",
    )


def _shown(distance: npt.ArrayLike) -> str:
    values = np.asarray(distance, np.float64)
    return f"{float(values):g}" if values.ndim == 0 else "a distance by row"


def uniqueness(start: npt.ArrayLike, end: npt.ArrayLike) -> FloatArray:
    """Weigh samples by how much of their label is theirs alone.

    Labels that overlap tell the same story several times. At each row, the weight of a label is one over the number of labels
    that look at the row; a sample's weight is the mean of that over its span.

    Parameters
    ----------
    start, end : arrays of int, shape (m,)
        First and last row of each label, both included.

    Returns
    -------
    ndarray of float64, shape (m,)
        In (0, 1].

    References
    ----------
    López de Prado, *Advances in Financial Machine Learning*, 4.3 and 4.4.
    """
    first, last = np.asarray(start, np.int64), np.asarray(end, np.int64)
    if first.shape != last.shape or first.ndim != 1 or (last < first).any():
        raise Misuse(
            f"spans of shapes {first.shape} and {last.shape}, or one that ends before it starts", remedy="give both ends a label"
        )
    if not first.size:
        return np.empty(0)
    base, rows = int(first.min()), int(last.max() - first.min()) + 1
    changes = np.bincount(first - base, minlength=rows + 1) - np.bincount(last - base + 1, minlength=rows + 1)
    looking = np.cumsum(changes[:rows])
    shares = np.divide(1.0, looking, out=np.zeros(rows), where=looking > 0)
    sums = np.concatenate(([0.0], np.cumsum(shares)))
    weights: FloatArray = (sums[last - base + 1] - sums[first - base]) / (last - first + 1)
    return weights


def _prices(bars: Any, name: str) -> FloatArray:
    values: FloatArray = frame_of(bars)[name].to_numpy().astype(np.float64)
    wrong = np.flatnonzero(~(values > 0))
    if wrong.size:
        raise Misuse(f"the {name} of row {int(wrong[0])} is {values[wrong[0]]:g}", remedy="label bars with positive prices")
    return values


def _check_horizon(horizon: int, n: int) -> None:
    if isinstance(horizon, bool) or not isinstance(horizon, int | np.integer) or not 1 <= horizon < n:
        raise Misuse(f"a label over {horizon!r} bars of {n}", remedy=f"give a whole number from 1 to {n - 1}")


def _distance(name: str, given: npt.ArrayLike, n: int) -> FloatArray:
    values = np.asarray(given, np.float64)
    if values.ndim == 0:
        values = np.full(n, values)
    if values.shape != (n,):
        raise Misuse(f"{name} has {values.size} distances for {n} rows", remedy="give one number, or one a row")
    wrong = np.flatnonzero(~((values > 0) & (values < (1.0 if name == "down" else np.inf))) & ~np.isnan(values))
    if wrong.size:
        raise Misuse(
            f"{name} is {values[wrong[0]]:g} in row {int(wrong[0])}", remedy="give a positive share of the price, e.g. 0.01"
        )
    return values
