"""Picture of the public trades: each print on the touch it met, and the flow they add up to."""

from __future__ import annotations

import numpy as np

from b25.analytics.metric import FloatArray, IntArray
from b25.analytics.palette import Theme
from b25.analytics.picture import Picture, canvas, head, line, seconds, time_axis, value_axis
from b25.analytics.series import TimeSeries

AREA_MAX = 260.0  # points² of the largest print


def plot_prints(
    bid: TimeSeries,
    ask: TimeSeries,
    time_ns: IntArray,
    prices: FloatArray,
    signed: FloatArray,
    *,
    quote: str = "",
    base: str = "",
    title: str = "Trades on the touch",
    theme: Theme = "light",
) -> Picture:
    """Prints as dots whose area is their quantity, over the touch; below, what was bought less what was sold.

    Parameters
    ----------
    bid, ask : TimeSeries
        Best prices; the first one's times span the picture.
    time_ns : ndarray of int64, shape (n,)
        When each trade was known, in order.
    prices : ndarray of float64, shape (n,)
        At which they traded.
    signed : ndarray of float64, shape (n,)
        Base units; positive where the aggressor bought, negative where it sold.
    quote, base : str
        Units.
    title : str
        Above the picture.
    theme : {"light", "dark"}
        Which colours.
    """
    start, end = int(bid.time_ns[0]), int(bid.time_ns[-1])
    with canvas(10.0, 5.0, theme) as (figure, palette):
        top, below = figure.subplots(2, 1, sharex=True, height_ratios=[2.6, 1])
        line(top, bid, start, palette.buy, width=0.9)
        line(top, ask, start, palette.sell, width=0.9)
        largest = float(np.max(np.abs(signed), initial=0.0)) or 1.0
        for side, colour, word in ((1, palette.buy, "bought"), (-1, palette.sell, "sold")):
            mine = np.sign(signed) == side
            area = np.maximum(np.abs(signed[mine]) / largest * AREA_MAX, 3.0)
            top.scatter(
                seconds(time_ns[mine], start), prices[mine], s=area, color=colour, alpha=0.45, linewidths=0, zorder=3,
                label=f"aggressor {word}",
            )  # fmt: skip
        low, high = top.get_ylim()
        top.set_ylim(low, high + 0.12 * (high - low))  # room for the legend
        legend = top.legend(loc="upper left", ncols=2, labelcolor=palette.muted)
        for handle in legend.legend_handles:
            handle.set_sizes([40.0])
        head(top, title, quote, palette)
        value_axis(top)
        flow = TimeSeries(np.append(start, time_ns), np.append(0.0, np.cumsum(signed)))
        line(below, flow, start, palette.position, base=0.0)
        head(below, "bought less sold since the start", base, palette)
        value_axis(below, count=4)
        time_axis(top, start, end, palette, labels=False)
        time_axis(below, start, end, palette)
        return Picture(figure)
