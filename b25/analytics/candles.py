"""Bars as a picture needs them: open, high, low and close over a span, and fewer of them where there is no room."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from b25.analytics.metric import FloatArray, IntArray
from b25.analytics.series import TimeSeries
from b25.model.errors import Misuse

COLUMNS = ("open", "high", "low", "close")


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Candles:
    """Bars of one instrument, oldest first.

    Parameters
    ----------
    open_ns, close_ns : ndarray of int64, shape (n,)
        Span of each bar, UTC epoch; the end is not part of it.
    open, high, low, close : ndarray of float64, shape (n,)
        Quote units. A bar with a price that is not a number is left out.
    volume : ndarray of float64, shape (n,), optional
        Base units.

    Raises
    ------
    Misuse
        For unequal lengths, or bars that are not in order.
    """

    open_ns: IntArray
    close_ns: IntArray
    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    volume: FloatArray | None = None

    def __post_init__(self) -> None:
        times = np.asarray(self.open_ns, np.int64)
        columns: dict[str, npt.NDArray[np.generic]] = {"open_ns": times, "close_ns": np.asarray(self.close_ns, np.int64)}
        for name in (*COLUMNS, "volume"):
            if getattr(self, name) is not None:
                columns[name] = np.asarray(getattr(self, name), np.float64)
        for name, column in columns.items():
            if column.shape != times.shape:
                raise Misuse(f"candles: {times.size} times and {column.size} of {name}", remedy="give arrays of one length")
        back = np.flatnonzero(np.diff(times) < 0)
        if back.size:
            raise Misuse(f"candles: time runs backwards at bar {int(back[0]) + 1}", remedy="sort them by time")
        known = np.ones(times.size, np.bool_)
        for name in COLUMNS:
            known &= np.isfinite(columns[name].astype(np.float64))
        for name, column in columns.items():
            object.__setattr__(self, name, column if bool(known.all()) else column[known])

    @classmethod
    def of(cls, rows: npt.NDArray[np.void]) -> Self:
        """Candles from rows with the fields of `BAR_VIEW`."""
        prices = {name: rows[name].astype(np.float64) for name in COLUMNS}
        return cls(open_ns=rows["open_ns"].copy(), close_ns=rows["close_ns"].copy(), volume=rows["volume"].copy(), **prices)

    @property
    def size(self) -> int:
        """Number of bars."""
        return int(self.open_ns.size)

    def between(self, start_ns: int, end_ns: int) -> Candles:
        """Bars that begin and end within a span."""
        first = int(np.searchsorted(self.open_ns, start_ns, side="left"))
        last = max(first, int(np.searchsorted(self.close_ns, end_ns, side="right")))
        return self._rows(first, last)

    def _rows(self, first: int, last: int) -> Candles:
        return Candles(
            open_ns=self.open_ns[first:last],
            close_ns=self.close_ns[first:last],
            open=self.open[first:last],
            high=self.high[first:last],
            low=self.low[first:last],
            close=self.close[first:last],
            volume=None if self.volume is None else self.volume[first:last],
        )

    def merged(self, count: int) -> tuple[Candles, int]:
        """At most so many bars, each of equally many of these, and how many that is.

        Notes
        -----
        A merged bar opens with its first, closes with its last, and spans the extremes of all: no price is lost.
        """
        each = max(1, -(-self.size // max(1, count)))
        if each == 1:
            return self, 1
        begins = np.arange(0, self.size, each)
        ends = np.append(begins[1:], self.size) - 1
        return Candles(
            open_ns=self.open_ns[begins],
            close_ns=self.close_ns[ends],
            open=self.open[begins],
            high=np.maximum.reduceat(self.high, begins),
            low=np.minimum.reduceat(self.low, begins),
            close=self.close[ends],
            volume=None if self.volume is None else np.add.reduceat(self.volume, begins),
        ), each

    @property
    def closes(self) -> TimeSeries:
        """Each close, from the moment on at which it is known."""
        return TimeSeries(self.close_ns, self.close)


def by_name(bars: Candles | Mapping[str, Candles] | Sequence[Candles] | None, names: Sequence[str]) -> dict[str, Candles]:
    """Candles by the name of their instrument.

    Parameters
    ----------
    bars : Candles, sequence or mapping of them, optional
        Of the first instrument; of each, in order; or of those that are named.
    names : sequence of str
        Names of the instruments in order.
    """
    if bars is None:
        return {}
    if isinstance(bars, Candles):
        bars = [bars]
    if isinstance(bars, Mapping):
        return dict(bars)
    return dict(zip(names, bars, strict=False))
