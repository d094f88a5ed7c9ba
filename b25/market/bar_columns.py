"""From columns of floats to bars: every fault that makes them useless is named with its row, its time and its remedy."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from b25.market.bar_grid import Grid, make_instrument, on_grid, units
from b25.market.bars import Bars, find_gaps
from b25.market.timeframe import Timeframe, timeframe_of_spacing
from b25.market.timerange import length_text, time_text
from b25.model.bar import BAR
from b25.model.errors import Misuse
from b25.model.instrument import Instrument

PRICES = ("open", "high", "low", "close")


@dataclass(frozen=True, slots=True)
class Columns:
    """Bars as a source has them.

    Attributes
    ----------
    open_ns : ndarray of int64, shape (n,)
        When each bar opens.
    open, high, low, close, volume : ndarray of float64, shape (n,)
        In quote and base units.
    buy_volume : ndarray of float64, shape (n,), or None
        Of the volume, what aggressors bought.
    source : str
        What faults are named after.
    first_row : int
        Number of the first row as a reader of the source counts it.
    """

    open_ns: np.ndarray
    open: np.ndarray
    high: np.ndarray
    low: np.ndarray
    close: np.ndarray
    volume: np.ndarray
    source: str
    buy_volume: np.ndarray | None = None
    first_row: int = 0

    def __len__(self) -> int:
        return len(self.open_ns)

    @property
    def quantities(self) -> np.ndarray:
        """All quantities of all bars."""
        return self.volume if self.buy_volume is None else np.concatenate([self.volume, self.buy_volume])

    @property
    def prices(self) -> np.ndarray:
        """All four prices of all bars, one after another."""
        return np.concatenate([self.open, self.high, self.low, self.close])

    def part(self, inside: np.ndarray | slice) -> "Columns":
        """Return some of the rows."""
        return Columns(
            **{name: getattr(self, name)[inside] for name in ("open_ns", *PRICES, "volume")},
            source=self.source,
            buy_volume=None if self.buy_volume is None else self.buy_volume[inside],
            first_row=self.first_row,
        )


def spacing(open_ns: np.ndarray) -> Timeframe | None:
    """Return the timeframe whose length apart more than half of the bars are; None when there is none."""
    steps, counts = np.unique(np.diff(open_ns), return_counts=True)
    if len(steps) == 0 or 2 * counts.max() <= counts.sum():
        return None
    most = int(steps[np.argmax(counts)])
    return timeframe_of_spacing(most) if most > 0 else None


def refuse_bad_bars(bars: Columns, frame: Timeframe) -> None:
    """Raise Misuse at the first fault of the first kind that there is.

    Not a number, a price that is not positive, a volume below 0, times that repeat or go back, bars that overlap or are off
    the timeframe's grid, and a high or low that its own open or close is outside of.
    """
    _refuse_bad_numbers(bars)
    _refuse_bad_times(bars, frame)
    top, bottom = np.maximum(bars.open, bars.close), np.minimum(bars.open, bars.close)
    for name, wrong, side in (("high", bars.high < top, "below"), ("low", bars.low > bottom, "above")):
        _refuse_values(
            bars, name, wrong, f"is {side} its own open or close", "check the columns' names; correct or remove the row"
        )


def _refuse_bad_numbers(bars: Columns) -> None:
    remove = "correct the row or remove it (it is then a gap)"
    for name in (*PRICES, "volume"):
        _refuse_values(bars, name, ~np.isfinite(getattr(bars, name)), "is no finite number", remove)
    for name in PRICES:
        _refuse_values(bars, name, getattr(bars, name) <= 0, "is not positive", remove)
    _refuse_values(bars, "volume", bars.volume < 0, "is negative", "correct the row or set the volume to 0")
    bought = bars.buy_volume
    if bought is not None:
        _refuse_values(bars, "buy_volume", ~((bought >= 0) & (bought <= bars.volume)), "is not from 0 to the volume", remove)


def _refuse_bad_times(bars: Columns, frame: Timeframe) -> None:
    times = bars.open_ns
    steps = np.diff(times, prepend=times[:1] - 1)
    _refuse(
        bars,
        steps < 0,
        lambda i: f"the time is earlier than the row before it, {time_text(times[i - 1])}",
        "sort the rows by time, e.g. frame.sort('date')",
    )
    _refuse(bars, steps == 0, lambda i: "the time is that of the row before it", "remove one of the two rows")
    off = frame.open_of(times) != times
    if len(times) > 1 and frame.months == 0:
        close = (steps < frame.frame_ns) & (np.arange(len(times)) > 0)
        _refuse(
            bars,
            close,
            lambda i: (
                f"the bar opens {length_text(int(steps[i]))} after the one before it, so that two bars of {frame.name} overlap"
            ),
            f"remove one of the two, or read them as the timeframe that they are, not as {frame.name}",
        )
        apart = np.flatnonzero(steps[1:] % frame.frame_ns) + 1
        if len(apart) and not off[0]:
            _refuse(
                bars,
                np.isin(np.arange(len(times)), apart),
                lambda i: f"the bar opens {length_text(int(steps[i]))} after the one before it, no multiple of {frame.name}",
                "correct its time or remove the row",
            )
    _refuse(
        bars,
        off,
        lambda i: f"no bar of {frame.name} opens at this time; the nearest opens at {time_text(frame.open_of(int(times[i])))}",
        "bars are labelled by their open, in UTC, weeks by Monday and months by the 1st: correct the times or the timeframe",
    )


def make_bars(bars: Columns, frame: Timeframe, instrument: Instrument, notes: tuple[str, ...] = ()) -> Bars:
    """Check the columns and put them on an instrument's grid.

    Raises
    ------
    Misuse
        See `refuse_bad_bars`; and for a price off the tick.
    """
    refuse_bad_bars(bars, frame)
    _refuse_off_tick(bars, instrument.tick)
    most = float(instrument.price_ticks_max * instrument.tick)
    _refuse_values(bars, "high", bars.high > most, f"is above {most}, the most at this tick", "give a coarser tick=")
    rows = np.zeros(len(bars), BAR)
    rows["open_ns"], rows["close_ns"] = bars.open_ns, frame.next_open(bars.open_ns)
    for name in PRICES:
        rows[f"{name}_ticks"] = units(getattr(bars, name), instrument.tick)
    rows["volume_lots"] = units(bars.volume, instrument.lot)
    rows["buy_lots"] = -1 if bars.buy_volume is None else units(bars.buy_volume, instrument.lot)
    idle = int(np.count_nonzero(bars.volume == 0))
    if idle:
        notes = (*notes, f"{idle:,} of {len(rows):,} bars have no volume; no order is filled against a volume of 0")
    return Bars(
        instrument=instrument,
        timeframe=frame.name,
        frame_ns=frame.frame_ns,
        rows=rows,
        volume=np.ascontiguousarray(bars.volume),
        source=bars.source,
        gaps=find_gaps(rows, frame),
        notes=notes,
    )


def infer_bars(bars: Columns, frame: Timeframe, venue: str, symbol: str, grid: Grid, notes: tuple[str, ...] = ()) -> Bars:
    """Check the columns, find the instrument's grid, and make bars of them. Raises Misuse; see `make_bars`."""
    refuse_bad_bars(bars, frame)
    if grid.tick is not None:
        _refuse_off_tick(bars, grid.tick)
    instrument, found = make_instrument(venue, symbol, bars.prices, bars.quantities, grid)
    return make_bars(bars, frame, instrument, (*notes, *found))


def _refuse_off_tick(bars: Columns, tick: Decimal) -> None:
    for name in PRICES:
        off = ~on_grid(getattr(bars, name), tick)
        _refuse_values(bars, name, off, f"is off the tick {tick:f}", "give a finer tick=, or none to infer it")


def _refuse_values(bars: Columns, name: str, wrong: np.ndarray, text: str, remedy: str) -> None:
    values = getattr(bars, name)
    _refuse(bars, wrong, lambda i: f"{name} {values[i]} {text}", remedy)


def _refuse(bars: Columns, wrong: np.ndarray, say: Callable[[int], str], remedy: str) -> None:
    if not wrong.any():
        return
    i = int(np.argmax(wrong))
    count = int(np.count_nonzero(wrong))
    more = f" ({count:,} such rows)" if count > 1 else ""
    raise Misuse(f"{bars.source}, row {bars.first_row + i}, {time_text(int(bars.open_ns[i]))}: {say(i)}{more}", remedy=remedy)
