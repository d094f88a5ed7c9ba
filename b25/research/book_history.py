"""The book and the prints of a stretch of time, as pictures: where quantity rested, and who took it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from b25.kernels.annotate_book import apply_rows
from b25.kernels.book import make_ladder
from b25.kernels.book_reads import top
from b25.market.tape import Tape
from b25.model.book import LEVEL
from b25.model.errors import Misuse
from b25.model.event import NO_ASK_TICKS, NO_BID_TICKS, TRADE

if TYPE_CHECKING:
    from b25.analytics.series import FillSeries

COLUMNS = 600


def touch_between(tape: Tape, start_ns: int, end_ns: int) -> np.ndarray:
    """Messages of a stretch of time at which both sides had a best price; Misuse when there are fewer than two."""
    times = tape.messages["local_ns"]
    low, high = np.searchsorted(times, [start_ns, end_ns + 1])
    rows = tape.messages[low:high]
    rows = rows[(rows["bid_ticks"] != NO_BID_TICKS) & (rows["ask_ticks"] != NO_ASK_TICKS)]
    if rows.size < 2:
        raise Misuse("there is no book in that stretch of time", remedy="give a start and a later end within the data")
    return np.asarray(rows)


def plot_book_between(
    tape: Tape, start_ns: int, end_ns: int, *, ticks: int, fills: FillSeries | None = None, theme: str = "light"
) -> Any:
    """Draw resting quantity by time and price.

    Parameters
    ----------
    tape : Tape
    start_ns, end_ns : int
        Of the trader's clock.
    ticks : int
        How far beyond the best prices the picture reaches.
    fills : FillSeries, optional
        Our executions.
    theme : {"light", "dark"}
    """
    from b25.analytics.book_plots import plot_book_heatmap

    rows = touch_between(tape, start_ns, end_ns)
    low, high = int(rows["bid_ticks"].min()) - ticks, int(rows["ask_ticks"].max()) + ticks
    first, last = int(rows["local_ns"][0]), int(rows["local_ns"][-1])
    times = first + np.linspace(0, last - first, COLUMNS).astype(np.int64)  # a float holds no nanoseconds of the epoch
    instrument = tape.instrument
    record = instrument.record()[0]
    prices = np.arange(low, high + 1) * record["tick_num"] / record["tick_den"]
    places = np.searchsorted(rows["local_ns"], times, side="right") - 1
    return plot_book_heatmap(
        times,
        prices,
        resting(tape, times, low, high) * record["lot_num"] / record["lot_den"],
        bid=prices[rows["bid_ticks"][places] - low],
        ask=prices[rows["ask_ticks"][places] - low],
        fills=fills,
        quote=instrument.quote,
        base=instrument.base,
        title=f"{instrument.symbol}: the book over time",
        theme=theme,  # type: ignore[arg-type]
    )


def resting(tape: Tape, times_ns: np.ndarray, low_ticks: int, high_ticks: int) -> np.ndarray:
    """Lots resting at each time and price, int64 of shape (n_times, high_ticks - low_ticks + 1)."""
    ends = np.searchsorted(tape.messages["local_ns"], times_ns, side="right")
    stops = np.where(ends > 0, tape.messages["row_end"][np.maximum(ends, 1) - 1], 0)
    ladder, applied = make_ladder(), 0
    out = np.zeros((len(times_ns), high_ticks - low_ticks + 1), np.int64)
    for column, stop in enumerate(stops.tolist()):
        apply_rows(tape.levels[applied:stop], stop - applied, *ladder.book)
        applied = stop
        for side_index in (0, 1):
            levels = np.zeros(out.shape[1], LEVEL)
            seen = levels[: top(*ladder.book, side_index, levels)]
            seen = seen[(seen["price_ticks"] >= low_ticks) & (seen["price_ticks"] <= high_ticks)]
            out[column, seen["price_ticks"] - low_ticks] += seen["qty_lots"]
    return out


def plot_trades_between(tape: Tape, start_ns: int, end_ns: int, *, theme: str = "light") -> Any:
    """Draw the touch, the prints on it by size and side, and how much was bought less sold since the start."""
    from b25.analytics.series import TimeSeries
    from b25.analytics.trade_plots import plot_prints

    rows = touch_between(tape, start_ns, end_ns)
    instrument = tape.instrument
    record = instrument.record()[0]
    tick, lot = record["tick_num"] / record["tick_den"], record["lot_num"] / record["lot_den"]
    prints = rows[rows["kind"] == TRADE]
    return plot_prints(
        TimeSeries(rows["local_ns"], rows["bid_ticks"] * tick),
        TimeSeries(rows["local_ns"], rows["ask_ticks"] * tick),
        prints["local_ns"],
        prints["price_ticks"] * tick,
        prints["qty_lots"] * lot * prints["side"],
        quote=instrument.quote,
        base=instrument.base,
        title=f"{instrument.symbol}: trades on the touch",
        theme=theme,  # type: ignore[arg-type]
    )
