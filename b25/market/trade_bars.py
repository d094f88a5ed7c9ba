"""Bars from trades: the kernel's builder with a grid around it, for trades that come all at once or piece by piece."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import numpy as np

from b25.kernels.bar_build import BUILDER, BY_TIME, build_bars, finish_bar
from b25.market.bar_grid import Grid, infer_lot, make_instrument, on_grid, units
from b25.market.bar_rule import BarRule
from b25.market.bars import Bars, find_gaps
from b25.market.timeframe import Timeframe
from b25.market.timerange import time_text
from b25.market.trades import Trades
from b25.model.bar import BAR
from b25.model.errors import Misuse
from b25.model.instrument import INT64, Instrument

VALUE_MAX = INT64 // 4


class BarBuilder:
    """Makes bars of trades as they come; equal trades give equal bars, in whatever pieces they come.

    Parameters
    ----------
    rule : Timeframe or BarRule
        Which bars.
    instrument : Instrument
        Its tick is that of the trades.
    lot : Fraction, optional
        What `qty_lots` are counted in; default the instrument's lot.

    Attributes
    ----------
    state : ndarray of BUILDER, shape (1,)
        All that it knows, the open bar included; copy it to go on elsewhere.
    """

    def __init__(self, rule: Timeframe | BarRule, instrument: Instrument, lot: Fraction | None = None) -> None:
        self.state = np.zeros(1, BUILDER)
        if isinstance(rule, Timeframe):
            self.state["rule"] = BY_TIME
            self.state["frame_ns"], self.state["offset_ns"], self.state["months"] = rule.frame_ns, rule.offset_ns, rule.months
        else:
            self.state["rule"], self.state["threshold"] = rule.threshold(instrument, lot or Fraction(instrument.lot))

    def add(self, time_ns: np.ndarray, price_ticks: np.ndarray, qty_lots: np.ndarray, side: np.ndarray) -> np.ndarray:
        """Add trades; return the bars that they complete: ndarray of BAR.

        Parameters
        ----------
        time_ns, price_ticks, qty_lots : ndarray of int64, shape (n,)
            In order of time.
        side : ndarray of int8, shape (n,)
            +1 where the aggressor bought, -1 where he sold.

        Raises
        ------
        Misuse
            When a trade is earlier than one before it.
        """
        last = int(self.state["last_ns"][0])
        if len(time_ns) and (int(time_ns[0]) < last or np.any(np.diff(time_ns) < 0)):
            raise Misuse(
                f"a trade is earlier than one before it, at {time_text(max(last, int(time_ns[0])))}",
                remedy="give trades in order of time",
            )
        out = np.zeros(len(time_ns), BAR)
        made = build_bars(self.state, time_ns, price_ticks, qty_lots, side, out)
        return out[:made].copy()

    def finish(self, known_ns: int) -> np.ndarray:
        """Return the open bar by time when no trade before its close is still to come: ndarray of BAR, 0 or 1 of them."""
        out = np.zeros(1, BAR)
        return out[: finish_bar(self.state, known_ns, out)]


def bars_of_trades(
    trades: Trades, rule: Timeframe | BarRule, *, venue: str, symbol: str, grid: Grid, known_ns: int, notes: tuple[str, ...] = ()
) -> Bars:
    """Make bars of trades whose prices and amounts are floats.

    Volumes are sums of whole multiples of the step that all amounts lie on, divided once: no rounding error adds up.

    Parameters
    ----------
    trades : Trades
    rule : Timeframe or BarRule
    venue, symbol : str
    grid : Grid
        Steps that were given; others are inferred.
    known_ns : int
        See `bars_of_ticks`.

    Raises
    ------
    Misuse
        When a price is off the tick, or the amounts lie on no decimal grid.
    """
    step = infer_lot(trades.amount)
    if step is None:
        raise Misuse(
            f"{trades.source}: the amounts lie on no decimal grid of at most 8 decimals",
            remedy="round them to what the venue trades in",
        )
    instrument, found = make_instrument(venue, symbol, trades.price, trades.amount, grid)
    off = ~on_grid(trades.price, instrument.tick)
    if off.any():
        i = int(np.argmax(off))
        raise Misuse(
            f"{trades.source}, row {i}, {time_text(int(trades.time_ns[i]))}: price {trades.price[i]} is off the tick "
            f"{instrument.tick:f}",
            remedy="give a finer tick=, or none to infer it",
        )
    columns = (trades.time_ns, units(trades.price, instrument.tick), units(trades.amount, step), trades.side)
    return bars_of_ticks(instrument, columns, rule, known_ns=known_ns, source=trades.source, step=step, notes=(*notes, *found))


def bars_of_ticks(
    instrument: Instrument,
    columns: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    rule: Timeframe | BarRule,
    *,
    known_ns: int,
    source: str,
    step: Decimal | None = None,
    notes: tuple[str, ...] = (),
) -> Bars:
    """Make bars of trades in ticks and lots.

    Parameters
    ----------
    instrument : Instrument
    columns : tuple of ndarray
        Time in ns, price in ticks, quantity in `step`, side of the aggressor; see `BarBuilder.add`.
    rule : Timeframe or BarRule
    known_ns : int
        No trade before this is missing; a bar by time that closes later is open, and left out.
    source : str
    step : Decimal, optional
        What quantities are counted in, where that is not the instrument's lot.
    """
    step = step or instrument.lot
    _refuse_overflow(source, columns[1], columns[2])
    builder = BarBuilder(rule, instrument, Fraction(step))
    rows = np.concatenate([builder.add(*columns), builder.finish(known_ns)])
    volume = _floats(rows["volume_lots"], step)
    timed = rule if isinstance(rule, Timeframe) else None
    gaps = find_gaps(rows, timed) if timed else ()
    return Bars(
        instrument=instrument,
        timeframe=rule.name,
        frame_ns=timed.frame_ns if timed else 0,
        rows=_in_lots(rows, step, instrument),
        volume=volume,
        source=source,
        gaps=gaps,
        notes=(*notes, *(("where there was no trade there is no bar",) if gaps else ())),
    )


def _refuse_overflow(source: str, ticks: np.ndarray, lots: np.ndarray) -> None:
    if len(ticks) == 0:
        raise Misuse(f"{source} holds no trade", remedy="give a source that holds some")
    if int(ticks.max()) * int(lots.max()) >= VALUE_MAX or float(lots.sum(dtype=np.float64)) >= VALUE_MAX:
        raise Misuse(f"{source}: the trades' values overflow", remedy="give a coarser tick=, or fewer trades")


def _floats(lots: np.ndarray, step: Decimal) -> np.ndarray:
    part = Fraction(step)
    return np.asarray(lots * float(part.numerator) / float(part.denominator))


def _in_lots(rows: np.ndarray, step: Decimal, instrument: Instrument) -> np.ndarray:
    """Quantities in multiples of `step` as the nearest whole lots."""
    ratio = Fraction(step) / Fraction(instrument.lot)
    if ratio == 1:
        return rows
    for name in ("volume_lots", "buy_lots"):
        exact = rows[name].astype(object) * ratio.numerator
        rows[name] = ((2 * exact + ratio.denominator) // (2 * ratio.denominator)).astype(np.int64)
    return rows
