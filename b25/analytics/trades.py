"""Fills → trades: one excursion of the position from flat to flat; a reversal ends one trade and begins the next."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from b25.analytics.metric import FloatArray, IntArray
from b25.analytics.series import FillSeries, TimeSeries

COLUMNS: Final[dict[str, pl.DataType | type[pl.DataType]]] = {
    "instrument": pl.String,
    "side": pl.String,
    "entry_time": pl.Datetime("ns", "UTC"),
    "exit_time": pl.Datetime("ns", "UTC"),
    "max_quantity": pl.Float64,
    "entry_price": pl.Float64,
    "exit_price": pl.Float64,
    "entry_value": pl.Float64,
    "gross": pl.Float64,
    "fees": pl.Float64,
    "net": pl.Float64,
    "return_ratio": pl.Float64,
    "holding_ns": pl.Int64,
    "fills": pl.Int64,
    "mae": pl.Float64,
    "mfe": pl.Float64,
    "is_open": pl.Boolean,
}


@dataclass(frozen=True, slots=True, eq=False)
class _Legs:
    """Fills of which none crosses zero: a reversing fill stands here as two, its fee shared by quantity."""

    fill: IntArray  # row of the fill that the leg came from
    signed: FloatArray  # signed quantity
    before: FloatArray  # position before and after the leg
    after: FloatArray
    share: FloatArray  # part of the fill's quantity

    @property
    def begins(self) -> IntArray:
        """First leg of each trade."""
        return np.flatnonzero(self.before == 0)


def _legs(fills: FillSeries) -> _Legs:
    after = fills.position
    before = np.concatenate(([0.0], after[:-1]))
    reverses = before * after < 0
    fill = np.repeat(np.arange(fills.size), 1 + reverses)
    second = np.zeros(fill.size, np.bool_)
    second[1:] = fill[1:] == fill[:-1]
    first_of_two = np.append(second[1:], False)
    start = np.where(second, 0.0, before[fill])
    end = np.where(first_of_two, 0.0, after[fill])
    split = second | first_of_two
    whole = (fills.side * fills.quantity)[fill]
    signed = np.where(split, end - start, whole)
    return _Legs(fill, signed, start, end, np.where(split, np.abs(signed) / fills.quantity[fill], 1.0))


def _excursions(legs: _Legs, fills: FillSeries, mids: TimeSeries, paid: FloatArray, until: int) -> tuple[FloatArray, FloatArray]:
    """Worst and best gross P&L of each leg's span, at mid and at our own prices; `paid` is the trade's cash after it."""
    times = fills.time_ns[legs.fill]
    known = ~np.isnan(mids.values)
    mid_ns, worth = mids.time_ns[known], fills.worth(mids.values[known])
    upto = np.append(times[1:], until)
    low = high = paid + legs.after * fills.worth(fills.price[legs.fill])
    if mid_ns.size:
        first, last = np.searchsorted(mid_ns, times, side="left"), np.searchsorted(mid_ns, upto, side="left")
        edges = np.stack((first, np.maximum(last, first))).T.reshape(-1)
        padded = np.append(worth, worth[-1])
        edges = np.minimum(edges, worth.size)
        least = np.minimum.reduceat(padded, edges)[::2]
        most = np.maximum.reduceat(padded, edges)[::2]
        seen = (last > first) & (legs.after != 0)
        one, other = paid + legs.after * least, paid + legs.after * most
        low = np.where(seen, np.minimum(low, np.minimum(one, other)), low)
        high = np.where(seen, np.maximum(high, np.maximum(one, other)), high)
    return low, high


def trades_from_fills(
    fills: FillSeries, *, instrument: str = "", mids: TimeSeries | None = None, mark: float | None = None
) -> pl.DataFrame:
    """Trades of one instrument: excursions of the position from flat to flat.

    Parameters
    ----------
    fills : FillSeries
        Executions in time order; the position begins flat.
    instrument : str
        Written into the first column.
    mids : TimeSeries, optional
        Mid prices; with them each trade gets its worst and best open P&L, and an open trade its mark.
    mark : float, optional
        Price at which an open trade is valued; the last known mid by default.

    Returns
    -------
    polars.DataFrame
        One row a trade in order of entry. `entry_price` and `exit_price` are volume-weighted (harmonically for inverse
        contracts), `gross`, `fees`, `net`, `entry_value`, `mae` and `mfe` are in the settlement currency,
        `return_ratio` is ``net / entry_value``. An open trade has `is_open`, no exit time, the exit price of what was
        closed so far, and a P&L at mark (null when there is no mark).

    Notes
    -----
    `entry_value` is the sum of everything that enlarged the position, so that a trade that was scaled in and out ten
    times is measured against what it really moved.
    """
    if not fills.size:
        return pl.DataFrame(schema=COLUMNS)
    legs = _legs(fills)
    begins = legs.begins
    trade = np.cumsum(legs.before == 0) - 1
    times, unit_worth = fills.time_ns[legs.fill], fills.worth(fills.price[legs.fill])
    quantity = np.abs(legs.signed)
    enters = legs.before * legs.signed >= 0
    cash = -legs.signed * unit_worth

    def total(column: FloatArray) -> FloatArray:
        out: FloatArray = np.add.reduceat(column, begins)
        return out

    ends = np.append(begins[1:], legs.fill.size) - 1
    is_open = legs.after[ends] != 0
    if mark is None and mids is not None:
        known = mids.values[~np.isnan(mids.values)]
        mark = float(known[-1]) if known.size else None
    held_value = (
        np.where(is_open, legs.after[ends] * float(fills.worth(np.asarray(mark))), 0.0)
        if mark is not None
        else np.where(is_open, np.nan, 0.0)
    )
    gross = total(cash) + held_value
    fees = total(fills.fee[legs.fill] * legs.share)
    entry_quantity, exit_quantity = total(quantity * enters), total(quantity * ~enters)
    entry_worth, exit_worth = total(quantity * enters * unit_worth), total(quantity * ~enters * unit_worth)
    entry_value = np.abs(entry_worth)
    net = gross - fees
    frame: dict[str, object] = {
        "instrument": [instrument] * begins.size,
        "side": np.where(legs.signed[begins] > 0, "long", "short"),
        "entry_time": times[begins],
        "exit_time": times[ends],
        "max_quantity": np.maximum.reduceat(np.abs(legs.after), begins),
        "entry_price": _price(fills, entry_worth, entry_quantity),
        "exit_price": _price(fills, exit_worth, exit_quantity),
        "entry_value": entry_value,
        "gross": gross,
        "fees": fees,
        "net": net,
        "return_ratio": net / entry_value,
        "holding_ns": times[ends] - times[begins],
        "fills": np.bincount(trade),
        "is_open": is_open,
    }
    if mids is not None:
        paid = np.cumsum(cash)
        paid -= np.repeat(np.concatenate(([0.0], paid[ends[:-1]])), ends - begins + 1)
        until = int(max(times[-1], mids.time_ns[-1] + 1)) if mids.time_ns.size else int(times[-1])
        low, high = _excursions(legs, fills, mids, paid, until)
        frame["mae"], frame["mfe"] = np.minimum.reduceat(low, begins), np.maximum.reduceat(high, begins)
    return _table(frame)


def _price(fills: FillSeries, worth: FloatArray, quantity: FloatArray) -> FloatArray:
    """Average price from the sum of values; NaN where nothing was traded."""
    out = np.full(quantity.size, np.nan)
    some = quantity > 0
    if fills.inverse:
        np.divide(-fills.contract_size * quantity, worth, out=out, where=some)
    else:
        np.divide(worth, quantity * fills.contract_size, out=out, where=some)
    return out


def _table(frame: dict[str, object]) -> pl.DataFrame:
    rows = len(frame["entry_time"])  # type: ignore[arg-type]
    for name in ("mae", "mfe"):
        frame.setdefault(name, np.full(rows, np.nan))
    table = pl.DataFrame({name: frame[name] for name in COLUMNS}).with_columns(
        pl.col("entry_time", "exit_time").cast(pl.Datetime("ns")).dt.replace_time_zone("UTC"),
        pl.col("fills").cast(pl.Int64),
        pl.col(pl.Float64).fill_nan(None),
    )
    return table.with_columns(pl.when(pl.col("is_open")).then(None).otherwise(pl.col("exit_time")).alias("exit_time"))
